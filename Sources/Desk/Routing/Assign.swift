import Domain
import Foundation
import Mail
import Primitives
import Store

extension Transaction {
    /// An agent takes a ticket up.
    package func claim(_ ticket: inout Ticket, by agent: Agent) throws {
        try ticket.require(.claim)
        guard agent.role >= .agent else { throw Refusal.notAllowed("a viewer cannot take up tickets") }
        ticket.assignee = agent.person
        if ticket.state == .new { ticket.state = .open }
        try save(ticket)
        try record(.claimed, on: ticket.id, by: Actor(agent))
    }

    /// Somebody gives a ticket to an agent, who is told.
    package func assign(_ ticket: inout Ticket, to agent: Agent, by actor: Actor, reason: String = "") throws {
        try ticket.require(.assign)
        guard agent.isActive else { throw Refusal.invalid("agent", .other("has left")) }
        guard agent.role >= .agent else {
            throw Refusal.invalid("agent", .other("is a viewer and cannot work on tickets"))
        }
        // An assignment gives work, not rights: it never shows a ticket to somebody who could not see it before.
        try save(ticket)
        guard try db.may(.agent(agent), .work, ticket.id) else {
            throw Refusal.invalid("agent", .other("cannot see this ticket, which is in \(ticket.department.name)"))
        }
        ticket.assignee = agent.person
        if ticket.state == .new { ticket.state = .open }
        try save(ticket)
        try record(.assigned, on: ticket.id, by: actor, reason: reason, data: ["agent": .string(agent.email)])
        try send(
            .assigned, to: [agent], about: ticket, entry: try firstEntry(of: ticket), by: actor,
            data: ["reason": .string("\(actor.name) assigned this ticket to you.")])
    }

    /// To a team: whoever of it is free takes it up.
    package func assign(_ ticket: inout Ticket, to team: Reference<Team>, by actor: Actor, reason: String = "") throws {
        try ticket.require(.assign)
        ticket.team = team
        ticket.assignee = nil
        try save(ticket)
        try record(.assigned, on: ticket.id, by: actor, reason: reason, data: ["team": .string(team.name)])
        try send(
            .assigned, to: db.members(of: team.id), about: ticket, entry: try firstEntry(of: ticket), by: actor,
            data: ["reason": .string("\(actor.name) assigned this ticket to the team \(team.name).")])
    }

    package func release(_ ticket: inout Ticket, by actor: Actor, reason: String = "") throws {
        try ticket.require(.release)
        guard let former = ticket.assignee else {
            throw Refusal.conflict(
                "nobody has taken this ticket up",
                allowed: TicketAction.allCases.filter { $0 != .release && $0.isAllowed(in: ticket.state) }.map(
                    \.rawValue))
        }
        ticket.assignee = nil
        if ticket.state == .open, ticket.deadlines.firstRespondedAt == nil { ticket.state = .new }
        try save(ticket)
        try record(.released, on: ticket.id, by: actor, reason: reason, data: ["agent": .string(former.address)])
    }

    /// To another department; the former assignee goes with it only if that agent works there too.
    package func transfer(
        _ ticket: inout Ticket, to department: Reference<Department>, by actor: Actor, reason: String = ""
    ) throws {
        try ticket.require(.transfer)
        guard department.id != ticket.department.id else {
            throw Refusal.invalid("department", .other("is where the ticket is"))
        }
        let former = ticket.department
        ticket.department = department
        ticket.team = nil
        if let assignee = ticket.assignee, try !db.agents(of: department.id).contains(where: { $0.id == assignee.id }) {
            ticket.assignee = nil
            if ticket.state == .open, ticket.deadlines.firstRespondedAt == nil { ticket.state = .new }
        }
        try save(ticket)
        try record(
            .transferred, on: ticket.id, by: actor, reason: reason,
            data: ["from": .string(former.name), "to": .string(department.name)])
        if ticket.assignee == nil, ticket.escalationLevel == 0 {
            try send(
                .transferred, to: try db.supervisors(of: department.id), about: ticket, by: actor,
                data: [
                    "reason": .string(
                        "\(actor.name) moved it here from \(former.name).\(reason.isEmpty ? "" : " \(reason)")")
                ])
        }
        if ticket.assignee == nil, ticket.escalationLevel > 0 {
            let target = try escalationTarget(of: department.id, level: ticket.escalationLevel)
            ticket.team = target.team
            if target.team == nil { ticket.assignee = target.supervisor?.person }
            try save(ticket)
            try announceEscalation(
                of: ticket, to: target, by: actor, reason: "an escalated ticket came from \(former.name)")
        }
    }

    /// For the customer, or for a third party: the clock rests.
    package func pause(_ ticket: inout Ticket, as state: TicketState, by actor: Actor, reason: String = "") throws {
        try ticket.require(state == .held ? .hold : .wait)
        ticket.state = state
        if ticket.deadlines.pausedAt == nil { ticket.deadlines.pausedAt = now }
        try save(ticket)
        try record(state == .held ? .held : .waiting, on: ticket.id, by: actor, reason: reason)
    }

    package func resume(_ ticket: inout Ticket, by actor: Actor, reason: String = "") throws {
        try ticket.require(.resume)
        ticket.state = .open
        try resumeClock(of: &ticket)
        try save(ticket)
        try record(.resumed, on: ticket.id, by: actor, reason: reason)
    }

    /// A second agent, who sees the ticket and is told what happens.
    package func addAgent(_ agent: Agent, to ticket: Ticket, by actor: Actor) throws {
        try ticket.require(.addAgent)
        guard
            try db.execute(
                """
                INSERT INTO ticket_agent (ticket_id, agent_id)
                VALUES (\(ticket.id), \(agent.id)) ON CONFLICT DO NOTHING
                """
            ) > 0
        else { return }
        try record(.agentAdded, on: ticket.id, by: actor, data: ["agent": .string(agent.email)])
        try send(
            .assigned, to: [agent], about: ticket, entry: try firstEntry(of: ticket), by: actor,
            data: ["reason": .string("\(actor.name) asks for your help with this ticket.")])
    }
    package func removeAgent(_ agent: Agent, from ticket: Ticket, by actor: Actor) throws {
        try ticket.require(.removeAgent)
        guard try db.execute("DELETE FROM ticket_agent WHERE ticket_id = \(ticket.id) AND agent_id = \(agent.id)") > 0
        else { return }
        try record(.agentRemoved, on: ticket.id, by: actor, data: ["agent": .string(agent.email)])
    }

    /// Somebody else on the customer's side, who gets every answer.
    package func addCollaborator(_ address: MailAddress, to ticket: Ticket, by actor: Actor, reason: String = "") throws
    {
        try ticket.require(.addCollaborator)
        let customer = try self.customer(address)
        guard customer.id != ticket.customer,
            try db.execute(
                """
                INSERT INTO ticket_collaborator (ticket_id, customer_id, address)
                VALUES (\(ticket.id), \(customer.id), \(address.address)) ON CONFLICT DO NOTHING
                """
            ) > 0
        else { return }
        try record(
            .collaboratorAdded, on: ticket.id, by: actor, reason: reason, data: ["email": .string(address.address)])
    }
    package func removeCollaborator(_ address: MailAddress, from ticket: Ticket, by actor: Actor) throws {
        try ticket.require(.removeCollaborator)
        guard
            try db.execute(
                "DELETE FROM ticket_collaborator WHERE ticket_id = \(ticket.id) AND address = \(address.address)") > 0
        else { return }
        try record(.collaboratorRemoved, on: ticket.id, by: actor, data: ["email": .string(address.address)])
    }

    /// Makes somebody else the one who asked. The former requester has no part any more, nor a link or a mail that
    /// waits, unless kept as a collaborator.
    package func setRequester(
        _ address: MailAddress, keepsFormer: Bool = false, of ticket: inout Ticket, by actor: Actor, reason: String = ""
    ) throws {
        try ticket.require(.setRequester)
        let (former, customer) = (ticket.requester, try self.customer(address))
        let name = address.name.isEmpty ? customer.name : address.name
        guard customer.id != former.id || address.address != former.address || name != former.name else { return }
        try db.execute(
            """
            UPDATE ticket SET customer_id = \(customer.id), requester_name = \(name),
            requester_address = \(address.address), updated_at = \(now),
                is_unproved = CASE WHEN customer_id = \(customer.id)
                AND requester_address = \(address.address) THEN is_unproved ELSE 1 END WHERE id = \(ticket.id)
            """)
        ticket.customer = customer.id
        ticket.requesterName = name
        ticket.requesterAddress = address.address
        try db.execute(
            "DELETE FROM ticket_collaborator WHERE ticket_id = \(ticket.id) AND customer_id = \(customer.id)")
        if customer.id != former.id {
            if keepsFormer {
                try db.execute(
                    """
                    INSERT INTO ticket_collaborator (ticket_id, customer_id, address)
                    VALUES (\(ticket.id), \(former.id), \(former.address)) ON CONFLICT DO NOTHING
                    """
                )
            } else {
                try db.execute(
                    """
                    UPDATE outbox SET state = 'cancelled', due_at = NULL
                    WHERE ticket_id = \(ticket.id) AND recipient_kind = 'customer' AND recipient_id = \(former.id)
                    AND state IN ('queued', 'deferred')
                    """)
            }
        }
        try db.indexTexts(of: [ticket.id])
        try record(
            .requesterChanged, on: ticket.id, by: actor, reason: reason,
            data: [
                "from": .string(former.address), "to": .string(address.address), "name": .string(name),
                "kept": .bool(keepsFormer),
            ])
    }

    private func firstEntry(of ticket: Ticket) throws -> Entry.ID? {
        try db.value("SELECT id FROM entry WHERE ticket_id = \(ticket.id) AND kind = 'message' ORDER BY id LIMIT 1")
    }
}

extension Connection {
    package func collaborators(of ticket: Ticket.ID) throws -> [Person<Customer>] {
        try query(
            """
            SELECT customer.id, customer.name, ticket_collaborator.address FROM ticket_collaborator
            JOIN customer ON customer.id = customer_id
            WHERE ticket_id = \(ticket) ORDER BY customer.id
            """
        ) { Person(id: try $0.read(), name: try $0.read(), address: try $0.read()) }
    }
}
