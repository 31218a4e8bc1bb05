/// Markup that is safe to send: our own source text verbatim, everything interpolated escaped.
///
/// A `String` variable cannot become `HTML` except through an interpolation, which escapes it, or through
/// `HTML(raw:)`, which the house rules allow in listed files only.
package struct HTML: Sendable, ExpressibleByStringInterpolation {
    /// The markup as UTF-8.
    package private(set) var bytes: [UInt8]

    /// Markup that is known to be safe: the sanitizer's output, or our own files.
    package init(raw: String) { bytes = Array(raw.utf8) }
    package init(stringLiteral value: StaticString) {
        bytes = value.withUTF8Buffer { Array($0) }
    }
    package init(stringInterpolation: StringInterpolation) { bytes = stringInterpolation.bytes }

    package static func += (left: inout HTML, right: HTML) { left.bytes += right.bytes }

    // For the long lists of a page, written piece by piece where a literal for each line would copy them twice.

    package init(capacity: Int) {
        bytes = []
        bytes.reserveCapacity(capacity)
    }
    /// Our own markup.
    package mutating func write(_ markup: StaticString) { markup.withUTF8Buffer { bytes.append(contentsOf: $0) } }
    /// Anybody's text, escaped, with the characters that steer its direction shown as marks.
    package mutating func write(text: some StringProtocol) { Self.escape(text, into: &bytes) }
    /// Anybody's text of many lines, escaped: there such characters are part of the writing, and end with the
    /// paragraph. Overrides alone are shown, since no writing needs them and they make words read backwards.
    package mutating func write(prose: some StringProtocol) { Self.escape(prose, showing: .overrides, into: &bytes) }
    package mutating func write(_ number: Int64) { bytes.append(contentsOf: String(number).utf8) }

    package var text: String { String(decoding: bytes, as: UTF8.self) }

    package struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var bytes: [UInt8] = []

        package init(literalCapacity: Int, interpolationCount: Int) {
            bytes.reserveCapacity(literalCapacity + interpolationCount * 24)
        }
        package mutating func appendLiteral(_ markup: StaticString) {
            markup.withUTF8Buffer { bytes.append(contentsOf: $0) }
        }
        package mutating func appendInterpolation(_ text: String) { escape(text) }
        package mutating func appendInterpolation(_ text: String?) {
            if let text { escape(text) }
        }
        /// Text in a field, which comes back as it stands there.
        package mutating func appendInterpolation(typed text: String) {
            HTML.escape(text, showing: .none, into: &bytes)
        }
        package mutating func appendInterpolation(_ number: Int) { bytes.append(contentsOf: String(number).utf8) }
        package mutating func appendInterpolation(_ number: Int64) { bytes.append(contentsOf: String(number).utf8) }
        package mutating func appendInterpolation(_ markup: HTML) { append(markup) }
        package mutating func appendInterpolation(_ markup: HTML?) {
            if let markup { append(markup) }
        }
        package mutating func appendInterpolation(_ parts: [HTML]) {
            let count = parts.reduce(0) { $0 + $1.bytes.count }
            if count > Self.large { bytes.reserveCapacity(bytes.count + count + Self.large) }
            for part in parts { bytes.append(contentsOf: part.bytes) }
        }
        /// What is large is made room for at once, with some for what usually stands around it.
        private mutating func append(_ markup: HTML) {
            let count = markup.bytes.count
            if count > Self.large { bytes.reserveCapacity(bytes.count + count + Self.large) }
            bytes.append(contentsOf: markup.bytes)
        }
        private static let large = 2048
        /// One of our own addresses, inside a double-quoted attribute.
        package mutating func appendInterpolation(href path: Path) { escape(path.text) }
        /// Somebody else's address, inside a double-quoted attribute.
        package mutating func appendInterpolation(href link: ExternalLink) { escape(link.text) }

        /// On bytes, never on Characters: `"` followed by a combining mark is one Character that equals no quote.
        private mutating func escape(_ text: String) { HTML.escape(text, into: &bytes) }
    }

    /// Which of the characters that steer the direction of text are shown as marks.
    fileprivate enum Shown { case none, overrides, all }

    fileprivate static func escape(
        _ text: some StringProtocol, showing shown: Shown = .all, into bytes: inout [UInt8]
    ) {
        if text.utf8.withContiguousStorageIfAvailable({ escape($0, shown, into: &bytes) }) == nil {
            Array(text.utf8).withUnsafeBufferPointer { escape($0, shown, into: &bytes) }
        }
    }

    private static func escape(_ utf8: UnsafeBufferPointer<UInt8>, _ shown: Shown, into bytes: inout [UInt8]) {
        // Stretches without a special character go over in one piece.
        var plain = 0
        for index in 0..<utf8.count {
            let entity: StaticString
            switch utf8[index] {
            case UInt8(ascii: "&"): entity = "&amp;"
            case UInt8(ascii: "<"): entity = "&lt;"
            case UInt8(ascii: ">"): entity = "&gt;"
            case UInt8(ascii: "\""): entity = "&quot;"
            case UInt8(ascii: "'"): entity = "&#39;"
            case 0: entity = ""
            case 0xE2, 0xD8:
                guard shown != .none, let (length, mark) = Directions.control(at: index, in: utf8),
                    shown == .all || Directions.isOverride(at: index, in: utf8)
                else { continue }
                bytes.append(contentsOf: UnsafeBufferPointer(rebasing: utf8[plain..<index]))
                bytes.append(contentsOf: mark.utf8)
                plain = index + length
                continue
            default: continue
            }
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: utf8[plain..<index]))
            entity.withUTF8Buffer { bytes.append(contentsOf: $0) }
            plain = index + 1
        }
        bytes.append(contentsOf: UnsafeBufferPointer(rebasing: utf8[plain...]))
    }
}

/// One of Usher's own addresses, from the root: `/tickets/100001`. Pages make them with named functions, so a link
/// cannot rot.
package struct Path: Sendable, Equatable {
    package let text: String

    package init(_ segments: String..., query: [(String, String)] = []) { self.init(segments, query: query) }

    package init(_ segments: [String], query: [(String, String)] = []) {
        var text = segments.isEmpty ? "/" : ""
        for segment in segments {
            text.append("/")
            Path.encode(segment, into: &text)
        }
        for (index, item) in query.enumerated() {
            text.append(index == 0 ? "?" : "&")
            Path.encode(item.0, into: &text)
            text.append("=")
            Path.encode(item.1, into: &text)
        }
        self.text = text
    }

    package static func encode(_ segment: String) -> String {
        var encoded = ""
        encode(segment, into: &encoded)
        return encoded
    }

    /// RFC 3986, section 2.3: everything but unreserved characters is percent-encoded.
    private static func encode(_ segment: String, into text: inout String) {
        if segment.utf8.allSatisfy(isUnreserved) { return text.append(segment) }
        let digits = Array("0123456789ABCDEF".utf8)
        var encoded: [UInt8] = []
        for byte in segment.utf8 {
            if isUnreserved(byte) {
                encoded.append(byte)
            } else {
                encoded += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        text.append(String(decoding: encoded, as: UTF8.self))
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            true
        default: false
        }
    }
}

/// An address outside Usher that a reader may follow: `http`, `https`, `mailto` or `tel`, nothing that runs.
package struct ExternalLink: Sendable, Equatable {
    package let text: String

    package init?(_ text: String) {
        // Browsers drop tabs, line ends and leading blanks before they read the scheme, so `java\tscript:` counts; a
        // blank within makes it no scheme at all.
        let scalars = text.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }.drop { $0 == " " }
        let link = String(String.UnicodeScalarView(scalars))
        let lowered = link.lowercased()
        guard ["http://", "https://", "mailto:", "tel:"].contains(where: { lowered.utf8.starts(with: $0.utf8) }) else {
            return nil
        }
        self.text = link
    }
}
