import Domain
import Foundation
import Mail
import Primitives
import Store

extension Transaction {
    /// Moves some entries, with their files, into a new ticket of the same department. It is the same requester's, or
    /// where other customers alone wrote what moves, theirs. Nobody on the customer's side is told.
    ///
    /// - Parameter subject: of the new ticket; nil takes the former one's.
    package func split(
        _ ticket: inout Ticket, entries: [Int64], subject: String? = nil, by actor: Actor, asker: Asker = .desk
    ) throws -> Ticket {
        let before = ticket
        let split = try ticket.part(entries, of: try db.said(in: ticket.id))
        let requester = try requester(of: split, from: ticket)
        let keys = try db.newTicketKeys()
        let assignee = try ticket.assignee.flatMap { try db.agent($0.id) }
        let fresh = ticket.ticket(
            of: split, number: keys.number, subject: subject?.singleLine.cut(to: NewTicket.longestSubject),
            requester: requester, keepsAssignee: assignee?.isActive ?? false, level: try serviceLevel(of: ticket),
            at: now)
        let new = try insert(
            fresh, under: keys.ticket, isProved: try isProved(requester.id, by: split, from: ticket), latest: nil)
        let joining = try db.collaborators(of: ticket.id).filter { split.writers.contains($0.id) }.map {
            Newcomer(customer: $0.id, address: $0.address, isKnown: false)
        }
        let consequences = try ticket.split(split, into: new, joining: joining, by: actor, at: now)
        try carryOut(consequences, on: ticket, from: before)
        // Whoever split it sees both, also who was brought into the first one alone.
        if case .agent(let agent) = asker, try !db.may(asker, .see, new.id) {
            try addAgent(agent, to: new, by: actor)
        }
        return new
    }

    private func requester(of split: Split, from ticket: Ticket) throws -> Person<Customer> {
        let customer = split.requester(insteadOf: ticket.customer)
        guard customer != ticket.customer else { return ticket.requester }
        // The address that was written from, as long as it is theirs.
        let addresses = try db.addresses(of: customer)
        let written: [String] = try db.query(
            """
            SELECT author_address FROM entry WHERE id IN (\(list: split.keys)) AND author_kind = 'customer'
            AND author_id = \(customer) AND author_address IS NOT NULL ORDER BY id
            """
        ) { try $0.read() }
        guard let address = written.first(where: addresses.contains) ?? addresses.first else { return ticket.requester }
        let name: String = try db.value("SELECT name FROM customer WHERE id = \(customer)") ?? ""
        return Person(id: customer, name: name, address: address)
    }

    /// Whether it was shown that the requester's address is theirs.
    private func isProved(_ requester: Customer.ID, by split: Split, from ticket: Ticket) throws -> Bool {
        if requester == ticket.customer {
            return try db.value("SELECT is_unproved FROM ticket WHERE id = \(ticket.id)", as: Int.self) == 0
        }
        return try db.value(
            """
            SELECT 1 FROM entry WHERE id IN (\(list: split.keys)) AND author_kind = 'customer'
            AND author_id = \(requester) AND is_unverified = 0 AND source = 'email' LIMIT 1
            """, as: Int64.self) != nil
    }
}

extension Connection {
    /// All that was said in a ticket, as far as it matters to parting it.
    func said(in ticket: Ticket.ID) throws -> [SaidEntry] {
        try query(
            """
            SELECT entry.id, entry.kind, CASE WHEN author_kind = 'customer' AND is_stranger = 0 THEN author_id END,
            at, source, CASE WHEN EXISTS (SELECT 1 FROM outbox WHERE outbox.entry_id = entry.id AND entry.kind = 'reply'
                AND recipient_kind = 'customer' AND outbox.state IN ('queued', 'sending', 'deferred'))
                THEN 1 ELSE 0 END
            FROM entry WHERE ticket_id = \(ticket) ORDER BY entry.id
            """
        ) {
            SaidEntry(
                key: try $0.read(), kind: try $0.read(), author: try $0.read(), at: try $0.read(),
                source: try $0.read(), isWaiting: try $0.read())
        }
    }
}
