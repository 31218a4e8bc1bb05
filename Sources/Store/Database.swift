import Primitives

/// Where the desk is kept: SQLite or PostgreSQL, one interface.
///
/// A closure runs inside one transaction on the database's own thread. It has no side effects outside the database,
/// since it may run again after a serialization failure, a deadlock or a lost connection.
package protocol Database: Sendable {
    var dialect: Dialect { get }
    /// Reads from one consistent snapshot. It is stopped when its lane's time is over, when its task is cancelled, and
    /// when its caller is gone.
    ///
    /// - Parameter lane: what the read is for; nil is the lane of the task, or of the database.
    func read<T: Sendable>(_ lane: Lane?, _ body: @escaping @Sendable (any Connection) throws -> T) async throws -> T
    /// Writes; returns only after the change would survive a loss of power. It goes on when its caller is gone.
    @discardableResult
    func write<T: Sendable>(_ body: @escaping @Sendable (any Connection) throws -> T) async throws -> T
    /// Waits for what runs, then lets the files or connections go.
    func close() async
    /// Figures for `/metrics`.
    var measures: DatabaseMeasures { get }
    /// Hears what other processes say on a channel; nil where the engine has no such thing.
    func listen(_ channel: String, _ heard: @escaping @Sendable (Heeded) -> Void) -> (any Listening)?
    /// Nil while another program on the same database holds it.
    func lock(_ name: String) async throws -> (any HeldLock)?
    /// Whether another program holds any of these locks, or did so some seconds ago.
    func isInUse() async throws -> Bool
    /// Asks for a first answer; throws what stands against it.
    func answers() async throws
    /// Whether it is known just now that there will be no answer.
    var isAway: Bool { get }
    /// What an operator should know of how the database is reached: a sentence, and advice where something is not as it
    /// should be.
    func remarks() async throws -> [(what: String, advice: String?)]
}

private struct OwnLock: HeldLock {
    func isHeld() async -> Bool { true }
    func hold(in db: any Connection) throws {}
    func release() async {}
}

/// Something only one program does at a time. It is a lease: who stops renewing it, since it is frozen or cut off,
/// loses it to another.
package protocol HeldLock: Sendable {
    /// Renews it; false when it was lost.
    func isHeld() async -> Bool
    /// Makes a transaction depend on it: throws `StoreError.unavailable` when it was lost, and keeps others from taking
    /// it until the transaction ends.
    func hold(in db: any Connection) throws
    func release() async
}

/// What a listener hears.
package enum Heeded: Sendable {
    case message(String)
    /// The channel is listened to from now on; what was said before is not known.
    case began
    /// The line was lost: until it begins anew nothing is heard.
    case ended
}

extension Database {
    /// The files belong to one program.
    package func lock(_ name: String) async throws -> (any HeldLock)? { OwnLock() }
    package func isInUse() async throws -> Bool { false }
    package func listen(_ channel: String, _ heard: @escaping @Sendable (Heeded) -> Void) -> (any Listening)? { nil }
    package func read<T: Sendable>(_ body: @escaping @Sendable (any Connection) throws -> T) async throws -> T {
        try await read(nil, body)
    }
    package func answers() async throws { _ = try await read(.health) { try $0.value("SELECT 1", as: Int64.self) } }
    package var isAway: Bool { false }
}

/// A channel that is listened to until it is stopped.
package protocol Listening: Sendable {
    func stop()
}

/// What a database counted since it was opened.
package struct DatabaseMeasures: Sendable {
    package var reads = 0
    package var writes = 0
    /// Durable commits; fewer than writes where several shared one.
    package var commits = 0
    package var retries = 0
    package var reconnects = 0
    /// Connections that are open now; 0 where the engine has none.
    package var connections = 0
    package init() {}
}

/// One connection inside a transaction. Valid only inside the closure it was handed to.
package protocol Connection: AnyObject {
    var dialect: Dialect { get }
    /// Runs one statement, hands each row over, and returns how many rows it changed.
    @discardableResult
    func run(_ sql: SQL, _ each: (inout Row) throws -> Void) throws -> Int
    /// Writes to the full-text index of one ticket; an engine may put it off until just before the commit.
    func writeIndex(of ticket: Int64, _ work: @escaping (any Connection) throws -> Void) throws
    /// Does what was put off, so that it can be searched in this transaction.
    func settleIndex() throws
    /// Those of some words that may not be in the list of all words yet, each once.
    func unknownWords(_ words: [String]) -> Set<String>
    /// Runs a statement whose result is not needed at once. An engine behind a network sends it with the next one: its
    /// rows are handed over until the commit, and what the server has against it is thrown by a later statement, or by
    /// the commit.
    func later(_ sql: SQL, _ each: ((inout Row) throws -> Void)?) throws
    /// Asks several independent things in one round trip, where the engine is behind a network. Each question is tried
    /// out on a connection that has no rows and only notes what is asked; whoever then asks the same of this
    /// connection, in any order, finds the answer here.
    func together(_ questions: [(any Connection) throws -> Void]) throws
}

extension Connection {
    package func writeIndex(of ticket: Int64, _ work: @escaping (any Connection) throws -> Void) throws {
        try work(self)
    }
    package func settleIndex() throws {}
    package func unknownWords(_ words: [String]) -> Set<String> { Set(words) }
    package func later(_ sql: SQL, _ each: ((inout Row) throws -> Void)?) throws { try run(sql) { try each?(&$0) } }
    package func together(_ questions: [(any Connection) throws -> Void]) throws {}
}

extension Connection {
    package func later(_ sql: SQL) throws { try later(sql, nil) }
    /// Reads with as few round trips as there are statements that depend on the rows of others. It may run twice, and
    /// has no effect but its result.
    package func inOneRound<T>(_ body: (any Connection) throws -> T) throws -> T {
        try withoutActuallyEscaping(body) { body in try together([{ _ = try body($0) }]) }
        return try body(self)
    }
}

extension Connection {
    /// All rows.
    package func query<T>(_ sql: SQL, _ decode: (inout Row) throws -> T) throws -> [T] {
        var rows: [T] = []
        try run(sql) { rows.append(try decode(&$0)) }
        return rows
    }
    /// The first row, or nil.
    package func first<T>(_ sql: SQL, _ decode: (inout Row) throws -> T) throws -> T? {
        var found: T?
        try run(sql) { row in if found == nil { found = try decode(&row) } }
        return found
    }
    /// The first column of the first row, or nil.
    package func value<T: SQLReadable>(_ sql: SQL, as type: T.Type = T.self) throws -> T? {
        try first(sql) { try $0.read() }
    }
    /// Changes rows and returns how many.
    @discardableResult
    package func execute(_ sql: SQL) throws -> Int { try run(sql) { _ in } }

    /// Inserts a row under a key that was taken before, without waiting for it. Where there is none, the statement's
    /// `RETURNING id` tells the key.
    package func insert<T>(under key: ID<T>?, _ sql: SQL) throws -> ID<T> {
        guard let key else { return try insert(sql) }
        try later(sql)
        return key
    }

    /// The key of the row an `INSERT … RETURNING id` made.
    package func insert<T>(_ sql: SQL, as type: T.Type = T.self) throws -> ID<T> {
        guard let id: ID<T> = try value(sql) else { throw StoreError.unreadable("an insert returned no key") }
        return id
    }
}

/// A row being read, column after column in the order of the statement.
package struct Row: ~Copyable {
    let source: RowSource
    var next: Int32 = 0

    init(source: RowSource) { self.source = source }

    package mutating func read<T: SQLReadable>(_ type: T.Type = T.self) throws -> T {
        let column = Column(source: source, index: next)
        next += 1
        return try T.read(column)
    }

    /// Hands a text column's UTF-8 over without making a string of it; false for null.
    @discardableResult
    package mutating func withText(_ body: (UnsafeBufferPointer<UInt8>) -> Void) -> Bool {
        let column = Column(source: source, index: next)
        next += 1
        return column.withText(body)
    }
    /// A whole number or null: what `read` gives, without a generic call for each of a long list's columns.
    package mutating func integer() throws -> Int64? {
        let column = Column(source: source, index: next)
        next += 1
        return column.isNull ? nil : try column.integer()
    }
    package mutating func skip() { next += 1 }
}

/// What went wrong below the desk's own rules.
package enum StoreError: Error, Equatable {
    /// The database cannot be reached or is shutting down: try again later.
    case unavailable(String)
    /// The address, the user or the password is refused: the operator's setting is wrong.
    case misconfigured(String)
    /// No room left on the disk.
    case full(String)
    /// A constraint of the schema refused the change; the detail names it.
    case constraint(String)
    /// A value that may stand only once is there already. Where somebody else just wrote it, the closure finds it when
    /// it is run again.
    case duplicate(String)
    /// Somebody else changed the same rows at the same moment; the caller's closure is run again.
    case conflict(String)
    /// It took longer than its lane allows, and was stopped.
    case timedOut(Lane)
    /// Too much of its kind is under way or waits already.
    case busy(String)
    /// The connection was lost while committing: the change may or may not have been kept.
    case outcomeUnknown(String)
    /// A statement the engine does not accept: a fault of ours.
    case statement(String)
    /// A value in the database that this program cannot read.
    case unreadable(String)
    /// The database was written by a newer program.
    case newerDatabase(String)

    /// Whether the same request may succeed later.
    package var isPassing: Bool {
        switch self {
        case .unavailable, .misconfigured, .full, .conflict, .outcomeUnknown, .timedOut, .busy: true
        default: false
        }
    }

    /// What the engine said, for the log and the operator.
    package var detail: String {
        switch self {
        case .unavailable(let words), .misconfigured(let words), .full(let words), .constraint(let words),
            .duplicate(let words), .conflict(let words),
            .outcomeUnknown(let words), .busy(let words), .statement(let words), .unreadable(let words),
            .newerDatabase(let words):
            words
        case .timedOut(let lane): "it took longer than allowed (\(lane))"
        }
    }
}
