import Foundation
import Mail
import Store

/// What an agent has begun to write in a ticket, kept until it is sent.
package struct Draft: Sendable, Equatable {
    package let body: String
    package let savedAt: Date
    package static let longest = 1_000_000
}

extension Transaction {
    /// Keeps a draft; empty takes it away.
    package func keepDraft(_ body: String, of kind: Entry.Kind, by agent: Agent.ID, in ticket: Ticket.ID) throws {
        let text = body.withoutControls
        guard !text.trimmingWhitespace().isEmpty else { return try dropDraft(of: kind, by: agent, in: ticket) }
        guard text.count <= Draft.longest else { throw Refusal.invalid("body", .tooLong(most: Draft.longest)) }
        try db.execute(
            """
            INSERT INTO draft (agent_id, ticket_id, kind, body, saved_at) VALUES (\(agent), \(ticket), \(kind), \(text), \(now))
            ON CONFLICT (agent_id, ticket_id, kind) DO UPDATE SET body = excluded.body, saved_at = excluded.saved_at
            """)
    }
    package func dropDraft(of kind: Entry.Kind, by agent: Agent.ID, in ticket: Ticket.ID) throws {
        try db.execute("DELETE FROM draft WHERE agent_id = \(agent) AND ticket_id = \(ticket) AND kind = \(kind)")
    }
}

extension Connection {
    package func drafts(by agent: Agent.ID, in ticket: Ticket.ID) throws -> [Entry.Kind: Draft] {
        let rows = try query("SELECT kind, body, saved_at FROM draft WHERE agent_id = \(agent) AND ticket_id = \(ticket)") {
            (try $0.read(Entry.Kind.self), Draft(body: try $0.read(), savedAt: try $0.read()))
        }
        return Dictionary(rows, uniquingKeysWith: { first, _ in first })
    }
}

extension Connection {
    /// Whether somebody else wrote to or for the customer after the entry an agent has seen.
    package func hasNews(in ticket: Ticket.ID, after seen: Int64, for agent: Agent.ID) throws -> Bool {
        try value(
            """
            SELECT 1 FROM entry WHERE ticket_id = \(ticket) AND id > \(seen) AND kind <> 'note' AND NOT (author_kind = 'agent' AND author_id = \(agent)) LIMIT 1
            """, as: Int64.self) != nil
    }
}
