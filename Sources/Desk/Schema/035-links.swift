import Store

extension Schema {
    /// Two tickets may have to do with each other in several ways; and a merge is kept until it is taken back.
    static let links = Migration("035-links") { dialect in
        let int = dialect.integer
        return [
            """
            CREATE TABLE ticket_relation (
                ticket_id \(int) NOT NULL REFERENCES ticket (id) ON DELETE CASCADE, other_id \(int) NOT NULL
                REFERENCES ticket (id) ON DELETE CASCADE,
                kind TEXT NOT NULL CHECK (kind IN ('follow_up', 'related', 'parent', 'duplicate_of', 'blocks')),
                PRIMARY KEY (ticket_id, other_id, kind))
            """,
            """
            INSERT INTO ticket_relation (ticket_id, other_id, kind)
            SELECT ticket_id, other_id, kind FROM ticket_link
            """,
            "DROP TABLE ticket_link",
            "ALTER TABLE ticket_relation RENAME TO ticket_link",
            "CREATE INDEX ticket_link_back ON ticket_link (other_id)",
            """
            CREATE TABLE ticket_merge (
                ticket_id \(int) PRIMARY KEY REFERENCES ticket (id) ON DELETE CASCADE, ticket_before TEXT NOT NULL,
                ticket_after TEXT NOT NULL, joined TEXT NOT NULL DEFAULT '')
            """,
            "CREATE INDEX entry_origin ON entry (origin_id) WHERE origin_id IS NOT NULL",
        ]
    }
}
