/// Where a ticket stands in its life (DESIGN: only states carry rules).
package enum TicketState: String, Sendable, CaseIterable, Codable {
    /// Nobody has taken it up.
    case new
    /// Being worked.
    case open
    /// For the customer.
    case waiting
    /// For a third party; the clock rests.
    case held
    /// A solution was offered.
    case resolved
    /// Confirmed, or silence past the limit.
    case closed
    case spam
    case merged
    /// Kept until purged.
    case deleted

    /// Whether there is something left to do.
    package var isActive: Bool {
        switch self {
        case .new, .open, .waiting, .held: true
        case .resolved, .closed, .spam, .merged, .deleted: false
        }
    }
    /// As a sentence says it: “this ticket is on hold”.
    package var word: String {
        switch self {
        case .waiting: "pending"
        case .held: "on hold"
        case .new, .open, .resolved, .closed, .spam, .merged, .deleted: rawValue
        }
    }
    /// Whether the clock of the service level rests.
    package var isPaused: Bool { self == .waiting || self == .held }
}

/// What can be done to a ticket as a whole.
package enum TicketAction: String, Sendable, CaseIterable {
    case claim, assign, release, transfer, escalate, wait, hold, resume, resolve, confirm, close, reopen, spam, merge,
        unmerge, split, link, unlink
    case deEscalate = "de_escalate"
    case addAgent = "add_agent"
    case removeAgent = "remove_agent"
    case addCollaborator = "add_collaborator"
    case removeCollaborator = "remove_collaborator"
    case setRequester = "set_requester"

    /// The states an action starts from: the whole rule, in one table.
    package func isAllowed(in state: TicketState) -> Bool {
        switch self {
        case .claim, .assign, .release, .transfer, .escalate, .deEscalate, .resolve: state.isActive
        case .wait: state == .new || state == .open || state == .held
        case .hold: state == .new || state == .open || state == .waiting
        case .resume: state.isPaused
        case .confirm: state == .resolved
        case .close: state.isActive || state == .resolved
        case .reopen: state == .resolved || state == .closed || state == .spam
        case .spam, .merge, .split: state.isActive || state == .resolved || state == .closed
        case .unmerge: state == .merged
        case .link: state != .merged && state != .deleted
        case .unlink: state != .deleted
        case .addAgent, .removeAgent, .addCollaborator, .removeCollaborator, .setRequester:
            state != .merged && state != .deleted && state != .spam
        }
    }
}

package enum Priority: Int, Sendable, CaseIterable, Codable, Comparable {
    case low, normal, high, urgent

    package var word: String {
        switch self {
        case .low: "low"
        case .normal: "normal"
        case .high: "high"
        case .urgent: "urgent"
        }
    }
    package static let words = allCases.map(\.word)
    package init?(word: String) {
        guard let found = Priority.allCases.first(where: { $0.word == word.lowercased() }) else { return nil }
        self = found
    }
    package static func < (left: Priority, right: Priority) -> Bool { left.rawValue < right.rawValue }
}

/// The way a ticket or an entry came in.
package enum Source: String, Sendable, CaseIterable, Codable {
    case email, web, api, phone
}
