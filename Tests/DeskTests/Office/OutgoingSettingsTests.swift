import DeskTesting
import Foundation
import Mail
import Primitives
import Testing

@testable import Desk
@testable import Store

@Suite("The mail server and the address in the settings")
struct OutgoingSettingsTests {
    private func server(_ test: TestDesk) async throws -> MailServer? {
        try await test.desk.reloadSettings()
        return test.desk.settings.current.smtp.server(test.desk.office.signer)
    }

    private static func faults(_ work: () async throws -> Void) async -> [String] {
        do { try await work() } catch Refusal.invalid(let faults) { return faults.map(\.field) } catch {
            return ["\(error)"]
        }
        return []
    }

    @Test("a mail server counts from the moment it is saved; its password is sealed and never read back")
    func saved() async throws {
        let test = try await TestDesk()
        #expect(try await server(test) == nil)
        let settings = try await test.write {
            try $0.change([
                "smtp_host": "smtp.desk.example", "smtp_port": 465, "smtp_security": "tls", "smtp_user": "desk",
                "smtp_password": "a secret word",
            ])
        }
        #expect(
            !settings.fields.contains { $0.value.written.contains("a secret word") || $0.name.contains("password") })
        let kept = try await test.read { try $0.query("SELECT value FROM setting") { try $0.read(String.self) } }
        #expect(!kept.contains { $0.contains("a secret word") })
        let expected = MailServer(
            .smtp, host: "smtp.desk.example", port: 465, security: .tls, user: "desk",
            credential: .password("a secret word"))
        #expect(try await server(test) == expected)
        // Saved again without a password, it stays.
        _ = try await test.write {
            try $0.change(["smtp_host": "smtp.desk.example", "smtp_user": "desk", "name": "Harbour IT"])
        }
        #expect(try await server(test) == expected)
    }

    @Test("a kept password goes to no other server, and ends with the server")
    func moved() async throws {
        let test = try await TestDesk()
        _ = try await test.write {
            try $0.change(["smtp_host": "smtp.desk.example", "smtp_user": "desk", "smtp_password": "a secret word"])
        }
        #expect(
            await Self.faults { _ = try await test.write { try $0.change(["smtp_host": "evil.example"]) } } == [
                "smtp_password"
            ])
        #expect(try await server(test)?.host == "smtp.desk.example")
        _ = try await test.write { try $0.change(["smtp_host": "other.example", "smtp_password": "another"]) }
        #expect(try await server(test)?.credential == .password("another"))
        _ = try await test.write { try $0.change(["smtp_host": ""]) }
        #expect(try await server(test) == nil)
        _ = try await test.write { try $0.change(["smtp_host": "other.example", "smtp_user": ""]) }
        #expect(try await server(test)?.credential == MailServer.Credential.none)
    }

    private static let wrong: [(changes: String, field: String)] = [
        (#"{"smtp_host": "no host"}"#, "smtp_host"), (#"{"smtp_port": 0}"#, "smtp_port"),
        (#"{"smtp_port": "x"}"#, "smtp_port"), (#"{"smtp_security": "insecure"}"#, "smtp_security"),
        (#"{"smtp_host": "smtp.desk.example", "smtp_security": "plain"}"#, "smtp_security"),
        (#"{"smtp_password": 5}"#, "smtp_password"), (#"{"url": "help.desk.example"}"#, "url"),
        (#"{"url": "https://help.desk.example/path"}"#, "url"), (#"{"url": "ftp://help.desk.example"}"#, "url"),
        (#"{"url": "https://a:b@help.desk.example"}"#, "url"),
    ]

    @Test("what cannot work is refused beside its field", arguments: wrong)
    func refused(changes: String, field: String) async throws {
        let test = try await TestDesk()
        guard case .object(let given)? = JSON(changes) else { throw Refusal.notFound }
        #expect(await Self.faults { _ = try await test.write { try $0.change(given) } } == [field])
    }

    @Test("a server on this machine needs no encryption, and the usual choice takes what it offers")
    func local() async throws {
        let test = try await TestDesk()
        _ = try await test.write { try $0.change(["smtp_host": "127.0.0.1", "smtp_port": 2525]) }
        #expect(try await server(test)?.security == .offered)
        _ = try await test.write { try $0.change(["smtp_security": "plain"]) }
        #expect(try await server(test)?.security == .plain)
    }

    @Test("the desk's address counts at once, in links and in the address it writes from")
    func address() async throws {
        let test = try await TestDesk()
        _ = try await test.write { try $0.change(["url": "https://support.harbour.example/"]) }
        try await test.desk.reloadSettings()
        #expect(test.desk.office.url == "https://support.harbour.example")
        #expect(test.desk.office.mailbox.address == "support@support.harbour.example")
        let ticket = try await test.open()
        try await test.settle()
        #expect(test.mail.to(TestDesk.kim).first?.text.contains("https://support.harbour.example/t/") == true)
        _ = try await test.write { try $0.change(["url": "", "mail_address": "help@harbour.example"]) }
        try await test.desk.reloadSettings()
        #expect(
            test.desk.office.url == "https://help.desk.example"
                && test.desk.office.mailbox.address == "help@harbour.example")
        _ = ticket
    }

    @Test("what the environment sets is changed there, and counts")
    func fixed() async throws {
        let test = try await TestDesk()
        let mailbox = try #require(MailAddress("support@desk.example"))
        let office = Office(
            url: "https://fixed.desk.example", mailbox: mailbox, signer: test.desk.office.signer,
            fixed: Office.Fixed(url: true, smtp: "smtp://relay.example"))
        let desk = Desk(
            database: test.desk.database, clock: test.clock, files: test.desk.files, office: office, log: test.desk.log)
        #expect(
            await Self.faults {
                _ = try await desk.write {
                    try $0.change(["url": "https://other.example", "smtp_host": "other.example"])
                }
            } == ["smtp_host", "url"])
        // Said again as it is, nothing is wrong: a program that sends back what it read.
        #expect(
            await Self.faults {
                _ = try await desk.write { try $0.change(["url": "", "smtp_host": "", "name": "Harbour IT"]) }
            }.isEmpty)
        _ = try await test.write { try $0.change(["url": "https://other.example"]) }
        try await desk.reloadSettings()
        #expect(desk.office.url == "https://fixed.desk.example")
    }
}

@Suite("How far a desk is set up")
struct SetupProgressTests {
    @Test("each step is read from what is there")
    func steps() async throws {
        let test = try await TestDesk()
        _ = try await test.hire("Mara", .administrator)
        let empty = try await test.read { try $0.setupProgress() }
        #expect(!empty.hasName && !empty.hasTeam && !empty.hasTicket && !empty.isDismissed)
        _ = try await test.write { try $0.change(["name": "Harbour IT"]) }
        _ = try await test.hire("Ada")
        _ = try await test.open()
        try await test.write { try $0.dismissFirstSteps() }
        let full = try await test.read { try $0.setupProgress() }
        #expect(full.hasName && full.hasTeam && full.hasTicket && full.isDismissed)
    }

    @Test("customers are told an address only where mail can come in")
    func publicAddress() async throws {
        let test = try await TestDesk()
        func address(takesLMTP: Bool = false) async throws -> String? {
            try await test.read { try $0.publicMailAddress(home: "support@desk.example", takesLMTP: takesLMTP) }
        }
        #expect(try await address() == nil)
        #expect(try await address(takesLMTP: true) == "support@desk.example")
        let box = try await test.write { try $0.add(["address": "help@harbour.example"], to: .mailboxes) }
        #expect(try await address() == "help@harbour.example")
        try await test.write { try $0.remove(box.id, from: .mailboxes) }
        #expect(try await address() == nil)
        // Mail that came by a pipe proves that it can.
        _ = try await test.receive(from: "Kim <kim@harbour.example>")
        #expect(try await address() == "support@desk.example")
    }
}
