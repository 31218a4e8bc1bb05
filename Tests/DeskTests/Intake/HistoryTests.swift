import DeskTesting
import Domain
import Foundation
import Mail
import Testing

@testable import Desk

/// What of an answer is history is judged by what the desk holds; nothing else may get lost.
@Suite("New words and history")
struct HistoryTests {
    private struct Scene {
        let test: TestDesk
        let ada: Agent
        let ticket: Ticket
    }

    private func scene() async throws -> Scene {
        let test = try await TestDesk()
        let ada = try await test.hire("Ada")
        let ticket = try await test.open()
        try await test.act(on: ticket) { tx, ticket in try tx.claim(&ticket, by: ada) }
        try await test.act(on: ticket) { tx, ticket in
            _ = try tx.reply(
                to: &ticket, Writing("Which scanner is it, the old one?", type: .text), by: Actor(ada), files: [],
                source: .web)
        }
        try await test.settle()
        return Scene(test: test, ada: ada, ticket: ticket)
    }

    /// An answer to a mail of the desk, as it is kept.
    private func answer(_ scene: Scene, to mail: IncomingMessage, from: String, _ body: String) async throws -> Entry {
        _ = try await scene.test.receive(
            from: from, subject: "Re: \(mail.subject)", to: try #require(mail.replyTo.first).address,
            inReplyTo: mail.messageID, headers: ["Content-Type: text/plain; charset=utf-8"], body: body)
        return try #require(try await scene.test.entries(scene.ticket).last)
    }

    private func quoted(_ mail: IncomingMessage, marked: Bool) -> String {
        let sender = mail.from?.address ?? ""
        let text = mail.text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard marked else {
            return """
                From: Desk <\(sender)>
                Sent: Tuesday, 24 November 2026 10:00
                To: Kim Ito <\(TestDesk.kim)>
                Subject: \(mail.subject)

                \(text)
                """
        }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { "> \($0)" }
        return "On Tue, 24 Nov 2026 at 10:00, Desk <\(sender)> wrote:\n\n" + lines.joined(separator: "\n")
    }

    @Test("the whole mail of the desk is folded below a customer's answer", arguments: [true, false])
    func ordinary(marked: Bool) async throws {
        let scene = try await scene()
        let mail = try #require(scene.test.mail.to(TestDesk.kim).last)
        for words in ["The new one.", "And what now?"] {
            let entry = try await answer(
                scene, to: mail, from: TestDesk.kim, "\(words)\n\n\(quoted(mail, marked: marked))")
            #expect(entry.text == words && entry.quoted?.contains("the old one?") == true)
        }
    }

    @Test(
        "the mail of the desk is folded in whatever order its header stands, and below a line with dashes around it",
        arguments: [
            """
            Gesendet: Montag, 30. November 2026 um 16:04 Uhr
            Von: "Desk" <SENDER>
            An: kim@harbour.example
            Betreff: Re: Scanner
            """, "---- On Mon, 30 Nov 2026 16:04:11 +0100 Desk <SENDER> wrote ---",
        ])
    func forms(header: String) async throws {
        let scene = try await scene()
        let mail = try #require(scene.test.mail.to(TestDesk.kim).last)
        let above = header.replacingOccurrences(of: "SENDER", with: mail.from?.address ?? "")
        let entry = try await answer(
            scene, to: mail, from: TestDesk.kim, "The new one, please.\n\n\(above)\n\n\(mail.text)")
        #expect(entry.text == "The new one, please.")
    }

    @Test("what a customer adds to that mail stays in view", arguments: [true, false])
    func inside(marked: Bool) async throws {
        let scene = try await scene()
        let mail = try #require(scene.test.mail.to(TestDesk.kim).last)
        let quote = quoted(mail, marked: marked)
        let mark = marked ? "> " : ""
        for body in [
            quote.replacingOccurrences(of: "old one?", with: "old one?\n\(mark)Serial 4711."),
            "\(quote)\n\(mark)Serial 4711.",
        ] {
            let entry = try await answer(scene, to: mail, from: TestDesk.kim, "See below.\n\n\(body)")
            #expect(entry.text.contains("Serial 4711."), "\(body)")
        }
    }

    @Test("a customer's acknowledgement is known, also after the address is proved")
    func acknowledgement() async throws {
        let test = try await TestDesk()
        _ = try await test.hire("Ada")
        guard case .opened(let number) = try await test.receive(from: TestDesk.kim, subject: "Scanner", body: "White.")
        else { return #expect(Bool(false)) }
        try await test.settle()
        let scene = Scene(test: test, ada: try await test.hire("Bo"), ticket: try await test.ticket(number))
        let mail = try #require(test.mail.to(TestDesk.kim).last)
        for words in ["It is the old one.", "It is black now."] {
            let entry = try await answer(
                scene, to: mail, from: TestDesk.kim, "\(words)\n\n\(quoted(mail, marked: true))")
            #expect(entry.text == words)
        }
    }

    @Test(
        "all that an agent writes by mail reaches the customer",
        arguments: [
            "Send it here:\n\n----------\nName: Jo\nEmail: jo@shop.example\nPhone: 040 1234 4711\n----------\n\nBy Friday, 0815.",
            "He travels:\n\nFrom: Hamburg\nTo: Oslo\nDate: 12.12.2026\nSubject: Scanner 4711\n\nOpen gate 0815.",
            "The call:\n\n24.11.2026 10:22 Kim wrote: serial 4711\n24.11.2026 10:25 Ada wrote: order 0815\n\nRight?",
            "The maker says:\n\nOn Mon, 23 Nov 2026 at 10:00, Maker <m@maker.example> wrote:\n> Replace 4711.\n> Code 0815.",
            "Choose:\n-- \nkeep model 4711\nbuy model 0815",
        ])
    func agents(body: String) async throws {
        let scene = try await scene()
        let kims = try #require(scene.test.mail.to(TestDesk.kim).last)
        _ = try await answer(scene, to: kims, from: TestDesk.kim, "Every second page?\nAnd the third one?")
        try await scene.test.settle()
        let notice = try #require(scene.test.mail.to(scene.ada.email).last)
        _ = try await answer(scene, to: notice, from: scene.ada.email, "\(body)\n\n\(quoted(notice, marked: true))")
        try await scene.test.settle()
        let sent = try #require(scene.test.mail.to(TestDesk.kim).last)
        #expect(sent.text.contains("4711") && sent.text.contains("0815"))
        #expect(!sent.text.contains("/desk/tickets/"), "the agent's notice stays with the agent")
    }

    @Test("an agent's answers between the lines of the customer's mail reach the customer")
    func between() async throws {
        let scene = try await scene()
        let kims = try #require(scene.test.mail.to(TestDesk.kim).last)
        _ = try await answer(scene, to: kims, from: TestDesk.kim, "Every second page?\nAnd the third one?")
        try await scene.test.settle()
        let notice = try #require(scene.test.mail.to(scene.ada.email).last)
        let text = quoted(notice, marked: false).replacingOccurrences(of: "page?", with: "page?\nYes, 4711.")
        let words = "Hi Kim Ito,\n\nSee below.\n\nAda\n\n\(text)\nNo, 0815."
        // The second time within the quote, and in other words: what was sent once is known.
        let inside = words.replacingOccurrences(of: "\n", with: "\n> ").replacingOccurrences(of: "4711", with: "4712")
            .replacingOccurrences(of: "0815", with: "0816").replacingOccurrences(of: "below", with: "beneath")
        for (quote, new) in [(words, ["4711", "0815", "below"]), (inside, ["4712", "0816", "beneath"])] {
            _ = try await answer(scene, to: notice, from: scene.ada.email, quote)
            try await scene.test.settle()
            let sent = try #require(scene.test.mail.to(TestDesk.kim).last)
            for word in new { #expect(sent.text.contains(word), "\(sent.text)") }
            #expect(sent.text.contains("page?"), "what the customer asked stays")
            for line in notice.text.split(separator: "\n") where line.contains("/desk/") || line.hasPrefix("Hi ") {
                #expect(!sent.text.contains(line), "the agent's notice stays with the agent")
            }
        }
    }

    @Test(
        "an answer typed into the quote stays in view, also where it is a sign, a number or a word of its neighbour",
        arguments: [
            ("scanner is it, the old one?", "scanner is it, the old one? ☑"),
            ("scanner is it, the old one?", "scanner is it, the old one?\n✓"),
            ("- Tuesday\n- Wednesday", "- Tuesday\n- Wednesday\nWednesday"),
            ("It costs 1.250 a year", "It costs 12.50 a year"),
        ])
    func small(held: String, answered: String) async throws {
        let scene = try await scene()
        try await scene.test.act(on: scene.ticket) { tx, ticket in
            _ = try tx.reply(
                to: &ticket,
                Writing(
                    """
                    Please look at all of this before we order the parts for you:
                    \(held)
                    - Thursday, if nothing else is possible for you and your people
                    We wait for your answer, and until then nothing is ordered.
                    """, type: .text), by: Actor(scene.ada), files: [], source: .web)
        }
        try await scene.test.settle()
        let mail = try #require(scene.test.mail.to(TestDesk.kim).last)
        let text = quoted(mail, marked: false).replacingOccurrences(of: held, with: answered)
        #expect(text.contains(answered))
        let entry = try await answer(scene, to: mail, from: TestDesk.kim, "See below. Kim\n\n\(text)")
        #expect(entry.text.contains(answered), "\(entry.text)")
    }
}
