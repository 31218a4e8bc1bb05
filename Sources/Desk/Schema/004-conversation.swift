import Store

extension Schema {
    static let conversation = Migration("004-conversation") { dialect in
        let id = dialect.identity
        let int = dialect.integer
        let statements: [SQL] = [
            """
            CREATE TABLE entry (
                id \(id), ticket_id \(int) NOT NULL REFERENCES ticket (id) ON DELETE CASCADE,
                kind TEXT NOT NULL CHECK (kind IN ('message', 'reply', 'note')),
                author_kind TEXT NOT NULL CHECK (author_kind IN ('customer', 'agent', 'system')), author_id \(int),
                author_name TEXT NOT NULL,
                author_address TEXT, is_stranger \(int) NOT NULL DEFAULT 0
                CHECK (is_stranger IN (0, 1)), at \(int) NOT NULL,
                text TEXT NOT NULL, html TEXT, quoted TEXT, source TEXT NOT NULL, message_id TEXT, raw TEXT)
            """,
            "CREATE INDEX entry_of ON entry (ticket_id, id)",
            // What was written before it was cleaned: the HTML or Markdown an API client or a form sent.
            """
            CREATE TABLE entry_source (entry_id \(int) PRIMARY KEY
            REFERENCES entry (id) ON DELETE CASCADE, type TEXT NOT NULL, body TEXT NOT NULL)
            """,
            "CREATE TABLE blob (hash TEXT PRIMARY KEY, size \(int) NOT NULL, stored_at \(int) NOT NULL)",
            """
            CREATE TABLE attachment (
                id \(id), entry_id \(int) NOT NULL REFERENCES entry (id) ON DELETE CASCADE, hash TEXT NOT NULL
                REFERENCES blob (hash),
                name TEXT NOT NULL, type TEXT NOT NULL, size \(int) NOT NULL, content_id TEXT,
                is_inline \(int) NOT NULL DEFAULT 0)
            """,
            "CREATE INDEX attachment_of ON attachment (entry_id)",
            "CREATE INDEX attachment_hash ON attachment (hash)",
            // The ledger of all that came in by mail; its key makes the same message twice one entry.
            """
            CREATE TABLE received (
                id \(id), key TEXT NOT NULL UNIQUE, at \(int) NOT NULL, outcome TEXT NOT NULL,
                reason TEXT NOT NULL DEFAULT '',
                ticket_id \(int) REFERENCES ticket (id) ON DELETE SET NULL, entry_id \(int)
                REFERENCES entry (id) ON DELETE SET NULL,
                sender TEXT, mailbox TEXT, subject TEXT, raw TEXT)
            """,
            "CREATE INDEX received_ticket ON received (ticket_id)",
        ]
        return statements + dialect.createTextIndex()
    }
}
