import Domain
import Foundation
import Primitives
import Store

/// The orders a list is read in; each has an index or a key behind it.
package enum TicketOrder: String, Sendable, CaseIterable {
    case newest
    case oldest
    /// Escalated first, then overdue, then what is due soonest.
    case due
    /// Escalated first, then by priority, the longest waiting of the same urgency first.
    case urgency
}

/// What a list shows: who asks, what for, in which order.
package struct TicketList: Sendable {
    package var query: TicketQuery
    package var asker: Asker
    package var order: TicketOrder
    package var limit: Int
    package var after: TicketCursor?

    package init(
        query: TicketQuery = .everything, asker: Asker = .desk, order: TicketOrder = .newest, limit: Int = 50,
        after: TicketCursor? = nil
    ) {
        self.query = query
        self.asker = asker
        self.order = order
        self.limit = limit
        self.after = after
    }
}

extension TicketList {
    /// The same list, from its first ticket.
    package var fromTheBeginning: TicketList {
        var list = self
        list.after = nil
        return list
    }
}

/// Where the next page begins: behind the last ticket of this one, in whichever order.
package struct TicketCursor: Sendable, Equatable {
    let urgency: Int
    let dueRank: Int
    let id: Ticket.ID

    init(urgency: Int, dueRank: Int, id: Ticket.ID) {
        self.urgency = urgency
        self.dueRank = dueRank
        self.id = id
    }
    package init(_ ticket: Ticket) { self.init(urgency: ticket.urgency, dueRank: ticket.dueRank, id: ticket.id) }

    package init(parsing text: String) throws(Refusal) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, let urgency = Int(parts[0]), let dueRank = Int(parts[1]), let id = Int64(parts[2])
        else { throw .invalid("cursor", .unknownCursor) }
        self.init(urgency: urgency, dueRank: dueRank, id: Ticket.ID(id))
    }
    package var text: String { "\(urgency)-\(dueRank)-\(id)" }
}

/// One page of a list.
package struct TicketPage: Sendable {
    package let tickets: [Ticket]
    package let next: TicketCursor?
}

extension Connection {
    package func tickets(_ list: TicketList) throws -> TicketPage {
        var tickets = try query(try list.statement(self)) { try Ticket(&$0) }
        guard tickets.count > list.limit else { return TicketPage(tickets: tickets, next: nil) }
        tickets.removeLast()
        return TicketPage(tickets: tickets, next: tickets.last.map { TicketCursor($0) })
    }

    /// How many tickets the same asker would get by paging through; counting ends at the most that matters.
    package func count(_ list: TicketList, atMost most: Int = .max) throws -> Int {
        try value(try TicketPlan(list, self, counting: most).count(atMost: most)) ?? 0
    }
}

extension TicketList {
    /// Reads `Ticket.columns`; one row more than asked for tells whether there is a next page.
    func statement(_ db: any Connection, adding columns: SQL = "") throws -> SQL {
        let plan = try TicketPlan(self, db)
        return
            """
            SELECT \(Ticket.columns)\(columns) FROM \(plan.source) \(Ticket.joins) WHERE \(plan.condition)
            ORDER BY \(plan.order) LIMIT \(literal: limit + 1)
            """
    }

    /// Reads the keys alone, one more than asked for.
    func keyStatement(_ db: any Connection) throws -> SQL {
        let plan = try TicketPlan(self, db)
        return
            """
            SELECT ticket.id FROM \(plan.source) WHERE \(plan.condition) ORDER BY \(plan.order)
            LIMIT \(literal: limit + 1)
            """
    }
}

extension TicketList {
    /// Reads `TicketLine.columns`, one row more than asked for.
    func lineStatement(_ db: any Connection) throws -> SQL {
        let plan = try TicketPlan(self, db)
        return
            """
            SELECT \(TicketLine.columns) FROM \(plan.source) \(TicketLine.joins) WHERE \(plan.condition)
            ORDER BY \(plan.order) LIMIT \(literal: limit + 1)
            """
    }
}
