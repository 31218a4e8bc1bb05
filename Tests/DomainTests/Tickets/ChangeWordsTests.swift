import Foundation
import Primitives
import Testing

@testable import Domain

@Suite("Changing the words of a ticket")
struct ChangeWordsTests {
    private let now = Cast.morning + 3600

    private func change(
        _ ticket: inout Ticket, _ make: (inout WordChange) -> Void
    ) throws(Refusal) -> [Consequence] {
        var words = WordChange()
        make(&words)
        return try ticket.change(words, by: Actor(Cast.ada), at: now)
    }

    @Test("what is the same already is no change and leaves no event")
    func nothing() throws {
        let before = Cast.newTicket()
        var ticket = before
        let consequences = try change(&ticket) {
            $0.subject = " Scanner sends empty pages\n"
            $0.topic = .cleared
            $0.tags = []
            $0.fields = ["serial": .null]
        }
        #expect(consequences.isEmpty && ticket == before)
    }

    @Test("one event names every change, and what is searched follows")
    func all() throws {
        var ticket = Cast.newTicket()
        let consequences = try change(&ticket) {
            $0.subject = "Scanner is silent"
            $0.topic = .given(Reference(id: Topic.ID(7), name: "Hardware"))
            $0.tags = ["VIP", "vip", " floor 2 ", ""]
            $0.fields = ["serial": "X1"]
        }
        #expect(consequences.map(\.summary) == ["index words", "set tags", "changed"])
        #expect(consequences.contains(.setTags(["vip", "floor 2"])))
        let data = try #require(consequences.last?.event?.data)
        #expect(data.keys.sorted() == ["fields", "subject", "tags", "topic"])
        #expect(data["topic"] == ["from": .null, "to": "Hardware"])
        #expect(ticket.tags == ["vip", "floor 2"] && ticket.fields == ["serial": "X1"])
    }

    @Test(
        "an empty subject and one that is too long are refused", arguments: [" \n", String(repeating: "x", count: 301)])
    func subject(text: String) {
        var ticket = Cast.newTicket()
        #expect(throws: Refusal.self) { try change(&ticket) { $0.subject = text } }
        #expect(ticket == Cast.newTicket())
    }

    @Test("what is merged or deleted is not changed", arguments: [TicketState.merged, .deleted])
    func refused(state: TicketState) throws {
        let ticket = try Cast.ticket(state)
        #expect(throws: Refusal.self) { try ticket.requireChangeable() }
    }
}
