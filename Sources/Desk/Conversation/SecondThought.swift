import Domain
import Foundation
import Primitives
import Store

/// A reply that can still be taken back.
package struct SecondThought: Sendable {
    package let entry: Entry.ID
    /// Number of its ticket.
    package let ticket: Int64
    package let until: Date
}

extension Transaction {
    /// Holds the mails of a reply that was just written back for some seconds, and remembers how the ticket was before
    /// it.
    package func holdBack(_ entry: Entry.ID, of ticket: Ticket.ID, by agent: Agent.ID, before: TicketSnapshot) throws {
        guard settings.undoSeconds > 0 else { return }
        let until = now + TimeInterval(settings.undoSeconds)
        try db.execute(
            """
            UPDATE outbox SET due_at = \(until) WHERE entry_id = \(entry) AND recipient_kind = 'customer'
            AND state = 'queued'
            """
        )
        try db.execute("DELETE FROM second_thought WHERE until < \(now)")
        let after = try db.snapshot(of: ticket)
        try db.execute(
            """
            INSERT INTO second_thought (entry_id, agent_id, until, ticket_before, ticket_after)
            VALUES (\(entry), \(agent), \(until), \(before.text), \(after.text))
            """
        )
    }

    /// Takes a reply back: its mails never go, its words and files become a draft again, and the ticket is as it was
    /// unless somebody has worked on it since.
    package func takeBack(_ entry: Entry.ID, in ticket: Ticket, by agent: Agent) throws {
        let found = try db.first(
            """
            SELECT ticket_before, ticket_after FROM second_thought WHERE entry_id = \(entry)
            AND agent_id = \(agent.id) AND until > \(now) AND entry_id IN (SELECT id FROM entry
            WHERE ticket_id = \(ticket.id))
            """
        ) {
            (TicketSnapshot(text: try $0.read()), TicketSnapshot(text: try $0.read()))
        }
        let onItsWay: Int =
            try db.value(
                """
                SELECT count(*) FROM outbox WHERE entry_id = \(entry) AND recipient_kind = 'customer'
                AND state <> 'queued'
                """
            ) ?? 0
        guard let (before, after) = found, onItsWay == 0 else {
            throw Refusal.conflict("it is on its way already", allowed: [])
        }
        let written = try db.entry(entry)
        let known = try db.drafts(by: agent.id, in: ticket.id)[.reply]
        try keepDraft(
            [written.text, known?.body ?? ""].filter { !$0.isEmpty }.joined(separator: "\n\n"), of: .reply,
            by: agent.id, in: ticket.id)
        try keepDraft(
            written.attachments.map { StoredFile(hash: $0.hash, size: $0.size, name: $0.name, type: $0.type) }
                + (known?.files ?? []).map(\.file), of: .reply, by: agent.id, in: ticket.id)
        let isUntouched = try db.snapshot(of: ticket.id) == after
        if isUntouched { try restore(before, of: ticket.id) }
        try db.execute("DELETE FROM outbox WHERE entry_id = \(entry)")
        try db.execute("DELETE FROM follow_up WHERE entry_id = \(entry)")
        try db.execute("DELETE FROM entry WHERE id = \(entry)")
        try db.indexTexts(of: [ticket.id])
        try record(
            .takenBack, on: ticket.id, by: Actor(agent),
            reason: isUntouched
                ? "the ticket is as it was before" : "the ticket has been worked on since and stays as it is")
    }

    private func restore(_ snapshot: TicketSnapshot, of ticket: Ticket.ID) throws {
        guard case .array(let values)? = JSON(snapshot.text), values.count == TicketSnapshot.columns.count else {
            throw StoreError.unreadable("a snapshot of a ticket")
        }
        let assignments = zip(TicketSnapshot.columns, values).map { column, value -> SQL in
            let bound: SQLValue = value.integer.map { .integer($0) } ?? value.text.map { .text($0) } ?? .null
            return "\(SQL(raw: column)) = \(bound)"
        }
        recorded.touched.insert(ticket)
        try db.execute(
            "UPDATE ticket SET \(SQL.join(assignments, separator: ", ")), updated_at = \(now) WHERE id = \(ticket)")
        if try db.ticket(ticket).state != .resolved { try cancel(.closeSilent, for: ticket) }
    }
}

/// What a reply may change of a ticket, in the order of its columns.
package struct TicketSnapshot: Sendable, Equatable {
    let text: String
    static let columns = [
        "state", "status", "team_id", "assignee_id", "solver_id", "first_responded_at", "first_response_due_at",
        "resolution_due_at", "paused_at", "watch_at", "overdue", "escalation_level",
        "urgency", "reopened_count", "resolved_at", "closed_at", "last_message_at", "last_reply_at", "due_rank",
    ]
}

extension Connection {
    package func snapshot(of ticket: Ticket.ID) throws -> TicketSnapshot {
        let columns = SQL(raw: TicketSnapshot.columns.joined(separator: ", "))
        let values = try first("SELECT \(columns) FROM ticket WHERE id = \(ticket)") { row in
            // The first two are words, all others whole numbers.
            var values: [JSON] = [.string(try row.read()), JSON(try row.read(String?.self))]
            for _ in TicketSnapshot.columns.dropFirst(2) { values.append(try row.integer().map { JSON($0) } ?? .null) }
            return values
        }
        guard let values else { throw Refusal.notFound }
        return TicketSnapshot(text: JSON.array(values).written)
    }

    package func latestReply(in ticket: Ticket.ID) throws -> Entry.ID? {
        try value(
            "SELECT id FROM entry WHERE ticket_id = \(ticket) AND kind = 'reply' ORDER BY id DESC LIMIT 1",
            as: Entry.ID.self)
    }

    /// An agent's replies that can still be taken back, the newest first.
    package func secondThoughts(of agent: Agent.ID, now: Date) throws -> [SecondThought] {
        try query(
            """
            SELECT entry_id, ticket.number, until FROM second_thought JOIN entry ON entry.id = entry_id
            JOIN ticket ON ticket.id = entry.ticket_id
            WHERE agent_id = \(agent) AND until > \(now) ORDER BY entry_id DESC LIMIT 5
            """
        ) { SecondThought(entry: try $0.read(), ticket: try $0.read(), until: try $0.read()) }
    }
}
