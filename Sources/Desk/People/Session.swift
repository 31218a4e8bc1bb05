import Domain
import Foundation
import Mail
import Store

/// Somebody who is signed in, on one device. The browser holds a random token, the desk its hash.
package struct Session: Sendable, Equatable {
    package enum Holder: Sendable, Equatable {
        case agent(Agent)
        case customer(Person<Customer>)
    }
    package let hash: String
    package let holder: Holder
    package let createdAt: Date
    package let expiresAt: Date
    /// As an agent chose it.
    package let language: String?

    /// An agent's session ends after two weeks, a customer's, who comes rarely, after a quarter.
    static func lifetime(of holder: Holder) -> TimeInterval {
        switch holder {
        case .agent: 14 * 86400
        case .customer: 90 * 86400
        }
    }

    package var agent: Agent? { if case .agent(let agent) = holder { agent } else { nil } }
    package var customer: Person<Customer>? { if case .customer(let customer) = holder { customer } else { nil } }
}

/// A session as its holder sees it among the others.
package struct SessionItem: Sendable {
    package let hash: String
    package let browser: String
    package let createdAt: Date
}

extension Transaction {
    /// Begins a session and returns its token, which nobody can read again.
    package func beginSession(_ holder: Session.Holder, browser: String) throws -> String {
        let token = Secret.random()
        let expires = now + Session.lifetime(of: holder)
        let (agent, customer): (Int64?, Int64?) =
            switch holder {
            case .agent(let agent): (agent.id.number, nil)
            case .customer(let person): (nil, person.id.number)
            }
        try db.execute(
            """
            INSERT INTO session (hash, agent_id, customer_id, created_at, expires_at, browser)
            VALUES (\(Secret.hash(token)), \(agent), \(customer), \(now), \(expires),
            \(String(browser.singleLine.prefix(200))))
            """)
        return token
    }

    package func endSession(_ hash: String) throws {
        try db.execute("DELETE FROM session WHERE hash = \(hash)")
        rightsChanged()
    }

    /// Signs somebody out everywhere, but for the session given.
    package func endSessions(of holder: Session.Holder, except kept: String? = nil) throws {
        rightsChanged()
        switch holder {
        case .agent(let agent):
            try db.execute("DELETE FROM session WHERE agent_id = \(agent.id) AND hash <> \(kept ?? "")")
        case .customer(let customer):
            try db.execute("DELETE FROM session WHERE customer_id = \(customer.id) AND hash <> \(kept ?? "")")
        }
    }

    /// Sessions and links whose time is over, and failures nobody counts any more.
    func forgetOldSessions() throws {
        try db.execute("DELETE FROM session WHERE expires_at < \(now)")
        try db.execute("DELETE FROM one_time_link WHERE expires_at < \(now)")
        try db.execute("DELETE FROM throttle WHERE last_at < \(now - Throttle.memory)")
    }
}

extension Connection {
    /// The session a browser's token stands for, while it lasts and its agent has not left.
    package func session(token: String, now: Date) throws -> Session? {
        let hash = Secret.hash(token)
        let found = try first(
            """
            SELECT agent.id, agent.email, agent.name, agent.role, agent.is_active, agent.is_away, customer.id,
            customer.name,
                (SELECT min(address) FROM customer_address
                WHERE customer_address.customer_id = customer.id), session.created_at, session.expires_at,
                agent.language
            FROM session LEFT JOIN agent ON agent.id = session.agent_id LEFT
            JOIN customer ON customer.id = session.customer_id
            WHERE hash = \(hash) AND expires_at > \(now)
            """
        ) { row -> Session? in
            let agentID: Agent.ID? = try row.read()
            var holder: Session.Holder?
            if let agentID {
                let agent = Agent(
                    id: agentID, email: try row.read(), name: try row.read(), role: try row.read(),
                    isActive: try row.read(), isAway: try row.read())
                if agent.isActive { holder = .agent(agent) }
                for _ in 0..<3 { row.skip() }
            } else {
                for _ in 0..<5 { row.skip() }
                holder = try (row.person() as Person<Customer>?).map { .customer($0) }
            }
            guard let holder else { return nil }
            return Session(
                hash: hash, holder: holder, createdAt: try row.read(), expiresAt: try row.read(),
                language: try row.read())
        }
        return found ?? nil
    }

    package func sessions(of agent: Agent.ID) throws -> [SessionItem] {
        try query("SELECT hash, browser, created_at FROM session WHERE agent_id = \(agent) ORDER BY created_at DESC") {
            SessionItem(hash: try $0.read(), browser: try $0.read(), createdAt: try $0.read())
        }
    }
}
