import Foundation
import Markup
import Store

/// Something that happened to a ticket: what, when, by whom and why. The timeline, notifications, reports and the audit
/// trail hang on events and on nothing else.
package struct TicketEvent: Sendable {
    package typealias ID = Store.ID<TicketEvent>
    package let id: ID
    package let kind: Kind
    package let at: Date
    package let actor: Actor
    /// Which rule, which condition, which target: a sentence for people.
    package let reason: String
    /// As JSON, as it is kept and sent.
    package let dataText: String

    package enum Kind: String, Sendable, CaseIterable, SQLConvertible {
        case opened, assigned, claimed, released, transferred, escalated, replied, noted, received, waiting, held,
            resumed, resolved, confirmed,
            closed, reopened, merged, bounced, rated, reviewed, changed, linked, overdue, updated
        case deEscalated = "de_escalated"
        case markedSpam = "marked_spam"
        case followedUp = "followed_up"
        case agentAdded = "agent_added"
        case agentRemoved = "agent_removed"
        case collaboratorAdded = "collaborator_added"
        case collaboratorRemoved = "collaborator_removed"
        case requesterChanged = "requester_changed"
        /// A mail could not be delivered.
        case deliveryFailed = "delivery_failed"
        /// An automatic mail was not sent, and why.
        case quieted
        /// A reply that had not gone yet.
        case takenBack = "taken_back"
    }
}

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
