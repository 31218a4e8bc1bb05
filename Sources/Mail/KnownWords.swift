import Foundation

/// What the desk holds of a conversation already. What an answer quotes of that is history; what it quotes of anybody
/// else is news, and stays in view.
package struct KnownWords: Sendable {
    /// Addresses the desk and its agents write from.
    private let writers: Set<String>
    /// Letters and digits of what was said, each message on a line, with the zero that ends a string of C.
    private let said: [UInt8]

    /// Bytes of the messages together; the rest is not looked at, so that the work has a bound.
    private static let mostBytes = 256 << 10
    /// Letters a line needs to be told from any other.
    private static let fewestLetters = 4

    package init(writers: Set<String>, texts: [String]) {
        self.writers = writers
        var said: [UInt8] = []
        for text in texts where said.count < Self.mostBytes {
            said += Self.letters(of: text, most: Self.mostBytes - said.count)
            said.append(UInt8(ascii: "\n"))
        }
        self.said = said + [0]
    }

    /// Whether the desk or one of its agents writes from there.
    func areWritten(by writer: MailAddress) -> Bool {
        writers.contains(writer.address) || writers.contains(writer.withoutDetail)
    }

    /// Whether a line was said before; nil where it has too few letters to tell.
    package func hold(_ line: Substring) -> Bool? {
        let letters = Self.letters(of: String(line), most: 1000)
        guard letters.count >= Self.fewestLetters else { return nil }
        return said.withUnsafeBufferPointer { said in
            (letters + [0]).withUnsafeBufferPointer { letters in
                guard let said = said.baseAddress, let letters = letters.baseAddress else { return false }
                return said.withMemoryRebound(to: CChar.self, capacity: 1) { said in
                    letters.withMemoryRebound(to: CChar.self, capacity: 1) { strstr(said, $0) != nil }
                }
            }
        }
    }

    /// Letters and digits alone, ASCII ones in lower case: mail programs wrap, indent and mark what they quote, and put
    /// the addresses of links in brackets behind their words.
    private static func letters(of text: String, most: Int) -> [UInt8] {
        var kept: [UInt8] = []
        var isLink = false
        for scalar in text.unicodeScalars {
            if kept.count >= most { break }
            if scalar == "<" { isLink = true }
            if scalar == ">" || scalar == "\n" { isLink = false }
            guard !isLink else { continue }
            switch scalar.value {
            case 0x41...0x5A: kept.append(UInt8(scalar.value) | 0x20)
            case 0x61...0x7A, 0x30...0x39: kept.append(UInt8(scalar.value))
            case 0x80...:
                if scalar.properties.isAlphabetic || scalar.properties.numericType != nil {
                    kept += UTF8.encode(scalar).map(Array.init) ?? []
                }
            default: break
            }
        }
        return kept
    }
}
