import Foundation
import Store

/// The orders a list is read in; each has an index or a key behind it.
package enum TicketOrder: String, Sendable, CaseIterable {
    case newest
    case oldest
    /// Escalated first, then overdue, then what is due soonest.
    case due
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

extension TicketList {
    /// The same list, from its first ticket.
    package var fromTheBeginning: TicketList {
        var list = self
        list.after = nil
        return list
    }
}

/// Where the next page begins: behind the last ticket of this one, in whichever order.
package struct TicketCursor: Sendable, Equatable {
    let urgency: Int
    let dueRank: Int
    let id: Ticket.ID

    init(urgency: Int, dueRank: Int, id: Ticket.ID) {
        self.urgency = urgency
        self.dueRank = dueRank
        self.id = id
    }
    package init(_ ticket: Ticket) { self.init(urgency: ticket.urgency, dueRank: ticket.dueRank, id: ticket.id) }

    package init(parsing text: String) throws(Refusal) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, let urgency = Int(parts[0]), let dueRank = Int(parts[1]), let id = Int64(parts[2]) else { throw .invalid("cursor", .other("is none that a list gave out")) }
        self.init(urgency: urgency, dueRank: dueRank, id: Ticket.ID(id))
    }
    package var text: String { "\(urgency)-\(dueRank)-\(id)" }
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
        var list = list
        if list.order == .due { list.order = .urgency }
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
        if let text = texts.isEmpty ? nil : texts.count == 1 ? texts[0] : TextQuery.all(texts), list.order == .newest || list.order == .oldest, let driven = try db.textSource(text, scope: .everything) {
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
        case .due:
            order = "ticket.due_rank, ticket.id"
            if let after = list.after { parts.append("ticket.due_rank >= \(after.dueRank) AND (ticket.due_rank > \(after.dueRank) OR ticket.id > \(after.id))") }
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
        case .assignee(let holder): return try TicketQuery.assignee(holder, asker: asker, db)
        case .team(let holder): return try TicketQuery.team(holder, asker: asker, db)
        case .department(let names): return "ticket.department_id IN (\(list: try names.flatMap { try db.named($0, "SELECT id, name FROM department", called: "department", exact: nil) }))"
        case .topic(let names): return "ticket.topic_id IN (\(list: try names.flatMap { try db.named($0, "SELECT id, name FROM topic", called: "topic", exact: nil) }))"
        case .from(let value): return TicketQuery.from(value)
        case .tagged(let wanted): return wanted ? "ticket.tags <> '[]'" : "ticket.tags = '[]'"
        case .tag(let tag): return "ticket.id IN (SELECT ticket_id FROM ticket_tag WHERE tag = \(tag))"
        case .number(let number): return "ticket.number = \(number)"
        case .source(let sources): return "ticket.source IN (\(list: sources))"
        case .overdue(let wanted): return "ticket.overdue = \(wanted)"
        // The customer spoke last, after we had.
        case .answered: return "ticket.last_message_at > ticket.last_reply_at"
        case .escalated(let wanted): return wanted ? "ticket.escalation_level > 0" : "ticket.escalation_level = 0"
        case .unassigned: return "ticket.assignee_id IS NULL"
        case .organization(let name):
            let ids = try db.named(name, "SELECT id, name FROM organization", called: "organization", exact: nil)
            return "ticket.customer_id IN (SELECT id FROM customer WHERE organization_id IN (\(list: ids)))"
        case .cc(let value):
            let part = "%" + likeLiteral(value) + "%"
            return "ticket.id IN (SELECT ticket_id FROM ticket_collaborator WHERE address LIKE \(part) ESCAPE '\\')"
        case .subject(let written, let text):
            // The index finds the tickets that have the words somewhere; of those few the subject is looked at.
            let spelt = Set([written, written.lowercased(), written.uppercased(), written.capitalized, written.prefix(1).uppercased() + written.dropFirst()])
            let subject: [SQL] = spelt.sorted().map { "ticket.subject LIKE \("%" + likeLiteral($0) + "%") ESCAPE '\\'" }
            return "(\(try db.textCondition(text, on: "ticket.id", scope: .everything)) AND (lower(ticket.subject) LIKE \("%" + likeLiteral(written.lowercased()) + "%") ESCAPE '\\' OR \(SQL.join(subject, separator: " OR "))))"
        case .has(let thing): return thing.condition
        case .rating(let stars): return "ticket.id IN (SELECT ticket_id FROM survey WHERE rating IN (\(list: stars)))"
        case .due(let from, let to):
            let due: SQL = """
                CASE WHEN ticket.paused_at IS NOT NULL OR ticket.urgency = 0 THEN NULL
                WHEN ticket.first_responded_at IS NOT NULL OR ticket.first_response_due_at IS NULL THEN ticket.resolution_due_at
                WHEN ticket.resolution_due_at < ticket.first_response_due_at THEN ticket.resolution_due_at ELSE ticket.first_response_due_at END
                """
            let bounds: [SQL] = [from.map { "(\(due)) >= \($0)" }, to.map { "(\(due)) < \($0)" }].compactMap { $0 }
            return "(ticket.urgency > 0 AND \(bounds.isEmpty ? "(\(due)) IS NULL" : SQL.join(bounds, separator: " AND ")))"
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

    private static func assignee(_ holder: Holder, asker: Asker, _ db: any Connection) throws -> SQL {
        switch holder {
        case .nobody: return "ticket.assignee_id IS NULL"
        case .mine: return "ticket.assignee_id = \(try asking(asker, "assignee").id)"
        case .named(let names):
            return "ticket.assignee_id IN (\(list: try names.flatMap { try db.named($0, "SELECT id, name FROM agent", called: "agent", exact: "SELECT id FROM agent WHERE email = \($0)") }))"
        }
    }

    private static func team(_ holder: Holder, asker: Asker, _ db: any Connection) throws -> SQL {
        switch holder {
        case .nobody: return "ticket.team_id IS NULL"
        case .mine:
            let agent = try asking(asker, "team").id
            return "ticket.team_id IN (SELECT team_id FROM team_member WHERE agent_id = \(agent) UNION SELECT id FROM team WHERE lead_id = \(agent))"
        case .named(let names): return "ticket.team_id IN (\(list: try names.flatMap { try db.named($0, "SELECT id, name FROM team", called: "team", exact: nil) }))"
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

extension Connection {
    /// Those whose name is the one given, or else has every word of it, each of which may be begun only: `ada`, `second lev`. Nobody's name is refused.
    ///
    /// - Parameter rows: reads keys and names of a short table.
    fileprivate func named(_ wanted: String, _ rows: SQL, called kind: String, exact: SQL?) throws -> [Int64] {
        if let exact, let id: Int64 = try value(exact) { return [id] }
        let sought = Words.split(wanted)
        var (equal, begun): ([Int64], [Int64]) = ([], [])
        for (id, name) in try query(rows, { (try $0.read(Int64.self), try $0.read(String.self)) }) where !sought.isEmpty {
            let words = Words.split(name)
            if words == sought { equal.append(id) }
            if sought.allSatisfy({ word in words.contains { $0.hasPrefix(word) } }) { begun.append(id) }
        }
        let found = equal.isEmpty ? begun : equal
        guard !found.isEmpty else { throw Refusal.invalid("query", .other("There is no \(kind) called “\(wanted)”.")) }
        return found
    }
}

extension TicketQuery.Thing {
    fileprivate var condition: SQL {
        switch self {
        case .attachment: "ticket.id IN (SELECT ticket_id FROM entry JOIN attachment ON attachment.entry_id = entry.id)"
        case .note: "ticket.id IN (SELECT ticket_id FROM entry WHERE kind = 'note')"
        case .reply: "ticket.last_reply_at IS NOT NULL"
        case .tag: "ticket.tags <> '[]'"
        case .assignee: "ticket.assignee_id IS NOT NULL"
        case .team: "ticket.team_id IS NOT NULL"
        case .topic: "ticket.topic_id IS NOT NULL"
        case .organization: "ticket.customer_id IN (SELECT id FROM customer WHERE organization_id IS NOT NULL)"
        case .cc: "ticket.id IN (SELECT ticket_id FROM ticket_collaborator)"
        case .rating: "ticket.id IN (SELECT ticket_id FROM survey WHERE rating IS NOT NULL)"
        case .due: "ticket.urgency > 0 AND ticket.paused_at IS NULL AND (ticket.resolution_due_at IS NOT NULL OR ticket.first_responded_at IS NULL AND ticket.first_response_due_at IS NOT NULL)"
        }
    }
}
