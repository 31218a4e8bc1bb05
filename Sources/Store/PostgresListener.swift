import CPostgreSQL
import Foundation
import Synchronization

/// Hears `NOTIFY` on a connection and a thread of its own (PostgreSQL 15, section 34.9); opens it anew when it is lost,
/// and says both.
final class PostgresListener: Listening {
    private let stopped = Mutex(false)
    private static let wait: Int32 = 500
    /// How often the server is asked for a sign of life where nothing is announced, and how long it may take.
    private static let pulse = Moment.seconds(5), answer = Moment.seconds(2)

    init(address: PostgresAddress, channel: String, _ heard: @escaping @Sendable (Heeded) -> Void) {
        let thread = Thread { [self] in work(address, channel, heard) }
        thread.name = "usher-listener"
        thread.start()
    }

    func stop() { stopped.withLock { $0 = true } }

    private func work(_ address: PostgresAddress, _ channel: String, _ heard: (Heeded) -> Void) {
        while !stopped.withLock({ $0 }) {
            do {
                let line = try Self.listening(address, channel)
                heard(.began)
                try hear(line) { heard(.message($0)) }
            } catch {
                // The database is away, or the line was lost: nobody is told but the caller, who looks for what is new
                // in the meantime.
            }
            heard(.ended)
            if !stopped.withLock({ $0 }) { Thread.sleep(forTimeInterval: 0.5) }
        }
    }

    private static func listening(_ address: PostgresAddress, _ channel: String) throws -> PostgresLine {
        let line = try PostgresLine.open(address)
        let result = try line.query("LISTEN \(channel)", until: Moment.now + answer)
        defer { PQclear(result) }
        guard PQresultStatus(result) == PGRES_COMMAND_OK else { throw line.fault(result) }
        return line
    }

    /// Returns when the listener was stopped; throws when the line is lost.
    private func hear(_ line: PostgresLine, _ heard: (String) -> Void) throws {
        var last = Moment.now
        while !stopped.withLock({ $0 }) {
            try line.notifications(waiting: Self.wait, heard)
            guard Moment.now - last > Self.pulse else { continue }
            _ = try line.numbers("SELECT 1", until: Moment.now + Self.answer)
            last = Moment.now
        }
    }

    /// Whether what the pool announces reaches a listener: a pooler that hands each transaction to another connection
    /// swallows it.
    static func hearsItself(_ address: PostgresAddress, through database: any Database) async -> Bool {
        let channel = "usher_probe"
        let word = UUID().uuidString
        do {
            let box = try await blocking { Box(try listening(address, channel)) }
            try await database.write { _ = try $0.run("SELECT pg_notify(\(channel), \(word))") { _ in } }
            return try await blocking {
                var isHeard = false
                for _ in 0..<20 where !isHeard {
                    try box.line.notifications(waiting: 100) { if $0 == word { isHeard = true } }
                }
                return isHeard
            }
        } catch { return false }
    }

    private struct Box: @unchecked Sendable {
        let line: PostgresLine
        init(_ line: PostgresLine) { self.line = line }
    }
    private static func blocking<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            let thread = Thread { continuation.resume(with: Result { try body() }) }
            thread.start()
        }
    }
}
