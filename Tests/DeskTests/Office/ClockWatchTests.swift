import DeskTesting
import Domain
import Foundation
import Testing

@testable import Desk

@Suite("A clock that jumps")
struct ClockWatchTests {
    private static func reading(_ days: Double, steady: Double, boot: String = "a") -> ClockReading {
        ClockReading(wall: Date(timeIntervalSince1970: days * 86_400), steady: steady * 86_400, boot: boot)
    }

    @Test(
        "time that passed on both clocks, or while the machine was off, is no jump",
        arguments: [
            (reading(100, steady: 1), reading(100.5, steady: 1.5)), (reading(100, steady: 1), reading(130, steady: 31)),
            (reading(100, steady: 1), reading(465, steady: 0, boot: "b")),
            (reading(100, steady: 1), reading(99, steady: 1.01)), (reading(100, steady: 1), reading(100.9, steady: 1)),
        ])
    func fine(before: ClockReading, now: ClockReading) {
        #expect(ClockVerdict.judge(now, after: before, holding: nil, newest: before.wall) == .fine)
    }

    @Test("a day or a year that only one clock saw is asked about", arguments: [101.1, 103, 465, 10_000])
    func jumped(days: Double) {
        let before = Self.reading(100, steady: 1)
        let now = Self.reading(days, steady: 1.001)
        #expect(
            ClockVerdict.judge(now, after: before, holding: nil, newest: before.wall)
                == .jumped(ClockHold(before: before, after: now.wall)))
    }

    @Test("a clock that began in the past and is then set by the net is no jump")
    func wasWrong() {
        let before = Self.reading(0.1, steady: 0.001)
        let now = Self.reading(20_003, steady: 0.002)
        #expect(
            ClockVerdict.judge(now, after: before, holding: nil, newest: Date(timeIntervalSince1970: 20_000 * 86_400))
                == .fine)
    }

    @Test("a clock that is back is believed again; a restart of the machine answers no question")
    func recovered() {
        let hold = ClockHold(before: Self.reading(100, steady: 1), after: Date(timeIntervalSince1970: 465 * 86_400))
        #expect(
            ClockVerdict.judge(Self.reading(100.2, steady: 1.2), after: nil, holding: hold, newest: nil) == .recovered)
        #expect(
            ClockVerdict.judge(Self.reading(465.2, steady: 1.2), after: nil, holding: hold, newest: nil)
                == .jumped(hold))
        #expect(
            ClockVerdict.judge(Self.reading(465.2, steady: 0.1, boot: "b"), after: nil, holding: hold, newest: nil)
                == .jumped(hold))
    }

    @Test("timers stand still until the clock is right or somebody says that it is")
    func timers() async throws {
        let test = try await TestDesk()
        let ada = try await test.hire("Ada")
        let ticket = try await test.open()
        try await test.act(on: ticket) { tx, ticket in
            try tx.resolve(&ticket, by: Actor(ada), solution: nil, source: .web)
        }
        try await test.settle()
        test.clock.set(aheadByDays: 365)
        #expect(try await Sweep(desk: test.desk).tick() == 0)
        #expect(try await test.ticket(ticket.number).state == .resolved)
        #expect(test.desk.clockWatch.hold != nil)
        // What is written meanwhile waits, undated.
        let before = test.mail.sent.count
        let asked = try await test.open("While the clock is wrong", from: "lee@harbour.example")
        #expect(try await Courier(desk: test.desk, mailer: test.mail).tick() == 0)
        #expect(test.mail.sent.count == before && asked.state == .new)
        #expect(await test.desk.checkUp().contains { $0.what.contains("Timers are stopped") })
        // Back again: nothing has happened, and nothing is asked any more.
        test.clock.set(aheadByDays: -365)
        _ = try await Sweep(desk: test.desk).tick()
        #expect(test.desk.clockWatch.hold == nil)
        #expect(try await test.ticket(ticket.number).state == .resolved)
        // Ahead for good, and somebody says so.
        test.clock.set(aheadByDays: 365)
        #expect(try await Sweep(desk: test.desk).tick() == 0)
        try await test.desk.trustClock()
        try await test.settle()
        #expect(try await test.ticket(ticket.number).state == .closed)
    }

    @Test("days in which the desk was simply off, or the clock went on, stop nothing")
    func longStop() async throws {
        let test = try await TestDesk()
        _ = try await Sweep(desk: test.desk).tick()
        test.clock.advance(days: 30)
        _ = try await Sweep(desk: test.desk).tick()
        #expect(test.desk.clockWatch.hold == nil)
    }
}
