import Dispatch
import Store
import Synchronization

/// Whether the last changes could be stored. A trial that writes one row finds room where a request does not: the
/// database's own disk may be full, or a table locked by somebody else.
final class RefusedWrites: Sendable {
    /// Seconds for which a refusal tells something.
    private static let lasting: UInt64 = 15
    private let last = Mutex<(error: StoreError, at: UInt64)?>(nil)

    /// Does a change and notes how it went.
    func watch<T>(_ change: () async throws -> T) async throws -> T {
        do {
            let result = try await change()
            last.withLock { $0 = nil }
            return result
        } catch let error as StoreError {
            switch error {
            case .full, .timedOut: last.withLock { $0 = (error, DispatchTime.now().uptimeNanoseconds) }
            default: break
            }
            throw error
        }
    }

    /// Throws why a change was refused some seconds ago, unless another one was stored since.
    func check() throws {
        guard let last = last.withLock({ $0 }) else { return }
        guard DispatchTime.now().uptimeNanoseconds - last.at < Self.lasting * 1_000_000_000 else { return }
        throw last.error
    }
}
