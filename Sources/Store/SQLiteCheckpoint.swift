import Foundation
import GRDBSQLite
import Synchronization

/// Copies the write-ahead log into the database file beside the writer, on a connection and a thread of its own.
///
/// Done by the writer, as SQLite does it unasked, every write would stand still meanwhile: some thirty milliseconds in
/// a database of a hundred thousand tickets. The writer only copies the few pages that came in during the pass, so that
/// the log begins anew.
final class SQLiteCheckpoint: Sendable {
    private let state = Mutex((running: false, passed: false, stopped: false))
    private let signal = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)
    /// Pages in the log that make a pass worth its two fsyncs: sixty-four megabytes, in which a page that changes often
    /// is copied once.
    private static let enough: Int32 = 16000

    init(path: String) {
        let thread = Thread { [self] in work(path) }
        thread.name = "usher-checkpoint"
        thread.start()
    }

    /// Has SQLite say after each commit how long the log is. The object must outlive the connection.
    func watch(_ connection: OpaquePointer?) {
        sqlite3_wal_hook(
            connection,
            { context, _, _, count in
                guard let context, count >= SQLiteCheckpoint.enough else { return SQLITE_OK }
                Unmanaged<SQLiteCheckpoint>.fromOpaque(context).takeUnretainedValue().begin()
                return SQLITE_OK
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    private func begin() {
        let starts = state.withLock { state in
            if state.running || state.passed || state.stopped { return false }
            state.running = true
            return true
        }
        if starts { signal.signal() }
    }

    /// Called by the writer between two commits: copies what is left after a pass.
    func finish(_ connection: OpaquePointer?) {
        let isDue = state.withLock { state in
            defer { state.passed = false }
            return state.passed
        }
        if isDue { sqlite3_wal_checkpoint_v2(connection, nil, SQLITE_CHECKPOINT_PASSIVE, nil, nil) }
    }

    func stop() {
        state.withLock { $0.stopped = true }
        signal.signal()
        ended.wait()
    }

    private func work(_ path: String) {
        defer { ended.signal() }
        var connection: OpaquePointer?
        // Where the file cannot be opened a second time, the writer copies alone.
        let isOpen = sqlite3_open_v2(path, &connection, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nil) == SQLITE_OK
        defer { sqlite3_close_v2(connection) }
        if isOpen { sqlite3_exec(connection, "PRAGMA synchronous = FULL", nil, nil, nil) }
        while true {
            signal.wait()
            if state.withLock({ $0.stopped }) { return }
            if isOpen { sqlite3_wal_checkpoint_v2(connection, nil, SQLITE_CHECKPOINT_PASSIVE, nil, nil) }
            state.withLock { state in
                state.running = false
                state.passed = true
            }
        }
    }
}
