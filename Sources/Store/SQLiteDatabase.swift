import Foundation
import GRDB
import GRDBSQLite
import Logging

/// The embedded engine: SQLite in WAL mode through GRDB, one writer that commits waiting writes together.
///
/// `synchronous=FULL`: a write that returned has been fsynced. Writes that arrive while one commit is on its way to the
/// disk share the next, so that one fsync serves many tickets.
package final class SQLiteDatabase: Database {
    package let dialect = Dialect.sqlite
    private let path: String
    private let pool: DatabasePool
    private let queue: SQLiteWriter
    private let checkpoint: SQLiteCheckpoint
    private let pages: WorkQueue<SQLiteReader>
    /// Searches and reports, which may take long: their threads come after those of pages and writes.
    private let searches: WorkQueue<SQLiteReader>
    private let readers: Int
    private static let searchers = 3
    /// How much later than others the searches' threads are served by the system (`nice`).
    private static let niceness: Int32 = 10
    private let readersEnded = DispatchSemaphore(value: 0)

    private let lane: Lane

    /// Opens or makes the file.
    ///
    /// - Parameters:
    ///   - durable: false is for tests that never lose power.
    ///   - lane: how long work may take that does not say so itself.
    package init(path: String, readers: Int = 4, durable: Bool = true, lane: Lane = .page) throws {
        self.lane = lane
        self.readers = readers
        self.path = path
        pages = WorkQueue(threads: readers, mostWaiting: 2000)
        searches = WorkQueue(threads: Self.searchers, mostWaiting: Lane.mostWaiting)
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
            pool = try Self.whenUnlocked { [configuration] in
                try DatabasePool(path: path, configuration: configuration)
            }
        } catch { throw StoreError(sqlite: error) }
        configuration.readonly = true
        do {
            for number in 0..<readers {
                try Self.startReader("usher-reader-\(number)", path, configuration, pages, ended: readersEnded)
            }
            // A search reads many pages of the index and of the tickets it finds, and counts them afterwards.
            configuration.prepareDatabase { try $0.execute(sql: "PRAGMA cache_size = -8000") }
            for number in 0..<Self.searchers {
                try Self.startReader(
                    "usher-search-\(number)", path, configuration, searches, niceness: Self.niceness,
                    ended: readersEnded)
            }
        } catch { throw StoreError(sqlite: error) }
        checkpoint = SQLiteCheckpoint(path: path)
        queue = SQLiteWriter(pool: pool, checkpoint: checkpoint)
        do {
            try pool.writeWithoutTransaction { [checkpoint] db in
                checkpoint.watch(db.sqliteConnection)
                // The one writer touches pages all over the indexes.
                try db.execute(sql: "PRAGMA cache_size = -16000")
            }
        } catch { throw StoreError(sqlite: error) }
    }

    /// Opens a connection while other programs open the same file. Two that turn a new file to the write-ahead log at
    /// once would wait for each other, so SQLite refuses one of them at once, whatever its busy timeout is
    /// (`SQLITE_BUSY`, "deadlock avoidance"); that one begins again.
    private static func whenUnlocked<T>(_ open: () throws -> T) throws -> T {
        let end = ContinuousClock.now + .seconds(10)
        while true {
            do { return try open() } catch let error as DatabaseError
                where error.resultCode == .SQLITE_BUSY && ContinuousClock.now < end
            {
                Thread.sleep(forTimeInterval: 0.01)
            }
        }
    }

    package func read<T: Sendable>(_ lane: Lane?, _ body: @escaping @Sendable (any Connection) throws -> T) async throws
        -> T
    {
        queue.counts.withLock { $0.reads += 1 }
        let errand = Errand(reading: lane ?? Lane.current ?? self.lane)
        let queue = errand.lane.takesTurns ? searches : pages
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                queue.put(
                    .init(
                        errand: errand,
                        run: { reader in continuation.resume(with: Result { try reader.snapshot(for: errand, body) }) },
                        fail: { continuation.resume(throwing: $0) }))
            }
        } onCancel: {
            errand.cancel()
        }
    }

    private static func startReader(
        _ name: String, _ path: String, _ configuration: Configuration, _ queue: WorkQueue<SQLiteReader>,
        niceness: Int32 = 0, ended: DispatchSemaphore
    ) throws {
        let database = try whenUnlocked { try DatabaseQueue(path: path, configuration: configuration) }
        let thread = Thread {
            // Zero is the thread that asks. Where the system does not allow it, all are served alike.
            if niceness != 0 { setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, niceness) }
            database.inDatabase { db in
                let reader = SQLiteReader(db)
                while let job = queue.take() {
                    job.run(reader)
                    queue.done(job)
                }
                reader.close()
            }
            // A connection that cannot be closed is let go with the process.
            try? database.close()
            ended.signal()
        }
        thread.stackSize = 4 << 20
        thread.name = name
        thread.start()
    }

    @discardableResult
    package func write<T: Sendable>(_ body: @escaping @Sendable (any Connection) throws -> T) async throws -> T {
        try await queue.write(in: Lane.current ?? lane, body)
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
        pages.stop()
        searches.stop()
        for _ in 0..<readers + Self.searchers { readersEnded.wait() }
    }

    package var measures: DatabaseMeasures { queue.counts.withLock { $0 } }

    /// Reads the whole file once, a few seconds for each gigabyte, on a connection of its own; a command's work, not a
    /// page's.
    package func remarks() async throws -> [(what: String, advice: String?)] {
        let faults: [String] = try await withCheckedThrowingContinuation { continuation in
            let thread = Thread { [path] in
                continuation.resume(
                    with: Result {
                        var configuration = Configuration()
                        configuration.readonly = true
                        do {
                            return try DatabaseQueue(path: path, configuration: configuration).read {
                                try String.fetchAll($0, sql: "PRAGMA quick_check(10)")
                            }
                        } catch {
                            return ["\(StoreError(sqlite: error).detail)"]
                        }
                    })
            }
            thread.stackSize = 4 << 20
            thread.start()
        }
        guard faults != ["ok"] else { return [("The database file is intact", nil)] }
        return [
            (
                "The database file is damaged: \(faults.first ?? "")",
                "Stop Usher, move \(path) aside, and restore the last backup into an empty folder."
            )
        ]
    }
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
        case let error as DatabaseError:
            self.init(sqliteCode: error.extendedResultCode.rawValue, message: error.description)
        default: self = .unavailable("\(error)")
        }
    }
    /// Errors of the engine become ours; a closure's own refusal passes unchanged.
    static func mapped(sqlite error: any Error) -> any Error {
        error is DatabaseError ? StoreError(sqlite: error) : error
    }
}
