import Foundation
import Logging
import Synchronization

/// Connections on threads of their own, opened when they are needed, and the work that waits for them.
///
/// A thread takes work only once its line is open, so that a server that cannot be reached holds up nobody but the
/// thread itself. Another thread, which never waits for the server, watches the time: it lets work go that waited too
/// long, and when nothing was heard though somebody waits, it declares the database away. Then every line is given up,
/// work is refused at once, and only a probe asks until there is an answer again.
final class PostgresPool: Sendable {
    /// A class, so that what others change during a wait is read anew after it.
    private final class State: @unchecked Sendable {
        var jobs: PostgresJobs
        /// Threads with an open line and nothing to do.
        var idle = 0
        /// Threads that are opening a line.
        var opening = 0
        var open = 0
        var pulses: [ObjectIdentifier: LinePulse] = [:]
        /// When the trouble began that is going on, and when the database was declared away.
        var troubleSince: UInt64?
        var awaySince: UInt64?
        /// What was wrong when it was last asked.
        var reason = ""
        /// Set while the server refuses us for what the operator set: there is no use in waiting.
        var refusal: StoreError?
        /// Until when no further line is opened, the server having no room for one.
        var fullUntil: UInt64 = 0
        var saidSmaller = false
        var wantsProbe = false
        var stopped = false
        var threads = 0
        init(_ jobs: PostgresJobs) { self.jobs = jobs }
    }
    private let state: Guarded<State>
    /// Threads with a line wait on the first, threads without one on the second, the probe on the third.
    private enum Waiting { static let work = 0, need = 1, probe = 2 }

    private let address: PostgresAddress
    private let size: Int
    private let log: Logger
    let heard = Heard()
    let counts = Counts()
    /// Work that may wait at once.
    static let mostWaiting = 2000
    /// Silence that makes somebody ask, and as much again that counts as an answer.
    private let silence: UInt64
    /// How long a connection may take to be opened before the server counts as having no room for it.
    private static let room = Moment.seconds(4)

    /// - Parameter lane: an operator's command has nobody else who waits: a machine that is busy with it may answer
    ///   late.
    init(_ address: PostgresAddress, size: Int, lane: Lane, log: Logger) {
        silence = Moment.seconds(lane == .long ? 30 : 0.6)
        self.address = address
        self.size = size
        self.log = log
        // Half of the connections are never taken by searches and reports.
        state = Guarded(State(PostgresJobs(searches: max(1, size / 2))), conditions: 3)
    }

    func start() {
        for number in 0..<size { thread("usher-postgres-\(number)") { [self] in work() } }
        thread("usher-postgres-watch") { [self] in watch() }
        thread("usher-postgres-probe") { [self] in probe() }
    }

    private func thread(_ name: String, _ body: @escaping @Sendable () -> Void) {
        state.with { $0.threads += 1 }
        let thread = Thread { [self] in
            body()
            state.with { $0.threads -= 1 }
        }
        thread.stackSize = 4 << 20
        thread.name = name
        thread.start()
    }

    // MARK: the callers' side

    func put(_ job: PostgresJob) {
        let refusal: StoreError? = state.with { state in
            if state.stopped { return .unavailable("the database is closed") }
            if let refusal = state.refusal { return refusal }
            // Who comes when it has been away for long is not made to wait.
            if let away = state.awaySince, Moment.now - away > job.patience { return .unavailable(state.reason) }
            guard state.jobs.count < Self.mostWaiting else { return .busy("too many requests wait for the database") }
            let isTaken = state.jobs.isTaken(job)
            if let refusal = state.jobs.add(job) { return refusal }
            // One that has to wait for others of its kind is taken by whoever ends one of them.
            if isTaken { wake(state) }
            return nil
        }
        if let refusal { job.fail(refusal) }
    }

    private func wake(_ state: State) {
        if state.idle > 0 { this.signal(Waiting.work) }
        if state.jobs.count > state.idle + state.opening, state.awaySince == nil { this.signal(Waiting.need) }
    }
    private var this: Guarded<State> { state }

    /// Whether the database is known to be away just now.
    var isAway: Bool { state.with { $0.awaySince != nil || $0.refusal != nil } }
    /// How many lines are open, of how many there may be.
    var lines: (open: Int, most: Int) { (state.with { $0.open }, size) }

    /// Refuses what comes, lets what runs end within two seconds, and closes the lines.
    func stop() async {
        let waiting = state.with { state in
            state.stopped = true
            this.broadcast()
            return state.jobs.takeAll()
        }
        for job in waiting { job.fail(StoreError.unavailable("the database is closed")) }
        for step in 0..<60 {
            if state.with({ $0.threads == 0 }) { return }
            if step == 40 { state.with { state in for pulse in state.pulses.values { pulse.giveUp() } } }
            try? await Task.sleep(for: .milliseconds(50))  // a cancelled wait only asks more often
        }
    }

    // MARK: threads with a line

    private func work() {
        while awaitNeed() {
            let pulse = LinePulse()
            let connection: PostgresConnection
            do { connection = try open(pulse) } catch {
                forget(pulse) { $0.opening -= 1 }
                failed(error as? StoreError ?? .unavailable("\(error)"))
                continue
            }
            state.with { state in
                state.opening -= 1
                state.open += 1
                state.refusal = nil
            }
            pulse.isOpening.store(false, ordering: .relaxed)
            counts.change { $0.connections += 1 }
            while !pulse.isGivenUp, connection.isOpen, let jobs = take(pulse) { run(jobs, on: connection) }
            connection.close()
            forget(pulse) { $0.open -= 1 }
            counts.change { $0.connections -= 1 }
        }
    }

    private func forget(_ pulse: LinePulse, _ change: (State) -> Void) {
        state.with { state in
            state.pulses[ObjectIdentifier(pulse)] = nil
            change(state)
        }
    }

    /// Waits until there is work that nobody is free for; false once the pool was stopped.
    private func awaitNeed() -> Bool {
        state.with { state in
            while !state.stopped {
                if state.awaySince == nil, state.jobs.count > state.idle + state.opening,
                    state.open == 0 || state.fullUntil < Moment.now
                {
                    state.opening += 1
                    return true
                }
                this.wait(Waiting.need, seconds: 60)
            }
            return false
        }
    }

    private func open(_ pulse: LinePulse) throws -> PostgresConnection {
        let begun = Moment.now
        state.with { $0.pulses[ObjectIdentifier(pulse)] = pulse }
        do {
            return try PostgresConnection(
                try PostgresLine.open(address, pulse: pulse, heard: heard, atMost: Self.room), counts: counts)
        } catch {
            guard !pulse.isGivenUp else { throw error }
            state.with { state in
                // Others are served while this one is kept waiting or turned away.
                guard state.open > 0, state.awaySince == nil else { return }
                state.fullUntil = Moment.now + Moment.seconds(30)
                guard !state.saidSmaller else { return }
                state.saidSmaller = true
                log.warning(
                    "the database allows fewer connections than configured",
                    metadata: [
                        "given": "\(state.open)", "wanted": "\(size)", "detail": "\(error)",
                        "advice": "set USHER_DATABASE_POOL, or raise the limit of the pooler",
                    ])
            }
            if Moment.now - begun < Moment.seconds(0.05) { Thread.sleep(forTimeInterval: 0.05) }
            throw error
        }
    }

    /// A line could not be opened. Where no other is open, the database is away.
    private func failed(_ error: StoreError) {
        let waiting: [PostgresJob] = state.with { state in
            guard state.open == 0, !state.stopped else { return [] }
            state.reason = error.detail
            if case .misconfigured = error {
                state.refusal = error
                if state.awaySince == nil { state.awaySince = Moment.now }
                this.signal(Waiting.probe)
                return state.jobs.takeAll()
            }
            declareAway(state, since: Moment.now, error)
            return []
        }
        for job in waiting { job.fail(error) }
    }

    /// The next job, or several writes that are committed together; nil when the thread is to end.
    private func take(_ pulse: LinePulse) -> [PostgresJob]? {
        while true {
            var over: [(PostgresJob, any Error)] = []
            let jobs: [PostgresJob]? = state.with { state in
                while true {
                    guard !pulse.isGivenUp else { return nil }
                    let jobs = state.jobs.take(&over)
                    if !jobs.isEmpty || !over.isEmpty { return jobs }
                    guard !state.stopped else { return nil }
                    state.idle += 1
                    this.wait(Waiting.work, seconds: 60)
                    state.idle -= 1
                }
            }
            for (job, refusal) in over { job.fail(refusal) }
            guard let jobs else { return nil }
            if !jobs.isEmpty { return jobs }
        }
    }

    private func run(_ jobs: [PostgresJob], on connection: PostgresConnection) {
        let writes = jobs.compactMap(\.groupedWrite)
        if !writes.isEmpty { counts.change { $0.writes += writes.count } }
        var apart: [PostgresJob] = []
        var lost: (jobs: [PostgresJob], reason: StoreError)?
        if case .alone(let work) = jobs[0].work {
            if let reason = work(connection) { lost = (jobs, reason) }
        } else {
            switch connection.commit(writes) {
            case .done: break
            case .apart: apart = writes.map(PostgresJob.alone)
            case .lost(let reason): lost = (jobs, reason)
            }
        }
        state.with { state in
            state.jobs.done(jobs)
            for job in apart.reversed() { state.jobs.addFirst(job) }
            if state.jobs.count > 0 { wake(state) }
        }
        if let lost { for job in lost.jobs.reversed() { again(job, lost.reason) } }
    }

    /// Its line was lost before anything was kept: it is the next, if it may still wait.
    private func again(_ job: PostgresJob, _ error: StoreError) {
        counts.change { $0.reconnects += 1 }
        let isOver = state.with { state in
            if state.stopped || Moment.now - job.errand.since > job.patience { return true }
            state.jobs.addFirst(job)
            wake(state)
            return false
        }
        if isOver { job.fail(error) }
    }

    // MARK: the watch

    private func watch() {
        while true {
            let (over, isStopped) = state.with { state in
                lookForTrouble(state)
                return (takeOverdue(state), state.stopped)
            }
            for (job, error) in over { job.fail(error) }
            if isStopped { return }
            Thread.sleep(forTimeInterval: 0.1)
        }
    }

    private func lookForTrouble(_ state: State) {
        guard state.awaySince == nil else { return }
        let now = Moment.now
        let waits = state.pulses.values.contains { pulse in
            let since = pulse.since.load(ordering: .relaxed)
            return since != 0 && now > since + silence && !pulse.isOpening.load(ordering: .relaxed)
        }
        let isAlone = state.open == 0 && state.jobs.first.map { now > $0.errand.since + Moment.seconds(0.5) } ?? false
        guard waits || isAlone else {
            state.troubleSince = nil
            return
        }
        guard let since = state.troubleSince, heard.last < since else {
            state.troubleSince = now
            state.wantsProbe = true
            this.signal(Waiting.probe)
            // A line that is free asks as well: a pooler may have none left for the probe.
            if state.idle > 0 {
                state.jobs.addFirst(PostgresJob(Errand(writing: .page), .alone { $0.ask() }, fail: { _ in }))
                this.signal(Waiting.work)
            }
            return
        }
        if now - since > silence { declareAway(state, since: since, .unavailable("the database does not answer")) }
    }

    private func declareAway(_ state: State, since: UInt64, _ error: StoreError) {
        guard state.awaySince == nil else { return }
        state.awaySince = since
        state.troubleSince = nil
        state.reason = error.detail
        for pulse in state.pulses.values { pulse.giveUp() }
        log.error("the database is not responding", metadata: ["detail": "\(error.detail)"])
        this.broadcast()
    }

    private func takeOverdue(_ state: State) -> [(PostgresJob, any Error)] {
        state.jobs.count == 0 ? [] : state.jobs.takeOverdue(isAway: state.awaySince != nil, state.reason)
    }

    // MARK: the probe

    /// Asks whether the database is there, on a line of its own: while others wait without an answer, and while it is
    /// away.
    private func probe() {
        var line: PostgresLine?
        while true {
            let (isAway, isStopped) = state.with { state in
                while !state.stopped, state.awaySince == nil, !state.wantsProbe {
                    this.wait(Waiting.probe, seconds: 60)
                }
                state.wantsProbe = false
                return (state.awaySince != nil, state.stopped)
            }
            if isStopped { return }
            do {
                try ask(&line)
                if isAway { comeBack() } else if let line { try giveUpDead(line) }
            } catch {
                line = nil
                if isAway {
                    state.with { $0.reason = (error as? StoreError)?.detail ?? "\(error)" }
                    Thread.sleep(forTimeInterval: 0.2)
                }
            }
        }
    }

    /// On the line there is, and where that is dead on another.
    private func ask(_ line: inout PostgresLine?) throws {
        let quick = Moment.seconds(0.3)
        do {
            if let old = line, old.isOpen, try old.numbers("SELECT 1", until: Moment.now + quick) == [1] { return }
        } catch {
            log.debug("the probe's line is dead", metadata: ["detail": "\(error)"])
        }
        line = nil
        line = try PostgresLine.open(address, heard: heard, atMost: Moment.seconds(2))
    }

    private func comeBack() {
        log.notice("the database is back")
        state.with { state in
            state.awaySince = nil
            state.refusal = nil
            state.troubleSince = nil
            this.broadcast()
        }
    }

    /// Lines whose server does nothing for them, though they wait: they went dead without a word, as behind a firewall
    /// that forgot them.
    private func giveUpDead(_ line: PostgresLine) throws {
        let now = Moment.now
        let waiting: [(LinePulse, Int32, UInt64)] = state.with { state in
            state.pulses.values.compactMap { pulse in
                let (since, backend) = (pulse.since.load(ordering: .relaxed), pulse.backend.load(ordering: .relaxed))
                return since != 0 && backend != 0 && now > since + silence ? (pulse, backend, since) : nil
            }
        }
        guard !waiting.isEmpty else { return }
        let list = waiting.map { String($0.1) }.joined(separator: ",")
        let busy = try line.numbers(
            "SELECT pid FROM pg_stat_activity WHERE pid IN (\(list)) AND state = 'active'",
            until: Moment.now + Moment.seconds(0.5))
        for (pulse, backend, since) in waiting
        where !busy.contains(backend) && pulse.since.load(ordering: .relaxed) == since { pulse.giveUp() }
    }
}

/// What a pool counted.
final class Counts: Sendable {
    private let values = Mutex(DatabaseMeasures())
    func change(_ body: (inout DatabaseMeasures) -> Void) { values.withLock { body(&$0) } }
    var all: DatabaseMeasures { values.withLock { $0 } }
}
