import Foundation

/// A piece of work for one of a pool's connections: a read, or a write.
final class PostgresJob: Sendable {
    enum Work: Sendable {
        /// Nil once the caller was answered; an error when the line was lost before anything was committed, so that it
        /// may run again.
        case alone(@Sendable (PostgresConnection) -> StoreError?)
        /// Committed together with others.
        case write(WaitingWrite)
    }
    let errand: Errand
    let work: Work
    /// Tells the caller that it will not be run.
    let fail: @Sendable (any Error) -> Void

    init(_ errand: Errand, _ work: Work, fail: @escaping @Sendable (any Error) -> Void) {
        self.errand = errand
        self.work = work
        self.fail = fail
    }

    /// A write that has a transaction to itself.
    static func alone(_ write: WaitingWrite) -> PostgresJob {
        PostgresJob(
            write.errand,
            .alone { connection in
                do {
                    try connection.transaction(reads: false, for: write.errand) { try write.run($0) }
                    write.finish(nil)
                } catch let lost as PostgresConnection.Lost {
                    return lost.reason
                } catch { write.finish(error) }
                return nil
            }, fail: { write.finish($0) })
    }

    /// Nil where it is not committed together with others.
    var groupedWrite: WaitingWrite? { if case .write(let write) = work { write } else { nil } }

    /// How long it waits for a database that is away: short enough for a page to say so, long enough for a restart of
    /// the server to go unnoticed.
    var patience: UInt64 { errand.lane == .long ? Moment.seconds(30) : Moment.seconds(1.5) }
    /// How long it waits for a free connection of a database that is busy.
    var turn: UInt64 { errand.lane == .long ? Moment.seconds(600) : Moment.seconds(Lane.turn) }
}

/// The jobs that wait for a pool's connections, and which of them may be taken now.
struct PostgresJobs {
    private var waiting: [PostgresJob] = []
    private var turns: Turns
    private var groups = 0
    /// Groups of writes that are under way at once. While one is on its way to the server's disk, what comes in makes
    /// up the next.
    private static let mostGroups = 1

    init(searches: Int) { turns = Turns(most: searches) }

    var count: Int { waiting.count }
    var first: PostgresJob? { waiting.first }
    /// Whether a job that comes in now could be taken at once, were a connection free.
    func isTaken(_ job: PostgresJob) -> Bool {
        job.groupedWrite == nil ? turns.admits(job.errand) : groups < Self.mostGroups
    }

    mutating func add(_ job: PostgresJob) -> StoreError? {
        if job.errand.lane.takesTurns, waiting.count(where: { $0.errand.lane.takesTurns }) >= Lane.mostWaiting {
            return .busy("too many searches wait")
        }
        guard job.errand.lane != .health else {
            addFirst(job)
            return nil
        }
        waiting.append(job)
        return nil
    }
    mutating func addFirst(_ job: PostgresJob) { waiting.insert(job, at: 0) }

    /// The next job that may run, or all writes that wait. Those that nobody waits for any more are taken out and
    /// handed back.
    mutating func take(_ over: inout [(PostgresJob, any Error)]) -> [PostgresJob] {
        var index = 0
        while index < waiting.count {
            let job = waiting[index]
            if let refusal = job.errand.refusal {
                waiting.remove(at: index)
                over.append((job, refusal))
            } else if job.groupedWrite != nil {
                if groups < Self.mostGroups { return takeGroup() }
                index += 1
            } else if turns.admits(job.errand) {
                waiting.remove(at: index)
                turns.enter(job.errand)
                return [job]
            } else {
                index += 1
            }
        }
        return []
    }

    private mutating func takeGroup() -> [PostgresJob] {
        groups += 1
        var group: [PostgresJob] = []
        waiting.removeAll { job in
            guard group.count < WaitingWrite.largestGroup, job.groupedWrite != nil else { return false }
            group.append(job)
            return true
        }
        return group
    }

    /// What was taken has ended.
    mutating func done(_ jobs: [PostgresJob]) {
        guard let job = jobs.first else { return }
        if job.groupedWrite == nil { turns.leave(job.errand) } else { groups -= 1 }
    }

    /// Takes out what waited too long.
    mutating func takeOverdue(isAway: Bool, _ reason: String) -> [(PostgresJob, any Error)] {
        let now = Moment.now
        var over: [(PostgresJob, any Error)] = []
        waiting.removeAll { job in
            let age = now - job.errand.since
            if isAway, age > job.patience {
                over.append((job, StoreError.unavailable(reason)))
            } else if let refusal = job.errand.refusal {
                over.append((job, refusal))
            } else if age > job.turn {
                over.append((job, StoreError.unavailable("no connection became free")))
            } else {
                return false
            }
            return true
        }
        return over
    }

    mutating func takeAll() -> [PostgresJob] {
        defer { waiting = [] }
        return waiting
    }
}

/// How the writes of a group ended.
enum GroupEnd {
    /// Their callers were answered.
    case done
    /// Nothing was committed: each needs a transaction of its own.
    case apart
    /// The line was lost before anything was committed.
    case lost(StoreError)
}

extension PostgresConnection {
    /// Commits writes together and answers their callers.
    func commit(_ writes: [WaitingWrite]) -> GroupEnd {
        let refusals: [(any Error)?]
        do {
            do { refusals = try commit(writes, apart: false) } catch is Entangled {
                refusals = try commit(writes, apart: true)
            }
        } catch let lost as Lost {
            return .lost(lost.reason)
        } catch let error as StoreError {
            guard case .outcomeUnknown = error else { return .apart }
            for write in writes { write.finish(error) }
            return .done
        } catch { return .apart }
        for (write, refusal) in zip(writes, refusals) { write.finish(refusal) }
        return .done
    }
}
