import Store

extension Schema {
    static let signIn = Migration("010-sign-in") { dialect in
        let id = dialect.identity
        let int = dialect.integer
        return [
            // The second factor's secret, sealed; and the last time step a code was taken for, so that none works
            // twice.
            "ALTER TABLE agent ADD COLUMN totp TEXT",
            "ALTER TABLE agent ADD COLUMN totp_step \(int) NOT NULL DEFAULT 0",
            "ALTER TABLE agent ADD COLUMN language TEXT",
            """
            CREATE TABLE session (
                hash TEXT PRIMARY KEY, agent_id \(int) REFERENCES agent (id) ON DELETE CASCADE, customer_id \(int)
                REFERENCES customer (id) ON DELETE CASCADE,
                created_at \(int) NOT NULL, expires_at \(int) NOT NULL, browser TEXT NOT NULL DEFAULT '',
                CHECK ((agent_id IS NULL) <> (customer_id IS NULL)))
            """,
            "CREATE INDEX session_agent ON session (agent_id) WHERE agent_id IS NOT NULL",
            "CREATE INDEX session_customer ON session (customer_id) WHERE customer_id IS NOT NULL",
            "CREATE INDEX session_expires ON session (expires_at)",
            // Wrong passwords, by whom they were given.
            "CREATE TABLE throttle (name TEXT PRIMARY KEY, failures \(int) NOT NULL, last_at \(int) NOT NULL)",
            """
            CREATE TABLE one_time_link (
                id \(id), purpose TEXT NOT NULL CHECK (purpose IN ('sign_in', 'password')), agent_id \(int)
                REFERENCES agent (id) ON DELETE CASCADE,
                customer_id \(int) REFERENCES customer (id) ON DELETE CASCADE, salt TEXT NOT NULL,
                created_at \(int) NOT NULL, expires_at \(int) NOT NULL,
                CHECK ((agent_id IS NULL) <> (customer_id IS NULL)))
            """,
            "CREATE INDEX one_time_link_agent ON one_time_link (agent_id) WHERE agent_id IS NOT NULL",
            "CREATE INDEX one_time_link_customer ON one_time_link (customer_id) WHERE customer_id IS NOT NULL",
        ]
    }
}
