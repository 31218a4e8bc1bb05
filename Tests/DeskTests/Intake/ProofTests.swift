import DeskTesting
import Domain
import Foundation
import Mail
import Primitives
import Testing

@testable import Desk
@testable import Store

/// What an address that nobody proved may do: be read, and nothing more.
@Suite("Proof")
struct ProofTests {
    private static let server = "mx.desk.example"
    private static let passed =
        "Authentication-Results: mx.desk.example; dmarc=pass (p=reject) header.from=harbour.example"

    private struct Scene {
        let test: TestDesk
        let ada: Agent
        let ticket: Ticket
        let kims: IncomingMessage
        var number: String { "Re: x [#\(ticket.number)]" }

        func collaborators() async throws -> [String] {
            try await test.read { try $0.collaborators(of: ticket.id).map(\.address).sorted() }
        }
        func last() async throws -> Entry? { try await test.entries(ticket).last }
    }

    private func scene(asksServer: Bool = false) async throws -> Scene {
        let test = try await TestDesk()
        if asksServer {
            _ = try await test.write { try $0.change(["authserv_id": .string(Self.server)]) }
            try await test.desk.reloadSettings()
        }
        let ada = try await test.hire("Ada")
        let ticket = try await test.open()
        try await test.act(on: ticket) { tx, ticket in try tx.assign(&ticket, to: ada, by: .routing) }
        try await test.settle()
        return Scene(test: test, ada: ada, ticket: ticket, kims: try #require(test.mail.to(TestDesk.kim).first))
    }

    @Test("a number in the subject without proof adds a marked message and brings nobody in")
    func number() async throws {
        let scene = try await scene()
        #expect(
            try await scene.test.receive(from: TestDesk.kim, subject: scene.number, headers: ["Cc: eve@evil.example"])
                == .added(scene.ticket.number))
        #expect(try await scene.last()?.provenance.isUnverified == true)
        #expect(try await scene.collaborators().isEmpty)
        let event = try #require(try await scene.test.events(scene.ticket).last { $0.kind == .received })
        #expect(event.reason.contains("unverified sender") && event.dataText.contains("unverified"))
        let ada = scene.ada
        try await scene.test.act(on: scene.ticket) { tx, ticket in
            _ = try tx.reply(to: &ticket, Writing("secret", type: .text), by: Actor(ada), files: [], source: .web)
        }
        try await scene.test.settle()
        #expect(scene.test.mail.to("eve@evil.example").isEmpty)
    }

    @Test("an unverified answer brings a solved ticket back, so that a person sees it, and confirms nothing")
    func reopens() async throws {
        let scene = try await scene()
        let ada = scene.ada
        try await scene.test.act(on: scene.ticket) { tx, ticket in
            try tx.resolve(&ticket, by: Actor(ada), solution: nil, source: .web)
        }
        _ = try await scene.test.receive(from: TestDesk.kim, subject: scene.number)
        #expect(try await scene.test.ticket(scene.ticket.number).state == .open)
    }

    @Test("a signed token proves its holder: nothing is marked, and whom the holder addresses takes part")
    func token() async throws {
        let scene = try await scene()
        let address = try #require(scene.kims.replyTo.first).address
        _ = try await scene.test.receive(from: TestDesk.kim, to: address, headers: ["Cc: lee@harbour.example"])
        #expect(try await scene.last()?.provenance.isUnverified == false)
        #expect(try await scene.collaborators() == ["lee@harbour.example"])
    }

    @Test("a collaborator's token does not prove that the requester wrote")
    func anothersToken() async throws {
        let scene = try await scene()
        let lee = try #require(MailAddress("lee@harbour.example"))
        let ada = scene.ada
        try await scene.test.act(on: scene.ticket) { tx, ticket in
            try tx.addCollaborator(lee, to: ticket, by: Actor(ada))
            _ = try tx.reply(to: &ticket, Writing("For both", type: .text), by: Actor(ada), files: [], source: .web)
        }
        try await scene.test.settle()
        let lees = try #require(scene.test.mail.to("lee@harbour.example").first?.replyTo.first).address
        _ = try await scene.test.receive(from: TestDesk.kim, to: lees, headers: ["Cc: eve@evil.example"])
        #expect(try await scene.last()?.provenance.isUnverified == true)
        // Taken out, the collaborator is a stranger again, even with the token.
        try await scene.test.act(on: scene.ticket) { tx, ticket in
            try tx.removeCollaborator(lee, from: ticket, by: Actor(ada))
        }
        _ = try await scene.test.receive(from: "lee@harbour.example", to: lees, headers: ["Cc: eve@evil.example"])
        #expect(try await scene.last()?.author.isStranger == true)
        #expect(try await scene.collaborators().isEmpty)
    }

    @Test(
        "a pass of the own mail server proves",
        arguments: [
            "mx.desk.example; dmarc=pass (p=reject) header.from=harbour.example",
            "mx.desk.example; spf=pass smtp.mailfrom=harbour.example; dkim=none",
            "MX.desk.example 1; dkim=pass header.d=harbour.example",
            """
            mx.desk.example; dkim=fail header.d=harbour.example; dkim=pass (2048-bit key; unprotected) \
            header.i=@harbour.example header.b="a;b"
            """,
            "mx.desk.example; dmarc = pass header.from = harbour.example",
        ])
    func results(field: String) async throws {
        let scene = try await scene(asksServer: true)
        _ = try await scene.test.receive(
            from: TestDesk.kim, subject: scene.number,
            headers: ["Authentication-Results: \(field)", "Cc: lee@harbour.example"])
        #expect(try await scene.last()?.provenance.isUnverified == false)
        #expect(try await scene.collaborators() == ["lee@harbour.example"])
    }

    @Test(
        "nothing else that a header says proves anything",
        arguments: [
            ["Authentication-Results: other.example; dmarc=pass header.from=harbour.example"],
            ["Authentication-Results: mx.desk.example; dmarc=fail header.from=harbour.example"],
            ["Authentication-Results: mx.desk.example; dmarc=pass header.from=evil.example"],
            ["Authentication-Results: mx.desk.example; dmarc=pass"],
            ["Authentication-Results: mx.desk.example; dkim=pass header.d=evil.example"],
            ["Authentication-Results: mx.desk.example; dkim=pass header.d=notharbour.example"],
            ["Authentication-Results: mx.desk.example; dkim=pass header.d=example"],
            ["Authentication-Results: mx.desk.example; dkim=pass header.d=sub.harbour.example"],
            ["Authentication-Results: mx.desk.example; spf=pass smtp.mailfrom=mallory@evil.example"],
            ["Authentication-Results: mx.desk.example; none (dmarc=pass header.from=harbour.example)"],
            ["Authentication-Results: mx.desk.example; reason=\"dmarc=pass; dmarc=pass header.from=harbour.example\""],
            [
                "Authentication-Results: mx.desk.example; dmarc=fail header.from=harbour.example",
                "Authentication-Results: mx.desk.example; dmarc=pass header.from=harbour.example",
            ],
            ["Authentication-Results: x mx.desk.example; dmarc=pass header.from=harbour.example"],
            [
                "From: eve@evil.example",
                "Authentication-Results: mx.desk.example; dmarc=pass header.from=harbour.example",
            ],
        ])
    func forgedResults(headers: [String]) async throws {
        let scene = try await scene(asksServer: true)
        _ = try await scene.test.receive(from: TestDesk.kim, subject: scene.number, headers: headers)
        #expect(try await scene.last()?.provenance.isUnverified == true)
        #expect(try await scene.collaborators().isEmpty)
    }

    @Test("without the setting no field counts, and with it a new mail's Cc needs the pass")
    func setting() async throws {
        let scene = try await scene()
        _ = try await scene.test.receive(from: TestDesk.kim, subject: scene.number, headers: [Self.passed])
        #expect(try await scene.last()?.provenance.isUnverified == true)
        let asking = try await self.scene(asksServer: true)
        guard
            case .opened(let forged) = try await asking.test.receive(
                from: TestDesk.kim, headers: ["Cc: eve@evil.example"]),
            case .opened(let real) = try await asking.test.receive(
                from: TestDesk.kim, headers: [Self.passed, "Cc: lee@harbour.example"])
        else { return #expect(Bool(false)) }
        let (one, other) = (try await asking.test.ticket(forged), try await asking.test.ticket(real))
        #expect(try await asking.test.read { try $0.collaborators(of: one.id) }.isEmpty)
        #expect(try await asking.test.read { try $0.collaborators(of: other.id) }.count == 1)
        await #expect(throws: Refusal.self) {
            _ = try await asking.test.write { try $0.change(["authserv_id": "mx; dmarc=pass"]) }
        }
    }

    @Test(
        "mail to an address nobody proved repeats nothing that came from outside",
        arguments: [Source.web, .api, .email])
    func nothingRepeated(source: Source) async throws {
        let test = try await TestDesk()
        let words = "Cheap watches at evil.example"
        let ticket = try await test.open(words, body: words, name: words) { request in
            request.source = source
        }
        try await test.settle()
        let sent = try #require(test.mail.sent.first)
        let raw = String(decoding: sent.bytes, as: UTF8.self)
        #expect(
            !raw.contains("watches") && !sent.message.subject.contains("watches")
                && !sent.message.text.contains("watches") && sent.message.to.allSatisfy { !$0.name.contains("watches") }
        )
        #expect(sent.message.subject.contains("[#\(ticket.number)]"))
        // Once the address has answered with its token it is known.
        _ = try await test.receive(from: TestDesk.kim, to: try #require(sent.message.replyTo.first).address)
        let known: Int? = try await test.read { try $0.value("SELECT is_unproved FROM ticket WHERE id = \(ticket.id)") }
        #expect(known == 0)
    }

    @Test("many forms from one network make few acknowledgements, whatever the addresses, and every request is kept")
    func network() async throws {
        let test = try await TestDesk()
        for index in 0..<40 {
            _ = try await test.open("x", from: "v\(index)@victims.example") { $0.network = "192.0.2.7" }
        }
        _ = try await test.open("x", from: "w@victims.example") { $0.network = "192.0.2.8" }
        // One household's IPv6 network is one, however many addresses it has.
        #expect(NetworkAddress.network(of: "2001:db8:0:1::7") == NetworkAddress.network(of: "2001:db8:0:1:ffff::1"))
        #expect(NetworkAddress.network(of: "2001:db8:0:1::7") != NetworkAddress.network(of: "2001:db8:0:2::7"))
        #expect(NetworkAddress.network(of: "::ffff:192.0.2.7") == "192.0.2.7")
        try await test.settle()
        #expect(test.mail.sent.count == 21)
        #expect(try await test.read { try $0.count(TicketList()) } == 41)
    }

    @Test(
        "an address that others name in a form or a Reply-To hears of it once an hour", arguments: ["form", "Reply-To"])
    func namedByOthers(way: String) async throws {
        let test = try await TestDesk()
        for index in 0..<20 {
            if way == "form" {
                _ = try await test.open("x\(index)") { $0.source = .web }
            } else {
                _ = try await test.receive(
                    from: "noreply@shop.example", subject: "x\(index)", headers: ["Reply-To: \(TestDesk.kim)"])
            }
        }
        try await test.settle()
        #expect(test.mail.to(TestDesk.kim).count <= 1)
        #expect(try await test.read { try $0.count(TicketList()) } == 20)
    }

    @Test("the number of a mail is signed: a report about one's own mail cannot name another's")
    func signedNumber() async throws {
        let scene = try await scene()
        let lee = try #require(MailAddress("lee@harbour.example"))
        let ada = scene.ada
        try await scene.test.act(on: scene.ticket) { tx, ticket in
            try tx.addCollaborator(lee, to: ticket, by: Actor(ada))
            _ = try tx.reply(to: &ticket, Writing("For both", type: .text), by: Actor(ada), files: [], source: .web)
        }
        try await scene.test.settle()
        func report(_ id: String, recipient: String? = nil) -> Data {
            let final = recipient.map { "\r\nFinal-Recipient: rfc822; \($0)" } ?? ""
            return Data(
                """
                From: MAILER-DAEMON@mx.example\r\nTo: support@desk.example\r\nReturn-Path: <>\r\nSubject: \
                Undelivered\r\nMessage-ID: <\(UUID().uuidString)@mx.example>\r
                Content-Type: multipart/report; report-type=delivery-status; \
                boundary=b\r\n\r\n--b\r\n\r\nNo.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r
                Reporting-MTA: dns; mx.example\r\n\(final)\r\nAction: failed\r\nStatus: 5.1.1\r\n--b\r\nContent-Type: \
                text/rfc822-headers\r\n\r\nMessage-ID: <\(id)>\r\n\r\n--b--\r\n
                """.utf8)
        }
        func dead() async throws -> [String] {
            try await scene.test.read {
                try $0.query("SELECT address FROM customer_address WHERE undeliverable_at IS NOT NULL ORDER BY 1") {
                    try $0.read()
                }
            }
        }
        let lees = try #require(scene.test.mail.to("lee@harbour.example").first).messageID
        let (local, domain) = (lees.split(separator: "@")[0], lees.split(separator: "@")[1])
        let dot = try #require(local.lastIndex(of: "."))
        let (token, tail) = (local[..<dot], local[local.index(after: dot)...])
        let row = try #require(Int64(tail.split(separator: "-")[0], radix: 36))
        for other in [row - 1, row + 1, row - 2] {
            _ = try await scene.test.desk.receive(
                report("\(token).\(String(other, radix: 36))-\(tail.split(separator: "-")[1])@\(domain)"))
            _ = try await scene.test.desk.receive(report("\(token).\(String(other, radix: 36))@\(domain)"))
        }
        #expect(try await !dead().contains(TestDesk.kim))
        // A mail that was passed on and came back from there does not say that the address is dead.
        try await scene.test.write { try $0.forgetReturns(of: "lee@harbour.example") }
        _ = try await scene.test.desk.receive(report(lees, recipient: "old@elsewhere.example"))
        #expect(try await dead().isEmpty)
        _ = try await scene.test.desk.receive(report(lees, recipient: "lee@harbour.example"))
        #expect(try await dead() == ["lee@harbour.example"])
        // Whoever writes can be written to.
        _ = try await scene.test.receive(from: "lee@harbour.example", subject: "I am here")
        #expect(try await dead().isEmpty)
    }
}
