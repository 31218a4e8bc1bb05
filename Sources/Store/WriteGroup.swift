import Synchronization

/// A write that waits to be committed, together with others perhaps.
struct WaitingWrite: Sendable {
    let errand: Errand
    let run: @Sendable (any Connection) throws -> Void
    /// Tells the caller how it ended: nil when it was committed.
    let finish: @Sendable ((any Error)?) -> Void

    /// Writes that share one commit, at most.
    static let largestGroup = 64
}

extension WaitingWrite {
    init<T: Sendable>(
        _ errand: Errand, _ body: @escaping @Sendable (any Connection) throws -> T,
        _ continuation: CheckedContinuation<T, any Error>
    ) {
        let box = ResultBox<T>()
        self.init(
            errand: errand,
            run: { db in
                box.value.withLock { $0 = nil }
                let value = try body(db)
                box.value.withLock { $0 = value }
            },
            finish: { error in
                if let error { return continuation.resume(throwing: error) }
                guard let value = box.value.withLock({ $0 }) else {
                    return continuation.resume(throwing: StoreError.unavailable("the write was not run"))
                }
                continuation.resume(returning: value)
            })
    }
}

private final class ResultBox<T: Sendable>: Sendable {
    let value = Mutex<T?>(nil)
}

/// A connection on which several writes share one transaction.
protocol GroupConnection: Connection {
    /// Counts up with whatever may have changed something in this transaction.
    var changes: Int64 { get }
    /// Whether the engine has ended the transaction by itself.
    var hasLostTransaction: Bool { get }
    /// Begins one write's time.
    func begin(_ errand: Errand)
    /// Waits for what was put off with `later`.
    func settle() throws
    /// Forgets texts that were put off and then undone.
    func dropTexts()
    /// Whether a write that failed so is refused for good, and would be refused again.
    func isFinal(_ error: any Error) -> Bool
}

/// A write was refused after it had changed something.
struct Entangled: Error {
    let cause: any Error
}

extension GroupConnection {
    /// Runs a group's writes one after the other inside a transaction that has begun, and returns what each was refused
    /// with. Throws where none may be committed: `Entangled` where they may be run again, each behind a savepoint of
    /// its own, else where each needs a transaction of its own.
    ///
    /// - Parameter apart: a savepoint for each costs; so there is none until a write is refused after it had changed
    ///   something, which is seldom.
    func run(_ group: [WaitingWrite], apart: Bool) throws -> [(any Error)?] {
        var refusals: [(any Error)?] = []
        refusals.reserveCapacity(group.count)
        for write in group {
            begin(write.errand)
            refusals.append(try apart ? runApart(write) : runTogether(write))
        }
        return refusals
    }

    private func runTogether(_ write: WaitingWrite) throws -> (any Error)? {
        let before = changes
        do { try write.run(self) } catch {
            guard isFinal(error) else { throw error }
            guard !hasLostTransaction, changes == before else { throw Entangled(cause: error) }
            return error
        }
        return nil
    }

    /// A refusal undoes this write only.
    private func runApart(_ write: WaitingWrite) throws -> (any Error)? {
        // Should this write search and then be refused, its neighbours' texts are not undone with it.
        try settleIndex()
        try execute("SAVEPOINT one")
        do {
            try write.run(self)
            try settle()
            try execute("RELEASE one")
            return nil
        } catch {
            guard !hasLostTransaction else { throw error }
            try execute("ROLLBACK TO one")
            try execute("RELEASE one")
            dropTexts()
            guard isFinal(error) else { throw error }
            return error
        }
    }
}
