import NIOCore
import Synchronization

/// Whether the other end of a connection still waits for what it asked.
final class PeerWatch: Sendable {
    private let id: ObjectIdentifier
    /// Nanoseconds of the machine's uptime when it stopped sending; 0 while it may send.
    private let closedAt = Atomic<UInt64>(0)
    private let isEnded = Atomic<Bool>(false)
    /// A program may close its side and still wait for the answer; it is given so long. A browser that went away looks
    /// just the same.
    private static let patience: UInt64 = 1_000_000_000

    private static let all = Mutex<[ObjectIdentifier: PeerWatch]>([:])

    private init(_ id: ObjectIdentifier) { self.id = id }

    /// Begins with a connection, and is known by its channel until `end`.
    static func enter(_ channel: any Channel) -> PeerWatch {
        let peerWatch = PeerWatch(ObjectIdentifier(channel))
        all.withLock { $0[peerWatch.id] = peerWatch }
        return peerWatch
    }
    /// Nil for channels of tests, which no handler watches.
    static func of(_ channel: any Channel) -> PeerWatch? { all.withLock { $0[ObjectIdentifier(channel)] } }

    func close() { closedAt.store(NIODeadline.now().uptimeNanoseconds, ordering: .relaxed) }
    func end() {
        isEnded.store(true, ordering: .relaxed)
        _ = Self.all.withLock { $0.removeValue(forKey: id) }
    }

    var isGone: Bool {
        if isEnded.load(ordering: .relaxed) { return true }
        let closed = closedAt.load(ordering: .relaxed)
        return closed != 0 && NIODeadline.now().uptimeNanoseconds > closed + Self.patience
    }
}
