import Foundation
import Store

/// How long somebody who gave wrong passwords waits. Pure.
///
/// Failures are counted for an address together with where they came from, and for a device that has signed in before by that
/// device: whoever tries passwords from elsewhere makes nobody wait but themselves, and the owner is never locked out.
package struct Throttle: Sendable, Equatable {
    package let failures: Int
    package let lastAt: Date

    static let free = 5
    /// Failures from one place, whatever addresses they were for.
    static let freeForPlace = 50
    static let memory: TimeInterval = 86400
    private static let longest: TimeInterval = 900

    /// When the next try is listened to: at once for the first few, then after a pause that doubles up to a quarter of an hour.
    package func opens(free: Int = Throttle.free) -> Date {
        guard failures >= free else { return lastAt }
        return lastAt + min(15 * pow(2, Double(min(failures - free, 10))), Self.longest)
    }
}

/// Where a try to sign in comes from.
package struct SignInOrigin: Sendable {
    /// The network address.
    package let place: String
    /// The mark of a device that has signed in to this very account before.
    package let device: String?
    package let browser: String

    package init(place: String, device: String?, browser: String) {
        self.place = place
        self.device = device
        self.browser = browser
    }

    /// What failures are counted under, with how many are free.
    func names(for email: String) -> [(name: String, free: Int)] {
        if let device { return [("device:\(Secret.hash(device))", Throttle.free)] }
        return [("\(email)|\(place)", Throttle.free), ("place:\(place)", Throttle.freeForPlace)]
    }
}

extension Connection {
    func throttle(_ name: String, now: Date) throws -> Throttle? {
        try first("SELECT failures, last_at FROM throttle WHERE name = \(name) AND last_at > \(now - Throttle.memory)") { Throttle(failures: try $0.read(), lastAt: try $0.read()) }
    }
    /// When the next try is listened to; nil for at once.
    func opens(_ origin: SignInOrigin, for email: String, now: Date) throws -> Date? {
        let moments = try origin.names(for: email).compactMap { name, free in try throttle(name, now: now)?.opens(free: free) }
        return moments.max().flatMap { $0 > now ? $0 : nil }
    }
}

extension Connection {
    /// Whether something was done so often within the hour that `allowUse` would refuse it.
    package func isUsedUp(_ name: String, perHour most: Int, now: Date) throws -> Bool {
        let used = try first("SELECT failures FROM throttle WHERE name = \(name) AND last_at > \(now - 3600)") { try $0.read(Int.self) }
        return (used ?? 0) >= most
    }
}

extension Transaction {
    /// Lets something be done so often an hour; counted for whoever does it.
    package func allowUse(of name: String, perHour most: Int) throws -> Bool {
        guard try !db.isUsedUp(name, perHour: most, now: now) else { return false }
        // The hour begins with the first use.
        try db.execute(
            """
            INSERT INTO throttle (name, failures, last_at) VALUES (\(name), 1, \(now)) ON CONFLICT (name) DO UPDATE SET
                failures = CASE WHEN throttle.last_at > \(now - 3600) THEN throttle.failures + 1 ELSE 1 END,
                last_at = CASE WHEN throttle.last_at > \(now - 3600) THEN throttle.last_at ELSE excluded.last_at END
            """)
        return true
    }

    func countFailure(_ origin: SignInOrigin, for email: String) throws {
        for (name, _) in origin.names(for: email) {
            try db.execute(
                """
                INSERT INTO throttle (name, failures, last_at) VALUES (\(name), 1, \(now)) ON CONFLICT (name) DO UPDATE SET
                    failures = CASE WHEN throttle.last_at > \(now - Throttle.memory) THEN throttle.failures + 1 ELSE 1 END, last_at = excluded.last_at
                """)
        }
    }
    func forgetFailures(_ origin: SignInOrigin, for email: String) throws {
        for (name, _) in origin.names(for: email) where !name.hasPrefix("place:") { try db.execute("DELETE FROM throttle WHERE name = \(name)") }
    }
}
