import Domain
import Foundation
import Primitives
import Store

/// What a view is made of besides its name: how each part is checked, stored and told.
package enum ViewPart: String, Sendable {
    case query, columns, sort
    case groupBy = "group_by"
    case audience = "for"

    /// What a row is read by.
    var columns: SQL {
        switch self {
        case .query: "query"
        case .columns: "columns"
        case .sort: "sort"
        case .groupBy: "group_by"
        case .audience: "agent_id, team_id, (SELECT team.name FROM team WHERE team.id = team_id)"
        }
    }

    func read(_ row: inout Row) throws -> JSON {
        switch self {
        case .query, .sort: return .string(try row.read())
        case .columns: return JSON(try row.read(String.self)) ?? .null
        case .groupBy: return JSON(try row.read(String?.self))
        case .audience:
            // Own views are told to their agent alone.
            let (agent, team): (Int64?, Int64?) = (try row.read(), try row.read())
            let name: String? = try row.read()
            if agent != nil { return "me" }
            guard let team else { return "everyone" }
            return ["team": ["id": JSON(team), "name": .string(name ?? "")]]
        }
    }

    /// What is written for a value, or what is wrong with it.
    func values(_ value: JSON, _ db: any Connection, by asker: Asker, now: Date) throws -> [(String, SQLValue)] {
        switch self {
        case .query:
            guard let text = value.text else { throw wrong(.wrongType(expected: "text")) }
            let line = text.singleLine.trimmingWhitespace()
            try TicketQuery(line, now: now).requireKnownNames(db)
            return [("query", .text(line))]
        case .columns: return [("columns", .text(.init(try checkedColumns(value, db).written)))]
        case .sort:
            guard let order = value.text.flatMap({ TicketOrder(sort: $0) }) else {
                throw wrong(.notOneOf(TicketOrder.sorts.map(\.sort)))
            }
            return [("sort", .text(order.sort))]
        case .groupBy:
            if value == .null { return [("group_by", .null)] }
            guard let column = value.text.flatMap({ ViewColumn(word: $0) }), ViewColumn.groupings.contains(column)
            else { throw wrong(.notOneOf(ViewColumn.groupings.map(\.word))) }
            return [("group_by", .text(column.word))]
        case .audience:
            let (agent, team) = try audience(value, db, asker)
            return [
                ("agent_id", agent.map { .integer($0.number) } ?? .null),
                ("team_id", team.map { .integer($0.number) } ?? .null),
            ]
        }
    }

    private func wrong(_ problem: Fault.Problem) -> Refusal { .invalid(rawValue, problem) }

    static func words(_ value: JSON) -> [String] {
        if case .array(let items) = value { items.compactMap(\.text) } else { [] }
    }

    private func checkedColumns(_ value: JSON, _ db: any Connection) throws -> JSON {
        guard case .array(let items) = value, items.allSatisfy({ $0.text != nil }) else {
            throw wrong(.wrongType(expected: "a list of columns"))
        }
        guard !items.isEmpty else { throw wrong(.notChosen) }
        guard items.count <= ViewColumn.most else { throw wrong(.tooMany(most: ViewColumn.most)) }
        var columns: [ViewColumn] = []
        for word in items.compactMap(\.text) {
            guard let column = ViewColumn(word: word) else {
                throw wrong(.notOneOf(ViewColumn.plain.map(\.word) + ["field.KEY"]))
            }
            if case .field(let key) = column, try !db.fieldLabels().contains(where: { $0.key == key }) {
                throw wrong(.unknown(word))
            }
            if !columns.contains(column) { columns.append(column) }
        }
        return .array(columns.map { .string($0.word) })
    }

    private func audience(_ value: JSON, _ db: any Connection, _ asker: Asker) throws -> (Agent.ID?, Team.ID?) {
        switch value.text {
        case "me"?:
            guard case .agent(let agent) = asker else {
                throw wrong(
                    .other(Sentence("Use “by” to name the agent this view is for, or save it for everyone.")))
            }
            return (agent.id, nil)
        case "everyone"?: return (nil, nil)
        default: break
        }
        guard let team = value["team"] else {
            throw wrong(.wrongType(expected: "“me”, “everyone” or a team"))
        }
        let wanted: Wanted
        if let id = team.integer ?? team["id"]?.integer {
            wanted = .id(id)
        } else if let name = team.text ?? team["name"]?.text, !name.isEmpty {
            wanted = .name(name)
        } else {
            throw wrong(.wrongType(expected: "“me”, “everyone” or a team"))
        }
        return (nil, try db.named(NamedTable.team, wanted, field: rawValue).id)
    }
}

extension TicketQuery {
    /// Refuses names of agents, teams, departments, topics and organizations that nobody has. Whose view it will be is
    /// not known yet, so what depends on the asker is left alone.
    fileprivate func requireKnownNames(_ db: any Connection) throws {
        switch self {
        case .all(let parts), .any(let parts): for part in parts { try part.requireKnownNames(db) }
        case .not(let part): try part.requireKnownNames(db)
        case .assignee(.named), .team(.named), .department, .topic, .organization:
            _ = try condition(db, asker: .desk)
        default: break
        }
    }
}

extension [PublicTopic] {
    /// What their forms ask for, each key once.
    package var fieldLabels: [(key: String, label: String)] {
        var labels: [(key: String, label: String)] = []
        for field in flatMap(\.fields) where !labels.contains(where: { $0.key == field.key }) {
            labels.append((field.key, field.label))
        }
        return labels
    }
}

extension Connection {
    package func fieldLabels() throws -> [(key: String, label: String)] { try publicTopics().fieldLabels }
}
