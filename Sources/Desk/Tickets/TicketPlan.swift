import Domain
import Store

/// A list put into SQL, so that it costs what it shows and not what the desk holds.
///
/// No condition that joins several columns by OR stands before an index: SQLite would gather every ticket of a
/// department and sort them. While the ways by which an asker comes to tickets are few, the best of each way are taken
/// in the order of its own index and put together; where they are many, the list's own index is walked, and each ticket
/// is looked at. Conditions that are not to drive a plan hide their columns from it.
struct TicketPlan {
    let source: SQL
    let condition: SQL
    let order: SQL
    /// The tickets of the list in its order, as `id` and `rank`, where they are put together from several walks.
    private let union: ((_ most: Int) -> SQL)?

    /// - Parameter counting: at most so many are to be counted, in whichever order costs least.
    init(_ list: TicketList, _ db: any Connection, counting: Int? = nil) throws {
        let terms = Terms(list.query)
        var list = list
        if counting != nil {
            list.after = nil
            list.order = terms.isActive && terms.text == nil ? .due : .newest
        }
        let candidates = try Candidates(list, terms, db)
        if let text = terms.text {
            self = try Self.textPlan(text, list, candidates, db, counting: counting)
        } else {
            self.init(candidates)
        }
    }

    private init(source: SQL, condition: SQL, order: SQL, union: ((_ most: Int) -> SQL)? = nil) {
        self.source = source
        self.condition = condition
        self.order = order
        self.union = union
    }

    /// The candidates themselves.
    private init(_ candidates: Candidates) {
        if candidates.walks.count == 1 {
            let walk = candidates.walks[0]
            self.init(source: walk.source, condition: SQL.join(walk.conditions, separator: " AND "), order: walk.order)
            return
        }
        self.init(
            source:
                """
                (\(candidates.union(most: candidates.most))) AS hit \(candidates.dialect.outerJoin) ticket ON \
                ticket.id = hit.id
                """,
            condition: "1 = 1",
            order: candidates.outerOrder, union: { candidates.union(most: $0) })
    }

    /// Counts at most so many.
    func count(atMost most: Int) -> SQL {
        if let union { return "SELECT count(*) FROM (\(union(most))) AS counted" }
        guard most < .max else { return "SELECT count(*) FROM \(source) WHERE \(condition)" }
        return
            "SELECT count(*) FROM (SELECT 1 AS one FROM \(source) WHERE \(condition) LIMIT \(literal: most)) AS counted"
    }
}

extension TicketPlan {
    /// A word in no more tickets than this is asked of the index whole, and the few are put in order.
    private static let few = 6000

    private static func textPlan(
        _ text: TextQuery, _ list: TicketList, _ candidates: Candidates, _ db: any Connection, counting: Int?
    ) throws -> TicketPlan {
        let asked = try db.expanded(text)
        let isByKey = list.order == .newest || list.order == .oldest
        let driven = try db.textSource(asked, key: list.order.key(list.after))
        let index = TicketPlan(
            source: driven.source, condition: SQL.join([driven.condition] + candidates.filters, separator: " AND "),
            order: driven.isWalked && isByKey ? list.order.sql(of: driven.key) : list.order.sortedSQL)
        if driven.isWalked {
            // Walked in the list's own order, a common word costs a page and a rare one what there is.
            if isByKey, !candidates.isNarrow { return index }
            if try db.countTexts(asked, atMost: few + 1) <= few { return index }
            // Common, and the list has an order or a filter of its own: that is walked, and each ticket's text is
            // looked at.
            return TicketPlan(candidates.adding(try db.textCheck(text, on: "ticket.id")))
        }
        // The index would gather all it has before it gives the first. What is common stands among the first tickets of
        // the list: so many are looked at.
        let most = counting ?? list.limit + 1
        let order: SQL = counting == nil ? "ORDER BY \(list.order.sql(rank: "rank", id: "id"))" : ""
        // What most tickets have is among very few, and each one that is looked at costs the reading of its text: for
        // the rest the index is cheaper.
        let few = 4 * min(most, driven.sample)
        for looked in few < driven.sample ? [few, driven.sample] : [driven.sample] {
            let found: [(isHit: Bool, id: Int64)] = try db.query(
                """
                WITH looked AS MATERIALIZED (\(candidates.first(looked)))
                SELECT 0 AS hit, count(*) AS id FROM looked UNION ALL SELECT 1, id FROM (
                    SELECT id FROM looked WHERE seen = 1 AND \(try db.textCheck(text, on: "looked.id")) \(order)
                    LIMIT \(literal: most)) AS found
                """
            ) { (try $0.read(Int.self) == 1, try $0.read()) }
            let hits = found.filter(\.isHit).map(\.id)
            let examined = found.first { !$0.isHit }?.id ?? 0
            guard hits.count >= most || examined < looked && candidates.isWholeInFirst else { continue }
            return TicketPlan(source: "ticket", condition: "ticket.id IN (\(list: hits))", order: list.order.sql)
        }
        return index
    }
}

/// A query taken apart into what chooses an index and what only filters.
private struct Terms {
    /// The states that are asked for; nil where none is named.
    var states: Set<TicketState>?
    var text: TextQuery?
    var rest: [TicketQuery] = []

    init(_ query: TicketQuery) {
        var (wanted, unwanted): ([TextQuery], [TextQuery]) = ([], [])
        var turned: [TicketQuery] = []
        for part in query.conjuncts {
            switch part {
            case .state(let some): states = (states ?? Set(TicketState.allCases)).intersection(some)
            case .not(.state(let some)): states = (states ?? Set(TicketState.allCases)).subtracting(some)
            case .subject(let written, let words):
                wanted.append(words)
                rest.append(.subject(written, .all([])))
            case .not(let inner):
                if let text = inner.wholeText { unwanted.append(text) } else { rest.append(part) }
                turned.append(part)
            default:
                if let text = part.wholeText { wanted.append(text) } else { rest.append(part) }
            }
        }
        guard !wanted.isEmpty else {
            rest += turned.filter { if case .not(let inner) = $0 { inner.wholeText != nil } else { false } }
            return
        }
        let all = wanted.count == 1 ? wanted[0] : TextQuery.all(wanted)
        text = unwanted.isEmpty ? all : .without(all, unwanted.count == 1 ? unwanted[0] : .any(unwanted))
    }

    var isActive: Bool { states.map { $0.allSatisfy(\.isActive) } ?? false }
}

extension TicketQuery {
    /// The terms that must all hold.
    var conjuncts: [TicketQuery] {
        guard case .all(let parts) = self else { return [self] }
        return parts.flatMap(\.conjuncts)
    }

    /// The same as one question to the text index; nil where something else is asked, too.
    fileprivate var wholeText: TextQuery? {
        switch self {
        case .text(let text): return text
        case .any(let parts):
            let texts = parts.compactMap(\.wholeText)
            return texts.count == parts.count && !texts.isEmpty ? .any(texts) : nil
        case .all(let parts):
            var (wanted, unwanted): ([TextQuery], [TextQuery]) = ([], [])
            for part in parts {
                if case .not(let inner) = part, let text = inner.wholeText {
                    unwanted.append(text)
                } else if let text = part.wholeText {
                    wanted.append(text)
                } else {
                    return nil
                }
            }
            guard !wanted.isEmpty else { return nil }
            return unwanted.isEmpty ? .all(wanted) : .without(.all(wanted), .any(unwanted))
        default: return nil
        }
    }

    /// Few tickets have it, and an index or a key finds them: everything else is looked at in each of them.
    fileprivate var isNarrow: Bool {
        switch self {
        case .number, .from, .tag, .cc, .organization, .rating: true
        default: false
        }
    }
}

extension TicketOrder {
    /// By the columns of `ticket`.
    var sql: SQL { sql(of: "ticket.id") }
    func sql(of key: SQL) -> SQL {
        switch self {
        case .newest: "\(key) DESC"
        case .oldest: key
        case .due: "ticket.due_rank, ticket.id"
        case .urgency: "ticket.urgency DESC, ticket.id"
        }
    }
    func sql(rank: SQL, id: SQL) -> SQL {
        switch self {
        case .newest: "\(id) DESC"
        case .oldest: id
        case .due, .urgency: "\(rank), \(id)"
        }
    }
    /// For rows that are gathered and then sorted: no index is to be walked for the order.
    fileprivate var sortedSQL: SQL {
        switch self {
        case .newest: "+ticket.id DESC"
        case .oldest: "+ticket.id"
        case .due: "+ticket.due_rank, +ticket.id"
        case .urgency: "+ticket.urgency DESC, +ticket.id"
        }
    }
    /// What a row has behind its key where several walks are put together: lower first.
    fileprivate var rank: SQL {
        switch self {
        case .newest, .oldest: "0"
        case .due: "ticket.due_rank"
        case .urgency: "-ticket.urgency"
        }
    }
    /// Behind the last ticket of the page before, by keys alone.
    fileprivate func key(_ after: TicketCursor?) -> KeyBound? {
        switch self {
        case .newest: after.map { .below($0.id.number) }
        case .oldest: after.map { .above($0.id.number) }
        case .due, .urgency: nil
        }
    }
}

/// One walk along an index, in the list's order.
private struct Walk {
    var source: SQL
    var conditions: [SQL]
    var order: SQL
}

/// The tickets of a list but for the text that is looked for.
private struct Candidates {
    let dialect: Dialect
    let order: TicketOrder
    var walks: [Walk] = []
    /// All of the list's conditions for a source that has its own order.
    let filters: [SQL]
    /// Whether a condition leaves but few.
    let isNarrow: Bool
    let most: Int
    private let cursor: SQL?
    private let isActive: Bool

    /// More walks than this cost more than looking at tickets one by one.
    private static let mostWalks = 48

    init(_ list: TicketList, _ terms: Terms, _ db: any Connection) throws {
        dialect = db.dialect
        order = list.order
        most = list.limit + 1
        let access = list.asker.condition
        let states = TicketState.allCases.filter { $0 != .deleted && terms.states?.contains($0) ?? true }
        let isAll = terms.states == nil
        var rest: [SQL] = []
        for part in terms.rest { rest.append(try part.condition(db, asker: list.asker)) }
        let inStates: SQL? = isAll ? nil : "\(db.dialect.unindexed("ticket.state")) IN (\(words: states))"
        isActive = terms.isActive
        cursor = list.order.after(list.after)
        filters = [access] + rest + [inStates, cursor].compactMap { $0 }
        guard !states.isEmpty else {
            isNarrow = true
            walks = [Walk(source: "ticket", conditions: ["1 = 0"], order: order.sql)]
            return
        }
        if let narrow = terms.rest.first(where: \.isNarrow) {
            isNarrow = true
            let others = try terms.rest.filter { $0 != narrow }.map { try $0.condition(db, asker: list.asker) }
            let conditions =
                [try narrow.condition(db, asker: list.asker, drives: true), access] + others
                + [inStates, cursor].compactMap { $0 }
            walks = [Walk(source: "ticket", conditions: conditions, order: order.sql)]
            return
        }
        if let few = terms.isActive
            ? terms.rest.lazy.compactMap(\.ownIndex).first
            : terms.rest.contains(.overdue(true)) ? try db.fewOverdue() : nil
        {
            isNarrow = true
            walks = [
                Walk(
                    source: "ticket \(db.dialect.indexed(by: few.index))", conditions: [few.condition] + filters,
                    order: order.sql)
            ]
            return
        }
        let chosen = try db.ways(to: terms.rest, asker: list.asker)
        isNarrow = chosen.isNarrow
        if let part = chosen.part {
            rest = try terms.rest.filter { $0 != part }.map { try $0.condition(db, asker: list.asker) }
        }
        if !chosen.isAccess { rest.append(access) }
        if order == .newest || order == .oldest, let bounds = try db.keys(of: terms.rest) { rest.append(bounds) }
        var builder = WalkBuilder(
            dialect: db.dialect, order: order, after: list.after, states: states, isAll: isAll, rest: rest)
        walks = chosen.ways.flatMap { builder.walks($0) }
        if walks.count > Self.mostWalks {
            builder.rest = rest + (chosen.isAccess ? [access] : [])
            if let part = chosen.part { builder.rest.append(try part.condition(db, asker: list.asker)) }
            walks = builder.walks(.everything)
        }
        if walks.isEmpty { walks = [Walk(source: "ticket", conditions: ["1 = 0"], order: order.sql)] }
    }

    var outerOrder: SQL { order.sql(rank: "hit.rank", id: "hit.id") }

    /// The best of each walk, and of them the best.
    func union(most: Int) -> SQL {
        let limit: SQL = most < .max ? "LIMIT \(literal: most)" : ""
        let rank = order.rank
        let parts: [SQL] = walks.map { walk in
            let conditions = SQL.join(walk.conditions, separator: " AND ")
            return
                """
                SELECT id, rank FROM (SELECT ticket.id AS id, \(rank) AS rank FROM \(walk.source)
                WHERE \(conditions) ORDER BY \(walk.order) \(limit)) AS walked
                """
        }
        guard parts.count > 1 else { return parts[0] }
        return
            """
            SELECT id, rank FROM (\(SQL.join(parts, separator: " UNION "))) AS walks
            ORDER BY \(order.sql(rank: "rank", id: "id")) \(limit)
            """
    }

    /// So many of the first tickets there are in the list's order, and of each whether it belongs to the list: a
    /// bounded walk, whoever asks.
    func first(_ most: Int) -> SQL {
        if isNarrow { return "SELECT id, rank, 1 AS seen FROM (\(union(most: most))) AS narrow" }
        let start =
            order == .newest || order == .oldest
            ? cursor ?? "1 = 1"
            : SQL.join(["ticket.due_rank < 1000000000000000"] + [cursor].compactMap { $0 }, separator: " AND ")
        let active: SQL = order == .urgency ? "\(start) AND ticket.urgency > 0" : start
        let seen = SQL.join(filters, separator: " AND ")
        return
            """
            SELECT ticket.id AS id, \(order.rank) AS rank, CASE WHEN \(seen) THEN 1 ELSE 0 END AS seen FROM ticket
            WHERE \(active) ORDER BY \(order.sql) LIMIT \(literal: most)
            """
    }
    /// Whether nothing of the list lies behind the tickets that `first` gives.
    var isWholeInFirst: Bool { isNarrow || order == .newest || order == .oldest || isActive }

    func adding(_ condition: SQL) -> Candidates {
        var more = self
        for index in more.walks.indices { more.walks[index].conditions.append(condition) }
        return more
    }
}

/// Makes the walks of one way to tickets: one for each state, or along what is still to be done and then what is done.
private struct WalkBuilder {
    let dialect: Dialect
    let order: TicketOrder
    let after: TicketCursor?
    let states: [TicketState]
    let isAll: Bool
    var rest: [SQL]

    func walks(_ way: TicketWay) -> [Walk] {
        switch order {
        case .newest, .oldest: return byKey(way, states, isAll: isAll)
        case .due, .urgency: return byRank(way)
        }
    }

    private func byKey(_ way: TicketWay, _ states: [TicketState], isAll: Bool, onlyDone: Bool = false) -> [Walk] {
        let direction: SQL = order == .newest ? "ticket.id DESC" : "ticket.id"
        let behind: SQL? =
            switch order {
            case .newest: after.map { "ticket.id < \($0.id)" }
            case .oldest: after.map { "ticket.id > \($0.id)" }
            // What is done stands behind all that is not, by its key.
            case .due, .urgency: after.flatMap { $0.dueRank >= Ticket.rankOfDone ? "ticket.id > \($0.id)" : nil }
            }
        let some = [behind].compactMap { $0 } + rest
        // Most tickets are closed; those of a rarer state are found by it. Of the few somebody takes part in each is
        // looked at.
        if way.isList || way == .everything && (states.contains(.closed) || states.count > 4) {
            let state: SQL =
                isAll
                ? "\(dialect.unindexed("ticket.state")) <> 'deleted'"
                : "\(dialect.unindexed("ticket.state")) IN (\(words: states))"
            return [Walk(source: "ticket", conditions: way.conditions + [state] + some, order: direction)]
        }
        return states.map {
            Walk(
                source: "ticket", conditions: way.conditions + ["ticket.state = \(words: [$0])"] + some,
                order: direction)
        }
    }

    private func byRank(_ way: TicketWay) -> [Walk] {
        var walks: [Walk] = []
        let active = states.filter(\.isActive)
        let isInActive = after.map { $0.dueRank < Ticket.rankOfDone } ?? true
        if !active.isEmpty, isInActive {
            var conditions = way.conditions
            if way.isList {
                conditions.append("+ticket.urgency > 0")
            } else {
                // Written so, it is the condition of the partial index.
                conditions.append(
                    order == .urgency && way.hasUrgency ? "ticket.urgency > 0" : "ticket.due_rank < 1000000000000000")
            }
            if active.count < TicketState.allCases.count(where: \.isActive) {
                conditions.append("\(dialect.unindexed("ticket.state")) IN (\(words: active))")
            }
            if let behind = order.after(after) { conditions.append(behind) }
            walks.append(Walk(source: "ticket", conditions: conditions + rest, order: order.sql))
        }
        let done = states.filter { !$0.isActive }
        if !done.isEmpty { walks += byKey(way, done, isAll: false) }
        return walks
    }
}

extension TicketOrder {
    /// Behind the last ticket of the page before.
    fileprivate func after(_ cursor: TicketCursor?) -> SQL? {
        guard let cursor else { return nil }
        switch self {
        case .newest: return "ticket.id < \(cursor.id)"
        case .oldest: return "ticket.id > \(cursor.id)"
        case .due:
            return
                """
                ticket.due_rank >= \(cursor.dueRank) AND (+ticket.due_rank > \(cursor.dueRank)
                OR +ticket.id > \(cursor.id))
                """
        case .urgency:
            return
                """
                ticket.urgency <= \(cursor.urgency) AND (+ticket.urgency < \(cursor.urgency)
                OR +ticket.id > \(cursor.id))
                """
        }
    }
}

extension TicketQuery {
    /// The partial index that holds just the tickets still to be done that have it.
    fileprivate var ownIndex: (index: StaticString, condition: SQL)? {
        switch self {
        case .overdue(true): ("ticket_overdue", "ticket.overdue = 1 AND ticket.due_rank < 1000000000000000")
        case .answered:
            ("ticket_answered", "ticket.due_rank < 1000000000000000 AND ticket.last_message_at > ticket.last_reply_at")
        case .escalated(true):
            ("ticket_due", "ticket.due_rank < 1000000000000000 AND ticket.due_rank < 900000000000000")
        default: nil
        }
    }
}
