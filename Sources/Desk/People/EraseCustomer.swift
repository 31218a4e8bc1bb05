import Domain
import Foundation
import Primitives
import Store

/// What becomes of a customer's requests when the customer is erased.
package enum ErasedTickets: String, Sendable, CaseIterable {
    /// They stay for the statistics and the team's memory, without the person's name, addresses, original mails and
    /// ratings' words.
    case keep
    /// They go with everything in them.
    case delete
}

extension Transaction {
    /// Removes what the desk knows of a customer: name, addresses, notes, password, sessions, links, waiting mail,
    /// original messages, and their part in other people's tickets. Files nothing refers to any more are left to the
    /// file store's sweep.
    ///
    /// Notes and answers that agents wrote stay as they are where tickets are kept: what they say of the person is for
    /// the team to take out.
    package func erase(_ id: Customer.ID, tickets: ErasedTickets) throws {
        guard try db.value("SELECT 1 FROM customer WHERE id = \(id)", as: Int64.self) != nil else {
            throw Refusal.notFound
        }
        let addresses = try db.addresses(of: id)
        let asked = try db.query("SELECT id FROM ticket WHERE customer_id = \(id) ORDER BY id") {
            try $0.read(Ticket.ID.self)
        }
        let joined = try db.query(
            "SELECT ticket_id FROM ticket_collaborator WHERE customer_id = \(id) ORDER BY ticket_id"
        ) { try $0.read(Ticket.ID.self) }
        try forgetMail(of: id, addresses: addresses, tickets: asked)
        // What was said in a merged ticket stands in the one it was merged into.
        let merged = try db.query(
            "SELECT merged_into_id FROM ticket WHERE customer_id = \(id) AND merged_into_id IS NOT NULL"
        ) { try $0.read(Ticket.ID.self) }
        let others = Set(joined + merged).subtracting(asked)
        let kept = (tickets == .delete ? Array(others) : asked + others).sorted { $0.number < $1.number }
        if tickets == .delete { for ticket in asked { try deleteForGood(ticket) } }
        for ticket in kept { try forget(id, addresses: addresses, in: ticket) }
        try db.execute("DELETE FROM ticket_collaborator WHERE customer_id = \(id)")
        try db.execute("DELETE FROM session WHERE customer_id = \(id)")
        try db.execute("DELETE FROM one_time_link WHERE customer_id = \(id)")
        try db.execute("DELETE FROM customer_address WHERE customer_id = \(id)")
        if tickets == .delete {
            try db.execute("DELETE FROM customer WHERE id = \(id)")
        } else {
            try db.execute(
                """
                UPDATE customer SET name = \(Self.erasedName), organization_id = NULL, password = NULL,
                language = NULL, note = '', sought = '',
                    link_version = link_version + 1 WHERE id = \(id)
                """)
        }
        for address in addresses {
            for name in [
                "link:\(Secret.hash(address))", "account:\(Secret.hash(address))", "code:\(Secret.hash(address))",
            ] { try db.execute("DELETE FROM throttle WHERE name = \(name)") }
        }
        // Answers kept for retries may hold what was asked.
        for address in addresses { try db.execute("DELETE FROM idempotency WHERE body LIKE \("%\(address)%")") }
        try db.indexTexts(of: kept)
        rightsChanged()
    }

    static let erasedName = "Erased customer"

    /// The ledger of mail that came in and what waits to go out.
    private func forgetMail(of id: Customer.ID, addresses: [String], tickets: [Ticket.ID]) throws {
        for address in addresses {
            try db.execute(
                "UPDATE received SET sender = NULL, subject = NULL, raw = NULL, reason = '' WHERE sender = \(address)")
        }
        for ticket in tickets {
            try db.execute(
                "UPDATE received SET sender = NULL, subject = NULL, raw = NULL, reason = '' WHERE ticket_id = \(ticket)"
            )
        }
        try db.execute("DELETE FROM outbox WHERE recipient_kind = 'customer' AND recipient_id = \(id)")
    }

    /// The name and the addresses in one ticket that stays.
    private func forget(_ id: Customer.ID, addresses: [String], in ticket: Ticket.ID) throws {
        try db.execute(
            """
            UPDATE ticket SET requester_name = \(Self.erasedName), requester_address = \("erased-\(id)@invalid"),
            updated_at = \(now) WHERE id = \(ticket) AND customer_id = \(id)
            """
        )
        try db.execute(
            """
            UPDATE entry SET raw = NULL, quoted = NULL, author_name = \(Self.erasedName), author_address = NULL
            WHERE ticket_id = \(ticket) AND author_kind = 'customer' AND (author_id = \(id)
            OR author_address IN (\(list: addresses)))
            """)
        try db.execute(
            """
            UPDATE ticket_event SET actor_name = \(Self.erasedName), actor_address = NULL
            WHERE ticket_id = \(ticket) AND actor_kind = 'customer' AND (actor_id = \(id)
            OR actor_address IN (\(list: addresses)))
            """)
        for address in addresses {
            try db.execute(
                """
                UPDATE ticket_event SET reason = replace(reason, \(address), '…'), data = replace(data, \(address), '…')
                WHERE ticket_id = \(ticket) AND (reason LIKE \("%\(address)%") OR data LIKE \("%\(address)%"))
                """)
        }
        try db.execute(
            """
            UPDATE survey SET comment = '' WHERE ticket_id = \(ticket) AND comment <> ''
            AND ticket_id IN (SELECT id FROM ticket WHERE customer_id = \(id))
            """
        )
    }

    /// A ticket and all that hangs on it, as if it had never been.
    private func deleteForGood(_ ticket: Ticket.ID) throws {
        try db.execute("UPDATE ticket SET merged_into_id = NULL, state = 'deleted' WHERE merged_into_id = \(ticket)")
        try db.execute("DELETE FROM ticket WHERE id = \(ticket)")
        try db.indexTexts(of: [ticket])
    }
}
