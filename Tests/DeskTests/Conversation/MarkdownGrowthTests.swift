import DeskTesting
import Foundation
import Measuring
import Testing

@testable import Desk

@Suite("Markdown is read in time that grows with its size")
struct MarkdownGrowthTests {
    @Test(
        "whatever it is made of",
        arguments: [
            "| a | b |\n|---|---|\n| 1 | 2 |\n", "|a", "<http://a ", "http://a.example ", "[a](", "[a][b]\n\n", "![",
            "**a", "*a_ ", "~~", "`", "``` ", "> ", "> a\n", "- ", "* a\n  ", "1. a\n", "# a\n", "<div>", "<!--", "&",
            "\\", "a@b.example ", "www.", "[^1]: ", "\n", " \n", "\t", "a\u{301}",
        ])
    func growth(unit: String) {
        // Paragraphs that are read as Markdown, and one that is too long for it.
        let paragraph = Growth.repeated(unit)(4 << 10) + "\n\n"
        #expect(
            Growth.isLinear(Growth.repeated(paragraph), size: 64 << 10) { _ = Markdown.html($0) }, "many paragraphs")
        #expect(Growth.isLinear(Growth.repeated(unit), size: 20 << 10) { _ = Markdown.html($0) }, "one paragraph")
    }
}
