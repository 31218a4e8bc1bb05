import DeskTesting
import Domain
import Foundation
import Primitives
import Testing

@testable import Desk
@testable import Store

@Suite("Escalating and taking it back")
struct EscalationTests {
    @Test("taken back, the priority is what it was, the customer hears no more and the event says so")
    func takenBack() async throws {
        let test = try await TestDesk()
        let ada = try await test.hire("Ada")
        var ticket = try await test.open("Urgent: scanner") { $0.priority = .low }
        #expect(ticket.escalationLevel == 1 && ticket.priority == .urgent)
        ticket = try await test.act(on: ticket) {
            try $0.deEscalate(&$1, by: Actor(ada), reason: "It only sounded like it")
        }
        #expect(ticket.escalationLevel == 0 && ticket.priority == .low)
        let event = try #require(try await test.events(ticket).last)
        #expect(event.kind == .deEscalated && event.reason == "It only sounded like it")
        #expect(JSON(event.dataText)?["updates_ended"] == .bool(true))
        test.clock.advance(hours: 30)
        try await test.settle()
        #expect(try await test.events(ticket).contains { $0.kind == .updated } == false)
    }

    @Test("a priority somebody set since stays, and each level goes down by itself")
    func levels() async throws {
        let test = try await TestDesk()
        var ticket = try await test.open()
        ticket = try await test.act(on: ticket) { tx, ticket in
            var change = TicketChange()
            change.priority = .urgent
            try tx.change(&ticket, change, by: .routing)
            try tx.escalate(&ticket, by: .routing, reason: "still")
        }
        #expect(ticket.escalationLevel == 2)
        ticket = try await test.act(on: ticket) { try $0.deEscalate(&$1, by: .routing) }
        #expect(ticket.escalationLevel == 1 && ticket.priority == .urgent)
        ticket = try await test.act(on: ticket) { tx, ticket in
            var change = TicketChange()
            change.priority = .high
            try tx.change(&ticket, change, by: .routing)
            try tx.deEscalate(&ticket, to: 0, by: .routing)
        }
        #expect(ticket.escalationLevel == 0 && ticket.priority == .high)
        await #expect(throws: Refusal.self) { try await test.act(on: ticket) { try $0.deEscalate(&$1, by: .routing) } }
    }

    @Test(
        """
        on a fresh desk an urgent ticket is due before a normal one, and a changed priority moves the clocks with \
        an event
        """
    )
    func targets() async throws {
        let test = try await TestDesk()
        let (normal, urgent) = (try await test.open(), try await test.open { $0.priority = .urgent })
        #expect(normal.deadlines.firstResponseDueAt == test.clock.now() + 4 * 3600)
        #expect(urgent.deadlines.firstResponseDueAt == test.clock.now() + 3600)
        let changed = try await test.act(on: normal) { tx, ticket in
            var change = TicketChange()
            change.priority = .high
            try tx.change(&ticket, change, by: .routing)
        }
        #expect(changed.deadlines.firstResponseDueAt == test.clock.now() + 2 * 3600)
        let event = try #require(try await test.events(normal).last { $0.kind == .changed })
        #expect(JSON(event.dataText)?["first_response_due_at"] != nil)
    }

    @Test("the supervisor of the department hears of the first level beside the team, and the event says who was told")
    func told() async throws {
        let test = try await TestDesk()
        let (eve, _) = (try await test.hire("Eve"), try await test.hire("Sue", .supervisor))
        _ = try await test.write { tx in
            let team = try tx.add(["name": "Network leads", "members": [.string(eve.email)]], to: Resource.teams)
            _ = try tx.change(1, of: Resource.departments, ["escalation_team": JSON(team.id)])
        }
        let ticket = try await test.open("Urgent: network")
        try await test.settle()
        #expect(test.mail.to("eve@desk.example").count == 1)
        #expect(test.mail.to("sue@desk.example").count == 1)
        let event = try #require(try await test.events(ticket).first { $0.kind == .escalated })
        #expect(JSON(event.dataText)?["told"] == ["Eve", "Sue"])
    }

    @Test(
        "lengths are read in hours, minutes and seconds and in nothing else",
        arguments: [("PT1H", 3600.0), ("PT90M", 5400), ("PT1H30M", 5400), ("PT3S", 3)])
    func durations(text: String, seconds: Double) { #expect(Duration8601.seconds(text) == seconds) }

    @Test(
        "days, nothing and nonsense are no length",
        arguments: ["P1D", "PT", "PT0S", "PT1", "PT1M1H", "1H", "PT-1H", "PT99999999999H"])
    func noDurations(text: String) { #expect(Duration8601.seconds(text) == nil) }
}
