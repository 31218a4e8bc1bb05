import Foundation
import Synchronization

/// A row that says who does something only one node may do, until when, and with which token; all by the database's
/// clock.
///
/// The token counts up with each holder, and what a holder writes depends on it (`hold`), so that a node that was
/// frozen and wakes up late cannot act on what another has taken over.
final class Lease: HeldLock {
    private let name: String
    private let holder: String
    private let token: Int64
    private let database: any Database
    /// When this node must take it for lost, by its own steady clock: a holder that cannot reach the database knows so
    /// much.
    private let until: Mutex<UInt64>
    /// Renewed each second; a node that is silent for so long has lost it.
    static let seconds: Double = 20

    private init(_ name: String, _ holder: String, _ token: Int64, _ database: any Database, until: UInt64) {
        self.name = name
        self.holder = holder
        self.token = token
        self.database = database
        self.until = Mutex(until)
    }

    private static let now: SQL = "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)"
    private static let lasting = Int64(seconds * 1000)

    static func isAnyHeld(in database: any Database) async throws -> Bool {
        try await database.read { try $0.value("SELECT 1 FROM lease WHERE until >= \(now) LIMIT 1", as: Int64.self) }
            != nil
    }

    static func take(_ name: String, in database: any Database) async throws -> Lease? {
        let holder = UUID().uuidString
        let begun = Moment.now
        let token: Int64? = try await database.write { db in
            try db.value(
                """
                INSERT INTO lease (name, holder, token, until) VALUES (\(name), \(holder), 1, \(now) + \(lasting))
                ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, token = lease.token + 1,
                until = excluded.until WHERE lease.until < \(now)
                RETURNING token
                """)
        }
        return token.map { Lease(name, holder, $0, database, until: begun + Moment.seconds(seconds)) }
    }

    func isHeld() async -> Bool {
        let begun = Moment.now
        do {
            let renewed = try await database.write { [name, holder, token] db in
                try db.execute(
                    """
                    UPDATE lease SET until = \(Self.now) + \(Self.lasting) WHERE name = \(name)
                    AND holder = \(holder) AND token = \(token) AND until >= \(Self.now)
                    """
                )
            }
            guard renewed == 1 else { return false }
            until.withLock { $0 = begun + Moment.seconds(Self.seconds) }
            return true
        } catch {
            // The database does not answer; the lease goes on until its time is over.
            return until.withLock { Moment.now < $0 }
        }
    }

    func hold(in db: any Connection) throws {
        let held: Int64? = try db.value(
            """
            SELECT token FROM lease WHERE name = \(name) AND holder = \(holder) AND token = \(token)
            AND until >= \(Self.now) FOR SHARE
            """
        )
        guard held != nil else { throw StoreError.unavailable("another server has taken over: \(name)") }
    }

    func release() async {
        // A lease that cannot be given back runs out by itself.
        do {
            try await database.write { [name, holder, token] db in
                _ = try db.execute(
                    "UPDATE lease SET until = 0 WHERE name = \(name) AND holder = \(holder) AND token = \(token)")
            }
        } catch { until.withLock { $0 = 0 } }
    }
}
