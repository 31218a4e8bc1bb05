import Foundation
import HTTPTypes
import Mail
import NIOCore
import NIOHTTPTypes
import Synchronization

/// How many connections may be open, and how long one may keep us waiting.
///
/// When all places are taken, the connections that have been idle longest make room for new ones, so that whoever opens
/// many and says nothing shuts nobody out. Only connections with a request under way keep their places.
package final class ConnectionLimits: Sendable {
    package struct Patience: Sendable {
        /// From opening a connection until the header of the first request is there.
        package var header: TimeAmount = .seconds(30)
        /// While a body is waited for: so long at first, and a second more for each `bytesPerSecond`.
        package var body: TimeAmount = .seconds(20)
        package var bytesPerSecond: Int64 = 1024
        /// For a client that does not read its answer.
        package var answer: TimeAmount = .seconds(60)
        /// For the rest of a body that nobody reads, so that the client sees the answer before the connection ends.
        package var rest: TimeAmount = .seconds(10)
        package var restBytes = 32 << 20
        package init() {}
    }

    /// Connections in all.
    package let most: Int
    /// Connections of one network: an IPv4 address, or an IPv6 network of 64 bits.
    package let mostOfNetwork: Int
    let patience: Patience
    /// Networks our own proxies stand in.
    private let proxies: Set<String>
    private let open = Mutex<[ObjectIdentifier: Connection]>([:])

    /// One connection, as its handler reports on it.
    final class Connection: Sendable {
        let network: String
        let channel: any Channel
        /// Nanoseconds of the machine's uptime since when no request is under way; 0 while one is.
        let idleSince = Atomic<UInt64>(NIODeadline.now().uptimeNanoseconds)
        let peerWatch: PeerWatch

        init(network: String, channel: any Channel) {
            self.network = network
            self.channel = channel
            peerWatch = PeerWatch.enter(channel)
        }
    }

    /// - Parameter proxies: addresses of our own proxies, through which many visitors come.
    package init(most: Int, proxies: Set<String> = [], patience: Patience = Patience()) {
        self.most = most
        mostOfNetwork = max(1, most / 2)
        self.proxies = Set(proxies.map(NetworkAddress.network(of:)))
        self.patience = patience
    }

    /// Connections that are open now.
    package var count: Int { open.withLock { $0.count } }

    /// Gives a connection a place, for which others that are idle may have to go; false where there is none.
    func enter(_ connection: Connection) -> Bool {
        let (isAdmitted, leaving) = open.withLock { open -> (Bool, [Connection]) in
            var leaving: [Connection] = []
            if !proxies.contains(connection.network) {
                let ofNetwork =
                    open.count < mostOfNetwork ? [] : open.values.filter { $0.network == connection.network }
                if ofNetwork.count >= mostOfNetwork {
                    leaving = Self.longestIdle(ofNetwork, atMost: mostOfNetwork / 20 + 1)
                    if leaving.isEmpty { return (false, []) }
                }
            }
            if leaving.isEmpty, open.count >= most {
                leaving = Self.longestIdle(Array(open.values), atMost: most / 20 + 1)
                if leaving.isEmpty { return (false, []) }
            }
            for one in leaving { open[ObjectIdentifier(one)] = nil }
            open[ObjectIdentifier(connection)] = connection
            return (true, leaving)
        }
        for one in leaving { one.channel.close(promise: nil) }
        return isAdmitted
    }

    func leave(_ connection: Connection) {
        open.withLock { _ = $0.removeValue(forKey: ObjectIdentifier(connection)) }
    }

    /// Several at once, so that looking for them is not done for each new connection.
    private static func longestIdle(_ connections: [Connection], atMost count: Int) -> [Connection] {
        let idle = connections.compactMap { connection -> (Connection, UInt64)? in
            let since = connection.idleSince.load(ordering: .relaxed)
            return since > 0 ? (connection, since) : nil
        }
        return idle.sorted { $0.1 < $1.1 }.prefix(count).map(\.0)
    }

    /// Raises the limit of open files to what the system allows, and returns how many connections fit below it.
    package static func withinFileLimit(reserve: Int = 200, atMost most: Int = 20_000) -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 500 }
        if limit.rlim_cur < limit.rlim_max {
            var raised = limit
            raised.rlim_cur = min(limit.rlim_max, rlim_t(most + reserve))
            if raised.rlim_cur > limit.rlim_cur, setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0 {
                limit = raised
            }
        }
        let files = Int(min(limit.rlim_cur, rlim_t(most + reserve)))
        return max(min(most, files - reserve), files / 2)
    }

    /// A handler for a new connection, to stand behind the HTTP decoder.
    package func handler() -> any RemovableChannelHandler { ConnectionHandler(limits: self) }
}

/// Watches one connection: whether a request is under way, and whether the other end keeps us waiting too long.
private final class ConnectionHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let limits: ConnectionLimits
    private var connection: ConnectionLimits.Connection?
    private var isReading = false
    /// Requests whose answer is not finished.
    private var unanswered = 0
    private var bodyBytes: Int64 = 0
    /// How long the other end let us wait for this body.
    private var waited: TimeAmount = .zero
    /// Since when we have been waiting; nil while we do not want to read.
    private var waitingSince: NIODeadline?
    /// The answer went out before the request was read.
    private var isResting = false
    private var timer: Scheduled<Void>?
    private var stalled: Scheduled<Void>?

    init(limits: ConnectionLimits) { self.limits = limits }

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { begin(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        begin(context)
        context.fireChannelActive()
    }

    /// The other end sends nothing any more: it has gone, or it only waits for its answer.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event { connection?.peerWatch.close() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { end() }

    private func begin(_ context: ChannelHandlerContext) {
        guard connection == nil else { return }
        let connection = ConnectionLimits.Connection(
            network: NetworkAddress.network(of: context.remoteAddress?.ipAddress ?? ""), channel: context.channel)
        guard limits.enter(connection) else {
            connection.peerWatch.end()
            return context.close(promise: nil)
        }
        self.connection = connection
        // Several pieces may wait for whoever reads them; smaller ones keep that memory small. It fails for channels of
        // tests only, which have no such option.
        _ = context.channel.setOption(
            .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 4096, maximum: 16 << 10))
        closeAfter(limits.patience.header, context)
    }

    private func end() {
        timer?.cancel()
        stalled?.cancel()
        if let connection {
            connection.peerWatch.end()
            limits.leave(connection)
        }
        connection = nil
    }

    // MARK: what comes in

    func read(context: ChannelHandlerContext) {
        if waitingSince == nil { waitingSince = .now() }
        context.read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): beginRequest(head, context)
        case .body(let bytes):
            if let since = waitingSince { waited = waited + (.now() - since) }
            waitingSince = nil
            bodyBytes += Int64(bytes.readableBytes)
            if isResting, bodyBytes > limits.patience.restBytes { context.close(promise: nil) }
        case .end:
            isReading = false
            if isResting { context.close(promise: nil) } else { cancelTimer() }
        }
        context.fireChannelRead(data)
    }

    private func beginRequest(_ head: HTTPRequest, _ context: ChannelHandlerContext) {
        cancelTimer()
        connection?.idleSince.store(0, ordering: .relaxed)
        isReading = true
        unanswered += 1
        bodyBytes = 0
        waited = .zero
        waitingSince = .now()
        let hasBody =
            head.headerFields[.transferEncoding] != nil
            || (head.headerFields[.contentLength].map { $0 != "0" } ?? false)
        if hasBody { watchBody(context) }
    }

    /// Looks again and again whether the body comes fast enough; the time in which we do not read does not count.
    private func watchBody(_ context: ChannelHandlerContext) {
        let patience = limits.patience
        timer = context.eventLoop.assumeIsolated().scheduleTask(
            in: .nanoseconds(max(1_000_000, patience.body.nanoseconds / 4))
        ) { [weak self] in
            guard let self, self.isReading, !self.isResting else { return }
            let now = self.waitingSince.map { self.waited + (.now() - $0) } ?? self.waited
            let allowed = patience.body + .nanoseconds(self.bodyBytes * 1_000_000_000 / patience.bytesPerSecond)
            if now > allowed { context.close(promise: nil) } else { self.watchBody(context) }
        }
    }

    // MARK: what goes out

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let part = unwrapOutboundIn(data)
        if case .head(var head) = part, isReading {
            // The rest of the request is not read, so the next one cannot be told from it.
            head.headerFields[.connection] = "close"
            return context.write(wrapOutboundOut(.head(head)), promise: promise)
        }
        context.write(data, promise: promise)
        if case .end = part { finishAnswer(context) }
    }

    private func finishAnswer(_ context: ChannelHandlerContext) {
        unanswered -= 1
        if isReading {
            isResting = true
            closeAfter(limits.patience.rest, context)
        } else if unanswered == 0 {
            connection?.idleSince.store(NIODeadline.now().uptimeNanoseconds, ordering: .relaxed)
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        stalled?.cancel()
        stalled = nil
        if !context.channel.isWritable {
            stalled = context.eventLoop.assumeIsolated().scheduleTask(in: limits.patience.answer) {
                context.close(promise: nil)
            }
        }
        context.fireChannelWritabilityChanged()
    }

    private func closeAfter(_ time: TimeAmount, _ context: ChannelHandlerContext) {
        cancelTimer()
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: time) { context.close(promise: nil) }
    }

    private func cancelTimer() {
        timer?.cancel()
        timer = nil
    }
}
