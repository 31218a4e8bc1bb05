import Domain
import Foundation
import Mail
import Primitives
import Store

extension Transaction {
    /// Puts one ticket's conversation into another; the number of the first goes on to lead there.
    ///
    /// - Parameter bringsIn: whether those who took part in the first get the answers of the other. The workspace and
    ///   the API ask
    ///   first: two tickets may be of two customers who know nothing of each other.
    package func merge(_ ticket: inout Ticket, into other: Ticket, bringsIn: Bool = true, by actor: Actor) throws {
        try ticket.requireMerge(into: other)
        let before = ticket
        let joining = bringsIn ? try newcomers(from: ticket, to: other) : []
        let consequences = try ticket.merge(into: other, joining: joining, by: actor, at: now)
        let done = try carryOut(consequences, on: ticket, from: before)
        try settle(other.id)
        let joined: [String] = consequences.compactMap {
            if case .addCollaborator(_, let address, _) = $0 { address } else { nil }
        }
        let inverse = try done.inverse.texts
        try db.execute("DELETE FROM ticket_merge WHERE ticket_id = \(ticket.id)")
        try db.execute(
            """
            INSERT INTO ticket_merge (ticket_id, ticket_before, ticket_after, joined)
            VALUES (\(ticket.id), \(inverse.restored), \(inverse.expected), \(joined.joined(separator: " ")))
            """)
    }

    /// Takes a merge back: what came from the ticket goes back to it, and it is as it was before.
    package func unmerge(_ ticket: inout Ticket, by actor: Actor, asker: Asker = .desk) throws {
        try ticket.require(.unmerge)
        let before = ticket
        let other = try db.livingTicket(ticket.id)
        guard try other.id == ticket.id || other.state == .deleted || db.may(asker, .work, other.id) else {
            throw Refusal.notAllowed(Sentence("You can't change the ticket this one was merged into."))
        }
        let kept = try db.first(
            "SELECT ticket_before, ticket_after, joined FROM ticket_merge WHERE ticket_id = \(ticket.id)"
        ) { (restored: try $0.read(String.self), expected: try $0.read(String.self), joined: try $0.read(String.self)) }
        let origins = try db.origins(of: ticket.id)
        let present = Set(try db.collaborators(of: other.id).map(\.address))
        let merging = Merging(
            inverse: kept.flatMap { Inverse(restored: $0.restored, expected: $0.expected) },
            entries: try db.value("SELECT count(*) FROM entry WHERE origin_id IN (\(list: origins))") ?? 0,
            joined: (kept?.joined ?? "").split(separator: " ").map(String.init).filter(present.contains))
        let consequences = try ticket.unmerge(from: other, merging, by: actor, at: now, settings.life)
        try carryOut(consequences, on: ticket, from: before)
        try settle(other.id)
        try db.execute("DELETE FROM ticket_merge WHERE ticket_id = \(ticket.id)")
    }

    /// Who spoke last in a ticket is what its entries say now.
    private func settle(_ id: Ticket.ID) throws {
        let before = try db.ticket(id)
        var ticket = before
        ticket.settle(try db.said(in: id), at: now)
        try carryOut([], on: ticket, from: before)
    }

    /// Those who take part in one ticket, as they would take part in another.
    private func newcomers(from ticket: Ticket, to other: Ticket) throws -> [Newcomer] {
        var known = Set(try db.collaborators(of: other.id).map(\.id))
        return try customers(of: ticket).compactMap { person in
            guard let address = MailAddress(name: person.name, person.address) else { return nil }
            let customer = try self.customer(address).id
            return Newcomer(
                customer: customer, address: address.address, isKnown: !known.insert(customer).inserted)
        }
    }
}
