import Desk
import Domain
import Foundation
import Hummingbird
import Primitives
import Store

/// Ratings over the API: answer, list, averages, review, follow up.
enum FeedbackRoutes {
    static var routes: [Route] {
        [
            .get(
                "/api/v1/tickets/:number/survey", for: .key(.tickets),
                .init(summary: "The newest survey of a ticket", output: "Survey", parameters: [.seenBy]), survey),
            .post(
                "/api/v1/surveys/:token", for: .signedLink, taking: .text,
                .init(summary: "Submit a customer's rating", input: "Rating", output: "Survey"), rate),
            .get(
                "/api/v1/feedback", for: .key(.tickets),
                .init(
                    summary: "Answered surveys, newest first", output: "Feedback list",
                    parameters: filters + [.limit, .cursor, .seenBy]), list),
            .get(
                "/api/v1/feedback/averages", for: .key(.tickets),
                .init(summary: "Average ratings", output: "Average list", parameters: [group] + filters + [.seenBy]),
                averages),
            .post(
                "/api/v1/feedback/:id/review", for: .key(.tickets),
                .init(summary: "Mark an answer as reviewed, with a note", input: "Review", output: "Survey"), review),
            .post(
                "/api/v1/feedback/:id/follow-up", for: .key(.tickets),
                .init(
                    summary: "Answer a rating by a reply or a new linked ticket", input: "FollowUp", output: "Ticket",
                    status: 201), followUp),
        ]
    }

    private static var group: Route.Parameter {
        .init(
            name: "group", schema: #"{"type":"string","enum":["all","month","department","agent"]}"#,
            meaning: "What to group the averages by")
    }
    private static var filters: [Route.Parameter] {
        [
            .init(name: "from", schema: #"{"type":"string"}"#, meaning: "The first day, as 2026-11-01"),
            .init(name: "to", schema: #"{"type":"string"}"#, meaning: "The last day, as 2026-11-30"),
            .init(name: "department", schema: #"{"type":"string"}"#, meaning: "An id or a name"),
            .init(name: "agent", schema: #"{"type":"string"}"#, meaning: "An email address"),
            .init(
                name: "rating", schema: #"{"type":"string"}"#,
                meaning: "One or more ratings from 1 to 5, separated by commas"),
            .init(
                name: "reviewed", schema: #"{"type":"string","enum":["true","false"]}"#,
                meaning: "Only ratings that have (true) or have not (false) been reviewed"),
        ]
    }

    @Sendable private static func survey(_ call: Call) async throws -> Response {
        let number = try call.number()
        let survey = try await call.desk.read { db in
            guard let survey = try db.latestSurvey(of: try db.ticket(number: number, for: call.asker(db)).id) else {
                throw Refusal.notFound
            }
            return survey
        }
        return call.json { $0.write(survey, office: call.desk.office) }
    }

    @Sendable private static func rate(_ call: Call) async throws -> Response {
        let token = try call.surveyToken()
        var (input, _) = try await call.input()
        let given = input.value("rating")
        let comment = input.text("comment", most: Survey.longestComment) ?? ""
        let rating = given?.integer.flatMap { Rating(rawValue: Int(clamping: $0)) }
        if given == nil {
            input.fault("rating", .required)
        } else if rating == nil {
            input.fault("rating", .outOfRange(1, 5))
        }
        try input.finish()
        guard let rating else { throw Refusal.invalid("rating", .required) }
        let survey = try await call.desk.write { try $0.rate(token.survey, rating, comment: comment) }
        return call.json { $0.write(survey, office: call.desk.office) }
    }

    @Sendable private static func list(_ call: Call) async throws -> Response {
        let (limit, before) = (try call.limit(), try call.cursor())
        let items = try await call.desk.read(.report) { db in
            try db.feedback(try call.feedbackFilter(db), for: try call.asker(db), before: before, limit: limit + 1)
        }
        return call.json { json in
            json.list(
                Array(items.prefix(limit)), next: items.count > limit ? items[limit - 1].survey.id.description : nil
            ) { json, item in
                json.object { json in
                    json.fields(of: item.survey, office: call.desk.office)
                    json.field("ticket", item.ticketNumber)
                    json.field("subject", item.subject)
                    json.field("department", item.department)
                    json.field("agent", item.agent)
                    json.field(
                        "requester",
                        Person<Customer>(id: Customer.ID(0), name: item.requesterName, address: item.requesterAddress))
                    json.field("reviewer", item.reviewer)
                    json.field("follow_ups", array: item.followUps) { json, followUp in
                        json.object { json in
                            json.field("kind", followUp.kind.rawValue)
                            json.field("ticket", followUp.ticketNumber)
                            json.field("by", followUp.by)
                            json.field("at", followUp.at.rfc3339)
                        }
                    }
                }
            }
        }
    }

    @Sendable private static func averages(_ call: Call) async throws -> Response {
        guard let group = FeedbackGroup(rawValue: call.query("group") ?? FeedbackGroup.all.rawValue) else {
            throw Refusal.invalid("group", .notOneOf(FeedbackGroup.allCases.map(\.rawValue)))
        }
        let averages = try await call.desk.read(.report) { db in
            try db.averages(try call.feedbackFilter(db), by: group, for: try call.asker(db))
        }
        return call.json { json in
            json.list(averages, next: nil) { json, average in
                json.object { json in
                    json.field("name", average.name)
                    json.field("count", average.count)
                    json.field("average", (average.average * 100).rounded() / 100)
                }
            }
        }
    }

    @Sendable private static func review(_ call: Call) async throws -> Response {
        let (given, key) = try await call.input()
        var input = given
        let id = Survey.ID(try call.number("id"))
        let note = input.text("note", most: Survey.longestComment) ?? ""
        let by = input.email("by")
        try input.finish()
        return try await call.desk.write { tx in
            try tx.once(key) {
                let (actor, asker) = try tx.doer(by, call)
                try tx.require(id, visibleTo: asker)
                return try Answer.json { $0.write(try tx.review(id, note: note, by: actor), office: tx.office) }
            }
        }.response
    }

    @Sendable private static func followUp(_ call: Call) async throws -> Response {
        let (given, key) = try await call.input()
        var input = given
        let id = Survey.ID(try call.number("id"))
        let kind = input.choice("kind", required: true, as: Transaction.FollowUpKind.self)
        let subject = input.text("subject", most: NewTicket.longestSubject)
        let writing = input.writing()
        let by = input.email("by")
        try input.finish()
        guard let kind, let writing else { throw Refusal.invalid([]) }
        return try await call.desk.write { tx in
            try tx.once(key) {
                let (actor, asker) = try tx.doer(by, call)
                try tx.require(id, visibleTo: asker)
                let ticket = try tx.followUp(id, kind, subject: subject, writing, by: actor)
                return try Answer.json(201, location: "\(tx.office.url)/api/v1/tickets/\(ticket.number)") {
                    $0.write(try tx.db.whole(try tx.db.ticket(ticket.id)), office: tx.office)
                }
            }
        }.response
    }
}

extension Transaction {
    /// A rating can be seen by whoever sees its ticket.
    func require(_ survey: Survey.ID, visibleTo asker: Asker) throws {
        _ = try db.ticket(number: try db.ticket(try db.survey(survey).ticket).number, for: asker)
    }
}

extension Call {
    func surveyToken() throws -> SurveyToken {
        guard let token = SurveyToken(try parameter("token"), signer: desk.office.signer) else {
            throw Refusal.notFound
        }
        return token
    }

    func feedbackFilter(_ db: any Connection) throws -> FeedbackFilter {
        var filter = FeedbackFilter()
        if let from = query("from"), !from.isEmpty { filter.from = try TicketQuery.days(from, field: "from").from }
        if let to = query("to"), !to.isEmpty { filter.to = try TicketQuery.days(to, field: "to").to }
        if let department = query("department"), !department.isEmpty {
            filter.department = try db.named(
                NamedTable.department, Int64(department).map { .id($0) } ?? .name(department), field: "department"
            ).id
        }
        if let email = query("agent"), !email.isEmpty {
            guard let agent = try db.agent(email: email) else { throw Refusal.invalid("agent", .unknown(email)) }
            filter.agent = agent.id
        }
        if let ratings = query("rating"), !ratings.isEmpty {
            filter.ratings = ratings.split(separator: ",").compactMap { Int($0) }
            guard !filter.ratings.isEmpty, filter.ratings.allSatisfy({ (1...5).contains($0) }) else {
                throw Refusal.invalid("rating", .outOfRange(1, 5))
            }
        }
        switch query("reviewed") {
        case nil, "": break
        case "true": filter.reviewed = true
        case "false": filter.reviewed = false
        default: throw Refusal.invalid("reviewed", .notOneOf(["true", "false"]))
        }
        return filter
    }
}
