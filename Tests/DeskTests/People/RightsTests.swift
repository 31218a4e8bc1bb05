import DeskTesting
import Foundation
import Mail
import Primitives
import Testing

@testable import Desk
@testable import Domain
@testable import Store

@Suite("Rights that were taken away")
struct RightsTests {
    private static let password = "correct horse battery"
    private func linkTokens(_ test: TestDesk, _ address: String) -> [String] {
        test.mail.to(address).filter { $0.text.contains("/sign-in/") }.compactMap {
            $0.text.components(separatedBy: "/sign-in/").last?.prefix { $0.isLetter || $0.isNumber || $0 == "-" }
        }.map(String.init)
    }
    private func state(_ test: TestDesk, _ kind: MailKind) async throws -> [OutboxMail.State] {
        try await test.read {
            try $0.query("SELECT state FROM outbox WHERE kind = \(kind) ORDER BY id") { try $0.read() }
        }
    }

    // MARK: links

    enum Change: String, CaseIterable, Sendable {
        case ownPassword, administratorsPassword, address, deactivated, secondFactor
    }
    @Test(
        "a mailed link ends with any change of the password or the address, and when its agent leaves",
        arguments: Change.allCases)
    func oneTimeLinks(change: Change) async throws {
        let test = try await TestDesk()
        _ = try await test.hire("Mara", .administrator)
        let hash = try await PasswordCheck.shared.hash(Self.password)
        let ada = try await test.write {
            try $0.addAgent(email: "ada@desk.example", name: "Ada", role: .agent, departments: [], passwordHash: hash)
        }
        try await test.write { try $0.mailLink(to: "ada@desk.example") }
        try await test.settle()
        let token = try #require(linkTokens(test, "ada@desk.example").first)
        let now = test.clock.now()
        let signer = test.desk.office.signer
        #expect(try await test.read { try $0.oneTimeLink(token, signer, now: now) } != nil)
        try await test.write { tx in
            switch change {
            case .ownPassword:
                let session = try #require(
                    try tx.db.session(token: try tx.beginSession(.agent(ada), browser: ""), now: tx.now))
                try tx.setPassword(of: session, hash: hash + "0")
            case .administratorsPassword:
                _ = try tx.change(ada.id.number, of: Resource.agents, ["password": "another long password"])
            case .address: _ = try tx.change(ada.id.number, of: Resource.agents, ["email": "ada.lind@desk.example"])
            case .deactivated: try tx.deactivate(ada)
            case .secondFactor:
                let secret = OneTimeCode.newSecret()
                _ = try tx.beginSecondFactor(
                    for: ada, secret: secret,
                    code: OneTimeCode.code(secret: secret, step: OneTimeCode.step(at: tx.now)), keeping: nil)
            }
        }
        #expect(try await test.read { try $0.oneTimeLink(token, signer, now: now) } == nil)
    }

    @Test("a set-up link ends as soon as there is an administrator, whichever way")
    func setup() async throws {
        let test = try await TestDesk()
        let token = try await test.write { try $0.makeSetupToken() }
        #expect(try await test.read { try $0.isSetupToken(token) })
        _ = try await test.hire("Mara", .administrator)
        #expect(try await test.read { try !$0.isSetupToken(token) })
        await #expect(throws: Refusal.notFound) {
            _ = try await test.write {
                try $0.setUp(token: token, name: "Eve", email: "eve@evil.example", passwordHash: "x")
            }
        }
        #expect(try await test.read { try $0.agent(email: "eve@evil.example") } == nil)
    }

    @Test(
        """
        links to tickets end when they are taken back and when the customer's address changes; the next mail \
        carries one that works
        """
    )
    func ticketLinks() async throws {
        let test = try await TestDesk()
        let ticket = try await test.open()
        func link() async throws -> LinkToken {
            try await test.read { try $0.link(to: ticket.id, for: ticket.customer) }
        }
        let first = try await link()
        try await test.write { try $0.revokeLinks(of: ticket.customer) }
        #expect(try await test.read { try !$0.isGood(first) })
        let second = try await link()
        #expect(try await test.read { try $0.isGood(second) })
        #expect(LinkToken(second.text(test.desk.office.signer), signer: test.desk.office.signer) == second)
        _ = try await test.write {
            try $0.change(ticket.customer.number, of: Resource.customers, ["emails": ["kim@quay.example"]])
        }
        #expect(try await test.read { try !$0.isGood(second) })
        #expect(
            try await test.ticket(ticket.number).requesterAddress == "kim@quay.example",
            "and mail goes to the address there is")
        _ = try await test.write {
            try $0.change(
                ticket.customer.number, of: Resource.customers,
                ["name": "Kim", "emails": ["kim@quay.example", "kim@harbour.example"]])
        }
        let third = try await link()
        #expect(try await test.read { try $0.isGood(third) }, "an address more takes nothing away")
    }

    // MARK: mail that waited

    @Test("a note that waits is not mailed to an agent who left, lost the department, or was taken out; it says so")
    func notes() async throws {
        for change in ["left", "moved", "out", "none"] {
            let test = try await TestDesk()
            _ = try await test.write { try $0.add(["name": "Elsewhere"], to: Resource.departments) }
            let (ada, ben, mara) = (
                try await test.hire("Ada", departments: ["Support"]),
                try await test.hire("Ben", departments: ["Elsewhere"]), try await test.hire("Mara", .administrator)
            )
            let ticket = try await test.open()
            try await test.act(on: ticket) { tx, ticket in
                try tx.assign(&ticket, to: ada, by: Actor(mara))
                try tx.addAgent(ben, to: ticket, by: Actor(mara))
            }
            try await test.settle()
            try await test.act(on: ticket) { tx, ticket in
                _ = try tx.note(on: &ticket, Writing("CANARY", type: .text), by: Actor(mara), files: [], source: .web)
            }
            let elsewhere = try #require(
                try await test.read {
                    try $0.value("SELECT id FROM department WHERE name = 'Elsewhere'", as: Int64.self)
                })
            try await test.write { tx in
                var loaded = try tx.db.ticket(ticket.id)
                switch change {
                case "left": try tx.deactivate(ada)
                case "moved":
                    try tx.removeAgent(ben, from: loaded, by: Actor(mara))
                    try tx.transfer(
                        &loaded, to: Reference(id: Department.ID(elsewhere), name: "Elsewhere"), by: Actor(mara))
                case "out": try tx.removeAgent(ben, from: loaded, by: Actor(mara))
                default: break
                }
            }
            try await test.settle()
            let adas = test.mail.to("ada@desk.example").filter { $0.text.contains("CANARY") }.count
            let bens = test.mail.to("ben@desk.example").filter { $0.text.contains("CANARY") }.count
            #expect(adas == (change == "left" || change == "moved" ? 0 : 1), "\(change)")
            #expect(bens == (change == "out" ? 0 : 1), "\(change)")
            let cancelled = try await state(test, .noted).filter { $0 == .cancelled }.count
            #expect(cancelled == (change == "none" ? 0 : 1), "\(change)")
            if change != "none" {
                let reason = try #require(
                    try await test.read {
                        try $0.value(
                            "SELECT error FROM outbox WHERE kind = 'noted' AND state = 'cancelled'", as: String.self)
                    })
                #expect(reason.contains("no longer"))
                #expect(
                    try await test.events(ticket).contains { $0.kind == .quieted && $0.reason.contains("no longer") },
                    "\(change)")
            }
        }
    }

    @Test(
        """
        a reply that waits is not mailed to somebody who was taken out meanwhile, nor to an address that is not \
        theirs any more
        """
    )
    func replies() async throws {
        let test = try await TestDesk()
        let ada = try await test.hire("Ada")
        let ticket = try await test.open()
        let lee = try #require(MailAddress(name: "Lee", "lee@corner.example"))
        try await test.act(on: ticket) { tx, ticket in
            try tx.addCollaborator(lee, to: ticket, by: Actor(ada))
            _ = try tx.reply(to: &ticket, Writing("CANARY", type: .text), by: Actor(ada), files: [], source: .web)
            try tx.removeCollaborator(lee, from: ticket, by: Actor(ada))
        }
        _ = try await test.write {
            try $0.change(ticket.customer.number, of: Resource.customers, ["emails": ["kim@quay.example"]])
        }
        try await test.settle()
        #expect(test.mail.to("lee@corner.example").isEmpty && test.mail.to(TestDesk.kim).isEmpty)
        #expect(test.mail.to("kim@quay.example").contains { $0.text.contains("CANARY") })
    }

    @Test("a link to sign in that was used or replaced is not mailed any more")
    func waitingLinks() async throws {
        let test = try await TestDesk()
        let ada = try await test.hire("Ada")
        try await test.write { try $0.invite(ada) }
        _ = try await test.write {
            try $0.change(ada.id.number, of: Resource.agents, ["password": "a password she is told"])
        }
        try await test.settle()
        #expect(linkTokens(test, "ada@desk.example").isEmpty)
        #expect(try await state(test, .invitation) == [.cancelled])
    }

    // MARK: who may see

    @Test("lists, counts and the answer for one ticket say the same for every kind of asker")
    func agreement() async throws {
        let test = try await TestDesk()
        _ = try await test.write { try $0.add(["name": "Elsewhere"], to: Resource.departments) }
        let team = try await test.write { try $0.add(["name": "Night"], to: Resource.teams) }
        let names = [
            ("in", Role.agent, "Support"), ("out", .agent, "Elsewhere"), ("viewer", .viewer, "Support"),
            ("boss", .supervisor, "Elsewhere"), ("mara", .administrator, "Elsewhere"), ("mate", .agent, "Elsewhere"),
            ("second", .agent, "Elsewhere"),
        ]
        var agents: [String: Agent] = [:]
        for (name, role, department) in names {
            agents[name] = try await test.hire(name, role, departments: [department])
        }
        let (mate, second) = (try #require(agents["mate"]), try #require(agents["second"]))
        _ = try await test.write { try $0.change(team.id, of: Resource.teams, ["members": [.string(mate.email)]]) }
        let (plain, teams, seconds, spam) = (
            try await test.open(), try await test.open(), try await test.open(), try await test.open()
        )
        try await test.act(on: teams) {
            try $0.assign(&$1, to: Reference(id: Team.ID(team.id), name: "Night"), by: .routing)
        }
        try await test.act(on: seconds) { try $0.addAgent(second, to: $1, by: .routing) }
        try await test.act(on: spam) { try $0.markSpam(&$1, by: .routing) }
        let expected: [String: Set<Int64>] = [
            "in": [plain.number, teams.number, seconds.number, spam.number], "out": [],
            "viewer": [plain.number, teams.number, seconds.number, spam.number], "boss": [],
            "mara": [plain.number, teams.number, seconds.number, spam.number], "mate": [teams.number],
            "second": [seconds.number],
        ]
        for (name, agent) in agents {
            let asker = Asker.agent(agent)
            let listed = Set(try await test.read { try $0.tickets(TicketList(asker: asker)).tickets.map(\.number) })
            #expect(listed == expected[name], "\(name)")
            #expect(try await test.read { try $0.count(TicketList(asker: asker)) } == listed.count)
            for ticket in [plain, teams, seconds, spam] {
                let (sees, works, finds) = try await test.read { db in
                    (
                        try db.may(asker, .see, ticket.id), try db.may(asker, .work, ticket.id),
                        (try? db.ticket(number: ticket.number, for: asker)) != nil
                    )
                }
                #expect(
                    sees == listed.contains(ticket.number) && finds == sees && works == (sees && name != "viewer"),
                    "\(name) and #\(ticket.number)")
            }
            #expect(
                try await test.read { try $0.acquaintance(with: plain.customer, for: asker).tickets }
                    == listed.subtracting([spam.number]).count, "\(name): the aside counts what they see")
            #expect(
                try await test.read { try !$0.customers(matching: "", for: asker, before: nil, limit: 10).isEmpty }
                    == !listed.isEmpty, "\(name): the list of people")
        }
        let kim = Asker.customer(plain.customer)
        #expect(
            try await test.read {
                try $0.may(kim, .see, plain.id) && !$0.may(kim, .see, spam.id) && !$0.may(kim, .seeInside, plain.id)
                    && !$0.may(kim, .work, plain.id)
            })
    }

    @Test("a ticket is given only to somebody who may see it, by hand, by a change, and when it comes back")
    func assignment() async throws {
        let test = try await TestDesk()
        _ = try await test.write { try $0.add(["name": "Elsewhere"], to: Resource.departments) }
        let (ada, eve) = (try await test.hire("Ada"), try await test.hire("Eve", departments: ["Elsewhere"]))
        let ticket = try await test.open()
        await #expect(throws: Refusal.self) {
            try await test.act(on: ticket) { try $0.assign(&$1, to: eve, by: .routing) }
        }
        var change = TicketChange()
        change.assignee = .given("eve@desk.example")
        do {
            try await test.act(on: ticket) { [change] in try $0.change(&$1, change, by: .routing) }
            Issue.record("it was given")
        } catch Refusal.invalid(let faults) { #expect(faults.map(\.field) == ["assignee"]) }
        #expect(try await test.ticket(ticket.number).assignee == nil)
        // Moved and given in one step, it is hers.
        change.department = .name("Elsewhere")
        try await test.act(on: ticket) { [change] in try $0.change(&$1, change, by: .routing) }
        #expect(try await test.ticket(ticket.number).assignee?.address == "eve@desk.example")
        let other = try await test.open()
        try await test.act(on: other) { tx, ticket in
            try tx.claim(&ticket, by: ada)
            try tx.resolve(&ticket, by: Actor(ada), solution: nil, source: .web)
        }
        _ = try await test.write { try $0.change(ada.id.number, of: Resource.agents, ["departments": ["Elsewhere"]]) }
        try await test.act(on: other) { tx, ticket in
            ticket.assignee = nil
            try tx.save(ticket)
            try tx.reopen(&ticket, by: .timer, reason: "x")
        }
        #expect(try await test.ticket(other.number).assignee == nil, "who solved it works elsewhere now")
    }

    // MARK: the last administrator

    @Test(
        """
        the only active administrator is not demoted, deactivated or removed, whichever way; with another one it \
        is done
        """
    )
    func lastAdministrator() async throws {
        let test = try await TestDesk()
        let mara = try await test.hire("Mara", .administrator)
        let ways: [@Sendable (Transaction) throws -> Void] = [
            { _ = try $0.change(mara.id.number, of: Resource.agents, ["role": "agent"]) },
            { _ = try $0.change(mara.id.number, of: Resource.agents, ["role": "viewer", "name": "M"]) },
            { _ = try $0.change(mara.id.number, of: Resource.agents, ["active": false]) },
            { try $0.remove(mara.id.number, from: Resource.agents) }, { try $0.deactivate(mara) },
        ]
        for way in ways { await #expect(throws: Refusal.self) { try await test.write { try way($0) } } }
        #expect(try await test.read { try $0.agent(mara.id)?.role } == .administrator)
        _ = try await test.write {
            try $0.change(mara.id.number, of: Resource.agents, ["name": "Mara K.", "password": "a long new password"])
        }
        let noa = try await test.hire("Noa", .administrator)
        // Each of two takes the other's office away at the same moment: one of them stays, however often they try.
        for _ in 0..<10 {
            for id in [mara.id, noa.id] {
                _ = try await test.write { try $0.change(id.number, of: Resource.agents, ["role": "administrator"]) }
            }
            async let first: Void = test.write {
                _ = try $0.change(mara.id.number, of: Resource.agents, ["role": "agent"])
            }
            async let second: Void = test.write {
                _ = try $0.change(noa.id.number, of: Resource.agents, ["role": "agent"])
            }
            _ = try? await first
            _ = try? await second
            #expect(try await test.read { try !$0.needsSetup() })
        }
    }

    @Test("a department's supervisor works in it, and is its supervisor no longer when not")
    func supervisor() async throws {
        let test = try await TestDesk()
        let other = try await test.write { try $0.add(["name": "Elsewhere"], to: Resource.departments) }
        let sue = try await test.hire("Sue", .supervisor)
        _ = try await test.write {
            try $0.change(other.id, of: Resource.departments, ["supervisor": "sue@desk.example"])
        }
        let ticket = try await test.open { $0.department = .name("Elsewhere") }
        #expect(try await test.read { try $0.may(.agent(sue), .work, ticket.id) })
        _ = try await test.write { try $0.change(sue.id.number, of: Resource.agents, ["departments": []]) }
        #expect(
            try await test.read {
                try $0.value("SELECT count(*) FROM department WHERE supervisor_id IS NOT NULL", as: Int.self)
            } == 0)
    }

    // MARK: erasing

    @Test(
        "an erased customer is nowhere any more, with tickets kept and with tickets deleted",
        arguments: ErasedTickets.allCases)
    func erase(tickets: ErasedTickets) async throws {
        let test = try await TestDesk()
        let ada = try await test.hire("Ada")
        let outcome = try await test.receive(
            from: "Kim Ito <kim@harbour.example>", subject: "My scanner", body: "It is broken.")
        guard case .opened(let number) = outcome else {
            Issue.record("no ticket")
            return
        }
        let ticket = try await test.ticket(number)
        let others = try await test.open(from: "lee@corner.example", name: "Lee")
        let kim = try #require(MailAddress(name: "Kim Ito", TestDesk.kim))
        try await test.act(on: others) { tx, ticket in try tx.addCollaborator(kim, to: ticket, by: Actor(ada)) }
        try await test.act(on: ticket) { tx, ticket in
            _ = try tx.reply(
                to: &ticket, Writing("Please try again.", type: .text), by: Actor(ada), files: [], source: .web)
        }
        _ = try await test.write {
            try $0.beginSession(.customer(Person(id: ticket.customer, name: "", address: TestDesk.kim)), browser: "")
        }
        try await test.write { try $0.erase(ticket.customer, tickets: tickets) }
        for (table, columns) in [
            ("customer", "name, sought, note"), ("customer_address", "address"),
            ("ticket", "requester_name, requester_address"), ("ticket_collaborator", "address"),
            ("ticket_event", "actor_name, reason, data"),
            ("entry", "author_name, quoted, message_id"), ("received", "sender, subject, reason"),
            ("outbox", "address, name, data"), ("throttle", "name"), ("session", "browser"),
        ] {
            let text = try await test.read { db in
                try columns.components(separatedBy: ", ").flatMap { column in
                    try db.query("SELECT \(SQL(raw: "COALESCE(\(column), '')")) FROM \(SQL(raw: table))") {
                        try $0.read(String.self)
                    }
                }.joined(separator: "\n").lowercased()
            }
            #expect(!text.contains("kim@") && !text.contains("kim ito"), "\(table): \(text)")
        }
        #expect(
            try await test.read { try $0.value("SELECT count(*) FROM entry WHERE raw IS NOT NULL", as: Int.self) } == 0)
        #expect(
            try await test.read {
                try $0.value("SELECT count(*) FROM session WHERE customer_id IS NOT NULL", as: Int.self)
            } == 0)
        let found = try await test.read { db in
            try db.count(TicketList(query: try TicketQuery("kim", now: Date(milliseconds: 0))))
        }
        #expect(found == 0, "nor by searching")
        #expect(
            try await test.read { try $0.value("SELECT count(*) FROM ticket", as: Int.self) }
                == (tickets == .keep ? 2 : 1))
        if tickets == .keep {
            #expect(try await test.entries(ticket).map(\.text) == ["It is broken.", "Please try again."])
        }
        // They may come back as somebody new.
        let again = try await test.open()
        #expect(again.customer != ticket.customer)
    }
}
