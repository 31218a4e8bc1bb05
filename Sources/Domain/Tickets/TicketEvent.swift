import Foundation
import Primitives

/// Something that happened to a ticket: what, when, by whom and why. The timeline, notifications, reports and the audit
/// trail hang on events and on nothing else.
package struct TicketEvent: Sendable {
    package typealias ID = Primitives.ID<TicketEvent>
    package let id: ID
    package let kind: Kind
    package let at: Date
    package let actor: Actor
    /// Which rule, which condition, which target: a sentence for people.
    package let reason: String
    /// As JSON, as it is kept and sent.
    package let dataText: String

    package init(id: ID, kind: Kind, at: Date, actor: Actor, reason: String, dataText: String) {
        self.id = id
        self.kind = kind
        self.at = at
        self.actor = actor
        self.reason = reason
        self.dataText = dataText
    }

    /// The fields of its data that hold a ticket's number.
    private static let numberFields = ["from", "into", "follows", "by", "ticket"]

    /// The numbers of tickets that it names: those that were merged, split or linked.
    package var tickets: [Int64] {
        switch kind {
        case .merged, .unmerged, .split, .linked, .unlinked:
            guard let data = JSON(dataText) else { return [] }
            return Self.numberFields.compactMap { data[$0]?.integer }
        case .collaboratorAdded:
            // Who took part in a ticket that was merged into this one: the reason alone says which.
            guard reason.hasPrefix("from #"), let number = Int64(reason.dropFirst(6).prefix { $0.isNumber }) else {
                return []
            }
            return [number]
        default: return []
        }
    }

    /// The same without the numbers of tickets that may not be named; nil where nothing is left to tell, because it is
    /// about such a ticket alone.
    package func naming(_ known: Set<Int64>) -> TicketEvent? {
        let hidden = Set(tickets).subtracting(known)
        guard !hidden.isEmpty else { return self }
        if kind == .linked || kind == .unlinked { return nil }
        let reason = reason.replacing(/#([0-9]+)/) { match in
            Int64(match.output.1).map(hidden.contains) ?? false ? "another ticket" : String(match.output.0)
        }
        var text = dataText
        if case .object(var fields)? = JSON(dataText) {
            for name in Self.numberFields where fields[name]?.integer.map(hidden.contains) ?? false {
                fields[name] = nil
            }
            text = JSON.object(fields).written
        }
        return TicketEvent(id: id, kind: kind, at: at, actor: actor, reason: reason, dataText: text)
    }

    package enum Kind: String, Sendable, CaseIterable {
        case opened, assigned, claimed, released, transferred, escalated, replied, noted, received, waiting, held,
            resumed, resolved, confirmed,
            closed, reopened, merged, unmerged, split, bounced, rated, reviewed, changed, linked, unlinked, overdue,
            updated
        case deEscalated = "de_escalated"
        case markedSpam = "marked_spam"
        case followedUp = "followed_up"
        case agentAdded = "agent_added"
        case agentRemoved = "agent_removed"
        case collaboratorAdded = "collaborator_added"
        case collaboratorRemoved = "collaborator_removed"
        case requesterChanged = "requester_changed"
        /// A mail could not be delivered.
        case deliveryFailed = "delivery_failed"
        /// An automatic mail was not sent, and why.
        case quieted
        /// A reply that had not gone yet; without a reason, an action, and its data say what changed back.
        case takenBack = "taken_back"
    }
}
