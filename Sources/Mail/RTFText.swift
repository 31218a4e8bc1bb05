/// Compressed RTF (MS-OXRTFCP).
enum CompressedRTF {
    private static let beginning = Array(
        ("""
        {\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor \
        MS Sans SerifSymbolArialTimes New RomanCourier
        """
            + "{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx").utf8)

    /// Nil where it is none. What is damaged is unpacked as far as it goes.
    static func unpack(_ bytes: ArraySlice<UInt8>, most: Int) -> [UInt8]? {
        var reader = LittleEndian(bytes)
        guard reader.number(4) != nil, let size = reader.number(4), let kind = reader.number(4), reader.number(4) != nil
        else { return nil }
        let wanted = min(size, most)
        if kind == 0x414C_454D { return Array(reader.bytes(wanted)) }
        guard kind == 0x7546_5A4C else { return nil }
        var window = beginning + [UInt8](repeating: 0, count: 4096 - beginning.count)
        var place = beginning.count
        var unpacked: [UInt8] = []
        func write(_ byte: UInt8) {
            unpacked.append(byte)
            window[place] = byte
            place = (place + 1) & 4095
        }
        while unpacked.count < wanted, let flags = reader.byte() {
            for bit in 0..<8 where unpacked.count < wanted {
                if flags & (1 << UInt8(bit)) == 0 {
                    guard let byte = reader.byte() else { return unpacked }
                    write(byte)
                    continue
                }
                guard let high = reader.byte(), let low = reader.byte() else { return unpacked }
                let reference = Int(high) << 8 | Int(low)
                let offset = reference >> 4
                if offset == place { return unpacked }
                for step in 0..<((reference & 15) + 2) { write(window[(offset + step) & 4095]) }
            }
        }
        return unpacked
    }
}

/// The words of RTF, and the HTML that Outlook hid in it (MS-OXRTFEX). Iterative; groups beyond the limit are flat.
struct RTFText {
    private(set) var text = ""
    /// Nil where the RTF was not made of HTML.
    private(set) var html: String?

    /// What a group takes over from the one around it.
    private struct State {
        /// A destination whose words are none of the text: fonts, colours, pictures.
        var isHidden = false
        /// RTF that stands beside the HTML it was made of.
        var isBeside = false
        var isTag = false
        var charset: String
        /// Characters behind `\u` that stand for readers without Unicode.
        var skip = 1
    }
    private static let mostDepth = 200

    private static let hidden: Set<String> = [
        "fonttbl", "colortbl", "stylesheet", "info", "pict", "object", "themedata", "datastore", "listtable",
        "listoverridetable", "rsidtbl", "generator", "xmlnstbl", "header", "footer", "latentstyles",
        "colorschememapping", "fldinst", "filetbl", "revtbl", "pgptbl", "mmathPr", "wgrffmtfilter", "bkmkstart",
        "bkmkend", "nonshppict",
    ]
    /// `\fcharset` as code pages.
    private static let fontCharsets: [Int: String] = [
        0: "cp1252", 77: "macintosh", 128: "cp932", 129: "cp949", 130: "cp1361", 134: "cp936", 136: "cp950",
        161: "cp1253", 162: "cp1254", 163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251",
        222: "cp874", 238: "cp1250", 255: "cp437",
    ]

    init(_ bytes: [UInt8]) {
        var parser = Parser(bytes)
        parser.run()
        text = parser.text.trimmingWhitespace()
        if parser.isOfHTML, !parser.html.trimmingWhitespace().isEmpty { html = parser.html }
    }

    private struct Parser {
        let bytes: [UInt8]
        var index = 0
        var text = ""
        var html = ""
        var isOfHTML = false
        private var state = State(charset: "cp1252")
        private var stack: [State] = []
        private var depthBeyond = 0
        private var pending: [UInt8] = []
        /// Code pages of the fonts by number, and the font being told of.
        private var fonts: [Int: String] = [:]
        private var font = 0
        private var isFontTable = false
        private var fontTableDepth = 0
        private var defaultCharset = "cp1252"
        private var highSurrogate: UInt32?

        init(_ bytes: [UInt8]) { self.bytes = bytes }

        mutating func run() {
            while index < bytes.count {
                let byte = bytes[index]
                index += 1
                switch byte {
                case UInt8(ascii: "{"):
                    flush()
                    if stack.count < mostDepth { stack.append(state) } else { depthBeyond += 1 }
                case UInt8(ascii: "}"):
                    flush()
                    if depthBeyond > 0 { depthBeyond -= 1 } else if let outer = stack.popLast() { state = outer }
                    if isFontTable, stack.count < fontTableDepth { isFontTable = false }
                case UInt8(ascii: "\\"): control()
                case 10, 13: break
                default: pending.append(byte)
                }
            }
            flush()
        }

        private mutating func flush() {
            guard !pending.isEmpty else { return }
            let bytes = pending
            pending = []
            guard !state.isHidden else { return }
            write(
                bytes.allSatisfy { $0 < 0x80 }
                    ? String(decoding: bytes, as: UTF8.self)
                    : Charset.convert(bytes[...], from: Self.encoding(state.charset)) ?? Charset.windows1252(bytes[...])
            )
        }

        private static func encoding(_ label: String) -> String {
            if case .named(let encoding) = CharsetLabel(label) {
                encoding
            } else {
                label == "cp65001" ? "UTF-8" : "CP1252"
            }
        }

        private mutating func write(_ words: String) {
            guard !state.isHidden else { return }
            if state.isTag {
                html += words
            } else if !state.isBeside {
                html += words
                text += words
            } else {
                text += isOfHTML ? "" : words
            }
        }

        private mutating func control() {
            guard index < bytes.count else { return }
            let first = bytes[index]
            guard (first | 0x20) >= UInt8(ascii: "a"), (first | 0x20) <= UInt8(ascii: "z") else {
                index += 1
                switch first {
                case UInt8(ascii: "'"):
                    if index + 1 < bytes.count, let high = QuotedPrintable.hex(bytes[index]),
                        let low = QuotedPrintable.hex(bytes[index + 1])
                    {
                        pending.append(high << 4 | low)
                        index += 2
                    }
                case UInt8(ascii: "\\"), UInt8(ascii: "{"), UInt8(ascii: "}"): pending.append(first)
                case UInt8(ascii: "~"):
                    flush()
                    write("\u{A0}")
                case UInt8(ascii: "_"): pending.append(UInt8(ascii: "-"))
                case 10, 13:
                    flush()
                    write("\n")
                case UInt8(ascii: "*"):
                    // A destination this reader does not know is passed over; the one that holds tags is known.
                    flush()
                    if bytes[index...].starts(with: Array("\\htmltag".utf8))
                        || bytes[index...].starts(with: Array("\\mhtmltag".utf8))
                    {
                        break
                    }
                    state.isHidden = true
                default: break
                }
                return
            }
            let start = index
            while index < bytes.count, index - start < 40, (bytes[index] | 0x20) >= UInt8(ascii: "a"),
                (bytes[index] | 0x20) <= UInt8(ascii: "z")
            { index += 1 }
            let word = String(decoding: bytes[start..<index], as: UTF8.self)
            var number: Int?
            let numberStart = index
            if index < bytes.count, bytes[index] == UInt8(ascii: "-") { index += 1 }
            while index < bytes.count, index - numberStart < 11, (0x30...0x39).contains(bytes[index]) { index += 1 }
            if index > numberStart { number = Int(String(decoding: bytes[numberStart..<index], as: UTF8.self)) }
            if index < bytes.count, bytes[index] == 0x20 { index += 1 }
            flush()
            act(word, number)
        }

        private mutating func act(_ word: String, _ number: Int?) {
            switch word {
            case "par", "line", "row", "sect", "page": write("\n")
            case "tab", "cell": write("\t")
            case "emdash": write("—")
            case "endash": write("–")
            case "lquote": write("‘")
            case "rquote": write("’")
            case "ldblquote": write("“")
            case "rdblquote": write("”")
            case "bullet": write("•")
            case "u": unicode(number ?? 0)
            case "uc": state.skip = max(0, min(number ?? 1, 10))
            case "ansicpg":
                if let number, number > 0 { defaultCharset = "cp\(number)" }
                state.charset = defaultCharset
            case "mac": (defaultCharset, state.charset) = ("macintosh", "macintosh")
            case "pc": (defaultCharset, state.charset) = ("cp437", "cp437")
            case "fromhtml": isOfHTML = (number ?? 1) != 0
            case "htmlrtf": state.isBeside = number != 0
            case "htmltag": state.isTag = true
            case "mhtmltag": state.isHidden = true
            case "fonttbl": (isFontTable, fontTableDepth, state.isHidden) = (true, stack.count, true)
            case "f":
                font = number ?? 0
                if !isFontTable { state.charset = fonts[font] ?? defaultCharset }
            case "fcharset":
                if isFontTable, let charset = fontCharsets[number ?? 0], number != 0 { fonts[font] = charset }
            case "plain": state.charset = defaultCharset
            case "bin": index = min(bytes.count, index + max(0, number ?? 0))
            case _ where hidden.contains(word): state.isHidden = true
            default: break
            }
        }

        private mutating func unicode(_ number: Int) {
            let unit = UInt32(truncatingIfNeeded: number < 0 ? number + 0x10000 : number) & 0x1FFFFF
            if (0xD800..<0xDC00).contains(unit) {
                highSurrogate = unit
            } else if (0xDC00..<0xE000).contains(unit), let high = highSurrogate {
                highSurrogate = nil
                if let scalar = Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (unit - 0xDC00)) {
                    write(String(scalar))
                }
            } else {
                write(String(Unicode.Scalar(unit) ?? "\u{FFFD}"))
            }
            // What stands for it elsewhere.
            var left = state.skip
            while left > 0, index < bytes.count, bytes[index] != UInt8(ascii: "{"), bytes[index] != UInt8(ascii: "}") {
                if bytes[index] == UInt8(ascii: "\\") {
                    guard index + 3 < bytes.count, bytes[index + 1] == UInt8(ascii: "'") else { break }
                    index += 4
                } else {
                    index += 1
                }
                left -= 1
            }
        }
    }
}
