import Primitives

/// Where an escalated ticket goes.
package struct EscalationTarget: Sendable, Equatable {
    package var team: Reference<Team>?
    package var supervisor: Agent?
    /// Who is told.
    package var recipients: [Agent]

    package init(team: Reference<Team>? = nil, supervisor: Agent? = nil, recipients: [Agent]) {
        self.team = team
        self.supervisor = supervisor
        self.recipients = recipients
    }

    /// The target in words, as an event states it.
    package var words: String {
        if let team { return "the team \(team.name)" }
        if let supervisor { return supervisor.name }
        return recipients.isEmpty
            ? "nobody: the department has no escalation team and no supervisor"
            : recipients.map(\.name).joined(separator: ", ")
    }
}
