import Domain
import Foundation
import Primitives
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

    fileprivate var body: String {
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
        guard parts.count == 3, let kind = parts[0].first, let ticket = Int64(parts[0].dropFirst(), radix: 36),
            let id = Int64(parts[1], radix: 36),
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
/// Both are signed together.
package struct OwnMessageID: Sendable, Equatable {
    package let token: MailToken
    /// Nil in those of before the row was signed.
    package let outbox: ID<OutboxMail>?

    package init(token: MailToken, outbox: ID<OutboxMail>) {
        self.token = token
        self.outbox = outbox
    }
    private static func signed(_ token: MailToken, _ row: some StringProtocol) -> String { "\(token.body).\(row)" }

    package func text(_ signer: Signer, domain: String) -> String {
        let row = String(outbox?.number ?? 0, radix: 36)
        return "\(token.text(signer)).\(row)-\(signer.mark(Self.signed(token, row), for: .mail))@\(domain)"
    }
    /// Reads an identifier; nil for one that is not ours or was tampered with.
    package init?(_ identifier: String, signer: Signer) {
        guard let local = identifier.lowercased().split(separator: "@").first, let dot = local.lastIndex(of: "."),
            let token = MailToken(String(local[..<dot]), signer: signer)
        else { return nil }
        let row = local[local.index(after: dot)...].split(separator: "-", omittingEmptySubsequences: false)
        guard let first = row.first, let number = Int64(first, radix: 36) else { return nil }
        self.token = token
        switch row.count {
        case 1: outbox = nil
        case 2 where signer.isGenuine(String(row[1]), of: Self.signed(token, first), for: .mail): outbox = ID(number)
        default: return nil
        }
    }
}

/// The signed token of `/t/TOKEN`: one customer's way into one ticket, no password. It is good for as long as the
/// customer takes part in the ticket, has the address, and nobody took the links back (`Connection.isGood`).
package struct LinkToken: Sendable, Equatable {
    package let ticket: Ticket.ID
    package let customer: Customer.ID
    /// Given to whoever sent the form, who may have typed anybody's address; all others were mailed to the customer.
    package let isGuest: Bool
    /// How often the customer's links had been taken back when it was made.
    package let version: Int

    package init(ticket: Ticket.ID, customer: Customer.ID, isGuest: Bool = false, version: Int = 0) {
        self.ticket = ticket
        self.customer = customer
        self.isGuest = isGuest
        self.version = version
    }
    private var body: String {
        [
            String(ticket.number, radix: 36), String(customer.number, radix: 36), isGuest ? "guest" : nil,
            version == 0 ? nil : "v\(String(version, radix: 36))",
        ].compactMap { $0 }.joined(separator: "-")
    }
    package func text(_ signer: Signer) -> String { "\(body)-\(signer.mark(body, for: .link))" }

    package init?(_ text: String, signer: Signer) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard (3...5).contains(parts.count), let ticket = Int64(parts[0], radix: 36),
            let customer = Int64(parts[1], radix: 36),
            signer.isGenuine(String(parts[parts.count - 1]), of: parts.dropLast().joined(separator: "-"), for: .link)
        else { return nil }
        // Signed as a whole, so the marks between stand as they were made.
        let marks = parts[2..<(parts.count - 1)]
        let version = marks.last.flatMap { $0.first == "v" ? Int($0.dropFirst(), radix: 36) : nil } ?? 0
        self.init(
            ticket: Ticket.ID(ticket), customer: Customer.ID(customer), isGuest: marks.first == "guest",
            version: version)
    }
}

extension Connection {
    /// Whether a link was not taken back since it was made.
    package func isGood(_ link: LinkToken) throws -> Bool { try linkVersion(of: link.customer) == link.version }
    /// The link of a customer into a ticket as it is given out now.
    package func link(to ticket: Ticket.ID, for customer: Customer.ID, isGuest: Bool = false) throws -> LinkToken {
        LinkToken(ticket: ticket, customer: customer, isGuest: isGuest, version: try linkVersion(of: customer) ?? 0)
    }
}
