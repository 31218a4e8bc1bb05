import Domain
import Foundation
import Store
import Synchronization

/// The events of one transaction, for those who look on once it is committed.
package final class Recorded: @unchecked Sendable {
    package struct Event: Sendable, Equatable {
        let id: TicketEvent.ID
        let ticket: Ticket.ID
    }
    var events: [Event] = []
    /// Tickets that were saved.
    var touched: Set<Ticket.ID> = []
    /// Decisions about tickets, in the order in which they were carried out.
    var carriedOut: [CarriedOut] = []
    /// Whether somebody may see or do less or more than before.
    var changesRights = false
    package init() {}
}

/// Who looks at a ticket, and whether with the pen in hand.
package struct Presence: Sendable, Equatable {
    package enum Mode: String, Sendable {
        case reading, writing, gone
    }
    package let ticket: Ticket.ID
    package let agent: Agent.ID
    package let name: String
    package let mode: Mode

    package init(ticket: Ticket.ID, agent: Agent.ID, name: String, mode: Mode) {
        self.ticket = ticket
        self.agent = agent
        self.name = name
        self.mode = mode
    }
}

/// News for open pages: which ticket changed, that the lists may have, who else is here. Nothing in it is kept; a page
/// that missed some reads itself anew.
package final class Feed: Sendable {
    package enum News: Sendable, Equatable {
        /// Something changed somewhere: counts and lists may be old.
        case desk
        /// The ticket a page shows changed.
        case ticket
        /// Who is at the ticket a page shows, in the order they came.
        case present([Presence])
        /// Nothing new; the line is alive.
        case beat
    }

    private struct Subscriber {
        let ticket: Ticket.ID?
        let line: AsyncStream<News>.Continuation
    }
    private struct Seen {
        var presence: Presence
        var until: Date
    }
    private struct State {
        var subscribers: [UUID: Subscriber] = [:]
        var present: [Ticket.ID: [Seen]] = [:]
        var isStale = false
        var generation = 0
        /// The tickets that something happened to since the counts were taken; nil where they were too many to keep.
        var touched: Set<Ticket.ID>? = []

        mutating func touch(_ tickets: some Sequence<Ticket.ID>) {
            touched?.formUnion(tickets)
            if touched?.count ?? 0 > Feed.mostRemembered { touched = nil }
        }
        /// What other nodes have to be told.
        var outgoing: [Recorded.Event] = []
        var outgoingPresence: [Presence] = []
        /// Whether other nodes are told.
        var relays = false
        /// Whether what happened here, or was heard already, is found again among what others did.
        var remembers = false
        /// Two generations, so that what is never found again is forgotten.
        var told: Set<TicketEvent.ID> = []
        var toldBefore: Set<TicketEvent.ID> = []
        var stopped = false

        mutating func remember(_ events: [Recorded.Event]) {
            guard remembers else { return }
            told.formUnion(events.map(\.id))
            guard told.count > Feed.mostRemembered else { return }
            (toldBefore, told) = (told, [])
        }
    }
    private static let mostRemembered = 5000
    /// News that wait for a database that is away; others find what is beyond by the events' numbers.
    private static let mostOutgoing = 10_000
    private let state = Mutex(State())
    /// A writer is taken for gone after this long without a sign; their page gives one more often.
    static let lasting: TimeInterval = 30

    /// Counts up with everything that happens, so that what was counted before is known to be old.
    package var generation: Int { state.withLock { $0.generation } }

    /// Which tickets to look at anew, and how much had happened; nil: all of them.
    func takeTouched() -> (generation: Int, tickets: [Ticket.ID]?) {
        state.withLock { state in
            defer { state.touched = [] }
            return (state.generation, state.touched.map(Array.init))
        }
    }
    /// They could not be looked at.
    func touchAgain(_ tickets: [Ticket.ID]?) {
        state.withLock { state in
            if let tickets { state.touch(tickets) } else { state.touched = nil }
        }
    }

    // MARK: listening

    /// A line of news, for one page. It ends with the program.
    package func subscribe(to ticket: Ticket.ID?) -> (id: UUID, news: AsyncStream<News>) {
        let (news, line) = AsyncStream.makeStream(of: News.self, bufferingPolicy: .bufferingNewest(16))
        let id = UUID()
        let isOver = state.withLock { state in
            state.subscribers[id] = Subscriber(ticket: ticket, line: line)
            return state.stopped
        }
        if isOver { line.finish() }
        return (id, news)
    }
    package func leave(_ id: UUID) { _ = state.withLock { $0.subscribers.removeValue(forKey: id) } }
    package var listeners: Int { state.withLock { $0.subscribers.count } }

    /// Ends all lines, so that the program can stop.
    package func stop() {
        let lines = state.withLock { state in
            state.stopped = true
            defer { state.subscribers = [:] }
            return state.subscribers.values.map(\.line)
        }
        for line in lines { line.finish() }
    }

    // MARK: telling

    /// - Parameter touched: tickets that changed, also those without an event.
    func publish(_ events: [Recorded.Event], touched: Set<Ticket.ID> = []) {
        guard !events.isEmpty || !touched.isEmpty else { return }
        let lines = state.withLock { state in
            state.isStale = true
            state.generation += 1
            state.touch(events.map(\.ticket))
            state.touch(touched)
            if state.relays { state.outgoing += events }
            state.remember(events)
            return self.lines(of: Set(events.map(\.ticket)), in: state)
        }
        for line in lines { line.yield(.ticket) }
    }

    /// What another process did.
    func hear(_ events: [Recorded.Event]) {
        let lines = state.withLock { state in
            let fresh = events.filter { !state.told.contains($0.id) && !state.toldBefore.contains($0.id) }
            guard !fresh.isEmpty else { return [AsyncStream<News>.Continuation]() }
            state.remember(fresh)
            state.touch(fresh.map(\.ticket))
            state.isStale = true
            state.generation += 1
            return self.lines(of: Set(fresh.map(\.ticket)), in: state)
        }
        for line in lines { line.yield(.ticket) }
    }

    private func lines(of tickets: Set<Ticket.ID>, in state: State) -> [AsyncStream<News>.Continuation] {
        guard !state.subscribers.isEmpty else { return [] }
        return state.subscribers.values.filter { $0.ticket.map(tickets.contains) ?? false }.map(\.line)
    }

    /// Somebody is at a ticket, or leaves it.
    package func note(_ presence: Presence, at now: Date, isForeign: Bool = false) {
        let (lines, present) = state.withLock { state in
            var there = (state.present[presence.ticket] ?? []).filter { $0.until > now }
            if let index = there.firstIndex(where: { $0.presence.agent == presence.agent }) {
                if presence.mode == .gone {
                    there.remove(at: index)
                } else {
                    there[index] = Seen(presence: presence, until: now + Self.lasting)
                }
            } else if presence.mode != .gone {
                there.append(Seen(presence: presence, until: now + Self.lasting))
            }
            state.present[presence.ticket] = there.isEmpty ? nil : there
            if state.relays, !isForeign { state.outgoingPresence.append(presence) }
            return (self.lines(of: [presence.ticket], in: state), there.map(\.presence))
        }
        for line in lines { line.yield(.present(present)) }
    }
    package func present(at ticket: Ticket.ID, now: Date) -> [Presence] {
        state.withLock { ($0.present[ticket] ?? []).filter { $0.until > now }.map(\.presence) }
    }

    // MARK: the relay's part

    /// Tells all pages at once that lists may be old, however much happened since the last time.
    func pulse() {
        let lines = state.withLock { state in
            guard state.isStale else { return [AsyncStream<News>.Continuation]() }
            state.isStale = false
            return state.subscribers.values.map(\.line)
        }
        for line in lines { line.yield(.desk) }
    }
    func beat() {
        for line in state.withLock({ $0.subscribers.values.map(\.line) }) { line.yield(.beat) }
    }
    /// Forgets those who gave no sign for long.
    func sweep(at now: Date) {
        let changed = state.withLock { state in
            var changed: [(lines: [AsyncStream<News>.Continuation], present: [Presence])] = []
            for (ticket, there) in state.present {
                let left = there.filter { $0.until > now }
                guard left.count < there.count else { continue }
                state.present[ticket] = left.isEmpty ? nil : left
                changed.append((self.lines(of: [ticket], in: state), left.map(\.presence)))
            }
            return changed
        }
        for (lines, present) in changed { for line in lines { line.yield(.present(present)) } }
    }
    func beginRelaying(toNodes: Bool) {
        state.withLock { state in
            state.relays = toNodes
            state.remembers = true
        }
    }
    /// What could not be told, to be told before what came since.
    func putBack(_ events: [Recorded.Event], _ presence: [Presence]) {
        state.withLock { state in
            state.outgoing = Array((events + state.outgoing).suffix(Self.mostOutgoing))
            state.outgoingPresence = Array((presence + state.outgoingPresence).suffix(Self.mostOutgoing))
        }
    }
    func takeOutgoing() -> (events: [Recorded.Event], presence: [Presence]) {
        state.withLock { state in
            defer {
                state.outgoing = []
                state.outgoingPresence = []
            }
            return (state.outgoing, state.outgoingPresence)
        }
    }
}
