import DeskTesting
import Domain
import Foundation
import Primitives
import Testing

@testable import Desk
@testable import Store

@Suite("What administrators set")
struct ResourceTests {
    private func fields(_ row: ResourceRow) -> [String: JSON] {
        Dictionary(uniqueKeysWithValues: row.fields.map { ($0.name, $0.value) })
    }

    @Test("every fault of an input is named, and nothing is kept")
    func faults() async throws {
        let test = try await TestDesk()
        do {
            _ = try await test.write {
                try $0.add(
                    ["name": "", "service_level": "Nothing", "supervisor": "nobody@x.example", "colour": "red"],
                    to: Resource.departments)
            }
            #expect(Bool(false))
        } catch Refusal.invalid(let faults) {
            #expect(Set(faults.map(\.field)) == ["name", "service_level", "supervisor", "colour"])
        }
        #expect(try await test.read { try $0.rows(of: Resource.departments, limit: 10).count } == 1)
    }

    @Test("a name is taken whatever its case, and free again when its owner was retired")
    func names() async throws {
        let test = try await TestDesk()
        let row = try await test.write { try $0.add(["name": "Network"], to: Resource.departments) }
        await #expect(throws: Refusal.invalid("name", .taken)) {
            _ = try await test.write { try $0.add(["name": "NETWORK"], to: Resource.departments) }
        }
        try await test.write { try $0.remove(row.id, from: Resource.departments) }
        _ = try await test.write { try $0.add(["name": "Network"], to: Resource.departments) }
    }

    @Test("the last department stays")
    func lastDepartment() async throws {
        let test = try await TestDesk()
        let id = try #require(try await test.read { try $0.rows(of: Resource.departments, limit: 1).first?.id })
        await #expect(throws: Refusal.self) { try await test.write { try $0.remove(id, from: Resource.departments) } }
    }

    @Test("what is in use cannot be deleted")
    func inUse() async throws {
        let test = try await TestDesk()
        let level = try #require(try await test.read { try $0.rows(of: Resource.serviceLevels, limit: 1).first?.id })
        await #expect(throws: Refusal.self) {
            try await test.write { try $0.remove(level, from: Resource.serviceLevels) }
        }
    }

    @Test("a customer is known by each of several addresses, and nobody else's can be taken")
    func addresses() async throws {
        let test = try await TestDesk()
        let row = try await test.write {
            try $0.add(["name": "Kim", "emails": ["kim@harbour.example", "Kim@Home.example"]], to: Resource.customers)
        }
        #expect(fields(row)["emails"] == ["kim@harbour.example", "kim@home.example"])
        await #expect(throws: Refusal.self) {
            _ = try await test.write { try $0.add(["emails": ["kim@home.example"]], to: Resource.customers) }
        }
        let (first, second) = (
            try await test.open(from: "kim@harbour.example"), try await test.open(from: "kim@home.example")
        )
        #expect(first.customer == second.customer)
    }

    @Test("an organization gathers the customers of its domains")
    func organizations() async throws {
        let test = try await TestDesk()
        let ticket = try await test.open(from: "kim@harbour.example")
        _ = try await test.write {
            try $0.add(["name": "Harbour", "domains": ["harbour.example"]], to: Resource.organizations)
        }
        let later = try await test.open(from: "lee@harbour.example")
        for customer in [ticket.customer, later.customer] {
            let row = try await test.read { try $0.row(customer.number, of: Resource.customers) }
            #expect(fields(row)["organization"]?["name"] == "Harbour")
        }
    }

    @Test("settings out of bounds are refused together")
    func settings() async throws {
        let test = try await TestDesk()
        do {
            _ = try await test.write { try $0.change(["close_after_hours": 0, "urgent_words": "x", "nothing": 1]) }
            #expect(Bool(false))
        } catch Refusal.invalid(let faults) { #expect(faults.count == 3) }
        #expect(try await test.write { try $0.change(["close_after_hours": 24]) }.closeAfterHours == 24)
    }
}

@Suite("Secrets")
struct SecretTests {
    @Test("passwords are kept by scrypt with a salt of their own")
    func passwords() throws {
        // As they are kept outside of tests, which hash cheaply.
        let (first, second) = (
            try Password.hash("correct horse battery", rounds: Password.usualRounds),
            try Password.hash("correct horse battery", rounds: Password.usualRounds)
        )
        #expect(first != second && first.hasPrefix("scrypt$32768$"))
        #expect(Password.verify("correct horse battery", against: first))
        #expect(
            !Password.verify("correct horse batterz", against: first) && !Password.verify("", against: "scrypt$x$y$z")
                && !Password.verify("", against: ""))
    }

    @Test("a mark holds for one text, one purpose, one secret")
    func marks() {
        let signer = Signer(secret: Array("one".utf8))
        let mark = signer.mark("a", for: .link)
        #expect(signer.isGenuine(mark, of: "a", for: .link) && signer.isGenuine(mark.uppercased(), of: "a", for: .link))
        #expect(
            !signer.isGenuine(mark, of: "b", for: .link) && !signer.isGenuine(mark, of: "a", for: .mail)
                && !signer.isGenuine("", of: "a", for: .link))
        #expect(!Signer(secret: Array("two".utf8)).isGenuine(mark, of: "a", for: .link))
    }

    @Test("the set-up link works once")
    func setup() async throws {
        let test = try await TestDesk()
        let token = try await test.write { try $0.makeSetupToken() }
        await #expect(throws: Refusal.notFound) {
            _ = try await test.write {
                try $0.setUp(token: "x" + token, name: "A", email: "a@x.example", passwordHash: "x")
            }
        }
        let agent = try await test.write {
            try $0.setUp(token: token, name: "A", email: "a@x.example", passwordHash: "x")
        }
        #expect(agent.role == .administrator)
        await #expect(throws: Refusal.notFound) {
            _ = try await test.write { try $0.setUp(token: token, name: "B", email: "b@x.example", passwordHash: "x") }
        }
        #expect(try await test.write { try $0.needsSetup() } == false)
    }
}

@Suite("Seed and demo")
struct SeedTests {
    @Test("the same seed makes the same tickets, in every state, and they can be searched and counted")
    func seed() async throws {
        let (first, second) = (try await TestDesk(), try await TestDesk())
        for test in [first, second] { try await Seed(tickets: 600, seed: 7).plant(in: test.desk) }
        func facts(_ test: TestDesk) async throws -> [String] {
            try await test.read {
                try $0.query("SELECT number, subject, state, requester_address FROM ticket ORDER BY id") {
                    """
                    \(try $0.read(Int64.self)) \(try $0.read(String.self)) \(try $0.read(String.self)) \
                    \(try $0.read(String.self))
                    """
                }
            }
        }
        #expect(try await facts(first) == facts(second))
        let states = try await first.read {
            try $0.query("SELECT DISTINCT state FROM ticket ORDER BY state") { try $0.read(String.self) }
        }
        #expect(
            states.contains("closed") && states.contains("open") && states.contains("spam") && states.contains("new"))
        #expect(try await first.read { try $0.value("SELECT count(*) FROM entry", as: Int.self) } == 1800)
    }

    @Test("the demo fills an empty desk and mails nobody")
    func demo() async throws {
        let test = try await TestDesk()
        try await Demo.fill(test.desk) { _ in }
        try await Demo.fill(test.desk) { _ in }
        try await test.settle()
        #expect(test.mail.sent.isEmpty)
        #expect(try await test.read { try $0.count(TicketList()) } == 200)
        for state in [TicketState.new, .open, .waiting, .held, .resolved, .closed, .spam] {
            #expect(try await test.read { try $0.count(TicketList(query: .state([state]))) } > 0, "\(state)")
        }
    }
}
