import DeskTesting
import Domain
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import Testing

@testable import Desk
@testable import Web

@Suite("Calls in the name of an agent")
struct ByAgentTests {
    /// Calls with a full key.
    private func asked(
        _ stage: AccessTests.Stage, _ calls: [(HTTPRequest.Method, String, String?)]
    ) async throws -> [(status: Int, body: String)] {
        let app = Application(router: Web(desk: stage.test.desk, measures: PrometheusMetrics()).router())
        return try await app.test(.router) { client in
            var answers: [(Int, String)] = []
            for (method, path, body) in calls {
                try await client.execute(
                    uri: "/api/v1\(path)", method: method,
                    headers: [
                        .authorization: "Bearer \(stage.keys[.full] ?? "")", .contentType: "application/json",
                    ],
                    body: body.map { ByteBuffer(string: $0) }
                ) { answers.append(($0.status.code, String(buffer: $0.body))) }
            }
            return answers
        }
    }

    @Test(
        "whoever asks has to see the ticket, whoever writes has to see it too",
        arguments: [
            ("outsider", "agent", 404), ("agent", "outsider", 404), ("outsider", nil, 404), ("viewer", "agent", 403),
            ("nobody", "agent", 422), ("agent", "viewer", 403), ("agent", "administrator", 201), ("agent", nil, 201),
            (nil, "agent", 201), (nil, "outsider", 404),
        ] as [(String?, String?, Int)])
    func entries(by: String?, author: String?, expected: Int) async throws {
        let stage = try await AccessTests.Stage()
        let ticket = try await stage.test.open("Printer jams")
        let path = "/tickets/\(ticket.number)/entries"
        let writer = author.map { #", "author": "\#($0)@desk.example""# } ?? ""
        for kind in ["reply", "note"] {
            let asker = by.map { #", "by": "\#($0)@desk.example""# } ?? ""
            let answers = try await asked(
                stage,
                [
                    (
                        .post, path + (by.map { "?by=\($0)@desk.example" } ?? ""),
                        #"{"kind":"\#(kind)","body":"x"\#(writer)}"#
                    ),
                    (.post, path, #"{"kind":"\#(kind)","body":"x"\#(writer)\#(asker)}"#),
                ])
            #expect(answers.map(\.status) == [expected, expected], "\(kind): \(answers)")
        }
    }

    @Test("a ticket is opened in the name of an agent who works")
    func opens() async throws {
        let stage = try await AccessTests.Stage()
        func body(_ by: String) -> String {
            #"{"requester":{"email":"a@b.example"},"subject":"x","body":"x","by":"\#(by)@desk.example"}"#
        }
        let answers = try await asked(
            stage,
            [
                (.post, "/tickets", body("agent")), (.post, "/tickets", body("viewer")),
                (.post, "/tickets", body("nobody")),
            ])
        #expect(answers.map(\.status) == [201, 403, 422])
        let ticket = try #require(try await stage.test.read { try $0.tickets(TicketList()) }.tickets.first)
        #expect(try await stage.test.events(ticket).first?.actor.address == "agent@desk.example")
    }

    @Test("the history names no ticket that the agent may not see")
    func history() async throws {
        let stage = try await AccessTests.Stage()
        let seen = try await stage.test.open("Printer jams")
        let hidden = try await stage.test.open("Salary") { $0.department = .name("Elsewhere") }
        try await stage.test.act(on: hidden) { tx, ticket in
            try tx.merge(&ticket, into: try tx.db.ticket(seen.id), by: .routing)
        }
        let path = "/tickets/\(seen.number)/events"
        let answers = try await asked(
            stage, [(.get, path, nil), (.get, "\(path)?by=agent@desk.example", nil)])
        #expect(answers[0].body.contains(String(hidden.number)))
        #expect(answers[1].status == 200 && answers[1].body.contains("merged"))
        #expect(!answers[1].body.contains(String(hidden.number)), "\(answers[1].body)")
    }
}
