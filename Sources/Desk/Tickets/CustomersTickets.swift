import Foundation
import Store

extension Connection {
    /// A customer's own tickets and those they were brought into, the last changed first.
    package func tickets(of customer: Customer.ID, limit: Int) throws -> [Ticket] {
        try query(
            """
            SELECT \(Ticket.columns) FROM ticket \(Ticket.joins)
            WHERE ticket.id IN (SELECT id FROM ticket WHERE customer_id = \(customer) UNION SELECT ticket_id FROM ticket_collaborator WHERE customer_id = \(customer))
                AND ticket.state NOT IN ('spam', 'deleted') ORDER BY ticket.updated_at DESC, ticket.id DESC LIMIT \(limit)
            """
        ) { try Ticket(&$0) }
    }

    /// One of them by its number; merged ones lead to where they went.
    package func ticket(number: Int64, of customer: Customer.ID) throws -> Ticket {
        guard let id: Ticket.ID = try value("SELECT id FROM ticket WHERE number = \(number)") else { throw Refusal.notFound }
        let ticket = try livingTicket(id)
        guard ![.spam, .deleted].contains(ticket.state), try takesPart(customer, in: ticket) else { throw Refusal.notFound }
        return ticket
    }

    /// How a customer stands to the desk, for the aside of a ticket.
    package func acquaintance(with customer: Customer.ID) throws -> Acquaintance {
        let found = try first(
            """
            SELECT (SELECT organization.name FROM customer JOIN organization ON organization.id = organization_id WHERE customer.id = \(customer)), asked.number, asked.solved, rated.number, rated.total
            FROM (SELECT count(*) AS number, sum(CASE WHEN state IN ('resolved', 'closed') THEN 1 ELSE 0 END) AS solved FROM ticket
                WHERE customer_id = \(customer) AND state NOT IN ('spam', 'deleted')) AS asked
            CROSS JOIN (SELECT count(rating) AS number, sum(rating) AS total FROM survey WHERE ticket_id IN (SELECT id FROM ticket WHERE customer_id = \(customer))) AS rated
            """
        ) { (try $0.read(String?.self), try $0.read(Int.self), try $0.read(Int?.self), try $0.read(Int?.self), try $0.read(Int?.self)) }
        let (ratings, sum) = (found?.3 ?? 0, found?.4 ?? 0)
        return Acquaintance(organization: found?.0, tickets: found?.1 ?? 0, solved: found?.2 ?? 0, rating: ratings > 0 ? Double(sum) / Double(ratings) : nil)
    }
}

/// What the desk knows of a customer from before.
package struct Acquaintance: Sendable {
    package let organization: String?
    package let tickets: Int
    package let solved: Int
    /// The average of their ratings.
    package let rating: Double?
}
