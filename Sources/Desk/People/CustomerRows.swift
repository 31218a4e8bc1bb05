import Domain
import Foundation
import Mail
import Primitives
import Store

extension Connection {
    func customer(address: String) throws -> Customer? {
        try first(
            """
            SELECT customer.id, customer.name FROM customer_address JOIN customer ON customer.id = customer_id
            WHERE address = \(address)
            """
        ) { Customer(id: try $0.read(), name: try $0.read()) }
    }
    func addresses(of customer: Customer.ID) throws -> [String] {
        try query("SELECT address FROM customer_address WHERE customer_id = \(customer) ORDER BY address") {
            try $0.read()
        }
    }

    /// Whether mail to an address came back for good.
    package func isUndeliverable(_ address: String) throws -> Bool {
        try value(
            "SELECT 1 FROM customer_address WHERE address = \(address) AND undeliverable_at IS NOT NULL", as: Int64.self
        ) != nil
    }
    package func isAddress(_ typed: String, of customer: Customer.ID) throws -> Bool {
        try addresses(of: customer).contains(MailAddress.folded(typed.trimmingWhitespace()))
    }

    /// Whether a customer asked in a ticket or was brought into it.
    package func takesPart(_ customer: Customer.ID, in ticket: Ticket) throws -> Bool {
        if ticket.customer == customer { return true }
        let found: Int64? = try value(
            "SELECT 1 FROM ticket_collaborator WHERE ticket_id = \(ticket.id) AND customer_id = \(customer)")
        return found != nil
    }
}

extension Transaction {
    /// The customer an address belongs to, made if nobody has it yet. A name is taken where none is known.
    func customer(_ from: MailAddress) throws -> Customer {
        try customer(from, known: try db.customer(address: from.address), key: nil)
    }

    /// - Parameters:
    ///   - known: whom the address belongs to already.
    ///   - key: what a new customer is kept under, where one was taken before.
    func customer(_ from: MailAddress, known: Customer?, key: Customer.ID?) throws -> Customer {
        if let known {
            guard known.name.isEmpty, !from.name.isEmpty else { return known }
            try db.execute("UPDATE customer SET name = \(from.name) WHERE id = \(known.id)")
            try noteSought(known.id)
            return Customer(id: known.id, name: from.name)
        }
        let id: Customer.ID = try db.insert(
            under: key,
            """
            INSERT INTO customer (id, name, organization_id, sought, created_at)
            VALUES (\(db.dialect.key(key, from: "customer_id_seq")), \(from.name), (SELECT organization_id
            FROM organization_domain WHERE domain = \(from.domain)),
                \(Customer.sought(name: from.name, addresses: [from.address])), \(now)) RETURNING id
            """)
        try db.later("INSERT INTO customer_address (address, customer_id) VALUES (\(from.address), \(id))")
        return Customer(id: id, name: from.name)
    }

    /// Keeps what a customer is found by in step with the name and the addresses.
    func noteSought(_ id: Customer.ID) throws {
        guard let name: String = try db.value("SELECT name FROM customer WHERE id = \(id)") else { return }
        try db.execute(
            """
            UPDATE customer SET sought = \(Customer.sought(name: name, addresses: db.addresses(of: id)))
            WHERE id = \(id)
            """
        )
    }

    /// Who writes in a ticket from an address: somebody who takes part, or somebody new, marked as such.
    package func author(_ address: MailAddress, in ticket: Ticket) throws -> Author {
        let known = try db.customer(address: address.address)
        let isPart = try known.map { try db.takesPart($0.id, in: ticket) } ?? false
        let name = address.name.isEmpty ? known?.name ?? "" : address.name
        return Author(
            .customer, id: isPart ? known?.id.number : nil, name: name, address: address.address, isStranger: !isPart)
    }

}

/// A customer in a list.
package struct CustomerItem: Sendable {
    package let id: Customer.ID
    package let name: String
    package let organization: String?
    package var addresses: [String] = []
}

extension Connection {
    /// Customers whose name or an address has the words, the newest first; an agent sees those of tickets they may see.
    package func customers(matching text: String, for asker: Asker, before: Int64?, limit: Int) throws -> [CustomerItem]
    {
        var parts: [SQL] = ["1 = 1"]
        parts.append(try customersCondition(asker))
        if let before { parts.append("customer.id < \(before)") }
        // Addresses stand in `sought` as they are, names as words.
        for word in MailAddress.folded(text).lowercased().split(whereSeparator: \.isWhitespace).prefix(10) {
            let found = String(word).contains("@") ? String(word) : Words.split(String(word)).joined(separator: " ")
            parts.append(
                "customer.sought LIKE \("%" + likeLiteral(found.isEmpty ? String(word) : found) + "%") ESCAPE '\\'")
        }
        var items = try query(
            """
            SELECT customer.id, customer.name, organization.name FROM customer LEFT
            JOIN organization ON organization.id = organization_id
            WHERE \(SQL.join(parts, separator: " AND ")) ORDER BY customer.id DESC LIMIT \(limit)
            """
        ) { CustomerItem(id: try $0.read(), name: try $0.read(), organization: try $0.read()) }
        let addresses = try query(
            """
            SELECT customer_id, address FROM customer_address WHERE customer_id IN (\(list: items.map(\.id)))
            ORDER BY address
            """
        ) {
            (try $0.read(Customer.ID.self), try $0.read(String.self))
        }
        let byCustomer = Dictionary(grouping: addresses, by: \.0)
        for index in items.indices { items[index].addresses = (byCustomer[items[index].id] ?? []).map(\.1) }
        return items
    }

    /// Which customers there are for an asker: those who asked, or were brought in, where the asker may look.
    func customersCondition(_ asker: Asker) throws -> SQL {
        if try seesEverybody(asker) { return "1 = 1" }
        return """
            (EXISTS (SELECT 1 FROM ticket WHERE ticket.customer_id = customer.id AND \(asker.condition))
            OR EXISTS (SELECT 1 FROM ticket_collaborator JOIN ticket ON ticket.id = ticket_collaborator.ticket_id
                WHERE ticket_collaborator.customer_id = customer.id AND \(asker.condition)))
            """
    }

    /// Whether there is no department whose tickets are hidden from the asker: customers who have no ticket yet are
    /// theirs too.
    private func seesEverybody(_ asker: Asker) throws -> Bool {
        switch asker {
        case .desk: true
        case .agent(let agent) where agent.role == .administrator: true
        case .agent(let agent):
            try value(
                """
                SELECT 1 FROM department WHERE id NOT IN (SELECT department_id FROM agent_department
                WHERE agent_id = \(agent.id)) LIMIT 1
                """,
                as: Int64.self) == nil
        case .customer: false
        }
    }
}
