import DeskTesting
import Domain
import Foundation
import Primitives
import Testing

@testable import Desk
@testable import Store
@testable import Web

@Suite("What is sent twice is done once, and nothing is sent of what nobody can see")
struct TwiceTests {
    private static func once(in page: String) -> String {
        page.range(of: "name=\"once\" value=\"").map { String(page[$0.upperBound...].prefix { $0 != "\"" }) } ?? ""
    }

    @Test("a reply, a note and a solution that were pressed twice")
    func replies() async throws {
        let test = try await TestDesk()
        let ada = try await Visitor(test, try await test.hire("Ada"))
        let ticket = try await test.open()
        let path = "/desk/tickets/\(ticket.number)"
        for (kind, then) in [("note", ""), ("reply", ""), ("reply", "wait"), ("reply", "resolve")] {
            let mark = Self.once(in: try await ada.get(path).page)
            #expect(mark.count > 20)
            let before = try await test.entries(ticket).count
            func press(_ body: String) async throws -> Visitor.Answer {
                try await ada.post(
                    path + "/entries", [("once", mark), ("kind", kind), ("then", then), ("body", body)])
            }
            #expect(try await press("the same").status == .seeOther)
            #expect(try await press("the same").status == .seeOther)
            #expect(try await test.entries(ticket).count == before + 1, "\(kind) \(then)")
        }
        // Other words are another message, also from the same page.
        let mark = Self.once(in: try await ada.get(path).page)
        let before = try await test.entries(ticket).count
        for body in ["one", "two"] {
            _ = try await ada.post(path + "/entries", [("once", mark), ("kind", "note"), ("body", body)])
        }
        #expect(try await test.entries(ticket).count == before + 2)
    }

    @Test("a new request leads to one ticket, from the form and from an agent")
    func requests() async throws {
        let test = try await TestDesk()
        let people = [
            (Visitor(guestOf: test), "/tickets/new"),
            (try await Visitor(test, try await test.hire("Ada")), "/desk/new"),
        ]
        for (index, (visitor, path)) in people.enumerated() {
            let mark = Self.once(in: try await visitor.get(path).page)
            let fields = [
                ("once", mark), ("name", "Kim"), ("email", TestDesk.kim), ("subject", "Pump"), ("body", "It leaks."),
            ]
            let first = try await visitor.post(path, fields)
            let second = try await visitor.post(path, fields)
            #expect(first.status == .seeOther && first.location == second.location)
            #expect(try await test.read { try $0.value("SELECT count(*) FROM ticket", as: Int.self) } == index + 1)
        }
    }

    @Test("a customer's answer by the link comes once")
    func answers() async throws {
        let test = try await TestDesk()
        let ticket = try await test.open()
        let token = LinkToken(ticket: ticket.id, customer: ticket.customer).text(test.desk.office.signer)
        var kim = Visitor(guestOf: test)
        kim.csrf = test.desk.office.signer.mark(token, for: .form)
        let mark = Self.once(in: try await kim.get("/t/\(token)").page)
        for _ in 0..<2 {
            #expect(try await kim.post("/t/\(token)", [("once", mark), ("body", "Still.")]).status == .seeOther)
        }
        #expect(try await test.entries(ticket).count == 2)
    }

    @Test("characters nobody sees are no words", arguments: ["\u{200B}", "\u{2800}", "\u{A0}\u{FEFF}", "\u{AD}\n"])
    func unseen(body: String) async throws {
        let test = try await TestDesk()
        let ada = try await Visitor(test, try await test.hire("Ada"))
        let ticket = try await test.open()
        let reply = try await ada.post(
            "/desk/tickets/\(ticket.number)/entries", [("kind", "reply"), ("body", body)])
        #expect(reply.status == .unprocessableContent)
        let guest = try await Visitor(guestOf: test).post(
            "/tickets/new", [("name", "Kim"), ("email", TestDesk.kim), ("subject", "x\(body)"), ("body", body)])
        #expect(guest.status == .unprocessableContent)
    }
}
