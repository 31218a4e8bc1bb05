import Store

extension Schema {
    static let delivery = Migration("005-delivery") { dialect in
        let id = dialect.identity
        let int = dialect.integer
        return [
            """
            CREATE TABLE outbox (
                id \(id), kind TEXT NOT NULL, ticket_id \(int) REFERENCES ticket (id) ON DELETE CASCADE,
                entry_id \(int) REFERENCES entry (id) ON DELETE CASCADE, recipient_kind TEXT NOT NULL
                CHECK (recipient_kind IN ('customer', 'agent')),
                recipient_id \(int) NOT NULL, address TEXT NOT NULL, name TEXT NOT NULL,
                data TEXT NOT NULL DEFAULT '{}',
                is_automatic \(int) NOT NULL, state TEXT NOT NULL
                CHECK (state IN ('queued', 'sending', 'sent', 'deferred', 'failed', 'unknown', 'bounced',
                'cancelled')),
                attempts \(int) NOT NULL DEFAULT 0, due_at \(int), created_at \(int) NOT NULL, sent_at \(int),
                error TEXT)
            """,
            // due_at is null once nothing more is to be done, so this index holds the waiting rows alone.
            "CREATE INDEX outbox_due ON outbox (due_at, id) WHERE due_at IS NOT NULL",
            "CREATE INDEX outbox_ticket ON outbox (ticket_id, id)",
            "CREATE INDEX outbox_entry ON outbox (entry_id)",
            "CREATE INDEX outbox_automatic ON outbox (address, created_at) WHERE is_automatic = 1",
            """
            CREATE TABLE job (
                id \(id), kind TEXT NOT NULL, ticket_id \(int) NOT NULL
                REFERENCES ticket (id) ON DELETE CASCADE, due_at \(int) NOT NULL,
                attempts \(int) NOT NULL DEFAULT 0, error TEXT, UNIQUE (ticket_id, kind))
            """,
            "CREATE INDEX job_due ON job (due_at)",
        ]
    }
}
