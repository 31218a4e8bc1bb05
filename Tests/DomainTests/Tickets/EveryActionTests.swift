import Foundation
import Primitives
import Testing

@testable import Domain

@Suite("Every action from every state")
struct EveryActionTests {
    private let now = Cast.morning + 3600

    /// What follows from each action on an open ticket that Ada has and that is escalated, or, where an action needs
    /// another state, on a ticket in that state.
    private static let consequences: [(TicketAction, TicketState, String)] = [
        (.claim, .open, "claimed"),
        (.assign, .open, "assigned, mail agents: assigned"),
        (.release, .open, "released"),
        (
            .transfer, .open,
            "transferred, escalated, mail agents: escalated, plan update_customer"
        ),
        (
            .escalate, .open,
            """
            add second agent, escalated, mail agents: escalated, plan update_customer, mail customers: update, updated
            """
        ),
        (.deEscalate, .open, "call off update_customer, de_escalated"),
        (.wait, .open, "waiting"),
        (.hold, .open, "held"),
        (.resume, .waiting, "resumed"),
        (
            .resolve, .open,
            """
            write reply, replied, mail customers: resolved, resolved, call off update_customer, plan close_silent
            """
        ),
        (
            .confirm, .resolved,
            "confirmed, closed, call off close_silent, call off update_customer, ask for a rating"
        ),
        (.close, .open, "closed, call off close_silent, call off update_customer, ask for a rating"),
        (
            .reopen, .closed,
            "call off close_silent, call off send_survey, reopened, assigned, mail agents: reopened"
        ),
        (
            .spam, .open,
            """
            marked_spam, call off close_silent, call off send_survey, call off update_customer, cancel automatic mail
            """
        ),
        (
            .merge, .open,
            """
            move conversation, index texts, call off close_silent, call off send_survey, call off update_customer, \
            merged, merged elsewhere
            """
        ),
        (
            .unmerge, .merged,
            "return conversation, index texts, unmerged, unmerged elsewhere"
        ),
        (.link, .open, "link: blocks, linked, linked elsewhere"),
        (.unlink, .merged, "unlink: parent, unlinked, unlinked elsewhere"),
        (.split, .open, "move 1 entries, opened elsewhere, index texts, split, split elsewhere"),
        (.addAgent, .open, "add second agent, agent_added, mail agents: assigned"),
        (.removeAgent, .open, "remove second agent, agent_removed"),
        (.addCollaborator, .open, "add collaborator, collaborator_added"),
        (.removeCollaborator, .open, "remove collaborator, collaborator_removed"),
        (.setRequester, .open, "replace requester, index texts, requester_changed"),
    ]

    /// The state each action leads to; nil where it stays what it was.
    private func result(_ action: TicketAction, from state: TicketState) -> TicketState? {
        switch action {
        case .claim, .assign: state == .new ? .open : nil
        case .release, .transfer: state == .open ? .new : nil
        case .wait: .waiting
        case .hold: .held
        // Ada had it before it was merged.
        case .resume, .reopen, .unmerge: .open
        case .resolve: .resolved
        case .confirm, .close: .closed
        case .spam: .spam
        case .merge: .merged
        case .escalate, .deEscalate, .split, .link, .unlink, .addAgent, .removeAgent, .addCollaborator,
            .removeCollaborator,
            .setRequester:
            nil
        }
    }

    /// A ticket in a state on which every action that the state allows is possible: it is somebody's and escalated.
    private func prepared(_ state: TicketState) throws -> Ticket {
        var ticket = try Cast.ticket(state)
        ticket.assignee = Cast.ada.person
        ticket.escalationLevel = 1
        return ticket
    }

    @Test("the table names every action")
    func complete() { #expect(Set(Self.consequences.map(\.0)) == Set(TicketAction.allCases)) }

    @Test("is allowed and leads to a state, or is refused, changes nothing and says what is allowed")
    func everyAction() throws {
        for state in TicketState.allCases {
            for action in TicketAction.allCases {
                let before = try prepared(state)
                var ticket = before
                do throws(Refusal) {
                    let consequences = try ticket.perform(action, at: now)
                    #expect(action.isAllowed(in: state), "\(action) from \(state)")
                    #expect(ticket.state == result(action, from: state) ?? state, "\(action) from \(state)")
                    #expect(consequences.contains { $0.event != nil }, "\(action) from \(state) leaves no event")
                } catch {
                    #expect(!action.isAllowed(in: state), "\(action) from \(state)")
                    #expect(ticket == before, "\(action) from \(state) was refused and changed something")
                    guard case .conflict(_, let allowed) = error else {
                        Issue.record("\(action) from \(state): \(error)")
                        continue
                    }
                    let expected = TicketAction.allCases.filter { $0.isAllowed(in: state) }.map(\.rawValue)
                    #expect(allowed == expected)
                }
            }
        }
    }

    @Test("has the consequences of the table")
    func consequences() throws {
        for (action, state, expected) in Self.consequences {
            var ticket = try prepared(state)
            let found = try ticket.perform(action, at: now).map(\.summary).joined(separator: ", ")
            #expect(found == expected, "\(action)")
        }
    }

    @Test("is taken back by the inverse of what it did")
    func undone() throws {
        for state in TicketState.allCases {
            for action in TicketAction.allCases where action.isAllowed(in: state) {
                let before = try prepared(state)
                var ticket = before
                let consequences = try ticket.perform(action, at: now)
                let inverse = try Inverse(from: before, to: ticket, consequences)
                _ = try ticket.takeBackReply(inverse, by: Actor(Cast.ada), at: now + 5)
                #expect(try ticket.changedFields(since: before).isEmpty, "\(action) from \(state)")
            }
        }
    }
}
