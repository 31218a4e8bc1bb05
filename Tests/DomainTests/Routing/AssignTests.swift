import Foundation
import Primitives
import Testing

@testable import Domain

@Suite("Giving work and moving it")
struct AssignTests {
    private let now = Cast.morning + 3600
    private let ada = Actor(Cast.ada)

    @Test(
        "an assignment gives work, not rights",
        arguments: [(Cast.gone, true), (Cast.vic, true), (Cast.eve, false)])
    func refused(agent: Agent, mayWork: Bool) throws {
        var ticket = Cast.newTicket()
        do throws(Refusal) {
            _ = try ticket.assign(to: agent, mayWork: mayWork, by: ada, at: now)
            Issue.record("\(agent.name) got it")
        } catch {
            guard case .invalid(let faults) = error else { return #expect(Bool(false)) }
            #expect(faults.map(\.field) == ["agent"] && ticket == Cast.newTicket())
        }
    }

    @Test("a viewer takes up nothing")
    func viewer() {
        var ticket = Cast.newTicket()
        #expect(throws: Refusal.self) { try ticket.claim(by: Cast.vic, at: now) }
    }

    @Test("a ticket that nobody has cannot be given back, and the refusal does not offer it")
    func release() {
        var ticket = Cast.newTicket()
        do throws(Refusal) {
            _ = try ticket.release(by: ada, at: now)
            Issue.record("it was released")
        } catch {
            guard case .conflict(_, let allowed) = error else { return #expect(Bool(false)) }
            #expect(!allowed.contains("release") && allowed.contains("claim"))
        }
    }

    @Test("given back before it was answered it is new again, afterwards it stays open", arguments: [true, false])
    func givenBack(isAnswered: Bool) throws {
        var ticket = try Cast.ticket(.open)
        if isAnswered { _ = try ticket.reply(by: ada, as: Cast.ada, at: now) }
        _ = try ticket.release(by: ada, at: now)
        #expect(ticket.state == (isAnswered ? .open : .new) && ticket.assignee == nil)
    }

    @Test("an assignee who works in the other department goes with the ticket; else its supervisors are told")
    func moved() throws {
        for worksThere in [true, false] {
            var ticket = try Cast.ticket(.open)
            let consequences = try ticket.transfer(
                to: Cast.billing, assigneeWorksThere: worksThere, target: nil, by: ada, reason: "Money", at: now,
                Cast.policy)
            #expect(ticket.department == Cast.billing && (ticket.assignee != nil) == worksThere)
            #expect(
                consequences.map(\.summary)
                    == (worksThere ? ["transferred"] : ["transferred", "mail agents: transferred"])
            )
        }
    }

    @Test("an escalated ticket that loses its assignee goes to the escalation team of the other department")
    func movedUp() throws {
        var ticket = try Cast.ticket(.open)
        ticket.escalationLevel = 1
        let consequences = try ticket.transfer(
            to: Cast.billing, assigneeWorksThere: false, target: Cast.target, by: ada, at: now, Cast.policy)
        #expect(ticket.team == Cast.leads && ticket.escalationLevel == 1)
        #expect(consequences.compactMap(\.event?.kind) == [.transferred, .escalated])
    }

    @Test("to where it is already it cannot be moved")
    func same() throws {
        var ticket = try Cast.ticket(.open)
        #expect(throws: Refusal.self) {
            try ticket.transfer(
                to: Cast.support, assigneeWorksThere: true, target: nil, by: ada, at: now, Cast.policy)
        }
    }

    @Test("the clock stops while somebody else is waited for, and what was left begins again")
    func clock() throws {
        var ticket = try Cast.ticket(.open)
        _ = try ticket.pause(as: .waiting, by: ada, at: now)
        _ = try ticket.pause(as: .held, by: ada, at: now + 600)
        #expect(ticket.deadlines.pausedAt == now && ticket.watchAt == nil)
        _ = try ticket.resume(by: ada, at: now + 86400, level: Cast.level)
        #expect(ticket.deadlines.firstResponseDueAt == Cast.morning + 4 * 3600 + 86400)
    }

    @Test("who takes part already, or does not, changes nothing")
    func known() throws {
        let ticket = Cast.newTicket()
        #expect(try ticket.addAgent(Cast.eve, isSecond: true, by: ada).isEmpty)
        #expect(try ticket.removeAgent(Cast.eve, isSecond: false, by: ada).isEmpty)
        #expect(try ticket.removeCollaborator(Cast.lee.address, isKnown: false, by: ada).isEmpty)
        var same = ticket
        #expect(try same.setRequester(ticket.requester, by: ada, at: now).isEmpty && same == ticket)
    }
}
