import Store

extension Schema {
    /// One index for each way to tickets in each order a list is read in (`TicketPlan`). What is to be done has its own
    /// small ones, which hold the columns that lists filter by, so that a ticket is read only to be shown; what is done
    /// is found by its state.
    static let lists = Migration("031-lists") { _ in
        [
            "DROP INDEX ticket_next", "DROP INDEX ticket_due", "DROP INDEX ticket_department_next",
            "DROP INDEX ticket_assignee_next",
            "DROP INDEX ticket_team_next", "DROP INDEX ticket_assignee_due", "DROP INDEX ticket_team_due",
            """
            CREATE INDEX ticket_next ON ticket (urgency DESC, id, state, department_id, assignee_id, team_id)
            WHERE urgency > 0
            """,
            """
            CREATE INDEX ticket_due ON ticket (due_rank, id, state, department_id, assignee_id, team_id)
            WHERE due_rank < 1000000000000000
            """,
            """
            CREATE INDEX ticket_department_next ON ticket (department_id, urgency DESC, id, state, assignee_id)
            WHERE urgency > 0
            """,
            """
            CREATE INDEX ticket_department_due ON ticket (department_id, due_rank, id, state, assignee_id)
            WHERE due_rank < 1000000000000000
            """,
            """
            CREATE INDEX ticket_assignee_due ON ticket (assignee_id, due_rank, id, state, urgency)
            WHERE due_rank < 1000000000000000
            """,
            """
            CREATE INDEX ticket_team_due ON ticket (team_id, due_rank, id, state, urgency)
            WHERE due_rank < 1000000000000000 AND team_id IS NOT NULL
            """,
            "CREATE INDEX ticket_department_state ON ticket (department_id, state, id)",
            "CREATE INDEX ticket_assignee_state ON ticket (assignee_id, state, id) WHERE assignee_id IS NOT NULL",
            "CREATE INDEX ticket_team_state ON ticket (team_id, state, id) WHERE team_id IS NOT NULL",
            "CREATE INDEX ticket_created ON ticket (created_at)",
            // Lists that are short on most days are found at once.
            """
            CREATE INDEX ticket_overdue ON ticket (due_rank, id, state, department_id, assignee_id, team_id)
            WHERE overdue = 1
            """,
            """
            CREATE INDEX ticket_answered ON ticket (due_rank, id, state, department_id, assignee_id, team_id)
            WHERE due_rank < 1000000000000000 AND last_message_at > last_reply_at
            """,
        ]
    }
}
