import Domain
import Foundation
import Mail
import Primitives
import Store

extension Connection {
    private func decode(_ row: inout Row) throws -> Agent {
        Agent(
            id: try row.read(), email: try row.read(), name: try row.read(), role: try row.read(),
            isActive: try row.read(), isAway: try row.read())
    }

    package func agent(_ id: Agent.ID) throws -> Agent? {
        try first("SELECT id, email, name, role, is_active, is_away FROM agent WHERE id = \(id)") { try decode(&$0) }
    }
    package func agent(email: String) throws -> Agent? {
        try first(
            "SELECT id, email, name, role, is_active, is_away FROM agent WHERE email = \(MailAddress.folded(email))"
        ) { try decode(&$0) }
    }
    /// Active agents of a team, its lead first.
    func members(of team: Team.ID) throws -> [Agent] {
        try query(
            """
            SELECT agent.id, email, agent.name, role, agent.is_active, is_away FROM agent JOIN team ON team.id = \(team)
            WHERE agent.is_active = 1 AND (agent.id = team.lead_id OR agent.id IN (SELECT agent_id FROM team_member
            WHERE team_id = \(team)))
            ORDER BY CASE WHEN agent.id = team.lead_id THEN 0 ELSE 1 END, agent.id
            """
        ) { try decode(&$0) }
    }
    /// Active supervisors of a department; where there is none, the administrators.
    func supervisors(of department: Department.ID) throws -> [Agent] {
        let supervisors = try query(
            """
            SELECT agent.id, email, agent.name, role, agent.is_active, is_away FROM agent
            WHERE is_active = 1 AND (id = (SELECT supervisor_id FROM department WHERE id = \(department))
                OR role = 'supervisor' AND id IN (SELECT agent_id FROM agent_department
                WHERE department_id = \(department)))
            ORDER BY id
            """
        ) { try decode(&$0) }
        guard supervisors.isEmpty else { return supervisors }
        return try query(
            """
            SELECT id, email, name, role, is_active, is_away FROM agent WHERE is_active = 1
            AND role = 'administrator' ORDER BY id
            """
        ) {
            try decode(&$0)
        }
    }
    /// Active agents of a department who work on tickets.
    func agents(of department: Department.ID) throws -> [Agent] {
        try query(
            """
            SELECT id, email, name, role, is_active, is_away FROM agent
            WHERE is_active = 1 AND role <> 'viewer' AND id IN (SELECT agent_id FROM agent_department
            WHERE department_id = \(department)) ORDER BY id
            """
        ) { try decode(&$0) }
    }
    /// Everybody who can be given a ticket.
    package func workingAgents() throws -> [Agent] {
        try query(
            """
            SELECT id, email, name, role, is_active, is_away FROM agent WHERE is_active = 1 AND role <> 'viewer'
            ORDER BY name
            """
        ) { try decode(&$0) }
    }
    package func secondAgents(of ticket: Ticket.ID) throws -> [Agent] {
        try query(
            """
            SELECT id, email, name, role, is_active, is_away FROM agent
            WHERE id IN (SELECT agent_id FROM ticket_agent WHERE ticket_id = \(ticket)) ORDER BY id
            """
        ) { try decode(&$0) }
    }
}

extension Transaction {
    /// The active agent an e-mail address names, for a field of a request.
    package func activeAgent(_ email: String, field: String) throws -> Agent {
        guard let agent = try db.agent(email: email.trimmingWhitespace()), agent.isActive else {
            throw Refusal.invalid(field, .unknown(email))
        }
        return agent
    }

    /// Adds an agent; where no department is named, to every active one.
    package func addAgent(email: String, name: String, role: Role, departments: [String], passwordHash: String?) throws
        -> Agent
    {
        guard let address = MailAddress(email) else { throw Refusal.invalid("email", .notAnAddress) }
        let name = name.singleLine
        guard !name.isEmpty else { throw Refusal.invalid("name", .required) }
        guard name.fits(200) else { throw Refusal.invalid("name", .tooLong(most: 200)) }
        guard try db.agent(email: address.address) == nil else { throw Refusal.invalid("email", .taken) }
        let id = try db.insert(
            """
            INSERT INTO agent (email, name, role, password, created_at)
            VALUES (\(address.address), \(name), \(role), \(passwordHash), \(now)) RETURNING id
            """, as: Agent.self)
        if departments.isEmpty { try letIntoEveryDepartment(id) }
        for name in departments {
            guard let department = try db.keys(named: name, in: "department").first else {
                throw Refusal.invalid("department", .unknown(name))
            }
            try db.execute(
                """
                INSERT INTO agent_department (agent_id, department_id)
                VALUES (\(id), \(department)) ON CONFLICT DO NOTHING
                """
            )
        }
        guard let agent = try db.agent(id) else { throw Refusal.notFound }
        return agent
    }

    /// What a new agent gets for whom nobody said otherwise: whoever sees no department sees no ticket.
    func letIntoEveryDepartment(_ agent: Agent.ID) throws {
        try db.execute(
            """
            INSERT INTO agent_department (agent_id, department_id) SELECT \(agent), id FROM department
            WHERE is_active = 1 ON CONFLICT DO NOTHING
            """
        )
    }
}

extension Connection {
    /// The departments an agent works in, by name.
    package func departmentNames(of agent: Agent.ID) throws -> [String] {
        try query(
            """
            SELECT name FROM department WHERE is_active = 1 AND id IN (SELECT department_id FROM agent_department
            WHERE agent_id = \(agent)) ORDER BY name
            """
        ) { try $0.read() }
    }

    /// Whether an agent is of no department and no team, and so sees no ticket but those they are personally part of.
    package func hasNoPlace(_ agent: Agent) throws -> Bool {
        guard agent.role != .administrator else { return false }
        return try value(
            """
            SELECT 1 FROM agent WHERE id = \(agent.id) AND (id IN (SELECT agent_id FROM agent_department)
            OR id IN (SELECT agent_id FROM team_member)
                OR id IN (SELECT lead_id FROM team))
            """, as: Int64.self) == nil
    }
}

extension Transaction {
    /// What agents set for themselves.
    ///
    /// - Parameter wantsNewRequests: nil leaves it as it is.
    package func set(
        language: String?, isAway: Bool, signature: String, digest: DigestWish, wantsNewRequests: Bool? = nil,
        of agent: Agent.ID
    ) throws {
        guard digest.hour.map((0...23).contains) ?? true else { throw Refusal.invalid("digest", .required) }
        guard TimeZone(identifier: digest.timeZone) != nil else {
            throw Refusal.invalid("time_zone", .unknown(digest.timeZone))
        }
        try db.execute(
            """
            UPDATE agent SET language = \(language), is_away = \(isAway), signature =
            \(String(signature.withoutControls.prefix(5000))), digest_hour = \(digest.hour),
            time_zone = \(digest.timeZone) WHERE id = \(agent)
            """
        )
        if let wantsNewRequests {
            try db.execute("UPDATE agent SET new_request_email = \(wantsNewRequests) WHERE id = \(agent)")
        }
        try planDigest(of: agent)
    }
}

extension Connection {
    /// What stands below an agent's answers; empty where the name does.
    package func signature(of agent: Agent.ID) throws -> String {
        try value("SELECT signature FROM agent WHERE id = \(agent)") ?? ""
    }
}
