import Foundation
import Mail
import Store

/// How long somebody who gave wrong passwords waits. Pure.
///
/// A try is counted before it is listened to, for the account, for the network it comes from and for both together; a
/// device that has signed in to the account before is counted by itself alone. So guesses that arrive together are held
/// back like guesses in a row, many networks together get no further than one, and the owner on a known device is never
/// locked out by strangers.
package struct Throttle: Sendable, Equatable {
    package let failures: Int
    package let lastAt: Date

    /// Tries for one account from one network, from one device, or with one account's second factor.
    static let free = 5
    /// Tries for one account, wherever they come from.
    static let freeForAccount = 20
    /// Tries from one network, whatever accounts they were for.
    static let freeForPlace = 50
    static let memory: TimeInterval = 86400
    private static let first: TimeInterval = 15
    private static let longest: TimeInterval = 900

    /// The pause after so many failures beyond the free ones: it doubles up to a quarter of an hour.
    static func pause(beyond: Int) -> TimeInterval { min(first * pow(2, Double(min(beyond, 10))), longest) }

    /// When the next try is listened to: at once for the first few, then after a pause.
    package func opens(free: Int = Throttle.free) -> Date {
        guard failures >= free else { return lastAt }
        return lastAt + Self.pause(beyond: failures - free)
    }
}

/// What a try is counted under, and how many are free.
package struct Counted: Sendable, Equatable {
    let name: String
    let free: Int
    /// Whether success clears the count; a count that others share only loses the one try.
    let isOwn: Bool
}

/// Where a try to sign in comes from.
package struct SignInOrigin: Sendable {
    /// The network: an IPv4 address, or the first half of an IPv6 one.
    package let network: String
    package let browser: String
    /// What the browser says to be the mark of a device that has signed in before. To which account it belongs, if to
    /// any, is judged for each account that it is shown for.
    private let device: String?

    /// - Parameter place: the address of the other end.
    package init(place: String, device: String?, browser: String) {
        network = NetworkAddress.network(of: place)
        self.device = device
        self.browser = browser
    }

    /// The mark of a device that has signed in to this very account before.
    func device(of email: String, _ signer: Signer) -> String? {
        device.flatMap { DeviceMark.isGenuine($0, of: email, signer) ? $0 : nil }
    }

    /// What a password for an account is counted under. Accounts stand in it as hashes, so that no row names anybody.
    func passwordCounts(for email: String, _ signer: Signer) -> [Counted] {
        if let device = device(of: email, signer) {
            return [Counted(name: "device:\(Secret.hash(device))", free: Throttle.free, isOwn: true)]
        }
        let account = Secret.hash(email)
        return [
            Counted(name: "account:\(account)", free: Throttle.freeForAccount, isOwn: false),
            Counted(name: "network:\(network)", free: Throttle.freeForPlace, isOwn: false),
            Counted(name: "pair:\(account)|\(network)", free: Throttle.free, isOwn: true),
        ]
    }

    /// What a code of the second factor is counted under: the account, over every proof and every network.
    func codeCounts(for email: String, _ signer: Signer) -> [Counted] {
        if let device = device(of: email, signer) {
            return [Counted(name: "code-device:\(Secret.hash(device))", free: Throttle.free, isOwn: true)]
        }
        return [
            Counted(name: "code:\(Secret.hash(email))", free: Throttle.free, isOwn: true),
            Counted(name: "network:\(network)", free: Throttle.freeForPlace, isOwn: false),
        ]
    }
}

/// A try that is not listened to yet.
struct HeldBack: Error {
    let until: Date
}

extension Connection {
    func throttle(_ name: String, now: Date) throws -> Throttle? {
        try first("SELECT failures, last_at FROM throttle WHERE name = \(name) AND last_at > \(now - Throttle.memory)")
        { Throttle(failures: try $0.read(), lastAt: try $0.read()) }
    }
}

extension Connection {
    /// Whether something was done so often within the hour that `allowUse` would refuse it.
    package func isUsedUp(_ name: String, perHour most: Int, now: Date) throws -> Bool {
        let used = try first("SELECT failures FROM throttle WHERE name = \(name) AND last_at > \(now - 3600)") {
            try $0.read(Int.self)
        }
        return (used ?? 0) >= most
    }
}

extension Transaction {
    /// Lets something be done so often an hour; counted for whoever does it, in one statement.
    package func allowUse(of name: String, perHour most: Int) throws -> Bool {
        // The hour begins with the first use.
        let used: Int64? = try db.value(
            """
            INSERT INTO throttle (name, failures, last_at) VALUES (\(name), 1, \(now)) ON CONFLICT (name) DO UPDATE SET
                failures = CASE WHEN throttle.last_at > \(now - 3600) THEN throttle.failures + 1 ELSE 1 END,
                last_at = CASE WHEN throttle.last_at > \(now - 3600) THEN throttle.last_at ELSE excluded.last_at END
            WHERE throttle.last_at <= \(now - 3600) OR throttle.failures < \(most) RETURNING failures
            """)
        return used != nil
    }

    /// Counts a try before it is listened to, in one statement for each count, so that tries at the same moment cannot
    /// pass each other. Throws `HeldBack`, which undoes the transaction, where one of the counts is full.
    func count(_ counted: [Counted]) throws {
        // In one order everywhere, so that two tries never wait for each other.
        for one in counted.sorted(by: { $0.name < $1.name }) {
            let steps = SQL.join(
                (0..<7).map { beyond -> SQL in "WHEN \(beyond) THEN \(Int64(Throttle.pause(beyond: beyond) * 1000))" },
                separator: " ")
            let longest = Int64(Throttle.pause(beyond: 10) * 1000)
            let taken: Int64? = try db.value(
                """
                INSERT INTO throttle (name, failures, last_at)
                VALUES (\(one.name), 1, \(now)) ON CONFLICT (name) DO UPDATE SET
                    failures = CASE WHEN throttle.last_at > \(now - Throttle.memory) THEN throttle.failures + 1
                    ELSE 1 END, last_at = excluded.last_at
                WHERE throttle.last_at <= \(now - Throttle.memory) OR throttle.failures < \(one.free)
                    OR throttle.last_at + CAST(CASE throttle.failures - \(one.free) \(steps)
                    ELSE \(longest) END AS \(db.dialect.integer)) <= \(now) RETURNING failures
                """)
            guard taken == nil else { continue }
            throw HeldBack(until: try db.throttle(one.name, now: now)?.opens(free: one.free) ?? now)
        }
    }

    /// The try was right: its own counts are cleared, and those shared with others lose it.
    func forgetTry(_ counted: [Counted]) throws {
        try uncount(counted)
        for one in counted where one.isOwn { try db.execute("DELETE FROM throttle WHERE name = \(one.name)") }
    }
    /// The try came to nothing that counts.
    func uncount(_ counted: [Counted]) throws {
        for one in counted.sorted(by: { $0.name < $1.name }) {
            try db.execute("UPDATE throttle SET failures = failures - 1 WHERE name = \(one.name) AND failures > 0")
        }
    }
}
