import Domain
import Foundation
import Primitives
import Store

extension Transaction {
    /// Another ticket has to do with this one.
    package func link(_ ticket: Ticket, to other: Ticket, as relation: TicketRelation, by actor: Actor) throws {
        let known = try db.relations(of: ticket.id, to: other.id)
        try carryOut(try ticket.link(to: other, as: relation, known: known, by: actor), on: ticket, from: ticket)
    }

    /// It has no more to do with it; a relation ends that one alone.
    package func unlink(_ ticket: Ticket, from other: Ticket, as relation: TicketRelation?, by actor: Actor) throws {
        let known = try db.relations(of: ticket.id, to: other.id)
        try carryOut(try ticket.unlink(from: other, as: relation, known: known, by: actor), on: ticket, from: ticket)
    }

    func link(_ ticket: Ticket.ID, to other: Ticket.ID, as relation: TicketRelation) throws {
        let row = KeptRelation(ticket, other, relation)
        try db.execute(
            """
            INSERT INTO ticket_link (ticket_id, other_id, kind)
            VALUES (\(row.ticket), \(row.other), \(row.kind.stored)) ON CONFLICT DO NOTHING
            """)
    }

    func unlink(_ ticket: Ticket.ID, from other: Ticket.ID, as relation: TicketRelation) throws {
        let row = KeptRelation(ticket, other, relation)
        try db.execute(
            """
            DELETE FROM ticket_link WHERE ticket_id = \(row.ticket) AND other_id = \(row.other) AND kind = \(row.kind.stored)
            """)
    }
}

/// A relation as its row says it: from one side alone, so that none is kept twice.
private struct KeptRelation {
    let ticket: Ticket.ID
    let other: Ticket.ID
    let kind: TicketRelation

    init(_ ticket: Ticket.ID, _ other: Ticket.ID, _ relation: TicketRelation) {
        let isTurned: Bool =
            switch relation {
            case .related: ticket.number > other.number
            case .child, .duplicatedBy, .blockedBy, .followedBy: true
            case .parent, .duplicateOf, .blocks, .follows: false
            }
        (self.ticket, self.other) = isTurned ? (other, ticket) : (ticket, other)
        kind = isTurned ? relation.inverse : relation
    }
}

extension TicketRelation {
    /// As a row has it, also in backups of before there were others.
    fileprivate var stored: String { self == .follows ? "follow_up" : rawValue }

    fileprivate init(stored word: String) throws {
        guard let relation = word == "follow_up" ? .follows : TicketRelation(rawValue: word) else {
            throw StoreError.unreadable("\(word) is no relation of tickets")
        }
        self = relation
    }
}

extension Connection {
    /// How another ticket stands to this one.
    fileprivate func relations(of ticket: Ticket.ID, to other: Ticket.ID) throws -> Set<TicketRelation> {
        let own: [TicketRelation] = try query(
            "SELECT kind FROM ticket_link WHERE ticket_id = \(ticket) AND other_id = \(other)"
        ) { try TicketRelation(stored: $0.read()) }
        let theirs: [TicketRelation] = try query(
            "SELECT kind FROM ticket_link WHERE ticket_id = \(other) AND other_id = \(ticket)"
        ) { try TicketRelation(stored: $0.read()) }
        return Set(own + theirs.map(\.inverse))
    }

    /// The tickets that have to do with one, as far as the asker may see them.
    func links(of ticket: Ticket.ID, for asker: Asker) throws -> [WholeTicket.Link] {
        try query(
            """
            SELECT kind, 0, ticket.number, ticket.subject, ticket.state FROM ticket_link
            JOIN ticket ON ticket.id = other_id WHERE ticket_link.ticket_id = \(ticket) AND \(asker.condition)
            UNION ALL
            SELECT kind, 1, ticket.number, ticket.subject, ticket.state FROM ticket_link
            JOIN ticket ON ticket.id = ticket_link.ticket_id WHERE other_id = \(ticket) AND \(asker.condition)
            ORDER BY 3, 1
            """
        ) {
            let relation = try TicketRelation(stored: $0.read())
            let isTurned: Bool = try $0.read()
            return WholeTicket.Link(
                relation: isTurned ? relation.inverse : relation, number: try $0.read(), subject: try $0.read(),
                state: try $0.read())
        }
    }

    /// A ticket and all that were merged into it, however often: what came from one of them came from it.
    func origins(of ticket: Ticket.ID) throws -> [Ticket.ID] {
        try query(
            """
            WITH RECURSIVE swallowed (id) AS (
                SELECT id FROM ticket WHERE id = \(ticket)
                UNION ALL SELECT ticket.id FROM ticket JOIN swallowed ON ticket.merged_into_id = swallowed.id)
            SELECT id FROM swallowed
            """
        ) { try $0.read() }
    }

    /// Numbers of the tickets that were merged into one, as far as the asker may see them.
    package func numbers(mergedInto ticket: Ticket.ID, for asker: Asker) throws -> Set<Int64> {
        Set(
            try query("SELECT number FROM ticket WHERE merged_into_id = \(ticket) AND \(asker.condition)") {
                try $0.read(Int64.self)
            })
    }
}
