import Domain
import Foundation
import Primitives
import Store

/// What an agent did by one press, to one ticket or to many, and can still take back.
package struct Undoable: Sendable, Equatable {
    /// The key of the press.
    package let batch: String
    package let deed: Deed
    /// Number of its ticket; of the first where there are several.
    package let ticket: Int64
    package let count: Int
    package let until: Date

    package enum Deed: Sendable, Equatable {
        case reply
        case action(TicketAction)

        /// As it is kept.
        package var text: String {
            switch self {
            case .reply: "reply"
            case .action(let action): action.rawValue
            }
        }

        package init?(_ text: String) {
            if text == "reply" {
                self = .reply
            } else {
                guard let action = TicketAction(rawValue: text) else { return nil }
                self = .action(action)
            }
        }
    }
}

/// What became of taking something back.
package struct Undone: Sendable, Equatable {
    package var deed: Undoable.Deed
    /// Numbers of the tickets that are as they were.
    package var tickets: [Int64] = []
    /// Numbers of those that somebody has worked on since, and which were left as they are.
    package var changed: [Int64] = []
}

extension TicketAction {
    /// Whether it can be taken back for some seconds. Escalating is not among them: it tells people at once. Nor is
    /// what has a way back of its own, such as merging.
    package var isUndoable: Bool {
        switch self {
        case .claim, .assign, .release, .transfer, .deEscalate, .wait, .hold, .resume, .resolve, .confirm, .close,
            .reopen, .spam:
            true
        case .escalate, .merge, .unmerge, .split, .link, .unlink, .addAgent, .removeAgent, .addCollaborator,
            .removeCollaborator, .setRequester:
            false
        }
    }
}

// MARK: keeping the way back

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
        try keep(try inverse(of: ticket), of: .reply, Secret.random(), ticket, entry, by: agent, until: until)
    }

    /// Holds the mails of an action that was just carried out on a ticket back for some seconds, and keeps how it is
    /// taken back.
    ///
    /// - Parameter batch: the key of the press, which may have been about several tickets.
    /// - Returns: whether it can be taken back.
    @discardableResult
    package func holdBack(
        _ action: TicketAction, on ticket: Ticket.ID, batch: String = Secret.random(), by agent: Agent.ID
    ) throws -> Bool {
        guard settings.undoSeconds > 0, action.isUndoable else { return false }
        let inverse = try inverse(of: ticket)
        guard inverse.isWhole, !inverse.fields.isEmpty else { return false }
        let until = now + TimeInterval(settings.undoSeconds)
        let kinds = Set(inverse.mails).map(\.rawValue).sorted()
        if !kinds.isEmpty {
            try db.execute(
                """
                UPDATE outbox SET due_at = \(until) WHERE ticket_id = \(ticket) AND created_at = \(now)
                AND kind IN (\(list: kinds)) AND state = 'queued' AND due_at < \(until)
                """)
        }
        try keep(inverse, of: .action(action), batch, ticket, nil, by: agent, until: until)
        return true
    }

    private func keep(
        _ inverse: Inverse, of deed: Undoable.Deed, _ batch: String, _ ticket: Ticket.ID, _ entry: Entry.ID?,
        by agent: Agent.ID, until: Date
    ) throws {
        let texts = inverse.texts
        try db.execute("DELETE FROM undo WHERE until < \(now)")
        try db.execute(
            """
            INSERT INTO undo (batch, action, agent_id, ticket_id, entry_id, done_at, until, ticket_before, ticket_after)
            VALUES (\(batch), \(deed.text), \(agent), \(ticket), \(entry), \(now), \(until), \(texts.restored),
            \(texts.expected))
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
}

// MARK: taking back

extension Transaction {
    /// Takes back what one press did. A reply's mails never go, and its words and files become a draft again; a ticket
    /// is as it was, unless somebody has worked on it since.
    ///
    /// - Throws: `Refusal.conflict` where nothing can be taken back any more.
    package func undo(_ batch: String, by agent: Agent) throws -> Undone {
        let kept = try db.query(
            """
            SELECT action, ticket_id, entry_id, done_at, ticket_before, ticket_after FROM undo
            WHERE batch = \(batch) AND agent_id = \(agent.id) AND until > \(now) ORDER BY id
            """
        ) { try Kept(&$0) }
        guard let first = kept.first, let deed = Undoable.Deed(first.action) else {
            throw Refusal.conflict(Sentence("It is too late to undo this."), allowed: [])
        }
        var undone = Undone(deed: deed)
        for step in kept {
            var ticket = try db.ticket(step.ticket)
            if let entry = step.entry {
                try takeBack(entry, step.inverse, in: ticket, by: agent)
                undone.tickets.append(ticket.number)
            } else if let inverse = step.inverse, try inverse.fits(ticket) {
                let before = ticket
                let consequences = try ticket.undo(inverse, queuedAt: step.doneAt, by: Actor(agent), at: now)
                // Rights may have changed meanwhile, and a transfer is judged by where the ticket comes back to.
                guard try db.may(.agent(agent), .work, as: ticket) else { throw Refusal.notFound }
                try carryOut(consequences, on: ticket, from: before)
                undone.tickets.append(ticket.number)
            } else {
                undone.changed.append(ticket.number)
            }
        }
        guard !undone.tickets.isEmpty else {
            throw Refusal.conflict(
                Sentence("The ticket has changed since then, so this can no longer be undone."), allowed: [])
        }
        try db.execute("DELETE FROM undo WHERE batch = \(batch)")
        return undone
    }

    private struct Kept {
        let action: String
        let ticket: Ticket.ID
        let entry: Entry.ID?
        let doneAt: Date
        let inverse: Inverse?

        init(_ row: inout Row) throws {
            action = try row.read()
            ticket = try row.read()
            entry = try row.read()
            doneAt = try row.read()
            inverse = Inverse(restored: try row.read(), expected: try row.read())
        }
    }

    private func takeBack(_ entry: Entry.ID, _ inverse: Inverse?, in ticket: Ticket, by agent: Agent) throws {
        // Who may no longer see the ticket has no draft there either.
        guard try db.may(.agent(agent), .see, ticket.id) else { throw Refusal.notFound }
        let onItsWay: Int =
            try db.value(
                """
                SELECT count(*) FROM outbox WHERE entry_id = \(entry) AND recipient_kind = 'customer'
                AND state <> 'queued'
                """
            ) ?? 0
        guard onItsWay == 0 else {
            throw Refusal.conflict(Sentence("This reply has already been sent."), allowed: [])
        }
        var after = ticket
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

    /// What an agent can still take back, the newest first.
    package func undoables(of agent: Agent.ID, now: Date) throws -> [Undoable] {
        try query(
            """
            SELECT batch, action, min(ticket.number), count(*), max(until) FROM undo
            JOIN ticket ON ticket.id = undo.ticket_id
            WHERE agent_id = \(agent) AND until > \(now) GROUP BY batch, action ORDER BY max(undo.id) DESC LIMIT 5
            """
        ) { row in
            let (batch, action): (String, String) = (try row.read(), try row.read())
            let (ticket, count, until): (Int64, Int64, Date) = (try row.read(), try row.read(), try row.read())
            return Undoable.Deed(action).map {
                Undoable(batch: batch, deed: $0, ticket: ticket, count: Int(count), until: until)
            }
        }.compactMap { $0 }
    }
}
