import Domain
import Foundation
import Mail
import Primitives
import Store

extension Connection {
    /// The keys that sign mail from a domain.
    package func dkimSigners(_ domain: String, _ signer: Signer) throws -> [DKIMSigner] {
        try query(
            "SELECT selector, private_key FROM dkim_key WHERE is_active = 1 AND lower(domain) = \(domain) ORDER BY id"
        ) { (try $0.read(String.self), try $0.read(String.self)) }.compactMap {
            selector, sealed in
            guard let pem = signer.open(sealed), let key = DKIMKey(pem: String(decoding: pem, as: UTF8.self)) else {
                return nil
            }
            return DKIMSigner(domain: domain, selector: selector, key: key)
        }
    }
}

extension Connection {
    /// What is due, the longest waiting first, with where it goes. Of the mails of one ticket to one address only the
    /// first is due.
    ///
    /// - Parameter home: the desk's own address, which what belongs to no ticket is sent from.
    /// - Parameter servers: servers for which nothing is wanted now; likewise `domains` and `addresses`.
    func due(
        at now: Date, home: String, notFor servers: [Int64], domains: [String], addresses: [String], limit: Int
    ) throws -> [(OutboxMail.ID, SendingLanes.Lane)] {
        var other: SQL = ""
        if !servers.isEmpty { other += " AND server NOT IN (\(list: servers))" }
        if !addresses.isEmpty { other += " AND address NOT IN (\(list: addresses))" }
        for domain in domains { other += " AND address NOT LIKE \("%@" + domain)" }
        return try query(
            """
            SELECT id, address, server, (SELECT smtp_at_once FROM mailbox WHERE mailbox.id = server) FROM (
                SELECT id, address, due_at, COALESCE((SELECT mailbox.id FROM mailbox WHERE mailbox.is_active = 1
                AND smtp_host <> ''
                    AND mailbox.address = COALESCE((SELECT ticket.mailbox FROM ticket
                    WHERE ticket.id = mine.ticket_id), \(home))), 0) AS server
                FROM outbox AS mine WHERE due_at <= \(now) AND NOT EXISTS (
                    SELECT 1 FROM outbox AS earlier WHERE earlier.ticket_id = mine.ticket_id
                    AND earlier.address = mine.address
                        AND earlier.id < mine.id AND earlier.due_at IS NOT NULL)
            ) AS waiting WHERE 1 = 1\(other) ORDER BY due_at, id LIMIT \(limit)
            """
        ) { row in
            let (id, address, server): (OutboxMail.ID, String, Int64) = (try row.read(), try row.read(), try row.read())
            return (
                id,
                SendingLanes.Lane(
                    server: server, address: address, mostOfServer: server == 0 ? nil : try row.read(Int?.self))
            )
        }
    }
}

extension Transaction {
    /// Whether the mail is still this attempt's: not put back, cancelled or sent by another meanwhile.
    func isInHand(_ mail: OutboxMail) throws -> Bool {
        try db.value(
            "SELECT 1 FROM outbox WHERE id = \(mail.id) AND state = 'sending' AND attempts = \(mail.attempts)",
            as: Int64.self) != nil
    }

    func noteMailServer(_ server: Int64, fails reason: String) throws {
        try db.execute(
            """
            INSERT INTO mail_server_state (server, failing_since, error) VALUES (\(server), \(now), \(reason))
            ON CONFLICT (server) DO UPDATE SET failing_since = COALESCE(mail_server_state.failing_since,
            excluded.failing_since), error = excluded.error
            """)
    }

    /// It takes mail again: what waits for it is due now.
    func noteMailServer(_ server: Int64, isWellAgain: Bool) throws {
        try db.execute(
            """
            UPDATE mail_server_state SET failing_since = NULL, error = '' WHERE server = \(server)
            AND failing_since IS NOT NULL
            """
        )
        try db.execute(
            "UPDATE outbox SET due_at = \(now) WHERE waits_for = \(server) AND state = 'deferred' AND due_at > \(now)")
    }

    /// Gives a mail up: it is shown on the ticket and its author is told.
    func fail(_ mail: OutboxMail, reason: String) throws {
        try db.execute(
            "UPDATE outbox SET state = 'failed', claim = NULL, due_at = NULL, error = \(reason) WHERE id = \(mail.id)")
        guard let ticketID = mail.ticket else { return }
        try record(
            .deliveryFailed, on: ticketID, by: .mail, reason: "\(mail.kind.rawValue) to \(mail.address): \(reason)",
            data: ["address": .string(mail.address), "outbox": JSON(mail.id.number)])
        guard mail.kind.carriesReply, let entry = mail.entry else { return }
        let ticket = try db.ticket(ticketID)
        let author = try db.entry(entry).author
        let told =
            try author.role == .agent
            ? author.id.flatMap { try db.agent(Agent.ID($0)) } : ticket.assignee.flatMap { try db.agent($0.id) }
        if let told {
            try send(
                .undelivered, to: [told], about: ticket, entry: entry, by: .mail,
                data: ["reason": .string("Your email to \(mail.address) couldn't be delivered: \(reason)")])
        }
    }
}
