import Foundation
import Store

/// What waits to be sent or done, for monitors.
package struct Backlog: Sendable {
    package let outbox: [(state: String, count: Int)]
    /// Seconds the longest waiting mail has been due; 0 where none waits.
    package let oldestMail: Int
    package let jobs: Int
    package let jobsOverdue: Int
}

extension Connection {
    package func backlog(at now: Date) throws -> Backlog {
        let states = try query(
            "SELECT state, count(*) FROM outbox WHERE due_at IS NOT NULL GROUP BY state ORDER BY state"
        ) { (try $0.read(String.self), try $0.read(Int.self)) }
        let oldest: Date? =
            try value("SELECT min(created_at) FROM outbox WHERE due_at IS NOT NULL", as: Date?.self) ?? nil
        return Backlog(
            outbox: states, oldestMail: oldest.map { max(0, Int(now.timeIntervalSince($0))) } ?? 0,
            jobs: try value("SELECT count(*) FROM job") ?? 0,
            jobsOverdue: try value("SELECT count(*) FROM job WHERE due_at < \(now - 60)") ?? 0)
    }
}
