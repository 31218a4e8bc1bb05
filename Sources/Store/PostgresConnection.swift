import CPostgreSQL
import Foundation

/// A line with transactions on it. Used by one thread only.
///
/// Statements go out in a pipeline: BEGIN travels with the first of them, what need not be waited for with the next,
/// COMMIT with what is still unsent. The COMMIT of a read is not waited for at all; its answer is read before that of
/// the next transaction.
final class PostgresConnection: GroupConnection {
    let dialect = Dialect.postgres
    private var line: PostgresLine?
    private let counts: Counts
    private var statements = StatementNames()
    private var deadline = Moment.never
    private var errand: Errand?

    /// What was sent and is not answered yet, in this order.
    private var due: [Due] = []
    private enum Due {
        /// Nobody waits for its result.
        case quiet(((inout Row) throws -> Void)? = nil)
        case prepared(text: String)
        /// One of those that were asked for together.
        case asked(Int)
        case wanted
        case end
    }
    /// What begins the transaction, while that was not sent.
    private var opening: [SQL]?
    /// Answers that nobody has read yet.
    private var asked: [(sql: SQL, result: OpaquePointer?)] = []
    /// What the server had against a statement of this transaction, which it has given up since.
    private var failure: StoreError?
    private(set) var changes: Int64 = 0
    /// Set when the server said that it takes no writes or is going down.
    private var isUseless = false

    /// The line was lost, or is of no use any more, before the transaction was committed: it may run again on another.
    struct Lost: Error {
        let reason: StoreError
    }

    init(_ line: PostgresLine, counts: Counts) throws {
        try line.enterPipeline()
        self.line = line
        self.counts = counts
    }
    deinit { dropAnswers() }

    var isOpen: Bool { line?.isOpen ?? false }
    func close() {
        line = nil
        due = []
    }

    /// Asks for a sign of life; a line that gives none is closed.
    func ask() -> StoreError? {
        deadline = Moment.now + Moment.seconds(2)
        do {
            try put("SELECT 1", .quiet())
            PQclear(try drain())
        } catch { close() }
        return nil
    }

    // MARK: transactions

    private static let mostAttempts = 20
    private static let mostAttemptsAtDuplicates = 4

    /// Runs a transaction, anew when others came in between. Throws `Lost` when it may run again on another line.
    func transaction<T>(reads: Bool, for errand: Errand, _ body: (any Connection) throws -> T) throws -> T {
        var attempt = 0
        errand.begin()
        while true {
            attempt += 1
            do { return try once(reads: reads, for: errand, body) } catch let error as StoreError {
                switch error {
                case .duplicate where attempt < Self.mostAttemptsAtDuplicates && !reads:
                    counts.change { $0.retries += 1 }
                case .conflict where attempt < Self.mostAttempts:
                    counts.change { $0.retries += 1 }
                    // Who met once would meet again at the same pace.
                    Thread.sleep(forTimeInterval: Double.random(in: 0.0005...0.002) * Double(attempt))
                default: throw error
                }
            }
        }
    }

    private func once<T>(reads: Bool, for errand: Errand, _ body: (any Connection) throws -> T) throws -> T {
        let value: T
        do {
            try open(
                PostgresLimits.begin(reads: reads, in: errand.lane, isSessionTold: line?.hasOptions ?? false), errand)
            value = try body(self)
            try refuseIfFailed()
        } catch {
            try undo(after: error)
            throw error
        }
        if reads { leave() } else { try commit() }
        return value
    }

    /// Runs writes in one transaction and returns what each was refused with; see `GroupConnection.run`.
    func commit(_ group: [WaitingWrite], apart: Bool) throws -> [(any Error)?] {
        let refusals: [(any Error)?]
        do {
            try open(PostgresLimits.beginGroup(isSessionTold: line?.hasOptions ?? false), nil)
            refusals = try run(group, apart: apart)
            try refuseIfFailed()
        } catch {
            try undo(after: error)
            throw error
        }
        try commit()
        return refusals
    }

    private func open(_ begin: [SQL], _ errand: Errand?) throws {
        deadline = errand?.lane == .long ? Moment.never : Moment.now + Moment.seconds(35)
        self.errand = errand
        failure = nil
        changes = 0
        dropAnswers()
        try makeRoomForStatements()
        opening = begin
    }

    /// COMMIT of a transaction whose statement failed answers ROLLBACK and no error.
    private func refuseIfFailed() throws {
        if failure != nil {
            throw StoreError.statement("a statement of this transaction failed, and its error was passed over")
        }
    }

    /// Ends a transaction that has only read. Nothing is lost if that fails.
    private func leave() {
        defer { dropAnswers() }
        guard opening == nil else {
            opening = nil
            return
        }
        do {
            try put("COMMIT", .quiet())
            try end()
            try line?.push()
        } catch { close() }
    }

    private func commit() throws {
        defer { dropAnswers() }
        guard opening == nil else {
            opening = nil
            return
        }
        errand = nil
        do {
            try put("COMMIT", .wanted)
            let result = try drain()
            defer { PQclear(result) }
            if let tag = PQcmdStatus(result), String(cString: tag) == "ROLLBACK" {
                throw StoreError.statement("the server has undone this transaction")
            }
        } catch let error as StoreError {
            guard isOpen else {
                // It may have been kept; whoever repeats it without asking would do it twice.
                close()
                throw StoreError.outcomeUnknown(error.detail)
            }
            try undo(after: error)
            throw error
        }
        counts.change { $0.commits += 1 }
    }

    /// Takes back what the transaction did; a line on which that fails is closed. Throws `Lost` where the work may be
    /// done on another line.
    private func undo(after error: any Error) throws {
        dropAnswers()
        if isOpen, !isUseless {
            guard opening == nil else {
                opening = nil
                return
            }
            errand = nil
            do {
                // What is unsent fails or not; it is taken back all the same.
                if !due.isEmpty { try end() }
                try put("ROLLBACK", .wanted)
                return PQclear(try drain(passingOverFaults: true))
            } catch { close() }
        }
        close()
        guard let error = error as? StoreError, case .unavailable = error else { return }
        throw Lost(reason: error)
    }

    private func dropAnswers() {
        for answer in asked { PQclear(answer.result) }
        asked = []
    }

    // MARK: groups

    var hasLostTransaction: Bool { !isOpen || isUseless }
    func begin(_ errand: Errand) {
        errand.begin()
        self.errand = errand
    }
    func settle() throws { if !due.isEmpty { PQclear(try drain()) } }
    func dropTexts() {}
    /// What others wrote at the same moment is found by a transaction that begins later.
    func isFinal(_ error: any Error) -> Bool {
        guard let error = error as? StoreError else { return true }
        if case .duplicate = error { return false }
        return !error.isPassing
    }

    // MARK: statements

    @discardableResult
    func run(_ sql: SQL, _ each: (inout Row) throws -> Void) throws -> Int {
        let result: OpaquePointer?
        if let index = asked.firstIndex(where: { $0.sql.text == sql.text && $0.sql.values == sql.values }) {
            result = asked.remove(at: index).result
        } else {
            note(sql)
            try send(sql, .wanted)
            result = try drain()
        }
        defer { PQclear(result) }
        try read(result, each)
        return Int(String(cString: PQcmdTuples(result))) ?? 0
    }

    func later(_ sql: SQL, _ each: ((inout Row) throws -> Void)?) throws {
        note(sql)
        try send(sql, .quiet(each))
        if due.count > Self.mostUnanswered { try settle() }
    }
    private static let mostUnanswered = 200

    func together(_ questions: [(any Connection) throws -> Void]) throws {
        let notes = QuestionNotes(dialect)
        // A question that fails without rows was noted as far as it came.
        for question in questions { try? question(notes) }
        dropAnswers()
        guard notes.asked.count > 1 else { return }
        asked = notes.asked.map { ($0, nil) }
        do {
            for (index, sql) in notes.asked.enumerated() { try send(sql, .asked(index)) }
            PQclear(try drain())
        } catch {
            dropAnswers()
            throw error
        }
    }

    /// Answers that were asked for before something is changed would be old after it.
    private func note(_ sql: SQL) {
        if sql.text.utf8.starts(with: "SELECT".utf8), !sql.text.contains("pg_notify"), !sql.text.contains("setval(") {
            return
        }
        changes += 1
        if !asked.isEmpty { dropAnswers() }
        if sql.text.utf8.starts(with: "ROLLBACK TO".utf8) { failure = nil }
    }

    private func send(_ sql: SQL, _ kind: Due) throws {
        if let begin = opening {
            opening = nil
            for statement in begin { try put(statement, .quiet()) }
        }
        try put(sql, kind)
    }

    private func put(_ sql: SQL, _ kind: Due) throws {
        guard let line else { throw StoreError.unavailable("the line is closed") }
        var name = ""
        switch statements.name(of: sql.text) {
        case .none: break
        case .known(let known): name = known
        case .new(let new):
            name = new
            try line.sendPrepare(new, sql.text)
            statements.keep(new, for: sql.text)
            due.append(.prepared(text: sql.text))
        }
        try send(line, name, sql.text, sql.values)
        due.append(kind)
    }

    /// Values travel as text in one buffer, so that nothing is allocated for each.
    private func send(_ line: PostgresLine, _ name: String, _ text: String, _ values: [SQLValue]) throws {
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
                // PostgreSQL has no NUL in text; whatever carried one was cleaned on its way in, this is the last
                // guard.
                buffer.append(contentsOf: text.utf8.lazy.filter { $0 != 0 }.map { CChar(bitPattern: $0) })
                buffer.append(0)
            }
        }
        try buffer.withUnsafeBufferPointer { bytes in
            let pointers = offsets.map { offset in
                offset.flatMap { position in bytes.baseAddress.map { $0 + position } }
            }
            try line.send(name, text, Int32(values.count), pointers)
        }
    }

    private func end() throws {
        guard let line else { throw StoreError.unavailable("the line is closed") }
        try line.sendEnd()
        due.append(.end)
    }

    /// Sends what is unsent and reads all answers. Returns the one that was wanted; throws what the server has against
    /// the first statement that failed.
    private func drain(passingOverFaults: Bool = false) throws -> OpaquePointer? {
        var wanted: OpaquePointer?
        var fault: (any Error)?
        let worksFor = errand
        do {
            if let obstacle = worksFor?.obstacle { throw obstacle }
            try end()
            guard let line else { throw StoreError.unavailable("the line is closed") }
            try line.flush(until: deadline)
            var answered = 0
            defer { due.removeFirst(answered) }
            for what in due {
                let result = try line.answer(until: deadline, for: &errand)
                answered += 1
                switch PQresultStatus(result) {
                case PGRES_PIPELINE_SYNC: PQclear(result)
                case PGRES_COMMAND_OK, PGRES_TUPLES_OK:
                    if case .wanted = what {
                        wanted = result
                    } else {
                        do { try keep(result, what) } catch { fault = fault ?? error }
                    }
                case let status:
                    // Those behind one that failed are left out by the server, up to the end of what was sent together.
                    if status != PGRES_PIPELINE_ABORTED, fault == nil { fault = self.fault(result, line, worksFor) }
                    if case .prepared(let text) = what { statements.drop(text) }
                    PQclear(result)
                }
            }
        } catch {
            PQclear(wanted)
            // Stopped before anything was sent, the line is as good as before; anywhere else its answers and our
            // questions no longer match.
            if !(error is CancellationError), !Self.isTimeOut(error) { close() }
            throw error
        }
        guard let fault, !passingOverFaults else { return wanted }
        PQclear(wanted)
        changes += 1
        failure = fault as? StoreError ?? .unavailable("\(fault)")
        throw fault
    }

    private static func isTimeOut(_ error: any Error) -> Bool {
        if case StoreError.timedOut = error { true } else { false }
    }

    private func keep(_ result: OpaquePointer?, _ what: Due) throws {
        if case .asked(let index) = what, asked.indices.contains(index) {
            asked[index].result = result
            return
        }
        defer { PQclear(result) }
        if case .quiet(let each?) = what { try read(result, each) }
    }

    private func read(_ result: OpaquePointer?, _ each: (inout Row) throws -> Void) throws {
        for number in 0..<PQntuples(result) {
            guard let result else { break }
            var row = Row(source: .postgres(result, row: number))
            try each(&row)
        }
    }

    private func fault(_ result: OpaquePointer?, _ line: PostgresLine, _ errand: Errand?) -> any Error {
        switch PostgresLine.state(result) {
        case "26000", "42P05": statements.stop()
        case "0A000": statements.forget()
        case "25006", "57P01", "57P02", "57P03": isUseless = true
        case "57014": return errand?.obstacle ?? StoreError.timedOut(errand?.lane ?? .page)
        default: break
        }
        return line.fault(result)
    }

    /// Between transactions: a server that holds enough statements of ours forgets them all.
    private func makeRoomForStatements() throws {
        guard statements.isFull, let line else { return }
        statements.forget()
        // Where a pooler stands between, the names stay with whichever connection has them; no new one is ever the
        // same.
        guard line.hasOptions else { return }
        try line.send("", "DEALLOCATE ALL", 0, [])
        due.append(.quiet())
        // BEGIN may not follow another statement of the same round.
        try end()
    }
}
