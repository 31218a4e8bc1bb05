import Domain
import Foundation
import Primitives
import Store

extension Resource.Kind {
    /// A field's value in a row, as it is told.
    func read(_ row: inout Row) throws -> JSON {
        switch self {
        case .text, .slug, .address, .choice, .timeZone: return .string(try row.read())
        case .optionalText: return JSON(try row.read(String?.self))
        case .integer: return JSON(try row.read(Int64.self))
        case .optionalInteger: return try row.read(Int64?.self).map { JSON($0) } ?? .null
        case .flag: return .bool(try row.read())
        case .priority: return .string(try row.read(Priority.self).word)
        case .optionalPriority: return JSON(try row.read(Priority?.self)?.word)
        case .hours, .holidays, .topicFields, .targets: return JSON(try row.read(String.self)) ?? .null
        case .moment: return .string(try row.read(Date.self).rfc3339)
        case .reference:
            let id: Int64? = try row.read()
            let name: String? = try row.read()
            guard let id, let name else { return .null }
            return ["id": JSON(id), "name": .string(name)]
        case .agent:
            let name: String? = try row.read()
            let email: String? = try row.read()
            guard let name, let email else { return .null }
            return ["name": .string(name), "email": .string(email)]
        case .view(let part): return try part.read(&row)
        case .password, .secret, .references, .agents, .texts: return .null
        }
    }
}

extension Desk {
    /// The hash of a password that a resource is set with, made before the transaction; nil where there is none that
    /// could be kept.
    package func hashedPassword(in input: [String: JSON], of resource: Resource) async throws -> String? {
        for field in resource.fields {
            guard case .password = field.kind, let password = input[field.name]?.text, Password.problem(password) == nil
            else { continue }
            return try await passwords.hash(password)
        }
        return nil
    }
}

extension Resource.Kind {
    /// Where a field of one value is kept.
    var column: String {
        switch self {
        case .text(let column, _), .optionalText(let column, _), .slug(let column), .address(let column),
            .integer(let column, _),
            .optionalInteger(let column, _), .flag(let column), .choice(let column, _), .priority(let column),
            .timeZone(let column), .hours(let column),
            .holidays(let column), .targets(let column), .password(let column), .moment(let column),
            .topicFields(let column), .secret(let column), .optionalPriority(let column), .reference(let column, _),
            .agent(let column):
            column
        case .references, .agents, .texts, .view: ""
        }
    }
}
