import Foundation

/// A folder read by IMAP (RFC 3501; MOVE is RFC 6851, UIDPLUS RFC 4315).
final class IMAPSource: MailSource {
    private let line: MailLine
    private let host: String
    private let folder: String
    private var tag = 0
    private var capabilities: Set<String> = []
    /// Numbers of one command: long lists are sent in pieces that any server takes.
    private static let mostAtOnce = 500

    init(_ server: MailServer, folder: String, within seconds: Int) throws(MailFault) {
        line = try MailLine(server, within: seconds)
        host = server.host
        self.folder = folder.isEmpty ? "INBOX" : folder
        for answer in try command("CAPABILITY") where answer.hasPrefix("* CAPABILITY ") {
            capabilities = Set(answer.uppercased().split(separator: " ").map(String.init))
        }
    }

    func waiting(after position: MailboxPosition, first: FirstFetch) throws(MailFault) -> (
        messages: [WaitingMessage], position: MailboxPosition
    ) {
        let answers = try command("SELECT \(quoted(folder))")
        guard let validity = answers.lazy.compactMap({ Self.number(after: "[UIDVALIDITY ", in: $0) }).first else {
            throw MailFault(.answer, "\(host) did not report UIDVALIDITY for the folder")
        }
        guard position.validity != validity else {
            let numbers = try numbers(of: "UID \(position.last + 1):*")
            // `n:*` names the last message even when it lies below n.
            return (try sizes(of: numbers.filter { $0 > position.last }), position)
        }
        let whole = MailboxPosition(validity: validity, last: try highest(answers))
        let search: String
        if position.validity != nil {
            // Numbered anew: what is unread or of the last days; the desk knows by its Message-ID what it had.
            search = "OR UNSEEN SINCE \(Self.day(Date(timeIntervalSinceNow: -7 * 86400)))"
        } else {
            switch first {
            case .all: search = "ALL"
            case .unread: search = "UNSEEN"
            case .none: return ([], whole)
            }
        }
        return (try sizes(of: try numbers(of: search)), whole)
    }

    private func numbers(of search: String) throws(MailFault) -> [Int64] {
        let answers = try command("UID SEARCH \(search)").filter { $0.uppercased().hasPrefix("* SEARCH") }
        return answers.flatMap { $0.split(separator: " ").dropFirst(2).compactMap { Int64($0) } }.sorted()
    }

    /// `18-Nov-2026` (RFC 3501, date).
    private static func day(_ date: Date) -> String {
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        let parts = calendar.dateComponents([.year, .month, .day], from: date)
        return "\(parts.day ?? 1)-\(months[(parts.month ?? 1) - 1])-\(parts.year ?? 1970)"
    }

    private func highest(_ answers: [String]) throws(MailFault) -> Int64 {
        if let next = answers.lazy.compactMap({ Self.number(after: "[UIDNEXT ", in: $0) }).first { return next - 1 }
        return try numbers(of: "ALL").last ?? 0
    }

    private func sizes(of numbers: [Int64]) throws(MailFault) -> [WaitingMessage] {
        var sizes: [Int64: Int] = [:]
        for start in stride(from: 0, to: numbers.count, by: Self.mostAtOnce) {
            let part = numbers[start..<min(start + Self.mostAtOnce, numbers.count)]
            for answer in try command("UID FETCH \(Self.set(part)) (UID RFC822.SIZE)") {
                guard let number = Self.number(after: "UID ", in: answer),
                    let size = Self.number(after: "RFC822.SIZE ", in: answer)
                else { continue }
                sizes[number] = Int(size)
            }
        }
        return numbers.compactMap { number in sizes[number].map { WaitingMessage(key: String(number), size: $0) } }
    }

    func fetch(_ key: String, most: Int) throws(MailFault) -> Fetched {
        var found = Fetched.gone
        try command("UID FETCH \(key) (UID BODY.PEEK[])", mostLiteral: most) { answer, literal in
            // A server also tells of flags others set meanwhile, of this message too.
            if let fetched = Self.fetched(answer, literal) { found = fetched }
        }
        return found
    }

    /// What an answer says of a message's text; nil where it says nothing of it. It may be a literal, or an empty or
    /// short string (RFC 3501, section 4.3).
    static func fetched(_ answer: String, _ literal: Data?) -> Fetched? {
        guard let mark = answer.range(of: "BODY[] ", options: .caseInsensitive) else { return nil }
        if let literal { return .message(literal) }
        let rest = answer[mark.upperBound...]
        if rest.hasPrefix("{") { return .tooLarge }
        guard rest.hasPrefix("\"") else { return .message(Data()) }
        var text = ""
        var isEscaped = false
        for character in rest.dropFirst() {
            if !isEscaped, character == "\\" {
                isEscaped = true
                continue
            }
            if !isEscaped, character == "\"" { break }
            isEscaped = false
            text.append(character)
        }
        return .message(Data(text.utf8))
    }

    func settle(_ keys: [String], _ after: AfterFetching) throws(MailFault) {
        let numbers = keys.compactMap { Int64($0) }.sorted()
        for start in stride(from: 0, to: numbers.count, by: Self.mostAtOnce) {
            let set = Self.set(numbers[start..<min(start + Self.mostAtOnce, numbers.count)])
            switch after {
            case .flag: _ = try command("UID STORE \(set) +FLAGS.SILENT (\\Seen)")
            case .delete: try expunge(set)
            case .move(let folder):
                _ = try command("UID STORE \(set) +FLAGS.SILENT (\\Seen)")
                try move(set, to: folder)
            }
        }
    }

    private func move(_ set: String, to folder: String) throws(MailFault) {
        let verb = capabilities.contains("MOVE") ? "MOVE" : "COPY"
        do { _ = try command("UID \(verb) \(set) \(quoted(folder))") } catch let fault {
            guard fault.kind == .answer, fault.description.uppercased().contains("TRYCREATE") else { throw fault }
            _ = try command("CREATE \(quoted(folder))")
            _ = try command("UID \(verb) \(set) \(quoted(folder))")
        }
        if verb == "COPY" { try expunge(set) }
    }

    private func expunge(_ set: String) throws(MailFault) {
        _ = try command("UID STORE \(set) +FLAGS.SILENT (\\Seen \\Deleted)")
        _ = try command(capabilities.contains("UIDPLUS") ? "UID EXPUNGE \(set)" : "EXPUNGE")
    }

    func leave() throws(MailFault) { _ = try command("LOGOUT") }

    // MARK: the dialogue

    private func command(_ text: String) throws(MailFault) -> [String] {
        var answers: [String] = []
        try command(text, mostLiteral: 1 << 16) { answer, _ in answers.append(answer) }
        return answers
    }

    /// Sends a command and hands over each answer before its end, with the text around a literal joined and the last
    /// literal beside it.
    private func command(_ text: String, mostLiteral: Int, _ each: (String, Data?) -> Void) throws(MailFault) {
        tag += 1
        let mark = "u\(tag)"
        try line.send("\(mark) \(text)\r\n")
        while true {
            var answer = ""
            var literal: Data?
            while true {
                let part = String(decoding: try line.line(), as: UTF8.self)
                answer += part
                guard let length = Self.literalLength(part) else { break }
                literal = try line.bytes(length, most: mostLiteral)
            }
            if answer.hasPrefix(mark + " ") {
                let words = answer.dropFirst(mark.count + 1)
                if words.uppercased().hasPrefix("OK") {
                    each(answer, nil)
                    return
                }
                let verb = text.split(separator: " ").prefix(2).joined(separator: " ")
                throw MailFault(.answer, "\(host) answered \(verb) with \(words)")
            }
            if answer.hasPrefix("* BYE"), !text.hasPrefix("LOGOUT") {
                throw MailFault(.connection, "\(host) closed the connection: \(answer.dropFirst(6))")
            }
            each(answer, literal)
        }
    }

    /// `{123}` at the end of a line announces so many bytes.
    static func literalLength(_ line: String) -> Int? {
        guard line.hasSuffix("}"), let open = line.lastIndex(of: "{") else { return nil }
        return Int(line[line.index(after: open)...].dropLast())
    }

    static func number(after mark: String, in answer: String) -> Int64? {
        guard let found = answer.range(of: mark, options: .caseInsensitive) else { return nil }
        return Int64(answer[found.upperBound...].prefix { $0.isASCII && $0.isNumber })
    }

    /// `3:5,9` for 3, 4, 5 and 9, in ascending order.
    static func set(_ numbers: some Sequence<Int64>) -> String {
        var ranges: [(Int64, Int64)] = []
        for number in numbers {
            if let last = ranges.last, last.1 + 1 == number {
                ranges[ranges.count - 1].1 = number
            } else {
                ranges.append((number, number))
            }
        }
        return ranges.map { $0.0 == $0.1 ? "\($0.0)" : "\($0.0):\($0.1)" }.joined(separator: ",")
    }

    /// A folder's name as the protocol writes it: in the modified UTF-7 of RFC 3501, section 5.1.3, between quotes.
    private func quoted(_ folder: String) -> String {
        "\""
            + Self.encoded(folder).replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(
                of: "\"", with: "\\\"") + "\""
    }

    static func encoded(_ folder: String) -> String {
        var text = ""
        var waiting: [UInt8] = []
        func flush() {
            guard !waiting.isEmpty else { return }
            text +=
                "&"
                + Data(waiting).base64EncodedString().replacingOccurrences(of: "=", with: "").replacingOccurrences(
                    of: "/", with: ",") + "-"
            waiting = []
        }
        for scalar in folder.unicodeScalars {
            if (0x20...0x7E).contains(scalar.value) {
                flush()
                text += scalar == "&" ? "&-" : String(scalar)
            } else {
                for unit in String(scalar).utf16 { waiting += [UInt8(unit >> 8), UInt8(unit & 0xFF)] }
            }
        }
        flush()
        return text
    }
}
