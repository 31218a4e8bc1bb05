import Foundation
import Primitives

extension Ticket {
    /// Whether a priority sends the ticket up: an urgent request goes to the escalation team whenever it is found to be
    /// one.
    package func rises(with priority: Priority) -> Bool {
        priority == .urgent && priority != self.priority && escalationLevel == 0 && state.isActive
    }

    /// Somebody sets another priority: the clocks move with it, and an urgent ticket is escalated.
    ///
    /// - Parameter target: where an escalated ticket of the department goes; asked for where the ticket `rises(with:)`
    ///   the priority.
    package mutating func setPriority(
        _ priority: Priority, by actor: Actor, at now: Date, level: ServiceLevel?, target: EscalationTarget?,
        _ policy: LifePolicy
    ) -> [Consequence] {
        guard priority != self.priority else { return [] }
        let rises = rises(with: priority)
        let former = self.priority
        var data: [String: JSON] = ["priority": ["from": .string(former.word), "to": .string(priority.word)]]
        updatedAt = now
        self.priority = priority
        for (name, change) in moveClocks(from: former, level: level, at: now) { data[name] = change }
        let changed = Consequence.event(.changed, by: actor, data: data)
        guard rises, let target else { return [changed] }
        return [changed]
            + raise(
                to: target, by: .routing, reason: "\(actor.name) set the priority to urgent", former: former, at: now,
                policy)
    }

    /// Gives the ticket the clocks of its present priority, counted from when it came in; says which moved.
    mutating func moveClocks(from former: Priority, level: ServiceLevel?, at now: Date) -> [String: JSON] {
        guard former != priority, state.isActive, let level else { return [:] }
        let before = deadlines
        deadlines = level.moved(before, opened: createdAt, from: former, to: priority)
        if overdue, deadlines.missed(at: now) == nil { overdue = false }
        var moved: [String: JSON] = [:]
        func note(_ name: String, _ old: Date?, _ new: Date?) {
            if old != new { moved[name] = ["from": JSON(old?.rfc3339), "to": JSON(new?.rfc3339)] }
        }
        note("first_response_due_at", before.firstResponseDueAt, deadlines.firstResponseDueAt)
        note("resolution_due_at", before.resolutionDueAt, deadlines.resolutionDueAt)
        return moved
    }

    /// A target was missed: it is marked once and told to whoever can still help.
    ///
    /// Where nothing was missed the ticket still counts as looked at, so that the moment of the next look is kept.
    package mutating func markOverdue(at now: Date) -> [Consequence] {
        updatedAt = now
        guard state.isActive, !overdue, let missed = deadlines.missed(at: now) else { return [] }
        overdue = true
        let reason = "the \(missed.name) was due at \(missed.dueAt.rfc3339)"
        let recipients: Recipients =
            if let assignee {
                .agent(assignee.id)
            } else if let team {
                .members(of: team.id)
            } else {
                .supervisors(of: department.id)
            }
        return [
            .event(
                .overdue, by: .timer, reason: reason,
                data: ["target": .string(missed.name), "due_at": .string(missed.dueAt.rfc3339)]),
            .mailAgents(.overdue, to: [recipients], by: .timer, reason: "Overdue: \(reason)"),
        ]
    }
}
