import Domain
import Foundation
import Primitives
import Store
import Synchronization

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
        try keys(named: name, in: "topic", where: "is_active = 1").first.flatMap { try topic(Topic.ID($0)) }
    }

    /// The department asked for, or the first active one.
    func place(_ department: Department.ID?) throws -> Routing.Place {
        let condition: SQL = department.map { "department.id = \($0)" } ?? "department.is_active = 1"
        let found = try first(
            "SELECT id, name, service_level_id FROM department WHERE \(condition) ORDER BY id LIMIT 1"
        ) { row in
            Routing.Place(department: Reference(id: try row.read(), name: try row.read()), serviceLevel: try row.read())
        }
        guard let found else {
            throw Refusal.invalid("department", .other(Sentence("There is no active department. Add one first.")))
        }
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
        let key: Int64? =
            switch wanted {
            case .id(let id): id
            case .name(let name): try keys(named: name, in: table.sql, where: "is_active = 1").first
            }
        let found = try first("SELECT id, name FROM \(table.sql) WHERE id = \(key ?? 0) AND is_active = 1") { row in
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

extension Schedule {
    private static let read = Mutex<[String: Schedule]>([:])

    /// A schedule as it is kept; each text is parsed once.
    static func kept(timeZone: String, hours: String, holidays: String) -> Schedule? {
        let key = "\(timeZone)\n\(hours)\n\(holidays)"
        if let known = read.withLock({ $0[key] }) { return known }
        guard let hours = JSON(hours), let holidays = JSON(holidays),
            // checked when it was saved
            let schedule = try? Schedule(timeZone: timeZone, hours: hours, holidays: holidays)
        else { return nil }
        read.withLock { $0[key] = schedule }
        return schedule
    }
}
