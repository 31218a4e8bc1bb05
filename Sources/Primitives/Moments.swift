import Foundation

extension Date {
    /// Milliseconds since 1970, UTC: how times are kept.
    package var milliseconds: Int64 { Int64((timeIntervalSince1970 * 1000).rounded()) }
    package init(milliseconds: Int64) { self.init(timeIntervalSince1970: Double(milliseconds) / 1000) }
}

extension Date {
    /// RFC 3339, UTC, to the second; milliseconds only where there are any.
    package var rfc3339: String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(24)
        appendRFC3339(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    package func appendRFC3339(to bytes: inout [UInt8]) {
        let milliseconds = Int(self.milliseconds)
        let day = milliseconds.flooredDivision(by: 86_400_000)
        let rest = milliseconds - day * 86_400_000
        let (year, month, dayOfMonth) = CivilDay.parts(of: day)
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 24) { text in
            func two(_ number: Int, at offset: Int) {
                text[offset] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number / 10)
                text[offset + 1] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number % 10)
            }
            two(year / 100, at: 0)
            two(year % 100, at: 2)
            text[4] = UInt8(ascii: "-")
            two(month, at: 5)
            text[7] = UInt8(ascii: "-")
            two(dayOfMonth, at: 8)
            text[10] = UInt8(ascii: "T")
            two(rest / 3_600_000, at: 11)
            text[13] = UInt8(ascii: ":")
            two(rest / 60000 % 60, at: 14)
            text[16] = UInt8(ascii: ":")
            two(rest / 1000 % 60, at: 17)
            var length = 19
            let fraction = rest % 1000
            if fraction > 0 {
                text[19] = UInt8(ascii: ".")
                text[20] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: fraction / 100)
                two(fraction % 100, at: 21)
                length = 23
            }
            text[length] = UInt8(ascii: "Z")
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[0...length]))
        }
    }
}

/// Days of the Gregorian calendar, counted from 1970-01-01 (Howard Hinnant's algorithms).
package enum CivilDay {
    package static func parts(of day: Int) -> (year: Int, month: Int, day: Int) {
        let z = day + 719_468
        let era = z.flooredDivision(by: 146_097)
        let doe = z - era * 146_097
        let yoe = (doe - doe / 1460 + doe / 36524 - doe / 146_096) / 365
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100)
        let mp = (5 * doy + 2) / 153
        let month = mp < 10 ? mp + 3 : mp - 9
        return (yoe + era * 400 + (month <= 2 ? 1 : 0), month, doy - (153 * mp + 2) / 5 + 1)
    }

    package static func number(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let y = month <= 2 ? year - 1 : year
        let era = y.flooredDivision(by: 400)
        let yoe = y - era * 400
        let doy = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468
    }

    /// `2026-11-24`
    package static func name(of day: Int) -> String {
        let (year, month, dayOfMonth) = parts(of: day)
        var bytes: [UInt8] = []
        DecimalText.append(year, width: 4, to: &bytes)
        bytes.append(UInt8(ascii: "-"))
        DecimalText.append(month, width: 2, to: &bytes)
        bytes.append(UInt8(ascii: "-"))
        DecimalText.append(dayOfMonth, width: 2, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Whether a text is a day of the calendar as `name(of:)` writes it.
    package static func isName(_ text: String) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false).compactMap { Int($0) }
        guard text.utf8.count == 10, parts.count == 3, (1...9999).contains(parts[0]), (1...12).contains(parts[1]),
            (1...31).contains(parts[2])
        else { return false }
        return name(of: number(parts[0], parts[1], parts[2])) == text
    }

    /// Midnight UTC at its beginning.
    package static func start(_ year: Int, _ month: Int, _ day: Int) -> Date {
        Date(timeIntervalSince1970: TimeInterval(number(year, month, day) * 86400))
    }
}

extension Int {
    /// Rounded down, also below zero.
    package func flooredDivision(by divisor: Int) -> Int { self >= 0 ? self / divisor : (self - divisor + 1) / divisor }
}
