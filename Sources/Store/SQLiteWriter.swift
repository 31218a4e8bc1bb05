import Foundation
import GRDB
import GRDBSQLite
import Synchronization

/// The single writer: a thread that takes all waiting writes into one transaction.
final class SQLiteWriter: Sendable {
    private struct State {
        var waiting: [WaitingWrite] = []
        var stopped = false
    }
    private let state = Mutex(State())
    private let signal = DispatchSemaphore(value: 0)
    private let pool: DatabasePool
    private let checkpoint: SQLiteCheckpoint
    let counts = Mutex(DatabaseMeasures())
    /// The writer's; used by its thread only, but for the end.
    private let kept = Mutex<SQLiteStatements?>(nil)
    private let watch = SQLiteWatch()
    private let ended = DispatchSemaphore(value: 0)

    init(pool: DatabasePool, checkpoint: SQLiteCheckpoint) {
        self.pool = pool
        self.checkpoint = checkpoint
        let thread = Thread { [self] in
            work()
            kept.withLock { $0?.clear() }
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

    @discardableResult
    func write<T: Sendable>(in lane: Lane, _ body: @escaping @Sendable (any Connection) throws -> T) async throws -> T {
        let errand = Errand(writing: lane)
        return try await withCheckedThrowingContinuation { continuation in
            let waiting = WaitingWrite(errand, body, continuation)
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
                    let group = Array(state.waiting.prefix(WaitingWrite.largestGroup))
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

    /// Runs a group in one transaction; where one write stands in its neighbours' way, they run apart.
    private func commit(_ group: [WaitingWrite], apart: Bool = false) {
        var refusals: [(any Error)?]
        do { refusals = try transact(group, apart: apart) } catch {
            if group.count > 1 {
                if error is Entangled { return commit(group, apart: true) }
                // One write's fault must not be its neighbours': each gets a transaction of its own.
                for waiting in group { commit([waiting]) }
                return
            }
            refusals = [StoreError.mapped(sqlite: (error as? Entangled)?.cause ?? error)]
        }
        counts.withLock {
            $0.writes += group.count
            $0.commits += 1
        }
        for (waiting, refusal) in zip(group, refusals) { waiting.finish(refusal) }
    }

    private func transact(_ group: [WaitingWrite], apart: Bool) throws -> [(any Error)?] {
        try pool.writeWithoutTransaction { db in
            let connection = SQLiteConnection(db, statements: statements(db), watch: watch, putsIndexOff: true)
            watch.errand = nil
            defer { watch.errand = nil }
            try connection.execute("BEGIN IMMEDIATE")
            do {
                let refusals = try connection.run(group, apart: apart)
                watch.errand = nil
                try connection.settleIndex()
                try connection.execute("COMMIT")
                checkpoint.finish(db.sqliteConnection)
                return refusals
            } catch {
                watch.errand = nil
                connection.dropTexts()
                // The engine may have ended the transaction itself (disk full); then there is nothing to roll back.
                if sqlite3_get_autocommit(db.sqliteConnection) == 0 {
                    sqlite3_exec(db.sqliteConnection, "ROLLBACK", nil, nil, nil)
                }
                throw error
            }
        }
    }

    private func statements(_ db: GRDB.Database) -> SQLiteStatements {
        kept.withLock { kept in
            if let kept { return kept }
            let made = SQLiteStatements(db.sqliteConnection)
            watch.look(after: db.sqliteConnection)
            kept = made
            return made
        }
    }
}
