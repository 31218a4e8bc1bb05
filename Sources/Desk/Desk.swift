import Foundation
import Logging
import Mail
import Store
import Synchronization

/// The help desk: everything its verbs and queries need, handed over once and never looked up.
package struct Desk: Sendable {
    package let database: any Database
    package let clock: any WallClock
    package let files: FileStore
    package let office: Office
    package let settings: SettingsShelf
    package let bell: Bell
    package let feed: Feed
    package let counts: CountShelf
    /// Saved views and their numbers.
    package let views: ViewShelf
    package let choices: ChoicesShelf
    /// Articles by their words.
    package let articles: ArticleShelf
    /// Bytes of large uploads and messages that may be in memory at once.
    package let largeBodies: ByteBudget
    /// Counts up whenever somebody's rights change here.
    package let rights: RightsGeneration
    /// Where passwords that are given are looked at.
    package let passwords: PasswordCheck
    package let clockWatch: ClockWatch
    let refusedWrites: RefusedWrites
    package let log: Logger

    package init(
        database: any Database, clock: any WallClock, files: FileStore, office: Office, log: Logger,
        shortestCount: UInt64 = 500_000_000
    ) {
        self.database = database
        self.clock = clock
        self.files = files
        self.office = office
        self.log = log
        settings = SettingsShelf()
        clockWatch = ClockWatch()
        refusedWrites = RefusedWrites()
        bell = Bell()
        feed = Feed()
        counts = CountShelf(shortest: shortestCount)
        views = ViewShelf(shortest: shortestCount * 2)
        choices = ChoicesShelf()
        articles = ArticleShelf()
        largeBodies = ByteBudget(total: 64 << 20)
        rights = RightsGeneration()
        passwords = PasswordCheck()
    }

    /// Runs verbs in one transaction and wakes the courier afterwards. The closure may run more than once.
    @discardableResult
    package func write<T: Sendable>(_ body: @escaping @Sendable (Transaction) throws -> T) async throws -> T {
        let now = clock.now()
        // Read after the commit only: the keys of events come in until then.
        let (result, recorded) = try await refusedWrites.watch {
            try await database.write { db in
                let recorded = Recorded()
                let result = try body(
                    Transaction(db: db, now: now, office: office, settings: settings.current, recorded: recorded))
                return (result, recorded)
            }
        }
        if recorded.changesRights { rights.advance() }
        bell.ring()
        feed.publish(recorded.events, touched: recorded.touched)
        return result
    }

    /// Asks, in one consistent snapshot.
    package func read<T: Sendable>(_ body: @escaping @Sendable (any Connection) throws -> T) async throws -> T {
        try await database.read(nil, body)
    }
    /// - Parameter lane: `.search` for what somebody made up, `.report` for what reads many rows, so that neither takes
    ///   a page's turn; nil for a page.
    package func read<T: Sendable>(_ lane: Lane?, _ body: @escaping @Sendable (any Connection) throws -> T) async throws
        -> T
    {
        try await database.read(lane, body)
    }

    /// Brings the schema up to date and loads what administrators set.
    package func open() async throws {
        _ = try await Schema.migrator.migrate(database, at: clock.now())
        try await reloadSettings()
    }

    package func reloadSettings() async throws {
        let read = try await database.read { try $0.settings() }
        settings.replace(read)
        office.follow(read)
    }
}

/// One transaction of the desk. Verbs are its methods: each loads, decides and carries out.
package struct Transaction {
    package let db: any Connection
    /// Read once for all that happens in the transaction.
    package let now: Date
    package let office: Office
    package let settings: Settings
    /// What was recorded so far, for those who look on.
    let recorded: Recorded

    package init(db: any Connection, now: Date, office: Office, settings: Settings, recorded: Recorded = Recorded()) {
        self.recorded = recorded
        self.db = db
        self.now = now
        self.office = office
        self.settings = settings
    }
}

/// Where the time comes from. Tests freeze it.
package protocol WallClock: Sendable {
    func now() -> Date
    /// The time beside a clock that nobody sets.
    func reading() -> ClockReading
}

extension WallClock {
    /// A clock that cannot be set apart from itself.
    package func reading() -> ClockReading { ClockReading(wall: now(), steady: now().timeIntervalSince1970, boot: "") }
}

/// The machine's clock, to the millisecond that is kept.
package struct SystemClock: WallClock {
    package init() {}
    package func now() -> Date { Date(milliseconds: Date().milliseconds) }

    /// CLOCK_BOOTTIME goes on while the machine sleeps; its start has a number of its own.
    package func reading() -> ClockReading {
        var steady = timespec()
        clock_gettime(CLOCK_BOOTTIME, &steady)
        return ClockReading(wall: now(), steady: TimeInterval(steady.tv_sec), boot: Self.boot)
    }
    private static let boot: String = {
        // Where there is no such file, each process counts as a start of its own.
        (try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8))?.trimmingCharacters(
            in: .whitespacesAndNewlines) ?? UUID().uuidString
    }()
}

/// Wakes background work when something was written, so that it need not wait for its next look.
package final class Bell: Sendable {
    private let waiting = Mutex<(rung: Bool, sleepers: [UUID: CheckedContinuation<Void, Never>])>((false, [:]))

    package func ring() {
        let sleepers = waiting.withLock { state in
            state.rung = state.sleepers.isEmpty
            defer { state.sleepers = [:] }
            return state.sleepers
        }
        for sleeper in sleepers.values { sleeper.resume() }
    }

    /// Returns when rung, or after the time given at the latest.
    package func wait(atMost duration: Duration) async {
        let id = UUID()
        let timer = Task {
            try? await Task.sleep(for: duration)  // a cancelled wait ends early, which is what is wanted
            self.leave(id)
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let goOn = waiting.withLock { state in
                    if state.rung || Task.isCancelled {
                        state.rung = false
                        return true
                    }
                    state.sleepers[id] = continuation
                    return false
                }
                if goOn { continuation.resume() }
            }
        } onCancel: {
            leave(id)
        }
        timer.cancel()
    }

    private func leave(_ id: UUID) {
        waiting.withLock { $0.sleepers.removeValue(forKey: id) }?.resume()
    }
}
