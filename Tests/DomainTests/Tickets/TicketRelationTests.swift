import Foundation
import Primitives
import Testing

@testable import Domain

@Suite("Links between tickets")
struct TicketRelationTests {
    private let ada = Actor(Cast.ada)
    private let other = Cast.newTicket(number: 100_002)

    @Test("every relation has an inverse, and the inverse of that is the relation itself")
    func inverse() {
        for relation in TicketRelation.allCases { #expect(relation.inverse.inverse == relation) }
        #expect(TicketRelation.allCases.filter { $0.inverse == $0 } == [.related])
    }

    @Test("both timelines say it, each as it sees it", arguments: TicketRelation.settable)
    func linked(relation: TicketRelation) throws {
        let ticket = try Cast.ticket(.open)
        let followed = try ticket.link(to: other, as: relation, known: [], by: ada)
        let events = followed.compactMap { if case .record(let event) = $0 { event } else { nil } }
        #expect(events.map(\.ticket) == [nil, other.id])
        #expect(events.map { $0.data["kind"]?.text } == [relation.rawValue, relation.inverse.rawValue])
        #expect(events.map { $0.data["ticket"]?.integer } == [other.number, ticket.number])
        #expect(try ticket.link(to: other, as: relation, known: [relation], by: ada).isEmpty)
    }

    @Test("itself, the other way round, and what the desk alone knows are refused")
    func refused() throws {
        let ticket = try Cast.ticket(.open)
        #expect(throws: Refusal.self) { try ticket.link(to: ticket, as: .related, known: [], by: ada) }
        #expect(throws: Refusal.self) { try ticket.link(to: other, as: .parent, known: [.child], by: ada) }
        #expect(throws: Refusal.self) { try ticket.link(to: other, as: .follows, known: [], by: ada) }
        #expect(throws: Refusal.self) { try ticket.unlink(from: other, as: .parent, known: [.child], by: ada) }
        #expect(throws: Refusal.self) { try ticket.unlink(from: other, as: nil, known: [], by: ada) }
    }

    @Test("all that is known ends, or the one that is named")
    func unlinked() throws {
        let ticket = try Cast.ticket(.open)
        let all = try ticket.unlink(from: other, as: nil, known: [.parent, .related], by: ada)
        #expect(all.filter { $0.summary.hasPrefix("unlink:") }.map(\.summary) == ["unlink: related", "unlink: parent"])
        #expect(try ticket.unlink(from: other, as: .parent, known: [.parent, .related], by: ada).count == 3)
    }
}
