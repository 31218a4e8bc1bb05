import NIOPosix

/// Threads for work that takes a while, such as reading a stranger's message: it holds up neither the threads that
/// serve everybody nor a transaction.
package struct BlockingLane: Sendable {
    private let pool: NIOThreadPool

    /// - Parameter threads: how much is worked on at once; the rest waits its turn.
    package init(threads: Int) {
        pool = NIOThreadPool(numberOfThreads: threads)
        pool.start()
    }

    /// For messages that came in.
    package static let reading = BlockingLane(threads: 2)
    /// For what requests bring: files to write, JSON and forms to read.
    package static let requests = BlockingLane(threads: 4)

    package func run<Result: Sendable>(_ work: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await pool.runIfActive(work)
    }
}
