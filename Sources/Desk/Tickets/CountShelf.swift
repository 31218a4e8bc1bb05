import Domain
import Foundation
import Store
import Synchronization

/// The counts of an agent, and how much had happened when they were taken (`Feed.generation`).
package struct Counts: Sendable {
    package let lists: [WorkList: ListCount]
    package let generation: Int
}

/// The tickets still to be done, kept in memory for the counts of all agents. What happened is read anew ticket by
/// ticket, at most once in a short while for everybody together; all of it from time to time, so that what other
/// processes did unheard does not stay.
package final class CountShelf: Sendable {
    /// What became of a ticket, for those who ask which lists changed.
    private struct Change {
        let generation: Int
        let ticket: Ticket.ID
        let before: ActiveTicket?
        let after: ActiveTicket?
        /// It was opened just now; otherwise it was done before.
        let isNew: Bool
        /// Who takes part in it.
        let agents: Set<Int64>
    }
    private struct State {
        var board: ActiveTickets?
        var generation = -1
        var readAt: UInt64 = 0
        var loadedAt: UInt64 = 0
        var changes: [Change] = []
        /// Changes up to this are forgotten.
        var forgotten = -1
        var highest: Int64 = 0
        var reaches: [Agent.ID: (reach: Reach, rights: Int, at: UInt64)] = [:]
        var running: Task<Void, any Error>?
    }
    private let state = Mutex(State())
    private let shortest: UInt64
    /// Bounds what the relay may miss.
    private static let longest: UInt64 = 15_000_000_000
    private static let untilWhole: UInt64 = 60_000_000_000
    private static let mostChanges = 2000

    /// - Parameter shortest: nanoseconds between two looks at what happened.
    package init(shortest: UInt64 = 500_000_000) { self.shortest = shortest }

    /// As they were at most a moment ago; a page that shows them is told when they were old (`Feed.subscribe`).
    package func counts(for agent: Agent, on desk: Desk) async throws -> Counts {
        let now = DispatchTime.now().uptimeNanoseconds
        let isFresh = state.withLock { state in
            guard state.board != nil else { return false }
            return now - state.readAt < (state.generation == desk.feed.generation ? Self.longest : shortest)
        }
        if !isFresh { try await refresh(desk) }
        return try await taken(for: agent, on: desk)
    }

    /// With all in them that had happened when they were asked for: what was counted too short a time ago is waited
    /// out, since a page that just heard of news does not ask twice.
    package func freshCounts(for agent: Agent, on desk: Desk) async throws -> Counts {
        let wanted = desk.feed.generation
        while true {
            let counts = try await counts(for: agent, on: desk)
            guard counts.generation < wanted else { return counts }
            let age = DispatchTime.now().uptimeNanoseconds - state.withLock { $0.readAt }
            if age < shortest { try await Task.sleep(for: .nanoseconds(shortest - age)) }
        }
    }

    /// The lists of an agent that may look otherwise than after so much had happened; nil where that is not known any
    /// more.
    package func listsChanged(since generation: Int, for agent: Agent, on desk: Desk) async throws -> Set<WorkList>? {
        let reach = try await reach(of: agent, on: desk)
        return state.withLock { state in
            guard state.board != nil, generation >= state.forgotten else { return nil }
            var lists: Set<WorkList> = []
            for change in state.changes.reversed() {
                guard change.generation > generation else { break }
                let takesPart = change.agents.contains(reach.agent)
                for ticket in [change.before, change.after].compactMap({ $0 }) where takesPart || reach.covers(ticket) {
                    for list in WorkList.allCases where ticket.isIn(list, of: reach) { lists.insert(list) }
                }
                // What is done is not in memory: it may be anybody's.
                if change.after == nil || change.before == nil && !change.isNew { lists.formUnion([.closed, .spam]) }
            }
            return lists
        }
    }

    private func taken(for agent: Agent, on desk: Desk) async throws -> Counts {
        let reach = try await reach(of: agent, on: desk)
        return state.withLock { Counts(lists: $0.board?.counts(for: reach) ?? [:], generation: $0.generation) }
    }

    private func reach(of agent: Agent, on desk: Desk) async throws -> Reach {
        let (now, rights) = (DispatchTime.now().uptimeNanoseconds, desk.rights.current)
        let kept = state.withLock { $0.reaches[agent.id] }
        if let kept, kept.rights == rights, now - kept.at < Self.longest,
            kept.reach.seesAll == (agent.role == .administrator)
        {
            return kept.reach
        }
        let reach = try await desk.read { try $0.reach(of: agent) }
        state.withLock { $0.reaches[agent.id] = (reach, rights, now) }
        return reach
    }

    /// Whoever asks meanwhile waits for the same look.
    private func refresh(_ desk: Desk) async throws {
        let task = state.withLock { state in
            if let running = state.running { return running }
            let task = Task {
                defer { self.state.withLock { $0.running = nil } }
                try await look(desk)
            }
            state.running = task
            return task
        }
        try await task.value
    }

    private func look(_ desk: Desk) async throws {
        let now = DispatchTime.now().uptimeNanoseconds
        let (generation, touched) = desk.feed.takeTouched()
        let isWhole = state.withLock { $0.board == nil || now - $0.loadedAt >= Self.untilWhole } || touched == nil
        let some = isWhole ? nil : touched
        do {
            if let some, some.isEmpty {
                state.withLock { ($0.generation, $0.readAt) = (generation, now) }
                return
            }
            let found = try await desk.read { try $0.activeTickets(some) }
            state.withLock { state in
                var board = isWhole ? ActiveTickets() : state.board ?? ActiveTickets()
                let before = state.board
                for (id, ticket) in found.tickets { board.set(id, ticket, involving: found.involved[id] ?? []) }
                for id in some ?? [] where found.tickets[id] == nil { board.set(id, nil, involving: []) }
                for id in touched ?? [] {
                    let agents = Set(found.involved[id] ?? [])
                    state.changes.append(
                        Change(
                            generation: generation, ticket: id, before: before?[id], after: board[id],
                            isNew: id.number > state.highest, agents: agents))
                }
                state.highest = max(
                    state.highest, found.tickets.keys.max()?.number ?? 0, (touched ?? []).max()?.number ?? 0)
                if touched == nil || before == nil {
                    state.changes = []
                    state.forgotten = generation
                }
                while state.changes.count > Self.mostChanges, let first = state.changes.first {
                    state.forgotten = first.generation
                    state.changes.removeAll { $0.generation == first.generation }
                }
                state.board = board
                (state.generation, state.readAt) = (generation, now)
                if isWhole { state.loadedAt = now }
            }
        } catch {
            desk.feed.touchAgain(touched)
            throw error
        }
    }
}
