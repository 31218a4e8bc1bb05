import Store

extension Schema {
    static let digest = Migration("014-digest") { dialect in
        let int = dialect.integer
        return [
            // The hour at which an agent is told each day what waits, in the agent's own time zone; none for those who
            // did not ask.
            "ALTER TABLE agent ADD COLUMN digest_hour \(int) CHECK (digest_hour BETWEEN 0 AND 23)",
            "ALTER TABLE agent ADD COLUMN time_zone TEXT NOT NULL DEFAULT 'UTC'",
            "ALTER TABLE agent ADD COLUMN digest_at \(int)",
        ]
    }
}
