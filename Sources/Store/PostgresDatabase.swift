import CPostgreSQL
import Foundation
import Logging

/// PostgreSQL by libpq: a bounded pool of connections, each on a thread of its own.
///
/// Transactions are REPEATABLE READ, so a verb that loaded a ticket and saves it either sees what others did or is run
/// again. A transaction whose line was lost before COMMIT runs again on another; one that was lost while committing is
/// never repeated. Nothing is kept in a session, so a pooler may hand each transaction to another server connection.
package final class PostgresDatabase: Database {
    package let dialect = Dialect.postgres
    private let pool: PostgresPool
    /// Past a pooler: for LISTEN.
    private let direct: PostgresAddress
    private let lane: Lane
    private let log: Logger

    /// - Parameters:
    ///   - address: `postgres://user:password@host:port/name`, or libpq's own words; several hosts may be named.
    ///   - direct: the same database past a pooler; nil where the address is no pooler's.
    ///   - connections: how many there are at most, besides the listener's and the probe's.
    ///   - lane: how long work may take that does not say so itself.
    package init(
        address: String, direct: String? = nil, connections: Int = PostgresDatabase.standardConnections,
        lane: Lane = .page, log: Logger
    ) throws {
        let parsed = try PostgresAddress(address)
        self.direct = try direct.map { try PostgresAddress($0) } ?? parsed
        self.lane = lane
        self.log = log
        pool = PostgresPool(parsed, size: max(1, connections), lane: lane, log: log)
        pool.start()
    }

    /// Three times as many as there are cores, ten at most; half of them for searches and reports.
    package static var standardConnections: Int { min(10, max(4, ProcessInfo.processInfo.activeProcessorCount * 3)) }

    /// Why an address cannot be read; nil where it can.
    package static func fault(in address: String) -> String? {
        do { _ = try PostgresAddress(address) } catch { return (error as? StoreError)?.detail ?? "\(error)" }
        return nil
    }

    package func read<T: Sendable>(_ lane: Lane?, _ body: @escaping @Sendable (any Connection) throws -> T) async throws
        -> T
    {
        let errand = Errand(reading: lane ?? Lane.current ?? self.lane)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let work = PostgresJob.Work.alone { [counts = pool.counts] connection in
                    counts.change { $0.reads += 1 }
                    do {
                        continuation.resume(returning: try connection.transaction(reads: true, for: errand, body))
                    } catch let lost as PostgresConnection.Lost {
                        return lost.reason
                    } catch { continuation.resume(throwing: error) }
                    return nil
                }
                pool.put(PostgresJob(errand, work, fail: { continuation.resume(throwing: $0) }))
            }
        } onCancel: {
            errand.cancel()
        }
    }

    @discardableResult
    package func write<T: Sendable>(_ body: @escaping @Sendable (any Connection) throws -> T) async throws -> T {
        let errand = Errand(writing: Lane.current ?? lane)
        return try await withCheckedThrowingContinuation { continuation in
            let write = WaitingWrite(errand, body, continuation)
            // What may take long keeps nobody waiting, and a load balancer's question waits for nobody.
            let isAlone = errand.lane == .long || errand.lane == .health
            pool.put(isAlone ? .alone(write) : PostgresJob(errand, .write(write), fail: { write.finish($0) }))
        }
    }

    package func listen(_ channel: String, _ heard: @escaping @Sendable (Heeded) -> Void) -> (any Listening)? {
        PostgresListener(address: direct, channel: channel, heard)
    }

    package func lock(_ name: String) async throws -> (any HeldLock)? { try await Lease.take(name, in: self) }
    package func isInUse() async throws -> Bool { try await Lease.isAnyHeld(in: self) }

    package func close() async { await pool.stop() }
    package var measures: DatabaseMeasures { pool.counts.all }
    package var isAway: Bool { pool.isAway }

    package func answers() async throws {
        let encoding: String? = try await read(.health) {
            try $0.value("SELECT current_setting('server_encoding')", as: String.self)
        }
        // What people write has letters that no other encoding holds.
        guard encoding == "UTF8" || encoding == "SQL_ASCII" else {
            throw StoreError.misconfigured(
                """
                the database has the encoding \(encoding ?? "?"), and Usher needs UTF8: create it with \
                CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0
                """)
        }
    }

    // MARK: what an operator should know

    /// How many connections there are when all are wanted at once.
    private func mostConnections() async throws -> Int {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<pool.lines.most {
                group.addTask { () async throws -> Void in
                    _ = try await self.read {
                        try $0.query("SELECT CAST(pg_sleep(0.2) AS TEXT)") { try $0.read(String.self) }
                    }
                }
            }
            try await group.waitForAll()
        }
        return pool.lines.open
    }

    package func remarks() async throws -> [(what: String, advice: String?)] {
        var remarks: [(what: String, advice: String?)] = []
        let (most, names) = try await read { db in
            (
                Int(try db.value("SELECT current_setting('max_connections')", as: String.self) ?? "") ?? 0,
                try db.query(
                    """
                    SELECT name, setting FROM pg_settings
                    WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit', 'synchronous_standby_names')
                    """
                ) { (try $0.read(String.self), try $0.read(String.self)) }
            )
        }
        let settings = Dictionary(names) { first, _ in first }
        for name in ["fsync", "full_page_writes"] where settings[name] == "off" {
            remarks.append(
                (
                    "PostgreSQL runs with \(name) = off: a power cut can destroy the database",
                    "Set \(name) = on in postgresql.conf."
                ))
        }
        switch settings["synchronous_commit"] ?? "on" {
        case "off":
            remarks.append(
                (
                    """
                    PostgreSQL runs with synchronous_commit = off: a crash can lose the last tickets that were \
                    acknowledged
                    """,
                    "Set synchronous_commit = on."
                ))
        default: break
        }
        if settings["synchronous_standby_names"]?.isEmpty == false {
            remarks.append(("Acknowledged tickets survive a failover: a synchronous standby has them", nil))
        }
        let wanted = pool.lines.most + 2
        let given = try await mostConnections()
        if given < pool.lines.most {
            remarks.append(
                (
                    "The database gave \(given) of \(pool.lines.most) connections",
                    "Set USHER_DATABASE_POOL=\(max(1, given)), or allow more in the pooler or in max_connections."
                ))
        } else {
            remarks.append(("Usher uses up to \(wanted) connections per process (PostgreSQL allows \(most))", nil))
        }
        let hears = await PostgresListener.hearsItself(direct, through: self)
        remarks.append(
            hears
                ? ("Live updates between servers work (LISTEN/NOTIFY)", nil)
                : (
                    "Live updates between servers arrive by polling: notifications don't get through",
                    """
                    If USHER_DATABASE is a pooler in transaction mode, set USHER_DATABASE_DIRECT to the address of \
                    PostgreSQL itself.
                    """
                ))
        return remarks
    }
}
