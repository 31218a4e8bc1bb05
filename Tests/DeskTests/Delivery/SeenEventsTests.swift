import DeskTesting
import Domain
import Foundation
import Mail
import Primitives
import Testing

@testable import Desk

@Suite("What other processes recorded")
struct SeenEventsTests {
    private func event(_ id: Int64) -> Recorded.Event { Recorded.Event(id: TicketEvent.ID(id), ticket: Ticket.ID(1)) }

    @Test("each event counts once, also one whose lower number appears later")
    func late() {
        var seen = SeenEvents()
        #expect(seen.from == nil)
        #expect(seen.note([event(1), event(2), event(4)]).count == 3)
        #expect(seen.note([event(1), event(2), event(3), event(4), event(5)]).map(\.id.number) == [3, 5])
        #expect(seen.note([event(4), event(5)]).isEmpty)
        for start in stride(from: Int64(6), to: 5000, by: 100) {
            #expect(seen.note((start..<start + 100).map(event)).count == 100)
        }
        #expect((seen.from ?? 0) > 4000)
    }

    @Test("news that could not be told are told later, before what came since")
    func putBack() async throws {
        let test = try await TestDesk()
        test.desk.feed.beginRelaying(toNodes: true)
        test.desk.feed.publish([event(1)])
        let (events, presence) = test.desk.feed.takeOutgoing()
        test.desk.feed.publish([event(2)])
        test.desk.feed.putBack(events, presence)
        #expect(test.desk.feed.takeOutgoing().events.map(\.id.number) == [1, 2])
    }

    @Test("an open page hears of what a command beside the server did, and not twice of what was announced as well")
    func beside() async throws {
        let test = try await TestDesk()
        let ticket = try await test.open()
        let relay = LiveRelay(desk: test.desk)
        test.desk.feed.beginRelaying(toNodes: true)
        var seen = SeenEvents()
        try await relay.lookForOthers(&seen)
        let before = test.desk.feed.generation
        // Another program's transaction: this feed was told nothing.
        try await test.desk.database.write { db in
            _ = try Transaction(
                db: db, now: test.clock.now(), office: test.desk.office, settings: test.desk.settings.current
            ).open(
                NewTicket(
                    requester: try #require(MailAddress(TestDesk.kim)), subject: "Beside",
                    writing: Writing("Words.", type: .text), source: .email), by: nil)
        }
        try await relay.lookForOthers(&seen)
        let heard = test.desk.feed.generation
        #expect(heard == before + 1)
        try await relay.lookForOthers(&seen)
        #expect(test.desk.feed.generation == heard)
        _ = ticket
    }
}
