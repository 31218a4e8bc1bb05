import CPostgreSQL
import Foundation
import Synchronization

/// Hears `NOTIFY` on a connection and a thread of its own (PostgreSQL 15, section 34.9); opens it anew when it is lost.
final class PostgresListener: Listening {
    private let stopped = Mutex(false)
    private static let wait: Int32 = 500

    init(address: String, channel: String, _ heard: @escaping @Sendable (String) -> Void) {
        let thread = Thread { [self] in work(address, channel, heard) }
        thread.name = "usher-listener"
        thread.start()
    }

    func stop() { stopped.withLock { $0 = true } }

    private func work(_ address: String, _ channel: String, _ heard: (String) -> Void) {
        while !stopped.withLock({ $0 }) {
            let handle = PQconnectdb(address)
            if PQstatus(handle) == CONNECTION_OK {
                let begun = PQexec(handle, "LISTEN \(channel)")
                let listens = PQresultStatus(begun) == PGRES_COMMAND_OK
                PQclear(begun)
                if listens { hear(handle, heard) }
            }
            PQfinish(handle)
            if !stopped.withLock({ $0 }) { Thread.sleep(forTimeInterval: 1) }
        }
    }

    /// Returns when the connection is lost or the listener stopped.
    private func hear(_ handle: OpaquePointer?, _ heard: (String) -> Void) {
        while !stopped.withLock({ $0 }) {
            var waiting = pollfd(fd: PQsocket(handle), events: Int16(POLLIN), revents: 0)
            guard poll(&waiting, 1, Self.wait) >= 0 || errno == EINTR else { return }
            guard PQconsumeInput(handle) == 1 else { return }
            while let notice = PQnotifies(handle) {
                heard(String(cString: notice.pointee.extra))
                PQfreemem(notice)
            }
        }
    }
}
