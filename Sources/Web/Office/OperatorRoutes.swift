import Desk
import Foundation
import HTTPTypes
import Hummingbird
import Markup
import NIOCore
import Store

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

    /// This machine, and whom the operator named. A request that a proxy on this machine passed on is not from this machine.
    private static func mayReadMetrics(_ call: Call) -> Bool {
        if call.web.metricsReaders.contains(call.place) { return true }
        let isPassedOn = call.request.headers[.xForwardedFor] != nil || call.request.headers[.forwarded] != nil
        let isHere = call.place.isEmpty || call.place == "::1" || call.place.hasPrefix("127.") || call.place.hasPrefix("::ffff:127.")
        return isHere && (!isPassedOn || call.web.proxies.contains(call.context.peer))
    }

    @Sendable private static func ready(_ call: Call) async throws -> Response {
        _ = try await call.desk.read { try $0.value("SELECT 1", as: Int64.self) }
        return plain("ok")
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
        let backlog = try await call.desk.read { try $0.backlog(at: call.desk.clock.now()) }
        text += "# TYPE usher_outbox gauge\n"
        for (state, count) in backlog.outbox { text += "usher_outbox{state=\"\(state)\"} \(count)\n" }
        text += "# TYPE usher_outbox_oldest_seconds gauge\nusher_outbox_oldest_seconds \(backlog.oldestMail)\n"
        text += "# TYPE usher_jobs gauge\nusher_jobs \(backlog.jobs)\n# TYPE usher_jobs_overdue gauge\nusher_jobs_overdue \(backlog.jobsOverdue)\n"
        return plain(text, type: "text/plain; version=0.0.4; charset=utf-8")
    }
}
