import Store

extension Schema {
    static let feedback = Migration("006-feedback") { dialect in
        let id = dialect.identity
        let int = dialect.integer
        return [
            """
            CREATE TABLE survey (
                id \(id), ticket_id \(int) NOT NULL
                REFERENCES ticket (id) ON DELETE CASCADE, department_id \(int) NOT NULL REFERENCES department (id),
                agent_id \(int) REFERENCES agent (id), team_id \(int) REFERENCES team (id), sent_at \(int) NOT NULL,
                rating \(int) CHECK (rating BETWEEN 1 AND 5), comment TEXT NOT NULL DEFAULT '', answered_at \(int),
                reviewed_at \(int), reviewer_id \(int) REFERENCES agent (id), review_note TEXT NOT NULL DEFAULT '')
            """,
            "CREATE INDEX survey_ticket ON survey (ticket_id, id)",
            "CREATE INDEX survey_answered ON survey (answered_at, id) WHERE answered_at IS NOT NULL",
            "CREATE INDEX survey_department ON survey (department_id, answered_at) WHERE answered_at IS NOT NULL",
            "CREATE INDEX survey_agent ON survey (agent_id, answered_at) WHERE answered_at IS NOT NULL",
            """
            CREATE TABLE follow_up (
                id \(id), survey_id \(int) NOT NULL REFERENCES survey (id) ON DELETE CASCADE, kind TEXT NOT NULL
                CHECK (kind IN ('reply', 'ticket')),
                ticket_id \(int) NOT NULL REFERENCES ticket (id) ON DELETE CASCADE, entry_id \(int)
                REFERENCES entry (id) ON DELETE SET NULL,
                agent_id \(int) REFERENCES agent (id), at \(int) NOT NULL)
            """,
            "CREATE INDEX follow_up_survey ON follow_up (survey_id)",
        ]
    }
}
