import Foundation
import Primitives

@testable import Domain

/// People, promises and moments that the tests of decisions share.
enum Cast {
    // 2026-11-24 09:00 UTC
    static let morning = Date(timeIntervalSince1970: 1_795_510_800)
    static let policy = LifePolicy()

    static let ada = Agent(
        id: Agent.ID(1), email: "ada@desk.example", name: "Ada", role: .agent, isActive: true, isAway: false)
    static let eve = Agent(
        id: Agent.ID(2), email: "eve@desk.example", name: "Eve", role: .supervisor, isActive: true, isAway: false)
    static let vic = Agent(
        id: Agent.ID(3), email: "vic@desk.example", name: "Vic", role: .viewer, isActive: true, isAway: false)
    static let gone = Agent(
        id: Agent.ID(4), email: "gone@desk.example", name: "Gus", role: .agent, isActive: false, isAway: false)
    static let away = Agent(
        id: Agent.ID(5), email: "away@desk.example", name: "Amy", role: .agent, isActive: true, isAway: true)

    static let support = Reference<Department>(id: Department.ID(1), name: "Support")
    static let billing = Reference<Department>(id: Department.ID(2), name: "Billing")
    static let network = Reference<Team>(id: Team.ID(1), name: "Network")
    static let leads = Reference<Team>(id: Team.ID(2), name: "Leads")

    static let kim = Actor(.customer, id: 1, name: "Kim Ito", address: "kim@harbour.example")
    static let lee = Person<Customer>(id: Customer.ID(2), name: "Lee", address: "lee@corner.example")

    /// Four hours to the first answer, a day to the solution, around the clock.
    static let level = ServiceLevel(
        id: ServiceLevel.ID(1), name: "Standard", firstResponse: 4 * 3600, resolution: 24 * 3600, schedule: nil)
    static let target = EscalationTarget(team: leads, recipients: [eve])

    /// What was said in a ticket: Kim's request, another matter of hers, a reply, a note, and words of Lee's.
    static let said = [
        SaidEntry(key: 1, kind: .message, author: Customer.ID(1), at: morning),
        SaidEntry(key: 2, kind: .message, author: Customer.ID(1), at: morning + 10),
        SaidEntry(key: 3, kind: .reply, at: morning + 20), SaidEntry(key: 4, kind: .note, at: morning + 30),
        SaidEntry(key: 5, kind: .message, author: lee.id, at: morning + 40, source: .web),
    ]

    /// A ticket as a request by email opens it.
    static func newTicket(number: Int64 = 100_001) -> Ticket {
        Ticket(
            id: Ticket.ID(number), number: number, subject: "Scanner sends empty pages", state: .new, priority: .normal,
            department: support, customer: Customer.ID(1), requesterName: "Kim Ito",
            requesterAddress: "kim@harbour.example", source: .email,
            serviceLevel: Reference(id: level.id, name: level.name), deadlines: level.deadlines(from: morning),
            createdAt: morning, updatedAt: morning, lastMessageAt: morning)
    }

    /// A ticket that came into a state by the actions that lead there. Ada works on it, except where it is new.
    static func ticket(_ state: TicketState) throws -> Ticket {
        var ticket = newTicket()
        let now = morning + 60
        if state != .new { _ = try ticket.claim(by: ada, at: now) }
        switch state {
        case .new, .open: break
        case .waiting, .held: _ = try ticket.pause(as: state, by: Actor(ada), at: now)
        case .resolved:
            _ = try ticket.resolve(by: Actor(ada), withWords: true, at: now, level: level, policy)
        case .closed: _ = try ticket.close(by: Actor(ada), reason: "done", at: now, level: level, policy)
        case .spam: _ = try ticket.markSpam(by: Actor(ada), at: now)
        case .merged:
            _ = try ticket.merge(into: newTicket(number: 100_002), joining: [], by: Actor(ada), at: now)
        // No action leads there: an erased customer's tickets are deleted by the desk.
        case .deleted: ticket.state = .deleted
        }
        return ticket
    }
}

extension Ticket {
    /// Does an action as an agent would from the workspace.
    mutating func perform(_ action: TicketAction, at now: Date) throws(Refusal) -> [Consequence] {
        let ada = Actor(Cast.ada)
        switch action {
        case .claim: return try claim(by: Cast.ada, at: now)
        case .assign: return try assign(to: Cast.eve, mayWork: true, by: ada, at: now)
        case .release: return try release(by: ada, at: now)
        case .transfer:
            return try transfer(
                to: department == Cast.support ? Cast.billing : Cast.support, assigneeWorksThere: false,
                target: Cast.target, by: ada, at: now, Cast.policy)
        case .escalate: return try escalate(by: ada, reason: "it burns", to: Cast.target, at: now, Cast.policy)
        case .deEscalate: return try deEscalate(priorityBefore: nil, by: ada, at: now, level: Cast.level)
        case .wait: return try pause(as: .waiting, by: ada, at: now)
        case .hold: return try pause(as: .held, by: ada, at: now)
        case .resume: return try resume(by: ada, at: now, level: Cast.level)
        case .resolve: return try resolve(by: ada, withWords: true, at: now, level: Cast.level, Cast.policy)
        case .confirm: return try confirm(by: Cast.kim, at: now, level: Cast.level, Cast.policy)
        case .close: return try close(by: ada, reason: "done", at: now, level: Cast.level, Cast.policy)
        case .reopen:
            return try reopen(
                by: ada, reason: "again", at: now, level: Cast.level,
                previous: PreviousSolver(agent: Cast.ada, mayWork: true))
        case .spam: return try markSpam(by: ada, at: now)
        case .merge: return try merge(into: Cast.newTicket(number: 100_002), joining: [], by: ada, at: now)
        case .unmerge:
            return try unmerging(at: now)
        case .link:
            return try link(to: Cast.newTicket(number: 100_004), as: .blocks, known: [], by: ada)
        case .unlink:
            return try unlink(from: Cast.newTicket(number: 100_004), as: nil, known: [.parent], by: ada)
        case .split:
            return try split(
                try part([2], of: Cast.said), into: Cast.newTicket(number: 100_003), joining: [], by: ada, at: now)
        case .addAgent: return try addAgent(Cast.eve, isSecond: false, by: ada)
        case .removeAgent: return try removeAgent(Cast.eve, isSecond: true, by: ada)
        case .addCollaborator:
            return try addCollaborator(
                Newcomer(customer: Cast.lee.id, address: Cast.lee.address, isKnown: false), by: ada)
        case .removeCollaborator: return try removeCollaborator(Cast.lee.address, isKnown: true, by: ada)
        case .setRequester: return try setRequester(Cast.lee, by: ada, at: now)
        }
    }
}

extension Ticket {
    /// Takes a merge back of which nothing was kept.
    fileprivate mutating func unmerging(at now: Date) throws(Refusal) -> [Consequence] {
        do {
            return try unmerge(
                from: Cast.newTicket(number: 100_002), Merging(inverse: nil, entries: 1), by: Actor(Cast.ada), at: now,
                Cast.policy)
        } catch let refusal as Refusal { throw refusal } catch { return [] }
    }
}

extension Consequence {
    /// The consequence in a few words, as the tables of the tests name it.
    var summary: String {
        switch self {
        case .write(let kind): "write \(kind.rawValue)"
        case .record(let event): event.ticket == nil ? event.kind.rawValue : "\(event.kind.rawValue) elsewhere"
        case .tellCustomers(let mail): "mail customers: \(mail.kind.rawValue)"
        case .tellAgents(let mail): "mail agents: \(mail.kind.rawValue)"
        case .schedule(let job, _): "plan \(job.rawValue)"
        case .cancel(let job): "call off \(job.rawValue)"
        case .askForRating: "ask for a rating"
        case .cancelAutomaticMail: "cancel automatic mail"
        case .cancelMail(let kind, _): "cancel \(kind.rawValue)"
        case .addSecondAgent: "add second agent"
        case .removeSecondAgent: "remove second agent"
        case .addCollaborator: "add collaborator"
        case .removeCollaborator: "remove collaborator"
        case .replaceRequester: "replace requester"
        case .moveConversation: "move conversation"
        case .moveEntries(let entries, _): "move \(entries.count) entries"
        case .returnConversation: "return conversation"
        case .link(_, let relation): "link: \(relation.rawValue)"
        case .unlink(_, let relation): "unlink: \(relation.rawValue)"
        case .indexWords: "index words"
        case .indexTexts: "index texts"
        case .setTags: "set tags"
        }
    }

    /// The event it records in the ticket's own timeline.
    var event: EventRecord? {
        if case .record(let event) = self, event.ticket == nil { event } else { nil }
    }
}
