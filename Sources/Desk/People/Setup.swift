import Domain
import Foundation
import Primitives
import Store

extension Transaction {
    /// Whether nobody administers the desk yet.
    package func needsSetup() throws -> Bool { try db.needsSetup() }

    /// Makes the link by which the first administrator signs up; the former one ends. Only its hash is kept.
    package func makeSetupToken() throws -> String {
        let token = Secret.random()
        try keepPrivately("setup", Secret.hash(token))
        return token
    }

    /// The link's one use: makes the administrator and ends the link.
    package func setUp(token: String, name: String, email: String, passwordHash: String) throws -> Agent {
        guard try db.isSetupToken(token) else { throw Refusal.notFound }
        let departments: [String] = try db.query("SELECT name FROM department WHERE is_active = 1 ORDER BY id") {
            try $0.read()
        }
        let agent = try addAgent(
            email: email, name: name, role: .administrator, departments: departments, passwordHash: passwordHash)
        try keepPrivately("setup", nil)
        return agent
    }
}

extension Connection {
    /// Whether nobody administers the desk.
    package func needsSetup() throws -> Bool {
        try value("SELECT 1 FROM agent WHERE role = 'administrator' AND is_active = 1 LIMIT 1", as: Int64.self) == nil
    }
    /// Whether a link still sets the desk up: it ends with its use, and as soon as there is an administrator by any
    /// other way.
    package func isSetupToken(_ token: String) throws -> Bool {
        guard try needsSetup(), let kept = try privateSetting("setup") else { return false }
        return Secret.areEqual(kept, Secret.hash(token))
    }
}
