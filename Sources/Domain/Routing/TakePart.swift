import Foundation
import Primitives

/// Somebody who could take part on the customer's side of a ticket.
package struct Newcomer: Sendable, Equatable {
    package let customer: Customer.ID
    package let address: String
    /// Takes part already.
    package let isKnown: Bool

    package init(customer: Customer.ID, address: String, isKnown: Bool) {
        self.customer = customer
        self.address = address
        self.isKnown = isKnown
    }
}

extension Ticket {
    /// A second agent sees the ticket and is told what happens.
    ///
    /// - Parameter isSecond: whether the agent is one already; then nothing follows.
    package func addAgent(_ agent: Agent, isSecond: Bool, by actor: Actor) throws(Refusal) -> [Consequence] {
        try require(.addAgent)
        guard !isSecond else { return [] }
        return [
            .addSecondAgent(agent.id),
            .event(.agentAdded, by: actor, data: ["agent": .string(agent.email)]),
            .mailAgents(
                .assigned, to: [.agents([agent])], entry: .first, by: actor,
                reason: "\(actor.name) added you to this ticket."),
        ]
    }

    /// A second agent has no part in the ticket any more.
    package func removeAgent(_ agent: Agent, isSecond: Bool, by actor: Actor) throws(Refusal) -> [Consequence] {
        try require(.removeAgent)
        guard isSecond else { return [] }
        return [
            .removeSecondAgent(agent.id), .event(.agentRemoved, by: actor, data: ["agent": .string(agent.email)]),
        ]
    }

    /// Somebody else on the customer's side gets every answer from now on.
    ///
    /// - Parameter ticket: where the consequences belong, if another ticket is decided about.
    package func addCollaborator(
        _ newcomer: Newcomer, by actor: Actor, reason: String = "", on ticket: Ticket.ID? = nil
    ) throws(Refusal) -> [Consequence] {
        try require(.addCollaborator)
        guard newcomer.customer != customer, !newcomer.isKnown else { return [] }
        return [
            .addCollaborator(newcomer.customer, address: newcomer.address, to: ticket),
            .event(
                .collaboratorAdded, by: actor, reason: reason, data: ["email": .string(newcomer.address)], on: ticket),
        ]
    }

    /// Somebody on the customer's side gets no answers any more.
    package func removeCollaborator(_ address: String, isKnown: Bool, by actor: Actor) throws(Refusal) -> [Consequence]
    {
        try require(.removeCollaborator)
        guard isKnown else { return [] }
        return [
            .removeCollaborator(address: address),
            .event(.collaboratorRemoved, by: actor, data: ["email": .string(address)]),
        ]
    }

    /// Somebody else is the one who asked. The former requester has no part any more, nor a link or a mail that waits,
    /// unless kept as a collaborator.
    package mutating func setRequester(
        _ requester: Person<Customer>, keepsFormer: Bool = false, by actor: Actor, reason: String = "", at now: Date
    ) throws(Refusal) -> [Consequence] {
        try require(.setRequester)
        let former = self.requester
        guard requester != former else { return [] }
        updatedAt = now
        customer = requester.id
        requesterName = requester.name
        requesterAddress = requester.address
        return [
            .replaceRequester(former, keepsFormer: keepsFormer),
            .indexTexts([id]),
            .event(
                .requesterChanged, by: actor, reason: reason,
                data: [
                    "from": .string(former.address), "to": .string(requester.address),
                    "name": .string(requester.name), "kept": .bool(keepsFormer),
                ]),
        ]
    }
}
