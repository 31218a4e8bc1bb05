import DeskTesting
import Domain
import Foundation
import Mail
import Primitives
import Testing

@testable import Desk
@testable import Store

/// An answer reaches its ticket and its agents, whatever marks it carries on the way.
@Suite("Answers")
struct AnswerTests {
    private struct Scene {
        let test: TestDesk
        let ada: Agent
        let ticket: Ticket
        let kims: IncomingMessage
    }

    private func solved() async throws -> Scene {
        let test = try await TestDesk()
        let ada = try await test.hire("Ada")
        let ticket = try await test.open()
        try await test.act(on: ticket) { tx, ticket in
            try tx.claim(&ticket, by: ada)
            try tx.resolve(&ticket, by: Actor(ada), solution: Writing("Clean the glass.", type: .text), source: .web)
        }
        try await test.settle()
        return Scene(test: test, ada: ada, ticket: ticket, kims: try #require(test.mail.to(TestDesk.kim).last))
    }

    @Test(
        "marks of lists and programs silence the desk towards the sender, never towards the agents",
        arguments: [
            ["List-Id: <support.desk.example>", "Precedence: list"], ["Precedence: bulk"],
            ["X-Auto-Response-Suppress: All"], ["Auto-Submitted: auto-generated"],
            ["List-Unsubscribe: <mailto:x@y.example>"], ["Precedence: junk"],
        ])
    func heard(headers: [String]) async throws {
        let scene = try await solved()
        let before = scene.test.mail.to(scene.ada.email).count
        #expect(
            try await scene.test.receive(
                from: TestDesk.kim, to: try #require(scene.kims.replyTo.first).address, headers: headers,
                body: "It is still white.") == .added(scene.ticket.number))
        #expect(try await scene.test.ticket(scene.ticket.number).state == .open)
        try await scene.test.settle()
        #expect(scene.test.mail.to(scene.ada.email).count == before + 1)
    }

    @Test("a subject in the form of a program's counts where it repeats ours, and never alone")
    func awaySubjects() async throws {
        for (subject, state) in [
            ("Out of Office: Re: Scanner is white [#NUMBER]", TicketState.resolved),
            ("Automatische Antwort: Re: Scanner is white [#NUMBER]", .resolved),
            ("Abwesend: am Dienstag geht es nicht", .open), ("Abwesend: am Dienstag [#NUMBER]", .open),
            ("Automatic reply: does not work", .open),
        ] {
            let scene = try await solved()
            let number = scene.ticket.number
            #expect(
                try await scene.test.receive(
                    from: TestDesk.kim, subject: subject.replacingOccurrences(of: "NUMBER", with: String(number)),
                    to: try #require(scene.kims.replyTo.first).address, inReplyTo: scene.kims.messageID,
                    body: "On Tuesday I am not there, please come on Wednesday.")
                    == .added(number))
            #expect(try await scene.test.ticket(number).state == state, "\(subject)")
        }
    }

    @Test("an answer through a group that rewrites From is its writer's")
    func group() async throws {
        let scene = try await solved()
        let headers = [
            "X-Original-From: Kim Ito <\(TestDesk.kim)>", "Reply-To: Kim Ito <\(TestDesk.kim)>",
            "List-Id: <support.desk.example>", "Precedence: list",
        ]
        #expect(
            try await scene.test.receive(
                from: "\"'Kim Ito' via Support\" <support@desk.example>", inReplyTo: scene.kims.messageID,
                headers: headers) == .added(scene.ticket.number))
        #expect(try await scene.test.entries(scene.ticket).last?.author.address == TestDesk.kim)
        #expect(try await scene.test.ticket(scene.ticket.number).state == .open)
    }

    @Test(
        "who answers the own first mail lands in the same ticket",
        arguments: ["In-Reply-To: <first@harbour.example>", "References: <other@x.example> <first@harbour.example>"])
    func ownFirst(header: String) async throws {
        let test = try await TestDesk()
        let first =
            """
            From: Kim <kim@harbour.example>\r\nTo: support@desk.example\r\nCc: Lee \
            <lee@harbour.example>, ann@harbour.example\r\nMessage-ID: \
            <first@harbour.example>\r\nSubject: Pump\r\n\r\nIt leaks.
            """
        guard case .opened(let number) = try await test.desk.receive(Data(first.utf8)) else {
            return #expect(Bool(false))
        }
        #expect(
            try await test.receive(from: "kim@harbour.example", subject: "Re: Pump", headers: [header])
                == .added(number))
        #expect(
            try await test.receive(from: "lee@harbour.example", subject: "Re: Pump", headers: [header])
                == .added(number))
        let ticket = try await test.ticket(number)
        #expect(try await test.entries(ticket).last?.provenance.isUnverified == true)
        // Whoever knows the id and takes no part in it opens a ticket of their own.
        guard
            case .opened(let other) = try await test.receive(
                from: "mallory@evil.example", subject: "Re: Pump", headers: [header])
        else { return #expect(Bool(false)) }
        #expect(other != number)
        // So does who was taken out.
        let ann = try #require(MailAddress("ann@harbour.example"))
        try await test.act(on: ticket) { tx, ticket in try tx.removeCollaborator(ann, from: ticket, by: .routing) }
        guard case .opened = try await test.receive(from: "ann@harbour.example", subject: "Re: Pump", headers: [header])
        else { return #expect(Bool(false)) }
    }

    @Test("an answer folds what the ticket holds, and shows what it passes on of others")
    func history() async throws {
        let scene = try await solved()
        let address = try #require(scene.kims.replyTo.first).address
        func shown(_ body: String) async throws -> (new: String, quoted: String?) {
            _ = try await scene.test.receive(
                from: TestDesk.kim, to: address, headers: ["Content-Type: text/plain; charset=utf-8"], body: body)
            let entry = try #require(try await scene.test.entries(scene.ticket).last)
            return (entry.text, entry.quoted)
        }
        let plumber = "On Mon, 2 Nov 2026 at 10:00, Plumber <p@plumb.example> wrote:\n\n> Part 88-A is broken."
        let passedOn = try await shown("He says:\n\n\(plumber)")
        #expect(passedOn.new.contains("88-A") && passedOn.quoted == nil)
        // Now the desk holds the plumber's words.
        let again = try await shown("And?\n\n\(plumber)")
        #expect(again.new == "And?" && again.quoted?.contains("88-A") == true)
        let desks = try await shown("Still white.\n\n> Clean the glass.")
        #expect(desks.new == "Still white.")
        let shell = try await shown("The shell says:\n\n> make\n> error 7")
        #expect(shell.new.contains("error 7") && shell.quoted == nil)
    }

    @Test("an id that a program writes on everything threads nothing together")
    func emptyIdentifier() async throws {
        let test = try await TestDesk()
        _ = try await test.desk.receive(
            Data(
                "From: kim@harbour.example\r\nMessage-ID: <@>\r\nDate: Tue, 24 Nov 2026 09:00:00 +0000\r\n\r\nfirst"
                    .utf8))
        guard case .opened = try await test.receive(from: "kim@harbour.example", headers: ["In-Reply-To: <@>"]) else {
            return #expect(Bool(false))
        }
    }

    @Test("an answer to an agent's own mail program's copy lands as well")
    func agentsCopy() async throws {
        let scene = try await solved()
        let adas = try #require(scene.test.mail.to(scene.ada.email).last ?? scene.kims)
        _ = adas
        let token = MailToken(ticket: scene.ticket.id, recipient: .agent(scene.ada.id)).text(
            scene.test.desk.office.signer)
        let raw =
            """
            From: \(scene.ada.email)\r\nTo: support+\(token)@desk.example, \(TestDesk.kim)\r\nMessage-ID: \
            <agents@desk.example>\r\nSubject: Re: x\r\n\r\nTry this.
            """
        #expect(try await scene.test.desk.receive(Data(raw.utf8)) == .added(scene.ticket.number))
        #expect(
            try await scene.test.receive(from: TestDesk.kim, inReplyTo: "agents@desk.example")
                == .added(scene.ticket.number))
    }

    @Test(
        "nobody reads no-reply, lists and mail systems: they never take part",
        arguments: [
            "noreply@harbour.example", "no-reply@harbour.example", "do_not_reply@harbour.example",
            "MAILER-DAEMON@harbour.example", "users-bounces@lists.example", "support+abc@desk.example",
            "owner-users@lists.example",
        ])
    func unattended(address: String) async throws {
        let test = try await TestDesk()
        guard
            case .opened(let number) = try await test.receive(
                from: TestDesk.kim, headers: ["Cc: \(address), lee@harbour.example"])
        else { return #expect(Bool(false)) }
        let ticket = try await test.ticket(number)
        #expect(try await test.read { try $0.collaborators(of: ticket.id).map(\.address) } == ["lee@harbour.example"])
    }

    @Test("where the mail does not name us, nobody it names is brought in")
    func alias() async throws {
        let test = try await TestDesk()
        guard
            case .opened(let number) = try await test.receive(
                from: TestDesk.kim, to: "everyone@harbour.example", headers: ["Cc: lee@harbour.example"])
        else { return #expect(Bool(false)) }
        let ticket = try await test.ticket(number)
        #expect(try await test.read { try $0.collaborators(of: ticket.id) }.isEmpty)
    }

    @Test("thirty answers within seconds are two mails to the agent, of which the second shows the newest")
    func burst() async throws {
        let scene = try await solved()
        let address = try #require(scene.kims.replyTo.first).address
        _ = try await scene.test.receive(from: TestDesk.kim, to: address, body: "Back again.")
        try await scene.test.settle()
        let before = scene.test.mail.to(scene.ada.email).count
        for index in 0..<30 {
            _ = try await scene.test.receive(from: TestDesk.kim, to: address, body: "Part \(index).")
            try await scene.test.settle()
        }
        #expect(scene.test.mail.to(scene.ada.email).count == before + 1)
        scene.test.clock.advance(hours: 0.02)
        try await scene.test.settle()
        let mails = scene.test.mail.to(scene.ada.email)
        #expect(mails.count == before + 2)
        #expect(mails.last?.text.contains("Part 29.") == true && mails.last?.text.contains("29 new messages") == true)
        // Quiet again, the next one goes at once.
        scene.test.clock.advance(hours: 0.1)
        _ = try await scene.test.receive(from: TestDesk.kim, to: address, body: "Later.")
        try await scene.test.settle()
        #expect(scene.test.mail.to(scene.ada.email).count == before + 3)
    }

    @Test("another notice does not wait behind those that are joined")
    func overtaken() async throws {
        let scene = try await solved()
        let address = try #require(scene.kims.replyTo.first).address
        for index in 0..<4 {
            _ = try await scene.test.receive(from: TestDesk.kim, to: address, body: "Part \(index).")
            try await scene.test.settle()
        }
        let ada = scene.ada
        let before = scene.test.mail.to(ada.email).count
        try await scene.test.write { tx in
            try tx.send(
                .overdue, to: [ada], about: try tx.db.ticket(scene.ticket.id), by: .timer, data: ["reason": "late"])
        }
        try await scene.test.settle()
        #expect(scene.test.mail.to(ada.email).count == before + 2)
    }
}

/// What a link shows, and that nothing widens it.
@Suite("Links")
struct LinkTests {
    private func guest() async throws -> (TestDesk, Agent, Ticket, LinkToken) {
        let test = try await TestDesk()
        let ada = try await test.hire("Ada")
        let ticket = try await test.open("From the form", body: "Typed into the form") { request in
            request.source = .web
            request.provenance.isUnverified = true
        }
        return (test, ada, ticket, LinkToken(ticket: ticket.id, customer: ticket.customer, isGuest: true))
    }
    private func shown(_ token: LinkToken, _ test: TestDesk) async throws -> [String] {
        try await test.read { db in try db.conversation(db.linked(token), limit: 50).map(\.text) }
    }

    @Test(
        """
        a guest sees the guest's own words, never an answer or what came by mail in that name; the mailed link \
        shows all
        """
    )
    func ownWords() async throws {
        let (test, ada, ticket, guest) = try await guest()
        try await test.settle()
        let mailed = try #require(test.mail.to(TestDesk.kim).first)
        try await test.act(on: ticket) { tx, ticket in
            _ = try tx.reply(
                to: &ticket, Writing("Your code is 4711", type: .text), by: Actor(ada), files: [], source: .web)
        }
        _ = try await test.receive(
            from: TestDesk.kim, to: try #require(mailed.replyTo.first).address, body: "My own words")
        _ = try await test.receive(from: TestDesk.kim, subject: "[#\(ticket.number)]", body: "More of my own")
        #expect(try await shown(guest, test) == ["Typed into the form"])
        let whole = LinkToken(ticket: ticket.id, customer: ticket.customer)
        #expect(try await shown(whole, test).count == 4)
        // Neither kind of token can be made of the other.
        let signer = test.desk.office.signer
        #expect(LinkToken(guest.text(signer), signer: signer) == guest)
        #expect(LinkToken(whole.text(signer), signer: signer) == whole)
        #expect(LinkToken(guest.text(signer).replacingOccurrences(of: "-guest", with: ""), signer: signer) == nil)
    }

    @Test("a merge widens no link, not a guest's and not another customer's")
    func merge() async throws {
        let (test, ada, ticket, guest) = try await guest()
        let real = try await test.open("The real one", body: "Kim's own secret")
        let lees = try await test.open("Lee's", body: "From Lee", from: "lee@corner.example", name: "Lee")
        for from in [ticket, lees] {
            try await test.act(on: from) { tx, ticket in
                try tx.merge(&ticket, into: try tx.db.ticket(real.id), by: Actor(ada))
            }
        }
        #expect(try await shown(guest, test) == ["Typed into the form"])
        #expect(try await test.read { try $0.linked(guest).mayDecide } == false)
        let lee = LinkToken(ticket: lees.id, customer: lees.customer)
        #expect(try await shown(lee, test) == ["From Lee"])
        // Kim's own mailed link leads to the whole, for it was mailed to Kim.
        #expect(
            try await shown(LinkToken(ticket: ticket.id, customer: ticket.customer), test).contains("Kim's own secret"))
        // What Lee writes there is seen there, and an agent's answer in the real ticket is not.
        try await test.write { tx in
            let linked = try tx.db.linked(lee)
            _ = try tx.receive(
                Writing("More from Lee", type: .text), in: linked.living,
                by: Author(.customer, id: lees.customer.number, name: "Lee", address: "lee@corner.example"), files: [],
                source: .web,
                provenance: Provenance(origin: linked.part))
        }
        try await test.act(on: real) { tx, ticket in
            _ = try tx.reply(to: &ticket, Writing("For Kim", type: .text), by: Actor(ada), files: [], source: .web)
        }
        #expect(try await shown(lee, test) == ["From Lee", "More from Lee"])
        // A file of the real ticket is no more to be had than its words.
        let file = StoredFile(
            hash: try test.desk.files.keep(Data("x".utf8)), size: 1, name: "x.txt", type: "text/plain")
        try await test.act(on: real) { tx, ticket in
            _ = try tx.reply(
                to: &ticket, Writing("With a file", type: .text), by: Actor(ada), files: [file], source: .web)
        }
        let id = try #require(
            try await test.read { try $0.value("SELECT max(id) FROM attachment", as: Attachment.ID.self) })
        for token in [guest, lee] {
            await #expect(throws: Refusal.notFound) {
                _ = try await test.read { db in try db.attachment(id, in: db.linked(token)) }
            }
        }
        #expect(
            try await test.read { db in
                try db.attachment(id, in: db.linked(LinkToken(ticket: real.id, customer: real.customer))).name
            } == "x.txt")
    }

    @Test("whoever was taken out is led nowhere, merged or not")
    func takenOut() async throws {
        let (test, ada, _, _) = try await guest()
        let real = try await test.open("The real one")
        let lees = try await test.open("Lee's", from: "lee@corner.example", name: "Lee")
        try await test.act(on: lees) { tx, ticket in
            try tx.merge(&ticket, into: try tx.db.ticket(real.id), by: Actor(ada))
        }
        let lee = try #require(MailAddress("lee@corner.example"))
        try await test.act(on: real) { tx, ticket in try tx.removeCollaborator(lee, from: ticket, by: Actor(ada)) }
        await #expect(throws: Refusal.notFound) {
            _ = try await test.read { try $0.linked(LinkToken(ticket: lees.id, customer: lees.customer)) }
        }
    }
}

/// What was set aside can be rescued by a person, whatever it was taken for.
@Suite("Taken in by hand")
struct ByHandTests {
    @Test(
        "a press makes a ticket of what was set aside, and nobody is answered", arguments: ["bounce", "receipt", "ban"])
    func rescued(kind: String) async throws {
        let test = try await TestDesk()
        let head =
            """
            From: Noor <noor@lindgren.example>\r\nTo: support@desk.example\r\nMessage-ID: \
            <r@lindgren.example>\r\nSubject: Order 5512\r\n
            """
        var raw = head + "\r\nIt was returned."
        if kind == "bounce" {
            raw =
                head
                    + """
                    Return-Path: <>\r\nContent-Type: multipart/report; report-type=delivery-status; \
                    boundary=b\r\n\r\n--b\r\n\r\nIt was returned.\r\n--b\r\nContent-Type: \
                    message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\nAction: failed\r\nStatus: \
                    5.1.1\r\n--b--\r\n
                    """
        } else if kind == "receipt" {
            raw =
                head
                    + """
                    Content-Type: multipart/report; report-type=disposition-notification; \
                    boundary=r\r\n\r\n--r\r\n\r\nIt was returned.\r\n--r\r\nContent-Type: \
                    message/disposition-notification\r\n\r\nDisposition: manual-action/MDN-sent-manually; \
                    displayed\r\n--r--\r\n
                    """
        } else {
            _ = try await test.write { try $0.add(["pattern": "@lindgren.example"], to: .bans) }
        }
        guard case .rejected = try await test.desk.receive(Data(raw.utf8)) else {
            return #expect(Bool(false), "it was not set aside")
        }
        let record = try #require(
            try await test.read { try $0.intake(matching: "", outcome: "rejected", before: nil, limit: 10) }.first)
        guard case .opened(let number) = try await test.desk.takeInAgain(record.id) else {
            return #expect(Bool(false), "no ticket was opened")
        }
        #expect(try await test.entries(test.ticket(number)).first?.text.contains("It was returned.") == true)
        try await test.settle()
        if kind != "ban" { #expect(test.mail.sent.isEmpty) }
        // The same message stays one, and a second press finds nothing more to take in.
        #expect(try await test.desk.receive(Data(raw.utf8)) == .duplicate(number))
        await #expect(throws: Refusal.notFound) { _ = try await test.desk.takeInAgain(record.id) }
    }
}
