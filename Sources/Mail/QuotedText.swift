import Foundation

/// Splits an answer into the new text and the history and signature around it. Nothing is deleted: the two parts
/// together are the whole text. What is folded was there before: quoted lines with the line that introduces them, a
/// mail below its own header, and a signature at the very end.
///
/// Lines are judged by their first bytes and each a bounded number of times, so the time grows with the text.
package struct QuotedText: Sendable, Equatable {
    package let new: String
    package let quoted: String?

    /// - Parameter known: what the desk holds of the conversation. With it, only that is folded: a quote of words that
    ///   nobody here has seen stays in view, whatever its form. Without it, whatever has the form of a history is taken
    ///   for one.
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

    /// Nil where the quote stands anywhere else, where somebody wrote below or between it, or may have done so, or where
    /// its writer is not named.
    ///
    /// - Parameter author: who wrote the answer.
    package init?(in text: String, by author: MailAddress?) {
        let lines = QuotedLine.lines(of: text)
        guard let (end, writer) = QuotedLines(lines, by: author).quotedMail else { return nil }
        new = QuotedLines.text(lines[..<end])
        quoted = QuotedLines.text(lines[end...])
        self.writer = writer
        if new.isEmpty { return nil }
    }
}

/// One line and what its first bytes say.
struct QuotedLine {
    let text: Substring
    let isBlank: Bool
    let isQuoted: Bool

    /// What is judged: nothing that introduces, signs or divides is longer.
    static let mostJudged = 400

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
struct QuotedLines {
    let lines: [QuotedLine]
    let known: KnownWords?
    /// The words of the name of whoever wrote the answer, in small letters.
    private let author: Set<String>
    /// The same without the marks of quotes, where it is compared with what the desk holds.
    let bare: [QuotedLine]
    init(_ lines: [QuotedLine], _ known: KnownWords? = nil, by author: MailAddress? = nil) {
        self.lines = lines
        self.known = known
        self.author = Set(
            [author?.name ?? "", author?.localPart ?? ""].flatMap { $0.lowercased().split { !$0.isLetter } }.filter {
                $0.count > 2
            }.map(String.init))
        bare =
            known == nil
            ? []
            : lines.map { line in
                line.isQuoted ? QuotedLine(line.text.drop { $0 == ">" || $0 == " " || $0 == "\t" }) : line
            }
    }

    static func text(_ lines: ArraySlice<QuotedLine>) -> String {
        let shown = lines.drop { $0.isBlank }
        return shown.map(\.text).joined(separator: "\n").trimmingWhitespace()
    }

    /// The lines that stay visible.
    var newWords: Range<Int> {
        let start = topHistory
        var end = firstHistory(from: start)
        // A rule above the history belongs to it.
        if end < lines.count { while end > start, lines[end - 1].isBlank || lines[end - 1].isRule { end -= 1 } }
        end = withoutSignature(start, withoutLastQuote(start, withoutSignature(start, end)))
        return start..<max(start, end)
    }

    /// Where the history begins that stands at the end; the number of lines where there is none.
    private func firstHistory(from start: Int) -> Int {
        let histories = judged(from: start).lazy.filter { startsHistory($0) }.prefix(Self.mostHistories)
        return known == nil ? histories.first { _ in true } ?? lines.count : firstHeld(of: Array(histories))
    }

    /// The lines in which a history may begin; nobody writes more above it.
    func judged(from start: Int) -> some Sequence<Int> {
        (start..<lines.count).lazy.filter { !lines[$0].isBlank && !lines[$0].isQuoted && !lines[$0].isLong }.prefix(
            Self.mostJudged)
    }
    static let mostJudged = 2000
    /// Mails of others that an answer may pass on above a history.
    static let mostHistories = 30

    // MARK: history

    /// Where the answer begins when the history stands above it.
    var topHistory: Int {
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
        while index < lines.count, lines[index].isBlank || lines[index].isQuoted { index += 1 }
        guard known == nil || hold(first..<index) == .all && historyStart(first) == first else { return 0 }
        guard index < lines.count, !isAnsweredInTurn(from: index) else { return 0 }
        return index
    }

    /// Whether the answer below a first quote goes on with another quote: then the two were answered one by one, and
    /// each answer needs what stands above it.
    func isAnsweredInTurn(from index: Int) -> Bool {
        guard let next = (index..<lines.count).first(where: { lines[$0].isQuoted }) else { return false }
        return !(max(index, next - Self.longestIntroduction - 1)..<next).contains { startsHistory($0) }
    }

    func startsHistory(_ index: Int) -> Bool {
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
            // Nothing marks what is quoted: words that point below, or a name below, tell of an answer there.
            guard !mayAnswer(below: first) else { return nil }
        }
        guard let writer else { return nil }
        var start = first
        while start > 0, lines[start - 1].isBlank || lines[start - 1].isRule { start -= 1 }
        return (start, writer)
    }

    /// Whether somebody may have answered at the end of a mail that has no marks: the words above it end in a colon, or
    /// one of its last lines names who wrote the answer.
    private func mayAnswer(below first: Int) -> Bool {
        if let last = lines[..<first].last(where: { !$0.isBlank && !$0.isRule })?.words.last, last == ":" || last == "："
        {
            return true
        }
        return lines[first...].reversed().lazy.filter { !$0.isBlank }.prefix(3).contains { line in
            let words = Set(line.words.lowercased().split { !$0.isLetter }.map(String.init))
            return !author.isDisjoint(with: words) && Field(line) == nil
        }
    }

    static func address(in words: String) -> MailAddress? {
        words.split(whereSeparator: { $0.isWhitespace || "<>()[]:;,\"'*".contains($0) }).lazy.filter {
            $0.contains("@")
        }.compactMap { MailAddress(String($0)) }.first
    }

    /// Quoted lines at the very end, with the line that introduces them.
    func withoutLastQuote(_ first: Int, _ end: Int) -> Int {
        var start = end
        while start > first, lines[start - 1].isQuoted || lines[start - 1].isBlank { start -= 1 }
        guard lines[start..<end].contains(where: \.isQuoted) else { return end }
        for length in 1...Self.longestIntroduction
        where start - length >= first && introduction(start - length) == length {
            guard known != nil else { return start - length }
            return hold(start - length..<end) == .all ? historyStart(start - length) : end
        }
        // Nobody is named: people mark what a screen shows, or a passage of a contract, in the same way.
        return known == nil || hold(start..<end) == .all ? start : end
    }

    func isQuoteNext(_ index: Int) -> Bool {
        guard let next = (index..<min(index + 4, lines.count)).first(where: { !lines[$0].isBlank }) else {
            return false
        }
        return lines[next].isQuoted || lines[next].text.hasPrefix("| ")
    }

    /// Whether somebody answered between the lines of a quote: then nothing below may be hidden.
    func isAnswered(below index: Int) -> Bool {
        guard let quote = (index..<lines.count).first(where: { lines[$0].isQuoted }) else { return false }
        guard let next = (quote..<lines.count).first(where: { !lines[$0].isQuoted && !lines[$0].isBlank }) else {
            return false
        }
        let isHistory = introduction(next) != nil || isHeader(next, isDivided: false) || isDivider(lines[next].words)
        return !isHistory && !lines[next].isRule && withoutSignature(next, lines.count) > next
    }
}
