import Foundation

/// Splits a reply into the new text and the history and signature below it. Nothing is deleted: the two parts together
/// are the whole text. Where the new text would be empty, everything counts as new.
package struct QuotedText: Sendable, Equatable {
    package let new: String
    package let quoted: String?

    package init(_ text: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let top = QuotedText.topHistory(lines)
        let below = Array(lines[top...])
        let cut = QuotedText.cut(below) ?? below.count
        let visible = below[..<cut].joined(separator: "\n").trimmingBlankLines()
        guard top > 0 || cut < below.count, !visible.trimmingWhitespace().isEmpty else {
            new = text.trimmingWhitespace()
            quoted = nil
            return
        }
        new = visible
        let folded = (Array(lines[..<top]) + below[cut...]).joined(separator: "\n").trimmingWhitespace()
        quoted = folded.isEmpty ? nil : folded
    }

    /// Where the answer begins when the history stands above it; 0 when the text begins with new words.
    private static func topHistory(_ lines: [String]) -> Int {
        guard let first = lines.firstIndex(where: { !isBlank($0) }) else { return 0 }
        var index = first
        let introduction = introductionLength(lines, at: first)
        if introduction > 0 {
            index += introduction
        } else if isDivider(lines[first].trimmingWhitespace()), first + 1 < lines.count, isHeaderBlock(lines, at: first + 1) {
            // A mail that was passed on without a word: its header is folded, its words are what there is to read.
            index += 1
            while index < lines.count, !isBlank(lines[index]) { index += 1 }
        } else {
            return 0
        }
        while index < lines.count, isBlank(lines[index]) || isQuoted(lines[index]) { index += 1 }
        return index < lines.count ? index : 0
    }

    /// The first line of what is folded. Answers between quotes stay visible: a quote with new text below it is kept.
    private static func cut(_ lines: [String]) -> Int? {
        var end = lines.count
        for index in lines.indices where startsSignature(lines[index]) || startsHistory(lines, at: index) {
            end = index
            break
        }
        // A rule of dashes above the history belongs to it.
        while end > 0, end < lines.count, isBlank(lines[end - 1]) || isRule(lines[end - 1]) { end -= 1 }
        // A block of quoted lines at the very end, with the line that introduces it.
        var start = end
        while start > 0, isQuoted(lines[start - 1]) || isBlank(lines[start - 1]) { start -= 1 }
        if lines[start..<end].contains(where: isQuoted) {
            var introduction = start
            while introduction > 0, isBlank(lines[introduction - 1]) { introduction -= 1 }
            for length in 1...longestIntroduction where introduction >= length && introductionLength(lines, at: introduction - length) == length {
                start = introduction - length
                break
            }
            end = start
        }
        return end == lines.count ? nil : end
    }

    private static let longestIntroduction = 7

    /// How many lines `On Monday, Ada wrote:` takes from here on; programs wrap it, some with blank lines. 0 where none begins.
    private static func introductionLength(_ lines: [String], at index: Int) -> Int {
        let first = lines[index].trimmingWhitespace().trimmingCharacters(in: CharacterSet(charactersIn: "*"))
        guard !first.isEmpty, !isQuoted(lines[index]) else { return 0 }
        if introduces(first) { return 1 }
        guard first.count < 200, opensIntroduction(first) && first.contains(where: \.isNumber) || first.contains("@") else { return 0 }
        var joined = first
        for length in 2...longestIntroduction where index + length <= lines.count {
            let line = lines[index + length - 1].trimmingWhitespace()
            if line.isEmpty { continue }
            if introduces(joined + " " + line) { return length }
            if isQuoted(line) || line.count > 200 { return 0 }
            joined += " " + line
        }
        return 0
    }

    private static func isRule(_ line: String) -> Bool {
        let trimmed = line.trimmingWhitespace()
        return trimmed.count >= 5 && trimmed.allSatisfy { "-_=*—".contains($0) }
    }

    private static func isBlank(_ line: String) -> Bool { line.allSatisfy(\.isWhitespace) }
    private static func isQuoted(_ line: String) -> Bool {
        let trimmed = line.drop(while: \.isWhitespace)
        return trimmed.hasPrefix(">") || trimmed.hasPrefix("&gt;")
    }

    private static func startsSignature(_ line: String) -> Bool {
        let trimmed = line.trimmingWhitespace()
        if trimmed == "--" || trimmed == "—" || line == "-- " { return true }
        guard trimmed.count < 120 else { return false }
        let folded = trimmed.lowercased().trimmingCharacters(in: CharacterSet(charactersIn: "<(*_"))
        return devices.contains(where: folded.hasPrefix)
    }
    private static let devices = [
        "sent from my ", "sent from mail", "sent from outlook", "sent from windows", "sent from yahoo", "sent from samsung", "sent from a phone", "sent from mobile", "sent via mobile", "sent with airmail", "sent by galaxy",
        "sent from [mail]", "get outlook for", "from my iphone", "envoyé depuis", "envoyé de mon", "von meinem ", "gesendet von ", "diese nachricht wurde von meinem",
        "enviado desde mi", "enviado do meu", "inviato da", "verzonden met", "verstuurd vanaf", "skickat från", "sendt fra", "wysłane z", "отправлено с", "從我的",
        "someone from mobile",
    ]

    private static func startsHistory(_ lines: [String], at index: Int) -> Bool {
        let line = lines[index].trimmingWhitespace().trimmingCharacters(in: CharacterSet(charactersIn: "*"))
        if line.isEmpty { return false }
        if isDivider(line) { return true }
        let introduction = introductionLength(lines, at: index)
        if introduction > 0 { return !isAnsweredWithin(lines, below: index + introduction) }
        return isHeaderBlock(lines, at: index)
    }

    /// Whether somebody answered between the lines of a marked quote: then nothing below may be hidden.
    private static func isAnsweredWithin(_ lines: [String], below index: Int) -> Bool {
        var seenQuote = false
        for position in lines.indices.dropFirst(index) {
            let line = lines[position]
            if isBlank(line) { continue }
            if isQuoted(line) {
                seenQuote = true
                continue
            }
            guard seenQuote else { return false }
            return !startsSignature(line) && !isRule(line) && introductionLength(lines, at: position) == 0 && !isHeaderBlock(lines, at: position)
        }
        return false
    }

    /// `-----Original Message-----` and its like.
    private static func isDivider(_ line: String) -> Bool {
        let trimmed = line.trimmingCharacters(in: CharacterSet(charactersIn: "-_ "))
        guard trimmed.count < 60, line.hasPrefix("--") || line.hasPrefix("__") || line.hasPrefix("- -") else { return false }
        let folded = trimmed.lowercased()
        if folded.isEmpty { return false }
        return dividers.contains(where: folded.hasPrefix)
    }
    private static let dividers = [
        "original message", "original appointment", "ursprüngliche nachricht", "originalnachricht", "message d'origine", "message original", "mensaje original",
        "mensagem original", "messaggio originale", "oorspronkelijk bericht", "oprindelig meddelelse", "opprinnelig melding", "ursprungligt meddelande",
        "oryginalna wiadomość", "wiadomość oryginalna", "исходное сообщение", "пересылаемое сообщение", "původní zpráva", "alkuperäinen viesti", "reply above this line", "please reply above",
        "原始邮件", "原始郵件", "元のメッセージ",
    ]

    private static func opensIntroduction(_ line: String) -> Bool {
        let folded = line.lowercased()
        return openings.contains(where: folded.hasPrefix) || startsWithDate(folded)
    }
    private static let openings = [
        "on ", "am ", "le ", "el ", "il ", "em ", "op ", "den ", "w dniu ", "dnia ", "dne ", "på ", "il giorno ", "a ", "в ", "at ", "van: ", "ons", "man", "tir", "tor", "fre", "lør", "søn", "pt", "śr", "2",
    ]
    private static func startsWithDate(_ line: String) -> Bool {
        guard let first = line.unicodeScalars.first else { return false }
        return first.properties.numericType != nil
    }

    /// `2013/7/20 …` or `8.5.2017 …` at the beginning.
    private static func isDated(_ line: String) -> Bool {
        let date = line.prefix { $0.isNumber || $0 == "/" || $0 == "-" || $0 == "." }
        return date.split(whereSeparator: { !$0.isNumber }).count == 3
    }

    private static let closings = [
        "wrote:", "writes:", "schrieb:", "a écrit :", "a écrit:", "escribió:", "escreveu:", "ha scritto:", "schreef:", "schreef op", "skrev:", "napisał:", "napisał(a):", "napisała:",
        "написал:", "написал(а):", "написала:", "пишет:", "kirjoitti:", "napsal:", "napsal(a):", "yazdı:", "写道：", "寫道：", "のメール:", "scrisse:", "a scris:",
    ]
    /// `On Monday, Ada wrote:` in the languages people write in.
    private static func introduces(_ line: String) -> Bool {
        // French sets a narrow or a hard blank before its colon.
        let spaced = line.replacingOccurrences(of: "\u{A0}", with: " ").replacingOccurrences(of: "\u{202F}", with: " ")
        let folded = spaced.lowercased().trimmingWhitespace().trimmingCharacters(in: CharacterSet(charactersIn: "*> "))
        guard folded.count < 400 else { return false }
        let whole = line.trimmingWhitespace()
        if startsWithDate(folded), folded.contains("@"), whole.hasSuffix(">") || whole.hasSuffix(">:"), isDated(folded) { return true }
        guard closings.contains(where: { folded.hasSuffix($0) }) || (folded.hasSuffix(":") && closings.contains { folded.contains(" " + $0.dropLast() + " ") }) else {
            return false
        }
        return folded.unicodeScalars.contains { $0.properties.numericType != nil } || folded.contains("@") || opensIntroduction(folded)
    }

    private static let headerNames: Set<String> = [
        "from", "sent", "date", "to", "cc", "subject", "reply-to", "von", "gesendet", "datum", "an", "betreff", "de", "envoyé", "date d'envoi", "à", "objet", "enviado", "enviado el",
        "para", "asunto", "fecha", "assunto", "data", "da", "inviato", "a", "oggetto", "risposta", "van", "verzonden", "aan", "onderwerp", "fra", "sendt", "til", "emne", "från", "skickat",
        "till", "ämne", "od", "wysłano", "do", "temat", "wysłane", "от", "отправлено", "кому", "тема", "дата", "odesláno", "komu", "předmět", "lähettäjä", "lähetetty", "vastaanottaja", "aihe", "kimden", "发件人", "寄件者", "差出人",
    ]
    /// A header block such as Outlook writes above the history: three or more known fields in a row, a sender first.
    private static func isHeaderBlock(_ lines: [String], at index: Int) -> Bool {
        guard let first = fieldName(lines[index]), headerNames.contains(first) else { return false }
        var known = 0
        var others = 0
        for line in lines[index...].prefix(10) {
            if isBlank(line) { if known > 0 { break } else { continue } }
            if let name = fieldName(line), headerNames.contains(name) { known += 1 } else { others += 1 }
            if others > 2 { break }
        }
        return known >= 3
    }
    private static func fieldName(_ line: String) -> String? {
        let trimmed = line.trimmingWhitespace().trimmingCharacters(in: CharacterSet(charactersIn: "*> "))
        guard let colon = trimmed.firstIndex(where: { $0 == ":" || $0 == "：" }), trimmed.distance(from: trimmed.startIndex, to: colon) < 24 else { return nil }
        return trimmed[..<colon].lowercased().trimmingCharacters(in: CharacterSet(charactersIn: "* "))
    }
}

extension String {
    /// Without the blank lines around it; the first line keeps its indent.
    fileprivate func trimmingBlankLines() -> String {
        let lines = split(separator: "\n", omittingEmptySubsequences: false)
        return lines.drop { $0.allSatisfy(\.isWhitespace) }.joined(separator: "\n").trimmingWhitespace()
    }
}
