import Store

/// The ladder of migrations. Append only: a step that was shipped never changes.
package enum Schema {
    package static let migrator = Migrator([
        people, routing, tickets, conversation, delivery, feedback, knowledge, office, freshDesk, signIn, workspace,
        mailboxes, draftFiles, digest, textIndex, ticketStatistics,
        provenance, access, leases, outboxClaims, mailServers, dueOrder, targets, newRequests, namedFiles, lists,
        search, latestWords, views, links, undo, names,
    ])

    /// Every table that is not made from others, referenced ones before those that refer to them: what a backup holds.
    package static let tables = [
        "setting", "agent", "organization", "organization_domain", "customer", "customer_address", "team",
        "team_member", "api_key", "schedule",
        "service_level", "department", "agent_department", "topic", "ticket", "ticket_tag", "ticket_link",
        "ticket_merge",
        "ticket_agent", "ticket_collaborator",
        "ticket_event", "entry", "entry_source", "blob", "attachment", "received", "outbox", "job", "survey",
        "follow_up", "article", "canned_reply",
        "idempotency", "draft", "draft_file", "mailbox", "mailbox_state", "mailbox_seen", "quarantine", "ban",
        "dkim_key", "recovery_code",
        "mailbox_unsettled", "saved_view",
    ]
}
