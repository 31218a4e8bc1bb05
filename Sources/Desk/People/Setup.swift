import Foundation
import Store

extension Transaction {
    /// Whether nobody administers the desk yet.
    package func needsSetup() throws -> Bool {
        try db.value("SELECT 1 FROM agent WHERE role = 'administrator' AND is_active = 1 LIMIT 1", as: Int64.self) == nil
    }

    /// Makes the link by which the first administrator signs up; the former one ends. Only its hash is kept.
    package func makeSetupToken() throws -> String {
        let token = Secret.random()
        try keepPrivately("setup", Secret.hash(token))
        return token
    }

    /// The link's one use: makes the administrator and ends the link.
    package func setUp(token: String, name: String, email: String, passwordHash: String) throws -> Agent {
        guard try db.isSetupToken(token) else { throw Refusal.notFound }
        let departments: [String] = try db.query("SELECT name FROM department WHERE is_active = 1 ORDER BY id") { try $0.read() }
        let agent = try addAgent(email: email, name: name, role: .administrator, departments: departments, passwordHash: passwordHash)
        try keepPrivately("setup", nil)
        return agent
    }
}

extension Connection {
    package func isSetupToken(_ token: String) throws -> Bool { try privateSetting("setup") == Secret.hash(token) }
}
