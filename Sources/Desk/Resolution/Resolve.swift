import Domain
import Foundation
import Mail
import Primitives
import Store

extension Transaction {
    /// A solution is offered; the customer is asked whether it is one.
    @discardableResult
    package func resolve(
        _ ticket: inout Ticket, by actor: Actor, solution: Writing?, files: [StoredFile] = [], source: Source
    ) throws -> CarriedOut {
        let before = ticket
        let words = solution.flatMap { $0.text.isEmpty && files.isEmpty ? nil : $0 }.map {
            NewEntry(writing: $0, author: Author(actor), files: files, source: source)
        }
        let consequences = try ticket.resolve(
            by: actor, withWords: words != nil, at: now, level: try levelIfResting(ticket), settings.life)
        return try carryOut(consequences, on: ticket, from: before, saying: words)
    }

    /// The customer says that it is solved.
    package func confirm(_ ticket: inout Ticket, by actor: Actor) throws {
        let before = ticket
        let consequences = try ticket.confirm(by: actor, at: now, level: try levelIfResting(ticket), settings.life)
        try carryOut(consequences, on: ticket, from: before)
    }

    @discardableResult
    package func close(_ ticket: inout Ticket, by actor: Actor, reason: String) throws -> CarriedOut {
        let before = ticket
        let consequences = try ticket.close(
            by: actor, reason: reason, at: now, level: try levelIfResting(ticket), settings.life)
        return try carryOut(consequences, on: ticket, from: before)
    }

    /// Silence past the limit.
    func closeAfterSilence(_ id: Ticket.ID) throws {
        let before = try db.ticket(id)
        var ticket = before
        let consequences = ticket.closeAfterSilence(at: now, level: try levelIfResting(ticket), settings.life)
        try carryOut(consequences, on: ticket, from: before)
    }

    /// Brings a ticket back to whoever solved it, or where that agent has left or is away, to the team.
    package func reopen(_ ticket: inout Ticket, by actor: Actor, reason: String) throws {
        let before = ticket
        let consequences = try ticket.reopen(
            by: actor, reason: reason, at: now, level: try serviceLevel(of: ticket),
            previous: try previousSolver(of: ticket, for: ticket))
        try carryOut(consequences, on: ticket, from: before)
    }

    package func markSpam(_ ticket: inout Ticket, by actor: Actor) throws {
        let before = ticket
        let consequences = try ticket.markSpam(by: actor, at: now)
        try carryOut(consequences, on: ticket, from: before)
    }
}

// MARK: what decisions ask for

extension Transaction {
    /// What a ticket was promised.
    func serviceLevel(of ticket: Ticket) throws -> ServiceLevel? {
        try ticket.serviceLevel.flatMap { try db.serviceLevel($0.id) }
    }

    /// What a ticket was promised, asked for only where its clock rests and would go on.
    func levelIfResting(_ ticket: Ticket) throws -> ServiceLevel? {
        ticket.deadlines.pausedAt == nil ? nil : try serviceLevel(of: ticket)
    }

    /// The agent who solved a ticket, judged by the ticket that would go to that agent: somebody who solved it may work
    /// elsewhere by now.
    func previousSolver(of former: Ticket, for ticket: Ticket) throws -> PreviousSolver? {
        guard let agent = try former.previousSolver.flatMap({ try db.agent($0) }) else { return nil }
        return PreviousSolver(
            agent: agent, mayWork: try agent.isAvailable && db.may(.agent(agent), .work, as: ticket))
    }
}
