import DeskTesting
import Foundation
import Primitives
import Testing

@testable import Desk
@testable import Store

@Suite("Searching articles")
struct ArticleIndexTests {
    private func write(
        _ test: TestDesk, _ slug: String, _ title: String, category: String = "", body: String = "Words.",
        published: Bool = true
    ) async throws {
        _ = try await test.write {
            try $0.add(
                [
                    "slug": .string(slug), "title": .string(title), "category": .string(category),
                    "body": .string(body), "published": .bool(published),
                ], to: .articles)
        }
    }

    private func furnished() async throws -> TestDesk {
        let test = try await TestDesk()
        try await write(
            test, "white-pages", "Pages come out white or striped", category: "Printers",
            body: "Wipe the narrow glass of the scanner beside the large one with a dry cloth.")
        try await write(
            test, "telephone", "Forward your telephone", category: "Telephone",
            body: "Dial *21 and the number. It does not print anything.")
        try await write(
            test, "password", "Set a new password", category: "Accounts",
            body: "Open the sign-in page and follow the link in the email.")
        try await write(test, "umlaut", "Drucker für das Büro", category: "Geräte", body: "Der Drucker steht im Flur.")
        try await write(
            test, "secret", "Scanner: the draft nobody shall see", category: "Printers",
            body: "scanner scanner scanner", published: false)
        return test
    }

    @Test(
        "a question in the customer's own words finds its article",
        arguments: [
            ("my scanner makes white pages", "white-pages"), ("printer", "white-pages"), ("Printers", "white-pages"),
            ("scanners", "white-pages"), ("SCANN", "white-pages"),
            ("how do I forward calls on my phone? telephone", "telephone"), ("forgot passwort pass", "password"),
            ("buero", "umlaut"), ("büro drucker", "umlaut"), ("drucker fur das buro", "umlaut"),
        ])
    func questions(question: String, first: String) async throws {
        let test = try await furnished()
        #expect(try await test.desk.articles(for: question, limit: 10).first?.slug == first)
    }

    @Test("nothing is found where no word fits, and no draft is ever found")
    func nothing() async throws {
        let test = try await furnished()
        for question in ["", "   ", "zeppelin", "%", "'; DROP TABLE article"] {
            #expect(try await test.desk.articles(for: question, limit: 10).isEmpty, "\(question)")
        }
        for question in ["scanner", "draft", "secret", "nobody shall see"] {
            #expect(try await !test.desk.articles(for: question, limit: 10).contains { $0.slug == "secret" })
        }
    }

    @Test("a title counts more than a category, and a category more than the text")
    func ranking() async throws {
        let test = try await TestDesk()
        try await write(
            test, "in-text", "Something",
            body: "Now and then the modem is mentioned. " + String(repeating: "modem ", count: 40))
        try await write(test, "in-category", "Another thing", category: "Modem")
        try await write(test, "in-title", "The modem blinks")
        #expect(
            try await test.desk.articles(for: "modem", limit: 10).map(\.slug) == ["in-title", "in-category", "in-text"])
    }

    @Test("a change is found at once, also one that another process made")
    func changes() async throws {
        let test = try await furnished()
        #expect(try await test.desk.articles(for: "zeppelin", limit: 10).isEmpty)
        // The same database seen by another process: it has an index of its own.
        let other = Desk(
            database: test.desk.database, clock: test.clock, files: test.desk.files, office: test.desk.office,
            log: test.desk.log)
        #expect(try await other.articles(for: "zeppelin", limit: 10).isEmpty)
        try await write(test, "airships", "Zeppelins and other airships")
        #expect(try await other.articles(for: "zeppelin", limit: 10).map(\.slug) == ["airships"])
        let id = try #require(
            try await test.read { try $0.value("SELECT id FROM article WHERE slug = 'airships'", as: Int64.self) })
        _ = try await other.write { try $0.change(id, of: .articles, ["published": false]) }
        #expect(try await test.desk.articles(for: "zeppelin", limit: 10).isEmpty)
        _ = try await test.write { try $0.change(id, of: .articles, ["published": true]) }
        #expect(try await other.articles(for: "zeppelin", limit: 10).count == 1)
        try await other.write { try $0.remove(id, from: .articles) }
        #expect(try await test.desk.articles(for: "zeppelin", limit: 10).isEmpty)
    }

    @Test("a long question takes no longer than its first words")
    func bounded() {
        let words = (0..<4000).map { "word\($0)" }
        func body(_ number: Int) -> String {
            let chosen: [String] = (0..<120).map { place in words[(number * 7 + place * 13) % 4000] }
            return chosen.joined(separator: " ")
        }
        let sources: [ArticleIndex.Source] = (0..<1000).map { number in
            let title = words[number] + " " + words[number * 3 % 4000]
            return ArticleIndex.Source(
                id: Int64(number), title: title, category: words[number % 20], slug: words[number], body: body(number))
        }
        let index = ArticleIndex(sources)
        func time(_ question: String) -> Double {
            let began = clock()
            for _ in 0..<5 { _ = index.search(question, limit: 10) }
            return Double(clock() - began) / Double(CLOCKS_PER_SEC)
        }
        let short = words.prefix(100).joined(separator: " ")
        let long = String(repeating: short + " ", count: 200)
        _ = time(short)
        #expect(time(long) < time(short) * 2.5 + 0.02)
        #expect(index.search("word17", limit: 3).first == 17)
    }
}
