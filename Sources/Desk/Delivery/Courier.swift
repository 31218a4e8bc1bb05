import Foundation
import Logging
import Mail
import Markup
import ServiceLifecycle
import Store

/// Hands a finished message to a mail server.
package protocol Mailer: Sendable {
    func send(_ message: Data, from sender: String, to recipient: String) async -> SMTPOutcome
}

/// Delivers the outbox: claims what is due, writes the mail, sends it, notes what became of it.
///
/// A crash between claiming and noting leaves the row claimed until its lease runs out; it is then sent again under the
/// same Message-ID, by which a mail server or program recognises the copy.
package struct Courier: Service {
    private let desk: Desk
    private let mailer: any Mailer
    private static let lease: TimeInterval = 300
    private static let mostAtOnce = 8
    /// Seconds until the next attempt; the last one repeats until `longest` has gone by.
    private static let pauses: [TimeInterval] = [5, 15, 60, 300, 900, 3600, 3600 * 3, 3600 * 6]
    private static let longest: TimeInterval = 3 * 86400

    package init(desk: Desk, mailer: any Mailer) {
        self.desk = desk
        self.mailer = mailer
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    if try await tick() > 0 { continue }
                } catch { desk.log.error("the outbox could not be read", metadata: ["detail": "\(error)"]) }
                await desk.bell.wait(atMost: .seconds(1))
            }
        }
    }

    /// Sends what is due now; returns how many mails it took up.
    package func tick() async throws -> Int {
        let mails = try await claim()
        await withTaskGroup(of: Void.self) { group in
            for mail in mails { group.addTask { await deliver(mail) } }
        }
        return mails.count
    }

    private func claim() async throws -> [OutboxMail] {
        let due = try await desk.read { [now = desk.clock.now()] db in
            try db.value("SELECT 1 FROM outbox WHERE due_at <= \(now) LIMIT 1", as: Int64.self) != nil
        }
        guard due else { return [] }
        // Not through `desk.write`: taking mail out must not ring the bell that asks for it.
        return try await desk.database.write { [now = desk.clock.now()] db in
            try db.query(
                """
                UPDATE outbox SET state = 'sending', attempts = attempts + 1, due_at = \(now + Self.lease) WHERE id IN (
                    SELECT id FROM outbox AS mine WHERE due_at <= \(now) AND NOT EXISTS (
                        SELECT 1 FROM outbox AS earlier WHERE earlier.ticket_id = mine.ticket_id AND earlier.address = mine.address
                            AND earlier.id < mine.id AND earlier.due_at IS NOT NULL)
                    ORDER BY due_at, id LIMIT \(Self.mostAtOnce) \(db.dialect.skipLocked))
                RETURNING id, kind, ticket_id, entry_id, recipient_kind, recipient_id, address, name, data, attempts, created_at
                """
            ) { row in
                let id: OutboxMail.ID = try row.read()
                let kind: MailKind = try row.read()
                return OutboxMail(
                    id: id, kind: kind, ticket: try row.read(), entry: try row.read(), recipient: db.recipient(try row.read(), try row.read(), of: kind),
                    address: try row.read(), name: try row.read(), data: JSON(try row.read(String.self)) ?? .object([:]), attempts: try row.read(),
                    createdAt: try row.read())
            }
        }
    }

    private func deliver(_ mail: OutboxMail) async {
        do {
            let message = try await write(mail)
            let outcome = await mailer.send(message.encoded(), from: message.returnPath, to: mail.address)
            try await note(outcome, of: mail, messageID: message.messageID)
        } catch {
            desk.log.error("a mail could not be written", metadata: ["outbox": "\(mail.id)", "detail": "\(error)"])
            // The row stays claimed and comes due again when its lease ends; one that never works fails in the end.
            if mail.createdAt + Self.longest < desk.clock.now() {
                _ = try? await desk.write { try $0.fail(mail, reason: "it could not be written") }  // logged above, tried again
            }
        }
    }

    private func note(_ outcome: SMTPOutcome, of mail: OutboxMail, messageID: String) async throws {
        try await desk.write { tx in
            switch outcome {
            case .sent:
                try tx.db.execute("UPDATE outbox SET state = 'sent', due_at = NULL, sent_at = \(tx.now), error = NULL WHERE id = \(mail.id)")
                if let entry = mail.entry, mail.kind == .reply || mail.kind == .resolved {
                    try tx.db.execute("UPDATE entry SET message_id = \(messageID) WHERE id = \(entry) AND message_id IS NULL")
                }
            case .refused(let reason): try tx.fail(mail, reason: reason)
            case .unknown(let reason) where mail.attempts >= 2:
                try tx.db.execute("UPDATE outbox SET state = 'unknown', due_at = NULL, error = \(reason) WHERE id = \(mail.id)")
            case .deferred(let reason), .unknown(let reason):
                let pause = Self.pauses[min(mail.attempts, Self.pauses.count) - 1]
                guard mail.createdAt + Self.longest > tx.now + pause else { return try tx.fail(mail, reason: reason) }
                try tx.db.execute("UPDATE outbox SET state = 'deferred', due_at = \(tx.now + pause), error = \(reason) WHERE id = \(mail.id)")
            }
        }
    }

    // MARK: writing

    private func write(_ mail: OutboxMail) async throws -> OutgoingMessage {
        let (office, settings, now) = (desk.office, desk.settings.current, desk.clock.now())
        guard let ticket = mail.ticket else {
            return try await desk.read { try Notice(mail, db: $0, office: office, settings: settings).message(date: now) }
        }
        let letter = try await desk.read { db in
            try Letter(mail, about: ticket, db: db, office: office, settings: settings)
        }
        var message = letter.message(date: now)
        for file in letter.files {
            guard let bytes = try? desk.files.bytes(of: file.hash) else {  // a lost file must not hold back the words
                desk.log.error("a file is missing from the store", metadata: ["hash": "\(file.hash)"])
                continue
            }
            message.attachments.append(.init(name: file.name, type: file.type, bytes: bytes))
        }
        return message
    }
}

extension Transaction {
    /// Gives a mail up: it is shown on the ticket and its author is told.
    func fail(_ mail: OutboxMail, reason: String) throws {
        try db.execute("UPDATE outbox SET state = 'failed', due_at = NULL, error = \(reason) WHERE id = \(mail.id)")
        guard let ticketID = mail.ticket else { return }
        try record(
            .deliveryFailed, on: ticketID, by: .mail, reason: "\(mail.kind.rawValue) to \(mail.address): \(reason)",
            data: ["address": .string(mail.address), "outbox": JSON(mail.id.number)])
        guard mail.kind == .reply || mail.kind == .resolved, let entry = mail.entry else { return }
        let ticket = try db.ticket(ticketID)
        let author = try db.entry(entry).author
        let told = try author.role == .agent ? author.id.flatMap { try db.agent(Agent.ID($0)) } : ticket.assignee.flatMap { try db.agent($0.id) }
        if let told {
            try send(.undelivered, to: [told], about: ticket, entry: entry, by: .mail, data: ["reason": .string("Your mail to \(mail.address) could not be delivered: \(reason)")])
        }
    }
}
