import Foundation
import Primitives

extension Ticket {
    /// A solution is offered; the customer is asked whether it is one.
    ///
    /// - Parameter withWords: whether words to the customer go along, which are then an answer as well.
    package mutating func resolve(
        by actor: Actor, withWords: Bool, at now: Date, level: ServiceLevel?, _ policy: LifePolicy
    ) throws(Refusal) -> [Consequence] {
        try require(.resolve)
        resumeClock(level, at: now)
        updatedAt = now
        solver = actor.agentID ?? assignee?.id
        state = .resolved
        resolvedAt = now
        status = nil
        let told =
            withWords
            ? answered(by: actor, as: nil, mail: .resolved, at: now) : [.mailCustomers(.resolved)]
        return told + [
            .event(.resolved, by: actor),
            .cancel(.updateCustomer),
            .schedule(.closeSilent, at: now + TimeInterval(policy.closeAfterHours * 3600)),
        ]
    }

    /// The customer says that it is solved.
    package mutating func confirm(
        by actor: Actor, at now: Date, level: ServiceLevel?, _ policy: LifePolicy
    ) throws(Refusal) -> [Consequence] {
        try require(.confirm)
        return [.event(.confirmed, by: actor)]
            + finish(by: actor, reason: "the solution was confirmed", at: now, level: level, policy)
    }

    /// Somebody closes it, saying why.
    package mutating func close(
        by actor: Actor, reason: String, at now: Date, level: ServiceLevel?, _ policy: LifePolicy
    ) throws(Refusal) -> [Consequence] {
        try require(.close)
        return finish(by: actor, reason: reason, at: now, level: level, policy)
    }

    /// The customer was silent past the limit; nothing follows where the ticket is not resolved any more.
    package mutating func closeAfterSilence(
        at now: Date, level: ServiceLevel?, _ policy: LifePolicy
    ) -> [Consequence] {
        guard state == .resolved else { return [] }
        return finish(
            by: .timer, reason: "the customer didn't reply within \(policy.closeAfterHours) hours of the solution",
            at: now, level: level, policy)
    }

    private mutating func finish(
        by actor: Actor, reason: String, at now: Date, level: ServiceLevel?, _ policy: LifePolicy
    ) -> [Consequence] {
        resumeClock(level, at: now)
        updatedAt = now
        solver = solver ?? assignee?.id ?? actor.agentID
        state = .closed
        closedAt = now
        status = nil
        resolvedAt = resolvedAt ?? now
        return [
            .event(.closed, by: actor, reason: reason), .cancel(.closeSilent), .cancel(.updateCustomer),
        ] + lastWord(to: actor, at: now, policy)
    }

    /// The customer is asked how it went, or hears that the ticket is closed. A customer who confirmed the solution
    /// knows that already.
    private func lastWord(to actor: Actor, at now: Date, _ policy: LifePolicy) -> [Consequence] {
        guard policy.sendsSurveys else { return actor.kind == .customer ? [] : [.mailCustomers(.closed)] }
        guard policy.surveyDelayHours > 0 else { return [.askForRating] }
        return [.schedule(.sendSurvey, at: now + TimeInterval(policy.surveyDelayHours * 3600))]
    }
}
