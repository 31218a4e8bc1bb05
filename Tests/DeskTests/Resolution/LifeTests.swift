import DeskTesting
import Domain
import Foundation
import Mail
import Primitives
import Testing

@testable import Desk
@testable import Store

@Suite("Resolving, closing, coming back")
struct LifeTests {
    private func solved(_ test: TestDesk, by agent: Agent) async throws -> Ticket {
        let ticket = try await test.open()
        return try await test.act(on: ticket) { tx, ticket in
            try tx.claim(&ticket, by: agent)
            try tx.resolve(&ticket, by: Actor(agent), solution: Writing("Done.", type: .text), source: .web)
        }
    }
    private func kim(_ ticket: Ticket) -> Author {
        Author(.customer, id: ticket.customer.number, name: "Kim", address: TestDesk.kim)
    }

    @Test("silence closes after 72 hours and not before, and the reason says so")
    func silence() async throws {
        let test = try await TestDesk()
        let ticket = try await solved(test, by: try await test.hire("Ada"))
        test.clock.advance(hours: 71.9)
        try await test.settle()
        #expect(try await test.ticket(ticket.number).state == .resolved)
        test.clock.advance(hours: 0.2)
        try await test.settle()
        #expect(try await test.ticket(ticket.number).state == .closed)
        let closed = try #require(try await test.events(ticket).last { $0.kind == .closed })
        #expect(closed.actor == .timer && closed.reason.contains("72"))
    }

    @Test("an answer before the limit stops the clock of closing")
    func answerInTime() async throws {
        let test = try await TestDesk()
        let ada = try await test.hire("Ada")
        let ticket = try await solved(test, by: ada)
        test.clock.advance(hours: 70)
        let author = kim(ticket)
        try await test.act(on: ticket) { tx, ticket in
            _ = try tx.receive(Writing("No!", type: .text), in: ticket, by: author, files: [], source: .web)
        }
        test.clock.advance(hours: 100)
        try await test.settle()
        let after = try await test.ticket(ticket.number)
        #expect(after.state == .open && after.reopenedCount == 1 && after.assignee?.id == ada.id)
    }

    @Test(
        "an answer within the window reopens, later it opens a linked ticket", arguments: [(29.9, true), (30.1, false)])
    func window(days: Double, reopens: Bool) async throws {
        let test = try await TestDesk()
        let ada = try await test.hire("Ada")
        let ticket = try await solved(test, by: ada)
        try await test.act(on: ticket) { try $0.confirm(&$1, by: .timer) }
        test.clock.advance(days: days)
        let author = kim(ticket)
        let outcome = try await test.write { tx in
            try tx.receive(
                Writing("Again.", type: .text), in: try tx.db.ticket(ticket.id), by: author, files: [], source: .email)
        }
        #expect((outcome.ticket.number == ticket.number) == reopens)
        #expect(try await test.ticket(ticket.number).state == (reopens ? .open : .closed))
        #expect(outcome.ticket.assignee?.id == ada.id)
        if !reopens { #expect(try await test.events(ticket).contains { $0.kind == .linked }) }
    }

    @Test("an agent replies to a closed ticket without bringing it back")
    func replyToClosed() async throws {
        let test = try await TestDesk()
        let ada = try await test.hire("Ada")
        let ticket = try await solved(test, by: ada)
        try await test.act(on: ticket) { tx, ticket in
            try tx.close(&ticket, by: Actor(ada), reason: "x")
            _ = try tx.reply(
                to: &ticket, Writing("One more thing.", type: .text), by: Actor(ada), files: [], source: .web)
        }
        #expect(try await test.ticket(ticket.number).state == .closed)
    }

    @Test("merging takes the conversation along, links lead on, and the other customer takes part")
    func merge() async throws {
        let test = try await TestDesk()
        let first = try await test.open(from: "lee@corner.example", name: "Lee")
        let second = try await test.open()
        try await test.act(on: first) { try $0.merge(&$1, into: second, by: .routing) }
        #expect(try await test.ticket(first.number).state == .merged)
        #expect(try await test.entries(second).count == 2)
        #expect(try await test.read { try $0.collaborators(of: second.id).map(\.address) } == ["lee@corner.example"])
        await #expect(throws: Refusal.self) {
            try await test.act(on: first) { try $0.merge(&$1, into: second, by: .routing) }
        }
        await #expect(throws: Refusal.self) {
            try await test.act(on: second) { try $0.merge(&$1, into: second, by: .routing) }
        }
    }

    @Test("the clock rests while the customer is waited for")
    func rests() async throws {
        let test = try await TestDesk()
        let ada = try await test.hire("Ada")
        let ticket = try await test.open()
        let due = try #require(ticket.deadlines.resolutionDueAt)
        try await test.act(on: ticket) { tx, ticket in
            try tx.claim(&ticket, by: ada)
            try tx.pause(&ticket, as: .waiting, by: Actor(ada))
        }
        test.clock.advance(days: 30)
        try await test.settle()
        #expect(try await test.ticket(ticket.number).overdue == false)
        let author = kim(ticket)
        try await test.act(on: ticket) { tx, ticket in
            _ = try tx.receive(Writing("Here.", type: .text), in: ticket, by: author, files: [], source: .web)
        }
        let after = try await test.ticket(ticket.number)
        #expect(after.state == .open && (after.deadlines.resolutionDueAt ?? .distantPast) > due + 29 * 86400)
    }

    @Test("a missed target is marked once, with what was due when, and told")
    func overdue() async throws {
        let test = try await TestDesk()
        let ada = try await test.hire("Ada")
        let ticket = try await test.open()
        try await test.act(on: ticket) { try $0.claim(&$1, by: ada) }
        test.clock.advance(hours: 5)
        try await test.settle()
        try await test.settle()
        #expect(try await test.ticket(ticket.number).overdue)
        let events = try await test.events(ticket).filter { $0.kind == .overdue }
        #expect(events.count == 1 && events[0].reason.contains("first response"))
        #expect(test.mail.to(ada.email).contains { $0.subject.contains("Overdue") })
    }

    @Test("an escalated ticket's customer hears every four hours, unless an agent wrote")
    func updates() async throws {
        let test = try await TestDesk()
        let ada = try await test.hire("Ada")
        let ticket = try await test.open {
            $0.priority = .urgent
            $0.notify = false
        }
        try await test.act(on: ticket) { try $0.claim(&$1, by: ada) }
        test.clock.advance(hours: 3)
        try await test.act(on: ticket) { tx, ticket in
            _ = try tx.reply(to: &ticket, Writing("On it.", type: .text), by: Actor(ada), files: [], source: .web)
        }
        test.clock.advance(hours: 1.5)
        try await test.settle()
        #expect(test.mail.to(TestDesk.kim).count == 1)
        test.clock.advance(hours: 2.6)
        try await test.settle()
        #expect(test.mail.to(TestDesk.kim).last?.text.contains("still being worked on") == true)
        try await test.act(on: ticket) { try $0.close(&$1, by: Actor(ada), reason: "x") }
        let count = test.mail.to(TestDesk.kim).count
        test.clock.advance(hours: 50)
        try await test.settle()
        #expect(test.mail.to(TestDesk.kim).filter { $0.text.contains("still being worked on") }.count == 1)
        _ = count
    }

    @Test("whoever sets the priority to urgent sends the ticket up")
    func urgentLater() async throws {
        let test = try await TestDesk()
        let ada = try await test.hire("Ada")
        let ticket = try await test.open()
        try await test.act(on: ticket) { tx, ticket in
            var change = TicketChange()
            change.priority = .urgent
            try tx.change(&ticket, change, by: Actor(ada))
        }
        #expect(try await test.ticket(ticket.number).escalationLevel == 1)
        #expect(
            try await test.events(ticket).contains {
                $0.kind == .escalated && $0.reason.contains("Ada set the priority to urgent")
            })
    }

    @Test("no customer ever receives a note", arguments: MailKind.allCases)
    func notes(kind: MailKind) async throws {
        let test = try await TestDesk()
        let ada = try await test.hire("Ada")
        let ticket = try await test.open()
        try await test.act(on: ticket) { tx, ticket in
            let note = try tx.note(
                on: &ticket, Writing("SECRETWORD", type: .text), by: Actor(ada), files: [], source: .web)
            // Even where a fault of ours queued it.
            try tx.send(kind, to: ticket.requester, about: ticket, entry: note)
        }
        try await test.settle()
        #expect(
            !test.mail.sent.contains {
                $0.recipient == TestDesk.kim && String(decoding: $0.bytes, as: UTF8.self).contains("SECRETWORD")
            } || !kind.isForCustomer)
        #expect(!kind.isForCustomer || test.mail.to(TestDesk.kim).allSatisfy { !$0.text.contains("SECRETWORD") })
    }
}
