import Foundation
import Mail
import Store

extension Connection {
    func customer(address: String) throws -> Customer? {
        try first(
            "SELECT customer.id, customer.name FROM customer_address JOIN customer ON customer.id = customer_id WHERE address = \(address)"
        ) { Customer(id: try $0.read(), name: try $0.read()) }
    }
    func addresses(of customer: Customer.ID) throws -> [String] {
        try query("SELECT address FROM customer_address WHERE customer_id = \(customer) ORDER BY address") { try $0.read() }
    }
}

extension Transaction {
    /// The customer an address belongs to, made if nobody has it yet. A name is taken where none is known.
    func customer(_ from: MailAddress) throws -> Customer {
        if let known = try db.customer(address: from.address) {
            guard known.name.isEmpty, !from.name.isEmpty else { return known }
            try db.execute("UPDATE customer SET name = \(from.name) WHERE id = \(known.id)")
            return Customer(id: known.id, name: from.name)
        }
        let id = try db.insert(
            """
            INSERT INTO customer (name, organization_id, created_at)
            VALUES (\(from.name), (SELECT organization_id FROM organization_domain WHERE domain = \(from.domain)), \(now)) RETURNING id
            """, as: Customer.self)
        try db.execute("INSERT INTO customer_address (address, customer_id) VALUES (\(from.address), \(id))")
        return Customer(id: id, name: from.name)
    }

    /// Whether a customer asked in a ticket or was brought into it.
    func takesPart(_ customer: Customer.ID, in ticket: Ticket) throws -> Bool {
        if ticket.customer == customer { return true }
        let found: Int64? = try db.value("SELECT 1 FROM ticket_collaborator WHERE ticket_id = \(ticket.id) AND customer_id = \(customer)")
        return found != nil
    }
}
