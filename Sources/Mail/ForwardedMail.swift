import Foundation

/// A mail that somebody passed on: what they said of it, and the original below its own header, as mail programs write
/// it, or as the message that is attached.
package struct ForwardedMail: Sendable, Equatable {
    package let comment: String
    package let from: MailAddress
    /// The original's subject; nil where nothing says it.
    package let subject: String?
    package let text: String

    /// Nil unless the message says that it passes another one on, and holds it.
    package init?(_ message: IncomingMessage) {
        if let inline = ForwardedMail(subject: message.subject, text: message.text) {
            self = inline
            return
        }
        let enclosed = message.attachments.filter { $0.type == "message/rfc822" }
        guard enclosed.count == 1, let mark = Mark(message.subject) else { return nil }
        let original = MessageReader.read(enclosed[0].bytes)
        guard let from = original.from, mark.isKnown || mark.isOf(original.subject) else { return nil }
        self.from = from
        subject = [original.subject, mark.bare].first { !$0.isEmpty }
        text = original.text
        // A message without words of its own shows those of the one it encloses.
        comment = message.text == original.text ? "" : message.text.trimmingWhitespace()
    }

    /// Nil unless the subject says that it was passed on and the text holds a header that names a sender.
    package init?(subject: String, text: String) {
        guard let mark = Mark(subject) else { return nil }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { Line($0) }
        var index = 0
        while index < lines.count {
            guard lines[index].field != nil else {
                index += 1
                continue
            }
            let header = ForwardedHeader(lines, at: index, mark)
            guard header.isWhole else {
                index = header.next
                continue
            }
            // The first header is the original's; one that names no address leaves nobody to open a ticket for.
            guard let from = header.from else { return nil }
            let below = header.doubtful.map { lines[$0] } + lines[header.next...]
            var (body, tail) = Self.body(below[...], isQuoted: lines[header.first].isQuoted)
            while let last = tail.last, last.isBlank { tail.removeLast() }
            var comment = lines[..<header.first]
            while let last = comment.last, last.isBlank || last.isDivider || last.field?.isDate == true {
                comment.removeLast()
            }
            if !tail.allSatisfy(\.isBlank) { comment += tail }
            self.comment = comment.map { String($0.text) }.joined(separator: "\n").trimmingWhitespace()
            self.from = from
            self.subject = [header.subject ?? "", mark.bare].first { !$0.isEmpty }
            // A mark of the order of bytes that some devices leave before the first word.
            body = body.trimmingWhitespace()
            while body.unicodeScalars.first == "\u{FEFF}" { body.unicodeScalars.removeFirst() }
            self.text = body.trimmingWhitespace()
            return
        }
        return nil
    }

    /// The words of the original, and what stands below them of whoever passed it on.
    private static func body(_ lines: ArraySlice<Line>, isQuoted: Bool) -> (words: String, tail: ArraySlice<Line>) {
        func joined(_ lines: ArraySlice<Line>, unquoted: Bool) -> String {
            lines.map { String(unquoted ? $0.unquoted : $0.text) }.joined(separator: "\n")
        }
        // Some programs quote what they pass on: with its header, or without.
        let last = lines.lastIndex { $0.isQuoted && !$0.isBlank }
        if isQuoted, let last {
            return (joined(lines[...last], unquoted: true), lines[(last + 1)...])
        }
        let isAllQuoted = lines.allSatisfy { $0.isQuoted || $0.text.isEmpty }
        return (joined(lines, unquoted: isAllQuoted), lines[lines.endIndex...])
    }

    /// What stands before the subject of a mail that is passed on.
    struct Mark {
        let bare: String
        /// A mark of forwards. Any other, that is none of answers, counts where the original has the rest for a subject.
        let isKnown: Bool
        /// `VS:` is a forward in Norwegian and Danish, and an answer in Finnish.
        let isAmbiguous: Bool

        /// Nil where no mark stands there, or that of an answer.
        init?(_ subject: String) {
            let trimmed = subject.trimmingWhitespace()
            guard let colon = trimmed.prefix(24).firstIndex(where: { $0 == ":" || $0 == "：" }) else { return nil }
            let mark = String(trimmed[..<colon]).lowercased().trimmingWhitespace()
            isKnown = Self.forwards.contains(mark)
            isAmbiguous = mark == "vs"
            guard isKnown || !mark.isEmpty && !IncomingMessage.answerMarks.contains(mark) else { return nil }
            bare = String(trimmed[trimmed.index(after: colon)...]).trimmingWhitespace()
        }

        func isOf(_ subject: String) -> Bool {
            !bare.isEmpty && Self.plain(bare) == Self.plain(subject)
        }
        private static func plain(_ subject: String) -> String { subject.lowercased().filter { !$0.isWhitespace } }

        private static let forwards: Set<String> = [
            "fwd", "fw", "wg", "tr", "rv", "i", "enc", "doorst", "vs", "vb", "vl", "pd", "weitergeleitet", "fs", "trs",
            "tov", "továbbítás", "πρθ", "ilt", "i̇lt", "ılt", "yml", "转发", "轉寄", "转寄", "轉發", "転送", "전달", "הועבר",
        ]
    }

    /// A line of the text, with and without the marks of a quote.
    struct Line {
        let text: Substring
        let isQuoted: Bool
        let field: Field?
        let isBlank: Bool

        init(_ line: Substring) {
            text = line.last == "\r" ? line.dropLast() : line
            isQuoted = text.first == ">"
            let bare = text.drop { $0 == ">" || $0 == " " || $0 == "\t" || $0 == "\u{A0}" }
            isBlank = String(bare).isBlank
            field = Field(bare)
        }

        /// Without one level of quoting.
        var unquoted: Substring { text.hasPrefix("> ") ? text.dropFirst(2) : isQuoted ? text.dropFirst() : text }

        var isDivider: Bool {
            let trimmed = String(text).trimmingWhitespace()
            return trimmed.hasPrefix("--") || trimmed.hasPrefix("__")
                || Self.dividers.contains(where: trimmed.lowercased().hasPrefix)
        }
        private static let dividers = [
            "begin forwarded", "anfang der weitergeleiteten", "début du message", "inicio del mensaje reenviado",
            "inizio messaggio inoltrato", "begin doorgestuurd bericht", "início da mensagem",
            "vidarebefordrat brev", "videresendt", "välitetty viesti", "początek przekazywanej",
            "начало переадресованного",
        ]
    }

    /// One line of the header: `From: Kim <kim@example.org>`, also marked bold.
    struct Field {
        let name: String
        let value: String

        init?(_ bare: Substring) {
            let bare = bare.drop { $0 == "*" || $0 == " " }
            guard let colon = bare.prefix(32).firstIndex(where: { $0 == ":" || $0 == "：" }) else { return nil }
            let name = bare[..<colon].lowercased().trimmingCharacters(in: Self.marks)
            guard name.contains(where: \.isLetter), !name.contains("@"), name.split(separator: " ").count <= 3 else {
                return nil
            }
            self.name = name
            value = bare[bare.index(after: colon)...].trimmingCharacters(in: Self.marks)
        }
        private static let marks = CharacterSet(charactersIn: "* \t\u{A0}")

        /// Some programs write the date above the sender.
        var isDate: Bool { ["date", "datum", "sent", "gesendet"].contains(name) }
        var isSender: Bool { Self.senders.contains(name) }
        var isSubject: Bool { Self.subjects.contains(name) }
        var hasAddress: Bool { value.prefix(1000).contains("@") }
        /// A clock's time, or a year among other numbers.
        var hasTime: Bool {
            let start = value.prefix(200)
            return start.contains(/\d{1,2}[:.]\d{2}/)
                || start.contains(/(?:19|20)\d{2}/) && start.split(whereSeparator: { !$0.isNumber }).count >= 2
        }
        /// A mail program calls its fields so.
        var isNamed: Bool { isSender || isSubject || isDate || Self.others.contains(name) }

        static let senders = QuotedLines.senders.union(["发件人", "發件人", "gönderen", "expéditeur", "mittente"])
            .subtracting(["reply-to"])
        private static let subjects = QuotedLines.subjects
        private static let others: Set<String> = [
            "to", "cc", "an", "à", "para", "a", "aan", "til", "till", "do", "dw", "кому", "копия", "kime", "bilgi",
            "címzett", "către", "προς", "收件人", "收件者", "抄送", "宛先", "받는 사람", "kopie", "kopi", "copie", "vastaanottaja",
            "sent", "enviado", "envoyé", "inviato", "verzonden", "sendt", "skickat", "wysłano", "отправлено", "tarih",
            "gönderildi", "lähetetty", "trimis", "küldve", "elküldve", "importance", "attachments", "reply-to",
        ]
    }
}

/// The header of the original in the text of a mail that passes it on.
///
/// Ends at the first empty line, or at the first that is no field where none stands there. A line that is no part of it
/// for certain stays with the words.
struct ForwardedHeader {
    /// Its first line, and the one behind its last.
    let first: Int
    private(set) var next: Int
    /// Lines within it that may be the writer's.
    private(set) var doubtful: [Int] = []
    private(set) var from: MailAddress?
    private(set) var subject: String?
    /// It names who wrote, and is more than a line that looks like a field.
    let isWhole: Bool

    /// - Parameter index: a line that looks like a field.
    init(_ lines: [ForwardedMail.Line], at index: Int, _ mark: ForwardedMail.Mark) {
        var fields: [ForwardedMail.Field] = []
        var (hasSubject, hasTime, isListOpen) = (false, false, false)
        var position = index
        while position < lines.count, !lines[position].isBlank {
            let line = lines[position]
            if let field = line.field {
                let isSubject = field.isSubject || mark.isOf(field.value)
                let isFirst =
                    isSubject && !hasSubject || field.hasTime && !hasTime || field.hasAddress && from == nil
                if !field.isNamed, !isFirst {
                    guard field.hasAddress || Self.goesOn(lines, behind: position) else { break }
                    doubtful.append(position)
                }
                if isSubject, !hasSubject { (subject, hasSubject) = (field.value, true) }
                if field.hasTime, !field.hasAddress { hasTime = true }
                if field.hasAddress, from == nil { from = Self.address(field.value) }
                isListOpen = field.hasAddress
                fields.append(field)
            } else if isListOpen, Self.isFold(line, of: lines[position - 1]) {
                // Recipients that a program wrapped.
            } else if Self.goesOn(lines, behind: position) {
                doubtful.append(position)
                isListOpen = false
            } else {
                break
            }
            position += 1
        }
        first = index
        next = max(position, index + 1)
        let sender = fields.first(where: \.isSender)
        if let sender { from = Self.address(sender.value) }
        let isFinnish = sender?.name == "lähettäjä"
        let isTold = sender != nil && fields.count >= 2 && (from != nil || hasSubject && hasTime)
        let looksLikeOne = from != nil && hasSubject && hasTime && fields.count >= 3
        isWhole =
            mark.isKnown
            ? (isTold || looksLikeOne) && !(mark.isAmbiguous && isFinnish)
            : from != nil && fields.count >= 3 && fields.contains { mark.isOf($0.value) }
    }

    /// Whether a field of a known name follows close behind.
    private static func goesOn(_ lines: [ForwardedMail.Line], behind position: Int) -> Bool {
        lines[(position + 1)...].prefix(3).prefix { !$0.isBlank }.contains { $0.field?.isNamed ?? false }
    }

    /// Whether a line goes on from an address list above, as fields do.
    private static func isFold(_ line: ForwardedMail.Line, of previous: ForwardedMail.Line) -> Bool {
        guard line.text.prefix(1000).contains("@") else { return false }
        if line.unquoted.first == " " || line.unquoted.first == "\t" { return true }
        return previous.text.last.map { ",;<".contains($0) } ?? false
    }

    /// `Kim Ito <kim@harbour.example>`, `kim@harbour.example [mailto:…]` or the address alone.
    private static func address(_ value: String) -> MailAddress? {
        let value = String(value.prefix(1000))
        if let open = value.lastIndex(of: "<"), let close = value[open...].firstIndex(of: ">") {
            let inside = value[value.index(after: open)..<close].replacingOccurrences(of: "mailto:", with: "")
            let name = value[..<open].trimmingCharacters(in: CharacterSet(charactersIn: "\"' "))
            if let found = MailAddress(name: name, inside) { return found }
        }
        for word in value.split(whereSeparator: { " \t[](),;\"'".contains($0) }) {
            if let found = MailAddress(word.replacingOccurrences(of: "mailto:", with: "")) { return found }
        }
        return nil
    }
}
