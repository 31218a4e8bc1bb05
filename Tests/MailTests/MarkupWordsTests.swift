import Foundation
import Measuring
import Testing

@testable import Mail

@Suite("Markup beside the words it says")
struct MarkupWordsTests {
    private func clean(_ html: String) -> String { HTMLSanitizer.clean(html).text }

    @Test(
        "markup agrees with its own plain text, whatever its shape",
        arguments: [
            "<p>We come <b>on Tuesday</b>.</p>", "<ul><li>one<li>two</ul><table><tr><td>3.50<td>&euro;</table>",
            "Ü &amp; <a href=\"https://example.com\">here</a><br><br>Ada", "<pre>a  b\n c</pre>",
        ])
    func own(html: String) {
        let markup = clean(html)
        #expect(MarkupWords.agree(markup, HTMLText.plain(markup)))
        #expect(MarkupWords.beginning(of: markup, saying: HTMLText.plain(markup)) == markup)
    }

    @Test(
        "a word more or another word is no agreement",
        arguments: [
            "<p>We come on Tuesday. Never.</p>", "<p>Never: we come on Tuesday.</p>", "<p>We come on Monday.</p>",
            "<p>We come</p>", "<p>We come on Tuesday.</p><p title=\"x\">1.50</p>",
        ])
    func others(html: String) { #expect(!MarkupWords.agree(clean(html), "We come on Tuesday.")) }

    @Test("a picture alone says nothing that is not said, and its description may be part of the words")
    func pictures() {
        #expect(MarkupWords.agree(clean("<p><img src=\"cid:a\" alt=\"\"></p>"), "(no text, see the attachments)"))
        #expect(MarkupWords.agree(clean("<img src=\"cid:a\" alt=\"lid.png\"> See."), "[lid.png] See."))
        #expect(MarkupWords.agree(clean("<img src=\"cid:a\" alt=\"lid.png\"> See."), "See."))
    }

    @Test(
        "markup is cut behind the words that it begins with, and stays whole",
        arguments: [
            ("<div>See <b>you</b>.</div><blockquote><p>Quoted</p></blockquote>", "<div>See <b>you</b>.</div>"),
            ("<div>See <b>you. On Monday Kim wrote:</b> Quoted</div>", "<div>See <b>you. </b></div>"),
            (
                "<p>See you.<img src=\"cid:a\" alt=\"\"></p><hr><p>From: Kim</p><p>Quoted</p>",
                "<p>See you.<img alt=\"\" loading=\"lazy\" data-cid=\"a\"></p><hr><p></p>"
            ),
            ("<p>See you.</p><blockquote><img src=\"cid:b\"><p>Quoted</p></blockquote>", "<p>See you.</p>"),
        ])
    func cut(html: String, beginning: String) {
        #expect(MarkupWords.beginning(of: clean(html), saying: "See you.") == beginning)
    }

    @Test(
        "markup that begins with other words has no such beginning",
        arguments: [
            "<blockquote>Quoted</blockquote><p>See you.</p>", "<p>Dear Kim, see you.</p>", "<p>See</p>",
        ])
    func none(html: String) { #expect(MarkupWords.beginning(of: clean(html), saying: "See you.") == nil) }

    @Test("the time grows with the markup", arguments: ["<p>a", "a ", "<b>", "<img alt=a>", "1.", "\u{2713}"])
    func growth(piece: String) {
        let html: (Int) -> String = { String(repeating: piece, count: $0 / piece.utf8.count) }
        #expect(
            Growth.isLinear(html, size: 64 << 10) { html in
                let markup = clean(html)
                let words = HTMLText.plain(markup)
                _ = MarkupWords.agree(markup, words)
                _ = MarkupWords.beginning(of: markup, saying: String(words.prefix(words.count / 2)))
            })
    }
}
