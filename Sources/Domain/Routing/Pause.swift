import Foundation
import Primitives

extension Ticket {
    /// The ticket waits for the customer, or for a third party: its clock rests.
    package mutating func pause(
        as state: TicketState, by actor: Actor, reason: String = "", at now: Date
    ) throws(Refusal) -> [Consequence] {
        try require(state == .held ? .hold : .wait)
        updatedAt = now
        self.state = state
        if deadlines.pausedAt == nil { deadlines.pausedAt = now }
        return [.event(state == .held ? .held : .waiting, by: actor, reason: reason)]
    }

    /// Work goes on, and so does the clock.
    package mutating func resume(
        by actor: Actor, reason: String = "", at now: Date, level: ServiceLevel?
    ) throws(Refusal) -> [Consequence] {
        try require(.resume)
        updatedAt = now
        state = .open
        resumeClock(level, at: now)
        return [.event(.resumed, by: actor, reason: reason)]
    }

    /// What was left of the promises when the clock stopped begins again now.
    mutating func resumeClock(_ level: ServiceLevel?, at now: Date) {
        guard deadlines.pausedAt != nil else { return }
        if let level {
            deadlines = level.resume(deadlines, at: now)
        } else {
            deadlines.pausedAt = nil
        }
    }
}
