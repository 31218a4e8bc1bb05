import DeskTesting
import Domain
import Foundation
import Primitives
import Testing

@testable import Desk
@testable import Store

@Suite("Saved views")
struct SavedViewTests {
    /// An administrator, the lead and a member of a team, somebody outside it, and a light agent.
    private struct Cast {
        let test: TestDesk
        let mara, lena, ben, eve, vic: Agent
        let team: Int64

        init() async throws {
            test = try await TestDesk()
            mara = try await test.hire("Mara", .administrator)
            lena = try await test.hire("Lena")
            ben = try await test.hire("Ben")
            _ = try await test.write { try $0.add(["name": "Elsewhere"], to: .departments) }
            eve = try await test.hire("Eve", departments: ["Elsewhere"])
            vic = try await test.hire("Vic", .viewer)
            team = try await test.write { tx in
                try tx.add(
                    [
                        "name": "Second level", "lead": "lena@desk.example",
                        "members": ["ben@desk.example", "lena@desk.example"],
                    ], to: .teams
                ).id
            }
        }

        func save(_ name: String, for audience: JSON, by agent: Agent, _ query: String = "is:open") async throws
            -> Int64
        {
            try await test.write { tx in
                try tx.add(
                    ["name": .string(name), "for": audience, "query": .string(query)], to: .views, by: .agent(agent)
                ).id
            }
        }
        func sees(_ agent: Agent, _ view: Int64) async throws -> Bool {
            do {
                _ = try await test.read { try $0.view(SavedView.ID(view), for: .agent(agent)) }
                return true
            } catch Refusal.notFound { return false }
        }
        /// What becomes of a change and of a removal.
        func changes(_ agent: Agent, _ view: Int64) async throws -> String {
            do {
                _ = try await test.write { try $0.change(view, of: .views, ["sort": "created"], by: .agent(agent)) }
                return "done"
            } catch Refusal.notFound { return "not found" } catch Refusal.notAllowed { return "not allowed" }
        }
    }

    private func faults(_ work: () async throws -> Void) async throws -> [Fault] {
        do {
            try await work()
            return []
        } catch Refusal.invalid(let faults) { return faults }
    }

    @Test("own views are for their agent alone, a team's for the team, the others for everyone")
    func sight() async throws {
        let cast = try await Cast()
        let own = try await cast.save("Mine", for: "me", by: cast.ben)
        let team = try await cast.save("Ours", for: ["team": "Second level"], by: cast.lena)
        let all = try await cast.save("All", for: "everyone", by: cast.mara)
        let expected: [(Agent, [Int64])] = [
            (cast.mara, [team, all]), (cast.lena, [team, all]), (cast.ben, [own, team, all]), (cast.eve, [all]),
            (cast.vic, [all]),
        ]
        for (agent, seen) in expected {
            for view in [own, team, all] {
                #expect(try await cast.sees(agent, view) == seen.contains(view), "\(agent.name) \(view)")
            }
            #expect(try await cast.test.read { try $0.views(for: agent).map(\.id.number) } == seen)
            let rows = try await cast.test.read { try $0.rows(of: .views, for: .agent(agent), limit: 10).map(\.id) }
            #expect(rows == seen.sorted())
        }
        // A client in nobody's name finds what is shared.
        #expect(try await cast.test.read { try $0.rows(of: .views, limit: 10).map(\.id) } == [team, all])
    }

    @Test("own views are changed by their agent, a team's by its lead and administrators, the others by administrators")
    func rights() async throws {
        let cast = try await Cast()
        let own = try await cast.save("Mine", for: "me", by: cast.ben)
        let team = try await cast.save("Ours", for: ["team": ["id": JSON(cast.team)]], by: cast.mara)
        let all = try await cast.save("All", for: "everyone", by: cast.mara)
        let expected: [(Agent, Int64, String)] = [
            (cast.ben, own, "done"), (cast.mara, own, "not found"), (cast.lena, own, "not found"),
            (cast.mara, team, "done"), (cast.lena, team, "done"), (cast.ben, team, "not allowed"),
            (cast.eve, team, "not found"), (cast.vic, team, "not found"),
            (cast.mara, all, "done"), (cast.lena, all, "not allowed"), (cast.eve, all, "not allowed"),
            (cast.vic, all, "not allowed"),
        ]
        for (agent, view, outcome) in expected {
            #expect(try await cast.changes(agent, view) == outcome, "\(agent.name) \(view)")
        }
        let refused: [(Agent, JSON)] = [
            (cast.ben, "everyone"), (cast.lena, "everyone"), (cast.ben, JSON.object(["team": "Second level"])),
            (cast.vic, "me"),
        ]
        for (agent, audience) in refused {
            let faults = try await faults { _ = try await cast.save("No", for: audience, by: agent) }
            #expect(faults.map(\.field) == ["for"], "\(agent.name) \(audience)")
        }
        // Nor does one's own become everyone's by a change.
        let moved = try await faults {
            _ = try await cast.test.write { try $0.change(own, of: .views, ["for": "everyone"], by: .agent(cast.ben)) }
        }
        #expect(moved.map(\.field) == ["for"])
        #expect(try await !cast.sees(cast.eve, own))
        await #expect(throws: Refusal.self) {
            try await cast.test.write { try $0.remove(all, from: .views, by: .agent(cast.ben)) }
        }
        try await cast.test.write { try $0.remove(own, from: .views, by: .agent(cast.ben)) }
        #expect(try await !cast.sees(cast.ben, own))
    }

    @Test("what cannot be read is refused beside its field, all together")
    func refusals() async throws {
        let cast = try await Cast()
        let wrong: [String: JSON] = [
            "name": .string(String(repeating: "x", count: 101)), "query": "state:nowhere",
            "columns": ["subject", "color"],
            "sort": "color", "group_by": "due", "for": "nobody",
        ]
        let faults = try await faults {
            _ = try await cast.test.write { [wrong] in try $0.add(wrong, to: .views, by: .agent(cast.ben)) }
        }
        #expect(Set(faults.map(\.field)) == Set(wrong.keys))
        let single: [(String, JSON)] = [
            ("query", "assignee:nobody-like-this"), ("query", .string(String(repeating: "a ", count: 700))),
            ("query", "(team:nowhere OR printer)"), ("columns", []), ("columns", ["field.nothing"]),
            ("columns", "subject"),
            ("columns", .array(Array(repeating: "subject", count: 13))), ("sort", "updated"), ("sort", .null),
            ("for", ["team": "Nowhere"]), ("for", ["team": .null]), ("position", 3), ("name", "  "),
        ]
        for (field, value) in single {
            var input: [String: JSON] = ["name": "A", "query": "is:open"]
            input[field] = value
            let faults = try await self.faults {
                _ = try await cast.test.write { [input] in try $0.add(input, to: .views, by: .agent(cast.ben)) }
            }
            #expect(faults.map(\.field) == [field], "\(field): \(value.written)")
        }
        // A client that names no agent has no own views.
        let nobody = try await self.faults {
            _ = try await cast.test.write { try $0.add(["name": "A", "query": ""], to: .views) }
        }
        #expect(nobody.map(\.field) == ["for"])
        #expect(try await cast.test.read { try $0.value("SELECT count(*) FROM saved_view", as: Int.self) } == 0)
    }

    @Test("a name is taken among the same readers only, and says nothing of others' views")
    func names() async throws {
        let cast = try await Cast()
        _ = try await cast.save("Urgent", for: "me", by: cast.ben)
        _ = try await cast.save("Urgent", for: "me", by: cast.lena)
        _ = try await cast.save("Urgent", for: "everyone", by: cast.mara)
        let faults = try await faults { _ = try await cast.save("URGENT", for: "me", by: cast.ben) }
        #expect(faults == [Fault("name", .taken)])
    }

    @Test("what was left out is the usual, and what was saved is told as it was")
    func told() async throws {
        let cast = try await Cast()
        let id = try await cast.save("Mine", for: "me", by: cast.ben, "assignee:me is:open")
        func row(_ id: Int64) async throws -> [String: JSON] {
            let row = try await cast.test.read { try $0.row(id, of: .views, for: .agent(cast.ben)) }
            return Dictionary(uniqueKeysWithValues: row.fields.map { ($0.name, $0.value) })
        }
        let plain = try await row(id)
        #expect(Set(plain.keys) == ["name", "for", "query", "columns", "sort", "group_by", "updated_at"])
        #expect(plain["columns"] == ["subject", "requester", "assignee", "status", "priority", "due", "updated"])
        #expect(plain["sort"] == "due" && plain["group_by"] == .null && plain["for"] == "me")
        _ = try await cast.test.write {
            try $0.change(
                id, of: .views, ["columns": ["tags", "subject", "tags"], "sort": "-created", "group_by": "status"],
                by: .agent(cast.ben))
        }
        let changed = try await row(id)
        #expect(changed["columns"] == ["tags", "subject"] && changed["sort"] == "-created")
        #expect(changed["group_by"] == "status")
        let team = try await cast.save("Ours", for: ["team": "second level"], by: cast.lena)
        #expect(try await row(team)["for"] == ["team": ["id": JSON(cast.team), "name": "Second level"]])
    }

    @Test("a view holds what its reader may see: its count is what paging through it gives, for whoever looks")
    func counts() async throws {
        let cast = try await Cast()
        let test = cast.test
        let elsewhere = try await test.read {
            try #require(try $0.value("SELECT id FROM department WHERE name = 'Elsewhere'", as: Int64.self))
        }
        for index in 0..<24 {
            let ticket = try await test.open(index % 2 == 0 ? "Printer \(index)" : "Scanner \(index)") {
                if index % 3 == 0 { $0.department = .id(elsewhere) }
                if index % 4 == 0 { $0.tags = ["vip"] }
                $0.priority = index % 5 == 0 ? .urgent : .normal
            }
            try await test.act(on: ticket) { tx, ticket in
                if index % 5 == 1 { try tx.assign(&ticket, to: index % 3 == 0 ? cast.eve : cast.ben, by: .routing) }
                if index % 7 == 2 { try tx.pause(&ticket, as: .waiting, by: .routing) }
            }
        }
        let queries = [
            "", "is:open", "assignee:me", "assignee:none printer", "tag:vip", "team:mine", "priority:>=high -scanner",
            "state:waiting OR tag:vip", "department:elsewhere",
        ]
        let now = test.clock.now()
        var totals: [Agent.ID: [SavedView.ID: Int]] = [:]
        for (number, query) in queries.enumerated() {
            let sort = TicketOrder.sorts[number % TicketOrder.sorts.count].sort
            let id = try await test.write { tx in
                try tx.add(
                    ["name": .string("V\(number)"), "query": .string(query), "sort": .string(sort), "for": "everyone"],
                    to: .views, by: .agent(cast.mara)
                ).id
            }
            for agent in [cast.mara, cast.lena, cast.ben, cast.eve, cast.vic] {
                let (count, seen) = try await test.read { db in
                    let view = try db.view(SavedView.ID(id), for: .agent(agent))
                    let count = try db.count(try view.list(for: .agent(agent), now: now))
                    var (seen, after) = ([TicketLine](), TicketCursor?.none)
                    repeat {
                        let page = try db.lines(try view.list(for: .agent(agent), now: now, limit: 5, after: after))
                        seen += page.lines
                        after = page.next
                    } while after != nil
                    return (count, seen)
                }
                #expect(seen.count == count && Set(seen.map(\.id)).count == count, "\(query) by \(agent.name)")
                for line in seen {
                    #expect(try await test.read { try $0.may(.agent(agent), .see, line.id) })
                }
                if query == "assignee:me" { #expect(seen.allSatisfy { $0.assignee == agent.name }) }
                totals[agent.id, default: [:]][SavedView.ID(id)] = count
            }
        }
        for agent in [cast.mara, cast.lena, cast.ben, cast.eve, cast.vic] {
            let counts = try await test.desk.views.counts(for: agent, on: test.desk)
            #expect(counts.mapValues(\.number) == totals[agent.id], "\(agent.name)")
        }
    }

    @Test("the navigation has room for twelve, and what is counted ends at a hundred")
    func bounds() async throws {
        let cast = try await Cast()
        for index in 0..<14 { _ = try await cast.save("Mine \(index)", for: "me", by: cast.ben, "tag:x\(index)") }
        let choice = try await cast.test.desk.views.views(for: cast.ben, on: cast.test.desk)
        #expect(choice.all.count == 14 && choice.shown.map(\.name) == (0..<12).map { "Mine \($0)" })
        #expect(ListCount(number: 101, most: ViewShelf.mostCounted).text == "100+")
        #expect(ListCount(number: 100, most: ViewShelf.mostCounted).text == "100")
        // What others share with teams of their own does not fill an administrator's navigation.
        _ = try await cast.save("Ours", for: ["team": "Second level"], by: cast.lena)
        let marasChoice = try await cast.test.desk.views.views(for: cast.mara, on: cast.test.desk)
        #expect(marasChoice.all.map(\.name) == ["Ours"] && marasChoice.shown.isEmpty)
    }

    @Test("a view that was changed is shown changed at once, and counted anew when something happens")
    func fresh() async throws {
        let cast = try await Cast()
        let desk = cast.test.desk
        let id = SavedView.ID(try await cast.save("Mine", for: "me", by: cast.ben))
        #expect(try await desk.views.counts(for: cast.ben, on: desk)[id]?.number == 0)
        let ticket = try await cast.test.open()
        #expect(try await desk.views.counts(for: cast.ben, on: desk)[id]?.number == 1)
        _ = try await cast.test.write {
            try $0.change(id.number, of: .views, ["query": "state:closed", "name": "Done"], by: .agent(cast.ben))
        }
        #expect(try await desk.views.views(for: cast.ben, on: desk)[id]?.name == "Done")
        #expect(try await desk.views.counts(for: cast.ben, on: desk)[id]?.number == 0)
        try await cast.test.act(on: ticket) { tx, ticket in try tx.close(&ticket, by: .routing, reason: "") }
        #expect(try await desk.views.counts(for: cast.ben, on: desk)[id]?.number == 1)
    }

    @Test("columns show the details of a ticket, the answers to its topic's form among them")
    func details() async throws {
        let cast = try await Cast()
        let topic = try await cast.test.write { tx in
            try tx.add(
                ["name": "Moves", "fields": [["key": "room", "label": "Room"]]], to: .topics
            ).id
        }
        let ticket = try await cast.test.open {
            $0.topic = .id(topic)
            $0.fields = ["room": "4.12"]
            $0.tags = ["vip", "move"]
        }
        let id = try await cast.test.write { tx in
            try tx.add(
                [
                    "name": "Moves", "query": "",
                    "columns": ["subject", "field.room", "topic", "tags", "rating", "created"],
                ],
                to: .views, by: .agent(cast.ben)
            ).id
        }
        let view = try await cast.test.read { try $0.view(SavedView.ID(id), for: .agent(cast.ben)) }
        #expect(view.columns.contains(.field("room")))
        let details = try #require(try await cast.test.read { try $0.details(of: [ticket.id])[ticket.id] })
        #expect(details.topic == "Moves" && details.field("room") == "4.12" && details.rating == nil)
        #expect(Set(details.tags) == ["vip", "move"] && details.createdAt == ticket.createdAt)
    }
}
