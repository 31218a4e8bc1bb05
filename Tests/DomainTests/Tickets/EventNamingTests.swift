import Domain
import Foundation
import Primitives
import Testing

@Suite("Events that name other tickets")
struct EventNamingTests {
    private func event(_ kind: TicketEvent.Kind, _ reason: String = "", _ data: JSON) -> TicketEvent {
        TicketEvent(
            id: TicketEvent.ID(1), kind: kind, at: Cast.morning, actor: Actor(Cast.ada), reason: reason,
            dataText: data.written)
    }

    @Test("a number that may not be named is taken out of data and reason, and no number that begins with it")
    func hidden() throws {
        let merged = event(.merged, "#12 and #123 and #12.", ["from": 12, "into": 123])
        let told = try #require(merged.naming([123]))
        #expect(told.reason == "another ticket and #123 and another ticket.")
        #expect(JSON(told.dataText) == ["into": 123])
    }

    @Test(
        "a link with a ticket that may not be named is not told of at all",
        arguments: [
            TicketEvent.Kind.linked, .unlinked,
        ])
    func link(kind: TicketEvent.Kind) {
        let linked = event(kind, "", ["ticket": 12, "kind": "related"])
        #expect(linked.naming([]) == nil)
        #expect(linked.naming([12])?.dataText == linked.dataText)
    }
}
