import Domain
import Foundation
import Mail
import Primitives
import Store

/// One row of a resource, field after field as it is sent.
package struct ResourceRow: Sendable {
    package let id: Int64
    package fileprivate(set) var fields: [(name: String, value: JSON)]

    package func write(to json: inout JSONText) {
        json.object { json in
            json.field("id", id)
            for (name, value) in fields { json.dynamicField(name, value) }
        }
    }
}

extension Connection {
    package func rows(of resource: Resource, for asker: Asker = .desk, after: Int64 = 0, limit: Int) throws
        -> [ResourceRow]
    {
        let active: SQL = resource.isRetired && resource.table != "agent" ? "AND is_active = 1" : ""
        return try rows(
            of: resource,
            where: "id > \(after) \(active) AND \(try visible(resource, asker)) ORDER BY id LIMIT \(limit)")
    }
    /// Which rows an asker finds: an agent none of what only administrators set up, the canned replies of their
    /// departments, and the customers of tickets they see. Of views, whoever asks finds those they may look at.
    private func visible(_ resource: Resource, _ asker: Asker) throws -> SQL {
        if resource.path == "views" { return try viewsCondition(asker) }
        guard case .agent(let agent) = asker, agent.role < .administrator else { return "1 = 1" }
        if resource.readScope == .full { throw Refusal.notFound }
        switch resource.path {
        case "canned-replies":
            return
                """
                (department_id IS NULL OR department_id IN (SELECT department_id FROM agent_department
                WHERE agent_id = \(agent.id)))
                """
        case "customers": return try customersCondition(asker)
        default: return "1 = 1"
        }
    }
    package func row(_ id: Int64, of resource: Resource, for asker: Asker = .desk) throws -> ResourceRow {
        guard let found = try rows(of: resource, where: "id = \(id) AND \(try visible(resource, asker))").first else {
            throw Refusal.notFound
        }
        return found
    }

    private func rows(of resource: Resource, where condition: SQL) throws -> [ResourceRow] {
        let readable = resource.fields.filter { !$0.kind.isWriteOnly }
        let columns = SQL.join(["id"] + readable.compactMap { $0.kind.columns }, separator: ", ")
        var rows = try query("SELECT \(columns) FROM \(SQL(raw: resource.table)) WHERE \(condition)") { row in
            var read = ResourceRow(id: try row.read(), fields: [])
            for field in readable { read.fields.append((field.name, try field.kind.read(&row))) }
            return read
        }
        for index in rows.indices {
            for (position, field) in readable.enumerated() {
                if let list = try self.list(field.kind, of: rows[index].id) {
                    rows[index].fields[position].value = list
                }
            }
        }
        return rows
    }

    private func list(_ kind: Resource.Kind, of id: Int64) throws -> JSON? {
        switch kind {
        case .references(let join, let own, let other, let table):
            let sql: SQL = """
                SELECT id, name FROM \(SQL(raw: table)) WHERE id IN (SELECT \(SQL(raw: other)) FROM \(SQL(raw: join))
                WHERE \(SQL(raw: own)) = \(id)) ORDER BY id
                """
            return .array(try query(sql) { ["id": JSON(try $0.read(Int64.self)), "name": .string(try $0.read())] })
        case .agents(let join, let own, let other):
            let sql: SQL = """
                SELECT name, email FROM agent WHERE id IN (SELECT \(SQL(raw: other)) FROM \(SQL(raw: join))
                WHERE \(SQL(raw: own)) = \(id)) ORDER BY id
                """
            return .array(try query(sql) { ["name": .string(try $0.read()), "email": .string(try $0.read())] })
        case .texts(let table, let own, let column, _):
            let sql: SQL =
                """
                SELECT \(SQL(raw: column)) FROM \(SQL(raw: table)) WHERE \(SQL(raw: own)) = \(id)
                ORDER BY \(SQL(raw: column))
                """
            return .array(try query(sql) { .string(try $0.read()) })
        default: return nil
        }
    }
}

extension Connection {
    /// What a form's references can be chosen from, by table.
    package func referenceOptions(of resource: Resource) throws -> [String: [(id: Int64, name: String)]] {
        var options: [String: [(id: Int64, name: String)]] = [:]
        for field in resource.fields {
            let table: String
            switch field.kind {
            case .reference(_, let to), .references(_, _, _, let to): table = to
            case .view(.audience): table = "team"
            default: continue
            }
            let retires = Resource.all.first { $0.table == table }?.isRetired ?? false
            let active: SQL = retires ? "WHERE is_active = 1" : ""
            options[table] = try query("SELECT id, name FROM \(SQL(raw: table)) \(active) ORDER BY name LIMIT 2000") {
                (id: try $0.read(), name: try $0.read())
            }
        }
        return options
    }
}

extension Resource.Kind {
    /// What a row is read by; nil for lists, which are rows of another table.
    fileprivate var columns: SQL? {
        switch self {
        case .reference(let column, let table):
            return SQL(raw: "\(column), (SELECT other.name FROM \(table) AS other WHERE other.id = \(column))")
        case .agent(let column):
            return SQL(
                raw:
                    """
                    (SELECT other.name FROM agent AS other WHERE other.id = \(column)), (SELECT other.email
                    FROM agent AS other WHERE other.id = \(column))
                    """
            )
        case .view(let part): return part.columns
        case .references, .agents, .texts: return nil
        // One column, named where the resource is described and never by a request.
        default: return SQL(raw: column)
        }
    }
}

extension Transaction {
    /// - Parameter passwordHash: of the password in the input, hashed before the transaction; nil hashes it here.
    package func add(
        _ input: [String: JSON], to resource: Resource, by asker: Asker = .desk, passwordHash: String? = nil
    ) throws -> ResourceRow {
        var input = input
        // Who names nobody saves a view for themselves.
        if resource.table == "saved_view", input["for"] == nil { input["for"] = "me" }
        let values = try checked(input, of: resource, id: nil, passwordHash, asker)
        let hasMoments = resource.fields.contains { if case .moment("created_at") = $0.kind { true } else { false } }
        var columns = values.columns
        if hasMoments { columns.append(("created_at", .integer(now.milliseconds))) }
        if ["article", "saved_view"].contains(resource.table) {
            columns.append(("updated_at", .integer(now.milliseconds)))
        }
        if resource.table == "agent", input["role"] == nil { columns.append(("role", .text(Role.agent.rawValue))) }
        if resource.table == "customer", input["name"] == nil { columns.append(("name", .text(""))) }
        let names = SQL(raw: columns.map(\.0).joined(separator: ", "))
        let bound = SQL.join(columns.map { "\($0.1)" }, separator: ", ")
        guard
            let id: Int64 = try db.value(
                "INSERT INTO \(SQL(raw: resource.table)) (\(names)) VALUES (\(bound)) RETURNING id")
        else { throw Refusal.notFound }
        try set(values.lists, of: id)
        if resource.table == "agent", input["departments"] == nil { try letIntoEveryDepartment(Agent.ID(id)) }
        try resource.afterChange?(self, id)
        return try admitted(asker, id, resource)
    }

    /// The row as it has become, once the asker may have made it so.
    private func admitted(_ asker: Asker, _ id: Int64, _ resource: Resource) throws -> ResourceRow {
        try resource.admits?(self, asker, id, true)
        return try db.row(id, of: resource, for: resource.admits == nil ? .desk : asker)
    }

    package func change(
        _ id: Int64, of resource: Resource, _ input: [String: JSON], by asker: Asker = .desk,
        passwordHash: String? = nil
    ) throws -> ResourceRow {
        _ = try db.row(id, of: resource, for: resource.admits == nil ? .desk : asker)
        try resource.admits?(self, asker, id, false)
        let values = try checked(input, of: resource, id: id, passwordHash, asker)
        try within(resource, id) {
            if !values.columns.isEmpty {
                let assignments = SQL.join(values.columns.map { "\(SQL(raw: $0.0)) = \($0.1)" }, separator: ", ")
                try db.execute("UPDATE \(SQL(raw: resource.table)) SET \(assignments) WHERE id = \(id)")
            }
            try set(values.lists, of: id)
            try resource.afterChange?(self, id)
        }
        return try admitted(asker, id, resource)
    }

    private func within(_ resource: Resource, _ id: Int64, _ work: () throws -> Void) throws {
        if let around = resource.around { try around(self, id, work) } else { try work() }
    }

    package func remove(_ id: Int64, from resource: Resource, by asker: Asker = .desk) throws {
        _ = try db.row(id, of: resource, for: resource.admits == nil ? .desk : asker)
        try resource.admits?(self, asker, id, false)
        try resource.beforeRemoval?(self, id)
        let table = SQL(raw: resource.table)
        if resource.isRetired {
            do {
                return try within(resource, id) {
                    try db.execute("UPDATE \(table) SET is_active = 0 WHERE id = \(id)")
                    try resource.afterChange?(self, id)
                }
            } catch Refusal.invalid(let faults) where !faults.isEmpty {
                throw Refusal.conflict(faults[0].problem.sentence, allowed: [])
            }
        }
        do { try db.execute("DELETE FROM \(table) WHERE id = \(id)") } catch StoreError.constraint {
            throw Refusal.conflict(
                Sentence("This is still in use, so it can't be removed. Choose something else where it is used first."),
                allowed: [])
        }
    }

    // MARK: checking

    private struct Checked {
        var columns: [(String, SQLValue)] = []
        var lists: [(Resource.Kind, [SQLValue])] = []
    }

    /// All faults of an input together, or what is to be written.
    private func checked(
        _ input: [String: JSON], of resource: Resource, id: Int64?, _ passwordHash: String?, _ asker: Asker
    ) throws -> Checked {
        var checked = Checked()
        var faults: [Fault] = input.keys.sorted().filter { name in
            !resource.fields.contains { $0.name == name && !$0.kind.isReadOnly }
        }.map { Fault($0, .unknownField) }
        for field in resource.fields where !field.kind.isReadOnly {
            guard let value = input[field.name] else {
                if field.isRequired, id == nil { faults.append(Fault(field.name, .required)) }
                continue
            }
            do {
                switch field.kind {
                case .references, .agents, .texts: checked.lists.append((field.kind, try list(value, field, of: id)))
                case .view(let part): checked.columns += try part.values(value, db, by: asker, now: now)
                default:
                    let written = try single(value, field, passwordHash)
                    if field.isUnique, case .text(let text) = written, try isTaken(text, field, of: resource, id: id) {
                        throw Wrong(.taken)
                    }
                    checked.columns.append((field.kind.column, written))
                }
            } catch let wrong as Wrong {
                faults.append(Fault(field.name, wrong.problem))
            } catch Refusal.invalid(let wrong) {
                faults += wrong
            }
        }
        guard faults.isEmpty else { throw Refusal.invalid(faults) }
        return checked
    }

    private struct Wrong: Error {
        let problem: Fault.Problem
        init(_ problem: Fault.Problem) { self.problem = problem }
    }

    private func isTaken(_ text: String, _ field: Resource.Field, of resource: Resource, id: Int64?) throws -> Bool {
        let active: SQL = resource.isRetired && resource.table != "agent" ? "AND is_active = 1" : ""
        let (table, column) = (SQL(raw: resource.table), SQL(raw: field.kind.column))
        guard field.kind.column == "name" else {
            return try db.value(
                "SELECT 1 FROM \(table) WHERE lower(\(column)) = lower(\(text)) AND id <> \(id ?? 0) \(active) LIMIT 1",
                as: Int64.self) != nil
        }
        return try !db.keys(named: text, in: table, where: "id <> \(id ?? 0) \(active)").isEmpty
    }

    private func single(_ value: JSON, _ field: Resource.Field, _ passwordHash: String?) throws -> SQLValue {
        switch field.kind {
        case .text(_, let most):
            let text = try text(value, field, most: most)
            if let known = field.placeholders, let unknown = MailText.unknownPlaceholder(in: text, known: known) {
                throw Wrong(.unknownPlaceholder(unknown))
            }
            return .text(text)
        case .optionalText(_, let most): return value == .null ? .null : .text(try text(value, field, most: most))
        case .slug:
            let slug = try text(value, field, most: 100)
            guard
                slug.utf8.allSatisfy({ $0 == UInt8(ascii: "-") || $0 >= 0x61 && $0 <= 0x7A || $0 >= 0x30 && $0 <= 0x39 }
                )
            else {
                throw Wrong(.other(Sentence("Use only lowercase letters, digits and hyphens.")))
            }
            return .text(slug)
        case .address:
            guard let address = value.text.flatMap({ MailAddress($0) }) else { throw Wrong(.notAnAddress) }
            return .text(address.address)
        case .integer(_, let range): return .integer(try integer(value, range))
        case .optionalInteger(_, let range): return value == .null ? .null : .integer(try integer(value, range))
        case .flag:
            guard case .bool(let truth) = value else { throw Wrong(.wrongType(expected: "true or false")) }
            return .integer(truth ? 1 : 0)
        case .choice(_, let words):
            guard let word = value.text, words.contains(word) else { throw Wrong(.notOneOf(words)) }
            return .text(word)
        case .priority:
            guard let priority = value.text.flatMap({ Priority(word: $0) }) else {
                throw Wrong(.notOneOf(Priority.words))
            }
            return .integer(Int64(priority.rawValue))
        case .optionalPriority:
            if value == .null { return .null }
            guard let priority = value.text.flatMap({ Priority(word: $0) }) else {
                throw Wrong(.notOneOf(Priority.words))
            }
            return .integer(Int64(priority.rawValue))
        case .secret:
            if value == .null, field.isRequired { throw Wrong(.required) }
            if value == .null { return .null }
            guard let sealed = office.signer.seal(Array(try text(value, field, most: 20_000).utf8)) else {
                throw Wrong(.notEncrypted)
            }
            return .text(sealed)
        case .timeZone:
            guard let name = value.text, TimeZone(identifier: name) != nil else {
                throw Wrong(.unknown(value.text ?? value.written))
            }
            return .text(name)
        case .hours:
            if let problem = Schedule.problem(inHours: value) { throw Wrong(problem) }
            return .text(Schedule.joined(value).written)
        case .holidays:
            guard case .array(let days) = value, days.allSatisfy({ $0.text.map(CivilDay.isName) ?? false }) else {
                throw Wrong(.wrongType(expected: "a list of days such as 2026-12-25"))
            }
            return .text(value.written)
        case .targets:
            if let problem = ServiceLevel.Target.problem(in: value) { throw Wrong(problem) }
            return .text(value.written)
        case .topicFields:
            guard case .array(let items) = value else { throw Wrong(.wrongType(expected: "a list")) }
            guard items.count <= TopicField.most else { throw Wrong(.tooMany(most: TopicField.most)) }
            let fields = items.compactMap(TopicField.init)
            guard fields.count == items.count, Set(fields.map(\.key)).count == fields.count else {
                throw Wrong(
                    .other(
                        Sentence(
                            "Give each field a label, its own key of lowercase letters and digits, and its options.")))
            }
            return .text(value.written)
        case .password:
            if let problem = Password.problem(value.text ?? "") { throw Wrong(problem) }
            return .text(try passwordHash ?? Password.hash(value.text ?? ""))
        case .reference(_, let table): return value == .null ? .null : .integer(try key(value, in: table))
        case .agent: return value == .null ? .null : .integer(try agentKey(value))
        case .moment, .references, .agents, .texts, .view: return .null
        }
    }

    private func list(_ value: JSON, _ field: Resource.Field, of id: Int64?) throws -> [SQLValue] {
        guard case .array(let items) = value else { throw Wrong(.wrongType(expected: "a list")) }
        guard items.count <= 1000 else { throw Wrong(.tooMany(most: 1000)) }
        if field.isRequired, items.isEmpty { throw Wrong(.required) }
        var seen: [SQLValue] = []
        for item in items {
            let read: SQLValue
            switch field.kind {
            case .references(_, _, _, let table): read = .integer(try key(item, in: table))
            case .agents: read = .integer(try agentKey(item))
            case .texts(let table, let own, let column, let isDomain):
                guard
                    let text = isDomain
                        ? item.text.flatMap({ MailAddress("x@" + $0)?.domain })
                        : item.text.flatMap({ MailAddress($0)?.address })
                else {
                    throw Wrong(
                        isDomain ? .other(Sentence("Enter a domain such as example.org.")) : .notAnAddress)
                }
                let owner: Int64? = try db.value(
                    "SELECT \(SQL(raw: own)) FROM \(SQL(raw: table)) WHERE \(SQL(raw: column)) = \(text)")
                if let owner, owner != id {
                    throw Wrong(
                        .other(Sentence("“{0}” already belongs to somebody else. Remove it there first.", text)))
                }
                read = .text(text)
            default: read = .null
            }
            if !seen.contains(read) { seen.append(read) }
        }
        return seen
    }

    private func text(_ value: JSON, _ field: Resource.Field, most: Int) throws -> String {
        guard let given = value.text else { throw Wrong(.wrongType(expected: "text")) }
        let text = most > 500 ? given.withoutControls : given.singleLine
        if field.isRequired, text.trimmingWhitespace().isEmpty { throw Wrong(.required) }
        guard text.fits(most) else { throw Wrong(.tooLong(most: most)) }
        return text
    }
    private func integer(_ value: JSON, _ range: ClosedRange<Int>) throws -> Int64 {
        guard let number = value.integer else { throw Wrong(.wrongType(expected: "a whole number")) }
        guard (Int64(range.lowerBound)...Int64(range.upperBound)).contains(number) else {
            throw Wrong(.outOfRange(range.lowerBound, range.upperBound))
        }
        return number
    }
    private func key(_ value: JSON, in table: String) throws -> Int64 {
        let found: Int64?
        if let id = value.integer ?? value["id"]?.integer {
            found = try db.value("SELECT id FROM \(SQL(raw: table)) WHERE id = \(id)")
        } else if let name = value.text ?? value["name"]?.text {
            found = try db.keys(named: name, in: SQL(raw: table)).last
        } else {
            throw Wrong(.wrongType(expected: "an id or a name"))
        }
        guard let found else { throw Wrong(.unknown(value.text ?? value.written)) }
        return found
    }
    private func agentKey(_ value: JSON) throws -> Int64 {
        guard let email = value.text ?? value["email"]?.text else { throw Wrong(.notAnAddress) }
        guard let agent = try db.agent(email: email.trimmingWhitespace()), agent.isActive else {
            throw Wrong(.unknown(email))
        }
        return agent.id.number
    }

    private func set(_ lists: [(Resource.Kind, [SQLValue])], of id: Int64) throws {
        for (kind, values) in lists {
            let (table, own, other): (String, String, String)
            switch kind {
            case .references(let join, let ownColumn, let otherColumn, _),
                .agents(let join, let ownColumn, let otherColumn):
                (table, own, other) = (join, ownColumn, otherColumn)
            case .texts(let texts, let ownColumn, let column, _): (table, own, other) = (texts, ownColumn, column)
            default: continue
            }
            let kept = values.map { "\($0)" as SQL }
            let gone: SQL = kept.isEmpty ? "" : "AND \(SQL(raw: other)) NOT IN (\(SQL.join(kept, separator: ", ")))"
            try db.execute("DELETE FROM \(SQL(raw: table)) WHERE \(SQL(raw: own)) = \(id) \(gone)")
            for value in values {
                try db.execute(
                    """
                    INSERT INTO \(SQL(raw: table)) (\(SQL(raw: own)), \(SQL(raw: other)))
                    VALUES (\(id), \(value)) ON CONFLICT DO NOTHING
                    """
                )
            }
        }
    }
}
