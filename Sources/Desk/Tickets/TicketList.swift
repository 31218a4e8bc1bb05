import Foundation
import Store

/// The orders a list is read in; each has an index or a key behind it.
package enum TicketOrder: String, Sendable, CaseIterable {
    case newest
    case oldest
    /// Escalated first, then by priority, the longest waiting of the same urgency first.
    case urgency
}

/// What a list shows: who asks, what for, in which order.
package struct TicketList: Sendable {
    package var query: TicketQuery
    package var asker: Asker
    package var order: TicketOrder
    package var limit: Int
    package var after: TicketCursor?

    package init(query: TicketQuery = .everything, asker: Asker = .desk, order: TicketOrder = .newest, limit: Int = 50, after: TicketCursor? = nil) {
        self.query = query
        self.asker = asker
        self.order = order
        self.limit = limit
        self.after = after
    }
}

/// Where the next page begins: behind the last ticket of this one.
package struct TicketCursor: Sendable, Equatable {
    let urgency: Int
    let id: Ticket.ID

    init(urgency: Int, id: Ticket.ID) {
        self.urgency = urgency
        self.id = id
    }
    package init(_ ticket: Ticket) {
        urgency = ticket.urgency
        id = ticket.id
    }
    package init(parsing text: String) throws(Refusal) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let urgency = Int(parts[0]), let id = Int64(parts[1]) else { throw .invalid("cursor", .other("is none that a list gave out")) }
        self.urgency = urgency
        self.id = Ticket.ID(id)
    }
    package var text: String { "\(urgency)-\(id)" }
}

/// One page of a list.
package struct TicketPage: Sendable {
    package let tickets: [Ticket]
    package let next: TicketCursor?
}

extension Connection {
    package func tickets(_ list: TicketList) throws -> TicketPage {
        var tickets = try query(try list.statement(self)) { try Ticket(&$0) }
        guard tickets.count > list.limit else { return TicketPage(tickets: tickets, next: nil) }
        tickets.removeLast()
        return TicketPage(tickets: tickets, next: tickets.last.map { TicketCursor($0) })
    }

    /// How many tickets the same asker would get by paging through; counting ends at the most that matters.
    package func count(_ list: TicketList, atMost most: Int = .max) throws -> Int {
        let plan = try Plan(list, self)
        guard most < .max else { return try value("SELECT count(*) FROM \(plan.source) WHERE \(plan.condition)") ?? 0 }
        return try value("SELECT count(*) FROM (SELECT 1 AS one FROM \(plan.source) WHERE \(plan.condition) LIMIT \(most)) AS counted") ?? 0
    }
}

extension TicketList {
    /// Reads `Ticket.columns`; one row more than asked for tells whether there is a next page.
    func statement(_ db: any Connection, adding columns: SQL = "") throws -> SQL {
        let plan = try Plan(self, db)
        return "SELECT \(Ticket.columns)\(columns) FROM \(plan.source) \(Ticket.joins) WHERE \(plan.condition) ORDER BY \(plan.order) LIMIT \(limit + 1)"
    }
}

extension TicketList {
    /// Reads `TicketLine.columns`, one row more than asked for.
    func lineStatement(_ db: any Connection) throws -> SQL {
        let plan = try Plan(self, db)
        return "SELECT \(TicketLine.columns) FROM \(plan.source) \(TicketLine.joins) WHERE \(plan.condition) ORDER BY \(plan.order) LIMIT \(limit + 1)"
    }
}

/// A list put into SQL.
private struct Plan {
    let source: SQL
    let condition: SQL
    let order: SQL

    init(_ list: TicketList, _ db: any Connection) throws {
        var parts: [SQL] = [list.asker.condition]
        var rest: [TicketQuery] = []
        var texts: [TextQuery] = []
        for part in list.query.conjuncts {
            if case .text(let text) = part { texts.append(text) } else { rest.append(part) }
        }
        for part in rest { parts.append(try part.condition(db, asker: list.asker)) }
        let key: SQL
        if let text = texts.isEmpty ? nil : texts.count == 1 ? texts[0] : TextQuery.all(texts), list.order != .urgency, let driven = try db.textSource(text, scope: .everything) {
            // The index is walked in the list's own order, so that a common word costs a page, not the whole index.
            source = driven.source
            key = driven.key
            parts.append(driven.condition)
        } else {
            source = "ticket"
            key = "ticket.id"
            for text in texts { parts.append(try db.textCondition(text, on: "ticket.id", scope: .everything)) }
        }
        switch list.order {
        case .newest:
            order = "\(key) DESC"
            if let after = list.after { parts.append("\(key) < \(after.id)") }
        case .oldest:
            order = "\(key)"
            if let after = list.after { parts.append("\(key) > \(after.id)") }
        case .urgency:
            order = "ticket.urgency DESC, ticket.id"
            if let after = list.after { parts.append("ticket.urgency <= \(after.urgency) AND (ticket.urgency < \(after.urgency) OR ticket.id > \(after.id))") }
        }
        condition = SQL.join(parts, separator: " AND ")
    }
}

extension TicketQuery {
    /// The terms that must all hold.
    fileprivate var conjuncts: [TicketQuery] {
        guard case .all(let parts) = self else { return [self] }
        return parts.flatMap(\.conjuncts)
    }

    fileprivate func condition(_ db: any Connection, asker: Asker) throws -> SQL {
        switch self {
        case .all(let parts):
            guard !parts.isEmpty else { return "1 = 1" }
            return "(\(SQL.join(try parts.map { try $0.condition(db, asker: asker) }, separator: " AND ")))"
        case .any(let parts): return "(\(SQL.join(try parts.map { try $0.condition(db, asker: asker) }, separator: " OR ")))"
        case .not(let part): return "NOT COALESCE(\(try part.condition(db, asker: asker)), \(db.dialect.no))"
        case .text(let text): return try db.textCondition(text, on: "ticket.id", scope: .everything)
        case .state(let states):
            // Tickets of one state stand in the order of their keys; several states together do not.
            if states.count == 1 { return "ticket.state = \(states[0])" }
            let isActive = states.allSatisfy(\.isActive) ? "ticket.urgency > 0 AND " as SQL : ""
            return "(\(isActive)\(db.dialect.unindexed("ticket.state")) IN (\(list: states)))"
        case .priority(let least, let most): return least == most ? "ticket.priority = \(least)" : "ticket.priority BETWEEN \(least) AND \(most)"
        case .assignee(let holder): return try TicketQuery.assignee(holder, asker: asker)
        case .team(let holder): return try TicketQuery.team(holder, asker: asker)
        case .department(let names): return "ticket.department_id IN (SELECT id FROM department WHERE lower(name) IN (\(list: names.map { $0.lowercased() })))"
        case .topic(let names): return "ticket.topic_id IN (SELECT id FROM topic WHERE lower(name) IN (\(list: names.map { $0.lowercased() })))"
        case .from(let value): return TicketQuery.from(value)
        case .tag(let tag): return "ticket.id IN (SELECT ticket_id FROM ticket_tag WHERE tag = \(tag))"
        case .number(let number): return "ticket.number = \(number)"
        case .source(let sources): return "ticket.source IN (\(list: sources))"
        case .overdue(let wanted): return "ticket.overdue = \(wanted)"
        // The customer spoke last, after we had.
        case .answered: return "ticket.last_message_at > ticket.last_reply_at"
        case .escalated(let wanted): return wanted ? "ticket.escalation_level > 0" : "ticket.escalation_level = 0"
        case .moment(let moment, let from, let to):
            let column: SQL =
                switch moment {
                case .created: "ticket.created_at"
                case .updated: "ticket.updated_at"
                case .resolved: "ticket.resolved_at"
                case .closed: "ticket.closed_at"
                }
            return SQL.join([from.map { "\(column) >= \($0)" }, to.map { "\(column) < \($0)" }].compactMap { $0 }, separator: " AND ")
        }
    }

    private static func asking(_ asker: Asker, _ field: String) throws(Refusal) -> Agent {
        guard case .agent(let agent) = asker else { throw .invalid("query", .other("\(field):me needs an agent who asks")) }
        return agent
    }

    private static func assignee(_ holder: Holder, asker: Asker) throws(Refusal) -> SQL {
        switch holder {
        case .nobody: return "ticket.assignee_id IS NULL"
        case .mine: return "ticket.assignee_id = \(try asking(asker, "assignee").id)"
        case .named(let names): return "ticket.assignee_id IN (SELECT id FROM agent WHERE email IN (\(list: names)) OR lower(name) IN (\(list: names)))"
        }
    }

    private static func team(_ holder: Holder, asker: Asker) throws(Refusal) -> SQL {
        switch holder {
        case .nobody: return "ticket.team_id IS NULL"
        case .mine:
            let agent = try asking(asker, "team").id
            return "ticket.team_id IN (SELECT team_id FROM team_member WHERE agent_id = \(agent) UNION SELECT id FROM team WHERE lead_id = \(agent))"
        case .named(let names): return "ticket.team_id IN (SELECT id FROM team WHERE lower(name) IN (\(list: names)))"
        }
    }

    private static func from(_ value: String) -> SQL {
        if value.contains("@"), !value.hasPrefix("@") { return "ticket.customer_id IN (SELECT customer_id FROM customer_address WHERE address = \(value))" }
        if value.hasPrefix("@") { return "ticket.customer_id IN (SELECT customer_id FROM customer_address WHERE address LIKE \("%" + likeLiteral(value)) ESCAPE '\\')" }
        let words = Words.split(value).joined(separator: " ")
        return "ticket.customer_id IN (SELECT id FROM customer WHERE sought LIKE \("%" + likeLiteral(words.isEmpty ? value : words) + "%") ESCAPE '\\')"
    }
}

/// Text that means itself behind a LIKE with `\` as its escape.
func likeLiteral(_ text: String) -> String {
    text.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(of: "%", with: "\\%").replacingOccurrences(of: "_", with: "\\_")
}
