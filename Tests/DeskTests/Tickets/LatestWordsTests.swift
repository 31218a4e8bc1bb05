import DeskTesting
import Domain
import Foundation
import Primitives
import Testing

@testable import Desk
@testable import Store

@Suite("The newest words of a ticket")
struct LatestWordsTests {
    private func lines(_ test: TestDesk, _ query: String = "") async throws -> [TicketLine] {
        let query = try TicketQuery(query, now: test.clock.now())
        return try await test.read { try $0.lines(TicketList(query: query, asker: .desk, order: .newest)).lines }
    }

    private func latest(_ test: TestDesk, _ ticket: Ticket) async throws -> LatestWords {
        try #require(try await lines(test).first { $0.id == ticket.id }).latest
    }

    @Test("a list shows how the newest entry begins, in one line, and whether it is ours")
    func newest() async throws {
        let test = try await TestDesk()
        let ada = try await test.hire("Ada", departments: ["Support"])
        let ticket = try await test.open(body: "Every page\nis white. " + String(repeating: "ä", count: 300))
        let first = try await latest(test, ticket)
        #expect(first.text.hasPrefix("Every page is white. ää"))
        #expect(first.text.unicodeScalars.count == 140)
        #expect(!first.isOurs)

        try await test.act(on: ticket) { tx, ticket in
            _ = try tx.note(on: &ticket, Writing("Ask Bo.", type: .text), by: Actor(ada), files: [], source: .web)
        }
        #expect(try await latest(test, ticket) == LatestWords("Ask Bo.", of: .note))

        try await test.act(on: ticket) { tx, ticket in
            _ = try tx.reply(
                to: &ticket, Writing("Clean the glass.", type: .text), by: Actor(ada), files: [], source: .web)
        }
        #expect(try await latest(test, ticket) == LatestWords("Clean the glass.", of: .reply))
    }

    @Test("the newest words of merged tickets, and of a reply that was taken back, are those that are there")
    func moved() async throws {
        let test = try await TestDesk()
        try await test.holdsBack()
        let ada = try await test.hire("Ada", departments: ["Support"])
        let ticket = try await test.open(body: "The first words.")
        try await test.write { tx in
            var loaded = try tx.db.ticket(ticket.id)
            let entry = try tx.reply(
                to: &loaded, Writing("Hasty words.", type: .text), by: Actor(ada), files: [], source: .web)
            try tx.holdBack(entry, of: ticket.id, by: ada.id)
        }
        try await test.undoLast(of: ada)
        #expect(try await latest(test, ticket).text == "The first words.")

        let other = try await test.open("Another", body: "The second words.")
        try await test.act(on: other) { tx, loaded in try tx.merge(&loaded, into: ticket, by: Actor(ada)) }
        #expect(try await latest(test, ticket).text == "The second words.")
    }

    @Test("of tickets that were written before the words were kept, they are looked up")
    func lookedUp() async throws {
        let test = try await TestDesk()
        let ada = try await test.hire("Ada", departments: ["Support"])
        let ticket = try await test.open(body: "Old words.")
        try await test.act(on: ticket) { tx, ticket in
            _ = try tx.note(on: &ticket, Writing("An old note.", type: .text), by: Actor(ada), files: [], source: .web)
        }
        try await test.write { try $0.db.execute("UPDATE ticket SET latest_words = NULL") }
        let found = try await latest(test, ticket)
        #expect(found.text == "An old note.")
        #expect(found.isOurs)
    }

    @Test("a page and its number, taken in one walk, are what paging and counting give")
    func counted() async throws {
        let test = try await TestDesk()
        for number in 0..<12 { _ = try await test.open("Printer \(number)") }
        for order in TicketOrder.allCases {
            for (limit, most) in [(5, 8), (5, 20), (20, 30), (10, 4)] {
                let query = try TicketQuery("printer", now: test.clock.now())
                let list = TicketList(query: query, asker: .desk, order: order, limit: limit)
                let (found, page, count) = try await test.read { db in
                    (try db.firstLines(list, countingTo: most), try db.lines(list), try db.count(list, atMost: most))
                }
                #expect(found.page.lines.map(\.id) == page.lines.map(\.id))
                #expect(found.page.next == page.next)
                #expect(found.page.next == nil ? found.count == 12 : found.count == count)
            }
        }
    }
}
