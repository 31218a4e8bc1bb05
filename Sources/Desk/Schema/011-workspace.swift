import Store

extension Schema {
    static let workspace = Migration("011-workspace") { dialect in
        let int = dialect.integer
        return [
            // What an agent has begun to write, until it is sent.
            """
            CREATE TABLE draft (
                agent_id \(int) NOT NULL REFERENCES agent (id) ON DELETE CASCADE, ticket_id \(int) NOT NULL
                REFERENCES ticket (id) ON DELETE CASCADE,
                kind TEXT NOT NULL CHECK (kind IN ('reply', 'note')), body TEXT NOT NULL, saved_at \(int) NOT NULL,
                PRIMARY KEY (agent_id, ticket_id, kind))
            """,
            "CREATE INDEX draft_ticket ON draft (ticket_id)",
            // What the public form asks for besides a subject and a body, as JSON.
            "CREATE INDEX outbox_trouble ON outbox (id) WHERE state IN ('failed', 'unknown', 'bounced')",
            "ALTER TABLE topic ADD COLUMN fields TEXT NOT NULL DEFAULT '[]'",
        ]
    }
}
