import Desk
import Domain
import Foundation
import Hummingbird
import Mail
import Primitives
import Store

/// Tickets over the API: open, list, read, change.
enum TicketRoutes {
    static var routes: [Route] {
        [
            .post(
                "/api/v1/tickets", for: .key(.create), taking: .files,
                .init(summary: "Open a ticket", input: "NewTicket", output: "Ticket", status: 201), open),
            .get(
                "/api/v1/tickets", for: .key(.tickets),
                .init(
                    summary: "Search and list tickets", output: "Ticket list", parameters: listParameters),
                list),
            .get(
                "/api/v1/tickets/:number", for: .key(.tickets),
                .init(summary: "Read a ticket", output: "Ticket", parameters: [.seenBy]), show),
            .patch(
                "/api/v1/tickets/:number", for: .key(.tickets),
                .init(summary: "Change a ticket", input: "TicketChange", output: "Ticket"), change),
            .get(
                "/api/v1/tickets/:number/events", for: .key(.tickets),
                .init(
                    summary: "List the events of a ticket, with their reasons", output: "Event list",
                    parameters: [.limit, .cursor, .seenBy]), events),
            .get(
                "/api/v1/tickets/:number/deliveries", for: .key(.tickets),
                .init(
                    summary: "List the emails of a ticket and their delivery status", output: "Delivery list",
                    parameters: [.seenBy]),
                deliveries),
        ]
    }

    private static var listParameters: [Route.Parameter] {
        [
            .init(
                name: "query", schema: #"{"type":"string","maxLength":1000}"#,
                meaning:
                    """
                    The search language: words, "phrases", state:, assignee:, team:, department:, topic:, \
                    priority:, from:, tag:, number:, created:, is:overdue, -, OR
                    """
            ),
            .init(
                name: "sort", schema: #"{"type":"string","enum":["newest","oldest","urgency"]}"#,
                meaning: "Sort order. The default is newest."),
            .limit, .cursor, .seenBy,
        ]
    }

    @Sendable private static func open(_ call: Call) async throws -> Response {
        let (given, key) = try await call.input()
        var input = given
        let requester = input.person("requester", required: true)
        let subject = input.text("subject", most: NewTicket.longestSubject, required: true)
        let writing = input.writing()
        let uploads = try input.attachments(most: call.desk.settings.current.attachmentBytes)
        let topic = input.wanted("topic")
        let department = input.wanted("department")
        let priority = input.priority()
        let tags = input.tags() ?? []
        let fields = input.object("fields") ?? [:]
        let notify = input.flag("notify") ?? true
        let by = input.email("by")
        try input.finish()
        guard let requester, let subject, let writing else { throw Refusal.invalid([]) }
        var request = NewTicket(requester: requester, subject: subject, writing: writing, source: .api)
        request.files = try await call.desk.keep(uploads)
        request.topic = topic
        request.department = department
        request.priority = priority
        request.tags = tags
        request.fields = fields
        request.notify = notify
        return try await call.desk.write { [request] tx in
            try tx.once(key) {
                let (actor, _) = try tx.doer(by, call)
                if !request.fields.isEmpty {
                    let topic: Reference<Topic>? = try request.topic.map {
                        try tx.db.named(NamedTable.topic, $0, field: "topic")
                    }
                    try tx.requireKnown(request.fields, topic: topic?.id)
                }
                let (ticket, _) = try tx.open(request, by: actor)
                return try Answer.json(201, location: "\(tx.office.url)/api/v1/tickets/\(ticket.number)") { json in
                    json.write(try tx.db.whole(opened: ticket), office: tx.office)
                }
            }
        }.response
    }

    @Sendable private static func list(_ call: Call) async throws -> Response {
        let query = try TicketQuery(call.query("query") ?? "", now: call.desk.clock.now())
        guard let order = TicketOrder(rawValue: call.query("sort") ?? TicketOrder.newest.rawValue) else {
            throw Refusal.invalid("sort", .notOneOf(TicketOrder.allCases.map(\.rawValue)))
        }
        // What a client asks for may be any search; the plain list is a page like others.
        let lane: Lane? = call.query("query")?.isEmpty ?? true ? nil : .search
        return try await answer(call, lane) { _, asker in TicketList(query: query, asker: asker, order: order) }
    }

    /// One page of a list, from where the last one ended.
    static func answer(
        _ call: Call, _ lane: Lane?, _ list: @escaping @Sendable (any Connection, Asker) throws -> TicketList
    ) async throws -> Response {
        let after = try call.query("cursor").map { text throws(Refusal) in try TicketCursor(parsing: text) }
        let limit = try call.limit()
        let body = try await call.desk.read(lane) { [office = call.desk.office] db in
            var wanted = try list(db, try call.asker(db))
            (wanted.limit, wanted.after) = (limit, after)
            var json = JSONText(capacity: limit * 800)
            try json.object { json in
                var next: TicketCursor?
                try json.field("items", array: { json in next = try db.write(wanted, to: &json, office: office) })
                json.field("next", next?.text)
            }
            return json.bytes
        }
        return Answer(body: body).response
    }

    @Sendable private static func show(_ call: Call) async throws -> Response {
        let number = try call.number()
        let whole = try await call.desk.read { db in
            let asker = try call.asker(db)
            let ticket = try db.ticket(number: number, for: asker)
            return try db.inOneRound { db in try db.whole(ticket, for: asker) }
        }
        return call.json { $0.write(whole, office: call.desk.office) }
    }

    @Sendable private static func change(_ call: Call) async throws -> Response {
        let (given, key) = try await call.input()
        var input = given
        let number = try call.number()
        var change = TicketChange()
        change.subject = input.text("subject", most: NewTicket.longestSubject)
        change.priority = input.priority()
        change.department = input.wanted("department")
        if input.has("team") { change.team = input.wanted("team").map { .given($0) } ?? .cleared }
        if input.has("assignee") { change.assignee = input.email("assignee").map { .given($0) } ?? .cleared }
        if input.has("topic") { change.topic = input.wanted("topic").map { .given($0) } ?? .cleared }
        change.tags = input.tags()
        change.fields = input.object("fields")
        let by = input.email("by")
        try input.finish()
        return try await call.desk.write { [change] tx in
            try tx.once(key) {
                let (actor, asker) = try tx.doer(by, call)
                var ticket = try tx.db.ticket(number: number, for: asker)
                try tx.change(&ticket, change, by: actor)
                return try Answer.json {
                    $0.write(try tx.db.whole(try tx.db.ticket(ticket.id), for: asker), office: tx.office)
                }
            }
        }.response
    }

    @Sendable private static func events(_ call: Call) async throws -> Response {
        let (number, limit, after) = (try call.number(), try call.limit(200), try call.cursor() ?? 0)
        let (events, named) = try await call.desk.read { db in
            let asker = try call.asker(db)
            let events = try db.events(of: try db.ticket(number: number, for: asker).id, after: after, limit: limit + 1)
            return (events, try db.tickets(namedBy: events, for: asker))
        }
        let known = named.union([number])
        let told = events.prefix(limit).compactMap { $0.naming(known) }
        return call.json { json in
            json.list(told, next: events.count > limit ? events[limit - 1].id.description : nil) { $0.write($1) }
        }
    }

    @Sendable private static func deliveries(_ call: Call) async throws -> Response {
        let number = try call.number()
        let deliveries = try await call.desk.read { db in
            try db.deliveries(of: try db.ticket(number: number, for: call.asker(db)).id)
        }
        return call.json { $0.list(deliveries, next: nil) { $0.write($1) } }
    }
}

extension Connection {
    /// A ticket that was just opened: nobody else is on it yet.
    fileprivate func whole(opened ticket: Ticket) throws -> WholeTicket {
        ticket.team == nil && ticket.assignee == nil ? WholeTicket(ticket: ticket) : try whole(ticket)
    }
}

extension Route.Parameter {
    static var limit: Self {
        .init(
            name: "limit", schema: #"{"type":"integer","minimum":1,"maximum":200}"#, meaning: "Maximum number of items")
    }
    static var cursor: Self {
        .init(name: "cursor", schema: #"{"type":"string"}"#, meaning: "The `next` value of the previous page")
    }
    static var question: Self {
        .init(
            name: "query", schema: #"{"type":"string"}"#,
            meaning:
                "Only published articles that match these words, best match first. Words also match by their beginning")
    }
    static var seenBy: Self {
        .init(name: "by", schema: #"{"type":"string","format":"email"}"#, meaning: "Only what this agent may see")
    }
}

extension Call {
    /// Everything, or what the agent named by `?by=` may see.
    func asker(_ db: any Connection) throws -> Asker {
        try by(db).map { .agent($0) } ?? .desk
    }
    /// The agent a request names by `?by=`.
    func by(_ db: any Connection) throws -> Agent? {
        guard let by = query("by") else { return nil }
        guard let agent = try db.agent(email: by.trimmingWhitespace()), agent.isActive else {
            throw Refusal.invalid("by", .unknown(by))
        }
        return agent
    }
    /// Lets a request through that is done in the name of an agent with at least this role, or in the client's own: 404
    /// where the agent would not find it, 403 where they may only look.
    func require(_ role: Role, _ db: any Connection) throws {
        guard let agent = try by(db), agent.role < role else { return }
        throw role == .administrator
            ? Refusal.notFound
            : Refusal.notAllowed(Sentence("{0} isn't allowed to do this. Choose another agent.", agent.name))
    }
}

extension Transaction {
    /// Whom a request is done by: the agent it names, who must see the ticket and may not be a viewer; else the client
    /// itself.
    func doer(_ by: String?, _ call: Call) throws -> (Actor, Asker) {
        guard let by = by ?? call.query("by") else { return (call.actor, .desk) }
        let agent = try activeAgent(by, field: "by")
        guard Asker.agent(agent).mayEver(.work) else {
            throw Refusal.notAllowed(Sentence("{0} can only read tickets. Choose another agent.", agent.name))
        }
        return (Actor(agent), .agent(agent))
    }
}
