import Store

extension Schema {
    /// What agents did in the last seconds and can still take back: replies, and actions on one ticket or many.
    static let undo = Migration("036-undo") { dialect in
        let (id, int) = (dialect.identity, dialect.integer)
        return [
            // What it held is over within seconds; mail that was held back goes by itself.
            "DROP TABLE second_thought",
            """
            CREATE TABLE undo (
                id \(id), batch TEXT NOT NULL, action TEXT NOT NULL,
                agent_id \(int) NOT NULL REFERENCES agent (id) ON DELETE CASCADE,
                ticket_id \(int) NOT NULL REFERENCES ticket (id) ON DELETE CASCADE,
                entry_id \(int) REFERENCES entry (id) ON DELETE CASCADE,
                done_at \(int) NOT NULL, until \(int) NOT NULL, ticket_before TEXT NOT NULL, ticket_after TEXT NOT NULL)
            """,
            "CREATE INDEX undo_agent ON undo (agent_id)",
            "CREATE INDEX undo_ticket ON undo (ticket_id)",
            "CREATE INDEX undo_entry ON undo (entry_id)",
        ]
    }
}
