import Domain
import Foundation
import Mail
import Primitives
import Store

/// Something administrators set: one description from which reading, checking, writing and the API's document all
/// follow.
package struct Resource: Sendable {
    /// As the API's address and an error name it: `departments`, `department`.
    package let path: String
    package let name: String
    package let summary: String
    let table: String
    package let fields: [Field]
    /// Rows that were used cannot go; they are retired: `is_active` 0.
    package let isRetired: Bool
    /// The least scope of a key that reads it: what work on tickets needs can be read with `tickets`.
    package let readScope: APIKey.Scope
    /// Surrounds a change or a removal: what was before it is compared with what is after it.
    let around: (@Sendable (Transaction, Int64, () throws -> Void) throws -> Void)?
    /// What else follows from a change, in the same transaction.
    let afterChange: (@Sendable (Transaction, Int64) throws -> Void)?
    /// What else follows from retiring or deleting.
    let beforeRemoval: (@Sendable (Transaction, Int64) throws -> Void)?
    /// Refuses what an asker may not do to a row, where that hangs on the row: before it is changed or removed, and
    /// once it is as it is asked to be.
    let admits: (@Sendable (Transaction, Asker, Int64, _ isDone: Bool) throws -> Void)?

    init(
        _ path: String, _ name: String, table: String, _ summary: String, isRetired: Bool = false,
        readScope: APIKey.Scope = .tickets, fields: [Field],
        around: (@Sendable (Transaction, Int64, () throws -> Void) throws -> Void)? = nil,
        afterChange: (@Sendable (Transaction, Int64) throws -> Void)? = nil,
        beforeRemoval: (@Sendable (Transaction, Int64) throws -> Void)? = nil,
        admits: (@Sendable (Transaction, Asker, Int64, _ isDone: Bool) throws -> Void)? = nil
    ) {
        self.admits = admits
        self.path = path
        self.name = name
        self.summary = summary
        self.table = table
        self.fields = fields
        self.isRetired = isRetired
        self.readScope = readScope
        self.around = around
        self.afterChange = afterChange
        self.beforeRemoval = beforeRemoval
    }

    /// One field of a resource.
    package struct Field: Sendable {
        package let name: String
        package let kind: Kind
        package let isRequired: Bool
        /// No two rows share the value, whatever its case.
        let isUnique: Bool
        /// The heading the form shows before it.
        package let section: String?
        /// What the form says below it.
        package let hint: String?
        /// The placeholders its text may name; nil where braces mean nothing.
        package let placeholders: [String]?

        init(
            _ name: String, _ kind: Kind, required: Bool = false, unique: Bool = false, section: String? = nil,
            hint: String? = nil, placeholders: [String]? = nil
        ) {
            self.placeholders = placeholders
            self.section = section
            self.hint = hint
            self.name = name
            self.kind = kind
            isRequired = required
            isUnique = unique
        }
    }

    package enum Kind: Sendable {
        case text(column: String, most: Int)
        case optionalText(column: String, most: Int)
        case slug(column: String)
        case address(column: String)
        case integer(column: String, ClosedRange<Int>)
        case optionalInteger(column: String, ClosedRange<Int>)
        case flag(column: String)
        case choice(column: String, [String])
        case priority(column: String)
        case timeZone(column: String)
        case hours(column: String)
        case holidays(column: String)
        /// What single priorities are promised instead: durations by priority and clock.
        case targets(column: String)
        /// Written, never read back.
        case password(column: String)
        /// A credential the desk has to read again: sealed, never read back.
        case secret(column: String)
        case optionalPriority(column: String)
        case moment(column: String)
        /// What a topic's form asks for: `[{"key", "label", "kind", "required", "options"}]`.
        case topicFields(column: String)
        /// `{"id", "name"}` or null; named by key or name.
        case reference(column: String, to: String)
        /// A person or null; named by e-mail address.
        case agent(column: String)
        case references(join: String, own: String, other: String, to: String)
        case agents(join: String, own: String, other: String)
        case texts(table: String, own: String, column: String, isDomain: Bool)
        /// What a saved view shows, and to whom.
        case view(ViewPart)

        package var isReadOnly: Bool { if case .moment = self { true } else { false } }
        package var isWriteOnly: Bool {
            switch self {
            case .password, .secret: true
            default: false
            }
        }
    }
}

extension Resource {
    /// The least role that changes it in the workspace, and by the API in an agent's name.
    package var leastRole: Role {
        switch path {
        case "canned-replies", "views": .agent
        // What everybody can read.
        case "articles": .supervisor
        default: .administrator
        }
    }

    package static let all: [Resource] = [
        departments, teams, agents, topics, serviceLevels, schedules, cannedReplies, articles, customers, organizations,
        mailboxes, bans, dkimKeys, views,
    ]

    static let departments = Resource(
        "departments", "department", table: "department", "Group tickets and agents, each with its own SLA",
        isRetired: true,
        fields: [
            Field("name", .text(column: "name", most: 100), required: true, unique: true),
            Field("escalation_team", .reference(column: "escalation_team_id", to: "team")),
            Field("supervisor", .agent(column: "supervisor_id")),
            Field("service_level", .reference(column: "service_level_id", to: "service_level")),
            Field(
                "signature", .text(column: "signature", most: 5000), hint: "Added below replies from this department"),
        ],
        afterChange: { tx, id in try tx.letSupervisorIn(Department.ID(id)) },
        beforeRemoval: { tx, id in
            let others: Int =
                try tx.db.value("SELECT count(*) FROM department WHERE is_active = 1 AND id <> \(id)") ?? 0
            guard others > 0 else {
                throw Refusal.conflict(
                    Sentence("The last department can't be removed: new tickets need one. Add another one first."),
                    allowed: [])
            }
        })

    static let teams = Resource(
        "teams", "team", table: "team", "Agents who work together under a team lead", isRetired: true,
        fields: [
            Field("name", .text(column: "name", most: 100), required: true, unique: true),
            Field("lead", .agent(column: "lead_id")),
            Field("members", .agents(join: "team_member", own: "team_id", other: "agent_id")),
        ],
        afterChange: { tx, _ in tx.rightsChanged() })

    static let agents = Resource(
        "agents", "agent", table: "agent",
        """
        People who work on tickets. They see the tickets of their departments and teams. Deactivating an agent \
        frees their tickets.
        """,
        isRetired: true,
        fields: [
            Field("email", .address(column: "email"), required: true, unique: true),
            Field("name", .text(column: "name", most: 200), required: true),
            Field("role", .choice(column: "role", Role.allCases.map(\.rawValue))),
            Field(
                "departments",
                .references(join: "agent_department", own: "agent_id", other: "department_id", to: "department")),
            Field("teams", .references(join: "team_member", own: "agent_id", other: "team_id", to: "team")),
            Field("away", .flag(column: "is_away")),
            Field(
                "signature", .text(column: "signature", most: 5000),
                hint: "Added below this agent's replies. Leave blank to use the name."),
            Field(
                "digest_hour", .optionalInteger(column: "digest_hour", 0...23),
                hint: "Hour of the daily summary email, from 0 to 23. Leave blank for none."),
            Field("time_zone", .timeZone(column: "time_zone")),
            Field("new_request_email", .flag(column: "new_request_email")),
            Field("active", .flag(column: "is_active")),
            Field("password", .password(column: "password")),
            Field("created_at", .moment(column: "created_at")),
        ],
        around: { tx, id, work in try tx.changingAgent(Agent.ID(id), work) },
        afterChange: { tx, id in
            if let agent = try tx.db.agent(Agent.ID(id)), !agent.isActive { try tx.releaseTickets(of: agent) }
            try tx.planDigest(of: Agent.ID(id))
        })

    static let topics = Resource(
        "topics", "topic", table: "topic", "What a request is about. A topic sets the department, priority and SLA.",
        isRetired: true,
        fields: [
            Field("name", .text(column: "name", most: 100), required: true, unique: true),
            Field("description", .text(column: "description", most: 500)),
            Field("department", .reference(column: "department_id", to: "department")),
            Field("team", .reference(column: "team_id", to: "team")),
            Field("priority", .priority(column: "priority")),
            Field("service_level", .reference(column: "service_level_id", to: "service_level")),
            Field("escalates", .flag(column: "escalates")),
            Field("position", .integer(column: "position", 0...10_000)),
            Field("fields", .topicFields(column: "fields")),
        ])

    static let serviceLevels = Resource(
        "service-levels", "service level", table: "service_level",
        "Targets for the first response and the resolution, in minutes of business hours",
        fields: [
            Field("name", .text(column: "name", most: 100), required: true, unique: true),
            Field("first_response_minutes", .optionalInteger(column: "first_response_minutes", 1...5_256_000)),
            Field("resolution_minutes", .optionalInteger(column: "resolution_minutes", 1...5_256_000)),
            Field("targets", .targets(column: "targets")),
            Field("schedule", .reference(column: "schedule_id", to: "schedule")),
        ])

    static let schedules = Resource(
        "schedules", "schedule", table: "schedule", "Business hours for each weekday in one time zone, and holidays",
        fields: [
            Field("name", .text(column: "name", most: 100), required: true, unique: true),
            Field("time_zone", .timeZone(column: "time_zone"), required: true),
            Field("hours", .hours(column: "hours"), required: true),
            Field("holidays", .holidays(column: "holidays")),
        ])

    static let cannedReplies = Resource(
        "canned-replies", "canned reply", table: "canned_reply",
        "Reusable replies. They can contain the placeholders of email templates.",
        fields: [
            Field("name", .text(column: "name", most: 200), required: true, unique: true),
            Field(
                "body", .text(column: "body", most: 100_000), required: true, placeholders: MailText.cannedPlaceholders),
            Field("department", .reference(column: "department_id", to: "department")),
        ])

    static let articles = Resource(
        "articles", "article", table: "article", "Help articles for customers and agents, written in Markdown",
        fields: [
            Field("slug", .slug(column: "slug"), required: true, unique: true),
            Field("title", .text(column: "title", most: 300), required: true),
            Field("category", .text(column: "category", most: 100)),
            Field("body", .text(column: "body", most: 1_000_000), required: true),
            Field("published", .flag(column: "is_published")),
            Field("created_at", .moment(column: "created_at")),
            Field("updated_at", .moment(column: "updated_at")),
        ],
        afterChange: { tx, id in
            try tx.db.execute("UPDATE article SET updated_at = \(tx.now) WHERE id = \(id)")
            try tx.articlesChanged()
        },
        beforeRemoval: { tx, _ in try tx.articlesChanged() })

    static let customers = Resource(
        "customers", "customer", table: "customer", "People who send requests. Each can have several email addresses.",
        fields: [
            Field("name", .text(column: "name", most: 200)),
            Field(
                "emails", .texts(table: "customer_address", own: "customer_id", column: "address", isDomain: false),
                required: true),
            Field("organization", .reference(column: "organization_id", to: "organization")),
            Field("language", .optionalText(column: "language", most: 20)),
            Field("note", .text(column: "note", most: 10_000)),
            Field("created_at", .moment(column: "created_at")),
        ],
        around: { tx, id, work in try tx.changingCustomer(Customer.ID(id), work) },
        afterChange: { tx, id in try tx.noteSought(Customer.ID(id)) })

    static let organizations = Resource(
        "organizations", "organization", table: "organization",
        "Customers' companies, known by the domains of their addresses",
        fields: [
            Field("name", .text(column: "name", most: 200), required: true, unique: true),
            Field(
                "domains",
                .texts(table: "organization_domain", own: "organization_id", column: "domain", isDomain: true)),
            Field("note", .text(column: "note", most: 10_000)),
            Field("created_at", .moment(column: "created_at")),
        ],
        afterChange: { tx, id in try tx.gatherCustomers(of: id) })
}

extension Transaction {
    /// Whoever left has no tickets: they wait for the team or the department again.
    fileprivate func releaseTickets(of agent: Agent) throws {
        let held = try db.query("SELECT id FROM ticket WHERE assignee_id = \(agent.id) AND urgency > 0 ORDER BY id") {
            try $0.read(Ticket.ID.self)
        }
        for id in held {
            var ticket = try db.ticket(id)
            try release(&ticket, by: .routing, reason: "\(agent.name) has left")
        }
    }

    /// Customers whose address is in an organization's domain belong to it, unless they have one.
    fileprivate func gatherCustomers(of organization: Int64) throws {
        let domains: [String] = try db.query(
            "SELECT domain FROM organization_domain WHERE organization_id = \(organization)"
        ) { try $0.read() }
        for domain in domains {
            try db.execute(
                """
                UPDATE customer SET organization_id = \(organization) WHERE organization_id IS NULL
                    AND id IN (SELECT customer_id FROM customer_address WHERE address LIKE \("%@" + domain))
                """)
        }
    }
}
