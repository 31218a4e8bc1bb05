import Foundation
import GRDB
import GRDBSQLite
import Logging
import Synchronization

/// The embedded engine: SQLite in WAL mode through GRDB, one writer that commits waiting writes together.
///
/// `synchronous=FULL`: a write that returned has been fsynced. Writes that arrive while one commit is on its way to the
/// disk share the next, so that one fsync serves many tickets.
package final class SQLiteDatabase: Database {
    package let dialect = Dialect.sqlite
    private let path: String
    private let pool: DatabasePool
    private let queue: GroupCommit
    private let checkpoint: SQLiteCheckpoint
    private let reading = WorkQueue<SQLiteConnection>()
    private let readers: Int
    private let readersEnded = DispatchSemaphore(value: 0)

    /// Opens or makes the file. `durable: false` is for tests that never lose power.
    package init(path: String, readers: Int = 4, durable: Bool = true) throws {
        self.readers = readers
        self.path = path
        var configuration = Configuration()
        configuration.maximumReaderCount = 1
        configuration.busyMode = .timeout(10)
        configuration.label = "usher"
        configuration.prepareDatabase { db in
            try db.execute(sql: "PRAGMA foreign_keys = ON")
            try db.execute(sql: "PRAGMA synchronous = \(durable ? "FULL" : "OFF")")
            try db.execute(sql: "PRAGMA temp_store = MEMORY")
            // Kilobytes for each connection; the operating system keeps the rest of the file.
            try db.execute(sql: "PRAGMA cache_size = -4000")
            try db.execute(sql: "PRAGMA journal_size_limit = 67108864")
        }
        do {
            pool = try DatabasePool(path: path, configuration: configuration)
        } catch { throw StoreError(sqlite: error) }
        configuration.readonly = true
        for number in 0..<readers {
            do { try Self.startReader(number, path: path, configuration, reading, ended: readersEnded) } catch { throw StoreError(sqlite: error) }
        }
        checkpoint = SQLiteCheckpoint(path: path)
        queue = GroupCommit(pool: pool, checkpoint: checkpoint)
        do {
            try pool.writeWithoutTransaction { [checkpoint] db in
                checkpoint.watch(db.sqliteConnection)
                // The one writer touches pages all over the indexes.
                try db.execute(sql: "PRAGMA cache_size = -16000")
            }
        } catch { throw StoreError(sqlite: error) }
    }

    package func read<T: Sendable>(_ body: @escaping @Sendable (any Connection) throws -> T) async throws -> T {
        queue.counts.withLock { $0.reads += 1 }
        return try await withCheckedThrowingContinuation { continuation in
            let accepted = reading.put { connection in continuation.resume(with: Result { try connection.snapshot(body) }) }
            if !accepted { continuation.resume(throwing: StoreError.unavailable("the database is closed")) }
        }
    }

    private static func startReader(
        _ number: Int, path: String, _ configuration: Configuration, _ reading: WorkQueue<SQLiteConnection>, ended: DispatchSemaphore
    ) throws {
        let reader = try DatabaseQueue(path: path, configuration: configuration)
        let thread = Thread {
            reader.inDatabase { db in
                let connection = SQLiteConnection(db, statements: SQLiteStatements(db.sqliteConnection))
                while let job = reading.take() { job(connection) }
                connection.statements.clear()
            }
            // A connection that cannot be closed is let go with the process.
            try? reader.close()
            ended.signal()
        }
        thread.stackSize = 4 << 20
        thread.name = "usher-reader-\(number)"
        thread.start()
    }

    package func write<T: Sendable>(_ body: @escaping @Sendable (any Connection) throws -> T) async throws -> T {
        try await queue.write(body)
    }

    /// Waits on a thread of its own: the last writes may take a moment.
    package func close() async {
        await withCheckedContinuation { continuation in
            let thread = Thread { [self] in
                endReaders()
                queue.stop()
                checkpoint.stop()
                // A file that cannot be closed is let go with the process; nothing in it depends on a clean close.
                try? pool.close()
                continuation.resume()
            }
            thread.start()
        }
    }

    /// The writer closes last, so that it leaves one whole file behind.
    private func endReaders() {
        reading.stop()
        for _ in 0..<readers { readersEnded.wait() }
    }

    package var measures: DatabaseMeasures { queue.counts.withLock { $0 } }

    /// Reads the whole file once, a few seconds for each gigabyte, on a connection of its own; a command's work, not a page's.
    package func remarks() async throws -> [(what: String, advice: String?)] {
        let faults: [String] = try await withCheckedThrowingContinuation { continuation in
            let thread = Thread { [path] in
                continuation.resume(
                    with: Result {
                        var configuration = Configuration()
                        configuration.readonly = true
                        do { return try DatabaseQueue(path: path, configuration: configuration).read { try String.fetchAll($0, sql: "PRAGMA quick_check(10)") } } catch {
                            return ["\(StoreError(sqlite: error).detail)"]
                        }
                    })
            }
            thread.stackSize = 4 << 20
            thread.start()
        }
        guard faults != ["ok"] else { return [("The database file is intact", nil)] }
        return [("The database file is damaged: \(faults.first ?? "")", "Stop Usher, move \(path) aside, and restore the last backup into an empty folder.")]
    }
}

/// The single writer: a thread that takes all waiting writes into one transaction.
private final class GroupCommit: Sendable {
    private struct Waiting: Sendable {
        let run: @Sendable (any Connection) throws -> Void
        let finish: @Sendable ((any Error)?) -> Void
    }
    private struct State {
        var waiting: [Waiting] = []
        var stopped = false
    }
    private let state = Mutex(State())
    private let signal = DispatchSemaphore(value: 0)
    private let pool: DatabasePool
    private let checkpoint: SQLiteCheckpoint
    let counts = Mutex(DatabaseMeasures())
    /// The writer's; used by its thread only, but for the end.
    private let statements = Mutex<SQLiteStatements?>(nil)
    private let ended = DispatchSemaphore(value: 0)
    private static let largestGroup = 64

    init(pool: DatabasePool, checkpoint: SQLiteCheckpoint) {
        self.pool = pool
        self.checkpoint = checkpoint
        let thread = Thread { [self] in
            work()
            statements.withLock { $0?.clear() }
            ended.signal()
        }
        thread.stackSize = 4 << 20
        thread.name = "usher-writer"
        thread.start()
    }

    /// Lets the writes that wait end first.
    func stop() {
        state.withLock { $0.stopped = true }
        signal.signal()
        ended.wait()
    }

    func write<T: Sendable>(_ body: @escaping @Sendable (any Connection) throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<T, any Error>) in
            let box = ResultBox<T>()
            let waiting = Waiting(
                run: { db in box.value.withLock { $0 = nil }; let value = try body(db); box.value.withLock { $0 = value } },
                finish: { error in
                    if let error { return continuation.resume(throwing: error) }
                    guard let value = box.value.withLock({ $0 }) else {
                        return continuation.resume(throwing: StoreError.unavailable("the write was not run"))
                    }
                    continuation.resume(returning: value)
                })
            let refused = state.withLock { state in
                if state.stopped { return true }
                state.waiting.append(waiting)
                return false
            }
            if refused { waiting.finish(StoreError.unavailable("the database is closed")) } else { signal.signal() }
        }
    }

    private func work() {
        while true {
            signal.wait()
            while true {
                let (group, stopped) = state.withLock { state in
                    let group = Array(state.waiting.prefix(Self.largestGroup))
                    state.waiting.removeFirst(group.count)
                    return (group, state.stopped)
                }
                if group.isEmpty {
                    if stopped { return }
                    break
                }
                commit(group)
            }
        }
    }

    /// Runs a group in one transaction. A savepoint for each write costs; so there is none until a write is refused after it had changed something,
    /// which is seldom: then the group runs again, each write behind its own.
    private func commit(_ group: [Waiting], apart: Bool = false) {
        var outcomes = [(any Error)?](repeating: nil, count: group.count)
        do {
            try pool.writeWithoutTransaction { db in
                let kept = statements.withLock { kept in
                    if let kept { return kept }
                    let made = SQLiteStatements(db.sqliteConnection)
                    kept = made
                    return made
                }
                let connection = SQLiteConnection(db, statements: kept, putsIndexOff: true)
                try connection.execute("BEGIN IMMEDIATE")
                do {
                    for (index, waiting) in group.enumerated() {
                        outcomes[index] = try apart ? attempt(waiting, on: connection, db) : attemptTogether(waiting, on: connection, db)
                    }
                    try connection.settleIndex()
                    try connection.execute("COMMIT")
                    checkpoint.finish(db.sqliteConnection)
                } catch {
                    connection.dropTexts()
                    // The engine may have ended the transaction itself (disk full); then there is nothing to roll back.
                    if sqlite3_get_autocommit(db.sqliteConnection) == 0 { sqlite3_exec(db.sqliteConnection, "ROLLBACK", nil, nil, nil) }
                    throw error
                }
            }
        } catch {
            if group.count > 1 {
                if error is Entangled { return commit(group, apart: true) }
                // One write's fault must not be its neighbours': each gets a transaction of its own.
                for waiting in group { commit([waiting]) }
                return
            }
            outcomes = [StoreError.mapped(sqlite: (error as? Entangled)?.cause ?? error)]
        }
        counts.withLock {
            $0.writes += group.count
            $0.commits += 1
        }
        for (waiting, error) in zip(group, outcomes) { waiting.finish(error) }
    }

    /// A write was refused after it had changed something.
    private struct Entangled: Error {
        let cause: any Error
    }

    /// Runs one write inside the group's transaction; the error of one that changed nothing.
    private func attemptTogether(_ waiting: Waiting, on connection: SQLiteConnection, _ db: GRDB.Database) throws -> (any Error)? {
        let (before, texts) = (sqlite3_total_changes64(db.sqliteConnection), connection.waitingTexts.count)
        do { try waiting.run(connection) } catch {
            if let error = error as? StoreError, error.isPassing { throw error }
            guard sqlite3_get_autocommit(db.sqliteConnection) == 0, sqlite3_total_changes64(db.sqliteConnection) == before, connection.waitingTexts.count == texts else { throw Entangled(cause: error) }
            return error
        }
        return nil
    }

    /// Runs one write inside the group's transaction; a refusal undoes this write only.
    private func attempt(_ waiting: Waiting, on connection: SQLiteConnection, _ db: GRDB.Database) throws -> (any Error)? {
        // Should this write search and then be refused, its neighbours' texts are not undone with it.
        try connection.settleIndex()
        try connection.execute("SAVEPOINT one")
        do {
            try waiting.run(connection)
            try connection.execute("RELEASE one")
            return nil
        } catch {
            guard sqlite3_get_autocommit(db.sqliteConnection) == 0 else { throw error }
            try connection.execute("ROLLBACK TO one")
            try connection.execute("RELEASE one")
            connection.dropTexts()
            if let error = error as? StoreError, error.isPassing { throw error }
            return error
        }
    }
}

private final class ResultBox<T: Sendable>: Sendable {
    let value = Mutex<T?>(nil)
}

extension StoreError {
    init(sqliteCode code: Int32, message: String) {
        // SQLITE_CONSTRAINT_UNIQUE and SQLITE_CONSTRAINT_PRIMARYKEY, which are macros C alone can compute.
        if code == SQLITE_CONSTRAINT | (8 << 8) || code == SQLITE_CONSTRAINT | (6 << 8) {
            self = .duplicate(message)
            return
        }
        switch code & 0xFF {
        case SQLITE_FULL: self = .full(message)
        case SQLITE_CONSTRAINT: self = .constraint(message)
        case SQLITE_BUSY, SQLITE_LOCKED, SQLITE_IOERR, SQLITE_CANTOPEN, SQLITE_READONLY, SQLITE_NOMEM, SQLITE_PROTOCOL:
            self = .unavailable(message)
        default: self = .statement(message)
        }
    }
    init(sqlite error: any Error) {
        switch error {
        case let error as StoreError: self = error
        case let error as DatabaseError: self.init(sqliteCode: error.extendedResultCode.rawValue, message: error.description)
        default: self = .unavailable("\(error)")
        }
    }
    /// Errors of the engine become ours; a closure's own refusal passes unchanged.
    static func mapped(sqlite error: any Error) -> any Error {
        error is DatabaseError ? StoreError(sqlite: error) : error
    }
}
