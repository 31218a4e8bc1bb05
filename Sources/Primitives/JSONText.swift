/// Writes JSON (RFC 8259) as UTF-8 bytes, field after field, with no tree between.
///
/// `<`, `>`, `&` and U+2028/9 are escaped as well, so that the text may stand inside a page.
package struct JSONText: Sendable {
    package private(set) var bytes: [UInt8] = []
    private var needsComma = false

    package init(capacity: Int = 512) { bytes.reserveCapacity(capacity) }

    package var text: String { String(decoding: bytes, as: UTF8.self) }

    // MARK: containers

    package mutating func object(_ body: (inout JSONText) throws -> Void) rethrows {
        separate()
        bytes.append(UInt8(ascii: "{"))
        needsComma = false
        try body(&self)
        bytes.append(UInt8(ascii: "}"))
        needsComma = true
    }
    package mutating func array<Items: Sequence>(_ items: Items, _ each: (inout JSONText, Items.Element) throws -> Void)
        rethrows
    {
        separate()
        bytes.append(UInt8(ascii: "["))
        needsComma = false
        for item in items { try each(&self, item) }
        bytes.append(UInt8(ascii: "]"))
        needsComma = true
    }

    /// An array whose items somebody else writes one by one.
    package mutating func array(_ body: (inout JSONText) throws -> Void) rethrows {
        separate()
        bytes.append(UInt8(ascii: "["))
        needsComma = false
        try body(&self)
        bytes.append(UInt8(ascii: "]"))
        needsComma = true
    }

    // MARK: fields of an object

    /// Text that is UTF-8 already, such as a column's.
    package mutating func field(_ name: StaticString, utf8: UnsafeBufferPointer<UInt8>) {
        key(name)
        quoted(utf8)
        needsComma = true
    }
    /// JSON that is already written, such as a column that holds it.
    package mutating func field(_ name: StaticString, written: UnsafeBufferPointer<UInt8>) {
        key(name)
        bytes.append(contentsOf: written)
        needsComma = true
    }
    /// An address of ours that ends in a number.
    package mutating func field(_ name: StaticString, _ prefix: String, _ number: Int64) {
        field(name, prefix)
        bytes.removeLast()
        digits(number)
        bytes.append(UInt8(ascii: "\""))
    }
    package mutating func field(_ name: StaticString, array body: (inout JSONText) throws -> Void) rethrows {
        key(name)
        try array(body)
    }

    package mutating func field(_ name: StaticString, _ value: String?) {
        key(name)
        if let value { write(value) } else { null() }
    }
    package mutating func field(_ name: StaticString, _ value: Int64?) {
        key(name)
        if let value { number(value) } else { null() }
    }
    package mutating func field(_ name: StaticString, _ value: Int?) { field(name, value.map(Int64.init)) }
    package mutating func field(_ name: StaticString, _ value: Bool) {
        key(name)
        bool(value)
    }
    package mutating func field(_ name: StaticString, _ value: Double?) {
        key(name)
        if let value { real(value) } else { null() }
    }
    package mutating func field(_ name: StaticString, _ value: JSON) {
        key(name)
        write(value)
    }
    package mutating func field(_ name: StaticString, _ values: [String]) {
        key(name)
        array(values) { $0.write($1) }
    }
    package mutating func field(_ name: StaticString, object body: (inout JSONText) throws -> Void) rethrows {
        key(name)
        try object(body)
    }
    package mutating func field<Items: Sequence>(
        _ name: StaticString, array items: Items, _ each: (inout JSONText, Items.Element) throws -> Void
    ) rethrows {
        key(name)
        try array(items, each)
    }
    /// A text that somebody writes as bytes that need no escape, such as a date.
    package mutating func field(_ name: StaticString, plain write: (inout [UInt8]) -> Void) {
        key(name)
        bytes.append(UInt8(ascii: "\""))
        write(&bytes)
        bytes.append(UInt8(ascii: "\""))
        needsComma = true
    }
    package mutating func fieldNull(_ name: StaticString) {
        key(name)
        null()
    }
    /// JSON that is already written, such as a column that holds it.
    package mutating func field(_ name: StaticString, written: String) {
        key(name)
        separate()
        bytes.append(contentsOf: written.utf8)
        needsComma = true
    }

    // MARK: values

    package mutating func write(_ value: String) {
        separate()
        quoted(value)
        needsComma = true
    }
    package mutating func number(_ value: Int64) {
        separate()
        digits(value)
        needsComma = true
    }
    package mutating func real(_ value: Double) {
        separate()
        // JSON has no word for infinity or not-a-number.
        if !value.isFinite {
            bytes.append(contentsOf: "null".utf8)
        } else if value == value.rounded(), abs(value) < 9_007_199_254_740_992 {
            bytes.append(contentsOf: String(Int64(value)).utf8)
        } else {
            bytes.append(contentsOf: String(value).utf8)
        }
        needsComma = true
    }
    package mutating func bool(_ value: Bool) {
        separate()
        bytes.append(contentsOf: (value ? "true" : "false").utf8)
        needsComma = true
    }
    package mutating func null() {
        separate()
        bytes.append(contentsOf: "null".utf8)
        needsComma = true
    }
    package mutating func write(_ value: JSON) {
        switch value {
        case .null: null()
        case .bool(let value): bool(value)
        case .number(let value): real(value)
        case .string(let value): write(value)
        case .array(let values): array(values) { $0.write($1) }
        case .object(let fields):
            object { json in
                for (name, value) in fields.sorted(by: { $0.key < $1.key }) { json.dynamicField(name, value) }
            }
        }
    }

    package mutating func dynamicField(_ name: String, _ value: JSON) {
        separate()
        quoted(name)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
        write(value)
    }
    private mutating func key(_ name: StaticString) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        name.withUTF8Buffer { bytes.append(contentsOf: $0) }
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }
    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = false
    }
    private mutating func digits(_ number: Int64) { DecimalText.append(number, to: &bytes) }

    private mutating func quoted(_ value: String) {
        var value = value
        value.withUTF8 { quoted($0) }
    }
    private mutating func quoted(_ utf8: UnsafeBufferPointer<UInt8>) {
        bytes.append(UInt8(ascii: "\""))
        var start = 0
        var index = 0
        while index < utf8.count {
            guard Self.isSpecial(utf8[index]), let escape = Self.escape(utf8, at: index) else {
                index += 1
                continue
            }
            if start < index { bytes.append(contentsOf: UnsafeBufferPointer(rebasing: utf8[start..<index])) }
            bytes.append(contentsOf: escape.text)
            index += escape.length
            start = index
        }
        if start < utf8.count { bytes.append(contentsOf: UnsafeBufferPointer(rebasing: utf8[start...])) }
        bytes.append(UInt8(ascii: "\""))
    }

    /// Bytes that may have to be escaped; one bit for each below 64.
    @inline(__always) private static func isSpecial(_ byte: UInt8) -> Bool {
        // Controls, and " & < >.
        if byte < 64 { return (0x5000_0044_FFFF_FFFF as UInt64) >> UInt64(byte) & 1 == 1 }
        return byte == UInt8(ascii: "\\") || byte == 0x7F || byte == 0xE2
    }

    private static func escape(_ utf8: UnsafeBufferPointer<UInt8>, at index: Int) -> (text: [UInt8], length: Int)? {
        switch utf8[index] {
        case UInt8(ascii: "\""): (Array("\\\"".utf8), 1)
        case UInt8(ascii: "\\"): (Array("\\\\".utf8), 1)
        case UInt8(ascii: "\n"): (Array("\\n".utf8), 1)
        case UInt8(ascii: "\r"): (Array("\\r".utf8), 1)
        case UInt8(ascii: "\t"): (Array("\\t".utf8), 1)
        case 0..<0x20, UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "&"), 0x7F:
            (Array("\\u00".utf8) + hexadecimal(utf8[index]), 1)
        case 0xE2
        where index + 2 < utf8.count && utf8[index + 1] == 0x80 && (utf8[index + 2] == 0xA8 || utf8[index + 2] == 0xA9):
            (Array("\\u20".utf8) + hexadecimal(utf8[index + 2] - 0x80), 3)
        default: nil
        }
    }
    private static func hexadecimal(_ byte: UInt8) -> [UInt8] {
        let digits = Array("0123456789abcdef".utf8)
        return [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }
}

/// Whole numbers as decimal digits, without a string between.
package enum DecimalText {
    package static func append(_ number: Int64, to bytes: inout [UInt8]) {
        if number < 0 { bytes.append(UInt8(ascii: "-")) }
        var rest = number.magnitude
        if rest < 10 { return bytes.append(UInt8(ascii: "0") + UInt8(rest)) }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var position = 20
            while rest > 0 {
                position -= 1
                digits[position] = UInt8(ascii: "0") + UInt8(rest % 10)
                rest /= 10
            }
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: digits[position..<20]))
        }
    }

    /// A number from 0 on with zeros before it: `07`.
    package static func append(_ number: Int, width: Int, to bytes: inout [UInt8]) {
        var divisor = 1
        for _ in 1..<width { divisor *= 10 }
        while divisor > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(number / divisor % 10))
            divisor /= 10
        }
    }
}

/// A JSON value somebody sent, or one kept with an event.
package enum JSON: Sendable, Hashable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([JSON])
    case object([String: JSON])

    package subscript(_ name: String) -> JSON? {
        guard case .object(let fields) = self else { return nil }
        return fields[name]
    }
    package var text: String? {
        guard case .string(let value) = self else { return nil }
        return value
    }
    package var integer: Int64? {
        guard case .number(let value) = self, value == value.rounded(), abs(value) < 9_007_199_254_740_992 else {
            return nil
        }
        return Int64(value)
    }
    package var written: String {
        var json = JSONText()
        json.write(self)
        return json.text
    }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral
{
    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int) { self = .number(Double(value)) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(arrayLiteral elements: JSON...) { self = .array(elements) }
    package init(dictionaryLiteral elements: (String, JSON)...) {
        self = .object(Dictionary(elements, uniquingKeysWith: { $1 }))
    }
    package init(_ value: Int64) { self = .number(Double(value)) }
    package init(_ value: String?) { self = value.map(JSON.string) ?? .null }
}
