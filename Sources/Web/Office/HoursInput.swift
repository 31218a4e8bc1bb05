import Desk
import Domain
import Foundation
import Primitives

/// Working hours of one day as people type them: `9-17`, `09:00–12:30, 13:15–17`, `9am to 5pm`.
enum HoursInput {
    enum Problem: Error, Equatable {
        /// A part that is no span of time.
        case unreadable(String)
        /// A span that ends before it begins.
        case endsBefore(String)
    }

    private static let most = 20

    /// `[["09:00", "17:00"]]`, as the schedule keeps them; empty for a free day.
    static func spans(_ text: String) throws(Problem) -> [[String]] {
        var spans: [[String]] = []
        for part in text.split(whereSeparator: { $0 == "," || $0 == ";" || $0.isNewline }).map({
            String($0).trimmingWhitespace()
        }) where !part.isEmpty {
            guard spans.count < most else { throw .unreadable(part) }
            var plain = part.lowercased()
            for word in [" to ", " bis ", "–", "—", "−"] { plain = plain.replacingOccurrences(of: word, with: "-") }
            let ends = plain.split(separator: "-", omittingEmptySubsequences: false).map {
                minutes(String($0).trimmingWhitespace())
            }
            guard ends.count == 2, let from = ends[0], let to = ends[1] else { throw .unreadable(part) }
            guard from < to else { throw .endsBefore(part) }
            spans.append([clock(from), clock(to)])
        }
        return spans
    }

    /// `9`, `9:30`, `9.30`, `0930`, `9 am`, `24:00`.
    private static func minutes(_ text: String) -> Int? {
        var digits = text
        var half: Int?
        for (word, hours) in [("am", 0), ("a.m.", 0), ("pm", 12), ("p.m.", 12)] where digits.hasSuffix(word) {
            digits = String(digits.dropLast(word.count)).trimmingWhitespace()
            half = hours
        }
        for word in ["uhr", "h"] where digits.hasSuffix(word) {
            digits = String(digits.dropLast(word.count)).trimmingWhitespace()
        }
        var parts = digits.split(
            omittingEmptySubsequences: false, whereSeparator: { $0 == ":" || $0 == "." || $0 == "h" }
        ).map(String.init)
        if parts.count == 1, parts[0].utf8.count >= 3 {
            parts = [String(parts[0].dropLast(2)), String(parts[0].suffix(2))]
        }
        guard (1...2).contains(parts.count),
            parts.allSatisfy({ !$0.isEmpty && $0.utf8.count <= 2 && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }
            ),
            var hour = Int(parts[0])
        else { return nil }
        let minute = parts.count == 2 ? Int(parts[1]) ?? 60 : 0
        if let half {
            guard (1...12).contains(hour) else { return nil }
            hour = hour % 12 + half
        }
        guard minute < 60, hour * 60 + minute <= 1440 else { return nil }
        return hour * 60 + minute
    }

    private static func clock(_ minutes: Int) -> String {
        "\(minutes / 60 < 10 ? "0" : "")\(minutes / 60):\(minutes % 60 < 10 ? "0" : "")\(minutes % 60)"
    }
}

/// A day as people type it: `2026-12-25`, `25.12.2026`, `12/25/2026`, `25 December 2026`.
enum DayInput {
    private static let months = [
        "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
        "december",
    ]
    private static let german = [
        "januar", "februar", "märz", "april", "mai", "juni", "juli", "august", "september", "oktober", "november",
        "dezember",
    ]

    /// As `2026-12-25`; nil for what is no day of the calendar.
    ///
    /// - Parameter isMonthFirst: how the reader's country writes days with slashes, where both orders could be meant.
    static func day(_ text: String, isMonthFirst: Bool) -> String? {
        let plain = text.trimmingWhitespace().lowercased()
        let parts = plain.split(whereSeparator: { "-./, ".contains($0) }).map(String.init)
        guard parts.count == 3 else { return nil }
        if let word = parts.firstIndex(where: { Int($0) == nil }) {
            let name = parts[word]
            guard word < 2, name.count >= 3,
                let month = [months, german].compactMap({ names in names.firstIndex { $0.hasPrefix(name) } }).first
            else { return nil }
            return made(parts[2], month + 1, parts[word == 0 ? 1 : 0])
        }
        if parts[0].utf8.count == 4 { return made(parts[0], Int(parts[1]), parts[2]) }
        guard let first = Int(parts[0]), let second = Int(parts[1]) else { return nil }
        let monthFirst = plain.contains("/") && (second > 12 || isMonthFirst && first <= 12)
        return monthFirst ? made(parts[2], first, parts[1]) : made(parts[2], second, parts[0])
    }

    private static func made(_ year: String, _ month: Int?, _ day: String) -> String? {
        guard year.utf8.count == 4, let year = Int(year), let month, let day = Int(day) else { return nil }
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : String(number) }
        let name = "\(year)-\(two(month))-\(two(day))"
        return CivilDay.isName(name) ? name : nil
    }
}

extension Language {
    /// `Friday, 25 December 2026`; nil for what is no day.
    func day(_ name: String) -> String? {
        guard CivilDay.isName(name) else { return nil }
        let parts = name.split(separator: "-").compactMap { Int($0) }
        let number = CivilDay.number(parts[0], parts[1], parts[2])
        // 1970-01-01 was a Thursday.
        return self(
            "{0}, {1} {2} {3}", weekday(Schedule.weekdays[((number + 3) % 7 + 7) % 7]), String(parts[2]),
            month(parts[1]), String(parts[0]))
    }

    func weekday(_ day: String) -> String {
        switch day {
        case "mon": self("Monday")
        case "tue": self("Tuesday")
        case "wed": self("Wednesday")
        case "thu": self("Thursday")
        case "fri": self("Friday")
        case "sat": self("Saturday")
        default: self("Sunday")
        }
    }

    func month(_ number: Int) -> String {
        switch number {
        case 1: self("January")
        case 2: self("February")
        case 3: self("March")
        case 4: self("April")
        case 5: self("May")
        case 6: self("June")
        case 7: self("July")
        case 8: self("August")
        case 9: self("September")
        case 10: self("October")
        case 11: self("November")
        default: self("December")
        }
    }
}
