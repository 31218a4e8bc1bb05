/// Content-Transfer-Encoding (RFC 2045, section 6) of texts, also where a text is wrongly said to be encoded.
enum TransferDecoding {
    enum Encoding { case asIs, base64, quotedPrintable }

    /// As it was written: `Base-64`, `quoted_printable` and `"base64"` are meant the same, and comments may stand around
    /// it (RFC 5322, section 3.2.2).
    static func named(_ field: String) -> Encoding {
        var depth = 0
        let plain = field.lowercased().prefix(500).filter { sign in
            if sign == "(" { depth += 1 }
            defer { if sign == ")", depth > 0 { depth -= 1 } }
            return depth == 0
        }
        let letters = plain.filter { $0.isASCII && ($0.isLetter || $0.isNumber) }
        if letters.hasPrefix("base64") || letters == "b64" { return .base64 }
        if letters.hasPrefix("quotedprintable") || letters == "qp" { return .quotedPrintable }
        return .asIs
    }

    /// The bytes of a text, and whether its encoding was not what it said.
    static func text(_ sent: [UInt8], _ encoding: Encoding) -> (bytes: [UInt8], isFalse: Bool) {
        switch encoding {
        case .asIs: (sent, false)
        case .base64: base64(sent)
        case .quotedPrintable: quotedPrintable(sent)
        }
    }

    /// The bytes of a text whose encoding got lost: decoded where nothing in it can be meant as it stands.
    static func unnamed(_ sent: [UInt8]) -> (bytes: [UInt8], isFalse: Bool) {
        if let decoded = wholeBase64(sent) { return (decoded, true) }
        let (bare, soft) = equalSigns(sent)
        if bare == 0, soft > 0 || sent.contains(UInt8(ascii: "=")), let decoded = beyondASCII(sent) {
            return (decoded, true)
        }
        return (sent, false)
    }

    /// Several lines of one length, of nothing but base64, that hold words; nil for anything else.
    private static func wholeBase64(_ sent: [UInt8]) -> [UInt8]? {
        let start = sent.drop { $0 <= 0x20 }
        let width = start.prefix(100).prefix { $0 > 0x20 }.count
        guard (56...80).contains(width), width % 4 == 0 else { return nil }
        var lines = 0
        var isOver = false
        for line in start.split(separator: 10, omittingEmptySubsequences: false) {
            let letters = line.last == 13 ? line.dropLast() : line
            if letters.allSatisfy({ $0 <= 0x20 }) {
                isOver = true
                continue
            }
            // Only the last line is shorter.
            guard !isOver, letters.count <= width, letters.count % 4 == 0, isBase64Line(letters) else { return nil }
            isOver = letters.count < width
            lines += 1
        }
        guard lines > 1 else { return nil }
        let decoded = Base64.lenient(start)
        return controls(decoded) == 0 && decoded.contains(0x20) && String(validating: decoded, as: UTF8.self) != nil
            ? decoded : nil
    }

    /// Equal signs that begin no escape, and those that join two lines.
    private static func equalSigns(_ sent: [UInt8]) -> (bare: Int, soft: Int) {
        var (bare, soft) = (0, 0)
        for index in sent.indices where sent[index] == UInt8(ascii: "=") {
            let next = index + 1 < sent.count ? sent[index + 1] : 10
            if next == 10 || next == 13 {
                soft += 1
            } else if index + 2 >= sent.count || QuotedPrintable.hex(next) == nil
                || QuotedPrintable.hex(sent[index + 2]) == nil
            {
                bare += 1
            }
        }
        return (bare, soft)
    }

    /// Whether bytes said to be base64 are something else altogether: for files.
    static func isNoBase64(_ sent: some Collection<UInt8>) -> Bool {
        let sample = sent.prefix(4096)
        let foreign = sample.count { $0 > 0x20 && Base64.value($0) == nil && $0 != UInt8(ascii: "=") }
        return foreign * 10 > sample.count
    }

    /// Lines of base64 as far as they go: mailing lists put plain lines below.
    private static func base64(_ sent: [UInt8]) -> ([UInt8], Bool) {
        var start = 0
        var plain: Int?
        while start < sent.count {
            let end = sent[start...].firstIndex(of: 10) ?? sent.count
            if !isBase64Line(sent[start..<end]) {
                plain = start
                break
            }
            start = end + 1
        }
        let decoded = Base64.lenient(sent[..<(plain ?? sent.count)])
        if plain == nil {
            // One short word is base64 by its letters as well; what comes out of it shows that it is none.
            return isReadable(decoded) || !isReadable(sent) || sent.count > 4096 ? (decoded, false) : (sent, true)
        }
        guard let plain else { return (decoded, false) }
        // Base64 comes in fours: a few words that happen to hold no other letters are not such a group.
        let letters = sent[..<plain].count { $0 > 0x20 }
        if letters < 200, letters % 4 != 0 { return (sent, true) }
        // Some garbage within real base64: what a decoder of mail passes over.
        let rest = sent[plain...]
        if decoded.isEmpty || !isReadable(decoded) {
            let foreign = rest.count { $0 > 0x20 && Base64.value($0) == nil && $0 != UInt8(ascii: "=") }
            let blanks = innerBlanks(rest)
            if foreign * 50 < rest.count, blanks * 50 < rest.count {
                let whole = Base64.lenient(sent)
                if isReadable(whole) { return (whole, false) }
            }
            return (sent, true)
        }
        let foreign = rest.count { $0 > 0x20 && Base64.value($0) == nil && $0 != UInt8(ascii: "=") }
        if innerBlanks(rest) == 0, foreign * 50 < rest.count { return (Base64.lenient(sent), false) }
        return (decoded + [10] + rest, true)
    }

    private static func innerBlanks(_ bytes: ArraySlice<UInt8>) -> Int {
        var (count, previous) = (0, UInt8(10))
        for byte in bytes {
            if previous == 0x20, byte > 0x20 { count += 1 }
            previous = byte
        }
        return count
    }

    private static func isBase64Line(_ line: ArraySlice<UInt8>) -> Bool {
        var rest = line
        while let last = rest.last, last <= 0x20 { rest = rest.dropLast() }
        while let first = rest.first, first <= 0x20 { rest = rest.dropFirst() }
        // A line of dashes or underscores parts a footer; in mail those two are no letters of base64 (RFC 2045, section
        // 6.8).
        return rest.allSatisfy { byte in
            guard byte != UInt8(ascii: "-"), byte != UInt8(ascii: "_") else { return false }
            return Base64.value(byte) != nil || byte == UInt8(ascii: "=")
        }
    }

    private static func quotedPrintable(_ sent: [UInt8]) -> ([UInt8], Bool) {
        guard let first = sent.firstIndex(of: UInt8(ascii: "=")) else { return (sent, false) }
        var (escapes, bare, index) = (0, 0, first)
        while index < sent.count {
            guard sent[index] == UInt8(ascii: "=") else {
                index += 1
                continue
            }
            if index + 2 < sent.count, QuotedPrintable.hex(sent[index + 1]) != nil,
                QuotedPrintable.hex(sent[index + 2]) != nil
            {
                escapes += 1
            } else if index + 1 < sent.count, sent[index + 1] > 0x20 {
                bare += 1
            }
            index += 1
        }
        // Whoever encodes a text encodes its equal signs. Some programs encode nothing but what is beyond ASCII.
        if bare > 0, bare >= escapes {
            guard escapes > 0, let decoded = beyondASCII(sent) else { return (sent, true) }
            return (decoded, false)
        }
        let decoded = QuotedPrintable.body(sent)
        if escapes > 0, controls(decoded) * 2 >= escapes, controls(sent) == 0 { return (sent, true) }
        return (decoded, false)
    }

    /// Decoded, where every escape stands for a byte beyond ASCII and together they are UTF-8; nil where not.
    private static func beyondASCII(_ sent: [UInt8]) -> [UInt8]? {
        var escapes = 0
        var index = 0
        while index < sent.count {
            guard sent[index] < 0x80 else { return nil }
            if sent[index] == UInt8(ascii: "="), index + 2 < sent.count,
                let high = QuotedPrintable.hex(sent[index + 1]),
                QuotedPrintable.hex(sent[index + 2]) != nil
            {
                guard high >= 8 else { return nil }
                escapes += 1
            }
            index += 1
        }
        let decoded = QuotedPrintable.body(sent)
        return escapes > 1 && String(validating: decoded, as: UTF8.self) != nil ? decoded : nil
    }

    private static func controls(_ bytes: [UInt8]) -> Int {
        bytes.count { $0 < 0x20 && ![9, 10, 12, 13, 27].contains($0) || $0 == 0x7F }
    }

    /// No control characters, and where there is more than ASCII at least a quarter of letters that are.
    private static func isReadable(_ bytes: [UInt8]) -> Bool {
        if bytes.isEmpty { return true }
        if UTF16Order(bytes) != nil || bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
            return true
        }
        return controls(bytes) == 0
    }
}
