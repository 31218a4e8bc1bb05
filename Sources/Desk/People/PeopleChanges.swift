import Domain
import Foundation
import Primitives
import Store

/// What must hold, and what ends, when an agent or a customer is changed, whoever changes them and by whichever way.
extension Transaction {
    /// Surrounds any change of an agent: the last active administrator stays one; a new password or address ends every
    /// mailed link, a new password or a leave every session; mail that waits follows the address.
    func changingAgent(_ id: Agent.ID, _ work: () throws -> Void) throws {
        guard let before = try db.agent(id) else { throw Refusal.notFound }
        let isAdministrator = before.isActive && before.role == .administrator
        // Two administrators who demote each other at the same moment take turns here.
        if isAdministrator { try keepPrivately("administrators", String(now.milliseconds)) }
        let password = try db.keptPassword(of: id)
        try work()
        guard let after = try db.agent(id) else { throw Refusal.notFound }
        if isAdministrator, try db.needsSetup() {
            throw Refusal.invalid(
                after.isActive ? "role" : "active",
                .other(
                    Sentence("This is the only active administrator. Make somebody else an administrator first.")))
        }
        let isNewPassword = try db.keptPassword(of: id) != password
        if isNewPassword || after.email != before.email || !after.isActive { try endLinks(of: .agent(after)) }
        if isNewPassword || !after.isActive { try endSessions(of: .agent(after)) }
        if isNewPassword { try tell(before, .passwordSet) }
        if after.email != before.email {
            try db.execute(
                """
                UPDATE outbox SET address = \(after.email) WHERE recipient_kind = 'agent' AND recipient_id = \(id)
                AND ticket_id IS NOT NULL AND due_at IS NOT NULL
                """
            )
        }
        // Whoever is told of a department's troubles sees its tickets, so a supervisor is of the department.
        if after.role != .administrator {
            try db.execute(
                """
                UPDATE department SET supervisor_id = NULL WHERE supervisor_id = \(id)
                AND id NOT IN (SELECT department_id FROM agent_department WHERE agent_id = \(id))
                """
            )
        }
        rightsChanged()
    }

    /// Whoever left: signed out, out of every queue, their tickets back with the team. The only administrator cannot
    /// leave.
    package func deactivate(_ agent: Agent) throws { try remove(agent.id.number, from: Resource.agents) }

    /// A department's supervisor works in it.
    func letSupervisorIn(_ department: Department.ID) throws {
        try db.execute(
            """
            INSERT INTO agent_department (agent_id, department_id) SELECT supervisor_id, id FROM department
            WHERE id = \(department) AND supervisor_id IS NOT NULL ON CONFLICT DO NOTHING
            """)
        rightsChanged()
    }

    /// Surrounds any change of a customer: an address that was taken away ends every mailed link, every link to a
    /// ticket and every session of the customer, and what is still to be written to them goes to an address they have.
    func changingCustomer(_ id: Customer.ID, _ work: () throws -> Void) throws {
        let before = try db.addresses(of: id)
        try work()
        let after = try db.addresses(of: id)
        guard !before.allSatisfy(after.contains) else {
            if before != after { try endLinks(of: .customer(Person(id: id, name: "", address: ""))) }
            return
        }
        try revokeLinks(of: id)
        try endSessions(of: .customer(Person(id: id, name: "", address: "")))
        guard let first = after.first else { return }
        try db.execute(
            """
            UPDATE ticket SET requester_address = \(first) WHERE customer_id = \(id)
            AND requester_address NOT IN (\(list: after))
            """
        )
        try db.execute(
            """
            UPDATE ticket_collaborator SET address = \(first) WHERE customer_id = \(id)
            AND address NOT IN (\(list: after))
            """
        )
        try db.execute(
            """
            UPDATE outbox SET address = \(first) WHERE recipient_kind = 'customer' AND recipient_id = \(id)
            AND due_at IS NOT NULL AND address NOT IN (\(list: after))
            """
        )
    }

    /// Ends all links to tickets that a customer was mailed so far; the next mail carries one that works.
    package func revokeLinks(of id: Customer.ID) throws {
        guard try db.execute("UPDATE customer SET link_version = link_version + 1 WHERE id = \(id)") > 0 else {
            throw Refusal.notFound
        }
        try endLinks(of: .customer(Person(id: id, name: "", address: "")))
        rightsChanged()
    }
}

extension Connection {
    fileprivate func keptPassword(of agent: Agent.ID) throws -> String? {
        try value("SELECT password FROM agent WHERE id = \(agent)", as: String?.self) ?? nil
    }
    /// How often the customer's links were taken back: a link of before carries another number.
    func linkVersion(of customer: Customer.ID) throws -> Int? {
        try value("SELECT link_version FROM customer WHERE id = \(customer)")
    }
}
