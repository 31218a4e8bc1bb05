import Foundation
import Primitives
import Testing

@testable import Domain

@Suite("Passing up and back")
struct EscalateTests {
    private let now = Cast.morning + 3600
    private let ada = Actor(Cast.ada)

    @Test("the former assignee stays as a second agent, and those it goes to are named")
    func escalated() throws {
        var ticket = try Cast.ticket(.open)
        let consequences = try ticket.escalate(
            by: ada, reason: " it\nburns ", to: Cast.target, at: now, Cast.policy)
        #expect(ticket.escalationLevel == 1 && ticket.team == Cast.leads && ticket.assignee == nil)
        #expect(consequences.first == .addSecondAgent(Cast.ada.id))
        let event = try #require(consequences.compactMap(\.event).first)
        #expect(event.reason == "it burns; to the team Leads" && event.data["told"] == ["Eve"])
        #expect(consequences.contains(.schedule(.updateCustomer, at: now + 4 * 3600)))
    }

    @Test("a supervisor who has the ticket already stays its assignee and becomes no second agent")
    func supervisor() throws {
        var ticket = try Cast.ticket(.open)
        ticket.assignee = Cast.eve.person
        let target = EscalationTarget(supervisor: Cast.eve, recipients: [Cast.eve])
        let consequences = try ticket.escalate(by: ada, reason: "x", to: target, at: now, Cast.policy)
        #expect(ticket.assignee == Cast.eve.person && consequences.first?.event?.kind == .escalated)
    }

    @Test("an escalation says why, or is refused")
    func why() throws {
        var ticket = try Cast.ticket(.open)
        let before = ticket
        #expect(throws: Refusal.invalid("reason", .required)) {
            try ticket.escalate(by: ada, reason: "\n", to: Cast.target, at: now, Cast.policy)
        }
        #expect(ticket == before)
    }

    @Test("whoever sets the priority to urgent sends the ticket up, once")
    func urgent() throws {
        var ticket = try Cast.ticket(.open)
        #expect(ticket.rises(with: .urgent) && !ticket.rises(with: .high))
        let consequences = ticket.setPriority(
            .urgent, by: ada, at: now, level: Cast.level, target: Cast.target, Cast.policy)
        #expect(ticket.escalationLevel == 1 && consequences.compactMap(\.event?.kind) == [.changed, .escalated])
        _ = ticket.setPriority(.low, by: ada, at: now, level: Cast.level, target: nil, Cast.policy)
        #expect(!ticket.rises(with: .urgent), "it is escalated already")
    }

    @Test("taken back to nothing, the priority is what it was and the regular words end")
    func back() throws {
        var ticket = try Cast.ticket(.open)
        _ = ticket.setPriority(.urgent, by: ada, at: now, level: Cast.level, target: Cast.target, Cast.policy)
        let consequences = try ticket.deEscalate(priorityBefore: .low, by: ada, at: now, level: Cast.level)
        #expect(ticket.priority == .low && ticket.escalationLevel == 0)
        #expect(consequences.first == .cancel(.updateCustomer))
        #expect(consequences.last?.event?.data["updates_ended"] == true)
    }

    @Test("a level is taken back within those it has", arguments: [(-1, false), (0, true), (1, true), (2, false)])
    func levels(level: Int, isAllowed: Bool) throws {
        var ticket = try Cast.ticket(.open)
        ticket.escalationLevel = 2
        let before = ticket
        do throws(Refusal) {
            _ = try ticket.deEscalate(to: level, priorityBefore: nil, by: ada, at: now, level: nil)
            #expect(isAllowed && ticket.escalationLevel == level)
        } catch {
            #expect(!isAllowed && ticket == before && error == .invalid("to", .outOfRange(0, 1)))
        }
    }

    @Test("the customer of an escalated ticket hears regularly, unless an agent wrote meanwhile")
    func updates() throws {
        var ticket = try Cast.ticket(.open)
        #expect(ticket.updateCustomer(at: now, Cast.policy).isEmpty, "it is not escalated")
        ticket.escalationLevel = 1
        #expect(
            ticket.updateCustomer(at: now, Cast.policy).map(\.summary) == [
                "mail customers: update", "updated", "plan update_customer",
            ])
        ticket.lastReplyAt = now - 3600
        #expect(ticket.updateCustomer(at: now, Cast.policy) == [.schedule(.updateCustomer, at: now + 3 * 3600)])
    }

    @Test("a missed target is marked once and told to whoever can still help")
    func overdue() throws {
        let late = Cast.morning + 5 * 3600
        for (assignee, team, expected) in [
            (Cast.ada.person, Cast.network, .agent(Cast.ada.id)), (nil, Cast.network, .members(of: Cast.network.id)),
            (nil, nil, .supervisors(of: Cast.support.id)),
        ] as [(Person<Agent>?, Reference<Team>?, Recipients)] {
            var ticket = Cast.newTicket()
            (ticket.assignee, ticket.team) = (assignee, team)
            guard case .tellAgents(let mail)? = ticket.markOverdue(at: late).last else {
                return #expect(Bool(false))
            }
            #expect(ticket.overdue && mail.recipients == [expected])
            #expect(ticket.markOverdue(at: late + 60).isEmpty && ticket.updatedAt == late + 60)
        }
    }
}
