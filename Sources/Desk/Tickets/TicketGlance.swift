import Domain
import Foundation
import Primitives
import Store

/// A ticket as somebody looks at it before they decide something about it.
package struct TicketGlance: Sendable {
    package let ticket: Ticket
    /// The requester's.
    package let organization: String?
    /// Messages, replies and notes.
    package let entries: Int
    package let latest: LatestWords
}

extension Connection {
    /// A look at a ticket that the asker may see.
    package func glance(at ticket: Ticket) throws -> TicketGlance {
        let found = try first(
            """
            SELECT (SELECT organization.name FROM customer JOIN organization ON organization.id = organization_id
                WHERE customer.id = ticket.customer_id),
            (SELECT count(*) FROM entry WHERE ticket_id = ticket.id), \(LatestWords.column)
            FROM ticket WHERE ticket.id = \(ticket.id)
            """
        ) { (try $0.read(String?.self), try $0.read(Int.self), try $0.read(String?.self)) }
        return TicketGlance(
            ticket: ticket, organization: found?.0, entries: found?.1 ?? 0, latest: LatestWords(stored: found?.2))
    }

    /// Other tickets of a ticket's customer that it could be merged with, the newest first: those with all the words in
    /// the subject, among the customer's newest.
    package func mergeable(with ticket: Ticket, about words: String, for asker: Asker) throws -> [Ticket] {
        let newest = try query(
            """
            SELECT \(Ticket.columns) FROM ticket \(Ticket.joins) WHERE ticket.customer_id = \(ticket.customer)
            AND ticket.id <> \(ticket.id) AND ticket.state NOT IN ('merged', 'spam') AND \(asker.condition)
            ORDER BY ticket.id DESC LIMIT \(Acquaintance.most)
            """
        ) { try Ticket(&$0) }
        let wanted = words.lowercased().split(whereSeparator: \.isWhitespace)
        return Array(
            newest.filter { found in
                let subject = found.subject.lowercased()
                return wanted.allSatisfy { subject.contains($0) }
            }.prefix(8))
    }
}
