import Foundation
import Primitives

extension Ticket {
    /// The ticket turns out to be spam: nothing is asked or told any more.
    package mutating func markSpam(by actor: Actor, at now: Date) throws(Refusal) -> [Consequence] {
        try require(.spam)
        updatedAt = now
        state = .spam
        return [.event(.markedSpam, by: actor)] + Self.endOfJobs + [.cancelAutomaticMail]
    }

    /// Whether another ticket can take this one in.
    package func requireMerge(into other: Ticket) throws(Refusal) {
        try require(.merge)
        guard other.id != id else {
            throw .invalid("into", .other(Sentence("Enter the number of a different ticket.")))
        }
        if let problem = other.mergeProblem { throw .invalid("into", problem) }
    }

    /// Why no other ticket can be put into this one; nil where it can.
    package var mergeProblem: Fault.Problem? {
        guard [.merged, .deleted, .spam].contains(state) else { return nil }
        return .other(
            Sentence(
                "Ticket #{0} is {1} and can't take in another ticket. Enter a different number.",
                [.text(String(number)), .words(state.word)]))
    }

    /// Puts the conversation into another ticket; the number of this one goes on to lead there.
    ///
    /// - Parameter joining: who took part in this ticket and gets the answers of the other one from now on. Two tickets
    ///   may be of two customers who know nothing of each other, so whoever merges says who joins.
    package mutating func merge(
        into other: Ticket, joining: [Newcomer], by actor: Actor, at now: Date
    ) throws(Refusal) -> [Consequence] {
        try requireMerge(into: other)
        updatedAt = now
        state = .merged
        mergedInto = other.id
        var consequences: [Consequence] = [.moveConversation(to: other.id)]
        for newcomer in joining {
            consequences += try other.addCollaborator(
                newcomer, by: actor, reason: "from #\(number), which was merged into this", on: other.id)
        }
        let data: [String: JSON] = ["from": JSON(number), "into": JSON(other.number)]
        return consequences + [.indexTexts([id, other.id])] + Self.endOfJobs + [
            .event(.merged, by: actor, reason: "into #\(other.number)", data: data),
            .event(.merged, by: actor, reason: "#\(number) was merged into this", data: data, on: other.id),
        ]
    }

    /// Nothing of what was planned is done.
    private static var endOfJobs: [Consequence] {
        [.cancel(.closeSilent), .cancel(.sendSurvey), .cancel(.updateCustomer)]
    }

    /// Takes account of what was said in another ticket and stands here now, or went back there.
    package mutating func settle(_ said: [SaidEntry], at now: Date) {
        updatedAt = now
        follow(said)
    }

    /// A merged ticket as it is shown: in the state of the one that it lives on in.
    package func shown(as living: Ticket) -> Ticket {
        var shown = self
        shown.state = living.state
        return shown
    }
}
