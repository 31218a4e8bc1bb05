import Domain
import Foundation
import Primitives
import Store

/// What a list shows of a ticket besides its own columns: looked up for one page of it, by keys alone.
package struct TicketGlance: Sendable {
    /// The requester's.
    package let organization: String?
    /// How the newest entry begins, in one line.
    package let words: String
    /// Whether the newest entry is ours: a reply or a note.
    package let isOurs: Bool

    /// So much of an entry is read.
    private static let length = 140

    fileprivate init(_ row: inout Row) throws {
        organization = try row.read()
        // The entry's kind is its first letter; the rest are its words.
        let newest: String = try row.read() ?? ""
        isOurs = !newest.isEmpty && !newest.hasPrefix("m")
        words = String(newest.dropFirst()).singleLine
    }

    fileprivate static func statement(_ tickets: [Ticket.ID]) -> SQL {
        """
        SELECT ticket.id, organization.name, (SELECT substr(entry.kind, 1, 1) || substr(entry.text, 1, \(literal: length))
            FROM entry WHERE entry.ticket_id = ticket.id ORDER BY entry.id DESC LIMIT 1)
        FROM ticket LEFT JOIN customer ON customer.id = ticket.customer_id
        LEFT JOIN organization ON organization.id = customer.organization_id WHERE ticket.id IN (\(list: tickets))
        """
    }
}

extension Connection {
    package func glances(at lines: [TicketLine]) throws -> [Ticket.ID: TicketGlance] {
        guard !lines.isEmpty else { return [:] }
        var found: [Ticket.ID: TicketGlance] = [:]
        found.reserveCapacity(lines.count)
        try run(TicketGlance.statement(lines.map(\.id))) { row in
            let ticket: Ticket.ID = try row.read()
            found[ticket] = try TicketGlance(&row)
        }
        return found
    }
}
