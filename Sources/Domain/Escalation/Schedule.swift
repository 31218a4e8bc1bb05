import Foundation
import Primitives

/// When a team works: spans of each weekday in one time zone, less the holidays. Deadlines count only this time.
package struct Schedule: Sendable, Equatable {
    package typealias ID = Primitives.ID<Schedule>
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
            throw .invalid("holidays", .wrongType(expected: "a list of days such as 2026-12-25"))
        }
        self.init(timeZone: zone, spans: spans, holidays: Set(dates.compactMap(\.text)))
    }

    /// What is wrong with the hours of a week; nil where nothing is.
    package static func problem(inHours hours: JSON) -> Fault.Problem? {
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
    package static func joined(_ hours: JSON) -> JSON {
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
