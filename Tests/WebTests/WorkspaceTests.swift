import DeskTesting
import Domain
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Mail
import NIOCore
import Primitives
import Testing

@testable import Desk
@testable import Store
@testable import Web

@Suite("Workspace")
struct WorkspaceTests {
    private func app(_ test: TestDesk) -> some ApplicationProtocol {
        Application(router: Web(desk: test.desk, measures: PrometheusMetrics()).router())
    }
    private func session(_ test: TestDesk, _ agent: Agent) async throws -> HTTPFields {
        [
            .cookie:
                """
            __Host-usher_session=\(try await test.write { try $0.beginSession(.agent(agent), browser: "Firefox") })
            """
        ]
    }
    private func csrf(_ test: TestDesk, _ headers: HTTPFields) -> String {
        let token = headers[.cookie]?.split(separator: "=").last.map(String.init) ?? ""
        return test.desk.office.signer.mark(Secret.hash(token), for: .form)
    }
    /// A route's address with something in each of its places.
    private func address(_ route: Route, ticket: Int64, id: Int64 = 1) -> String {
        route.path.replacingOccurrences(of: ":number", with: String(ticket)).replacingOccurrences(
            of: ":id", with: String(id)
        ).replacingOccurrences(of: ":kind", with: "reply")
            .replacingOccurrences(of: ":slug", with: "x").replacingOccurrences(of: ":token", with: "x")
    }

    @Test("hostile names, subjects and bodies stay text on every page of the workspace", arguments: PageTests.hostile)
    func hostile(text: String) async throws {
        let test = try await TestDesk()
        let name = String(text.prefix(90)).trimmingCharacters(in: .whitespaces)
        let mara = try await test.write {
            try $0.addAgent(
                email: "mara@desk.example", name: name, role: .administrator, departments: [], passwordHash: nil)
        }
        let ticket = try await test.open(text, body: text, name: text) {
            $0.tags = [String(text.prefix(60))]
            $0.fields = [name: .string(name)]
        }
        let file = StoredFile(hash: try test.desk.files.keep(Data("x".utf8)), size: 1, name: name, type: "text/plain")
        try await test.act(on: ticket) { tx, ticket in
            _ = try tx.note(on: &ticket, Writing(text, type: .text), by: Actor(mara), files: [file], source: .web)
            _ = try tx.reply(
                to: &ticket, Writing("<p>So: \(text)</p>", type: .html), by: Actor(mara), files: [], source: .web)
            try tx.escalate(&ticket, by: Actor(mara), reason: text)
            try tx.keepDraft(text, of: .reply, by: mara.id, in: ticket.id)
            if let lee = MailAddress(name: name, "lee@corner.example") {
                try tx.addCollaborator(lee, to: ticket, by: Actor(mara), reason: text)
            }
            try tx.resolve(&ticket, by: Actor(mara), solution: nil, source: .web)
            try tx.confirm(&ticket, by: .timer)
            let survey = try #require(try tx.db.latestSurvey(of: ticket.id))
            _ = try tx.rate(survey.id, .poor, comment: String(text.prefix(500)))
            _ = try tx.review(survey.id, note: String(text.prefix(500)), by: Actor(mara))
            try tx.reopen(&ticket, by: Actor(mara), reason: text)
            for (resource, values) in [
                ("teams", ["name": JSON.string(name)]),
                ("topics", ["name": .string(name), "description": .string(name)]),
                ("departments", ["name": .string(name)]),
            ] as [(String, [String: JSON])] where !name.isEmpty {
                if let resource = Resource.all.first(where: { $0.path == resource }) {
                    _ = try tx.add(values, to: resource)
                }
            }
            _ = try tx.add(["slug": "x", "title": .string(name), "body": .string(text)], to: Resource.articles)
            _ = try tx.add(["name": .string(name), "body": .string(text)], to: Resource.cannedReplies)
            _ = try tx.addAPIKey(name: name.isEmpty ? "x" : name, scope: .create)
        }
        let headers = try await session(test, mara)
        let pages = Web.routes.filter { route in
            guard route.method == .get, !route.isAPI, !route.path.hasPrefix("/assets"),
                !["/desk/live", "/metrics", "/dev/version"].contains(route.path), !route.path.contains("attachments"),
                !route.path.contains(":token")
            else { return false }
            return route.access != .customer
        }
        #expect(pages.count > 50)
        let searches = [
            "/desk/search?query=%22%3E%3Cscript%3E", "/desk/search?query=state:%3Cscript%3E",
            "/desk/feedback?from=%22%3E", "/?query=%22%3E%3Cscript%3E", "/desk/people?query=%22%3E",
        ]
        try await app(test).test(.router) { client in
            for path in pages.map({ address($0, ticket: ticket.number) }) + searches {
                try await client.execute(uri: path, method: .get, headers: headers) { response in
                    #expect(
                        [.ok, .seeOther, .notFound, .unprocessableContent].contains(response.status),
                        "\(path): \(response.status)")
                    guard response.headers[.contentType]?.hasPrefix("text/html") ?? false else { return }
                    let page = String(buffer: response.body)
                    #expect(scriptsAreOurs(page), "\(path)")
                    for word in ["<img src=x", "onerror=alert(1)>", "\"\u{301} onfocus"] {
                        #expect(!page.contains(word), "\(path): \(word)")
                    }
                    #expect(isBalanced(page), "\(path)")
                }
            }
        }
    }

    @Test("guests are led to sign in, a viewer reads only, and only administrators find administration")
    func access() async throws {
        let test = try await TestDesk()
        let ticket = try await test.open()
        let viewer = try await session(test, try await test.hire("Vic", .viewer))
        let agent = try await session(test, try await test.hire("Ada"))
        let form: HTTPFields = [.contentType: "application/x-www-form-urlencoded"]
        try await app(test).test(.router) { client in
            for route in Web.routes {
                guard case .agent(let role) = route.access else { continue }
                let path = address(route, ticket: ticket.number)
                let body = route.method == .post ? ByteBuffer(string: "csrf=x") : nil
                try await client.execute(uri: path, method: route.method, headers: form, body: body) {
                    #expect($0.status == (route.method == .get ? .seeOther : .unauthorized), "\(path)")
                }
                if role == .agent {
                    try await client.execute(uri: path, method: route.method, headers: viewer.merged(form), body: body)
                    { #expect($0.status == .forbidden, "\(path)") }
                }
                if role == .administrator {
                    try await client.execute(uri: path, method: route.method, headers: agent.merged(form), body: body) {
                        #expect($0.status == .notFound, "\(path)")
                    }
                }
                // Without the form's mark nothing is done.
                if role <= .agent, route.method == .post {
                    try await client.execute(uri: path, method: .post, headers: agent.merged(form), body: body) {
                        #expect($0.status == .forbidden, "\(path)")
                    }
                }
            }
        }
        #expect(try await test.ticket(ticket.number).state == .new)
    }

    @Test("what an agent may not see is not there, whatever is asked of it")
    func invisible() async throws {
        let test = try await TestDesk()
        _ = try await test.write { try $0.add(["name": "Elsewhere"], to: Resource.departments) }
        let file = StoredFile(
            hash: try test.desk.files.keep(Data("x".utf8)), size: 1, name: "secret.txt", type: "text/plain")
        let ticket = try await test.open { $0.files = [file] }
        let headers = try await session(test, try await test.hire("Eve", departments: ["Elsewhere"]))
        let mark = csrf(test, headers)
        try await app(test).test(.router) { client in
            for route in Web.routes where route.path.contains(":number") || route.path.contains("/desk/attachments") {
                guard case .agent = route.access else { continue }
                let filled = ByteBuffer(
                    string:
                        """
                        csrf=\(mark)&reason=x&body=x&mode=reading&agent=eve@desk.example&department=Elsewhere&into=1&email=a@b.example&subject=x
                        """
                )
                let form: HTTPFields = [.contentType: "application/x-www-form-urlencoded"]
                try await client.execute(
                    uri: address(route, ticket: ticket.number), method: route.method, headers: headers.merged(form),
                    body: route.method == .post ? filled : nil
                ) { response in
                    #expect(response.status == .notFound, "\(route.method) \(route.path): \(response.status)")
                    #expect(!String(buffer: response.body).contains("Scanner"))
                }
            }
            try await client.execute(uri: "/desk/live?ticket=\(ticket.number)", method: .get, headers: headers) {
                #expect($0.status == .notFound)
            }
            try await client.execute(uri: "/desk/search?query=scanner", method: .get, headers: headers) {
                #expect(!String(buffer: $0.body).contains("#\(ticket.number)"))
            }
        }
        #expect(try await test.entries(ticket).count == 1)
    }

    @Test("a customer sees their own tickets only, and no note")
    func customers() async throws {
        let test = try await TestDesk()
        let ada = try await test.hire("Ada")
        let mine = try await test.open()
        let others = try await test.open(from: "lee@corner.example", name: "Lee")
        try await test.act(on: mine) { tx, ticket in
            _ = try tx.note(on: &ticket, Writing("CANARY", type: .text), by: Actor(ada), files: [], source: .web)
        }
        let kim = Session.Holder.customer(Person(id: mine.customer, name: "Kim", address: TestDesk.kim))
        let headers: HTTPFields = [
            .cookie: "__Host-usher_session=\(try await test.write { try $0.beginSession(kim, browser: "") })"
        ]
        try await app(test).test(.router) { client in
            try await client.execute(uri: "/tickets", method: .get, headers: headers) { response in
                let page = String(buffer: response.body)
                #expect(page.contains("#\(mine.number)") && !page.contains("#\(others.number)"))
            }
            try await client.execute(uri: "/tickets/\(mine.number)", method: .get, headers: headers) {
                #expect($0.status == .ok && !String(buffer: $0.body).contains("CANARY"))
            }
            try await client.execute(uri: "/tickets/\(others.number)", method: .get, headers: headers) {
                #expect($0.status == .notFound)
            }
            try await client.execute(uri: "/desk/tickets/\(mine.number)", method: .get, headers: headers) {
                #expect($0.status == .seeOther)
            }
        }
    }

    @Test("the form for new requests holds back floods and programs, and repeats nothing to an address nobody proved")
    func flood() async throws {
        let test = try await TestDesk()
        let visit = "a-visit"
        let headers: HTTPFields = [
            .cookie: "__Host-usher_visit=\(visit)", .contentType: "application/x-www-form-urlencoded",
        ]
        let mark = test.desk.office.signer.mark(visit, for: .form)
        @Sendable func body(_ more: String) -> ByteBuffer {
            ByteBuffer(
                string: "csrf=\(mark)&email=victim@elsewhere.example&name=BUY+NOW&subject=CHEAP+PILLS&body=words\(more)"
            )
        }
        try await app(test).test(.router) { client in
            try await client.execute(
                uri: "/tickets/new", method: .post, headers: headers, body: body("&website=http://x")
            ) { #expect($0.status == .seeOther) }
            var statuses: [HTTPResponse.Status] = []
            for _ in 0..<40 {
                try await client.execute(uri: "/tickets/new", method: .post, headers: headers, body: body("")) {
                    statuses.append($0.status)
                }
            }
            #expect(statuses.filter { $0 == .seeOther }.count == 30 && statuses.last == .tooManyRequests)
        }
        try await test.settle()
        let mails = test.mail.to("victim@elsewhere.example")
        #expect(mails.count == 1)
        for mail in mails {
            #expect(!mail.subject.contains("PILLS") && !mail.text.contains("PILLS") && !mail.text.contains("BUY NOW"))
        }
    }

    @Test(
        """
        an agent asks for the daily mail on the account's page; a zone that is none is said beside its field, with \
        all that was typed
        """
    )
    func digest() async throws {
        let test = try await TestDesk()
        let ada = try await test.hire("Ada")
        let headers = try await session(test, ada).merged([.contentType: "application/x-www-form-urlencoded"])
        let mark = csrf(test, headers)
        try await app(test).test(.router) { client in
            let wrong = ByteBuffer(string: "csrf=\(mark)&signature=Greetings+from+Ada&digest=7&time_zone=Mars/Olympus")
            try await client.execute(uri: "/desk/account", method: .post, headers: headers, body: wrong) { response in
                let page = String(buffer: response.body)
                #expect(response.status == .unprocessableContent)
                #expect(
                    page.contains("Greetings from Ada") && page.contains("Mars/Olympus")
                        && page.contains("“Mars/Olympus” doesn"))
            }
            let right = ByteBuffer(string: "csrf=\(mark)&signature=Greetings+from+Ada&digest=7&time_zone=Europe/Berlin")
            try await client.execute(uri: "/desk/account", method: .post, headers: headers, body: right) {
                #expect($0.status == .seeOther)
            }
        }
        let wish = try await test.read { try $0.digestWish(of: ada.id) }
        #expect(wish.hour == 7 && wish.timeZone == "Europe/Berlin")
        #expect(try await test.read { try $0.signature(of: ada.id) } == "Greetings from Ada")
    }

    @Test("whose mail is banned is refused by the form, beside the address and with all that was typed")
    func banned() async throws {
        let test = try await TestDesk()
        _ = try await test.write { try $0.add(["pattern": "@spam.example"], to: .bans) }
        let headers: HTTPFields = [
            .cookie: "__Host-usher_visit=visit", .contentType: "application/x-www-form-urlencoded",
        ]
        let mark = test.desk.office.signer.mark("visit", for: .form)
        try await app(test).test(.router) { client in
            let body = ByteBuffer(string: "csrf=\(mark)&email=eve@spam.example&name=Eve&subject=Pills&body=Many+words")
            try await client.execute(uri: "/tickets/new", method: .post, headers: headers, body: body) { response in
                let page = String(buffer: response.body)
                #expect(response.status == .unprocessableContent)
                #expect(page.contains("requests from this address") && page.contains("Many words"))
            }
        }
        let query = try TicketQuery("", now: test.clock.now())
        #expect(
            try await test.read { try $0.count(TicketList(query: query, asker: .desk, order: .newest), atMost: 2) } == 0
        )
    }

    @Test(
        "after signing in only addresses of ours are followed",
        arguments: [
            ("/desk?list=mine", true), ("//evil.example", false), ("https://evil.example", false),
            ("/\\evil.example", false), ("desk", false), ("/a b", false),
        ])
    func next(path: String, isSafe: Bool) { #expect((Call.safe(path) != nil) == isSafe) }
}

extension HTTPFields {
    func merged(_ other: HTTPFields) -> HTTPFields {
        var all = self
        for field in other { all.append(field) }
        return all
    }
}
