import Foundation
import Synchronization

/// There are too many large bodies at once: the sender tries again later.
package struct Overloaded: Error {
    package init() {}
}

/// How many bytes of large bodies may be in memory at once, over all connections.
///
/// Whoever comes when the budget is used up waits in line, with the body unread in the sender's socket, and is refused
/// with `Overloaded` when the wait takes too long. Everybody holds one share at most, so nobody waits for a share while
/// holding another one.
package final class ByteBudget: Sendable {
    private struct Waiting {
        let id: UInt64
        let bytes: Int
        let turn: CheckedContinuation<Bool, Never>
    }
    private struct State {
        var used = 0
        var line: [Waiting] = []
        var next: UInt64 = 0
        /// Those who are about to stand in line.
        var coming: Set<UInt64> = []
    }
    private let state = Mutex(State())
    private let total: Int
    private let patience: Duration
    private let longestLine: Int

    /// - Parameters:
    ///   - total: bytes that may be held at once. A single larger share is handed out when nothing else is held.
    ///   - patience: how long somebody waits for a share before being refused.
    ///   - longestLine: how many may wait at once; one more is refused at once.
    package init(total: Int, patience: Duration = .seconds(30), longestLine: Int = 1000) {
        self.total = total
        self.patience = patience
        self.longestLine = longestLine
    }

    /// Bytes that are held now.
    package var used: Int { state.withLock { $0.used } }
    /// How many are waiting for a share.
    package var waiting: Int { state.withLock { $0.line.count } }

    /// Holds a share until it is released; the caller releases exactly what it took. Throws `Overloaded`.
    ///
    /// - Parameter patience: how long to wait, where it is not as long as everybody.
    package func take(_ bytes: Int, patience: Duration? = nil) async throws {
        let (isTaken, id) = state.withLock { state -> (Bool?, UInt64) in
            state.next += 1
            if state.line.isEmpty, fits(bytes, state) {
                state.used += bytes
                return (true, state.next)
            }
            guard state.line.count < longestLine else { return (false, state.next) }
            state.coming.insert(state.next)
            return (nil, state.next)
        }
        if isTaken == true { return }
        guard isTaken == nil else { throw Overloaded() }
        let timer = Task { [patience = patience ?? self.patience] in
            try? await Task.sleep(for: patience)  // a cancelled sleep means that the wait is over already
            if !Task.isCancelled { self.leave(id) }
        }
        defer { timer.cancel() }
        let isAdmitted = await withTaskCancellationHandler {
            await withCheckedContinuation { turn in
                let answer = state.withLock { state -> Bool? in
                    guard state.coming.remove(id) != nil else { return false }
                    // A share may have become free since.
                    if state.line.isEmpty, fits(bytes, state) {
                        state.used += bytes
                        return true
                    }
                    state.line.append(Waiting(id: id, bytes: bytes, turn: turn))
                    return nil
                }
                if let answer { turn.resume(returning: answer) }
            }
        } onCancel: {
            leave(id)
        }
        guard isAdmitted else { throw Overloaded() }
    }

    package func release(_ bytes: Int) {
        let admitted = state.withLock { state -> [Waiting] in
            state.used -= bytes
            var admitted: [Waiting] = []
            while let first = state.line.first, fits(first.bytes, state) {
                state.used += first.bytes
                admitted.append(state.line.removeFirst())
            }
            return admitted
        }
        for one in admitted { one.turn.resume(returning: true) }
    }

    private func fits(_ bytes: Int, _ state: State) -> Bool { state.used == 0 || state.used + bytes <= total }

    private func leave(_ id: UInt64) {
        let left = state.withLock { state -> Waiting? in
            guard let index = state.line.firstIndex(where: { $0.id == id }) else {
                state.coming.remove(id)
                return nil
            }
            return state.line.remove(at: index)
        }
        left?.turn.resume(returning: false)
    }
}

/// One request's share of a `ByteBudget`, given back when the request is done.
package final class ByteShare: Sendable {
    private let budget: ByteBudget
    private let held = Mutex(0)

    package init(of budget: ByteBudget) { self.budget = budget }
    deinit { release() }

    /// Takes the share. A second call does nothing: the first one asks for all that the request may need.
    package func take(_ bytes: Int) async throws {
        guard held.withLock({ $0 == 0 }) else { return }
        try await budget.take(bytes)
        held.withLock { $0 = bytes }
    }

    package func release() {
        let bytes = held.withLock { held in
            defer { held = 0 }
            return held
        }
        if bytes > 0 { budget.release(bytes) }
    }
}
