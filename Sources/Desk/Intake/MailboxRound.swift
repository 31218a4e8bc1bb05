import Foundation
import Logging
import Mail
import Metrics
import Primitives
import ServiceLifecycle
import Store
import Synchronization

/// Looks into the mailboxes every few seconds, each for itself; of several nodes only one does it.
package struct MailboxRound: Service {
    private let desk: Desk
    /// One visit to a mailbox takes so many seconds at most; what is left is for the next.
    private static let longestVisit = 600
    /// An administrator hears of a mailbox that could not be read for so long.
    private static let silence: TimeInterval = 600
    static let lockName = "usher mailboxes"

    package init(desk: Desk) { self.desk = desk }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            let turns = Turns()
            var lock: (any HeldLock)?
            while !Task.isCancelled {
                let every = desk.settings.current.fetchEverySeconds
                do {
                    if await lock?.isHeld() != true { lock = try await desk.database.lock(Self.lockName) }
                    if let lock {
                        for mailbox in try await desk.read({ try $0.isLive() ? $0.mailboxes() : [] })
                        where mailbox.fetch != .no && turns.begin(mailbox.id, every: every) {
                            // A server that answers slowly holds up its own mailbox alone.
                            Task {
                                await visit(mailbox, holding: lock)
                                turns.end(mailbox.id)
                            }
                        }
                    }
                } catch { desk.log.error("the mailboxes could not be looked up", metadata: ["detail": "\(error)"]) }
                // A mailbox that was just set up is read at once, whatever the others' turn.
                try? await Task.sleep(for: .seconds(1))  // cancelled at shutdown: the loop ends
            }
            await turns.wait()
            await lock?.release()
        }
    }

    /// One visit: what is new is kept, then dealt with on its server. Never throws: what went wrong is on the mailbox's
    /// page.
    ///
    /// - Parameter lock: what this node must still hold when it notes how far it came, so that one that was frozen
    ///   undoes nothing of another's.
    package func visit(_ mailbox: Mailbox, holding lock: (any HeldLock)? = nil) async {
        let count = Counter(label: "usher_mailbox_messages_total", dimensions: [("mailbox", mailbox.address.address)])
        do {
            let taken = try await fetch(mailbox, lock)
            count.increment(by: taken)
            let now = desk.clock.now()
            try await desk.database.write { db in
                try db.execute(
                    """
                    UPDATE mailbox_state SET tried_at = \(now), succeeded_at = \(now), failing_since = NULL,
                    told_at = NULL, error = NULL, fetched = fetched + \(taken) WHERE mailbox_id = \(mailbox.id)
                    """)
            }
        } catch {
            let words =
                (error as? MailFault)?.description ?? (error as? OAuthFault)?.description
                ?? "it could not be kept: \(error)"
            desk.log.warning(
                "a mailbox could not be read",
                metadata: ["mailbox": "\(mailbox.address.address)", "detail": "\(words)"])
            do { try await noteFailure(of: mailbox, words) } catch {
                desk.log.error("a mailbox's fault could not be noted", metadata: ["detail": "\(error)"])
            }
        }
    }

    private func noteFailure(of mailbox: Mailbox, _ words: String) async throws {
        try await desk.write { tx in
            try tx.ensureState(of: mailbox.id)
            try tx.db.execute(
                """
                UPDATE mailbox_state SET tried_at = \(tx.now), failing_since = COALESCE(failing_since, \(tx.now)),
                error = \(words) WHERE mailbox_id = \(mailbox.id)
                """
            )
            // Told once for each time it fails; by the desk's own server where it has one, not by this mailbox.
            let due = try tx.db.execute(
                """
                UPDATE mailbox_state SET told_at = \(tx.now) WHERE mailbox_id = \(mailbox.id) AND told_at IS NULL
                AND failing_since <= \(tx.now - Self.silence)
                """
            )
            guard due > 0 else { return }
            for agent in try tx.db.workingAgents() where agent.role == .administrator {
                try tx.queue(
                    .mailboxSilent, ticket: nil, entry: nil, recipient: "agent", id: agent.id.number,
                    address: agent.email, name: agent.name,
                    data: ["reason": .string("\(mailbox.address.address): \(words)")])
            }
        }
    }

    // MARK: fetching

    /// How many messages were dealt with.
    private func fetch(_ mailbox: Mailbox, _ lock: (any HeldLock)?) async throws -> Int {
        let token = mailbox.signIn == .password ? nil : try await desk.accessToken(of: mailbox)
        guard let server = mailbox.fetchServer(desk.office.signer, token: token),
            try await desk.read({ try $0.isLive() })
        else { return 0 }
        try await desk.write { try $0.ensureState(of: mailbox.id) }
        let (position, retries) = try await desk.read { db in
            (try db.position(of: mailbox), try db.retries(of: mailbox.id))
        }
        let visit = try await MailVisit.open(server, folder: mailbox.folder, within: Self.longestVisit)
        let (waiting, start) = try await visit.waiting(after: position, first: mailbox.first)
        try await settleRest(of: mailbox, on: visit, sameNumbers: position.validity == start.validity)
        var taken = 0
        if !retries.isEmpty {
            try await desk.database.write {
                try $0.execute(
                    """
                    UPDATE quarantine SET wants_retry = 0, attempts = attempts + 1
                    WHERE mailbox_id = \(mailbox.id) AND wants_retry = 1
                    """
                )
            }
            taken += try await take(retries, of: mailbox, from: visit, moves: nil, lock, isRetry: true)
        }
        // Under another numbering a visit that is cut short begins anew: what it kept is known by its Message-ID.
        let isNew = position.validity != start.validity
        var rest = waiting[...]
        var moving = start
        while !rest.isEmpty, !Task.isCancelled {
            let batch = Self.batch(&rest)
            if !isNew { moving.last = max(moving.last, batch.compactMap { Int64($0.key) }.max() ?? 0) }
            if mailbox.fetch == .pop3, mailbox.after != .delete { moving.seen.formUnion(batch.map(\.key)) }
            taken += try await take(batch, of: mailbox, from: visit, moves: isNew ? nil : moving, lock)
        }
        if rest.isEmpty, isNew || moving != position {
            try await desk.database.write { [moving] db in
                try lock?.hold(in: db)
                try db.keep(moving, of: mailbox)
            }
        }
        try await visit.leave()
        return taken
    }

    /// Some messages, and not too many bytes at once.
    private static func batch(_ rest: inout ArraySlice<WaitingMessage>) -> [WaitingMessage] {
        var batch: [WaitingMessage] = []
        var size = 0
        while let next = rest.first, batch.isEmpty || batch.count < 16 && size + next.size < 8 << 20 {
            batch.append(next)
            size += next.size
            rest.removeFirst()
        }
        return batch
    }

    /// Keeps a batch, notes how far the mailbox was read, and only then lets the server know.
    private func take(
        _ batch: [WaitingMessage], of mailbox: Mailbox, from visit: MailVisit, moves position: MailboxPosition?,
        _ lock: (any HeldLock)?, isRetry: Bool = false
    ) async throws -> Int {
        var settled: [String] = []
        try await withThrowingTaskGroup(of: String?.self) { group in
            let most = desk.settings.current.messageBytes
            for message in batch {
                switch message.size > most ? .tooLarge : try await visit.fetch(message.key, most: most) {
                case .message(let bytes):
                    group.addTask { try await self.keep(bytes, message, of: mailbox) ? message.key : nil }
                case .tooLarge:
                    try await setAside(
                        message, of: mailbox, reason: "it is larger than \(most.formatted(.byteCount(style: .binary)))")
                // Since the list was read, by whoever else reads the mailbox.
                case .gone: if isRetry { try await noteGone(message, of: mailbox) }
                }
            }
            for try await key in group { if let key { settled.append(key) } }
        }
        let names = settled
        try await desk.database.write { db in
            try lock?.hold(in: db)
            if let position { try db.keep(position, of: mailbox) }
            guard !names.isEmpty else { return }
            try db.execute("DELETE FROM quarantine WHERE mailbox_id = \(mailbox.id) AND name IN (\(list: names))")
            for name in names {
                try db.execute(
                    """
                    INSERT INTO mailbox_unsettled (mailbox_id, name)
                    VALUES (\(mailbox.id), \(name)) ON CONFLICT DO NOTHING
                    """
                )
            }
        }
        if !settled.isEmpty {
            try await visit.settle(settled, mailbox.after)
            try await forgetUnsettled(of: mailbox)
        }
        return settled.count
    }

    /// Messages that are kept and that the server was not told of, since the visit was cut short between the two: it is
    /// told now.
    ///
    /// - Parameter sameNumbers: whether the server counts as it did; if not, the names mean other messages and are
    ///   forgotten.
    private func settleRest(of mailbox: Mailbox, on visit: MailVisit, sameNumbers: Bool) async throws {
        let names = try await desk.read {
            try $0.query("SELECT name FROM mailbox_unsettled WHERE mailbox_id = \(mailbox.id)") {
                try $0.read(String.self)
            }
        }
        guard !names.isEmpty else { return }
        if sameNumbers { try await visit.settle(names, mailbox.after) }
        try await forgetUnsettled(of: mailbox)
    }
    private func forgetUnsettled(of mailbox: Mailbox) async throws {
        try await desk.database.write {
            try $0.execute("DELETE FROM mailbox_unsettled WHERE mailbox_id = \(mailbox.id)")
        }
    }

    /// True when it is kept. A message that cannot be taken is set aside, and the rest go on; a desk that cannot keep
    /// anything stops the visit.
    private func keep(_ bytes: Data, _ message: WaitingMessage, of mailbox: Mailbox) async throws -> Bool {
        do {
            _ = try await desk.receive(bytes, mailbox: mailbox.address)
            return true
        } catch {
            if let passing = error as? StoreError, passing.isPassing { throw error }
            try await setAside(message, of: mailbox, reason: "\(error)")
            return false
        }
    }

    private func setAside(_ message: WaitingMessage, of mailbox: Mailbox, reason: String) async throws {
        desk.log.error(
            "a message was quarantined",
            metadata: ["mailbox": "\(mailbox.address.address)", "message": "\(message.key)", "detail": "\(reason)"])
        try await desk.write { tx in
            try tx.db.execute(
                """
                INSERT INTO quarantine (mailbox_id, name, at, size, reason)
                VALUES (\(mailbox.id), \(message.key), \(tx.now), \(message.size),
                \(String(reason.singleLine.prefix(500))))
                ON CONFLICT (mailbox_id, name) DO UPDATE SET at = excluded.at, reason = excluded.reason
                """)
        }
    }

    private func noteGone(_ message: WaitingMessage, of mailbox: Mailbox) async throws {
        try await desk.database.write {
            try $0.execute(
                """
                UPDATE quarantine SET reason = 'it is no longer on the server' WHERE mailbox_id = \(mailbox.id)
                AND name = \(message.key)
                """
            )
        }
    }
}

/// Which mailboxes are being visited.
private final class Turns: Sendable {
    private let state = Mutex(
        (busy: Set<Mailbox.ID>(), begun: [Mailbox.ID: UInt64](), waiting: [CheckedContinuation<Void, Never>]()))

    /// True once every so many seconds, unless the last visit still goes on.
    func begin(_ id: Mailbox.ID, every seconds: Int) -> Bool {
        let now = DispatchTime.now().uptimeNanoseconds
        return state.withLock { state in
            // Half a second of grace: the looks themselves are a second apart.
            if let last = state.begun[id], now < last + UInt64(seconds) * 1_000_000_000 - 500_000_000 { return false }
            guard state.busy.insert(id).inserted else { return false }
            state.begun[id] = now
            return true
        }
    }
    func end(_ id: Mailbox.ID) {
        let done: [CheckedContinuation<Void, Never>] = state.withLock { state in
            state.busy.remove(id)
            guard state.busy.isEmpty else { return [] }
            defer { state.waiting = [] }
            return state.waiting
        }
        for one in done { one.resume() }
    }
    /// Until all visits are over: what is being taken in is finished.
    func wait() async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if !state.busy.isEmpty { state.waiting.append(continuation) }
                return state.busy.isEmpty
            }
            if isOver { continuation.resume() }
        }
    }
}

extension Transaction {
    func ensureState(of mailbox: Mailbox.ID) throws {
        try db.execute("INSERT INTO mailbox_state (mailbox_id) VALUES (\(mailbox)) ON CONFLICT (mailbox_id) DO NOTHING")
    }

    /// An administrator wants a message that was set aside tried again at the next visit.
    package func retryQuarantined(_ id: Int64) throws {
        guard try db.execute("UPDATE quarantine SET wants_retry = 1 WHERE id = \(id)") > 0 else {
            throw Refusal.notFound
        }
    }
    /// It stays on its server and is not looked at again.
    package func forgetQuarantined(_ id: Int64) throws {
        guard try db.execute("DELETE FROM quarantine WHERE id = \(id)") > 0 else { throw Refusal.notFound }
    }
}

/// A message that was set aside.
package struct Quarantined: Sendable {
    package let id: Int64
    package let mailbox: String
    package let name: String
    package let at: Date
    package let size: Int
    package let reason: String
    package let attempts: Int
    package let wantsRetry: Bool
}

extension Connection {
    package func quarantined(limit: Int) throws -> [Quarantined] {
        try query(
            """
            SELECT quarantine.id, mailbox.address, quarantine.name, at, size, reason, attempts, wants_retry
            FROM quarantine JOIN mailbox ON mailbox.id = quarantine.mailbox_id
            ORDER BY quarantine.id DESC LIMIT \(limit)
            """
        ) {
            Quarantined(
                id: try $0.read(), mailbox: try $0.read(), name: try $0.read(), at: try $0.read(), size: try $0.read(),
                reason: try $0.read(), attempts: try $0.read(), wantsRetry: try $0.read())
        }
    }

    fileprivate func retries(of mailbox: Mailbox.ID) throws -> [WaitingMessage] {
        try query(
            "SELECT name, size FROM quarantine WHERE mailbox_id = \(mailbox) AND wants_retry = 1 ORDER BY id LIMIT 100"
        ) { WaitingMessage(key: try $0.read(), size: try $0.read()) }
    }

    fileprivate func position(of mailbox: Mailbox) throws -> MailboxPosition {
        let found = try first("SELECT source, validity, last FROM mailbox_state WHERE mailbox_id = \(mailbox.id)") {
            (try $0.read(String.self), try $0.read(Int64?.self), try $0.read(Int64.self))
        }
        guard let found, found.0 == mailbox.source else { return MailboxPosition() }
        return MailboxPosition(
            validity: found.1, last: found.2,
            seen: Set(try query("SELECT name FROM mailbox_seen WHERE mailbox_id = \(mailbox.id)") { try $0.read() }))
    }

    fileprivate func keep(_ position: MailboxPosition, of mailbox: Mailbox) throws {
        try execute(
            """
            UPDATE mailbox_state SET source = \(mailbox.source), validity = \(position.validity),
            last = \(position.last) WHERE mailbox_id = \(mailbox.id)
            """
        )
        guard mailbox.fetch == .pop3 else { return }
        let known: Set<String> = Set(
            try query("SELECT name FROM mailbox_seen WHERE mailbox_id = \(mailbox.id)") { try $0.read() })
        for name in position.seen.subtracting(known) {
            try execute(
                "INSERT INTO mailbox_seen (mailbox_id, name) VALUES (\(mailbox.id), \(name)) ON CONFLICT DO NOTHING")
        }
        for name in known.subtracting(position.seen) {
            try execute("DELETE FROM mailbox_seen WHERE mailbox_id = \(mailbox.id) AND name = \(name)")
        }
    }
}

/// A visit to a mailbox, whose blocking calls run on threads of their own.
private final class MailVisit: @unchecked Sendable {
    // Used by one call at a time: each is awaited before the next.
    private let source: any MailSource
    private init(_ source: any MailSource) { self.source = source }
    private static let threads = DispatchQueue(label: "usher-mailboxes", attributes: .concurrent)

    private static func away<T>(_ body: @escaping () throws -> T) async throws -> T {
        let work = Work(body: body)
        return try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Work<T>, any Error>) in
            threads.async {
                work.result = Result { try work.body() }
                continuation.resume(returning: work)
            }
        }.value()
    }
    private final class Work<T>: @unchecked Sendable {
        let body: () throws -> T
        var result: Result<T, any Error>?
        init(body: @escaping () throws -> T) { self.body = body }
        func value() throws -> T {
            guard let result else { throw CancellationError() }
            return try result.get()
        }
    }

    static func open(_ server: MailServer, folder: String, within seconds: Int) async throws -> MailVisit {
        try await away { MailVisit(try server.openMailbox(folder: folder, within: seconds)) }
    }
    func waiting(after position: MailboxPosition, first: FirstFetch) async throws -> (
        messages: [WaitingMessage], position: MailboxPosition
    ) {
        try await Self.away { [source] in try source.waiting(after: position, first: first) }
    }
    func fetch(_ key: String, most: Int) async throws -> Fetched {
        try await Self.away { [source] in try source.fetch(key, most: most) }
    }
    func settle(_ keys: [String], _ after: AfterFetching) async throws {
        try await Self.away { [source] in try source.settle(keys, after) }
    }
    func leave() async throws { try await Self.away { [source] in try source.leave() } }
}

extension Desk {
    /// Signs in to a mailbox's servers and says what is wrong in words; nil for each that is right.
    package func tryMailbox(_ mailbox: Mailbox) async -> (fetch: String?, smtp: String?) {
        var token: String?
        if mailbox.signIn != .password {
            do { token = try await accessToken(of: mailbox) } catch {
                let words = (error as? OAuthFault)?.description ?? "\(error)"
                return (words, mailbox.smtpServer(office.signer, token: nil) == nil ? nil : words)
            }
        }
        var fetch: String?
        if let server = mailbox.fetchServer(office.signer, token: token) {
            do {
                let visit = try await MailVisit.open(server, folder: mailbox.folder, within: 30)
                // Looks into the folder as the round would, so that a wrong name shows.
                _ = try await visit.waiting(after: MailboxPosition(validity: nil), first: .none)
                try await visit.leave()
            } catch { fetch = (error as? MailFault)?.description ?? "\(error)" }
        }
        guard let server = mailbox.smtpServer(office.signer, token: token) else { return (fetch, nil) }
        let greeting = office.mailbox.domain
        return (
            fetch,
            try? await withCheckedThrowingContinuation { continuation in
                DispatchQueue.global().async {
                    continuation.resume(returning: SMTPSender(server, greeting: greeting).probe())
                }
            }
        )
    }
}
