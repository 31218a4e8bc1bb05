import CGMime

/// Bytes to text, whatever the message says of them.
enum Charset {
    /// Decodes by the name given; where the bytes say otherwise, by what they are. Nothing is dropped.
    static func decode(_ bytes: [UInt8], named name: String?) -> String {
        guard !bytes.isEmpty else { return "" }
        let label = (name ?? "").trimmingWhitespace().lowercased()
        let isUnnamed = ["", "us-ascii", "ascii", "utf-8", "utf8", "unknown-8bit", "x-unknown", "default", "binary"].contains(label)
        if isUnnamed || latin.contains(label) {
            let hasHighBytes = bytes.contains { $0 >= 0x80 }
            if label.isEmpty || label == "us-ascii" || label == "iso-8859-1" || !hasHighBytes, bytes.contains(0x1B), let text = convert(bytes, from: "ISO-2022-JP") {
                return text
            }
            // Bytes that are sound UTF-8 beyond ASCII are hardly ever anything else, whatever the label.
            if isUnnamed || hasHighBytes, let text = String(validating: bytes, as: UTF8.self) { return text }
            return windows1252(bytes)
        }
        if let text = convert(bytes, from: label) { return text }
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        if let text = convertPassingOver(bytes, from: label) { return text }
        return windows1252(bytes)
    }

    /// Labels that browsers and mail programs read as windows-1252 (WHATWG Encoding, section 4.2).
    private static let latin: Set<String> = ["iso-8859-1", "iso8859-1", "latin1", "latin-1", "l1", "cp1252", "windows-1252", "x-ansi", "iso_8859-1"]

    private static func convert(_ bytes: [UInt8], from label: String) -> String? {
        guard let converted = attempt(bytes[...], from: label), converted.rest == 0 else { return nil }
        return converted.text
    }

    /// Converts as far as it goes, passes over the byte that does not fit, and goes on.
    private static func convertPassingOver(_ bytes: [UInt8], from label: String) -> String? {
        var text = ""
        var position = 0
        var faults = 0
        while position < bytes.count, faults < 1000 {
            guard let converted = attempt(bytes[position...], from: label) else { return nil }
            text += converted.text
            if converted.rest == 0 { return text }
            position = bytes.count - converted.rest
            text += windows1252([bytes[position]])
            position += 1
            faults += 1
        }
        return text + windows1252(Array(bytes[position...]))
    }

    private static func attempt(_ bytes: ArraySlice<UInt8>, from label: String) -> (text: String, rest: Int)? {
        GMimeLibrary.start()
        let name = g_mime_charset_iconv_name(label)
        let converter = g_iconv_open("UTF-8", name)
        // g_iconv_open answers (GIConv) -1 for a charset it does not know.
        guard let converter, Int(bitPattern: UnsafeRawPointer(converter)) != -1 else { return nil }
        defer { g_iconv_close(converter) }
        var output = [CChar](repeating: 0, count: bytes.count * 4 + 16)
        var input = bytes.map { CChar(bitPattern: $0) }
        let (rest, written) = input.withUnsafeMutableBufferPointer { input in
            output.withUnsafeMutableBufferPointer { output in
                var from: UnsafeMutablePointer<CChar>? = input.baseAddress
                var left = gsize(input.count)
                var to: UnsafeMutablePointer<CChar>? = output.baseAddress
                var room = gsize(output.count)
                _ = g_iconv(converter, &from, &left, &to, &room)
                _ = g_iconv(converter, nil, nil, &to, &room)
                return (Int(left), output.count - Int(room))
            }
        }
        return (String(decoding: output.prefix(written).map { UInt8(bitPattern: $0) }, as: UTF8.self), rest)
    }

    /// The twenty-seven places where windows-1252 is not ISO 8859-1.
    private static let high: [UInt8: Unicode.Scalar] = [
        0x80: "€", 0x82: "‚", 0x83: "ƒ", 0x84: "„", 0x85: "…", 0x86: "†", 0x87: "‡", 0x88: "ˆ", 0x89: "‰", 0x8A: "Š", 0x8B: "‹", 0x8C: "Œ",
        0x8E: "Ž", 0x91: "‘", 0x92: "’", 0x93: "“", 0x94: "”", 0x95: "•", 0x96: "–", 0x97: "—", 0x98: "˜", 0x99: "™", 0x9A: "š", 0x9B: "›",
        0x9C: "œ", 0x9E: "ž", 0x9F: "Ÿ",
    ]
    private static func windows1252(_ bytes: [UInt8]) -> String {
        var text = String.UnicodeScalarView()
        for byte in bytes { text.append(high[byte] ?? Unicode.Scalar(byte)) }
        return String(text)
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
