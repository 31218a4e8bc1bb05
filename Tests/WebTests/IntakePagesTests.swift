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

/// What guests, agents and programs see of who wrote.
@Suite("Who wrote, on pages and by API")
struct IntakePagesTests {
    private func app(_ test: TestDesk) -> some ApplicationProtocol {
        Application(router: Web(desk: test.desk, measures: PrometheusMetrics()).router())
    }
    private static let form: HTTPFields = [.contentType: "application/x-www-form-urlencoded"]

    private func agent(_ test: TestDesk) async throws -> (headers: HTTPFields, csrf: String, agent: Agent) {
        let ada = try await test.hire("Ada", departments: ["Support"])
        let token = try await test.write { try $0.beginSession(.agent(ada), browser: "Firefox") }
        return (
            [.cookie: "__Host-usher_session=\(token)"], test.desk.office.signer.mark(Secret.hash(token), for: .form),
            ada
        )
    }

    @Test("a guest's link shows and takes the guest's words, and confirms and reopens nothing")
    func guest() async throws {
        let test = try await TestDesk()
        let ada = try await test.hire("Ada")
        let ticket = try await test.open(body: "Typed into the form") { request in
            request.source = .web
            request.provenance.isUnverified = true
        }
        try await test.act(on: ticket) { tx, ticket in
            try tx.resolve(&ticket, by: Actor(ada), solution: Writing("Your code is 4711", type: .text), source: .web)
        }
        let token = LinkToken(ticket: ticket.id, customer: ticket.customer, isGuest: true).text(test.desk.office.signer)
        let mark = "csrf=" + test.desk.office.signer.mark(token, for: .form)
        try await app(test).test(.router) { client in
            try await client.execute(uri: "/t/\(token)", method: .get) { response in
                let page = String(buffer: response.body)
                #expect(response.status == .ok && page.contains("Typed into the form"))
                #expect(!page.contains("4711") && !page.contains("/confirm"))
            }
            for press in ["confirm", "reopen"] {
                try await client.execute(
                    uri: "/t/\(token)/\(press)", method: .post, headers: Self.form, body: ByteBuffer(string: mark)
                ) { #expect($0.status == .notFound) }
            }
            #expect(try await test.ticket(ticket.number).state == .resolved)
            try await client.execute(
                uri: "/t/\(token)", method: .post, headers: Self.form, body: ByteBuffer(string: mark + "&body=And+this")
            ) { response in
                #expect(response.status == .seeOther && response.headers[.location]?.contains("-guest-") == true)
            }
            try await client.execute(uri: "/t/\(token)", method: .get) {
                #expect(String(buffer: $0.body).contains("And this"))
            }
        }
        let last = try #require(try await test.entries(ticket).last)
        #expect(last.provenance.isUnverified && last.text == "And this")
        // The address is as unproved as before.
        #expect(try await test.read { try $0.value("SELECT is_unproved FROM ticket", as: Int.self) } == 1)
    }

    @Test("a link takes thirty messages an hour, then asks to wait and keeps what was typed")
    func manyAnswers() async throws {
        let test = try await TestDesk()
        let ticket = try await test.open()
        let token = LinkToken(ticket: ticket.id, customer: ticket.customer).text(test.desk.office.signer)
        let body = ByteBuffer(string: "csrf=\(test.desk.office.signer.mark(token, for: .form))&body=once+more")
        try await app(test).test(.router) { client in
            for _ in 0..<30 {
                try await client.execute(uri: "/t/\(token)", method: .post, headers: Self.form, body: body) {
                    #expect($0.status == .seeOther)
                }
            }
            try await client.execute(uri: "/t/\(token)", method: .post, headers: Self.form, body: body) { response in
                #expect(response.status == .tooManyRequests && String(buffer: response.body).contains("once more"))
            }
            #expect(try await test.entries(ticket).count == 31)
            test.clock.advance(hours: 1.1)
            try await client.execute(uri: "/t/\(token)", method: .post, headers: Self.form, body: body) {
                #expect($0.status == .seeOther)
            }
        }
    }

    @Test(
        """
        the agent's page and the API say who is not verified, who sent it, and who is new; one press lets them \
        take part
        """
    )
    func shown() async throws {
        let test = try await TestDesk()
        let (headers, csrf, _) = try await agent(test)
        let key = try await test.write { try $0.addAPIKey(name: "k", scope: .tickets) }
        guard
            case .opened(let number) = try await test.receive(
                from: "Harbour shop <noreply@shop.example>", headers: ["Reply-To: Kim <kim@harbour.example>"])
        else { return #expect(Bool(false)) }
        _ = try await test.receive(from: "kim@harbour.example", subject: "[#\(number)]")
        try await test.settle()
        let ticket = try await test.ticket(number)
        let token = MailToken(ticket: ticket.id, recipient: .customer(ticket.customer)).text(test.desk.office.signer)
        _ = try await test.receive(from: "lee@corner.example", to: "support+\(token)@desk.example")
        try await app(test).test(.router) { client in
            try await client.execute(uri: "/desk/tickets/\(number)", method: .get, headers: headers) { response in
                let page = String(buffer: response.body)
                #expect(
                    page.contains("unverified sender") && page.contains("noreply@shop.example")
                        && page.contains("new here") && page.contains("Add as CC"))
            }
            try await client.execute(
                uri: "/api/v1/tickets/\(number)/entries", method: .get, headers: [.authorization: "Bearer \(key)"]
            ) { response in
                guard case .array(let items)? = JSON(String(buffer: response.body))?["items"] else {
                    return #expect(Bool(false))
                }
                #expect(items.first?["sent_by"]?["from"]?["email"]?.text == "noreply@shop.example")
                #expect(items.map { $0["unverified"] } == [.bool(false), .bool(true), .bool(false)])
                #expect(items.last?["author"]?["stranger"] == .bool(true) && items.last?["sent_by"] == .null)
            }
            try await client.execute(
                uri: "/desk/tickets/\(number)/do/add_collaborator", method: .post, headers: headers.merged(Self.form),
                body: ByteBuffer(string: "csrf=\(csrf)&email=lee%40corner.example")
            ) { #expect($0.status == .seeOther) }
        }
        #expect(try await test.read { try $0.collaborators(of: ticket.id).map(\.address) } == ["lee@corner.example"])
    }

    @Test("the requester is changed by a form without a script and by the API, and nothing wrong is taken")
    func requester() async throws {
        let test = try await TestDesk()
        let (headers, csrf, ada) = try await agent(test)
        let key = try await test.write { try $0.addAPIKey(name: "k", scope: .tickets) }
        let ticket = try await test.open()
        let path = "/desk/tickets/\(ticket.number)/do/set_requester"
        try await app(test).test(.router) { client in
            try await client.execute(uri: path, method: .get, headers: headers) {
                #expect(String(buffer: $0.body).contains("Keep Kim Ito as CC"))
            }
            try await client.execute(
                uri: path, method: .post, headers: headers.merged(Self.form),
                body: ByteBuffer(string: "csrf=\(csrf)&email=nobody")
            ) { #expect($0.status == .unprocessableContent) }
            try await client.execute(
                uri: path, method: .post, headers: headers.merged(Self.form),
                body: ByteBuffer(string: "csrf=\(csrf)&email=mia%40customer.example&name=Mia+Berg&keep_former=1")
            ) { #expect($0.status == .seeOther) }
            #expect(try await test.ticket(ticket.number).requesterName == "Mia Berg")
            #expect(try await test.read { try $0.collaborators(of: ticket.id).map(\.address) } == [TestDesk.kim])
            let call = "/api/v1/tickets/\(ticket.number)/actions/set_requester"
            let json: HTTPFields = [.authorization: "Bearer \(key)", .contentType: "application/json"]
            try await client.execute(uri: call, method: .post, headers: json, body: ByteBuffer(string: "{}")) {
                #expect($0.status == .unprocessableContent)
            }
            try await client.execute(
                uri: call, method: .post, headers: json,
                body: ByteBuffer(
                    string: "{\"email\": \"noor@lindgren.example\", \"name\": \"Noor\", \"by\": \"\(ada.email)\"}")
            ) { response in
                let answer = JSON(String(buffer: response.body))
                #expect(
                    response.status == .ok && answer?["requester"]?["email"]?.text == "noor@lindgren.example"
                        && answer?["requester"]?["name"]?.text == "Noor")
            }
        }
        #expect(try await test.events(ticket).filter { $0.kind == .requesterChanged }.count == 2)
    }

    @Test("an agent says that an address can be written to again")
    func deliverable() async throws {
        let test = try await TestDesk()
        let (headers, csrf, _) = try await agent(test)
        let ticket = try await test.open()
        try await test.write { tx in _ = try tx.db.execute("UPDATE customer_address SET undeliverable_at = 1") }
        try await app(test).test(.router) { client in
            try await client.execute(uri: "/desk/tickets/\(ticket.number)", method: .get, headers: headers) {
                #expect(String(buffer: $0.body).contains("Email to this address bounced"))
            }
            try await client.execute(
                uri: "/desk/tickets/\(ticket.number)/deliverable", method: .post, headers: headers.merged(Self.form),
                body: ByteBuffer(string: "csrf=\(csrf)")
            ) { #expect($0.status == .seeOther) }
        }
        #expect(try await test.read { try $0.isUndeliverable(TestDesk.kim) } == false)
    }
}
