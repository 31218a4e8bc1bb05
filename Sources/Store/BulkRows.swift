/// Many rows in one statement, for seeding and restoring.
extension Connection {
    /// Both engines take far more parameters; this keeps a statement's text small.
    private static var mostParameters: Int { 8000 }

    /// Inserts rows into `table (columns)`.
    package func insert(_ target: SQL, rows: [[SQLValue]]) throws {
        _ = try insert(target, rows: rows, returning: nil) { _ in () }
    }

    /// Inserts rows and reads what `returning` names of each.
    package func insert<T>(_ target: SQL, rows: [[SQLValue]], returning: SQL?, _ decode: (inout Row) throws -> T) throws
        -> [T]
    {
        guard let width = rows.first?.count, width > 0 else { return [] }
        var read: [T] = []
        let chunk = max(1, Self.mostParameters / width)
        var start = 0
        while start < rows.count {
            let part = rows[start..<min(start + chunk, rows.count)]
            var sql: SQL = "INSERT INTO \(target) VALUES "
            sql += SQL.rows(part)
            if let returning { sql += " RETURNING \(returning)" }
            try run(sql) { if returning != nil { read.append(try decode(&$0)) } }
            start += chunk
        }
        return read
    }

    /// So many numbers of a counter at once, ascending.
    package func take(_ count: Int, of counter: Counter) throws -> [Int64] {
        switch dialect {
        case .sqlite:
            let last: Int64 =
                try value(
                    "UPDATE counter SET value = value + \(count) WHERE name = \(counter.rawValue) RETURNING value") ?? 0
            return Array((last - Int64(count) + 1)...last)
        case .postgres:
            return try query("SELECT nextval(\(counter.rawValue)) FROM generate_series(1, \(count))") {
                try $0.read(Int64.self)
            }.sorted()
        }
    }
}

extension SQL {
    /// `($1, $2), ($3, $4), …`
    fileprivate static func rows(_ rows: ArraySlice<[SQLValue]>) -> SQL {
        var text = ""
        var values: [SQLValue] = []
        for row in rows {
            text += text.isEmpty ? "(" : ", ("
            for (column, value) in row.enumerated() {
                values.append(value)
                text += column == 0 ? "$\(values.count)" : ", $\(values.count)"
            }
            text += ")"
        }
        return SQL(text: text, values: values)
    }
}
