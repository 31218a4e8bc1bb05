import Store
import Testing

@testable import Desk

@Suite("Writes that were refused")
struct RefusedWritesTests {
    @Test(
        "a full disk or a stuck table is remembered until something is stored again",
        arguments: [
            StoreError.full("no room"), .timedOut(.page),
        ])
    func remembered(error: StoreError) async throws {
        let writes = RefusedWrites()
        try writes.check()
        await #expect(throws: error) { try await writes.watch { throw error } }
        #expect(throws: error) { try writes.check() }
        try await writes.watch {}
        try writes.check()
    }

    @Test("what a caller does wrong says nothing of the database")
    func others() async throws {
        let writes = RefusedWrites()
        await #expect(throws: StoreError.duplicate("x")) { try await writes.watch { throw StoreError.duplicate("x") } }
        try writes.check()
    }
}
