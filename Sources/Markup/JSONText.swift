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
    package mutating func array<Items: Sequence>(_ items: Items, _ each: (inout JSONText, Items.Element) throws -> Void) rethrows {
        separate()
        bytes.append(UInt8(ascii: "["))
        needsComma = false
        for item in items { try each(&self, item) }
        bytes.append(UInt8(ascii: "]"))
        needsComma = true
    }

    // MARK: fields of an object

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
        bytes.append(contentsOf: String(value).utf8)
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
        bytes.append(contentsOf: [UInt8(ascii: "\""), UInt8(ascii: ":")])
        needsComma = false
    }
    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = false
    }
    private mutating func quoted(_ value: String) {
        bytes.append(UInt8(ascii: "\""))
        var value = value
        value.withUTF8 { utf8 in
            var start = 0
            for index in utf8.indices {
                guard let escape = Self.escape(utf8, at: index) else { continue }
                bytes.append(contentsOf: utf8[start..<index])
                bytes.append(contentsOf: escape.text)
                start = index + escape.length
            }
            if start < utf8.count { bytes.append(contentsOf: utf8[start...]) }
        }
        bytes.append(UInt8(ascii: "\""))
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
        case 0xE2 where index + 2 < utf8.count && utf8[index + 1] == 0x80 && (utf8[index + 2] == 0xA8 || utf8[index + 2] == 0xA9):
            (Array("\\u20".utf8) + hexadecimal(utf8[index + 2] - 0x80), 3)
        default: nil
        }
    }
    private static func hexadecimal(_ byte: UInt8) -> [UInt8] {
        let digits = Array("0123456789abcdef".utf8)
        return [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
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
        guard case .number(let value) = self, value == value.rounded(), abs(value) < 9_007_199_254_740_992 else { return nil }
        return Int64(value)
    }
    package var written: String {
        var json = JSONText()
        json.write(self)
        return json.text
    }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral,
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
