import Foundation
import Store

/// What a request is about: an administrator's choice of words that decides where it goes.
package struct Topic: Sendable, Equatable {
    package typealias ID = Store.ID<Topic>
    package let id: ID
    package let name: String
    package let department: Reference<Department>?
    package let team: Reference<Team>?
    package let priority: Priority
    package let serviceLevel: ServiceLevel.ID?
    package let escalates: Bool
}

/// Where a new request goes and how fast. Pure: values in, decision out.
package struct Routing: Sendable, Equatable {
    package let department: Reference<Department>
    package let team: Reference<Team>?
    package let priority: Priority
    package let serviceLevel: ServiceLevel.ID?
    /// Why it is escalated at once, if it is.
    package let escalation: String?
    /// The priority it would have without that: what it goes back to.
    package let askedPriority: Priority
    /// How each part was decided.
    package let reason: String

    /// What the requester or the channel asked for.
    package struct Wish: Sendable {
        package var topic: Topic?
        package var department: Reference<Department>?
        package var priority: Priority?
        package init(topic: Topic? = nil, department: Reference<Department>? = nil, priority: Priority? = nil) {
            self.topic = topic
            self.department = department
            self.priority = priority
        }
    }

    /// A department as routing sees it.
    package struct Place: Sendable, Equatable {
        package let department: Reference<Department>
        package let serviceLevel: ServiceLevel.ID?
        package init(department: Reference<Department>, serviceLevel: ServiceLevel.ID?) {
            self.department = department
            self.serviceLevel = serviceLevel
        }
    }

    package static func decide(_ wish: Wish, place: Place, text: Urgency.Words, urgentWords: [String]) -> Routing {
        var reasons: [String] = []
        if wish.department != nil {
            reasons.append("department \(place.department.name) as asked for")
        } else if let topic = wish.topic, topic.department != nil {
            reasons.append("department \(place.department.name) by the topic “\(topic.name)”")
        } else {
            reasons.append("department \(place.department.name), the first one")
        }
        let asked = wish.priority ?? wish.topic?.priority ?? .normal
        let escalation = Urgency.recognise(priority: asked, topic: wish.topic, text: text, words: urgentWords)
        let priority = escalation == nil ? asked : .urgent
        if escalation != nil {
            reasons.append("priority urgent, since it is escalated")
        } else if wish.priority != nil {
            reasons.append("priority \(priority.word) as asked for")
        } else if let topic = wish.topic {
            reasons.append("priority \(priority.word) by the topic “\(topic.name)”")
        }
        return Routing(
            department: place.department, team: wish.topic?.team, priority: priority,
            serviceLevel: wish.topic?.serviceLevel ?? place.serviceLevel,
            escalation: escalation, askedPriority: asked, reason: reasons.joined(separator: "; "))
    }
}

extension Connection {
    private func topic(where condition: SQL) throws -> Topic? {
        try first(
            """
            SELECT topic.id, topic.name, department.id, department.name, team.id, team.name, topic.priority,
            topic.service_level_id, topic.escalates
            FROM topic LEFT JOIN department ON department.id = topic.department_id LEFT
            JOIN team ON team.id = topic.team_id
            WHERE topic.is_active = 1 AND \(condition)
            """
        ) { row in
            Topic(
                id: try row.read(), name: try row.read(), department: try row.reference(), team: try row.reference(),
                priority: try row.read(),
                serviceLevel: try row.read(), escalates: try row.read())
        }
    }
    package func topic(_ id: Topic.ID) throws -> Topic? { try topic(where: "topic.id = \(id)") }
    package func topic(named name: String) throws -> Topic? {
        try topic(where: dialect.foldedEquals("topic.name", name))
    }

    /// The department asked for, or the first active one.
    func place(_ department: Department.ID?) throws -> Routing.Place {
        let condition: SQL = department.map { "department.id = \($0)" } ?? "department.is_active = 1"
        let found = try first(
            "SELECT id, name, service_level_id FROM department WHERE \(condition) ORDER BY id LIMIT 1"
        ) { row in
            Routing.Place(department: Reference(id: try row.read(), name: try row.read()), serviceLevel: try row.read())
        }
        guard let found else { throw Refusal.invalid("department", .other("there is no active department")) }
        return found
    }
    func department(_ id: Department.ID) throws -> Reference<Department>? {
        try first("SELECT id, name FROM department WHERE id = \(id)") {
            Reference(id: try $0.read(), name: try $0.read())
        }
    }
    func team(_ id: Team.ID) throws -> Reference<Team>? {
        try first("SELECT id, name FROM team WHERE id = \(id)") { Reference(id: try $0.read(), name: try $0.read()) }
    }
    func serviceLevel(_ id: ServiceLevel.ID) throws -> ServiceLevel? {
        try first(
            """
            SELECT service_level.id, service_level.name, first_response_minutes, resolution_minutes, targets,
            time_zone, hours, holidays
            FROM service_level LEFT JOIN schedule ON schedule.id = schedule_id WHERE service_level.id = \(id)
            """
        ) { row in
            let id: ServiceLevel.ID = try row.read()
            let name: String = try row.read()
            let response: Int? = try row.read()
            let resolution: Int? = try row.read()
            let targets: String = try row.read()
            let zone: String? = try row.read()
            let hours: String? = try row.read()
            let holidays: String? = try row.read()
            var schedule: Schedule?
            if let zone, let hours, let holidays {
                schedule = Schedule.kept(timeZone: zone, hours: hours, holidays: holidays)
            }
            return ServiceLevel(
                id: id, name: name, firstResponse: response.map { TimeInterval($0 * 60) },
                resolution: resolution.map { TimeInterval($0 * 60) },
                targets: ServiceLevel.Target.read(targets), schedule: schedule)
        }
    }

    /// What the names or keys of a request point to. `field` names it in the refusal.
    package func named<Of>(_ table: NamedTable<Of>, _ wanted: Wanted, field: String) throws -> Reference<Of> {
        let condition: SQL =
            switch wanted {
            case .id(let id): "id = \(id)"
            case .name(let name): dialect.foldedEquals("name", name)
            }
        let found = try first("SELECT id, name FROM \(table.sql) WHERE \(condition) AND is_active = 1") { row in
            Reference<Of>(id: try row.read(), name: try row.read())
        }
        guard let found else { throw Refusal.invalid(field, .unknown(wanted.text)) }
        return found
    }
}

/// How a request names a department, a team or a topic: by key or by exact name.
package enum Wanted: Sendable {
    case id(Int64)
    case name(String)
    var text: String {
        switch self {
        case .id(let id): String(id)
        case .name(let name): name
        }
    }
}

/// The tables whose rows have a name and can be retired.
package struct NamedTable<Of>: Sendable {
    let sql: SQL
}
extension NamedTable where Of == Department { package static var department: Self { Self(sql: "department") } }
extension NamedTable where Of == Team { package static var team: Self { Self(sql: "team") } }
extension NamedTable where Of == Topic { package static var topic: Self { Self(sql: "topic") } }
