import Foundation
import Primitives

extension Ticket {
    /// An internal note: only agents see it, and those who work on the ticket are told.
    package mutating func note(by actor: Actor, at now: Date) throws(Refusal) -> [Consequence] {
        guard state != .deleted else { throw .notFound }
        updatedAt = now
        return [
            .write(.note),
            .event(.noted, by: actor, namesEntry: true),
            .mailAgents(
                .noted, to: assigneeIfAny + [.secondAgents], entry: .written, by: actor,
                reason: "\(actor.name) wrote a note."),
        ]
    }

    /// The assignee as somebody to be told.
    var assigneeIfAny: [Recipients] { assignee.map { [.agent($0.id)] } ?? [] }

    /// Those who work on the ticket: the assignee and the second agents; where there is no assignee, the team.
    var workers: [Recipients] {
        if let assignee { return [.agent(assignee.id), .secondAgents] }
        return [.secondAgents] + (team.map { [.members(of: $0.id)] } ?? [])
    }
}
