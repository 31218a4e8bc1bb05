import DeskTesting
import Domain
import Foundation
import Primitives
import Testing

@testable import Desk
@testable import Store

@Suite("Carrying out what was decided")
struct CarryOutTests {
    /// Counts how often the row of a ticket is written; SQLite alone needs no function for it.
    private func countWrites(_ test: TestDesk) async throws {
        try await test.write { tx in
            guard tx.db.dialect == .sqlite else { return }
            try tx.db.execute("CREATE TABLE row_write (ticket_id INTEGER NOT NULL)")
            try tx.db.execute(
                """
                CREATE TRIGGER count_row_writes AFTER UPDATE ON ticket
                BEGIN INSERT INTO row_write (ticket_id) VALUES (new.id); END
                """)
        }
    }

    private func writes(_ test: TestDesk, _ verb: @escaping @Sendable (Transaction) throws -> Void) async throws -> Int
    {
        try await test.write { tx in
            guard tx.db.dialect == .sqlite else {
                try verb(tx)
                return 1
            }
            try tx.db.execute("DELETE FROM row_write")
            try verb(tx)
            return try tx.db.value("SELECT count(*) FROM row_write") ?? 0
        }
    }

    @Test("a verb writes the row of its ticket once, however much it decides")
    func once() async throws {
        let test = try await TestDesk()
        let (ada, eve) = (try await test.hire("Ada", departments: ["Support"]), try await test.hire("Eve"))
        _ = try await test.write { try $0.add(["name": "Billing"], to: Resource.departments) }
        let ticket = try await test.open()
        try await countWrites(test)

        let changed = try await writes(test) { tx in
            var loaded = try tx.db.ticket(ticket.id)
            var change = TicketChange()
            change.subject = "Scanner is on fire"
            change.tags = ["fire"]
            change.department = .name("Billing")
            change.priority = .urgent
            try tx.change(&loaded, change, by: Actor(eve))
        }
        #expect(changed == 1)
        #expect(try await test.ticket(ticket.number).escalationLevel == 1)

        let moved = try await writes(test) { tx in
            var loaded = try tx.db.ticket(ticket.id)
            try tx.transfer(
                &loaded, to: try tx.db.named(NamedTable.department, .name("Support"), field: "x"), by: .mail)
        }
        #expect(moved == 1)

        try await test.act(on: ticket) { tx, ticket in
            try tx.claim(&ticket, by: ada)
            try tx.resolve(&ticket, by: Actor(ada), solution: Writing("Done.", type: .text), source: .web)
        }
        let answered = try await writes(test) { tx in
            let loaded = try tx.db.ticket(ticket.id)
            let kim = Author(.customer, id: loaded.customer.number, name: "Kim", address: TestDesk.kim)
            _ = try tx.receive(Writing("No!", type: .text), in: loaded, by: kim, files: [], source: .email)
        }
        #expect(answered == 1)
        #expect(try await test.ticket(ticket.number).reopenedCount == 1)
    }

    @Test("whether somebody may work on a ticket is the same for its row and for its values")
    func rights() async throws {
        let test = try await TestDesk()
        let agents = [
            try await test.hire("Ada", departments: ["Support"]), try await test.hire("Sue", .administrator),
            try await test.hire("Vic", .viewer, departments: ["Support"]),
        ]
        _ = try await test.write { tx in
            _ = try tx.add(["name": "Elsewhere"], to: Resource.departments)
            _ = try tx.add(["name": "Network", "members": ["ada@desk.example"]], to: Resource.teams)
        }
        let ticket = try await test.open { $0.department = .name("Elsewhere") }
        try await test.write { tx in
            var seen: Set<Bool> = []
            func compare() throws {
                let kept = try tx.db.ticket(ticket.id)
                for asker in agents.map(Asker.agent) + [.desk, .customer(kept.customer), .customer(Customer.ID(99))] {
                    for deed in Deed.allCases {
                        let may = try tx.db.may(asker, deed, kept.id)
                        seen.insert(may)
                        #expect(try tx.db.may(asker, deed, as: kept) == may)
                    }
                }
            }
            try compare()
            var loaded = try tx.db.ticket(ticket.id)
            try tx.assign(&loaded, to: try tx.db.named(NamedTable.team, .name("Network"), field: "team"), by: .mail)
            try compare()
            try tx.assign(&loaded, to: agents[0], by: .mail)
            try compare()
            try tx.addAgent(agents[0], to: loaded, by: .mail)
            try compare()
            try tx.markSpam(&loaded, by: .mail)
            try compare()
            #expect(seen == [true, false])
        }
    }

    @Test("resolving without words is undone: nobody is asked, and silence closes nothing")
    func undoResolve() async throws {
        let test = try await TestDesk()
        try await test.holdsBack()
        let ada = try await test.hire("Ada")
        let ticket = try await test.open { $0.notify = false }
        let before = try await test.act(on: ticket) { try $0.claim(&$1, by: ada) }
        let after = try await test.act(on: ticket) { tx, ticket in
            try tx.resolve(&ticket, by: Actor(ada), solution: nil, source: .web)
            try tx.undo(.resolve, on: ticket, by: ada)
        }
        #expect(try after.changedFields(since: before).isEmpty)
        test.clock.advance(days: 5)
        try await test.settle()
        #expect(try await test.ticket(ticket.number).state == .open)
        #expect(test.mail.to(TestDesk.kim).isEmpty)
        #expect(try await test.events(ticket).contains { $0.kind == .takenBack })
    }

    @Test("closing is undone with its question; silence closes the ticket again when it had been due to")
    func undoClose() async throws {
        let test = try await TestDesk()
        try await test.holdsBack()
        let ada = try await test.hire("Ada")
        let ticket = try await test.open { $0.notify = false }
        try await test.act(on: ticket) { tx, ticket in
            try tx.resolve(&ticket, by: Actor(ada), solution: nil, source: .web)
        }
        test.clock.advance(hours: 10)
        try await test.settle()
        let count = test.mail.to(TestDesk.kim).count
        try await test.act(on: ticket) { tx, ticket in
            try tx.close(&ticket, by: Actor(ada), reason: "x")
            try tx.undo(.close, on: ticket, by: ada)
        }
        test.clock.advance(hours: 61.9)
        try await test.settle()
        #expect(try await test.ticket(ticket.number).state == .resolved)
        #expect(test.mail.to(TestDesk.kim).count == count)
        test.clock.advance(hours: 0.2)
        try await test.settle()
        #expect(try await test.ticket(ticket.number).state == .closed)
    }

    @Test("an assignment is undone before anybody hears of it, and not once somebody has worked on it")
    func undoAssign() async throws {
        let test = try await TestDesk()
        try await test.holdsBack()
        let (ada, eve) = (
            try await test.hire("Ada", departments: ["Support"]), try await test.hire("Eve", departments: ["Support"])
        )
        let ticket = try await test.open()
        try await test.act(on: ticket) { tx, ticket in
            try tx.assign(&ticket, to: ada, by: Actor(eve))
            try tx.undo(.assign, on: ticket, by: eve)
        }
        try await test.settle()
        #expect(try await test.ticket(ticket.number).state == .new)
        #expect(!test.mail.to(ada.email).contains { $0.subject.contains("ssigned") })
        try await test.act(on: ticket) { tx, ticket in
            try tx.assign(&ticket, to: ada, by: Actor(eve))
            try tx.holdBack(.assign, on: ticket.id, by: eve.id)
        }
        try await test.act(on: ticket) { tx, ticket in try tx.release(&ticket, by: Actor(ada)) }
        await #expect(throws: Refusal.self) { try await test.undoLast(of: eve) }
    }
}

extension Transaction {
    /// Undo by the agent who has just done something to a ticket.
    fileprivate func undo(_ action: TicketAction, on ticket: Ticket, by agent: Agent) throws {
        let batch = "a press"
        try holdBack(action, on: ticket.id, batch: batch, by: agent.id)
        #expect(try undo(batch, by: agent).tickets == [ticket.number])
    }
}
