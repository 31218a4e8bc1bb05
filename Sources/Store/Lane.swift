import Synchronization

/// What some work is for: how long it may take, and what it may hold up.
package enum Lane: Sendable, Hashable {
    /// Somebody sits before a page: seconds.
    case page
    /// A search by words or conditions that somebody made up; runs beside the pages, never in their place.
    case search
    /// A report, an export or another read of many rows; shares the searches' turns.
    case report
    /// A load balancer asks whether requests can be kept: it waits for nobody.
    case health
    /// A command or a migration that an operator waits for: as long as it takes.
    case long

    /// What the work of a task is; nil leaves it to the database's own lane.
    @TaskLocal package static var current: Lane?
    /// How long each read of a task may take, where that is not what its lane allows. For tests.
    @TaskLocal package static var allowance: Double?

    /// Seconds a read may take.
    var seconds: Double? {
        switch self {
        case .page: 10
        case .search: 3
        case .report: 20
        case .health: 2
        case .long: nil
        }
    }

    /// Whether it takes turns with other searches and reports.
    package var takesTurns: Bool { self == .search || self == .report }
    /// Searches and reports that may wait for their turn; further ones are refused at once.
    static let mostWaiting = 64
    /// Searches and reports of one caller that run at once; others of the same caller wait.
    static let mostOfCaller = 2
    /// Seconds that a search or report waits for its turn.
    static let turn: Double = 5
    /// Seconds that one write may take, all its statements together, where no operator waits for it.
    static let longestWrite: Double = 30
}

/// Whom work is done for: whose turn it is, and whether they still wait for the answer.
package struct Caller: Sendable {
    let name: String
    let isGone: @Sendable () -> Bool

    package init(name: String, isGone: @escaping @Sendable () -> Bool) {
        self.name = name
        self.isGone = isGone
    }

    /// Whom the work of a task is done for.
    @TaskLocal package static var current: Caller?
}

/// One piece of work for the database: how long it may take, and whether anybody still waits for it.
final class Errand: Sendable {
    let lane: Lane
    let caller: Caller?
    let since = Moment.now
    /// Nanoseconds it may take from when it begins.
    private let allowance: UInt64?
    private let deadline = Atomic<UInt64>(Moment.never)
    private let isCancelled = Atomic<Bool>(false)

    /// A read in the lane given, for the caller of this task.
    init(reading lane: Lane) {
        self.lane = lane
        caller = Caller.current
        allowance = (Lane.allowance ?? lane.seconds).map(Moment.seconds)
    }

    /// A write. It is short, and goes on when its caller is gone.
    init(writing lane: Lane) {
        self.lane = lane
        caller = nil
        allowance = lane == .long ? nil : Moment.seconds(Lane.allowance ?? Lane.longestWrite)
    }

    /// From now on its time counts.
    func begin() { deadline.store(allowance.map { Moment.now + $0 } ?? Moment.never, ordering: .relaxed) }
    func cancel() { isCancelled.store(true, ordering: .relaxed) }

    /// When it must have ended.
    var end: UInt64 { deadline.load(ordering: .relaxed) }

    /// Why it may not go on; nil while it may.
    var obstacle: (any Error)? {
        if isCancelled.load(ordering: .relaxed) || (caller?.isGone() ?? false) { return CancellationError() }
        return Moment.now > end ? StoreError.timedOut(lane) : nil
    }

    /// Why it need not begin; nil while it should.
    var refusal: (any Error)? {
        if lane.takesTurns, Moment.now - since > Moment.seconds(Lane.turn) {
            return StoreError.busy("its turn did not come in time")
        }
        return obstacle
    }
}

/// How many searches and reports run at once, in all and of each caller.
struct Turns {
    private let most: Int
    private var running = 0
    private var ofCaller: [String: Int] = [:]

    init(most: Int) { self.most = most }

    func admits(_ errand: Errand) -> Bool {
        guard errand.lane.takesTurns else { return true }
        guard running < most else { return false }
        return errand.caller.map { (ofCaller[$0.name] ?? 0) < Lane.mostOfCaller } ?? true
    }
    mutating func enter(_ errand: Errand) {
        guard errand.lane.takesTurns else { return }
        running += 1
        if let caller = errand.caller { ofCaller[caller.name, default: 0] += 1 }
    }
    mutating func leave(_ errand: Errand) {
        guard errand.lane.takesTurns else { return }
        running -= 1
        guard let caller = errand.caller, let count = ofCaller[caller.name] else { return }
        ofCaller[caller.name] = count > 1 ? count - 1 : nil
    }
}
