import Foundation
import Primitives

/// A statement whose values are bound, never spliced: `"SELECT id FROM ticket WHERE number = \(number)"`.
///
/// Parameters are written `$1`, `$2`, … which both engines read. A `String` variable can only become a bound value;
/// text that is SQL comes from another `SQL` literal or from the marked exception `SQL(raw:)`.
package struct SQL: Sendable, ExpressibleByStringInterpolation {
    package private(set) var text: String
    package private(set) var values: [SQLValue]

    /// SQL from our own source that no literal can express, such as a generated list of columns.
    package init(raw: String) {
        text = raw
        values = []
    }
    init(text: String, values: [SQLValue]) {
        self.text = text
        self.values = values
    }
    package init(stringLiteral value: StaticString) {
        text = value.description
        values = []
    }
    package init(stringInterpolation: StringInterpolation) {
        text = stringInterpolation.text
        values = stringInterpolation.values
    }

    package static func += (left: inout SQL, right: SQL) {
        var joined = StringInterpolation(text: left.text, values: left.values)
        joined.appendInterpolation(right)
        left.text = joined.text
        left.values = joined.values
    }
    package static func join(_ parts: [SQL], separator: SQL) -> SQL {
        var joined: SQL = ""
        for (index, part) in parts.enumerated() {
            if index > 0 { joined += separator }
            joined += part
        }
        return joined
    }

    package struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var text = ""
        fileprivate var values: [SQLValue] = []

        package init(literalCapacity: Int, interpolationCount: Int) {
            text.reserveCapacity(literalCapacity + interpolationCount * 4)
            values.reserveCapacity(interpolationCount)
        }
        fileprivate init(text: String, values: [SQLValue]) {
            self.text = text
            self.values = values
        }
        package mutating func appendLiteral(_ sql: StaticString) {
            sql.withUTF8Buffer { text.append(String(decoding: $0, as: UTF8.self)) }
        }
        package mutating func appendInterpolation(_ value: some SQLBindable) {
            values.append(value.sqlValue)
            text.append("$\(values.count)")
        }
        package mutating func appendInterpolation<Value: SQLBindable>(_ value: Value?) {
            values.append(value?.sqlValue ?? .null)
            text.append("$\(values.count)")
        }
        /// A list for `IN (…)`; an empty one matches nothing.
        package mutating func appendInterpolation(list: [some SQLBindable]) {
            guard !list.isEmpty else { return text.append("NULL") }
            for (index, value) in list.enumerated() {
                if index > 0 { text.append(", ") }
                appendInterpolation(value)
            }
        }
        // Numbers and words of ours that stand in the statement itself: PostgreSQL then knows when it plans how many
        // rows are wanted, and of which kind.
        package mutating func appendInterpolation(literal number: Int) { text.append(String(number)) }
        package mutating func appendInterpolation<Word: RawRepresentable & CaseIterable>(words: [Word])
        where Word.RawValue == String {
            text.append(words.map { "'\($0.rawValue)'" }.joined(separator: ", "))
        }
        /// Another statement's text and values; its parameters are numbered on.
        package mutating func appendInterpolation(_ part: SQL) {
            guard !part.values.isEmpty else { return text.append(part.text) }
            let offset = values.count
            guard offset > 0 else {
                text.append(part.text)
                return values.append(contentsOf: part.values)
            }
            // Stretches between parameters go over in one piece.
            var rest = part.text[...]
            while let mark = rest.utf8.firstIndex(of: UInt8(ascii: "$")) {
                text.append(contentsOf: rest[..<mark])
                let digits = rest[mark...].utf8.dropFirst().prefix { $0 >= 0x30 && $0 <= 0x39 }
                text.append("$\((Int(Substring(digits)) ?? 0) + offset)")
                rest = rest[digits.endIndex...]
            }
            text.append(contentsOf: rest)
            values.append(contentsOf: part.values)
        }
    }
}

/// What a parameter carries. Times are milliseconds UTC, truth is 0 or 1.
package enum SQLValue: Sendable, Equatable {
    case null
    case integer(Int64)
    case text(String)
}

extension SQLValue: SQLBindable {
    package var sqlValue: SQLValue { self }
}

/// A Swift value that can stand as a parameter.
package protocol SQLBindable {
    var sqlValue: SQLValue { get }
}
/// A Swift value that can be read from a column.
package protocol SQLReadable {
    static func read(_ column: borrowing Column) throws -> Self
}
package typealias SQLConvertible = SQLBindable & SQLReadable

extension Int64: SQLConvertible {
    package var sqlValue: SQLValue { .integer(self) }
    package static func read(_ column: borrowing Column) throws -> Int64 { try column.integer() }
}
extension Int: SQLConvertible {
    package var sqlValue: SQLValue { .integer(Int64(self)) }
    package static func read(_ column: borrowing Column) throws -> Int { Int(try column.integer()) }
}
extension Bool: SQLConvertible {
    package var sqlValue: SQLValue { .integer(self ? 1 : 0) }
    package static func read(_ column: borrowing Column) throws -> Bool { try column.integer() != 0 }
}
extension String: SQLConvertible {
    package var sqlValue: SQLValue { .text(self) }
    package static func read(_ column: borrowing Column) throws -> String { try column.text() }
}
extension Date: SQLConvertible {
    package var sqlValue: SQLValue { .integer(milliseconds) }
    package static func read(_ column: borrowing Column) throws -> Date { Date(milliseconds: try column.integer()) }
}
extension Optional: SQLBindable where Wrapped: SQLBindable {
    package var sqlValue: SQLValue { self?.sqlValue ?? .null }
}
extension Optional: SQLReadable where Wrapped: SQLReadable {
    package static func read(_ column: borrowing Column) throws -> Wrapped? {
        column.isNull ? nil : try Wrapped.read(column)
    }
}
/// Enums kept by their word.
extension SQLBindable where Self: RawRepresentable, RawValue: SQLBindable {
    package var sqlValue: SQLValue { rawValue.sqlValue }
}
extension SQLReadable where Self: RawRepresentable, RawValue: SQLReadable {
    // Inlinable: a long list reads two of these in each row, and the generic way looks their types up every time.
    @inlinable package static func read(_ column: borrowing Column) throws -> Self {
        let raw = try RawValue.read(column)
        guard let value = Self(rawValue: raw) else { throw StoreError.unreadable("\(raw) is no value of its kind") }
        return value
    }
}

extension ID: SQLConvertible {
    package var sqlValue: SQLValue { .integer(number) }
    package static func read(_ column: borrowing Column) throws -> Self { Self(try column.integer()) }
}
