import Domain
import Foundation
import Logging
import Primitives
import ServiceLifecycle
import Store
import Synchronization

/// Carries live news between processes.
///
/// The events in the database are the truth: each second it is looked for what others recorded, by the events' numbers,
/// so that nothing is missed whatever happened to a line, and so that a command beside the server is heard. On
/// PostgreSQL `LISTEN/NOTIFY` tells of the same a little sooner; where a pooler swallows it, the look each second is
/// enough.
package struct LiveRelay: Service {
    private let desk: Desk
    private let node = Secret.random()
    private static let channel = "usher_live"
    private static let step = Duration.milliseconds(250)
    /// Events in one notification; PostgreSQL takes 8,000 bytes.
    private static let most = 200

    package init(desk: Desk) { self.desk = desk }

    package func run() async throws {
        let wakes = Mutex(false)
        let listening = desk.database.listen(Self.channel) { [feed = desk.feed, clock = desk.clock, node] heard in
            switch heard {
            case .message(let text): Self.hear(text, feed, clock, node: node)
            // What was told while the line was down is in the database.
            case .began: wakes.withLock { $0 = true }
            case .ended: break
            }
        }
        desk.feed.beginRelaying(toNodes: listening != nil)
        await withGracefulShutdownHandler {
            await cancelWhenGracefulShutdown {
                await work(tellsOthers: listening != nil) {
                    wakes.withLock { wakes in
                        defer { wakes = false }
                        return wakes
                    }
                }
            }
        } onGracefulShutdown: {
            desk.feed.stop()
        }
        listening?.stop()
    }

    private func work(tellsOthers: Bool, isWoken: () -> Bool) async {
        var seen = SeenEvents()
        var steps = 0
        while !Task.isCancelled {
            do {
                if tellsOthers { try await tell() }
                if steps % 4 == 0 || isWoken() { try await lookForOthers(&seen) }
            } catch {
                if !Task.isCancelled, !desk.database.isAway {
                    desk.log.warning(
                        "live updates could not be sent to other servers", metadata: ["detail": "\(error)"])
                }
            }
            if steps % 2 == 0 { desk.feed.pulse() }
            if steps % 20 == 0 { desk.feed.sweep(at: desk.clock.now()) }
            if steps % 80 == 0 { desk.feed.beat() }
            steps += 1
            try? await Task.sleep(for: Self.step)  // cancelled at shutdown: the loop ends
        }
    }

    /// What this node did, in as few notifications as it fits into. What could not be told stays for the next time.
    func tell() async throws {
        let (events, presence) = desk.feed.takeOutgoing()
        var messages: [JSON] = stride(from: 0, to: events.count, by: Self.most).map { start in
            let part = events[start..<min(start + Self.most, events.count)]
            return [
                "node": .string(node), "events": .array(part.flatMap { [JSON($0.id.number), JSON($0.ticket.number)] }),
            ]
        }
        messages += presence.map {
            [
                "node": .string(node), "ticket": JSON($0.ticket.number), "agent": JSON($0.agent.number),
                "name": .string($0.name), "mode": .string($0.mode.rawValue),
            ]
        }
        guard !messages.isEmpty else { return }
        let texts = messages.map(\.written)
        do {
            try await desk.database.write { db in
                for text in texts { try db.run("SELECT pg_notify(\(Self.channel), \(text))") { _ in } }
            }
        } catch {
            desk.feed.putBack(events, presence)
            throw error
        }
    }

    private static func hear(_ text: String, _ feed: Feed, _ clock: any WallClock, node: String) {
        guard let message = JSON(text), let from = message["node"]?.text, from != node else { return }
        if case .array(let numbers)? = message["events"] {
            let ids = numbers.compactMap(\.integer)
            feed.hear(
                stride(from: 0, to: ids.count - 1, by: 2).map {
                    Recorded.Event(id: TicketEvent.ID(ids[$0]), ticket: Ticket.ID(ids[$0 + 1]))
                })
        } else if let ticket = message["ticket"]?.integer, let agent = message["agent"]?.integer,
            let mode = message["mode"]?.text.flatMap({ Presence.Mode(rawValue: $0) })
        {
            feed.note(
                Presence(
                    ticket: Ticket.ID(ticket), agent: Agent.ID(agent), name: message["name"]?.text ?? "", mode: mode),
                at: clock.now(), isForeign: true)
        }
    }

    /// What was recorded since the last look, whoever did it; the feed knows what it told already.
    func lookForOthers(_ seen: inout SeenEvents) async throws {
        let from = seen.from
        let events: [Recorded.Event] = try await desk.read { db in
            guard let from else {
                return try db.query(
                    "SELECT id, ticket_id FROM ticket_event ORDER BY id DESC LIMIT \(SeenEvents.overlap)"
                ) { Recorded.Event(id: try $0.read(), ticket: try $0.read()) }
            }
            return try db.query(
                "SELECT id, ticket_id FROM ticket_event WHERE id > \(from) ORDER BY id LIMIT \(SeenEvents.mostAtOnce)"
            ) {
                Recorded.Event(id: try $0.read(), ticket: try $0.read())
            }
        }
        let fresh = seen.note(events)
        if from != nil { desk.feed.hear(fresh) }
    }
}

/// Which events were looked at. Numbers are given before the commit, so on PostgreSQL a lower one may appear after a
/// higher one: the last few hundred are read again each time, and only those that are new count.
struct SeenEvents {
    static let overlap = 200
    static let mostAtOnce = 10_000
    private var newest: Int64?
    private var recent: Set<Int64> = []

    /// Events behind this number are to be read; nil before the first look.
    var from: Int64? { newest.map { max(0, $0 - Int64(Self.overlap)) } }

    /// Returns those that were not seen before.
    mutating func note(_ events: [Recorded.Event]) -> [Recorded.Event] {
        let fresh = events.filter { recent.insert($0.id.number).inserted }
        newest = max(newest ?? 0, events.map(\.id.number).max() ?? 0)
        let oldest = from ?? 0
        if recent.count > Self.overlap * 4 { recent = recent.filter { $0 > oldest } }
        return fresh
    }
}
