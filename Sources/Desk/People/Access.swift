import Domain
import Foundation
import Primitives
import Store
import Synchronization

/// What somebody may do with a ticket.
package enum Deed: Sendable, CaseIterable {
    /// Read what was said to and by customers, and that the ticket exists at all.
    case see
    /// Read notes, events, deliveries and the people on the agents' side.
    case seeInside
    /// Write, assign, change, resolve.
    case work
}

/// Who asks to see or do something.
package enum Asker: Sendable {
    /// An API key without `by`, the command line, the desk itself: every department.
    case desk
    case agent(Agent)
    /// Somebody on the customers' side, by a signed link, signed in, or about to be written to.
    case customer(Customer.ID)
}

extension Asker {
    /// The deeds that a kind of asker never does, whichever ticket it is. Pure.
    package func mayEver(_ deed: Deed) -> Bool {
        switch (self, deed) {
        case (.desk, _): true
        case (.agent(let agent), .see), (.agent(let agent), .seeInside): agent.isActive
        case (.agent(let agent), .work): agent.isActive && agent.role >= .agent
        case (.customer, .see): true
        case (.customer, .seeInside), (.customer, .work): false
        }
    }

    /// Which tickets there are for this asker: an agent's by department, and whatever one is personally part of; a
    /// customer's own, and those they were brought into. It stands in every query that reads tickets, counts them, or
    /// asks about one. It chooses no index, since several columns joined by OR make a bad one: what finds the tickets
    /// is the query's own, or one of the asker's ways (`ways`).
    var condition: SQL {
        switch self {
        case .desk: return "ticket.state <> 'deleted'"
        case .agent(let agent) where agent.role == .administrator: return "ticket.state <> 'deleted'"
        case .agent(let agent):
            return """
                ticket.state <> 'deleted' AND (+ticket.department_id IN (SELECT department_id FROM agent_department
                WHERE agent_id = \(agent.id))
                OR +ticket.assignee_id = \(agent.id)
                OR +ticket.team_id IN (SELECT team_id FROM team_member WHERE agent_id = \(agent.id))
                OR +ticket.team_id IN (SELECT id FROM team WHERE lead_id = \(agent.id))
                OR +ticket.id IN (SELECT ticket_id FROM ticket_agent WHERE agent_id = \(agent.id)))
                """
        case .customer(let customer):
            return """
                ticket.state NOT IN ('deleted', 'spam') AND (ticket.customer_id = \(customer)
                OR ticket.id IN (SELECT ticket_id FROM ticket_collaborator WHERE customer_id = \(customer)))
                """
        }
    }
}

/// A way by which tickets are come to, with indexes of its own. All ways of an asker together lead to what
/// `Asker.condition` lets through.
enum TicketWay: Equatable {
    case everything
    case department(Int64)
    case assignee(Int64)
    case team(Int64)
    /// Those an agent was added to.
    case involved(Agent.ID)

    var conditions: [SQL] {
        switch self {
        case .everything: []
        case .department(let id): ["ticket.department_id = \(id)"]
        case .assignee(let id): ["ticket.assignee_id = \(id)"]
        case .team(let id): ["ticket.team_id = \(id)"]
        case .involved(let agent): ["ticket.id IN (SELECT ticket_id FROM ticket_agent WHERE agent_id = \(agent))"]
        }
    }
    /// Few keys, each of which is looked at.
    var isList: Bool { if case .involved = self { true } else { false } }
    /// Whether what is to be done has an index by urgency.
    var hasUrgency: Bool {
        switch self {
        case .everything, .department: true
        case .assignee, .team, .involved: false
        }
    }
}

extension Connection {
    /// More departments and teams than this are not taken one by one.
    private static var mostWays: Int { 16 }

    /// All ways by which an asker comes to tickets; nil where there are many, and where no index leads to them.
    func ways(of asker: Asker) throws -> [TicketWay]? {
        switch asker {
        case .desk: return [.everything]
        case .agent(let agent) where agent.role == .administrator: return [.everything]
        case .customer: return nil
        case .agent(let agent):
            let id = agent.id
            let found: [(Int, Int64)] = try query(
                """
                SELECT 0, department_id FROM agent_department WHERE agent_id = \(id) UNION SELECT 1, team_id
                FROM team_member WHERE agent_id = \(id)
                UNION SELECT 1, id FROM team WHERE lead_id = \(id) UNION SELECT 2, 0 WHERE EXISTS (SELECT 1
                FROM ticket_agent WHERE agent_id = \(id))
                ORDER BY 1, 2 LIMIT \(Self.mostWays + 1)
                """
            ) { (try $0.read(), try $0.read()) }
            guard found.count <= Self.mostWays else { return nil }
            return [.assignee(id.number)]
                + found.map { kind, id in kind == 0 ? .department(id) : kind == 1 ? .team(id) : .involved(agent.id) }
        }
    }
}

extension Connection {
    /// Whether somebody may do something with a ticket, as things are now. Pages, the API, lists, live news and mail
    /// about to be sent all ask here, at the moment of seeing or sending.
    package func may(_ asker: Asker, _ deed: Deed, _ ticket: Ticket.ID) throws -> Bool {
        guard asker.mayEver(deed) else { return false }
        return try value("SELECT 1 FROM ticket WHERE ticket.id = \(ticket) AND \(asker.condition)", as: Int64.self)
            != nil
    }
    /// Whether somebody may do something with a ticket as it is decided to be, which need not be how it is kept: the same
    /// rule, asked of the values of the ticket.
    func may(_ asker: Asker, _ deed: Deed, as ticket: Ticket) throws -> Bool {
        guard asker.mayEver(deed) else { return false }
        let row: SQL = """
            SELECT CAST(\(ticket.id) AS BIGINT) AS id, CAST(\(ticket.department.id) AS BIGINT) AS department_id,
            CAST(\(ticket.team?.id) AS BIGINT) AS team_id, CAST(\(ticket.assignee?.id) AS BIGINT) AS assignee_id,
            CAST(\(ticket.customer) AS BIGINT) AS customer_id, CAST(\(ticket.state) AS TEXT) AS state
            """
        return try value("SELECT 1 FROM (\(row)) AS ticket WHERE \(asker.condition)", as: Int64.self) != nil
    }
    /// `notFound` where the asker may not: what may not be seen is not there.
    package func require(_ asker: Asker, _ deed: Deed, _ ticket: Ticket.ID) throws {
        guard try may(asker, deed, ticket) else { throw Refusal.notFound }
    }

    /// Whether there is a ticket the asker may see.
    package func seesAnyTicket(_ asker: Asker) throws -> Bool {
        try value("SELECT 1 FROM ticket WHERE \(asker.condition) LIMIT 1", as: Int64.self) != nil
    }

    /// A file, if the asker may see what it hangs on: customers never see the files of notes.
    package func attachment(_ id: Attachment.ID, for asker: Asker) throws -> Attachment {
        let (file, ticket, kind) = try attachment(id)
        try require(asker, kind == .note ? .seeInside : .see, ticket)
        return file
    }
}

extension Transaction {
    /// Somebody may see or do less or more from now on: what was remembered about it is looked up anew once this is
    /// committed.
    func rightsChanged() { recorded.changesRights = true }
}

/// How often rights have changed in this process; whatever was remembered before is then known to be old. What other
/// processes change is noticed when a memory's few seconds are over.
package final class RightsGeneration: Sendable {
    private let number = Mutex(0)
    package init() {}
    package var current: Int { number.withLock { $0 } }
    func advance() { number.withLock { $0 += 1 } }
}
