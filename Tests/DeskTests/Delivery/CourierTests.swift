import DeskTesting
import Foundation
import Mail
import Testing

@testable import Desk
@testable import Store

@Suite("The outbox")
struct CourierTests {
    private func state(_ test: TestDesk, _ ticket: Ticket) async throws -> Delivery { try #require(try await test.read { try $0.deliveries(of: ticket.id).first }) }

    @Test("what is deferred is tried again, later each time, under the same Message-ID")
    func retries() async throws {
        let test = try await TestDesk()
        test.mail.answer(.deferred("451 later"))
        let ticket = try await test.open()
        for _ in 0..<4 {
            try await test.settle()
            test.clock.advance(hours: 0.2)
        }
        let tried = test.mail.sent.count
        #expect(tried >= 3)
        #expect(Set(test.mail.sent.map(\.message.messageID)).count == 1)
        #expect(try await state(test, ticket).state == .deferred)
        test.mail.answer(.sent)
        test.clock.advance(hours: 7)
        try await test.settle()
        #expect(try await state(test, ticket).state == .sent)
        #expect(test.mail.sent.count == tried + 1)
    }

    @Test("after three days it is given up and shown on the ticket")
    func givesUp() async throws {
        let test = try await TestDesk()
        test.mail.answer(.deferred("connection refused"))
        let ticket = try await test.open()
        for _ in 0..<30 {
            try await test.settle()
            test.clock.advance(hours: 3)
        }
        #expect(try await state(test, ticket).state == .failed)
        #expect(try await test.events(ticket).contains { $0.kind == .deliveryFailed && $0.reason.contains("connection refused") })
    }

    @Test("an unknown outcome is tried once more at the most")
    func unknown() async throws {
        let test = try await TestDesk()
        test.mail.answer(.unknown("the connection broke after the last dot"))
        let ticket = try await test.open()
        for _ in 0..<10 {
            try await test.settle()
            test.clock.advance(hours: 1)
        }
        #expect(test.mail.sent.count == 2)
        #expect(try await state(test, ticket).state == .unknown)
    }

    @Test("what a killed courier had claimed is sent again under the same Message-ID")
    func crash() async throws {
        let test = try await TestDesk()
        let ticket = try await test.open()
        _ = try await test.write { tx in try tx.db.execute("UPDATE outbox SET state = 'sending', attempts = 1, due_at = \(tx.now + 300)") }
        try await test.settle()
        #expect(test.mail.sent.isEmpty)
        test.clock.advance(hours: 0.1)
        try await test.settle()
        #expect(test.mail.sent.count == 1)
        #expect(try await state(test, ticket).state == .sent)
    }

    @Test("mails of one ticket to one address keep their order")
    func order() async throws {
        let test = try await TestDesk()
        let ada = try await test.hire("Ada")
        let ticket = try await test.open { $0.notify = false }
        for index in 0..<6 { try await test.act(on: ticket) { tx, ticket in _ = try tx.reply(to: &ticket, Writing("number \(index)", type: .text), by: Actor(ada), files: [], source: .web) } }
        try await test.settle()
        #expect(test.mail.to(TestDesk.kim).compactMap { $0.text.split(separator: "\n").first.map(String.init) } == (0..<6).map { "number \($0)" })
    }

    @Test("a picture named in a reply is shown where it stands, other files go below")
    func pictures() async throws {
        let test = try await TestDesk()
        let ada = try await test.hire("Ada")
        let ticket = try await test.open()
        let given = [
            StoredFile(hash: try test.desk.files.keep(Data("a picture".utf8)), size: 9, name: "lid & glass.png", type: "image/png"),
            StoredFile(hash: try test.desk.files.keep(Data("a paper".utf8)), size: 7, name: "paper.txt", type: "text/plain"),
        ]
        let (writing, files) = Writing.typed("Open it here:\n[lid & glass.png]\nand read <b>[paper.txt]</b>.", with: given)
        try await test.act(on: ticket) { tx, ticket in _ = try tx.reply(to: &ticket, writing, by: Actor(ada), files: files, source: .web) }
        try await test.settle()
        let mail = try #require(test.mail.to(TestDesk.kim).last { $0.text.contains("Open it here") })
        #expect(mail.text.contains("[lid & glass.png]"))
        let html = try #require(mail.html)
        let picture = try #require(mail.attachments.first { $0.name == "lid & glass.png" })
        #expect(picture.isInline && picture.bytes == Data("a picture".utf8))
        let id = try #require(picture.contentID)
        #expect(html.contains("src=\"cid:\(id)\""))
        #expect(html.contains("&lt;b&gt;[paper.txt]&lt;/b&gt;"))
        #expect(mail.attachments.first { $0.name == "paper.txt" }?.isInline == false)
        // Words without a picture's name stay plain.
        #expect(Writing.typed("See [other.png]", with: given).writing.html == nil)
    }

    @Test("a refused reply is told to its author, once")
    func refused() async throws {
        let test = try await TestDesk()
        let ada = try await test.hire("Ada")
        let ticket = try await test.open { $0.notify = false }
        test.mail.answer(.refused("550 no such mailbox"))
        try await test.act(on: ticket) { tx, ticket in _ = try tx.reply(to: &ticket, Writing("x", type: .text), by: Actor(ada), files: [], source: .web) }
        try await test.settle()
        let mails = try await test.read { try $0.deliveries(of: ticket.id) }
        #expect(mails.map(\.kind) == [.undelivered, .reply])
    }

    @Test("a stranger's text is escaped in the HTML and no placeholder in it is filled")
    func escaping() async throws {
        let test = try await TestDesk()
        _ = try await test.open("<script>alert(1)</script> {{survey.url}}", name: "<b>Kim</b>") { $0.isProved = true }
        try await test.settle()
        let mail = try #require(test.mail.sent.first?.message)
        #expect(mail.html?.contains("<script>") == false && mail.html?.contains("<b>Kim") == false)
        #expect(mail.subject.contains("{{survey.url}}"))
    }

    @Test("a text with an unknown placeholder is refused when it is saved")
    func placeholders() async throws {
        let test = try await TestDesk()
        await #expect(throws: Refusal.self) { _ = try await test.write { try $0.change(["mail_texts": ["reply": ["body": "Hello {{customer.nmae}}"]]]) } }
        _ = try await test.write { try $0.change(["mail_texts": ["acknowledgement": ["subject": "Got it [#{{ticket.number}}]", "body": "Hi {{ customer.name }}!"]]]) }
        try await test.desk.reloadSettings()
        let ticket = try await test.open { $0.isProved = true }
        try await test.settle()
        let mail = try #require(test.mail.sent.first?.message)
        #expect(mail.subject == "Got it [#\(ticket.number)]" && mail.text.contains("Hi Kim Ito!"))
    }
}
