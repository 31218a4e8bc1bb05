import Store

/// The ways that are walked for a query.
struct ChosenWays {
    let ways: [TicketWay]
    /// The term that chose them, which need not be looked at again.
    var part: TicketQuery?
    /// Whether they lead only to what the asker may see.
    let isAccess: Bool
    var isNarrow: Bool { part != nil }
}

extension Connection {
    /// By whom or where a query asks for tickets, else by what the asker may see.
    func ways(to terms: [TicketQuery], asker: Asker) throws -> ChosenWays {
        for term in terms {
            switch term {
            case .assignee(.mine):
                return ChosenWays(ways: [.assignee(try asker.asking("assignee").id.number)], part: term, isAccess: true)
            case .assignee(.named(let names)):
                return ChosenWays(ways: try agents(named: names).map { .assignee($0) }, part: term, isAccess: false)
            case .team(.mine):
                return ChosenWays(
                    ways: try teams(of: try asker.asking("team").id).map { .team($0) }, part: term, isAccess: true)
            case .team(.named(let names)):
                return ChosenWays(ways: try teams(named: names).map { .team($0) }, part: term, isAccess: false)
            default: continue
            }
        }
        for case .department(let names) in terms {
            return ChosenWays(
                ways: try departments(named: names).map { .department($0) }, part: .department(names), isAccess: false)
        }
        guard let ways = try ways(of: asker) else { return ChosenWays(ways: [.everything], isAccess: false) }
        return ChosenWays(ways: ways, isAccess: true)
    }

    /// The index of all that was ever overdue, as long as that is not much.
    func fewOverdue() throws -> (index: StaticString, condition: SQL)? {
        let most = 2000
        let found: Int =
            try value(
                """
                SELECT count(*) FROM (SELECT 1 FROM ticket \(dialect.indexed(by: "ticket_overdue"))
                WHERE ticket.overdue = 1 LIMIT \(literal: most + 1)) AS late
                """
            ) ?? 0
        return found <= most ? ("ticket_overdue", "ticket.overdue = 1") : nil
    }

    /// Between which keys the tickets lie that were made in a span of time; nil where no span is asked for, or too many
    /// lie in it.
    func keys(of terms: [TicketQuery]) throws -> SQL? {
        for case .moment(.created, let from, let to) in terms {
            let span = SQL.join(
                [from.map { "created_at >= \($0)" }, to.map { "created_at < \($0)" }].compactMap { $0 },
                separator: " AND ")
            let most = 50_000
            let found = try first(
                "SELECT count(*), min(id), max(id) FROM (SELECT id FROM ticket WHERE \(span) LIMIT \(most + 1)) AS made"
            ) {
                (try $0.read(Int.self), try $0.read(Int64?.self), try $0.read(Int64?.self))
            }
            guard let found, found.0 <= most else { continue }
            return "ticket.id BETWEEN \(found.1 ?? 0) AND \(found.2 ?? -1)"
        }
        return nil
    }
}
