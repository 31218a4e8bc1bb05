import Foundation

extension QuotedLines {
    // MARK: the line above a quote

    static let longestIntroduction = 7

    /// How many lines `On Monday, Ada wrote:` takes from here on; programs wrap it. Judged by what such a line names in
    /// any language: an address or a date, and the colon or the quote that it leads to.
    func introduction(_ index: Int) -> Int? {
        guard index < lines.count, !lines[index].isQuoted, !lines[index].isBlank else { return nil }
        var joined = ""
        for length in 1...Self.longestIntroduction where index + length <= lines.count {
            let line = lines[index + length - 1]
            // `<kim@harbour.example` and `> wrote:` are one line that was wrapped at its bracket.
            if line.isQuoted && !isOpen(joined) || line.isLong { return nil }
            if line.isBlank { if length > 2 { return nil } else { continue } }
            joined += joined.isEmpty ? line.words : " " + line.words
            guard joined.utf8.count < 500 else { return nil }
            let quoteFollows = isQuoteNext(index + length)
            if !isOpen(joined), isIntroduction(joined, quoteFollows: quoteFollows) {
                return isApart(index, length, in: lines) ? nil : length
            }
            // `On Tuesday, Ada wrote:` names no date in figures: it has to be a paragraph of its own, above a quote to
            // the end.
            if length == 1, quoteFollows, index == 0 || lines[index - 1].isBlank, isShortIntroduction(joined),
                lines[(index + 1)...].allSatisfy({ $0.isQuoted || $0.isBlank })
            {
                return length
            }
            // Only a line that begins like one goes on.
            if length == 1, !namesDateOrAddress(joined) { return nil }
        }
        return nil
    }

    /// Whether the first of several lines says something of its own above an introduction that is whole without it.
    func isApart(_ index: Int, _ length: Int, in lines: [QuotedLine]) -> Bool {
        guard length > 1 else { return false }
        let first = lines[index].words
        if !first.contains("@"), first.contains(/\p{L}{2}[.!?。！？]$/) { return true }
        let rest = lines[(index + 1)..<(index + length)].map(\.words).joined(separator: " ")
        let words = rest.split(separator: " ").filter { !$0.contains("@") }.joined(separator: " ")
        let isByWriter = rest.contains("@") || Self.verbs.contains { rest.lowercased().contains($0) }
        return isByWriter && namesDateOrAddress(words)
    }

    func isOpen(_ line: String) -> Bool {
        line.utf8.reduce(0) { $1 == UInt8(ascii: "<") ? $0 + 1 : $1 == UInt8(ascii: ">") ? $0 - 1 : $0 } > 0
    }

    func isIntroduction(_ line: String, quoteFollows: Bool) -> Bool {
        guard namesDateOrAddress(line) else { return false }
        // `---- On Mon, 30 Nov 2026 16:04:11 +0100 Ada <ada@desk.example> wrote ----`
        let framed = line.trimmingCharacters(in: CharacterSet(charactersIn: "-–— "))
        if line.hasPrefix("--"), line.hasSuffix("--"), Self.verbs.contains(where: framed.lowercased().hasSuffix) {
            return true
        }
        let end = line.last ?? " "
        if end == ":" || end == "：" { return quoteFollows || Self.verbs.contains { line.lowercased().contains($0) } }
        // `2026/11/23 Ada <ada@desk.example>`, `Ada <ada@desk.example> schreef op 23 nov.`
        return quoteFollows && (line.contains("@") || Self.verbs.contains { line.lowercased().contains($0) })
            && line.contains(where: \.isNumber)
    }

    func isShortIntroduction(_ line: String) -> Bool {
        guard line.utf8.count < 100, line.last == ":" || line.last == "：" else { return false }
        return Self.verbs.contains { line.lowercased().contains($0) }
    }

    func namesDateOrAddress(_ line: String) -> Bool {
        if line.contains("@") { return true }
        let numbers = line.split(whereSeparator: { !$0.isNumber }).map(\.count)
        return numbers.contains(4) || numbers.count >= 2
    }

    /// Without a quote below: the program that wrote it names the person's address, or the minute.
    func introducesAlone(_ index: Int, _ length: Int) -> Bool {
        let line = lines[index..<(index + length)].map(\.words).joined(separator: " ")
        let lowered = line.lowercased()
        guard Self.verbs.contains(where: lowered.contains) else { return false }
        return line.contains("@")
            || line.contains(/\d{1,2}[:.h]\d{2}/) && line.contains(/\d{4}|\d{1,2}[.\/]\d{1,2}[.\/]\d{2}/)
    }

    static let verbs = [
        "wrote", "writes", "schrieb", "a écrit", "escribió", "escreveu", "ha scritto", "scrisse", "schreef", "skrev",
        "napisał", "написа", "пишет", "kirjoitti", "napsal", "yazdı", "写道",
        "寫道", "のメール", "a scris", "írta", "έγραψε", "napísal", "menulis",
    ]

    // MARK: the header above a mail

    struct Field {
        let name: String
        let value: String
        init?(_ line: QuotedLine) {
            guard !line.isBlank else { return nil }
            let words = line.words.drop { $0 == ">" || $0 == "*" || $0 == " " }
            guard let colon = words.firstIndex(where: { $0 == ":" || $0 == "：" }), colon > words.startIndex else {
                return nil
            }
            let name = words[..<colon]
            guard name.utf8.count <= 40, name.split(separator: " ").count <= 3, name.contains(where: \.isLetter),
                !name.contains("@")
            else { return nil }
            self.name = name.lowercased().trimmingCharacters(in: CharacterSet(charactersIn: "* "))
            value = words[words.index(after: colon)...].trimmingCharacters(in: CharacterSet(charactersIn: "* "))
        }
        var hasAddress: Bool { value.contains("@") }
        /// A clock's time or a year among other numbers; a telephone number is neither.
        var hasTime: Bool {
            value.contains(/(?:^|[^\d:.])\d{1,2}[:.]\d{2}(?:$|\D)/)
                || value.contains(/(?:^|\D)(?:19|20)\d{2}(?:$|\D)/) && value.contains(where: { $0.isLetter })
                    && value.split(whereSeparator: { !$0.isNumber }).count >= 2
        }
        /// `Re: …`, `AW: …` or our own number.
        var isAnswered: Bool { value.contains(/^\p{L}{1,4}\s?[:：]/) || value.contains(/\[#\d+\]/) }
    }

    /// A header such as Outlook writes above the mail that was answered, in any language: three or more fields in a row
    /// that name an address and a time, or the sender and the subject by their usual names. A form that somebody filled
    /// in names no such things.
    func isHeader(_ index: Int, isDivided: Bool) -> Bool {
        guard index < lines.count, Field(lines[index]) != nil, index == 0 || Field(lines[index - 1]) == nil else {
            return false
        }
        var fields: [Field] = []
        var others = 0
        for line in lines[index...].prefix(12) {
            if line.isBlank { break }
            if let field = Field(line) { fields.append(field) } else { others += 1 }
            if others > 2 { break }
        }
        guard fields.count >= 3, let first = fields.first else { return false }
        let names = Set(fields.map(\.name))
        let isKnown = Self.senders.contains(first.name) && !names.isDisjoint(with: Self.subjects)
        if isKnown || isDivided && (Self.senders.contains(first.name) || !names.isDisjoint(with: Self.subjects)) {
            return true
        }
        let hasTime = fields.contains { $0.hasTime && !$0.hasAddress }
        guard hasTime, fields.contains(where: \.hasAddress) else { return false }
        // Some write when it was sent before they write by whom.
        return (first.hasAddress || first.hasTime && fields[1].hasAddress)
            && (isDivided || fields.contains(where: \.isAnswered) || fields.filter(\.hasAddress).count >= 2)
    }

    static let senders: Set<String> = [
        "from", "von", "de", "da", "van", "fra", "från", "od", "от", "lähettäjä", "发件人", "寄件者", "差出人", "kimden",
        "de la", "feladó", "από", "מאת", "من", "보낸 사람", "від", "šalje", "dari",
        "reply-to",
    ]
    static let subjects: Set<String> = [
        "subject", "betreff", "objet", "asunto", "assunto", "oggetto", "onderwerp", "emne", "ämne", "temat", "тема",
        "předmět", "aihe", "主题", "主旨", "件名", "konu", "subiect", "tárgy", "θέμα",
        "נושא", "الموضوع", "제목", "predmet", "subjek",
    ]

    /// `-----Original Message-----` and its like.
    func isDivider(_ words: String) -> Bool {
        guard words.hasPrefix("--") || words.hasPrefix("__") || words.hasPrefix("- -") else { return false }
        let inside = words.trimmingCharacters(in: CharacterSet(charactersIn: "-_ ")).lowercased()
        return !inside.isEmpty && inside.utf8.count < 100 && Self.dividers.contains(where: inside.hasPrefix)
    }
    static let dividers = [
        "original message", "original appointment", "forwarded message", "ursprüngliche nachricht", "originalnachricht",
        "message d'origine", "message original", "mensaje original",
        "mensagem original", "messaggio originale", "oorspronkelijk bericht", "oprindelig meddelelse",
        "opprinnelig melding", "ursprungligt meddelande",
        "oryginalna wiadomość", "wiadomość oryginalna", "исходное сообщение", "пересылаемое сообщение",
        "původní zpráva", "alkuperäinen viesti", "reply above this line", "please reply above",
        "原始邮件", "原始郵件", "元のメッセージ",
    ]
}
