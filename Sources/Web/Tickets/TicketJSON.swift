import Desk
import Foundation
import Markup
import Store

extension JSONText {
    mutating func field(_ name: StaticString, _ date: Date?) { field(name, date?.rfc3339) }

    mutating func field<Of>(_ name: StaticString, _ reference: Reference<Of>?) {
        guard let reference else { return fieldNull(name) }
        field(name) { json in
            json.field("id", reference.id.number)
            json.field("name", reference.name)
        }
    }
    mutating func field<Of>(_ name: StaticString, _ person: Person<Of>?) {
        guard let person else { return fieldNull(name) }
        field(name) { json in
            json.field("name", person.name)
            json.field("email", person.address)
        }
    }
    private mutating func field(_ name: StaticString, _ body: (inout JSONText) -> Void) { field(name, object: body) }

    /// A ticket as the API sends it.
    mutating func write(_ ticket: Ticket, office: Office) {
        object { json in json.fields(of: ticket, office: office) }
    }

    mutating func fields(of ticket: Ticket, office: Office) {
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
    mutating func write(_ whole: WholeTicket, office: Office) {
        object { json in
            json.fields(of: whole.ticket, office: office)
            json.field("merged_into", whole.mergedInto)
            json.field("agents", array: whole.agents) { json, agent in json.person(agent.name, agent.email) }
            json.field("collaborators", array: whole.collaborators) { json, person in json.person(person.name, person.address) }
            json.field("links", array: whole.links) { json, link in
                json.object { json in
                    json.field("kind", link.kind)
                    json.field("number", link.number)
                }
            }
        }
    }

    mutating func person(_ name: String, _ email: String) {
        object { json in
            json.field("name", name)
            json.field("email", email)
        }
    }

    mutating func write(_ event: TicketEvent) {
        object { json in
            json.field("id", event.id.number)
            json.field("kind", event.kind.rawValue)
            json.field("at", event.at.rfc3339)
            json.field("actor", object: { json in
                json.field("kind", event.actor.kind.rawValue)
                json.field("name", event.actor.name)
                json.field("email", event.actor.address)
            })
            json.field("reason", event.reason)
            json.field("data", written: event.dataText)
        }
    }

    mutating func write(_ entry: Entry, office: Office) {
        object { json in
            json.field("id", entry.id.number)
            json.field("kind", entry.kind.rawValue)
            json.field("author", object: { json in
                json.field("name", entry.author.name)
                json.field("email", entry.author.address)
                json.field("role", entry.author.role.rawValue)
                if entry.author.isStranger { json.field("stranger", true) }
            })
            json.field("at", entry.at.rfc3339)
            json.field("text", entry.text)
            json.field("html", entry.html)
            json.field("quoted", entry.quoted)
            json.field("attachments", array: entry.attachments) { json, file in
                json.object { json in
                    json.field("name", file.name)
                    json.field("type", file.type)
                    json.field("size", file.size)
                    json.field("url", "\(office.url)/api/v1/attachments/\(file.id)")
                }
            }
            json.field("source", entry.source.rawValue)
            json.field("message_id", entry.messageID)
        }
    }

    mutating func write(_ delivery: Delivery) {
        object { json in
            json.field("id", delivery.id.number)
            json.field("kind", delivery.kind.rawValue)
            json.field("to", delivery.address)
            json.field("state", delivery.state.rawValue)
            json.field("attempts", delivery.attempts)
            json.field("created_at", delivery.createdAt.rfc3339)
            json.field("sent_at", delivery.sentAt)
            json.field("next_attempt_at", delivery.nextAttemptAt)
            json.field("error", delivery.error)
            json.field("entry", delivery.entry?.number)
        }
    }

    mutating func write(_ survey: Survey, office: Office) {
        object { json in json.fields(of: survey, office: office) }
    }
    mutating func fields(of survey: Survey, office: Office) {
        field("id", survey.id.number)
        field("rating", survey.rating.map { Int64($0.rawValue) })
        field("comment", survey.comment)
        field("sent_at", survey.sentAt.rfc3339)
        field("answered_at", survey.answeredAt)
        field("reviewed_at", survey.reviewedAt)
        field("review_note", survey.reviewNote)
        field("url", "\(office.url)/survey/\(SurveyToken(survey: survey.id).text(office.signer))")
    }

    /// `{"items": […], "next": CURSOR or null}`
    mutating func list<Item>(_ items: [Item], next: String?, _ each: (inout JSONText, Item) throws -> Void) rethrows {
        try object { json in
            try json.field("items", array: items, each)
            json.field("next", next)
        }
    }
}
