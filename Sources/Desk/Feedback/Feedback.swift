import Domain
import Foundation
import Mail
import Primitives
import Store

extension Transaction {
    /// Asks the customer of a closed ticket how it went.
    func sendSurvey(_ id: Ticket.ID) throws {
        let ticket = try db.ticket(id)
        guard ticket.state == .closed else { return }
        // Closed, reopened and closed again in a short time: one question is enough.
        try db.execute(
            """
            UPDATE outbox SET state = 'cancelled', due_at = NULL WHERE ticket_id = \(id) AND kind = \(MailKind.survey)
            AND state IN ('queued', 'deferred')
            """)
        let survey = try db.insert(
            """
            INSERT INTO survey (ticket_id, department_id, agent_id, team_id, sent_at)
            VALUES (\(id), \(ticket.department.id), \(ticket.solver), \(ticket.team?.id), \(now)) RETURNING id
            """, as: Survey.self)
        try send(.survey, to: ticket.requester, about: ticket, data: ["survey": JSON(survey.number)])
    }

    /// The customer answers, or thinks better of it within a week.
    package func rate(_ id: Survey.ID, _ rating: Rating, comment: String) throws -> Survey {
        var survey = try db.survey(id)
        try survey.rate(rating, comment: comment.withoutControls.trimmingWhitespace(), at: now)
        try db.execute(
            """
            UPDATE survey SET rating = \(rating), comment = \(survey.comment), answered_at = \(survey.answeredAt)
            WHERE id = \(id)
            """
        )
        let ticket = try db.ticket(survey.ticket)
        let author = Author(
            .customer, id: ticket.customer.number, name: ticket.requesterName, address: ticket.requesterAddress)
        try record(
            .rated, on: ticket.id, by: author.actor,
            data: ["rating": JSON(Int64(rating.rawValue)), "comment": .string(survey.comment)])
        return survey
    }

    /// The team has looked at an answer.
    package func review(_ id: Survey.ID, note: String, by actor: Actor) throws -> Survey {
        var survey = try db.survey(id)
        try survey.review(note: note.withoutControls.trimmingWhitespace(), at: now)
        try db.execute(
            """
            UPDATE survey SET reviewed_at = \(now), reviewer_id = \(actor.agentID),
            review_note = \(survey.reviewNote) WHERE id = \(id)
            """
        )
        try record(.reviewed, on: survey.ticket, by: actor, data: ["note": .string(survey.reviewNote)])
        return survey
    }

    /// How a rating is answered.
    package enum FollowUpKind: String, Sendable, CaseIterable, SQLConvertible {
        /// On the ticket that was rated.
        case reply
        /// In a new ticket linked to it.
        case ticket
    }

    package func followUp(_ id: Survey.ID, _ kind: FollowUpKind, subject: String?, _ writing: Writing, by actor: Actor)
        throws -> Ticket
    {
        let survey = try db.survey(id)
        var rated = try db.ticket(survey.ticket)
        guard !writing.text.isEmpty else { throw Refusal.invalid("body", .required) }
        let (followed, entry): (Ticket, Entry.ID)
        switch kind {
        case .reply:
            let entryID = try reply(to: &rated, writing, by: actor, files: [], source: .api)
            (followed, entry) = (rated, entryID)
        case .ticket: (followed, entry) = try openFollowUp(of: rated, subject: subject, writing, by: actor)
        }
        try db.execute(
            """
            INSERT INTO follow_up (survey_id, kind, ticket_id, entry_id, agent_id, at)
            VALUES (\(id), \(kind), \(followed.id), \(entry), \(actor.agentID), \(now))
            """)
        try record(
            .followedUp, on: rated.id, by: actor,
            data: ["kind": .string(kind.rawValue), "ticket": JSON(followed.number)])
        return followed
    }

    /// A ticket in the customer's name that begins with our words about a rating.
    private func openFollowUp(of rated: Ticket, subject: String?, _ writing: Writing, by actor: Actor) throws -> (
        Ticket, Entry.ID
    ) {
        guard let requester = MailAddress(name: rated.requesterName, rated.requesterAddress) else {
            throw Refusal.notFound
        }
        let said = Writing("Follow-up to the rating of #\(rated.number).", type: .text)
        var request = NewTicket(
            requester: requester, subject: subject ?? "Your feedback on: \(rated.subject)", writing: said, source: .api)
        request.department = .id(rated.department.id.number)
        request.mailbox = rated.mailbox
        request.notify = false
        var (ticket, _) = try open(request, by: actor)
        let before = ticket
        var consequences = ticket.follow(ratingOf: rated, by: actor)
        consequences += try ticket.reply(by: actor, as: try whoTakesUp(ticket, actor), at: now)
        let words = NewEntry(writing: writing, author: Author(actor), files: [], source: .api)
        return (ticket, try carryOut(consequences, on: ticket, from: before, saying: words).writtenEntry())
    }
}
