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
        let all = vector(conversation + notes, most: largest)
        try db.later(
            "INSERT INTO ticket_text (ticket_id, everything) VALUES (\(ticket), CAST(\(all) AS tsvector))"
        )
    }

    static func extend(_ ticket: Int64, _ conversation: [String], _ notes: [String], in db: any Connection) throws {
        let all = vector(conversation + notes, most: largestAddition)
        // Put together with nothing, it is measured as it is and not as it is packed.
        try db.execute(
            """
            UPDATE ticket_text SET everything = everything || CAST(\(all) AS tsvector)
            WHERE ticket_id = \(ticket) AND pg_column_size(everything || CAST('' AS tsvector)) < \(fullAt)
            """)
    }

    /// Looks at one ticket's vector.
    static func check(_ query: TextQuery, on key: SQL) -> SQL {
        """
        COALESCE((SELECT everything @@ CAST(\(text(query)) AS tsquery) FROM ticket_text
        WHERE ticket_text.ticket_id = \(key)), FALSE)
        """
    }

    /// All tickets the index has, gathered first: left to itself the planner walks the tickets instead and reads every
    /// vector, since it takes each word that is not among the commonest for one in two hundred, and vectors for free.
    static func source(_ query: TextQuery) -> TextSource {
        TextSource(
            source: """
                (WITH hits AS MATERIALIZED (SELECT ticket_id FROM ticket_text
                WHERE everything @@ CAST(\(text(query)) AS tsquery)) SELECT ticket_id AS id FROM hits) AS hit
                JOIN ticket ON ticket.id = hit.id
                """,
            key: "ticket.id", condition: "1 = 1", isWalked: false, sample: 2000)
    }

    /// Vectors are kept once; words are counted well enough to tell the rare ones, and what waits to be sorted into the
    /// index stays short, since every search reads it.
    static let tune: [SQL] = [
        "ALTER TABLE ticket_text DROP COLUMN conversation",
        "ALTER TABLE ticket_text ALTER COLUMN everything SET STATISTICS 1000",
        "ALTER INDEX ticket_text_everything SET (gin_pending_list_limit = 256)",
    ]

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
        case .without(let wanted, let unwanted): "(\(text(wanted)) & !\(text(unwanted)))"
        }
    }
}
