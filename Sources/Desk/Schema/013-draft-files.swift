import Store

extension Schema {
    static let draftFiles = Migration("013-draft-files") { dialect in
        let id = dialect.identity
        let int = dialect.integer
        return [
            // Files that go along with what an agent has begun to write: of a reply that was taken back or could not be
            // sent.
            """
            CREATE TABLE draft_file (
                id \(id), agent_id \(int) NOT NULL REFERENCES agent (id) ON DELETE CASCADE, ticket_id \(int) NOT NULL
                REFERENCES ticket (id) ON DELETE CASCADE,
                kind TEXT NOT NULL CHECK (kind IN ('reply', 'note')), hash TEXT NOT NULL
                REFERENCES blob (hash), name TEXT NOT NULL, type TEXT NOT NULL, size \(int) NOT NULL,
                added_at \(int) NOT NULL)
            """,
            "CREATE INDEX draft_file_of ON draft_file (ticket_id, agent_id)",
            "CREATE INDEX draft_file_hash ON draft_file (hash)",
            // What was merged into a ticket is searched there.
            "CREATE INDEX ticket_merged ON ticket (merged_into_id) WHERE merged_into_id IS NOT NULL",
        ]
    }
}
