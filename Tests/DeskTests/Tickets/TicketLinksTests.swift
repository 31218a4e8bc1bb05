import DeskTesting
import Domain
import Foundation
import Primitives
import Testing

@testable import Desk
@testable import Store

@Suite("Linked tickets")
struct TicketLinksTests {
    private func links(_ test: TestDesk, _ ticket: Ticket, for asker: Asker = .desk) async throws -> [String] {
        try await test.read { try $0.links(of: ticket.id, for: asker).map { "\($0.relation.rawValue) \($0.subject)" } }
    }

    @Test("both tickets show a link, each from its side, and none is kept twice", arguments: TicketRelation.settable)
    func bothSides(relation: TicketRelation) async throws {
        let test = try await TestDesk()
        let (one, two) = (try await test.open("One"), try await test.open("Two"))
        for (ticket, other, kind) in [(one, two, relation), (one, two, relation), (two, one, relation.inverse)] {
            try await test.write { tx in try tx.link(ticket, to: other, as: kind, by: .routing) }
        }
        #expect(try await links(test, one) == ["\(relation.rawValue) Two"])
        #expect(try await links(test, two) == ["\(relation.inverse.rawValue) One"])
        #expect(try await test.events(two).filter { $0.kind == .linked }.count == 1)
        try await test.write { tx in try tx.unlink(two, from: one, as: relation.inverse, by: .routing) }
        #expect(try await links(test, one).isEmpty)
        #expect(try await links(test, two).isEmpty)
        #expect(try await test.events(one).last?.kind == .unlinked)
    }

    @Test("two tickets may be linked in several ways, and of a ticket that may not be seen nothing is shown")
    func several() async throws {
        let test = try await TestDesk()
        _ = try await test.write { try $0.add(["name": "Elsewhere"], to: .departments) }
        let ada = try await test.hire("Ada", departments: ["Support"])
        let one = try await test.open("One")
        let two = try await test.open("Two") { $0.department = .name("Elsewhere") }
        try await test.write { tx in
            try tx.link(one, to: two, as: .related, by: .routing)
            try tx.link(one, to: two, as: .blocks, by: .routing)
        }
        #expect(try await links(test, one).count == 2)
        #expect(try await links(test, one, for: .agent(ada)).isEmpty)
        let events = try await test.events(one)
        #expect(try await test.read { try $0.tickets(namedBy: events, for: .desk) } == [two.number])
        #expect(try await test.read { try $0.tickets(namedBy: events, for: .agent(ada)) }.isEmpty)
    }
}
