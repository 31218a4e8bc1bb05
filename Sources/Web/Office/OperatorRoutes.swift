import Desk
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import Primitives
import Store
import Synchronization

/// What operators and their monitors ask, and the front door.
enum OperatorRoutes {
    static var routes: [Route] {
        [
            .get("/healthz", for: .anyone) { _ in plain("ok") },
            .get("/readyz", for: .anyone, ready),
            .get("/metrics", for: .anyone, metrics),
        ]
    }

    private static func plain(_ text: String, type: String = "text/plain; charset=utf-8") -> Response {
        Response(status: .ok, headers: [.contentType: type], body: .init(byteBuffer: ByteBuffer(string: text)))
    }

    /// This machine, and whom the operator named. A request that a proxy on this machine passed on is not from this
    /// machine.
    private static func mayReadMetrics(_ call: Call) -> Bool {
        if call.web.metricsReaders.contains(call.place) { return true }
        let isPassedOn = call.request.headers[.xForwardedFor] != nil || call.request.headers[.forwarded] != nil
        let isHere =
            call.place.isEmpty || call.place == "::1" || call.place.hasPrefix("127.")
            || call.place.hasPrefix("::ffff:127.")
        return isHere && (!isPassedOn || call.web.proxies.contains(call.context.peer))
    }

    /// 200 when a request could be kept now: the database takes a write, and there is room for files. Asked at most
    /// once a second.
    @Sendable private static func ready(_ call: Call) async throws -> Response {
        guard let reason = await call.web.readiness.fault(call.desk) else { return plain("ok") }
        return Response(
            status: .serviceUnavailable, headers: [.contentType: "text/plain; charset=utf-8", .retryAfter: "2"],
            body: .init(byteBuffer: ByteBuffer(string: reason)))
    }

    @Sendable private static func metrics(_ call: Call) async throws -> Response {
        guard mayReadMetrics(call) else { throw Refusal.notFound }
        var text = call.web.measures.text
        let database = call.desk.database.measures
        func counter(_ name: String, _ value: Int) { text += "# TYPE \(name) counter\n\(name) \(value)\n" }
        counter("usher_database_reads_total", database.reads)
        counter("usher_database_writes_total", database.writes)
        counter("usher_database_commits_total", database.commits)
        counter("usher_database_retries_total", database.retries)
        counter("usher_database_reconnects_total", database.reconnects)
        text += "# TYPE usher_database_connections gauge\nusher_database_connections \(database.connections)\n"
        let backlog = try await call.desk.read { try $0.backlog(at: call.desk.clock.now()) }
        text += "# TYPE usher_outbox gauge\n"
        for (state, count) in backlog.outbox { text += "usher_outbox{state=\"\(state)\"} \(count)\n" }
        text += "# TYPE usher_outbox_oldest_seconds gauge\nusher_outbox_oldest_seconds \(backlog.oldestMail)\n"
        text +=
            """
            # TYPE usher_jobs gauge\nusher_jobs \(backlog.jobs)\n# TYPE usher_jobs_overdue \
            gauge\nusher_jobs_overdue \(backlog.jobsOverdue)\n
            """
        return plain(text, type: "text/plain; version=0.0.4; charset=utf-8")
    }
}

/// Whether requests can be kept, asked anew after a second, and answered within one whatever the database does.
final class Readiness: Sendable {
    private struct State {
        var fault: String?
        var at: UInt64 = 0
        var isAsking = false
        var waiting: [CheckedContinuation<String?, Never>] = []
    }
    private let state = Mutex(State())
    private static let lifetime: UInt64 = 1_000_000_000
    private static let longest = Duration.milliseconds(700)
    private static let silent = "the database does not answer"

    /// Nil when all is well; else words that give nothing away.
    func fault(_ desk: Desk) async -> String? {
        if desk.database.isAway { return Self.silent }
        return await withCheckedContinuation { continuation in
            let (known, asks): (State?, Bool) = state.withLock { state in
                if state.at != 0, DispatchTime.now().uptimeNanoseconds - state.at < Self.lifetime {
                    return (state, false)
                }
                state.waiting.append(continuation)
                defer { state.isAsking = true }
                return (nil, !state.isAsking)
            }
            if let known { return continuation.resume(returning: known.fault) }
            // Who waits is answered in time; the question goes on and serves the next.
            Task {
                try? await Task.sleep(for: Self.longest)  // never cancelled
                self.answer(Self.silent, isLate: true)
            }
            guard asks else { return }
            Task {
                var fault: String?
                do { try await desk.tryWrite() } catch StoreError.full { fault = "no room is left on the disk" } catch {
                    fault = Self.silent
                }
                self.answer(fault, isLate: false)
            }
        }
    }

    private func answer(_ fault: String?, isLate: Bool) {
        let waiting = state.withLock { state in
            if !isLate {
                state.isAsking = false
                state.fault = fault
                state.at = DispatchTime.now().uptimeNanoseconds
            }
            defer { state.waiting = [] }
            return state.waiting
        }
        for one in waiting { one.resume(returning: fault) }
    }
}
