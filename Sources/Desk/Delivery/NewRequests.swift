import Domain
import Foundation
import Markup
import Primitives
import Store

/// Tells the people a new request is for that it has come in: the assignee, else the team, else the agents of the
/// department.
///
/// The requests of a minute are gathered, and each agent gets one email about them. Nobody is told of what they did
/// themselves, or of a request about which they were written to already because it was assigned or escalated to them.
enum NewRequests {
    /// Seconds in which requests are gathered.
    static let gathering: TimeInterval = 60
    /// Requests that one email names; how many more there are is said.
    static let mostNamed = 50
    /// Requests that are looked at with one question.
    static let mostAtOnce = 500
}

extension Transaction {
    /// In the transaction that opens a ticket.
    func planToTell(of ticket: Ticket) throws {
        try schedule(.tellDepartment, for: ticket.id, at: now + NewRequests.gathering)
    }

    /// Tells of the request whose minute is over, and of all that came in since.
    func tellOfNewRequests(first: Ticket.ID) throws {
        let since = try db.query("DELETE FROM job WHERE kind = \(JobKind.tellDepartment) RETURNING ticket_id") {
            try $0.read(Ticket.ID.self)
        }
        var told: [Agent.ID: (agent: Agent, tickets: [Ticket.ID])] = [:]
        var people = Concerned()
        let all = ([first] + since).sorted { $0.number < $1.number }
        for start in stride(from: 0, to: all.count, by: NewRequests.mostAtOnce) {
            for (id, agents) in try toBeTold(of: Array(all[start...].prefix(NewRequests.mostAtOnce)), &people) {
                for agent in agents { told[agent.id, default: (agent, [])].tickets.append(id) }
            }
        }
        for (agent, tickets) in told.values.sorted(by: { $0.agent.id.number < $1.agent.id.number }) {
            try tell(agent, ofNew: tickets)
        }
    }

    /// One request is shown with its words and can be answered by email; several are listed.
    private func tell(_ agent: Agent, ofNew tickets: [Ticket.ID]) throws {
        func queue(_ kind: MailKind, _ ticket: Ticket.ID?, _ entry: Entry.ID?, _ data: JSON) throws {
            try self.queue(
                kind, ticket: ticket, entry: entry, recipient: "agent", id: agent.id.number, address: agent.email,
                name: agent.name, data: data)
        }
        if tickets.count == 1 {
            return try queue(.newRequest, tickets[0], try firstMessage(of: tickets[0]), .object([:]))
        }
        let named = tickets.prefix(NewRequests.mostNamed).map { JSON($0.number) }
        try queue(.newRequests, nil, nil, ["tickets": .array(named), "more": JSON(Int64(tickets.count - named.count))])
    }

    /// The message that opened a ticket.
    func firstMessage(of ticket: Ticket.ID) throws -> Entry.ID? {
        try db.value("SELECT id FROM entry WHERE ticket_id = \(ticket) AND kind = 'message' ORDER BY id LIMIT 1")
    }

    /// Who is concerned by a department, a team or an assignment, asked for once however many requests came in.
    private struct Concerned {
        var departments: [Department.ID: [Agent]] = [:]
        var teams: [Team.ID: [Agent]] = [:]
        var assignees: [Agent.ID: [Agent]] = [:]
        var wants: [Agent.ID: Bool] = [:]
    }

    /// Who has to be told of which requests. After a flood of mail there are thousands, and nobody else can write
    /// meanwhile: the questions are as many for a hundred as for one.
    private func toBeTold(of ids: [Ticket.ID], _ people: inout Concerned) throws -> [(Ticket.ID, [Agent])] {
        let tickets = try db.query(
            """
            SELECT id, assignee_id, team_id, department_id FROM ticket WHERE id IN (\(list: ids.map(\.number)))
            AND state IN ('new', 'open') ORDER BY id
            """
        ) { row in
            (
                id: try row.read(Ticket.ID.self), assignee: try row.read(Agent.ID?.self),
                team: try row.read(Team.ID?.self), department: try row.read(Department.ID.self)
            )
        }
        guard !tickets.isEmpty else { return [] }
        let keys = tickets.map(\.id.number)
        var know: Set<[Int64]> = []
        for pair in try db.query(
            """
            SELECT ticket_id, actor_id FROM ticket_event WHERE ticket_id IN (\(list: keys)) AND actor_kind = 'agent'
            AND actor_id IS NOT NULL
            UNION SELECT ticket_id, recipient_id FROM outbox WHERE ticket_id IN (\(list: keys))
            AND recipient_kind = 'agent'
            """, { [try $0.read(Int64.self), try $0.read(Int64.self)] })
        { know.insert(pair) }
        return try tickets.map { ticket in
            let concerned =
                if let assignee = ticket.assignee {
                    try kept(&people.assignees, assignee) { [try db.agent(assignee)].compactMap { $0 } }
                } else if let team = ticket.team {
                    try kept(&people.teams, team) { try db.members(of: team) }
                } else {
                    try kept(&people.departments, ticket.department) { try db.agents(of: ticket.department) }
                }
            let told = try concerned.filter { agent in
                guard !know.contains([ticket.id.number, agent.id.number]), agent.isAvailable,
                    Asker.agent(agent).mayEver(.work)
                else { return false }
                return try kept(&people.wants, agent.id) { try db.wantsNewRequests(agent.id) }
            }
            return (ticket.id, told)
        }
    }

    private func kept<Key: Hashable, Value>(
        _ known: inout [Key: Value], _ key: Key, _ ask: () throws -> Value
    ) rethrows -> Value {
        if let value = known[key] { return value }
        let value = try ask()
        known[key] = value
        return value
    }
}

extension Connection {
    /// Whether an agent wants to be told of new requests.
    package func wantsNewRequests(_ agent: Agent.ID) throws -> Bool {
        try value("SELECT new_request_email FROM agent WHERE id = \(agent)", as: Int.self) == 1
    }

    /// Why an email about new requests is not sent any more: asked again when it goes out.
    func obstacle(toTelling agent: Agent, of mail: OutboxMail) throws -> String? {
        if agent.isAway { return "\(agent.name) is away" }
        guard try wantsNewRequests(agent.id) else { return "\(agent.name) has turned off emails about new requests" }
        return try newRequests(in: mail, for: agent).isEmpty
            ? "\(agent.name) can no longer see this request, or it was marked as spam" : nil
    }

    /// The requests of such an email that the agent may see at this moment.
    func newRequests(in mail: OutboxMail, for agent: Agent) throws -> [Ticket] {
        var ids = mail.ticket.map { [$0] } ?? []
        if case .array(let items)? = mail.data["tickets"] { ids = items.compactMap(\.integer).map { Ticket.ID($0) } }
        return try ids.compactMap { id in
            guard try may(.agent(agent), .seeInside, id) else { return nil }
            let ticket = try ticket(id)
            return ticket.state == .spam || ticket.state == .merged ? nil : ticket
        }
    }

    /// The requests as the email lists them.
    func newRequestLines(in mail: OutboxMail, for agent: Agent, language: String?, url: String) throws -> (
        count: Int, lines: String
    ) {
        let tickets = try newRequests(in: mail, for: agent)
        let more = Int(mail.data["more"]?.integer ?? 0)
        var paragraphs = tickets.map { ticket in
            let requester = ticket.requesterLabel
            let priority = MailText.word(for: ticket.priority, in: language)
            return
                """
                #\(ticket.number) \(ticket.subject.showingDirections)\n\(requester.showingDirections) · \
                \(ticket.department.name) · \(priority)\n\(url)/desk/tickets/\(ticket.number)
                """
        }
        if more > 0 { paragraphs.append(language == "de" ? "… und \(more) weitere" : "… and \(more) more") }
        return (tickets.count + more, paragraphs.joined(separator: "\n\n"))
    }
}
