import CPostgreSQL
import Foundation

/// A line with transactions on it. Used by one thread only.
final class PostgresConnection: Connection {
    let dialect = Dialect.postgres
    private var line: PostgresLine?
    private let counts: Counts
    private var statements = StatementNames()
    private var deadline = Moment.never

    /// The line was lost, or is of no use any more, before the transaction was committed: it may run again on another.
    struct Lost: Error {
        let reason: StoreError
    }

    init(_ line: PostgresLine, counts: Counts) {
        self.line = line
        self.counts = counts
    }

    var isOpen: Bool { line?.isOpen ?? false }
    func close() { line = nil }

    /// Asks for a sign of life; a line that gives none is closed.
    func ask() -> StoreError? {
        do { _ = try line?.numbers("SELECT 1", until: Moment.now + Moment.seconds(2)) } catch { close() }
        return nil
    }

    // MARK: transactions

    private static let mostAttempts = 20
    private static let mostAttemptsAtDuplicates = 4

    /// Runs a transaction, anew when others came in between. Throws `Lost` when it may run again on another line.
    func transaction<T>(reads: Bool, lane: Lane, _ body: (any Connection) throws -> T) throws -> T {
        var attempt = 0
        while true {
            attempt += 1
            do { return try once(reads: reads, lane: lane, body) } catch let error as StoreError {
                switch error {
                case .duplicate where attempt < Self.mostAttemptsAtDuplicates && !reads: counts.change { $0.retries += 1 }
                case .conflict where attempt < Self.mostAttempts:
                    counts.change { $0.retries += 1 }
                    // Who met once would meet again at the same pace.
                    Thread.sleep(forTimeInterval: Double.random(in: 0.0005...0.002) * Double(attempt))
                default: throw error
                }
            }
        }
    }

    private func once<T>(reads: Bool, lane: Lane, _ body: (any Connection) throws -> T) throws -> T {
        deadline = lane == .page ? Moment.now + Moment.seconds(35) : Moment.never
        let value: T
        do {
            try makeRoomForStatements()
            try command(begin(reads: reads, lane: lane))
            value = try body(self)
        } catch {
            try undo(after: error)
            throw error
        }
        do { try command("COMMIT") } catch let error as StoreError {
            if case .unavailable(let message) = error {
                // It may have been kept; whoever repeats it without asking would do it twice.
                close()
                throw reads ? error : StoreError.outcomeUnknown(message)
            }
            try undo(after: error)
            throw error
        }
        return value
    }

    /// The session's limits where the server was not told them when the line was opened: a pooler keeps no session, so they go with each transaction.
    private func begin(reads: Bool, lane: Lane) -> String {
        let begin = reads ? "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" : "BEGIN ISOLATION LEVEL REPEATABLE READ"
        switch (lane, line?.hasOptions ?? false) {
        case (.page, true): return begin
        case (.page, false): return begin + "; SET LOCAL statement_timeout = '30s'; SET LOCAL lock_timeout = '5s'; SET LOCAL idle_in_transaction_session_timeout = '60s'"
        case (.long, _): return begin + "; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0"
        }
    }

    /// Takes back what the transaction did; a line on which that fails is closed. Throws `Lost` where the work may be done on another line.
    private func undo(after error: any Error) throws {
        if isOpen, !isUseless {
            do { return try command("ROLLBACK") } catch { close() }
        }
        close()
        guard let error = error as? StoreError, case .unavailable = error else { return }
        throw Lost(reason: error)
    }
    /// Set when the server said that it takes no writes or is going down.
    private var isUseless = false

    private func command(_ text: String) throws {
        guard let line else { throw StoreError.unavailable("the line is closed") }
        let result = try line.query(text, until: deadline)
        defer { PQclear(result) }
        let status = PQresultStatus(result)
        guard status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK else { throw fault(result, line) }
        // COMMIT of a failed transaction answers ROLLBACK and no error.
        if text == "COMMIT", let tag = PQcmdStatus(result), String(cString: tag) == "ROLLBACK" {
            throw StoreError.statement("a statement of this transaction failed, and its error was passed over")
        }
    }

    private func fault(_ result: OpaquePointer?, _ line: PostgresLine) -> StoreError {
        let state = PostgresLine.state(result)
        switch state {
        case "26000", "42P05": statements.stop()
        case "0A000": statements.forget()
        case "25006", "57P01", "57P02", "57P03": isUseless = true
        default: break
        }
        return line.fault(result)
    }

    // MARK: statements

    @discardableResult
    func run(_ sql: SQL, _ each: (inout Row) throws -> Void) throws -> Int {
        guard let line else { throw StoreError.unavailable("the line is closed") }
        let name = try prepare(sql.text, line)
        let result = try execute(line, name, sql.text, sql.values)
        defer { PQclear(result) }
        let status = PQresultStatus(result)
        guard status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK else { throw fault(result, line) }
        for number in 0..<PQntuples(result) {
            guard let result else { break }
            var row = Row(source: .postgres(result, row: number))
            try each(&row)
        }
        return Int(String(cString: PQcmdTuples(result))) ?? 0
    }

    /// The name of a statement that is planned once; empty for one that is seen for the first time, and for a search by text, which is planned anew each
    /// time: whether its words are common or rare decides whether the tickets or the index are walked.
    private func prepare(_ text: String, _ line: PostgresLine) throws -> String {
        switch statements.name(of: text) {
        case .none: return ""
        case .known(let name): return name
        case .new(let name):
            let result = try line.prepare(name, text, until: deadline)
            defer { PQclear(result) }
            guard PQresultStatus(result) == PGRES_COMMAND_OK else { throw fault(result, line) }
            statements.keep(name, for: text)
            return name
        }
    }

    /// Values travel as text in one buffer, so that nothing is allocated for each.
    private func execute(_ line: PostgresLine, _ name: String, _ text: String, _ values: [SQLValue]) throws -> OpaquePointer? {
        var buffer: [CChar] = []
        var offsets: [Int?] = []
        for value in values {
            switch value {
            case .null: offsets.append(nil)
            case .integer(let number):
                offsets.append(buffer.count)
                buffer.append(contentsOf: String(number).utf8CString)
            case .text(let text):
                offsets.append(buffer.count)
                // PostgreSQL has no NUL in text; whatever carried one was cleaned on its way in, this is the last guard.
                buffer.append(contentsOf: text.utf8.lazy.filter { $0 != 0 }.map { CChar(bitPattern: $0) })
                buffer.append(0)
            }
        }
        return try buffer.withUnsafeBufferPointer { bytes in
            let pointers = offsets.map { offset in offset.flatMap { position in bytes.baseAddress.map { $0 + position } } }
            return try line.run(name, text, Int32(values.count), pointers, until: deadline)
        }
    }

    /// Between transactions: a server that holds enough statements of ours forgets them all.
    private func makeRoomForStatements() throws {
        guard statements.isFull, let line else { return }
        statements.forget()
        // Where a pooler stands between, the names stay with whichever connection has them; no new one is ever the same.
        if line.hasOptions { try command("DEALLOCATE ALL") }
    }
}

/// Names of the statements that a server has planned for one line: bounded, and given only to those that come again.
struct StatementNames {
    enum Found: Equatable {
        case known(String)
        /// To be prepared under this name, then kept.
        case new(String)
        /// Run without a name.
        case none
    }
    /// No other line's, so that lines that share a server's connection never meet.
    private var prefix = StatementNames.unique()
    private var names: [String: String] = [:]
    private var seen: Set<Int> = []
    private var count = 0
    private var isOff = false
    static let most = 300
    private static let mostSeen = 2000

    var isFull: Bool { names.count >= Self.most }
    var kept: Int { names.count }

    mutating func name(of text: String) -> Found {
        if let name = names[text] { return .known(name) }
        guard !isOff, !isFull, !text.contains(" @@ ") else { return .none }
        let hash = text.hashValue
        guard seen.contains(hash) else {
            if seen.count >= Self.mostSeen { seen = [] }
            seen.insert(hash)
            return .none
        }
        count += 1
        return .new("\(prefix)_\(count)")
    }
    mutating func keep(_ name: String, for text: String) { names[text] = name }
    /// Statements are named anew.
    mutating func forget() {
        names = [:]
        prefix = Self.unique()
    }
    /// The line's server does not know our names again: a pooler that hands each transaction to another connection.
    mutating func stop() {
        names = [:]
        isOff = true
    }
    private static func unique() -> String { "u" + String(UInt64.random(in: 0...UInt64.max), radix: 36) }
}
