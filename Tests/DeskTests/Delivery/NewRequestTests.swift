import DeskTesting
import Domain
import Foundation
import Mail
import Primitives
import Testing

@testable import Desk
@testable import Store

@Suite("Telling a department of new requests")
struct NewRequestTests {
    private func news(_ test: TestDesk, _ agent: Agent) -> [IncomingMessage] {
        test.mail.to(agent.email).filter { $0.subject.hasPrefix("New request") || $0.subject.hasPrefix("Neue Anfrage") }
    }

    private func aMinuteLater(_ test: TestDesk) async throws {
        test.clock.advance(hours: 61.0 / 3600)
        try await test.settle()
    }

    @Test("a new request is told to each agent of its department, with its words, and to nobody elsewhere")
    func department() async throws {
        let test = try await TestDesk()
        let (ada, ben) = (try await test.hire("Ada"), try await test.hire("Ben"))
        _ = try await test.write { try $0.add(["name": "Elsewhere"], to: Resource.departments) }
        let (cyd, eve) = (
            try await test.hire("Cyd", departments: ["Elsewhere"]),
            try await test.hire("Eve", .viewer, departments: ["Support"])
        )
        let ticket = try await test.open("Scanner <b>sends</b> empty pages", body: "Every page is white.")
        try await test.settle()
        #expect(news(test, ada).isEmpty)
        try await aMinuteLater(test)
        for agent in [ada, ben] {
            let mail = try #require(news(test, agent).first)
            #expect(news(test, agent).count == 1)
            #expect(mail.subject == "New request: Scanner <b>sends</b> empty pages [#\(ticket.number)]")
            #expect(
                mail.text.contains("Every page is white.") && mail.text.contains("/desk/tickets/\(ticket.number)")
                    && mail.text.contains("/desk/account"))
        }
        #expect(news(test, cyd).isEmpty && news(test, eve).isEmpty)
    }

    @Test("the requests of one minute are one email for each agent")
    func gathered() async throws {
        let test = try await TestDesk()
        let ada = try await test.hire("Ada")
        let first = try await test.open("Scanner sends empty pages")
        test.clock.advance(hours: 30.0 / 3600)
        let second = try await test.open("Printer queue stuck", from: "lee@corner.example", name: "Lee Okafor")
        test.clock.advance(hours: 31.0 / 3600)
        try await test.settle()
        try await aMinuteLater(test)
        let mail = try #require(news(test, ada).first)
        #expect(news(test, ada).count == 1)
        #expect(mail.subject == "New requests at Support (2)")
        #expect(
            mail.text.contains("#\(first.number) Scanner sends empty pages")
                && mail.text.contains("#\(second.number) Printer queue stuck"))
        // The next minute's is another email.
        _ = try await test.open("Monitor flickers", from: "noor@lindgren.example", name: "Noor")
        try await aMinuteLater(test)
        #expect(news(test, ada).count == 2)
    }

    @Test("the team of a request is told and not its department; its assignee alone where there is one")
    func teamAndAssignee() async throws {
        let test = try await TestDesk()
        let (ada, ben, cyd) = (try await test.hire("Ada"), try await test.hire("Ben"), try await test.hire("Cyd"))
        _ = try await test.write { tx in
            _ = try tx.add(["name": "Front line", "members": .array([.string(ben.email)])], to: Resource.teams)
            return try tx.add(["name": "Network", "department": "Support", "team": "Front line"], to: Resource.topics)
                .id
        }
        _ = try await test.open { $0.topic = .name("Network") }
        try await aMinuteLater(test)
        #expect(news(test, ben).count == 1 && news(test, ada).isEmpty && news(test, cyd).isEmpty)
        // Assigned by somebody else: told by that email already.
        let given = try await test.open("Another", from: "lee@corner.example")
        try await test.act(on: given) { try $0.assign(&$1, to: cyd, by: Actor(ada)) }
        try await aMinuteLater(test)
        #expect(news(test, cyd).isEmpty && news(test, ada).isEmpty && news(test, ben).count == 1)
        #expect(test.mail.to(cyd.email).contains { $0.subject.hasPrefix("Assigned to you") })
    }

    @Test("nobody is told of what they did themselves, nor of spam, nor of what is solved")
    func ownDoing() async throws {
        let test = try await TestDesk()
        let (ada, ben) = (try await test.hire("Ada"), try await test.hire("Ben"))
        let byPhone = try await test.write { tx in
            let request = NewTicket(
                requester: try #require(MailAddress(name: "Kim Ito", TestDesk.kim)), subject: "By phone",
                writing: Writing("Words", type: .text), source: .phone)
            return try tx.open(request, by: Actor(ada)).0
        }
        try await aMinuteLater(test)
        #expect(news(test, ada).isEmpty)
        #expect(news(test, ben).first?.subject.contains("By phone [#\(byPhone.number)]") == true)
        let taken = try await test.open("Taken at once", from: "lee@corner.example")
        try await test.act(on: taken) { try $0.claim(&$1, by: ben) }
        let spam = try await test.open("Cheap pills", from: "spam@corner.example")
        try await test.act(on: spam) { try $0.markSpam(&$1, by: Actor(ada)) }
        try await aMinuteLater(test)
        #expect(news(test, ada).isEmpty && news(test, ben).count == 1)
    }

    @Test("who is away, has left, or does not want it, is told nothing", arguments: ["away", "left", "unwilling"])
    func unwilling(how: String) async throws {
        let test = try await TestDesk()
        let (ada, ben) = (try await test.hire("Ada"), try await test.hire("Ben"))
        _ = try await test.hire("Mara", .administrator)
        try await change(test, ada, how)
        _ = try await test.open()
        try await aMinuteLater(test)
        #expect(test.mail.to(ada.email).isEmpty)
        #expect(news(test, ben).count == 1)
    }

    @Test(
        "rights and wishes are asked again when the email is sent",
        arguments: ["away", "left", "unwilling", "moved", "spam"])
    func askedAgain(how: String) async throws {
        let test = try await TestDesk()
        let ada = try await test.hire("Ada")
        _ = try await test.write { try $0.add(["name": "Elsewhere"], to: Resource.departments) }
        _ = try await test.hire("Mara", .administrator, departments: ["Elsewhere"])
        let (first, second) = (try await test.open("First"), try await test.open("Second", from: "lee@corner.example"))
        test.clock.advance(hours: 61.0 / 3600)
        _ = try await Sweep(desk: test.desk).tick()
        switch how {
        case "moved", "spam":
            for ticket in [first, second] {
                try await test.act(on: ticket) { tx, ticket in
                    if how == "spam" { return try tx.markSpam(&ticket, by: .mail) }
                    let elsewhere = try tx.db.named(NamedTable.department, .name("Elsewhere"), field: "department")
                    try tx.transfer(&ticket, to: elsewhere, by: .mail)
                }
            }
        default: try await change(test, ada, how)
        }
        try await test.settle()
        #expect(news(test, ada).isEmpty)
    }

    @Test("of several requests the email names those the agent still sees")
    func partly() async throws {
        let test = try await TestDesk()
        let ada = try await test.hire("Ada")
        _ = try await test.write { try $0.add(["name": "Elsewhere"], to: Resource.departments) }
        let (first, second) = (
            try await test.open("Stays here"), try await test.open("Goes elsewhere", from: "lee@corner.example")
        )
        test.clock.advance(hours: 61.0 / 3600)
        _ = try await Sweep(desk: test.desk).tick()
        try await test.act(on: second) { tx, ticket in
            try tx.transfer(
                &ticket, to: try tx.db.named(NamedTable.department, .name("Elsewhere"), field: "department"), by: .mail)
        }
        try await test.settle()
        let mail = try #require(news(test, ada).first)
        #expect(mail.subject == "New requests at Support (1)")
        #expect(
            mail.text.contains("#\(first.number)") && !mail.text.contains("#\(second.number)")
                && !mail.text.contains("Goes elsewhere"))
    }

    @Test("an agent who reads German is told in German")
    func german() async throws {
        let test = try await TestDesk()
        let ada = try await test.hire("Ada")
        try await test.write {
            try $0.set(
                language: "de", isAway: false, signature: "", digest: DigestWish(hour: nil, timeZone: "UTC"), of: ada.id
            )
        }
        let ticket = try await test.open("Scanner sends empty pages") { $0.priority = .high }
        try await aMinuteLater(test)
        let mail = try #require(news(test, ada).first)
        #expect(mail.subject == "Neue Anfrage: Scanner sends empty pages [#\(ticket.number)]")
        #expect(mail.text.contains("Priorität hoch"))
    }

    private func change(_ test: TestDesk, _ agent: Agent, _ how: String) async throws {
        try await test.write { tx in
            switch how {
            case "left": try tx.deactivate(agent)
            default:
                try tx.set(
                    language: nil, isAway: how == "away", signature: "", digest: DigestWish(hour: nil, timeZone: "UTC"),
                    wantsNewRequests: how != "unwilling", of: agent.id)
            }
        }
    }
}

@Suite("An agent's departments")
struct AgentDepartmentTests {
    @Test("an agent for whom no department is named works in all of them, whoever adds them")
    func everywhere() async throws {
        let test = try await TestDesk()
        _ = try await test.write { try $0.add(["name": "Billing"], to: Resource.departments) }
        let ada = try await test.hire("Ada")
        let ben = try await test.write { tx in
            let row = try tx.add(["email": "ben@desk.example", "name": "Ben"], to: Resource.agents)
            return try #require(try tx.db.agent(Agent.ID(row.id)))
        }
        let cyd = try await test.write { tx in
            let row = try tx.add(["email": "cyd@desk.example", "name": "Cyd", "departments": []], to: Resource.agents)
            return try #require(try tx.db.agent(Agent.ID(row.id)))
        }
        for agent in [ada, ben] {
            #expect(try await test.read { try $0.departmentNames(of: agent.id) } == ["Billing", "Support"])
        }
        #expect(try await test.read { try $0.departmentNames(of: cyd.id) }.isEmpty)
        #expect(try await test.read { (try $0.hasNoPlace(ada), try $0.hasNoPlace(cyd)) } == (false, true))
        // A lead sees the team's tickets.
        _ = try await test.write { try $0.add(["name": "Front line", "lead": .string(cyd.email)], to: Resource.teams) }
        #expect(try await !test.read { try $0.hasNoPlace(cyd) })
    }
}
