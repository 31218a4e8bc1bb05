import Foundation

/// A mail that somebody passed on: what they said of it, and the original below its own header, as mail programs write
/// it.
package struct ForwardedMail: Sendable, Equatable {
    package let comment: String
    package let from: MailAddress
    /// The original's subject; nil where the header does not say.
    package let subject: String?
    package let text: String

    /// Nil unless the subject says that it was passed on and the text holds a header that names a sender.
    package init?(subject: String, text: String) {
        guard let bare = ForwardedMail.bare(subject) else { return nil }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map {
            String($0.hasSuffix("\r") ? $0.dropLast() : $0)
        }
        for (index, line) in lines.enumerated() {
            guard let field = Field(line), field.is(Self.senders), let from = Self.address(field.value) else {
                continue
            }
            var end = index
            var found: String?
            var others = 0
            // The header goes on to the first empty line; its fields may be folded.
            while end < lines.count, !lines[end].trimmingWhitespace().isEmpty {
                if let field = Field(lines[end]) {
                    others += 1
                    if field.is(Self.subjects) { found = field.value }
                }
                end += 1
            }
            guard others >= 2 else { continue }
            var comment = lines[..<index]
            while let last = comment.last,
                last.trimmingWhitespace().isEmpty || Self.isDivider(last) || Field(last)?.isDate == true
            { comment.removeLast() }
            self.comment = comment.joined(separator: "\n").trimmingWhitespace()
            self.from = from
            self.subject = (found.flatMap { $0.isEmpty ? nil : $0 }) ?? (bare.isEmpty ? nil : bare)
            var body = Array(lines[end...])
            // Some programs quote what they pass on.
            if body.allSatisfy({ $0.isEmpty || $0.hasPrefix(">") }) {
                body = body.map {
                    $0.hasPrefix("> ") ? String($0.dropFirst(2)) : $0.hasPrefix(">") ? String($0.dropFirst()) : $0
                }
            }
            self.text = body.joined(separator: "\n").trimmingWhitespace()
            return
        }
        return nil
    }

    /// One line of the header: `From: Kim <kim@example.org>`, also marked bold or quoted.
    private struct Field {
        let name: String
        let value: String
        init?(_ line: String) {
            let bare = line.trimmingWhitespace().drop { $0 == ">" || $0 == "*" || $0 == " " }
            guard let colon = bare.firstIndex(where: { $0 == ":" || $0 == "：" }),
                bare.distance(from: bare.startIndex, to: colon) < 20
            else { return nil }
            name = bare[..<colon].lowercased().trimmingCharacters(in: CharacterSet(charactersIn: "* "))
            value = bare[bare.index(after: colon)...].trimmingCharacters(in: CharacterSet(charactersIn: "* \t"))
        }
        /// Some programs write the date above the sender.
        var isDate: Bool { ["date", "datum", "sent", "gesendet"].contains(name) }
        func `is`(_ names: Set<String>) -> Bool { names.contains(name) }
    }

    private static let senders: Set<String> = [
        "from", "von", "de", "da", "van", "fra", "från", "od", "от", "lähettäjä", "发件人", "寄件者", "差出人",
    ]
    private static let subjects: Set<String> = [
        "subject", "betreff", "objet", "asunto", "assunto", "oggetto", "onderwerp", "emne", "ämne", "temat", "тема",
        "předmět", "aihe", "主题", "件名",
    ]
    private static let marks: Set<String> = [
        "fwd", "fw", "wg", "tr", "rv", "i", "enc", "doorst", "vs", "vb", "pd", "rif", "weitergeleitet",
    ]

    /// The subject without its mark; nil where it has none.
    static func bare(_ subject: String) -> String? {
        let trimmed = subject.trimmingWhitespace()
        guard let colon = trimmed.firstIndex(of: ":"),
            marks.contains(trimmed[..<colon].lowercased().trimmingWhitespace())
        else { return nil }
        return String(trimmed[trimmed.index(after: colon)...]).trimmingWhitespace()
    }

    /// `Kim Ito <kim@harbour.example>`, `kim@harbour.example [mailto:…]` or the address alone.
    private static func address(_ value: String) -> MailAddress? {
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

    private static func isDivider(_ line: String) -> Bool {
        let trimmed = line.trimmingWhitespace()
        return trimmed.hasPrefix("--") || trimmed.hasPrefix("__") || trimmed.hasPrefix("Begin forwarded")
            || trimmed.hasPrefix("Anfang der weitergeleiteten") || trimmed.hasPrefix("Début du message")
    }
}
