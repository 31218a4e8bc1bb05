import Desk
import Domain
import Foundation
import HTTPTypes
import Hummingbird
import Markup
import NIOCore
import Primitives
import Store

/// News for open pages by server-sent events (WHATWG HTML, section 9.2), and who is at a ticket.
enum LiveRoutes {
    static var routes: [Route] {
        [
            .get("/desk/live", for: .agent(.viewer), live),
            .post("/desk/tickets/:number/presence", for: .agent(.viewer), presence),
        ]
    }

    @Sendable private static func live(_ call: Call) async throws -> Response {
        let agent = try call.agent()
        var ticket: Ticket.ID?
        if let number = call.query("ticket").flatMap({ Int64($0) }) {
            ticket = try await call.desk.read { try $0.ticket(number: number, for: .agent(agent)).id }
        }
        let desk = call.desk
        let watched = ticket
        let line = LiveLine(
            token: Cookies.value(Cookies.session, in: call.request, call.desk) ?? "", agent: agent.id, ticket: ticket,
            web: call.web)
        let (seen, shown) = (call.query("seen").flatMap { Int($0) }, call.query("event").flatMap { Int64($0) })
        let body = ResponseBody { writer in
            let (id, news) = desk.feed.subscribe(to: watched)
            defer {
                desk.feed.leave(id)
                if let watched {
                    desk.feed.note(
                        Presence(ticket: watched, agent: agent.id, name: agent.name, mode: .gone), at: desk.clock.now())
                }
            }
            if let watched {
                desk.feed.note(
                    Presence(ticket: watched, agent: agent.id, name: agent.name, mode: .reading), at: desk.clock.now())
            }
            try await writer.write(ByteBuffer(string: "retry: 2000\n\n"))
            // What happened between the making of the page and this line would be missed otherwise.
            var lists = ListNews(agent: agent, known: seen ?? desk.feed.generation)
            if let seen, seen != desk.feed.generation, let text = await lists.text(desk) {
                try await writer.write(ByteBuffer(string: text))
            }
            if let watched, let shown,
                try await desk.read({ try $0.latestEvents(of: watched, limit: 1).last?.id.number ?? 0 }) > shown
            {
                try await writer.write(ByteBuffer(string: text(of: .ticket)))
            }
            for await item in news {
                // Rights are asked for when something is delivered, not when the line began; without them it ends.
                guard await line.isOpen() else { break }
                // A reader gives no sign of their own: the open line is one.
                if item == .beat, let watched,
                    !desk.feed.present(at: watched, now: desk.clock.now()).contains(where: {
                        $0.agent == agent.id && $0.mode == .writing
                    })
                {
                    desk.feed.note(
                        Presence(ticket: watched, agent: agent.id, name: agent.name, mode: .reading),
                        at: desk.clock.now())
                }
                if item == .desk {
                    if let text = await lists.text(desk) { try await writer.write(ByteBuffer(string: text)) }
                } else {
                    try await writer.write(ByteBuffer(string: text(of: item)))
                }
            }
            try await writer.finish(nil)
        }
        return Response(
            status: .ok,
            headers: [
                .contentType: "text/event-stream", .cacheControl: "no-store", HTTPField.Name.accelBuffering: "no",
            ], body: body)
    }

    private static func text(of news: Feed.News) -> String {
        switch news {
        case .desk: return ListNews.unknown
        case .ticket: return "event: ticket\ndata: {}\n\n"
        case .beat: return ": \n\n"
        case .present(let people):
            var json = JSONText()
            json.object { json in
                json.field("people", array: people) { json, person in
                    json.object { json in
                        json.field("agent", person.agent.number)
                        json.field("name", person.name)
                        json.field("mode", person.mode.rawValue)
                    }
                }
            }
            return "event: present\ndata: \(String(decoding: json.bytes, as: UTF8.self))\n\n"
        }
    }

    @Sendable private static func presence(_ call: Call) async throws -> Response {
        let (number, agent) = (try call.number(), try call.agent())
        let form = try await call.form()
        guard let mode = form["mode"].flatMap({ Presence.Mode(rawValue: $0) }) else {
            throw Refusal.invalid("mode", .required)
        }
        let ticket = try await call.desk.read { try $0.ticket(number: number, for: .agent(agent)).id }
        call.desk.feed.note(
            Presence(ticket: ticket, agent: agent.id, name: agent.name, mode: mode), at: call.desk.clock.now())
        return Response(status: .noContent)
    }
}

/// What a page is told when something happened somewhere: the counts beside the lists, and which lists may look
/// otherwise, so that no page asks for what has not changed for its reader.
private struct ListNews {
    let agent: Agent
    /// How much had happened when the page was last told.
    var known: Int
    private var told: [WorkList: ListCount] = [:]
    static let unknown = "event: desk\ndata: {}\n\n"

    init(agent: Agent, known: Int) {
        self.agent = agent
        self.known = known
    }

    /// Nil where nothing changed for this reader.
    mutating func text(_ desk: Desk) async -> String? {
        do {
            let counts = try await desk.counts.freshCounts(for: agent, on: desk)
            let lists = try await desk.counts.listsChanged(since: known, for: agent, on: desk)
            known = counts.generation
            if let lists, lists.isEmpty, counts.lists == told { return nil }
            told = counts.lists
            var json = JSONText()
            json.object { json in
                json.field(
                    "counts",
                    object: { json in
                        for (list, count) in counts.lists { json.dynamicField(list.rawValue, .string(count.text)) }
                    })
                if let lists { json.field("lists", WorkList.allCases.filter(lists.contains).map(\.rawValue)) }
            }
            return "event: desk\ndata: \(String(decoding: json.bytes, as: UTF8.self))\n\n"
        } catch {
            // The database is away: the page finds out when it asks.
            return Self.unknown
        }
    }
}

/// One open line: whether its agent is still signed in and still sees the ticket. The answer is remembered for as long
/// as nothing has happened in this process, at most for some seconds.
private actor LiveLine {
    private let token: String
    private let agent: Agent.ID
    private let ticket: Ticket.ID?
    private let web: Web
    /// What had happened, and when the answer was found.
    private var last: (events: Int, rights: Int, until: UInt64)?
    private static let lifetime: UInt64 = 5_000_000_000

    init(token: String, agent: Agent.ID, ticket: Ticket.ID?, web: Web) {
        self.token = token
        self.agent = agent
        self.ticket = ticket
        self.web = web
    }

    func isOpen() async -> Bool {
        let (events, rights, now) = (
            web.desk.feed.generation, web.desk.rights.current, DispatchTime.now().uptimeNanoseconds
        )
        if let last, last.events == events, last.rights == rights, last.until > now { return true }
        do {
            guard let found = try await web.sessions.session(token: token, web.desk)?.agent, found.id == agent else {
                return false
            }
            if let ticket, try await !web.desk.read({ try $0.may(.agent(found), .seeInside, ticket) }) { return false }
        } catch {
            // What cannot be looked up is not delivered; the page opens the line anew.
            return false
        }
        last = (events, rights, now + Self.lifetime)
        return true
    }
}

extension HTTPField.Name {
    static let accelBuffering = HTTPField.Name("X-Accel-Buffering")!  // a literal that is a token
}
