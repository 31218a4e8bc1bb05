import Primitives

/// One thing the writer meant to be read, in the forms it was sent, and which of them says more.
struct Passage {
    var text: String?
    var html: String?

    /// What is read, searched and mailed, and what is shown where that is more than the text.
    var chosen: (text: String, html: String?) {
        let plain = (text ?? "").withoutControls
        guard let html, !html.isEmpty else { return (plain, nil) }
        let shown = HTMLText.plain(html).withoutControls
        let (said, sees) = (Words(plain), Words(shown))
        let hasPicture = HTMLParts.hasPicture(html)
        if sees.letters == 0, !hasPicture {
            // Nothing to see in it, unless a reader of HTML was led astray by what is broken in it.
            if said.letters > 0 { return (plain, nil) }
            let rescued = HTMLParts.bareWords(html)
            return (rescued, nil)
        }
        if said.letters == 0 { return (shown, html) }
        let common = said.share(in: sees)
        // Each says what the other does not: neither is the other's stub, and a reader needs both.
        if common < 0.5, sees.letters > 0, sees.share(in: said) < 0.5 {
            return (shown + "\n\n" + plain, html + HTMLText.paragraphs(plain).text)
        }
        if sees.letters >= 3 * said.letters + 40 || common < 0.5 && sees.letters > 0 && sees.letters * 2 >= said.letters
        {
            // The plain form is a stub beside it. What it says that the other does not say is kept where it is no stub.
            if common < 0.5, said.letters > sees.letters {
                return (shown + "\n\n" + plain, html + HTMLText.paragraphs(plain).text)
            }
            return (shown, html)
        }
        if said.letters >= 3 * sees.letters + 40,
            sees.share(in: said) < 0.8 || sees.letters == 0 || said.letters >= 10 * sees.letters
        {
            // The HTML is the stub: a picture, or a line that leads elsewhere.
            return (plain, hasPicture ? HTMLText.paragraphs(plain).text + html : nil)
        }
        // One form was cut, or goes on: what one of them lacks is added from the other.
        let (missing, further) = (sees.linesBeyond(said, of: shown), said.linesBeyond(sees, of: plain))
        // The rest of a letter may say what was said before in the same words.
        let isCut = !missing.isEmpty || further.isEmpty && sees.letters > said.letters + said.letters / 8 + 20
        guard !further.isEmpty else { return (isCut ? shown : plain, html) }
        let rest = further.joined(separator: "\n")
        return (isCut ? shown + "\n\n" + rest : plain, html + HTMLText.paragraphs(rest).text)
    }

    /// The passages as they are read, where some come out of a winmail.dat: Outlook sends the same words as plain text
    /// beside it, which are then shown in the form of the winmail.dat. Other words stand for themselves.
    static func settled(_ passages: [Passage], wrapped: Set<Int>) -> [Passage] {
        guard !wrapped.isEmpty else { return passages }
        var settled = passages
        var words = passages.map(\.words)
        var gone: Set<Int> = []
        for inner in wrapped.sorted().prefix(mostWrapped) where words[inner].letters > 0 {
            for index in settled.indices where !wrapped.contains(index) && words[index].letters > 0 {
                let common = words[inner].share(in: words[index])
                if settled[index].html == nil, common >= 0.5, words[index].share(in: words[inner]) >= 0.5 {
                    settled[index].html =
                        settled[inner].html ?? settled[inner].text.map { HTMLText.paragraphs($0).text }
                    words[index] = settled[index].words
                    gone.insert(inner)
                    break
                }
                if common >= 0.95 {
                    gone.insert(inner)
                    break
                }
            }
        }
        return settled.indices.filter { !gone.contains($0) }.map { settled[$0] }
    }

    /// Compared with the other passages.
    private static let mostWrapped = 8

    private var words: Words { Words((text ?? "") + "\n" + (html.map(HTMLText.plain) ?? "")) }
}

/// The words of a text, for comparing two forms of it. Addresses of pages are none.
private struct Words {
    let letters: Int
    /// All of the text was looked at.
    let isWhole: Bool
    private let distinct: Set<String>
    private static let most = 256 << 10

    init(_ text: String) {
        var letters = 0
        var distinct: Set<String> = []
        isWhole = text.utf8.count <= Self.most
        let text = text.utf8.count > Self.most ? String(decoding: text.utf8.prefix(Self.most), as: UTF8.self) : text
        for word in Self.words(of: text[...]) {
            letters += word.count
            if word.count > 1 { distinct.insert(word.lowercased()) }
        }
        self.letters = letters
        self.distinct = distinct
    }

    private static func words(of text: Substring) -> [Substring] {
        text.split(whereSeparator: \.isWhitespace).filter { token in
            !["://", "mailto:", "cid:", "tel:"].contains(where: token.contains)
        }.flatMap { $0.split { !$0.isLetter && !$0.isNumber } }
    }

    /// Lines of these words' text that say what the other does not: several words of their own, or a long number.
    func linesBeyond(_ other: Words, of text: String) -> [String] {
        guard isWhole, other.isWhole, distinct.contains(where: { !other.distinct.contains($0) }) else { return [] }
        return text.utf8.split(separator: UInt8(ascii: "\n")).compactMap { line in
            let line = Substring(line)
            // The stand-in for a picture.
            let bare = String(line).trimmingWhitespace()
            if bare.first == "[", bare.last == "]" { return nil }
            let own = Self.words(of: line).filter { $0.count > 1 && !other.distinct.contains($0.lowercased()) }
            guard own.count >= 3 || own.contains(where: { $0.count >= 3 && $0.allSatisfy(\.isNumber) }) else {
                return nil
            }
            return bare
        }
    }

    /// How many of these words stand in the other text as well, from 0 to 1.
    func share(in other: Words) -> Double {
        distinct.isEmpty
            ? (letters == 0 || other.letters > 0 ? 1 : 0)
            : Double(distinct.count { other.distinct.contains($0) }) / Double(distinct.count)
    }
}

/// HTML as bytes, where a parser would lose words.
enum HTMLParts {
    /// Elements whose content a parser takes as it is up to the end tag, and comments.
    private static let verbatim = [
        "title", "style", "script", "textarea", "noscript", "noframes", "noembed", "iframe", "xmp", "template",
        "select",
    ].map { Array($0.utf8) }

    /// Without the openings of comments, titles, styles and their like that are never closed: a parser would swallow
    /// all that follows.
    static func closed(_ html: String) -> String {
        let bytes = Array(html.utf8)
        guard let first = bytes.firstIndex(of: UInt8(ascii: "<")) else { return html }
        var openings: [(range: Range<Int>, kind: Int)] = []
        // Where each kind was closed last: an opening behind that is never closed.
        var lastEnd = [Int](repeating: -1, count: verbatim.count + 1)
        var index = first
        while index < bytes.count {
            guard bytes[index] == UInt8(ascii: "<") || bytes[index] == UInt8(ascii: "-") else {
                index += 1
                continue
            }
            if bytes[index] == UInt8(ascii: "-") {
                if bytes[index...].starts(with: [0x2D, 0x2D, 0x3E])
                    || bytes[index...].starts(with: [0x2D, 0x2D, 0x21, 0x3E])
                {
                    lastEnd[verbatim.count] = index
                }
                index += 1
                continue
            }
            if bytes[index...].starts(with: [0x3C, 0x21, 0x2D, 0x2D]) {
                openings.append((index..<(index + 4), verbatim.count))
                index += 2
                continue
            }
            let isEnd = index + 1 < bytes.count && bytes[index + 1] == UInt8(ascii: "/")
            let name = bytes[min(index + (isEnd ? 2 : 1), bytes.count)...].prefix(12).prefix { isLetter($0) }.map {
                $0 | 0x20
            }
            if let kind = verbatim.firstIndex(of: name) {
                if isEnd { lastEnd[kind] = index } else { openings.append((index..<(index + 1 + name.count), kind)) }
            }
            index += 1
        }
        // Only the first opening behind the last end matters: those before it are closed by that end.
        let unclosed = openings.filter { $0.range.lowerBound > lastEnd[$0.kind] }
        guard !unclosed.isEmpty else { return html }
        var kept: [UInt8] = []
        var copied = 0
        for opening in unclosed where opening.range.lowerBound >= copied {
            kept += bytes[copied..<opening.range.lowerBound]
            copied = opening.range.upperBound
            guard opening.kind < verbatim.count else { continue }
            while copied < bytes.count, bytes[copied] != UInt8(ascii: ">"), bytes[copied] != UInt8(ascii: "<") {
                copied += 1
            }
            if copied < bytes.count, bytes[copied] == UInt8(ascii: ">") { copied += 1 }
            // The rules of a style are no words; those of a title and of a field are.
            if ["style", "script"].contains(String(decoding: verbatim[opening.kind], as: UTF8.self)),
                let next = bytes[copied...].firstIndex(of: UInt8(ascii: "<"))
            {
                copied = next
            }
        }
        kept += bytes[copied...]
        return String(decoding: kept, as: UTF8.self)
    }

    /// Whether a text is a page from its first tag on.
    static func isPage(_ text: String) -> Bool {
        let start = String(decoding: text.utf8.prefix(200), as: UTF8.self).trimmingWhitespace().lowercased()
        return start.hasPrefix("<!doctype html") || start.hasPrefix("<html>") || start.hasPrefix("<html ")
    }

    static func hasPicture(_ html: String) -> Bool { PictureReferences.hasPicture(Array(html.utf8)) }

    /// The words between tags, where no parser finds any: a quote of an attribute that is never closed, a tag that
    /// never ends.
    static func bareWords(_ html: String) -> String {
        var words: [UInt8] = []
        let bytes = Array(html.utf8)
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "<"), index + 1 < bytes.count,
                isLetter(bytes[index + 1])
                    || [UInt8(ascii: "/"), UInt8(ascii: "!"), UInt8(ascii: "?")].contains(bytes[index + 1])
            {
                var end = index + 1
                while end < bytes.count, bytes[end] != UInt8(ascii: ">"), bytes[end] != UInt8(ascii: "<") { end += 1 }
                // The tag's last word goes on as text where nothing closes it.
                if end == bytes.count || bytes[end] == UInt8(ascii: "<") { words += bytes[min(index + 1, end)..<end] }
                words.append(0x20)
                index = end < bytes.count && bytes[end] == UInt8(ascii: ">") ? end + 1 : max(end, index + 1)
            } else {
                words.append(bytes[index])
                index += 1
            }
        }
        return HTMLText.plain(String(decoding: words.map { $0 == UInt8(ascii: "<") ? 0x20 : $0 }, as: UTF8.self))
    }

    /// The charset that `<meta>` names in the first kilobytes (WHATWG HTML, section 13.2.3.2); nil where none does.
    static func metaCharset(_ bytes: [UInt8]) -> String? {
        let head = bytes.prefix(4096).map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }
        let needle = Array("charset".utf8)
        guard head.count > needle.count else { return nil }
        var index = 0
        var isInMeta = false
        while index + needle.count < head.count {
            if head[index] == UInt8(ascii: "<") { isInMeta = head[index...].starts(with: Array("<meta".utf8)) }
            guard isInMeta, head[index] == UInt8(ascii: "c"), head[index...].starts(with: needle) else {
                index += 1
                continue
            }
            index += needle.count
            while index < head.count,
                head[index] <= 0x20 || head[index] == UInt8(ascii: "=") || head[index] == UInt8(ascii: "\"")
                    || head[index] == UInt8(ascii: "'")
            { index += 1 }
            let label = head[index...].prefix(40).prefix { $0 > 0x20 && !"\"'>;/".utf8.contains($0) }
            if !label.isEmpty { return String(decoding: label, as: UTF8.self) }
        }
        return nil
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (byte | 0x20) >= UInt8(ascii: "a") && (byte | 0x20) <= UInt8(ascii: "z")
    }
}
