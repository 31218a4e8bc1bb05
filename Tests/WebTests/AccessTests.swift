import DeskTesting
import Domain
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Mail
import Markup
import NIOCore
import Testing

@testable import Desk
@testable import Store
@testable import Web

/// Every route of the desk with every kind of asker. A route without a row in the table fails.
@Suite("Access")
struct AccessTests {
    /// Whom a route is for.
    enum Reach {
        /// Anybody.
        case open
        /// Whoever knows a secret that stands in the address.
        case secret
        /// The signed link of somebody who takes part in the ticket.
        case link
        /// A customer who is signed in; and one who takes part in the ticket.
        case customers, ownTicket
        /// Every agent, viewers too; agents who work; supervisors; administrators.
        case workspace, work, supervision, administration
        /// Agents who may see the ticket; those of them who work.
        case ticket, ticketWork
        /// A key with at least this scope.
        case key(APIKey.Scope)
        /// The same, where `by` narrows what there is: reading, and working on, a ticket.
        case keyTicket, keyTicketWork
        /// What is set up: read with a scope; changed with a full key, in the name of at least this role.
        case keyReads(APIKey.Scope)
        case keySets(Role)
        /// Programs of the operator.
        case operators
    }

    static let rows: [String: Reach] = {
        var rows: [String: Reach] = [
            "GET /": .open, "GET /tickets/new": .open, "POST /tickets/new": .open, "GET /kb": .open,
            "GET /kb/:slug": .open, "GET /sign-in": .open, "POST /sign-in": .open, "POST /sign-in/link": .open,
            "POST /sign-out": .open, "POST /theme": .open, "GET /api/v1/openapi.json": .open, "GET /dev/version": .open,
            "GET /healthz": .operators, "GET /readyz": .operators, "GET /metrics": .operators,
            "GET /setup/:token": .secret, "POST /setup/:token": .secret, "GET /sign-in/:token": .secret,
            "POST /sign-in/:token": .secret, "GET /survey/:token": .secret, "POST /survey/:token": .secret,
            "POST /api/v1/surveys/:token": .secret,
            "GET /t/:token": .link, "POST /t/:token": .link, "POST /t/:token/confirm": .link,
            "POST /t/:token/reopen": .link, "GET /t/:token/attachments/:id": .link,
            "GET /tickets": .customers, "POST /tickets/password": .customers, "GET /tickets/:number": .ownTicket,
            "POST /tickets/:number": .ownTicket, "POST /tickets/:number/confirm": .ownTicket,
            "POST /tickets/:number/reopen": .ownTicket, "GET /tickets/:number/attachments/:id": .ownTicket,
            "GET /desk": .workspace, "GET /desk/counts": .workspace, "GET /desk/search": .workspace,
            "GET /desk/search/help": .workspace, "GET /desk/people": .workspace, "GET /desk/feedback": .workspace,
            "GET /desk/account": .workspace,
            "POST /desk/account": .workspace, "POST /desk/account/password": .workspace,
            "POST /desk/account/codes": .workspace, "POST /desk/account/codes/end": .workspace,
            "POST /desk/account/codes/recovery": .workspace, "POST /desk/account/sign-out-everywhere": .workspace,
            "GET /desk/live": .workspace, "GET /desk/next": .workspace,
            "GET /desk/views": .workspace, "GET /desk/views/:id": .workspace,
            "GET /desk/views/new": .work, "POST /desk/views/new": .work, "GET /desk/views/:id/edit": .work,
            "POST /desk/views/:id/edit": .work, "GET /desk/views/:id/remove": .work,
            "POST /desk/views/:id/remove": .work,
            "GET /api/v1/views/:id/tickets": .keyReads(.tickets), "GET /api/v1/views/:id/count": .keyReads(.tickets),
            "GET /desk/new": .work, "POST /desk/new": .work, "POST /desk/bulk": .work,
            "POST /desk/undo/:batch": .work,
            "POST /desk/feedback/:id/review": .work, "POST /desk/feedback/:id/follow-up": .work,
            "GET /desk/tickets/:number": .ticket, "POST /desk/tickets/:number/presence": .ticket,
            "GET /desk/attachments/:id": .ticket, "GET /desk/entries/:id/original": .ticket,
            "GET /desk/entries/:id/picture": .ticket,
            "GET /desk/tickets/:number/change": .ticketWork, "POST /desk/tickets/:number/change": .ticketWork,
            "POST /desk/tickets/:number/entries": .ticketWork,
            "POST /desk/tickets/:number/draft": .ticketWork, "GET /desk/tickets/:number/canned/:id": .ticketWork,
            "POST /desk/tickets/:number/deliverable": .ticketWork,
            "POST /api/v1/tickets": .key(.create), "GET /api/v1/tickets": .keyReads(.tickets),
            "GET /api/v1/tickets/:number": .keyTicket, "GET /api/v1/tickets/:number/entries": .keyTicket,
            "GET /api/v1/tickets/:number/events": .keyTicket, "GET /api/v1/tickets/:number/deliveries": .keyTicket,
            "GET /api/v1/tickets/:number/survey": .keyTicket, "GET /api/v1/attachments/:id": .keyTicket,
            "PATCH /api/v1/tickets/:number": .keyTicketWork, "POST /api/v1/tickets/:number/entries": .keyTicketWork,
            "GET /api/v1/feedback": .keyReads(.tickets),
            "GET /api/v1/feedback/averages": .keyReads(.tickets), "POST /api/v1/feedback/:id/review": .key(.tickets),
            "POST /api/v1/feedback/:id/follow-up": .key(.tickets),
            "GET /api/v1/settings": .keySets(.administrator), "PATCH /api/v1/settings": .keySets(.administrator),
            "GET /api/v1/outbox": .keySets(.administrator),
            "POST /api/v1/customers/:id/revoke-links": .keySets(.administrator),
            "POST /api/v1/customers/:id/erase": .keySets(.administrator),
        ]
        for root in ["/api", "/api/http.php"] {
            for kind in ["json", "xml", "email"] { rows["POST \(root)/tickets.\(kind)"] = .key(.create) }
        }
        for action in [
            "claim", "assign", "release", "transfer", "escalate", "wait", "hold", "resume", "resolve", "confirm",
            "close", "reopen", "spam", "merge", "unmerge", "split", "link", "unlink", "add_agent", "remove_agent",
            "add_collaborator",
            "remove_collaborator", "set_requester", "de_escalate",
        ] {
            rows["POST /desk/tickets/:number/do/\(action)"] = .ticketWork
            rows["GET /desk/tickets/:number/do/\(action)"] = .ticketWork
            rows["POST /api/v1/tickets/:number/actions/\(action)"] = .keyTicketWork
        }
        for path in ["articles", "canned-replies"] {
            let base = path == "articles" ? "/desk/kb" : "/desk/canned-replies"
            rows["GET \(base)"] = .work
            for address in [
                "GET \(base)/new", "POST \(base)/new", "GET \(base)/:id", "POST \(base)/:id", "GET \(base)/:id/remove",
                "POST \(base)/:id/remove",
            ] { rows[address] = path == "articles" ? .supervision : .work }
        }
        let resources: [(String, APIKey.Scope, Role)] = [
            ("departments", .tickets, .administrator), ("teams", .tickets, .administrator),
            ("agents", .tickets, .administrator), ("topics", .tickets, .administrator),
            ("service-levels", .tickets, .administrator), ("schedules", .tickets, .administrator),
            ("canned-replies", .tickets, .agent), ("articles", .tickets, .supervisor),
            ("customers", .tickets, .administrator), ("organizations", .tickets, .administrator),
            ("mailboxes", .full, .administrator), ("bans", .full, .administrator), ("dkim-keys", .full, .administrator),
            ("views", .tickets, .agent),
        ]
        for (path, reads, sets) in resources {
            rows["GET /api/v1/\(path)"] = .keyReads(reads)
            rows["GET /api/v1/\(path)/:id"] = .keyReads(reads)
            for method in ["POST /api/v1/\(path)", "PATCH /api/v1/\(path)/:id", "DELETE /api/v1/\(path)/:id"] {
                rows[method] = .keySets(sets)
            }
        }
        return rows
    }()

    /// The row of a route; all of administration is for administrators, and files of ours for anybody.
    static func reach(_ route: Route) -> Reach? {
        if route.path == "/admin" || route.path.hasPrefix("/admin/") { return .administration }
        if route.path.hasPrefix("/assets/") { return .open }
        return rows["\(route.method.rawValue) \(route.path)"]
    }

    @Test("every route has a row in the table of who may call it")
    func complete() {
        for route in Web.routes {
            #expect(
                Self.reach(route) != nil,
                "\(route.method) \(route.path): add a row to AccessTests.rows that says whom it is for")
        }
    }

    // MARK: the cast

    /// How an answer looks from outside.
    enum Outcome: String { case reached, signIn, hidden, forbidden, unauthorized, unknownAgent }

    /// A desk with two departments and somebody of every kind; tickets stand in the first department.
    struct Stage {
        let test: TestDesk
        let agents: [String: Agent]
        let keys: [APIKey.Scope: String]
        var signer: Signer { test.desk.office.signer }
        static let lee = "lee@corner.example"

        init() async throws {
            test = try await TestDesk()
            _ = try await test.write { try $0.add(["name": "Elsewhere"], to: Resource.departments) }
            var agents: [String: Agent] = [:]
            for (name, role) in [
                ("viewer", Role.viewer), ("agent", .agent), ("supervisor", .supervisor),
                ("administrator", .administrator), ("second", .administrator), ("gone", .agent),
            ] {
                agents[name] = try await test.hire(name, role, departments: ["Support"])
            }
            agents["outsider"] = try await test.hire("outsider", .agent, departments: ["Elsewhere"])
            agents["outside"] = try await test.hire("outside", .supervisor, departments: ["Elsewhere"])
            self.agents = agents
            var keys: [APIKey.Scope: String] = [:]
            for scope in APIKey.Scope.allCases {
                keys[scope] = try await test.write { try $0.addAPIKey(name: scope.rawValue, scope: scope) }
            }
            self.keys = keys
        }

        /// A ticket with a file, a raw message, and a survey, and Lee beside Kim in it.
        func ticket() async throws -> (ticket: Ticket, file: Int64, entry: Int64) {
            let bytes = Data("From: kim@harbour.example\r\n\r\nx".utf8)
            let file = StoredFile(
                hash: try test.desk.files.keep(bytes), size: bytes.count, name: "a.txt", type: "text/plain")
            let ticket = try await test.open { request in
                request.files = [file]
                request.raw = file.hash
            }
            return try await test.write { tx in
                var loaded = try tx.db.ticket(ticket.id)
                if let lee = MailAddress(name: "Lee", Self.lee) {
                    try tx.addCollaborator(lee, to: loaded, by: .routing)
                }
                try tx.resolve(&loaded, by: .timer, solution: nil, source: .web)
                try tx.confirm(&loaded, by: .timer)
                try tx.reopen(&loaded, by: .timer, reason: "x")
                let entry = try #require(try tx.db.entries(of: ticket.id, limit: 1).first)
                return (try tx.db.ticket(ticket.id), entry.attachments[0].id.number, entry.id.number)
            }
        }

        func session(_ holder: Session.Holder) async throws -> String {
            try await test.write { try $0.beginSession(holder, browser: "") }
        }
        func customer(_ address: String) async throws -> Session.Holder {
            let id = try #require(try await test.read { try $0.customer(address: address)?.id })
            return .customer(Person(id: id, name: "", address: address))
        }
    }

    private func path(
        _ route: Route, _ place: (ticket: Ticket, file: Int64, entry: Int64), _ stage: Stage, token: String,
        missing: Bool
    ) -> String {
        let id =
            route.path.contains("attachments")
            ? String(place.file) : route.path.contains("/entries/:id") ? String(place.entry) : missing ? "999999" : "1"
        var path = route.path.replacingOccurrences(of: ":number", with: String(place.ticket.number))
            .replacingOccurrences(of: ":id", with: id)
            .replacingOccurrences(of: ":kind", with: "reply").replacingOccurrences(of: ":slug", with: "x")
            .replacingOccurrences(of: ":token", with: token)
        if route.path.hasSuffix("/picture") {
            let url = "http://127.0.0.1/x.png"
            path +=
                """
                ?url=\(Path.encode(url))&mark=\(stage.signer.mark(PictureRoutes.signed(url, of: Entry.ID(place.entry)), for: .picture))
                """
        }
        return path
    }

    private func outcome(_ response: TestResponse) -> Outcome {
        switch response.status {
        case .seeOther where response.headers[.location]?.hasPrefix("/sign-in") == true: .signIn
        case .unauthorized: response.headers[.contentType]?.hasPrefix("text/html") == true ? .signIn : .unauthorized
        case .notFound: .hidden
        case .forbidden: .forbidden
        case .unprocessableContent where String(buffer: response.body).contains("\"field\":\"by\""): .unknownAgent
        default: .reached
        }
    }

    /// What a route's form or body needs to be looked at at all.
    private static let form =
        """
        reason=x&body=x&mode=reading&agent=agent@desk.example&department=Elsewhere&into=1&email=a@b.example&subject=x&kind=note&name=x
        """
    private static func body(_ route: Route) -> String {
        guard route.method == .post || route.method == .patch else { return "" }
        switch route.path.split(separator: "/").last.map(String.init) ?? "" {
        case "assign", "add_agent", "remove_agent": return #"{"agent":"agent@desk.example"}"#
        case "transfer": return #"{"department":"Elsewhere"}"#
        case "escalate": return #"{"reason":"x"}"#
        case "merge": return #"{"into":1}"#
        case "link": return #"{"to":1,"kind":"related"}"#
        case "unlink": return #"{"to":1}"#
        case "split": return #"{"entries":[1]}"#
        case "add_collaborator", "remove_collaborator", "set_requester": return #"{"email":"a@b.example"}"#
        case "entries": return #"{"kind":"note","body":"x"}"#
        case "erase": return #"{"tickets":"keep"}"#
        case "tickets": return #"{"requester":{"email":"a@b.example"},"subject":"x","body":"x"}"#
        case "follow-up": return #"{"kind":"ticket","body":"x"}"#
        default: return "{}"
        }
    }

    private func call(
        _ client: some TestClientProtocol, _ route: Route, _ path: String, session: String?, stage: Stage,
        csrf: String? = nil
    ) async throws -> Outcome {
        var headers: HTTPFields = [
            .cookie: session.map { "__Host-usher_session=\($0)" } ?? "__Host-usher_visit=visit", .accept: "text/html",
        ]
        var body: ByteBuffer?
        if route.method == .post {
            headers[.contentType] = "application/x-www-form-urlencoded"
            body = ByteBuffer(
                string:
                    "csrf=\(csrf ?? stage.signer.mark(session.map(Secret.hash) ?? "visit", for: .form))&\(Self.form)")
        }
        return try await client.execute(uri: path, method: route.method, headers: headers, body: body) { outcome($0) }
    }

    private func call(_ client: some TestClientProtocol, _ route: Route, _ path: String, key: String?) async throws
        -> Outcome
    {
        var headers: HTTPFields = [.contentType: "application/json"]
        if let key {
            if route.path.hasPrefix("/api/v1/") {
                headers[.authorization] = "Bearer \(key)"
            } else {
                headers[.apiKey] = key
            }
        }
        let body = Self.body(route)
        return try await client.execute(
            uri: path, method: route.method, headers: headers, body: body.isEmpty ? nil : ByteBuffer(string: body)
        ) { outcome($0) }
    }

    // MARK: the walk

    @Test("every route answers every kind of asker as the table says")
    func walk() async throws {
        let stage = try await Stage()
        let test = stage.test
        let gone = try #require(stage.agents["gone"])
        let untouched = try await stage.ticket()
        let before = try await test.ticket(untouched.ticket.number)
        let left = try await stage.session(.agent(gone))
        try await test.write { try $0.deactivate(gone) }
        let app = Application(
            router: Web(
                desk: test.desk, measures: PrometheusMetrics(),
                pictures: RemotePictures(folder: test.folder.appending(path: "pictures"))
            ).router())
        try await app.test(.router) { client in
            for route in Web.routes where route.path != "/desk/live" {
                guard let reach = Self.reach(route) else { continue }
                let name = "\(route.method) \(route.path)"
                func people(_ expected: [String: Outcome]) async throws {
                    for (who, wanted) in expected {
                        // What is reached may change its ticket: it gets one of its own, and of what is set up,
                        // something that is not there.
                        let changes = wanted == .reached && route.method != .get
                        let place = changes ? try await stage.ticket() : untouched
                        let session: String? =
                            switch who {
                            case "nobody": nil
                            case "gone": left
                            case "kim": try await stage.session(try await stage.customer(TestDesk.kim))
                            case "stranger": try await stage.session(try await otherCustomer(stage))
                            default: try await stage.session(.agent(try #require(stage.agents[who])))
                            }
                        let found = try await call(
                            client, route, path(route, place, stage, token: "x", missing: changes), session: session,
                            stage: stage)
                        // What is not there looks like what may not be seen.
                        let isMissing =
                            found == .hidden && wanted == .reached
                            && [":id", ":kind", ":slug", "/consent", "/test-mail"].contains { route.path.contains($0) }
                            && !route.path.contains("attachments") && !route.path.hasSuffix("original")
                        #expect(found == wanted || isMissing, "\(name) by \(who): \(found), not \(wanted)")
                    }
                }
                func programs(_ expected: [(APIKey.Scope?, String?, Outcome)]) async throws {
                    for (scope, by, wanted) in expected {
                        let changes = wanted == .reached && route.method != .get
                        let place = changes ? try await stage.ticket() : untouched
                        let address =
                            path(route, place, stage, token: "x", missing: changes)
                            + (by.map { "?by=\($0)@desk.example" } ?? "")
                        let found = try await call(client, route, address, key: scope.flatMap { stage.keys[$0] })
                        let isMissing =
                            found == .hidden && wanted == .reached && route.path.contains(":id")
                            && !route.path.contains("attachments")
                        // Taking a ticket is done by somebody.
                        let isNobody = found == .unknownAgent && by == nil && route.path.hasSuffix("/claim")
                        #expect(
                            found == wanted || isMissing || isNobody,
                            "\(name) with \(scope?.rawValue ?? "no key") by \(by ?? "itself"): \(found), not \(wanted)")
                    }
                }
                let refusedAll: [String: Outcome] = ["nobody": .signIn, "kim": .signIn, "gone": .signIn]
                switch reach {
                case .operators: break
                case .open:
                    guard route.method == .get, route.path != "/dev/version" else { break }
                    try await people(["nobody": .reached, "kim": .reached, "agent": .reached, "gone": .reached])
                case .secret:
                    let found = try await client.execute(
                        uri: path(route, untouched, stage, token: "x-x-x", missing: false), method: route.method,
                        headers: [
                            .cookie: "__Host-usher_visit=visit",
                            .contentType: route.isAPI ? "application/json" : "application/x-www-form-urlencoded",
                        ],
                        body: route.method == .post
                            ? ByteBuffer(
                                string: route.isAPI
                                    ? #"{"rating":5}"#
                                    : "csrf=\(stage.signer.mark("visit", for: .form))&password=a-long-password") : nil
                    ) { outcome($0) }
                    #expect(found == .hidden, "\(name) with a wrong secret: \(found)")
                case .link: try await links(client, route, name, stage)
                case .customers:
                    try await people(["nobody": .signIn, "agent": .signIn, "administrator": .signIn, "kim": .reached])
                case .ownTicket:
                    try await people([
                        "nobody": .signIn, "agent": .signIn, "administrator": .signIn, "stranger": .hidden,
                        "kim": .reached,
                    ])
                case .workspace:
                    try await people(refusedAll)
                    try await people([
                        "viewer": .reached, "agent": .reached, "outsider": .reached, "supervisor": .reached,
                        "administrator": .reached,
                    ])
                case .work:
                    try await people(refusedAll)
                    try await people(["viewer": .forbidden, "agent": .reached, "administrator": .reached])
                case .supervision:
                    try await people(refusedAll)
                    try await people([
                        "viewer": .forbidden, "agent": .forbidden, "supervisor": .reached, "administrator": .reached,
                    ])
                case .administration:
                    try await people(refusedAll)
                    try await people(["viewer": .hidden, "agent": .hidden, "outsider": .hidden, "supervisor": .hidden])
                    try await people(["administrator": .reached])
                case .ticket:
                    try await people(refusedAll)
                    try await people(["outsider": .hidden, "outside": .hidden])
                    try await people(["viewer": .reached, "agent": .reached, "administrator": .reached])
                case .ticketWork:
                    try await people(refusedAll)
                    try await people(["viewer": .forbidden, "outsider": .hidden, "outside": .hidden])
                    try await people(["agent": .reached, "supervisor": .reached, "administrator": .reached])
                case .key(let least):
                    try await programs([(nil, nil, .unauthorized)] + scopes(least))
                    // The addresses of osTicket know no `by`.
                    guard route.path.hasPrefix("/api/v1/") else { break }
                    try await programs([(.full, "viewer", .forbidden), (.full, "gone", .unknownAgent)])
                case .keyReads(let least):
                    try await programs([(nil, nil, .unauthorized)] + scopes(least))
                    let byAgents: Outcome = least == .full ? .hidden : .reached
                    try await programs([
                        (.full, "viewer", byAgents), (.full, "outsider", byAgents), (.full, "agent", byAgents),
                        (.full, "administrator", .reached), (.full, "gone", .unknownAgent),
                    ])
                case .keySets(let role):
                    try await programs([(nil, nil, .unauthorized)] + scopes(.full))
                    let byAgents: Outcome =
                        role == .administrator ? .hidden : role == .supervisor ? .forbidden : .reached
                    try await programs([
                        (.full, "viewer", role == .administrator ? .hidden : .forbidden), (.full, "agent", byAgents),
                        (.full, "administrator", .reached), (.full, "gone", .unknownAgent),
                    ])
                case .keyTicket:
                    try await programs([(nil, nil, .unauthorized)] + scopes(.tickets))
                    try await programs([
                        (.tickets, "viewer", .reached), (.tickets, "agent", .reached),
                        (.full, "administrator", .reached), (.full, "outsider", .hidden), (.full, "outside", .hidden),
                        (.full, "gone", .unknownAgent),
                    ])
                case .keyTicketWork:
                    try await programs([(nil, nil, .unauthorized)] + scopes(.tickets))
                    try await programs([
                        (.tickets, "agent", .reached), (.full, "administrator", .reached),
                        (.full, "viewer", .forbidden), (.full, "outsider", .hidden), (.full, "outside", .hidden),
                        (.full, "gone", .unknownAgent),
                    ])
                }
            }
        }
        let after = try await test.ticket(untouched.ticket.number)
        #expect(
            after.updatedAt == before.updatedAt && after.assignee == before.assignee && after.state == before.state,
            "whoever was refused has changed nothing")
        #expect(try await test.entries(untouched.ticket).count == 1)
    }

    private func scopes(_ least: APIKey.Scope) -> [(APIKey.Scope?, String?, Outcome)] {
        APIKey.Scope.allCases.map { ($0, nil, $0 >= least ? .reached : .forbidden) }
    }

    private func otherCustomer(_ stage: Stage) async throws -> Session.Holder {
        _ = try await stage.test.open(from: "other@quay.example", name: "Other")
        return try await stage.customer("other@quay.example")
    }

    private func links(_ client: some TestClientProtocol, _ route: Route, _ name: String, _ stage: Stage) async throws {
        let test = stage.test
        func found(_ token: LinkToken, _ place: (ticket: Ticket, file: Int64, entry: Int64)) async throws -> Outcome {
            let text = token.text(stage.signer)
            return try await call(
                client, route, path(route, place, stage, token: text, missing: false), session: nil, stage: stage,
                csrf: stage.signer.mark(text, for: .form))
        }
        func links(of ticket: Ticket) async throws -> (kim: LinkToken, lee: LinkToken) {
            try await test.read { db in
                let lee = try #require(try db.customer(address: Stage.lee)?.id)
                return (try db.link(to: ticket.id, for: ticket.customer), try db.link(to: ticket.id, for: lee))
            }
        }
        let place = try await stage.ticket()
        let mine = try await links(of: place.ticket)
        #expect(try await found(mine.kim, place) == .reached, "\(name) by the requester")
        #expect(try await found(mine.lee, place) == .reached, "\(name) by somebody brought in")
        let other = try await stage.ticket()
        if route.path.contains("attachments") {
            #expect(try await found(mine.kim, other) == .hidden, "\(name): the file of another ticket")
        }
        try await test.act(on: place.ticket) { tx, ticket in
            try tx.removeCollaborator(try #require(MailAddress(Stage.lee)), from: ticket, by: .routing)
        }
        #expect(try await found(mine.lee, place) == .hidden, "\(name) by somebody who was taken out")
        #expect(
            try await found(LinkToken(ticket: place.ticket.id, customer: place.ticket.customer, version: 7), place)
                == .hidden, "\(name) by a link that was taken back")
        try await test.act(on: other.ticket) { tx, ticket in try tx.markSpam(&ticket, by: .routing) }
        #expect(try await found(try await links(of: other.ticket).kim, other) == .hidden, "\(name) of spam")
    }
}
