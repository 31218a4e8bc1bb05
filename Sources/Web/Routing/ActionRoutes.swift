import Desk
import Domain
import Foundation
import Hummingbird
import Mail
import Primitives
import Store

/// What can be done to a ticket as a whole: `POST /tickets/NUMBER/actions/ACTION`.
enum ActionRoutes {
    static var routes: [Route] {
        TicketAction.allCases.map { action in
            .post(
                "/api/v1/tickets/:number/actions/\(action.rawValue)", for: .key(.tickets),
                .init(
                    summary: summary(action), input: schema(action), output: "Ticket",
                    status: action == .split ? 201 : 200)
            ) { try await perform(action, $0) }
        }
    }

    @Sendable private static func perform(_ action: TicketAction, _ call: Call) async throws -> Response {
        let (given, key) = try await call.input()
        var input = given
        let number = try call.number()
        let by = input.email("by")
        let reason = (input.text("reason", most: 2000, required: action == .escalate) ?? "").singleLine
        let wish = try Wish(action, &input)
        try input.finish()
        return try await call.desk.write { tx in
            try tx.once(key) {
                if action == .claim, by == nil, call.query("by") == nil { throw Refusal.invalid("by", .required) }
                let (actor, asker) = try tx.doer(by, call)
                let ticket = try tx.perform(
                    action, on: number, wish, reason: reason, by: actor, asker: asker, source: .api)
                let done = try tx.db.ticket(ticket)
                let isNew = action == .split
                return try Answer.json(
                    isNew ? 201 : 200, location: isNew ? "\(tx.office.url)/api/v1/tickets/\(done.number)" : nil
                ) { $0.write(try tx.db.whole(done, for: asker), office: tx.office) }
            }
        }.response
    }

    fileprivate static func summary(_ action: TicketAction) -> String {
        switch action {
        case .claim: "An agent takes the ticket up"
        case .assign: "Give it to an agent or a team"
        case .release: "Give it back to the team"
        case .transfer: "Move it to another department"
        case .escalate: "Pass it up, with the reason"
        case .deEscalate: "Take the escalation back, one level or to the one given"
        case .wait: "Wait for the customer"
        case .hold: "Wait for somebody else; the clock rests"
        case .resume: "Go on working"
        case .resolve: "Offer a solution"
        case .confirm: "The customer says it is solved"
        case .close: "Close it"
        case .reopen: "Bring it back"
        case .spam: "Mark it as spam"
        case .merge: "Put it into another ticket"
        case .unmerge: "Take a merge back: what came from this ticket returns to it"
        case .link: "Link it with another ticket; both show it"
        case .unlink: "Remove the link with another ticket"
        case .split: "Move some entries into a new ticket, which is the answer"
        case .addAgent: "Bring in a second agent"
        case .removeAgent: "Let a second agent go"
        case .addCollaborator: "Bring in somebody else on the customer's side"
        case .removeCollaborator: "Take somebody on the customer's side out"
        case .setRequester:
            "Change who asked; the former requester has no access any more unless kept as a collaborator"
        }
    }

    fileprivate static func schema(_ action: TicketAction) -> String {
        switch action {
        case .assign: "Assignment"
        case .transfer: "Transfer"
        case .escalate: "Escalation"
        case .deEscalate: "DeEscalation"
        case .resolve: "Solution"
        case .merge: "Merge"
        case .split: "Split"
        case .link: "Link"
        case .unlink: "Unlink"
        case .addAgent, .removeAgent: "SecondAgent"
        case .addCollaborator, .removeCollaborator: "Collaborator"
        case .setRequester: "Requester"
        default: "Action"
        }
    }
}

extension JSON {
    /// As the API says it, and as a ticked box does.
    fileprivate var isTrue: Bool { self == .bool(true) || text == "1" || text == "on" || text == "true" }
}

/// What an action needs besides the ticket.
struct Wish: Sendable {
    var agent: String?
    var team: Wanted?
    var department: Wanted?
    var solution: Writing?
    var into: Int64?
    /// The ticket that is linked, and how.
    var linked: Int64?
    var relation: TicketRelation?
    /// The entries that are split off, and the subject of the ticket they become.
    var entries: [Int64] = []
    var subject: String?
    /// Whether a merge brings in those who took part in the first ticket.
    var bringsIn = false
    var email: MailAddress?
    /// The former requester goes on as a collaborator.
    var keepsFormer = false
    var files: [StoredFile] = []
    /// The escalation level to go back to.
    var level: Int?

    init(_ action: TicketAction, _ input: inout Input) throws {
        switch action {
        case .assign:
            agent = input.email("agent")
            team = input.wanted("team")
            if agent == nil, team == nil { input.fault("agent", .other(Sentence("Choose an agent or a team."))) }
        case .transfer:
            department = input.wanted("department")
            if department == nil { input.fault("department", .other(Sentence("Choose a department."))) }
        case .resolve: solution = input.writing(required: false)
        case .deEscalate:
            if let value = input.value("to") {
                level = (value.integer ?? value.text.flatMap { Int64($0) }).flatMap { Int(exactly: $0) }
                if level == nil { input.fault("to", .wrongType(expected: "a whole number")) }
            }
        case .merge:
            into = input.ticketNumber("into")
            bringsIn = input.value("add_cc").map { $0 == .bool(true) || $0.text == "1" } ?? false
        case .link:
            linked = input.ticketNumber("to")
            relation = input.choice("kind", required: true)
        case .unlink:
            linked = input.ticketNumber("to")
            relation = input.choice("kind")
        case .split:
            entries = input.numbers("entries", most: 500)
            subject = input.text("subject", most: NewTicket.longestSubject)
        case .addAgent, .removeAgent: agent = input.email("agent", required: true)
        case .addCollaborator, .removeCollaborator: email = input.person("email", required: true)
        case .setRequester:
            let name = input.text("name", most: 200)
            email = input.person("email", required: true).flatMap { MailAddress(name: name ?? $0.name, $0.address) }
            keepsFormer = input.value("keep_former")?.isTrue ?? false
        default: break
        }
    }
}

extension Transaction {
    /// Does an action to a ticket the asker sees; the ticket to go on with, which a split makes.
    func perform(
        _ action: TicketAction, on number: Int64, _ wish: Wish, reason: String, by actor: Actor, asker: Asker,
        source: Source
    ) throws -> Ticket.ID {
        var ticket = try db.ticket(number: number, for: asker)
        switch action {
        case .claim:
            guard case .agent(let agent) = asker else { throw Refusal.invalid("by", .required) }
            try claim(&ticket, by: agent)
        case .assign:
            if let team = wish.team {
                try assign(&ticket, to: try db.named(NamedTable.team, team, field: "team"), by: actor, reason: reason)
            }
            if let agent = wish.agent {
                try assign(&ticket, to: try activeAgent(agent, field: "agent"), by: actor, reason: reason)
            }
        case .release: try release(&ticket, by: actor, reason: reason)
        case .transfer:
            guard let department = wish.department else { break }
            try transfer(
                &ticket, to: try db.named(NamedTable.department, department, field: "department"), by: actor,
                reason: reason)
        case .escalate: try escalate(&ticket, by: actor, reason: reason)
        case .deEscalate: try deEscalate(&ticket, to: wish.level, by: actor, reason: reason)
        case .wait: try pause(&ticket, as: .waiting, by: actor, reason: reason)
        case .hold: try pause(&ticket, as: .held, by: actor, reason: reason)
        case .resume: try resume(&ticket, by: actor, reason: reason)
        case .resolve:
            try resolve(
                &ticket, by: actor, solution: wish.solution.flatMap { $0.text.isEmpty ? nil : $0 }, files: wish.files,
                source: source)
        case .confirm: try confirm(&ticket, by: actor.kind == .agent ? actor : requester(of: ticket))
        case .close: try close(&ticket, by: actor, reason: reason.isEmpty ? "closed by \(actor.name)" : reason)
        case .reopen: try reopen(&ticket, by: actor, reason: reason.isEmpty ? "reopened by \(actor.name)" : reason)
        case .spam: try markSpam(&ticket, by: actor)
        case .merge:
            guard let into = wish.into else { break }
            try merge(&ticket, into: try other(into, field: "into", asker), bringsIn: wish.bringsIn, by: actor)
        case .unmerge: try unmerge(&ticket, by: actor, asker: asker)
        case .link:
            guard let linked = wish.linked, let relation = wish.relation else { break }
            // A number that was merged leads to where it went.
            let named = try other(linked, field: "to", asker)
            let living = try db.livingTicket(named.id)
            try link(ticket, to: try db.may(asker, .see, living.id) ? living : named, as: relation, by: actor)
        case .unlink:
            guard let linked = wish.linked else { break }
            try unlink(ticket, from: try other(linked, field: "to", asker), as: wish.relation, by: actor)
        case .split:
            return try split(&ticket, entries: wish.entries, subject: wish.subject, by: actor, asker: asker).id
        case .addAgent, .removeAgent:
            guard let agent = try wish.agent.map({ try activeAgent($0, field: "agent") }) else { break }
            if action == .addAgent {
                try addAgent(agent, to: ticket, by: actor)
            } else {
                try removeAgent(agent, from: ticket, by: actor)
            }
        case .addCollaborator, .removeCollaborator:
            guard let email = wish.email else { break }
            if action == .addCollaborator {
                try addCollaborator(email, to: ticket, by: actor, reason: reason)
            } else {
                try removeCollaborator(email, from: ticket, by: actor)
            }
        case .setRequester:
            guard let email = wish.email else { break }
            try setRequester(email, keepsFormer: wish.keepsFormer, of: &ticket, by: actor, reason: reason)
        }
        return ticket.id
    }

    /// Another ticket that is named in a field; what the asker may not see is not there.
    private func other(_ number: Int64, field: String, _ asker: Asker) throws -> Ticket {
        do { return try db.ticket(number: number, for: asker) } catch Refusal.notFound {
            throw Refusal.invalid(field, .unknownTicket(number))
        }
    }

    private func requester(of ticket: Ticket) -> Actor {
        Actor(
            .customer, id: ticket.customer.number,
            name: ticket.requesterLabel,
            address: ticket.requesterAddress)
    }
}
