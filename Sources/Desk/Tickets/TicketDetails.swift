import Domain
import Foundation
import Primitives
import Store

/// What the columns of a view may show besides what every list does.
package struct TicketDetails: Sendable {
    package let topic: String?
    package let createdAt: Date
    package let tags: [String]
    /// The latest there is.
    package let rating: Int?
    private let fields: JSON

    fileprivate init(_ row: inout Row) throws {
        topic = try row.read()
        createdAt = try row.read()
        tags = ViewPart.words(JSON(try row.read(String.self)) ?? .null)
        fields = JSON(try row.read(String.self)) ?? .null
        rating = try row.read()
    }

    /// What was answered to a question of the topic's form, as text.
    package func field(_ key: String) -> String {
        switch fields[key] {
        case nil, .null?: ""
        case .bool(let truth)?: truth ? "✓" : ""
        case let value?: value.text ?? value.written
        }
    }
}

extension ViewColumn {
    /// Whether a line of a list lacks what it shows.
    package var isDetail: Bool {
        switch self {
        case .topic, .created, .tags, .rating, .field: true
        default: false
        }
    }
}

extension Connection {
    /// The details of the tickets of one page.
    package func details(of tickets: [Ticket.ID]) throws -> [Ticket.ID: TicketDetails] {
        guard !tickets.isEmpty else { return [:] }
        var found: [Ticket.ID: TicketDetails] = [:]
        try run(
            """
            SELECT ticket.id, topic.name, ticket.created_at, ticket.tags, ticket.fields,
                (SELECT rating FROM survey WHERE survey.ticket_id = ticket.id AND rating IS NOT NULL
                ORDER BY survey.id DESC LIMIT 1)
            FROM ticket LEFT JOIN topic ON topic.id = ticket.topic_id WHERE ticket.id IN (\(list: tickets))
            """
        ) { row in found[try row.read()] = try TicketDetails(&row) }
        return found
    }
}
