import Store

extension Schema {
    static let routing = Migration("002-routing") { dialect in
        let id = dialect.identity
        let int = dialect.integer
        return [
            """
            CREATE TABLE schedule (
                id \(id), name TEXT NOT NULL, time_zone TEXT NOT NULL, hours TEXT NOT NULL,
                holidays TEXT NOT NULL DEFAULT '[]')
            """,
            "CREATE UNIQUE INDEX schedule_name ON schedule (lower(name))",
            """
            CREATE TABLE service_level (
                id \(id), name TEXT NOT NULL, first_response_minutes \(int) CHECK (first_response_minutes > 0),
                resolution_minutes \(int) CHECK (resolution_minutes > 0), schedule_id \(int) REFERENCES schedule (id))
            """,
            "CREATE UNIQUE INDEX service_level_name ON service_level (lower(name))",
            """
            CREATE TABLE department (
                id \(id), name TEXT NOT NULL, escalation_team_id \(int) REFERENCES team (id), supervisor_id \(int)
                REFERENCES agent (id),
                service_level_id \(int) REFERENCES service_level (id), is_active \(int) NOT NULL DEFAULT 1)
            """,
            "CREATE UNIQUE INDEX department_name ON department (lower(name)) WHERE is_active = 1",
            """
            CREATE TABLE agent_department (
                agent_id \(int) NOT NULL REFERENCES agent (id) ON DELETE CASCADE,
                department_id \(int) NOT NULL REFERENCES department (id) ON DELETE CASCADE, PRIMARY KEY (agent_id,
                department_id))
            """,
            "CREATE INDEX agent_department_of ON agent_department (department_id)",
            """
            CREATE TABLE topic (
                id \(id), name TEXT NOT NULL, department_id \(int) REFERENCES department (id), team_id \(int)
                REFERENCES team (id),
                priority \(int) NOT NULL DEFAULT 1 CHECK (priority BETWEEN 0 AND 3), service_level_id \(int)
                REFERENCES service_level (id),
                escalates \(int) NOT NULL DEFAULT 0 CHECK (escalates IN (0, 1)), position \(int) NOT NULL DEFAULT 0,
                description TEXT NOT NULL DEFAULT '', is_active \(int) NOT NULL DEFAULT 1)
            """,
            "CREATE UNIQUE INDEX topic_name ON topic (lower(name)) WHERE is_active = 1",
        ]
    }
}
