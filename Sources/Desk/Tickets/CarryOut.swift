import Domain
import Foundation
import Primitives
import Store

/// The words that a decision makes an entry of, and how they came.
struct NewEntry {
    let writing: Writing
    let author: Author
    let files: [StoredFile]
    let source: Source
    var messageID: String?
    var raw: String?
    var provenance = Provenance()

    /// Refuses an entry that says nothing and carries nothing.
    func requireContent() throws(Refusal) {
        guard !writing.text.isEmpty || !files.isEmpty else { throw .invalid("body", .required) }
    }
}

/// A decision that was carried out, with all that is needed to take it back.
package struct CarriedOut: Sendable {
    /// The ticket as the decision found it.
    package let before: Ticket
    /// The ticket as the decision left it.
    package let after: Ticket
    package let consequences: [Consequence]
    /// The entry that was written.
    package fileprivate(set) var entry: Entry.ID?
    /// When the jobs that were called off had been due.
    package fileprivate(set) var formerJobs: [JobKind: Date] = [:]

    /// How it is taken back.
    package var inverse: Inverse {
        get throws { try Inverse(from: before, to: after, consequences, former: formerJobs) }
    }

    /// The entry that was written with a decision that writes one.
    func writtenEntry() throws -> Entry.ID {
        guard let entry else { throw StoreError.unreadable("a decision wrote no entry") }
        return entry
    }
}

extension Transaction {
    /// Does what follows from a decision, all of it in this transaction. It is the one place that writes the row of a
    /// ticket that exists, and it writes that row once.
    ///
    /// - Parameters:
    ///   - ticket: the ticket as it was decided to be.
    ///   - before: the ticket as the decision found it.
    ///   - words: what becomes an entry, where the decision says so.
    ///   - entry: the entry that is meant, where it was written already.
    @discardableResult
    func carryOut(
        _ consequences: [Consequence], on ticket: Ticket, from before: Ticket, saying words: NewEntry? = nil,
        entry: Entry.ID? = nil
    ) throws -> CarriedOut {
        let latest = words.flatMap { words in consequences.writes.map { LatestWords(words.writing.text, of: $0) } }
        if ticket != before {
            try save(ticket, from: before, latest: latest)
        } else if let latest {
            try save(latest, of: ticket.id)
        }
        var done = CarriedOut(before: before, after: ticket, consequences: consequences, entry: entry)
        for consequence in consequences { try carryOut(consequence, saying: words, &done) }
        recorded.carriedOut.append(done)
        return done
    }

    private func carryOut(_ consequence: Consequence, saying words: NewEntry?, _ done: inout CarriedOut) throws {
        let ticket = done.after
        switch consequence {
        case .write(let kind):
            guard let words else { throw StoreError.unreadable("a decision writes an entry without words") }
            done.entry = try save(words, as: kind, in: ticket.id)
        case .record(let event): try record(event, done)
        case .tellCustomers(let mail): try tell(mail, done)
        case .tellAgents(let mail): try tell(mail, done)
        case .schedule(let job, let due): try schedule(job, for: ticket.id, at: due)
        case .cancel(let job): done.formerJobs[job] = try cancel(job, for: ticket.id)
        case .askForRating: try sendSurvey(ticket.id)
        case .cancelAutomaticMail: try cancelAutomaticMail(of: ticket.id)
        case .cancelMail(let kind, let moment): try cancelMail(kind, queuedAt: moment, of: ticket.id)
        case .addSecondAgent(let agent): try addSecondAgent(agent, to: ticket.id)
        case .removeSecondAgent(let agent): try removeSecondAgent(agent, from: ticket.id)
        case .addCollaborator(let customer, let address, let other):
            try addCollaborator(customer, address, to: other ?? ticket.id)
        case .removeCollaborator(let address, let other):
            try removeCollaborator(address, from: other ?? ticket.id)
        case .replaceRequester(let former, let keepsFormer): try replace(former, keepsFormer, of: ticket)
        case .moveConversation(let other): try moveEntries(from: ticket.id, to: other)
        case .moveEntries(let entries, let other): try moveEntries(entries, from: ticket.id, to: other)
        case .returnConversation(let other): try returnEntries(to: ticket.id, from: other)
        case .link(let other, let relation): try link(ticket.id, to: other, as: relation)
        case .unlink(let other, let relation): try unlink(ticket.id, from: other, as: relation)
        case .indexWords(let words): try db.extendText(of: ticket.id.number, conversation: words)
        case .indexTexts(let tickets): try db.indexTexts(of: tickets)
        case .setTags(let tags): try setTags(tags, of: ticket.id)
        }
    }

    private func save(_ words: NewEntry, as kind: EntryKind, in ticket: Ticket.ID) throws -> Entry.ID {
        try save(
            words.writing, kind: kind, by: words.author, in: ticket, source: words.source, messageID: words.messageID,
            raw: words.raw, files: words.files, provenance: words.provenance)
    }

    private func record(_ event: EventRecord, _ done: CarriedOut) throws {
        var data = event.data
        if event.namesEntry { data["entry"] = JSON(try done.writtenEntry().number) }
        try record(
            event.kind, on: event.ticket ?? done.after.id, by: event.actor, reason: event.reason, data: .object(data))
    }

    // MARK: mail

    private func tell(_ mail: CustomerMail, _ done: CarriedOut) throws {
        let entry = try self.entry(mail.entry, done)
        for customer in try customers(of: done.after) {
            try send(mail.kind, to: customer, about: done.after, entry: entry, data: .object(mail.data))
        }
    }

    private func tell(_ mail: AgentMail, _ done: CarriedOut) throws {
        let agents = try mail.recipients.flatMap { try self.agents($0, of: done.after) }
        try send(
            mail.kind, to: agents, about: done.after, entry: try entry(mail.entry, done), by: mail.actor,
            data: ["reason": .string(mail.reason)])
    }

    private func entry(_ mention: EntryMention?, _ done: CarriedOut) throws -> Entry.ID? {
        switch mention {
        case nil: nil
        case .written: done.entry
        case .first: try firstMessage(of: done.after.id)
        }
    }

    private func agents(_ recipients: Recipients, of ticket: Ticket) throws -> [Agent] {
        switch recipients {
        case .agents(let agents): agents
        case .agent(let id): try db.agent(id).map { [$0] } ?? []
        case .secondAgents: try db.secondAgents(of: ticket.id)
        case .members(let team): try db.members(of: team)
        case .workers(let department): try db.agents(of: department)
        case .supervisors(let department): try db.supervisors(of: department)
        }
    }

    // MARK: people

    private func addSecondAgent(_ agent: Agent.ID, to ticket: Ticket.ID) throws {
        try db.execute(
            "INSERT INTO ticket_agent (ticket_id, agent_id) VALUES (\(ticket), \(agent)) ON CONFLICT DO NOTHING")
    }

    private func removeSecondAgent(_ agent: Agent.ID, from ticket: Ticket.ID) throws {
        try db.execute("DELETE FROM ticket_agent WHERE ticket_id = \(ticket) AND agent_id = \(agent)")
    }

    private func addCollaborator(_ customer: Customer.ID, _ address: String, to ticket: Ticket.ID) throws {
        try db.execute(
            """
            INSERT INTO ticket_collaborator (ticket_id, customer_id, address)
            VALUES (\(ticket), \(customer), \(address)) ON CONFLICT DO NOTHING
            """)
    }

    private func removeCollaborator(_ address: String, from ticket: Ticket.ID) throws {
        try db.execute("DELETE FROM ticket_collaborator WHERE ticket_id = \(ticket) AND address = \(address)")
    }

    /// The new requester is no collaborator besides; the former one becomes one, or hears nothing more.
    private func replace(_ former: Person<Customer>, _ keepsFormer: Bool, of ticket: Ticket) throws {
        try db.execute(
            "DELETE FROM ticket_collaborator WHERE ticket_id = \(ticket.id) AND customer_id = \(ticket.customer)")
        guard former.id != ticket.customer else { return }
        if keepsFormer { return try addCollaborator(former.id, former.address, to: ticket.id) }
        try db.execute(
            """
            UPDATE outbox SET state = 'cancelled', due_at = NULL
            WHERE ticket_id = \(ticket.id) AND recipient_kind = 'customer' AND recipient_id = \(former.id)
            AND state IN ('queued', 'deferred')
            """)
    }

    // MARK: conversation

    private func moveEntries(from ticket: Ticket.ID, to other: Ticket.ID) throws {
        try db.execute(
            """
            UPDATE entry SET origin_id = COALESCE(origin_id, ticket_id), ticket_id = \(other)
            WHERE ticket_id = \(ticket)
            """)
        try forgetLatestWords(of: [ticket, other])
    }

    /// What moves alone belongs to the other ticket from now on, wherever it was written, and so does an answer to it.
    private func moveEntries(_ entries: [Int64], from ticket: Ticket.ID, to other: Ticket.ID) throws {
        try db.execute(
            """
            UPDATE entry SET origin_id = NULL, ticket_id = \(other)
            WHERE ticket_id = \(ticket) AND id IN (\(list: entries))
            """)
        try db.execute("UPDATE outbox SET ticket_id = \(other) WHERE entry_id IN (\(list: entries))")
        try db.execute("UPDATE received SET ticket_id = \(other) WHERE entry_id IN (\(list: entries))")
        try forgetLatestWords(of: [ticket, other])
    }

    /// What came from a ticket, also by way of those that were merged into it, stands in it again.
    private func returnEntries(to ticket: Ticket.ID, from other: Ticket.ID) throws {
        let origins = try db.origins(of: ticket)
        try db.execute(
            """
            UPDATE entry SET ticket_id = \(ticket),
                origin_id = CASE WHEN origin_id = \(ticket) THEN NULL ELSE origin_id END
            WHERE origin_id IN (\(list: origins))
            """)
        try forgetLatestWords(of: [ticket, other])
    }
}

extension Settings {
    /// What of the settings decides about the life of tickets.
    package var life: LifePolicy {
        LifePolicy(
            closeAfterHours: closeAfterHours, reopenWithinDays: reopenWithinDays, sendsSurveys: sendsSurveys,
            surveyDelayHours: surveyDelayHours, updateEveryHours: updateEveryHours)
    }
}
