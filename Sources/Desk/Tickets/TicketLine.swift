import Domain
import Foundation
import Store

/// A ticket as a list shows it: no more than a line needs is read.
package struct TicketLine: Sendable {
    package let id: Ticket.ID
    package let number: Int64
    package let subject: String
    package let state: TicketState
    package let priority: Priority
    package let department: String
    /// The assignee, else the team.
    package let assignee: String?
    package let team: String?
    /// The requester's name, else the address.
    package let requester: String
    /// The requester's.
    package let organization: String?
    package let latest: LatestWords
    package let escalationLevel: Int
    /// The target that comes next; none while the clock rests.
    package let nextDue: Date?
    /// Whether that target is the first response; else it is the resolution.
    package let isResponseDue: Bool
    package let updatedAt: Date
    /// The customer spoke last.
    package let isUnread: Bool
    let urgency: Int
    let dueRank: Int

    /// The target of a ticket that comes next; null while its clock rests.
    static let nextDue: SQL = """
        CASE WHEN ticket.paused_at IS NOT NULL THEN NULL
        WHEN ticket.first_responded_at IS NOT NULL OR ticket.first_response_due_at IS NULL THEN ticket.resolution_due_at
        WHEN ticket.resolution_due_at < ticket.first_response_due_at THEN ticket.resolution_due_at
        ELSE ticket.first_response_due_at END
        """

    static let columns: SQL = """
        ticket.id, ticket.number, ticket.subject, ticket.state, ticket.priority, department.name, assignee.name, \
        team.name,
        CASE ticket.requester_name WHEN '' THEN ticket.requester_address ELSE ticket.requester_name END, \
        ticket.escalation_level,
        \(nextDue),
        CASE WHEN ticket.first_responded_at IS NULL AND ticket.first_response_due_at IS NOT NULL
            AND (ticket.resolution_due_at IS NULL OR ticket.first_response_due_at <= ticket.resolution_due_at)
            THEN 1 ELSE 0 END,
        ticket.updated_at, ticket.last_message_at, ticket.last_reply_at, ticket.urgency, ticket.due_rank, organization.name,
        \(LatestWords.column)
        """
    static let joins: SQL = """
        LEFT JOIN department ON department.id = ticket.department_id LEFT JOIN team ON team.id = ticket.team_id
        LEFT JOIN agent assignee ON assignee.id = ticket.assignee_id
        LEFT JOIN customer requester ON requester.id = ticket.customer_id
        LEFT JOIN organization ON organization.id = requester.organization_id
        """

    /// Reads some tickets by their keys.
    fileprivate static func statement(of tickets: [Ticket.ID], order: TicketOrder) -> SQL {
        "SELECT \(columns) FROM ticket \(joins) WHERE ticket.id IN (\(list: tickets)) ORDER BY \(order.sql)"
    }

    init(_ row: inout Row) throws {
        id = try row.read()
        number = try row.read()
        subject = try row.read()
        state = try row.read()
        priority = try row.read()
        department = try row.read()
        assignee = try row.read()
        team = try row.read()
        requester = try row.read()
        escalationLevel = try row.read()
        let due = try row.integer()
        nextDue = state.isActive ? due.map { Date(milliseconds: $0) } : nil
        isResponseDue = try row.read()
        updatedAt = try row.read()
        let (message, reply) = (try row.integer(), try row.integer())
        isUnread = message.map { $0 > reply ?? 0 } ?? false
        urgency = try row.read()
        dueRank = try row.read()
        organization = try row.read()
        latest = LatestWords(stored: try row.read())
    }
}

/// One page of a list, as lines.
package struct TicketLines: Sendable {
    package let lines: [TicketLine]
    package let next: TicketCursor?
    package static let none = TicketLines(lines: [], next: nil)
}

extension Connection {
    package func lines(_ list: TicketList) throws -> TicketLines {
        try lines(list, by: try list.lineStatement(self))
    }

    /// The first page of a list and how many tickets it has, counted up to `most`.
    ///
    /// In an order by key both are one walk; in another, counting may go along a cheaper index.
    package func firstLines(_ list: TicketList, countingTo most: Int) throws -> (page: TicketLines, count: Int) {
        let list = list.fromTheBeginning
        guard list.order == .newest || list.order == .oldest, most > list.limit else {
            let page = try lines(list)
            return (page, page.next == nil ? page.lines.count : try count(list, atMost: most))
        }
        var counted = list
        counted.limit = most - 1
        let found: [Ticket.ID] = try query(try counted.keyStatement(self)) { try $0.read() }
        let shown = found.prefix(list.limit + 1)
        guard !shown.isEmpty else { return (.none, 0) }
        return (try lines(list, by: TicketLine.statement(of: Array(shown), order: list.order)), found.count)
    }

    private func lines(_ list: TicketList, by statement: SQL) throws -> TicketLines {
        var lines: [TicketLine] = []
        lines.reserveCapacity(list.limit + 1)
        try run(statement) { lines.append(try TicketLine(&$0)) }
        guard lines.count > list.limit else { return TicketLines(lines: lines, next: nil) }
        lines.removeLast()
        return TicketLines(
            lines: lines, next: lines.last.map { TicketCursor(urgency: $0.urgency, dueRank: $0.dueRank, id: $0.id) })
    }
}
