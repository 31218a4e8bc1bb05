import DeskTesting
import Domain
import Foundation
import Mail
import Primitives
import Testing

@testable import Desk
@testable import Store

@Suite("Merging and taking it back")
struct UnmergeTests {
    private func texts(_ test: TestDesk, _ ticket: Ticket) async throws -> [String] {
        try await test.entries(ticket).map(\.text)
    }
    private func unmerge(_ test: TestDesk, _ ticket: Ticket) async throws -> Ticket {
        try await test.act(on: ticket) { try $0.unmerge(&$1, by: .routing) }
    }

    @Test("what came from the ticket goes back; what was written since stays; both are found by their own words")
    func back() async throws {
        let test = try await TestDesk()
        let ada = try await test.hire("Ada", departments: ["Support"])
        let kims = try await test.open("Printer", body: "White pages.")
        let lees = try await test.open("Phone", body: "No tone.", from: "lee@corner.example", name: "Lee")
        try await test.act(on: lees) { try $0.pause(&$1, as: .held, by: Actor(ada), reason: "") }
        let before = try await test.ticket(lees.number)
        try await test.act(on: lees) { try $0.merge(&$1, into: kims, by: Actor(ada)) }
        #expect(try await texts(test, kims) == ["White pages.", "No tone."])
        #expect(try await test.ticket(kims.number).lastMessageAt == lees.lastMessageAt)
        test.clock.advance(hours: 1)
        try await test.act(on: kims) { tx, ticket in
            _ = try tx.note(on: &ticket, Writing("Since then.", type: .text), by: Actor(ada), files: [], source: .web)
        }
        let back = try await unmerge(test, lees)
        #expect(try back.changedFields(since: before).isEmpty && back.state == .held)
        #expect(try await texts(test, lees) == ["No tone."])
        #expect(try await texts(test, kims) == ["White pages.", "Since then."])
        #expect(try await test.entries(lees).allSatisfy { $0.provenance.origin == nil })
        // Lee took part by the merge alone.
        #expect(try await test.read { try $0.collaborators(of: kims.id) }.isEmpty)
        for ticket in [kims, lees] { #expect(try await test.events(ticket).last?.kind == .unmerged) }
        let found = try await test.read { [now = test.clock.now()] db in
            try ["tone", "white", "since"].map { word in
                try db.lines(TicketList(query: try TicketQuery(word, now: now), asker: .desk, order: .newest)).lines
                    .map(\.number)
            }
        }
        #expect(found == [[lees.number], [kims.number], [kims.number]])
        let latest = try await test.read { [now = test.clock.now()] db in
            try db.lines(TicketList(query: try TicketQuery("", now: now), asker: .desk, order: .oldest)).lines
                .map(\.latest.text)
        }
        #expect(latest == ["Since then.", "No tone."])
        // It can be merged again, and taken back again.
        try await test.act(on: lees) { try $0.merge(&$1, into: kims, by: Actor(ada)) }
        #expect(try await unmerge(test, lees).state == .held)
    }

    @Test("a ticket comes back alone from a merge of merges, and brings along what was merged into it")
    func nested() async throws {
        let test = try await TestDesk()
        var tickets: [Ticket] = []
        for name in ["one", "two", "three"] { tickets.append(try await test.open(name, body: name)) }
        let (one, two, three) = (tickets[0], tickets[1], tickets[2])
        try await test.act(on: one) { try $0.merge(&$1, into: two, by: .routing) }
        try await test.act(on: two) { try $0.merge(&$1, into: three, by: .routing) }
        #expect(try await texts(test, three) == ["one", "two", "three"])
        _ = try await unmerge(test, two)
        #expect(try await texts(test, two) == ["one", "two"])
        #expect(try await texts(test, three) == ["three"])
        try await test.act(on: two) { try $0.merge(&$1, into: three, by: .routing) }
        _ = try await unmerge(test, one)
        #expect(try await texts(test, one) == ["one"])
        #expect(try await texts(test, three) == ["two", "three"])
        #expect(try await test.ticket(two.number).state == .merged)
        await #expect(throws: Refusal.self) { _ = try await unmerge(test, one) }
    }

    @Test("what was split off since does not go back, and where nothing is left the merge stays")
    func split() async throws {
        let test = try await TestDesk()
        let (first, second) = (try await test.open("One"), try await test.open("Two"))
        try await test.act(on: first) { try $0.merge(&$1, into: second, by: .routing) }
        let moved = try #require(try await test.entries(second).first { $0.provenance.origin == first.id })
        _ = try await test.write { tx in
            var ticket = try tx.db.ticket(second.id)
            return try tx.split(&ticket, entries: [moved.id.number], by: .routing)
        }
        await #expect(throws: Refusal.self) { _ = try await unmerge(test, first) }
        #expect(try await test.ticket(first.number).state == .merged)
    }

    @Test("the old number leads to the target: mail, the portal and the signed link")
    func oldNumber() async throws {
        let test = try await TestDesk()
        let (old, target) = (try await test.open("Old"), try await test.open("Target"))
        try await test.act(on: old) { try $0.merge(&$1, into: target, by: .routing) }
        test.clock.advance(days: 400)
        let outcome = try await test.receive(from: "Kim <\(TestDesk.kim)>", subject: "Re: [#\(old.number)] Old")
        #expect(outcome == .added(target.number))
        #expect(try await test.read { try $0.ticket(number: old.number, of: old.customer).number } == target.number)
        let living = try await test.read { db in
            try db.linked(LinkToken(ticket: old.id, customer: old.customer)).living.number
        }
        #expect(living == target.number)
    }

    @Test("a merge of before it was kept is taken back by what the ticket tells")
    func older() async throws {
        let test = try await TestDesk()
        let (first, second) = (try await test.open("One"), try await test.open("Two"))
        try await test.act(on: first) { try $0.merge(&$1, into: second, by: .routing) }
        _ = try await test.write { try $0.db.execute("DELETE FROM ticket_merge") }
        #expect(try await unmerge(test, first).state == .new)
    }
}
