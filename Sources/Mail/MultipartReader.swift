import Foundation

/// Reads `multipart/form-data` (RFC 7578; RFC 2046, section 5.1) as it arrives, so that a file need never be in memory
/// whole.
///
/// Bytes go in piece by piece, however they are cut; what they mean comes out as events. The work is linear in the
/// bytes, and what is kept back is never more than a delimiter or the header of one part.
package struct MultipartReader {
    package enum Event: Equatable {
        case part(Part)
        /// Bytes of the part that began last.
        case content(ArraySlice<UInt8>)
        case endOfPart
    }

    /// What the header of a part says.
    package struct Part: Sendable, Equatable {
        package var field = ""
        /// Nil for a plain value.
        package var fileName: String?
        /// In lower case, without parameters.
        package var type = "text/plain"
    }

    /// Why the bytes are no form.
    package enum Fault: Error, Equatable {
        case noBoundary
        case headerTooLarge
        case tooManyParts
        case broken
    }

    /// Bytes of the header of one part.
    package static let longestHeader = 16 << 10
    package static let mostParts = 500

    private enum Place {
        case preamble
        case header
        case content
        case epilogue
    }

    private let delimiter: [UInt8]
    private var place = Place.preamble
    private var waiting: [UInt8]
    /// Bytes that belong to the end of a header and not to the content behind it.
    private var skipped = 0
    private var parts = 0

    /// Throws `Fault.noBoundary` where the content type names none that RFC 2046 allows.
    package init(contentType: String) throws(Fault) {
        guard let boundary = FormHeader(contentType)["boundary"], (1...70).contains(boundary.utf8.count),
            boundary.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F })
        else { throw .noBoundary }
        delimiter = Array("\r\n--\(boundary)".utf8)
        // The first delimiter stands at the very beginning, without a line end before it.
        waiting = [13, 10]
    }

    /// Whether the closing delimiter was read.
    package var isComplete: Bool { place == .epilogue }

    /// Takes the next bytes and hands over what they hold.
    package mutating func take(_ bytes: some Collection<UInt8>, _ handle: (Event) throws -> Void) throws {
        guard place != .epilogue else { return }
        waiting.append(contentsOf: bytes)
        var start = 0
        while try step(&start, handle) {}
        waiting.removeFirst(start)
    }

    /// Reads one thing from `start` on; false when more bytes are needed.
    private mutating func step(_ start: inout Int, _ handle: (Event) throws -> Void) throws -> Bool {
        switch place {
        case .preamble, .content: return try readContent(&start, handle)
        case .header: return try readHeader(&start, handle)
        case .epilogue:
            start = waiting.count
            return false
        }
    }

    private mutating func readHeader(_ start: inout Int, _ handle: (Event) throws -> Void) throws -> Bool {
        // The line end of the delimiter stands at `start`, so that an empty header is found too.
        let end = find([13, 10, 13, 10], from: start)
        guard (end ?? waiting.count) - start <= Self.longestHeader else { throw Fault.headerTooLarge }
        guard let end else { return false }
        parts += 1
        guard parts <= Self.mostParts else { throw Fault.tooManyParts }
        try handle(.part(Self.part(waiting[start..<end])))
        // The empty line may be the line end of the next delimiter: a part without content.
        start = end + 2
        skipped = 2
        place = .content
        return true
    }

    private mutating func readContent(_ start: inout Int, _ handle: (Event) throws -> Void) throws -> Bool {
        guard let found = find(delimiter, from: start) else {
            // A delimiter may begin in the last bytes that are here.
            try give(&start, upTo: waiting.count - delimiter.count + 1, handle)
            return false
        }
        let behind = found + delimiter.count
        var end = behind
        // Blanks may stand behind a boundary (RFC 2046, section 5.1.1).
        while end < waiting.count, waiting[end] == 32 || waiting[end] == 9 { end += 1 }
        guard end - behind <= Self.longestHeader else { throw Fault.broken }
        guard waiting.count >= end + 2 else {
            try give(&start, upTo: found, handle)
            return false
        }
        let isLast = end == behind && waiting[end] == UInt8(ascii: "-") && waiting[end + 1] == UInt8(ascii: "-")
        guard isLast || waiting[end] == 13 && waiting[end + 1] == 10 else {
            // It only begins like the delimiter, so it is content.
            try give(&start, upTo: behind, handle)
            return true
        }
        try give(&start, upTo: found, handle)
        if place == .content { try handle(.endOfPart) }
        place = isLast ? .epilogue : .header
        start = end
        return true
    }

    private mutating func give(_ start: inout Int, upTo end: Int, _ handle: (Event) throws -> Void) throws {
        guard end > start else { return }
        let begin = start + min(skipped, end - start)
        skipped -= begin - start
        start = end
        if begin < end, place == .content { try handle(.content(waiting[begin..<end])) }
    }

    private func find(_ pattern: [UInt8], from start: Int) -> Int? {
        waiting.withUnsafeBytes { bytes in
            pattern.withUnsafeBytes { pattern in
                guard let base = bytes.baseAddress, let wanted = pattern.baseAddress, let first = pattern.first else {
                    return nil
                }
                var from = start
                while bytes.count - from >= pattern.count {
                    guard let found = memchr(base + from, Int32(first), bytes.count - from - pattern.count + 1) else {
                        return nil
                    }
                    if memcmp(found, wanted, pattern.count) == 0 { return UnsafeRawPointer(found) - base }
                    from = UnsafeRawPointer(found) - base + 1
                }
                return nil
            }
        }
    }

    private static func part(_ header: ArraySlice<UInt8>) -> Part {
        var part = Part()
        for line in header.split(whereSeparator: { $0 == 13 || $0 == 10 }) {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
            let value = String(decoding: line[(colon + 1)...], as: UTF8.self)
            switch String(decoding: line[..<colon], as: UTF8.self).lowercased() {
            case "content-disposition":
                let parameters = FormHeader(value)
                part.field = parameters["name"].map(unescaped) ?? ""
                part.fileName = parameters["filename*"].flatMap(extended) ?? parameters["filename"].map(unescaped)
            case "content-type": part.type = FormHeader(value).value.lowercased()
            default: break
            }
        }
        return part
    }

    /// Browsers write a quotation mark and line ends of a name as these three (WHATWG, "multipart/form-data encoding").
    private static func unescaped(_ name: String) -> String {
        guard name.utf8.contains(UInt8(ascii: "%")) else { return name }
        return name.replacingOccurrences(of: "%22", with: "\"").replacingOccurrences(of: "%0D", with: "\r")
            .replacingOccurrences(of: "%0A", with: "\n")
    }

    /// `UTF-8''name` (RFC 8187, section 3.2); nil for another charset.
    private static func extended(_ value: String) -> String? {
        let parts = value.split(separator: "'", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].lowercased() == "utf-8" else { return nil }
        return String(parts[2]).removingPercentEncoding
    }
}

/// The value of a header field and the parameters behind it: `form-data; name="body"; filename="a.txt"`.
struct FormHeader {
    private(set) var value = ""
    private var parameters: [String: String] = [:]

    /// More than any browser sends.
    private static let mostParameters = 20

    init(_ text: String) {
        var rest = Array(text.utf8)[...]
        value = Self.trimmed(Self.take(&rest, until: [UInt8(ascii: ";")]))
        while !rest.isEmpty, parameters.count < Self.mostParameters {
            rest = rest.dropFirst()
            let name = Self.trimmed(Self.take(&rest, until: [UInt8(ascii: "="), UInt8(ascii: ";")])).lowercased()
            guard rest.first == UInt8(ascii: "=") else { continue }
            rest = rest.dropFirst().drop { $0 == 32 || $0 == 9 }
            let isQuoted = rest.first == UInt8(ascii: "\"")
            let value = isQuoted ? Self.quoted(&rest) : Self.trimmed(Self.take(&rest, until: [UInt8(ascii: ";")]))
            if isQuoted { _ = Self.take(&rest, until: [UInt8(ascii: ";")]) }
            if !name.isEmpty, parameters[name] == nil { parameters[name] = value }
        }
    }

    subscript(_ name: String) -> String? { parameters[name] }

    private static func take(_ rest: inout ArraySlice<UInt8>, until ends: [UInt8]) -> ArraySlice<UInt8> {
        let end = rest.firstIndex { ends.contains($0) } ?? rest.endIndex
        defer { rest = rest[end...] }
        return rest[..<end]
    }

    /// A backslash escapes a quotation mark or itself only: some browsers send paths of Windows as they are.
    private static func quoted(_ rest: inout ArraySlice<UInt8>) -> String {
        var bytes: [UInt8] = []
        var index = rest.startIndex + 1
        while index < rest.endIndex, rest[index] != UInt8(ascii: "\"") {
            let next = index + 1
            if rest[index] == UInt8(ascii: "\\"), next < rest.endIndex,
                [UInt8(ascii: "\""), UInt8(ascii: "\\")].contains(rest[next])
            {
                index = next
            }
            bytes.append(rest[index])
            index += 1
        }
        rest = rest[min(index + 1, rest.endIndex)...]
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> String {
        String(decoding: bytes, as: UTF8.self).trimmingWhitespace()
    }
}
