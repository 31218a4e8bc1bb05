import Dispatch
import Domain
import Store
import Synchronization

/// What a ticket can be given to or made into: the names dialogs offer.
package struct TicketChoices: Sendable {
    package var agents: [Agent] = []
    /// Who works in which department.
    package var members: [Department.ID: Set<Agent.ID>] = [:]
    package var teamMembers: [Team.ID: Set<Agent.ID>] = [:]
    package var teams: [Reference<Team>] = []
    package var departments: [Reference<Department>] = []
    package var topics: [PublicTopic] = []
    package var cannedReplies: [CannedName] = []
    /// When they were read: what was made of them is good for as long as this stays.
    package fileprivate(set) var stamp: UInt64 = 0
    package init() {}

    /// The agents who see a ticket: it is offered to no others.
    package func agents(seeing ticket: Ticket) -> [Agent] {
        let team = ticket.team.flatMap { teamMembers[$0.id] } ?? []
        return agents.filter {
            $0.role == .administrator || members[ticket.department.id]?.contains($0.id) ?? false || team.contains($0.id)
        }
    }

    /// With the canned replies of one department and of all.
    package func forTickets(of department: Department.ID) -> TicketChoices {
        var choices = self
        choices.cannedReplies.removeAll { $0.department != nil && $0.department != department }
        return choices
    }
}

/// A canned reply by its name; without a department it is for everybody.
package struct CannedName: Sendable {
    package let id: Int64
    package let name: String
    package let department: Department.ID?
}

/// The choices as they were last read: they change when an administrator changes something, which is seldom.
package final class ChoicesShelf: Sendable {
    private let kept = Mutex<(choices: TicketChoices, until: UInt64)?>(nil)
    private static let lifetime: UInt64 = 5_000_000_000

    package init() {}

    package func choices(on desk: Desk) async throws -> TicketChoices {
        let now = DispatchTime.now().uptimeNanoseconds
        if let found = kept.withLock({ $0 }), found.until > now { return found.choices }
        var choices = try await desk.read { try $0.choices() }
        choices.stamp = now
        kept.withLock { [choices] in $0 = (choices, now + Self.lifetime) }
        return choices
    }
    /// Read anew from now on.
    package func forget() { kept.withLock { $0 = nil } }
}

extension Connection {
    func choices() throws -> TicketChoices {
        var choices = TicketChoices()
        choices.agents = try workingAgents()
        try run("SELECT agent_id, department_id FROM agent_department") { row in
            let agent: Agent.ID = try row.read()
            choices.members[try row.read(), default: []].insert(agent)
        }
        try run(
            "SELECT agent_id, team_id FROM team_member UNION SELECT lead_id, id FROM team WHERE lead_id IS NOT NULL"
        ) { row in
            let agent: Agent.ID = try row.read()
            choices.teamMembers[try row.read(), default: []].insert(agent)
        }
        choices.teams = try query("SELECT id, name FROM team WHERE is_active = 1 ORDER BY name") {
            Reference(id: try $0.read(), name: try $0.read())
        }
        choices.departments = try query("SELECT id, name FROM department WHERE is_active = 1 ORDER BY name") {
            Reference(id: try $0.read(), name: try $0.read())
        }
        choices.topics = try publicTopics()
        choices.cannedReplies = try query("SELECT id, name, department_id FROM canned_reply ORDER BY name LIMIT 1000") {
            CannedName(id: try $0.read(), name: try $0.read(), department: try $0.read())
        }
        return choices
    }
}
