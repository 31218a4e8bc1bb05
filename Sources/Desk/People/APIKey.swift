import Domain
import Foundation
import Primitives
import Store

/// A client's key to the API. Shown once, kept as a hash.
package struct APIKey: Sendable, Equatable {
    package typealias ID = Primitives.ID<APIKey>
    package let id: ID
    package let name: String
    package let scope: Scope

    /// What a key opens. Each includes what stands before it.
    package enum Scope: String, Sendable, CaseIterable, SQLConvertible, Comparable {
        case create = "tickets:create"
        case tickets
        case full

        package static func < (left: Scope, right: Scope) -> Bool {
            (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
        }
    }

    package var actor: Actor { Actor(.key, id: id.number, name: name) }
}

extension Transaction {
    /// Makes a key and returns its text, which nobody can read again.
    package func addAPIKey(name: String, scope: APIKey.Scope) throws -> String {
        let name = name.trimmingCharacters(in: .whitespacesAndNewlines)
        guard !name.isEmpty else { throw Refusal.invalid("name", .required) }
        let key = "usher_" + Secret.random()
        try db.execute(
            """
            INSERT INTO api_key (name, hash, scope, created_at)
            VALUES (\(name), \(Secret.hash(key)), \(scope), \(now))
            """
        )
        return key
    }
}

extension Connection {
    package func apiKey(_ key: String) throws -> APIKey? {
        try first("SELECT id, name, scope FROM api_key WHERE hash = \(Secret.hash(key)) AND revoked_at IS NULL") {
            APIKey(id: try $0.read(), name: try $0.read(), scope: try $0.read())
        }
    }
}

/// A key in the administrators' list.
package struct APIKeyItem: Sendable {
    package let id: APIKey.ID
    package let name: String
    package let scope: APIKey.Scope
    package let createdAt: Date
    package let isRevoked: Bool
}

extension Connection {
    package func apiKeys() throws -> [APIKeyItem] {
        try query("SELECT id, name, scope, created_at, revoked_at FROM api_key ORDER BY id DESC LIMIT 500") {
            APIKeyItem(
                id: try $0.read(), name: try $0.read(), scope: try $0.read(), createdAt: try $0.read(),
                isRevoked: try $0.read(Date?.self) != nil)
        }
    }
}

extension Transaction {
    package func revokeAPIKey(_ id: APIKey.ID) throws {
        guard try db.execute("UPDATE api_key SET revoked_at = \(now) WHERE id = \(id) AND revoked_at IS NULL") > 0
        else { throw Refusal.notFound }
        rightsChanged()
    }
}
