import Domain
import Foundation
import Mail
import Primitives
import Store

extension Transaction {
    /// A solution is offered; the customer is asked whether it is one.
    package func resolve(
        _ ticket: inout Ticket, by actor: Actor, solution: Writing?, files: [StoredFile] = [], source: Source
    ) throws {
        try ticket.require(.resolve)
        try resumeClock(of: &ticket)
        ticket.solver = actor.agentID ?? ticket.assignee?.id
        ticket.state = .resolved
        ticket.resolvedAt = now
        ticket.status = nil
        if let solution, !solution.text.isEmpty || !files.isEmpty {
            _ = try reply(to: &ticket, solution, by: actor, files: files, source: source, mails: .resolved)
        } else {
            try save(ticket)
            for customer in try customers(of: ticket) { try send(.resolved, to: customer, about: ticket) }
        }
        try record(.resolved, on: ticket.id, by: actor)
        try cancel(.updateCustomer, for: ticket.id)
        try schedule(.closeSilent, for: ticket.id, at: now + TimeInterval(settings.closeAfterHours * 3600))
    }

    /// The customer says it is solved.
    package func confirm(_ ticket: inout Ticket, by actor: Actor) throws {
        try ticket.require(.confirm)
        try record(.confirmed, on: ticket.id, by: actor)
        try finish(&ticket, by: actor, reason: "the solution was confirmed")
    }

    package func close(_ ticket: inout Ticket, by actor: Actor, reason: String) throws {
        try ticket.require(.close)
        try finish(&ticket, by: actor, reason: reason)
    }

    /// Silence past the limit.
    func closeAfterSilence(_ id: Ticket.ID) throws {
        var ticket = try db.ticket(id)
        guard ticket.state == .resolved else { return }
        try finish(
            &ticket, by: .timer,
            reason: "no word from the customer for \(settings.closeAfterHours) hours after the solution")
    }

    private func finish(_ ticket: inout Ticket, by actor: Actor, reason: String) throws {
        try resumeClock(of: &ticket)
        ticket.solver = ticket.solver ?? ticket.assignee?.id ?? actor.agentID
        ticket.state = .closed
        ticket.closedAt = now
        ticket.status = nil
        ticket.resolvedAt = ticket.resolvedAt ?? now
        try save(ticket)
        try record(.closed, on: ticket.id, by: actor, reason: reason)
        for job in [JobKind.closeSilent, .updateCustomer] { try cancel(job, for: ticket.id) }
        guard settings.sendsSurveys else {
            // Who confirmed knows.
            if actor.kind != .customer {
                for customer in try customers(of: ticket) { try send(.closed, to: customer, about: ticket) }
            }
            return
        }
        if settings.surveyDelayHours == 0 {
            try sendSurvey(ticket.id)
        } else {
            try schedule(.sendSurvey, for: ticket.id, at: now + TimeInterval(settings.surveyDelayHours * 3600))
        }
    }

    /// Brings a ticket back to whoever solved it, or where that agent has left or is away, to the team.
    package func reopen(_ ticket: inout Ticket, by actor: Actor, reason: String, entry: Entry.ID? = nil) throws {
        try ticket.require(.reopen)
        let wasSpam = ticket.state == .spam
        ticket.state = .open
        ticket.closedAt = nil
        ticket.resolvedAt = nil
        if !wasSpam { ticket.reopenedCount += 1 }
        // The promise of the first answer was kept; the one of the solution begins anew.
        if let level = try ticket.serviceLevel.flatMap({ try db.serviceLevel($0.id) }) {
            ticket.deadlines.resolutionDueAt = level.deadlines(from: now, priority: ticket.priority).resolutionDueAt
            ticket.deadlines.pausedAt = nil
            ticket.overdue = false
        }
        for job in [JobKind.closeSilent, .sendSurvey] { try cancel(job, for: ticket.id) }
        try record(
            .reopened, on: ticket.id, by: actor, reason: reason, data: ["count": JSON(Int64(ticket.reopenedCount))])
        if !wasSpam { try handToKnower(of: ticket, &ticket, entry: entry, by: actor) }
        try save(ticket)
    }

    /// Gives a ticket to whoever knows its history: the agent who solved the former one, else its team, else the
    /// department.
    func handToKnower(of former: Ticket, _ ticket: inout Ticket, entry: Entry.ID?, by actor: Actor = .routing) throws {
        ticket.team = former.team ?? ticket.team
        let knower = try (former.solver ?? former.assignee?.id).flatMap { try db.agent($0) }
        let data: JSON = [
            "reason": .string(
                """
                \(ticket.requesterName.isEmpty ? ticket.requesterAddress : ticket.requesterName) came back to a \
                ticket that was closed or resolved.
                """
            )
        ]
        // Whoever solved it may work elsewhere by now.
        try save(ticket)
        if let knower, knower.isAvailable, try db.may(.agent(knower), .work, ticket.id) {
            ticket.assignee = knower.person
            try record(
                .assigned, on: ticket.id, by: .routing, reason: "\(knower.name) solved it before",
                data: ["agent": .string(knower.email)])
            return try send(
                .reopened, to: [knower] + db.secondAgents(of: ticket.id), about: ticket, entry: entry, by: actor,
                data: data)
        }
        ticket.assignee = nil
        let told = try ticket.team.map { try db.members(of: $0.id) } ?? db.agents(of: ticket.department.id)
        let absence =
            knower.map {
                """
                \($0.name), who solved it, \
                \(!$0.isActive ? "has left" : $0.isAway ? "is away" : "works elsewhere now")
                """
            } ?? "nobody solved it before"
        try record(
            .assigned, on: ticket.id, by: .routing,
            reason:
                """
                \(absence); to \
                \(ticket.team.map { "the team \($0.name)" } ?? "the department \(ticket.department.name)")
                """,
            data: ["team": JSON(ticket.team?.name)])
        try send(.reopened, to: told, about: ticket, entry: entry, by: actor, data: data)
    }

    package func markSpam(_ ticket: inout Ticket, by actor: Actor) throws {
        try ticket.require(.spam)
        ticket.state = .spam
        try save(ticket)
        try record(.markedSpam, on: ticket.id, by: actor)
        for job in [JobKind.closeSilent, .sendSurvey, .updateCustomer] { try cancel(job, for: ticket.id) }
        try db.execute(
            """
            UPDATE outbox SET state = 'cancelled', due_at = NULL WHERE ticket_id = \(ticket.id)
            AND is_automatic = 1 AND due_at IS NOT NULL AND state <> 'sending'
            """
        )
    }

    /// Puts one ticket's conversation into another; the number of the first goes on to lead there.
    ///
    /// - Parameter bringsIn: whether those who took part in the first get the answers of the other. The workspace and
    ///   the API ask
    ///   first: two tickets may be of two customers who know nothing of each other.
    package func merge(_ ticket: inout Ticket, into other: Ticket, bringsIn: Bool = true, by actor: Actor) throws {
        try ticket.require(.merge)
        guard other.id != ticket.id else { throw Refusal.invalid("into", .other("is the ticket itself")) }
        guard ![.merged, .deleted, .spam].contains(other.state) else {
            throw Refusal.invalid("into", .other("is a ticket that is \(other.state.rawValue)"))
        }
        try db.execute(
            """
            UPDATE entry SET origin_id = COALESCE(origin_id, ticket_id), ticket_id = \(other.id)
            WHERE ticket_id = \(ticket.id)
            """
        )
        if bringsIn {
            for customer in try customers(of: ticket) {
                if let address = MailAddress(name: customer.name, customer.address) {
                    try addCollaborator(
                        address, to: other, by: actor, reason: "from #\(ticket.number), which was merged into this")
                }
            }
        }
        ticket.state = .merged
        ticket.mergedInto = other.id
        try save(ticket)
        try db.indexTexts(of: [ticket.id, other.id])
        for job in [JobKind.closeSilent, .sendSurvey, .updateCustomer] { try cancel(job, for: ticket.id) }
        let data: JSON = ["from": JSON(ticket.number), "into": JSON(other.number)]
        try record(.merged, on: ticket.id, by: actor, reason: "into #\(other.number)", data: data)
        try record(.merged, on: other.id, by: actor, reason: "#\(ticket.number) was merged into this", data: data)
    }
}
