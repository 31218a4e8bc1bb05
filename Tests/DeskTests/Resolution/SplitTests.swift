import DeskTesting
import Domain
import Foundation
import Mail
import Primitives
import Testing

@testable import Desk
@testable import Store

@Suite("Splitting a conversation")
struct SplitTests {
    /// Kim's ticket with a reply that was sent, and a second message of another matter, with a file.
    private struct Scene {
        let test: TestDesk
        let ada: Agent
        let ticket: Ticket
        let entries: [Entry]

        init() async throws {
            test = try await TestDesk()
            ada = try await test.hire("Ada", departments: ["Support"])
            ticket = try await test.open(body: "Every page is white.") { $0.isProved = true }
            try await test.act(on: ticket) { [ada] tx, ticket in
                _ = try tx.reply(
                    to: &ticket, Writing("Clean the glass.", type: .text), by: Actor(ada), files: [], source: .web)
            }
            try await test.settle()
            test.clock.advance(hours: 1)
            let bytes = Data("bill".utf8)
            let file = StoredFile(
                hash: try test.desk.files.keep(bytes), size: bytes.count, name: "bill.pdf", type: "application/pdf")
            let kim = Author(.customer, id: ticket.customer.number, name: "Kim Ito", address: TestDesk.kim)
            try await test.act(on: ticket) { tx, ticket in
                _ = try tx.receive(
                    Writing("And the invoice is wrong.", type: .text), in: ticket, by: kim, files: [file],
                    source: .email, messageID: "second@harbour.example")
            }
            try await test.settle()
            entries = try await test.entries(ticket)
        }

        func split(_ keys: [Int64], subject: String? = nil, asker: Asker = .desk) async throws -> Ticket {
            try await test.write { [ticket, ada] tx in
                var loaded = try tx.db.ticket(ticket.id)
                return try tx.split(&loaded, entries: keys, subject: subject, by: Actor(ada), asker: asker)
            }
        }
    }

    private func found(_ test: TestDesk, _ words: String) async throws -> [Int64] {
        let query = try TicketQuery(words, now: test.clock.now())
        return try await test.read { try $0.lines(TicketList(query: query, asker: .desk, order: .newest)).lines }
            .map(\.number)
    }

    @Test("the chosen entries move with their files, both timelines say so, and the customer hears nothing")
    func split() async throws {
        let scene = try await Scene()
        let test = scene.test
        let sent = test.mail.sent.count
        let new = try await scene.split([scene.entries[2].id.number], subject: "The invoice")
        let moved = try await test.entries(new)
        #expect(moved.map(\.text) == ["And the invoice is wrong."] && moved[0].attachments.map(\.name) == ["bill.pdf"])
        #expect(moved[0].provenance.origin == nil)
        #expect(try await test.entries(scene.ticket).count == 2)
        #expect(new.requester == scene.ticket.requester && new.subject == "The invoice")
        let kept = try await test.ticket(new.number)
        #expect(kept == new && kept.lastMessageAt == moved[0].at)
        let former = try await test.ticket(scene.ticket.number)
        #expect(former.lastMessageAt == scene.entries[0].at && former.lastReplyAt == scene.entries[1].at)
        #expect(try await test.events(new).map(\.kind) == [.opened, .split])
        let event = try #require(try await test.events(former).last)
        #expect(event.kind == .split && event.tickets == [new.number])
        try await test.settle()
        #expect(test.mail.sent.count == sent)
        // What is searched and what a list shows are each one's own.
        #expect(try await found(test, "invoice") == [new.number])
        #expect(try await found(test, "glass") == [scene.ticket.number])
        let lines = try await test.read { [now = test.clock.now()] db in
            try db.lines(TicketList(query: try TicketQuery("", now: now), asker: .desk, order: .oldest)).lines
        }
        #expect(lines.map(\.latest.text) == ["Clean the glass.", "And the invoice is wrong."])
    }

    @Test("an answer to a message that moved lands in the new ticket, by its Message-ID")
    func answer() async throws {
        let scene = try await Scene()
        let new = try await scene.split([scene.entries[2].id.number])
        let outcome = try await scene.test.receive(
            from: "Kim Ito <\(TestDesk.kim)>", inReplyTo: "second@harbour.example", body: "It is too high.")
        #expect(outcome == .added(new.number))
    }

    @Test("an answer to a reply that moved lands in the new ticket, though its token names the former one")
    func answerToReply() async throws {
        let scene = try await Scene()
        let test = scene.test
        let reply = try #require(test.mail.to(TestDesk.kim).last)
        let identifier = try #require(reply.messageID)
        let to = try #require(reply.replyTo.first?.address ?? reply.from?.address)
        let new = try await scene.split([scene.entries[1].id.number])
        #expect(try await test.read { try $0.deliveries(of: new.id) }.map(\.kind) == [.reply])
        let outcome = try await test.receive(
            from: "Kim Ito <\(TestDesk.kim)>", to: to, inReplyTo: identifier, body: "Thanks.")
        #expect(outcome == .added(new.number))
        // Merged again, it leads on.
        try await test.act(on: new) { tx, ticket in
            try tx.merge(&ticket, into: try tx.db.ticket(scene.ticket.id), by: Actor(scene.ada))
        }
        let again = try await test.receive(
            from: "Kim Ito <\(TestDesk.kim)>", to: to, inReplyTo: identifier, body: "Thanks again.")
        #expect(again == .added(scene.ticket.number))
    }

    @Test("what another customer wrote alone becomes that customer's ticket")
    func others() async throws {
        let scene = try await Scene()
        let test = scene.test
        let lee = try #require(MailAddress(name: "Lee Okafor", "lee@corner.example"))
        try await test.act(on: scene.ticket) { tx, ticket in
            try tx.addCollaborator(lee, to: ticket, by: .routing)
            let customer = try tx.customer(lee)
            _ = try tx.receive(
                Writing("My phone is dead.", type: .text), in: ticket,
                by: Author(.customer, id: customer.id.number, name: "Lee Okafor", address: lee.address), files: [],
                source: .email)
        }
        let last = try #require(try await test.entries(scene.ticket).last)
        let new = try await scene.split([last.id.number])
        #expect(new.requesterAddress == lee.address && new.requesterName == "Lee Okafor")
        #expect(try await test.read { try $0.collaborators(of: new.id) }.isEmpty)
        // With a message of the requester's, Lee goes on as one who takes part.
        let more = try await test.act(on: new) { tx, loaded in
            try tx.merge(&loaded, into: try tx.db.ticket(scene.ticket.id), by: Actor(scene.ada))
        }
        #expect(more.state == .merged)
        let both = try await scene.split([scene.entries[2].id.number, last.id.number])
        #expect(both.requester == scene.ticket.requester)
        #expect(try await test.read { try $0.collaborators(of: both.id) }.map(\.address) == [lee.address])
    }

    @Test("all entries, entries of elsewhere and a reply that waits are refused, and nothing is changed")
    func refused() async throws {
        let scene = try await Scene()
        let test = scene.test
        let other = try await test.open("Another")
        let foreign = try #require(try await test.entries(other).first).id.number
        let waiting = try await test.write { tx in
            var ticket = try tx.db.ticket(scene.ticket.id)
            return try tx.reply(
                to: &ticket, Writing("Wait.", type: .text), by: Actor(scene.ada), files: [], source: .web, waits: true)
        }
        let all = try await test.entries(scene.ticket).map(\.id.number)
        for keys in [[], all, [foreign], [waiting.number]] {
            await #expect(throws: Refusal.self) { _ = try await scene.split(keys) }
        }
        #expect(try await test.entries(scene.ticket).count == 4)
    }

    @Test("whoever was brought in from another department sees both tickets")
    func broughtIn() async throws {
        let scene = try await Scene()
        let test = scene.test
        _ = try await test.write { try $0.add(["name": "Billing"], to: .departments) }
        let ben = try await test.hire("Ben", departments: ["Billing"])
        try await test.act(on: scene.ticket) { tx, ticket in try tx.addAgent(ben, to: ticket, by: .routing) }
        let new = try await scene.split([scene.entries[2].id.number], asker: .agent(ben))
        #expect(try await test.read { try $0.may(.agent(ben), .work, new.id) })
    }
}
