import Foundation
import Store

/// The signed token of a reply address and of our Message-IDs: which ticket, and to whom this copy went.
package struct MailToken: Sendable, Equatable {
    package enum Recipient: Sendable, Equatable {
        case customer(Customer.ID)
        /// An answer to this copy is the agent's reply to the customer.
        case agent(Agent.ID)
        /// An answer to this copy stays a note.
        case agentNote(Agent.ID)
    }
    package let ticket: Ticket.ID
    package let recipient: Recipient

    package init(ticket: Ticket.ID, recipient: Recipient) {
        self.ticket = ticket
        self.recipient = recipient
    }

    private var body: String {
        let (kind, id): (String, Int64) =
            switch recipient {
            case .customer(let id): ("c", id.number)
            case .agent(let id): ("a", id.number)
            case .agentNote(let id): ("n", id.number)
            }
        return "\(kind)\(String(ticket.number, radix: 36))-\(String(id, radix: 36))"
    }

    package func text(_ signer: Signer) -> String { "\(body)-\(signer.mark(body, for: .mail))" }

    /// Reads a token; nil for anything that was not signed here.
    package init?(_ text: String, signer: Signer) {
        let text = text.lowercased()
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, let kind = parts[0].first, let ticket = Int64(parts[0].dropFirst(), radix: 36), let id = Int64(parts[1], radix: 36),
            signer.isGenuine(String(parts[2]), of: "\(parts[0])-\(parts[1])", for: .mail)
        else { return nil }
        self.ticket = Ticket.ID(ticket)
        switch kind {
        case "c": recipient = .customer(Customer.ID(id))
        case "a": recipient = .agent(Agent.ID(id))
        case "n": recipient = .agentNote(Agent.ID(id))
        default: return nil
        }
    }
}

/// A Message-ID of ours: the token, and the row of the outbox it left from, so that every attempt carries the same.
package struct OwnMessageID: Sendable, Equatable {
    package let token: MailToken
    package let outbox: ID<OutboxMail>

    package init(token: MailToken, outbox: ID<OutboxMail>) {
        self.token = token
        self.outbox = outbox
    }
    package func text(_ signer: Signer, domain: String) -> String {
        "\(token.text(signer)).\(String(outbox.number, radix: 36))@\(domain)"
    }
    /// Reads an identifier; nil for one that is not ours or was tampered with.
    package init?(_ identifier: String, signer: Signer) {
        guard let local = identifier.split(separator: "@").first, let dot = local.lastIndex(of: "."),
            let token = MailToken(String(local[..<dot]), signer: signer), let outbox = Int64(local[local.index(after: dot)...], radix: 36)
        else { return nil }
        self.token = token
        self.outbox = ID(outbox)
    }
}

/// The signed token of `/t/TOKEN`: one customer's way into one ticket, no password.
package struct LinkToken: Sendable, Equatable {
    package let ticket: Ticket.ID
    package let customer: Customer.ID

    package init(ticket: Ticket.ID, customer: Customer.ID) {
        self.ticket = ticket
        self.customer = customer
    }
    private var body: String { "\(String(ticket.number, radix: 36))-\(String(customer.number, radix: 36))" }
    package func text(_ signer: Signer) -> String { "\(body)-\(signer.mark(body, for: .link))" }

    package init?(_ text: String, signer: Signer) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, let ticket = Int64(parts[0], radix: 36), let customer = Int64(parts[1], radix: 36),
            signer.isGenuine(String(parts[2]), of: "\(parts[0])-\(parts[1])", for: .link)
        else { return nil }
        self.init(ticket: Ticket.ID(ticket), customer: Customer.ID(customer))
    }
}
