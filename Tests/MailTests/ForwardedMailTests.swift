import Foundation
import Testing

@testable import Mail

/// What an agent passes on, in the forms of many programs and languages.
@Suite("A mail that is passed on")
struct ForwardedMailTests {
    @Test(arguments: [
        (
            "Fwd: Printer",
            """
            Please look.\n\n---------- Forwarded message ---------\nFrom: Kim Ito \
            <kim@harbour.example>\nDate: Mon, 23 Nov 2026\nSubject: Printer broken\nTo: ada@desk.example\n\nIt is \
            broken.\nKim
            """
        ),
        (
            "WG: Printer",
            """
            Please look.\n\n-----Ursprüngliche Nachricht-----\nVon: Kim Ito \
            <kim@harbour.example>\nGesendet: Montag\nAn: Ada\nBetreff: Printer broken\n\nIt is broken.\nKim
            """
        ),
        (
            "Fw: Printer",
            """
            Please look.\n\nBegin forwarded message:\n\n> From: Kim Ito \
            <kim@harbour.example>\n> Subject: Printer broken\n> Date: 23 November 2026\n>\n\n> It is broken.\n> Kim
            """
        ),
        (
            "FW: Printer",
            """
            Please look.\n\n________________________________\nFrom: Kim Ito [mailto:kim@harbour.example]\nSent: \
            Monday\nTo: Ada\nSubject: Printer broken\n\nIt is broken.\nKim
            """
        ),
    ])
    func theOriginalIsFound(subject: String, text: String) throws {
        let found = try #require(ForwardedMail(subject: subject, text: text))
        #expect(found.from.address == "kim@harbour.example")
        #expect(found.subject == "Printer broken")
        #expect(found.comment == "Please look.")
        #expect(found.text == "It is broken.\nKim")
    }

    @Test func anAnswerIsNotOne() {
        #expect(
            ForwardedMail(subject: "Re: Printer", text: "From: Kim <kim@harbour.example>\nTo: a\nSubject: b\n\nHello")
                == nil)
        #expect(ForwardedMail(subject: "Fwd: Printer", text: "Nothing below.") == nil)
    }

    @Test(
        "the header ends where the fields end, however the program marks it",
        arguments: [
            "> From: Kim Ito <kim@harbour.example>\n> Subject: Pump\n> Date: 30 November 2026 at 16:04:11 CET\n> To: ada@desk.example\n> \n> It leaks.\n>\n> Kim",
            "> Von: Kim Ito <kim@harbour.example>\n> Datum: 30. November 2026 um 16:04:11 MEZ\n> An: ada@desk.example\n> Betreff: Pump\n>\t\n> \u{FEFF}It leaks.\n> \n> Kim",
            "From: Kim Ito <kim@harbour.example>\nSent: Monday, November 30, 2026 4:04 PM\nTo: Ada\nSubject: Pump\nIt leaks.\n\nKim",
            "From: Kim Ito <kim@harbour.example>\nSent: Monday, November 30, 2026 4:04 PM\nTo: Ada <ada@desk.example>,\n Ben <ben@desk.example>\nSubject: Pump\n\u{A0}\nIt leaks.\n\nKim",
            "-------- Forwarded Message --------\nSubject: \tPump\nDate: \tMon, 30 Nov 2026 16:04:11 +0100\nFrom: \tKim Ito <kim@harbour.example>\nTo: \tada@desk.example\n\n\nIt leaks.\n\nKim",
            "*De :* Kim Ito <kim@harbour.example>\n*Envoyé :* lundi 30 novembre 2026 16:04\n*À :* Ada\n*Objet :* Pump\n\nIt leaks.\n\nKim",
        ])
    func headers(text: String) throws {
        let found = try #require(ForwardedMail(subject: "Fwd: Pump", text: "Please look.\n\n\(text)"))
        #expect(found.from.address == "kim@harbour.example" && found.subject == "Pump")
        #expect(found.comment == "Please look." && found.text == "It leaks.\n\nKim")
    }

    @Test("fields that the writer filled in below the header stay with the words")
    func ownFields() throws {
        for fields in [
            "Error at: 12:45\nIt leaks.", "Order: 17\nMail me: kim@home.example", "Year: 2026 or 2027\n\nOil.",
        ] {
            let header = "From: Kim <kim@harbour.example>\nSent: Monday, 30 November 2026 16:04\nTo: Ada\nSubject: Pump"
            let found = try #require(ForwardedMail(subject: "FW: Pump", text: "\(header)\n\(fields)"))
            #expect(found.text == fields && found.from.address == "kim@harbour.example")
        }
    }

    @Test(
        "a mark of a language that nobody here knows counts where the original has that subject",
        arguments: [
            (
                "İLT: Pump",
                "Gönderen: Kim <kim@harbour.example>\nTarih: 30 Kas 2026 Pzt 16:04\nKonu: Pump\nAlıcı: ada@desk.example"
            ),
            (
                "TOVÁBBÍTÁS: Pump",
                "Feladó: Kim <kim@harbour.example>\nDátum: 2026. nov. 30. 16:04\nTárgy: Pump\nCímzett: ada@desk.example"
            ),
            ("转发：Pump", "发件人： Kim <kim@harbour.example>\n日期： 2026年11月30日 16:04\n收件人： ada@desk.example\n主题： Pump"),
            (
                "Redirecționare: Pump",
                "De la: Kim <kim@harbour.example>\nData: luni, 30 noiembrie 2026 16:04\nSubiect: Pump\nCătre: Ada"
            ),
            (
                "Përcjellë: Pump",
                "Nga: Kim <kim@harbour.example>\nDërguar: 30.11.2026 16:04\nPër: Ada <ada@desk.example>\nTema: Pump"
            ),
        ])
    func languages(subject: String, header: String) throws {
        let found = try #require(ForwardedMail(subject: subject, text: "Look.\n\n\(header)\n\nIt leaks."))
        #expect(found.from.address == "kim@harbour.example" && found.subject == "Pump")
        #expect(found.comment == "Look." && found.text.hasSuffix("It leaks."))
    }

    @Test("an answer is no forward in any language", arguments: ["RIF", "R", "AW", "Vá", "YNT", "ΑΠ", "回复", "Bls"])
    func answers(mark: String) {
        let header = "From: Kim <kim@harbour.example>\nSent: Monday, 30 November 2026 16:04\nTo: Ada\nSubject: Pump"
        #expect(ForwardedMail(subject: "\(mark): Pump", text: "Yes.\n\n\(header)\n\nIt leaks.") == nil)
    }

    @Test("what stands below a quoted original is the agent's own")
    func below() throws {
        let text =
            """
            Begin forwarded message:\n\n> From: Kim <kim@harbour.example>\n> Subject: Pump\n> Date: 30 November 2026 \
            16:04\n>\n> It leaks.\nsince Monday.\n> Kim\n\nHe called twice.
            """
        let found = try #require(ForwardedMail(subject: "Fwd: Pump", text: text))
        #expect(found.text == "It leaks.\nsince Monday.\nKim" && found.comment == "He called twice.")
    }

    @Test("who wrote is not looked for in an older mail below")
    func namedWithoutAddress() {
        let text =
            """
            From: Kim Ito\nSent: Monday, 30 November 2026 16:04\nTo: Ada\nSubject: Pump\n\nIt leaks.\n\nFrom: Lee \
            <lee@harbour.example>\nSent: Sunday, 29 November 2026 10:00\nTo: Kim\nSubject: Pump\n\nDoes it?
            """
        #expect(ForwardedMail(subject: "Fwd: Pump", text: text) == nil)
    }

    @Test(
        "a message passed on as a file speaks for its writer", arguments: ["", "\r\nContent-Transfer-Encoding: base64"])
    func enclosed(encoding: String) throws {
        let original = "From: Kim Ito <kim@harbour.example>\r\nSubject: Pump\r\n\r\nIt leaks."
        let file = encoding.isEmpty ? original : Data(original.utf8).base64EncodedString()
        for (subject, words) in [("Fwd: Pump", "Please look."), ("FW: Pump", ""), ("Weiter: Pump", "Please look.")] {
            let message = MessageReader.read(
                Data(
                    """
                    From: ada@desk.example\r\nSubject: \(subject)\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
                    --b\r\n\r\n\(words)\r\n--b\r\nContent-Type: message/rfc822\(encoding)\r\n\r\n\(file)\r\n--b--\r\n
                    """.utf8))
            let found = try #require(ForwardedMail(message))
            #expect(found.from.address == "kim@harbour.example" && found.from.name == "Kim Ito")
            #expect(found.subject == "Pump" && found.text == "It leaks." && found.comment == words)
        }
    }
}
