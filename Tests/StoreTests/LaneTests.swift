import DeskTesting
import Foundation
import Synchronization
import Testing

@testable import Desk
@testable import Store

/// A statement that would go on for half a minute.
private func endless(_ dialect: Dialect) -> SQL {
    switch dialect {
    case .sqlite:
        "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 3000000000) SELECT count(*) FROM n"
    case .postgres: "SELECT CAST(CAST(pg_sleep(30) AS TEXT) || '1' AS BIGINT)"
    }
}

@Suite("Reads are bounded")
struct BoundedReadTests {
    /// Statements of this kind that PostgreSQL still runs.
    private func running(_ test: TestDesk) async throws -> Int {
        guard test.desk.database.dialect == .postgres else { return 0 }
        return try await test.read {
            try $0.value(
                """
                SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active'
                AND query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()
                """
            ) ?? 0
        }
    }

    @Test("what takes too long is stopped, and its connection goes on", arguments: [Lane.search, .report, .page])
    func time(lane: Lane) async throws {
        let test = try await TestDesk()
        for _ in 0..<4 {
            await #expect(throws: StoreError.timedOut(lane)) {
                try await Lane.$allowance.withValue(0.1) {
                    try await test.desk.read(lane) { try $0.value(endless($0.dialect), as: Int64.self) }
                }
            }
        }
        #expect(try await running(test) == 0)
        #expect(try await test.desk.read(lane) { try $0.value("SELECT 41 + 1", as: Int64.self) } == 42)
    }

    @Test("what nobody waits for any more is stopped on the server too")
    func cancelled() async throws {
        let test = try await TestDesk()
        let (began, says) = AsyncStream.makeStream(of: Void.self)

        // The time is long, so that on a busy machine the read ends because it was cancelled and for no other reason.
        let reading = Task {
            try await Lane.$allowance.withValue(60) {
                try await test.desk.read(.search) { db in
                    says.yield()
                    return try db.value(endless(db.dialect), as: Int64.self)
                }
            }
        }
        for await _ in began { break }
        reading.cancel()
        await #expect(throws: CancellationError.self) { try await reading.value }
        #expect(try await running(test) == 0)
        #expect(try await test.desk.read(.search) { try $0.value("SELECT 41 + 1", as: Int64.self) } == 42)
    }

    @Test("a caller who is gone ends the read, and one who never came does not begin it")
    func gone() async throws {
        let test = try await TestDesk()
        let isGone = Flag(false)
        await #expect(throws: CancellationError.self) {
            try await Caller.$current.withValue(Caller(name: "kim", isGone: { isGone.load() })) {
                try await Lane.$allowance.withValue(60) {
                    try await test.desk.read(.search) { db in
                        isGone.store(true)
                        return try db.value(endless(db.dialect), as: Int64.self)
                    }
                }
            }
        }
        await #expect(throws: CancellationError.self) {
            try await Caller.$current.withValue(Caller(name: "kim", isGone: { true })) {
                try await test.desk.read { _ in Issue.record("it was begun") }
            }
        }
        #expect(try await running(test) == 0)
    }

    @Test("a write goes on when its caller is gone, and has a time of its own")
    func writes() async throws {
        let test = try await TestDesk()
        try await Caller.$current.withValue(Caller(name: "kim", isGone: { true })) {
            try await test.write { try $0.keepPrivately("x", "kept") }
        }
        #expect(try await test.read { try $0.privateSetting("x") } == "kept")
        await #expect(throws: StoreError.timedOut(.page)) {
            try await Lane.$allowance.withValue(0.1) {
                try await test.write { tx in
                    try tx.keepPrivately("y", "lost")
                    _ = try tx.db.value(endless(tx.db.dialect), as: Int64.self)
                }
            }
        }
        #expect(try await test.read { try $0.privateSetting("y") } == nil)
        try await test.write { try $0.keepPrivately("z", "kept") }
    }

    @Test("pages are answered while searches fill their lane")
    func lanes() async throws {
        let test = try await TestDesk()
        let searches = (0..<6).map { number in
            Task {
                // As long as the rest of the test takes, however busy the machine is.
                try await Lane.$allowance.withValue(600) {
                    try await Caller.$current.withValue(Caller(name: "agent \(number)", isGone: { false })) {
                        try await test.desk.read(.search) { try $0.value(endless($0.dialect), as: Int64.self) }
                    }
                }
            }
        }
        for number in 0..<20 {
            #expect(try await test.read { try $0.value("SELECT \(number)", as: Int.self) } == number)
        }
        try await test.desk.tryWrite()
        for search in searches { search.cancel() }
        var stopped = 0
        for search in searches {
            do {
                Issue.record("it ended by itself: \(String(describing: try await search.value))")
            } catch is CancellationError { stopped += 1 } catch StoreError.busy {
                // It had waited too long for its turn.
            }
        }
        #expect(stopped >= 2)
    }
}

@Suite("Turns of searches")
struct TurnTests {
    private func errand(of caller: String?, _ lane: Lane = .search) -> Errand {
        Caller.$current.withValue(caller.map { name in Caller(name: name, isGone: { false }) }) {
            Errand(reading: lane)
        }
    }

    @Test("one caller never has all of them, and pages need none")
    func caller() {
        var turns = Turns(most: 3)
        let (first, second) = (errand(of: "kim"), errand(of: "kim"))
        for one in [first, second] {
            #expect(turns.admits(one))
            turns.enter(one)
        }
        #expect(!turns.admits(errand(of: "kim")) && turns.admits(errand(of: "lee")))
        turns.enter(errand(of: "lee"))
        #expect(!turns.admits(errand(of: "ada")) && turns.admits(errand(of: "kim", .page)))
        turns.leave(first)
        #expect(turns.admits(errand(of: "kim")) && turns.admits(errand(of: "ada")))
    }

    @Test("others pass a caller who has as many as may be, and beyond what may wait there is a plain no")
    func queue() {
        let queue = WorkQueue<Int>(threads: 3, mostWaiting: 4)
        let refused = Mutex<[String]>([])
        func put(_ name: String) {
            queue.put(
                .init(
                    errand: errand(of: name), run: { _ in },
                    fail: { error in refused.withLock { $0.append("\(name): \((error as? StoreError)?.detail ?? "")") }
                    }))
        }
        for name in ["kim", "kim", "kim", "lee", "ada"] { put(name) }
        #expect(refused.withLock { $0 } == ["ada: too many requests wait for the database"])
        let taken = (0..<3).compactMap { _ in queue.take() }
        #expect(taken.map { $0.errand.caller?.name } == ["kim", "kim", "lee"])
        queue.done(taken[0])
        #expect(queue.take()?.errand.caller?.name == "kim")
    }

    @Test("PostgreSQL's waiting writes are taken as one group, a load balancer's question before all others")
    func jobs() {
        var jobs = PostgresJobs(searches: 1)
        func write(_ lane: Lane) -> PostgresJob.Work {
            .write(WaitingWrite(errand: Errand(writing: lane), run: { _ in }, finish: { _ in }))
        }
        func add(_ errand: Errand, _ work: PostgresJob.Work) {
            #expect(jobs.add(PostgresJob(errand, work, fail: { _ in })) == nil)
        }
        add(errand(of: "kim"), .alone { _ in nil })
        for _ in 0..<5 { add(Errand(writing: .page), write(.page)) }
        add(errand(of: "lee"), .alone { _ in nil })
        add(Errand(reading: .health), .alone { _ in nil })
        var over: [(PostgresJob, any Error)] = []
        #expect(jobs.take(&over).first?.errand.lane == .health)
        let search = jobs.take(&over)
        #expect(search.first?.errand.caller?.name == "kim")
        let group = jobs.take(&over)
        #expect(group.count == 5)
        add(Errand(writing: .page), write(.page))
        #expect(jobs.take(&over).isEmpty && over.isEmpty)
        jobs.done(group)
        #expect(jobs.take(&over).count == 1)
        jobs.done(search)
        #expect(jobs.take(&over).first?.errand.caller?.name == "lee")
    }
}

@Suite("Statements that travel together")
struct TogetherTests {
    @Test("what is asked together is answered as if asked alone, also where nobody asked")
    func answers() async throws {
        let test = try await TestDesk()
        try await test.write { tx in for name in ["a", "b", "c"] { try tx.keepPrivately(name, name + name) } }
        let words = try await test.read { db in
            try db.inOneRound { db in
                ["c", "a", "b", "a"].compactMap { try? db.privateSetting($0) } + [
                    try db.value("SELECT 'x'", as: String.self) ?? ""
                ]
            }
        }
        #expect(words == ["cc", "aa", "bb", "aa", "x"])
    }

    @Test("an answer is not used any more once something was written")
    func fresh() async throws {
        let test = try await TestDesk()
        let (before, after) = try await test.write { tx in
            try tx.db.together([{ _ = try $0.privateSetting("n") }, { _ = try $0.privateSetting("m") }])
            let before = try tx.db.privateSetting("n")
            try tx.keepPrivately("m", "new")
            return (before, try tx.db.privateSetting("m"))
        }
        #expect(before == nil && after == "new")
    }

    @Test("rows of what nobody waits for are there when the write has returned")
    func later() async throws {
        let test = try await TestDesk()
        let names = try await test.desk.database.write { db in
            let names = Names()
            for name in ["one", "two"] {
                try db.later("INSERT INTO setting (name, value) VALUES (\(name), '') RETURNING name") {
                    names.all.append(try $0.read())
                }
            }
            return names
        }
        #expect(names.all == ["one", "two"])
    }
    private final class Names: @unchecked Sendable { var all: [String] = [] }

    @Test("a fault in the middle undoes the whole write, and the connection goes on")
    func fault() async throws {
        let test = try await TestDesk()
        for _ in 0..<4 {
            await #expect(throws: StoreError.self) {
                try await test.desk.database.write { db in
                    try db.later("INSERT INTO setting (name, value) VALUES ('first', '')")
                    try db.later("INSERT INTO agent (email, name, role, created_at) VALUES ('a', 'b', 'king', 0)")
                    try db.later("INSERT INTO setting (name, value) VALUES ('last', '')")
                }
            }
        }
        #expect(
            try await test.read {
                try $0.value("SELECT count(*) FROM setting WHERE name IN ('first', 'last')", as: Int.self)
            } == 0)
        try await test.write { try $0.keepPrivately("x", "kept") }
    }

    @Test("a write that fails late undoes none of its neighbours")
    func neighbours() async throws {
        let test = try await TestDesk()
        await withTaskGroup(of: Void.self) { group in
            for index in 0..<60 {
                group.addTask {
                    _ = try? await test.write { tx in
                        try tx.keepPrivately("k\(index)", "v")
                        if index % 3 == 0 {
                            try tx.db.later(
                                "INSERT INTO agent (email, name, role, created_at) VALUES ('a', 'b', 'king', 0)")
                        }
                    }
                }
            }
        }
        let kept = try await test.read {
            try $0.query("SELECT name FROM setting WHERE name LIKE '_k%'") { try $0.read(String.self) }
        }
        #expect(Set(kept) == Set((0..<60).filter { $0 % 3 != 0 }.map { "_k\($0)" }))
    }

    @Test("many writes share a commit")
    func shared() async throws {
        let test = try await TestDesk()
        let before = test.desk.database.measures
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<200 { group.addTask { try await test.write { try $0.keepPrivately("k\(index)", "v") } } }
            try await group.waitForAll()
        }
        let after = test.desk.database.measures
        #expect(after.writes - before.writes >= 200)
        #expect(after.commits - before.commits < 150)
    }

    @Test("who has to wait for another node's lock holds up nobody else")
    func locked() async throws {
        let test = try await TestDesk()
        guard test.desk.database.dialect == .postgres else { return }
        try await test.write { for name in ["held", "free"] { try $0.keepPrivately(name, "0") } }
        let (held, says) = AsyncStream.makeStream(of: Void.self)
        let goOn = DispatchSemaphore(value: 0)
        let holder = Task {
            try await Lane.$current.withValue(.long) {
                try await test.desk.database.write { db in
                    try db.execute("UPDATE setting SET value = '1' WHERE name = '_held'")
                    says.yield()
                    goOn.wait()
                }
            }
        }
        for await _ in held { break }
        let waiting = Task { try await test.write { try $0.keepPrivately("held", "2") } }
        // A group that meets the lock lets it be waited for on another connection.
        try await test.write { try $0.keepPrivately("free", "2") }
        #expect(try await test.read { try $0.privateSetting("free") } == "2")
        goOn.signal()
        try await holder.value
        try await waiting.value
        #expect(try await test.read { try $0.privateSetting("held") } == "2")
    }
}
