import Foundation
import Testing

@testable import Mail

private func read(_ header: String, _ body: [UInt8]) -> IncomingMessage {
    MessageReader.read(Data("From: kim@harbour.example\nSubject: Pump\n\(header)\n\n".utf8) + Data(body))
}
private func read(_ header: String, _ body: String) -> IncomingMessage { read(header, Array(body.utf8)) }

private func shown(_ message: IncomingMessage) -> String {
    message.text.trimmingCharacters(in: .whitespacesAndNewlines)
}

@Suite("What programs write oddly is read as it was meant")
struct OddMessagesTests {
    @Test(
        "every sign that ends a line or a page ends a line",
        arguments: ["\u{0B}", "\u{0C}", "\u{85}", "\u{2028}", "\u{2029}"])
    func lineEnds(sign: String) {
        let found = read("Content-Type: text/plain; charset=utf-8", "Good day\(sign)line two\(sign)line three")
        #expect(shown(found) == "Good day\nline two\nline three")
    }

    @Test(
        "line ends that a style keeps are kept in the text and on the page",
        arguments: [
            "<div style=\"white-space:pre-wrap\">one\ntwo\nthree</div>",
            "<div style=\"color: red; white-space : pre-line;\"><b>one\ntwo\nthree</b></div>",
            "<p style='WHITE-SPACE: pre'>one\ntwo\nthree</p>",
            "<span style='white-space: normal'><span style='white-space: break-spaces'>one\ntwo\nthree</span></span>",
        ])
    func keptLines(html: String) {
        #expect(HTMLText.plain(html) == "one\ntwo\nthree")
        let clean = HTMLSanitizer.clean(html).text
        #expect(clean.contains("one<br>two<br>three") && HTMLSanitizer.clean(clean).text == clean)
    }

    @Test(
        "line ends that no style keeps are blanks",
        arguments: [
            "<p>one\ntwo</p>", "<p style=\"white-space: nowrap\">one\ntwo</p>",
            "<div style=\"white-space: pre\"><p style=\"white-space: normal\">one\ntwo</p></div>",
        ])
    func foldedLines(html: String) { #expect(HTMLText.plain(html) == "one two") }

    @Test("lines of two charsets are each read in their own")
    func twoCharsets() {
        let words = Array("Gr".utf8) + [0xF6, 0xDF] + Array("e fehlt.\n".utf8)
        let below = "Hinweis: für Empfänger „nur“ übermäßig größer"
        for body in [words + Array(below.utf8), Array("\(below)\n".utf8) + words] {
            let found = read("Content-Type: text/plain; charset=iso-8859-1", body)
            #expect(found.text.contains("Größe fehlt.") && found.text.contains(below))
        }
        let alone = read("Content-Type: text/plain; charset=iso-8859-1", [0xC3, 0x20, 0xDF, 0x20, 0xE9, 0x0A, 0xF6])
        #expect(alone.text.contains("Ã ß é"))
    }

    @Test("a text whose encoding is said nowhere is decoded where it can't be meant as it stands")
    func unnamedEncoding() {
        let words = String(repeating: "Die Tür von Größe 7 klemmt, bitte kommen Sie. ", count: 5)
        let lines = Data(words.utf8).base64EncodedString(options: [.lineLength76Characters, .endLineWithLineFeed])
        #expect(
            shown(read("Content-Type: text/plain; charset=utf-8", lines)) == words.trimmingCharacters(in: .whitespaces))
        let quoted = "Gr=C3=B6=C3=9Fe fehlt, die T=C3=BCr schlie=C3=9Ft nicht, =\nbitte kommen."
        #expect(
            shown(read("Content-Type: text/plain; charset=utf-8", quoted))
                == "Größe fehlt, die Tür schließt nicht, bitte kommen.")
        for asIs in [
            "x=1, y=C3", "https://x.example/?a=C3&b=B6", "Größe =C3=B6", "a =\nb", "SGVsbG8=",
            "0123456789012345678901234567890123456789012345678901234567890123\nand words",
        ] {
            let found = read("Content-Type: text/plain; charset=utf-8", asIs)
            #expect(shown(found) == asIs && found.faults.isEmpty)
        }
    }

    @Test("HTML that leaves its equal signs bare is decoded all the same")
    func bareEqualSigns() {
        let found = read(
            "Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable",
            "<p align=\"left\"><b class=\"x\">Gr=C3=B6=C3=9Fe</b> <a href=\"https://x.example/?a=1\" id=\"b\" title=\"c\">7</a></p>"
        )
        #expect(found.text == "Größe 7")
    }

    @Test(
        "a page that is called plain text is a page",
        arguments: [
            "<html><body><p>The <b>pump</b> leaks.</p></body></html>",
            "\n<!DOCTYPE html>\n<p>The <b>pump</b> leaks.</p>",
        ])
    func page(html: String) {
        #expect(shown(read("Content-Type: text/plain", html)) == "The pump leaks.")
        let parts = "--b\nContent-Type: text/plain\n\n\(html)\n--b\nContent-Type: text/html\n\n\(html)\n--b--\n"
        #expect(shown(read("Content-Type: multipart/alternative; boundary=b", parts)) == "The pump leaks.")
        #expect(shown(read("Content-Type: text/plain", "<html is what I see on the page")).hasPrefix("<html is"))
    }

    @Test("rich text is read", arguments: ["text/rtf", "application/rtf"])
    func richText(type: String) {
        let rtf = "{\\rtf1\\ansi\\ansicpg1252 The pump l\\'e4uft\\par Bye}"
        #expect(shown(read("Content-Type: \(type)", rtf)) == "The pump läuft\nBye")
        let both = "--b\nContent-Type: text/plain\n\nThe pump runs.\n--b\nContent-Type: \(type)\n\n\(rtf)\n--b--\n"
        #expect(shown(read("Content-Type: multipart/alternative; boundary=b", both)) == "The pump runs.")
    }

    @Test(
        "a field named From is no line of a mailbox file",
        arguments: [
            "From : kim@harbour.example", "From\t:kim@harbour.example",
            "From kim@harbour.example Mon Nov 30 10:00:00 2026\nFrom: kim@harbour.example",
        ])
    func mailboxLine(line: String) {
        let found = MessageReader.read(Data("\(line)\nSubject : Pump\n\nIt leaks.".utf8))
        #expect(found.from?.address == "kim@harbour.example" && found.subject == "Pump")
    }

    @Test("a subject that was encoded twice is decoded twice, and one that speaks of it stays")
    func subjectTwice() {
        let once = "=?utf-8?B?\(Data("Größe 7".utf8).base64EncodedString())?="
        let twice = "=?utf-8?B?\(Data(once.utf8).base64EncodedString())?="
        for (subject, wanted) in [
            (once, "Größe 7"), (twice, "Größe 7"), ("Why is =?utf-8?Q?a?= here", "Why is a here"),
        ] {
            #expect(MessageReader.read(Data("Subject: \(subject)\n\nx".utf8)).subject == wanted)
        }
    }

    @Test(
        "a stroke within a file's name is the writer's",
        arguments: [
            ("Rechnung 5/2026.pdf", "Rechnung 5-2026.pdf"), ("AC\\\\DC.mp3", "AC-DC.mp3"), ("plan/b.pdf", "plan-b.pdf"),
            ("/home/kim/plan.pdf", "plan.pdf"), ("C:\\\\Users\\\\kim\\\\plan.pdf", "plan.pdf"),
            ("../plan.pdf", "plan.pdf"),
            ("\\\\\\\\server\\\\plan.pdf", "plan.pdf"), ("~/plan.pdf", "plan.pdf"), ("a/../plan.pdf", "plan.pdf"),
        ])
    func strokes(given: String, name: String) {
        let found = read(
            "Content-Type: multipart/mixed; boundary=b",
            "--b\n\nsee\n--b\nContent-Type: application/pdf\nContent-Disposition: attachment; filename=\"\(given)\"\n\nx\n--b--\n"
        )
        #expect(found.attachments.map(\.name) == [name])
    }

    @Test(
        "further forms of the same words are no files",
        arguments: ["text/x-amp-html", "text/vnd.google.email-reaction+json", "text/enriched", "text/x-unknown"])
    func forms(type: String) {
        let found = read(
            "Content-Type: multipart/alternative; boundary=b",
            "--b\nContent-Type: text/plain\n\nThe pump leaks.\n--b\nContent-Type: \(type)\n\n<b>{\"emoji\"}</b>\n--b--\n"
        )
        #expect(shown(found) == "The pump leaks." && found.attachments.isEmpty)
    }

    @Test("the control part of an encrypted message is no file, and a signature has a name")
    func controlParts() {
        let encrypted = read(
            "Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=b",
            "--b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n--b\nContent-Type: application/octet-stream; name=\"x.asc\"\n\nsecret\n--b--\n"
        )
        #expect(encrypted.attachments.map(\.name) == ["x.asc"])
        let signed = read(
            "Content-Type: multipart/signed; boundary=b",
            "--b\n\nThe pump leaks.\n--b\nContent-Type: application/pgp-signature\n\nx\n--b--\n")
        #expect(signed.attachments.map(\.name) == ["attachment-1.asc"])
    }

    @Test(
        "what a signature says that nobody has seen stays in view",
        arguments: [
            "Please call me on the number below.\n\n--\nKim\nNew number 0171 5551234",
            "Please deliver to:\n\n--\nKim Ito\nHafenstr. 12\n20457 Hamburg",
            "My names are:\n\n-- \nKim Ito\nHarbour Ltd",
            "Here it is：\n--\nKim Ito",
        ])
    func signature(text: String) {
        let held = KnownWords(texts: ["Which pump is it?"], names: ["Kim Ito"])
        #expect(QuotedText(text, knowing: held).quoted == nil)
        let before = KnownWords(texts: [text], names: ["Kim Ito"])
        #expect(QuotedText("Yes.\n\n--\nKim Ito\nHafenstr. 12\n20457 Hamburg", knowing: before).new.hasPrefix("Yes."))
        #expect(QuotedText("Yes.\n\n--\nKim Ito\nHarbour Ltd", knowing: held).new == "Yes.")
    }
}
