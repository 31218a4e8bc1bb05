import Domain
import Foundation
import Mail
import Primitives
import Store

/// A request as every channel hands it over.
package struct NewTicket: Sendable {
    package var requester: MailAddress
    package var subject: String
    package var writing: Writing
    package var files: [StoredFile] = []
    package var topic: Wanted?
    package var department: Wanted?
    package var priority: Priority?
    package var tags: [String] = []
    package var fields: [String: JSON] = [:]
    package var source: Source
    /// False keeps the acknowledgement back.
    package var notify = true
    /// Why there is no acknowledgement: a program wrote.
    package var silence: String?
    package var mailbox: String?
    package var messageID: String?
    package var raw: String?
    /// Of the page or mail it was written in, where that is known (BCP 47, the first part).
    package var language: String?
    /// The first message's.
    package var provenance = Provenance()
    /// Whether the requester's address is known to be the requester's; mail to any other holds nothing that was written
    /// here.
    package var isProved = false
    /// The network address it was sent from, for a form.
    package var network: String?
    /// The closed ticket this one follows, and where that knowledge sits.
    package var follows: Ticket?

    package static let longestSubject = Ticket.longestSubject
    /// Characters of a person's name.
    package static let longestName = 200

    package init(requester: MailAddress, subject: String, writing: Writing, source: Source) {
        self.requester = requester
        self.subject = subject
        self.writing = writing
        self.source = source
    }
}

extension Transaction {
    /// Opens a ticket: identifies the customer, routes, sets the clocks, escalates what cannot wait, acknowledges.
    package func open(_ request: NewTicket, by actor: Actor?) throws -> (Ticket, Entry.ID) {
        let topic = try self.topic(request)
        // What does not depend on each other is asked at once.
        try db.together([
            { _ = try $0.newTicketKeys() }, { _ = try $0.place(topic?.department?.id) },
            { _ = try $0.customer(address: request.requester.address) },
            {
                _ = try Transaction(db: $0, now: now, office: office, settings: settings).obstacle(
                    to: request.requester.address)
            },
        ])
        let keys = try db.newTicketKeys()
        let routing = try route(request, topic)
        let known = try db.customer(address: request.requester.address)
        // Before anything is written: what was asked before is old then.
        let obstacle = mayAcknowledge(request) ? try self.obstacle(to: request.requester.address) : nil
        let customer = try self.customer(request.requester, known: known, key: keys.customer)
        if let language = request.language {
            try db.execute("UPDATE customer SET language = \(language) WHERE id = \(customer.id) AND language IS NULL")
        }
        let requesterName = (request.requester.name.isEmpty ? customer.name : request.requester.name).cut(
            to: NewTicket.longestName)
        let level = try routing.serviceLevel.flatMap { try db.serviceLevel($0) }
        let subject = request.subject.singleLine.cut(to: NewTicket.longestSubject)
        var ticket = Ticket(
            id: Ticket.ID(0), number: keys.number, subject: subject.isEmpty ? "(no subject)" : subject, state: .new,
            priority: routing.priority, topic: topic.map { Reference(id: $0.id, name: $0.name) },
            department: routing.department, team: routing.team, customer: customer.id, requesterName: requesterName,
            requesterAddress: request.requester.address, source: request.source, mailbox: request.mailbox,
            fieldsText: request.fields.isEmpty ? "{}" : JSON.object(request.fields).written,
            serviceLevel: level.map { Reference(id: $0.id, name: $0.name) },
            deadlines: level?.deadlines(from: now, priority: routing.priority) ?? Deadlines(), createdAt: now,
            updatedAt: now, lastMessageAt: now)
        let author = Author(.customer, id: customer.id.number, name: requesterName, address: ticket.requesterAddress)
        let consequences = try decideOpening(of: &ticket, request, routing, by: actor ?? author.actor)
        ticket = try insert(
            ticket, under: keys.ticket, isProved: request.isProved,
            latest: LatestWords(request.writing.text, of: .message))
        let words =
            [ticket.subject, String(ticket.number), requesterName, ticket.requesterAddress, request.writing.text]
            + request.files.map(\.name)
        try db.indexText(of: ticket.id.number, conversation: words)
        let entry = try save(
            request.writing, kind: .message, by: author, in: ticket.id, source: request.source,
            messageID: request.messageID, raw: request.raw,
            files: request.files, isFirst: true, provenance: request.provenance, key: keys.entry)
        try carryOut(consequences, on: ticket, from: ticket, entry: entry)
        try acknowledge(ticket, request, obstacle)
        try planToTell(of: ticket)
        return (ticket, entry)
    }

    /// Decides all that follows from a new request, before its ticket has a key: where it goes, and why.
    private func decideOpening(of ticket: inout Ticket, _ request: NewTicket, _ routing: Routing, by actor: Actor)
        throws -> [Consequence]
    {
        var escalation: ImmediateEscalation?
        if let reason = routing.escalation {
            escalation = ImmediateEscalation(
                reason: reason, target: try escalationTarget(of: ticket.department.id, level: 1),
                askedPriority: routing.askedPriority)
        }
        var consequences = ticket.tag(request.tags)
        consequences += ticket.open(
            by: actor, reason: "\(Self.channel(request.source)); \(routing.reason)", escalation: escalation, at: now,
            settings.life)
        if let former = request.follows {
            ticket.takeTeam(of: former)
            consequences += ticket.follow(
                former, previous: try previousSolver(of: former, for: ticket), settings.life)
        }
        return consequences
    }

    private func mayAcknowledge(_ request: NewTicket) -> Bool { settings.sendsAcknowledgements && request.notify }

    /// - Parameter obstacle: why no automatic mail goes to the requester's address; nil where it may.
    private func acknowledge(_ ticket: Ticket, _ request: NewTicket, _ obstacle: String?) throws {
        guard mayAcknowledge(request) else { return }
        if let silence = request.silence {
            return try record(.quieted, on: ticket.id, by: .mail, reason: "no acknowledgement: \(silence)")
        }
        // Whoever fills in a form, or a Reply-To, may name anybody: that one hears of it once.
        let isNamedByOthers = request.source == .web || request.provenance.sentBy?.from != nil
        if !request.isProved, isNamedByOthers,
            try !allowUse(of: "acknowledged-to:\(Secret.hash(ticket.requesterAddress))", perHour: 1)
        {
            return try record(
                .quieted, on: ticket.id, by: .mail,
                reason:
                    """
                    no acknowledgement: this address was already entered within the last hour, and it has not been \
                    verified
                    """
            )
        }
        if !request.isProved, let network = request.network.map(NetworkAddress.network(of:)),
            try !allowUse(of: "acknowledged:\(network)", perHour: Self.mostAcknowledged)
        {
            return try record(
                .quieted, on: ticket.id, by: .mail,
                reason: "no acknowledgement: many requests came from the same network within the hour")
        }
        if let obstacle { return try noteQuieted(.acknowledgement, to: ticket.requester, about: ticket, obstacle) }
        try queue(.acknowledgement, to: ticket.requester, about: ticket)
    }

    /// Acknowledgements in an hour to addresses that somebody on one network typed into a form.
    private static let mostAcknowledged = 20

    private static func channel(_ source: Source) -> String {
        switch source {
        case .email: "by email"
        case .web: "by the web form"
        case .api: "by the API"
        case .phone: "by phone"
        }
    }

    private func topic(_ request: NewTicket) throws -> Topic? {
        guard let wanted = request.topic else { return nil }
        let found =
            switch wanted {
            case .id(let id): try db.topic(Topic.ID(id))
            case .name(let name): try db.topic(named: name)
            }
        guard let found else { throw Refusal.invalid("topic", .unknown(wanted.text)) }
        return found
    }

    private func route(_ request: NewTicket, _ topic: Topic?) throws -> Routing {
        var wish = Routing.Wish(topic: topic, priority: request.priority)
        if let wanted = request.department {
            wish.department = try db.named(NamedTable.department, wanted, field: "department")
        }
        let place = try db.place(wish.department?.id ?? wish.topic?.department?.id)
        return Routing.decide(
            wish, place: place, text: Urgency.Words(subject: request.subject, body: request.writing.text),
            urgentWords: settings.urgentWords)
    }

    /// Writes the row of a new ticket.
    ///
    /// - Parameter latest: how its newest entry begins; nil looks it up.
    func insert(_ ticket: Ticket, under key: Ticket.ID?, isProved: Bool, latest: LatestWords?) throws -> Ticket {
        let id: Ticket.ID = try db.insert(
            under: key,
            """
            INSERT INTO ticket (id, number, subject, state, priority, topic_id, department_id, team_id, assignee_id,
            customer_id, requester_name, requester_address,
                source, mailbox, tags, fields, service_level_id, first_response_due_at, first_responded_at,
                resolution_due_at, watch_at, escalation_level, urgency, due_rank,
                created_at, updated_at, last_message_at, last_reply_at, is_unproved, latest_words)
            VALUES (\(db.dialect.key(key, from: "ticket_id_seq")), \(ticket.number), \(ticket.subject),
            \(ticket.state), \(ticket.priority), \(ticket.topic?.id), \(ticket.department.id), \(ticket.team?.id),
                \(ticket.assignee?.id), \(ticket.customer), \(ticket.requesterName), \(ticket.requesterAddress),
                \(ticket.source), \(ticket.mailbox),
                \(ticket.tagsText), \(ticket.fieldsText), \(ticket.serviceLevel?.id),
                \(ticket.deadlines.firstResponseDueAt), \(ticket.deadlines.firstRespondedAt),
                \(ticket.deadlines.resolutionDueAt), \(ticket.watchAt), \(ticket.escalationLevel), \(ticket.urgency),
                \(ticket.dueRank), \(now), \(now), \(ticket.lastMessageAt), \(ticket.lastReplyAt), \(!isProved),
                \(latest?.stored))
            RETURNING id
            """)
        return ticket.keyed(id)
    }
}

/// The number and the keys of what is about to be written for a new ticket. SQLite gives keys with the rows.
struct NewTicketKeys {
    let number: Int64
    var ticket: Ticket.ID?
    var entry: Entry.ID?
    /// Left unused where the requester is known.
    var customer: Customer.ID?
}

extension Connection {
    func newTicketKeys() throws -> NewTicketKeys {
        guard dialect == .postgres else { return NewTicketKeys(number: try next(.ticketNumber)) }
        let keys = try first(
            """
            SELECT nextval('ticket_number'), nextval('ticket_id_seq'), nextval('entry_id_seq'),
            nextval('customer_id_seq')
            """
        ) { row in
            NewTicketKeys(
                number: try row.read(), ticket: try row.read(), entry: try row.read(), customer: try row.read())
        }
        guard let keys else { throw StoreError.unreadable("no keys were given") }
        return keys
    }
}
