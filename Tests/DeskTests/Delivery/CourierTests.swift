import DeskTesting
import Domain
import Foundation
import Mail
import Primitives
import Synchronization
import Testing

@testable import Desk
@testable import Store

@Suite("The outbox")
struct CourierTests {
    private func state(_ test: TestDesk, _ ticket: Ticket) async throws -> Delivery {
        try #require(try await test.read { try $0.deliveries(of: ticket.id).first })
    }

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
        #expect(
            try await test.events(ticket).contains {
                $0.kind == .deliveryFailed && $0.reason.contains("connection refused")
            })
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
        _ = try await test.write { tx in
            try tx.db.execute("UPDATE outbox SET state = 'sending', attempts = 1, due_at = \(tx.now + 300)")
        }
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
        for index in 0..<6 {
            try await test.act(on: ticket) { tx, ticket in
                _ = try tx.reply(
                    to: &ticket, Writing("number \(index)", type: .text), by: Actor(ada), files: [], source: .web)
            }
        }
        try await test.settle()
        #expect(
            test.mail.to(TestDesk.kim).compactMap { $0.text.split(separator: "\n").first.map(String.init) }
                == (0..<6).map { "number \($0)" })
    }

    @Test("a picture named in a reply is shown where it stands, other files go below")
    func pictures() async throws {
        let test = try await TestDesk()
        let ada = try await test.hire("Ada")
        let ticket = try await test.open()
        let given = [
            StoredFile(
                hash: try test.desk.files.keep(Data("a picture".utf8)), size: 9, name: "lid & glass.png",
                type: "image/png"),
            StoredFile(
                hash: try test.desk.files.keep(Data("a paper".utf8)), size: 7, name: "paper.txt", type: "text/plain"),
        ]
        let typed = Writing(typed: "Open it here:\n[lid & glass.png]\nand read <b>[paper.txt]</b>.")
        let (writing, files) = typed.placing(given)
        try await test.act(on: ticket) { tx, ticket in
            _ = try tx.reply(to: &ticket, writing, by: Actor(ada), files: files, source: .web)
        }
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
        #expect(Writing(typed: "See [other.png]").placing(given).writing.html == nil)
    }

    @Test("a refused reply is told to its author, once")
    func refused() async throws {
        let test = try await TestDesk()
        let ada = try await test.hire("Ada")
        let ticket = try await test.open { $0.notify = false }
        test.mail.answer(.refused("550 no such mailbox"))
        try await test.act(on: ticket) { tx, ticket in
            _ = try tx.reply(to: &ticket, Writing("x", type: .text), by: Actor(ada), files: [], source: .web)
        }
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
        await #expect(throws: Refusal.self) {
            _ = try await test.write { try $0.change(["mail_texts": ["reply": ["body": "Hello {{customer.nmae}}"]]]) }
        }
        _ = try await test.write {
            try $0.change([
                "mail_texts": [
                    "acknowledgement": ["subject": "Got it [#{{ticket.number}}]", "body": "Hi {{ customer.name }}!"]
                ]
            ])
        }
        try await test.desk.reloadSettings()
        let ticket = try await test.open { $0.isProved = true }
        try await test.settle()
        let mail = try #require(test.mail.sent.first?.message)
        #expect(mail.subject == "Got it [#\(ticket.number)]" && mail.text.contains("Hi Kim Ito!"))
    }

    // MARK: servers and recipients that are slow or refuse

    @Test("a relay that makes us wait for one recipient delays nobody else")
    func tarpit() async throws {
        let test = try await TestDesk()
        let mailer = SlowMailer(slow: "tarpit.example")
        for index in 0..<6 { _ = try await test.open("slow \(index)", from: "c\(index)@tarpit.example") }
        for index in 0..<40 { _ = try await test.open("quick \(index)", from: "c\(index)@harbour\(index % 9).example") }
        let courier = Courier(desk: test.desk, mailer: mailer, slow: 0.05)
        let running = Task { try await courier.run() }
        for _ in 0..<400 where mailer.sent.count < 40 { try await Task.sleep(for: .milliseconds(25)) }
        #expect(mailer.sent.count == 40)
        #expect(mailer.waiting == 4)
        mailer.release()
        for _ in 0..<400 where mailer.sent.count < 46 { try await Task.sleep(for: .milliseconds(25)) }
        #expect(mailer.sent.count == 46 && Set(mailer.sent).count == 46)
        running.cancel()
        _ = try? await running.value
    }

    @Test("what a server, a domain and an address get at once", arguments: [true, false])
    func lanes(isSlow: Bool) {
        func lane(_ index: Int, domain: String? = nil, server: Int64 = 0, most: Int? = nil) -> SendingLanes.Lane {
            SendingLanes.Lane(server: server, address: "c\(index)@\(domain ?? "d\(index).example")", mostOfServer: most)
        }
        var load = SendingLanes.Load()
        for index in 0..<8 { load.count(lane(index), isSlow: isSlow) }
        // The desk's own server goes on when those on their way are slow; a mailbox's has a limit of its provider's.
        #expect(load.take(lane(9)) == isSlow)
        #expect(load.fullServers == (isSlow ? [] : [0]))
        for index in 0..<2 { load.count(lane(index, domain: "\(index).example", server: 7, most: 2), isSlow: isSlow) }
        let (eleven, twelve) = (load.take(lane(11, server: 7, most: 2)), load.take(lane(12, server: 8, most: 2)))
        #expect(!eleven && twelve)
        var other = SendingLanes.Load()
        let ofDomain = (0..<6).filter { other.take(lane($0, domain: "one.example")) }.count
        #expect(ofDomain == 4 && other.fullDomains == ["one.example"])
        var third = SendingLanes.Load()
        let ofAddress = (0..<4).filter { _ in third.take(lane(1)) }.count
        #expect(ofAddress == 2)
    }

    @Test(
        """
        a server that takes nothing from us loses no mail, is tried one mail at a time, and all is sent when it \
        takes one
        """
    )
    func serverTrouble() async throws {
        let test = try await TestDesk()
        test.mail.answer(.serverTrouble("554 5.7.1 your address is listed"))
        for index in 0..<5 { _ = try await test.open("request \(index)", from: "c\(index)@harbour\(index).example") }
        let courier = Courier(desk: test.desk, mailer: test.mail)
        for _ in 0..<60 {
            while try await courier.tick() > 0 {}
            test.clock.advance(hours: 1.0 / 60)
        }
        #expect(
            try await test.read { try $0.value("SELECT count(*) FROM outbox WHERE state = 'failed'", as: Int.self) }
                == 0)
        let failing = try await test.read { try $0.failingMailServers() }
        #expect(failing.count == 1 && failing[0].mailbox == nil && failing[0].error.contains("listed"))
        let tries = test.mail.sent.count
        #expect((40...70).contains(tries), "\(tries) tries in an hour")
        test.mail.answer(.sent)
        test.clock.advance(hours: 1.0 / 50)
        while try await courier.tick() > 0 {}
        #expect(
            try await test.read { try $0.value("SELECT count(*) FROM outbox WHERE state = 'sent'", as: Int.self) } == 5)
        #expect(try await test.read { try $0.failingMailServers() } == [])
    }

    @Test("greylisted mail keeps its own time when others are sent")
    func greylisted() async throws {
        let test = try await TestDesk()
        let courier = Courier(desk: test.desk, mailer: test.mail)
        test.mail.answer(.deferred("451 4.7.1 greylisted"))
        let first = try await test.open()
        _ = try await courier.tick()
        test.mail.answer(.sent)
        _ = try await test.open("another", from: "lee@corner.example")
        while try await courier.tick() > 0 {}
        #expect(try await state(test, first).state == .deferred)
        #expect(test.mail.sent.count == 2)
    }

    @Test(
        """
        a refusal for a reason of policy is the recipient's when the server takes other mail, and ours when it \
        refuses all
        """
    )
    func policy() async throws {
        let alone = try await TestDesk()
        let courier = Courier(desk: alone.desk, mailer: alone.mail)
        alone.mail.answer(.refusedByPolicy("550 5.7.1 not allowed to write to this group"))
        let group = try await alone.open()
        _ = try await courier.tick()
        #expect(try await state(alone, group).state == .deferred)
        alone.mail.answer(.sent)
        _ = try await alone.open("another", from: "lee@corner.example")
        _ = try await courier.tick()
        alone.mail.answer(.refusedByPolicy("550 5.7.1 not allowed to write to this group"))
        alone.clock.advance(hours: 0.1)
        _ = try await courier.tick()
        #expect(try await state(alone, group).state == .failed)

        let all = try await TestDesk()
        let other = Courier(desk: all.desk, mailer: all.mail)
        all.mail.answer(.refusedByPolicy("554 5.7.1 blocked using a list"))
        for index in 0..<3 { _ = try await all.open("request \(index)", from: "c\(index)@harbour\(index).example") }
        for _ in 0..<40 {
            while try await other.tick() > 0 {}
            all.clock.advance(hours: 0.1)
        }
        #expect(
            try await all.read { try $0.value("SELECT count(*) FROM outbox WHERE state = 'failed'", as: Int.self) } == 0
        )
        #expect(try await all.read { try $0.failingMailServers() }.count == 1)
    }

    @Test("what a dead courier had in its hands is put back, what a living one has is not")
    func abandoned() async throws {
        let test = try await TestDesk()
        let ticket = try await test.open()
        _ = try await test.write { tx in
            try tx.db.execute(
                "UPDATE outbox SET state = 'sending', claim = 'dead', attempts = 1, due_at = \(tx.now + 300)")
        }
        let courier = Courier(desk: test.desk, mailer: test.mail)
        if test.desk.database.dialect == .postgres {
            let lock = try #require(await test.desk.database.lock("usher courier dead"))
            let free = try await courier.putBackAbandoned(["dead"])
            #expect(free == [])
            #expect(try await state(test, ticket).state == .sending)
            await lock.release()
            // Free once may be a courier that lost its line and takes its name again.
            #expect(try await courier.putBackAbandoned() == ["dead"])
            #expect(try await state(test, ticket).state == .sending)
        }
        _ = try await courier.putBackAbandoned(["dead"])
        #expect(try await state(test, ticket).state == .queued)
        while try await courier.tick() > 0 {}
        #expect(test.mail.sent.count == 1)
    }

    @Test("a notice to an agent who was deactivated meanwhile does not leave")
    func deactivated() async throws {
        let test = try await TestDesk()
        let (ada, ben) = (try await test.hire("Ada"), try await test.hire("Ben"))
        let ticket = try await test.open { $0.notify = false }
        try await test.act(on: ticket) { tx, ticket in
            try tx.send(.assigned, to: [ada, ben], about: ticket, by: .timer)
        }
        _ = try await test.write { try $0.db.execute("UPDATE agent SET is_active = 0 WHERE id = \(ada.id)") }
        try await test.settle()
        #expect(test.mail.to("ada@desk.example").isEmpty && test.mail.to("ben@desk.example").count == 1)
        #expect(
            try await test.read { try $0.deliveries(of: ticket.id) }.first { $0.address == "ada@desk.example" }?.state
                == .cancelled)
    }

    @Test("an attempt that the program's end broke off does not count and is due at once")
    func interrupted() async throws {
        let test = try await TestDesk()
        test.mail.answer(.interrupted)
        let ticket = try await test.open()
        let courier = Courier(desk: test.desk, mailer: test.mail)
        _ = try await courier.tick()
        let delivery = try await state(test, ticket)
        #expect(delivery.state == .queued && delivery.attempts == 0 && delivery.nextAttemptAt == test.clock.now())
    }
}

/// A mail server that answers at once, but for one domain only when it is told to.
private final class SlowMailer: Mailer {
    private let domain: String
    private let state = Mutex((sent: [String](), waiting: [CheckedContinuation<Void, Never>](), isOpen: false))
    init(slow domain: String) { self.domain = domain }
    var hasOwnServer: Bool { true }
    var sent: [String] { state.withLock { $0.sent } }
    var waiting: Int { state.withLock { $0.waiting.count } }

    func send(_ message: Data, from sender: String, to recipient: String, through server: MailServer?) async
        -> SMTPOutcome
    {
        if recipient.hasSuffix(domain) {
            await withCheckedContinuation { continuation in
                let goesOn = state.withLock { state in
                    if !state.isOpen { state.waiting.append(continuation) }
                    return state.isOpen
                }
                if goesOn { continuation.resume() }
            }
        }
        state.withLock { $0.sent.append(recipient) }
        return .sent
    }
    func release() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for one in waiting { one.resume() }
    }
}
