import Foundation

/// Splits an answer into the new text and the history and signature around it. Nothing is deleted: the two parts
/// together are the whole text. What is folded was there before: quoted lines with the line that introduces them, a
/// mail below its own header, and a signature at the very end.
///
/// Lines are judged by their first bytes and each a bounded number of times, so the time grows with the text.
package struct QuotedText: Sendable, Equatable {
    package let new: String
    package let quoted: String?

    /// - Parameter known: what the desk holds of the conversation. With it, a mail of somebody else that is passed on
    ///   in the answer stays in view, and so does a quote of words nobody here has seen. Without it, whatever has the
    ///   form of a history is taken for one.
    package init(_ text: String, knowing known: KnownWords? = nil) {
        let lines = QuotedLine.lines(of: text)
        let parts = QuotedLines(lines, known).newWords
        let visible = QuotedLines.text(lines[parts])
        guard parts.count < lines.count, !visible.isEmpty else {
            new = text.trimmingWhitespace()
            quoted = nil
            return
        }
        new = visible
        let folded = [QuotedLines.text(lines[..<parts.lowerBound]), QuotedLines.text(lines[parts.upperBound...])].filter
        { !$0.isEmpty }
        quoted = folded.isEmpty ? nil : folded.joined(separator: "\n")
    }
}

/// An answer that quotes one mail below its new words, to the very end, and says in a line or a header above it who
/// wrote that mail.
package struct QuotedMail: Sendable {
    package let new: String
    package let quoted: String
    package let writer: MailAddress

    /// Nil where the quote stands anywhere else, where somebody wrote below or between it, or where its writer is not
    /// named.
    package init?(in text: String) {
        let lines = QuotedLine.lines(of: text)
        guard let (end, writer) = QuotedLines(lines).quotedMail else { return nil }
        new = QuotedLines.text(lines[..<end])
        quoted = QuotedLines.text(lines[end...])
        self.writer = writer
        if new.isEmpty { return nil }
    }
}

/// One line and what its first bytes say.
private struct QuotedLine {
    let text: Substring
    let isBlank: Bool
    let isQuoted: Bool

    /// What is judged: nothing that introduces, signs or divides is longer.
    private static let mostJudged = 400

    init(_ text: Substring) {
        self.text = text
        guard !text.utf8.isEmpty else {
            (isBlank, isQuoted) = (true, false)
            return
        }
        var first: UInt8?
        var rest = text.utf8[...]
        while let byte = rest.first, byte == 0x20 || (0x09...0x0D).contains(byte) { rest = rest.dropFirst() }
        first = rest.first
        isBlank =
            first == nil
            || (first ?? 0) >= 0x80 && rest.count < 40
                && text.unicodeScalars.allSatisfy { $0.properties.isWhitespace || $0 == "\u{200B}" || $0 == "\u{FEFF}" }
        isQuoted = first == UInt8(ascii: ">") || rest.starts(with: "&gt;".utf8)
    }

    static func lines(of text: String) -> [QuotedLine] {
        text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map {
            QuotedLine(Substring($0))
        }
    }

    var isLong: Bool { text.utf8.count > Self.mostJudged }

    /// Without the blanks, stars and invisible marks around it, in small letters; empty for a line too long to judge.
    var words: String {
        guard !isLong else { return "" }
        let scalars = text.unicodeScalars.filter { $0.properties.generalCategory != .format }
        let plain = String(String.UnicodeScalarView(scalars.map { $0.properties.isWhitespace ? " " : $0 }))
        return plain.trimmingCharacters(in: CharacterSet(charactersIn: " *"))
    }

    /// A line of dashes or underscores.
    var isRule: Bool {
        guard !isBlank, !isLong else { return false }
        let marks = text.unicodeScalars.filter { !$0.properties.isWhitespace }
        return marks.count >= 5 && marks.allSatisfy { "-_=*—─".unicodeScalars.contains($0) }
    }
}

/// The lines of an answer and the questions the fold asks of them.
private struct QuotedLines {
    private let lines: [QuotedLine]
    private let known: KnownWords?
    init(_ lines: [QuotedLine], _ known: KnownWords? = nil) {
        self.lines = lines
        self.known = known
    }

    static func text(_ lines: ArraySlice<QuotedLine>) -> String {
        let shown = lines.drop { $0.isBlank }
        return shown.map(\.text).joined(separator: "\n").trimmingWhitespace()
    }

    /// The lines that stay visible.
    var newWords: Range<Int> {
        let start = topHistory
        var end = lines.count
        let histories = judged(from: start).lazy.filter { startsHistory($0) }.prefix(Self.mostHistories)
        if let history = histories.first(where: { isSeenBefore($0) }) { end = history }
        // A rule above the history belongs to it.
        if end < lines.count { while end > start, lines[end - 1].isBlank || lines[end - 1].isRule { end -= 1 } }
        end = withoutSignature(start, withoutLastQuote(start, withoutSignature(start, end)))
        return start..<max(start, end)
    }

    /// The lines in which a history may begin; nobody writes more above it.
    private func judged(from start: Int) -> some Sequence<Int> {
        (start..<lines.count).lazy.filter { !lines[$0].isBlank && !lines[$0].isQuoted && !lines[$0].isLong }.prefix(
            Self.mostJudged)
    }
    private static let mostJudged = 2000
    /// Mails of others that an answer may pass on above a history.
    private static let mostHistories = 30

    // MARK: history

    /// Where the answer begins when the history stands above it.
    private var topHistory: Int {
        guard let first = lines.firstIndex(where: { !$0.isBlank }) else { return 0 }
        var index = first
        if let length = introduction(first), isQuoteNext(index + length) || introducesAlone(first, length) {
            index += length
        } else if isDivider(lines[first].words), first + 1 < lines.count, isHeader(first + 1, isDivided: true) {
            // A mail that was passed on without a word: its header is folded, its words are what there is to read.
            index += 1
            while index < lines.count, !lines[index].isBlank { index += 1 }
        } else {
            return 0
        }
        guard isSeenBefore(first) else { return 0 }
        while index < lines.count, lines[index].isBlank || lines[index].isQuoted { index += 1 }
        guard index < lines.count, !isAnsweredInTurn(from: index) else { return 0 }
        return index
    }

    /// Whether the answer below a first quote goes on with another quote: then the two were answered one by one, and
    /// each answer needs what stands above it.
    private func isAnsweredInTurn(from index: Int) -> Bool {
        guard let next = (index..<lines.count).first(where: { lines[$0].isQuoted }) else { return false }
        return !(max(index, next - Self.longestIntroduction - 1)..<next).contains { startsHistory($0) }
    }

    private func startsHistory(_ index: Int) -> Bool {
        let line = lines[index]
        guard !line.isBlank, !line.isQuoted, !line.isLong else { return false }
        if isDivider(line.words) { return true }
        if let length = introduction(index) {
            if isQuoteNext(index + length) { return !isAnswered(below: index + length) }
            return introducesAlone(index, length)
        }
        return isHeader(index, isDivided: (max(0, index - 3)..<index).contains { lines[$0].isRule })
    }

    /// Where the first history begins, and who wrote it, where nothing new stands above it but the answer, and nothing
    /// below.
    var quotedMail: (start: Int, writer: MailAddress)? {
        guard topHistory == 0, let first = judged(from: 0).first(where: { startsHistory($0) }) else { return nil }
        var writer: MailAddress?
        if let length = introduction(first) {
            let below = lines[(first + length)...]
            guard below.contains(where: \.isQuoted), below.allSatisfy({ $0.isQuoted || $0.isBlank }) else { return nil }
            writer = Self.address(in: lines[first..<(first + length)].map(\.words).joined(separator: " "))
        } else {
            // The sender's field is the first one, below a divider if there is one.
            let header = lines[first...].prefix(4).first { Field($0) != nil }
            writer = header.flatMap { Field($0) }.flatMap { Self.address(in: $0.value) }
        }
        guard let writer else { return nil }
        var start = first
        while start > 0, lines[start - 1].isBlank || lines[start - 1].isRule { start -= 1 }
        return (start, writer)
    }

    private static func address(in words: String) -> MailAddress? {
        words.split(whereSeparator: { $0.isWhitespace || "<>()[]:;,\"'*".contains($0) }).lazy.filter {
            $0.contains("@")
        }.compactMap { MailAddress(String($0)) }.first
    }

    /// Quoted lines at the very end, with the line that introduces them.
    private func withoutLastQuote(_ first: Int, _ end: Int) -> Int {
        var start = end
        while start > first, lines[start - 1].isQuoted || lines[start - 1].isBlank { start -= 1 }
        guard lines[start..<end].contains(where: \.isQuoted) else { return end }
        for length in 1...Self.longestIntroduction
        where start - length >= first && introduction(start - length) == length {
            return isSeenBefore(start - length) ? start - length : end
        }
        // Nobody is named: people mark what a screen shows, or a passage of a contract, in the same way.
        if let known {
            let held = lines[start..<end].suffix(Self.mostCompared).compactMap { known.hold($0.text) }
            guard !held.isEmpty, held.count(where: { $0 }) * 2 >= held.count else { return end }
        }
        return start
    }

    private func isQuoteNext(_ index: Int) -> Bool {
        guard let next = (index..<min(index + 4, lines.count)).first(where: { !lines[$0].isBlank }) else {
            return false
        }
        return lines[next].isQuoted || lines[next].text.hasPrefix("| ")
    }

    /// Whether somebody answered between the lines of a quote: then nothing below may be hidden.
    private func isAnswered(below index: Int) -> Bool {
        guard let quote = (index..<lines.count).first(where: { lines[$0].isQuoted }) else { return false }
        guard let next = (quote..<lines.count).first(where: { !lines[$0].isQuoted && !lines[$0].isBlank }) else {
            return false
        }
        let isHistory = introduction(next) != nil || isHeader(next, isDivided: false) || isDivider(lines[next].words)
        return !isHistory && !lines[next].isRule && withoutSignature(next, lines.count) > next
    }

    // MARK: what was seen before

    private static let mostCompared = 200

    /// Whether what begins here is known to the desk: it wrote that mail itself, or holds its words. Of a mail whose
    /// writer is not named, its form is believed; one that says that it was passed on is news.
    private func isSeenBefore(_ index: Int) -> Bool {
        guard let known else { return true }
        let (writer, body, isPassedOn) = quotation(index)
        if writer.map({ known.areWritten(by: $0) }) ?? false { return !isAnsweredInside(body) }
        let shares = lines[body].filter { !$0.isBlank }.compactMap { known.hold($0.text) }
        if !shares.isEmpty, shares.count(where: { $0 }) * 2 >= shares.count { return !isAnsweredInside(body) }
        return writer == nil && !isPassedOn
    }

    /// Who wrote the mail that begins here with a header, a divider or the line above a quote, and which lines are its
    /// own words.
    private func quotation(_ index: Int) -> (writer: MailAddress?, body: Range<Int>, isPassedOn: Bool) {
        var start = index
        var writer: MailAddress?
        let isPassedOn = lines[max(0, index - 3)...index].contains { line in
            isDivider(line.words) && Self.passedOn.contains { line.words.lowercased().contains($0) }
        }
        if isDivider(lines[index].words) {
            start += 1
            while start < min(index + 4, lines.count), lines[start].isBlank { start += 1 }
        }
        if let length = introduction(start) {
            writer = Self.address(in: lines[start..<(start + length)].map(\.words).joined(separator: " "))
            start += length
        } else {
            let header = lines[start...].prefix(12).prefix { !$0.isBlank }
            let fields = header.compactMap { Field($0) }
            let sender = fields.first { Self.senders.contains($0.name) } ?? fields.first
            writer = sender.flatMap { Self.address(in: $0.value) }
            start += header.count
        }
        let isQuote = lines[start...].first { !$0.isBlank }?.isQuoted ?? false
        let body = lines[start...].prefix(Self.mostCompared)
        let end =
            isQuote
            ? body.firstIndex { !$0.isQuoted && !$0.isBlank }
            : body.indices.dropFirst().first { startsHistory($0) }
        return (writer, start..<(end ?? body.endIndex), isPassedOn)
    }

    private static let passedOn = ["forwarded message", "пересылаемое сообщение"]

    /// Whether somebody wrote between the lines of a mail that has no marks of a quote: a line nobody knows stands
    /// between lines that are known.
    private func isAnsweredInside(_ body: Range<Int>) -> Bool {
        guard let known else { return false }
        let held = lines[body].filter { !$0.isBlank && !$0.isQuoted }.map { known.hold($0.text) }
        guard let first = held.firstIndex(of: true), let last = held.lastIndex(of: true) else { return false }
        return held[first...last].contains(false)
    }

    // MARK: the line above a quote

    private static let longestIntroduction = 7

    /// How many lines `On Monday, Ada wrote:` takes from here on; programs wrap it. Judged by what such a line names in
    /// any language: an address or a date, and the colon or the quote that it leads to.
    private func introduction(_ index: Int) -> Int? {
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
            if !isOpen(joined), isIntroduction(joined, quoteFollows: quoteFollows) { return length }
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

    private func isOpen(_ line: String) -> Bool {
        line.utf8.reduce(0) { $1 == UInt8(ascii: "<") ? $0 + 1 : $1 == UInt8(ascii: ">") ? $0 - 1 : $0 } > 0
    }

    private func isIntroduction(_ line: String, quoteFollows: Bool) -> Bool {
        guard namesDateOrAddress(line) else { return false }
        let end = line.last ?? " "
        if end == ":" || end == "：" { return quoteFollows || Self.verbs.contains { line.lowercased().contains($0) } }
        // `2026/11/23 Ada <ada@desk.example>`, `Ada <ada@desk.example> schreef op 23 nov.`
        return quoteFollows && (line.contains("@") || Self.verbs.contains { line.lowercased().contains($0) })
            && line.contains(where: \.isNumber)
    }

    private func isShortIntroduction(_ line: String) -> Bool {
        guard line.utf8.count < 100, line.last == ":" || line.last == "：" else { return false }
        return Self.verbs.contains { line.lowercased().contains($0) }
    }

    private func namesDateOrAddress(_ line: String) -> Bool {
        if line.contains("@") { return true }
        let numbers = line.split(whereSeparator: { !$0.isNumber }).map(\.count)
        return numbers.contains(4) || numbers.count >= 2
    }

    /// Without a quote below: the program that wrote it names the person's address, or the minute.
    private func introducesAlone(_ index: Int, _ length: Int) -> Bool {
        let line = lines[index..<(index + length)].map(\.words).joined(separator: " ")
        let lowered = line.lowercased()
        guard Self.verbs.contains(where: lowered.contains) else { return false }
        return line.contains("@")
            || line.contains(/\d{1,2}[:.h]\d{2}/) && line.contains(/\d{4}|\d{1,2}[.\/]\d{1,2}[.\/]\d{2}/)
    }

    private static let verbs = [
        "wrote", "writes", "schrieb", "a écrit", "escribió", "escreveu", "ha scritto", "scrisse", "schreef", "skrev",
        "napisał", "написа", "пишет", "kirjoitti", "napsal", "yazdı", "写道",
        "寫道", "のメール", "a scris", "írta", "έγραψε", "napísal", "menulis",
    ]

    // MARK: the header above a mail

    private struct Field {
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
        var hasTime: Bool {
            value.contains(/\d{1,2}[:.]\d{2}/)
                || value.contains(/\d{4}/) && value.split(whereSeparator: { !$0.isNumber }).count >= 2
        }
        /// `Re: …`, `AW: …` or our own number.
        var isAnswered: Bool { value.contains(/^\p{L}{1,4}\s?[:：]/) || value.contains(/\[#\d+\]/) }
    }

    /// A header such as Outlook writes above the mail that was answered, in any language: three or more fields in a row
    /// that name an address and a time, or the sender and the subject by their usual names. A form that somebody filled
    /// in names no such things.
    private func isHeader(_ index: Int, isDivided: Bool) -> Bool {
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
        return isDivided
            || first.hasAddress && (fields.contains(where: \.isAnswered) || fields.filter(\.hasAddress).count >= 2)
    }

    private static let senders: Set<String> = [
        "from", "von", "de", "da", "van", "fra", "från", "od", "от", "lähettäjä", "发件人", "寄件者", "差出人", "kimden",
        "de la", "feladó", "από", "מאת", "من", "보낸 사람", "від", "šalje", "dari",
        "reply-to",
    ]
    private static let subjects: Set<String> = [
        "subject", "betreff", "objet", "asunto", "assunto", "oggetto", "onderwerp", "emne", "ämne", "temat", "тема",
        "předmět", "aihe", "主题", "主旨", "件名", "konu", "subiect", "tárgy", "θέμα",
        "נושא", "الموضوع", "제목", "predmet", "subjek",
    ]

    /// `-----Original Message-----` and its like.
    private func isDivider(_ words: String) -> Bool {
        guard words.hasPrefix("--") || words.hasPrefix("__") || words.hasPrefix("- -") else { return false }
        let inside = words.trimmingCharacters(in: CharacterSet(charactersIn: "-_ ")).lowercased()
        return !inside.isEmpty && inside.utf8.count < 100 && Self.dividers.contains(where: inside.hasPrefix)
    }
    private static let dividers = [
        "original message", "original appointment", "forwarded message", "ursprüngliche nachricht", "originalnachricht",
        "message d'origine", "message original", "mensaje original",
        "mensagem original", "messaggio originale", "oorspronkelijk bericht", "oprindelig meddelelse",
        "opprinnelig melding", "ursprungligt meddelande",
        "oryginalna wiadomość", "wiadomość oryginalna", "исходное сообщение", "пересылаемое сообщение",
        "původní zpráva", "alkuperäinen viesti", "reply above this line", "please reply above",
        "原始邮件", "原始郵件", "元のメッセージ",
    ]

    // MARK: the signature

    private static let longestSignature = 12

    /// Without a signature that ends the new text: the mark of RFC 3676, section 4.3, with a few short lines below it,
    /// or the line in which a device names itself.
    private func withoutSignature(_ first: Int, _ end: Int) -> Int {
        var cut = end
        while cut > first, lines[cut - 1].isBlank { cut -= 1 }
        let lowest = max(first, cut - Self.longestSignature - 1)
        for index in lowest..<max(lowest, cut) {
            let bare = lines[index].text.utf8.count < 12 ? lines[index].text.trimmingCharacters(in: .whitespaces) : ""
            guard bare == "--" else { continue }
            let below = lines[(index + 1)..<cut].filter { !$0.isBlank }
            guard below.allSatisfy({ $0.text.utf8.count <= 100 }) else { continue }
            if !lines[index].text.hasPrefix("-- ") {
                // The mark lost its blank, or is none.
                let others = below.filter { !SignatureLine.isDevice($0.words) }
                let names = others.count { SignatureLine.isName($0.words) }
                guard names * 2 > others.count || others.isEmpty,
                    !others.contains(where: { SignatureLine.isSentence($0.words) })
                else { continue }
            }
            return withoutDevice(first, index)
        }
        return withoutDevice(first, cut)
    }

    private func withoutDevice(_ first: Int, _ end: Int) -> Int {
        var cut = end
        while cut > first, lines[cut - 1].isBlank { cut -= 1 }
        // A line of its own, apart from what was written.
        guard cut - 1 > first, lines[cut - 2].isBlank || lines[cut - 2].isRule,
            SignatureLine.isDevice(lines[cut - 1].words)
        else {
            return end
        }
        return cut - 1
    }
}
