import Primitives

/// Full-text search on SQLite: FTS5 over words already split and folded, one row a ticket, keyed by the ticket.
enum FullTextSQLite {
    static let create: [SQL] = [
        """
        CREATE VIRTUAL TABLE ticket_text USING fts5(conversation, notes,
        tokenize = "unicode61 remove_diacritics 0", detail = full)
        """
    ]

    /// While texts are written, parts are merged only when there are eight of a size (SQLite, FTS5, section 6.1); what
    /// is left over is put together in quiet, two at a time, by `mergeTexts` (sections 6.4 and 6.8). Fewer parts are
    /// searched and written to faster.
    static let tune: [SQL] = [
        "INSERT INTO ticket_text (ticket_text, rank) VALUES ('automerge', 8)",
        "INSERT INTO ticket_text (ticket_text, rank) VALUES ('usermerge', 2)",
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
            """
            INSERT INTO ticket_text (rowid, conversation, notes)
            VALUES (\(ticket), \(conversation.joined(separator: " ")), \(notes.joined(separator: " ")))
            """
        )
        try note(conversation + notes, in: db)
    }

    static func extend(_ ticket: Int64, _ conversation: [String], _ notes: [String], in db: any Connection) throws {
        let more = conversation.joined(separator: " ")
        let moreNotes = notes.joined(separator: " ")
        try db.execute(
            """
            UPDATE ticket_text SET conversation = conversation || ' ' || \(more), notes = notes || ' ' || \(moreNotes)
            WHERE rowid = \(ticket) AND length(conversation) + length(notes) < \(longest)
            """)
        try note(conversation + notes, in: db)
    }

    static func condition(_ query: TextQuery, on key: SQL) -> SQL {
        "+\(key) IN (SELECT rowid FROM ticket_text WHERE ticket_text MATCH \(text(query)))"
    }

    /// Looks at the text that is kept: words between single blanks, as they were indexed.
    static func check(_ query: TextQuery, on key: SQL) -> SQL {
        "EXISTS (SELECT 1 FROM ticket_text WHERE ticket_text.rowid = \(key) AND \(contains(query)))"
    }

    private static func contains(_ query: TextQuery) -> SQL {
        func holds(_ words: String) -> SQL {
            "(instr(' ' || conversation || ' ', \(words)) > 0 OR instr(' ' || notes || ' ', \(words)) > 0)"
        }
        switch query {
        case .phrase(let words): return holds(" " + words.joined(separator: " ") + " ")
        case .prefix(let word): return holds(" " + word)
        case .beginning(let words): return holds(" " + words.joined(separator: " "))
        case .all(let parts): return "(\(SQL.join(parts.map(contains), separator: " AND ")))"
        case .any(let parts): return parts.isEmpty ? "1 = 0" : "(\(SQL.join(parts.map(contains), separator: " OR ")))"
        case .without(let wanted, let unwanted): return "(\(contains(wanted)) AND NOT \(contains(unwanted)))"
        }
    }

    /// FTS5 hands its rows out by rowid in either direction, from any of them on; the cross join keeps it the outer
    /// loop.
    static func source(_ query: TextQuery, key: KeyBound?) -> TextSource {
        let bound: SQL =
            switch key {
            case .below(let id): " AND ticket_text.rowid < \(id)"
            case .above(let id): " AND ticket_text.rowid > \(id)"
            case nil: ""
            }
        return TextSource(
            source: "ticket_text CROSS JOIN ticket ON ticket.id = ticket_text.rowid", key: "ticket_text.rowid",
            condition: "ticket_text MATCH \(text(query))\(bound)", isWalked: query.isLazy, sample: 300)
    }

    /// FTS5's query words. Ours are letters and digits only, so nothing in them can be its syntax.
    static func text(_ query: TextQuery) -> String {
        switch query {
        case .phrase(let words): "\"\(words.joined(separator: " "))\""
        case .prefix(let word): "\"\(word)\" *"
        case .beginning(let words): "\"\(words.joined(separator: " "))\" *"
        case .all(let parts): "(" + parts.map(text).joined(separator: " AND ") + ")"
        // A beginning that begins nothing: no word is that long.
        case .any(let parts):
            parts.isEmpty
                ? String(repeating: "x", count: Words.longestWord + 1)
                : "(" + parts.map(text).joined(separator: " OR ") + ")"
        case .without(let wanted, let unwanted): "(\(text(wanted)) NOT \(text(unwanted)))"
        }
    }
}

// MARK: the words there are

extension FullTextSQLite {
    /// All words in the index, so that a begun one is asked for by those that begin so. The empty word stands for
    /// "these are all".
    static let createWords: [SQL] = ["CREATE TABLE text_word (word TEXT PRIMARY KEY) WITHOUT ROWID"]
    private static let mostExpanded = 200

    static func knowsAllWords(_ db: any Connection) throws -> Bool {
        try db.value("SELECT 1 FROM text_word WHERE word = ''", as: Int64.self) != nil
    }

    /// Nil where there are too many.
    static func words(beginning: String, _ db: any Connection) throws -> [String]? {
        // No letter or digit stands behind this one.
        let found: [String] = try db.query(
            """
            SELECT word FROM text_word WHERE word >= \(beginning) AND word < \(beginning + "\u{10FFFF}")
            LIMIT \(mostExpanded + 1)
            """
        ) { try $0.read() }
        return found.count > mostExpanded ? nil : found
    }

    /// Notes words that were just indexed.
    static func note(_ words: [String], in db: any Connection) throws {
        let fresh = db.unknownWords(words)
        guard !fresh.isEmpty else { return }
        for word in fresh { try db.execute("INSERT OR IGNORE INTO text_word (word) VALUES (\(word))") }
    }
}
