import Foundation
import Primitives

/// The agent who solved a ticket before, as far as it matters to whom it goes back.
package struct PreviousSolver: Sendable, Equatable {
    package let agent: Agent
    /// Whether that agent may still work on the ticket: agents change departments.
    package let mayWork: Bool

    package init(agent: Agent, mayWork: Bool) {
        self.agent = agent
        self.mayWork = mayWork
    }
}

extension Ticket {
    /// Whose knowledge a ticket that comes back calls for: the agent who offered the solution, else the assignee.
    package var previousSolver: Agent.ID? { solver ?? assignee?.id }

    /// Brings a ticket back to the agent who solved it, or where that agent has left or is away, to the team.
    ///
    /// - Parameters:
    ///   - previous: the agent who solved it; spam goes to nobody in particular.
    ///   - entry: the message that brought it back.
    package mutating func reopen(
        by actor: Actor, reason: String, at now: Date, level: ServiceLevel?, previous: PreviousSolver?,
        entry: EntryMention? = nil
    ) throws(Refusal) -> [Consequence] {
        try require(.reopen)
        let wasSpam = state == .spam
        updatedAt = now
        state = .open
        closedAt = nil
        resolvedAt = nil
        if !wasSpam { reopenedCount += 1 }
        // The promise of the first answer was kept; the one of the solution begins anew.
        if let level {
            deadlines.resolutionDueAt = level.deadlines(from: now, priority: priority).resolutionDueAt
            deadlines.pausedAt = nil
            overdue = false
        }
        let reopened: [Consequence] = [
            .cancel(.closeSilent), .cancel(.sendSurvey),
            .event(.reopened, by: actor, reason: reason, data: ["count": JSON(Int64(reopenedCount))]),
        ]
        if wasSpam { return reopened }
        return reopened + handBack(to: previous, entry: entry, by: actor)
    }

    /// Gives the ticket to the agent who knows its history; where there is none who could take it, to its team, else to
    /// its department.
    mutating func handBack(to previous: PreviousSolver?, entry: EntryMention?, by actor: Actor) -> [Consequence] {
        let cameBack =
            """
            \(requesterLabel) came back to a ticket that was closed or \
            resolved.
            """
        if let previous, previous.agent.isAvailable, previous.mayWork {
            let agent = previous.agent
            assignee = agent.person
            return [
                .event(
                    .assigned, by: .routing, reason: "\(agent.name) solved it before",
                    data: ["agent": .string(agent.email)]),
                .mailAgents(
                    .reopened, to: [.agents([agent]), .secondAgents], entry: entry, by: actor, reason: cameBack),
            ]
        }
        assignee = nil
        let place = team.map { "the team \($0.name)" } ?? "the department \(department.name)"
        return [
            .event(
                .assigned, by: .routing, reason: "\(Self.absence(of: previous?.agent)); to \(place)",
                data: ["team": JSON(team?.name)]),
            .mailAgents(
                .reopened, to: [team.map { .members(of: $0.id) } ?? .workers(in: department.id)], entry: entry,
                by: actor, reason: cameBack),
        ]
    }

    /// Why the ticket does not go back to the agent who solved it.
    private static func absence(of agent: Agent?) -> String {
        guard let agent else { return "nobody solved it before" }
        let reason = !agent.isActive ? "has left" : agent.isAway ? "is away" : "works elsewhere now"
        return "\(agent.name), who solved it, \(reason)"
    }
}

extension Ticket {
    /// The team that goes on with a closed ticket in a new one.
    package mutating func takeTeam(of former: Ticket) { team = former.team ?? team }

    /// A new ticket continues one that was closed too long ago: the two are linked, and it goes to the agent who knows
    /// the history.
    ///
    /// - Parameter previous: who solved the former ticket, judged by this one with the former one's team.
    package mutating func follow(
        _ former: Ticket, previous: PreviousSolver?, _ policy: LifePolicy
    ) -> [Consequence] {
        takeTeam(of: former)
        let data: [String: JSON] = ["follows": JSON(former.number), "by": JSON(number)]
        return [
            .link(former.id, .follows),
            .event(
                .linked, by: .routing,
                reason: "it continues #\(former.number), which was closed longer than \(policy.reopenWithinDays) days",
                data: data),
            .event(.linked, by: .routing, reason: "it is continued in #\(number)", data: data, on: former.id),
        ] + handBack(to: previous, entry: .written, by: .routing)
    }

    /// A new ticket in the customer's name begins with our words about a rating; the team that was rated goes on with
    /// it.
    package mutating func follow(ratingOf rated: Ticket, by actor: Actor) -> [Consequence] {
        team = rated.team
        return [
            .link(rated.id, .follows),
            .event(
                .linked, by: actor, reason: "it follows the rating of #\(rated.number)",
                data: ["follows": JSON(rated.number), "by": JSON(number)]),
        ]
    }
}
