import Foundation
import Primitives

extension Ticket {
    /// An agent takes the ticket up.
    package mutating func claim(by agent: Agent, at now: Date) throws(Refusal) -> [Consequence] {
        try require(.claim)
        guard agent.role >= .agent else {
            throw .notAllowed(Sentence("{0} can only read tickets. Choose another agent.", agent.name))
        }
        updatedAt = now
        assignee = agent.person
        if state == .new { state = .open }
        return [.event(.claimed, by: Actor(agent))]
    }

    /// Somebody gives the ticket to an agent, who is told.
    ///
    /// - Parameter mayWork: whether that agent may work on the ticket as it is now. An assignment gives work, not
    ///   rights: it never shows a ticket to somebody who could not see it before.
    package mutating func assign(
        to agent: Agent, mayWork: Bool, by actor: Actor, reason: String = "", at now: Date
    ) throws(Refusal) -> [Consequence] {
        try require(.assign)
        guard agent.isActive else {
            throw .invalid("agent", .other(Sentence("{0} is deactivated. Choose another agent.", agent.name)))
        }
        guard agent.role >= .agent else {
            throw .invalid("agent", .other(Sentence("{0} can only read tickets. Choose another agent.", agent.name)))
        }
        guard mayWork else {
            throw .invalid(
                "agent",
                .other(
                    Sentence(
                        "{0} can't see this ticket, which is in {1}. Choose another agent.", agent.name,
                        department.name)))
        }
        updatedAt = now
        assignee = agent.person
        if state == .new { state = .open }
        return [
            .event(.assigned, by: actor, reason: reason, data: ["agent": .string(agent.email)]),
            .mailAgents(
                .assigned, to: [.agents([agent])], entry: .first, by: actor,
                reason: "\(actor.name) assigned this ticket to you."),
        ]
    }

    /// Somebody gives the ticket to a team: whoever of it is free takes it up.
    package mutating func assign(
        to team: Reference<Team>, by actor: Actor, reason: String = "", at now: Date
    ) throws(Refusal) -> [Consequence] {
        try require(.assign)
        updatedAt = now
        self.team = team
        assignee = nil
        return [
            .event(.assigned, by: actor, reason: reason, data: ["team": .string(team.name)]),
            .mailAgents(
                .assigned, to: [.members(of: team.id)], entry: .first, by: actor,
                reason: "\(actor.name) assigned this ticket to the team \(team.name)."),
        ]
    }

    /// The ticket is no team's any more.
    package mutating func leaveTeam(by actor: Actor, at now: Date) -> [Consequence] {
        guard let former = team else { return [] }
        updatedAt = now
        team = nil
        return [.event(.released, by: actor, data: ["team": .string(former.name)])]
    }

    /// The assignee gives the ticket back.
    package mutating func release(by actor: Actor, reason: String = "", at now: Date) throws(Refusal) -> [Consequence] {
        try require(.release)
        guard let former = assignee else {
            throw .conflict(
                Sentence("This ticket isn't assigned to anyone."), allowed: allowedActions.filter { $0 != "release" })
        }
        updatedAt = now
        loseAssignee()
        return [.event(.released, by: actor, reason: reason, data: ["agent": .string(former.address)])]
    }

    /// Nobody has the ticket any more; one that was never answered is new again.
    private mutating func loseAssignee() {
        assignee = nil
        if state == .open, deadlines.firstRespondedAt == nil { state = .new }
    }

    /// Moves the ticket to another department.
    ///
    /// - Parameters:
    ///   - assigneeWorksThere: whether the assignee works in that department too, and so goes with the ticket.
    ///   - target: where escalated tickets of that department go, for one that is escalated.
    package mutating func transfer(
        to department: Reference<Department>, assigneeWorksThere: Bool, target: EscalationTarget?, by actor: Actor,
        reason: String = "", at now: Date, _ policy: LifePolicy
    ) throws(Refusal) -> [Consequence] {
        try requireTransfer(to: department)
        let former = self.department
        updatedAt = now
        self.department = department
        team = nil
        if assignee != nil, !assigneeWorksThere { loseAssignee() }
        let moved = Consequence.event(
            .transferred, by: actor, reason: reason,
            data: ["from": .string(former.name), "to": .string(department.name)])
        guard assignee == nil else { return [moved] }
        guard escalationLevel > 0, let target else {
            return [
                moved,
                .mailAgents(
                    .transferred, to: [.supervisors(of: department.id)], by: actor,
                    reason:
                        "\(actor.name) transferred this ticket from \(former.name).\(reason.isEmpty ? "" : " \(reason)")"
                ),
            ]
        }
        team = target.team
        if target.team == nil { assignee = target.supervisor?.person }
        return [moved]
            + announceEscalation(
                to: target, by: actor, reason: "an escalated ticket came from \(former.name)", at: now, policy)
    }

    /// Refuses a move that is none.
    package func requireTransfer(to department: Reference<Department>) throws(Refusal) {
        try require(.transfer)
        guard department.id != self.department.id else {
            throw .invalid(
                "department", .other(Sentence("The ticket is already in this department. Choose another one.")))
        }
    }
}
