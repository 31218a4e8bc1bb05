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

    /// The numbers of tickets that it names: those that were merged, split or linked.
    package var tickets: [Int64] {
        guard [.merged, .unmerged, .split, .linked, .unlinked].contains(kind), let data = JSON(dataText) else {
            return []
        }
        return ["from", "into", "follows", "by", "ticket"].compactMap { data[$0]?.integer }
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
        /// A reply that had not gone yet.
        case takenBack = "taken_back"
    }
}
