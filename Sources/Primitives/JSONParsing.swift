import Foundation

extension JSON {
    /// Reads RFC 8259 text in UTF-8. Throws `Refusal.malformed` when it is none.
    package init(parsing bytes: Data) throws {
        var reader = JSONReader(bytes)
        do { self = try reader.read() } catch { throw Refusal.malformed(error.rawValue) }
    }
    package init?(_ text: String) {
        // a column of ours that is no JSON reads as absent
        guard let json = try? JSON(parsing: Data(text.utf8)) else { return nil }
        self = json
    }
}

/// Reads JSON in one pass, without recursion, and with limits on what strangers may send.
struct JSONReader {
    enum Fault: String, Error {
        case invalid = "The body is not valid JSON."
        case tooDeep = "The JSON is nested deeper than 32 levels."
        case tooMany = "The JSON holds more than 100,000 values."
    }

    /// Deeper than any request of ours.
    static let mostDepth = 32
    /// Objects, lists, numbers, texts and the rest, all together.
    static let mostValues = 100_000

    /// An object or a list that is not finished.
    private struct Open {
        let isList: Bool
        var items: [JSON] = []
        var fields: [String: JSON] = [:]
        /// Of the field whose value is read.
        var name = ""
    }

    private let bytes: [UInt8]
    private var place = 0
    private var values = 0

    init(_ data: Data) {
        bytes = Array(data)
        // A byte order mark may be passed over (RFC 8259, section 8.1).
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { place = 3 }
    }

    mutating func read() throws(Fault) -> JSON {
        var open: [Open] = []
        while true {
            skipBlanks()
            var value: JSON? = try readValue(&open)
            // A finished value goes into what is open, which may be finished by it.
            while let finished = value {
                guard !open.isEmpty else {
                    skipBlanks()
                    guard place == bytes.count else { throw .invalid }
                    return finished
                }
                value = try add(finished, to: &open)
            }
        }
    }

    /// One value; nil where an object or a list began that has something in it.
    private mutating func readValue(_ open: inout [Open]) throws(Fault) -> JSON? {
        values += 1
        guard values <= Self.mostValues else { throw .tooMany }
        guard place < bytes.count else { throw .invalid }
        switch bytes[place] {
        case UInt8(ascii: "{"):
            try enter(open)
            if take(UInt8(ascii: "}")) { return .object([:]) }
            open.append(Open(isList: false, name: try readName()))
            return nil
        case UInt8(ascii: "["):
            try enter(open)
            if take(UInt8(ascii: "]")) { return .array([]) }
            open.append(Open(isList: true))
            return nil
        case UInt8(ascii: "\""): return .string(try readText())
        case UInt8(ascii: "t"): return try readWord("true", .bool(true))
        case UInt8(ascii: "f"): return try readWord("false", .bool(false))
        case UInt8(ascii: "n"): return try readWord("null", .null)
        default: return .number(try readNumber())
        }
    }

    private mutating func enter(_ open: [Open]) throws(Fault) {
        guard open.count < Self.mostDepth else { throw .tooDeep }
        place += 1
        skipBlanks()
    }

    /// Puts a value into the innermost object or list; what is returned is finished. It is changed where it stands,
    /// since a copy for each value would make long lists slow.
    private mutating func add(_ value: JSON, to open: inout [Open]) throws(Fault) -> JSON? {
        let innermost = open.count - 1
        skipBlanks()
        if open[innermost].isList {
            open[innermost].items.append(value)
            if take(UInt8(ascii: "]")) { return .array(open.removeLast().items) }
            guard take(UInt8(ascii: ",")) else { throw .invalid }
            return nil
        }
        open[innermost].fields[open[innermost].name] = value
        if take(UInt8(ascii: "}")) { return .object(open.removeLast().fields) }
        guard take(UInt8(ascii: ",")) else { throw .invalid }
        skipBlanks()
        open[innermost].name = try readName()
        return nil
    }

    private mutating func readName() throws(Fault) -> String {
        guard place < bytes.count, bytes[place] == UInt8(ascii: "\"") else { throw .invalid }
        let name = try readText()
        skipBlanks()
        guard take(UInt8(ascii: ":")) else { throw .invalid }
        return name
    }

    private mutating func readWord(_ word: StaticString, _ value: JSON) throws(Fault) -> JSON {
        let end = place + word.utf8CodeUnitCount
        guard end <= bytes.count else { throw .invalid }
        for index in 0..<word.utf8CodeUnitCount where bytes[place + index] != word.utf8Start[index] { throw .invalid }
        place = end
        return value
    }

    /// RFC 8259, section 6. A number too large for a double is refused.
    private mutating func readNumber() throws(Fault) -> Double {
        let start = place
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) { try readDigits() }
        if take(UInt8(ascii: ".")) { try readDigits() }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            try readDigits()
        }
        // No number of ours is longer, and reading a very long one takes long.
        guard place - start <= 400, let number = Double(String(decoding: bytes[start..<place], as: UTF8.self)),
            number.isFinite
        else { throw .invalid }
        return number
    }

    private mutating func readDigits() throws(Fault) {
        let start = place
        while place < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[place]) { place += 1 }
        guard place > start else { throw .invalid }
    }

    /// A text with its quotation marks (RFC 8259, section 7).
    private mutating func readText() throws(Fault) -> String {
        place += 1
        let start = place
        // Most texts hold no escape and are taken as they stand.
        guard
            let end = bytes[start...].firstIndex(where: {
                $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") || $0 < 0x20
            })
        else { throw .invalid }
        place = end
        if bytes[end] == UInt8(ascii: "\"") {
            place += 1
            return try text(bytes[start..<end])
        }
        var unescaped = Array(bytes[start..<end])
        while place < bytes.count {
            let byte = bytes[place]
            place += 1
            switch byte {
            case UInt8(ascii: "\""): return try text(unescaped[...])
            case UInt8(ascii: "\\"): try readEscape(into: &unescaped)
            case ..<0x20: throw .invalid
            default: unescaped.append(byte)
            }
        }
        throw .invalid
    }

    private func text(_ bytes: ArraySlice<UInt8>) throws(Fault) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .invalid }
        return text
    }

    private mutating func readEscape(into text: inout [UInt8]) throws(Fault) {
        guard place < bytes.count else { throw .invalid }
        let byte = bytes[place]
        place += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(8)
        case UInt8(ascii: "f"): text.append(12)
        case UInt8(ascii: "n"): text.append(10)
        case UInt8(ascii: "r"): text.append(13)
        case UInt8(ascii: "t"): text.append(9)
        case UInt8(ascii: "u"):
            var code = try readHex()
            if (0xD800..<0xDC00).contains(code) {
                // The first half of a pair; the second one must follow.
                guard take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else { throw .invalid }
                let low = try readHex()
                guard (0xDC00..<0xE000).contains(low) else { throw .invalid }
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw .invalid }
            text.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        default: throw .invalid
        }
    }

    private mutating func readHex() throws(Fault) -> UInt32 {
        guard place + 4 <= bytes.count else { throw .invalid }
        var code: UInt32 = 0
        for byte in bytes[place..<(place + 4)] {
            guard let digit = Self.digit(byte) else { throw .invalid }
            code = code << 4 | digit
        }
        place += 4
        return code
    }

    private static func digit(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a")) + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A")) + 10
        default: nil
        }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard place < bytes.count, bytes[place] == byte else { return false }
        place += 1
        return true
    }

    private mutating func skipBlanks() {
        while place < bytes.count {
            let byte = bytes[place]
            guard byte == 32 || byte == 10 || byte == 13 || byte == 9 else { return }
            place += 1
        }
    }
}
