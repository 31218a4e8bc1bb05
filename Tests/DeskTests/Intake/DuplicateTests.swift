import DeskTesting
import Foundation
import Mail
import Primitives
import Testing

@testable import Desk
@testable import Store

/// The same message twice is one entry; another message is kept, whatever Message-ID it carries.
@Suite("Duplicates")
struct DuplicateTests {
    private static func mail(
        id: String? = "<notice@robot.parcel.example>", date: String? = "Tue, 24 Nov 2026 09:00:00 +0000",
        from: String = "notice@parcel.example", subject: String = "Parcel 1", body: String = "Parcel 1 waits.",
        traces: [String] = [],
        to: String = "support@desk.example"
    ) -> Data {
        var lines = traces + ["From: \(from)", "To: \(to)", "Subject: \(subject)"]
        if let id { lines.append("Message-ID: \(id)") }
        if let date { lines.append("Date: \(date)") }
        return Data((lines + ["", body]).joined(separator: "\r\n").utf8)
    }
    private func isOpened(_ outcome: IntakeOutcome) -> Bool { if case .opened = outcome { true } else { false } }

    @Test(
        "one Message-ID on different mails: all are kept",
        arguments: ["<notice@robot.parcel.example>", "<@>", "<>", "<x>"])
    func oneIdentifier(id: String) async throws {
        let test = try await TestDesk()
        #expect(isOpened(try await test.desk.receive(Self.mail(id: id))))
        #expect(isOpened(try await test.desk.receive(Self.mail(id: id, body: "Parcel 1 is damaged."))))
        #expect(isOpened(try await test.desk.receive(Self.mail(id: id, subject: "Parcel 2"))))
        #expect(isOpened(try await test.desk.receive(Self.mail(id: id, date: "Tue, 24 Nov 2026 09:00:01 +0000"))))
        #expect(isOpened(try await test.desk.receive(Self.mail(id: id, from: "other@parcel.example"))))
        #expect(try await test.desk.receive(Self.mail(id: id)) == .duplicate(100_001))
    }

    @Test(
        "the same message with other traces of its way is one entry",
        arguments: [
            ["Received: from a by b; Tue, 24 Nov 2026 09:00:02 +0000"],
            ["Return-Path: <x@y.example>", "Delivered-To: support@desk.example"],
            ["X-Spam-Score: 3", "Authentication-Results: mx; dmarc=pass"],
        ])
    func traces(_ traces: [String]) async throws {
        let test = try await TestDesk()
        _ = try await test.desk.receive(Self.mail())
        #expect(try await test.desk.receive(Self.mail(traces: traces)) == .duplicate(100_001))
    }

    @Test("the same words in another encoding and with other line ends are one entry")
    func encodings() async throws {
        let test = try await TestDesk()
        func form(_ encoding: String, _ body: String) -> Data {
            Data(
                """
                From: kim@harbour.example\r\nMessage-ID: \
                <e@harbour.example>\r\nDate: Tue, 24 Nov 2026 09:00:00 +0000\r\nContent-Type: text/plain; \
                charset=utf-8\r\nContent-Transfer-Encoding: \(encoding)\r\n\r\n\(body)
                """
                .utf8)
        }
        _ = try await test.desk.receive(form("8bit", "Grüße aus dem Hafen.\r\nKim\r\n"))
        #expect(
            try await test.desk.receive(form("quoted-printable", "Gr=C3=BC=C3=9Fe aus dem Hafen.\r\nKim\r\n"))
                == .duplicate(100_001))
        #expect(
            try await test.desk.receive(form("base64", Data("Grüße aus dem Hafen.\nKim\n".utf8).base64EncodedString()))
                == .duplicate(100_001))
    }

    @Test("an attachment with other bytes is another message")
    func files() async throws {
        let test = try await TestDesk()
        func mail(_ bytes: String) -> Data {
            Data(
                """
                From: kim@harbour.example\r\nMessage-ID: \
                <f@harbour.example>\r\nDate: Tue, 24 Nov 2026 09:00:00 +0000\r\nContent-Type: multipart/mixed; \
                boundary=b\r\n\r\n--b\r\n\r\nSee the file.\r\n--b\r\nContent-Type: text/csv; \
                name=a.csv\r\nContent-Disposition: attachment; filename=a.csv\r\n\r\n\(bytes)\r\n--b--\r\n
                """
                .utf8)
        }
        _ = try await test.desk.receive(mail("1;2"))
        #expect(isOpened(try await test.desk.receive(mail("1;3"))))
        #expect(try await test.desk.receive(mail("1;2")) == .duplicate(100_001))
    }

    @Test("whoever knows an id cannot keep the real message away")
    func preempted() async throws {
        let test = try await TestDesk()
        _ = try await test.desk.receive(Self.mail(from: "mallory@evil.example", subject: "x", body: ""))
        #expect(isOpened(try await test.desk.receive(Self.mail())))
    }

    @Test("a program that names neither an id nor a date may say the same thing twice")
    func neither() async throws {
        let test = try await TestDesk()
        #expect(isOpened(try await test.desk.receive(Self.mail(id: nil, date: nil, traces: ["Received: by a; 1"]))))
        #expect(isOpened(try await test.desk.receive(Self.mail(id: nil, date: nil, traces: ["Received: by a; 2"]))))
        #expect(
            try await test.desk.receive(Self.mail(id: nil, date: nil, traces: ["Received: by a; 2"]))
                == .duplicate(100_002))
    }

    @Test("what was taken in under its id alone is known again, and another message of that id is not")
    func former() async throws {
        let test = try await TestDesk()
        _ = try await test.desk.receive(Self.mail())
        try await test.write { _ = try $0.db.execute("UPDATE received SET key = 'id:notice@robot.parcel.example'") }
        #expect(isOpened(try await test.desk.receive(Self.mail(body: "Another."))))
        #expect(try await test.desk.receive(Self.mail()) == .duplicate(100_001))
        // Its key is the new one from then on.
        #expect(try await test.desk.receive(Self.mail(traces: ["X-Trace: 1"])) == .duplicate(100_001))
        #expect(
            try await test.read { try $0.value("SELECT count(*) FROM received WHERE key LIKE 'id:%'", as: Int.self) }
                == 0)
    }

    @Test("a hundred deliveries of one message at once are one ticket")
    func atOnce() async throws {
        let test = try await TestDesk()
        let raw = Self.mail()
        let outcomes = await withTaskGroup(of: IntakeOutcome?.self) { group in
            for _ in 0..<100 { group.addTask { try? await test.desk.receive(raw) } }
            return await group.reduce(into: [IntakeOutcome]()) { if let outcome = $1 { $0.append(outcome) } }
        }
        #expect(outcomes.filter { $0 == .opened(100_001) }.count == 1)
        #expect(outcomes.allSatisfy { $0 == .opened(100_001) || $0 == .duplicate(100_001) })
        #expect(try await test.read { try $0.value("SELECT count(*) FROM entry", as: Int.self) } == 1)
    }

    @Test("the original goes along where a message could not be read in full, whatever else is attached")
    func original() async throws {
        let test = try await TestDesk()
        let deep = String(repeating: "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n", count: 120)
        _ = try await test.desk.receive(
            Data("From: kim@harbour.example\r\nSubject: deep\r\nMessage-ID: <d@x.example>\r\n\(deep)\r\nwords".utf8))
        let ticket = try await test.ticket(100_001)
        #expect(try await test.entries(ticket).first?.attachments.contains { $0.name == "message.eml" } == true)
    }
}
