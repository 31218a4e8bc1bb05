import Store

extension Schema {
    /// PostgreSQL takes columns for independent of each other: it believed that of the few tickets with urgency hardly
    /// one is open, and sorted them all where it should walk an index.
    static let ticketStatistics = Migration("016-ticket-statistics") { dialect in
        dialect == .postgres ? ["CREATE STATISTICS ticket_state_urgency (mcv) ON state, urgency FROM ticket"] : []
    }
}
