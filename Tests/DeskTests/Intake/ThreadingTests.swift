import DeskTesting
import Domain
import Foundation
import Mail
import Primitives
import Testing

@testable import Desk
@testable import Store

/// Who gets into a ticket by mail, and as whom. Each line is something a stranger could try.
@Suite("Threading")
struct ThreadingTests {
    private static let stranger = "mallory@evil.example"

    private struct Scene {
        let test: TestDesk
        let ada: Agent
        let ticket: Ticket
        /// What Kim got: the signed reply address and Message-ID of Kim's copy.
        let kims: IncomingMessage
        /// What Ada got.
        let adas: IncomingMessage
    }

    private func scene() async throws -> Scene {
        let test = try await TestDesk()
        let ada = try await test.hire("Ada")
        let ticket = try await test.open()
        let sam = Actor(.agent, id: 999, name: "Sam")
        try await test.act(on: ticket) { try $0.assign(&$1, to: ada, by: sam) }
        try await test.settle()
        let kims = try #require(test.mail.to(TestDesk.kim).first)
        let adas = try #require(test.mail.to(ada.email).first)
        return Scene(test: test, ada: ada, ticket: try await test.ticket(ticket.number), kims: kims, adas: adas)
    }

    @Test(
        "the customer's answer lands in the ticket by any one of its marks",
        arguments: ["reply address", "in-reply-to", "references", "subject"])
    func customer(mark: String) async throws {
        let scene = try await scene()
        let outcome: IntakeOutcome
        switch mark {
        case "reply address":
            outcome = try await scene.test.receive(
                from: TestDesk.kim, to: try #require(scene.kims.replyTo.first).address)
        case "in-reply-to": outcome = try await scene.test.receive(from: TestDesk.kim, inReplyTo: scene.kims.messageID)
        case "references":
            outcome = try await scene.test.receive(
                from: TestDesk.kim, references: "<x@y.example> <\(scene.kims.messageID)> <z@y.example>")
        default:
            outcome = try await scene.test.receive(
                from: TestDesk.kim, subject: "AW: anything [#\(scene.ticket.number)]")
        }
        #expect(outcome == .added(scene.ticket.number))
        #expect(try await scene.test.entries(scene.ticket).last?.author.isStranger == false)
    }

    @Test("an address of many spellings is the same customer")
    func spelling() async throws {
        let scene = try await scene()
        #expect(
            try await scene.test.receive(from: "KIM@Harbour.Example", subject: "[#\(scene.ticket.number)]")
                == .added(scene.ticket.number))
    }

    @Test("a stranger who knows the number opens a ticket of one's own")
    func strangerWithNumber() async throws {
        let scene = try await scene()
        let outcome = try await scene.test.receive(
            from: Self.stranger, subject: "Re: Scanner [#\(scene.ticket.number)]")
        #expect(outcome == .opened(scene.ticket.number + 1))
        #expect(try await scene.test.entries(scene.ticket).count == 1)
    }

    @Test("a forged token opens a ticket of its own", arguments: [0, 3, 7, 12])
    func forged(position: Int) async throws {
        let scene = try await scene()
        var token = Array(try #require(scene.kims.replyTo.first?.detail))
        token[position % token.count] = token[position % token.count] == "z" ? "y" : "z"
        #expect(
            try await scene.test.receive(from: Self.stranger, to: "support+\(String(token))@desk.example")
                == .opened(scene.ticket.number + 1))
        #expect(
            try await scene.test.receive(from: Self.stranger, inReplyTo: "\(String(token)).1@desk.example")
                == .opened(scene.ticket.number + 2))
    }

    @Test("a token of one ticket with the number of another leads to its own ticket")
    func tokenBeforeNumber() async throws {
        let scene = try await scene()
        let other = try await scene.test.open("Another", from: "lee@corner.example")
        let outcome = try await scene.test.receive(
            from: TestDesk.kim, subject: "[#\(other.number)]", inReplyTo: scene.kims.messageID)
        #expect(outcome == .added(scene.ticket.number))
    }

    @Test("a passed-on mail's good token adds the message, marked, and its sender receives nothing")
    func newcomer() async throws {
        let scene = try await scene()
        let outcome = try await scene.test.receive(
            from: "Lee <lee@harbour.example>", to: try #require(scene.kims.replyTo.first).address)
        #expect(outcome == .added(scene.ticket.number))
        let entry = try #require(try await scene.test.entries(scene.ticket).last)
        #expect(entry.author.isStranger && entry.author.address == "lee@harbour.example")
        let ada = scene.ada
        try await scene.test.act(on: scene.ticket) { tx, ticket in
            _ = try tx.reply(to: &ticket, Writing("For Kim only", type: .text), by: Actor(ada), files: [], source: .web)
        }
        try await scene.test.settle()
        #expect(scene.test.mail.to("lee@harbour.example").isEmpty)
        // Until an agent adds them.
        let lee = try #require(MailAddress(name: "Lee", "lee@harbour.example"))
        try await scene.test.act(on: scene.ticket) { tx, ticket in
            try tx.addCollaborator(lee, to: ticket, by: Actor(ada))
            _ = try tx.reply(to: &ticket, Writing("For both", type: .text), by: Actor(ada), files: [], source: .web)
        }
        try await scene.test.settle()
        #expect(scene.test.mail.to("lee@harbour.example").count == 1)
    }

    @Test("an agent answers by mail with the own token")
    func agent() async throws {
        let scene = try await scene()
        #expect(
            try await scene.test.receive(
                from: scene.ada.email, to: try #require(scene.adas.replyTo.first).address,
                body: "Please clean the glass.") == .added(scene.ticket.number))
        let entry = try #require(try await scene.test.entries(scene.ticket).last)
        #expect(entry.kind == .reply && entry.author.role == .agent)
        try await scene.test.settle()
        #expect(scene.test.mail.to(TestDesk.kim).last?.text.contains("clean the glass") == true)
    }

    @Test(
        "an agent's address without the agent's token is nobody's reply",
        arguments: ["no mark", "number", "customer's token"])
    func forgedAgent(mark: String) async throws {
        let scene = try await scene()
        switch mark {
        case "no mark": _ = try await scene.test.receive(from: scene.ada.email)
        case "number": _ = try await scene.test.receive(from: scene.ada.email, subject: "[#\(scene.ticket.number)]")
        default:
            _ = try await scene.test.receive(from: scene.ada.email, to: try #require(scene.kims.replyTo.first).address)
        }
        let entries = try await scene.test.entries(scene.ticket)
        #expect(!entries.contains { $0.kind == .reply || $0.author.role == .agent })
    }

    @Test("an agent's token in another's hands is a stranger's message")
    func stolenAgentToken() async throws {
        let scene = try await scene()
        _ = try await scene.test.receive(from: Self.stranger, to: try #require(scene.adas.replyTo.first).address)
        let entry = try #require(try await scene.test.entries(scene.ticket).last)
        #expect(entry.kind == .message && entry.author.isStranger)
    }

    @Test("an agent who has left has no word any more")
    func departed() async throws {
        let scene = try await scene()
        let id = scene.ada.id.number
        try await scene.test.write { try $0.remove(id, from: Resource.agents) }
        _ = try await scene.test.receive(from: scene.ada.email, to: try #require(scene.adas.replyTo.first).address)
        #expect(try await scene.test.entries(scene.ticket).last?.kind == .message)
        #expect(try await scene.test.ticket(scene.ticket.number).assignee == nil)
    }

    @Test("a thousand empty references open a thousand tickets")
    func emptyReferences() async throws {
        let test = try await TestDesk()
        for index in 0..<20 {
            #expect(
                try await test.receive(from: "c\(index)@x.example", headers: ["In-Reply-To: ", "References: <> < >"])
                    == .opened(100_001 + Int64(index)))
        }
    }

    @Test("what was merged is followed to where it went, however far")
    func merged() async throws {
        let scene = try await scene()
        let (second, third) = (try await scene.test.open("B"), try await scene.test.open("C"))
        try await scene.test.act(on: scene.ticket) { try $0.merge(&$1, into: second, by: .routing) }
        try await scene.test.act(on: second) { try $0.merge(&$1, into: third, by: .routing) }
        #expect(
            try await scene.test.receive(from: TestDesk.kim, inReplyTo: scene.kims.messageID) == .added(third.number))
        #expect(
            try await scene.test.receive(from: TestDesk.kim, subject: "[#\(scene.ticket.number)]")
                == .added(third.number))
    }

    @Test("the same Message-ID twice is one entry, and our own mail coming back is none")
    func twice() async throws {
        let scene = try await scene()
        let raw = Data("From: kim@harbour.example\r\nMessage-ID: <one@x.example>\r\nSubject: x\r\n\r\nwords".utf8)
        let first = try await scene.test.desk.receive(raw)
        #expect(first == .opened(scene.ticket.number + 1))
        #expect(try await scene.test.desk.receive(raw) == .duplicate(scene.ticket.number + 1))
        let ours = try #require(scene.test.mail.sent.first)
        guard case .rejected = try await scene.test.desk.receive(ours.bytes) else {
            return #expect(Bool(false), "our own mail was taken")
        }
    }
}

@Suite("Automatic mail")
struct AutomaticMailTests {
    @Test(
        "a program's message opens a ticket and is never answered",
        arguments: [
            "Auto-Submitted: auto-generated", "Precedence: bulk", "List-Id: <x.example>",
            "X-Auto-Response-Suppress: All", "Return-Path: <>", "Precedence: list",
        ])
    func silence(header: String) async throws {
        let test = try await TestDesk()
        guard case .opened(let number) = try await test.receive(from: "robot@x.example", headers: [header]) else {
            return #expect(Bool(false))
        }
        try await test.settle()
        #expect(test.mail.sent.isEmpty)
        #expect(try await test.events(test.ticket(number)).contains { $0.kind == .quieted && !$0.reason.isEmpty })
    }

    @Test("an out-of-office answer is kept and changes no state")
    func outOfOffice() async throws {
        let test = try await TestDesk()
        let ada = try await test.hire("Ada")
        let ticket = try await test.open()
        try await test.settle()
        let kims = try #require(test.mail.to(TestDesk.kim).first)
        try await test.act(on: ticket) { tx, ticket in
            try tx.claim(&ticket, by: ada)
            try tx.resolve(&ticket, by: Actor(ada), solution: nil, source: .web)
        }
        #expect(
            try await test.receive(
                from: TestDesk.kim, inReplyTo: kims.messageID, headers: ["Auto-Submitted: auto-replied"])
                == .added(ticket.number))
        let after = try await test.ticket(ticket.number)
        #expect(after.state == .resolved && after.reopenedCount == 0)
        #expect(try await test.entries(ticket).count == 2)
    }

    @Test("one address gets five automatic mails an hour, then hears again")
    func limit() async throws {
        let test = try await TestDesk()
        for index in 0..<8 { _ = try await test.open("Flood \(index)") }
        try await test.settle()
        #expect(test.mail.to(TestDesk.kim).count == 5)
        test.clock.advance(hours: 1.1)
        _ = try await test.open("Later")
        try await test.settle()
        #expect(test.mail.to(TestDesk.kim).count == 6)
    }

    @Test("two desks that answer each other fall silent at once")
    func loop() async throws {
        let test = try await TestDesk()
        _ = try await test.receive(from: "other@desk2.example")
        try await test.settle()
        let answer = try #require(test.mail.sent.first)
        // The other desk's acknowledgement of ours.
        let back =
            """
            From: other@desk2.example\r\nTo: \(answer.returnPath)\r\nAuto-Submitted: auto-replied\r\nSubject: Re: \
            \(answer.message.subject)\r\nMessage-ID: \
            <b@desk2.example>\r\nIn-Reply-To: <\(answer.message.messageID)>\r\n\r\nWe got it.
            """
        _ = try await test.desk.receive(Data(back.utf8))
        try await test.settle()
        #expect(test.mail.sent.count == 1)
    }

    @Test(
        "a report of a delay or of a delivery says nothing against an address",
        arguments: [
            ("Action: delayed\r\nStatus: 4.4.1", "", "is delayed"),
            ("Action: delivered\r\nStatus: 2.1.5", "", ""),
            (
                "", "Your message has not been delivered after 24 hours. Attempts will continue.",
                "came back or is delayed"
            ),
            ("", "It was deferred: 451 4.3.2 try later", "is delayed"),
            ("", "Sorry, no mailbox here by that name. (#5.1.1)", "came back:"),
            ("", "They said: 550 no such user", "came back:"),
        ])
    func delays(fields: String, words: String, reason: String) async throws {
        let test = try await TestDesk()
        let ticket = try await test.open()
        try await test.settle()
        let sent = try #require(test.mail.sent.first)
        let head = "From: MAILER-DAEMON@mx.example\r\nTo: \(sent.returnPath)\r\nReturn-Path: <>\r\nSubject: Mail"
        let report =
            fields.isEmpty
            ? "\(head)\r\n\r\n\(words)"
            : """
            \(head)\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nSee.\r
            --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r
            Final-Recipient: rfc822; kim@harbour.example\r\n\(fields)\r\n--b--\r\n
            """
        #expect(try await test.desk.receive(Data(report.utf8)) == .bounced(ticket.number))
        let events = try await test.events(ticket).filter { $0.kind == .bounced }
        #expect(reason.isEmpty ? events.isEmpty : events.first?.reason.contains(reason) == true)
        let dead = try await test.read {
            try $0.value("SELECT count(*) FROM customer_address WHERE undeliverable_at IS NOT NULL", as: Int.self)
        }
        #expect(dead == (reason == "came back:" ? 1 : 0))
    }

    @Test("a bounce is an event on the ticket whose mail came back, and the dead address hears no more")
    func bounce() async throws {
        let test = try await TestDesk()
        let ticket = try await test.open()
        try await test.settle()
        let sent = try #require(test.mail.sent.first)
        let report = """
            From: MAILER-DAEMON@mx.example\r\nTo: \(sent.returnPath)\r\nReturn-Path: <>\r\nSubject: Undelivered Mail \
            Returned to Sender\r\nMessage-ID: <b1@mx.example>\r
            Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\nContent-Type: \
            text/plain\r\n\r\nI could not deliver it.\r\n--b\r
            Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: \
            rfc822; kim@harbour.example\r\nAction: failed\r\nStatus: 5.1.1\r\n--b--\r\n
            """
        #expect(try await test.desk.receive(Data(report.utf8)) == .bounced(ticket.number))
        let event = try #require(try await test.events(ticket).first { $0.kind == .bounced })
        #expect(event.reason.contains("5.1.1") && event.reason.contains(TestDesk.kim))
        #expect(try await test.read { try $0.deliveries(of: ticket.id).first?.state } == .bounced)
        _ = try await test.open("Another")
        try await test.settle()
        #expect(test.mail.sent.count == 1)
        #expect(try await test.entries(ticket).count == 1)
    }

    @Test("a bounce whose returned header is folded or quoted finds its ticket", arguments: ["\r\n ", " ", "\r\n\t"])
    func foldedBounce(fold: String) async throws {
        let test = try await TestDesk()
        let ticket = try await test.open()
        try await test.settle()
        let sent = try #require(test.mail.to(TestDesk.kim).first)
        let returned =
            "Received: from desk.example\r\nFrom: support@desk.example\r\nMessage-ID:\(fold)<\(sent.messageID)>\r\nSubject: x\r\n"
        let head =
            "From: MAILER-DAEMON@mx.example\r\nTo: support@desk.example\r\nReturn-Path: <>\r\nSubject: failure notice"
        let qmail = "\(head)\r\n\r\nSorry (#5.1.1).\r\n\r\n--- Below this line is a copy.\r\n\r\n\(returned)\r\nwords"
        #expect(try await test.desk.receive(Data(qmail.utf8)) == .bounced(ticket.number))
        let report =
            """
            \(head)\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nSee.\r
            --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r
            Final-Recipient:\r\n rfc822; kim@harbour.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r
            --b\r\nContent-Type: text/rfc822-headers\r\n\r\n\(returned)\r\n--b--\r\n
            """
        #expect(try await test.desk.receive(Data(report.utf8)) == .bounced(ticket.number))
    }

    @Test("a bounce that names none of our mails is refused and opens nothing")
    func strayBounce() async throws {
        let test = try await TestDesk()
        guard
            case .rejected = try await test.receive(
                from: "MAILER-DAEMON@mx.example", subject: "Undelivered Mail Returned to Sender",
                headers: ["Return-Path: <>"])
        else { return #expect(Bool(false)) }
        #expect(try await test.read { try $0.count(TicketList()) } == 0)
    }

    @Test("whom a customer addressed as well takes part, but for us, agents and those who were taken out")
    func addressed() async throws {
        let test = try await TestDesk()
        _ = try await test.hire("Ada")
        let cc = "Cc: Lee <lee@corner.example>, ada@desk.example, support+x@desk.example, kim@harbour.example"
        guard
            case .opened(let number) = try await test.receive(
                from: "Kim <kim@harbour.example>", to: "support@desk.example, Noor <noor@lindgren.example>",
                headers: [cc])
        else {
            Issue.record("no ticket was opened")
            return
        }
        let ticket = try await test.ticket(number)
        func part() async throws -> [String] {
            try await test.read { try $0.collaborators(of: ticket.id).map(\.address).sorted() }
        }
        #expect(try await part() == ["lee@corner.example", "noor@lindgren.example"])
        let lee = try #require(MailAddress("lee@corner.example"))
        try await test.act(on: ticket) { tx, ticket in try tx.removeCollaborator(lee, from: ticket, by: .routing) }
        try await test.settle()
        let address = try #require(test.mail.to("kim@harbour.example").first?.replyTo.first).address
        _ = try await test.receive(
            from: "kim@harbour.example", to: address, headers: ["Cc: lee@corner.example, new@corner.example"])
        #expect(try await part() == ["new@corner.example", "noor@lindgren.example"])
        // A mass mailing brings in nobody.
        guard
            case .opened(let list) = try await test.receive(
                from: "news@list.example", headers: ["List-Id: <news.list.example>", "Cc: all@list.example"])
        else {
            Issue.record("no ticket was opened")
            return
        }
        let other = try await test.ticket(list)
        #expect(try await test.read { try $0.collaborators(of: other.id) }.isEmpty)
    }
}
