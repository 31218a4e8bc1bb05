import Foundation
import Primitives
import Testing

@testable import Domain

@Suite("Answering and being answered")
struct ReplyTests {
    private let now = Cast.morning + 3600

    @Test("the first to answer takes a ticket up; a viewer and a program do not")
    func takesUp() throws {
        for (agent, takes) in [(Cast.ada, true), (Cast.vic, false), (nil, false)] as [(Agent?, Bool)] {
            var ticket = Cast.newTicket()
            let consequences = try ticket.reply(by: Actor(Cast.ada), as: agent, at: now)
            #expect(ticket.state == .open && (ticket.assignee != nil) == takes)
            #expect(consequences.contains { $0.event?.kind == .claimed } == takes)
        }
    }

    @Test("a late answer was an answer: what is watched from then on is the solution")
    func late() throws {
        var ticket = Cast.newTicket()
        let late = Cast.morning + 5 * 3600
        _ = ticket.markOverdue(at: late)
        #expect(ticket.overdue)
        _ = try ticket.reply(by: Actor(Cast.ada), as: Cast.ada, at: late)
        #expect(!ticket.overdue && ticket.watchAt == ticket.deadlines.resolutionDueAt)
    }

    @Test("an answer is refused where nobody would get it, and a note only where there is no ticket")
    func refused() throws {
        for state in TicketState.allCases {
            let before = try Cast.ticket(state)
            var (answered, noted) = (before, before)
            let refusesReply = [.spam, .merged, .deleted].contains(state)
            do throws(Refusal) {
                _ = try answered.reply(by: Actor(Cast.ada), as: Cast.ada, at: now)
                #expect(!refusesReply)
            } catch {
                #expect(refusesReply && answered == before)
            }
            do throws(Refusal) {
                let consequences = try noted.note(by: Actor(Cast.ada), at: now)
                #expect(consequences.map(\.summary) == ["write note", "noted", "mail agents: noted"])
                #expect(noted.state == state)
            } catch {
                #expect(state == .deleted && error == .notFound)
            }
        }
    }

    @Test("an answer that waits is refused whole where the ticket cannot wait", arguments: TicketState.allCases)
    func waits(state: TicketState) throws {
        let before = try Cast.ticket(state)
        var ticket = before
        do throws(Refusal) {
            _ = try ticket.replyAndWait(by: Actor(Cast.ada), as: Cast.ada, at: now)
            #expect(ticket.state == .waiting && ticket.deadlines.pausedAt != nil)
        } catch {
            #expect(!TicketAction.wait.isAllowed(in: state) && ticket == before)
        }
    }

    @Test(
        "a customer's message leads to the state of the table",
        arguments: [
            (TicketState.new, TicketState.new, "write message, received, mail agents: received"),
            (.open, .open, "write message, received, mail agents: received"),
            (.held, .held, "write message, received, mail agents: received"),
            (.waiting, .open, "write message, received, resumed, mail agents: received"),
            (
                .resolved, .open,
                """
                write message, received, call off close_silent, call off send_survey, reopened, assigned, \
                mail agents: reopened
                """
            ),
            (
                .closed, .open,
                """
                write message, received, call off close_silent, call off send_survey, reopened, assigned, \
                mail agents: reopened
                """
            ),
            (.spam, .spam, "write message, received"), (.merged, .merged, "write message, received"),
        ])
    func message(state: TicketState, after: TicketState, expected: String) throws {
        var ticket = try Cast.ticket(state)
        let consequences = try ticket.receive(
            CustomerMessage(author: Cast.kim), at: now, level: Cast.level,
            previous: PreviousSolver(agent: Cast.ada, mayWork: true))
        #expect(ticket.state == after && ticket.lastMessageAt == now)
        #expect(consequences.map(\.summary).joined(separator: ", ") == expected)
    }

    @Test("an automatic mail is kept and changes no state", arguments: TicketState.allCases)
    func quietly(state: TicketState) throws {
        var ticket = try Cast.ticket(state)
        let message = CustomerMessage(author: Cast.kim, quietly: "it is an automatic answer")
        let consequences = try ticket.receive(message, at: now, level: Cast.level, previous: nil)
        #expect(ticket.state == state && consequences.map(\.summary) == ["write message", "received"])
    }

    @Test("a message after the window does not bring a closed ticket back")
    func window() throws {
        let ticket = try Cast.ticket(.closed)
        let closed = try #require(ticket.closedAt)
        #expect(!ticket.isClosedForGood(at: closed + 30 * 86400, Cast.policy))
        #expect(ticket.isClosedForGood(at: closed + 30 * 86400 + 1, Cast.policy))
        #expect(try !Cast.ticket(.resolved).isClosedForGood(at: closed + 90 * 86400, Cast.policy))
    }
}
