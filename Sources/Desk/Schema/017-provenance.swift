import Store

extension Schema {
    static let provenance = Migration("017-provenance") { dialect in
        let int = dialect.integer
        return [
            // Nothing proves that the author wrote it.
            "ALTER TABLE entry ADD COLUMN is_unverified \(int) NOT NULL DEFAULT 0 CHECK (is_unverified IN (0, 1))",
            // Who sent it where that is not the author alone, as JSON.
            "ALTER TABLE entry ADD COLUMN sent_by TEXT",
            // Whom a message was addressed to besides the desk, with blanks between.
            "ALTER TABLE entry ADD COLUMN addressed TEXT",
            // The ticket it was written in, where that was merged into another since; no reference, for it says only
            // where the words stood.
            "ALTER TABLE entry ADD COLUMN origin_id \(int)",
            "CREATE INDEX entry_message_id ON entry (message_id) WHERE message_id IS NOT NULL",
            // Whether nobody has shown yet that the requester's address is the requester's.
            "ALTER TABLE ticket ADD COLUMN is_unproved \(int) NOT NULL DEFAULT 0 CHECK (is_unproved IN (0, 1))",
        ]
    }
}
