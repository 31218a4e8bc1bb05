import Domain
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
    private let most: Int
    package static let most = 999

    package init(number: Int, most: Int = ListCount.most) {
        self.number = number
        self.most = most
    }
    package var text: String { number > most ? "\(most)+" : String(number) }
}

extension Connection {
    /// The numbers beside an agent's lists, counted one by one. Pages take them from `CountShelf`, which counts the
    /// same in memory.
    package func counts(for agent: Agent, now: Date) throws -> [WorkList: ListCount] {
        var counts: [WorkList: ListCount] = [:]
        for list in WorkList.allCases where list.isCounted {
            let wanted = TicketList(
                query: try TicketQuery(list.query, now: now), asker: .agent(agent), order: list.order)
            counts[list] = ListCount(number: try count(wanted, atMost: ListCount.most + 1))
        }
        return counts
    }
}
