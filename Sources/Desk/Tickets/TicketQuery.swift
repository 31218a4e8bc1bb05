import Foundation
import Mail
import Store

/// The one search language of the search box, saved views and the API, parsed once to a typed filter.
///
/// Words and "phrases" look in the text; `field:value` looks at the ticket; `-` turns one term round; `OR` and brackets join.
package indirect enum TicketQuery: Sendable, Equatable {
    case all([TicketQuery])
    case any([TicketQuery])
    case not(TicketQuery)
    case text(TextQuery)
    case state([TicketState])
    case priority(least: Priority, most: Priority)
    case assignee(Holder)
    case team(Holder)
    case department([String])
    case topic([String])
    /// An address, `@domain`, or part of a name or address.
    case from(String)
    case tag(String)
    case number(Int64)
    case source([Source])
    case overdue(Bool)
    case escalated(Bool)
    case answered
    case moment(Moment, from: Date?, to: Date?)

    /// Who holds a ticket.
    package enum Holder: Sendable, Equatable {
        case nobody
        /// The asker, or one of the asker's teams.
        case mine
        /// Names or e-mail addresses.
        case named([String])
    }
    package enum Moment: String, Sendable, CaseIterable {
        case created, updated, resolved, closed
    }

    package static let fields = [
        "state", "assignee", "team", "department", "topic", "priority", "from", "tag", "number", "source", "is", "created", "updated", "resolved", "closed",
    ]

    /// Reads a query; what cannot be read is refused with what would be right.
    ///
    /// - Parameter now: what `today` and `7d` are counted from.
    package init(_ text: String, now: Date) throws(Refusal) {
        guard text.utf8.count <= 1000 else { throw .invalid("query", .tooLong(most: 1000)) }
        var parser = Parser(tokens: Self.tokens(text.withoutControls), now: now)
        self = try parser.whole()
    }

    /// What every ticket matches.
    package static let everything = TicketQuery.all([])
}

// MARK: reading

extension TicketQuery {
    fileprivate enum Token: Equatable {
        case open, close, or, minus
        case word(String)
        case phrase(String)
        case field(String, String)
    }

    /// Splits at blanks; quotes keep blanks together, also behind `field:`.
    fileprivate static func tokens(_ text: String) -> [Token] {
        var tokens: [Token] = []
        var rest = Substring(text)
        while let first = rest.first {
            if first.isWhitespace {
                rest.removeFirst()
            } else if first == "(" || first == ")" {
                tokens.append(first == "(" ? .open : .close)
                rest.removeFirst()
            } else if first == "-", rest.dropFirst().first.map({ !$0.isWhitespace }) ?? false {
                tokens.append(.minus)
                rest.removeFirst()
            } else if first == "\"" {
                tokens.append(.phrase(quoted(&rest)))
            } else {
                tokens.append(word(&rest))
            }
        }
        return tokens
    }

    private static func word(_ rest: inout Substring) -> Token {
        var word = ""
        while let next = rest.first, !next.isWhitespace, next != "(", next != ")" {
            if next == ":", isFieldName(word), let value = value(&rest) { return .field(word.lowercased(), value) }
            word.append(next)
            rest.removeFirst()
        }
        return word == "OR" ? .or : .word(word)
    }

    /// What stands behind a field's colon; nil where it is no value: `Re: hello`, `http://…`.
    private static func value(_ rest: inout Substring) -> String? {
        let behind = rest.dropFirst()
        guard let first = behind.first, !first.isWhitespace, first != "/" else { return nil }
        rest = behind
        if first == "\"" { return quoted(&rest) }
        var value = ""
        while let next = rest.first, !next.isWhitespace, next != ")" {
            value.append(next)
            rest.removeFirst()
        }
        return value
    }

    private static func quoted(_ rest: inout Substring) -> String {
        rest.removeFirst()
        let text = rest.prefix { $0 != "\"" }
        rest = rest.dropFirst(text.count + 1)
        return String(text)
    }
    private static func isFieldName(_ word: String) -> Bool { !word.isEmpty && word.utf8.allSatisfy { $0 >= 0x41 && $0 <= 0x5A || $0 >= 0x61 && $0 <= 0x7A } }

    fileprivate struct Parser {
        let tokens: [Token]
        let now: Date
        var position = 0
        var depth = 0
        static let mostDepth = 20

        init(tokens: [Token], now: Date) {
            self.tokens = tokens
            self.now = now
        }

        mutating func whole() throws(Refusal) -> TicketQuery {
            let query = try alternatives()
            guard position == tokens.count else { throw .invalid("query", .other("has a closing bracket too many")) }
            return query
        }

        private mutating func alternatives() throws(Refusal) -> TicketQuery {
            var parts = [try terms()]
            while position < tokens.count, tokens[position] == .or {
                position += 1
                parts.append(try terms())
            }
            return parts.count == 1 ? parts[0] : .any(parts)
        }

        private mutating func terms() throws(Refusal) -> TicketQuery {
            var parts: [TicketQuery] = []
            while position < tokens.count, tokens[position] != .or, tokens[position] != .close {
                if let part = try term() { parts.append(part) }
            }
            return parts.count == 1 ? parts[0] : .all(parts)
        }

        private mutating func term() throws(Refusal) -> TicketQuery? {
            let token = tokens[position]
            position += 1
            switch token {
            case .minus:
                guard position < tokens.count, let turned = try term() else { return nil }
                return .not(turned)
            case .open:
                depth += 1
                guard depth <= Self.mostDepth else { throw .invalid("query", .other("is nested deeper than \(Self.mostDepth) brackets")) }
                let inner = try alternatives()
                guard position < tokens.count, tokens[position] == .close else { throw .invalid("query", .other("lacks a closing bracket")) }
                position += 1
                depth -= 1
                return inner
            case .phrase(let text): return TicketQuery.text(of: text)
            case .word(let text):
                if text.hasPrefix("#"), let number = Int64(text.dropFirst()) { return .number(number) }
                return TicketQuery.text(of: text)
            case .field(let name, let value): return try field(name, value)
            case .or, .close: return nil
            }
        }

        private func field(_ name: String, _ value: String) throws(Refusal) -> TicketQuery {
            let words = value.split(separator: ",").map { String($0).trimmingWhitespace() }.filter { !$0.isEmpty }
            guard !words.isEmpty else { throw .invalid("query", .other("has nothing behind \(name):")) }
            switch name {
            case "state":
                var states: [TicketState] = []
                for word in words { states += try TicketQuery.states(word) }
                return .state(states)
            case "priority": return try TicketQuery.priority(value)
            case "assignee": return .assignee(TicketQuery.holder(words))
            case "team": return .team(TicketQuery.holder(words))
            case "department": return .department(words)
            case "topic": return .topic(words)
            case "from": return .from(value.trimmingWhitespace().lowercased())
            case "tag": return words.count == 1 ? .tag(words[0].lowercased()) : .any(words.map { .tag($0.lowercased()) })
            case "number":
                let numbers = words.compactMap { Int64($0.hasPrefix("#") ? String($0.dropFirst()) : $0) }
                guard numbers.count == words.count else { throw .invalid("query", .other("number: takes digits")) }
                return numbers.count == 1 ? .number(numbers[0]) : .any(numbers.map { .number($0) })
            case "source":
                return .source(try words.map { word throws(Refusal) in
                    guard let source = Source(rawValue: word.lowercased()) else { throw .invalid("query", .other("source: takes \(Source.allCases.map(\.rawValue).joined(separator: ", "))")) }
                    return source
                })
            case "is":
                switch value.lowercased() {
                case "overdue": return .overdue(true)
                case "escalated": return .escalated(true)
                case "answered": return .answered
                case "open": return .state(TicketState.allCases.filter(\.isActive))
                default: throw .invalid("query", .other("is: takes open, overdue, escalated or answered"))
                }
            default:
                guard let moment = Moment(rawValue: name) else {
                    throw .invalid("query", .other("has no field “\(name)”; there are \(TicketQuery.fields.joined(separator: ", ")). Put quotes around text with a colon"))
                }
                let (from, to) = try TicketQuery.span(value, now: now, field: name)
                return .moment(moment, from: from, to: to)
            }
        }
    }

    private static func states(_ word: String) throws(Refusal) -> [TicketState] {
        if ["active", "unresolved"].contains(word.lowercased()) { return TicketState.allCases.filter(\.isActive) }
        guard let state = TicketState(rawValue: word.lowercased()) else {
            throw .invalid("query", .other("state: takes \(TicketState.allCases.map(\.rawValue).joined(separator: ", ")) or active, not “\(word)”"))
        }
        return [state]
    }

    private static func priority(_ value: String) throws(Refusal) -> TicketQuery {
        let comparison = value.prefix { $0 == ">" || $0 == "<" || $0 == "=" }
        let names = value.dropFirst(comparison.count).split(separator: ",")
        let found = names.compactMap { Priority(word: String($0)) }
        guard !found.isEmpty, found.count == names.count else { throw .invalid("query", .other("priority: takes \(Priority.words.joined(separator: ", ")), also with >= or <=")) }
        switch comparison {
        case ">=": return .priority(least: found[0], most: .urgent)
        case ">": return found[0] == .urgent ? .not(.everything) : .priority(least: Priority(rawValue: found[0].rawValue + 1) ?? .urgent, most: .urgent)
        case "<=": return .priority(least: .low, most: found[0])
        case "<": return found[0] == .low ? .not(.everything) : .priority(least: .low, most: Priority(rawValue: found[0].rawValue - 1) ?? .low)
        default: return found.count == 1 ? .priority(least: found[0], most: found[0]) : .any(found.map { .priority(least: $0, most: $0) })
        }
    }

    private static func holder(_ words: [String]) -> Holder {
        switch words[0].lowercased() {
        case "none" where words.count == 1: .nobody
        case "me" where words.count == 1, "mine" where words.count == 1: .mine
        default: .named(words.map { $0.lowercased() })
        }
    }

    /// A word as the index knows it; a star at its end asks for all that begin so. Text without a letter or digit asks nothing.
    private static func text(of text: String) -> TicketQuery? {
        let words = Words.split(text)
        guard let last = words.last else { return nil }
        guard text.hasSuffix("*") else { return .text(.phrase(words)) }
        return words.count == 1 ? .text(.prefix(last)) : .all([.text(.phrase(Array(words.dropLast()))), .text(.prefix(last))])
    }

    /// `2026-11-24`, `2026-11`, `2026-11-01..2026-11-24`, `>2026-11-01`, `<2026-11-01`, `today`, `yesterday`, `7d`, `24h`; days are UTC's.
    private static func span(_ value: String, now: Date, field: String) throws(Refusal) -> (from: Date?, to: Date?) {
        let text = value.lowercased()
        let refusal = Refusal.invalid("query", .other("\(field): takes a day as 2026-11-24, a month, two days with .. between, >, <, today, yesterday, 24h or 7d"))
        let today = Date(timeIntervalSince1970: (now.timeIntervalSince1970 / 86400).rounded(.down) * 86400)
        switch text {
        case "today": return (today, nil)
        case "yesterday": return (today - 86400, today)
        default: break
        }
        if let unit = text.last, let count = Int(text.dropLast()), count >= 0, count < 100_000, let seconds = ["h": 3600, "d": 86400, "w": 604_800][unit] {
            return (now - TimeInterval(count * seconds), nil)
        }
        if let dots = text.range(of: "..") {
            guard let first = day(text[..<dots.lowerBound]), let last = day(text[dots.upperBound...]) else { throw refusal }
            return (first.from, last.to)
        }
        let comparison = text.prefix { $0 == ">" || $0 == "<" || $0 == "=" }
        guard let day = day(text.dropFirst(comparison.count)) else { throw refusal }
        switch comparison {
        case ">": return (day.to, nil)
        case ">=": return (day.from, nil)
        case "<": return (nil, day.from)
        case "<=": return (nil, day.to)
        default: return (day.from, day.to)
        }
    }

    /// A day or a month of a filter, as moments.
    package static func days(_ text: String, field: String) throws(Refusal) -> (from: Date, to: Date) {
        guard let days = day(text[...]) else { throw .invalid(field, .wrongType(expected: "a day such as 2026-11-24")) }
        return days
    }

    private static func day(_ text: Substring) -> (from: Date, to: Date)? {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
        guard (2...3).contains(parts.count), let year = parts[0], let month = parts[1], (1970...9999).contains(year), (1...12).contains(month) else { return nil }
        if parts.count == 2 {
            let next = month == 12 ? (year + 1, 1) : (year, month + 1)
            return (CivilDay.start(year, month, 1), CivilDay.start(next.0, next.1, 1))
        }
        guard let day = parts[2], (1...31).contains(day) else { return nil }
        let from = CivilDay.start(year, month, day)
        return (from, from + 86400)
    }
}
