import Foundation
import Logging
import Primitives
import Store
import Synchronization

/// The time of day beside a clock that nobody sets.
package struct ClockReading: Sendable, Equatable {
    package let wall: Date
    /// Seconds since the machine was started, asleep or not.
    package let steady: TimeInterval
    /// Which start of the machine it was; readings of different ones cannot be compared.
    package let boot: String

    package init(wall: Date, steady: TimeInterval, boot: String) {
        self.wall = wall
        self.steady = steady
        self.boot = boot
    }
}

/// Timers stand still: the clock went ahead by more than a day in less time, so either it is wrong now or it was wrong
/// before, and only a person knows.
package struct ClockHold: Sendable, Equatable {
    /// The last reading before the jump.
    package let before: ClockReading
    /// What the clock said after it.
    package let after: Date

    /// What the time would be had the clock gone on as before.
    func expected(at steady: TimeInterval) -> Date { before.wall + (steady - before.steady) }
}

/// Whether the clock may be believed. A desk that was switched off, frozen or asleep for days is no reason to ask: the
/// steady clock went on as well, or the machine was started anew.
enum ClockVerdict: Equatable {
    case fine
    case jumped(ClockHold)
    /// A clock that had jumped is back where it would have been.
    case recovered

    /// A day: longer than summer time, a leap second or a clock that was never set by the net puts it forward.
    static let most: TimeInterval = 86_400

    /// - Parameters:
    ///   - last: the last reading that was believed.
    ///   - newest: the newest moment the database knows; a clock that was behind it was wrong before, and is right to
    ///     go ahead.
    static func judge(_ now: ClockReading, after last: ClockReading?, holding hold: ClockHold?, newest: Date?)
        -> ClockVerdict
    {
        if let hold {
            // After a start of the machine the old reading says nothing; the question stays.
            guard hold.before.boot == now.boot else { return .jumped(hold) }
            return abs(now.wall.timeIntervalSince(hold.expected(at: now.steady))) < most ? .recovered : .jumped(hold)
        }
        guard let last, last.boot == now.boot else { return .fine }
        let ahead = now.wall.timeIntervalSince(last.wall) - (now.steady - last.steady)
        guard ahead > most else { return .fine }
        if let newest, last.wall < newest - most, now.wall.timeIntervalSince(newest) < most * 30 { return .fine }
        return .jumped(ClockHold(before: last, after: now.wall))
    }
}

/// What the desk knows of its clock, for pages to show.
package final class ClockWatch: Sendable {
    private let state = Mutex((last: ClockReading?.none, hold: ClockHold?.none, kept: Date?.none, newest: Date?.none))

    package init() {}

    /// Why timers stand still; nil while they run.
    package var hold: ClockHold? { state.withLock { $0.hold } }

    fileprivate var last: ClockReading? { state.withLock { $0.last } }
    /// The newest time that was ever believed.
    fileprivate var newest: Date? { state.withLock { $0.newest } }
    fileprivate func begin(newest: Date?) { state.withLock { $0.newest = newest } }
    fileprivate func note(_ reading: ClockReading?, _ hold: ClockHold?) {
        state.withLock { state in
            if let reading {
                state.last = reading
                state.newest = max(reading.wall, state.newest ?? reading.wall)
            }
            state.hold = hold
        }
    }
    /// True once a minute; never for a clock that is behind what was believed before.
    fileprivate func isToBeKept(at now: ClockReading) -> Bool {
        state.withLock { state in
            if let newest = state.newest, now.wall < newest - ClockVerdict.most { return false }
            if let kept = state.kept, abs(now.wall.timeIntervalSince(kept)) < 60 { return false }
            state.kept = now.wall
            return true
        }
    }
}

extension Desk {
    private static let readingName = "clock", holdName = "clock_hold"

    /// Whether timers may run now. Asked before each sweep.
    package func mayTrustClock() async throws -> Bool {
        let now = clock.reading()
        let isFirst = clockWatch.last == nil
        let (kept, hold) = try await read { db -> (ClockReading?, ClockHold?) in
            let kept =
                isFirst
                ? try db.privateSetting(Self.readingName).flatMap { JSON($0) }.flatMap { ClockReading($0) } : nil
            return (kept, try db.privateSetting(Self.holdName).flatMap { JSON($0) }.flatMap { ClockHold($0) })
        }
        if isFirst { clockWatch.begin(newest: kept?.wall) }
        switch ClockVerdict.judge(now, after: clockWatch.last ?? kept, holding: hold, newest: clockWatch.newest) {
        case .fine:
            clockWatch.note(now, nil)
            if clockWatch.isToBeKept(at: now) {
                try await write { tx in try tx.keepPrivately(Self.readingName, now.json.written) }
            }
            return true
        case .recovered:
            log.notice("the clock is correct again; timers resume")
            try await write { tx in try tx.keepPrivately(Self.holdName, nil) }
            clockWatch.note(now, nil)
            return true
        case .jumped(let found):
            if hold == nil {
                log.error(
                    "the clock jumped ahead by more than a day; timers are paused",
                    metadata: ["before": "\(found.before.wall.rfc3339)", "now": "\(now.wall.rfc3339)"])
                try await write { tx in try tx.keepPrivately(Self.holdName, found.json.written) }
            }
            clockWatch.note(nil, found)
            return false
        }
    }

    /// Somebody said that the clock is right: timers go on from here.
    package func trustClock() async throws {
        let now = clock.reading()
        try await write { tx in
            try tx.keepPrivately(Self.holdName, nil)
            try tx.keepPrivately(Self.readingName, now.json.written)
        }
        clockWatch.note(now, nil)
    }

    /// What stands in the database, for a command beside the server.
    package func clockHold() async throws -> ClockHold? {
        try await read { try $0.privateSetting(Self.holdName).flatMap { JSON($0) }.flatMap { ClockHold($0) } }
    }
}

extension ClockReading {
    fileprivate var json: JSON {
        ["wall": JSON(wall.milliseconds), "steady": JSON(Int64(steady)), "boot": .string(boot)]
    }
    fileprivate init?(_ json: JSON) {
        guard let wall = json["wall"]?.integer, let steady = json["steady"]?.integer, let boot = json["boot"]?.text
        else { return nil }
        self.init(wall: Date(milliseconds: wall), steady: TimeInterval(steady), boot: boot)
    }
}

extension ClockHold {
    fileprivate var json: JSON { ["before": before.json, "after": JSON(after.milliseconds)] }
    fileprivate init?(_ json: JSON) {
        guard let before = json["before"].flatMap({ ClockReading($0) }), let after = json["after"]?.integer else {
            return nil
        }
        self.init(before: before, after: Date(milliseconds: after))
    }
}
