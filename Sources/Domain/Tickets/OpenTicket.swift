import Foundation
import Primitives

/// A new request goes up at once, since it cannot wait.
package struct ImmediateEscalation: Sendable, Equatable {
    package let reason: String
    package let target: EscalationTarget
    /// The priority it would have had otherwise.
    package let askedPriority: Priority

    package init(reason: String, target: EscalationTarget, askedPriority: Priority) {
        self.reason = reason
        self.target = target
        self.askedPriority = askedPriority
    }
}

extension Ticket {
    /// What follows from a ticket being opened: the first event, and the escalation of what cannot wait.
    package mutating func open(
        by actor: Actor, reason: String, escalation: ImmediateEscalation?, at now: Date, _ policy: LifePolicy
    ) -> [Consequence] {
        let opened = Consequence.event(.opened, by: actor, reason: reason, namesEntry: true)
        guard let escalation else { return [opened] }
        let target = escalation.target
        escalationLevel = 1
        team = target.team ?? team
        if target.team == nil { assignee = target.supervisor?.person }
        return [opened]
            + announceEscalation(
                to: target, by: .routing, reason: escalation.reason, entry: .written,
                former: escalation.askedPriority, at: now, policy)
    }

    /// The tags it comes with.
    package mutating func tag(_ tags: [String]) -> [Consequence] {
        let kept = Self.tags(tags)
        guard !kept.isEmpty else { return [] }
        tagsText = JSON.array(kept.map(JSON.string)).written
        return [.setTags(kept)]
    }

    /// The same ticket under the key that it was given.
    package func keyed(_ id: ID) -> Ticket {
        var keyed = self
        keyed.id = id
        return keyed
    }
}
