import Store

extension Schema {
    /// Recovery codes of the second factor, as marks under the desk's secret; and how often a customer's links were
    /// taken back.
    static let access = Migration("020-access") { dialect in
        let id = dialect.identity
        let int = dialect.integer
        return [
            """
            CREATE TABLE recovery_code (id \(id), agent_id \(int) NOT NULL
            REFERENCES agent (id) ON DELETE CASCADE, hash TEXT NOT NULL, created_at \(int) NOT NULL,
            UNIQUE (agent_id, hash))
            """,
            "ALTER TABLE customer ADD COLUMN link_version \(int) NOT NULL DEFAULT 0",
            // Counts that named accounts and addresses; they are counted anew under other names.
            "DELETE FROM throttle",
        ]
    }
}
