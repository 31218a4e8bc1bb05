import DeskTesting
import Foundation
import Measuring
import Primitives
import Testing

@testable import Desk
@testable import Store

@Suite("SQL literals")
struct SQLTests {
    @Test("values become parameters, numbered through nested parts")
    func numbers() {
        let name = "x'; DROP TABLE ticket; --"
        let inner: SQL = "b = \(2) AND c = \(name)"
        let sql: SQL = "SELECT 1 WHERE a = \(1) AND (\(inner)) AND d IN (\(list: [3, 4]))"
        #expect(sql.text == "SELECT 1 WHERE a = $1 AND (b = $2 AND c = $3) AND d IN ($4, $5)")
        #expect(sql.values == [.integer(1), .integer(2), .text(name), .integer(3), .integer(4)])
    }

    @Test("an empty list matches nothing")
    func emptyList() { #expect(("x IN (\(list: [Int]()))" as SQL).text == "x IN (NULL)") }
}

@Suite("Words of the search index")
struct WordsTests {
    @Test(
        "case, accents and width are folded, scripts are split",
        arguments: [
            ("Grüße, STRASSE Straße", ["grusse", "strasse", "strasse"]),
            ("E-mail: a.b@c.example", ["e", "mail", "a", "b", "c", "example"]), ("漢字 テスト", ["漢", "字", "テ", "ス", "ト"]),
            ("ＡＢＣ １２", ["abc", "12"]), ("", []), ("Ünïcode\u{301}", ["unicode"]), ("Привет", ["привет"]),
        ])
    func splits(text: String, expected: [String]) { #expect(Words.split(text) == expected) }

    @Test(
        "text without an end costs no more than its length, and no more words are made than are wanted",
        arguments: ["ä", "äö A", "e\u{301}", "\u{301}", "ﬃ", "漢", "ก", "각", "a"])
    func grows(unit: String) {
        let isLinear = Growth.isLinear(Growth.repeated(unit), size: 256 << 10) { _ = Words.split($0) }
        #expect(isLinear)
        #expect(Words.split(String(repeating: unit + " ", count: 100_000), most: 10).count <= 10)
    }
}

@Suite("Both engines")
struct EngineTests {
    @Test("text, numbers, null and times come back as they went in")
    func roundTrip() async throws {
        let test = try await TestDesk()
        let text = "a'b\"c\\d\n漢字 😀 \u{202e}"
        try await test.write { try $0.keepPrivately("x", text) }
        #expect(try await test.read { try $0.privateSetting("x") } == text)
        #expect(try await test.read { try $0.value("SELECT CAST(NULL AS TEXT)", as: String?.self) } == .some(nil))
    }

    @Test("a refused write undoes itself and none of its neighbours")
    func isolation() async throws {
        let test = try await TestDesk()
        await withTaskGroup(of: Void.self) { group in
            for index in 0..<40 {
                group.addTask {
                    _ = try? await test.write { tx in
                        try tx.keepPrivately("k\(index)", "v")
                        if index % 3 == 0 { throw Refusal.notFound }
                    }
                }
            }
        }
        let kept = try await test.read {
            try $0.query("SELECT name FROM setting WHERE name LIKE '_k%'") { try $0.read(String.self) }
        }
        #expect(kept.count == 26)
        #expect(!kept.contains("_k0") && kept.contains("_k1"))
    }

    @Test("two writers of one row both get their turn")
    func noLostUpdate() async throws {
        let test = try await TestDesk()
        try await test.write { try $0.keepPrivately("n", "0") }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    try await test.write { tx in
                        let number = Int(try tx.db.privateSetting("n") ?? "") ?? 0
                        try tx.keepPrivately("n", String(number + 1))
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await test.read { try $0.privateSetting("n") } == "20")
    }

    @Test("numbers are handed out once each")
    func counters() async throws {
        let test = try await TestDesk()
        let numbers = try await withThrowingTaskGroup(of: Int64.self) { group in
            for _ in 0..<30 { group.addTask { try await test.write { try $0.db.next(.ticketNumber) } } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(Set(numbers).count == 30)
        #expect(numbers.min() == 100_001)
        let more = try await test.write { try $0.db.take(5, of: .ticketNumber) }
        #expect(more.count == 5 && more[0] > numbers.max() ?? 0)
    }

    @Test("the ladder runs once, and a newer database is refused")
    func migrations() async throws {
        let test = try await TestDesk()
        #expect(try await Schema.migrator.migrate(test.desk.database, at: test.clock.now()) == [])
        #expect(try await Schema.migrator.missing(in: test.desk.database) == [])
        _ = try await test.write {
            try $0.db.execute("INSERT INTO schema_migration (name, applied_at) VALUES ('999-future', 0)")
        }
        await #expect(throws: StoreError.newerDatabase("999-future")) {
            try await Schema.migrator.migrate(test.desk.database, at: test.clock.now())
        }
    }

    @Test("a backup knows every table there is")
    func everyTable() async throws {
        let test = try await TestDesk()
        let names = try await test.read { db in
            switch db.dialect {
            case .sqlite:
                try db.query(
                    """
                    SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
                    AND name NOT LIKE 'ticket_text%'
                    """
                ) { try $0.read(String.self) }
            case .postgres:
                try db.query(
                    "SELECT CAST(table_name AS TEXT) FROM information_schema.tables WHERE table_schema = 'public'"
                ) { try $0.read(String.self) }
            }
        }
        // Who is signed in, what was asked for by link, how mail servers fare and who does what just now stays with the
        // old desk.
        let passing: Set = ["session", "throttle", "one_time_link", "undo", "mail_server_state", "lease"]
        #expect(
            Set(names).subtracting(["schema_migration", "counter", "ticket_text", "text_word"]).subtracting(passing)
                == Set(Schema.tables))
    }

    @Test("foreign keys and checks hold")
    func constraints() async throws {
        let test = try await TestDesk()
        await #expect(throws: StoreError.self) {
            _ = try await test.write { try $0.db.execute("UPDATE department SET service_level_id = 4711") }
        }
        await #expect(throws: StoreError.self) {
            _ = try await test.write {
                try $0.db.execute("INSERT INTO agent (email, name, role, created_at) VALUES ('a', 'b', 'king', 0)")
            }
        }
    }
}
