import Dispatch
import Foundation
import Primitives
import Synchronization

/// Hashes passwords in a lane of its own: each takes a tenth of a second and 32 MiB, so few run at once and the others
/// wait.
///
/// Whoever comes from a known device or is signed in goes first; the others take turns by network, so that a flood of
/// guesses from one network makes a colleague elsewhere wait for one guess, not for all. The lane is bounded: more is
/// refused.
package final class PasswordCheck: Sendable {
    package static let shared = PasswordCheck()
    /// The lane is full; try again in a moment.
    struct Busy: Error {}
    /// A hash no password is known for.
    static let nobody = (try? Password.hash(Secret.random())) ?? ""

    typealias Job = @Sendable () -> Void
    private struct Lane {
        var running = 0
        var first: [Job] = []
        var byNetwork: [String: [Job]] = [:]
        /// Networks that wait, the next first.
        var turns: [String] = []
        var waiting: Int { first.count + byNetwork.values.reduce(0) { $0 + $1.count } }
    }
    private let lane = Mutex(Lane())
    private let queue = DispatchQueue(label: "usher.password", attributes: .concurrent)
    private let most: Int
    private static let mostWaiting = 200
    static let mostOfNetwork = 5

    /// - Parameter most: how many are hashed at once.
    package init(most: Int = max(1, min(4, ProcessInfo.processInfo.activeProcessorCount / 2))) { self.most = most }

    /// - Parameter network: where a stranger's guess comes from; nil goes first.
    func verify(_ password: String, against kept: String, from network: String? = nil) async throws -> Bool {
        try await withCheckedThrowingContinuation { continuation in
            let isTaken = put(network) { continuation.resume(returning: Password.verify(password, against: kept)) }
            if !isTaken { continuation.resume(throwing: Busy()) }
        }
    }

    package func hash(_ password: String) async throws -> String {
        try await withCheckedThrowingContinuation { continuation in
            let isTaken = put(nil) { continuation.resume(with: Result { try Password.hash(password) }) }
            if !isTaken {
                continuation.resume(
                    throwing: Refusal.notAllowed(
                        Sentence("Too many people are signing in right now. Try again in a moment.")))
            }
        }
    }

    /// Puts work into the lane; false where it is full.
    func put(_ network: String?, _ job: @escaping Job) -> Bool {
        let isTaken = lane.withLock { lane in
            guard lane.waiting < Self.mostWaiting else { return false }
            guard let network else {
                lane.first.append(job)
                return true
            }
            guard lane.byNetwork[network, default: []].count < Self.mostOfNetwork else { return false }
            if lane.byNetwork[network, default: []].isEmpty { lane.turns.append(network) }
            lane.byNetwork[network, default: []].append(job)
            return true
        }
        if isTaken { start() }
        return isTaken
    }

    private func start() {
        let job: Job? = lane.withLock { lane in
            guard lane.running < most, let next = Self.next(&lane) else { return nil }
            lane.running += 1
            return next
        }
        guard let job else { return }
        queue.async { [self] in
            job()
            lane.withLock { $0.running -= 1 }
            start()
        }
    }

    private static func next(_ lane: inout Lane) -> Job? {
        if !lane.first.isEmpty { return lane.first.removeFirst() }
        guard !lane.turns.isEmpty else { return nil }
        let network = lane.turns.removeFirst()
        guard var jobs = lane.byNetwork[network], !jobs.isEmpty else { return nil }
        let job = jobs.removeFirst()
        lane.byNetwork[network] = jobs.isEmpty ? nil : jobs
        if !jobs.isEmpty { lane.turns.append(network) }
        return job
    }
}
