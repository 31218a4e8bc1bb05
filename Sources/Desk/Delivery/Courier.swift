import Foundation
import Logging
import Mail
import Markup
import ServiceLifecycle
import Store
import Synchronization

/// Hands a finished message to a mail server.
package protocol Mailer: Sendable {
    /// Whether the desk has a mail server of its own, for whatever no mailbox has one for.
    var hasOwnServer: Bool { get }
    /// - Parameter server: the mailbox's own; nil is the desk's.
    func send(_ message: Data, from sender: String, to recipient: String, through server: MailServer?) async -> SMTPOutcome
}

/// Delivers the outbox: claims what is due, writes the mail, sends it, notes what became of it.
///
/// A crash between claiming and noting leaves the row claimed until its lease runs out; it is then sent again under the
/// same Message-ID, by which a mail server or program recognises the copy.
package struct Courier: Service {
    private let desk: Desk
    private let mailer: any Mailer
    private let limits = SendingLimits()
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
        // Without a server of its own the desk sends what a mailbox has one for; the rest waits and is shown as waiting.
        let ownServer = mailer.hasOwnServer
        let due = try await desk.read { [now = desk.clock.now()] db in
            guard try ownServer || db.value("SELECT 1 FROM mailbox WHERE smtp_host <> '' AND is_active = 1 LIMIT 1", as: Int64.self) != nil else { return false }
            return try db.value("SELECT 1 FROM outbox WHERE due_at <= \(now) LIMIT 1", as: Int64.self) != nil
        }
        guard due else { return [] }
        let sendable: SQL = ownServer
            ? "" : " AND EXISTS (SELECT 1 FROM ticket JOIN mailbox ON mailbox.address = ticket.mailbox WHERE ticket.id = mine.ticket_id AND smtp_host <> '' AND mailbox.is_active = 1)"
        // Not through `desk.write`: taking mail out must not ring the bell that asks for it.
        return try await desk.database.write { [now = desk.clock.now()] db in
            try db.query(
                """
                UPDATE outbox SET state = 'sending', attempts = attempts + 1, due_at = \(now + Self.lease) WHERE id IN (
                    SELECT id FROM outbox AS mine WHERE due_at <= \(now)\(sendable) AND NOT EXISTS (
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
            // Asked at the moment of sending: whoever lost the right since the mail was written does not get it.
            if let reason = try await desk.read({ try $0.obstacle(to: mail) }) { return try await desk.write { try $0.withhold(mail, because: reason) } }
            let message = try await write(mail)
            let (mailbox, signers) = try await desk.read { [signer = desk.office.signer] db in (try db.mailbox(message.from), try db.dkimSigners(message.from.domain, signer)) }
            if let mailbox {
                if let later = limits.enter(mailbox, at: desk.clock.now()) { return try await putOff(mail, until: later) }
            }
            defer { if let mailbox { limits.leave(mailbox) } }
            let bytes = signers.reduce(message.encoded()) { bytes, signer in signer.sign(bytes, at: message.date) }
            let outcome = try await send(bytes, message, to: mail.address, of: mailbox)
            try await note(outcome, of: mail, messageID: message.messageID)
        } catch {
            desk.log.error("a mail could not be written", metadata: ["outbox": "\(mail.id)", "detail": "\(error)"])
            // The row stays claimed and comes due again when its lease ends; one that never works fails in the end.
            if mail.createdAt + Self.longest < desk.clock.now() {
                _ = try? await desk.write { try $0.fail(mail, reason: "it could not be written") }  // logged above, tried again
            }
        }
    }

    private func send(_ bytes: Data, _ message: OutgoingMessage, to address: String, of mailbox: Mailbox?) async throws -> SMTPOutcome {
        var token: String?
        if let mailbox, mailbox.signIn != .password, mailbox.smtpServer(desk.office.signer, token: nil) != nil {
            do { token = try await desk.accessToken(of: mailbox) } catch let fault as OAuthFault { return .deferred(fault.description) }
        }
        return await mailer.send(bytes, from: message.returnPath, to: address, through: mailbox?.smtpServer(desk.office.signer, token: token))
    }

    /// Its mailbox sends as much as it may; the attempt does not count.
    private func putOff(_ mail: OutboxMail, until later: Date) async throws {
        _ = try await desk.database.write { try $0.execute("UPDATE outbox SET state = 'queued', attempts = attempts - 1, due_at = \(later) WHERE id = \(mail.id)") }
    }

    private func note(_ outcome: SMTPOutcome, of mail: OutboxMail, messageID: String) async throws {
        try await desk.write { tx in
            switch outcome {
            case .sent:
                try tx.db.execute("UPDATE outbox SET state = 'sent', due_at = NULL, sent_at = \(tx.now), error = NULL WHERE id = \(mail.id)")
                if let entry = mail.entry, mail.kind.carriesReply {
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
            message.attachments.append(.init(name: file.name.showingDirections, type: file.type, bytes: bytes, contentID: file.contentID))
        }
        return message
    }
}

/// How many mails of a mailbox are on their way, and when the last ones went.
private final class SendingLimits: Sendable {
    private let state = Mutex<[Mailbox.ID: (running: Int, recent: [Date])]>([:])

    /// Nil when a mail may go now, which then counts; else the moment to try again.
    func enter(_ mailbox: Mailbox, at now: Date) -> Date? {
        state.withLock { state in
            var (running, recent) = state[mailbox.id] ?? (0, [])
            recent.removeAll { $0 <= now - 60 }
            if running >= mailbox.smtpAtOnce { return now + 1 }
            if let most = mailbox.smtpPerMinute {
                if recent.count >= most { return recent[recent.count - most] + 60 }
                recent.append(now)
            }
            running += 1
            state[mailbox.id] = (running, recent)
            return nil
        }
    }
    func leave(_ mailbox: Mailbox) { state.withLock { $0[mailbox.id]?.running -= 1 } }
}

extension Connection {
    /// The keys that sign mail from a domain.
    package func dkimSigners(_ domain: String, _ signer: Signer) throws -> [DKIMSigner] {
        try query("SELECT selector, private_key FROM dkim_key WHERE is_active = 1 AND lower(domain) = \(domain) ORDER BY id") { (try $0.read(String.self), try $0.read(String.self)) }.compactMap {
            selector, sealed in
            guard let pem = signer.open(sealed), let key = DKIMKey(pem: String(decoding: pem, as: UTF8.self)) else { return nil }
            return DKIMSigner(domain: domain, selector: selector, key: key)
        }
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
        guard mail.kind.carriesReply, let entry = mail.entry else { return }
        let ticket = try db.ticket(ticketID)
        let author = try db.entry(entry).author
        let told = try author.role == .agent ? author.id.flatMap { try db.agent(Agent.ID($0)) } : ticket.assignee.flatMap { try db.agent($0.id) }
        if let told {
            try send(.undelivered, to: [told], about: ticket, entry: entry, by: .mail, data: ["reason": .string("Your mail to \(mail.address) could not be delivered: \(reason)")])
        }
    }
}
