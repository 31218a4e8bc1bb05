import Foundation

/// `Content-Type` and `Content-Disposition`: a value with parameters (RFC 2045, section 5.1; RFC 2231), as they come.
struct HeaderParameters {
    /// In lower case, such as `text/plain` or `attachment`.
    let value: String
    private var sections: [String: [Section]] = [:]
    private let hints: [String]

    private struct Section {
        /// Place among continuations; nil for the plain form.
        let number: Int?
        /// Percent escapes count.
        let isExtended: Bool
        let bytes: [UInt8]
    }
    private static let mostParameters = 500
    private static let mostBytes = 64 << 10

    /// A type that cannot be read is text (RFC 2045, section 5.2).
    private static func mediaType(_ head: String) -> String {
        let parts = head.split(separator: "/", omittingEmptySubsequences: false).map {
            $0.trimmingCharacters(in: .whitespaces)
        }
        guard parts.count >= 2, !parts[0].isEmpty, !parts[1].isEmpty else {
            let word = parts.first { !$0.isEmpty } ?? ""
            return word == "html"
                ? "text/html"
                : word == "multipart"
                    ? "multipart/mixed"
                    : ["image", "audio", "video", "application", "message"].contains(word)
                        ? "application/octet-stream" : "text/plain"
        }
        return "\(parts[0])/\(parts[1])"
    }

    /// - Parameter type: it is a `Content-Type`: `text` alone and what is no type at all become one.
    init(_ field: [UInt8], hints: [String] = [], type: Bool = false) {
        self.hints = hints
        var scanner = Scanner(bytes: field.count > Self.mostBytes ? Array(field.prefix(Self.mostBytes)) : field)
        let head = String(decoding: scanner.head(), as: UTF8.self).lowercased()
        value = type ? Self.mediaType(head) : head
        var count = 0
        while count < Self.mostParameters, let (name, bytes) = scanner.parameter() {
            count += 1
            let parts = name.split(separator: "*", omittingEmptySubsequences: false)
            guard let base = parts.first, !base.isEmpty else { continue }
            let number = parts.count > 1 ? Int(parts[1]) : nil
            let isExtended = parts.count > 1 && parts.last == ""
            sections[String(base), default: []].append(Section(number: number, isExtended: isExtended, bytes: bytes))
        }
    }

    /// The extended form before continuations, those before the plain form (RFC 6266, section 4.3); empty where there
    /// is none.
    subscript(_ name: String) -> String {
        guard let found = sections[name] else { return "" }
        if let whole = found.first(where: { $0.isExtended && $0.number == nil }) { return extended([whole]) }
        let numbered = found.filter { $0.number != nil }.sorted { ($0.number ?? 0) < ($1.number ?? 0) }
        if !numbered.isEmpty { return extended(numbered) }
        return found.first.map { HeaderText.decode($0.bytes, hints: hints) } ?? ""
    }

    private func extended(_ sections: [Section]) -> String {
        var bytes: [UInt8] = []
        var charset: String?
        for (index, section) in sections.enumerated() {
            var rest = section.bytes[...]
            if index == 0, section.isExtended, let first = rest.firstIndex(of: UInt8(ascii: "'")),
                let second = rest[(first + 1)...].firstIndex(of: UInt8(ascii: "'"))
            {
                charset = String(decoding: rest[..<first], as: UTF8.self)
                rest = rest[(second + 1)...]
            }
            bytes += section.isExtended ? QuotedPrintable.escapes(rest, mark: UInt8(ascii: "%")) : Array(rest)
        }
        if charset == nil, bytes.contains(UInt8(ascii: "?")) { return HeaderText.decode(bytes, hints: hints) }
        return Charset.decode(bytes, named: charset, hints: hints)
    }

    /// Reads forgivingly: values in quotes or bare with blanks, semicolons that are missing behind a value.
    private struct Scanner {
        let bytes: [UInt8]
        var index = 0

        private mutating func skipBlanks() { while index < bytes.count, bytes[index] <= 0x20 { index += 1 } }

        mutating func head() -> ArraySlice<UInt8> {
            skipBlanks()
            let start = index
            while index < bytes.count, bytes[index] > 0x20, bytes[index] != UInt8(ascii: ";") { index += 1 }
            let head = bytes[start..<index]
            // `charset=utf-8` where the type should stand.
            if head.contains(UInt8(ascii: "=")), !head.contains(UInt8(ascii: "/")) {
                index = start
                return []
            }
            return head
        }

        mutating func parameter() -> (name: String, value: [UInt8])? {
            while index < bytes.count {
                while index < bytes.count,
                    bytes[index] <= 0x20 || bytes[index] == UInt8(ascii: ";") || bytes[index] == UInt8(ascii: ",")
                { index += 1 }
                let start = index
                while index < bytes.count, bytes[index] != UInt8(ascii: "="), bytes[index] != UInt8(ascii: ";") {
                    index += 1
                }
                guard index < bytes.count else { return nil }
                guard bytes[index] == UInt8(ascii: "=") else { continue }
                // The last word before the sign: what stands before it is a comment or a lost semicolon.
                let name =
                    bytes[start..<index].split(whereSeparator: { $0 <= 0x20 }).last.map {
                        String(decoding: $0, as: UTF8.self).lowercased()
                    } ?? ""
                index += 1
                skipBlanks()
                return (name, index < bytes.count && bytes[index] == UInt8(ascii: "\"") ? quoted() : bare())
            }
            return nil
        }

        private mutating func quoted() -> [UInt8] {
            index += 1
            var value: [UInt8] = []
            while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
                // A path of Windows has backslashes that escape nothing.
                if bytes[index] == UInt8(ascii: "\\"), index + 1 < bytes.count,
                    bytes[index + 1] == UInt8(ascii: "\"") || bytes[index + 1] == UInt8(ascii: "\\")
                {
                    index += 1
                }
                value.append(bytes[index])
                index += 1
            }
            index = min(index + 1, bytes.count)
            return value
        }

        private mutating func bare() -> [UInt8] {
            let start = index
            while index < bytes.count, bytes[index] != UInt8(ascii: ";") {
                // ` name="…"` or ` format=flowed` behind it: the semicolon between them is missing.
                if bytes[index] <= 0x20, followsParameter() { break }
                index += 1
            }
            var value = bytes[start..<index]
            while let last = value.last, last <= 0x20 { value = value.dropLast() }
            return Array(value)
        }

        private func followsParameter() -> Bool {
            var at = index
            while at < bytes.count, bytes[at] <= 0x20 { at += 1 }
            let start = at
            while at < bytes.count, at - start < 30, isNamePart(bytes[at]) { at += 1 }
            return at > start && at < bytes.count && bytes[at] == UInt8(ascii: "=")
                && !(at + 1 < bytes.count && bytes[at + 1] == UInt8(ascii: "?"))
        }
        private func isNamePart(_ byte: UInt8) -> Bool {
            (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7A || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "*")
                || (0x30...0x39).contains(byte)
        }
    }
}

extension String {
    /// Fit to name a file: one line, without what turns the direction of writing or is not seen (Unicode Technical
    /// Report 36, section 2.1.1).
    var fileName: String {
        let line = withoutControls.singleLine
        guard line.unicodeScalars.contains(where: Self.hides) else { return String(line.prefix(250)) }
        return String(
            String(String.UnicodeScalarView(line.unicodeScalars.filter { !Self.hides($0) })).trimmingWhitespace()
                .prefix(250))
    }
    /// The same without the folders that some programs put before a file's name: a path begins at a root or a drive, or
    /// climbs. A stroke within a name is the writer's own, and no file can bear it.
    var fileNameAlone: String {
        let parts = split(whereSeparator: { $0 == "/" || $0 == "\\" })
        guard let first = parts.first, let last = parts.last else { return "" }
        let isPath =
            hasPrefix("/") || hasPrefix("\\") || hasPrefix("~") || first.count == 2 && first.last == ":"
            || parts.contains { $0 == ".." || $0 == "." }
        return isPath ? String(last).fileName : parts.joined(separator: "-").fileName
    }
    private static func hides(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x80...0x9F, 0xAD, 0x061C, 0x200B, 0x200E, 0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF,
            0xFFF9...0xFFFB, 0xE0000...0xE007F:
            true
        default: false
        }
    }
}
