import Foundation

/// How text becomes words: one rule for both engines, so that a search finds the same on either.
///
/// Letters and digits make words, in any script; case, accents and width are folded away; a Chinese, Japanese or Korean
/// sign is a word of its own, so that part of a run is found by the run of its signs.
package enum Words {
    /// A word longer than this is cut: nobody types it, and it bloats the index.
    static let longestWord = 64

    package static func split(_ text: String) -> [String] {
        text.utf8.allSatisfy { $0 < 0x80 } ? splitASCII(text) : splitUnicode(text)
    }

    private static func splitASCII(_ text: String) -> [String] {
        var words: [String] = []
        var word: [UInt8] = []
        func finish() {
            if !word.isEmpty { words.append(String(decoding: word.prefix(longestWord), as: UTF8.self)) }
            word.removeAll(keepingCapacity: true)
        }
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): word.append(byte)
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): word.append(byte | 0x20)
            default: finish()
            }
        }
        finish()
        return words
    }

    private static func splitUnicode(_ text: String) -> [String] {
        var words: [String] = []
        var word = String.UnicodeScalarView()
        func finish() {
            if !word.isEmpty { words.append(String(String.UnicodeScalarView(word.prefix(longestWord)))) }
            word.removeAll()
        }
        for scalar in text.decomposedStringWithCompatibilityMapping.lowercased().unicodeScalars {
            switch scalar.properties.generalCategory {
            case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .decimalNumber, .letterNumber, .otherNumber:
                if scalar == "ß" { word.append(contentsOf: "ss".unicodeScalars) } else if isIdeograph(scalar) {
                    finish()
                    word.append(scalar)
                    finish()
                } else {
                    word.append(scalar)
                }
            case .nonspacingMark, .enclosingMark, .spacingMark, .format: continue
            default: finish()
            }
        }
        finish()
        return words
    }

    private static func isIdeograph(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        // Kana, Bopomofo, Hangul (whole and decomposed), Han and its extensions.
        case 0x3040...0x30FF, 0x3100...0x312F, 0x31A0...0x31FF, 0xAC00...0xD7AF, 0x1100...0x11FF, 0x3400...0x4DBF, 0x4E00...0x9FFF,
            0xF900...0xFAFF, 0x20000...0x3FFFF:
            true
        default: false
        }
    }
}
