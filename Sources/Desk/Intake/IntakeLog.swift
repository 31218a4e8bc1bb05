import Foundation
import Primitives
import Store

/// One message that came in, and what was decided about it and why.
package struct IntakeRecord: Sendable {
    package let id: Int64
    package let at: Date
    /// `opened`, `added`, `bounced`, `duplicate` or `rejected`.
    package let outcome: String
    package let reason: String
    package let sender: String?
    package let mailbox: String?
    package let subject: String?
    package let ticket: Int64?
}

extension Connection {
    /// What came in by mail, newest first; with words, where they stand in sender or subject.
    package func intake(matching text: String, outcome: String?, before: Int64?, limit: Int) throws -> [IntakeRecord] {
        var parts: [SQL] = ["1 = 1"]
        if let before { parts.append("received.id < \(before)") }
        if let outcome { parts.append("received.outcome = \(outcome)") }
        for word in text.lowercased().split(whereSeparator: \.isWhitespace).prefix(10) {
            let pattern = "%" + likeLiteral(String(word)) + "%"
            parts.append(
                "(lower(received.subject) LIKE \(pattern) ESCAPE '\\' OR received.sender LIKE \(pattern) ESCAPE '\\')")
        }
        return try query(
            """
            SELECT received.id, received.at, received.outcome, received.reason, received.sender, received.mailbox,
            received.subject, ticket.number
            FROM received LEFT JOIN ticket ON ticket.id = received.ticket_id
            WHERE \(SQL.join(parts, separator: " AND ")) ORDER BY received.id DESC LIMIT \(limit)
            """
        ) {
            IntakeRecord(
                id: try $0.read(), at: try $0.read(), outcome: try $0.read(), reason: try $0.read(),
                sender: try $0.read(), mailbox: try $0.read(), subject: try $0.read(),
                ticket: try $0.read())
        }
    }

    /// The message itself, byte for byte.
    package func receivedMessage(_ id: Int64) throws -> Attachment {
        let found = try first(
            "SELECT blob.hash, blob.size FROM received JOIN blob ON blob.hash = received.raw WHERE received.id = \(id)"
        ) { row in
            let hash: String = try row.read()
            return Attachment(
                id: Attachment.ID(0), name: "received-\(id).eml", type: "message/rfc822", size: try row.read(),
                hash: hash, contentID: nil)
        }
        guard let found else { throw Refusal.notFound }
        return found
    }
}
