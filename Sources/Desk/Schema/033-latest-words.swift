import Store

extension Schema {
    /// How the newest entry of a ticket begins, kept in its row so that a list reads no conversations. Null is looked
    /// up in the conversation: so are the tickets that were done with before, until they are next written in.
    static let latestWords = Migration("033-latest-words") { _ in
        [
            "ALTER TABLE ticket ADD COLUMN latest_words TEXT",
            """
            UPDATE ticket SET latest_words = (SELECT substr(entry.kind, 1, 1) || substr(entry.text, 1, 140)
            FROM entry WHERE entry.ticket_id = ticket.id ORDER BY entry.id DESC LIMIT 1) WHERE urgency > 0
            """,
        ]
    }
}
