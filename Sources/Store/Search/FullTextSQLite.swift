/// Full-text search on SQLite: FTS5 over words already split and folded, one row a ticket, keyed by the ticket.
enum FullTextSQLite {
    static let create: [SQL] = [
        "CREATE VIRTUAL TABLE ticket_text USING fts5(conversation, notes, tokenize = \"unicode61 remove_diacritics 0\", detail = full)"
    ]

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
            UPDATE ticket_text SET conversation = conversation || ' ' || \(more), notes = notes || ' ' || \(moreNotes) WHERE rowid = \(ticket)
            """)
    }

    static func condition(_ query: TextQuery, on key: SQL, scope: TextScope) -> SQL {
        let match = scope == .conversation ? "{conversation} : (\(text(query)))" : text(query)
        return "\(key) IN (SELECT rowid FROM ticket_text WHERE ticket_text MATCH \(match))"
    }

    /// FTS5's query words. Ours are letters and digits only, so nothing in them can be its syntax.
    static func text(_ query: TextQuery) -> String {
        switch query {
        case .phrase(let words): "\"\(words.joined(separator: " "))\""
        case .prefix(let word): "\"\(word)\" *"
        case .all(let parts): "(" + parts.map(text).joined(separator: " AND ") + ")"
        case .any(let parts): "(" + parts.map(text).joined(separator: " OR ") + ")"
        }
    }
}
