import Store

extension Schema {
    /// Where each open ticket stands among the others: `Ticket.dueRank`, kept so that lists by due time walk an index.
    static let dueOrder = Migration("029-due-order") { dialect in
        let int = dialect.integer
        let most: SQL = dialect == .sqlite ? "min" : "LEAST"
        return [
            "ALTER TABLE ticket ADD COLUMN due_rank \(int) NOT NULL DEFAULT 1000000000000000",
            """
            UPDATE ticket SET due_rank = (9 - \(most)(escalation_level, 9)) * 100000000000000 + COALESCE(CASE
            WHEN paused_at IS NOT NULL THEN NULL
                WHEN first_responded_at IS NOT NULL OR first_response_due_at IS NULL THEN resolution_due_at
                WHEN resolution_due_at < first_response_due_at THEN resolution_due_at
                ELSE first_response_due_at END, 99999999999999)
            WHERE urgency > 0
            """,
            "CREATE INDEX ticket_due ON ticket (due_rank, id) WHERE urgency > 0",
            "CREATE INDEX ticket_assignee_due ON ticket (assignee_id, due_rank, id) WHERE urgency > 0",
            "CREATE INDEX ticket_team_due ON ticket (team_id, due_rank, id) WHERE urgency > 0",
        ]
    }
}
