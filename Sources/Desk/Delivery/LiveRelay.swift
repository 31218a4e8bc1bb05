import Foundation
import Logging
import Markup
import ServiceLifecycle
import Store

/// Carries live news between processes: `LISTEN/NOTIFY` between the nodes of a desk on PostgreSQL; on SQLite the events that
/// a command beside the server recorded are looked for.
package struct LiveRelay: Service {
    private let desk: Desk
    private let node = Secret.random()
    private static let channel = "usher_live"
    private static let step = Duration.milliseconds(250)
    /// Events in one notification; PostgreSQL takes 8,000 bytes.
    private static let most = 200

    package init(desk: Desk) { self.desk = desk }

    package func run() async throws {
        let listening = desk.database.listen(Self.channel) { [feed = desk.feed, clock = desk.clock, node] in Self.hear($0, feed, clock, node: node) }
        desk.feed.beginRelaying(toNodes: listening != nil)
        await withGracefulShutdownHandler {
            await cancelWhenGracefulShutdown { await work(isListening: listening != nil) }
        } onGracefulShutdown: {
            desk.feed.stop()
        }
        listening?.stop()
    }

    private func work(isListening: Bool) async {
        var last: Int64?
        var steps = 0
        while !Task.isCancelled {
            do {
                if isListening { try await tell() } else if steps % 4 == 0 { last = try await lookForOthers(after: last) }
            } catch {
                if !Task.isCancelled { desk.log.warning("live news could not be passed on", metadata: ["detail": "\(error)"]) }
            }
            if steps % 2 == 0 { desk.feed.pulse() }
            if steps % 20 == 0 { desk.feed.sweep(at: desk.clock.now()) }
            if steps % 80 == 0 { desk.feed.beat() }
            steps += 1
            try? await Task.sleep(for: Self.step)  // cancelled at shutdown: the loop ends
        }
    }

    /// What this node did, in as few notifications as it fits into.
    private func tell() async throws {
        let (events, presence) = desk.feed.takeOutgoing()
        var messages: [JSON] = stride(from: 0, to: events.count, by: Self.most).map { start in
            let part = events[start..<min(start + Self.most, events.count)]
            return ["node": .string(node), "events": .array(part.flatMap { [JSON($0.id.number), JSON($0.ticket.number)] })]
        }
        messages += presence.map { ["node": .string(node), "ticket": JSON($0.ticket.number), "agent": JSON($0.agent.number), "name": .string($0.name), "mode": .string($0.mode.rawValue)] }
        guard !messages.isEmpty else { return }
        let texts = messages.map(\.written)
        try await desk.database.write { db in
            for text in texts { try db.run("SELECT pg_notify(\(Self.channel), \(text))") { _ in } }
        }
    }

    private static func hear(_ text: String, _ feed: Feed, _ clock: any WallClock, node: String) {
        guard let message = JSON(text), let from = message["node"]?.text, from != node else { return }
        if case .array(let numbers)? = message["events"] {
            let ids = numbers.compactMap(\.integer)
            feed.hear(stride(from: 0, to: ids.count - 1, by: 2).map { Recorded.Event(id: TicketEvent.ID(ids[$0]), ticket: Ticket.ID(ids[$0 + 1])) })
        } else if let ticket = message["ticket"]?.integer, let agent = message["agent"]?.integer, let mode = message["mode"]?.text.flatMap({ Presence.Mode(rawValue: $0) }) {
            feed.note(Presence(ticket: Ticket.ID(ticket), agent: Agent.ID(agent), name: message["name"]?.text ?? "", mode: mode), at: clock.now(), isForeign: true)
        }
    }

    /// SQLite numbers events in the order they were committed, so what is new stands behind the last one seen.
    private func lookForOthers(after last: Int64?) async throws -> Int64 {
        let newest = try await desk.read { try $0.value("SELECT max(id) FROM ticket_event", as: Int64?.self) ?? nil } ?? 0
        guard let last, newest > last else { return newest }
        let events = try await desk.read { db in
            try db.query("SELECT id, ticket_id FROM ticket_event WHERE id > \(last) ORDER BY id LIMIT 10000") { Recorded.Event(id: try $0.read(), ticket: try $0.read()) }
        }
        desk.feed.hear(events)
        return newest
    }
}
