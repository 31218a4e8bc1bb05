import Domain
import Foundation
import Primitives
import Store

/// What of a ticket is to become different; what is nil stays.
package struct TicketChange: Sendable {
    /// Given or taken away.
    package typealias Setting<Value: Sendable> = Domain.Setting<Value>

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
    /// Changes a ticket; each kind of change is an event of its own. All of it is decided before anything is written,
    /// so that the ticket's row is written once.
    package func change(_ ticket: inout Ticket, _ change: TicketChange, by actor: Actor) throws {
        let before = ticket
        try ticket.requireChangeable()
        var consequences = try ticket.change(try words(of: change, for: ticket), by: actor, at: now)
        if let wanted = change.department {
            let department = try db.named(NamedTable.department, wanted, field: "department")
            if department.id != ticket.department.id {
                consequences += try decideTransfer(of: &ticket, to: department, by: actor)
            }
        }
        consequences += try decideTeam(of: &ticket, change.team, by: actor)
        consequences += try decideAssignee(of: &ticket, change.assignee, by: actor)
        if let priority = change.priority { consequences += try decidePriority(of: &ticket, priority, by: actor) }
        try carryOut(consequences, on: ticket, from: before)
    }

    /// What is asked for in words, as the values that it names.
    private func words(of change: TicketChange, for ticket: Ticket) throws -> WordChange {
        var words = WordChange()
        if let subject = change.subject, subject.singleLine != ticket.subject {
            words.subject = try Ticket.subject(subject)
        }
        switch change.topic {
        case .given(let wanted)?: words.topic = .given(try db.named(NamedTable.topic, wanted, field: "topic"))
        case .cleared?: words.topic = .cleared
        case nil: break
        }
        words.tags = change.tags
        if let fields = change.fields {
            let topic = words.topic.map(\.value) ?? ticket.topic
            try requireKnown(fields, topic: topic?.id, besides: ticket.fieldsText)
            words.fields = fields
        }
        return words
    }

    private func decideTeam(of ticket: inout Ticket, _ team: Setting<Wanted>?, by actor: Actor) throws -> [Consequence]
    {
        switch team {
        case .given(let wanted)?:
            let team = try db.named(NamedTable.team, wanted, field: "team")
            return team.id == ticket.team?.id ? [] : try ticket.assign(to: team, by: actor, at: now)
        case .cleared?: return ticket.leaveTeam(by: actor, at: now)
        case nil: return []
        }
    }

    private func decideAssignee(
        of ticket: inout Ticket, _ assignee: Setting<String>?, by actor: Actor
    ) throws -> [Consequence] {
        switch assignee {
        case .given(let email)?:
            let agent = try activeAgent(email, field: "assignee")
            guard agent.id != ticket.assignee?.id else { return [] }
            do { return try decideAssignment(of: &ticket, to: agent, by: actor) } catch Refusal.invalid(let faults) {
                throw Refusal.invalid(faults.map { Fault("assignee", $0.problem) })
            }
        case .cleared?: return ticket.assignee == nil ? [] : try ticket.release(by: actor, at: now)
        case nil: return []
        }
    }

    private func decidePriority(
        of ticket: inout Ticket, _ priority: Priority, by actor: Actor
    ) throws -> [Consequence] {
        guard priority != ticket.priority else { return [] }
        var target: EscalationTarget?
        if ticket.rises(with: priority) {
            target = try escalationTarget(of: ticket.department.id, level: ticket.escalationLevel + 1)
        }
        return ticket.setPriority(
            priority, by: actor, at: now, level: try serviceLevel(of: ticket), target: target, settings.life)
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
