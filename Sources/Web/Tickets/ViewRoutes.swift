import Desk
import Domain
import Foundation
import HTTPTypes
import Hummingbird
import Markup
import Primitives
import Store

/// Saved views: their tickets, and how they are made, changed and removed.
enum ViewRoutes {
    static var routes: [Route] {
        [
            .get("/desk/views", for: .agent(.viewer), all),
            .get("/desk/views/new", for: .agent(.agent), showNew),
            .post("/desk/views/new", for: .agent(.agent)) { try await save($0, nil) },
            .get("/desk/views/:id", for: .agent(.viewer), show),
            .get("/desk/views/:id/edit", for: .agent(.agent), showEdit),
            .post("/desk/views/:id/edit", for: .agent(.agent)) {
                try await save($0, SavedView.ID(try $0.number("id")))
            },
            .get("/desk/views/:id/remove", for: .agent(.agent), askRemoval),
            .post("/desk/views/:id/remove", for: .agent(.agent), remove),
            .get(
                "/api/v1/views/:id/tickets", for: .key(.tickets),
                .init(
                    summary: "List the tickets of a view, in its order", output: "Ticket list",
                    parameters: [.limit, .cursor, .seenBy]), tickets),
            .get(
                "/api/v1/views/:id/count", for: .key(.tickets),
                .init(summary: "How many tickets a view holds", output: "Count", parameters: [.seenBy]), count),
        ]
    }

    // MARK: looking

    /// Every view there is for the agent, also those that the navigation has no room for.
    @Sendable private static func all(_ call: Call) async throws -> Response {
        let desk = try await call.deskFrame()
        let said = call.query("said") == "removed" ? desk.t("View removed.") : nil
        return Page.response(viewsPage(desk, said: said))
    }

    @Sendable private static func show(_ call: Call) async throws -> Response {
        let name = try call.parameter("id")
        let isFile = name.hasSuffix(".csv") || call.query("format") == "csv"
        let digits = name.hasSuffix(".csv") ? String(name.dropLast(4)) : name
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let id = Int64(digits) else {
            throw Refusal.notFound
        }
        if let cursor = call.query("cursor") { _ = try TicketCursor(parsing: cursor) }
        var position = ListPosition(.view(SavedView.ID(id)))
        position.order = call.query("sort").flatMap { TicketOrder(rawValue: $0) }
        position.cursor = call.query("cursor").flatMap { try? TicketCursor(parsing: $0) }
        if isFile { return try await file(SavedView.ID(id), position, call) }
        var desk = try await call.deskFrame()
        desk.position = position
        var view = try await DeskRoutes.listView(call, desk, position)
        view.said = call.query("said") == "saved" ? desk.t("View saved.") : DeskRoutes.outcome(call, desk)
        return Page.response(view.fault == nil ? .ok : .unprocessableContent, listPage(desk, view))
    }

    private static func file(_ id: SavedView.ID, _ position: ListPosition, _ call: Call) async throws -> Response {
        let agent = try call.agent()
        let view = try await call.desk.read { try $0.view(id, for: .agent(agent)) }
        let list = try view.list(for: .agent(agent), now: call.desk.clock.now(), order: position.order)
        return try await TicketFile(list: list, columns: view.columns, name: view.name).response(call)
    }

    @Sendable private static func tickets(_ call: Call) async throws -> Response {
        let (id, now) = (SavedView.ID(try call.number("id")), call.desk.clock.now())
        return try await TicketRoutes.answer(call, .search) { db, asker in
            try db.view(id, for: asker).list(for: asker, now: now)
        }
    }

    @Sendable private static func count(_ call: Call) async throws -> Response {
        let (id, now) = (SavedView.ID(try call.number("id")), call.desk.clock.now())
        let count = try await call.desk.read(.report) { db in
            let asker = try call.asker(db)
            return try db.count(try db.view(id, for: asker).list(for: asker, now: now))
        }
        return call.json { json in json.object { $0.field("count", Int64(count)) } }
    }

    // MARK: saving

    private static func viewForm(_ call: Call, _ agent: Agent) async throws -> ResourceForm {
        let (teams, labels) = try await call.desk.read { db in
            (try db.teamsForViews(of: agent), try db.fieldLabels())
        }
        let t = call.frame.t
        var form = ResourceForm(
            resource: .views, t: t, options: ["team": teams.map { ($0.id.number, $0.name) }], agents: [])
        form.audiences = [("me", t("Only you"))] + (agent.role == .administrator ? [("everyone", t("Everyone"))] : [])
        form.fieldLabels = labels
        return form
    }

    @Sendable private static func showNew(_ call: Call) async throws -> Response {
        let desk = try await call.deskFrame()
        var values: [String: JSON] = ["for": "me", "query": .string(call.query("query") ?? "")]
        let order = call.query("sort").flatMap { TicketOrder(rawValue: $0) } ?? .newest
        values["sort"] = .string(order.sort)
        return Page.response(viewPage(desk, try await viewForm(call, desk.agent), nil, values))
    }

    /// The view an agent is about to change.
    private static func settable(_ call: Call) async throws -> SavedView {
        let (id, agent) = (SavedView.ID(try call.number("id")), try call.agent())
        return try await call.desk.read { try $0.settableView(id, for: .agent(agent)) }
    }

    @Sendable private static func showEdit(_ call: Call) async throws -> Response {
        let desk = try await call.deskFrame()
        let view = try await settable(call)
        let row = try await call.desk.read {
            try $0.row(view.id.number, of: .views, for: .agent(desk.agent))
        }
        let values = Dictionary(row.fields.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
        return Page.response(viewPage(desk, try await viewForm(call, desk.agent), view, values))
    }

    private static func save(_ call: Call, _ id: SavedView.ID?) async throws -> Response {
        let sent = try await call.form()
        let agent = try call.agent()
        let view = id == nil ? nil : try await settable(call)
        let form = try await viewForm(call, agent)
        let values = form.read(sent).values
        do {
            let row = try await call.desk.write { tx in
                guard let id else { return try tx.add(values, to: .views, by: .agent(agent)) }
                return try tx.change(id.number, of: .views, values, by: .agent(agent))
            }
            return Page.see(ListPosition(.view(SavedView.ID(row.id))).path([("said", "saved")]))
        } catch Refusal.invalid(let faults) {
            let desk = try await call.deskFrame()
            return Page.response(
                .unprocessableContent,
                viewPage(desk, form, view, values, .init(typed: sent, faults: faults)))
        }
    }

    // MARK: removing

    @Sendable private static func askRemoval(_ call: Call) async throws -> Response {
        let desk = try await call.deskFrame()
        let view = try await settable(call)
        let others: String? =
            switch view.audience {
            case .agent: nil
            case .team: desk.t("It is removed for everyone in the team {0}.", view.team ?? "")
            case .everyone: desk.t("It is removed for everyone.")
            }
        return Page.response(
            confirmationPage(
                desk, desk.t("Remove the view “{0}”?", view.name),
                [others, desk.t("Its tickets stay as they are.")].compactMap { $0 },
                to: Path("desk", "views", view.id.description, "remove"), button: desk.t("Remove view"),
                back: ListPosition(.view(view.id)).path, at: .view(view.id)))
    }

    @Sendable private static func remove(_ call: Call) async throws -> Response {
        guard try await call.form()["confirmed"] != nil else { return try await askRemoval(call) }
        let (id, agent) = (try call.number("id"), try call.agent())
        try await call.desk.write { try $0.remove(id, from: .views, by: .agent(agent)) }
        return Page.see(Path("desk", "views", query: [("said", "removed")]))
    }
}
