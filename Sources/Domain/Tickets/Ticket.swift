import Foundation
import Primitives

/// A request and all that is decided about it; what was said stands in its entries.
package struct Ticket: Sendable, Equatable, Codable {
    package typealias ID = Primitives.ID<Ticket>
    package internal(set) var id: ID
    package let number: Int64
    package internal(set) var subject: String
    package internal(set) var state: TicketState
    package internal(set) var status: String?
    package internal(set) var priority: Priority
    package internal(set) var topic: Reference<Topic>?
    package internal(set) var department: Reference<Department>
    package internal(set) var team: Reference<Team>?
    package internal(set) var assignee: Person<Agent>?
    /// Who offered the solution; a follow-up goes back there.
    package internal(set) var solver: Agent.ID?
    package internal(set) var customer: Customer.ID
    package internal(set) var requesterName: String
    package internal(set) var requesterAddress: String
    package let source: Source
    /// The address of ours the customer wrote to.
    package let mailbox: String?
    /// As JSON, as they are kept and sent.
    package internal(set) var tagsText: String
    package internal(set) var fieldsText: String
    package internal(set) var serviceLevel: Reference<ServiceLevel>?
    package internal(set) var deadlines: Deadlines
    package internal(set) var overdue: Bool
    package internal(set) var escalationLevel: Int
    package internal(set) var reopenedCount: Int
    package internal(set) var mergedInto: ID?
    package let createdAt: Date
    package internal(set) var updatedAt: Date
    package internal(set) var resolvedAt: Date?
    package internal(set) var closedAt: Date?
    package internal(set) var lastMessageAt: Date?
    package internal(set) var lastReplyAt: Date?

    /// A ticket as it is kept, or as it is about to be written: what is left out is as a fresh ticket has it.
    package init(
        id: ID,
        number: Int64,
        subject: String,
        state: TicketState,
        status: String? = nil,
        priority: Priority,
        topic: Reference<Topic>? = nil,
        department: Reference<Department>,
        team: Reference<Team>? = nil,
        assignee: Person<Agent>? = nil,
        solver: Agent.ID? = nil,
        customer: Customer.ID,
        requesterName: String,
        requesterAddress: String,
        source: Source,
        mailbox: String? = nil,
        tagsText: String = "[]",
        fieldsText: String = "{}",
        serviceLevel: Reference<ServiceLevel>? = nil,
        deadlines: Deadlines = Deadlines(),
        overdue: Bool = false,
        escalationLevel: Int = 0,
        reopenedCount: Int = 0,
        mergedInto: ID? = nil,
        createdAt: Date,
        updatedAt: Date,
        resolvedAt: Date? = nil,
        closedAt: Date? = nil,
        lastMessageAt: Date? = nil,
        lastReplyAt: Date? = nil
    ) {
        self.id = id
        self.number = number
        self.subject = subject
        self.state = state
        self.status = status
        self.priority = priority
        self.topic = topic
        self.department = department
        self.team = team
        self.assignee = assignee
        self.solver = solver
        self.customer = customer
        self.requesterName = requesterName
        self.requesterAddress = requesterAddress
        self.source = source
        self.mailbox = mailbox
        self.tagsText = tagsText
        self.fieldsText = fieldsText
        self.serviceLevel = serviceLevel
        self.deadlines = deadlines
        self.overdue = overdue
        self.escalationLevel = escalationLevel
        self.reopenedCount = reopenedCount
        self.mergedInto = mergedInto
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        self.resolvedAt = resolvedAt
        self.closedAt = closedAt
        self.lastMessageAt = lastMessageAt
        self.lastReplyAt = lastReplyAt
    }

    /// The requester's name, else the address.
    package var requesterLabel: String { requesterName.isEmpty ? requesterAddress : requesterName }

    package var requester: Person<Customer> { Person(id: customer, name: requesterName, address: requesterAddress) }

    package var tags: [String] {
        guard tagsText != "[]", case .array(let items)? = JSON(tagsText) else { return [] }
        return items.compactMap(\.text)
    }

    /// How soon it is to be worked, higher first; 0 once nothing is left to do. Escalated before all others, then by
    /// priority, then what is not waiting for somebody else.
    package var urgency: Int {
        guard state.isActive else { return 0 }
        return 1000 * min(escalationLevel, 9) + 10 * (priority.rawValue + 1) + (state.isPaused ? 0 : 5)
    }

    /// Where it stands in a list by due time, lower first: the highest escalation level before all others, then what is
    /// or was due soonest; a clock that rests, or none, comes last. Whoever saves a ticket keeps it.
    package var dueRank: Int {
        guard state.isActive else { return Ticket.rankOfDone }
        return (9 - min(escalationLevel, 9)) * 100_000_000_000_000
            + (deadlines.next.map { Int($0.milliseconds) } ?? 99_999_999_999_999)
    }
    package static let rankOfDone = 1_000_000_000_000_000

    /// The next moment somebody must look whether a target was missed.
    package var watchAt: Date? {
        guard state.isActive, !overdue else { return nil }
        return deadlines.next
    }

    /// The rule of `TicketAction` as a refusal that says what is possible instead.
    package func require(_ action: TicketAction) throws(Refusal) {
        guard action.isAllowed(in: state) else {
            let needsReopening = !state.isActive && ![.confirm, .close, .spam].contains(action)
            throw .conflict(
                needsReopening
                    ? standstill
                    : Sentence(
                        "This ticket is {0}, so this isn't possible. Choose another action.", [.words(state.word)]),
                allowed: allowedActions)
        }
    }

    /// Why nothing can be done to a ticket that is over, and the way out where there is one.
    package var standstill: Sentence {
        TicketAction.reopen.isAllowed(in: state)
            ? Sentence("This ticket is {0}. Reopen it first.", [.words(state.word)])
            : Sentence("This ticket is {0} and can't be changed.", [.words(state.word)])
    }

    /// What can be done to it as it is, by the names of the actions.
    package var allowedActions: [String] { TicketAction.allCases.filter { $0.isAllowed(in: state) }.map(\.rawValue) }
}

extension Ticket {
    /// The same ticket named in words, for mails and reasons.
    package var title: String { "#\(number) \(subject)" }
}
