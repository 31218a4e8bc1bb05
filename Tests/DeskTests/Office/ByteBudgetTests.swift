import Foundation
import Synchronization
import Testing

@testable import Desk

@Suite("Memory for large bodies")
struct ByteBudgetTests {
    private final class Highest: Sendable {
        private let noted = Mutex(0)
        var value: Int { noted.withLock { $0 } }
        func note(_ value: Int) { noted.withLock { $0 = max($0, value) } }
    }

    @Test("never more is held than the budget, and everybody gets a turn")
    func turns() async throws {
        let budget = ByteBudget(total: 100, patience: .seconds(600))
        let most = Highest()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<50 {
                group.addTask {
                    let share = ByteShare(of: budget)
                    try await share.take(30)
                    most.note(budget.used)
                    await Task.yield()
                    share.release()
                }
            }
            try await group.waitForAll()
        }
        #expect(most.value <= 100 && budget.used == 0 && budget.waiting == 0)
    }

    @Test("a share larger than the budget is handed out alone")
    func large() async throws {
        let budget = ByteBudget(total: 10)
        try await budget.take(500)
        #expect(budget.used == 500)
        budget.release(500)
    }

    @Test("whoever waits too long is refused, and so is one more than may wait")
    func patience() async throws {
        let budget = ByteBudget(total: 10, patience: .milliseconds(20), longestLine: 1)
        try await budget.take(10)
        await #expect(throws: Overloaded.self) { try await budget.take(1) }
        #expect(budget.waiting == 0)
        let full = ByteBudget(total: 10, longestLine: 0)
        try await full.take(10)
        await #expect(throws: Overloaded.self) { try await full.take(1) }
    }

    @Test("a share is given back when the request is forgotten, once")
    func forgotten() async throws {
        let budget = ByteBudget(total: 10)
        var share: ByteShare? = ByteShare(of: budget)
        try await share?.take(10)
        try await share?.take(10)
        #expect(budget.used == 10)
        share?.release()
        share = nil
        #expect(budget.used == 0)
    }

    @Test("whoever stops waiting leaves the line")
    func cancelled() async throws {
        let budget = ByteBudget(total: 10)
        try await budget.take(10)
        let waiting = Task { try await budget.take(5) }
        while budget.waiting == 0 { await Task.yield() }
        waiting.cancel()
        await #expect(throws: Overloaded.self) { try await waiting.value }
        budget.release(10)
        #expect(budget.used == 0 && budget.waiting == 0)
    }
}
