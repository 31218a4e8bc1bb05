import Foundation
import Primitives

/// What is known of a merge that is to be taken back.
package struct Merging: Sendable, Equatable {
    /// How the ticket was before, and what had been planned for it; nil where an older program merged.
    package let inverse: Inverse?
    /// Entries that came from the ticket and are still where it went.
    package let entries: Int
    /// Who takes part in the other ticket because of the merge alone.
    package let joined: [String]

    package init(inverse: Inverse?, entries: Int, joined: [String] = []) {
        self.inverse = inverse
        self.entries = entries
        self.joined = joined
    }
}

extension Ticket {
    /// Takes a merge back: what came from this ticket goes back, and it is as it was before. What was written since
    /// stays in the other one.
    ///
    /// - Parameter other: where the conversation is now.
    package mutating func unmerge(
        from other: Ticket, _ merging: Merging, by actor: Actor, at now: Date, _ policy: LifePolicy
    ) throws -> [Consequence] {
        try require(.unmerge)
        guard mergedInto != nil, other.id != id, other.state != .deleted else {
            throw Refusal.conflict(
                Sentence("The ticket it was merged into no longer exists."), allowed: allowedActions)
        }
        guard merging.entries > 0 else {
            throw Refusal.conflict(
                Sentence("None of its messages are in #{0} any more.", String(other.number)), allowed: allowedActions)
        }
        let jobs: [Consequence]
        if let inverse = merging.inverse, try inverse.fits(self) {
            try restore(inverse, at: now)
            jobs = inverse.consequences(queuedAt: nil).map { $0.notBefore(now, policy) }
        } else {
            mergedInto = nil
            state = stateBeforeMerge
            updatedAt = now
            jobs = state == .resolved ? [.schedule(.closeSilent, at: policy.silenceEnds(after: now))] : []
        }
        let data: [String: JSON] = ["from": JSON(other.number), "ticket": JSON(number)]
        let leaving: [Consequence] = merging.joined.flatMap { address in
            [
                .removeCollaborator(address: address, from: other.id),
                .event(
                    .collaboratorRemoved, by: actor, reason: "came from #\(number), which was unmerged",
                    data: ["email": .string(address)], on: other.id),
            ]
        }
        return [.returnConversation(from: other.id)] + leaving + [.indexTexts([id, other.id])] + jobs + [
            .event(.unmerged, by: actor, data: data), .event(.unmerged, by: actor, data: data, on: other.id),
        ]
    }

    /// The state that the moments of a merged ticket speak of.
    private var stateBeforeMerge: TicketState {
        if closedAt != nil { return .closed }
        if resolvedAt != nil { return .resolved }
        if deadlines.pausedAt != nil { return .waiting }
        return assignee == nil && deadlines.firstRespondedAt == nil ? .new : .open
    }
}

extension LifePolicy {
    /// When a customer who says nothing from a moment on has been silent for too long.
    func silenceEnds(after moment: Date) -> Date { moment + TimeInterval(closeAfterHours * 3600) }
}

extension Consequence {
    /// What was planned for a time that is over is done soon; a customer's silence begins anew.
    fileprivate func notBefore(_ now: Date, _ policy: LifePolicy) -> Consequence {
        guard case .schedule(let job, let due) = self else { return self }
        return .schedule(job, at: max(due, job == .closeSilent ? policy.silenceEnds(after: now) : now))
    }
}
