/// Full-text search on SQLite: FTS5 over words already split and folded, one row a ticket, keyed by the ticket.
enum FullTextSQLite {
    static let create: [SQL] = [
        "CREATE VIRTUAL TABLE ticket_text USING fts5(conversation, notes, tokenize = \"unicode61 remove_diacritics 0\", detail = full)"
    ]

    /// While texts are written, parts are merged only when there are eight of a size (SQLite, FTS5, section 6.1); what is left over is put together
    /// in quiet, two at a time, by `mergeTexts` (sections 6.4 and 6.8). Fewer parts are searched and written to faster.
    static let tune: [SQL] = [
        "INSERT INTO ticket_text (ticket_text, rank) VALUES ('automerge', 8)", "INSERT INTO ticket_text (ticket_text, rank) VALUES ('usermerge', 2)",
    ]

    /// One step of it; false when nothing is left to do.
    static func merge(pages: Int, in db: any Connection) throws -> Bool {
        let before: Int64 = try db.value("SELECT total_changes()") ?? 0
        try db.execute("INSERT INTO ticket_text (ticket_text, rank) VALUES ('merge', \(pages))")
        // A step that finds nothing counts as one change.
        return (try db.value("SELECT total_changes()") ?? 0) - before >= 2
    }

    /// Characters of one ticket that are indexed, more or less.
    private static let longest = 2_000_000

    static func add(_ ticket: Int64, _ conversation: [String], _ notes: [String], to db: any Connection) throws {
        try db.execute(
            "INSERT INTO ticket_text (rowid, conversation, notes) VALUES (\(ticket), \(conversation.joined(separator: " ")), \(notes.joined(separator: " ")))"
        )
    }

    static func extend(_ ticket: Int64, _ conversation: [String], _ notes: [String], in db: any Connection) throws {
        let more = conversation.joined(separator: " ")
        let moreNotes = notes.joined(separator: " ")
        try db.execute(
            """
            UPDATE ticket_text SET conversation = conversation || ' ' || \(more), notes = notes || ' ' || \(moreNotes)
            WHERE rowid = \(ticket) AND length(conversation) + length(notes) < \(longest)
            """)
    }

    static func condition(_ query: TextQuery, on key: SQL, scope: TextScope) -> SQL {
        "\(key) IN (SELECT rowid FROM ticket_text WHERE ticket_text MATCH \(match(query, scope)))"
    }

    /// FTS5 hands its rows out by rowid in either direction; the cross join keeps it the outer loop.
    static func source(_ query: TextQuery, scope: TextScope) -> (source: SQL, key: SQL, condition: SQL) {
        ("ticket_text CROSS JOIN ticket ON ticket.id = ticket_text.rowid", "ticket_text.rowid", "ticket_text MATCH \(match(query, scope))")
    }

    private static func match(_ query: TextQuery, _ scope: TextScope) -> String {
        scope == .conversation ? "{conversation} : (\(text(query)))" : text(query)
    }

    /// FTS5's query words. Ours are letters and digits only, so nothing in them can be its syntax.
    static func text(_ query: TextQuery) -> String {
        switch query {
        case .phrase(let words): "\"\(words.joined(separator: " "))\""
        case .prefix(let word): "\"\(word)\" *"
        case .beginning(let words): "\"\(words.joined(separator: " "))\" *"
        case .all(let parts): "(" + parts.map(text).joined(separator: " AND ") + ")"
        case .any(let parts): "(" + parts.map(text).joined(separator: " OR ") + ")"
        }
    }
}
