import Domain
import Foundation
import Primitives
import Store

extension Transaction {
    /// Records what was done, in the transaction that does it.
    func record(
        _ kind: TicketEvent.Kind, on ticket: Ticket.ID, by actor: Actor, reason: String = "", data: JSON = .object([:])
    ) throws {
        let event: SQL = """
            INSERT INTO ticket_event (ticket_id, kind, at, actor_kind, actor_id, actor_name, actor_address, reason,
            data)
            VALUES (\(ticket), \(kind), \(now), \(actor.kind), \(actor.id), \(actor.name), \(actor.address),
            \(reason), \(data.written)) RETURNING id
            """
        // Nothing in the transaction needs its key.
        try db.later(event) { [recorded] row in
            recorded.events.append(Recorded.Event(id: try row.read(), ticket: ticket))
        }
    }
}

extension Connection {
    /// A ticket's events, oldest first, after the one given.
    package func events(of ticket: Ticket.ID, after: Int64 = 0, limit: Int) throws -> [TicketEvent] {
        try events(where: "ticket_id = \(ticket) AND id > \(after) ORDER BY id LIMIT \(limit)")
    }
    /// The last events, oldest first.
    package func latestEvents(of ticket: Ticket.ID, limit: Int) throws -> [TicketEvent] {
        try events(where: "ticket_id = \(ticket) ORDER BY id DESC LIMIT \(limit)").reversed()
    }

    /// The numbers of the tickets that events name, as far as the asker may see them.
    package func tickets(namedBy events: [TicketEvent], for asker: Asker) throws -> Set<Int64> {
        let numbers = Set(events.flatMap(\.tickets)).sorted()
        guard !numbers.isEmpty else { return [] }
        return Set(
            try query(
                "SELECT number FROM ticket WHERE number IN (\(list: numbers)) AND \(asker.condition)"
            ) { try $0.read(Int64.self) })
    }

    private func events(where condition: SQL) throws -> [TicketEvent] {
        try query(
            """
            SELECT id, kind, at, actor_kind, actor_id, actor_name, actor_address, reason, data FROM ticket_event
            WHERE \(condition)
            """
        ) { row in
            TicketEvent(
                id: try row.read(), kind: try row.read(), at: try row.read(),
                actor: Actor(try row.read(), id: try row.read(), name: try row.read(), address: try row.read()),
                reason: try row.read(),
                dataText: try row.read())
        }
    }
}
