import Domain
import Foundation
import Primitives
import Store

/// A search that was saved under a name, with the columns and the order in which its tickets are shown. It holds no
/// rights: its search runs as whoever looks at it.
package struct SavedView: Sendable, Equatable {
    package typealias ID = Primitives.ID<SavedView>
    package let id: ID
    package let name: String
    package let query: String
    package let columns: [ViewColumn]
    package let order: TicketOrder
    package let groupBy: ViewColumn?
    package let audience: ViewAudience
    /// The team's name, where it is for one.
    package let team: String?

    fileprivate static let source: SQL = """
        SELECT saved_view.id, saved_view.name, query, columns, sort, group_by, agent_id, team_id, team.name
        FROM saved_view LEFT JOIN team ON team.id = team_id
        """

    fileprivate init(_ row: inout Row) throws {
        id = try row.read()
        name = try row.read()
        query = try row.read()
        let words = JSON(try row.read(String.self)) ?? .null
        let read = ViewPart.words(words).compactMap { ViewColumn(word: $0) }
        columns = read.isEmpty ? ViewColumn.usual : read
        order = TicketOrder(sort: try row.read()) ?? .due
        groupBy = try row.read(String?.self).flatMap { ViewColumn(word: $0) }
        let (agent, team): (Agent.ID?, Team.ID?) = (try row.read(), try row.read())
        audience = agent.map { .agent($0) } ?? team.map { .team($0) } ?? .everyone
        self.team = try row.read()
    }
}

extension TicketOrder {
    /// The order as a view says it.
    package var sort: String {
        switch self {
        case .due: "due"
        case .newest: "-created"
        case .oldest: "created"
        case .urgency: "-priority"
        }
    }
    package init?(sort: String) {
        guard let found = TicketOrder.allCases.first(where: { $0.sort == sort }) else { return nil }
        self = found
    }
    /// In the order in which they are offered.
    package static let sorts: [TicketOrder] = [.due, .newest, .oldest, .urgency]
}

extension SavedView {
    /// What the view holds for somebody who looks at it.
    package func list(
        for asker: Asker, now: Date, order: TicketOrder? = nil, limit: Int = 50, after: TicketCursor? = nil
    ) throws(Refusal) -> TicketList {
        TicketList(
            query: try TicketQuery(query, now: now), asker: asker, order: order ?? self.order, limit: limit,
            after: after)
    }
}

extension Connection {
    /// A view as somebody asks for it; not found where it is for others.
    package func view(_ id: SavedView.ID, for asker: Asker) throws -> SavedView {
        let condition = try viewsCondition(asker)
        let found = try first("\(SavedView.source) WHERE saved_view.id = \(id) AND \(condition)") {
            try SavedView(&$0)
        }
        guard let found else { throw Refusal.notFound }
        return found
    }

    /// The views an agent may look at, own ones first, then the teams', then those for everyone.
    package func views(for agent: Agent) throws -> [SavedView] {
        try query(
            """
            \(SavedView.source) WHERE \(try viewsCondition(.agent(agent)))
            ORDER BY CASE WHEN agent_id IS NOT NULL THEN 0 WHEN team_id IS NOT NULL THEN 1 ELSE 2 END, position,
                saved_view.id
            LIMIT 200
            """
        ) { try SavedView(&$0) }
    }

    /// Which views somebody finds: an agent the own, those of the own teams and those for everyone; an administrator
    /// all that are shared. Nobody finds the own ones of others.
    func viewsCondition(_ asker: Asker) throws -> SQL {
        switch asker {
        case .desk: return "agent_id IS NULL"
        case .agent(let agent) where agent.role == .administrator:
            return "(agent_id IS NULL OR agent_id = \(agent.id))"
        case .agent(let agent):
            return
                """
                (agent_id = \(agent.id)
                OR agent_id IS NULL AND (team_id IS NULL OR team_id IN (\(list: try teams(of: agent.id)))))
                """
        case .customer: return "1 = 0"
        }
    }

    func teamsLed(by agent: Agent.ID) throws -> Set<Team.ID> {
        Set(try query("SELECT id FROM team WHERE lead_id = \(agent) AND is_active = 1") { try $0.read(Team.ID.self) })
    }

    /// For whom an agent may save views besides alone: every team for an administrator, else those the agent leads.
    package func teamsForViews(of agent: Agent) throws -> [Reference<Team>] {
        let led = try teamsLed(by: agent.id)
        return try query("SELECT id, name FROM team WHERE is_active = 1 ORDER BY name LIMIT 500") {
            Reference<Team>(id: try $0.read(), name: try $0.read())
        }.filter { agent.role == .administrator || led.contains($0.id) }
    }

    /// Whether an agent changes and removes a view they can look at.
    package func may(_ agent: Agent, set view: SavedView) throws -> Bool {
        view.audience.isSet(by: agent, leading: try teamsLed(by: agent.id))
    }

    /// A view that somebody is about to change or remove: not found where they do not see it, not allowed where they
    /// only look.
    package func settableView(_ id: SavedView.ID, for asker: Asker) throws -> SavedView {
        let view = try view(id, for: asker)
        if case .agent(let agent) = asker, try !may(agent, set: view) {
            throw Refusal.notAllowed(Sentence("Only administrators, and the lead of its team, can change this view."))
        }
        return view
    }
}

extension Resource {
    package static let views = Resource(
        "views", "view", table: "saved_view",
        "Saved searches with columns of their own, for one agent, a team or everyone",
        fields: [
            Field("name", .text(column: "name", most: 100), required: true),
            Field("for", .view(.audience)),
            Field(
                "query", .view(.query), required: true, hint: "As in the search box, such as is:open tag:vip"),
            Field("columns", .view(.columns), hint: "From left to right. Leave out what you don't need."),
            Field("sort", .view(.sort)),
            Field("group_by", .view(.groupBy), hint: "Groups the tickets of each page"),
            Field("updated_at", .moment(column: "updated_at")),
        ],
        afterChange: { tx, id in try tx.viewChanged(SavedView.ID(id)) },
        beforeRemoval: { tx, _ in tx.rightsChanged() },
        admits: { tx, asker, id, isDone in try tx.requireSetting(SavedView.ID(id), by: asker, isDone: isDone) })
}

extension Transaction {
    /// Nobody changes the views of others.
    ///
    /// - Parameter isDone: whether the view is already as it is asked to be; what is wrong is then told beside the
    ///   field.
    fileprivate func requireSetting(_ id: SavedView.ID, by asker: Asker, isDone: Bool) throws {
        guard isDone else {
            _ = try db.settableView(id, for: asker)
            return
        }
        guard case .agent(let agent) = asker else { return }
        let view = try db.first("\(SavedView.source) WHERE saved_view.id = \(id)") { try SavedView(&$0) }
        guard let view else { throw Refusal.notFound }
        if try db.may(agent, set: view) { return }
        throw Refusal.invalid(
            "for",
            .other(
                Sentence("Only administrators save views for everyone; a team's lead saves views for that team.")))
    }

    /// The names of those who share views are told apart, and pages look them up anew.
    fileprivate func viewChanged(_ id: SavedView.ID) throws {
        try db.execute("UPDATE saved_view SET updated_at = \(now) WHERE id = \(id)")
        try db.execute("UPDATE saved_view SET position = id WHERE id = \(id) AND position = 0")
        let (name, agent, team) =
            try db.first("SELECT name, agent_id, team_id FROM saved_view WHERE id = \(id)") { row in
                (try row.read(String.self), try row.read(Int64?.self), try row.read(Int64?.self))
            } ?? ("", nil, nil)
        let others = try db.keys(
            named: name, in: "saved_view",
            where: """
                id <> \(id) AND COALESCE(agent_id, 0) = \(agent ?? 0) AND COALESCE(team_id, 0) = \(team ?? 0)
                """)
        guard others.isEmpty else { throw Refusal.invalid("name", .taken) }
        rightsChanged()
    }
}
