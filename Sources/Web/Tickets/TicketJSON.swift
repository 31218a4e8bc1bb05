import Desk
import Domain
import Foundation
import Primitives
import Store

extension JSONText {
    mutating func write(_ event: TicketEvent) {
        object { json in
            json.field("id", event.id.number)
            json.field("kind", event.kind.rawValue)
            json.field("at", event.at)
            json.field(
                "actor",
                object: { json in
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
            json.field(
                "author",
                object: { json in
                    json.field("name", entry.author.name)
                    json.field("email", entry.author.address)
                    json.field("role", entry.author.role.rawValue)
                    if entry.author.isStranger { json.field("stranger", true) }
                    if entry.provenance.isUnverified { json.field("unverified", true) }
                })
            json.field("at", entry.at)
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
            json.field("unverified", entry.provenance.isUnverified)
            if let sent = entry.provenance.sentBy {
                json.field("sent_by", written: sent.json.written)
            } else {
                json.fieldNull("sent_by")
            }
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
