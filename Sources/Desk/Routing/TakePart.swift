import Domain
import Foundation
import Mail
import Primitives
import Store

extension Transaction {
    /// A second agent, who sees the ticket and is told what happens.
    package func addAgent(_ agent: Agent, to ticket: Ticket, by actor: Actor) throws {
        let isSecond = try db.isSecondAgent(agent.id, of: ticket.id)
        try carryOut(try ticket.addAgent(agent, isSecond: isSecond, by: actor), on: ticket, from: ticket)
    }

    package func removeAgent(_ agent: Agent, from ticket: Ticket, by actor: Actor) throws {
        let isSecond = try db.isSecondAgent(agent.id, of: ticket.id)
        try carryOut(try ticket.removeAgent(agent, isSecond: isSecond, by: actor), on: ticket, from: ticket)
    }

    /// Somebody else on the customer's side, who gets every answer.
    package func addCollaborator(_ address: MailAddress, to ticket: Ticket, by actor: Actor, reason: String = "") throws
    {
        try ticket.require(.addCollaborator)
        let customer = try self.customer(address).id
        let newcomer = Newcomer(
            customer: customer, address: address.address,
            isKnown: try db.collaborators(of: ticket.id).contains { $0.id == customer })
        let consequences = try ticket.addCollaborator(newcomer, by: actor, reason: reason)
        try carryOut(consequences, on: ticket, from: ticket)
    }

    package func removeCollaborator(_ address: MailAddress, from ticket: Ticket, by actor: Actor) throws {
        let isKnown = try db.collaborators(of: ticket.id).contains { $0.address == address.address }
        let consequences = try ticket.removeCollaborator(address.address, isKnown: isKnown, by: actor)
        try carryOut(consequences, on: ticket, from: ticket)
    }

    /// Makes somebody else the one who asked. The former requester has no part any more, nor a link or a mail that
    /// waits, unless kept as a collaborator.
    package func setRequester(
        _ address: MailAddress, keepsFormer: Bool = false, of ticket: inout Ticket, by actor: Actor, reason: String = ""
    ) throws {
        try ticket.require(.setRequester)
        let before = ticket
        let customer = try self.customer(address)
        let requester = Person<Customer>(
            id: customer.id, name: address.name.isEmpty ? customer.name : address.name, address: address.address)
        let consequences = try ticket.setRequester(
            requester, keepsFormer: keepsFormer, by: actor, reason: reason, at: now)
        try carryOut(consequences, on: ticket, from: before)
    }
}

extension Connection {
    fileprivate func isSecondAgent(_ agent: Agent.ID, of ticket: Ticket.ID) throws -> Bool {
        try value(
            "SELECT 1 FROM ticket_agent WHERE ticket_id = \(ticket) AND agent_id = \(agent)", as: Int64.self) != nil
    }

    package func collaborators(of ticket: Ticket.ID) throws -> [Person<Customer>] {
        try query(
            """
            SELECT customer.id, customer.name, ticket_collaborator.address FROM ticket_collaborator
            JOIN customer ON customer.id = customer_id
            WHERE ticket_id = \(ticket) ORDER BY customer.id
            """
        ) { Person(id: try $0.read(), name: try $0.read(), address: try $0.read()) }
    }
}
