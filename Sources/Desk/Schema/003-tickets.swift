import Store

extension Schema {
    static let tickets = Migration("003-tickets") { dialect in
        let id = dialect.identity
        let int = dialect.integer
        var statements: [SQL] = [
            """
            CREATE TABLE ticket (
                id \(id), number \(int) NOT NULL UNIQUE, subject TEXT NOT NULL,
                state TEXT NOT NULL CHECK (state IN ('new', 'open', 'waiting', 'held', 'resolved', 'closed', 'spam',
                'merged', 'deleted')),
                status TEXT, priority \(int) NOT NULL CHECK (priority BETWEEN 0 AND 3),
                topic_id \(int) REFERENCES topic (id), department_id \(int) NOT NULL REFERENCES department (id),
                team_id \(int) REFERENCES team (id), assignee_id \(int) REFERENCES agent (id), solver_id \(int)
                REFERENCES agent (id),
                customer_id \(int) NOT NULL REFERENCES customer (id), requester_name TEXT NOT NULL,
                requester_address TEXT NOT NULL,
                source TEXT NOT NULL CHECK (source IN ('email', 'web', 'api', 'phone')), mailbox TEXT,
                tags TEXT NOT NULL DEFAULT '[]', fields TEXT NOT NULL DEFAULT '{}',
                service_level_id \(int) REFERENCES service_level (id), first_response_due_at \(int),
                first_responded_at \(int),
                resolution_due_at \(int), paused_at \(int), watch_at \(int), overdue \(int) NOT NULL DEFAULT 0
                CHECK (overdue IN (0, 1)),
                escalation_level \(int) NOT NULL DEFAULT 0 CHECK (escalation_level >= 0), urgency \(int) NOT NULL,
                reopened_count \(int) NOT NULL DEFAULT 0, merged_into_id \(int)
                REFERENCES ticket (id) DEFERRABLE INITIALLY DEFERRED,
                created_at \(int) NOT NULL, updated_at \(int) NOT NULL, resolved_at \(int), closed_at \(int),
                last_message_at \(int), last_reply_at \(int))
            """,
            // One index for each order a list is read in: urgency is 0 once nothing is left to do.
            "CREATE INDEX ticket_next ON ticket (urgency DESC, id)",
            "CREATE INDEX ticket_state ON ticket (state, id)",
            "CREATE INDEX ticket_assignee_next ON ticket (assignee_id, urgency DESC, id) WHERE assignee_id IS NOT NULL",
            "CREATE INDEX ticket_team_next ON ticket (team_id, urgency DESC, id) WHERE team_id IS NOT NULL",
            "CREATE INDEX ticket_department_next ON ticket (department_id, urgency DESC, id)",
            "CREATE INDEX ticket_customer ON ticket (customer_id, id)",
            "CREATE INDEX ticket_watch ON ticket (watch_at) WHERE watch_at IS NOT NULL",
            """
            CREATE TABLE ticket_tag (
                tag TEXT NOT NULL, ticket_id \(int) NOT NULL
                REFERENCES ticket (id) ON DELETE CASCADE, PRIMARY KEY (tag, ticket_id))
            """,
            "CREATE INDEX ticket_tag_of ON ticket_tag (ticket_id)",
            """
            CREATE TABLE ticket_link (
                ticket_id \(int) NOT NULL REFERENCES ticket (id) ON DELETE CASCADE, other_id \(int) NOT NULL
                REFERENCES ticket (id) ON DELETE CASCADE,
                kind TEXT NOT NULL CHECK (kind IN ('follow_up', 'related')), PRIMARY KEY (ticket_id, other_id))
            """,
            "CREATE INDEX ticket_link_back ON ticket_link (other_id)",
            """
            CREATE TABLE ticket_agent (
                ticket_id \(int) NOT NULL REFERENCES ticket (id) ON DELETE CASCADE, agent_id \(int) NOT NULL
                REFERENCES agent (id) ON DELETE CASCADE,
                PRIMARY KEY (ticket_id, agent_id))
            """,
            "CREATE INDEX ticket_agent_of ON ticket_agent (agent_id)",
            """
            CREATE TABLE ticket_collaborator (
                ticket_id \(int) NOT NULL REFERENCES ticket (id) ON DELETE CASCADE, customer_id \(int) NOT NULL
                REFERENCES customer (id) ON DELETE CASCADE,
                address TEXT NOT NULL, PRIMARY KEY (ticket_id, customer_id))
            """,
            "CREATE INDEX ticket_collaborator_of ON ticket_collaborator (customer_id)",
            """
            CREATE TABLE ticket_event (
                id \(id), ticket_id \(int) NOT NULL
                REFERENCES ticket (id) ON DELETE CASCADE, kind TEXT NOT NULL, at \(int) NOT NULL,
                actor_kind TEXT NOT NULL CHECK (actor_kind IN ('agent', 'customer', 'key', 'rule', 'timer',
                'system')), actor_id \(int),
                actor_name TEXT NOT NULL, actor_address TEXT, reason TEXT NOT NULL DEFAULT '',
                data TEXT NOT NULL DEFAULT '{}')
            """,
            "CREATE INDEX ticket_event_of ON ticket_event (ticket_id, id)",
        ]
        statements += dialect.create(.ticketNumber, startingAt: 100_001)
        return statements
    }
}
