/// Reading a whole table without holding it in memory.
extension Connection {
    /// Hands the rows of a long statement over, some at a time: by a cursor on PostgreSQL, whose client otherwise holds
    /// the whole answer; SQLite steps through them anyway.
    ///
    /// - Parameter cursor: a name that no other cursor of the transaction has.
    /// - Parameter batch: how many rows are in memory at once.
    package func stream(_ sql: SQL, cursor: SQL, batch: Int = 256, _ each: (inout Row) throws -> Void) throws {
        guard dialect == .postgres else {
            try run(sql, each)
            return
        }
        try execute("DECLARE \(cursor) NO SCROLL CURSOR FOR \(sql)")
        var count = batch
        while count == batch {
            count = 0
            try run("FETCH \(SQL(raw: String(batch))) FROM \(cursor)") { row in
                count += 1
                try each(&row)
            }
        }
        try execute("CLOSE \(cursor)")
    }
}
