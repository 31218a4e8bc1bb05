import Testing

@testable import Markup

@Suite("Addresses in plain text")
struct LinkedTextTests {
    @Test(
        "an address is a link, less the punctuation of its sentence",
        arguments: [
            ("see https://example.org/a?b=1&c=2.", "https://example.org/a?b=1&amp;c=2"),
            ("(https://example.org/x)", "https://example.org/x"),
            ("https://en.example/wiki/A_(b), yes", "https://en.example/wiki/A_(b)"),
            ("HTTPS://EXAMPLE.ORG!", "HTTPS://EXAMPLE.ORG"), ("“https://example.org/q”", "https://example.org/q"),
            ("<http://example.org>", "http://example.org"),
            ("mailto:kim@harbour.example,", "mailto:kim@harbour.example"),
            ("https://müller.example/größe und", "https://müller.example/größe"),
            ("http://[2001:db8::1]:8080/x]", "http://[2001:db8::1]:8080/x"),
            ("siehe：https://例え.example/道。次", "https://例え.example/道"),
            ("[https://example.org][1]", "https://example.org"),
            ("https://example.org/\u{202E}gpj.exe", "https://example.org/"),
        ])
    func links(text: String, link: String) {
        #expect(
            LinkedText.html(text).text.contains(
                "<a href=\"\(link)\" rel=\"noopener noreferrer nofollow\" target=\"_blank\">\(link)</a>"),
            "\(LinkedText.html(text).text)")
    }

    @Test(
        "what runs, what has no host and what stands inside a word is no link",
        arguments: [
            "javascript:alert(1)", "data:text/html,x", "https://", "http:// example", "xhttp://example.org",
            "kim@www.example.org", "ftp://example.org", "mailto:",
        ])
    func plain(text: String) { #expect(!LinkedText.html(text).text.contains("<a ")) }

    @Test(
        "nothing gets out of the attribute or the text",
        arguments: [
            "https://example.org/\"onmouseover=alert(1)", "https://example.org/'><script>",
            "<b>https://example.org</b>",
        ])
    func escaped(text: String) {
        let html = LinkedText.html(text).text
        #expect(!html.contains("<script") && !html.contains("\"onmouse") && !html.contains("<b>"))
    }

    @Test("an address without a scheme leads to its host")
    func bare() { #expect(LinkedText.html("www.example.org").text.contains("href=\"http://www.example.org\"")) }

    @Test(
        "text of nothing but beginnings of addresses takes time in proportion",
        arguments: ["https://", "https://a", "(https://x", "www.", "mailto:a(", "http://[[["])
    func linear(unit: String) {
        let clock = ContinuousClock()
        let small = clock.measure { _ = LinkedText.html(String(repeating: unit, count: 20_000)) }
        let large = clock.measure { _ = LinkedText.html(String(repeating: unit, count: 40_000)) }
        #expect(large < small * 4 + .milliseconds(200))
    }
}
