import Testing

@testable import Markup

@Suite("Lengths of texts")
struct TextLengthTests {
    /// One character, as people count them, of two million bytes.
    private static let tower = "a" + String(repeating: "\u{301}", count: 1_000_000)

    @Test("a limit counts characters as they are shown, and four bytes for each")
    func fits() {
        #expect("abc".fits(3) && !"abcd".fits(3) && "äöü".fits(3) && "日本語".fits(3) && !"日本語文".fits(3) && "".fits(0))
        #expect("e\u{301}e\u{301}e\u{301}".fits(3), "an accent of its own is no character of its own")
        #expect(!Self.tower.fits(300))
    }

    @Test("a text is cut between characters where it can be, and never within a scalar")
    func cut() {
        #expect(
            "abcdef".cut(to: 3) == "abc" && "äöüß".cut(to: 2) == "äö" && "ab".cut(to: 3) == "ab"
                && "日本語文字".cut(to: 3) == "日本語")
        let cut = Self.tower.cut(to: 300)
        #expect(cut.utf8.count <= 1200 && cut.unicodeScalars.first == "a" && cut.fits(300))
        #expect("aä".cut(toBytes: 2) == "a" && "日本".cut(toBytes: 5) == "日" && "x".cut(toBytes: 0) == "")
    }
}
