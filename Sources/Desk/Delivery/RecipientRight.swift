import Domain
import Foundation
import Mail
import Primitives
import Store

/// Whether a mail that waited may still go to whom it was written for. Between its cause and its sending an agent may
/// have left or a ticket moved; what its reader could no longer open is not sent to them either.
extension Connection {
    /// Why a mail must not be sent any more, in a sentence; nil when it may go.
    func obstacle(to mail: OutboxMail) throws -> String? {
        switch mail.recipient {
        case .agent(let id), .agentNote(let id): try obstacle(to: mail, agent: id)
        case .customer(let id): try obstacle(to: mail, customer: id)
        }
    }

    private func obstacle(to mail: OutboxMail, agent id: Agent.ID) throws -> String? {
        guard let agent = try agent(id), agent.isActive else { return "\(mail.name) no longer works here" }
        if let link = mail.data["link"]?.integer {
            return try value("SELECT 1 FROM one_time_link WHERE id = \(link)", as: Int64.self) == nil
                ? "the link in it no longer works" : nil
        }
        if mail.kind == .newRequest || mail.kind == .newRequests { return try obstacle(toTelling: agent, of: mail) }
        guard let ticket = mail.ticket else { return nil }
        // What was said may have moved to another ticket since.
        let place =
            try mail.entry.flatMap { try value("SELECT ticket_id FROM entry WHERE id = \($0)", as: Ticket.ID.self) }
            ?? ticket
        return try may(.agent(agent), .seeInside, place) ? nil : "\(agent.name) can no longer see this ticket"
    }

    private func obstacle(to mail: OutboxMail, customer id: Customer.ID) throws -> String? {
        guard
            try value(
                "SELECT 1 FROM customer_address WHERE customer_id = \(id) AND address = \(mail.address)", as: Int64.self
            ) != nil
        else {
            return "\(mail.address) is no longer an address of this customer"
        }
        if let link = mail.data["link"]?.integer {
            return try value("SELECT 1 FROM one_time_link WHERE id = \(link)", as: Int64.self) == nil
                ? "the link in it no longer works" : nil
        }
        guard let ticket = mail.ticket else { return nil }
        return try may(.customer(id), .see, ticket) ? nil : "\(mail.address) no longer takes part in this ticket"
    }
}

extension Transaction {
    /// Takes a mail out of the queue for good; the ticket's page and the list of outgoing mail say why.
    func withhold(_ mail: OutboxMail, because reason: String) throws {
        try db.execute("UPDATE outbox SET state = 'cancelled', due_at = NULL, error = \(reason) WHERE id = \(mail.id)")
        guard let ticket = mail.ticket else { return }
        try record(
            .quieted, on: ticket, by: .mail, reason: "no \(mail.kind.rawValue) to \(mail.address): \(reason)",
            data: ["outbox": JSON(mail.id.number)])
    }
}
