import Domain
import Foundation
import Mail
import Primitives
import Store

extension Ticket {
    /// What a ticket is read from; every join is a left one, so that the list's own order drives the plan.
    static let columns: SQL = """
        ticket.id, ticket.number, ticket.subject, ticket.state, ticket.status, ticket.priority, topic.id, topic.name,
        department.id, department.name, team.id, team.name, assignee.id, assignee.name, assignee.email, \
        ticket.solver_id, ticket.customer_id,
        ticket.requester_name, ticket.requester_address, ticket.source, ticket.mailbox, ticket.tags, ticket.fields,
        service_level.id, service_level.name, ticket.first_response_due_at, ticket.first_responded_at, \
        ticket.resolution_due_at, ticket.paused_at,
        ticket.overdue, ticket.escalation_level, ticket.reopened_count, ticket.merged_into_id, ticket.created_at, \
        ticket.updated_at,
        ticket.resolved_at, ticket.closed_at, ticket.last_message_at, ticket.last_reply_at
        """
    static let joins: SQL = """
        LEFT JOIN department ON department.id = ticket.department_id LEFT JOIN topic ON topic.id = ticket.topic_id
        LEFT JOIN team ON team.id = ticket.team_id LEFT JOIN agent assignee ON assignee.id = ticket.assignee_id
        LEFT JOIN service_level ON service_level.id = ticket.service_level_id
        """

    init(_ row: inout Row) throws {
        let id: ID = try row.read()
        let number: Int64 = try row.read()
        let subject: String = try row.read()
        let state: TicketState = try row.read()
        let status: String? = try row.read()
        let priority: Priority = try row.read()
        let topic: Reference<Topic>? = try row.reference()
        guard let department: Reference<Department> = try row.reference() else {
            throw StoreError.unreadable("a ticket without a department")
        }
        let team: Reference<Team>? = try row.reference()
        let assignee: Person<Agent>? = try row.person()
        let solver: Agent.ID? = try row.read()
        let customer: Customer.ID = try row.read()
        let requesterName: String = try row.read()
        let requesterAddress: String = try row.read()
        let source: Source = try row.read()
        let mailbox: String? = try row.read()
        let tagsText: String = try row.read()
        let fieldsText: String = try row.read()
        let serviceLevel: Reference<ServiceLevel>? = try row.reference()
        let deadlines = Deadlines(
            firstResponseDueAt: try row.read(), firstRespondedAt: try row.read(), resolutionDueAt: try row.read(),
            pausedAt: try row.read())
        let overdue: Bool = try row.read()
        let escalationLevel: Int = try row.read()
        let reopenedCount: Int = try row.read()
        let mergedInto: ID? = try row.read()
        let createdAt: Date = try row.read()
        let updatedAt: Date = try row.read()
        let resolvedAt: Date? = try row.read()
        let closedAt: Date? = try row.read()
        let lastMessageAt: Date? = try row.read()
        let lastReplyAt: Date? = try row.read()
        self.init(
            id: id, number: number, subject: subject, state: state, status: status, priority: priority, topic: topic,
            department: department, team: team, assignee: assignee, solver: solver, customer: customer,
            requesterName: requesterName, requesterAddress: requesterAddress, source: source, mailbox: mailbox,
            tagsText: tagsText, fieldsText: fieldsText, serviceLevel: serviceLevel, deadlines: deadlines,
            overdue: overdue, escalationLevel: escalationLevel, reopenedCount: reopenedCount, mergedInto: mergedInto,
            createdAt: createdAt, updatedAt: updatedAt, resolvedAt: resolvedAt, closedAt: closedAt,
            lastMessageAt: lastMessageAt, lastReplyAt: lastReplyAt)
    }
}

extension Row {
    mutating func reference<Of>() throws -> Reference<Of>? {
        let id: ID<Of>? = try read()
        let name: String? = try read()
        guard let id, let name else { return nil }
        return Reference(id: id, name: name)
    }
    mutating func person<Of>() throws -> Person<Of>? {
        let id: ID<Of>? = try read()
        let name: String? = try read()
        let address: String? = try read()
        guard let id, let name, let address else { return nil }
        return Person(id: id, name: name, address: address)
    }
}

extension Connection {
    /// A ticket by its number, if the asker may see it; otherwise there is none.
    package func ticket(number: Int64, for asker: Asker = .desk) throws -> Ticket {
        guard
            let found = try first(
                """
                SELECT \(Ticket.columns) FROM ticket \(Ticket.joins) WHERE ticket.number = \(number)
                AND \(asker.condition)
                """,
                { try Ticket(&$0) })
        else { throw Refusal.notFound }
        return found
    }

    package func ticket(_ id: Ticket.ID) throws -> Ticket {
        guard
            let found = try first(
                "SELECT \(Ticket.columns) FROM ticket \(Ticket.joins) WHERE ticket.id = \(id)", { try Ticket(&$0) })
        else {
            throw Refusal.notFound
        }
        return found
    }

    /// The ticket itself, or the one it was merged into, however often.
    package func livingTicket(_ id: Ticket.ID) throws -> Ticket {
        var found = try ticket(id)
        for _ in 0..<20 {
            guard let next = found.mergedInto else { break }
            found = try ticket(next)
        }
        return found
    }
}

extension Transaction {
    /// Writes what decisions may change of a ticket that exists.
    ///
    /// - Parameter before: the ticket as it is kept; where it has another requester, nothing has shown yet that the new
    ///   address is theirs.
    /// - Parameter latest: how the entry begins that is written with it, if there is one.
    func save(_ ticket: Ticket, from before: Ticket? = nil, latest: LatestWords? = nil) throws {
        recorded.touched.insert(ticket.id)
        let words: SQL = latest.map { ", latest_words = \($0.stored)" } ?? ""
        var requester: SQL = ""
        if let before, before.requester != ticket.requester {
            requester = """
                , customer_id = \(ticket.customer), requester_name = \(ticket.requesterName),
                requester_address = \(ticket.requesterAddress), is_unproved = CASE
                WHEN customer_id = \(ticket.customer) AND requester_address = \(ticket.requesterAddress)
                THEN is_unproved ELSE 1 END
                """
        }
        try db.execute(
            """
            UPDATE ticket SET subject = \(ticket.subject), state = \(ticket.state), status = \(ticket.status),
                priority = \(ticket.priority), topic_id = \(ticket.topic?.id),
                department_id = \(ticket.department.id), team_id = \(ticket.team?.id),
                assignee_id = \(ticket.assignee?.id), solver_id = \(ticket.solver), fields = \(ticket.fieldsText),
                tags = \(ticket.tagsText), service_level_id = \(ticket.serviceLevel?.id),
                first_response_due_at = \(ticket.deadlines.firstResponseDueAt),
                first_responded_at = \(ticket.deadlines.firstRespondedAt),
                resolution_due_at = \(ticket.deadlines.resolutionDueAt), paused_at = \(ticket.deadlines.pausedAt),
                watch_at = \(ticket.watchAt), overdue = \(ticket.overdue),
                escalation_level = \(ticket.escalationLevel), urgency = \(ticket.urgency),
                due_rank = \(ticket.dueRank), reopened_count = \(ticket.reopenedCount),
                merged_into_id = \(ticket.mergedInto), updated_at = \(now), resolved_at = \(ticket.resolvedAt),
                closed_at = \(ticket.closedAt), last_message_at = \(ticket.lastMessageAt),
                last_reply_at = \(ticket.lastReplyAt)\(requester)\(words)
            WHERE id = \(ticket.id)
            """)
    }

    /// Keeps how its newest entry begins, where nothing else of the ticket changes.
    func save(_ latest: LatestWords, of ticket: Ticket.ID) throws {
        try db.execute("UPDATE ticket SET latest_words = \(latest.stored) WHERE id = \(ticket)")
    }

    /// Entries were moved or removed: what came last is looked up from now on.
    func forgetLatestWords(of tickets: [Ticket.ID]) throws {
        try db.execute("UPDATE ticket SET latest_words = NULL WHERE id IN (\(list: tickets))")
    }

    /// Makes the tags of a ticket that are searched the ones given.
    func setTags(_ tags: [String], of ticket: Ticket.ID) throws {
        try db.execute("DELETE FROM ticket_tag WHERE ticket_id = \(ticket)")
        for tag in tags { try db.execute("INSERT INTO ticket_tag (tag, ticket_id) VALUES (\(tag), \(ticket))") }
    }
}
