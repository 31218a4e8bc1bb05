/// A connection without rows that notes what it is asked, so that all of it can be sent at once.
final class QuestionNotes: Connection {
    let dialect: Dialect
    private(set) var asked: [SQL] = []

    init(_ dialect: Dialect) { self.dialect = dialect }

    func run(_ sql: SQL, _ each: (inout Row) throws -> Void) throws -> Int {
        guard sql.text.utf8.starts(with: "SELECT".utf8) else {
            throw StoreError.statement("only what reads can be asked together")
        }
        asked.append(sql)
        return 0
    }
    func writeIndex(of ticket: Int64, _ work: @escaping (any Connection) throws -> Void) throws {
        throw StoreError.statement("only what reads can be asked together")
    }
}
