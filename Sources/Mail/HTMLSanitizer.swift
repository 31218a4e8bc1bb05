import Markup

/// Rebuilds strangers' HTML from an allow-list: what is not known to be harmless is not there afterwards.
///
/// Scripts, styles, forms, frames and handlers go; text stays. Remote images become `data-remote` until a reader asks
/// for them; `cid:` images become `data-cid`, which pages turn into the ticket's own attachment. What was made clean
/// once stays as it is when it is made clean again.
package enum HTMLSanitizer {
    /// - Parameter html: of any size and shape; beyond `HTMLTree.mostBytes` it is cut.
    package static func clean(_ html: String) -> HTML {
        var markup = HTML(capacity: min(html.utf8.count, HTMLTree.mostBytes))
        // Of the elements around whose style keeps line ends or not: the style itself is not kept.
        var keepsLines: [Bool] = []
        HTMLTree(html).walk { step in
            switch step {
            case .text(let words):
                guard keepsLines.last ?? false else {
                    markup.write(prose: words)
                    break
                }
                for (index, line) in words.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
                    if index > 0 { markup.write("<br>") }
                    markup.write(prose: String(line))
                }
            case .open(let element):
                if let keeps = element.keepsLines { keepsLines.append(keeps && element.name != "pre") }
                open(element, in: &markup)
            case .close(let element):
                if element.keepsLines != nil { _ = keepsLines.popLast() }
                close(element, in: &markup)
            }
            return true
        }
        return markup
    }

    static func open(_ element: HTMLElement, in markup: inout HTML) {
        if let name = written(element) { open(element, as: name, in: &markup) }
    }

    static func close(_ element: HTMLElement, in markup: inout HTML) {
        guard let name = written(element), element.tag.role != .void else { return }
        markup.write("</")
        markup.write(text: name)
        markup.write(">")
    }

    /// The name it goes out under; nil for what leaves its words alone.
    private static func written(_ element: HTMLElement) -> String? {
        if kept.contains(element.name) { return element.name }
        // Older names of a list, in which items stand.
        if element.name == "menu" || element.name == "dir" { return "ul" }
        // `section`, `address` and their like begin a line of their own.
        return element.tag.role == .block ? "div" : nil
    }

    /// All that may be left.
    package static let kept: Set<String> = [
        "a", "abbr", "b", "big", "blockquote", "br", "caption", "center", "cite", "code", "col", "colgroup", "dd",
        "del", "details", "dfn", "div", "dl", "dt",
        "em", "figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "kbd", "li", "mark",
        "ol", "p", "pre", "q", "s", "samp",
        "small", "span", "strike", "strong", "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead",
        "tr", "tt", "u", "ul", "var", "wbr",
    ]
    private static let plain: [String: [String]] = [
        "td": ["colspan", "rowspan", "align", "valign"], "th": ["colspan", "rowspan", "align", "valign", "scope"],
        "ol": ["start", "type"],
        "col": ["span"], "colgroup": ["span"], "p": ["align"], "div": ["align"], "table": ["align"],
    ]

    private static func open(_ element: HTMLElement, as name: String, in markup: inout HTML) {
        markup.write("<")
        markup.write(text: name)
        for name in ["dir", "lang", "title"] + (plain[name] ?? []) {
            if let value = element.attribute(name), value.utf8.count < 300 { write(name, value, in: &markup) }
        }
        switch name {
        case "a":
            if let href = element.attribute("href"), let link = ExternalLink(href) {
                write("href", link.text, in: &markup)
                markup.write(" rel=\"noopener noreferrer nofollow\" target=\"_blank\"")
            }
        case "img": image(element, in: &markup)
        default: break
        }
        markup.write(">")
    }

    private static func image(_ element: HTMLElement, in markup: inout HTML) {
        write("alt", element.attribute("alt") ?? "", in: &markup)
        markup.write(" loading=\"lazy\"")
        for name in ["width", "height"] {
            if let size = element.attribute(name).flatMap({ Int($0) }), (1...4000).contains(size) {
                write(name, String(size), in: &markup)
            }
        }
        let source = (element.attribute("src") ?? "").trimmingWhitespace()
        let scheme = source.utf8.prefix(4).map { $0 | 0x20 }
        if scheme == Array("cid:".utf8) {
            write("data-cid", String(decoding: source.utf8.dropFirst(4), as: UTF8.self), in: &markup)
        } else if scheme == Array("http".utf8), let link = ExternalLink(source) {
            write("data-remote", link.text, in: &markup)
        } else if source.isEmpty {
            // What was made clean before stays as it is.
            if let place = element.attribute("data-cid") { write("data-cid", place, in: &markup) }
            if let link = element.attribute("data-remote").flatMap(ExternalLink.init), link.text.hasPrefix("http") {
                write("data-remote", link.text, in: &markup)
            }
        }
    }

    private static func write(_ name: String, _ value: String, in markup: inout HTML) {
        markup.write(" ")
        markup.write(text: name)
        markup.write("=\"")
        markup.write(prose: value)
        markup.write("\"")
    }
}
