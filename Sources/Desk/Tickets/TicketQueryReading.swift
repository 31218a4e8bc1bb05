import Domain
import Foundation
import Mail
import Primitives
import Store

extension TicketQuery {
    /// Other names of fields.
    private static let synonyms = [
        "status": "state", "requester": "from", "customer": "from", "org": "organization", "tags": "tag",
        "agent": "assignee", "owner": "assignee",
    ]

    /// Reads a query; what cannot be read is refused with what would be right.
    ///
    /// - Parameter now: what `today` and `7d` are counted from.
    package init(_ text: String, now: Date) throws(Refusal) {
        guard text.utf8.count <= 1000 else {
            throw .invalid("query", .tooLong(most: 1000))
        }
        var parser = Parser(tokens: Self.tokens(text.withoutControls), now: now)
        self = try parser.whole()
    }
}

extension TicketQuery {
    fileprivate enum Token: Equatable {
        case open, close, or, and, minus
        /// Digits of a telephone number, in whatever notation.
        case phone(String)
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
            } else if let phone = phone(&rest) {
                tokens.append(.phone(phone))
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
        switch word {
        case "OR", "||": return .or
        case "AND", "&&": return .and
        case "NOT": return .minus
        default: return .word(word)
        }
    }

    /// A telephone number whose digits are parted: `+49 (30) 123-4567`. Digits in one piece are a word like any other.
    private static func phone(_ rest: inout Substring) -> String? {
        guard let first = rest.first, first == "+" || first == "(" || first.isASCII && first.isNumber else {
            return nil
        }
        var (digits, end, gap, hasParts) = ("", rest.startIndex, 0, false)
        var index = rest.startIndex
        scan: while index < rest.endIndex, digits.count <= 20 {
            let character = rest[index]
            switch character {
            case "0"..."9":
                if gap > 0, !digits.isEmpty { hasParts = true }
                digits.append(character)
                gap = 0
                index = rest.index(after: index)
                end = index
                continue
            case "+" where digits.isEmpty, " ", "-", ".", "(", ")", "/":
                if character == " ", let next = rest[rest.index(after: index)...].first, next == "-" { break scan }
                gap += 1
                guard gap <= 3 else { break scan }
            default: break scan
            }
            index = rest.index(after: index)
        }
        guard hasParts || first == "+", (7...20).contains(digits.count),
            end == rest.endIndex || rest[end].isWhitespace || rest[end] == ")"
        else { return nil }
        let written = String(rest[..<end])
        // Days are no telephone numbers, nor are two numbers of tickets.
        let groups = written.split { !$0.isNumber }.map(\.count)
        if groups == [4, 2, 2] || first != "+" && first != "(" && first != "0" && groups.allSatisfy({ $0 > 4 }) {
            return nil
        }
        rest = rest[end...]
        if first == "(", written.filter({ $0 == "(" }).count > written.filter({ $0 == ")" }).count, rest.first == ")" {
            rest.removeFirst()
        }
        return written
    }

    /// What stands behind a field's colon; nil where it is no value: `Re: hello`, `http://…`, `C:\\Users`.
    private static func value(_ rest: inout Substring) -> String? {
        let behind = rest.dropFirst()
        guard let first = behind.first, !first.isWhitespace, first != "/", first != "\\", first != ":" else {
            return nil
        }
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
    private static func isFieldName(_ word: String) -> Bool {
        word.utf8.count > 1 && word.utf8.allSatisfy { $0 >= 0x41 && $0 <= 0x5A || $0 >= 0x61 && $0 <= 0x7A }
    }

    /// Reads by descent into brackets only, so that nothing else nests. Brackets without their other half are signs
    /// like any other; a place that asks for nothing, such as signs without a letter, is left out, and where nothing
    /// else stands the search finds nothing.
    fileprivate struct Parser {
        let tokens: [Token]
        let now: Date
        var position = 0
        var depth = 0
        var leftOut = false
        static let mostDepth = 20
        static let mostTerms = 100
        var terms = 0

        init(tokens: [Token], now: Date) {
            self.tokens = tokens
            self.now = now
        }

        mutating func whole() throws(Refusal) -> TicketQuery {
            var parts: [TicketQuery] = []
            while position < tokens.count {
                if let part = try alternatives() { parts.append(part) }
                // A closing bracket too many.
                if position < tokens.count { position += 1 }
            }
            if parts.isEmpty { return leftOut ? .not(.everything) : .everything }
            return parts.count == 1 ? parts[0] : .all(parts)
        }

        private mutating func alternatives() throws(Refusal) -> TicketQuery? {
            var parts = [try together()].compactMap { $0 }
            while position < tokens.count, tokens[position] == .or {
                position += 1
                if let part = try together() { parts.append(part) }
            }
            return parts.isEmpty ? nil : parts.count == 1 ? parts[0] : .any(parts)
        }

        private mutating func together() throws(Refusal) -> TicketQuery? {
            var parts: [TicketQuery] = []
            while position < tokens.count, tokens[position] != .or, tokens[position] != .close {
                if let part = try term() { parts.append(part) }
            }
            return parts.isEmpty ? nil : parts.count == 1 ? parts[0] : .all(parts)
        }

        private mutating func term() throws(Refusal) -> TicketQuery? {
            var isTurned = false
            while position < tokens.count, tokens[position] == .minus {
                isTurned.toggle()
                position += 1
            }
            guard position < tokens.count, tokens[position] != .or, tokens[position] != .close else {
                leftOut = true
                return nil
            }
            guard let term = try plainTerm() else { return nil }
            return isTurned ? .not(term) : term
        }

        private mutating func plainTerm() throws(Refusal) -> TicketQuery? {
            let token = tokens[position]
            position += 1
            terms += 1
            guard terms <= Self.mostTerms else {
                throw .invalid(
                    "query",
                    .other(Sentence("The search has more than {0} terms. Remove some.", String(Self.mostTerms))))
            }
            let found: TicketQuery?
            switch token {
            case .open:
                depth += 1
                guard depth <= Self.mostDepth else {
                    throw .invalid(
                        "query",
                        .other(
                            Sentence(
                                "The search has parentheses nested deeper than {0}. Remove some.",
                                String(Self.mostDepth))))
                }
                found = try alternatives()
                if position < tokens.count { position += 1 }
                depth -= 1
            case .phrase(let text): found = TicketQuery.text(of: text, isQuoted: true)
            case .phone(let text): found = TicketQuery.phone(text)
            case .word(let text):
                if text.hasPrefix("#"), let number = Int64(text.dropFirst()) { return .number(number) }
                found = TicketQuery.text(of: text, isQuoted: false)
            case .field(let name, let value): return try field(TicketQuery.synonyms[name] ?? name, value)
            case .and: return nil
            case .or, .close, .minus: return nil
            }
            if found == nil { leftOut = true }
            return found
        }

        private func field(_ name: String, _ value: String) throws(Refusal) -> TicketQuery {
            let words = value.split(separator: ",").map { String($0).trimmingWhitespace() }.filter { !$0.isEmpty }
            guard !words.isEmpty else {
                throw .invalid("query", .other(Sentence("Enter a value after “{0}:”.", name)))
            }
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
            case "tag" where ["none", "no"].contains(value.lowercased()): return .tagged(false)
            case "tag":
                return words.count == 1 ? .tag(words[0].lowercased()) : .any(words.map { .tag($0.lowercased()) })
            case "number":
                let numbers = words.compactMap { Int64($0.hasPrefix("#") ? String($0.dropFirst()) : $0) }
                guard numbers.count == words.count else {
                    throw .invalid(
                        "query", .other(Sentence("Enter a ticket number after “number:”, not “{0}”.", value)))
                }
                return numbers.count == 1 ? .number(numbers[0]) : .any(numbers.map { .number($0) })
            case "source":
                return .source(
                    try words.map { word throws(Refusal) in
                        guard let source = Source(rawValue: word.lowercased()) else {
                            throw TicketQuery.refusal(of: word, name, Source.allCases.map(\.rawValue))
                        }
                        return source
                    })
            case "is":
                switch value.lowercased() {
                case "overdue", "breached": return .overdue(true)
                case "escalated": return .escalated(true)
                case "answered": return .answered
                case "unassigned": return .unassigned
                case "assigned": return .not(.unassigned)
                case "open", "active", "unresolved": return .state(TicketState.allCases.filter(\.isActive))
                default:
                    if let states = try? TicketQuery.states(value) { return .state(states) }
                    let words =
                        ["open", "overdue", "escalated", "answered", "assigned", "unassigned"]
                        + TicketState.allCases.filter { $0 != .open && $0 != .deleted }.map(\.rawValue)
                    throw TicketQuery.refusal(of: value, name, words)
                }
            case "has":
                let things = words.map { $0.lowercased() }.map {
                    Thing(rawValue: $0) ?? Thing(rawValue: String($0.dropLast()))
                }
                guard !things.contains(nil) else {
                    throw TicketQuery.refusal(of: value, name, Thing.allCases.map(\.rawValue))
                }
                let found = things.compactMap { $0.map { TicketQuery.has($0) } }
                return found.count == 1 ? found[0] : .any(found)
            case "organization":
                return words.count == 1 ? .organization(words[0]) : .any(words.map { .organization($0) })
            case "cc": return words.count == 1 ? .cc(words[0].lowercased()) : .any(words.map { .cc($0.lowercased()) })
            case "subject":
                guard case .text(let text)? = TicketQuery.text(of: value, isQuoted: false) else {
                    return .not(.everything)
                }
                return .subject(value.trimmingCharacters(in: .whitespaces), text)
            case "rating":
                let stars = words.compactMap { Int($0) }
                guard stars.count == words.count, stars.allSatisfy((1...5).contains) else {
                    throw TicketQuery.refusal(of: value, name, ["1", "2", "3", "4", "5"])
                }
                return .rating(stars)
            case "due":
                if ["none", "no"].contains(value.lowercased()) { return .due(from: nil, to: nil) }
                if ["overdue", "past"].contains(value.lowercased()) { return .due(from: nil, to: now) }
                let (from, to) = try TicketQuery.span(value, now: now, field: name, ahead: true)
                return .due(from: from, to: to)
            default:
                guard let moment = Moment(rawValue: name) else {
                    throw .invalid(
                        "query",
                        .other(
                            Sentence(
                                "There is no field “{0}”. You can use {1}. Put quotes around text that has a colon.",
                                name, TicketQuery.fields.joined(separator: ", "))))
                }
                let (from, to) = try TicketQuery.span(value, now: now, field: name)
                return .moment(moment, from: from, to: to)
            }
        }
    }

    /// A value that a field does not know, with those it does.
    private static func refusal(of value: String, _ field: String, _ known: [String]) -> Refusal {
        .invalid(
            "query",
            .other(
                Sentence(
                    "“{0}:” can't be “{1}”. You can use {2}.", field, value, known.joined(separator: ", "))))
    }

    private static func states(_ word: String) throws(Refusal) -> [TicketState] {
        if ["active", "unresolved"].contains(word.lowercased()) { return TicketState.allCases.filter(\.isActive) }
        let key = word.lowercased().split(separator: " ").joined(separator: "-")
        let known = TicketState.allCases.map { ($0.word.split(separator: " ").joined(separator: "-"), $0) }
        // As pages name them, and as the API does.
        let named = known.first { $0.0 == key }?.1 ?? TicketState(rawValue: key)
        guard let state = named ?? ["hold": .held, "solved": .resolved][key] else {
            throw refusal(of: word, "state", known.map(\.0) + ["active"])
        }
        return [state]
    }

    private static func priority(_ value: String) throws(Refusal) -> TicketQuery {
        let comparison = value.prefix { $0 == ">" || $0 == "<" || $0 == "=" }
        let names = value.dropFirst(comparison.count).split(separator: ",")
        let found = names.compactMap { Priority(word: String($0)) }
        guard !found.isEmpty, found.count == names.count else {
            throw .invalid(
                "query",
                .other(
                    Sentence(
                        "“priority:” can't be “{0}”. You can use {1}, also with >= or <=.", value,
                        Priority.words.joined(separator: ", "))))
        }
        switch comparison {
        case ">=": return .priority(least: found[0], most: .urgent)
        case ">":
            return found[0] == .urgent
                ? .not(.everything)
                : .priority(least: Priority(rawValue: found[0].rawValue + 1) ?? .urgent, most: .urgent)
        case "<=": return .priority(least: .low, most: found[0])
        case "<":
            return found[0] == .low
                ? .not(.everything) : .priority(least: .low, most: Priority(rawValue: found[0].rawValue - 1) ?? .low)
        default:
            return found.count == 1
                ? .priority(least: found[0], most: found[0]) : .any(found.map { .priority(least: $0, most: $0) })
        }
    }

    private static func holder(_ words: [String]) -> Holder {
        switch words[0].lowercased() {
        case "none" where words.count == 1, "nobody" where words.count == 1: .nobody
        case "me" where words.count == 1, "mine" where words.count == 1: .mine
        default: .named(words.map { $0.lowercased() })
        }
    }

    /// Letters of a word from which on it is looked for as a beginning: shorter ones begin nearly everything.
    private static let shortestBeginning = 3

    /// A word finds all that begin so; in quotes, and where it is digits or very short, itself. Text without a letter
    /// or digit asks nothing.
    private static func text(of text: String, isQuoted: Bool) -> TicketQuery? {
        let words = Words.split(text)
        guard let last = words.last else { return nil }
        let isBegun =
            !isQuoted
            && (text.hasSuffix("*")
                || last.count >= shortestBeginning && !last.allSatisfy { $0.isASCII && $0.isNumber })
        let spellings = Words.spellings(words, of: text)
        let queries = spellings.map { isBegun ? $0.count == 1 ? TextQuery.prefix($0[0]) : .beginning($0) : .phrase($0) }
        return .text(queries.count == 1 ? queries[0] : .any(queries))
    }

    /// The digits as they stand, or any number that ends in the same ones.
    private static func phone(_ text: String) -> TicketQuery? {
        let words = Words.split(text)
        guard let ending = Words.telephoneEnding(text) else { return words.isEmpty ? nil : .text(.phrase(words)) }
        return .text(.any([.phrase(words), .phrase([ending])]))
    }

    /// `2026-11-24`, `2026-11`, `2026-11-01..2026-11-24`, `>2026-11-01`, `today`, `yesterday`, `7d`, `<7d` (less long
    /// ago), `>7d`; days are UTC's.
    ///
    /// - Parameter ahead: counts into the future: `due:4h`, `due:tomorrow`.
    private static func span(_ value: String, now: Date, field: String, ahead: Bool = false) throws(Refusal) -> (
        from: Date?, to: Date?
    ) {
        let text = value.lowercased()
        let wrong = refusal(
            of: value, field,
            ["2026-11-24", "2026-11", "2026-11-01..2026-11-24", ">2026-11-01", "<2026-11-01", "today"]
                + (ahead ? ["tomorrow", "overdue", "none", "4h", "2d"] : ["yesterday", "24h", "7d"]))
        let today = Date(timeIntervalSince1970: (now.timeIntervalSince1970 / 86400).rounded(.down) * 86400)
        switch text {
        case "today": return (today, ahead ? today + 86400 : nil)
        case "yesterday": return (today - 86400, today)
        case "tomorrow": return (today + 86400, today + 2 * 86400)
        default: break
        }
        let comparison = text.prefix { $0 == ">" || $0 == "<" || $0 == "=" }
        let bare = text.dropFirst(comparison.count)
        if let unit = bare.last, let count = Int(bare.dropLast()), count >= 0, count < 100_000,
            let seconds = ["m": 60, "h": 3600, "d": 86400, "w": 604_800][unit]
        {
            let length = TimeInterval(count * seconds)
            if ahead { return comparison.hasPrefix(">") ? (now + length, nil) : (now, now + length) }
            return comparison.hasPrefix(">") ? (nil, now - length) : (now - length, nil)
        }
        if let dots = text.range(of: "..") {
            guard let first = day(text[..<dots.lowerBound]), let last = day(text[dots.upperBound...]) else {
                throw wrong
            }
            return (first.from, last.to)
        }
        guard let day = day(bare) else { throw wrong }
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
        guard (2...3).contains(parts.count), let year = parts[0], let month = parts[1], (1970...9999).contains(year),
            (1...12).contains(month)
        else { return nil }
        if parts.count == 2 {
            let next = month == 12 ? (year + 1, 1) : (year, month + 1)
            return (CivilDay.start(year, month, 1), CivilDay.start(next.0, next.1, 1))
        }
        guard let day = parts[2], (1...31).contains(day),
            CivilDay.parts(of: CivilDay.number(year, month, day)) == (year, month, day)
        else { return nil }
        let from = CivilDay.start(year, month, day)
        return (from, from + 86400)
    }
}
