import Domain
import Foundation
import Primitives
import Store

// A ticket as the API and webhooks send it, written in two ways that come to the same: from the value, and for long
// lists straight from the row, without a string for each column between.

extension JSONText {
    package mutating func field(_ name: StaticString, _ date: Date?) {
        guard let date else { return fieldNull(name) }
        field(name, plain: date.appendRFC3339)
    }

    package mutating func field<Of>(_ name: StaticString, _ reference: Reference<Of>?) {
        guard let reference else { return fieldNull(name) }
        field(
            name,
            object: { json in
                json.field("id", reference.id.number)
                json.field("name", reference.name)
            })
    }
    package mutating func field<Of>(_ name: StaticString, _ person: Person<Of>?) {
        guard let person else { return fieldNull(name) }
        field(
            name,
            object: { json in
                json.field("name", person.name)
                json.field("email", person.address)
            })
    }

    /// A ticket as the API sends it.
    package mutating func write(_ ticket: Ticket, office: Office) {
        object { json in json.fields(of: ticket, office: office) }
    }

    package mutating func fields(of ticket: Ticket, office: Office) {
        field("number", ticket.number)
        field("state", ticket.state.rawValue)
        field("status", ticket.status ?? ticket.state.rawValue)
        field("subject", ticket.subject)
        field("priority", ticket.priority.word)
        field("topic", ticket.topic)
        field("department", ticket.department)
        field("team", ticket.team)
        field("assignee", ticket.assignee)
        field("requester", ticket.requester)
        field("source", ticket.source.rawValue)
        field("tags", written: ticket.tagsText)
        field("fields", written: ticket.fieldsText)
        field("service_level", ticket.serviceLevel)
        field("first_response_due_at", ticket.deadlines.firstResponseDueAt)
        field("resolution_due_at", ticket.deadlines.resolutionDueAt)
        field("overdue", ticket.overdue)
        field("escalation_level", ticket.escalationLevel)
        field("created_at", ticket.createdAt)
        field("updated_at", ticket.updatedAt)
        field("resolved_at", ticket.resolvedAt)
        field("closed_at", ticket.closedAt)
        field("reopened_count", ticket.reopenedCount)
        field("url", "\(office.url)/desk/tickets/\(ticket.number)")
    }

    /// With what only a single ticket shows: who else is on it, and what it is linked to.
    package mutating func write(_ whole: WholeTicket, office: Office) {
        object { json in
            json.fields(of: whole.ticket, office: office)
            json.field("merged_into", whole.mergedInto)
            json.field("agents", array: whole.agents) { json, agent in json.person(agent.name, agent.email) }
            json.field("collaborators", array: whole.collaborators) { json, person in
                json.person(person.name, person.address)
            }
            json.field("links", array: whole.links) { json, link in
                json.object { json in
                    json.field("kind", link.relation.rawValue)
                    json.field("number", link.number)
                    json.field("subject", link.subject)
                    json.field("state", link.state.rawValue)
                }
            }
        }
    }

    package mutating func person(_ name: String, _ email: String) {
        object { json in
            json.field("name", name)
            json.field("email", email)
        }
    }
}

extension Connection {
    /// Writes one page of a list, item after item, into an array that was begun; returns where the next page begins.
    package func write(_ list: TicketList, to json: inout JSONText, office: Office) throws -> TicketCursor? {
        var count = 0
        var last: TicketCursor?
        var next: TicketCursor?
        let prefix = "\(office.url)/desk/tickets/"
        try run(try list.statement(self, adding: ", ticket.urgency, ticket.due_rank")) { row in
            count += 1
            guard count <= list.limit else {
                next = last
                return
            }
            last = try json.writeTicket(&row, prefix: prefix)
        }
        return next
    }
}

extension JSONText {
    /// A row of `Ticket.columns` and the keys of the orders behind them.
    fileprivate mutating func writeTicket(_ row: inout Row, prefix: String) throws -> TicketCursor {
        var cursor: TicketCursor?
        try object { json in
            let id = Ticket.ID(try row.integer() ?? 0)
            let number = try row.integer() ?? 0
            json.field("number", number)
            // The columns stand in another order than the fields, which no reader of JSON minds.
            json.field("subject", &row)
            var state: [UInt8] = []
            row.withText { state.append(contentsOf: $0) }
            json.field("state", plain: { $0.append(contentsOf: state) })
            if !json.fieldIfAny("status", &row) { json.field("status", plain: { $0.append(contentsOf: state) }) }
            json.field("priority", Priority(rawValue: Int(try row.integer() ?? 1))?.word)
            try json.reference("topic", &row)
            try json.reference("department", &row)
            try json.reference("team", &row)
            try json.person("assignee", &row)
            row.skip()  // who solved it
            row.skip()  // the customer's key
            json.field(
                "requester",
                object: { json in
                    json.field("name", &row)
                    json.field("email", &row)
                })
            json.field("source", &row)
            row.skip()  // the mailbox
            json.written("tags", &row)
            json.written("fields", &row)
            try json.reference("service_level", &row)
            json.field("first_response_due_at", try row.integer().map { Date(milliseconds: $0) })
            row.skip()  // when it was first answered
            json.field("resolution_due_at", try row.integer().map { Date(milliseconds: $0) })
            row.skip()  // since when the clock rests
            json.field("overdue", try row.integer() == 1)
            json.field("escalation_level", try row.integer())
            json.field("reopened_count", try row.integer())
            row.skip()  // what it was merged into
            json.field("created_at", try row.integer().map { Date(milliseconds: $0) })
            json.field("updated_at", try row.integer().map { Date(milliseconds: $0) })
            json.field("resolved_at", try row.integer().map { Date(milliseconds: $0) })
            json.field("closed_at", try row.integer().map { Date(milliseconds: $0) })
            row.skip()  // the last message
            row.skip()  // the last reply
            json.field("url", prefix, number)
            cursor = TicketCursor(urgency: Int(try row.integer() ?? 0), dueRank: Int(try row.integer() ?? 0), id: id)
        }
        guard let cursor else { throw StoreError.unreadable("a ticket without a key") }
        return cursor
    }

    private mutating func field(_ name: StaticString, _ row: inout Row) {
        if !fieldIfAny(name, &row) { fieldNull(name) }
    }
    /// False for a column without a value; then nothing is written.
    private mutating func fieldIfAny(_ name: StaticString, _ row: inout Row) -> Bool {
        row.withText { field(name, utf8: $0) }
    }
    private mutating func written(_ name: StaticString, _ row: inout Row) {
        row.withText { field(name, written: $0) }
    }
    private mutating func reference(_ name: StaticString, _ row: inout Row) throws {
        guard let id = try row.integer() else {
            row.skip()
            return fieldNull(name)
        }
        field(
            name,
            object: { json in
                json.field("id", id)
                json.field("name", &row)
            })
    }
    private mutating func person(_ name: StaticString, _ row: inout Row) throws {
        guard try row.integer() != nil else {
            row.skip()
            row.skip()
            return fieldNull(name)
        }
        field(
            name,
            object: { json in
                json.field("name", &row)
                json.field("email", &row)
            })
    }
}
