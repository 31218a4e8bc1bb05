import Foundation
import Markup
import Measuring
import Testing

@testable import Mail

/// Numbers that look random and are the same in each run (SplitMix64).
struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

@Suite("Strangers' HTML is read in time that grows with its size", .serialized)
struct HTMLGrowthTests {
    @Test(
        "whatever is opened, closed or left open",
        arguments: [
            "<div></q>", "<div a=\"</a>\">", "<div><!--</a>-->", "<b></q>", "<svg><g></q>", "<b>", "<a>", "<a href=x>",
            "<font>", "<nobr>", "<table>", "<table><tr><td>", "<b><p>x",
            "<b><div></b>", "<i><p>x</i>y", "<p>", "<li>", "<ul><li>x", "<dl><dd>x", "<option>", "<h1>", "<div>",
            "<blockquote><br>x", "<div><p><b><table><td>", "<td>x", "</p>", "</br>",
            "<title>", "<style></styl", "<title><style><script><object><select><video>", "<!--", "<!", "<?", "</", "<",
            "<div a=\"", "<div a='", "<a b ", "<x@y.example", "&", "&amp",
            "&aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "&#99999999999;", "\u{301}", "\u{301}<td>", " <br>", "<pre>\n",
            "<img alt=\"\u{301}\u{301}\">", "<textarea></textarea>", "<form><b><form>",
        ])
    func units(unit: String) {
        #expect(Growth.isLinear(Growth.repeated(unit)) { _ = HTMLSanitizer.clean($0) }, "the sanitizer")
        #expect(Growth.isLinear(Growth.repeated(unit)) { _ = HTMLText.plain($0) }, "the plain text")
    }

    @Test(
        "whatever stands before",
        arguments: [
            ("<svg>", "<g></q>"), ("<div ", "a1 "), ("<table>", "x<tr>"), ("<table>", "<b>x</b>"),
            ("<p><b><i><u><s><big><small><code><em><strong><tt>", "<p>x"),
            ("<b id=1><b id=2><b id=3>", "<div>x</b></div>"),
            ("a", "\u{301}"), ("<pre>", "\n"), ("<select>", "<option>"), ("<p title=\"", "<b>x</b>"),
        ])
    func starts(start: String, unit: String) {
        #expect(Growth.isLinear(Growth.repeated(unit, after: start)) { _ = HTMLSanitizer.clean($0) }, "the sanitizer")
        #expect(Growth.isLinear(Growth.repeated(unit, after: start)) { _ = HTMLText.plain($0) }, "the plain text")
    }

    @Test("three hundred thousand attributes on one element")
    func attributes() {
        let clean = HTMLSanitizer.clean("<p" + (0..<300_000).map { " a\($0)=1" }.joined() + " title=last>words</p>")
            .text
        #expect(clean.hasPrefix("<p title=\"last\">words"))
    }

    @Test(
        "a megabyte of the worst comes out bounded",
        arguments: ["<p><b><i><u><s><big><small><code><em>x<p>y", "<div></q>", "<table><td>", "&"])
    func output(unit: String) {
        let clean = HTMLSanitizer.clean(Growth.repeated(unit)(1_000_000))
        #expect(clean.bytes.count < 8_000_000)
    }
}

@Suite("HTML is read as browsers read it")
struct HTMLTreeTests {
    @Test(
        "what comes out is whole and in order",
        arguments: [
            ("<p>Hi <b>Kim<p>x</b> y</p>", "<p>Hi <b>Kim</b></p><p><b>x</b> y</p>"),
            ("<b><p>one</b>two</p>three", "<b><p>onetwo</p></b>three"),
            (
                "<table><tr><td>1<td>2<tr><td>3</table>",
                "<table><tr><td>1</td><td>2</td></tr><tr><td>3</td></tr></table>"
            ),
            ("<table>loose<tr><td>y</td></tr></table>", "<table><tr><td>loose</td></tr><tr><td>y</td></tr></table>"),
            ("<td>stray</td></div></table>x", "strayx"),
            ("<ul><li>a<li>b<ul><li>c</ul><li>d</ul>", "<ul><li>a</li><li>b<ul><li>c</li></ul></li><li>d</li></ul>"),
            (
                "<a href=https://x.example>one<a href=https://y.example>two",
                """
                <a href="https://x.example" rel="noopener noreferrer nofollow" target="_blank">one</a>\
                <a href="https://y.example" rel="noopener noreferrer nofollow" target="_blank">two</a>
                """
            ),
            ("<h1>a<h2>b</h1>", "<h1>a</h1><h2>b</h2>"),
            ("<dl><dt>t<dd>d<dt>u</dl>", "<dl><dt>t</dt><dd>d</dd><dt>u</dt></dl>"),
            ("<section>one</section><address>two</address>", "<div>one</div><div>two</div>"),
            ("a</br>b", "a<br>b"),
            ("<B>x</b><BR/>", "<b>x</b><br>"),
            ("1 < 2 > 1 &lt;", "1 &lt; 2 &gt; 1 &lt;"),
            ("<script>if (a</b>) {}</script>x<style>p{}</style>", "x"),
            ("<!-- a > b --><!doctype html><![endif]>x<!-->y", "xy"),
        ])
    func shapes(html: String, clean: String) { #expect(HTMLSanitizer.clean(html).text == clean) }

    @Test(
        "character references",
        arguments: [
            ("&eacute;&#233;&#xE9;&eacute", "éééé"), ("&amp;lt;", "&amp;lt;"), ("&notit;", "¬it;"), ("&#128;", "€"),
            ("&#0;&#xD800;&#1114112;", "\u{FFFD}\u{FFFD}\u{FFFD}"), ("&nope; & x", "&amp;nope; &amp; x"),
            ("&NotEqualTilde;", "≂̸"),
        ])
    func references(html: String, clean: String) { #expect(HTMLSanitizer.clean(html).text == clean) }

    @Test(
        "what is never closed hides nothing",
        arguments: [
            "<title>words", "<!-- words", "<style>words", "<p title=\"words", "<textarea>words", "<select>words",
            "<object>words", "<noscript>words", "<a href='words", "<plaintext>words", "<iframe>words", "<script>words",
        ])
    func unclosed(html: String) {
        #expect(HTMLSanitizer.clean(html).text.contains("words"))
        #expect(HTMLText.plain(html).contains("words"))
    }

    @Test(
        "what stands in the fields of a form is read as a reader sees it",
        arguments: [
            ("<textarea rows=3>The pump &amp; the valve</textarea>", "The pump & the valve"),
            ("<select><option>Leaks<option selected>Rattles</select>", "Leaks\nRattles"),
            ("<label>Serial</label><input name=s value=\"P-4711\">", "Serial P-4711"),
            ("<input type=hidden value=x><input type=submit value=Send>", ""),
            ("<input type=checkbox checked> leaks", "[x] leaks"), ("<input type=radio> rattles", "[ ] rattles"),
            ("<noscript>It leaks.</noscript>", "It leaks."), ("<noembed>It leaks.</noembed>", "It leaks."),
            ("<template>It leaks.</template>", "It leaks."), ("<video>It leaks.</video>", "It leaks."),
            ("<object><p>It leaks.</p></object>", "It leaks."), ("<button>It leaks.</button>", "It leaks."),
        ])
    func fields(html: String, words: String) {
        #expect(HTMLText.plain(html) == words)
        #expect(!HTMLSanitizer.clean(html).text.contains("<input"))
    }

    @Test("addresses between brackets are words")
    func addresses() {
        #expect(
            HTMLText.plain("<p>Kim <kim@harbour.example>, see <https://harbour.example/a></p>")
                == "Kim <kim@harbour.example>, see <https://harbour.example/a>")
    }

    @Test("words deeper than any letter goes stay")
    func deep() {
        for unit in ["<div>", "<table><tr><td>", "<blockquote>", "<b>", "<ul><li>"] {
            let html =
                String(repeating: unit, count: 5000) + "deep</b>" + String(repeating: "</div>", count: 6000) + "after"
            #expect(HTMLSanitizer.clean(html).text.contains("deep") && HTMLText.plain(html).contains("after"))
        }
    }

    @Test(
        "what was made clean stays as it is",
        arguments: [
            "<a href=https://a.example><b><p>x</a>y</p><a href=https://b.example>z",
            "<ul><li>a<menu><li>b</menu>c</ul>", "<img src=cid:one@x><img src=https://a.example/b.png>",
            "<i><b><p>x</i>y</p>z<i>w",
            "<p title='\u{202e}&quot;&#0;'>\u{202e}x</p>", "<dir><li>a<dir><li>b", "<b><i><u><p>x</b>y</p><b>z</i>w",
            "<table>x<caption>y<td>z<table>w",
        ])
    func again(html: String) {
        let clean = HTMLSanitizer.clean(html).text
        #expect(HTMLSanitizer.clean(clean).text == clean)
    }

    @Test("what was made clean stays as it is, whatever it was", arguments: 1...8)
    func againByChance(seed: Int) {
        var random = SeededNumbers(UInt64(seed))
        let names = HTMLTag.all.map(\.name)
        for _ in 0..<150 {
            // Few names at a time, so that they meet each other.
            let few = (0..<Int.random(in: 2...7, using: &random)).map { _ in names.randomElement(using: &random) ?? "p"
            }
            let html = (0..<40).map { _ in
                let name = few.randomElement(using: &random) ?? "p"
                return switch Int.random(in: 0..<5, using: &random) {
                case 0, 1: "<\(name) title=\"a&quot;b\" href=mailto:a src=cid:b>"
                case 2, 3: "</\(name)>"
                default: "word &lt; "
                }
            }.joined()
            let clean = HTMLSanitizer.clean(html).text
            #expect(HTMLSanitizer.clean(clean).text == clean, "\(html)")
        }
    }

    @Test("every start has its end, in turn")
    func balance() throws {
        var random = SeededNumbers(20_261_125)
        let pieces = [
            "<p>", "</p>", "<b>", "</b>", "<i>", "</i>", "<a href=https://a.example>", "</a>", "<div>", "</div>",
            "<table>", "</table>", "<tr>", "</tr>", "<td>", "</td>", "<tbody>", "<ul>", "<li>", "</li>", "</ul>",
            "<h1>", "</h2>", "<dl>", "<dd>", "<caption>", "<colgroup>", "<col>", "<br>", "<pre>", "</pre>",
            "<blockquote>", "</blockquote>", "<span>", "</span>", "words ", "<title>", "<!--", "-->", "<style>",
            "</style>",
        ]
        for _ in 0..<300 {
            let html = (0..<40).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
            var open: [String] = []
            let clean = HTMLSanitizer.clean(html).text
            for match in clean.matches(of: /<(\/?)([a-z0-9]+)[^>]*>/) {
                let name = String(match.2)
                if ["br", "hr", "img", "col", "wbr"].contains(name) { continue }
                if match.1.isEmpty { open.append(name) } else { #expect(open.popLast() == name, "\(html)\n\(clean)") }
            }
            #expect(open.isEmpty, "\(html)\n\(clean)")
        }
    }
}
