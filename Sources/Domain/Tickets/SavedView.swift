/// A column that a view of tickets shows.
package enum ViewColumn: Sendable, Hashable {
    case subject, requester, organization, assignee, team, department, topic, status, priority, due, created, updated
    case tags, rating
    /// What the form of a topic asks for, by its key.
    case field(String)

    /// Those that every ticket has, in the order in which they are offered.
    package static let plain: [ViewColumn] = [
        .subject, .requester, .organization, .assignee, .team, .department, .topic, .status, .priority, .due, .created,
        .updated, .tags, .rating,
    ]
    /// Those of a list and of a search, and of a view that names none.
    package static let usual: [ViewColumn] = [.subject, .requester, .assignee, .status, .priority, .due, .updated]
    /// What the tickets of a page can be grouped by.
    package static let groupings: [ViewColumn] = [
        .assignee, .team, .department, .topic, .status, .priority, .requester, .organization,
    ]
    /// More columns than this fit no screen.
    package static let most = 12

    /// Reads a column as the API names it: `subject`, `field.room`.
    package init?(word: String) {
        if word.hasPrefix("field.") {
            self = .field(String(word.dropFirst("field.".count)))
        } else if let found = ViewColumn.plain.first(where: { $0.word == word }) {
            self = found
        } else {
            return nil
        }
    }

    package var word: String {
        switch self {
        case .subject: "subject"
        case .requester: "requester"
        case .organization: "organization"
        case .assignee: "assignee"
        case .team: "team"
        case .department: "department"
        case .topic: "topic"
        case .status: "status"
        case .priority: "priority"
        case .due: "due"
        case .created: "created"
        case .updated: "updated"
        case .tags: "tags"
        case .rating: "rating"
        case .field(let key): "field.\(key)"
        }
    }
}

/// Whom a view is for.
package enum ViewAudience: Sendable, Equatable {
    case agent(Agent.ID)
    case team(Team.ID)
    case everyone

    /// Whether an agent makes, changes and removes views for these people: their own, those of a team they lead, and as
    /// an administrator all that are shared.
    ///
    /// - Parameter teams: the teams that the agent leads.
    package func isSet(by agent: Agent, leading teams: Set<Team.ID>) -> Bool {
        guard agent.isActive, agent.role >= .agent else { return false }
        switch self {
        case .agent(let owner): return owner == agent.id
        case .team(let team): return agent.role == .administrator || teams.contains(team)
        case .everyone: return agent.role == .administrator
        }
    }
}
