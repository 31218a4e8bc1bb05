import CPostgreSQL
import Foundation
import Logging
import Synchronization

/// PostgreSQL by libpq: a bounded pool of connections, each on a thread of its own.
///
/// Transactions are REPEATABLE READ, so a verb that loaded a ticket and saves it either sees what others did or is run
/// again. A lost connection is opened anew with back-off; a transaction it cut short before COMMIT runs again.
package final class PostgresDatabase: Database {
    package let dialect = Dialect.postgres
    private let address: String
    private let work: WorkQueue<PostgresConnection>
    private let counts = Counts()

    /// - Parameter address: `postgres://user:password@host:port/name`, or libpq's own words.
    package init(address: String, connections: Int = 8, log: Logger) throws {
        let first = PostgresConnection(address: address)
        do { try first.open() } catch let error as StoreError {
            // A server that is away comes back; a wrong address or password does not.
            guard case .unavailable = error else { throw error }
            log.warning("the database does not answer yet", metadata: ["detail": "\(error)"])
        }
        self.address = address
        work = WorkQueue()
        for number in 0..<connections {
            let connection = number == 0 ? first : PostgresConnection(address: address)
            let box = ConnectionBox(connection)
            let thread = Thread { [work] in
                while let job = work.take() { job(box.connection) }
                box.connection.close()
            }
            thread.stackSize = 4 << 20
            thread.name = "usher-postgres-\(number)"
            thread.start()
        }
    }

    package func read<T: Sendable>(_ body: @escaping @Sendable (any Connection) throws -> T) async throws -> T {
        try await transaction(begin: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", reads: true, body)
    }

    package func write<T: Sendable>(_ body: @escaping @Sendable (any Connection) throws -> T) async throws -> T {
        try await transaction(begin: "BEGIN ISOLATION LEVEL REPEATABLE READ", reads: false, body)
    }

    package func listen(_ channel: String, _ heard: @escaping @Sendable (String) -> Void) -> (any Listening)? {
        PostgresListener(address: address, channel: channel, heard)
    }

    package func lock(_ name: String) async -> (any HeldLock)? { await PostgresLock.take(name, at: address) }

    package func close() async { work.stop() }
    package var measures: DatabaseMeasures { counts.values.withLock { $0 } }

    private func transaction<T: Sendable>(
        begin: String, reads: Bool, _ body: @escaping @Sendable (any Connection) throws -> T
    ) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            let accepted = work.put { [counts] connection in
                counts.values.withLock { if reads { $0.reads += 1 } else { $0.writes += 1 } }
                continuation.resume(with: Result { try connection.transaction(begin: begin, counts: counts, body) })
            }
            if !accepted { continuation.resume(throwing: StoreError.unavailable("the database is closed")) }
        }
    }
}

private final class Counts: Sendable {
    let values = Mutex(DatabaseMeasures())
}

/// Hands a connection to the one thread that uses it from then on.
private struct ConnectionBox: @unchecked Sendable {
    let connection: PostgresConnection
    init(_ connection: PostgresConnection) { self.connection = connection }
}

/// One libpq connection. Used by one thread only.
private final class PostgresConnection: Connection {
    let dialect = Dialect.postgres
    private let address: String
    private var handle: OpaquePointer?
    private var prepared: [String: String] = [:]

    init(address: String) { self.address = address }

    // MARK: opening

    func open() throws {
        close()
        guard let handle = PQconnectdb(address) else { throw StoreError.unavailable("no memory for a connection") }
        guard PQstatus(handle) == CONNECTION_OK else {
            let message = String(cString: PQerrorMessage(handle))
            let wrong = PQconnectionNeedsPassword(handle) == 1 || message.contains("authentication failed") || message.contains("does not exist")
                || message.contains("invalid")
            PQfinish(handle)
            throw wrong ? StoreError.statement(message) : StoreError.unavailable(message)
        }
        self.handle = handle
        prepared = [:]
        PQsetNoticeProcessor(handle, { _, _ in }, nil)
        try command("SET client_encoding = 'UTF8'; SET timezone = 'UTC'; SET idle_in_transaction_session_timeout = '60s'")
    }

    func close() {
        if let handle { PQfinish(handle) }
        handle = nil
    }

    // MARK: transactions

    private static let mostAttempts = 20
    private static let mostAttemptsAtDuplicates = 4
    private static let longestWait: TimeInterval = 4

    func transaction<T>(begin: String, counts: Counts, _ body: (any Connection) throws -> T) throws -> T {
        let started = ContinuousClock.now
        var attempt = 0
        while true {
            attempt += 1
            do { return try once(begin: begin, body) } catch let error as StoreError {
                switch error {
                case .duplicate where attempt < Self.mostAttemptsAtDuplicates: counts.values.withLock { $0.retries += 1 }
                case .conflict where attempt < Self.mostAttempts:
                    counts.values.withLock { $0.retries += 1 }
                    // Who met once would meet again at the same pace.
                    Thread.sleep(forTimeInterval: Double.random(in: 0.0005...0.002) * Double(attempt))
                case .unavailable where started.duration(to: .now) < .seconds(Self.longestWait):
                    counts.values.withLock { $0.reconnects += 1 }
                    close()
                    Thread.sleep(forTimeInterval: min(0.05 * Double(attempt * attempt), 1))
                default: throw error
                }
            }
        }
    }

    private func once<T>(begin: String, _ body: (any Connection) throws -> T) throws -> T {
        if handle == nil || PQstatus(handle) != CONNECTION_OK { try open() }
        try command(begin)
        let value: T
        do { value = try body(self) } catch {
            if PQstatus(handle) == CONNECTION_OK { try? command("ROLLBACK") } else { close() }
            throw error
        }
        do { try command("COMMIT") } catch let error as StoreError {
            if case .unavailable(let message) = error {
                close()
                throw StoreError.outcomeUnknown(message)
            }
            try? command("ROLLBACK")
            throw error
        }
        return value
    }

    private func command(_ text: String) throws {
        let result = PQexec(handle, text)
        defer { PQclear(result) }
        let status = PQresultStatus(result)
        guard status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK else { throw fault(result) }
        // COMMIT of a failed transaction answers ROLLBACK and no error.
        if text == "COMMIT", let tag = PQcmdStatus(result), String(cString: tag) == "ROLLBACK" {
            throw StoreError.statement("the transaction had failed")
        }
    }

    // MARK: statements

    @discardableResult
    func run(_ sql: SQL, _ each: (inout Row) throws -> Void) throws -> Int {
        let name = try prepare(sql.text)
        let result = execute(name, sql.text, sql.values)
        defer { PQclear(result) }
        let status = PQresultStatus(result)
        guard status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK else { throw fault(result) }
        for number in 0..<PQntuples(result) {
            guard let result else { break }
            var row = Row(source: .postgres(result, row: number))
            try each(&row)
        }
        return Int(String(cString: PQcmdTuples(result))) ?? 0
    }

    /// The name of a statement that is planned once; empty for a search by text, which is planned anew each time: whether its words are common or
    /// rare decides whether the tickets or the index are walked.
    private func prepare(_ text: String) throws -> String {
        if let name = prepared[text] { return name }
        guard !text.contains(" @@ ") else {
            prepared[text] = ""
            return ""
        }
        let name = "s\(prepared.count)"
        let result = PQprepare(handle, name, text, 0, nil)
        defer { PQclear(result) }
        guard PQresultStatus(result) == PGRES_COMMAND_OK else { throw fault(result) }
        prepared[text] = name
        return name
    }

    /// Values travel as text in one buffer, so that nothing is allocated for each.
    private func execute(_ name: String, _ text: String, _ values: [SQLValue]) -> OpaquePointer? {
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
        return buffer.withUnsafeBufferPointer { bytes in
            let pointers = offsets.map { offset in offset.flatMap { position in bytes.baseAddress.map { $0 + position } } }
            if name.isEmpty { return PQexecParams(handle, text, Int32(values.count), nil, pointers, nil, nil, 0) }
            return PQexecPrepared(handle, name, Int32(values.count), pointers, nil, nil, 0)
        }
    }

    private func fault(_ result: OpaquePointer?) -> StoreError {
        let message = result.flatMap { PQresultErrorMessage($0) }.map { String(cString: $0) }
            ?? handle.flatMap { PQerrorMessage($0) }.map { String(cString: $0) } ?? "no answer"
        let state = result.flatMap { PQresultErrorField($0, Int32(UInt8(ascii: "C"))) }.map { String(cString: $0) } ?? ""
        if state.isEmpty || PQstatus(handle) != CONNECTION_OK { return .unavailable(message) }
        // PostgreSQL, Appendix A: classes and codes.
        switch state {
        case "40001", "40P01": return .conflict(message)
        case "23505": return .duplicate(message)
        case "53100": return .full(message)
        case "57P01", "57P02", "57P03", "25006": return .unavailable(message)
        default:
            switch state.prefix(2) {
            case "08", "53": return .unavailable(message)
            case "23": return .constraint(message)
            default: return .statement(message)
            }
        }
    }
}
