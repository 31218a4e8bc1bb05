import DeskTesting
import Foundation
import Testing

@testable import Desk
@testable import Store

@Suite("Addresses of PostgreSQL")
struct PostgresAddressTests {
    private func words(_ host: [(keyword: String, value: String)]) -> [String: String] {
        Dictionary(host.map { ($0.keyword, $0.value) }) { first, _ in first }
    }

    @Test("one host gets what keeps a dead line from being waited for, and keeps what the operator said")
    func one() throws {
        let address = try PostgresAddress(
            "postgres://u:p@db.example:5433/usher?connect_timeout=2&tcp_user_timeout=500&application_name=mine")
        let host = words(try #require(address.hosts.first))
        #expect(address.hosts.count == 1 && address.connecting == 2_000_000_000)
        #expect(
            host["host"] == "db.example" && host["port"] == "5433" && host["user"] == "u" && host["dbname"] == "usher")
        #expect(
            host["tcp_user_timeout"] == "500" && host["application_name"] == "mine" && host["keepalives_idle"] == "10"
                && host["client_encoding"] == "UTF8")
        #expect(host["target_session_attrs"] == nil)
    }

    @Test("several hosts are asked one by one, for one that can be written to")
    func several() throws {
        let address = try PostgresAddress("postgres://u@a.example:1,b.example:2/usher")
        #expect(address.hosts.map { words($0)["host"] } == ["a.example", "b.example"])
        #expect(address.hosts.map { words($0)["port"] } == ["1", "2"])
        #expect(address.hosts.allSatisfy { words($0)["target_session_attrs"] == "read-write" })
        #expect(
            words(try PostgresAddress("postgres://u@a,b/x?target_session_attrs=any").hosts[1])["target_session_attrs"]
                == "any")
    }

    @Test("limits are added to the operator's options, not over them")
    func options() throws {
        let host = try PostgresAddress("host=a options='-c statement_timeout=5s -c geqo=off'").hosts[0]
        let options = try #require(words(PostgresAddress.words(host, withOptions: true))["options"])
        #expect(options.contains("statement_timeout=5s") && !options.contains("statement_timeout=30s"))
        #expect(options.contains("geqo=off") && options.contains("lock_timeout=5s"))
        #expect(
            words(PostgresAddress.words(host, withOptions: false))["options"] == "-c statement_timeout=5s -c geqo=off")
    }

    @Test(
        "what libpq cannot read is told",
        arguments: ["postgres://u@h:port/x", "postgres://h/x?colour=red", "host='open"])
    func wrong(address: String) { #expect(PostgresDatabase.fault(in: address) != nil) }
}

@Suite("Statements are kept within bounds")
struct StatementTests {
    @Test("only what comes again gets a name, and no more than there is room for")
    func names() {
        var names = StatementNames()
        for round in 0..<3 {
            for number in 0..<1000 {
                if case .new(let name) = names.name(of: "SELECT \(number)") {
                    names.keep(name, for: "SELECT \(number)")
                }
            }
            #expect(names.kept <= StatementNames.most, "after round \(round)")
        }
        #expect(names.kept == StatementNames.most && names.isFull)
        #expect(names.name(of: "SELECT 1 WHERE a @@ b") == .none)
        names.forget()
        #expect(names.kept == 0)
    }

    @Test("names of two lines never meet, and a line whose server forgets them does without")
    func distinct() {
        var (one, two) = (StatementNames(), StatementNames())
        _ = (one.name(of: "x"), two.name(of: "x"))
        #expect(one.name(of: "x") != two.name(of: "x"))
        one.stop()
        #expect(one.name(of: "x") == .none)
    }

    @Test("ever other searches leave a bounded number of statements behind")
    func bounded() async throws {
        let test = try await TestDesk()
        // Each text has another number of parameters.
        try await Lane.$current.withValue(.long) {
            try await test.read { db in
                for number in 0..<700 {
                    _ = try db.value(
                        "SELECT count(*) FROM agent WHERE id IN (\(list: Array(0...number)))", as: Int.self)
                }
            }
        }
        _ = try await test.write { tx in
            for number in 0..<700 {
                _ = try tx.db.value("SELECT count(*) FROM team WHERE id IN (\(list: Array(0...number)))", as: Int.self)
            }
        }
        let most = try await test.read { db in (db as? SQLiteConnection)?.statements.count ?? 0 }
        #expect(most <= SQLiteStatements.most)
    }
}

@Suite("The ladder")
struct LadderTests {
    @Test("a database at any step goes on from there, and an empty one from the start")
    func everyStep() async throws {
        let steps = Schema.migrator.steps
        for count in 0..<steps.count {
            let (database, folder) = try await TestDatabase.empty()
            if count > 0 {
                #expect(
                    try await Migrator(Array(steps.prefix(count))).migrate(database, at: Date(milliseconds: 0)).count
                        == count)
            }
            #expect(try await Schema.migrator.missing(in: database) == steps.dropFirst(count).map(\.name))
            #expect(
                try await Schema.migrator.migrate(database, at: Date(milliseconds: 0))
                    == steps.dropFirst(count).map(\.name))
            #expect(try await Schema.migrator.missing(in: database) == [])
            await database.close()
            try FileManager.default.removeItem(at: folder)
        }
    }

    @Test("two programs that migrate at once make one schema")
    func together() async throws {
        let (database, folder) = try await TestDatabase.empty()
        async let one = Schema.migrator.migrate(database, at: Date(milliseconds: 0))
        async let two = Schema.migrator.migrate(database, at: Date(milliseconds: 0))
        #expect(try await one.count + two.count == Schema.migrator.steps.count)
        await database.close()
        try FileManager.default.removeItem(at: folder)
    }
}

@Suite("Leases")
struct LeaseTests {
    @Test("one holds it at a time; who lost it can do nothing by it")
    func fencing() async throws {
        let test = try await TestDesk()
        guard test.desk.database.dialect == .postgres else { return }
        let first = try #require(try await test.desk.database.lock("work"))
        #expect(try await test.desk.database.lock("work") == nil)
        #expect(await first.isHeld())
        try await test.desk.database.write { try first.hold(in: $0) }
        // As if the holder had been frozen for longer than a lease lasts.
        _ = try await test.write { try $0.db.execute("UPDATE lease SET until = 1") }
        #expect(await first.isHeld() == false)
        let second = try #require(try await test.desk.database.lock("work"))
        #expect(await first.isHeld() == false)
        await #expect(throws: StoreError.self) { try await test.desk.database.write { try first.hold(in: $0) } }
        try await test.desk.database.write { try second.hold(in: $0) }
        await second.release()
        #expect(try await test.desk.database.lock("work") != nil)
    }
}
