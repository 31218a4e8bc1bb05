import Foundation
import Markup
import Store
import Synchronization

/// When a team works: spans of each weekday in one time zone, less the holidays. Deadlines count only this time.
package struct Schedule: Sendable, Equatable {
    package typealias ID = Store.ID<Schedule>
    package let timeZone: TimeZone
    /// Minutes of the day, for Monday to Sunday; ends lie behind beginnings.
    package let spans: [[Range<Int>]]
    /// Days as `2026-12-25` on which nobody works.
    package let holidays: Set<String>

    package static let weekdays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    private static let longestSearch = 366 * 3

    package init(timeZone: TimeZone, spans: [[Range<Int>]], holidays: Set<String> = []) {
        self.timeZone = timeZone
        self.spans = spans
        self.holidays = holidays
    }

    /// Reads `{"mon": [["09:00", "17:00"]], …}` and `["2026-12-25"]`; throws what is wrong with it.
    package init(timeZone name: String, hours: JSON, holidays: JSON) throws(Refusal) {
        guard let zone = TimeZone(identifier: name) else { throw .invalid("time_zone", .unknown(name)) }
        guard case .object(let days) = hours else {
            throw .invalid("hours", .wrongType(expected: "an object of weekdays"))
        }
        if let unknown = days.keys.first(where: { !Schedule.weekdays.contains($0) }) {
            throw .invalid("hours", .unknown(unknown))
        }
        var spans: [[Range<Int>]] = []
        for day in Schedule.weekdays {
            guard case .array(let pairs) = days[day] ?? .array([]) else {
                throw .invalid("hours", .wrongType(expected: "lists of [from, to]"))
            }
            var ranges: [Range<Int>] = []
            for pair in pairs {
                guard case .array(let ends) = pair, ends.count == 2, let from = ends[0].text.flatMap(Schedule.minutes),
                    let to = ends[1].text.flatMap(Schedule.minutes),
                    from < to
                else { throw .invalid("hours", .wrongType(expected: "pairs of times such as [\"09:00\", \"17:00\"]")) }
                ranges.append(from..<to)
            }
            spans.append(Schedule.joined(ranges))
        }
        guard case .array(let dates) = holidays else {
            throw .invalid("holidays", .wrongType(expected: "a list of dates"))
        }
        self.init(timeZone: zone, spans: spans, holidays: Set(dates.compactMap(\.text)))
    }

    /// What is wrong with the hours of a week; nil where nothing is.
    static func problem(inHours hours: JSON) -> Fault.Problem? {
        do throws(Refusal) {
            _ = try Schedule(timeZone: "UTC", hours: hours, holidays: [])
            return nil
        } catch {
            guard case .invalid(let faults) = error else { return nil }
            return faults.first?.problem
        }
    }

    /// Spans in their order, those that touch or overlap made one: no minute counts twice.
    private static func joined(_ spans: [Range<Int>]) -> [Range<Int>] {
        var joined: [Range<Int>] = []
        for span in spans.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = joined.last, span.lowerBound <= last.upperBound {
                joined[joined.count - 1] = last.lowerBound..<max(last.upperBound, span.upperBound)
            } else {
                joined.append(span)
            }
        }
        return joined
    }

    /// The hours of a week with its spans joined, as they are kept and shown.
    static func joined(_ hours: JSON) -> JSON {
        // checked before
        guard let schedule = try? Schedule(timeZone: "UTC", hours: hours, holidays: []) else { return hours }
        func clock(_ minutes: Int) -> JSON {
            .string(
                (minutes / 60 < 10 ? "0" : "") + "\(minutes / 60):" + (minutes % 60 < 10 ? "0" : "") + "\(minutes % 60)"
            )
        }
        var days: [String: JSON] = [:]
        for (day, spans) in zip(weekdays, schedule.spans) where !spans.isEmpty {
            days[day] = .array(spans.map { .array([clock($0.lowerBound), clock($0.upperBound)]) })
        }
        return .object(days)
    }

    private static func minutes(_ clock: String) -> Int? {
        let parts = clock.split(separator: ":")
        guard parts.count == 2, let hour = Int(parts[0]), let minute = Int(parts[1]), (0...24).contains(hour),
            (0..<60).contains(minute),
            hour * 60 + minute <= 1440
        else { return nil }
        return hour * 60 + minute
    }

    /// The moment when so much working time has gone by; nil for a schedule on which nobody ever works.
    package func moment(after working: TimeInterval, from start: Date) -> Date? {
        var left = working
        for span in workingSpans(from: start) {
            let length = span.upperBound.timeIntervalSince(span.lowerBound)
            if left <= length { return span.lowerBound + left }
            left -= length
        }
        return nil
    }

    /// Working time between two moments, in seconds.
    package func workingTime(from start: Date, to end: Date) -> TimeInterval {
        var sum: TimeInterval = 0
        for span in workingSpans(from: start) {
            guard span.lowerBound < end else { break }
            sum += min(span.upperBound, end).timeIntervalSince(span.lowerBound)
        }
        return sum
    }

    private func workingSpans(from start: Date) -> some Sequence<Range<Date>> {
        let local = Int(start.timeIntervalSince1970.rounded(.down)) + timeZone.secondsFromGMT(for: start)
        let firstDay = Int((Double(local) / 86400).rounded(.down))
        return (firstDay..<(firstDay + Self.longestSearch)).lazy.flatMap { day -> [Range<Date>] in
            if !holidays.isEmpty, holidays.contains(CivilDay.name(of: day)) { return [] }
            // 1970-01-01 was a Thursday.
            let weekday = ((day + 3) % 7 + 7) % 7
            return spans[weekday].compactMap { span in
                let from = max(utc(day * 86400 + span.lowerBound * 60), start)
                let to = utc(day * 86400 + span.upperBound * 60)
                return from < to ? from..<to : nil
            }
        }
    }

    /// A local time as a moment. Twice, since the offset at the guess may lie on the other side of a change of clocks.
    private func utc(_ local: Int) -> Date {
        let guess = Date(
            timeIntervalSince1970: TimeInterval(
                local - timeZone.secondsFromGMT(for: Date(timeIntervalSince1970: TimeInterval(local)))))
        return Date(timeIntervalSince1970: TimeInterval(local - timeZone.secondsFromGMT(for: guess)))
    }
}

/// What a ticket was promised: how soon it is answered and how soon it is solved, in working time.
package struct ServiceLevel: Sendable, Equatable {
    package typealias ID = Store.ID<ServiceLevel>
    package let id: ID
    package let name: String
    package let firstResponse: TimeInterval?
    package let resolution: TimeInterval?
    /// What single priorities are promised instead.
    package var targets: [Priority: Target] = [:]
    /// Around the clock where there is none.
    package let schedule: Schedule?

    /// What tickets of one priority are promised, in seconds of working time.
    package struct Target: Sendable, Equatable {
        package var firstResponse: TimeInterval?
        package var resolution: TimeInterval?
    }

    package func target(_ priority: Priority) -> Target {
        let own = targets[priority]
        return Target(firstResponse: own?.firstResponse ?? firstResponse, resolution: own?.resolution ?? resolution)
    }

    package func deadlines(from start: Date, priority: Priority = .normal) -> Deadlines {
        let target = target(priority)
        return Deadlines(
            firstResponseDueAt: moment(after: target.firstResponse, from: start),
            resolutionDueAt: moment(after: target.resolution, from: start))
    }

    /// The deadlines of a ticket whose priority changed: counted from the same beginning, and whatever time it had
    /// rested is kept.
    package func moved(_ deadlines: Deadlines, opened: Date, from former: Priority, to priority: Priority) -> Deadlines
    {
        let (old, new) = (self.deadlines(from: opened, priority: former), target(priority))
        func due(_ current: Date?, _ was: Date?, _ target: TimeInterval?) -> Date? {
            guard let target else { return nil }
            guard let current, let was, current > was else { return moment(after: target, from: opened) }
            return moment(
                after: target + (schedule?.workingTime(from: was, to: current) ?? current.timeIntervalSince(was)),
                from: opened)
        }
        var moved = deadlines
        if deadlines.firstRespondedAt == nil {
            moved.firstResponseDueAt = due(deadlines.firstResponseDueAt, old.firstResponseDueAt, new.firstResponse)
        }
        moved.resolutionDueAt = due(deadlines.resolutionDueAt, old.resolutionDueAt, new.resolution)
        return moved
    }

    /// The deadlines after a rest: what was left of them when the clock stopped begins again now.
    package func resume(_ deadlines: Deadlines, at now: Date) -> Deadlines {
        guard let paused = deadlines.pausedAt else { return deadlines }
        func moved(_ due: Date?) -> Date? {
            guard let due, due > paused else { return due }
            return moment(
                after: schedule?.workingTime(from: paused, to: due) ?? due.timeIntervalSince(paused), from: now)
        }
        var resumed = deadlines
        resumed.pausedAt = nil
        if resumed.firstRespondedAt == nil { resumed.firstResponseDueAt = moved(deadlines.firstResponseDueAt) }
        resumed.resolutionDueAt = moved(deadlines.resolutionDueAt)
        return resumed
    }

    private func moment(after working: TimeInterval?, from start: Date) -> Date? {
        guard let working else { return nil }
        guard let schedule else { return start + working }
        return schedule.moment(after: working, from: start)
    }
}

/// The clocks of one ticket.
package struct Deadlines: Sendable, Equatable {
    package var firstResponseDueAt: Date?
    package var firstRespondedAt: Date?
    package var resolutionDueAt: Date?
    /// Since when the clocks rest.
    package var pausedAt: Date?

    package init(
        firstResponseDueAt: Date? = nil, firstRespondedAt: Date? = nil, resolutionDueAt: Date? = nil,
        pausedAt: Date? = nil
    ) {
        self.firstResponseDueAt = firstResponseDueAt
        self.firstRespondedAt = firstRespondedAt
        self.resolutionDueAt = resolutionDueAt
        self.pausedAt = pausedAt
    }

    /// The target that comes next; none while the clock rests.
    package var next: Date? {
        guard pausedAt == nil else { return nil }
        let response = firstRespondedAt == nil ? firstResponseDueAt : nil
        return [response, resolutionDueAt].compactMap { $0 }.min()
    }

    /// The target that was missed at a moment, in words.
    func missed(at now: Date) -> (name: String, dueAt: Date)? {
        guard pausedAt == nil else { return nil }
        if firstRespondedAt == nil, let due = firstResponseDueAt, due <= now { return ("first response", due) }
        if let due = resolutionDueAt, due <= now { return ("resolution", due) }
        return nil
    }
}

extension Schedule {
    private static let read = Mutex<[String: Schedule]>([:])

    /// A schedule as it is kept; each text is parsed once.
    static func kept(timeZone: String, hours: String, holidays: String) -> Schedule? {
        let key = "\(timeZone)\n\(hours)\n\(holidays)"
        if let known = read.withLock({ $0[key] }) { return known }
        guard let hours = JSON(hours), let holidays = JSON(holidays),
            // checked when it was saved
            let schedule = try? Schedule(timeZone: timeZone, hours: hours, holidays: holidays)
        else { return nil }
        read.withLock { $0[key] = schedule }
        return schedule
    }
}

extension ServiceLevel.Target {
    /// Reads `{"urgent": {"first_response": "PT1H", "resolution": "PT8H"}, …}` as it is kept; what it does not know it
    /// passes over.
    static func read(_ text: String) -> [Priority: ServiceLevel.Target] {
        guard text != "{}", case .object(let items)? = JSON(text) else { return [:] }
        var targets: [Priority: ServiceLevel.Target] = [:]
        for (name, value) in items {
            guard let priority = Priority(word: name) else { continue }
            targets[priority] = ServiceLevel.Target(
                firstResponse: value["first_response"]?.text.flatMap(Duration8601.seconds),
                resolution: value["resolution"]?.text.flatMap(Duration8601.seconds))
        }
        return targets
    }

    /// What is wrong with targets somebody sent; nil where nothing is.
    static func problem(in value: JSON) -> Fault.Problem? {
        guard case .object(let items) = value else { return .wrongType(expected: "an object of priorities") }
        for (name, target) in items {
            guard Priority(word: name) != nil, case .object(let durations) = target else { return .unknown(name) }
            for (clock, duration) in durations where duration != .null {
                guard ["first_response", "resolution"].contains(clock) else { return .unknown(clock) }
                guard duration.text.flatMap(Duration8601.seconds) != nil else {
                    return .wrongType(expected: "durations in hours and minutes such as PT1H or PT30M")
                }
            }
        }
        return nil
    }
}

/// Lengths of working time as ISO 8601 writes them, in hours, minutes and seconds: a working day is no day of 24 hours.
package enum Duration8601 {
    /// `PT1H30M` in seconds; nil for what is none, or is longer than ten years.
    package static func seconds(_ text: String) -> TimeInterval? {
        guard text.hasPrefix("PT"), text.utf8.count > 3, text.utf8.count <= 20 else { return nil }
        var (sum, number, units) = (0, "", "HMS"[...])
        for character in text.dropFirst(2) {
            if character.isASCII, character.isNumber {
                number.append(character)
                continue
            }
            guard let place = units.firstIndex(of: character), let value = Int(number), value < 10_000_000 else {
                return nil
            }
            sum += value * (character == "H" ? 3600 : character == "M" ? 60 : 1)
            units = units[units.index(after: place)...]
            number = ""
        }
        guard number.isEmpty, sum > 0, sum <= 315_360_000 else { return nil }
        return TimeInterval(sum)
    }
}
