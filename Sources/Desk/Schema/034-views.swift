import Store

extension Schema {
    /// Searches that were saved under a name: for one agent, for a team, or, where neither is named, for everyone.
    static let views = Migration("034-views") { dialect in
        let (id, int) = (dialect.identity, dialect.integer)
        return [
            """
            CREATE TABLE saved_view (
                id \(id), name TEXT NOT NULL, query TEXT NOT NULL,
                columns TEXT NOT NULL
                DEFAULT '["subject","requester","assignee","status","priority","due","updated"]',
                sort TEXT NOT NULL DEFAULT 'due', group_by TEXT,
                agent_id \(int) REFERENCES agent (id) ON DELETE CASCADE,
                team_id \(int) REFERENCES team (id) ON DELETE CASCADE,
                position \(int) NOT NULL DEFAULT 0, updated_at \(int) NOT NULL,
                CHECK (agent_id IS NULL OR team_id IS NULL))
            """,
            "CREATE INDEX saved_view_agent ON saved_view (agent_id)",
            "CREATE INDEX saved_view_team ON saved_view (team_id)",
        ]
    }
}
