import Desk
import Foundation
import Hummingbird
import Primitives
import Store

/// What administrators set, one shape for all: list, read, add, change, remove. Also the settings and the outbox.
enum ResourceRoutes {
    static var routes: [Route] {
        var routes: [Route] = Resource.all.flatMap { resource in of(resource) }
        routes += [
            .get(
                "/api/v1/settings", for: .key(.full), .init(summary: "Read the settings", output: "Settings"),
                settings),
            .patch(
                "/api/v1/settings", for: .key(.full),
                .init(summary: "Change the settings", input: "Settings", output: "Settings"), changeSettings),
            .get(
                "/api/v1/outbox", for: .key(.full),
                .init(summary: "List queued email, next to be sent first", output: "Outbox list", parameters: [.limit]),
                outbox),
        ]
        return routes
    }

    private static func of(_ resource: Resource) -> [Route] {
        let (path, schema) = ("/api/v1/\(resource.path)", resource.schemaName)
        return [
            .get(
                path, for: .key(resource.readScope),
                .init(
                    summary: "List \(resource.path)", output: "\(schema) list",
                    parameters: [.limit, .cursor, .seenBy] + (resource.path == "articles" ? [.question] : []))
            ) { try await list(resource, $0) },
            .get(
                "\(path)/:id", for: .key(resource.readScope),
                .init(summary: "Read one \(resource.name)", output: schema, parameters: [.seenBy])
            ) { try await show(resource, $0) },
            .post(
                path, for: .key(.full),
                .init(summary: "Add to \(resource.path)", input: "New\(schema)", output: schema, status: 201)
            ) { try await add(resource, $0) },
            .patch(
                "\(path)/:id", for: .key(.full),
                .init(summary: "Change one \(resource.name)", input: "Changed\(schema)", output: schema)
            ) { try await change(resource, $0) },
            .delete("\(path)/:id", for: .key(.full), .init(summary: "Remove one \(resource.name)", status: 204)) {
                try await remove(resource, $0)
            },
        ]
    }

    private static func list(_ resource: Resource, _ call: Call) async throws -> Response {
        let (limit, after) = (try call.limit(), try call.cursor() ?? 0)
        if resource.path == "articles", let question = call.query("query"), !question.trimmingWhitespace().isEmpty {
            return try await search(resource, question, limit, call)
        }
        let rows = try await call.desk.read { db in
            try db.rows(of: resource, for: try call.asker(db), after: after, limit: limit + 1)
        }
        return call.json { json in
            json.list(Array(rows.prefix(limit)), next: rows.count > limit ? String(rows[limit - 1].id) : nil) {
                $1.write(to: &$0)
            }
        }
    }

    /// Published articles that answer a question, the best first; there is no further page.
    private static func search(_ resource: Resource, _ question: String, _ limit: Int, _ call: Call) async throws
        -> Response
    {
        let ids = try await call.desk.articleIDs(for: question, limit: limit)
        let rows = try await call.desk.read { db in
            let asker = try call.asker(db)
            return try ids.compactMap { id -> ResourceRow? in
                do { return try db.row(id, of: resource, for: asker) } catch Refusal.notFound { return nil }
            }
        }
        return call.json { json in json.list(rows, next: nil) { $1.write(to: &$0) } }
    }

    private static func show(_ resource: Resource, _ call: Call) async throws -> Response {
        let id = try call.number("id")
        let row = try await call.desk.read { db in try db.row(id, of: resource, for: try call.asker(db)) }
        return call.json { row.write(to: &$0) }
    }

    private static func add(_ resource: Resource, _ call: Call) async throws -> Response {
        let (input, key) = try await call.input()
        defer { call.desk.choices.forget() }
        let hash = try await call.desk.hashedPassword(in: input.fields, of: resource)
        return try await call.desk.write { tx in
            try tx.once(key) {
                try call.require(resource.leastRole, tx.db)
                let row = try tx.add(input.fields, to: resource, by: try call.asker(tx.db), passwordHash: hash)
                return Answer.json(201, location: "\(tx.office.url)/api/v1/\(resource.path)/\(row.id)") {
                    row.write(to: &$0)
                }
            }
        }.response
    }

    private static func change(_ resource: Resource, _ call: Call) async throws -> Response {
        let (input, _) = try await call.input()
        let id = try call.number("id")
        defer { call.desk.choices.forget() }
        let hash = try await call.desk.hashedPassword(in: input.fields, of: resource)
        let row = try await call.desk.write { tx in
            try call.require(resource.leastRole, tx.db)
            return try tx.change(id, of: resource, input.fields, by: try call.asker(tx.db), passwordHash: hash)
        }
        return call.json { row.write(to: &$0) }
    }

    private static func remove(_ resource: Resource, _ call: Call) async throws -> Response {
        let id = try call.number("id")
        defer { call.desk.choices.forget() }
        try await call.desk.write { tx in
            try call.require(resource.leastRole, tx.db)
            try tx.remove(id, from: resource, by: try call.asker(tx.db))
        }
        return Response(status: .noContent)
    }

    // MARK: settings and the outbox

    @Sendable private static func settings(_ call: Call) async throws -> Response {
        try await call.desk.read { try call.require(.administrator, $0) }
        try await call.desk.reloadSettings()
        return write(call.desk.settings.current, call)
    }

    @Sendable private static func changeSettings(_ call: Call) async throws -> Response {
        let (input, _) = try await call.input()
        let settings = try await call.desk.write { tx in
            try call.require(.administrator, tx.db)
            return try tx.change(input.fields)
        }
        try await call.desk.reloadSettings()
        return write(settings, call)
    }

    private static func write(_ settings: Settings, _ call: Call) -> Response {
        call.json { json in
            json.object { json in
                for (name, value) in settings.fields { json.dynamicField(name, value) }
            }
        }
    }

    @Sendable private static func outbox(_ call: Call) async throws -> Response {
        let limit = try call.limit()
        let waiting = try await call.desk.read { db in
            try call.require(.administrator, db)
            return try db.outbox(limit: limit)
        }
        return call.json { $0.list(waiting.map(\.0), next: nil) { $0.write($1) } }
    }
}

extension Resource {
    /// `ServiceLevel` for `service-levels`.
    var schemaName: String { name.split(separator: " ").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined() }
}
