import Foundation
import Primitives

extension Ticket {
    /// An agent answers the customer. The first answer takes up a ticket that nobody had.
    ///
    /// - Parameters:
    ///   - agent: who answers, where that is an agent; a viewer takes up nothing.
    ///   - mail: the occasion on which the customer is written to.
    package mutating func reply(
        by actor: Actor, as agent: Agent?, mail: MailKind = .reply, at now: Date
    ) throws(Refusal) -> [Consequence] {
        guard ![.merged, .spam, .deleted].contains(state) else {
            throw .conflict(standstill, allowed: allowedActions)
        }
        return answered(by: actor, as: agent, mail: mail, at: now)
    }

    /// What follows from an answer, whichever action it came with.
    mutating func answered(by actor: Actor, as agent: Agent?, mail: MailKind, at now: Date) -> [Consequence] {
        var consequences: [Consequence] = [.write(.reply), .event(.replied, by: actor, namesEntry: true)]
        updatedAt = now
        lastReplyAt = now
        if deadlines.firstRespondedAt == nil {
            deadlines.firstRespondedAt = now
            // A late answer was answered: what is still to be watched is the solution.
            if overdue, deadlines.missed(at: now) == nil { overdue = false }
        }
        if state == .new { state = .open }
        if assignee == nil, state.isActive, let agent, agent.role >= .agent {
            assignee = agent.person
            consequences.append(.event(.claimed, by: actor, reason: "the first agent to reply takes ownership"))
        }
        consequences.append(.mailCustomers(mail, entry: .written))
        return consequences
    }

    /// An answer that asks the customer for something: the ticket waits for them, and its clock rests.
    package mutating func replyAndWait(
        by actor: Actor, as agent: Agent?, at now: Date
    ) throws(Refusal) -> [Consequence] {
        // On a copy, since a refusal changes nothing.
        var after = self
        let answer = try after.reply(by: actor, as: agent, mail: .waiting, at: now)
        let pause = try after.pause(as: .waiting, by: actor, at: now)
        self = after
        return answer + pause
    }
}
