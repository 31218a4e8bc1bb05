import CPostgreSQL
import Dispatch
import Synchronization

/// An advisory lock of a session (PostgreSQL 15, section 13.3.5) on a connection of its own: the server lets it go when the program or the line dies.
final class PostgresLock: HeldLock {
    /// Used by one call at a time, inside the lock.
    private struct Line: @unchecked Sendable { var handle: OpaquePointer? }
    private let line: Mutex<Line>
    private static let queue = DispatchQueue(label: "usher-lock")

    private init(_ line: Line) { self.line = Mutex(line) }

    static func take(_ name: String, at address: String) async -> PostgresLock? {
        await withCheckedContinuation { continuation in
            queue.async {
                let handle = PQconnectdb(address)
                let key = name.utf8.reduce(Int64(0)) { ($0 &* 31) &+ Int64($1) }
                if PQstatus(handle) == CONNECTION_OK, truth("SELECT pg_try_advisory_lock(\(key))", handle) {
                    continuation.resume(returning: PostgresLock(Line(handle: handle)))
                } else {
                    PQfinish(handle)
                    continuation.resume(returning: nil)
                }
            }
        }
    }

    func isHeld() async -> Bool {
        await withCheckedContinuation { continuation in
            Self.queue.async { [self] in continuation.resume(returning: line.withLock { Self.truth("SELECT true", $0.handle) }) }
        }
    }

    func release() async {
        line.withLock { line in
            PQfinish(line.handle)
            line.handle = nil
        }
    }

    private static func truth(_ statement: String, _ handle: OpaquePointer?) -> Bool {
        guard handle != nil else { return false }
        let result = PQexec(handle, statement)
        defer { PQclear(result) }
        guard PQresultStatus(result) == PGRES_TUPLES_OK, let text = PQgetvalue(result, 0, 0) else { return false }
        return text[0] == CChar(UInt8(ascii: "t"))
    }
}
