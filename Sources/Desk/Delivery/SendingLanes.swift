import Dispatch
import Store
import Synchronization

/// Which mails are on their way, so that one slow server or recipient delays nobody else.
///
/// The desk's own server gets at most eight at once, but one that has been waiting for an answer for some seconds is
/// not counted any longer: a relay that makes us wait for one recipient answers the others. A recipient's domain gets
/// four and an address two, however long they take.
final class SendingLanes: Sendable {
    /// Where a mail goes.
    struct Lane: Sendable {
        /// A mailbox's key, 0 for the desk's own server.
        let server: Int64
        let address: String
        /// How many its server takes at once; nil for the desk's own.
        let mostOfServer: Int?
        var domain: String { address.lastIndex(of: "@").map { String(address[address.index(after: $0)...]) } ?? "" }
    }

    private static let most = 64
    private static let mostOfOwnServer = 8
    private static let mostOfDomain = 4
    private static let mostOfAddress = 2

    private let slow: UInt64
    private let state = Mutex<[OutboxMail.ID: (lane: Lane, began: UInt64)]>([:])

    private let closed = Mutex(false)

    /// - Parameter slow: seconds from which on a mail counts as slow.
    init(slow: Double = 5) { self.slow = UInt64(slow * 1e9) }

    func enter(_ mail: OutboxMail.ID, _ lane: Lane) {
        state.withLock { $0[mail] = (lane, DispatchTime.now().uptimeNanoseconds) }
    }
    func leave(_ mail: OutboxMail.ID) { _ = state.withLock { $0.removeValue(forKey: mail) } }
    /// No more mails are taken up: the program is stopping.
    func close() { closed.withLock { $0 = true } }
    var isClosed: Bool { closed.withLock { $0 } }
    var isEmpty: Bool { state.withLock { $0.isEmpty } }

    /// What is on its way now, to choose from what waits.
    func load() -> Load {
        let now = DispatchTime.now().uptimeNanoseconds
        return state.withLock { state in
            var load = Load()
            for (lane, began) in state.values { load.count(lane, isSlow: now - began > slow) }
            return load
        }
    }

    /// How much is on its way, by server, domain and address.
    struct Load: Sendable {
        private var total = 0
        private var all: [Int64: Int] = [:]
        private var quick: [Int64: Int] = [:]
        private var domains: [String: Int] = [:]
        private var addresses: [String: Int] = [:]
        /// How many each mailbox's server takes at once, as far as it is known here.
        private var limits: [Int64: Int] = [:]

        mutating func count(_ lane: Lane, isSlow: Bool = false) {
            total += 1
            all[lane.server, default: 0] += 1
            if !isSlow { quick[lane.server, default: 0] += 1 }
            domains[lane.domain, default: 0] += 1
            addresses[lane.address, default: 0] += 1
            limits[lane.server] = lane.mostOfServer
        }

        var isFull: Bool { total >= SendingLanes.most }
        var fullServers: [Int64] { all.keys.filter { isFull(server: $0, limits[$0]) } }
        /// A mailbox's server that takes two at once must not give both to one domain.
        var fullDomains: [String] { domains.filter { $0.value >= SendingLanes.mostOfDomain }.map(\.key) }
        var fullAddresses: [String] { addresses.filter { $0.value >= SendingLanes.mostOfAddress }.map(\.key) }
        func isServerIdle(_ server: Int64) -> Bool { all[server, default: 0] == 0 }

        private func isFull(server: Int64, _ limit: Int?) -> Bool {
            limit.map { all[server, default: 0] >= $0 } ?? (quick[server, default: 0] >= SendingLanes.mostOfOwnServer)
        }

        /// Takes a mail up if there is room for it.
        mutating func take(_ lane: Lane) -> Bool {
            let ofDomain =
                lane.mostOfServer.map { min(SendingLanes.mostOfDomain, max(1, $0 / 2)) } ?? SendingLanes.mostOfDomain
            guard !isFull, !isFull(server: lane.server, lane.mostOfServer), domains[lane.domain, default: 0] < ofDomain,
                addresses[lane.address, default: 0] < SendingLanes.mostOfAddress
            else { return false }
            count(lane)
            return true
        }
    }
}
