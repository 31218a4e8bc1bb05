import Foundation
import Primitives
import Testing

@testable import Domain

@Suite("Splitting a ticket")
struct SplitTests {
    private let now = Cast.morning + 3600
    private let ada = Actor(Cast.ada)

    private func part(_ keys: [Int64], of said: [SaidEntry] = Cast.said) throws -> Split {
        try Cast.ticket(.open).part(keys, of: said)
    }

    private func sentence(_ keys: [Int64], of said: [SaidEntry] = Cast.said) throws -> String {
        do {
            _ = try part(keys, of: said)
            return ""
        } catch Refusal.invalid(let faults) { return "\(faults[0].field): \(faults[0].problem.text)" }
    }

    @Test("nothing, everything, what is elsewhere and what is not sent yet cannot be moved")
    func refused() throws {
        #expect(try sentence([]) == "entries: Choose at least one message.")
        #expect(try sentence([1, 2, 3, 4, 5]) == "entries: Leave at least one message in this ticket.")
        #expect(try sentence([2, 9]).contains("9"))
        let waiting = Cast.said + [SaidEntry(key: 6, kind: .reply, at: now, isWaiting: true)]
        #expect(try sentence([6], of: waiting).contains("hasn't been sent yet"))
        #expect(try sentence([2], of: waiting).isEmpty)
    }

    @Test("whose ticket it is: the requester's, or that of the customer who alone wrote what moves")
    func requester() throws {
        #expect(try part([2, 5]).requester(insteadOf: Customer.ID(1)) == Customer.ID(1))
        #expect(try part([3, 4]).requester(insteadOf: Customer.ID(1)) == Customer.ID(1))
        #expect(try part([5]).requester(insteadOf: Customer.ID(1)) == Cast.lee.id)
        #expect(try part([5, 2, 1]).writers == [Customer.ID(1), Cast.lee.id])
    }

    @Test("the new ticket stays where the first is, with clocks that begin now")
    func fresh() throws {
        let ticket = try Cast.ticket(.open)
        let fresh = ticket.ticket(
            of: try part([5]), number: 100_003, subject: "The other matter", requester: Cast.lee, keepsAssignee: false,
            level: Cast.level, at: now)
        #expect(fresh.state == .new && fresh.assignee == nil && fresh.department == ticket.department)
        #expect(fresh.requester == Cast.lee && fresh.subject == "The other matter" && fresh.source == .web)
        #expect(fresh.deadlines.firstResponseDueAt == now + 4 * 3600 && fresh.deadlines.firstRespondedAt == nil)
        #expect(fresh.lastMessageAt == Cast.morning + 40 && fresh.lastReplyAt == nil)
    }

    @Test("what was answered, or is somebody's, is not new")
    func answered() throws {
        let ticket = try Cast.ticket(.open)
        let answered = ticket.ticket(
            of: try part([2, 3]), number: 100_003, subject: nil, requester: ticket.requester, keepsAssignee: false,
            level: Cast.level, at: now)
        #expect(answered.state == .open && answered.deadlines.firstRespondedAt == Cast.morning + 20)
        #expect(answered.subject == ticket.subject)
        let kept = ticket.ticket(
            of: try part([2]), number: 100_003, subject: nil, requester: ticket.requester, keepsAssignee: true,
            level: Cast.level, at: now)
        #expect(kept.state == .open && kept.assignee == ticket.assignee)
    }

    @Test(
        "both timelines say so, nobody is mailed, and who spoke last is what is left", arguments: TicketState.allCases)
    func split(state: TicketState) throws {
        let before = try Cast.ticket(state)
        var ticket = before
        guard TicketAction.split.isAllowed(in: state) else {
            #expect(throws: Refusal.self) { try ticket.part([2], of: Cast.said) }
            return
        }
        let new = Cast.newTicket(number: 100_003)
        let joining = [
            Newcomer(customer: Cast.lee.id, address: Cast.lee.address, isKnown: false),
            Newcomer(customer: new.customer, address: new.requesterAddress, isKnown: false),
        ]
        let followed = try ticket.split(
            try ticket.part([3, 5], of: Cast.said), into: new, joining: joining, by: ada, at: now)
        #expect(ticket.state == state && ticket.lastReplyAt == nil && ticket.lastMessageAt == Cast.morning + 10)
        #expect(
            followed.map(\.summary) == [
                "move 2 entries", "opened elsewhere", "add collaborator", "collaborator_added elsewhere", "index texts",
                "split", "split elsewhere",
            ])
        #expect(followed.compactMap(\.event?.data) == [["into": 100_003, "entries": 2]])
    }
}
