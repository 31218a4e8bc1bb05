import Domain
import Foundation
import Primitives
import Store

extension TicketQuery {
    /// A condition on `ticket`. Its columns are hidden from indexes, which belong to the list's plan, unless it is to
    /// drive one.
    func condition(_ db: any Connection, asker: Asker, drives: Bool = false) throws -> SQL {
        func column(_ name: SQL) -> SQL { drives ? name : db.dialect.unindexed(name) }
        switch self {
        case .all(let parts):
            guard !parts.isEmpty else { return "1 = 1" }
            return "(\(SQL.join(try parts.map { try $0.condition(db, asker: asker) }, separator: " AND ")))"
        case .any(let parts):
            return "(\(SQL.join(try parts.map { try $0.condition(db, asker: asker) }, separator: " OR ")))"
        case .not(let part): return "NOT COALESCE(\(try part.condition(db, asker: asker)), \(db.dialect.no))"
        case .text(let text): return try db.textCondition(text, on: "ticket.id")
        case .state(let states): return "\(column("ticket.state")) IN (\(words: states))"
        case .priority(let least, let most):
            return least == most ? "ticket.priority = \(least)" : "ticket.priority BETWEEN \(least) AND \(most)"
        case .assignee(let holder):
            switch holder {
            case .nobody: return "\(column("ticket.assignee_id")) IS NULL"
            case .mine: return "\(column("ticket.assignee_id")) = \(try asker.asking("assignee").id)"
            case .named(let names): return "\(column("ticket.assignee_id")) IN (\(list: try db.agents(named: names)))"
            }
        case .team(let holder):
            switch holder {
            case .nobody: return "\(column("ticket.team_id")) IS NULL"
            case .mine: return "\(column("ticket.team_id")) IN (\(list: try db.teams(of: try asker.asking("team").id)))"
            case .named(let names): return "\(column("ticket.team_id")) IN (\(list: try db.teams(named: names)))"
            }
        case .department(let names):
            return "\(column("ticket.department_id")) IN (\(list: try db.departments(named: names)))"
        case .topic(let names): return "ticket.topic_id IN (\(list: try db.topics(named: names)))"
        case .from(let value): return TicketQuery.from(value, column("ticket.customer_id"))
        case .tagged(let wanted): return wanted ? "ticket.tags <> '[]'" : "ticket.tags = '[]'"
        case .tag(let tag): return "\(column("ticket.id")) IN (SELECT ticket_id FROM ticket_tag WHERE tag = \(tag))"
        case .number(let number): return "\(column("ticket.number")) = \(number)"
        case .source(let sources): return "ticket.source IN (\(list: sources))"
        case .overdue(let wanted): return "+ticket.overdue = \(wanted)"
        // The customer spoke last, after we had.
        case .answered: return "ticket.last_message_at > ticket.last_reply_at"
        case .escalated(let wanted): return wanted ? "ticket.escalation_level > 0" : "ticket.escalation_level = 0"
        case .unassigned: return "\(column("ticket.assignee_id")) IS NULL"
        case .organization(let name):
            let ids = try db.named(
                name, "SELECT id, name FROM organization",
                lacking: Sentence("There is no organization called “{0}”. Check the spelling.", name))
            return
                "\(column("ticket.customer_id")) IN (SELECT id FROM customer WHERE organization_id IN (\(list: ids)))"
        case .cc(let value):
            let part = "%" + likeLiteral(value) + "%"
            return
                """
                \(column("ticket.id")) IN (SELECT ticket_id FROM ticket_collaborator
                WHERE address LIKE \(part) ESCAPE '\\')
                """
        case .subject(let written, let text):
            // The index finds the tickets that have the words somewhere; of those few the subject is looked at.
            let spelt = Set([
                written, written.lowercased(), written.uppercased(), written.capitalized,
                written.prefix(1).uppercased() + written.dropFirst(),
            ])
            let subject: [SQL] = spelt.sorted().map { "ticket.subject LIKE \("%" + likeLiteral($0) + "%") ESCAPE '\\'" }
            // At the top of a query the words are asked of the index already.
            let words = text == .all([]) ? "1 = 1" : try db.textCheck(text, on: "ticket.id")
            return
                """
                (\(words) AND (lower(ticket.subject) LIKE \("%" + likeLiteral(written.lowercased()) + "%") ESCAPE
                '\\' OR \(SQL.join(subject, separator: " OR "))))
                """
        case .has(let thing): return thing.condition
        case .rating(let stars):
            return "\(column("ticket.id")) IN (SELECT ticket_id FROM survey WHERE rating IN (\(list: stars)))"
        case .due(let from, let to):
            let bounds: [SQL] = [
                from.map { "(\(TicketLine.nextDue)) >= \($0)" }, to.map { "(\(TicketLine.nextDue)) < \($0)" },
            ]
            .compactMap { $0 }
            return
                """
                (+ticket.urgency > 0 AND
                \(bounds.isEmpty ? "(\(TicketLine.nextDue)) IS NULL" : SQL.join(bounds, separator: " AND ")))
                """
        case .moment(let moment, let from, let to):
            let column: SQL =
                switch moment {
                case .created: "+ticket.created_at"
                case .updated: "ticket.updated_at"
                case .resolved: "ticket.resolved_at"
                case .closed: "ticket.closed_at"
                }
            return SQL.join(
                [from.map { "\(column) >= \($0)" }, to.map { "\(column) < \($0)" }].compactMap { $0 },
                separator: " AND ")
        }
    }

    private static func from(_ value: String, _ customer: SQL) -> SQL {
        if value.contains("@"), !value.hasPrefix("@") {
            return "\(customer) IN (SELECT customer_id FROM customer_address WHERE address = \(value))"
        }
        if value.hasPrefix("@") {
            return
                """
                \(customer) IN (SELECT customer_id FROM customer_address
                WHERE address LIKE \("%" + likeLiteral(value)) ESCAPE '\\')
                """
        }
        let words = Words.split(value).joined(separator: " ")
        return
            """
            \(customer) IN (SELECT id FROM customer
            WHERE sought LIKE \("%" + likeLiteral(words.isEmpty ? value : words) + "%") ESCAPE '\\')
            """
    }
}

/// Text that means itself behind a LIKE with `\` as its escape.
func likeLiteral(_ text: String) -> String {
    text.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(of: "%", with: "\\%").replacingOccurrences(
        of: "_", with: "\\_")
}

extension Asker {
    /// The agent who asks for what is their own.
    func asking(_ field: String) throws(Refusal) -> Agent {
        guard case .agent(let agent) = self else {
            throw .invalid(
                "query",
                .other(Sentence("“{0}:me” works only for an agent who is signed in. Write a name instead.", field)))
        }
        return agent
    }
}

extension Connection {
    func agents(named names: [String]) throws -> [Int64] {
        try names.flatMap {
            try named(
                $0, "SELECT id, name FROM agent", exact: "SELECT id FROM agent WHERE email = \($0)",
                lacking: Sentence("There is no agent called “{0}”. Check the spelling.", $0))
        }
    }
    func teams(named names: [String]) throws -> [Int64] {
        try names.flatMap {
            try named(
                $0, "SELECT id, name FROM team",
                lacking: Sentence("There is no team called “{0}”. Check the spelling.", $0))
        }
    }
    func departments(named names: [String]) throws -> [Int64] {
        try names.flatMap {
            try named(
                $0, "SELECT id, name FROM department",
                lacking: Sentence("There is no department called “{0}”. Check the spelling.", $0))
        }
    }
    fileprivate func topics(named names: [String]) throws -> [Int64] {
        try names.flatMap {
            try named(
                $0, "SELECT id, name FROM topic",
                lacking: Sentence("There is no topic called “{0}”. Check the spelling.", $0))
        }
    }
    func teams(of agent: Agent.ID) throws -> [Int64] {
        try query(
            """
            SELECT team_id FROM team_member WHERE agent_id = \(agent) UNION SELECT id FROM team
            WHERE lead_id = \(agent) ORDER BY 1
            """
        ) { try $0.read() }
    }

    /// Those whose name is the one given, or else has every word of it, each of which may be begun only: `ada`, `second
    /// lev`. Nobody's name is refused.
    ///
    /// - Parameters:
    ///   - rows: reads keys and names of a short table.
    ///   - lacking: what is said where there is nobody of that name.
    fileprivate func named(_ wanted: String, _ rows: SQL, exact: SQL? = nil, lacking: Sentence) throws -> [Int64] {
        if let exact, let id: Int64 = try value(exact) { return [id] }
        let sought = Words.split(wanted)
        var (equal, begun): ([Int64], [Int64]) = ([], [])
        for (id, name) in try query(rows, { (try $0.read(Int64.self), try $0.read(String.self)) }) where !sought.isEmpty
        {
            let words = Words.split(name)
            if words == sought { equal.append(id) }
            if sought.allSatisfy({ word in words.contains { $0.hasPrefix(word) } }) { begun.append(id) }
        }
        let found = equal.isEmpty ? begun : equal
        guard !found.isEmpty else { throw Refusal.invalid("query", .other(lacking)) }
        return found
    }
}

extension TicketQuery.Thing {
    fileprivate var condition: SQL {
        switch self {
        case .attachment:
            """
            EXISTS (SELECT 1 FROM entry JOIN attachment ON attachment.entry_id = entry.id
            WHERE entry.ticket_id = ticket.id)
            """
        case .note: "EXISTS (SELECT 1 FROM entry WHERE entry.ticket_id = ticket.id AND kind = 'note')"
        case .reply: "ticket.last_reply_at IS NOT NULL"
        case .tag: "ticket.tags <> '[]'"
        case .assignee: "+ticket.assignee_id IS NOT NULL"
        case .team: "+ticket.team_id IS NOT NULL"
        case .topic: "ticket.topic_id IS NOT NULL"
        case .organization:
            "EXISTS (SELECT 1 FROM customer WHERE customer.id = ticket.customer_id AND organization_id IS NOT NULL)"
        case .cc: "EXISTS (SELECT 1 FROM ticket_collaborator WHERE ticket_collaborator.ticket_id = ticket.id)"
        case .rating: "EXISTS (SELECT 1 FROM survey WHERE survey.ticket_id = ticket.id AND rating IS NOT NULL)"
        case .due:
            """
            +ticket.urgency > 0 AND ticket.paused_at IS NULL AND (ticket.resolution_due_at IS NOT NULL
            OR ticket.first_responded_at IS NULL AND ticket.first_response_due_at IS NOT NULL)
            """
        }
    }
}
