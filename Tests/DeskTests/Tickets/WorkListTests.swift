import DeskTesting
import Domain
import Foundation
import Primitives
import Testing

@testable import Desk
@testable import Store

@Suite("Lists, drafts and news")
struct WorkListTests {
    @Test("every list's number is what paging through it gives, for whoever asks")
    func counts() async throws {
        let test = try await TestDesk()
        let ada = try await test.hire("Ada")
        let ben = try await test.hire("Ben")
        let second = try await test.write { try $0.add(["name": "Elsewhere"], to: Resource.departments) }
        let eve = try await test.hire("Eve", departments: ["Elsewhere"])
        for index in 0..<12 {
            let ticket = try await test.open("Request \(index)") {
                if index % 4 == 3 { $0.department = .id(second.id) }
            }
            try await test.act(on: ticket) { tx, ticket in
                if index % 3 == 0 {
                    try tx.assign(&ticket, to: index % 4 == 3 ? eve : index % 2 == 0 ? ada : ben, by: .routing)
                }
                if index % 5 == 0 { try tx.escalate(&ticket, by: .routing, reason: "it burns") }
                if index % 6 == 1 { try tx.pause(&ticket, as: .waiting, by: .routing) }
            }
        }
        let now = test.clock.now()
        for agent in [ada, ben, eve] {
            let counts = try await test.read { try $0.counts(for: agent, now: now) }
            for list in WorkList.allCases where list.isCounted {
                var (seen, after) = (0, TicketCursor?.none)
                repeat {
                    let wanted = TicketList(
                        query: try TicketQuery(list.query, now: now), asker: .agent(agent), order: list.order, limit: 2,
                        after: after)
                    let page = try await test.read { try $0.tickets(wanted) }
                    seen += page.tickets.count
                    after = page.next
                } while after != nil
                #expect(counts[list]?.number == seen, "\(list) of \(agent.name)")
            }
        }
    }

    @Test("answered by the customer: who spoke last, after we had")
    func answered() async throws {
        let test = try await TestDesk()
        let ada = try await test.hire("Ada")
        let ticket = try await test.open()
        func found() async throws -> Int {
            let query = try TicketQuery("is:answered", now: test.clock.now())
            return try await test.read { try $0.tickets(TicketList(query: query)).tickets.count }
        }
        #expect(try await found() == 0, "a new request is no answer")
        test.clock.advance(hours: 1)
        try await test.act(on: ticket) { tx, ticket in
            _ = try tx.reply(to: &ticket, Writing("Which one?", type: .text), by: Actor(ada), files: [], source: .web)
        }
        #expect(try await found() == 0)
        test.clock.advance(hours: 1)
        try await test.act(on: ticket) { tx, ticket in
            _ = try tx.receive(
                Writing("That one.", type: .text), in: ticket,
                by: Author(.customer, id: ticket.customer.number, name: "Kim", address: TestDesk.kim), files: [],
                source: .web)
        }
        #expect(try await found() == 1)
    }

    @Test("a draft is kept for its writer alone, replaced, and taken away when it is empty")
    func drafts() async throws {
        let test = try await TestDesk()
        let (ada, ben) = (try await test.hire("Ada"), try await test.hire("Ben"))
        let ticket = try await test.open()
        try await test.write { tx in
            try tx.keepDraft("first", of: .reply, by: ada.id, in: ticket.id)
            try tx.keepDraft("second\u{0}", of: .reply, by: ada.id, in: ticket.id)
            try tx.keepDraft("a note", of: .note, by: ada.id, in: ticket.id)
        }
        #expect(
            try await test.read { try $0.drafts(by: ada.id, in: ticket.id).mapValues(\.body) } == [
                .reply: "second", .note: "a note",
            ])
        #expect(try await test.read { try $0.drafts(by: ben.id, in: ticket.id) }.isEmpty)
        try await test.write { try $0.keepDraft("  ", of: .reply, by: ada.id, in: ticket.id) }
        #expect(try await test.read { Array(try $0.drafts(by: ada.id, in: ticket.id).keys) } == [.note])
    }

    @Test("news reach the page of the ticket at once and the lists with the next pulse, however much happened")
    func news() async throws {
        let test = try await TestDesk()
        let (ticket, other) = (try await test.open(), try await test.open())
        test.desk.feed.pulse()
        let (_, here) = test.desk.feed.subscribe(to: ticket.id)
        let (_, elsewhere) = test.desk.feed.subscribe(to: other.id)
        try await test.act(on: ticket) { tx, ticket in try tx.escalate(&ticket, by: .routing, reason: "it burns") }
        test.desk.feed.pulse()
        test.desk.feed.pulse()
        test.desk.feed.stop()
        var (mine, theirs): ([Feed.News], [Feed.News]) = ([], [])
        for await item in here { mine.append(item) }
        for await item in elsewhere { theirs.append(item) }
        #expect(mine == [.ticket, .desk])
        #expect(theirs == [.desk])
    }

    @Test("who asks after news is given what happened, however short a time ago was counted")
    func freshCounts() async throws {
        let test = try await TestDesk()
        let ada = try await test.hire("Ada")
        let ticket = try await test.open()
        let before = try await test.desk.counts.counts(for: ada, on: test.desk)
        #expect(before.lists[.mine]?.number == 0)
        try await test.act(on: ticket) { try $0.assign(&$1, to: ada, by: .mail) }
        let after = try await test.desk.counts.freshCounts(for: ada, on: test.desk)
        #expect(after.lists[.mine]?.number == 1)
        #expect(after.generation > before.generation)
    }

    @Test("a refused change is no news")
    func refused() async throws {
        let test = try await TestDesk()
        let ticket = try await test.open()
        let before = test.desk.feed.generation
        await #expect(throws: Refusal.self) {
            try await test.act(on: ticket) { tx, ticket in
                try tx.escalate(&ticket, by: .routing, reason: "it burns")
                try tx.confirm(&ticket, by: .routing)
            }
        }
        #expect(test.desk.feed.generation == before)
    }

    @Test("whoever reads or writes is shown until they leave or give no sign")
    func presence() async throws {
        let test = try await TestDesk()
        let ada = try await test.hire("Ada")
        let ticket = try await test.open()
        func sign(_ mode: Presence.Mode) -> Presence {
            Presence(ticket: ticket.id, agent: ada.id, name: "Ada", mode: mode)
        }
        test.desk.feed.note(sign(.reading), at: test.clock.now())
        test.desk.feed.note(sign(.writing), at: test.clock.now())
        #expect(test.desk.feed.present(at: ticket.id, now: test.clock.now()) == [sign(.writing)])
        test.clock.advance(hours: 0.01)
        #expect(test.desk.feed.present(at: ticket.id, now: test.clock.now()).isEmpty)
        test.desk.feed.note(sign(.reading), at: test.clock.now())
        test.desk.feed.note(sign(.gone), at: test.clock.now())
        #expect(test.desk.feed.present(at: ticket.id, now: test.clock.now()).isEmpty)
    }

    @Test(
        "where the words stand is shown, without regard to case and accents",
        arguments: [
            (["burnt"], "It smells of burnt toast", "burnt"), (["öl"], "Das Öl ist aus", "Öl"),
            (["oel", "ol"], "Das Öl", "Öl"), (["ten"], "often, ten times", "ten"), (["x"], "nothing", ""),
        ])
    func hits(words: [String], text: String, hit: String) {
        #expect(Snippet.hits(of: words, in: text).first.map { String(text[$0]) } ?? "" == hit)
    }

    @Test(
        "what a topic asks is checked as it says",
        arguments: [
            (#"{"key":"room","label":"Room","required":true}"#, "", true),
            (#"{"key":"room","label":"Room","required":true}"#, " 217 ", false),
            (#"{"key":"n","label":"N","kind":"number"}"#, "12,5", false),
            (#"{"key":"n","label":"N","kind":"number"}"#, "many", true),
            (#"{"key":"c","label":"C","kind":"choice","options":["a","b"]}"#, "c", true),
            (#"{"key":"c","label":"C","kind":"choice","options":["a","b"]}"#, "b", false),
            (#"{"key":"k","label":"K","kind":"check","required":true}"#, "", true),
        ])
    func asked(field: String, typed: String, isRefused: Bool) throws {
        let field = try #require(TopicField(try JSON(parsing: Data(field.utf8))))
        if isRefused {
            #expect(throws: Refusal.self) { try field.value(of: typed) }
        } else {
            #expect(throws: Never.self) { try field.value(of: typed) }
        }
    }
}
