import Foundation
import GRDB
import GRDBSQLite

/// Statements that SQLite has planned for one connection, kept by their text: bounded in number and in memory, since no
/// two searches are the same and the plan of a list that is put together from many walks is long; those go that were
/// not used for longest.
final class SQLiteStatements: @unchecked Sendable {
    private let connection: OpaquePointer?
    private var kept: [String: (handle: OpaquePointer, used: UInt64, bytes: Int)] = [:]
    private var bytes = 0
    private var uses: UInt64 = 0
    static let most = 300
    private static let mostBytes = 4 << 20

    /// Used by one thread at a time.
    init(_ connection: OpaquePointer?) { self.connection = connection }

    var count: Int { kept.count }

    func statement(_ text: String) throws -> OpaquePointer {
        uses += 1
        if let index = kept.index(forKey: text) {
            kept.values[index].used = uses
            return kept.values[index].handle
        }
        if kept.count >= Self.most || bytes >= Self.mostBytes { dropHalf() }
        var handle: OpaquePointer?
        let code = sqlite3_prepare_v3(connection, text, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &handle, nil)
        guard code == SQLITE_OK, let handle else {
            throw StoreError(
                sqliteCode: sqlite3_extended_errcode(connection),
                message: sqlite3_errmsg(connection).map { String(cString: $0) } ?? "")
        }
        let size = Int(sqlite3_stmt_status(handle, SQLITE_STMTSTATUS_MEMUSED, 0)) + text.utf8.count
        bytes += size
        kept[text] = (handle, uses, size)
        return handle
    }

    private func dropHalf() {
        let middle = kept.values.map(\.used).sorted()[kept.count / 2]
        // One that is being stepped through stays.
        for (text, statement) in kept where statement.used < middle && sqlite3_stmt_busy(statement.handle) == 0 {
            sqlite3_finalize(statement.handle)
            bytes -= statement.bytes
            kept[text] = nil
        }
    }

    /// Words that were noted by this connection, so that the same are not noted for every ticket; forgotten when
    /// something was undone.
    private var words: Set<String> = []
    private static let mostWords = 50_000

    func unknown(_ some: [String]) -> Set<String> {
        var fresh: Set<String> = []
        for word in some where !words.contains(word) { fresh.insert(word) }
        if words.count + fresh.count > Self.mostWords { words = [] }
        words.formUnion(fresh)
        return fresh
    }
    func forgetWords() { words = [] }

    /// Lets all go, before the connection is closed.
    func clear() {
        for statement in kept.values { sqlite3_finalize(statement.handle) }
        (kept, bytes) = ([:], 0)
    }
}

/// Stops what a connection does when its time is over or nobody waits for it any more (SQLite,
/// `sqlite3_progress_handler`).
final class SQLiteWatch: @unchecked Sendable {
    /// What the connection works for; of its thread only.
    var errand: Errand?
    /// Steps of SQLite's machine between two looks: some tenths of a millisecond.
    private static let steps: Int32 = 4000

    /// The object must outlive the connection.
    func look(after connection: OpaquePointer?) {
        sqlite3_progress_handler(
            connection, Self.steps,
            { context in
                guard let context, let errand = Unmanaged<SQLiteWatch>.fromOpaque(context).takeUnretainedValue().errand
                else { return 0 }
                return errand.obstacle == nil ? 0 : 1
            }, Unmanaged.passUnretained(self).toOpaque())
    }
}

/// One of the threads that read: its connection, with its statements.
final class SQLiteReader {
    private let connection: SQLiteConnection
    private let watch = SQLiteWatch()

    init(_ db: GRDB.Database) {
        watch.look(after: db.sqliteConnection)
        connection = SQLiteConnection(db, statements: SQLiteStatements(db.sqliteConnection), watch: watch)
    }

    /// Reads from one state of the database, whatever is written meanwhile.
    func snapshot<T>(for errand: Errand, _ body: (any Connection) throws -> T) throws -> T {
        errand.begin()
        watch.errand = errand
        defer { watch.errand = nil }
        return try connection.snapshot(body)
    }

    func close() { connection.statements.clear() }
}

/// GRDB's connection behind the desk's interface. Statements are prepared once and kept by their text.
final class SQLiteConnection: Connection, GroupConnection {
    let dialect = Dialect.sqlite
    private let db: GRDB.Database
    /// FTS5 writes out what it holds whenever another statement follows (its xSavepoint), a segment of its own each
    /// time, to be merged with others later. The writer therefore puts all of a commit's texts at its end, in the order
    /// of their keys, and they become one segment.
    private let putsIndexOff: Bool
    let statements: SQLiteStatements
    private let watch: SQLiteWatch
    private var waitingTexts: [(ticket: Int64, work: (any Connection) throws -> Void)] = []

    init(_ db: GRDB.Database, statements: SQLiteStatements, watch: SQLiteWatch, putsIndexOff: Bool = false) {
        self.db = db
        self.statements = statements
        self.watch = watch
        self.putsIndexOff = putsIndexOff
    }

    func writeIndex(of ticket: Int64, _ work: @escaping (any Connection) throws -> Void) throws {
        if putsIndexOff { waitingTexts.append((ticket, work)) } else { try work(self) }
    }

    func settleIndex() throws {
        guard !waitingTexts.isEmpty else { return }
        // One ticket's in the order they came.
        let texts = waitingTexts.enumerated().sorted { ($0.element.ticket, $0.offset) < ($1.element.ticket, $1.offset) }
        waitingTexts = []
        for text in texts { try text.element.work(self) }
    }

    /// Forgets what was put off: it was undone.
    func dropTexts() {
        waitingTexts = []
        statements.forgetWords()
    }

    func unknownWords(_ words: [String]) -> Set<String> { statements.unknown(words) }

    @discardableResult
    func run(_ sql: SQL, _ each: (inout Row) throws -> Void) throws -> Int {
        do {
            let handle = try statements.statement(sql.text)
            sqlite3_reset(handle)
            for (index, value) in sql.values.enumerated() { bind(value, at: Int32(index + 1), of: handle) }
            defer {
                sqlite3_reset(handle)
                sqlite3_clear_bindings(handle)
            }
            var code = sqlite3_step(handle)
            while code == SQLITE_ROW {
                var row = Row(source: .sqlite(handle))
                try each(&row)
                code = sqlite3_step(handle)
            }
            if code == SQLITE_INTERRUPT {
                throw watch.errand?.obstacle ?? StoreError.timedOut(watch.errand?.lane ?? .page)
            }
            guard code == SQLITE_DONE else {
                throw StoreError(sqliteCode: sqlite3_extended_errcode(db.sqliteConnection), message: message)
            }
            return Int(sqlite3_changes(db.sqliteConnection))
        } catch { throw StoreError.mapped(sqlite: error) }
    }

    // MARK: groups

    var changes: Int64 { sqlite3_total_changes64(db.sqliteConnection) + Int64(waitingTexts.count) }
    var hasLostTransaction: Bool { sqlite3_get_autocommit(db.sqliteConnection) != 0 }
    func settle() throws {}
    func begin(_ errand: Errand) {
        errand.begin()
        watch.errand = errand
    }
    func isFinal(_ error: any Error) -> Bool { !((error as? StoreError)?.isPassing ?? false) }

    func snapshot<T>(_ body: (any Connection) throws -> T) throws -> T {
        try execute("BEGIN")
        defer {
            // Nothing was written, so how the transaction ends is all the same.
            if sqlite3_get_autocommit(db.sqliteConnection) == 0 {
                sqlite3_exec(db.sqliteConnection, "COMMIT", nil, nil, nil)
            }
        }
        do { return try body(self) } catch { throw StoreError.mapped(sqlite: error) }
    }

    private var message: String { sqlite3_errmsg(db.sqliteConnection).map { String(cString: $0) } ?? "" }

    private func bind(_ value: SQLValue, at index: Int32, of statement: OpaquePointer) {
        switch value {
        case .null: sqlite3_bind_null(statement, index)
        case .integer(let number): sqlite3_bind_int64(statement, index, number)
        case .text(var text):
            // SQLITE_TRANSIENT: SQLite copies, since the string may move after the call.
            text.withUTF8 { utf8 in
                guard let bytes = utf8.baseAddress, !utf8.isEmpty else {
                    _ = sqlite3_bind_text(statement, index, "", 0, nil)
                    return
                }
                bytes.withMemoryRebound(to: CChar.self, capacity: utf8.count) {
                    _ = sqlite3_bind_text(
                        statement, index, $0, Int32(utf8.count), unsafeBitCast(-1, to: sqlite3_destructor_type.self))
                }
            }
        }
    }
}
