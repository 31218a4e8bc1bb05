import Domain
import Foundation
import Mail
import Store

/// The one search language of the search box, saved views and the API, parsed once to a typed filter.
///
/// Words and "phrases" look in the text; `field:value` looks at the ticket; `-` turns one term round; `OR` and brackets
/// join.
package indirect enum TicketQuery: Sendable, Equatable {
    case all([TicketQuery])
    case any([TicketQuery])
    case not(TicketQuery)
    case text(TextQuery)
    case state([TicketState])
    case priority(least: Priority, most: Priority)
    case assignee(Holder)
    case team(Holder)
    case department([String])
    case topic([String])
    /// An address, `@domain`, or part of a name or address.
    case from(String)
    case tag(String)
    case tagged(Bool)
    case number(Int64)
    case source([Source])
    case overdue(Bool)
    case escalated(Bool)
    case answered
    case moment(Moment, from: Date?, to: Date?)
    /// The next clock; neither bound: none.
    case due(from: Date?, to: Date?)
    case unassigned
    /// Name, or a part of it.
    case organization(String)
    /// Part of the address of somebody in copy.
    case cc(String)
    /// As it was written, and as the index is asked.
    case subject(String, TextQuery)
    case has(Thing)
    case rating([Int])

    /// Who holds a ticket.
    package enum Holder: Sendable, Equatable {
        case nobody
        /// The asker, or one of the asker's teams.
        case mine
        /// Names or e-mail addresses.
        case named([String])
    }
    /// What a ticket may have.
    package enum Thing: String, Sendable, CaseIterable {
        case attachment, note, reply, tag, assignee, team, topic, organization, cc, rating, due
    }
    package enum Moment: String, Sendable, CaseIterable {
        case created, updated, resolved, closed
    }

    package static let fields = [
        "state", "assignee", "team", "department", "topic", "priority", "from", "organization", "cc", "subject", "tag",
        "number", "source", "is", "has", "due", "rating",
        "created", "updated", "resolved", "closed",
    ]

    /// What every ticket matches.
    package static let everything = TicketQuery.all([])
}
