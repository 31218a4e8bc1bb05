import Store

/// What a ticket can be given to or made into: the names dialogs offer.
package struct TicketChoices: Sendable {
    package var agents: [Agent] = []
    package var teams: [Reference<Team>] = []
    package var departments: [Reference<Department>] = []
    package var topics: [PublicTopic] = []
    package var cannedReplies: [(id: Int64, name: String)] = []
    package init() {}
}

extension Connection {
    /// - Parameter department: whose canned replies are offered besides those for everybody.
    package func choices(department: Department.ID? = nil) throws -> TicketChoices {
        var choices = TicketChoices()
        choices.agents = try workingAgents()
        choices.teams = try query("SELECT id, name FROM team WHERE is_active = 1 ORDER BY name") { Reference(id: try $0.read(), name: try $0.read()) }
        choices.departments = try query("SELECT id, name FROM department WHERE is_active = 1 ORDER BY name") { Reference(id: try $0.read(), name: try $0.read()) }
        choices.topics = try publicTopics()
        choices.cannedReplies = try query("SELECT id, name FROM canned_reply WHERE department_id IS NULL OR department_id = \(department?.number ?? 0) ORDER BY name LIMIT 500") {
            (id: try $0.read(), name: try $0.read())
        }
        return choices
    }
}
