import Store

/// What would be touched if a row went: so many tickets, topics, teams.
package struct Dependants: Sendable, Equatable {
    /// The path of a resource, or `tickets`.
    package let path: String
    package let count: Int
}

extension Connection {
    /// What names a row: found by what the resources themselves say of their references, and the tickets that are still
    /// worked on.
    package func dependants(of id: Int64, in resource: Resource) throws -> [Dependants] {
        var found: [Dependants] = []
        let column: SQL? =
            switch resource.table {
            case "department": "department_id"
            case "team": "team_id"
            case "topic": "topic_id"
            case "service_level": "service_level_id"
            case "agent": "assignee_id"
            case "customer": "customer_id"
            default: nil
            }
        if let column {
            let tickets: Int = try value("SELECT count(*) FROM ticket WHERE \(column) = \(id) AND urgency > 0") ?? 0
            if tickets > 0 { found.append(Dependants(path: "tickets", count: tickets)) }
        }
        for other in Resource.all where other.path != resource.path {
            let active: SQL = other.isRetired ? "AND is_active = 1" : ""
            var conditions: [SQL] = []
            for field in other.fields {
                switch field.kind {
                case .reference(let column, let table) where table == resource.table:
                    conditions.append("\(SQL(raw: column)) = \(id)")
                case .agent(let column) where resource.table == "agent":
                    conditions.append("\(SQL(raw: column)) = \(id)")
                case .references(let join, let own, let theirs, let table) where table == resource.table:
                    conditions.append(
                        "id IN (SELECT \(SQL(raw: own)) FROM \(SQL(raw: join)) WHERE \(SQL(raw: theirs)) = \(id))")
                case .agents(let join, let own, let theirs) where resource.table == "agent":
                    conditions.append(
                        "id IN (SELECT \(SQL(raw: own)) FROM \(SQL(raw: join)) WHERE \(SQL(raw: theirs)) = \(id))")
                default: continue
                }
            }
            guard !conditions.isEmpty else { continue }
            let count: Int =
                try value(
                    """
                    SELECT count(*) FROM \(SQL(raw: other.table))
                    WHERE (\(SQL.join(conditions, separator: " OR "))) \(active)
                    """
                ) ?? 0
            if count > 0 { found.append(Dependants(path: other.path, count: count)) }
        }
        return found
    }
}
