import Markup

/// Between HTML and plain text.
package enum HTMLText {
    /// What a reader of the HTML would see, as lines.
    package static func plain(_ html: String) -> String {
        var lines = PlainLines()
        HTMLTree(html).walk { step in
            switch step {
            case .text(let words): lines.write(words)
            case .open(let element): lines.open(element)
            case .close(let element): lines.close(element)
            }
            return true
        }
        return String(decoding: lines.bytes, as: UTF8.self).trimmingWhitespace()
    }

    /// Plain text as paragraphs and line breaks, its addresses as links.
    package static func paragraphs(_ text: String) -> HTML {
        var markup = HTML(capacity: text.utf8.count + 64)
        var isOpen = false
        for line in text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            if line.allSatisfy({ $0 == 0x20 || $0 >= 0x09 && $0 <= 0x0D }) {
                if isOpen { markup.write("</p>\n") }
                isOpen = false
                continue
            }
            markup.write(isOpen ? "<br>\n" : "<p>")
            LinkedText.write(String(Substring(line)), to: &markup)
            isOpen = true
        }
        if isOpen { markup.write("</p>\n") }
        return markup
    }
}

/// Text as it grows, line by line. On bytes: a letter with a million accents is one Character, and asking for the last
/// one walks them all.
private struct PlainLines {
    private(set) var bytes: [UInt8] = []
    private var quotes = 0
    private var preformatted = 0
    /// Of the elements around whose style speaks of line ends: the innermost counts.
    private var keepsLines: [Bool] = []
    private static let mostQuotes = 20

    private static let space = UInt8(ascii: " ")
    private static let lineEnd = UInt8(ascii: "\n")

    private var isAtStart: Bool { bytes.isEmpty || bytes.last == Self.lineEnd }

    mutating func write(_ words: String) {
        guard preformatted > 0 || keepsLines.last ?? false else { return append(folded(words)) }
        for (index, line) in words.utf8.split(separator: Self.lineEnd, omittingEmptySubsequences: false).enumerated() {
            if index > 0 { bytes.append(Self.lineEnd) }
            if !line.isEmpty { append(line) }
        }
    }

    mutating func open(_ element: HTMLElement) {
        defer { if let keeps = element.keepsLines { keepsLines.append(keeps) } }
        switch element.name {
        case "br": endLine()
        case "img":
            if let alternative = element.attribute("alt")?.singleLine, !alternative.isEmpty {
                append("[\(alternative)]".utf8)
            }
        case "td", "th": if !isAtStart, bytes.last != Self.space { bytes.append(Self.space) }
        case "li":
            startLine()
            append("- ".utf8)
        case "blockquote":
            startLine()
            quotes += 1
        case "pre":
            startLine()
            preformatted += 1
        default: if Self.startsLine(element) { startLine() }
        }
    }

    mutating func close(_ element: HTMLElement) {
        if element.keepsLines != nil { _ = keepsLines.popLast() }
        switch element.name {
        case "blockquote":
            startLine()
            quotes -= 1
        case "pre":
            startLine()
            preformatted -= 1
        case "p", "h1", "h2", "h3", "h4", "h5", "h6":
            startLine()
            let isOneLine = bytes.count > 1 && bytes[bytes.count - 2] != Self.lineEnd
            if isOneLine || bytes.count == 1 { bytes.append(Self.lineEnd) }
        default: if element.name != "hr", Self.startsLine(element) { startLine() }
        }
    }

    private static func startsLine(_ element: HTMLElement) -> Bool {
        switch element.tag.role {
        case .block, .heading, .paragraph, .table, .row, .caption, .term: true
        default: element.name == "hr"
        }
    }

    private mutating func startLine() {
        dropBlanks()
        if !isAtStart { bytes.append(Self.lineEnd) }
    }
    private mutating func endLine() {
        dropBlanks()
        bytes.append(Self.lineEnd)
    }
    private mutating func dropBlanks() { while bytes.last == Self.space { bytes.removeLast() } }

    private mutating func append(_ words: some Sequence<UInt8>) {
        var isFirst = true
        for byte in words {
            if isFirst, isAtStart, quotes > 0 {
                bytes.append(contentsOf: repeatElement(UInt8(ascii: ">"), count: min(quotes, Self.mostQuotes)))
                bytes.append(Self.space)
            }
            isFirst = false
            bytes.append(byte)
        }
    }

    /// Blanks as browsers show them: one for several, none where a line begins.
    private func folded(_ words: String) -> [UInt8] {
        var folded: [UInt8] = []
        folded.reserveCapacity(words.utf8.count)
        var wasBlank = isAtStart || bytes.last == Self.space
        var wasNoBreak = false
        for byte in words.utf8 {
            // U+00A0 is C2 A0.
            if wasNoBreak {
                wasNoBreak = false
                if byte == 0xA0 {
                    if !wasBlank { folded.append(Self.space) }
                    wasBlank = true
                    continue
                }
                folded.append(0xC2)
                wasBlank = false
            }
            if byte == 0xC2 {
                wasNoBreak = true
            } else if byte == Self.space || (0x09...0x0D).contains(byte) {
                if !wasBlank { folded.append(Self.space) }
                wasBlank = true
            } else {
                folded.append(byte)
                wasBlank = false
            }
        }
        return folded
    }
}
