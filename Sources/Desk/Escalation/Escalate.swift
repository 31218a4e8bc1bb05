import Domain
import Foundation
import Primitives
import Store

/// Where an escalated ticket goes.
struct EscalationTarget {
    var team: Reference<Team>?
    var supervisor: Agent?
    /// Who is told.
    var told: [Agent]

    var words: String {
        if let team { return "the team \(team.name)" }
        if let supervisor { return supervisor.name }
        return told.isEmpty
            ? "nobody yet: the department has no escalation team and no supervisor"
            : told.map(\.name).joined(separator: ", ")
    }
}

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
                told: members
                    + supervisors.filter { supervisor in
                        !members.contains { $0.id == supervisor.id }
                            && (members.isEmpty || supervisor.role == .supervisor || supervisor.id == row?.1)
                    })
        }
        let told = try supervisor.map { [$0] } ?? db.supervisors(of: department)
        return EscalationTarget(
            supervisor: supervisor ?? told.first { $0.isAvailable && $0.role >= .supervisor }, told: told)
    }

    /// An agent passes a ticket up, saying why.
    package func escalate(_ ticket: inout Ticket, by actor: Actor, reason: String) throws {
        try ticket.require(.escalate)
        let reason = reason.singleLine
        guard !reason.isEmpty else { throw Refusal.invalid("reason", .required) }
        try raise(&ticket, by: actor, reason: reason)
        try save(ticket)
        let message = "We've escalated your request and are treating it as a priority. We'll keep you posted."
        try tellCustomers(of: ticket, message, by: actor, reason: "it was escalated")
    }

    /// One level down, or to the one given; at none the regular words to the customer end and the priority is what it
    /// was before.
    package func deEscalate(_ ticket: inout Ticket, to level: Int? = nil, by actor: Actor, reason: String = "") throws {
        try ticket.require(.deEscalate)
        let former = ticket.escalationLevel
        guard former > 0 else {
            throw Refusal.conflict(
                "this ticket is not escalated",
                allowed: TicketAction.allCases.filter { $0 != .deEscalate && $0.isAllowed(in: ticket.state) }.map(
                    \.rawValue))
        }
        let level = level ?? former - 1
        guard (0..<former).contains(level) else { throw Refusal.invalid("to", .outOfRange(0, former - 1)) }
        ticket.escalationLevel = level
        var data: [String: JSON] = ["from": JSON(Int64(former)), "to": JSON(Int64(level))]
        if level == 0 {
            try cancel(.updateCustomer, for: ticket.id)
            data["updates_ended"] = .bool(true)
            if ticket.priority == .urgent, let before = try priorityBeforeEscalation(of: ticket.id),
                before != ticket.priority
            {
                data["priority"] = ["from": .string(ticket.priority.word), "to": .string(before.word)]
                ticket.priority = before
                for (name, change) in try moveClocks(of: &ticket, from: .urgent) { data[name] = change }
            }
        }
        try save(ticket)
        try record(.deEscalated, on: ticket.id, by: actor, reason: reason.singleLine, data: .object(data))
    }

    /// The priority a ticket had before it was escalated; nil where the escalation did not change it, or somebody set
    /// it since.
    private func priorityBeforeEscalation(of ticket: Ticket.ID) throws -> Priority? {
        let rows = try db.query(
            """
            SELECT kind, data FROM ticket_event WHERE ticket_id = \(ticket)
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

    /// Raises the level, hands the ticket over and tells the new people. The former assignee stays on it as a second
    /// agent.
    func raise(_ ticket: inout Ticket, by actor: Actor, reason: String, former: Priority? = nil) throws {
        ticket.escalationLevel += 1
        let target = try escalationTarget(of: ticket.department.id, level: ticket.escalationLevel)
        let holder = ticket.assignee
        if let team = target.team {
            ticket.team = team
            ticket.assignee = nil
        } else if let supervisor = target.supervisor {
            ticket.assignee = supervisor.person
        }
        if let holder, holder.id != ticket.assignee?.id {
            try db.execute(
                """
                INSERT INTO ticket_agent (ticket_id, agent_id)
                VALUES (\(ticket.id), \(holder.id)) ON CONFLICT DO NOTHING
                """
            )
        }
        try announceEscalation(of: ticket, to: target, by: actor, reason: reason, former: former)
    }

    /// Records an escalation, tells those it goes to and sees to it that the customer hears regularly.
    ///
    /// - Parameter former: the priority it had until then, where this changed it.
    func announceEscalation(
        of ticket: Ticket, to target: EscalationTarget, by actor: Actor, reason: String, entry: Entry.ID? = nil,
        former: Priority? = nil
    ) throws {
        let told = target.told.filter { $0.isActive && $0.id != actor.agentID }.map { JSON.string($0.name) }
        try record(
            .escalated, on: ticket.id, by: actor, reason: "\(reason); to \(target.words)",
            data: [
                "level": JSON(Int64(ticket.escalationLevel)), "team": JSON(target.team?.name),
                "agent": JSON(target.supervisor?.email), "told": .array(told),
                "former_priority": JSON(former?.word),
            ])
        try send(
            .escalated, to: target.told, about: ticket, entry: entry, by: actor,
            data: ["reason": .string("Escalated by \(actor.name): \(reason)")])
        try schedule(.updateCustomer, for: ticket.id, at: now + TimeInterval(settings.updateEveryHours * 3600))
    }

    /// The regular word to the customer of an escalated ticket, unless an agent wrote meanwhile.
    func updateCustomer(_ id: Ticket.ID) throws {
        let ticket = try db.ticket(id)
        guard ticket.state == .new || ticket.state == .open, ticket.escalationLevel > 0 else { return }
        let pause = TimeInterval(settings.updateEveryHours * 3600)
        if let last = ticket.lastReplyAt, last + pause > now {
            return try schedule(.updateCustomer, for: id, at: last + pause)
        }
        let who = ticket.assignee?.name ?? ticket.team?.name ?? ticket.department.name
        try tellCustomers(
            of: ticket,
            "Your request is still being worked on as urgent, by \(who). We'll write again as soon as there is news.",
            by: .timer,
            reason: "\(settings.updateEveryHours) hours without a word to the customer of an escalated ticket")
        try schedule(.updateCustomer, for: id, at: now + pause)
    }

    private func tellCustomers(of ticket: Ticket, _ message: String, by actor: Actor, reason: String) throws {
        for customer in try customers(of: ticket) {
            try send(.update, to: customer, about: ticket, data: ["message": .string(message)])
        }
        try record(.updated, on: ticket.id, by: actor, reason: reason, data: ["message": .string(message)])
    }

    /// A target was missed: marked once, told to whoever can still help.
    func markOverdue(_ id: Ticket.ID) throws {
        var ticket = try db.ticket(id)
        guard ticket.state.isActive, !ticket.overdue, let missed = ticket.deadlines.missed(at: now) else {
            return try save(ticket)
        }
        ticket.overdue = true
        try save(ticket)
        let reason = "the \(missed.name) was due at \(missed.dueAt.rfc3339)"
        try record(
            .overdue, on: id, by: .timer, reason: reason,
            data: ["target": .string(missed.name), "due_at": .string(missed.dueAt.rfc3339)])
        let told =
            try ticket.assignee.flatMap { try db.agent($0.id) }.map { [$0] } ?? ticket.team.map {
                try db.members(of: $0.id)
            } ?? db.supervisors(of: ticket.department.id)
        try send(.overdue, to: told, about: ticket, by: .timer, data: ["reason": .string("Missed: \(reason)")])
    }
}
