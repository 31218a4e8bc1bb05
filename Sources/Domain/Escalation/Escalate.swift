import Foundation
import Primitives

extension Ticket {
    /// An agent passes the ticket up, saying why; the customer hears of it.
    ///
    /// - Parameter target: where tickets of the department go at the next level.
    package mutating func escalate(
        by actor: Actor, reason: String, to target: EscalationTarget, at now: Date, _ policy: LifePolicy
    ) throws(Refusal) -> [Consequence] {
        try require(.escalate)
        let reason = reason.singleLine
        guard !reason.isEmpty else { throw .invalid("reason", .required) }
        updatedAt = now
        return raise(to: target, by: actor, reason: reason, at: now, policy)
            + Self.tellCustomers(
                "We've escalated your request and are treating it as a priority. We'll keep you posted.", by: actor,
                reason: "it was escalated")
    }

    /// Raises the level, hands the ticket over and tells the new people. The former assignee stays on it as a second
    /// agent.
    ///
    /// - Parameter former: the priority it had until then, where this changed it.
    mutating func raise(
        to target: EscalationTarget, by actor: Actor, reason: String, former: Priority? = nil, at now: Date,
        _ policy: LifePolicy
    ) -> [Consequence] {
        escalationLevel += 1
        let holder = assignee
        if let team = target.team {
            self.team = team
            assignee = nil
        } else if let supervisor = target.supervisor {
            assignee = supervisor.person
        }
        var consequences: [Consequence] = []
        if let holder, holder.id != assignee?.id { consequences.append(.addSecondAgent(holder.id)) }
        return consequences
            + announceEscalation(to: target, by: actor, reason: reason, former: former, at: now, policy)
    }

    /// An escalation is recorded, those it goes to are told, and the customer hears regularly from now on.
    func announceEscalation(
        to target: EscalationTarget, by actor: Actor, reason: String, entry: EntryMention? = nil,
        former: Priority? = nil, at now: Date, _ policy: LifePolicy
    ) -> [Consequence] {
        let told = target.recipients.filter { $0.isActive && $0.id != actor.agentID }.map { JSON.string($0.name) }
        return [
            .event(
                .escalated, by: actor, reason: "\(reason); to \(target.words)",
                data: [
                    "level": JSON(Int64(escalationLevel)), "team": JSON(target.team?.name),
                    "agent": JSON(target.supervisor?.email), "told": .array(told),
                    "former_priority": JSON(former?.word),
                ]),
            .mailAgents(
                .escalated, to: [.agents(target.recipients)], entry: entry, by: actor,
                reason: "Escalated by \(actor.name): \(reason)"),
            .schedule(.updateCustomer, at: now + policy.pauseOfUpdates),
        ]
    }

    /// One level down, or to the one given. At none the regular words to the customer end, and the priority is what it
    /// was before.
    ///
    /// - Parameters:
    ///   - lower: the level to go back to; nil goes one down.
    ///   - before: the priority that the escalation changed; nil where it changed none, or somebody set it since.
    package mutating func deEscalate(
        to lower: Int? = nil, priorityBefore before: Priority?, by actor: Actor, reason: String = "", at now: Date,
        level: ServiceLevel?
    ) throws(Refusal) -> [Consequence] {
        try require(.deEscalate)
        let former = escalationLevel
        guard former > 0 else {
            throw .conflict(
                Sentence("This ticket isn't escalated."), allowed: allowedActions.filter { $0 != "de_escalate" })
        }
        let lower = lower ?? former - 1
        guard (0..<former).contains(lower) else { throw .invalid("to", .outOfRange(0, former - 1)) }
        updatedAt = now
        escalationLevel = lower
        var data: [String: JSON] = ["from": JSON(Int64(former)), "to": JSON(Int64(lower))]
        var consequences: [Consequence] = []
        if lower == 0 {
            consequences.append(.cancel(.updateCustomer))
            data["updates_ended"] = .bool(true)
            if priority == .urgent, let before, before != priority {
                data["priority"] = ["from": .string(priority.word), "to": .string(before.word)]
                priority = before
                for (name, change) in moveClocks(from: .urgent, level: level, at: now) { data[name] = change }
            }
        }
        return consequences + [.event(.deEscalated, by: actor, reason: reason.singleLine, data: data)]
    }

    /// The regular word to the customer of an escalated ticket, unless an agent wrote meanwhile.
    package func updateCustomer(at now: Date, _ policy: LifePolicy) -> [Consequence] {
        guard state == .new || state == .open, escalationLevel > 0 else { return [] }
        if let lastReplyAt, lastReplyAt + policy.pauseOfUpdates > now {
            return [.schedule(.updateCustomer, at: lastReplyAt + policy.pauseOfUpdates)]
        }
        let who = assignee?.name ?? team?.name ?? department.name
        let told = Self.tellCustomers(
            "Your request is still being worked on as urgent, by \(who). We'll write again as soon as there is news.",
            by: .timer,
            reason: "\(policy.updateEveryHours) hours passed without an update to the customer of an escalated ticket")
        return told + [.schedule(.updateCustomer, at: now + policy.pauseOfUpdates)]
    }

    private static func tellCustomers(_ message: String, by actor: Actor, reason: String) -> [Consequence] {
        let data: [String: JSON] = ["message": .string(message)]
        return [
            .mailCustomers(.update, data: data), .event(.updated, by: actor, reason: reason, data: data),
        ]
    }
}
