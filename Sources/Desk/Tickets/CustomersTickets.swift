import Domain
import Foundation
import Primitives
import Store

extension Connection {
    /// A customer's own tickets and those they were brought into, the last changed first.
    package func tickets(of customer: Customer.ID, limit: Int) throws -> [Ticket] {
        try query(
            """
            SELECT \(Ticket.columns) FROM ticket \(Ticket.joins)
            WHERE ticket.id IN (SELECT id FROM ticket WHERE customer_id = \(customer) UNION SELECT ticket_id
            FROM ticket_collaborator WHERE customer_id = \(customer))
                AND \(Asker.customer(customer).condition) ORDER BY ticket.updated_at DESC, ticket.id DESC LIMIT \(limit)
            """
        ) { try Ticket(&$0) }
    }

    /// One of them by its number; merged ones lead to where they went.
    package func ticket(number: Int64, of customer: Customer.ID) throws -> Ticket {
        guard let id: Ticket.ID = try value("SELECT id FROM ticket WHERE number = \(number)") else {
            throw Refusal.notFound
        }
        let ticket = try livingTicket(id)
        try require(.customer(customer), .see, ticket.id)
        return ticket
    }

    /// How a customer stands to the desk, for the aside of a ticket: of what the asker may see. Of a customer with very
    /// many tickets the newest are looked at.
    package func acquaintance(with customer: Customer.ID, for asker: Asker) throws -> Acquaintance {
        let most = Acquaintance.most
        let newest: SQL = """
            SELECT id, state FROM ticket WHERE customer_id = \(customer) AND state <> 'spam' AND \(asker.condition)
            ORDER BY id DESC LIMIT \(most + 1)
            """
        let found = try first(
            """
            SELECT (SELECT organization.name FROM customer JOIN organization ON organization.id = organization_id
            WHERE customer.id = \(customer)), asked.number, asked.solved, rated.number, rated.total
            FROM (SELECT count(*) AS number, sum(CASE WHEN state IN ('resolved', 'closed') THEN 1
            ELSE 0 END) AS solved FROM (\(newest)) AS newest) AS asked
            CROSS JOIN (SELECT count(rating) AS number, sum(rating) AS total FROM survey WHERE ticket_id IN (SELECT id
            FROM (\(newest)) AS newest)) AS rated
            """
        ) {
            (
                try $0.read(String?.self), try $0.read(Int.self), try $0.read(Int?.self), try $0.read(Int?.self),
                try $0.read(Int?.self)
            )
        }
        let (ratings, sum) = (found?.3 ?? 0, found?.4 ?? 0)
        return Acquaintance(
            organization: found?.0, tickets: found?.1 ?? 0, solved: found?.2 ?? 0,
            rating: ratings > 0 ? Double(sum) / Double(ratings) : nil)
    }
}

/// What the desk knows of a customer from before.
package struct Acquaintance: Sendable {
    /// More tickets than this are simply many.
    package static let most = 200
    package let organization: String?
    package let tickets: Int
    package let solved: Int
    /// The average of their ratings.
    package let rating: Double?
}

/// What a link leads to. A link never shows more than it did when it was given out: a merge widens none.
package struct LinkedTicket: Sendable {
    /// Where an answer goes.
    package let living: Ticket
    /// As the customer knows it: the number and subject of the link's own ticket.
    package let shown: Ticket
    /// The ticket whose entries alone are shown, where that was merged into one of somebody else; nil for all of the
    /// living one.
    package let part: Ticket.ID?
    /// Whose own words alone are shown: the address was typed into a form and nobody proved it.
    let guest: Customer.ID?

    /// Whether a press on the page may confirm or reopen.
    package var mayDecide: Bool { guest == nil && part == nil }
    package var isGuest: Bool { guest != nil }

    /// Which rows of `entry` are shown. Notes never are.
    var entries: SQL {
        var condition: SQL = "ticket_id = \(living.id) AND kind <> 'note'"
        if let part { condition = "\(condition) AND COALESCE(origin_id, ticket_id) = \(part)" }
        // What came in through the form and this very link; mail in the same name may be the real person's.
        if let guest {
            condition =
                "\(condition) AND kind = 'message' AND source = 'web' AND is_unverified = 1 AND author_id = \(guest)"
        }
        return condition
    }
}

extension Connection {
    /// The ticket a link leads to, to whoever still takes part in it.
    package func linked(_ token: LinkToken) throws -> LinkedTicket {
        guard try isGood(token) else { throw Refusal.notFound }
        let own = try ticket(token.ticket)
        let living = try livingTicket(token.ticket)
        guard ![.deleted, .spam].contains(living.state) else { throw Refusal.notFound }
        if try !may(.customer(token.customer), .see, living.id) {
            // Merged into a ticket of somebody else, one's own words are still one's own, unless one was taken out of
            // it.
            guard own.id != living.id, try takesPart(token.customer, in: own),
                try !wasTakenOut(token.customer, of: living)
            else { throw Refusal.notFound }
        }
        let shown = own.shown(as: living)
        if token.isGuest {
            guard own.customer == token.customer else { throw Refusal.notFound }
            return LinkedTicket(living: living, shown: shown, part: own.id, guest: token.customer)
        }
        if own.id == living.id || living.customer == token.customer {
            return LinkedTicket(living: living, shown: living, part: nil, guest: nil)
        }
        guard try takesPart(token.customer, in: own) else { throw Refusal.notFound }
        return LinkedTicket(living: living, shown: shown, part: own.id, guest: nil)
    }
}

extension Connection {
    private func wasTakenOut(_ customer: Customer.ID, of ticket: Ticket) throws -> Bool {
        let gone = try query(
            """
            SELECT data FROM ticket_event WHERE ticket_id = \(ticket.id)
            AND kind = \(TicketEvent.Kind.collaboratorRemoved)
            """
        ) { try $0.read(String.self) }
        .compactMap { JSON($0)?["email"]?.text?.lowercased() }
        guard !gone.isEmpty else { return false }
        return try value(
            "SELECT 1 FROM customer_address WHERE customer_id = \(customer) AND address IN (\(list: gone)) LIMIT 1",
            as: Int64.self) != nil
    }
}

extension Transaction {
    /// Whoever holds a mailed link or wrote with a signed token has shown that the address is theirs.
    package func prove(_ customer: Customer.ID, in ticket: Ticket.ID) throws {
        try db.execute(
            "UPDATE ticket SET is_unproved = 0 WHERE id = \(ticket) AND customer_id = \(customer) AND is_unproved = 1")
    }

    /// Somebody who writes from an address can be written to.
    package func forgetReturns(of address: String) throws {
        try db.execute(
            """
            UPDATE customer_address SET undeliverable_at = NULL WHERE address = \(address)
            AND undeliverable_at IS NOT NULL
            """
        )
    }
}
