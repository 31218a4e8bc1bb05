import Foundation
import Primitives

/// How a customer found it, from 1 to 5.
package enum Rating: Int, Sendable, CaseIterable {
    case poor = 1
    case fair, fine, good, excellent

    package var word: String {
        switch self {
        case .poor: "Terrible"
        case .fair: "Poor"
        case .fine: "OK"
        case .good: "Good"
        case .excellent: "Excellent"
        }
    }
    package var stars: String { String(repeating: "★", count: rawValue) + String(repeating: "☆", count: 5 - rawValue) }
}

/// The question that goes out after closing, its answer, and what the team made of it.
package struct Survey: Sendable, Equatable {
    package typealias ID = Primitives.ID<Survey>
    package let id: ID
    package let ticket: Ticket.ID
    package let sentAt: Date
    package private(set) var rating: Rating?
    package private(set) var comment: String
    package private(set) var answeredAt: Date?
    package private(set) var reviewedAt: Date?
    package private(set) var reviewNote: String

    package static let longestComment = 5000
    /// A customer may change the rating this long; afterwards reports must not move.
    package static let changeable: TimeInterval = 7 * 86400

    package init(
        id: ID, ticket: Ticket.ID, sentAt: Date, rating: Rating? = nil, comment: String = "", answeredAt: Date? = nil,
        reviewedAt: Date? = nil,
        reviewNote: String = ""
    ) {
        self.id = id
        self.ticket = ticket
        self.sentAt = sentAt
        self.rating = rating
        self.comment = comment
        self.answeredAt = answeredAt
        self.reviewedAt = reviewedAt
        self.reviewNote = reviewNote
    }

    package mutating func rate(_ rating: Rating, comment: String, at now: Date) throws(Refusal) {
        guard comment.fits(Survey.longestComment) else {
            throw .invalid("comment", .tooLong(most: Survey.longestComment))
        }
        if let answeredAt, answeredAt + Survey.changeable < now {
            throw .conflict(
                Sentence("This survey was answered more than a week ago, so the rating can't be changed any more."),
                allowed: [])
        }
        self.rating = rating
        self.comment = comment
        answeredAt = answeredAt ?? now
    }

    package mutating func review(note: String, at now: Date) throws(Refusal) {
        guard answeredAt != nil else {
            throw .conflict(
                Sentence("The customer hasn't answered this survey yet. Review it afterwards."), allowed: [])
        }
        guard note.fits(Survey.longestComment) else { throw .invalid("note", .tooLong(most: Survey.longestComment)) }
        reviewedAt = now
        reviewNote = note
    }
}
