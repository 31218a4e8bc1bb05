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
        package let relation: TicketRelation
        package let number: Int64
        package let subject: String
        package let state: TicketState
    }
}

extension Connection {
    /// What belongs to a ticket that was just loaded or changed; of the tickets it has to do with, those the asker may
    /// see.
    package func whole(_ ticket: Ticket, for asker: Asker = .desk) throws -> WholeTicket {
        WholeTicket(
            ticket: ticket,
            mergedInto: try ticket.mergedInto.flatMap {
                try value("SELECT number FROM ticket WHERE id = \($0) AND \(asker.condition)")
            },
            agents: try secondAgents(of: ticket.id), collaborators: try collaborators(of: ticket.id),
            links: try links(of: ticket.id, for: asker))
    }
}
