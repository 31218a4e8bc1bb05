import Store

extension Schema {
    /// Whose hands a mail is in, what it waits for, and what was held back after a restore.
    static let outboxClaims = Migration("025-outbox-claims") { dialect in
        let int = dialect.integer
        return [
            // The courier that is sending it, so that what a dead one had in its hands can be told from what a living
            // one has.
            "ALTER TABLE outbox ADD COLUMN claim TEXT",
            // The server it was put off for, to be woken when that one takes mail again: a mailbox's key, 0 for the
            // desk's own.
            "ALTER TABLE outbox ADD COLUMN waits_for \(int)",
            // Since when it waits for an administrator: it was on its way when the backup was made that this desk came
            // from.
            "ALTER TABLE outbox ADD COLUMN held_at \(int)",
            "CREATE INDEX outbox_claim ON outbox (claim) WHERE state = 'sending'",
            "CREATE INDEX outbox_waits_for ON outbox (waits_for) WHERE waits_for IS NOT NULL",
            "CREATE INDEX outbox_held ON outbox (id) WHERE held_at IS NOT NULL",
        ]
    }
}
