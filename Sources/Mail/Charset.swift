import CGMime
import Foundation

/// Bytes to text, whatever the message says of them. One wrong byte costs itself, never its neighbours; nothing is
/// dropped.
enum Charset {
    /// Decodes by the name given; where the bytes say otherwise, by what they are.
    ///
    /// - Parameters:
    ///   - name: the label as it was sent; nil or empty where there is none.
    ///   - hints: labels that stand elsewhere in the same message; they count where this text has none.
    static func decode(_ bytes: [UInt8], named name: String?, hints: [String] = []) -> String {
        guard !bytes.isEmpty else { return "" }
        if let text = byMark(bytes) { return text }
        let label = CharsetLabel(name ?? "")
        switch label {
        case .named("ISO-2022-JP"): return japanese(bytes)
        case .named("HZ"): return labelled(unshifted(bytes), "GB18030", hints)
        case .named("UTF-16"), .named("UTF-16LE"), .named("UTF-16BE"):
            // A text of bytes that only calls itself UTF-16 has no zeros (RFC 2781 text of any language with blanks
            // has).
            if bytes.contains(0) || String(validating: bytes, as: UTF8.self) == nil { return wide(bytes, label) }
            return unnamed(bytes, hints)
        case .named("UTF-32"), .named("UTF-32LE"), .named("UTF-32BE"), .named("UTF-7"), .named("ISO-2022-KR"),
            .named("ISO-2022-CN"):
            if case .named(let encoding) = label, let text = convert(bytes[...], from: encoding),
                !text.unicodeScalars.contains("\u{FFFD}")
            {
                return text
            }
            return unnamed(bytes, hints)
        case .unnamed: return unnamed(bytes, hints)
        case .utf8:
            if let text = escaped(bytes) ?? String(validating: bytes, as: UTF8.self) { return text }
            let runs = UTF8Runs(bytes)
            return runs.sequences > 0 && runs.sequences >= runs.faults ? runs.text : unnamed(bytes, hints)
        case .named(let encoding): return labelled(bytes, encoding, hints)
        }
    }

    private static func unnamed(_ bytes: [UInt8], _ hints: [String]) -> String {
        if let text = escaped(bytes) { return text }
        if let order = UTF16Order(bytes) { return convert(bytes[...], from: order.encoding) ?? windows1252(bytes[...]) }
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        let runs = UTF8Runs(bytes)
        if runs.sequences > 0, runs.sequences >= 3 * runs.faults { return runs.text }
        let encoding = CharsetDetection(bytes, hints: hints, labelled: nil).encoding
        return convert(bytes[...], from: encoding) ?? windows1252(bytes[...])
    }

    private static func labelled(_ bytes: [UInt8], _ encoding: String, _ hints: [String]) -> String {
        guard bytes.contains(where: { $0 >= 0x80 || $0 == 0x1B }) else {
            return convert(bytes[...], from: encoding) ?? windows1252(bytes[...])
        }
        if let text = escaped(bytes) { return text }
        if CharsetLabel.isDoubleByte(encoding) {
            if let text = convert(bytes[...], from: encoding), !isBroken(text) { return text }
            if let text = String(validating: bytes, as: UTF8.self) { return text }
            let runs = UTF8Runs(bytes)
            if runs.sequences > 2, runs.sequences >= 3 * runs.faults { return runs.text }
        } else {
            // Bytes that are sound UTF-8 beyond ASCII are hardly ever anything else, whatever the label.
            if let text = String(validating: bytes, as: UTF8.self) { return text }
            let runs = UTF8Runs(bytes)
            if runs.sequences > 2, runs.sequences >= 10 * runs.faults { return runs.text }
            if runs.sequences > 2, let text = byLine(bytes, encoding, hints) { return text }
        }
        let found = CharsetDetection(bytes, hints: hints, labelled: encoding).encoding
        return convert(bytes[...], from: found) ?? windows1252(bytes[...])
    }

    /// A text of two pieces: gateways put lines in UTF-8 below words of another charset. Nil where no line is UTF-8
    /// beyond ASCII as a whole, with more than one such letter.
    private static func byLine(_ bytes: [UInt8], _ encoding: String, _ hints: [String]) -> String? {
        var pieces: [(bytes: [UInt8], isUTF8: Bool)] = []
        for line in bytes.split(separator: 10, omittingEmptySubsequences: false) {
            let runs = line.contains { $0 >= 0x80 } ? UTF8Runs(Array(line)) : nil
            let isUTF8 = runs.map { $0.faults == 0 && $0.sequences > 1 } ?? pieces.last?.isUTF8 ?? false
            if let last = pieces.last, last.isUTF8 == isUTF8 {
                pieces[pieces.count - 1].bytes += [10] + line
            } else {
                pieces.append((Array(line), isUTF8))
            }
        }
        guard pieces.count > 1 else { return nil }
        let others = pieces.filter { !$0.isUTF8 }.flatMap(\.bytes)
        let found = CharsetDetection(others, hints: hints, labelled: encoding).encoding
        return pieces.map { piece in
            piece.isUTF8
                ? String(decoding: piece.bytes, as: UTF8.self)
                : convert(piece.bytes[...], from: found) ?? windows1252(piece.bytes[...])
        }.joined(separator: "\n")
    }

    /// More than one letter in fifty could not be read.
    private static func isBroken(_ text: String) -> Bool {
        var (faults, beyond) = (0, 0)
        for scalar in text.unicodeScalars where scalar.value >= 0x80 {
            beyond += 1
            if scalar == "\u{FFFD}" || scalar.value < 0xA0 { faults += 1 }
        }
        return faults * 50 > beyond
    }

    /// What its first bytes say (the mark of Unicode, section 2.6); they count more than any label.
    private static func byMark(_ bytes: [UInt8]) -> String? {
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { return decode(Array(bytes[3...]), named: "utf-8") }
        if bytes.starts(with: [0xFF, 0xFE, 0, 0]), bytes.count % 4 == 0 {
            return convert(bytes[4...], from: "UTF-32LE")
        }
        if bytes.starts(with: [0xFF, 0xFE]) { return convert(bytes[2...], from: "UTF-16LE") }
        if bytes.starts(with: [0xFE, 0xFF]) { return convert(bytes[2...], from: "UTF-16BE") }
        return nil
    }

    private static func wide(_ bytes: [UInt8], _ label: CharsetLabel) -> String {
        let named: String = if case .named(let encoding) = label, encoding != "UTF-16" { encoding } else { "UTF-16BE" }
        return convert(bytes[...], from: UTF16Order(bytes)?.encoding ?? named) ?? windows1252(bytes[...])
    }

    /// Seven bits with escape sequences (ISO 2022) say what they are themselves.
    private static func escaped(_ bytes: [UInt8]) -> String? {
        guard let first = bytes.firstIndex(of: 0x1B), first + 2 < bytes.count else { return nil }
        let next = (bytes[first + 1], bytes[first + 2])
        switch next {
        case (UInt8(ascii: "$"), UInt8(ascii: ")")) where bytes[first...].starts(with: [0x1B, 0x24, 0x29, 0x43]):
            return convert(bytes[...], from: "ISO-2022-KR")
        case (UInt8(ascii: "$"), UInt8(ascii: ")")): return convert(bytes[...], from: "ISO-2022-CN")
        case (UInt8(ascii: "$"), _), (UInt8(ascii: "("), UInt8(ascii: "J")), (UInt8(ascii: "("), UInt8(ascii: "I")),
            (UInt8(ascii: "("), UInt8(ascii: "B")):
            return japanese(bytes)
        default: return nil
        }
    }

    /// GB 2312 in seven bits as eight: `~{` and `~}` stand around the Chinese signs, `~~` is the sign itself, and a line
    /// that goes on ends with `~` (RFC 1843).
    private static func unshifted(_ bytes: [UInt8]) -> [UInt8] {
        var plain: [UInt8] = []
        plain.reserveCapacity(bytes.count)
        var isShifted = false
        var index = 0
        while index < bytes.count {
            let next = index + 1 < bytes.count ? bytes[index + 1] : 0
            switch (bytes[index], next) {
            case (UInt8(ascii: "~"), UInt8(ascii: "{")): isShifted = true
            case (UInt8(ascii: "~"), UInt8(ascii: "}")): isShifted = false
            case (UInt8(ascii: "~"), UInt8(ascii: "~")): plain.append(UInt8(ascii: "~"))
            case (UInt8(ascii: "~"), 10): break
            default:
                // A line ends the signs even where nobody closed them.
                if bytes[index] == 10 { isShifted = false }
                plain.append(isShifted && bytes[index] > 0x20 ? bytes[index] | 0x80 : bytes[index])
                index += 1
                continue
            }
            index += 2
        }
        return plain
    }

    /// ISO-2022-JP as mail programs write it: with the letters Microsoft added, and half-width katakana. Read by way of
    /// their code page 932.
    private static func japanese(_ bytes: [UInt8]) -> String {
        guard bytes.contains(0x1B) else { return labelled(bytes, "CP932", []) }
        var shifted: [UInt8] = []
        shifted.reserveCapacity(bytes.count)
        enum Set { case ascii, katakana, kanji }
        var (set, index) = (Set.ascii, 0)
        while index < bytes.count {
            let byte = bytes[index]
            if byte == 0x1B, index + 2 < bytes.count {
                switch (bytes[index + 1], bytes[index + 2]) {
                case (0x28, 0x49): set = .katakana
                case (0x28, _): set = .ascii
                case (0x24, 0x28):
                    // JIS X 0212 and its like: seldom, and known to iconv.
                    return convert(bytes[...], from: "ISO-2022-JP-3") ?? windows1252(bytes[...])
                case (0x24, _): set = .kanji
                default: break
                }
                index += 3
                continue
            }
            if byte < 0x21 || byte >= 0x7F && set != .ascii {
                if byte == 10 { set = .ascii }
                shifted.append(byte)
                index += 1
            } else if set == .kanji, index + 1 < bytes.count, (0x21...0x7E).contains(bytes[index + 1]) {
                // JIS X 0208 rows as Shift_JIS packs them, two rows to a lead byte.
                let (row, cell) = (byte, bytes[index + 1])
                let lead = (row - 0x21) / 2
                shifted.append(lead + (lead < 0x1F ? 0x81 : 0xC1))
                shifted.append(row % 2 == 1 ? cell + (cell < 0x60 ? 0x1F : 0x20) : cell + 0x7E)
                index += 2
            } else {
                shifted.append(set == .katakana ? byte | 0x80 : byte)
                index += 1
            }
        }
        return convert(shifted[...], from: "CP932") ?? windows1252(shifted[...])
    }

    /// By iconv. A byte that does not fit becomes what windows-1252 holds there, or U+FFFD. Nil where iconv does not
    /// know the name.
    static func convert(_ bytes: ArraySlice<UInt8>, from encoding: String) -> String? {
        if encoding == "CP1252" { return windows1252(bytes) }
        GMimeLibrary.start()
        // g_iconv_open answers (GIConv) -1 for a charset it does not know.
        guard let converter = g_iconv_open("UTF-8", encoding), Int(bitPattern: UnsafeRawPointer(converter)) != -1 else {
            return nil
        }
        defer { g_iconv_close(converter) }
        let isDouble = CharsetLabel.isDoubleByte(encoding)
        let unit = encoding.hasPrefix("UTF-16") ? 2 : encoding.hasPrefix("UTF-32") ? 4 : 1
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count + bytes.count / 2 + 16)
        var room = [CChar](repeating: 0, count: min(bytes.count * 4, 1 << 16) + 64)
        bytes.withUnsafeBytes { input in
            // iconv reads through the pointer alone.
            var from = UnsafeMutableRawPointer(mutating: input.baseAddress)?.assumingMemoryBound(to: CChar.self)
            var left = gsize(input.count)
            while left > 0 {
                let (code, fault) = room.withUnsafeMutableBufferPointer { output -> (gsize, Int32) in
                    var to = output.baseAddress
                    var free = gsize(output.count)
                    errno = 0
                    let code = g_iconv(converter, &from, &left, &to, &free)
                    let fault = errno
                    if left == 0 { _ = g_iconv(converter, nil, nil, &to, &free) }
                    text.append(
                        contentsOf: UnsafeRawBufferPointer(start: output.baseAddress, count: output.count - Int(free)))
                    return (code, fault)
                }
                guard code == gsize.max else { continue }
                if fault == E2BIG { continue }
                guard left > 0, let at = from else { break }
                let byte = UInt8(bitPattern: at.pointee)
                let width = min(unit, Int(left))
                if unit > 1 || isDouble && Self.high[byte] == nil {
                    text.append(contentsOf: [0xEF, 0xBF, 0xBD])
                } else {
                    text.append(contentsOf: String(windows1252Scalar(byte)).utf8)
                }
                from = at.advanced(by: width)
                left -= gsize(width)
                // A shift state that the fault left behind is over.
                _ = g_iconv(converter, nil, nil, nil, nil)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The twenty-seven places where windows-1252 is not ISO 8859-1.
    private static let high: [UInt8: Unicode.Scalar] = [
        0x80: "€", 0x82: "‚", 0x83: "ƒ", 0x84: "„", 0x85: "…", 0x86: "†", 0x87: "‡", 0x88: "ˆ", 0x89: "‰", 0x8A: "Š",
        0x8B: "‹", 0x8C: "Œ",
        0x8E: "Ž", 0x91: "‘", 0x92: "’", 0x93: "“", 0x94: "”", 0x95: "•", 0x96: "–", 0x97: "—", 0x98: "˜", 0x99: "™",
        0x9A: "š", 0x9B: "›",
        0x9C: "œ", 0x9E: "ž", 0x9F: "Ÿ",
    ]
    static func windows1252Scalar(_ byte: UInt8) -> Unicode.Scalar { high[byte] ?? Unicode.Scalar(byte) }
    static func windows1252(_ bytes: ArraySlice<UInt8>) -> String {
        var text = String.UnicodeScalarView()
        for byte in bytes { text.append(byte < 0x80 ? Unicode.Scalar(byte) : windows1252Scalar(byte)) }
        return String(text)
    }
}

/// UTF-8 with foreign bytes between: what is sound stays, each run that is not is read by itself.
struct UTF8Runs {
    /// Sound sequences of more than one byte.
    private(set) var sequences = 0
    /// Bytes, or beginnings of a sequence, that are no UTF-8.
    private(set) var faults = 0
    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        var index = 0
        while index < bytes.count {
            if bytes[index] < 0x80 {
                index += 1
                continue
            }
            let length = Self.length(bytes, at: index)
            if length.isWhole { sequences += 1 } else { faults += 1 }
            index += length.count
        }
    }

    var text: String {
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count + 16)
        var index = 0
        while index < bytes.count {
            let length = bytes[index] < 0x80 ? (count: 1, isWhole: true) : Self.length(bytes, at: index)
            if length.isWhole {
                text.append(contentsOf: bytes[index..<(index + length.count)])
            } else if length.count > 1 {
                // The beginning of a letter whose end is gone.
                text.append(contentsOf: [0xEF, 0xBF, 0xBD])
            } else {
                let scalar = Charset.windows1252Scalar(bytes[index])
                text.append(contentsOf: String(scalar.value < 0xA0 ? "\u{FFFD}" : scalar).utf8)
            }
            index += length.count
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// How many bytes from here belong to one letter (Unicode, table 3-7), and whether it is whole. At least one.
    private static func length(_ bytes: [UInt8], at index: Int) -> (count: Int, isWhole: Bool) {
        let lead = bytes[index]
        let wanted: Int
        switch lead {
        case 0xC2...0xDF: wanted = 2
        case 0xE0...0xEF: wanted = 3
        case 0xF0...0xF4: wanted = 4
        default: return (1, false)
        }
        var low: UInt8 = 0x80
        var top: UInt8 = 0xBF
        switch lead {
        case 0xE0: low = 0xA0
        case 0xED: top = 0x9F
        case 0xF0: low = 0x90
        case 0xF4: top = 0x8F
        default: break
        }
        var count = 1
        while count < wanted, index + count < bytes.count, bytes[index + count] >= low, bytes[index + count] <= top {
            count += 1
            (low, top) = (0x80, 0xBF)
        }
        return (count, count == wanted)
    }
}

/// UTF-16 that nothing names: the zeros of its ASCII stand at every second place.
struct UTF16Order {
    let encoding: String

    init?(_ bytes: [UInt8]) {
        let sample = bytes.prefix(4096)
        guard sample.count >= 4 else { return nil }
        var zeros = [0, 0]
        for (index, byte) in sample.enumerated() where byte == 0 { zeros[index % 2] += 1 }
        let half = sample.count / 2
        if zeros[1] * 10 >= half * 2, zeros[0] * 20 <= zeros[1] {
            encoding = "UTF-16LE"
        } else if zeros[0] * 10 >= half * 2, zeros[1] * 20 <= zeros[0] {
            encoding = "UTF-16BE"
        } else {
            // Letters beyond Latin have few zeros; blanks and line ends still show which half is the high one.
            var blanks = [0, 0]
            for index in stride(from: 0, to: sample.count - 1, by: 2) {
                if sample[index] == 0, [0x20, 0x0A, 0x0D].contains(sample[index + 1]) { blanks[0] += 1 }
                if sample[index + 1] == 0, [0x20, 0x0A, 0x0D].contains(sample[index]) { blanks[1] += 1 }
            }
            guard zeros[0] + zeros[1] > 0, max(blanks[0], blanks[1]) * 25 >= half, min(blanks[0], blanks[1]) == 0 else {
                return nil
            }
            encoding = blanks[0] > 0 ? "UTF-16BE" : "UTF-16LE"
        }
    }
}

/// format=flowed (RFC 3676): lines that end in a space go on in the next.
enum FlowedText {
    static func unfold(_ text: String, deletesSpace: Bool) -> String {
        var lines: [String] = []
        var open: (depth: Int, text: String)?
        for raw in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let depth = raw.prefix { $0 == ">" }.count
            var line = raw.dropFirst(depth)
            if line.hasPrefix(" ") { line = line.dropFirst() }
            let isFlowing = line.hasSuffix(" ") && line != "-- "
            let body = isFlowing && deletesSpace ? String(line.dropLast()) : String(line)
            if let before = open, before.depth == depth {
                open = (depth, before.text + body)
            } else {
                if let before = open { lines.append(quote(before)) }
                open = (depth, body)
            }
            if !isFlowing, let done = open {
                lines.append(quote(done))
                open = nil
            }
        }
        if let rest = open { lines.append(quote(rest)) }
        return lines.joined(separator: "\n")
    }
    private static func quote(_ line: (depth: Int, text: String)) -> String {
        line.depth == 0 ? line.text : String(repeating: ">", count: line.depth) + " " + line.text
    }
}

/// Bytes to text for other modules: by the name given, or by what the bytes are.
package enum CharsetText {
    package static func decode(_ bytes: [UInt8], named name: String?) -> String { Charset.decode(bytes, named: name) }
}
