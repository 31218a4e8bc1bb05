import DeskTesting
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import Primitives
import Testing

@testable import Desk
@testable import Store
@testable import Web

@Suite("What others wrote is shown as what it is, and what nobody asked for is refused")
struct TrustTests {
    @Test("characters that turn the direction of text are marks in names, subjects and names of files")
    func directions() async throws {
        let test = try await TestDesk()
        let agent = try await test.hire("Ada")
        let bytes = Data("x".utf8)
        let file = StoredFile(
            hash: try test.desk.files.keep(bytes), size: 1, name: "bill\u{202E}fdp.exe",
            type: "application/octet-stream")
        let ticket = try await test.open("Pay\u{2066}ment", from: TestDesk.kim, name: "Kim\u{202E}otI") {
            $0.files = [file]
        }
        let ada = try await Visitor(test, agent)
        let link = "/t/" + LinkToken(ticket: ticket.id, customer: ticket.customer).text(test.desk.office.signer)
        for page in [
            try await ada.get("/desk/tickets/\(ticket.number)").page, try await ada.get("/desk?list=next").page,
            try await Visitor(guestOf: test).get(link).page,
        ] {
            #expect(!page.unicodeScalars.contains { ["\u{202E}", "\u{2066}"].contains($0) })
            #expect(page.contains("Pay[U+2066]ment"))
        }
        let page = try await ada.get("/desk/tickets/\(ticket.number)").page
        #expect(page.contains("bill[U+202E]fdp.exe") && page.contains("Kim[U+202E]otI"))
    }

    @Test(
        "a form that another site's page sent is refused, also where the mark is right",
        arguments: [
            ("Origin", "https://evil.example", false), ("Origin", "https://desk.example.evil.example", false),
            ("Sec-Fetch-Site", "cross-site", false), ("Origin", "null", true), ("Origin", "", true),
        ])
    func origins(header: String, value: String, isTaken: Bool) async throws {
        let test = try await TestDesk()
        var ada = try await Visitor(test, try await test.hire("Ada"))
        let ticket = try await test.open()
        let ours = value.isEmpty ? test.desk.office.url : value
        ada.headers[try #require(HTTPField.Name(header))] = ours
        let answer = try await ada.post("/desk/tickets/\(ticket.number)/entries", [("kind", "note"), ("body", "x")])
        #expect((answer.status == .seeOther) == isTaken)
    }

    @Test("a canned reply of another department is not there")
    func cannedReply() async throws {
        let test = try await TestDesk()
        let ada = try await Visitor(test, try await test.hire("Ada", departments: ["Support"]))
        let ticket = try await test.open()
        let ids = try await test.write { tx in
            _ = try tx.add(["name": "Elsewhere"], to: Resource.departments)
            return try [("All", nil), ("Ours", "Support"), ("Theirs", "Elsewhere")].map { name, department in
                try tx.add(
                    [
                        "name": .string(name), "body": .string("Words of \(name)."),
                        "department": department.map { .string($0) } ?? .null,
                    ], to: .cannedReplies
                ).id
            }
        }
        let answers = try await [
            ada.get("/desk/tickets/\(ticket.number)/canned/\(ids[0])"),
            ada.get("/desk/tickets/\(ticket.number)/canned/\(ids[1])"),
            ada.get("/desk/tickets/\(ticket.number)/canned/\(ids[2])"),
        ]
        #expect(answers.map(\.status) == [.ok, .ok, .notFound])
        #expect(answers[1].page.contains("Words of Ours") && !answers[2].page.contains("Words of Theirs"))
        let list = try await ada.get("/desk/tickets/\(ticket.number)").page
        #expect(list.contains(">Ours<") && !list.contains(">Theirs<"))
    }

    @Test(
        "a field the API does not know is refused by its name, and nothing is done",
        arguments: [
            (
                "POST", "/api/v1/tickets",
                #"{"requester":{"email":"kim@harbour.example"},"subject":"x","body":"y","colour":"red"}"#, "colour"
            ),
            (
                "POST", "/api/v1/tickets",
                #"{"requester":{"email":"kim@harbour.example","phone":"1"},"subject":"x","body":"y"}"#,
                "requester.phone"
            ),
            (
                "POST", "/api/v1/tickets",
                #"{"requester":{"email":"kim@harbour.example"},"subject":"x","body":"y","fields":{"colour":"red"}}"#,
                "fields"
            ),
            ("PATCH", "/api/v1/tickets/100001", #"{"priority":"high","colour":"red"}"#, "colour"),
            ("POST", "/api/v1/tickets/100001/entries", #"{"kind":"message","body":"x","colour":"red"}"#, "colour"),
            ("POST", "/api/v1/tickets/100001/actions/close", #"{"colour":"red"}"#, "colour"),
            ("POST", "/api/v1/departments", #"{"name":"x","colour":"red"}"#, "colour"),
            ("PATCH", "/api/v1/settings", #"{"colour":"red"}"#, "colour"),
        ])
    func unknownFields(method: String, path: String, body: String, field: String) async throws {
        let test = try await TestDesk()
        let ticket = try await test.open()
        let key = try await test.write { try $0.addAPIKey(name: "k", scope: .full) }
        let app = Application(router: Web(desk: test.desk, measures: PrometheusMetrics()).router())
        try await app.test(.router) { client in
            let method = try #require(HTTPRequest.Method(rawValue: method))
            try await client.execute(
                uri: path, method: method,
                headers: [.contentType: "application/json", .authorization: "Bearer \(key)"],
                body: ByteBuffer(string: body)
            ) { response in
                let answer = String(buffer: response.body)
                #expect(
                    response.status == .unprocessableContent && answer.contains("\"\(field)"),
                    "\(response.status) \(answer)")
            }
        }
        let after = try await test.ticket(ticket.number)
        #expect(after.priority == ticket.priority && after.state == ticket.state)
        #expect(try await test.entries(ticket).count == 1)
        #expect(try await test.read { try $0.count(TicketList()) } == 1)
    }
}
