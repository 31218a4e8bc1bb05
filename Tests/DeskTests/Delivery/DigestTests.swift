import DeskTesting
import Foundation
import Primitives
import Testing

@testable import Desk
@testable import Store

@Suite("The daily mail")
struct DigestTests {
    private func date(_ text: String) throws -> Date { try #require(ISO8601DateFormatter().date(from: text)) }

    @Test(
        "the next time it is that hour there, through summer time",
        arguments: [
            ("2026-11-25T05:00:00Z", "2026-11-25T06:00:00Z"), ("2026-11-25T06:00:00Z", "2026-11-26T06:00:00Z"),
            ("2026-06-01T05:30:00Z", "2026-06-02T05:00:00Z"), ("2026-03-28T12:00:00Z", "2026-03-29T05:00:00Z"),
        ])
    func hours(now: String, expected: String) throws {
        let zone = try #require(TimeZone(identifier: "Europe/Berlin"))
        #expect(Digest.next(hour: 7, in: zone, after: try date(now)) == (try date(expected)))
    }

    @Test("who asked for it is told once a day what waits, and nobody else")
    func daily() async throws {
        let test = try await TestDesk()
        let (ada, ben) = (try await test.hire("Ada"), try await test.hire("Ben"))
        try await test.write {
            try $0.set(
                language: nil, isAway: false, signature: "", digest: DigestWish(hour: 7, timeZone: "Europe/Berlin"),
                of: ada.id)
        }
        let mine = try await test.open("Scanner <b>sends</b> empty pages") { $0.priority = .high }
        try await test.act(on: mine) { try $0.assign(&$1, to: ada, by: .mail) }
        _ = try await test.open("Nobody's yet")
        test.clock.advance(hours: 24)
        try await test.settle()
        try await test.settle()
        let digests = test.mail.to(ada.email).filter { $0.subject.contains("Your tickets at") }
        let digest = try #require(digests.first)
        #expect(digests.count == 1)
        #expect(digest.text.contains("1 assigned to you") && digest.text.contains("1 unassigned"))
        #expect(digest.text.contains("#\(mine.number) Scanner <b>sends</b> empty pages (Kim Ito; high"))
        #expect(digest.html?.contains("&lt;b&gt;sends") == true)
        #expect(digest.html?.contains("href=\"https://help.desk.example/desk/tickets/\(mine.number)\"") == true)
        #expect(!test.mail.to(ben.email).contains { $0.subject.contains("Your tickets at") })
        // The next day again; away, or with nothing to do, no more.
        test.clock.advance(hours: 24)
        try await test.settle()
        #expect(test.mail.to(ada.email).filter { $0.subject.contains("Your tickets at") }.count == 2)
        try await test.write {
            try $0.set(
                language: nil, isAway: true, signature: "", digest: DigestWish(hour: 7, timeZone: "Europe/Berlin"),
                of: ada.id)
        }
        test.clock.advance(hours: 24)
        try await test.settle()
        #expect(test.mail.to(ada.email).filter { $0.subject.contains("Your tickets at") }.count == 2)
    }

    @Test("an hour or a zone that is none is refused beside its field")
    func faults() async throws {
        let test = try await TestDesk()
        let ada = try await test.hire("Ada")
        await #expect(throws: Refusal.self) {
            try await test.write {
                try $0.set(
                    language: nil, isAway: false, signature: "", digest: DigestWish(hour: 24, timeZone: "UTC"),
                    of: ada.id)
            }
        }
        await #expect(throws: Refusal.self) {
            try await test.write {
                try $0.set(
                    language: nil, isAway: false, signature: "", digest: DigestWish(hour: 7, timeZone: "Mars/Olympus"),
                    of: ada.id)
            }
        }
        #expect(try await test.read { try $0.digestWish(of: ada.id).hour } == nil)
    }
}
