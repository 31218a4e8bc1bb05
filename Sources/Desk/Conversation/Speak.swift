import Domain
import Foundation
import Mail
import Primitives
import Store

extension Transaction {
    /// An agent answers the customer. The first answer takes up a ticket nobody had.
    package func reply(
        to ticket: inout Ticket, _ writing: Writing, by actor: Actor, files: [StoredFile], source: Source,
        mails kind: MailKind = .reply, messageID: String? = nil, raw: String? = nil
    ) throws -> Entry.ID {
        guard ![.merged, .spam, .deleted].contains(ticket.state) else {
            throw Refusal.conflict(
                "a ticket that is \(ticket.state.rawValue) cannot be answered",
                allowed: TicketAction.allCases.filter { $0.isAllowed(in: ticket.state) }.map(\.rawValue))
        }
        guard !writing.text.isEmpty || !files.isEmpty else { throw Refusal.invalid("body", .required) }
        let entry = try save(
            writing, kind: .reply, by: Author(actor), in: ticket.id, source: source, messageID: messageID, raw: raw,
            files: files)
        try record(.replied, on: ticket.id, by: actor, data: ["entry": JSON(entry.number)])
        ticket.lastReplyAt = now
        if ticket.deadlines.firstRespondedAt == nil {
            ticket.deadlines.firstRespondedAt = now
            // A late answer was answered: what is still to be watched is the solution.
            if ticket.overdue, ticket.deadlines.missed(at: now) == nil { ticket.overdue = false }
        }
        if ticket.state == .new { ticket.state = .open }
        if ticket.assignee == nil, ticket.state.isActive, let agent = try actor.agentID.flatMap({ try db.agent($0) }),
            agent.role >= .agent
        {
            ticket.assignee = agent.person
            try record(.claimed, on: ticket.id, by: actor, reason: "the first to answer takes it up")
        }
        try save(ticket)
        for customer in try customers(of: ticket) { try send(kind, to: customer, about: ticket, entry: entry) }
        return entry
    }

    /// An internal note: seen by agents alone.
    package func note(
        on ticket: inout Ticket, _ writing: Writing, by actor: Actor, files: [StoredFile], source: Source,
        messageID: String? = nil, raw: String? = nil
    ) throws -> Entry.ID {
        guard ticket.state != .deleted else { throw Refusal.notFound }
        guard !writing.text.isEmpty || !files.isEmpty else { throw Refusal.invalid("body", .required) }
        let entry = try save(
            writing, kind: .note, by: Author(actor), in: ticket.id, source: source, messageID: messageID, raw: raw,
            files: files)
        try record(.noted, on: ticket.id, by: actor, data: ["entry": JSON(entry.number)])
        try save(ticket)
        let told = try ticket.assignee.flatMap { try db.agent($0.id) }.map { [$0] } ?? []
        try send(
            .noted, to: told + db.secondAgents(of: ticket.id), about: ticket, entry: entry, by: actor,
            data: ["reason": .string("\(actor.name) wrote a note.")])
        return entry
    }

    /// What a message from the customer's side came to.
    package enum MessageOutcome: Sendable {
        case added(Ticket, Entry.ID)
        /// The ticket was closed too long ago: a new one continues it.
        case continued(Ticket, Entry.ID)

        package var ticket: Ticket {
            switch self {
            case .added(let ticket, _), .continued(let ticket, _): ticket
            }
        }
        package var entry: Entry.ID {
            switch self {
            case .added(_, let entry), .continued(_, let entry): entry
            }
        }
    }

    /// A customer says something: it ends waiting, brings back what was resolved or closed, and is told to whoever
    /// works on it.
    ///
    /// - Parameters:
    ///   - quietly: an automatic mail is kept and changes nothing else.
    ///   - provenance: what nobody proved is marked; it brings the ticket back, so that a person sees it, and does
    ///     nothing more.
    package func receive(
        _ writing: Writing, in ticket: Ticket, by author: Author, files: [StoredFile], source: Source,
        quietly: String? = nil, messageID: String? = nil, raw: String? = nil, provenance: Provenance = Provenance()
    ) throws -> MessageOutcome {
        var ticket = ticket
        // By mail these two are done where the mail is judged.
        if source == .web, !provenance.isUnverified, author.role == .customer, let id = author.id {
            try prove(Customer.ID(id), in: ticket.id)
            if let address = author.address { try forgetReturns(of: address) }
        }
        if ticket.state == .closed, quietly == nil, let closedAt = ticket.closedAt,
            closedAt + TimeInterval(settings.reopenWithinDays * 86400) < now
        {
            let requester =
                MailAddress(name: author.name, author.address ?? "")
                ?? MailAddress(name: ticket.requesterName, ticket.requesterAddress)
            guard let requester else { throw Refusal.notFound }
            var request = NewTicket(requester: requester, subject: ticket.subject, writing: writing, source: source)
            request.files = files
            request.department = .id(ticket.department.id.number)
            request.mailbox = ticket.mailbox
            request.messageID = messageID
            request.raw = raw
            request.follows = ticket
            request.provenance = provenance
            request.provenance.origin = nil
            request.isProved = !provenance.isUnverified && !author.isStranger
            let (opened, entry) = try open(request, by: author.actor)
            return .continued(opened, entry)
        }
        let entry = try save(
            writing, kind: .message, by: author, in: ticket.id, source: source, messageID: messageID, raw: raw,
            files: files, provenance: provenance)
        ticket.lastMessageAt = now
        let reason = quietly.map { "\($0): the state stays as it is" } ?? Self.doubt(author, provenance)
        var data: [String: JSON] = ["entry": JSON(entry.number)]
        if provenance.isUnverified { data["unverified"] = .bool(true) }
        try record(.received, on: ticket.id, by: author.actor, reason: reason, data: .object(data))
        guard quietly == nil else {
            try save(ticket)
            return .added(ticket, entry)
        }
        switch ticket.state {
        case .waiting:
            try resumeClock(of: &ticket)
            ticket.state = .open
            try record(.resumed, on: ticket.id, by: author.actor, reason: "the customer answered")
            try tellWorkers(of: ticket, .received, entry: entry, by: author.actor, reason: "The customer answered.")
        case .resolved, .closed:
            try reopen(
                &ticket, by: author.actor,
                reason: ticket.state == .closed
                    ? "the customer answered a closed ticket" : "the customer answered: it is not solved", entry: entry)
        case .new, .open, .held:
            try tellWorkers(
                of: ticket, .received, entry: entry, by: author.actor, reason: "A new message from the customer.")
        case .spam, .merged, .deleted: break
        }
        try save(ticket)
        return .added(ticket, entry)
    }

    /// Why a message is not surely its author's; empty where it is.
    private static func doubt(_ author: Author, _ provenance: Provenance) -> String {
        if author.isStranger {
            return provenance.isUnverified
                ? "from someone new; unverified sender"
                : "from someone new, with the token of a mail that was passed on"
        }
        return provenance.isUnverified ? "unverified sender: nothing proves that this address wrote it" : ""
    }

    /// The assignee and second agents; where there is no assignee, the team.
    func tellWorkers(of ticket: Ticket, _ kind: MailKind, entry: Entry.ID?, by actor: Actor, reason: String) throws {
        var told = try db.secondAgents(of: ticket.id)
        if let assignee = try ticket.assignee.flatMap({ try db.agent($0.id) }) {
            told.insert(assignee, at: 0)
        } else if let team = ticket.team {
            told += try db.members(of: team.id)
        }
        try send(kind, to: told, about: ticket, entry: entry, by: actor, data: ["reason": .string(reason)])
    }

    func resumeClock(of ticket: inout Ticket) throws {
        guard ticket.deadlines.pausedAt != nil else { return }
        if let level = try ticket.serviceLevel.flatMap({ try db.serviceLevel($0.id) }) {
            ticket.deadlines = level.resume(ticket.deadlines, at: now)
        } else {
            ticket.deadlines.pausedAt = nil
        }
    }
}
