import Domain
import Foundation
import Mail
import Primitives
import Store

extension Transaction {
    /// An agent takes a ticket up.
    @discardableResult
    package func claim(_ ticket: inout Ticket, by agent: Agent) throws -> CarriedOut {
        let before = ticket
        let consequences = try ticket.claim(by: agent, at: now)
        return try carryOut(consequences, on: ticket, from: before)
    }

    /// Somebody gives a ticket to an agent, who is told.
    @discardableResult
    package func assign(_ ticket: inout Ticket, to agent: Agent, by actor: Actor, reason: String = "") throws
        -> CarriedOut
    {
        let before = ticket
        let consequences = try decideAssignment(of: &ticket, to: agent, by: actor, reason: reason)
        return try carryOut(consequences, on: ticket, from: before)
    }

    /// Loads and decides; the ticket need not have been saved as it is.
    func decideAssignment(of ticket: inout Ticket, to agent: Agent, by actor: Actor, reason: String = "") throws
        -> [Consequence]
    {
        let mayWork = try db.may(.agent(agent), .work, as: ticket)
        return try ticket.assign(to: agent, mayWork: mayWork, by: actor, reason: reason, at: now)
    }

    /// To a team: whoever of it is free takes it up.
    @discardableResult
    package func assign(_ ticket: inout Ticket, to team: Reference<Team>, by actor: Actor, reason: String = "") throws
        -> CarriedOut
    {
        let before = ticket
        let consequences = try ticket.assign(to: team, by: actor, reason: reason, at: now)
        return try carryOut(consequences, on: ticket, from: before)
    }

    package func release(_ ticket: inout Ticket, by actor: Actor, reason: String = "") throws {
        let before = ticket
        let consequences = try ticket.release(by: actor, reason: reason, at: now)
        try carryOut(consequences, on: ticket, from: before)
    }

    /// To another department; the former assignee goes with it only if that agent works there too.
    package func transfer(
        _ ticket: inout Ticket, to department: Reference<Department>, by actor: Actor, reason: String = ""
    ) throws {
        let before = ticket
        let consequences = try decideTransfer(of: &ticket, to: department, by: actor, reason: reason)
        try carryOut(consequences, on: ticket, from: before)
    }

    /// Loads and decides; the ticket need not have been saved as it is.
    func decideTransfer(
        of ticket: inout Ticket, to department: Reference<Department>, by actor: Actor, reason: String = ""
    ) throws -> [Consequence] {
        try ticket.requireTransfer(to: department)
        var worksThere = false
        if let assignee = ticket.assignee {
            worksThere = try db.agents(of: department.id).contains { $0.id == assignee.id }
        }
        let target: EscalationTarget? =
            ticket.escalationLevel > 0
            ? try escalationTarget(of: department.id, level: ticket.escalationLevel) : nil
        return try ticket.transfer(
            to: department, assigneeWorksThere: worksThere, target: target, by: actor, reason: reason, at: now,
            settings.life)
    }

    /// For the customer, or for a third party: the clock rests.
    package func pause(_ ticket: inout Ticket, as state: TicketState, by actor: Actor, reason: String = "") throws {
        let before = ticket
        let consequences = try ticket.pause(as: state, by: actor, reason: reason, at: now)
        try carryOut(consequences, on: ticket, from: before)
    }

    package func resume(_ ticket: inout Ticket, by actor: Actor, reason: String = "") throws {
        let before = ticket
        let consequences = try ticket.resume(by: actor, reason: reason, at: now, level: try levelIfResting(ticket))
        try carryOut(consequences, on: ticket, from: before)
    }
}
