import Domain
import Foundation
import Primitives
import Store

/// What of a ticket is to become different; what is nil stays.
package struct TicketChange: Sendable {
    /// Given or taken away.
    package enum Setting<Value: Sendable>: Sendable {
        case cleared
        case given(Value)
    }
    package var subject: String?
    package var priority: Priority?
    package var department: Wanted?
    package var team: Setting<Wanted>?
    /// An e-mail address.
    package var assignee: Setting<String>?
    package var topic: Setting<Wanted>?
    package var tags: [String]?
    /// Single fields; null takes one away.
    package var fields: [String: JSON]?

    package init() {}
}

extension Transaction {
    /// Changes a ticket; each kind of change is an event of its own, and moving it goes through the verbs that move it.
    package func change(_ ticket: inout Ticket, _ change: TicketChange, by actor: Actor) throws {
        guard ![.merged, .deleted].contains(ticket.state) else {
            throw Refusal.conflict("a ticket that is \(ticket.state.rawValue) cannot be changed", allowed: [])
        }
        try changeWords(of: &ticket, change, by: actor)
        if let wanted = change.department {
            let department = try db.named(NamedTable.department, wanted, field: "department")
            if department.id != ticket.department.id { try transfer(&ticket, to: department, by: actor) }
        }
        switch change.team {
        case .given(let wanted)?:
            let team = try db.named(NamedTable.team, wanted, field: "team")
            if team.id != ticket.team?.id { try assign(&ticket, to: team, by: actor) }
        case .cleared?: if let former = ticket.team { try leave(former, &ticket, by: actor) }
        case nil: break
        }
        switch change.assignee {
        case .given(let email)?:
            let agent = try activeAgent(email, field: "assignee")
            guard agent.id != ticket.assignee?.id else { break }
            do { try assign(&ticket, to: agent, by: actor) } catch Refusal.invalid(let faults) {
                throw Refusal.invalid(faults.map { Fault("assignee", $0.problem) })
            }
        case .cleared?: if ticket.assignee != nil { try release(&ticket, by: actor) }
        case nil: break
        }
        if let priority = change.priority, priority != ticket.priority { try set(priority, of: &ticket, by: actor) }
    }

    private func changeWords(of ticket: inout Ticket, _ change: TicketChange, by actor: Actor) throws {
        var data: [String: JSON] = [:]
        func note(_ name: String, _ from: JSON, _ to: JSON) { data[name] = ["from": from, "to": to] }
        if let subject = change.subject?.singleLine, subject != ticket.subject {
            guard !subject.isEmpty else { throw Refusal.invalid("subject", .required) }
            guard subject.fits(NewTicket.longestSubject) else {
                throw Refusal.invalid("subject", .tooLong(most: NewTicket.longestSubject))
            }
            note("subject", .string(ticket.subject), .string(subject))
            ticket.subject = subject
            try db.extendText(of: ticket.id.number, conversation: subject)
        }
        if let topic = change.topic {
            var wanted: Reference<Topic>?
            if case .given(let name) = topic { wanted = try db.named(NamedTable.topic, name, field: "topic") }
            if wanted != ticket.topic { note("topic", JSON(ticket.topic?.name), JSON(wanted?.name)) }
            ticket.topic = wanted
        }
        if let tags = change.tags {
            let former = ticket.tagsText
            try setTags(tags, of: &ticket)
            if ticket.tagsText != former { note("tags", JSON(former) ?? .null, JSON(ticket.tagsText) ?? .null) }
        }
        if let fields = change.fields {
            try requireKnown(fields, topic: ticket.topic?.id, besides: ticket.fieldsText)
            var kept: [String: JSON] = [:]
            if case .object(let known)? = JSON(ticket.fieldsText) { kept = known }
            let former = kept
            for (name, value) in fields { kept[name] = value == .null ? nil : value }
            if kept != former { note("fields", .object(former), .object(kept)) }
            ticket.fieldsText = JSON.object(kept).written
        }
        guard !data.isEmpty else { return }
        try save(ticket)
        try record(.changed, on: ticket.id, by: actor, data: .object(data))
    }

    private func set(_ priority: Priority, of ticket: inout Ticket, by actor: Actor) throws {
        let former = ticket.priority
        var data: [String: JSON] = ["priority": ["from": .string(former.word), "to": .string(priority.word)]]
        ticket.priority = priority
        for (name, change) in try moveClocks(of: &ticket, from: former) { data[name] = change }
        try save(ticket)
        try record(.changed, on: ticket.id, by: actor, data: .object(data))
        // An urgent request goes to the escalation team whenever it is found to be one.
        guard priority == .urgent, ticket.escalationLevel == 0, ticket.state.isActive else { return }
        try raise(&ticket, by: .routing, reason: "\(actor.name) set the priority to urgent", former: former)
        try save(ticket)
    }

    /// The clocks a ticket has by its present priority, counted from when it came in; says which moved.
    func moveClocks(of ticket: inout Ticket, from former: Priority) throws -> [String: JSON] {
        guard former != ticket.priority, ticket.state.isActive,
            let level = try ticket.serviceLevel.flatMap({ try db.serviceLevel($0.id) })
        else { return [:] }
        let before = ticket.deadlines
        ticket.deadlines = level.moved(before, opened: ticket.createdAt, from: former, to: ticket.priority)
        if ticket.overdue, ticket.deadlines.missed(at: now) == nil { ticket.overdue = false }
        var moved: [String: JSON] = [:]
        for (name, old, new) in [
            ("first_response_due_at", before.firstResponseDueAt, ticket.deadlines.firstResponseDueAt),
            ("resolution_due_at", before.resolutionDueAt, ticket.deadlines.resolutionDueAt),
        ] where old != new {
            moved[name] = ["from": JSON(old?.rfc3339), "to": JSON(new?.rfc3339)]
        }
        return moved
    }

    private func leave(_ former: Reference<Team>, _ ticket: inout Ticket, by actor: Actor) throws {
        ticket.team = nil
        try save(ticket)
        try record(.released, on: ticket.id, by: actor, data: ["team": .string(former.name)])
    }
}

extension Transaction {
    /// Refuses fields that the topic does not ask for, each by its name.
    ///
    /// - Parameter kept: the fields a ticket has already, as JSON: they may be changed or taken away even if its topic
    ///   was changed.
    package func requireKnown(_ fields: [String: JSON], topic: Topic.ID?, besides kept: String = "{}") throws {
        guard !fields.isEmpty else { return }
        var known: Set<String> = []
        if case .object(let former)? = JSON(kept) { known = Set(former.keys) }
        if let topic, let text: String = try db.value("SELECT fields FROM topic WHERE id = \(topic)"),
            case .array(let asked)? = JSON(text)
        {
            known.formUnion(asked.compactMap { TopicField($0)?.key })
        }
        let unknown = fields.keys.filter { !known.contains($0) }.sorted()
        guard unknown.isEmpty else { throw Refusal.invalid(unknown.map { Fault("fields.\($0)", .unknownField) }) }
    }
}
