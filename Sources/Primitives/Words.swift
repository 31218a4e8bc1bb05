import Foundation

/// How text becomes words: one rule for both engines, so that a search finds the same on either.
///
/// Letters and digits make words, in any script; case, accents and width are folded away; a Chinese, Japanese or Korean
/// sign is a word of its own, so that part of a run is found by the run of its signs.
package enum Words {
    /// A word longer than this is cut: nobody types it, and it bloats the index.
    package static let longestWord = 64

    /// - Parameter most: so many words at most; what lies behind them is not looked at.
    package static func split(_ text: String, most: Int = .max) -> [String] {
        text.utf8.allSatisfy { $0 < 0x80 } ? splitASCII(text, most) : splitUnicode(text, most)
    }

    private static func splitASCII(_ text: String, _ most: Int) -> [String] {
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
            default:
                finish()
                if words.count >= most { return words }
            }
        }
        finish()
        return Array(words.prefix(most))
    }

    private static func splitUnicode(_ text: String, _ most: Int) -> [String] {
        var words: [String] = []
        var word = String.UnicodeScalarView()
        // Cutting as it grows keeps a run without an end from taking memory.
        var length = 0
        func finish() {
            if length > 0 { words.append(String(word)) }
            word.removeAll(keepingCapacity: true)
            length = 0
        }
        func add(_ scalar: Unicode.Scalar) {
            if length < longestWord { word.append(scalar) }
            length += 1
        }
        var plainForms = PlainForms()
        for written in text.unicodeScalars {
            for scalar in plainForms[written] {
                switch scalar.properties.generalCategory {
                case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter,
                    .decimalNumber, .letterNumber, .otherNumber:
                    if let letters = folded(scalar) {
                        for letter in letters.unicodeScalars { add(letter) }
                    } else if isIdeograph(scalar) {
                        finish()
                        add(scalar)
                        finish()
                    } else {
                        add(scalar)
                    }
                case .nonspacingMark, .enclosingMark, .spacingMark, .format: continue
                default: finish()
                }
            }
            if words.count >= most { break }
        }
        finish()
        return Array(words.prefix(most))
    }

    /// Signs without width, accents and case, one by one: Foundation's normalization of a whole text takes a time that
    /// grows with its square. Marks are dropped later, so their order (UAX #15, canonical ordering) does not matter.
    private struct PlainForms {
        private var known: [Unicode.Scalar: [Unicode.Scalar]] = [:]
        /// So many different signs are remembered; a text has no more unless somebody means it.
        private static let most = 4096

        subscript(scalar: Unicode.Scalar) -> [Unicode.Scalar] {
            mutating get {
                if let form = known[scalar] { return form }
                let decomposed = String(scalar).decomposedStringWithCompatibilityMapping.lowercased()
                let form = Array(decomposed.unicodeScalars)
                if known.count < Self.most { known[scalar] = form }
                return form
            }
        }
    }

    /// Letters that have no mark to be taken away, as a keyboard without them writes them.
    private static func folded(_ scalar: Unicode.Scalar) -> String? {
        switch scalar {
        case "ß": "ss"
        case "ı": "i"
        case "ø": "o"
        case "æ": "ae"
        case "œ": "oe"
        case "ł": "l"
        case "đ", "ð": "d"
        case "þ": "th"
        default: nil
        }
    }

    private static func isIdeograph(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        // Kana, Bopomofo, Hangul (whole and decomposed), Han and its extensions.
        // Scripts that write no blanks between words: Thai and Lao, Tibetan, Myanmar, Khmer.
        case 0x0E00...0x0EFF, 0x0F00...0x0FFF, 0x1000...0x109F, 0x1780...0x17FF, 0x3040...0x30FF, 0x3100...0x312F,
            0x31A0...0x31FF, 0xAC00...0xD7AF, 0x1100...0x11FF, 0x3400...0x4DBF, 0x4E00...0x9FFF,
            0xF900...0xFAFF, 0x20000...0x3FFFF:
            true
        default: false
        }
    }
}

extension Words {
    /// The ways in which words may stand in a text: as they are, and for a search with `oe` or `ö`, and their like, the
    /// other one of the two.
    package static func spellings(_ words: [String], of text: String) -> [[String]] {
        var spellings = [words]
        func add(_ other: [String]) { if !other.isEmpty, !spellings.contains(other) { spellings.append(other) } }
        add(
            words.map { word in
                var shortened = word
                for vowel in ["a", "o", "u"] where shortened.contains(vowel + "e") && shortened.count > 2 {
                    shortened = shortened.replacingOccurrences(of: vowel + "e", with: vowel)
                }
                return shortened
            })
        if text.unicodeScalars.contains(where: { $0.value >= 0x80 }) {
            var written = text.folded
            for (umlaut, pair) in [("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("å", "aa"), ("ø", "oe")] {
                written = written.replacingOccurrences(of: umlaut, with: pair)
            }
            add(split(written))
        }
        return spellings
    }

    /// Digits by which a telephone number is known, whatever stands before them for the country or the exchange.
    package static let telephoneDigits = 7

    /// The last digits of a telephone number in any notation; nil for what has too few or too many (ITU-T E.164 ends at
    /// 15, with a prefix 20).
    package static func telephoneEnding(_ text: String) -> String? {
        let digits = text.unicodeScalars.filter { $0.value >= 0x30 && $0.value <= 0x39 }
        guard (telephoneDigits...20).contains(digits.count) else { return nil }
        return String(String.UnicodeScalarView(digits.suffix(telephoneDigits)))
    }

    /// The endings of the telephone numbers in a text, so that each is found in any notation. One pass over the bytes.
    package static func telephoneEndings(in text: String) -> [String] {
        var endings: [String] = []
        var digits: [UInt8] = []
        var gap = 0
        var isWord = false
        func finish() {
            if digits.count >= telephoneDigits, digits.count <= 20 {
                let ending = String(decoding: digits.suffix(telephoneDigits), as: UTF8.self)
                if endings.last != ending { endings.append(ending) }
            }
            digits.removeAll(keepingCapacity: true)
        }
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39:
                if !isWord { digits.append(byte) }
                gap = 0
            case UInt8(ascii: " "), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "("), UInt8(ascii: ")"),
                UInt8(ascii: "/"), UInt8(ascii: "+"):
                isWord = false
                gap += 1
                if gap > 3 || byte == UInt8(ascii: "+") { finish() }
            case 0x41...0x5A, 0x61...0x7A, 0x80...:
                // Letters at digits make a word: a serial number, not one to call.
                if gap == 0 { digits.removeAll(keepingCapacity: true) }
                finish()
                isWord = true
                gap = 0
            default:
                finish()
                isWord = false
                gap = 0
            }
        }
        finish()
        return endings
    }
}
