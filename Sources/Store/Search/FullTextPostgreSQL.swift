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

    // A tsvector holds less than a megabyte (PostgreSQL 15, section 12.11): together these stay below it.
    private static let largest = 900_000
    private static let largestAddition = 400_000
    private static let fullAt = 550_000

    static func add(_ ticket: Int64, _ conversation: [String], _ notes: [String], to db: any Connection) throws {
        let spoken = vector(conversation, most: largest)
        let all = vector(conversation + notes, most: largest)
        try db.execute(
            "INSERT INTO ticket_text (ticket_id, conversation, everything) VALUES (\(ticket), CAST(\(spoken) AS tsvector), CAST(\(all) AS tsvector))"
        )
    }

    static func extend(_ ticket: Int64, _ conversation: [String], _ notes: [String], in db: any Connection) throws {
        let spoken = vector(conversation, most: largestAddition)
        let all = vector(conversation + notes, most: largestAddition)
        // Put together with nothing, it is measured as it is and not as it is packed.
        try db.execute(
            """
            UPDATE ticket_text SET conversation = conversation || CAST(\(spoken) AS tsvector), everything = everything || CAST(\(all) AS tsvector)
            WHERE ticket_id = \(ticket) AND pg_column_size(everything || CAST('' AS tsvector)) < \(fullAt)
            """)
    }

    static func condition(_ query: TextQuery, on key: SQL, scope: TextScope) -> SQL {
        switch scope {
        case .conversation: "\(key) IN (SELECT ticket_id FROM ticket_text WHERE conversation @@ CAST(\(text(query)) AS tsquery))"
        case .everything: "\(key) IN (SELECT ticket_id FROM ticket_text WHERE everything @@ CAST(\(text(query)) AS tsquery))"
        }
    }

    /// A tsvector's own spelling with positions; sixteen thousand of them is PostgreSQL's limit.
    ///
    /// - Parameter most: bytes of the vector; words beyond it are left out.
    static func vector(_ words: [String], most: Int) -> String {
        var text = ""
        for (index, word) in words.enumerated() { text += "\(word):\(min(index + 1, 16383)) " }
        guard text.utf8.count > most else { return text }
        text = ""
        var known: Set<String> = []
        var size = 0
        for (index, word) in words.enumerated() {
            size += known.insert(word).inserted ? word.utf8.count + 10 : 2
            guard size < most else { break }
            text += "\(word):\(min(index + 1, 16383)) "
        }
        return text
    }

    static func text(_ query: TextQuery) -> String {
        switch query {
        case .phrase(let words): "(" + words.map { "'\($0)'" }.joined(separator: " <-> ") + ")"
        case .prefix(let word): "'\(word)':*"
        case .beginning(let words): "(" + words.map { "'\($0)'" }.joined(separator: " <-> ") + ":*)"
        case .all(let parts): "(" + parts.map(text).joined(separator: " & ") + ")"
        case .any(let parts): "(" + parts.map(text).joined(separator: " | ") + ")"
        }
    }
}
