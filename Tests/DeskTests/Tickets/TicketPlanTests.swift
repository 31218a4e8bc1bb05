import DeskTesting
import Domain
import Foundation
import Testing

@testable import Desk
@testable import Store

/// A desk as production has it: five departments, most tickets closed, some hundreds to be done, an agent of two
/// departments.
@Suite("How lists, counts and searches are planned")
struct TicketPlanTests {
    private static let tickets = 20_000

    private func busyDesk() async throws -> (TestDesk, Agent) {
        let test = try await TestDesk()
        for name in ["Billing", "Hardware", "Returns", "Sales"] {
            _ = try await test.write { try $0.add(["name": .string(name)], to: Resource.departments) }
        }
        let ada = try await test.hire("Ada", departments: ["Billing", "Hardware"])
        let ben = try await test.hire("Ben", departments: ["Returns"])
        try await test.write { tx in
            let db = tx.db
            let team: Int64 = try db.insert(
                "INSERT INTO team (name, lead_id) VALUES ('Network', \(ada.id)) RETURNING id", as: Team.self
            ).number
            let departments: [Int64] = try db.query("SELECT id FROM department ORDER BY id") { try $0.read() }
            let customers = try (0..<200).map {
                try db.insert(
                    "INSERT INTO customer (name, created_at) VALUES (\("Kim \($0)"), 0) RETURNING id", as: Customer.self
                )
            }
            let customer = customers[0].number
            try db.execute("INSERT INTO customer_address (address, customer_id) VALUES ('kim@x.example', \(customer))")
            let first = departments[0]
            // Three in a hundred are to be done; of a customer there are no more than the ordinary.
            try db.execute(
                """
                INSERT INTO ticket (number, subject, state, priority, department_id, team_id, assignee_id,
                customer_id, requester_name, requester_address, source,
                    urgency, due_rank, overdue, created_at, updated_at, last_message_at, last_reply_at)
                WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted
                WHERE n < CAST(\(Self.tickets) AS BIGINT)),
                    made AS (SELECT n, CASE WHEN n % 33 = 0 THEN CASE n % 4 WHEN 0 THEN 'new' WHEN 1 THEN 'open'
                    WHEN 2 THEN 'waiting' ELSE 'held' END
                        WHEN n % 100 = 1 THEN 'resolved' ELSE 'closed' END AS state FROM counted)
                SELECT 500000 + n, 'Printer', state, 1, CAST(\(first) AS BIGINT) + n % 5, CASE
                WHEN n % 50 = 0 THEN CAST(\(team) AS BIGINT) END, CASE WHEN n % 7 = 0 THEN CAST(\(ben.id) AS BIGINT)
                WHEN n % 331 = 0 THEN CAST(\(ada.id) AS BIGINT) END,
                    CAST(\(customer) AS BIGINT) + n % 200, 'Kim', 'kim@x.example', 'email', CASE
                    WHEN n % 33 = 0 THEN 20 + n % 3 ELSE 0 END,
                    CASE WHEN n % 33 = 0 THEN 900000000000000 + n ELSE 1000000000000000 END, CASE
                    WHEN n % 660 = 0 THEN 1 ELSE 0 END, n, n, n, CASE WHEN n % 9 = 0 THEN n - 1 ELSE n + 1 END
                FROM made ORDER BY n
                """)
            switch db.dialect {
            case .sqlite:
                try db.execute(
                    """
                    INSERT INTO ticket_text (rowid, conversation, notes) SELECT id, 'printer ' || CASE
                    WHEN id % 50 = 0 THEN 'toner' ELSE 'paper' END || ' w' || id, '' FROM ticket
                    """
                )
                try db.execute("INSERT OR IGNORE INTO text_word (word) VALUES ('printer'), ('toner'), ('paper')")
            case .postgres:
                try db.execute(
                    """
                    INSERT INTO ticket_text (ticket_id, everything)
                    SELECT id, to_tsvector('simple', 'printer ' || CASE WHEN id % 50 = 0 THEN 'toner'
                    ELSE 'paper' END || ' w' || id) FROM ticket
                    """
                )
                try db.execute("ANALYZE")
            }
        }
        return (test, ada)
    }

    private static func plan(_ db: any Connection, _ statement: SQL) throws -> [String] {
        switch db.dialect {
        case .sqlite:
            return try db.query("EXPLAIN QUERY PLAN \(statement)") { row in
                for _ in 0..<3 { row.skip() }
                return try row.read(String.self)
            }
        case .postgres: return try db.query("EXPLAIN \(statement)") { try $0.read(String.self) }
        }
    }

    /// Lines of a plan that cost as much as the desk has tickets.
    private static func unbounded(_ plan: [String], _ dialect: Dialect) -> [String] {
        switch dialect {
        // What was ever overdue is read whole only while it is little.
        case .sqlite:
            plan.filter {
                $0.contains("MULTI-INDEX OR") || $0 == "SCAN ticket"
                    || $0.hasPrefix("SCAN ticket USING INDEX") && !$0.hasSuffix("ticket_overdue")
            }
        // The tickets of a word, gathered first, are joined with all tickets of a desk as small as this: that is as
        // fast as looking each up.
        case .postgres:
            plan.filter {
                $0.contains("Seq Scan on ticket ") && !plan.contains { $0.contains("CTE Scan on hits") }
                    || $0.contains("Seq Scan on ticket_text")
            }
        }
    }

    @Test("no list reads the whole desk for an ordinary agent, in any order, on its first page or a later one")
    func lists() async throws {
        let (test, ada) = try await busyDesk()
        let now = test.clock.now()
        try await test.read { db in
            for list in WorkList.allCases {
                for order in TicketOrder.allCases {
                    var wanted = TicketList(
                        query: try TicketQuery(list.query, now: now), asker: .agent(ada), order: order, limit: 20)
                    for page in 1...2 {
                        let plan = try Self.plan(db, try wanted.lineStatement(db))
                        #expect(
                            Self.unbounded(plan, db.dialect) == [],
                            "\(list), \(order), page \(page): \(plan.joined(separator: "\n"))")
                        let lines = try db.lines(wanted)
                        wanted.after = lines.next
                        if lines.next == nil { break }
                    }
                }
                guard list.isCounted else { continue }
                let counting = TicketList(query: try TicketQuery(list.query, now: now), asker: .agent(ada))
                let plan = try Self.plan(db, try TicketPlan(counting, db, counting: 1000).count(atMost: 1000))
                #expect(Self.unbounded(plan, db.dialect) == [], "the count of \(list): \(plan.joined(separator: "\n"))")
            }
        }
    }

    @Test(
        "no search reads the whole desk for an ordinary agent",
        arguments: [
            "printer", "toner", "printer toner", "printer OR toner", "printer -toner", "zebra", "w77", "pap*",
            "is:open printer", "printer assignee:me", "tag:vip", "from:kim@x.example",
            "is:open assignee:none", "created:>2026-01-01", "is:overdue", "is:escalated", "team:mine printer",
        ])
    func searches(text: String) async throws {
        let (test, ada) = try await Self.desk.value(busyDesk)
        let now = test.clock.now()
        try await test.read { db in
            for order in TicketOrder.allCases {
                let wanted = TicketList(
                    query: try TicketQuery(text, now: now), asker: .agent(ada), order: order, limit: 20)
                let plan = try Self.plan(db, try wanted.lineStatement(db))
                #expect(Self.unbounded(plan, db.dialect) == [], "\(text), \(order): \(plan.joined(separator: "\n"))")
            }
        }
    }

    /// Made once for all searches.
    private actor Kept {
        private var making: Task<(TestDesk, Agent), any Error>?
        func value(_ make: @escaping @Sendable () async throws -> (TestDesk, Agent)) async throws -> (TestDesk, Agent) {
            let task = making ?? Task { try await make() }
            making = task
            return try await task.value
        }
    }
    private static let desk = Kept()
}
