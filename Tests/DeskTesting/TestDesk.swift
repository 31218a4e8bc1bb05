import Domain
import Foundation
import Logging
import Mail
import Primitives
import Synchronization

@testable import Desk
@testable import Store

/// Time that stands still until a test moves it. It begins on a Tuesday morning, within working hours.
package final class FrozenClock: WallClock {
    private let moment: Mutex<Date>
    /// How far the time of day was set ahead of the clock that nobody sets.
    private let set = Mutex<TimeInterval>(0)
    // 2026-11-24 09:00 UTC
    package init(_ moment: Date = Date(timeIntervalSince1970: 1_795_510_800)) { self.moment = Mutex(moment) }
    package func now() -> Date { moment.withLock { $0 } }
    package func advance(hours: Double) { moment.withLock { $0 += hours * 3600 } }
    package func advance(days: Double) { advance(hours: days * 24) }
    /// Somebody sets the clock: the time of day alone changes.
    package func set(aheadByDays days: Double) {
        set.withLock { $0 += days * 86_400 }
        advance(days: days)
    }
    package func reading() -> ClockReading {
        ClockReading(wall: now(), steady: now().timeIntervalSince1970 - set.withLock { $0 }, boot: "test")
    }
}

/// Takes mail instead of a server, and answers as told.
package final class MailSpy: Mailer {
    package struct Sent: Sendable {
        package let recipient: String
        package let returnPath: String
        package let bytes: Data
        package var message: IncomingMessage { MessageReader.read(bytes) }
    }
    private let state = Mutex((sent: [Sent](), outcome: SMTPOutcome.sent))
    package init() {}
    package var hasOwnServer: Bool { true }
    package var sent: [Sent] { state.withLock { $0.sent } }
    package func answer(_ outcome: SMTPOutcome) { state.withLock { $0.outcome = outcome } }
    package func send(_ message: Data, from sender: String, to recipient: String, through server: MailServer?) async
        -> SMTPOutcome
    {
        state.withLock { state in
            state.sent.append(Sent(recipient: recipient, returnPath: sender, bytes: message))
            return state.outcome
        }
    }
    package func to(_ address: String) -> [IncomingMessage] { sent.filter { $0.recipient == address }.map(\.message) }
}

/// A desk of its own for a test, on SQLite, or on PostgreSQL where `USHER_TEST_POSTGRES` names a server.
package final class TestDesk: Sendable {
    package let desk: Desk
    package let clock = FrozenClock()
    package let mail = MailSpy()
    package let folder: URL

    package init() async throws {
        Password.hashCheaply(rounds: 16)
        folder = FileManager.default.temporaryDirectory.appending(path: "usher-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        guard let mailbox = MailAddress("support@desk.example") else { throw Refusal.notFound }
        let office = Office(
            url: "https://help.desk.example", mailbox: mailbox,
            signer: Signer(secret: Array("a secret for tests only".utf8)))
        desk = Desk(
            database: try await TestDatabase.make(in: folder), clock: clock,
            files: try FileStore(folder: folder.appending(path: "blobs")), office: office,
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, shortestCount: 100_000_000)
        try await desk.open()
        // Tests of taking back set it; all others want their mail at once.
        _ = try await desk.write { try $0.change(["undo_seconds": JSON(Int64(0))]) }
        try await desk.reloadSettings()
    }

    /// Its connections end with the test, or a server's would run out.
    deinit {
        let (database, folder) = (desk.database, folder)
        Task {
            await database.close()
            await TestDatabase.slots.give()
            try? FileManager.default.removeItem(at: folder)
        }
    }

    package func write<T: Sendable>(_ body: @escaping @Sendable (Transaction) throws -> T) async throws -> T {
        try await desk.write(body)
    }
    package func read<T: Sendable>(_ body: @escaping @Sendable (any Connection) throws -> T) async throws -> T {
        try await desk.read(body)
    }

    /// Does all that is due: jobs, missed targets and mail.
    package func settle() async throws {
        let courier = Courier(desk: desk, mailer: mail)
        repeat { _ = try await Sweep(desk: desk).tick() } while try await courier.tick() > 0
    }

    /// What is done waits ten seconds, as on a desk people work at.
    package func holdsBack() async throws {
        _ = try await write { try $0.change(["undo_seconds": 10]) }
        try await desk.reloadSettings()
    }

    /// The key of what an agent did last, as long as it can be taken back.
    package func lastDone(by agent: Agent) async throws -> String {
        let now = clock.now()
        guard let last = try await read({ try $0.undoables(of: agent.id, now: now) }).first else {
            throw Refusal.notFound
        }
        return last.batch
    }

    @discardableResult
    package func undoLast(of agent: Agent) async throws -> Undone {
        let batch = try await lastDone(by: agent)
        return try await write { try $0.undo(batch, by: agent) }
    }

    // MARK: the cast

    package func hire(_ name: String, _ role: Role = .agent, departments: [String] = []) async throws -> Agent {
        try await write {
            try $0.addAgent(
                email: "\(name.lowercased())@desk.example", name: name, role: role, departments: departments,
                passwordHash: nil)
        }
    }

    package static let kim = "kim@harbour.example"

    package func open(
        _ subject: String = "Scanner sends empty pages", body: String = "Every page is white.",
        from address: String = kim, name: String = "Kim Ito",
        _ change: @escaping @Sendable (inout NewTicket) -> Void = { _ in }
    ) async throws -> Ticket {
        try await write { tx in
            guard let requester = MailAddress(name: name, address) else {
                throw Refusal.invalid("email", .notAnAddress)
            }
            var request = NewTicket(
                requester: requester, subject: subject, writing: Writing(body, type: .text), source: .email)
            change(&request)
            return try tx.open(request, by: nil).0
        }
    }

    package func ticket(_ number: Int64) async throws -> Ticket { try await read { try $0.ticket(number: number) } }
    package func events(_ ticket: Ticket) async throws -> [TicketEvent] {
        try await read { try $0.events(of: ticket.id, limit: 200) }
    }
    package func entries(_ ticket: Ticket) async throws -> [Entry] {
        try await read { try $0.entries(of: ticket.id, limit: 200) }
    }

    /// Runs a verb on a ticket and returns it as it is afterwards.
    @discardableResult
    package func act(on ticket: Ticket, _ verb: @escaping @Sendable (Transaction, inout Ticket) throws -> Void)
        async throws -> Ticket
    {
        try await write { tx in
            var loaded = try tx.db.ticket(ticket.id)
            try verb(tx, &loaded)
            return try tx.db.ticket(ticket.id)
        }
    }

    /// A mail as text, for the threading tests.
    package func receive(
        from: String, subject: String = "Hello", to: String = "support@desk.example", inReplyTo: String? = nil,
        references: String? = nil, headers: [String] = [], body: String = "Words."
    ) async throws -> IntakeOutcome {
        var lines = [
            "From: \(from)", "To: \(to)", "Subject: \(subject)", "Message-ID: <\(UUID().uuidString)@customer.example>",
        ]
        if let inReplyTo { lines.append("In-Reply-To: <\(inReplyTo)>") }
        if let references { lines.append("References: \(references)") }
        lines += headers
        return try await desk.receive(Data((lines + ["", body]).joined(separator: "\r\n").utf8))
    }
}

/// Databases for tests: copies of one that was migrated once.
package enum TestDatabase {
    private static let template = Template()
    /// Tests begin all at once, and a server has connections for some of them.
    static let slots = Slots(40)

    /// Places for so many; whoever comes later waits.
    actor Slots {
        private var free: Int
        private var waiting: [CheckedContinuation<Void, Never>] = []
        init(_ count: Int) { free = count }

        func take() async {
            if free > 0 {
                free -= 1
                return
            }
            await withCheckedContinuation { waiting.append($0) }
        }
        func give() {
            if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
        }
    }

    /// A database without a table, and the folder that is to be removed after it.
    package static func empty() async throws -> (any Database, URL) {
        let folder = FileManager.default.temporaryDirectory.appending(path: "usher-empty-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        guard let server = ProcessInfo.processInfo.environment["USHER_TEST_POSTGRES"] else {
            return (
                try SQLiteDatabase(path: folder.appending(path: "usher.sqlite").path, readers: 1, durable: false),
                folder
            )
        }
        let name = "test_" + UUID().uuidString.lowercased().replacingOccurrences(of: "-", with: "")
        try Template.run("CREATE DATABASE \(name)", on: server)
        return (
            try PostgresDatabase(
                address: address(server, name), connections: 2,
                log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }), folder
        )
    }

    /// Takes a place, which is given back when the desk is done with.
    static func make(in folder: URL) async throws -> any Database {
        await slots.take()
        do { return try await copy(in: folder) } catch {
            await slots.give()
            throw error
        }
    }

    private static func copy(in folder: URL) async throws -> any Database {
        if let server = ProcessInfo.processInfo.environment["USHER_TEST_POSTGRES"] {
            let name = "test_" + UUID().uuidString.lowercased().replacingOccurrences(of: "-", with: "")
            try await template.copyPostgres(on: server, to: name)
            return try PostgresDatabase(
                address: address(server, name), connections: 4,
                log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        }
        let path = folder.appending(path: "usher.sqlite").path
        try await template.copySQLite(to: path)
        return try SQLiteDatabase(path: path, readers: 2, durable: false)
    }

    static func address(_ server: String, _ name: String) -> String {
        String(server[..<(server.lastIndex(of: "/") ?? server.endIndex)]) + "/" + name
    }

    private actor Template {
        // Tasks, since an actor lets others in while it waits: each template is made once.
        private var sqlite: Task<String, any Error>?
        private var postgres: Task<String, any Error>?

        func copySQLite(to path: String) async throws {
            let making =
                sqlite
                ?? Task {
                    let made = FileManager.default.temporaryDirectory.appending(
                        path: "usher-template-\(UUID().uuidString).sqlite"
                    ).path
                    let database = try SQLiteDatabase(path: made, readers: 1, durable: false)
                    _ = try await Schema.migrator.migrate(database, at: Date(milliseconds: 0))
                    try await database.write { _ = try? $0.execute("PRAGMA wal_checkpoint(TRUNCATE)") }
                    await database.close()
                    return made
                }
            sqlite = making
            let template = try await making.value
            for ending in ["", "-wal"] where FileManager.default.fileExists(atPath: template + ending) {
                try FileManager.default.copyItem(atPath: template + ending, toPath: path + ending)
            }
        }

        func copyPostgres(on server: String, to name: String) async throws {
            let making =
                postgres
                ?? Task {
                    let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
                    let made = "template_" + UUID().uuidString.lowercased().replacingOccurrences(of: "-", with: "")
                    try Template.run("CREATE DATABASE \(made)", on: server)
                    let database = try PostgresDatabase(address: address(server, made), connections: 1, log: quiet)
                    _ = try await Schema.migrator.migrate(database, at: Date(milliseconds: 0))
                    await database.close()
                    return made
                }
            postgres = making
            let template = try await making.value
            // The template may not be in use; its connection takes a moment to end.
            for attempt in 0..<200 {
                do {
                    return try Template.run(
                        "CREATE DATABASE \(name) TEMPLATE \(template) STRATEGY = file_copy", on: server)
                } catch  where attempt < 199 { usleep(20_000) }
            }
        }

        /// `CREATE DATABASE` knows no transaction, so it goes by the server's own client.
        static func run(_ statement: String, on server: String) throws {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/psql")
            process.arguments = [server, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", statement]
            process.standardError = FileHandle.nullDevice
            try process.run()
            process.waitUntilExit()
            guard process.terminationStatus == 0 else { throw StoreError.statement(statement) }
        }
    }
}
