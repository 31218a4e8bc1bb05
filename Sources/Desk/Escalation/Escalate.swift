import Domain
import Foundation
import Primitives
import Store

extension Connection {
    /// When the customer of an escalated ticket is told next how it stands.
    package func nextUpdate(of ticket: Ticket.ID) throws -> Date? {
        try value("SELECT due_at FROM job WHERE ticket_id = \(ticket) AND kind = 'update_customer'")
    }
}

extension Transaction {
    /// The department's escalation team; from the second level on, or where there is no team, its supervisor.
    func escalationTarget(of department: Department.ID, level: Int) throws -> EscalationTarget {
        let row = try db.first(
            """
            SELECT team.id, team.name, department.supervisor_id FROM department
            LEFT JOIN team ON team.id = department.escalation_team_id AND team.is_active = 1
            WHERE department.id = \(department)
            """
        ) { (try $0.reference() as Reference<Team>?, try $0.read(Agent.ID?.self)) }
        let supervisor = try row?.1.flatMap { try db.agent($0) }.flatMap { $0.isAvailable ? $0 : nil }
        if let team = row?.0, level <= 1 || supervisor == nil {
            let members = try db.members(of: team.id)
            // Those who answer for the department hear of it from the first level on.
            let supervisors = try db.supervisors(of: department)
            return EscalationTarget(
                team: team,
                recipients: members
                    + supervisors.filter { supervisor in
                        !members.contains { $0.id == supervisor.id }
                            && (members.isEmpty || supervisor.role == .supervisor || supervisor.id == row?.1)
                    })
        }
        let told = try supervisor.map { [$0] } ?? db.supervisors(of: department)
        return EscalationTarget(
            supervisor: supervisor ?? told.first { $0.isAvailable && $0.role >= .supervisor }, recipients: told)
    }

    /// An agent passes a ticket up, saying why.
    package func escalate(_ ticket: inout Ticket, by actor: Actor, reason: String) throws {
        let before = ticket
        let target = try escalationTarget(of: ticket.department.id, level: ticket.escalationLevel + 1)
        let consequences = try ticket.escalate(by: actor, reason: reason, to: target, at: now, settings.life)
        try carryOut(consequences, on: ticket, from: before)
    }

    /// One level down, or to the one given; at none the regular words to the customer end and the priority is what it
    /// was before.
    package func deEscalate(_ ticket: inout Ticket, to level: Int? = nil, by actor: Actor, reason: String = "") throws {
        let before = ticket
        let consequences = try ticket.deEscalate(
            to: level, priorityBefore: try priorityBeforeEscalation(of: ticket), by: actor, reason: reason, at: now,
            level: try serviceLevel(of: ticket))
        try carryOut(consequences, on: ticket, from: before)
    }

    /// The priority a ticket had before it was escalated; nil where the escalation did not change it, or somebody set
    /// it since.
    private func priorityBeforeEscalation(of ticket: Ticket) throws -> Priority? {
        guard ticket.escalationLevel > 0, ticket.priority == .urgent else { return nil }
        let rows = try db.query(
            """
            SELECT kind, data FROM ticket_event WHERE ticket_id = \(ticket.id)
            AND kind IN ('escalated', 'de_escalated', 'changed') ORDER BY id DESC LIMIT 200
            """
        ) {
            (kind: try $0.read(TicketEvent.Kind.self), data: try $0.read(String.self))
        }
        for (kind, text) in rows {
            let data = JSON(text)
            switch kind {
            case .escalated:
                if let former = data?["former_priority"]?.text.flatMap({ Priority(word: $0) }) { return former }
            case .deEscalated: if data?["to"]?.integer == 0 { return nil }
            default: if data?["priority"] != nil { return nil }
            }
        }
        return nil
    }

    /// The regular word to the customer of an escalated ticket, unless an agent wrote meanwhile.
    func updateCustomer(_ id: Ticket.ID) throws {
        let ticket = try db.ticket(id)
        try carryOut(ticket.updateCustomer(at: now, settings.life), on: ticket, from: ticket)
    }

    /// A target was missed: marked once, told to whoever can still help.
    func markOverdue(_ id: Ticket.ID) throws {
        let before = try db.ticket(id)
        var ticket = before
        let consequences = ticket.markOverdue(at: now)
        try carryOut(consequences, on: ticket, from: before)
    }
}
