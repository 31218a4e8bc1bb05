import Foundation
import Primitives

/// A message from the customer's side, as far as it decides something.
package struct CustomerMessage: Sendable, Equatable {
    package var author: Actor
    /// Why the message changes nothing besides: a program wrote it.
    package var quietly: String?
    /// Nothing proves that the author wrote it.
    package var isUnverified: Bool
    /// Why it is not surely the author's; empty where it is.
    package var doubt: String

    package init(author: Actor, quietly: String? = nil, isUnverified: Bool = false, doubt: String = "") {
        self.author = author
        self.quietly = quietly
        self.isUnverified = isUnverified
        self.doubt = doubt
    }
}

extension Ticket {
    /// Whether the ticket was closed too long ago for a message to bring it back: a new one continues it.
    package func isClosedForGood(at now: Date, _ policy: LifePolicy) -> Bool {
        guard state == .closed, let closedAt else { return false }
        return closedAt + TimeInterval(policy.reopenWithinDays * 86400) < now
    }

    /// Whether a message brings the ticket back to the agents who solved it.
    package var comesBackWithMessage: Bool { state == .resolved || state == .closed }

    /// A customer says something: it ends waiting, brings back what was resolved or closed, and those who work on it
    /// are told.
    ///
    /// An automatic mail is kept and changes nothing else. What nobody proved is marked; it brings the ticket back, so
    /// that a person sees it.
    ///
    /// - Parameters:
    ///   - level: what the ticket was promised.
    ///   - previous: who solved it before, where it comes back.
    package mutating func receive(
        _ message: CustomerMessage, at now: Date, level: ServiceLevel?, previous: PreviousSolver?
    ) throws(Refusal) -> [Consequence] {
        updatedAt = now
        lastMessageAt = now
        let author = message.author
        var data: [String: JSON] = [:]
        if message.isUnverified { data["unverified"] = .bool(true) }
        let reason = message.quietly.map { "\($0): the status was not changed" } ?? message.doubt
        let received: [Consequence] = [
            .write(.message), .event(.received, by: author, reason: reason, data: data, namesEntry: true),
        ]
        guard message.quietly == nil else { return received }
        switch state {
        case .waiting:
            resumeClock(level, at: now)
            state = .open
            return received + [
                .event(.resumed, by: author, reason: "the customer answered"),
                .mailAgents(
                    .received, to: workers, entry: .written, by: author, reason: "The customer answered."),
            ]
        case .resolved, .closed:
            let reason =
                state == .closed
                ? "the customer answered a closed ticket" : "the customer answered: it is not solved"
            return received
                + (try reopen(
                    by: author, reason: reason, at: now, level: level, previous: previous, entry: .written))
        case .new, .open, .held:
            return received + [
                .mailAgents(
                    .received, to: workers, entry: .written, by: author, reason: "A new message from the customer.")
            ]
        case .spam, .merged, .deleted:
            return received
        }
    }
}
