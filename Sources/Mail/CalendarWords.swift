import Foundation

/// Invitations and answers to them (RFC 5545, RFC 5546) and cards (RFC 6350) as a few lines a person can read; the file
/// stays beside them.
enum CalendarWords {
    private static let mostLines = 2000
    private static let mostBytes = 1 << 20
    private static let mostLetters = 2000
    static let types: Set<String> = [
        "text/calendar", "text/vcard", "text/x-vcard", "text/directory", "application/ics",
    ]

    private struct Field {
        let name: String
        let parameters: [String: String]
        let value: String
    }

    /// Nil where the text is neither.
    static func summary(of bytes: some Collection<UInt8>, charset: String?, type: String) -> String? {
        let fields = Self.fields(Charset.decode(unfolded(bytes.prefix(mostBytes)), named: charset))
        return fields.contains { $0.name == "BEGIN" && $0.value.uppercased() == "VCARD" }
            ? card(fields) : invitation(fields)
    }

    private static let components: Set<String> = ["VEVENT", "VTODO", "VJOURNAL"]

    private static func invitation(_ fields: [Field]) -> String? {
        guard let start = fields.firstIndex(where: { $0.name == "BEGIN" && components.contains($0.value.uppercased()) })
        else { return nil }
        // Alarms within have fields of the same names.
        var event: [Field] = []
        var depth = 0
        for field in fields[(start + 1)...] {
            if field.name == "BEGIN" {
                depth += 1
            } else if field.name == "END" {
                depth -= 1
            } else if depth == 0 {
                event.append(field)
            }
            if depth < 0 { break }
        }
        func field(_ name: String) -> Field? { event.first { $0.name == name && !plain($0.value).isEmpty } }
        func value(_ name: String) -> String? { field(name).map { plain($0.value) } }
        let method = fields.first { $0.name == "METHOD" }?.value.trimmingWhitespace().uppercased()
        let title = value("SUMMARY") ?? "(no title)"
        var lines: [String] = []
        switch method {
        case "REPLY":
            lines.append("Answer to an invitation: \(title)")
            lines += event.filter { $0.name == "ATTENDEE" }.prefix(20).map(answer)
        case "COUNTER": lines.append("Proposes a new time: \(title)")
        case "DECLINECOUNTER": lines.append("Proposed time declined: \(title)")
        case "CANCEL": lines.append("Cancelled: \(title)")
        default: lines.append((value("STATUS")?.uppercased() == "CANCELLED" ? "Cancelled: " : "Invitation: ") + title)
        }
        let comments = event.filter { $0.name == "COMMENT" }.map { plain($0.value) }.filter { !$0.isEmpty }
        lines += comments.prefix(5).map { "Comment: \($0.prefix(mostLetters))" }
        if let begins = field("DTSTART") {
            let ends = field("DTEND") ?? field("DUE")
            lines.append(
                "When: \(moment(begins))"
                    + (ends.map { " to \(moment($0))" } ?? value("DURATION").map { " (\(duration($0)))" } ?? ""))
        } else if let due = field("DUE") {
            lines.append("Due: \(moment(due))")
        }
        if let rule = value("RRULE") { lines.append("Repeats: \(repetition(rule))") }
        if let place = value("LOCATION") { lines.append("Where: \(place)") }
        if let organizer = field("ORGANIZER") { lines.append("Organizer: \(person(organizer))") }
        if let words = value("DESCRIPTION") { lines.append(String(words.prefix(mostLetters))) }
        return lines.joined(separator: "\n")
    }

    /// `Ida Holm <ida@customer.example> declined`.
    private static func answer(_ attendee: Field) -> String {
        let said =
            switch attendee.parameters["PARTSTAT"]?.uppercased() {
            case "ACCEPTED": "accepted"
            case "DECLINED": "declined"
            case "TENTATIVE": "accepted tentatively"
            case "DELEGATED": "delegated" + (attendee.parameters["DELEGATED-TO"].map { " to \(address($0))" } ?? "")
            case "COMPLETED": "completed the task"
            case "IN-PROCESS": "is working on it"
            case "NEEDS-ACTION", nil: "has not decided yet"
            case let other?: "answered \(other.lowercased())"
            }
        return "\(person(attendee)) \(said)"
    }

    private static func person(_ field: Field) -> String {
        let address = address(plain(field.value))
        guard let name = field.parameters["CN"].map({ plain($0) }), !name.isEmpty,
            name.lowercased() != address.lowercased()
        else { return address }
        return address.isEmpty ? name : "\(name) <\(address)>"
    }
    private static func address(_ value: String) -> String {
        value.trimmingCharacters(in: CharacterSet(charactersIn: "\"")).replacingOccurrences(
            of: "mailto:", with: "", options: [.caseInsensitive, .anchored])
    }

    private static func card(_ fields: [Field]) -> String? {
        func values(_ name: String) -> [String] {
            fields.filter { $0.name == name }.map { plain($0.value) }.filter { !$0.isEmpty }.prefix(5).map { $0 }
        }
        let lines = [
            ("Card", values("FN")), ("Company", values("ORG").map { $0.replacingOccurrences(of: ";", with: ", ") }),
            ("Title", values("TITLE")), ("Email", values("EMAIL")), ("Phone", values("TEL")),
        ]
        .filter { !$0.1.isEmpty }.map { "\($0.0): \($0.1.joined(separator: ", "))" }
        return lines.isEmpty ? nil : lines.joined(separator: "\n")
    }

    // MARK: lines

    /// Folds undone (RFC 5545, section 3.1) before letters are made of bytes: a fold may stand within a letter.
    private static func unfolded(_ bytes: some Collection<UInt8>) -> [UInt8] {
        var whole: [UInt8] = []
        whole.reserveCapacity(bytes.count)
        for byte in bytes {
            if byte == 0x20 || byte == 9, let last = whole.last, last == 10 || last == 13 {
                while let end = whole.last, end == 10 || end == 13 { whole.removeLast() }
            } else {
                whole.append(byte)
            }
        }
        return whole
    }

    private static func fields(_ text: String) -> [Field] {
        var fields: [Field] = []
        var open: String?
        for line in text.split(whereSeparator: \.isNewline).prefix(mostLines) {
            var line = open.map { $0 + line } ?? String(line)
            open = nil
            guard let colon = colon(line) else { continue }
            var parts = split(line[..<colon])
            let name = String(parts.removeFirst().split(separator: ".").last ?? "").trimmingWhitespace().uppercased()
            var parameters: [String: String] = [:]
            for part in parts.prefix(50) {
                let pair = part.split(separator: "=", maxSplits: 1)
                if pair.count == 2 {
                    parameters[pair[0].uppercased()] = pair[1].trimmingCharacters(in: CharacterSet(charactersIn: "\""))
                } else {
                    parameters[part.uppercased()] = ""
                }
            }
            let isQuoted =
                parameters["ENCODING"]?.uppercased() == "QUOTED-PRINTABLE" || parameters["QUOTED-PRINTABLE"] != nil
            // Cards of old end such a line in a soft line end.
            if isQuoted, line.hasSuffix("="), line.utf8.count < mostLetters * 8 {
                line.removeLast()
                open = line
                continue
            }
            var value = String(line[line.index(after: colon)...])
            if isQuoted {
                value = Charset.decode(
                    QuotedPrintable.escapes(Array(value.utf8)[...], mark: UInt8(ascii: "=")),
                    named: parameters["CHARSET"])
            }
            fields.append(Field(name: name, parameters: parameters, value: value))
        }
        return fields
    }

    /// The first colon outside quotes.
    private static func colon(_ line: String) -> String.Index? {
        var isQuoted = false
        for index in line.utf8.indices {
            let byte = line.utf8[index]
            if byte == UInt8(ascii: "\"") {
                isQuoted.toggle()
            } else if byte == UInt8(ascii: ":"), !isQuoted {
                return index
            }
        }
        return line.firstIndex(of: ":")
    }

    private static func split(_ head: Substring) -> [String] {
        var parts = [""]
        var isQuoted = false
        for scalar in head.unicodeScalars {
            if scalar == "\"" { isQuoted.toggle() }
            if scalar == ";", !isQuoted {
                parts.append("")
            } else {
                parts[parts.count - 1].unicodeScalars.append(scalar)
            }
        }
        return parts
    }

    /// Escapes undone (RFC 5545, section 3.3.11).
    private static func plain(_ value: String) -> String {
        guard value.contains("\\") else { return value.trimmingWhitespace() }
        var text = ""
        var isEscape = false
        for character in value {
            if isEscape {
                text.append(character == "n" || character == "N" ? "\n" : character)
                isEscape = false
            } else if character == "\\" {
                isEscape = true
            } else {
                text.append(character)
            }
        }
        return text.trimmingWhitespace()
    }

    // MARK: times

    /// `20261124T090000Z` as `2026-11-24 09:00 UTC`, with `TZID=Europe/Oslo` as `2026-11-24 09:00 (Europe/Oslo)`,
    /// `20261124` as a day.
    private static func moment(_ field: Field) -> String {
        let value = field.value.trimmingWhitespace()
        let digits = Array(value.utf8)
        func number(_ range: Range<Int>) -> String { String(decoding: digits[range], as: UTF8.self) }
        guard digits.count >= 8, digits.prefix(8).allSatisfy({ (0x30...0x39).contains($0) }) else { return value }
        let day = "\(number(0..<4))-\(number(4..<6))-\(number(6..<8))"
        guard digits.count >= 13, digits[8] == UInt8(ascii: "T") else { return day }
        let zone =
            value.hasSuffix("Z")
            ? " UTC" : field.parameters["TZID"].flatMap { $0.isEmpty ? nil : " (\($0.drop { $0 == "/" }))" } ?? ""
        return "\(day) \(number(9..<11)):\(number(11..<13))\(zone)"
    }

    /// `PT1H30M` as `1 h 30 min`.
    private static func duration(_ value: String) -> String {
        let units: [Character: String] = ["W": "weeks", "D": "days", "H": "h", "M": "min", "S": "s"]
        var (parts, digits): ([String], String) = ([], "")
        for character in value.uppercased() {
            if character.isNumber {
                digits.append(character)
            } else if let unit = units[character], !digits.isEmpty {
                parts.append("\(digits) \(unit)")
                digits = ""
            }
        }
        return parts.isEmpty ? value : parts.joined(separator: " ")
    }

    private static func repetition(_ rule: String) -> String {
        let frequency = rule.uppercased().split(separator: ";").first { $0.hasPrefix("FREQ=") }?.dropFirst(5)
            .lowercased()
        return frequency.map { "\($0) (\(rule.prefix(200)))" } ?? String(rule.prefix(200))
    }
}
