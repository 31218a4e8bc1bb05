/// Words of a header field: encoded words (RFC 2047) and bytes as they are.
enum HeaderText {
    private enum Piece {
        case raw(ArraySlice<UInt8>)
        case word(charset: String, bytes: [UInt8])
    }

    /// Each encoded word is decoded by itself, then neighbours of one charset are joined as bytes: some programs cut a
    /// letter in two.
    static func decode(_ value: [UInt8], hints: [String] = []) -> String {
        let isPlain = value.allSatisfy { $0 >= 0x20 && $0 < 0x7F || $0 == 9 }
        if isPlain, !value.contains(UInt8(ascii: "?")) { return String(decoding: value, as: UTF8.self) }
        var text = ""
        var open: (charset: String, bytes: [UInt8])?
        func close() {
            if let word = open { text += Charset.decode(word.bytes, named: word.charset, hints: hints) }
            open = nil
        }
        let pieces = pieces(value)
        let foreign = encodingOfRaw(pieces, hints)
        for piece in pieces {
            switch piece {
            case .raw(let bytes):
                close()
                text += foreign.flatMap { Charset.convert(bytes, from: $0) } ?? String(decoding: bytes, as: UTF8.self)
            case .word(let charset, let bytes):
                if open?.charset == charset, isStateless(charset), !bytes.contains(0x1B) {
                    open?.bytes.append(contentsOf: bytes)
                } else {
                    close()
                    open = (charset, bytes)
                }
            }
        }
        close()
        return text
    }

    private static func isStateless(_ charset: String) -> Bool {
        !["utf-7", "utf-16", "utf-32", "2022"].contains { charset.contains($0) }
    }

    /// What the bytes are that no word holds, judged together; nil where they are UTF-8.
    private static func encodingOfRaw(_ pieces: [Piece], _ hints: [String]) -> String? {
        var raw: [UInt8] = []
        for case .raw(let bytes) in pieces { raw += bytes }
        if raw.contains(0x1B) { return "ISO-2022-JP-3" }
        if String(validating: raw, as: UTF8.self) != nil { return nil }
        let runs = UTF8Runs(raw)
        if runs.sequences > 0, runs.sequences >= 3 * runs.faults { return nil }
        return CharsetDetection(raw, hints: hints, labelled: nil).encoding
    }

    /// The charsets that encoded words of a field name.
    static func charsets(_ value: [UInt8]) -> [String] {
        guard value.contains(UInt8(ascii: "?")) else { return [] }
        return pieces(value).compactMap { if case .word(let charset, _) = $0 { charset } else { nil } }
    }

    /// Blanks between two encoded words belong to neither.
    private static func pieces(_ value: [UInt8]) -> [Piece] {
        var found: [Piece] = []
        var (index, rawStart) = (0, 0)
        var followsWord = false
        var words = 0
        while index + 1 < value.count {
            guard words < mostWords, value[index] == UInt8(ascii: "="), value[index + 1] == UInt8(ascii: "?"),
                let word = word(value, at: index)
            else {
                index += 1
                continue
            }
            let between = value[rawStart..<index]
            if !between.isEmpty, !(followsWord && between.allSatisfy({ $0 == 0x20 || $0 == 9 })) {
                found.append(.raw(between))
            }
            found.append(.word(charset: word.charset, bytes: word.bytes))
            (index, rawStart, followsWord) = (word.end, word.end, true)
            words += 1
        }
        if rawStart < value.count { found.append(.raw(value[rawStart...])) }
        return found
    }

    private static let longestCharset = 60
    /// Words beyond this many stay as they were sent.
    private static let mostWords = 1000

    private static func word(_ value: [UInt8], at start: Int) -> (charset: String, bytes: [UInt8], end: Int)? {
        var index = start + 2
        while index < value.count, value[index] != UInt8(ascii: "?") {
            guard value[index] > 0x20, value[index] < 0x7F, index - start < longestCharset else { return nil }
            index += 1
        }
        guard index > start + 2, index + 2 < value.count, value[index + 2] == UInt8(ascii: "?") else { return nil }
        // `utf-8*de`: a language may follow (RFC 2231, section 5).
        let charset = String(decoding: value[(start + 2)..<index].prefix { $0 != UInt8(ascii: "*") }, as: UTF8.self)
            .lowercased()
        let isBase64: Bool
        switch value[index + 1] | 0x20 {
        case UInt8(ascii: "b"): isBase64 = true
        case UInt8(ascii: "q"): isBase64 = false
        default: return nil
        }
        let payload = index + 3
        var end = payload
        while end < value.count {
            if value[end] == UInt8(ascii: "?"), end + 1 < value.count, value[end + 1] == UInt8(ascii: "=") {
                // A bare question mark before an escape (`was?=20los`) ends nothing.
                let isEscape =
                    !isBase64 && end + 3 < value.count && QuotedPrintable.hex(value[end + 2]) != nil
                    && QuotedPrintable.hex(value[end + 3]) != nil
                if !isEscape { break }
            }
            // The next word begins before this one ended.
            if value[end] == UInt8(ascii: "="), end + 1 < value.count, value[end + 1] == UInt8(ascii: "?"),
                end > payload, !isBase64 || value[end - 1] <= 0x20
            {
                break
            }
            end += 1
        }
        let isEnded = end + 1 < value.count && value[end] == UInt8(ascii: "?")
        var content = value[payload..<end]
        if !isEnded {
            // Cut off in the middle: what there is of it, as long as it has no blanks.
            content = content.prefix { $0 > 0x20 }
            end = payload + content.count
            if content.last == UInt8(ascii: "?") { content = content.dropLast() }
        }
        return (charset, isBase64 ? Base64.lenient(content) : QuotedPrintable.word(content), isEnded ? end + 2 : end)
    }
}

/// Base64 as it comes: with line ends, without padding, with padding in the middle.
enum Base64 {
    static func value(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte - 65
        case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - 71
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte + 4
        case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
        case UInt8(ascii: "/"), UInt8(ascii: "_"): 63
        default: nil
        }
    }

    /// Passes over what is no base64; padding ends a group, not the text.
    static func lenient(_ text: some Collection<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 4 * 3 + 3)
        var (group, bits) = (UInt32(0), 0)
        for byte in text {
            guard let value = value(byte) else {
                if byte == UInt8(ascii: "=") { (group, bits) = (0, 0) }
                continue
            }
            group = (group << 6 | UInt32(value)) & 0xFFFFFF
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: group >> UInt32(bits)))
            }
        }
        return bytes
    }
}

/// Quoted-printable (RFC 2045, section 6.7) and its form in encoded words (RFC 2047, section 4.2).
enum QuotedPrintable {
    static func hex(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - 48
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - 55
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - 87
        default: nil
        }
    }

    static func word(_ text: ArraySlice<UInt8>) -> [UInt8] {
        text.contains(UInt8(ascii: "_"))
            ? escapes(text.map { $0 == UInt8(ascii: "_") ? 0x20 : $0 }[...], mark: UInt8(ascii: "="))
            : escapes(text, mark: UInt8(ascii: "="))
    }

    /// `=C3=A4` or `%C3%A4`; a mark that is followed by anything else stays.
    static func escapes(_ text: ArraySlice<UInt8>, mark: UInt8) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var index = text.startIndex
        while index < text.endIndex {
            if text[index] == mark, index + 2 < text.endIndex, let high = hex(text[index + 1]),
                let low = hex(text[index + 2])
            {
                bytes.append(high << 4 | low)
                index += 3
            } else {
                bytes.append(text[index])
                index += 1
            }
        }
        return bytes
    }

    /// A body: soft line ends joined, blanks at line ends gone.
    static func body(_ text: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var index = 0
        while index < text.count {
            guard text[index] == UInt8(ascii: "=") else {
                bytes.append(text[index])
                index += 1
                continue
            }
            var end = index + 1
            while end < text.count, text[end] == 0x20 || text[end] == 9 || text[end] == 13 { end += 1 }
            if end < text.count, text[end] == 10 {
                index = end + 1
            } else if index + 2 < text.count, let high = hex(text[index + 1]), let low = hex(text[index + 2]) {
                bytes.append(high << 4 | low)
                index += 3
            } else if end == text.count {
                index = end
            } else {
                bytes.append(text[index])
                index += 1
            }
        }
        return bytes
    }
}
