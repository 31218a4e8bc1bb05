/// Plain text whose web and mail addresses can be followed; everything in it is escaped. One pass over the characters.
package enum LinkedText {
    package static func html(_ text: String) -> HTML {
        var markup = HTML(capacity: text.utf8.count + 64)
        write(text, to: &markup)
        return markup
    }

    /// Writes a stretch of text, its addresses as links that tell the other side nothing of the reader.
    package static func write(_ text: String, to markup: inout HTML) {
        let bytes = Array(text.utf8)
        var plain = 0
        var index = 0
        while index < bytes.count {
            guard startsWord(at: index, in: bytes), let scheme = scheme(at: index, in: bytes) else {
                index += 1
                continue
            }
            let end = end(of: bytes, from: index + scheme.length)
            let address = String(decoding: bytes[index..<end], as: UTF8.self)
            guard end > index + scheme.length, hasHost(bytes[(index + scheme.length)..<end]),
                let link = ExternalLink(scheme.prefix + address)
            else {
                index = max(end, index + 1)
                continue
            }
            markup.write(prose: String(decoding: bytes[plain..<index], as: UTF8.self))
            markup += "<a href=\"\(href: link)\" rel=\"noopener noreferrer nofollow\" target=\"_blank\">\(address)</a>"
            (plain, index) = (end, end)
        }
        markup.write(prose: String(decoding: bytes[plain...], as: UTF8.self))
    }

    private static let schemes: [(written: [UInt8], prefix: String)] = [
        (Array("https://".utf8), ""), (Array("http://".utf8), ""), (Array("mailto:".utf8), ""),
        (Array("www.".utf8), "http://"),
    ]

    private static func scheme(at index: Int, in bytes: [UInt8]) -> (length: Int, prefix: String)? {
        guard [0x68, 0x6D, 0x77].contains(bytes[index] | 0x20) else { return nil }
        let found = schemes.first { scheme in
            bytes.count - index > scheme.written.count
                && zip(scheme.written, bytes[index...]).allSatisfy {
                    $0 == $1 || $0 >= 0x61 && $0 <= 0x7A && $0 == $1 | 0x20
                }
        }
        return found.map { ($0.written.count, $0.prefix) }
    }

    /// Not inside another word or address: `xhttp://` is none. Behind a letter of another script it is one, as where no
    /// blanks are written.
    private static func startsWord(at index: Int, in bytes: [UInt8]) -> Bool {
        guard index > 0 else { return true }
        switch bytes[index - 1] {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "/"), UInt8(ascii: "."), UInt8(ascii: "@"),
            UInt8(ascii: "_"), UInt8(ascii: "-"):
            return false
        default: return true
        }
    }

    /// Where the address ends: at a blank, a quote or a sign no address holds; then less the punctuation of the
    /// sentence around it.
    private static func end(of bytes: [UInt8], from start: Int) -> Int {
        var end = start
        var open = 0
        var isHostClosed = false
        scan: while end < bytes.count {
            let byte = bytes[end]
            switch byte {
            case 0...0x20, 0x7F, UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "\""), UInt8(ascii: "`"),
                UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: "|"), UInt8(ascii: "\\"):
                break scan
            // Square brackets hold an IPv6 host and nothing else (RFC 3986, section 3.2.2).
            case UInt8(ascii: "[") where end > start: break scan
            case UInt8(ascii: "]") where bytes[start] != UInt8(ascii: "[") || isHostClosed: break scan
            case UInt8(ascii: "]"): isHostClosed = true
            case UInt8(ascii: "("): open += 1
            case UInt8(ascii: ")"): open -= 1
            case 0xC2...: if endsAddress(at: end, in: bytes) { break scan }
            default: break
            }
            end += 1
        }
        while end > start {
            switch bytes[end - 1] {
            case UInt8(ascii: "."), UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: ":"), UInt8(ascii: "!"),
                UInt8(ascii: "?"), UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "_"), UInt8(ascii: "~"):
                break
            case UInt8(ascii: ")") where open < 0: open += 1
            case UInt8(ascii: "("): open -= 1
            default: return end
            }
            end -= 1
        }
        return end
    }

    /// Blanks, quotes, brackets and full stops of other scripts, and the marks that turn the direction of writing.
    private static func endsAddress(at index: Int, in bytes: [UInt8]) -> Bool {
        let second = index + 1 < bytes.count ? bytes[index + 1] : 0
        let third = index + 2 < bytes.count ? bytes[index + 2] : 0
        switch (bytes[index], second) {
        case (0xC2, 0x80...0xA0), (0xC2, 0xAB), (0xC2, 0xBB): return true  // controls, no-break space, « »
        // blanks, dashes, quotes, …, direction
        case (0xE2, 0x80): return third <= 0xAF || third >= 0xB9 && third <= 0xBA
        case (0xE2, 0x81): return third >= 0xA6 && third <= 0xA9 || third == 0x9F
        case (0xE3, 0x80): return third <= 0x91 || third >= 0x94 && third <= 0x9F  // 、。「」【】
        case (0xEF, 0xBC): return [0x81, 0x88, 0x89, 0x8C, 0x9A, 0x9B, 0x9F].contains(third)  // ！（），：；？
        case (0xEF, 0xBB): return third == 0xBF
        default: return false
        }
    }

    private static func hasHost(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard let first = bytes.first else { return false }
        return first >= 0x80 || first == UInt8(ascii: "[") || first >= 0x30 && first <= 0x39
            || first >= 0x41 && first <= 0x5A || first >= 0x61 && first <= 0x7A
    }
}
