import Domain
import Foundation
import Logging
import Mail
import Markup
import Primitives
import ServiceLifecycle
import Store
import Synchronization

/// Hands a finished message to a mail server.
package protocol Mailer: Sendable {
    /// Whether the desk has a mail server of its own, for whatever no mailbox has one for.
    var hasOwnServer: Bool { get }
    /// - Parameter server: the mailbox's own; nil is the desk's.
    func send(_ message: Data, from sender: String, to recipient: String, through server: MailServer?) async
        -> SMTPOutcome
    /// The program is stopping: what is still on its way after so many seconds is broken off.
    func finish(within seconds: TimeInterval)
}

extension Mailer {
    package func finish(within seconds: TimeInterval) {}
}

/// Delivers the outbox: claims what is due, writes the mail, sends it, notes what became of it.
///
/// A crash between claiming and noting leaves the row in a dead courier's name. Whoever finds that nobody holds that
/// name any longer puts it back, and it is sent again under the same Message-ID, by which a mail server or program
/// recognises the copy.
package struct Courier: Service {
    private let desk: Desk
    private let mailer: any Mailer
    private let limits = SendingLimits()
    private let lanes: SendingLanes
    private let health = ServerHealth()
    /// Under which this one claims.
    private let name = UUID().uuidString
    private static let lease: TimeInterval = 300
    /// Seconds until the next attempt; the last one repeats until `longest` has gone by.
    private static let pauses: [TimeInterval] = [5, 15, 60, 300, 900, 3600, 3600 * 3, 3600 * 6]
    /// The same where the server takes nothing from us: it is tried one mail at a time, and all are woken when it takes
    /// one.
    private static let pausesInTrouble: [TimeInterval] = [5, 15, 30, 60]
    private static let longest: TimeInterval = 3 * 86400
    /// Attempts after which a refusal for a reason of policy that nothing explains is taken to mean the recipient.
    private static let mostAttemptsAtPolicy = 5
    /// Seconds for what is on its way when the program stops.
    private static let farewell: TimeInterval = 5
    /// Rows that are looked at to find some there is room for.
    private static let mostLookedAt = 100

    package init(desk: Desk, mailer: any Mailer, slow: Double = 5) {
        self.desk = desk
        self.mailer = mailer
        lanes = SendingLanes(slow: slow)
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            // Nothing is claimed under a name that others could think dead.
            var lock: (any HeldLock)?
            while lock == nil, !Task.isCancelled {
                do { lock = try await desk.database.lock(Self.lock(name)) } catch {
                    desk.log.error("the outbox waits for the database", metadata: ["detail": "\(error)"])
                }
                if lock == nil { try? await Task.sleep(for: .seconds(1)) }  // cancelled at shutdown: the loop ends
            }
            await withTaskGroup(of: Void.self) { [lock] group in
                group.addTask { await keepClaims(lock) }
                await withDiscardingTaskGroup { sending in
                    while !Task.isCancelled {
                        do {
                            let mails = try await claim()
                            for mail in mails { sending.addTask { await deliverWholly(mail) } }
                            if !mails.isEmpty { continue }
                        } catch { desk.log.error("the outbox could not be read", metadata: ["detail": "\(error)"]) }
                        await desk.bell.wait(atMost: .seconds(1))
                    }
                    lanes.close()
                    mailer.finish(within: Self.farewell)
                }
                group.cancelAll()
            }
        }
    }

    /// Sends what is due now and there is room for, and waits for it; returns how many mails it took up.
    package func tick() async throws -> Int {
        let mails = try await claim()
        await withTaskGroup(of: Void.self) { group in
            for mail in mails { group.addTask { await deliver(mail.mail) } }
        }
        return mails.count
    }

    /// Not cut short when the program stops: what was sent is noted. Its place is free for another afterwards.
    private func deliverWholly(_ claimed: Claimed) async {
        await Task { await deliver(claimed.mail) }.value
        desk.bell.ring()
    }

    // MARK: claiming

    private struct Claimed: Sendable {
        let mail: OutboxMail
        let lane: SendingLanes.Lane
    }

    private func claim() async throws -> [Claimed] {
        let load = lanes.load()
        guard !load.isFull else { return [] }
        let now = desk.clock.now()
        // Without a server of its own the desk sends what a mailbox has one for; the rest waits and is shown as
        // waiting.
        let ownServer = mailer.hasOwnServer
        let due = try await desk.read { db in
            guard
                try ownServer
                    || db.value("SELECT 1 FROM mailbox WHERE smtp_host <> '' AND is_active = 1 LIMIT 1", as: Int64.self)
                        != nil
            else { return false }
            guard try db.value("SELECT 1 FROM outbox WHERE due_at <= \(now) LIMIT 1", as: Int64.self) != nil else {
                return false
            }
            // With a clock that may be wrong, mail would be dated wrong, given up or put off for a year.
            return try db.isLive() && desk.clockWatch.hold == nil
        }
        guard due else { return [] }
        let resting = health.resting(at: now)
        // Not through `desk.write`: taking mail out must not ring the bell that asks for it.
        let claimed = try await desk.database.write { [home = desk.office.mailbox.address, health, name] db in
            guard try db.isLive(), desk.clockWatch.hold == nil else { return [Claimed]() }
            var load = load
            var chosen: [OutboxMail.ID: SendingLanes.Lane] = [:]
            var probed: Set<Int64> = []
            let closed = load.fullServers + resting + (ownServer ? [] : [0])
            for (id, lane) in try db.due(
                at: now, home: home, notFor: closed, domains: load.fullDomains, addresses: load.fullAddresses,
                limit: Self.mostLookedAt)
            {
                // A server that takes nothing gets one mail at a time, to see whether it does again.
                if health.isFailing(lane.server),
                    !load.isServerIdle(lane.server) || !probed.insert(lane.server).inserted
                {
                    continue
                }
                if load.take(lane) { chosen[id] = lane }
            }
            guard !chosen.isEmpty else { return [] }
            return try db.query(
                """
                UPDATE outbox SET state = 'sending', attempts = attempts + 1, due_at = \(now + Self.lease),
                claim = \(name), waits_for = NULL
                WHERE id IN (\(list: chosen.keys.map(\.number))) AND due_at <= \(now)
                RETURNING id, kind, ticket_id, entry_id, recipient_kind, recipient_id, address, name, data, attempts,
                created_at
                """
            ) { row -> Claimed? in
                let id: OutboxMail.ID = try row.read()
                let kind: MailKind = try row.read()
                let mail = OutboxMail(
                    id: id, kind: kind, ticket: try row.read(), entry: try row.read(),
                    recipient: db.recipient(try row.read(), try row.read(), of: kind),
                    address: try row.read(), name: try row.read(),
                    data: JSON(try row.read(String.self)) ?? .object([:]), attempts: try row.read(),
                    createdAt: try row.read())
                return chosen[id].map { Claimed(mail: mail, lane: $0) }
            }.compactMap { $0 }.sorted { $0.mail.id.number < $1.mail.id.number }
        }
        for one in claimed { lanes.enter(one.mail.id, one.lane) }
        return claimed
    }

    /// Holds the name this courier claims under as long as it lives, and puts back what dead ones had in their hands.
    private func keepClaims(_ held: (any HeldLock)?) async {
        var lock = held
        var renewed = desk.clock.now()
        /// Names that nobody held when they were looked at last.
        var free: Set<String> = []
        while !Task.isCancelled {
            do {
                if await lock?.isHeld() != true { lock = try await desk.database.lock(Self.lock(name)) }
                let now = desk.clock.now()
                // Some mails take longer than the lease, which counts where the name itself cannot be asked about.
                if !lanes.isEmpty, abs(now.timeIntervalSince(renewed)) > Self.lease / 5 {
                    renewed = now
                    _ = try await desk.database.write { [name] in
                        try $0.execute(
                            "UPDATE outbox SET due_at = \(now + Self.lease) WHERE claim = \(name) AND state = 'sending'"
                        )
                    }
                }
                free = try await putBackAbandoned(free)
            } catch {
                desk.log.error("the claims on outgoing mail could not be kept", metadata: ["detail": "\(error)"])
            }
            try? await Task.sleep(for: .seconds(5))  // cancelled at shutdown: the loop ends
        }
        await lock?.release()
    }
    private static func lock(_ name: String) -> String { "usher courier \(name)" }

    /// Puts back what is claimed under names that nobody holds.
    ///
    /// - Parameter free: names that were free at the last look. One that is free once may belong to a courier that lost
    ///   its
    ///   line a moment ago and takes its name again; on SQLite there is no other.
    /// - Returns: the names that are free now.
    package func putBackAbandoned(_ free: Set<String> = []) async throws -> Set<String> {
        let others = try await desk.read { [name] in
            try $0.query("SELECT DISTINCT claim FROM outbox WHERE state = 'sending' AND claim <> \(name)") {
                try $0.read(String.self)
            }
        }
        var found: Set<String> = []
        for other in others {
            guard let lock = try await desk.database.lock(Self.lock(other)) else { continue }
            await lock.release()
            guard desk.database.dialect == .sqlite || free.contains(other) else {
                found.insert(other)
                continue
            }
            let now = desk.clock.now()
            _ = try await desk.database.write {
                try $0.execute(
                    """
                    UPDATE outbox SET state = 'queued', claim = NULL, due_at = \(now) WHERE claim = \(other)
                    AND state = 'sending'
                    """
                )
            }
            desk.bell.ring()
        }
        return found
    }

    // MARK: delivering

    private func deliver(_ mail: OutboxMail) async {
        defer { lanes.leave(mail.id) }
        do {
            // Asked at the moment of sending: whoever lost the right since the mail was written does not get it.
            if let reason = try await desk.read({ try $0.obstacle(to: mail) }) {
                return try await insist { tx in try tx.withhold(mail, because: reason) }
            }
            let message = try await write(mail)
            let (mailbox, signers) = try await desk.read { [signer = desk.office.signer] db in
                (try db.mailbox(message.from), try db.dkimSigners(message.from.domain, signer))
            }
            let own = mailbox.flatMap { mailbox in
                mailbox.smtpServer(desk.office.signer, token: nil) == nil ? nil : mailbox
            }
            if let mailbox {
                if let later = limits.enter(mailbox, hasServer: own != nil, at: desk.clock.now()) {
                    return try await putBack(mail, until: later)
                }
            }
            defer { if let mailbox { limits.leave(mailbox) } }
            let bytes = signers.reduce(message.encoded()) { bytes, signer in signer.sign(bytes, at: message.date) }
            let outcome = try await send(bytes, message, to: mail.address, of: mailbox)
            try await note(outcome, of: mail, messageID: message.messageID, server: own?.id.number ?? 0)
        } catch {
            desk.log.error("a mail could not be written", metadata: ["outbox": "\(mail.id)", "detail": "\(error)"])
            await recover(mail, from: error)
        }
    }

    /// Puts a mail back that was not sent. A hiccup of the database does not count as an attempt; whatever else went
    /// wrong does.
    private func recover(_ mail: OutboxMail, from error: any Error) async {
        let isPassing = (error as? StoreError)?.isPassing ?? false
        let now = desk.clock.now()
        do {
            if isPassing { return try await putBack(mail, until: now + 1) }
            try await insist { tx in
                guard try tx.isInHand(mail) else { return }
                guard mail.createdAt + Self.longest > tx.now else {
                    return try tx.fail(mail, reason: "it could not be written")
                }
                let pause = Self.pauses[min(mail.attempts, Self.pauses.count) - 1]
                try tx.db.execute(
                    """
                    UPDATE outbox SET state = 'deferred', claim = NULL, due_at = \(tx.now + pause),
                    error = 'It could not be written.' WHERE id = \(mail.id)
                    """
                )
            }
        } catch {
            desk.log.error(
                "a mail could not be put back; it comes due when its lease ends",
                metadata: ["outbox": "\(mail.id)", "detail": "\(error)"])
        }
    }

    /// Writes again and again while the database is away: what became of a mail must not be forgotten, or it is sent
    /// twice.
    private func insist(_ body: @escaping @Sendable (Transaction) throws -> Void) async throws {
        var attempt = 0
        while true {
            do { return try await desk.write(body) } catch let error as StoreError
                where error.isPassing && attempt < 60 && !lanes.isClosed
            {
                attempt += 1
                try? await Task.sleep(for: .seconds(min(attempt, 5)))
            }
        }
    }

    private func send(_ bytes: Data, _ message: OutgoingMessage, to address: String, of mailbox: Mailbox?) async throws
        -> SMTPOutcome
    {
        var token: String?
        if let mailbox, mailbox.signIn != .password, mailbox.smtpServer(desk.office.signer, token: nil) != nil {
            do { token = try await desk.accessToken(of: mailbox) } catch let fault as OAuthFault {
                return .serverTrouble(fault.description)
            }
        }
        return await mailer.send(
            bytes, from: message.returnPath, to: address, through: mailbox?.smtpServer(desk.office.signer, token: token)
        )
    }

    /// It goes later; the attempt does not count.
    private func putBack(_ mail: OutboxMail, until later: Date) async throws {
        try await insist { tx in
            try tx.db.execute(
                """
                UPDATE outbox SET state = 'queued', claim = NULL, attempts = attempts - 1, due_at = \(later)
                WHERE id = \(mail.id) AND state = 'sending'
                """
            )
        }
    }

    private func note(_ outcome: SMTPOutcome, of mail: OutboxMail, messageID: String, server: Int64) async throws {
        let now = desk.clock.now()
        switch outcome {
        case .interrupted: return try await putBack(mail, until: now)
        case .sent:
            let isNews = health.accepted(server, at: now)
            try await insist { tx in
                try tx.db.execute(
                    """
                    UPDATE outbox SET state = 'sent', claim = NULL, due_at = NULL, sent_at = \(tx.now),
                    error = NULL WHERE id = \(mail.id)
                    """
                )
                if let entry = mail.entry, mail.kind.carriesReply {
                    try tx.db.execute(
                        "UPDATE entry SET message_id = \(messageID) WHERE id = \(entry) AND message_id IS NULL")
                }
                if isNews { try tx.noteMailServer(server, isWellAgain: true) }
            }
        case .serverTrouble(let reason): try await noteTrouble(reason, mail, server)
        case .refusedByPolicy(let reason):
            switch health.opinion(of: server, refusing: mail.address, at: now) {
            case .us: try await noteTrouble(reason, mail, server)
            case .unknown where mail.attempts < Self.mostAttemptsAtPolicy: try await deferMail(mail, reason)
            case .recipient, .unknown:
                try await insist { tx in if try tx.isInHand(mail) { try tx.fail(mail, reason: reason) } }
            }
        case .refused(let reason):
            try await insist { tx in if try tx.isInHand(mail) { try tx.fail(mail, reason: reason) } }
        case .unknown(let reason) where mail.attempts >= 2:
            try await insist { tx in
                guard try tx.isInHand(mail) else { return }
                try tx.db.execute(
                    """
                    UPDATE outbox SET state = 'unknown', claim = NULL, due_at = NULL, error = \(reason)
                    WHERE id = \(mail.id)
                    """
                )
            }
        case .deferred(let reason), .unknown(let reason): try await deferMail(mail, reason)
        }
    }

    /// Later; given up after three days.
    private func deferMail(
        _ mail: OutboxMail, _ reason: String, pauses: [TimeInterval] = Courier.pauses, waitsFor server: Int64? = nil
    ) async throws {
        let pause = pauses[min(mail.attempts, pauses.count) - 1]
        try await insist { tx in
            guard try tx.isInHand(mail) else { return }
            if let server { try tx.noteMailServer(server, fails: reason) }
            guard mail.createdAt + Self.longest > tx.now + pause else { return try tx.fail(mail, reason: reason) }
            try tx.db.execute(
                """
                UPDATE outbox SET state = 'deferred', claim = NULL, waits_for = \(server),
                due_at = \(tx.now + pause), error = \(reason) WHERE id = \(mail.id)
                """
            )
        }
    }

    /// The server takes nothing from us: all its mail waits for it, and is woken when it takes some again.
    private func noteTrouble(_ reason: String, _ mail: OutboxMail, _ server: Int64) async throws {
        if !health.isFailing(server) {
            desk.log.error(
                "a mail server is not accepting our email", metadata: ["server": "\(server)", "detail": "\(reason)"])
        }
        health.failed(server, at: desk.clock.now())
        try await deferMail(mail, reason, pauses: Self.pausesInTrouble, waitsFor: server)
    }

    // MARK: writing

    private func write(_ mail: OutboxMail) async throws -> OutgoingMessage {
        let (office, settings, now) = (desk.office, desk.settings.current, desk.clock.now())
        guard let ticket = mail.ticket else {
            return try await desk.read {
                try Notice(mail, db: $0, office: office, settings: settings).message(date: now)
            }
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
            message.attachments.append(
                .init(name: file.name.showingDirections, type: file.type, bytes: bytes, contentID: file.contentID))
        }
        return message
    }
}
