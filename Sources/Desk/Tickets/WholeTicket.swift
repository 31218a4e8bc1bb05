import Domain
import Store

/// A ticket with everything around it that its own page shows.
package struct WholeTicket: Sendable {
    package let ticket: Ticket
    package let mergedInto: Int64?
    package let agents: [Agent]
    package let collaborators: [Person<Customer>]
    package let links: [Link]

    package init(
        ticket: Ticket, mergedInto: Int64? = nil, agents: [Agent] = [], collaborators: [Person<Customer>] = [],
        links: [Link] = []
    ) {
        self.ticket = ticket
        self.mergedInto = mergedInto
        self.agents = agents
        self.collaborators = collaborators
        self.links = links
    }

    /// Another ticket this one has to do with.
    package struct Link: Sendable {
        /// `follows`, `followed_by` or `related`.
        package let kind: String
        package let number: Int64
    }
}

extension Connection {
    /// What belongs to a ticket that was just loaded or changed; of the tickets it has to do with, those the asker may
    /// see.
    package func whole(_ ticket: Ticket, for asker: Asker = .desk) throws -> WholeTicket {
        let links = try query(
            """
            SELECT CASE kind WHEN 'follow_up' THEN 'follows' ELSE 'related' END, ticket.number FROM ticket_link
            JOIN ticket ON ticket.id = other_id WHERE ticket_link.ticket_id = \(ticket.id) AND \(asker.condition)
            UNION ALL
            SELECT CASE kind WHEN 'follow_up' THEN 'followed_by' ELSE 'related' END, ticket.number FROM ticket_link
            JOIN ticket ON ticket.id = ticket_id WHERE other_id = \(ticket.id) AND \(asker.condition)
            ORDER BY 2
            """
        ) { WholeTicket.Link(kind: try $0.read(), number: try $0.read()) }
        return WholeTicket(
            ticket: ticket,
            mergedInto: try ticket.mergedInto.flatMap {
                try value("SELECT number FROM ticket WHERE id = \($0) AND \(asker.condition)")
            },
            agents: try secondAgents(of: ticket.id), collaborators: try collaborators(of: ticket.id), links: links)
    }
}
