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

@Suite("Routes")
struct RouteTests {
    @Test("no two routes share an address and a method, and the API's document tells of each")
    func document() throws {
        let routes = Web.routes
        #expect(Set(routes.map { "\($0.method) \($0.path)" }).count == routes.count)
        let json = try JSON(parsing: Data(OpenAPI.text(url: "https://x.example")))
        for route in routes where route.path.hasPrefix("/api/v1/") && route.path != "/api/v1/openapi.json" {
            let path =
                "/"
                + route.path.split(separator: "/").map { $0.hasPrefix(":") ? "{\($0.dropFirst())}" : String($0) }
                .joined(separator: "/")
            #expect(
                json["paths"]?[path]?[route.method.rawValue.lowercased()] != nil,
                "\(route.method) \(path) is not in the document")
        }
    }

    @Test("every route of the API asks for a key, but for the document and the signed survey")
    func access() {
        for route in Web.routes where route.path.hasPrefix("/api/") {
            if case .key = route.access { continue }
            #expect(["/api/v1/openapi.json", "/api/v1/surveys/:token"].contains(route.path), "\(route.path)")
        }
    }

    @Test("every schema the document refers to is there")
    func references() throws {
        let text = String(decoding: OpenAPI.text(url: ""), as: UTF8.self)
        let json = try JSON(parsing: Data(text.utf8))
        for name in text.components(separatedBy: "#/components/schemas/").dropFirst().map({
            String($0.prefix { $0 != "\"" })
        }) {
            #expect(json["components"]?["schemas"]?[name] != nil, "\(name)")
        }
    }
}

@Suite("Pages")
struct PageTests {
    private func app(_ test: TestDesk) -> some ApplicationProtocol {
        Application(router: Web(desk: test.desk, measures: PrometheusMetrics()).router())
    }
    private func link(_ test: TestDesk, _ ticket: Ticket) -> String {
        "/t/" + LinkToken(ticket: ticket.id, customer: ticket.customer).text(test.desk.office.signer)
    }

    static let hostile = [
        "\"\u{301} onfocus=alert(1) x=\"", "</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>",
        "javascript:alert(1)", "\u{202e}gnp.exe", "' onclick='x", String(repeating: "long ", count: 2000),
    ]

    @Test("hostile names, subjects and bodies stay text on every page", arguments: hostile)
    func hostileText(text: String) async throws {
        let test = try await TestDesk()
        let ada = try await test.hire("Ada")
        let ticket = try await test.open(text, body: text, name: text)
        try await test.act(on: ticket) { tx, ticket in
            try tx.claim(&ticket, by: ada)
            try tx.resolve(&ticket, by: Actor(ada), solution: Writing("<p>So: \(text)</p>", type: .html), source: .web)
        }
        let survey = try await { () async throws -> String in
            try await test.act(on: ticket) { try $0.confirm(&$1, by: .timer) }
            let id = try #require(try await test.read { try $0.latestSurvey(of: ticket.id)?.id })
            return "/survey/" + SurveyToken(survey: id).text(test.desk.office.signer)
        }()
        try await app(test).test(.router) { client in
            for path in [
                link(test, ticket), link(test, ticket) + "?answer=yes&sent=%22%3E%3Cscript%3E", survey,
                survey + "?rating=%22%3E", "/nothing/here",
            ] {
                try await client.execute(uri: path, method: .get) { response in
                    let page = String(buffer: response.body)
                    #expect(scriptsAreOurs(page), "\(path)")
                    for word in ["<img src=x", "onerror=alert(1)>", "\"\u{301} onfocus"] {
                        #expect(!page.contains(word), "\(path): \(word)")
                    }
                    #expect(
                        response.headers[HTTPField.Name("Content-Security-Policy")!]?.contains("default-src 'none'")
                            == true)
                    #expect(isBalanced(page), "\(path)")
                }
            }
        }
    }

    @Test("a GET changes nothing, and a press without the form's mark is refused")
    func csrf() async throws {
        let test = try await TestDesk()
        let ada = try await test.hire("Ada")
        let ticket = try await test.open()
        try await test.act(on: ticket) { tx, ticket in
            try tx.claim(&ticket, by: ada)
            try tx.resolve(&ticket, by: Actor(ada), solution: nil, source: .web)
        }
        let path = link(test, ticket)
        try await app(test).test(.router) { client in
            for method in [HTTPRequest.Method.get, .head] {
                try await client.execute(uri: path + "/confirm", method: method) {
                    #expect($0.status == .methodNotAllowed)
                }
            }
            for body in ["", "csrf=x", "csrf=\(test.desk.office.signer.mark("another", for: .form))"] {
                try await client.execute(
                    uri: path + "/confirm", method: .post, headers: [.contentType: "application/x-www-form-urlencoded"],
                    body: ByteBuffer(string: body)
                ) { #expect($0.status == .forbidden) }
            }
            #expect(try await test.ticket(ticket.number).state == .resolved)
            let mark = test.desk.office.signer.mark(String(path.dropFirst(3)), for: .form)
            try await client.execute(
                uri: path + "/confirm", method: .post, headers: [.contentType: "application/x-www-form-urlencoded"],
                body: ByteBuffer(string: "csrf=\(mark)")
            ) { #expect($0.status == .seeOther) }
        }
        #expect(try await test.ticket(ticket.number).state == .closed)
    }

    @Test("a forged link and one of somebody who was taken out lead nowhere")
    func links() async throws {
        let test = try await TestDesk()
        let ticket = try await test.open()
        let lee = try #require(MailAddress(name: "Lee", "lee@corner.example"))
        try await test.act(on: ticket) { tx, ticket in try tx.addCollaborator(lee, to: ticket, by: .routing) }
        let collaborator = try #require(try await test.read { try $0.collaborators(of: ticket.id).first })
        let lees = "/t/" + LinkToken(ticket: ticket.id, customer: collaborator.id).text(test.desk.office.signer)
        try await app(test).test(.router) { client in
            try await client.execute(uri: lees, method: .get) { #expect($0.status == .ok) }
            try await client.execute(uri: link(test, ticket) + "x", method: .get) { #expect($0.status == .notFound) }
            try await client.execute(uri: lees.replacingOccurrences(of: "/t/1-", with: "/t/2-"), method: .get) {
                #expect($0.status == .notFound)
            }
        }
        try await test.act(on: ticket) { tx, ticket in try tx.removeCollaborator(lee, from: ticket, by: .routing) }
        try await app(test).test(.router) { client in
            try await client.execute(uri: lees, method: .get) { #expect($0.status == .notFound) }
        }
    }

    @Test("an empty answer comes back as 422 with what was typed")
    func emptyAnswer() async throws {
        let test = try await TestDesk()
        let ticket = try await test.open()
        let path = link(test, ticket)
        let mark = test.desk.office.signer.mark(String(path.dropFirst(3)), for: .form)
        try await app(test).test(.router) { client in
            try await client.execute(
                uri: path, method: .post, headers: [.contentType: "application/x-www-form-urlencoded"],
                body: ByteBuffer(string: "csrf=\(mark)&body=+++")
            ) { response in
                #expect(response.status == .unprocessableContent)
                #expect(String(buffer: response.body).contains("Enter a value."))
            }
        }
    }
}
