import DeskTesting
import Domain
import Foundation
import Mail
import Primitives
import Testing

@testable import Desk
@testable import Store

/// A mail's From and further fields, and for whom it opens a ticket.
struct Sent: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let from: String
    let headers: [String]
    let requester: String
    var name: String?

    static let claimed: [Sent] = [
        Sent(
            testDescription: "a form behind no-reply", from: "Harbour shop <noreply@shop.example>",
            headers: ["Reply-To: Mia Berg <mia@customer.example>"], requester: "mia@customer.example", name: "Mia Berg"),
        Sent(
            testDescription: "no.reply with dots", from: "no.reply@shop.example",
            headers: ["Reply-To: mia@customer.example"], requester: "mia@customer.example", name: ""),
        Sent(
            testDescription: "wordpress", from: "WordPress <wordpress@shop.example>",
            headers: ["Reply-To: mia@customer.example"], requester: "mia@customer.example"),
        Sent(
            testDescription: "a contact form", from: "Kontakt <kontaktformular@shop.example>",
            headers: ["Reply-To: mia@customer.example"], requester: "mia@customer.example"),
        Sent(
            testDescription: "a script that PHP names", from: "Harbour shop <info@shop.example>",
            headers: ["X-PHP-Originating-Script: 1000:class.php", "Reply-To: Mia Berg <mia@customer.example>"],
            requester: "mia@customer.example", name: "Mia Berg"),
        Sent(
            testDescription: "another address of the desk's domain", from: "Website <info@desk.example>",
            headers: ["Reply-To: Mia Berg <mia@customer.example>"], requester: "mia@customer.example",
            name: "Mia Berg"),
        Sent(
            testDescription: "Mailman's munged From, answers to the list",
            from: "Kim Ito via Users <users@lists.example>",
            headers: [
                "Reply-To: users@lists.example", "Cc: Ben <ben@customer.example>, Kim Ito <kim@customer.example>",
                "List-Post: <mailto:users@lists.example>", "List-Id: Users <users.lists.example>",
            ], requester: "kim@customer.example", name: "Kim Ito"),
        Sent(
            testDescription: "auto-generated with a person to answer", from: "crm@shop.example",
            headers: ["Auto-Submitted: auto-generated", "Reply-To: mia@customer.example"],
            requester: "mia@customer.example"),
        Sent(
            testDescription: "X-Auto-Response-Suppress with a person to answer", from: "crm@shop.example",
            headers: ["X-Auto-Response-Suppress: All", "Reply-To: mia@customer.example"],
            requester: "mia@customer.example"),
        Sent(
            testDescription: "our own address", from: "Site <support@desk.example>",
            headers: ["Reply-To: mia@customer.example"], requester: "mia@customer.example"),
        Sent(
            testDescription: "a Google group", from: "\"'Kim Ito' via Support\" <support@desk.example>",
            headers: [
                "Reply-To: Kim Ito <kim@customer.example>", "X-Original-Sender: kim@customer.example",
                "X-Original-From: Kim Ito <kim@customer.example>", "Precedence: list",
                "List-ID: <support.desk.example>",
            ],
            requester: "kim@customer.example", name: "Kim Ito"),
        Sent(
            testDescription: "a Google group without Reply-To",
            from: "\"'Kim Ito' via Support\" <support@desk.example>",
            headers: ["X-Original-Sender: kim@customer.example", "List-ID: <support.desk.example>"],
            requester: "kim@customer.example", name: "Kim Ito"),
        Sent(
            testDescription: "Mailman's munged From", from: "Kim Ito via Users <users@lists.example>",
            headers: [
                "Reply-To: Kim Ito <kim@customer.example>, users@lists.example",
                "List-Post: <mailto:users@lists.example>", "List-Id: Users <users.lists.example>",
            ], requester: "kim@customer.example", name: "Kim Ito"),
        Sent(
            testDescription: "groups.io", from: "Kim via groups.io <kim=customer.example@groups.io>",
            headers: ["List-Id: <main.groups.io>"], requester: "kim@customer.example", name: "Kim"),
    ]

    static let own: [Sent] = [
        Sent(
            testDescription: "a person who wishes answers elsewhere", from: "Mallory <mallory@evil.example>",
            headers: ["Reply-To: boss@corp.example"], requester: "mallory@evil.example"),
        Sent(
            testDescription: "a list that keeps From", from: "ada@harbour.example",
            headers: ["Reply-To: list@lists.example", "List-Id: <list.lists.example>"], requester: "ada@harbour.example"
        ),
        Sent(
            testDescription: "no-reply without anybody else", from: "noreply@shop.example", headers: [],
            requester: "noreply@shop.example"),
        Sent(
            testDescription: "no-reply whose Reply-To is no-reply too", from: "noreply@shop.example",
            headers: ["Reply-To: do-not-reply@shop.example"], requester: "noreply@shop.example"),
        Sent(
            testDescription: "an out-of-office answer", from: "kim@customer.example",
            headers: ["Auto-Submitted: auto-replied", "Reply-To: other@customer.example"],
            requester: "kim@customer.example"),
        Sent(
            testDescription: "a form that answers to us", from: "forms@shop.example",
            headers: ["Reply-To: support@desk.example"], requester: "forms@shop.example"),
        Sent(
            testDescription: "two people to answer", from: "forms@shop.example",
            headers: ["Reply-To: a@x.example, b@x.example"], requester: "forms@shop.example"),
    ]
}

/// What a service of forms sends of a visitor's words, in forms nobody listed.
struct FormService: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let from: String
    let replyTo: String
    var text = "Hello, my name is Zoe, please call me."
    var headers: [String] = []

    static let services: [FormService] = [
        FormService(
            testDescription: "named like its domain", from: "Inkwell <form-submission@inkwell.example>",
            replyTo: "Zoe Lind <zoe@visitor.example>"),
        FormService(
            testDescription: "without a name", from: "formresponses@pages.example",
            replyTo: "Zoe Lind <zoe@visitor.example>"),
        FormService(
            testDescription: "a domain within its own", from: "Quill Forms <followups@followups.quillforms.example>",
            replyTo: "Zoe <z.lind@visitor.example>"),
        FormService(
            testDescription: "the visitor's name before the service's address",
            from: "Zoe Lind <submissions@postbox.example>",
            replyTo: "zoe@visitor.example",
            text: "Name: Zoe Lind\nE-Mail: zoe@visitor.example\nNachricht: Die Pumpe tropft."),
        FormService(
            testDescription: "fields below a title, in a language nobody lists",
            from: "Lomake <lomakkeet@palvelu.example>",
            replyTo: "zoe@visitor.example",
            text: "Uusi viesti\n\nNimi: Zoe\nSähköposti: zoe@visitor.example\nViesti: vuotaa"),
        FormService(
            testDescription: "the address among the words", from: "hello@harbour-shop.example",
            replyTo: "zoe@visitor.example", text: "zoe@visitor.example asks: where is my order?"),
    ]

    static let people: [FormService] = [
        FormService(
            testDescription: "two mailboxes of one person", from: "Zoe Lind <zoe@work.example>",
            replyTo: "Zoe <zoe@home.example>"),
        FormService(
            testDescription: "without a name", from: "zoe.lind@work.example", replyTo: "Zoe Lind <zlind@home.example>"),
        FormService(testDescription: "an initial", from: "z.lind@work.example", replyTo: "zoe@home.example"),
        FormService(
            testDescription: "somebody else's name", from: "Ada Noor <ada@work.example>",
            replyTo: "Zoe Lind <zoe@home.example>"),
        FormService(
            testDescription: "a signature with fields", from: "Zoe Lind <office@smallfirm.example>",
            replyTo: "zoe@home.example",
            text: "Hello,\n\nthe pump leaks.\n\nZoe\nE-Mail: zoe@home.example\nTel: 040 123 456"),
        FormService(
            testDescription: "two domains of one firm", from: "Harbour <office@harbour.example>",
            replyTo: "Zoe Lind <zoe@mail.harbour.test>"),
        FormService(
            testDescription: "an answer", from: "Harbour <office@harbour.example>",
            replyTo: "Zoe Lind <zoe@other.example>",
            headers: ["In-Reply-To: <1@elsewhere.example>"]),
        FormService(
            testDescription: "nobody the words speak of", from: "Harbour <office@harbour.example>",
            replyTo: "Zoe Lind <zoe@other.example>", text: "The pump leaks."),
    ]
}

/// For whom a mail opens a ticket, and what an agent sees of who really sent it.
@Suite("Requester")
struct RequesterTests {
    @Test("who wrote is the requester, and who sent it is shown", arguments: Sent.claimed)
    func inTheirName(_ one: Sent) async throws {
        let test = try await TestDesk()
        guard
            case .opened(let number) = try await test.receive(
                from: one.from, headers: one.headers + ["Cc: eve@evil.example"])
        else { return #expect(Bool(false)) }
        let ticket = try await test.ticket(number)
        #expect(ticket.requesterAddress == one.requester)
        if let name = one.name { #expect(ticket.requesterName == name) }
        let sent = try #require(try await test.entries(ticket).first?.provenance.sentBy?.from)
        #expect(one.from.contains(sent.address))
        // Nobody is brought in on such a word.
        #expect(try await test.read { try $0.collaborators(of: ticket.id) }.isEmpty)
    }

    @Test("a person who writes is the requester", arguments: Sent.own)
    func themselves(_ one: Sent) async throws {
        let test = try await TestDesk()
        guard case .opened(let number) = try await test.receive(from: one.from, headers: one.headers) else {
            return #expect(Bool(false))
        }
        #expect(try await test.ticket(number).requesterAddress == one.requester)
    }

    private static func opened(_ service: FormService, in test: TestDesk) async throws -> Ticket? {
        let head =
            ["From: \(service.from)", "Reply-To: \(service.replyTo)", "To: support@desk.example", "Subject: Contact"]
            + service.headers + ["Content-Type: text/plain; charset=utf-8", "", service.text]
        guard
            case .opened(let number) = try await test.desk.receive(
                Data(head.joined(separator: "\r\n").utf8), sender: .unknown)
        else { return nil }
        return try await test.ticket(number)
    }

    @Test("the visitor of a form is the requester, whoever runs the form", arguments: FormService.services)
    func visitors(_ service: FormService) async throws {
        let test = try await TestDesk()
        let ticket = try #require(try await Self.opened(service, in: test))
        #expect(service.replyTo.contains(ticket.requesterAddress))
        let sent = try #require(try await test.entries(ticket).first?.provenance.sentBy?.from)
        #expect(service.from.contains(sent.address), "agents see who sent it")
    }

    @Test("a person whose answers go to another mailbox stays the requester", arguments: FormService.people)
    func people(_ service: FormService) async throws {
        let test = try await TestDesk()
        let ticket = try #require(try await Self.opened(service, in: test))
        #expect(service.from.contains(ticket.requesterAddress))
    }

    @Test("Sender, Reply-To and a foreign envelope are shown, and nothing where all agree")
    func shown() async throws {
        let test = try await TestDesk()
        func sentBy(_ headers: [String], envelope: String? = nil) async throws -> SentBy? {
            let lines =
                ["From: Kim <kim@harbour.example>", "To: support@desk.example", "Message-ID: <\(UUID().uuidString)@x>"]
                + headers + ["", "words"]
            guard
                case .opened(let number) = try await test.desk.receive(
                    Data(lines.joined(separator: "\r\n").utf8), sender: EnvelopeSender(envelope))
            else { return nil }
            return try await test.entries(test.ticket(number)).first?.provenance.sentBy
        }
        #expect(try await sentBy([], envelope: "kim@harbour.example") == nil)
        #expect(try await sentBy([], envelope: "bounce-77@mail.harbour.example") == nil)
        #expect(try await sentBy([], envelope: "mallory@evil.example")?.envelope == "mallory@evil.example")
        #expect(try await sentBy(["Sender: Desk <office@corp.example>"])?.sender?.address == "office@corp.example")
        #expect(try await sentBy(["Reply-To: boss@corp.example"])?.replyTo == "boss@corp.example")
    }

    @Test("the requester can be changed: the former one has no part, no link and no mail any more")
    func changed() async throws {
        let test = try await TestDesk()
        let ada = try await test.hire("Ada")
        let ticket = try await test.open()
        try await test.settle()
        let old = LinkToken(ticket: ticket.id, customer: ticket.customer)
        let kims = try #require(test.mail.to(TestDesk.kim).first)
        _ = try await test.read { try $0.linked(old) }
        let mia = try #require(MailAddress(name: "Mia Berg", "mia@customer.example"))
        try await test.act(on: ticket) { tx, ticket in
            _ = try tx.reply(to: &ticket, Writing("For Kim", type: .text), by: Actor(ada), files: [], source: .web)
            try tx.setRequester(mia, of: &ticket, by: Actor(ada))
        }
        let after = try await test.ticket(ticket.number)
        #expect(after.requesterAddress == "mia@customer.example" && after.requesterName == "Mia Berg")
        let event = try #require(try await test.events(ticket).first { $0.kind == .requesterChanged })
        #expect(event.dataText.contains("kim@harbour.example") && event.actor == Actor(ada))
        await #expect(throws: Refusal.notFound) { _ = try await test.read { try $0.linked(old) } }
        // The answer that waited is not sent to the former one, and what that one writes is a stranger's.
        try await test.settle()
        #expect(test.mail.to(TestDesk.kim).count == 1)
        #expect(try await test.receive(from: TestDesk.kim, inReplyTo: kims.messageID) == .added(ticket.number))
        #expect(try await test.entries(ticket).last?.author.isStranger == true)
        try await test.act(on: ticket) { tx, ticket in
            _ = try tx.reply(to: &ticket, Writing("For Mia", type: .text), by: Actor(ada), files: [], source: .web)
        }
        try await test.settle()
        #expect(test.mail.to("mia@customer.example").count == 1)
        #expect(test.mail.to(TestDesk.kim).count == 1)
        let found = try await test.read {
            try $0.count(
                TicketList(
                    query: TicketQuery("from:mia@customer.example", now: test.clock.now()), asker: .desk, order: .newest
                ), atMost: 10)
        }
        #expect(found == 1)
    }

    @Test(
        "the former requester stays as a collaborator where that is wished, and a collaborator can become the requester"
    )
    func kept() async throws {
        let test = try await TestDesk()
        let ada = try await test.hire("Ada")
        let ticket = try await test.open()
        let mia = try #require(MailAddress("mia@customer.example"))
        try await test.act(on: ticket) { tx, ticket in
            try tx.addCollaborator(mia, to: ticket, by: Actor(ada))
            try tx.setRequester(mia, keepsFormer: true, of: &ticket, by: Actor(ada))
        }
        #expect(try await test.read { try $0.collaborators(of: ticket.id).map(\.address) } == [TestDesk.kim])
        #expect(
            try await test.read { try $0.linked(LinkToken(ticket: ticket.id, customer: ticket.customer)).living.id }
                == ticket.id)
        // The same once more changes nothing.
        try await test.act(on: ticket) { tx, ticket in try tx.setRequester(mia, of: &ticket, by: Actor(ada)) }
        #expect(try await test.events(ticket).filter { $0.kind == .requesterChanged }.count == 1)
    }
}
