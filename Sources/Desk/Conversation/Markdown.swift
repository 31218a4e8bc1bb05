import CMarkdown
import Mail
import Foundation
import Markup

/// Markdown as GitHub writes it, by cmark-gfm; its HTML passes the same sanitizer as everybody's.
package enum Markdown {
    private static let library: Void = { cmark_gfm_core_extensions_ensure_registered() }()

    package static func html(_ markdown: String) -> HTML {
        _ = library
        guard let parser = cmark_parser_new(CMARK_OPT_DEFAULT) else { return HTMLText.paragraphs(markdown) }
        defer { cmark_parser_free(parser) }
        for name in ["table", "strikethrough", "autolink"] {
            if let found = cmark_find_syntax_extension(name) { cmark_parser_attach_syntax_extension(parser, found) }
        }
        cmark_parser_feed(parser, markdown, markdown.utf8.count)
        guard let document = cmark_parser_finish(parser) else { return HTMLText.paragraphs(markdown) }
        defer { cmark_node_free(document) }
        guard let rendered = cmark_render_html(document, CMARK_OPT_DEFAULT, cmark_parser_get_syntax_extensions(parser)) else {
            return HTMLText.paragraphs(markdown)
        }
        defer { free(rendered) }
        return HTMLSanitizer.clean(String(cString: rendered))
    }
}
