import Domain
import Foundation
import Mail
import Primitives
import Store

/// One mail on its way: written in the transaction of its cause, delivered by the courier.
package struct OutboxMail: Sendable {
    package typealias ID = Primitives.ID<OutboxMail>
    package let id: ID
    package let kind: MailKind
    /// None where it is about signing in.
    package let ticket: Ticket.ID?
    package let entry: Entry.ID?
    package let recipient: MailToken.Recipient
    package let address: String
    package let name: String
    package let data: JSON
    package let attempts: Int
    package let createdAt: Date

    package enum State: String, Sendable, SQLConvertible {
        case queued, sending, sent, deferred, failed, unknown, bounced, cancelled
    }
}

/// How one mail of a ticket fares, for its page and the API.
package struct Delivery: Sendable {
    package let id: OutboxMail.ID
    package let kind: MailKind
    package let address: String
    package let state: OutboxMail.State
    package let attempts: Int
    package let createdAt: Date
    package let sentAt: Date?
    package let nextAttemptAt: Date?
    package let error: String?
    package let entry: Entry.ID?
}

extension Transaction {
    /// Queues a mail to a customer of a ticket. Automatic ones keep to the hourly limit and leave out dead addresses.
    func send(
        _ kind: MailKind, to customer: Person<Customer>, about ticket: Ticket, entry: Entry.ID? = nil,
        data: JSON = .object([:])
    ) throws {
        if kind.isAutomatic, let obstacle = try obstacle(to: customer.address) {
            return try noteQuieted(kind, to: customer, about: ticket, obstacle)
        }
        try queue(kind, to: customer, about: ticket, entry: entry, data: data)
    }

    func noteQuieted(_ kind: MailKind, to customer: Person<Customer>, about ticket: Ticket, _ obstacle: String) throws {
        try record(
            .quieted, on: ticket.id, by: .mail, reason: "no \(kind.rawValue) to \(customer.address): \(obstacle)")
    }

    /// Queues a mail to a customer, whatever stands against it.
    func queue(
        _ kind: MailKind, to customer: Person<Customer>, about ticket: Ticket, entry: Entry.ID? = nil,
        data: JSON = .object([:])
    ) throws {
        try queue(
            kind, ticket: ticket.id, entry: entry, recipient: "customer", id: customer.id.number,
            address: customer.address, name: customer.name, data: data)
    }

    /// Queues mails to agents, none to the one who did it and each only once.
    func send(
        _ kind: MailKind, to agents: [Agent], about ticket: Ticket, entry: Entry.ID? = nil, by actor: Actor,
        data: JSON = .object([:])
    ) throws {
        var told: Set<Agent.ID> = []
        for agent in agents where agent.isActive && agent.id != actor.agentID && told.insert(agent.id).inserted {
            if kind.joins {
                if try join(kind, to: agent, about: ticket, entry: entry, data: data) { continue }
            } else {
                // What waits to be joined goes first, or it would hold this one back.
                try db.execute(
                    """
                    UPDATE outbox SET due_at = \(now) WHERE ticket_id = \(ticket.id) AND recipient_kind = 'agent'
                    AND recipient_id = \(agent.id)
                        AND state = 'queued' AND attempts = 0 AND due_at > \(now)
                    """)
            }
            try queue(
                kind, ticket: ticket.id, entry: entry, recipient: "agent", id: agent.id.number, address: agent.email,
                name: agent.name, data: data)
        }
    }

    /// Of many messages within a minute an agent gets the first at once, and one mail for those that follow: it shows
    /// the newest and says how many there are.
    ///
    /// True where nothing is left to queue.
    private func join(_ kind: MailKind, to agent: Agent, about ticket: Ticket, entry: Entry.ID?, data: JSON) throws
        -> Bool
    {
        let last = try db.first(
            """
            SELECT id, state, attempts, created_at, sent_at, data FROM outbox
            WHERE ticket_id = \(ticket.id) AND kind = \(kind) AND recipient_kind = 'agent'
            AND recipient_id = \(agent.id) ORDER BY id DESC LIMIT 1
            """
        ) { row in
            (
                id: try row.read(OutboxMail.ID.self), state: try row.read(OutboxMail.State.self),
                attempts: try row.read(Int.self), createdAt: try row.read(Date.self),
                sentAt: try row.read(Date?.self), data: JSON(try row.read(String.self))
            )
        }
        guard let last else { return false }
        if last.state == .queued, last.attempts == 0 {
            let count = (last.data?["count"]?.integer ?? 1) + 1
            let words =
                kind == .noted
                ? "\(count) new notes. This is the latest."
                : "\(count) new messages from the customer. This is the latest."
            let joined: JSON = ["reason": .string(words), "count": JSON(count)]
            // Where it was taken up meanwhile, the next one is queued.
            if try db.execute(
                """
                UPDATE outbox SET entry_id = \(entry), data = \(joined.written) WHERE id = \(last.id)
                AND state = 'queued' AND attempts = 0
                """
            ) > 0 {
                return true
            }
        }
        let free = (last.sentAt ?? last.createdAt) + Self.pauseBetweenNotices
        guard free > now else { return false }
        try queue(
            kind, ticket: ticket.id, entry: entry, recipient: "agent", id: agent.id.number, address: agent.email,
            name: agent.name, data: data, due: free)
        return true
    }
    /// Seconds.
    private static let pauseBetweenNotices: TimeInterval = 60

    /// Everybody on the customer's side: the requester and those brought in.
    package func customers(of ticket: Ticket) throws -> [Person<Customer>] {
        let collaborators = try db.collaborators(of: ticket.id)
        return [ticket.requester] + collaborators.filter { $0.id != ticket.customer }
    }

    func obstacle(to address: String) throws -> String? {
        let found = try db.first(
            """
            SELECT (SELECT count(*) FROM (SELECT 1 AS one FROM outbox WHERE address = \(address) AND is_automatic = 1
            AND created_at > \(now - 3600)
                LIMIT \(settings.automaticPerHour)) AS recent), (SELECT undeliverable_at FROM customer_address
                WHERE address = \(address))
            """
        ) { (try $0.read(Int.self), try $0.read(Date?.self)) }
        let (recent, dead) = found ?? (0, nil)
        if recent >= settings.automaticPerHour {
            return "this address got \(settings.automaticPerHour) automatic emails within the last hour"
        }
        return dead == nil ? nil : "email to this address bounced"
    }

    func queue(
        _ kind: MailKind, ticket: Ticket.ID?, entry: Entry.ID?, recipient: String, id: Int64, address: String,
        name: String, data: JSON, due: Date? = nil
    ) throws {
        try db.later(
            """
            INSERT INTO outbox (kind, ticket_id, entry_id, recipient_kind, recipient_id, address, name, data,
            is_automatic, state, due_at, created_at)
            VALUES (\(kind), \(ticket), \(entry), \(recipient), \(id), \(address), \(name), \(data.written),
            \(kind.isAutomatic && kind.isForCustomer), 'queued', \(due ?? now), \(now))
            """)
    }
}

extension Connection {
    /// How the mails of a ticket fare, newest first.
    package func deliveries(of ticket: Ticket.ID, limit: Int = 200) throws -> [Delivery] {
        try deliveries(where: "ticket_id = \(ticket) ORDER BY id DESC LIMIT \(limit)")
    }
    /// What waits or failed, for the operator.
    package func outbox(limit: Int) throws -> [(Delivery, ticket: Ticket.ID?)] {
        try query(
            """
            SELECT id, kind, address, state, attempts, created_at, sent_at, due_at, error, entry_id, ticket_id
            FROM outbox
            WHERE due_at IS NOT NULL ORDER BY due_at, id LIMIT \(limit)
            """
        ) { (try delivery(&$0), ticket: try $0.read()) }
    }
    func deliveries(where condition: SQL) throws -> [Delivery] {
        try query(
            """
            SELECT id, kind, address, state, attempts, created_at, sent_at, due_at, error, entry_id FROM outbox
            WHERE \(condition)
            """
        ) { try delivery(&$0) }
    }
    private func delivery(_ row: inout Row) throws -> Delivery {
        Delivery(
            id: try row.read(), kind: try row.read(), address: try row.read(), state: try row.read(),
            attempts: try row.read(), createdAt: try row.read(),
            sentAt: try row.read(), nextAttemptAt: try row.read(), error: try row.read(), entry: try row.read())
    }

    func recipient(_ kind: String, _ id: Int64, of mail: MailKind) -> MailToken.Recipient {
        if kind == "customer" { return .customer(Customer.ID(id)) }
        return mail == .noted ? .agentNote(Agent.ID(id)) : .agent(Agent.ID(id))
    }
}

extension Connection {
    /// What waits, failed or is unclear, the next first, with the ticket's number.
    package func troubledOutbox(limit: Int) throws -> [(delivery: Delivery, ticket: Int64?)] {
        try query(
            """
            SELECT outbox.id, kind, address, outbox.state, attempts, outbox.created_at, sent_at, due_at, error,
            entry_id, ticket.number FROM outbox LEFT JOIN ticket ON ticket.id = outbox.ticket_id
            WHERE outbox.id IN (SELECT id FROM outbox WHERE due_at IS NOT NULL UNION SELECT id FROM outbox
            WHERE state IN ('failed', 'unknown', 'bounced')
                UNION SELECT id FROM outbox WHERE held_at IS NOT NULL AND state = 'cancelled')
            ORDER BY CASE WHEN due_at IS NULL THEN 1 ELSE 0 END, due_at, outbox.id DESC LIMIT \(limit)
            """
        ) { (delivery: try delivery(&$0), ticket: try $0.read()) }
    }
}

/// A mail server that takes no mail from the desk at present.
package struct FailingMailServer: Sendable, Equatable {
    /// The mailbox whose server it is; nil for the desk's own.
    package let mailbox: String?
    package let since: Date
    package let error: String
}

extension Connection {
    package func failingMailServers() throws -> [FailingMailServer] {
        try query(
            """
            SELECT mailbox.address, failing_since, error FROM mail_server_state LEFT JOIN mailbox ON mailbox.id = server
            WHERE failing_since IS NOT NULL AND (server = 0 OR mailbox.is_active = 1) ORDER BY server
            """
        ) { FailingMailServer(mailbox: try $0.read(), since: try $0.read(), error: try $0.read()) }
    }
}

extension Transaction {
    /// An administrator wants a mail sent now, whatever became of it before.
    package func sendAgain(_ id: OutboxMail.ID) throws {
        guard
            try db.execute(
                """
                UPDATE outbox SET state = 'queued', due_at = \(now), created_at = \(now), error = NULL,
                held_at = NULL WHERE id = \(id) AND state NOT IN ('sending', 'sent')
                """
            ) > 0
        else { throw Refusal.notFound }
    }
    /// Keeps back what a program decided to send about a ticket.
    func cancelAutomaticMail(of ticket: Ticket.ID) throws {
        try db.execute(
            """
            UPDATE outbox SET state = 'cancelled', due_at = NULL WHERE ticket_id = \(ticket)
            AND is_automatic = 1 AND due_at IS NOT NULL AND state <> 'sending'
            """)
    }

    /// Keeps back what was queued about a ticket on one occasion and has not gone.
    func cancelMail(_ kind: MailKind, queuedAt moment: Date, of ticket: Ticket.ID) throws {
        try db.execute(
            """
            UPDATE outbox SET state = 'cancelled', due_at = NULL WHERE ticket_id = \(ticket) AND kind = \(kind)
            AND created_at = \(moment) AND state IN ('queued', 'deferred')
            """)
    }

    package func cancel(_ id: OutboxMail.ID) throws {
        guard
            try db.execute(
                """
                UPDATE outbox SET state = 'cancelled', due_at = NULL, held_at = NULL WHERE id = \(id)
                AND state NOT IN ('sending', 'sent')
                """
            ) > 0
        else { throw Refusal.notFound }
    }
}
