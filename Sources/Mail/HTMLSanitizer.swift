import Markup

/// Rebuilds strangers' HTML from an allow-list: what is not known to be harmless is not there afterwards.
///
/// Scripts, styles, forms, frames and handlers go; text stays. Remote images become `data-remote` until a reader asks
/// for them; `cid:` images become `data-cid`, which pages turn into the ticket's own attachment.
package enum HTMLSanitizer {
    package static func clean(_ html: String) -> HTML {
        let tree = HTMLTree(HTMLDepth.bounded(html))
        var text = ""
        tree.walk { step in
            switch step {
            case .text(let words): text += escaped(words)
            case .open(let element):
                if dropped.contains(element.name) { return false }
                if kept.contains(element.name) { text += opening(element) }
            case .close(let element):
                if kept.contains(element.name), !void.contains(element.name) { text += "</\(element.name)>" }
            }
            return true
        }
        return HTML(raw: text)
    }

    /// All that may be left.
    package static let kept: Set<String> = [
        "a", "abbr", "b", "big", "blockquote", "br", "caption", "center", "cite", "code", "col", "colgroup", "dd", "del", "details", "dfn", "div", "dl", "dt",
        "em", "figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "kbd", "li", "mark", "ol", "p", "pre", "q", "s", "samp",
        "small", "span", "strike", "strong", "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt", "u", "ul", "var", "wbr",
    ]
    /// Gone with everything inside.
    private static let dropped: Set<String> = [
        "script", "style", "head", "title", "iframe", "object", "embed", "applet", "noscript", "template", "select", "textarea", "audio", "video",
        "canvas", "noframes", "noembed", "frameset", "xmp", "plaintext",
    ]
    private static let void: Set<String> = ["br", "hr", "img", "col", "wbr"]
    private static let plain: [String: Set<String>] = [
        "td": ["colspan", "rowspan", "align", "valign"], "th": ["colspan", "rowspan", "align", "valign", "scope"], "ol": ["start", "type"],
        "col": ["span"], "colgroup": ["span"], "p": ["align"], "div": ["align"], "table": ["align"],
    ]

    private static func opening(_ element: HTMLElement) -> String {
        var tag = "<\(element.name)"
        for name in ["dir", "lang", "title"] + (plain[element.name] ?? []).sorted() {
            if let value = element.attribute(name), value.utf8.count < 300 { tag += " \(name)=\"\(escaped(value))\"" }
        }
        switch element.name {
        case "a":
            if let href = element.attribute("href"), let link = ExternalLink(href) {
                tag += " href=\"\(escaped(link.text))\" rel=\"noopener noreferrer nofollow\" target=\"_blank\""
            }
        case "img": tag += image(element)
        default: break
        }
        return tag + ">"
    }

    private static func image(_ element: HTMLElement) -> String {
        var attributes = " alt=\"\(escaped(element.attribute("alt") ?? ""))\" loading=\"lazy\""
        for name in ["width", "height"] {
            if let size = element.attribute(name).flatMap({ Int($0) }), (1...4000).contains(size) { attributes += " \(name)=\"\(size)\"" }
        }
        let source = (element.attribute("src") ?? "").trimmingWhitespace()
        if source.lowercased().hasPrefix("cid:") {
            attributes += " data-cid=\"\(escaped(String(source.dropFirst(4))))\""
        } else if source.lowercased().hasPrefix("http"), let link = ExternalLink(source) {
            attributes += " data-remote=\"\(escaped(link.text))\""
        }
        return attributes
    }

    private static func escaped(_ text: String) -> String {
        let markup: HTML = "\(text)"
        return markup.text
    }
}

/// Between HTML and plain text.
package enum HTMLText {
    /// What a reader of the HTML would see, as lines.
    package static func plain(_ html: String) -> String {
        let tree = HTMLTree(HTMLDepth.bounded(html))
        var text = ""
        var quotes = 0
        var isPreformatted = 0
        func startLine() {
            while text.last == " " { text.removeLast() }
            if !text.isEmpty, text.last != "\n" { text += "\n" }
        }
        func write(_ words: String) {
            if text.isEmpty || text.last == "\n", quotes > 0 { text += String(repeating: ">", count: min(quotes, 20)) + " " }
            text += words
        }
        tree.walk { step in
            switch step {
            case .text(let words):
                if isPreformatted > 0 {
                    for (index, line) in words.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
                        if index > 0 { text += "\n" }
                        if !line.isEmpty { write(String(line)) }
                    }
                    return true
                }
                let folded = fold(words)
                let startsLine = text.isEmpty || text.last == "\n"
                let piece = (startsLine || text.last == " ") && folded.hasPrefix(" ") ? String(folded.dropFirst()) : folded
                if !piece.isEmpty { write(piece) }
            case .open(let element):
                switch element.name {
                case "script", "style", "head", "title", "template": return false
                case "br":
                    while text.last == " " { text.removeLast() }
                    text += "\n"
                case "li":
                    startLine()
                    write("- ")
                case "img": if let alternative = element.attribute("alt")?.singleLine, !alternative.isEmpty { write("[\(alternative)]") }
                case "td", "th": if let last = text.last, last != "\n", last != " " { text += " " }
                case "blockquote":
                    startLine()
                    quotes += 1
                case "pre":
                    startLine()
                    isPreformatted += 1
                case let name where blocks.contains(name): startLine()
                default: break
                }
            case .close(let element):
                switch element.name {
                case "blockquote":
                    startLine()
                    quotes -= 1
                case "pre":
                    startLine()
                    isPreformatted -= 1
                case "p", "h1", "h2", "h3", "h4", "h5", "h6":
                    startLine()
                    if !text.hasSuffix("\n\n"), !text.isEmpty { text += "\n" }
                case let name where blocks.contains(name): startLine()
                default: break
                }
            }
            return true
        }
        return text.trimmingWhitespace()
    }

    /// Plain text as paragraphs and line breaks.
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
            markup.write(text: String(Substring(line)))
            isOpen = true
        }
        if isOpen { markup.write("</p>\n") }
        return markup
    }

    private static let blocks: Set<String> = [
        "p", "div", "table", "tr", "ul", "ol", "dl", "dt", "dd", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "section", "article", "header", "footer", "body", "center", "figure",
    ]

    private static func fold(_ words: String) -> String {
        var folded = ""
        var wasSpace = false
        for scalar in words.unicodeScalars {
            let isSpace = scalar == " " || scalar == "\n" || scalar == "\t" || scalar == "\r" || scalar == "\u{A0}"
            if isSpace { if !wasSpace { folded.append(" ") } } else { folded.unicodeScalars.append(scalar) }
            wasSpace = isSpace
        }
        return folded
    }
}
