import Foundation
import Store
import Synchronization

/// The lists an agent works from. Each is a search in the one search language.
package enum WorkList: String, Sendable, CaseIterable {
    case next, escalated, mine, answered, unassigned, teams, missed, open, waiting, closed, spam

    package var query: String {
        switch self {
        case .next: "state:new,open (assignee:me OR assignee:none)"
        case .escalated: "is:open is:escalated"
        case .mine: "is:open assignee:me"
        case .answered: "state:new,open is:answered"
        case .unassigned: "is:open assignee:none"
        case .teams: "is:open team:mine"
        case .missed: "is:open is:overdue"
        case .open: "is:open"
        case .waiting: "state:waiting,held"
        case .closed: "state:resolved,closed"
        case .spam: "state:spam"
        }
    }
    package var order: TicketOrder { self == .closed || self == .spam ? .newest : .due }
    /// What is closed or spam only grows; nobody works from its number.
    package var isCounted: Bool { self != .closed && self != .spam }
}

/// How many tickets a list holds, as far as it matters.
package struct ListCount: Sendable, Equatable {
    package let number: Int
    /// Above this there are simply many.
    package static let most = 999
    package init(number: Int) { self.number = number }
    package var text: String { number > ListCount.most ? "\(ListCount.most)+" : String(number) }
}

extension Connection {
    /// The numbers beside an agent's lists.
    package func counts(for agent: Agent, now: Date) throws -> [WorkList: ListCount] {
        var counts: [WorkList: ListCount] = [:]
        for list in WorkList.allCases where list.isCounted {
            let wanted = TicketList(query: try TicketQuery(list.query, now: now), asker: .agent(agent), order: list.order)
            counts[list] = ListCount(number: try count(wanted, atMost: ListCount.most + 1))
        }
        return counts
    }
}

/// The counts of an agent, and how much had happened when they were taken (`Feed.generation`).
package struct Counts: Sendable {
    package let lists: [WorkList: ListCount]
    package let generation: Int
}

/// Counts as they were last taken, so that a page costs none: taken anew when something happened, for each agent at most once a second.
package final class CountShelf: Sendable {
    private struct Kept {
        let counts: Counts
        let at: UInt64
    }
    private struct State {
        var kept: [Agent.ID: Kept] = [:]
        /// Counts under way: whoever asks meanwhile waits for the same.
        var running: [Agent.ID: Task<Counts, any Error>] = [:]
    }
    private let state = Mutex(State())
    private let shortest: UInt64
    /// Other processes' changes come through the relay; this bounds what it may miss.
    private static let longest: UInt64 = 15_000_000_000

    /// - Parameter shortest: nanoseconds between two counts for one agent.
    package init(shortest: UInt64 = 1_000_000_000) { self.shortest = shortest }

    /// As they were at most a moment ago; a page that shows them is told when they were old (`Feed.subscribe`).
    package func counts(for agent: Agent, on desk: Desk) async throws -> Counts {
        let generation = desk.feed.generation
        let (found, running) = state.withLock { state -> (Counts?, Task<Counts, any Error>?) in
            let found = state.kept[agent.id]
            let age = found.map { DispatchTime.now().uptimeNanoseconds - $0.at } ?? .max
            let isSame = found?.counts.generation == generation
            if age < (isSame ? Self.longest : shortest) { return (found?.counts, nil) }
            let task = state.running[agent.id] ?? Task { try await count(for: agent, on: desk) }
            state.running[agent.id] = task
            // Only time has passed: the page need not wait.
            return (isSame ? found?.counts : nil, task)
        }
        if let found { return found }
        guard let running else { throw CancellationError() }
        return try await running.value
    }

    private func count(for agent: Agent, on desk: Desk) async throws -> Counts {
        defer { state.withLock { $0.running[agent.id] = nil } }
        let (at, generation, moment) = (DispatchTime.now().uptimeNanoseconds, desk.feed.generation, desk.clock.now())
        let counts = Counts(lists: try await desk.read { try $0.counts(for: agent, now: moment) }, generation: generation)
        state.withLock { $0.kept[agent.id] = Kept(counts: counts, at: at) }
        return counts
    }

    /// With all in them that had happened when they were asked for: what was counted too short a time ago is waited out, since
    /// a page that just heard of news does not ask twice.
    package func freshCounts(for agent: Agent, on desk: Desk) async throws -> Counts {
        let wanted = desk.feed.generation
        while true {
            let counts = try await counts(for: agent, on: desk)
            guard counts.generation < wanted, let at = state.withLock({ $0.kept[agent.id]?.at }) else { return counts }
            let age = DispatchTime.now().uptimeNanoseconds - at
            if age < shortest { try await Task.sleep(for: .nanoseconds(shortest - age)) }
        }
    }
}
