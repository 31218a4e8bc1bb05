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
    /// Holds the mails of a reply that was just written back for some seconds, and keeps how what came with it is taken
    /// back.
    package func holdBack(_ entry: Entry.ID, of ticket: Ticket.ID, by agent: Agent.ID) throws {
        guard settings.undoSeconds > 0 else { return }
        let until = now + TimeInterval(settings.undoSeconds)
        try db.execute(
            """
            UPDATE outbox SET due_at = \(until) WHERE entry_id = \(entry) AND recipient_kind = 'customer'
            AND state = 'queued'
            """
        )
        try db.execute("DELETE FROM second_thought WHERE until < \(now)")
        let inverse = try inverse(of: ticket).texts
        try db.execute(
            """
            INSERT INTO second_thought (entry_id, agent_id, until, ticket_before, ticket_after)
            VALUES (\(entry), \(agent), \(until), \(inverse.restored), \(inverse.expected))
            """
        )
    }

    /// The inverse of all that was carried out on a ticket in this transaction. A ticket that was opened in it has no
    /// former state to go back to.
    private func inverse(of ticket: Ticket.ID) throws -> Inverse {
        let done = recorded.carriedOut.filter { $0.after.id == ticket }
        guard let first = done.first, let last = done.last, !done.contains(where: \.opensTicket) else {
            return .nothing
        }
        var former: [JobKind: Date] = [:]
        for step in done { former.merge(step.formerJobs) { earlier, _ in earlier } }
        return try Inverse(from: first.before, to: last.after, done.flatMap(\.consequences), former: former)
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
            (restored: try $0.read(String.self), expected: try $0.read(String.self))
        }
        let onItsWay: Int =
            try db.value(
                """
                SELECT count(*) FROM outbox WHERE entry_id = \(entry) AND recipient_kind = 'customer'
                AND state <> 'queued'
                """
            ) ?? 0
        guard let found, onItsWay == 0 else {
            throw Refusal.conflict(Sentence("This reply has already been sent."), allowed: [])
        }
        var after = ticket
        let inverse = Inverse(restored: found.restored, expected: found.expected)
        let consequences = try after.takeBackReply(inverse, by: Actor(agent), at: now)
        try makeDraft(of: entry, in: ticket.id, by: agent.id)
        try db.execute("DELETE FROM outbox WHERE entry_id = \(entry)")
        try db.execute("DELETE FROM follow_up WHERE entry_id = \(entry)")
        try db.execute("DELETE FROM entry WHERE id = \(entry)")
        try forgetLatestWords(of: [ticket.id])
        try carryOut([.indexTexts([ticket.id])] + consequences, on: after, from: ticket)
    }

    /// The words and files of a reply come before those of a draft that was begun since.
    private func makeDraft(of entry: Entry.ID, in ticket: Ticket.ID, by agent: Agent.ID) throws {
        let written = try db.entry(entry)
        let known = try db.drafts(by: agent, in: ticket)[.reply]
        try keepDraft(
            [written.text, known?.body ?? ""].filter { !$0.isEmpty }.joined(separator: "\n\n"), of: .reply,
            by: agent, in: ticket)
        try keepDraft(
            written.attachments.map { StoredFile(hash: $0.hash, size: $0.size, name: $0.name, type: $0.type) }
                + (known?.files ?? []).map(\.file), of: .reply, by: agent, in: ticket)
    }

    /// Takes back what was done to a ticket without words to the customer, such as resolving, closing or assigning it:
    /// the ticket is as it was before, and mail that has not gone does not go. Refused once somebody has worked on the
    /// ticket since.
    package func undo(_ done: CarriedOut, of ticket: inout Ticket, by actor: Actor) throws {
        let before = ticket
        let consequences = try ticket.undo(try done.inverse, queuedAt: done.at, by: actor, at: now)
        try carryOut(consequences, on: ticket, from: before)
    }
}

extension CarriedOut {
    fileprivate var opensTicket: Bool {
        consequences.contains { if case .record(let event) = $0 { event.kind == .opened } else { false } }
    }
}

extension Connection {
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
