import DeskTesting
import Domain
import Foundation
import Primitives
import Testing

@testable import Desk
@testable import Web

@Suite("Taking back what was just done")
struct UndoTests {
    private let offered = "; __Host-usher_undo=1"

    @Test(
        "resolving and closing without words wait: taken back, the customer hears of neither",
        arguments: [
            "resolve", "close",
        ])
    func unsaid(action: String) async throws {
        let test = try await TestDesk()
        try await test.holdsBack()
        let visitor = try await Visitor(test, try await test.hire("Ada"), cookies: offered)
        let ticket = try await test.open { $0.notify = false }
        let done = try await visitor.post("/desk/tickets/\(ticket.number)/do/\(action)?list=open")
        #expect(done.cookies.contains { $0.hasPrefix("__Host-usher_undo=1") })
        let page = try await visitor.get(done.location).page
        #expect(page.contains("Ticket #\(ticket.number) \(action == "close" ? "closed" : "resolved")."))
        // The bar has the ways on as well, and what it says is not said twice.
        #expect(page.contains("Next ticket") && !page.contains("data-said"))
        try await test.settle()
        #expect(test.mail.to(TestDesk.kim).isEmpty)
        let back = try await visitor.undo("?list=open")
        #expect(back.location == "/desk/tickets/\(ticket.number)?list=open&said=undone")
        #expect(try await visitor.get(back.location).page.contains("The ticket is as it was before."))
        #expect(try await test.ticket(ticket.number).changedFields(since: ticket).isEmpty)
        test.clock.advance(days: 30)
        try await test.settle()
        #expect(test.mail.to(TestDesk.kim).isEmpty)
    }

    @Test("what is not taken back takes effect after its seconds")
    func left() async throws {
        let test = try await TestDesk()
        try await test.holdsBack()
        let ada = try await test.hire("Ada")
        let visitor = try await Visitor(test, ada, cookies: offered)
        let ticket = try await test.open { $0.notify = false }
        _ = try await visitor.post("/desk/tickets/\(ticket.number)/do/resolve")
        let batch = try await test.lastDone(by: ada)
        test.clock.advance(hours: 0.01)
        try await test.settle()
        #expect(test.mail.to(TestDesk.kim).count == 1)
        let late = try await visitor.post("/desk/undo/\(batch)", [("ticket", String(ticket.number))])
        #expect(late.location.hasSuffix("/desk/tickets/\(ticket.number)?said=late"))
        #expect(try await test.ticket(ticket.number).state == .resolved)
    }

    @Test("many tickets closed by one press are taken back by one, but for one that somebody has worked on since")
    func bulk() async throws {
        let test = try await TestDesk()
        try await test.holdsBack()
        let ada = try await test.hire("Ada")
        let visitor = try await Visitor(test, ada, cookies: offered)
        var tickets: [Ticket] = []
        for name in ["One", "Two", "Three"] { tickets.append(try await test.open(name) { $0.notify = false }) }
        let done = try await visitor.post(
            "/desk/bulk?list=open",
            [("action", "close"), ("confirmed", "1")] + tickets.map { ("number", String($0.number)) })
        let page = try await visitor.get(done.location).page
        #expect(page.components(separatedBy: "3 tickets closed.").count == 2)
        try await test.act(on: tickets[2]) { tx, ticket in try tx.reopen(&ticket, by: Actor(ada), reason: "") }
        let back = try await visitor.undo("?list=open")
        #expect(back.location == "/desk?list=open&said=undone&changed=\(tickets[2].number)")
        #expect(try await visitor.get(back.location).page.contains("left as they are: #\(tickets[2].number)."))
        for ticket in tickets.prefix(2) {
            #expect(try await test.ticket(ticket.number).changedFields(since: ticket).isEmpty)
        }
        test.clock.advance(days: 30)
        try await test.settle()
        #expect(!test.mail.to(TestDesk.kim).contains { $0.subject.contains("One") || $0.subject.contains("Two") })
    }

    @Test("many tickets are resolved at once, after a question that names them")
    func bulkResolve() async throws {
        let test = try await TestDesk()
        let visitor = try await Visitor(test, try await test.hire("Ada"))
        let (one, two) = (try await test.open("One"), try await test.open("Two"))
        let fields = [("action", "resolve"), ("number", String(one.number)), ("number", String(two.number))]
        let asked = try await visitor.post("/desk/bulk?list=open", fields).page
        #expect(asked.contains("Resolve 2 tickets?") && asked.contains("#\(one.number) One"))
        #expect(try await test.ticket(one.number).state == .new)
        _ = try await visitor.post("/desk/bulk?list=open", fields + [("confirmed", "1")])
        for ticket in [one, two] { #expect(try await test.ticket(ticket.number).state == .resolved) }
    }

    @Test("nobody takes back what another agent did")
    func others() async throws {
        let test = try await TestDesk()
        try await test.holdsBack()
        let (ada, eve) = (try await test.hire("Ada"), try await test.hire("Eve", .administrator))
        let ticket = try await test.open()
        _ = try await Visitor(test, ada).post("/desk/tickets/\(ticket.number)/do/resolve")
        let batch = try await test.lastDone(by: ada)
        let answer = try await Visitor(test, eve).post("/desk/undo/\(batch)", [("ticket", String(ticket.number))])
        #expect(answer.location.hasSuffix("said=late"))
        #expect(try await test.ticket(ticket.number).state == .resolved)
        #expect(!(try await Visitor(test, eve, cookies: offered).get("/desk").page.contains("data-takeback")))
    }

    @Test("a transfer out of one's own departments is taken back, and the ticket opened again")
    func transfer() async throws {
        let test = try await TestDesk()
        try await test.holdsBack()
        _ = try await test.write { try $0.add(["name": "Billing"], to: .departments) }
        let ada = try await test.hire("Ada", departments: ["Support"])
        let visitor = try await Visitor(test, ada, cookies: offered)
        let ticket = try await test.open()
        let done = try await visitor.post(
            "/desk/tickets/\(ticket.number)/do/transfer?list=open", [("department", "Billing")])
        #expect(done.location.hasPrefix("/desk?list=open"))
        let back = try await visitor.undo("?list=open")
        #expect(back.location == "/desk/tickets/\(ticket.number)?list=open&said=undone")
        #expect(try await test.ticket(ticket.number).department == ticket.department)
    }

    @Test("an agent whose rights ended meanwhile takes nothing back")
    func rights() async throws {
        let test = try await TestDesk()
        try await test.holdsBack()
        _ = try await test.write { try $0.add(["name": "Billing"], to: .departments) }
        let ada = try await test.hire("Ada", departments: ["Support"])
        let ticket = try await test.open()
        _ = try await Visitor(test, ada).post("/desk/tickets/\(ticket.number)/do/resolve")
        let batch = try await test.lastDone(by: ada)
        try await test.write { try $0.db.execute("DELETE FROM agent_department WHERE agent_id = \(ada.id)") }
        let answer = try await Visitor(test, ada).post("/desk/undo/\(batch)")
        #expect(answer.status == .notFound)
        #expect(try await test.ticket(ticket.number).state == .resolved)
    }
}
