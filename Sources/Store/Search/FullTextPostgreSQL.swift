/// Full-text search on PostgreSQL: tsvector with GIN over words already split and folded, one row a ticket.
enum FullTextPostgreSQL {
    static let create: [SQL] = [
        """
        CREATE TABLE ticket_text (ticket_id BIGINT PRIMARY KEY REFERENCES ticket (id) ON DELETE CASCADE,
            conversation TSVECTOR NOT NULL, everything TSVECTOR NOT NULL)
        """,
        "CREATE INDEX ticket_text_conversation ON ticket_text USING gin (conversation)",
        "CREATE INDEX ticket_text_everything ON ticket_text USING gin (everything)",
    ]

    static func add(_ ticket: Int64, _ conversation: [String], _ notes: [String], to db: any Connection) throws {
        let spoken = vector(conversation)
        let all = vector(conversation + notes)
        try db.execute(
            "INSERT INTO ticket_text (ticket_id, conversation, everything) VALUES (\(ticket), CAST(\(spoken) AS tsvector), CAST(\(all) AS tsvector))"
        )
    }

    static func extend(_ ticket: Int64, _ conversation: [String], _ notes: [String], in db: any Connection) throws {
        let spoken = vector(conversation)
        let all = vector(conversation + notes)
        try db.execute(
            """
            UPDATE ticket_text SET conversation = conversation || CAST(\(spoken) AS tsvector),
                everything = everything || CAST(\(all) AS tsvector) WHERE ticket_id = \(ticket)
            """)
    }

    static func condition(_ query: TextQuery, on key: SQL, scope: TextScope) -> SQL {
        switch scope {
        case .conversation: "\(key) IN (SELECT ticket_id FROM ticket_text WHERE conversation @@ CAST(\(text(query)) AS tsquery))"
        case .everything: "\(key) IN (SELECT ticket_id FROM ticket_text WHERE everything @@ CAST(\(text(query)) AS tsquery))"
        }
    }

    /// A tsvector's own spelling with positions; sixteen thousand of them is PostgreSQL's limit.
    static func vector(_ words: [String]) -> String {
        var text = ""
        for (index, word) in words.enumerated() { text += "\(word):\(min(index + 1, 16383)) " }
        return text
    }

    static func text(_ query: TextQuery) -> String {
        switch query {
        case .phrase(let words): "(" + words.map { "'\($0)'" }.joined(separator: " <-> ") + ")"
        case .prefix(let word): "'\(word)':*"
        case .all(let parts): "(" + parts.map(text).joined(separator: " & ") + ")"
        case .any(let parts): "(" + parts.map(text).joined(separator: " | ") + ")"
        }
    }
}
