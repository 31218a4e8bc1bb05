import DeskTesting
import Foundation
import Testing

@testable import Desk
@testable import Domain
@testable import Store

@Suite("Counts in memory")
struct ActiveTicketsTests {
    /// The same numbers in every run.
    private struct Dice {
        var state: UInt64 = 20
        mutating func roll(_ sides: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(sides))
        }
    }

    @Test("whatever happens to tickets and agents, the numbers in memory are those the database counts")
    func same() async throws {
        let test = try await TestDesk()
        for name in ["Billing", "Hardware", "Returns"] {
            _ = try await test.write { try $0.add(["name": .string(name)], to: Resource.departments) }
        }
        var agents = [
            try await test.hire("Ada", departments: ["Billing", "Hardware"]),
            try await test.hire("Ben", departments: ["Returns"]), try await test.hire("Cy"),
            try await test.hire("Root", .administrator),
        ]
        let departments: [Int64] = try await test.read {
            try $0.query("SELECT id FROM department ORDER BY id") { try $0.read() }
        }
        let (ada, cy) = (agents[0], agents[2])
        let team = try await test.write { tx in
            let team: Team.ID = try tx.db.insert(
                "INSERT INTO team (name, lead_id) VALUES ('Network', \(ada.id)) RETURNING id")
            try tx.db.execute("INSERT INTO team_member (team_id, agent_id) VALUES (\(team), \(cy.id))")
            return team
        }
        var dice = Dice()
        var tickets: [Ticket] = []
        for step in 0..<120 {
            let (kind, pick, other) = (dice.roll(10), dice.roll(1000), dice.roll(1000))
            let agent = agents[other % 3]
            if tickets.count < 8 || kind == 0 {
                let department = departments[pick % departments.count]
                tickets.append(try await test.open("Request \(step)") { $0.department = .id(department) })
            } else {
                let ticket = tickets[pick % tickets.count]
                test.clock.advance(hours: 1)
                try await test.act(on: ticket) { tx, ticket in
                    guard ticket.state.isActive else {
                        ticket.state = .open
                        return try tx.save(ticket)
                    }
                    switch kind {
                    case 1:
                        ticket.assignee = agent.person
                        try tx.save(ticket)
                    case 2: try tx.escalate(&ticket, by: .routing, reason: "it burns")
                    case 3 where ticket.state != .waiting: try tx.pause(&ticket, as: .waiting, by: .routing)
                    case 4: try tx.addAgent(agent, to: ticket, by: .routing)
                    case 5:
                        ticket.team = Reference(id: team, name: "Network")
                        try tx.save(ticket)
                    case 6:
                        ticket.overdue.toggle()
                        try tx.save(ticket)
                    case 7:
                        (ticket.lastReplyAt, ticket.lastMessageAt) = (tx.now - 60, tx.now)
                        try tx.save(ticket)
                    case 8:
                        ticket.state = .closed
                        try tx.save(ticket)
                    default:
                        ticket.assignee = nil
                        try tx.save(ticket)
                    }
                }
            }
            guard step % 6 == 5 else { continue }
            let now = test.clock.now()
            for agent in agents {
                let counted = try await test.read { try $0.counts(for: agent, now: now) }
                let kept = try await test.desk.counts.freshCounts(for: agent, on: test.desk).lists
                #expect(kept == counted, "\(agent.name) after step \(step)")
            }
        }
        agents.removeAll()
    }

    @Test("a reader is told of the lists that changed for them, and of no others")
    func listsChanged() async throws {
        let test = try await TestDesk()
        _ = try await test.write { try $0.add(["name": "Payroll"], to: Resource.departments) }
        let ada = try await test.hire("Ada", departments: ["Support"])
        let ina = try await test.hire("Ina", departments: ["Payroll"])
        let before = try await test.desk.counts.freshCounts(for: ada, on: test.desk).generation
        let ticket = try await test.open()
        let opened = try await test.desk.counts.freshCounts(for: ada, on: test.desk).generation
        #expect(
            try await test.desk.counts.listsChanged(since: before, for: ada, on: test.desk) == [
                .next, .unassigned, .open,
            ])
        #expect(try await test.desk.counts.listsChanged(since: before, for: ina, on: test.desk) == [])
        try await test.act(on: ticket) { try $0.assign(&$1, to: ada, by: .routing) }
        _ = try await test.desk.counts.freshCounts(for: ada, on: test.desk)
        #expect(
            try await test.desk.counts.listsChanged(since: opened, for: ada, on: test.desk) == [
                .next, .unassigned, .mine, .open,
            ])
    }
}
