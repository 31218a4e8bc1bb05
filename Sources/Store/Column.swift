import CPostgreSQL
import GRDB
import GRDBSQLite

/// The engine's current row.
enum RowSource {
    case sqlite(OpaquePointer)
    case postgres(OpaquePointer, row: Int32)
}

/// One column of the row being read.
package struct Column: ~Copyable {
    let source: RowSource
    let index: Int32

    init(source: RowSource, index: Int32) {
        self.source = source
        self.index = index
    }

    package var isNull: Bool {
        switch source {
        case .sqlite(let statement): sqlite3_column_type(statement, index) == SQLITE_NULL
        case .postgres(let result, let row): PQgetisnull(result, row, index) == 1
        }
    }

    func withText(_ body: (UnsafeBufferPointer<UInt8>) -> Void) -> Bool {
        switch source {
        case .sqlite(let statement):
            guard let text = sqlite3_column_text(statement, index) else { return false }
            body(UnsafeBufferPointer(start: text, count: Int(sqlite3_column_bytes(statement, index))))
        case .postgres(let result, let row):
            guard PQgetisnull(result, row, index) == 0, let text = PQgetvalue(result, row, index) else { return false }
            let length = Int(PQgetlength(result, row, index))
            text.withMemoryRebound(to: UInt8.self, capacity: length) {
                body(UnsafeBufferPointer(start: $0, count: length))
            }
        }
        return true
    }

    package func integer() throws -> Int64 {
        switch source {
        case .sqlite(let statement):
            return sqlite3_column_int64(statement, index)
        case .postgres(let result, let row):
            guard let text = PQgetvalue(result, row, index) else {
                throw StoreError.unreadable("column \(index) is missing")
            }
            let length = Int(PQgetlength(result, row, index))
            return try text.withMemoryRebound(to: UInt8.self, capacity: length) { bytes in
                let digits = UnsafeBufferPointer(start: bytes, count: length)
                // count(*) and plain bigint come as digits; a sum() comes as numeric, with a point only where asked
                // for.
                var value: Int64 = 0
                var negative = false
                for (position, byte) in digits.enumerated() {
                    if position == 0, byte == UInt8(ascii: "-") {
                        negative = true
                    } else if (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
                        value = value &* 10 &+ Int64(byte - UInt8(ascii: "0"))
                    } else {
                        throw StoreError.unreadable("\(String(decoding: digits, as: UTF8.self)) is no whole number")
                    }
                }
                return negative ? -value : value
            }
        }
    }

    package func text() throws -> String {
        switch source {
        case .sqlite(let statement):
            guard let text = sqlite3_column_text(statement, index) else {
                throw StoreError.unreadable("column \(index) is null")
            }
            return String(
                decoding: UnsafeBufferPointer(start: text, count: Int(sqlite3_column_bytes(statement, index))),
                as: UTF8.self)
        case .postgres(let result, let row):
            guard PQgetisnull(result, row, index) == 0, let text = PQgetvalue(result, row, index) else {
                throw StoreError.unreadable("column \(index) is null")
            }
            let length = Int(PQgetlength(result, row, index))
            return text.withMemoryRebound(to: UInt8.self, capacity: length) {
                String(decoding: UnsafeBufferPointer(start: $0, count: length), as: UTF8.self)
            }
        }
    }
}
