import CMarkdown
import Foundation
import Mail
import Markup

/// Markdown as GitHub writes it, by cmark-gfm; its HTML passes the same sanitizer as everybody's.
package enum Markdown {
    private static let library: Void = { cmark_gfm_core_extensions_ensure_registered() }()

    /// Text beyond `MarkdownSize` is shown as it was typed, and so is HTML in it.
    package static func html(_ markdown: String) -> HTML {
        rendered(markdown, CMARK_OPT_DEFAULT)?.markup ?? HTMLText.paragraphs(markdown)
    }

    /// What somebody typed as a message: each line stays a line, and a backslash counts as a mark only before another
    /// mark, so that `\\server\share` stays what it is. Nil where nothing in it is marked.
    static func message(_ typed: String) -> HTML? {
        rendered(MessageMarks.protected(typed), CMARK_OPT_HARDBREAKS).flatMap { $0.hasMarks ? $0.markup : nil }
    }

    private static func rendered(_ markdown: String, _ options: Int32) -> (markup: HTML, hasMarks: Bool)? {
        _ = library
        guard MarkdownSize(markdown).isBounded, let parser = cmark_parser_new(CMARK_OPT_DEFAULT) else { return nil }
        defer { cmark_parser_free(parser) }
        for name in ["table", "strikethrough", "autolink"] {
            if let found = cmark_find_syntax_extension(name) { cmark_parser_attach_syntax_extension(parser, found) }
        }
        cmark_parser_feed(parser, markdown, markdown.utf8.count)
        guard let document = cmark_parser_finish(parser) else { return nil }
        defer { cmark_node_free(document) }
        let hasMarks = MarkdownTree(document).showHTMLAsText()
        guard let rendered = cmark_render_html(document, options, cmark_parser_get_syntax_extensions(parser))
        else { return nil }
        defer { free(rendered) }
        return (HTMLSanitizer.clean(String(cString: rendered)), hasMarks)
    }
}

/// What of a text makes cmark-gfm slow: its time grows with the square of what stands in one paragraph, of a table's
/// columns and of the depth of quotes and lists. Counted in one pass over the bytes.
struct MarkdownSize {
    private(set) var bytes = 0
    /// The longest stretch of lines without a blank one between: a paragraph, a list or a table.
    private(set) var longestStretch = 0
    /// The most `|` in a line.
    private(set) var columns = 0
    private(set) var lines = 0
    /// The most blanks and marks of quotes and lists that a line begins with.
    private(set) var depth = 0
    /// The longest line that may define a link, and how many brackets may use it.
    private(set) var longestDefinition = 0
    private(set) var brackets = 0

    private static let mostBytes = 256 << 10
    private static let longestParagraph = 16 << 10
    private static let mostColumns = 100
    private static let mostCells = 50_000
    private static let mostDepth = 100
    private static let mostExpanded = 4 << 20

    var isBounded: Bool {
        bytes <= Self.mostBytes && longestStretch <= Self.longestParagraph && depth <= Self.mostDepth
            && columns <= Self.mostColumns
            && columns * lines <= Self.mostCells && longestDefinition * brackets <= Self.mostExpanded
    }

    init(_ text: String) {
        var line = Line()
        var stretch = 0
        for byte in text.utf8 {
            bytes += 1
            guard byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") else {
                line.take(byte)
                continue
            }
            count(line, &stretch)
            line = Line()
        }
        count(line, &stretch)
    }

    private mutating func count(_ line: Line, _ stretch: inout Int) {
        lines += 1
        stretch = line.isBlank ? 0 : stretch + line.length + 1
        longestStretch = max(longestStretch, stretch)
        columns = max(columns, line.pipes)
        depth = max(depth, line.depth)
        brackets += line.brackets
        if line.brackets > 0, line.hasColon { longestDefinition = max(longestDefinition, line.length) }
    }

    private struct Line {
        var length = 0
        var depth = 0
        var pipes = 0
        var brackets = 0
        var hasColon = false
        var isBlank = true
        private var isPrefix = true

        mutating func take(_ byte: UInt8) {
            length += 1
            switch byte {
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: ">"), UInt8(ascii: "-"), UInt8(ascii: "*"),
                UInt8(ascii: "+"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: ")"):
                if isPrefix { depth += 1 }
            case UInt8(ascii: "|"): pipes += 1
            case UInt8(ascii: "["): brackets += 1
            case UInt8(ascii: ":"): hasColon = true
            default: break
            }
            if byte != UInt8(ascii: " "), byte != UInt8(ascii: "\t") { isBlank = false }
            switch byte {
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: ">"), UInt8(ascii: "-"), UInt8(ascii: "*"),
                UInt8(ascii: "+"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: ")"):
                break
            default: isPrefix = false
            }
        }
    }
}
