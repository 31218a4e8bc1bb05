import Domain
import Foundation
import Primitives
import Store

/// One answered survey as the team reviews it.
package struct FeedbackItem: Sendable {
    package let survey: Survey
    package let ticketNumber: Int64
    package let subject: String
    package let department: Reference<Department>
    package let agent: Person<Agent>?
    package let requesterName: String
    package let requesterAddress: String
    package let reviewer: String?
    package var followUps: [FollowUp] = []
}

/// What was done about a rating.
package struct FollowUp: Sendable {
    package let kind: Transaction.FollowUpKind
    package let ticketNumber: Int64
    package let by: String?
    package let at: Date
}

/// Which feedback is looked at.
package struct FeedbackFilter: Sendable {
    package var from: Date?
    package var to: Date?
    package var department: Department.ID?
    package var agent: Agent.ID?
    package var ratings: [Int] = []
    package var reviewed: Bool?
    package init() {}

    fileprivate var condition: SQL {
        var parts: [SQL] = ["survey.answered_at IS NOT NULL"]
        if let from { parts.append("survey.answered_at >= \(from)") }
        if let to { parts.append("survey.answered_at < \(to)") }
        if let department { parts.append("survey.department_id = \(department)") }
        if let agent { parts.append("survey.agent_id = \(agent)") }
        if !ratings.isEmpty { parts.append("survey.rating IN (\(list: ratings))") }
        if let reviewed { parts.append(reviewed ? "survey.reviewed_at IS NOT NULL" : "survey.reviewed_at IS NULL") }
        return SQL.join(parts, separator: " AND ")
    }
}

/// The average of some ratings, and how many they are.
package struct FeedbackAverage: Sendable {
    /// A month as `2026-11`, a department's or an agent's name; empty for all together.
    package let name: String
    package let count: Int
    package let average: Double
}

/// What averages are taken by.
package enum FeedbackGroup: String, Sendable, CaseIterable {
    case all, month, department, agent
}

extension Connection {
    private static var columns: SQL {
        """
        survey.id, survey.ticket_id, survey.sent_at, survey.rating, survey.comment, survey.answered_at, \
        survey.reviewed_at, survey.review_note
        """
    }
    private func survey(_ row: inout Row) throws -> Survey {
        Survey(
            id: try row.read(), ticket: try row.read(), sentAt: try row.read(), rating: try row.read(),
            comment: try row.read(), answeredAt: try row.read(),
            reviewedAt: try row.read(), reviewNote: try row.read())
    }

    package func survey(_ id: Survey.ID) throws -> Survey {
        guard let found = try first("SELECT \(Self.columns) FROM survey WHERE id = \(id)", { try survey(&$0) }) else {
            throw Refusal.notFound
        }
        return found
    }
    /// The newest survey of a ticket.
    package func latestSurvey(of ticket: Ticket.ID) throws -> Survey? {
        try first("SELECT \(Self.columns) FROM survey WHERE ticket_id = \(ticket) ORDER BY id DESC LIMIT 1") {
            try survey(&$0)
        }
    }

    /// Answers, newest first, below the one given.
    package func feedback(_ filter: FeedbackFilter, for asker: Asker = .desk, before: Int64?, limit: Int) throws
        -> [FeedbackItem]
    {
        let cursor: SQL = before.map { "AND survey.id < \($0)" } ?? ""
        var items = try query(
            """
            SELECT \(Self.columns), ticket.number, ticket.subject, department.id, department.name, agent.id,
            agent.name, agent.email,
                ticket.requester_name, ticket.requester_address, reviewer.name
            FROM survey JOIN ticket ON ticket.id = survey.ticket_id
            JOIN department ON department.id = survey.department_id
            LEFT JOIN agent ON agent.id = survey.agent_id LEFT JOIN agent reviewer ON reviewer.id = survey.reviewer_id
            WHERE \(filter.condition) AND \(asker.condition) \(cursor) ORDER BY survey.id DESC LIMIT \(limit)
            """
        ) { row in
            let survey = try survey(&row)
            let number: Int64 = try row.read()
            let subject: String = try row.read()
            guard let department: Reference<Department> = try row.reference() else {
                throw StoreError.unreadable("a survey without a department")
            }
            return FeedbackItem(
                survey: survey, ticketNumber: number, subject: subject, department: department, agent: try row.person(),
                requesterName: try row.read(),
                requesterAddress: try row.read(), reviewer: try row.read())
        }
        let followUps = try query(
            """
            SELECT follow_up.survey_id, follow_up.kind, ticket.number, agent.name, follow_up.at FROM follow_up
            JOIN ticket ON ticket.id = follow_up.ticket_id LEFT JOIN agent ON agent.id = follow_up.agent_id
            WHERE follow_up.survey_id IN (\(list: items.map(\.survey.id))) ORDER BY follow_up.id
            """
        ) {
            (
                try $0.read(Survey.ID.self),
                FollowUp(kind: try $0.read(), ticketNumber: try $0.read(), by: try $0.read(), at: try $0.read())
            )
        }
        let byItem = Dictionary(grouping: followUps, by: \.0)
        for index in items.indices { items[index].followUps = (byItem[items[index].survey.id] ?? []).map(\.1) }
        return items
    }

    package func averages(_ filter: FeedbackFilter, by group: FeedbackGroup, for asker: Asker = .desk) throws
        -> [FeedbackAverage]
    {
        if group == .month { return try averagesByMonth(filter, asker) }
        let key: SQL =
            switch group {
            case .department: "department.name"
            case .agent: "COALESCE(agent.name, '')"
            case .all, .month: "''"
            }
        return try query(
            """
            SELECT \(key) AS name, count(*), sum(survey.rating) FROM survey
            JOIN ticket ON ticket.id = survey.ticket_id JOIN department ON department.id = survey.department_id
            LEFT JOIN agent ON agent.id = survey.agent_id WHERE \(filter.condition) AND \(asker.condition) GROUP BY 1
            ORDER BY 1
            """
        ) { row in
            let name: String = try row.read()
            let count: Int = try row.read()
            let sum: Int = try row.read() ?? 0
            return FeedbackAverage(name: name, count: count, average: count == 0 ? 0 : Double(sum) / Double(count))
        }
    }

    /// Months are the calendar's in UTC, so they are cut here and not in two dialects.
    private func averagesByMonth(_ filter: FeedbackFilter, _ asker: Asker) throws -> [FeedbackAverage] {
        let days = try query(
            """
            SELECT survey.answered_at / 86400000, count(*), sum(survey.rating) FROM survey
            JOIN ticket ON ticket.id = survey.ticket_id WHERE \(filter.condition) AND \(asker.condition)
            GROUP BY 1 ORDER BY 1
            """
        ) { (try $0.read(Int.self), try $0.read(Int.self), try $0.read(Int?.self) ?? 0) }
        var months: [(name: String, count: Int, sum: Int)] = []
        for (day, count, sum) in days {
            let name = String(CivilDay.name(of: day).prefix(7))
            if months.last?.name == name {
                months[months.count - 1].count += count
                months[months.count - 1].sum += sum
            } else {
                months.append((name, count, sum))
            }
        }
        return months.map {
            FeedbackAverage(name: $0.name, count: $0.count, average: Double($0.sum) / Double($0.count))
        }
    }
}
