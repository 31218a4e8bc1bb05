import CPostgreSQL
import Foundation
import Synchronization

/// Nanoseconds that only go forward; not the time of day.
enum Moment {
    static var now: UInt64 { DispatchTime.now().uptimeNanoseconds }
    static let never = UInt64.max
    static func seconds(_ number: Double) -> UInt64 { UInt64(number * 1_000_000_000) }
}

/// What others may know of a line while its thread waits: since when, and whether it should go on waiting.
final class LinePulse: Sendable {
    /// When the wait that is going on began; 0 while nothing is waited for.
    let since = Atomic<UInt64>(0)
    private let givenUp = Atomic<Bool>(false)
    /// A line that is being opened may be kept waiting by a pooler; that says nothing of the others.
    let isOpening = Atomic<Bool>(true)
    /// The server's process, where it is known to be the one behind this line; a pooler tells another number.
    let backend = Atomic<Int32>(0)

    var isGivenUp: Bool { givenUp.load(ordering: .relaxed) }
    /// Has the line's thread stop waiting, within a tenth of a second; the line is closed.
    func giveUp() { givenUp.store(true, ordering: .relaxed) }
}

/// One libpq connection that never waits without end: everything is sent and awaited with a deadline (PostgreSQL 15,
/// sections 34.2 and 34.4). Used by one thread only.
final class PostgresLine {
    let pulse: LinePulse
    private let handle: OpaquePointer
    /// When the server was last heard by any line of its pool.
    private let heard: Heard?
    /// Whether the server was told the session's limits when the line was opened.
    let hasOptions: Bool
    private static let tick: UInt64 = 50_000_000

    private init(_ handle: OpaquePointer, _ pulse: LinePulse, _ heard: Heard?, hasOptions: Bool) {
        self.handle = handle
        self.pulse = pulse
        self.heard = heard
        self.hasOptions = hasOptions
    }
    deinit { PQfinish(handle) }

    var isOpen: Bool { PQstatus(handle) == CONNECTION_OK }
    var socket: Int32 { PQsocket(handle) }

    // MARK: opening

    /// Opens a line to the first host that answers and is what the address asks for.
    ///
    /// Throws `.misconfigured` where the server refuses the user, the password or the database, else `.unavailable`.
    static func open(
        _ address: PostgresAddress, pulse: LinePulse = LinePulse(), heard: Heard? = nil, atMost: UInt64 = Moment.never
    ) throws -> PostgresLine {
        var fault = StoreError.unavailable("no host is named")
        for host in address.hosts {
            for withOptions in address.takesOptions.load() ? [true, false] : [false] {
                do {
                    return try open(host, withOptions: withOptions, pulse, heard, min(address.connecting, atMost))
                } catch let error as StoreError {
                    // The first host that has something to say about us counts more than a later one that is silent.
                    if case .misconfigured = fault {} else { fault = error }
                    // A pooler says so of words it does not pass on; without them it goes.
                    guard withOptions, case .misconfigured(let words) = error,
                        words.contains("startup parameter") || words.contains("options")
                    else { break }
                    address.takesOptions.store(false)
                    fault = .unavailable(words)
                }
            }
        }
        throw fault
    }

    private static func open(
        _ host: [(keyword: String, value: String)], withOptions: Bool, _ pulse: LinePulse, _ heard: Heard?,
        _ atMost: UInt64
    ) throws -> PostgresLine {
        let words = PostgresAddress.words(host, withOptions: withOptions)
        let keywords = words.map { strdup($0.keyword) }
        let values = words.map { strdup($0.value) }
        defer { for text in keywords + values { free(text) } }
        let started = PQconnectStartParams(
            keywords.map { UnsafePointer($0) } + [nil], values.map { UnsafePointer($0) } + [nil], 0)
        guard let handle = started else { throw StoreError.unavailable("there is no memory for a connection") }
        let line = PostgresLine(handle, pulse, heard, hasOptions: withOptions)
        let deadline = Moment.now &+ atMost
        var next = PGRES_POLLING_WRITING
        while next != PGRES_POLLING_OK {
            guard PQstatus(handle) != CONNECTION_BAD, next != PGRES_POLLING_FAILED else { throw line.refusal() }
            try line.wait(for: next == PGRES_POLLING_READING ? Int16(POLLIN) : Int16(POLLOUT), until: deadline)
            next = PQconnectPoll(handle)
        }
        PQsetNoticeProcessor(handle, { _, _ in }, nil)
        guard PQsetnonblocking(handle, 1) == 0 else { throw StoreError.unavailable("the line cannot be set up") }
        // Only a server answers with the number it gave when it was opened; this is also the first proof that there is
        // one behind a pooler.
        let answer = try line.query("SELECT pg_backend_pid()", until: deadline)
        defer { PQclear(answer) }
        guard PQresultStatus(answer) == PGRES_TUPLES_OK, let text = PQgetvalue(answer, 0, 0),
            let pid = Int32(String(cString: text))
        else { throw fault(answer, handle) }
        if pid == PQbackendPID(handle) { pulse.backend.store(pid, ordering: .relaxed) }
        return line
    }

    /// Why the connection was not made: what the server said of us does not mend itself, what the network did may.
    private func refusal() -> StoreError {
        let words =
            PQerrorMessage(handle).map { String(cString: $0).trimmingCharacters(in: .whitespacesAndNewlines) } ?? ""
        let ours = [
            "password", "authentication", "does not exist", "no such database", "no such user", "pg_hba.conf",
            "startup parameter", "invalid", "certificate", "options",
        ]
        let isOurs = PQconnectionNeedsPassword(handle) == 1 || ours.contains { words.contains($0) }
        return isOurs ? .misconfigured(words) : .unavailable(words)
    }

    // MARK: asking

    /// Sends text without values, several statements perhaps, and returns the last result, or the first that failed.
    /// The caller clears it.
    func query(_ text: String, until deadline: UInt64) throws -> OpaquePointer? {
        guard PQsendQuery(handle, text) == 1 else { throw broken() }
        return try result(until: deadline)
    }

    // MARK: many at once

    /// From now on statements are sent without waiting for the answers to those before (PostgreSQL 15, section 34.5).
    func enterPipeline() throws { guard PQenterPipelineMode(handle) == 1 else { throw broken() } }

    func sendPrepare(_ name: String, _ text: String) throws {
        guard PQsendPrepare(handle, name, text, 0, nil) == 1 else { throw broken() }
    }

    /// Sends a prepared statement, or where the name is empty the text itself.
    func send(_ name: String, _ text: String, _ count: Int32, _ values: [UnsafePointer<CChar>?]) throws {
        let sent =
            name.isEmpty
            ? PQsendQueryParams(handle, text, count, nil, values, nil, nil, 0)
            : PQsendQueryPrepared(handle, name, count, values, nil, nil, 0)
        guard sent == 1 else { throw broken() }
    }

    /// Ends what is sent together: after a failure the server leaves out all until here.
    func sendEnd() throws { guard PQpipelineSync(handle) == 1 else { throw broken() } }

    /// Hands over to the network what it takes at once; the rest goes with `flush`.
    func push() throws { guard PQflush(handle) >= 0 else { throw broken() } }

    /// The answer to the next thing that was sent. The caller clears it.
    ///
    /// - Parameter errand: what is stopped on the server when its time is over or nobody waits for it; nil once that
    ///   was done.
    func answer(until deadline: UInt64, for errand: inout Errand?) throws -> OpaquePointer? {
        pulse.since.store(Moment.now, ordering: .relaxed)
        defer { pulse.since.store(0, ordering: .relaxed) }
        guard let first = try next(until: deadline, for: &errand) else { throw broken() }
        if PQresultStatus(first) != PGRES_PIPELINE_SYNC {
            do { while let more = try next(until: deadline, for: &errand) { PQclear(more) } } catch {
                PQclear(first)
                throw error
            }
        }
        heard?.note()
        return first
    }

    private func next(until deadline: UInt64, for errand: inout Errand?) throws -> OpaquePointer? {
        var deadline = deadline
        while PQisBusy(handle) == 1 {
            if drainsTLS() { continue }
            if try !wait(for: Int16(POLLIN), until: deadline, unless: errand) {
                try cancel()
                errand = nil
                deadline = min(deadline, Moment.now + Self.stopping)
            }
            guard PQconsumeInput(handle) == 1 else { throw broken() }
        }
        return PQgetResult(handle)
    }
    /// How long the server may take to stop a statement.
    private static let stopping = Moment.seconds(2)

    /// Has the server stop the statement it runs for this line, which then answers with an error (PostgreSQL 15,
    /// section 34.7).
    ///
    /// This is the one call of libpq that waits by itself, so it has a thread of its own. A line on which it does not
    /// end in time is of no use any more: the next statement might be stopped instead.
    private func cancel() throws {
        guard let request = PQgetCancel(handle) else { throw broken() }
        nonisolated(unsafe) let sent = request
        let ended = DispatchSemaphore(value: 0)
        let thread = Thread {
            var words = [CChar](repeating: 0, count: 256)
            // Where it cannot be sent, the answer does not come in time and the line is closed.
            PQcancel(sent, &words, 256)
            PQfreeCancel(sent)
            ended.signal()
        }
        thread.name = "usher-cancel"
        thread.start()
        guard ended.wait(timeout: .now() + 2) == .success else {
            throw StoreError.unavailable("the database does not stop a statement")
        }
    }

    /// Sends all that was put together so far.
    func flush(until deadline: UInt64) throws {
        pulse.since.store(Moment.now, ordering: .relaxed)
        defer { pulse.since.store(0, ordering: .relaxed) }
        var unsent = PQflush(handle)
        while unsent == 1 {
            try wait(for: Int16(POLLIN | POLLOUT), until: deadline)
            guard PQconsumeInput(handle) == 1 else { throw broken() }
            unsent = PQflush(handle)
        }
        guard unsent == 0 else { throw broken() }
    }

    // MARK: one at a time

    /// The first column of all rows, whole numbers.
    func numbers(_ text: String, until deadline: UInt64) throws -> Set<Int32> {
        let answer = try query(text, until: deadline)
        defer { PQclear(answer) }
        guard PQresultStatus(answer) == PGRES_TUPLES_OK else { throw fault(answer) }
        return Set(
            (0..<PQntuples(answer)).compactMap { PQgetvalue(answer, $0, 0).flatMap { Int32(String(cString: $0)) } })
    }

    private func result(until deadline: UInt64) throws -> OpaquePointer? {
        try flush(until: deadline)
        pulse.since.store(Moment.now, ordering: .relaxed)
        defer { pulse.since.store(0, ordering: .relaxed) }
        var kept: OpaquePointer?
        do {
            while true {
                while PQisBusy(handle) == 1 {
                    if drainsTLS() { continue }
                    try wait(for: Int16(POLLIN), until: deadline)
                    guard PQconsumeInput(handle) == 1 else { throw broken() }
                }
                guard let next = PQgetResult(handle) else { break }
                let failed = kept.map { PQresultStatus($0) == PGRES_FATAL_ERROR } ?? false
                PQclear(failed ? next : kept)
                if !failed { kept = next }
            }
        } catch {
            PQclear(kept)
            throw error
        }
        heard?.note()
        return kept
    }

    /// Bytes that TLS has decrypted but libpq has not taken yet make no socket readable. True when there is no more to
    /// wait for.
    private func drainsTLS() -> Bool {
        guard PQsslInUse(handle) == 1 else { return false }
        for _ in 0..<3 where PQconsumeInput(handle) == 1 && PQisBusy(handle) == 0 { return true }
        return false
    }

    /// Hands over what was announced on channels this line listens to, after waiting for so many milliseconds at most.
    func notifications(waiting milliseconds: Int32, _ each: (String) -> Void) throws {
        var waiting = pollfd(fd: PQsocket(handle), events: Int16(POLLIN), revents: 0)
        guard poll(&waiting, 1, milliseconds) >= 0 || errno == EINTR, PQconsumeInput(handle) == 1 else {
            throw broken()
        }
        while let notice = PQnotifies(handle) {
            each(String(cString: notice.pointee.extra))
            PQfreemem(notice)
        }
    }

    /// False when an errand may not go on.
    @discardableResult
    private func wait(for events: Int16, until deadline: UInt64, unless errand: Errand? = nil) throws -> Bool {
        while true {
            if let errand, errand.obstacle != nil { return false }
            if pulse.isGivenUp { throw StoreError.unavailable("the database has stopped answering") }
            let now = Moment.now
            guard now < deadline else { throw StoreError.unavailable("the database did not answer in time") }
            var waiting = pollfd(fd: PQsocket(handle), events: events, revents: 0)
            let ready = poll(&waiting, 1, Int32((min(deadline - now, Self.tick) + 999_999) / 1_000_000))
            if ready > 0 { return true }
            if ready < 0, errno != EINTR { throw broken() }
        }
    }

    private func broken() -> StoreError {
        .unavailable(
            PQerrorMessage(handle).map { String(cString: $0).trimmingCharacters(in: .whitespacesAndNewlines) }
                ?? "the line is gone")
    }

    // MARK: faults

    /// Five characters (PostgreSQL 15, appendix A); empty where the server said nothing.
    static func state(_ result: OpaquePointer?) -> String {
        result.flatMap { PQresultErrorField($0, Int32(UInt8(ascii: "C"))) }.map { String(cString: $0) } ?? ""
    }
    func fault(_ result: OpaquePointer?) -> StoreError { Self.fault(result, handle) }

    private static func fault(_ result: OpaquePointer?, _ handle: OpaquePointer) -> StoreError {
        let words = result.flatMap { PQresultErrorMessage($0) } ?? PQerrorMessage(handle)
        let message = words.map { String(cString: $0).trimmingCharacters(in: .whitespacesAndNewlines) } ?? "no answer"
        let state = state(result)
        if state.isEmpty || PQstatus(handle) != CONNECTION_OK { return .unavailable(message) }
        switch state {
        // The last two: a name that a pooler gave to another connection's statement; a plan that a migration made old.
        case "40001", "40P01", "26000", "42P05": return .conflict(message)
        case "0A000" where message.contains("cached plan"): return .conflict(message)
        case "23505": return .duplicate(message)
        case "53100": return .full(message)
        case "42501":
            return .misconfigured(
                """
                \(message). The role of USHER_DATABASE must own the database, or have the right to create tables in \
                its schema: GRANT CREATE, USAGE ON SCHEMA public TO …
                """)
        case "57014": return .timedOut(.page)
        // Shutting down; read only after a failover; a lock that was waited for too long.
        case "57P01", "57P02", "57P03", "57P05", "25006", "55P03": return .unavailable(message)
        default:
            switch state.prefix(2) {
            case "08", "53": return .unavailable(message)
            case "23": return .constraint(message)
            default: return .statement(message)
            }
        }
    }
}

/// When a server last answered, on whichever line.
final class Heard: Sendable {
    private let at = Atomic<UInt64>(0)
    func note() { at.store(Moment.now, ordering: .relaxed) }
    var last: UInt64 { at.load(ordering: .relaxed) }
}
