import Foundation
import Store
import Synchronization

/// The lists an agent works from. Each is a search in the one search language.
package enum WorkList: String, Sendable, CaseIterable {
    case next, escalated, mine, answered, unassigned, teams, missed, open, waiting, closed

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
        }
    }
    package var order: TicketOrder { self == .closed ? .newest : .urgency }
    /// What is closed only grows; nobody works from its number.
    package var isCounted: Bool { self != .closed }
}

/// How many tickets a list holds, as far as it matters.
package struct ListCount: Sendable, Equatable {
    package let number: Int
    /// Above this there are simply many.
    static let most = 999
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

/// Counts as they were last taken, so that a page costs none: taken anew when something happened, for each agent at most once a second.
package final class CountShelf: Sendable {
    private struct Kept {
        let counts: [WorkList: ListCount]
        let generation: Int
        let at: UInt64
    }
    private let kept = Mutex<[Agent.ID: Kept]>([:])
    private static let shortest: UInt64 = 1_000_000_000
    /// Other processes' changes come through the relay; this bounds what it may miss.
    private static let longest: UInt64 = 15_000_000_000

    package init() {}

    package func counts(for agent: Agent, on desk: Desk) async throws -> [WorkList: ListCount] {
        let now = DispatchTime.now().uptimeNanoseconds
        let generation = desk.feed.generation
        if let found = kept.withLock({ $0[agent.id] }), now - found.at < (found.generation == generation ? Self.longest : Self.shortest) { return found.counts }
        let moment = desk.clock.now()
        let counts = try await desk.read { try $0.counts(for: agent, now: moment) }
        kept.withLock { $0[agent.id] = Kept(counts: counts, generation: generation, at: now) }
        return counts
    }
}
