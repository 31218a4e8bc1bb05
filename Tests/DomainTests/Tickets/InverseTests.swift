import Foundation
import Primitives
import Testing

@testable import Domain

@Suite("Taking back")
struct InverseTests {
    private let now = Cast.morning + 3600
    private let ada = Actor(Cast.ada)

    @Test("a reply that is taken back leaves the ticket as it was, and jobs due when they were")
    func reply() throws {
        let before = Cast.newTicket()
        var ticket = before
        let consequences = try ticket.resolve(by: ada, withWords: true, at: now, level: nil, Cast.policy)
        let inverse = try Inverse(
            from: before, to: ticket, consequences, former: [.updateCustomer: Cast.morning + 7200])
        let kept = inverse.texts
        let read = try #require(Inverse(restored: kept.restored, expected: kept.expected))
        let undone = try ticket.takeBackReply(read, by: ada, at: now + 5)
        #expect(try ticket.changedFields(since: before).isEmpty)
        #expect(
            undone.map(\.summary) == ["call off close_silent", "plan update_customer", "taken_back"])
        #expect(undone.contains(.schedule(.updateCustomer, at: Cast.morning + 7200)))
    }

    @Test("the inverse of an assignment is kept and read again whole")
    func kept() throws {
        let before = try Cast.ticket(.open)
        var ticket = before
        let consequences = try ticket.assign(to: Cast.eve, mayWork: true, by: ada, at: now)
        let inverse = try Inverse(from: before, to: ticket, consequences)
        let texts = inverse.texts
        #expect(Inverse(restored: texts.restored, expected: texts.expected) == inverse)
        #expect(inverse.isWhole && inverse.mails == [.assigned])
    }

    @Test("what somebody did since to what the reply changed keeps the ticket as it is, and the event says so")
    func workedOn() throws {
        let before = Cast.newTicket()
        var ticket = before
        let consequences = try ticket.reply(by: ada, as: Cast.ada, at: now)
        let inverse = try Inverse(from: before, to: ticket, consequences)
        _ = try ticket.assign(to: Cast.eve, mayWork: true, by: ada, at: now + 2)
        let assigned = ticket
        let undone = try ticket.takeBackReply(inverse, by: ada, at: now + 5)
        #expect(ticket == assigned)
        #expect(undone.compactMap(\.event?.reason) == ["the ticket has changed since, so it was left as it is"])
    }

    @Test("what somebody did since to another field stays")
    func otherField() throws {
        let before = Cast.newTicket()
        var ticket = before
        let consequences = try ticket.reply(by: ada, as: Cast.ada, at: now)
        let inverse = try Inverse(from: before, to: ticket, consequences)
        var words = WordChange()
        words.subject = "Scanner"
        _ = try ticket.change(words, by: ada, at: now + 2)
        _ = try ticket.takeBackReply(inverse, by: ada, at: now + 5)
        #expect(try ticket.changedFields(since: before) == ["subject"])
    }

    @Test("an assignment is undone with its mail, and refused once somebody else has the ticket")
    func assignment() throws {
        let before = try Cast.ticket(.open)
        var ticket = before
        let consequences = try ticket.assign(to: Cast.eve, mayWork: true, by: ada, at: now)
        let inverse = try Inverse(from: before, to: ticket, consequences)
        var undone = ticket
        let followed = try undone.undo(inverse, queuedAt: now, by: ada, at: now + 5)
        #expect(undone.assignee == before.assignee)
        #expect(followed.contains(.cancelMail(.assigned, queuedAt: now)))
        #expect(followed.last?.event?.data["assignee"] == ["from": "Eve", "to": "Ada"])
        _ = try ticket.release(by: ada, at: now + 2)
        #expect(throws: Refusal.self) {
            var later = ticket
            _ = try later.undo(inverse, queuedAt: now, by: ada, at: now + 5)
        }
    }

    @Test("all fields of a ticket are kept and read again as they were", arguments: TicketState.allCases)
    func values(state: TicketState) throws {
        let ticket = try Cast.ticket(state)
        #expect(try Ticket(values: try ticket.values()) == ticket)
    }

    @Test("what an older program kept is read as nothing known")
    func older() { #expect(Inverse(restored: #"["open",null,1]"#, expected: #"["open",null,2]"#) == nil) }
}
