import Primitives
import Testing

@testable import Markup

@Suite("HTML literals")
struct HTMLTests {
    @Test(
        "everything interpolated is escaped, on bytes",
        arguments: [
            ("<b>", "&lt;b&gt;"), ("\"x\"", "&quot;x&quot;"), ("it's", "it&#39;s"), ("a & b", "a &amp; b"),
            ("\"\u{301}=1 onfocus=x", "&quot;\u{301}=1 onfocus=x"),
            ("<\u{301}script", "&lt;\u{301}script"), ("a\0b", "ab"), ("漢字 é", "漢字 é"),
        ])
    func escapes(text: String, expected: String) {
        let html: HTML = "<p title=\"\(text)\">"
        #expect(html.text == "<p title=\"\(expected)\">")
    }

    @Test("markup inside markup stays markup")
    func nests() {
        let inner: HTML = "<b>\("<")</b>"
        let outer: HTML = "<p>\(inner)\([inner, inner])\(HTML?.none)</p>"
        #expect(outer.text == "<p><b>&lt;</b><b>&lt;</b><b>&lt;</b></p>")
    }

    @Test("a path encodes its segments and its query")
    func paths() {
        #expect(Path("t", "a/b ?", query: [("q", "x&y")]).text == "/t/a%2Fb%20%3F?q=x%26y")
        #expect(Path().text == "/")
    }

    @Test(
        "only harmless schemes become links",
        arguments: [
            "javascript:alert(1)", "JaVaScript:x", "java\tscript:x", " \u{1}javascript:x", "https ://x",
            "data:text/html,x", "vbscript:x", "file:///etc/passwd", "//x", "",
        ])
    func refusesSchemes(address: String) { #expect(ExternalLink(address) == nil) }

    @Test(
        "ordinary addresses are links",
        arguments: ["https://a.example/?x=1", "HTTP://a.example", "mailto:kim@a.example", "tel:+49301234"])
    func takesSchemes(address: String) { #expect(ExternalLink(address)?.text == address) }
}

@Suite("JSON text")
struct JSONTextTests {
    @Test("text is escaped so that it may stand inside a page")
    func escapes() {
        var json = JSONText()
        json.write("a\"b\\c</script>\n\t\u{1}\u{2028}&é漢")
        #expect(json.text == "\"a\\\"b\\\\c\\u003c/script\\u003e\\n\\t\\u0001\\u2028\\u0026é漢\"")
    }

    @Test("objects and arrays get their commas")
    func commas() {
        var json = JSONText()
        json.object { json in
            json.field("a", 1)
            json.field("b", ["x", "y"])
            json.field("c", object: { $0.field("d", true) })
            json.field("e", String?.none)
            json.field("f", "https://x/", 42)
            json.field("g", plain: { $0.append(contentsOf: "z".utf8) })
        }
        #expect(json.text == #"{"a":1,"b":["x","y"],"c":{"d":true},"e":null,"f":"https://x/42","g":"z"}"#)
    }

    @Test("whole numbers are written digit by digit", arguments: [0, 7, 10, -1, -10, Int64.max, Int64.min, 1_000_000])
    func digits(number: Int64) {
        var bytes: [UInt8] = []
        DecimalText.append(number, to: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == String(number))
    }
}
