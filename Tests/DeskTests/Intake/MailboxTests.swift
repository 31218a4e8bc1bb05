import DeskTesting
import Domain
import Foundation
import Mail
import Primitives
import Testing

@testable import Desk
@testable import Store

@Suite struct MailboxTests {
    private static func add(_ desk: TestDesk, _ fields: [String: JSON]) async throws -> ResourceRow {
        try await desk.write { tx in try tx.add(fields, to: .mailboxes) }
    }

    @Test func mailGoesWhereItsMailboxBelongs() async throws {
        let desk = try await TestDesk()
        _ = try await desk.write { try $0.add(["name": "Billing"], to: .departments) }
        _ = try await Self.add(desk, ["address": "billing@desk.example", "department": "Billing", "priority": "high"])
        guard
            case .opened(let number) = try await desk.receive(
                from: "kim@harbour.example", to: "Billing <BILLING@desk.example>")
        else { return #expect(Bool(false)) }
        let ticket = try await desk.ticket(number)
        #expect(ticket.department.name == "Billing")
        #expect(ticket.priority == .high)
        #expect(ticket.mailbox == "billing@desk.example")
        try await desk.settle()
        // Its mails come from the mailbox as well.
        #expect(desk.mail.to("kim@harbour.example").first?.from?.address == "billing@desk.example")
    }

    @Test func credentialsAreSealedAndNeverReadBack() async throws {
        let desk = try await TestDesk()
        let row = try await Self.add(
            desk,
            [
                "address": "a@desk.example", "fetch": "imap", "fetch_host": "127.0.0.1", "fetch_security": "plain",
                "fetch_user": "a", "fetch_password": "very secret words",
            ])
        #expect(!row.fields.contains { $0.name.contains("password") })
        let kept: String? = try await desk.read { try $0.value("SELECT fetch_password FROM mailbox") }
        #expect(kept?.contains("secret") == false)
        let mailbox = try #require(try await desk.read { try $0.mailboxes() }.first)
        #expect(mailbox.fetchServer(desk.desk.office.signer, token: nil)?.credential == .password("very secret words"))
    }

    @Test func aKeyThatIsRequiredCannotBeNothing() async throws {
        let desk = try await TestDesk()
        await #expect(throws: Refusal.invalid([Fault("private_key", .required)])) {
            try await desk.write {
                _ = try $0.add(["domain": "desk.example", "selector": "s1", "private_key": .null], to: .dkimKeys)
            }
        }
    }

    @Test(
        arguments: [
            (["fetch": "imap"], "fetch_host"),
            (
                [
                    "fetch": "imap", "fetch_host": "mail.example.org", "fetch_security": "plain", "fetch_user": "a",
                    "fetch_password": "b",
                ], "fetch_security"
            ),
            (["fetch": "imap", "fetch_host": "mail.example.org", "fetch_user": "a"], "fetch_password"),
            (
                [
                    "fetch": "pop3", "fetch_host": "mail.example.org", "fetch_user": "a", "fetch_password": "b",
                    "after_fetching": "move", "move_to": "x",
                ], "after_fetching"
            ),
            (["sign_in": "google"], "oauth_client"),
        ] as [([String: JSON], String)])
    func whatCannotWorkIsSaidBesideItsField(_ fields: [String: JSON], field: String) async throws {
        let desk = try await TestDesk()
        await #expect {
            try await desk.write { tx in
                _ = try tx.add(fields.merging(["address": "a@desk.example"]) { first, _ in first }, to: .mailboxes)
            }
        } throws: { error in
            guard case Refusal.invalid(let faults) = error else { return false }
            return faults.contains { $0.field == field }
        }
    }

    @Test func whoIsBannedOpensNothingAndIsNotAnswered() async throws {
        let desk = try await TestDesk()
        for pattern in ["@spam.example", "noreply-*@*.example", "Eve@harbour.example"] {
            _ = try await desk.write { try $0.add(["pattern": .string(pattern)], to: .bans) }
        }
        for sender in ["a@spam.example", "noreply-77@news.example", "eve@harbour.example"] {
            guard case .rejected(let reason) = try await desk.receive(from: sender) else {
                Issue.record("\(sender) got in")
                continue
            }
            #expect(reason.contains("blocklist"))
        }
        guard case .opened = try await desk.receive(from: "evelyn@harbour.example") else { return #expect(Bool(false)) }
        await #expect(throws: Refusal.self) { try await desk.write { _ = try $0.add(["pattern": "*@*"], to: .bans) } }
    }

    @Test func whoWritesInGermanIsAnsweredInGerman() async throws {
        let desk = try await TestDesk()
        guard
            case .opened = try await desk.receive(
                from: "kim@harbour.example", headers: ["Accept-Language: de-DE, en-US", "Content-Language: de-DE"])
        else { return #expect(Bool(false)) }
        guard case .opened = try await desk.receive(from: "ann@harbour.example", headers: ["Content-Language: fr"])
        else { return #expect(Bool(false)) }
        // What is known of a customer stays.
        _ = try await desk.receive(from: "kim@harbour.example", headers: ["Content-Language: en"])
        try await desk.settle()
        #expect(desk.mail.to("kim@harbour.example").allSatisfy { $0.text.contains("Guten Tag") })
        #expect(desk.mail.to("kim@harbour.example").count == 2)
        #expect(desk.mail.to("ann@harbour.example").allSatisfy { $0.text.contains("Hi ") })
    }

    @Test func aReadReceiptIsNothing() async throws {
        let desk = try await TestDesk()
        let receipt =
            """
            From: kim@harbour.example\r\nTo: support@desk.example\r\nSubject: Read: x\r\nMessage-ID: \
            <r@harbour.example>\r\nContent-Type: multipart/report; report-type=disposition-notification; \
            boundary=r\r\n\r\n--r\r\n\r\nIt was read.\r\n--r\r\nContent-Type: \
            message/disposition-notification\r\n\r\nDisposition: manual-action/MDN-sent-manually; \
            displayed\r\n--r--\r\n
            """
        #expect(try await desk.desk.receive(Data(receipt.utf8)) == .rejected("a read receipt"))
    }

    @Test func replyToNamesTheRequester() async throws {
        let desk = try await TestDesk()
        guard
            case .opened(let number) = try await desk.receive(
                from: "Web form <forms@shop.example>", headers: ["Reply-To: Kim Ito <kim@harbour.example>"])
        else { return #expect(Bool(false)) }
        #expect(try await desk.ticket(number).requesterAddress == "kim@harbour.example")
        // A list's own address for answers is nobody's.
        guard
            case .opened(let other) = try await desk.receive(
                from: "ada@harbour.example", headers: ["Reply-To: list@lists.example", "List-Id: <list.lists.example>"])
        else { return #expect(Bool(false)) }
        #expect(try await desk.ticket(other).requesterAddress == "ada@harbour.example")
    }

    @Test func aMailAnAgentPassesOnIsTheCustomersTicket() async throws {
        let desk = try await TestDesk()
        let ada = try await desk.hire("Ada", departments: ["Support"])
        let body =
            """
            Can somebody help her?\r\n\r\n---------- Forwarded message ---------\r\nFrom: Kim Ito \
            <kim@harbour.example>\r\nDate: Mon\r\nSubject: Scanner is white\r\nTo: Ada \
            <ada@desk.example>\r\n\r\nEvery page is white.
            """
        guard
            case .opened(let number) = try await desk.receive(
                from: "Ada <\(ada.email)>", subject: "Fwd: Scanner is white", body: body)
        else { return #expect(Bool(false)) }
        let ticket = try await desk.ticket(number)
        #expect(ticket.requesterAddress == "kim@harbour.example")
        #expect(ticket.subject == "Scanner is white")
        let entries = try await desk.entries(ticket)
        #expect(entries.map(\.kind) == [.message, .note])
        #expect(entries.first?.text == "Every page is white.")
        #expect(entries.last?.text == "Can somebody help her?")
        try await desk.settle()
        // The customer hears of the ticket, and never of the note.
        #expect(desk.mail.to("kim@harbour.example").allSatisfy { !$0.text.contains("somebody help") })
        // A customer who passes something on stays the requester.
        guard
            case .opened(let own) = try await desk.receive(
                from: "kim@harbour.example", subject: "Fwd: Scanner is white", body: body)
        else { return #expect(Bool(false)) }
        #expect(try await desk.ticket(own).requesterAddress == "kim@harbour.example")
    }
}

@Suite("A mail an agent passes on")
struct PassedOnTests {
    private static let original = "From: Zoe Lind <zoe@other.example>\r\nSubject: Boiler\r\n\r\nMy boiler is cold."

    @Test(
        "opens a ticket with the words of its writer, quoted or enclosed",
        arguments: [
            (
                "Fwd: Boiler", "Content-Type: text/plain",
                "Look.\r\n\r\nBegin forwarded message:\r\n\r\n> From: Zoe Lind <zoe@other.example>\r\n> Subject: Boiler\r\n> Date: 30 November 2026 at 16:04:11 CET\r\n> To: ada@desk.example\r\n> \r\n> My boiler is cold."
            ),
            (
                "FW: Boiler", "Content-Type: text/html",
                "<div>Look.</div><hr><div><b>From:</b> Zoe Lind &lt;zoe@other.example&gt;<br><b>Sent:</b> Monday, November 30, 2026 4:04 PM<br><b>To:</b> Ada<br><b>Subject:</b> Boiler</div><div>My boiler is cold.</div>"
            ),
            (
                "Fwd: Boiler", "Content-Type: multipart/mixed; boundary=b",
                "--b\r\n\r\nLook.\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n\(original)\r\n--b--\r\n"
            ),
        ])
    func forms(subject: String, type: String, body: String) async throws {
        let desk = try await TestDesk()
        let ada = try await desk.hire("Ada", departments: ["Support"])
        guard
            case .opened(let number) = try await desk.receive(
                from: "Ada <\(ada.email)>", subject: subject, headers: [type], body: body)
        else { return #expect(Bool(false)) }
        let ticket = try await desk.ticket(number)
        #expect(ticket.requesterAddress == "zoe@other.example" && ticket.requesterName == "Zoe Lind")
        #expect(ticket.subject == "Boiler")
        #expect(try await desk.entries(ticket).map(\.kind) == [.message, .note])
        #expect(try await desk.entries(ticket).first?.text == "My boiler is cold.")
        #expect(try await desk.entries(ticket).last?.text.hasPrefix("Look.") == true)
    }
}

@Suite struct SecondThoughtTests {
    @Test func aReplyIsTakenBackAsIfItHadNotBeen() async throws {
        let desk = try await TestDesk()
        _ = try await desk.write { try $0.change(["undo_seconds": 10]) }
        try await desk.desk.reloadSettings()
        let ada = try await desk.hire("Ada", departments: ["Support"])
        let ticket = try await desk.open()
        try await desk.settle()
        let before = try await desk.ticket(ticket.number)
        let file = StoredFile(
            hash: try desk.desk.files.keep(Data("how".utf8)), size: 3, name: "cleaning.txt", type: "text/plain")
        func found(_ words: String) async throws -> Int {
            let query = try TicketQuery(words, now: desk.clock.now())
            return try await desk.read {
                try $0.count(TicketList(query: query, asker: .agent(ada), order: .newest), atMost: 10)
            }
        }
        func send() async throws {
            try await desk.write { tx in
                var loaded = try tx.db.ticket(ticket.id)
                let entry = try tx.reply(
                    to: &loaded, Writing("Clean the glas.", type: .text), by: Actor(ada), files: [file], source: .web)
                try tx.holdBack(entry, of: ticket.id, by: ada.id)
            }
        }
        try await send()
        #expect(try await found("glas") == 1)
        try await desk.settle()
        #expect(desk.mail.to(TestDesk.kim).allSatisfy { !$0.text.contains("glas") })
        try await desk.undoLast(of: ada)
        #expect(try await desk.ticket(ticket.number).changedFields(since: before).isEmpty)
        #expect(try await desk.entries(ticket).count == 1)
        #expect(try await desk.read { try $0.drafts(by: ada.id, in: ticket.id)[.reply]?.body } == "Clean the glas.")
        #expect(try await desk.read { try $0.drafts(by: ada.id, in: ticket.id)[.reply]?.files.map(\.file) } == [file])
        #expect(try await found("glas") == 0)
        #expect(try await found("cleaning") == 0)
        #expect(try await found("scanner white") == 1)
        desk.clock.advance(hours: 1)
        try await desk.settle()
        #expect(desk.mail.to(TestDesk.kim).allSatisfy { !$0.text.contains("glas") })

        // After its seconds it has gone and cannot come back.
        try await send()
        let second = try #require(
            try await desk.read { try $0.undoables(of: ada.id, now: desk.clock.now()) }.first
        ).batch
        desk.clock.advance(hours: 0.01)
        try await desk.settle()
        #expect(desk.mail.to(TestDesk.kim).contains { $0.text.contains("glas") })
        await #expect(throws: Refusal.self) {
            _ = try await desk.write { try $0.undo(second, by: ada) }
        }
    }
}
