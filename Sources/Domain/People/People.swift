import Primitives

/// Something with a name that a ticket points to: a department, a team, a topic, a service level.
package struct Reference<Of>: Sendable, Equatable, Codable {
    package let id: ID<Of>
    package let name: String
    package init(id: ID<Of>, name: String) {
        self.id = id
        self.name = name
    }
}

/// Somebody a ticket points to.
package struct Person<Of>: Sendable, Equatable, Codable {
    package let id: ID<Of>
    package let name: String
    package let address: String
    package init(id: ID<Of>, name: String, address: String) {
        self.id = id
        self.name = name
        self.address = address
    }
}

/// What an agent may do. Each includes what stands before it.
package enum Role: String, Sendable, CaseIterable, Comparable {
    /// Reads.
    case viewer
    /// Works on tickets.
    case agent
    /// Assigns work, reviews feedback, is told of escalations.
    case supervisor
    /// Sets up the desk and sees every department.
    case administrator

    package static func < (left: Role, right: Role) -> Bool {
        (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
    }
}

/// Somebody who works at the desk.
package struct Agent: Sendable, Equatable {
    package typealias ID = Primitives.ID<Agent>
    package let id: ID
    package let email: String
    package let name: String
    package let role: Role
    /// False once the agent has left.
    package let isActive: Bool
    package let isAway: Bool

    package init(id: ID, email: String, name: String, role: Role, isActive: Bool, isAway: Bool) {
        self.id = id
        self.email = email
        self.name = name
        self.role = role
        self.isActive = isActive
        self.isAway = isAway
    }

    package var person: Person<Agent> { Person(id: id, name: name, address: email) }
    package var isAvailable: Bool { isActive && !isAway }
}

/// Somebody who asks for help. Known by any of several addresses.
package struct Customer: Sendable, Equatable {
    package typealias ID = Primitives.ID<Customer>
    package let id: ID
    package let name: String

    package init(id: ID, name: String) {
        self.id = id
        self.name = name
    }

    /// What `from:` looks in: the name's words and the addresses, folded as all searches fold.
    package static func sought(name: String, addresses: [String]) -> String {
        (Words.split(name) + addresses).joined(separator: " ")
    }
}

/// A customer's company, known by the domains of its addresses.
package struct Organization: Sendable {}
/// People who work together on tickets, with a lead.
package struct Team: Sendable {
    package typealias ID = Primitives.ID<Team>
}
/// A part of the house that has its own tickets, service level and people.
package struct Department: Sendable {
    package typealias ID = Primitives.ID<Department>
}

/// Whom something was done by.
package struct Actor: Sendable, Equatable {
    package enum Kind: String, Sendable {
        case agent, customer, key, rule, timer, system
    }
    package let kind: Kind
    package let id: Int64?
    package let name: String
    package let address: String?

    package init(_ kind: Kind, id: Int64? = nil, name: String, address: String? = nil) {
        self.kind = kind
        self.id = id
        self.name = name
        self.address = address
    }
    package init(_ agent: Agent) { self.init(.agent, id: agent.id.number, name: agent.name, address: agent.email) }

    /// Time itself: a limit that was reached.
    package static let timer = Actor(.timer, name: "Timer")
    package static let routing = Actor(.rule, name: "Routing")
    package static let mail = Actor(.system, name: "Mail")

    /// The agent who did it; nil where it was anybody or anything else.
    package var agentID: Agent.ID? { kind == .agent ? id.map { Agent.ID($0) } : nil }
}
