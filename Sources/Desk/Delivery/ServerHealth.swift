import Foundation
import Synchronization

/// What a courier has seen of the mail servers since it began: which take mail, and which take none from us.
final class ServerHealth: Sendable {
    private struct Seen {
        var failedAt: Date?
        var acceptedAt: Date?
        /// When others were last told that it takes mail.
        var toldAt: Date?
        /// Recipients that were refused for a reason of policy, and when first.
        var refused: [String: Date] = [:]
    }
    private let state = Mutex<[Int64: Seen]>([:])
    /// A server that takes nothing is tried so many seconds apart.
    private static let pace: TimeInterval = 5
    private static let mostRefused = 1000
    /// Seconds after which it is written down again that a server takes mail: another node may have noted a failure.
    private static let freshness: TimeInterval = 60

    /// Servers that fail and need not be tried now.
    func resting(at now: Date) -> [Int64] {
        state.withLock { $0.filter { $0.value.failedAt.map { now < $0 + Self.pace && now >= $0 } ?? false }.map(\.key) }
    }
    func isFailing(_ server: Int64) -> Bool { state.withLock { $0[server]?.failedAt != nil } }

    /// True when that is news that others should be told of.
    func accepted(_ server: Int64, at now: Date) -> Bool {
        state.withLock { state in
            var seen = state[server] ?? Seen()
            let isNews = seen.failedAt != nil || seen.toldAt.map { now >= $0 + Self.freshness || now < $0 } ?? true
            (seen.failedAt, seen.acceptedAt) = (nil, now)
            if isNews { seen.toldAt = now }
            state[server] = seen
            return isNews
        }
    }
    func failed(_ server: Int64, at now: Date) { state.withLock { $0[server, default: Seen()].failedAt = now } }

    /// What a refusal for a reason of policy is about: this recipient, since the server took other mail after it
    /// refused this one; us, since it refuses several and takes nothing; or not known yet.
    enum Opinion { case recipient, us, unknown }
    func opinion(of server: Int64, refusing address: String, at now: Date) -> Opinion {
        state.withLock { state in
            var seen = state[server] ?? Seen()
            defer { state[server] = seen }
            if let first = seen.refused[address], let accepted = seen.acceptedAt, accepted >= first {
                seen.refused[address] = nil
                return .recipient
            }
            if seen.refused.count >= Self.mostRefused { seen.refused = [:] }
            if seen.refused[address] == nil { seen.refused[address] = now }
            let since = seen.acceptedAt ?? .distantPast
            return seen.refused.values.count { $0 > since } > 1 ? .us : .unknown
        }
    }
}
