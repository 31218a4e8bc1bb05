import DeskTesting
import Domain
import Foundation
import Mail
import Markup
import Testing

@testable import Desk
@testable import Web

/// What only agents have read reaches no customer with an agent's emailed answer, on whatever way.
@Suite("An agent's emailed answer and the notice it quotes")
struct InsideTests {
    private static let secret = "never pays"
    private static let greeting = "Dear Kim, we come on Tuesday.\n\nAda"

    private struct Scene {
        let test: TestDesk
        let ada: Agent
        let ticket: Ticket
        let notice: IncomingMessage
    }

    private func scene() async throws -> Scene {
        let test = try await TestDesk()
        let (ada, eve) = (try await test.hire("Ada", .supervisor, departments: ["Support"]), try await test.hire("Eve"))
        let ticket = try await test.open()
        try await test.act(on: ticket) { tx, ticket in try tx.claim(&ticket, by: ada) }
        try await test.act(on: ticket) { tx, ticket in
            try tx.escalate(
                &ticket, by: Actor(eve), reason: "This customer never pays and threatens us; please be careful.")
        }
        try await test.settle()
        let notice = try #require(test.mail.to(ada.email).last { $0.text.contains(Self.secret) })
        return Scene(test: test, ada: ada, ticket: ticket, notice: notice)
    }

    /// The answer as it came in, its plain part and its markup.
    private struct Form: Sendable {
        let name: String
        var plain: (@Sendable (IncomingMessage) -> String)?
        var html: (@Sendable (IncomingMessage) -> String)?
    }

    private static func lines(_ notice: IncomingMessage, _ mark: String, wrapped: Int = 1000) -> String {
        notice.text.split(separator: "\n", omittingEmptySubsequences: false).flatMap { line in
            var lines: [String] = [""]
            for word in line.split(separator: " ") {
                if lines[lines.count - 1].count + word.count > wrapped { lines.append("") }
                lines[lines.count - 1] += (lines[lines.count - 1].isEmpty ? "" : " ") + word
            }
            return lines.map { mark + $0 }
        }.joined(separator: "\n")
    }

    private static func outlook(_ notice: IncomingMessage) -> String {
        "From: Support <support@desk.example>\nSent: Monday, November 30, 2026 3:04 PM\nTo: Ada\nSubject: "
            + notice.subject
    }

    private static func markup(_ before: String, _ notice: IncomingMessage, _ after: String = "") -> String {
        "<div>Dear Kim, we come on <b>Tuesday</b>.</div><br><div>Ada</div>" + before + (notice.html ?? "") + after
    }

    private static let forms = [
        Form(name: "a quote under an introduction") {
            "\(greeting)\n\nOn Mon, 30 Nov 2026 at 15:04, Support <support@desk.example> wrote:\n\n" + lines($0, "> ")
        },
        Form(name: "a quote of which nobody says whose it is") { "\(greeting)\n\n" + lines($0, "> ") },
        Form(name: "a quote with other marks") { "\(greeting)\n\nSupport:\n" + lines($0, "| ") },
        Form(name: "a quote wrapped anew") { "\(greeting)\n\n" + lines($0, "> ", wrapped: 38) },
        Form(name: "a mail below its header") { "\(greeting)\n\n\(outlook($0))\n\n" + lines($0, "") },
        Form(name: "a mail below a divider that nobody knows") {
            "\(greeting)\n\n---- On Mon, 30 Nov 2026 16:04:11 +0100 Support wrote ---\n\n" + lines($0, "")
        },
        Form(name: "a mail below a rule") {
            "\(greeting)\n\n" + String(repeating: "_", count: 30) + "\n" + lines($0, "")
        },
        Form(name: "a mail with no sign of where it begins") { "\(greeting)\n" + lines($0, "") },
        Form(name: "a mail wrapped anew, with a warning in its first line") {
            "\(greeting)\n\n\(outlook($0))\n\n[EXTERNAL] " + lines($0, "", wrapped: 44)
        },
        Form(name: "an answer below the quote") {
            "On Mon, 30 Nov 2026 at 15:04, Support <support@desk.example> wrote:\n" + lines($0, "> ")
                + "\n\n\(greeting)"
        },
        Form(name: "both forms, quoted as Gmail does") {
            "\(greeting)\n\nOn Mon, 30 Nov 2026 at 15:04, Support <support@desk.example> wrote:\n\n" + lines($0, "> ")
        } html: {
            markup("<div>On Mon, Support wrote:<br></div><blockquote>", $0, "</blockquote>")
        },
        Form(name: "markup alone, quoted") { _ in
            ""
        } html: {
            markup("<blockquote>", $0, "</blockquote>")
        },
        Form(name: "markup alone, below a header") { _ in
            ""
        } html: {
            markup(
                "<hr><p><b>From:</b> Support &lt;support@desk.example&gt;<br><b>Sent:</b> Monday, 30 November 2026 "
                    + "15:04<br><b>To:</b> Ada<br><b>Subject:</b> Scanner</p>", $0)
        },
        Form(name: "markup that says more than the plain part") { _ in
            greeting
        } html: {
            markup("<hr>", $0)
        },
        Form(name: "markup with the quote above") { _ in
            ""
        } html: {
            "<blockquote>\($0.html ?? "")</blockquote><p>Dear Kim, we come on Tuesday.</p><p>Ada</p>"
        },
    ]

    @Test("neither mail nor page tells the customer what the notice said", arguments: 0..<15)
    func hidden(index: Int) async throws {
        let form = Self.forms[index]
        let scene = try await scene()
        let (test, notice) = (scene.test, scene.notice)
        let plain = form.plain?(notice) ?? ""
        let html = form.html?(notice)
        let body =
            html.map { html in
                let first = plain.isEmpty ? "" : "--b\nContent-Type: text/plain; charset=utf-8\n\n\(plain)\n"
                return "\(first)--b\nContent-Type: text/html; charset=utf-8\n\n\(html)\n--b--"
            } ?? plain
        _ = try await test.receive(
            from: scene.ada.email, subject: "Re: \(notice.subject)",
            to: try #require(notice.replyTo.first).address, inReplyTo: notice.messageID,
            headers: [
                html == nil
                    ? "Content-Type: text/plain; charset=utf-8" : "Content-Type: multipart/alternative; boundary=b"
            ], body: body)
        try await test.settle()
        let entry = try #require(try await test.entries(scene.ticket).last)
        #expect(entry.kind == .reply)
        let mail = try #require(test.mail.to(TestDesk.kim).last)
        for (name, text) in [
            ("text", entry.text), ("markup", entry.html ?? ""), ("mail", mail.text), ("mail's markup", mail.html ?? ""),
            ("page", words(of: entry, files: { Path($0) }, isForCustomer: true, Language.english).text),
        ] {
            #expect(!text.contains("pays") && !text.contains("threatens"), "\(form.name), \(name): \(text)")
            #expect(!text.contains("careful") && !text.contains("/desk/tickets/"), "\(form.name), \(name): \(text)")
            if name != "markup" { #expect(text.contains("Tuesday") && text.contains("Ada"), "\(form.name), \(name)") }
        }
        // The agents see the whole of it.
        #expect(plain.isEmpty || plain == Self.greeting || (entry.quoted ?? "").contains("threatens"), "\(form.name)")
    }

    @Test("an answer's own markup goes along, up to the quote")
    func ownMarkup() async throws {
        let scene = try await scene()
        let html = Self.markup("<blockquote>", scene.notice, "</blockquote>")
        _ = try await scene.test.receive(
            from: scene.ada.email, subject: "Re: \(scene.notice.subject)",
            to: try #require(scene.notice.replyTo.first).address, inReplyTo: scene.notice.messageID,
            headers: ["Content-Type: text/html; charset=utf-8"], body: html)
        try await scene.test.settle()
        let mail = try #require(scene.test.mail.to(TestDesk.kim).last)
        #expect((mail.html ?? "").contains("we come on <b>Tuesday</b>."))
    }

    @Test("markup kept by an earlier version, with more in it than the text, reaches nobody")
    func former() async throws {
        let scene = try await scene()
        _ = try await scene.test.receive(
            from: scene.ada.email, subject: "Re: \(scene.notice.subject)",
            to: try #require(scene.notice.replyTo.first).address, inReplyTo: scene.notice.messageID,
            headers: ["Content-Type: text/plain; charset=utf-8"], body: Self.greeting)
        let entry = try #require(try await scene.test.entries(scene.ticket).last)
        try await scene.test.write {
            try $0.db.execute(
                "UPDATE entry SET html = '<p>Tuesday.</p><p>This customer never pays</p>' WHERE id = \(entry.id)")
        }
        try await scene.test.settle()
        let kept = try #require(try await scene.test.entries(scene.ticket).last)
        #expect(kept.html != nil && kept.markupForCustomers == nil)
        let sent = try #require(scene.test.mail.to(TestDesk.kim).last?.html)
        #expect(!sent.contains("never pays"))
    }
}
