import Store

extension Schema {
    static let people = Migration("001-people") { dialect in
        let id = dialect.identity
        let int = dialect.integer
        return [
            """
            CREATE TABLE agent (
                id \(id), email TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
                role TEXT NOT NULL CHECK (role IN ('administrator', 'supervisor', 'agent', 'viewer')),
                password TEXT, is_active \(int) NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1)),
                is_away \(int) NOT NULL DEFAULT 0 CHECK (is_away IN (0, 1)), created_at \(int) NOT NULL)
            """,
            """
            CREATE TABLE organization (id \(id), name TEXT NOT NULL, note TEXT NOT NULL DEFAULT '',
            created_at \(int) NOT NULL)
            """,
            "CREATE UNIQUE INDEX organization_name ON organization (lower(name))",
            """
            CREATE TABLE organization_domain (
                domain TEXT PRIMARY KEY, organization_id \(int) NOT NULL REFERENCES organization (id) ON DELETE CASCADE)
            """,
            "CREATE INDEX organization_domain_of ON organization_domain (organization_id)",
            """
            CREATE TABLE customer (
                id \(id), name TEXT NOT NULL, organization_id \(int) REFERENCES organization (id) ON DELETE SET NULL,
                password TEXT, language TEXT, note TEXT NOT NULL DEFAULT '', sought TEXT NOT NULL DEFAULT '',
                created_at \(int) NOT NULL)
            """,
            "CREATE INDEX customer_organization ON customer (organization_id) WHERE organization_id IS NOT NULL",
            """
            CREATE TABLE customer_address (
                address TEXT PRIMARY KEY, customer_id \(int) NOT NULL REFERENCES customer (id) ON DELETE CASCADE,
                undeliverable_at \(int))
            """,
            "CREATE INDEX customer_address_of ON customer_address (customer_id)",
            """
            CREATE TABLE team (id \(id), name TEXT NOT NULL, lead_id \(int)
            REFERENCES agent (id), is_active \(int) NOT NULL DEFAULT 1)
            """,
            "CREATE UNIQUE INDEX team_name ON team (lower(name)) WHERE is_active = 1",
            """
            CREATE TABLE team_member (
                team_id \(int) NOT NULL REFERENCES team (id) ON DELETE CASCADE, agent_id \(int) NOT NULL
                REFERENCES agent (id) ON DELETE CASCADE,
                PRIMARY KEY (team_id, agent_id))
            """,
            "CREATE INDEX team_member_agent ON team_member (agent_id)",
            """
            CREATE TABLE api_key (
                id \(id), name TEXT NOT NULL, hash TEXT NOT NULL UNIQUE, scope TEXT NOT NULL
                CHECK (scope IN ('tickets:create', 'tickets', 'full')),
                created_at \(int) NOT NULL, revoked_at \(int))
            """,
        ]
    }
}
