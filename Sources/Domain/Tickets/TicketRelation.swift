import Foundation
import Primitives

/// How another ticket stands to this one.
package enum TicketRelation: String, Sendable, CaseIterable, Codable {
    case related
    /// The other one is this one's parent, or its child.
    case parent, child
    /// This one is a duplicate of the other, or the other way round.
    case duplicateOf = "duplicate_of"
    case duplicatedBy = "duplicated_by"
    /// This one blocks the other, or waits for it.
    case blocks
    case blockedBy = "blocked_by"
    /// This one continues the other, or is continued by it.
    case follows
    case followedBy = "followed_by"

    /// The same relation as the other ticket has it.
    package var inverse: TicketRelation {
        switch self {
        case .related: .related
        case .parent: .child
        case .child: .parent
        case .duplicateOf: .duplicatedBy
        case .duplicatedBy: .duplicateOf
        case .blocks: .blockedBy
        case .blockedBy: .blocks
        case .follows: .followedBy
        case .followedBy: .follows
        }
    }

    /// Those that people set; what continues a ticket is known by itself.
    package static let settable = allCases.filter { $0 != .follows && $0 != .followedBy }
}

extension Ticket {
    /// Another ticket has to do with this one; both timelines say so.
    ///
    /// - Parameter known: how the two stand to each other already.
    package func link(
        to other: Ticket, as relation: TicketRelation, known: Set<TicketRelation>, by actor: Actor
    ) throws(Refusal) -> [Consequence] {
        try require(.link)
        guard other.id != id else { throw .invalid("to", .other(Sentence("Enter the number of a different ticket."))) }
        guard TicketRelation.settable.contains(relation) else {
            throw .invalid("kind", .notOneOf(TicketRelation.settable.map(\.rawValue)))
        }
        guard !known.contains(relation) else { return [] }
        guard relation == .related || !known.contains(relation.inverse) else {
            throw .invalid(
                "kind", .other(Sentence("These tickets are linked the other way round. Remove that link first.")))
        }
        return [.link(other.id, relation)] + events(.linked, with: other, as: relation, by: actor)
    }

    /// The two have nothing to do with each other any more, or not in the way given.
    package func unlink(
        from other: Ticket, as relation: TicketRelation?, known: Set<TicketRelation>, by actor: Actor
    ) throws(Refusal) -> [Consequence] {
        try require(.unlink)
        let gone = TicketRelation.allCases.filter { known.contains($0) && (relation == nil || $0 == relation) }
        guard !gone.isEmpty else { throw .invalid("to", .other(Sentence("These tickets aren't linked."))) }
        return gone.flatMap { [.unlink(other.id, $0)] + events(.unlinked, with: other, as: $0, by: actor) }
    }

    private func events(
        _ kind: TicketEvent.Kind, with other: Ticket, as relation: TicketRelation, by actor: Actor
    ) -> [Consequence] {
        [
            .event(kind, by: actor, data: ["ticket": JSON(other.number), "kind": .string(relation.rawValue)]),
            .event(
                kind, by: actor, data: ["ticket": JSON(number), "kind": .string(relation.inverse.rawValue)],
                on: other.id),
        ]
    }
}
