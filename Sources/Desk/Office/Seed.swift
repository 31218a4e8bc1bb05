import Domain
import Foundation
import Store

/// Synthetic history for tests and benchmarks: the same seed makes the same tickets. Customers, three entries a ticket,
/// every state, three in a hundred open.
package struct Seed: Sendable {
    package let tickets: Int
    package let seed: UInt64
    private static let batch = 250
    /// The history ends here, whenever it is made.
    private static let end = Date(milliseconds: 1_793_491_200_000)
    private static let span = 730.0 * 86400

    package init(tickets: Int, seed: UInt64 = 1) {
        self.tickets = tickets
        self.seed = seed
    }

    /// - Parameter progress: how many tickets are made so far.
    package func plant(in desk: Desk, progress: @Sendable (Int) -> Void = { _ in }) async throws {
        let ground = try await desk.write { try $0.prepareGround() }
        var done = 0
        while done < tickets {
            let count = min(Self.batch, tickets - done)
            let first = done
            try await desk.write { tx in
                try tx.plant(Patch(seed: self, first: first, count: count, total: tickets, ground: ground))
            }
            done += count
            progress(done)
        }
        try await desk.tendIndex(quietly: false)
    }

    /// What tickets are planted on.
    fileprivate struct Ground: Sendable {
        let departments: [Department.ID]
        let topics: [Topic.ID]
        let agents: [Agent]
        let serviceLevel: ServiceLevel.ID?
    }

    /// The tickets of one transaction.
    fileprivate struct Patch: Sendable {
        let seed: Seed
        let first: Int
        let count: Int
        let total: Int
        let ground: Ground

        /// One customer asks about five times.
        var customers: Int { max(1, count / 5) }
        func createdAt(_ index: Int) -> Date {
            Seed.end - Seed.span + Seed.span * Double(index) / Double(max(total, 1))
        }
    }
}

/// SplitMix64: the same numbers on every machine.
private struct Dice {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
    mutating func roll(_ sides: Int) -> Int { Int(next() % UInt64(max(sides, 1))) }
    mutating func pick<T>(_ items: [T]) -> T { items[roll(items.count)] }

    /// Common words often, rare ones seldom, as people write.
    mutating func words(_ count: Int) -> String {
        var text = ""
        for index in 0..<count {
            if index > 0 { text += " " }
            if roll(3) > 0 {
                text += pick(Self.common)
            } else {
                text += pick(Self.beginnings) + pick(Self.middles) + pick(Self.endings)
            }
        }
        return text
    }
    private static let common = [
        "the", "printer", "invoice", "password", "account", "order", "please", "error", "screen", "since", "yesterday",
        "morning", "update", "network", "phone",
        "mail", "server", "login", "payment", "delivery", "address", "customer", "report", "file", "open", "cannot",
        "slow", "again", "after", "before", "help",
        "thanks", "contract", "laptop", "monitor", "cable", "office", "team", "backup", "license", "install", "version",
        "message", "number", "shipment", "refund",
    ]
    private static let beginnings = [
        "ba", "co", "de", "fi", "ga", "hu", "ka", "lo", "mi", "no", "pe", "ra", "si", "to", "vu", "ze",
    ]
    private static let middles = ["lan", "mer", "nis", "pol", "rud", "sta", "tri", "ven", "wor", "xan"]
    private static let endings = ["da", "et", "ing", "or", "us", "ley", "ton", "berg", "ix", "ma"]
}

extension Transaction {
    fileprivate func prepareGround() throws -> Seed.Ground {
        let departments: [Department.ID] = try db.query("SELECT id FROM department WHERE is_active = 1 ORDER BY id") {
            try $0.read()
        }
        let names =
            departments.isEmpty
            ? []
            : try db.query("SELECT name FROM department WHERE is_active = 1 ORDER BY id") { try $0.read(String.self) }
        var agents: [Agent] = []
        for number in 1...12 {
            let email = "agent-\(number)@seed.example"
            if let known = try db.agent(email: email) {
                agents.append(known)
            } else {
                agents.append(
                    try addAgent(
                        email: email, name: "Agent \(number)", role: number == 1 ? .supervisor : .agent,
                        departments: names, passwordHash: nil))
            }
        }
        return Seed.Ground(
            departments: departments,
            topics: try db.query("SELECT id FROM topic WHERE is_active = 1 ORDER BY id") { try $0.read() },
            agents: agents,
            serviceLevel: try db.value("SELECT id FROM service_level ORDER BY id LIMIT 1"))
    }

    fileprivate func plant(_ patch: Seed.Patch) throws {
        var dice = Dice(patch.seed.seed &* 1_000_003 &+ UInt64(patch.first))
        let customers = try plantCustomers(patch, &dice)
        let numbers = try db.take(patch.count, of: .ticketNumber)
        var drafts: [SeedTicket] = []
        for (offset, number) in numbers.enumerated() {
            drafts.append(
                SeedTicket(
                    number: number, customer: dice.pick(customers), createdAt: patch.createdAt(patch.first + offset),
                    ground: patch.ground, dice: &dice))
        }
        let ids = try db.insert(
            """
            ticket (number, subject, state, priority, topic_id, department_id, assignee_id, solver_id, customer_id, \
            requester_name, requester_address, source,
                service_level_id, first_responded_at, resolution_due_at, paused_at, urgency, due_rank, reopened_count, \
                created_at, updated_at, resolved_at, closed_at,
                last_message_at, last_reply_at)
            """, rows: drafts.map(\.row), returning: "id, number"
        ) { (try $0.read(Int64.self), try $0.read(Int64.self)) }
        let keys = Dictionary(uniqueKeysWithValues: ids.map { ($0.1, $0.0) })
        var entries: [[SQLValue]] = []
        var events: [[SQLValue]] = []
        for draft in drafts {
            guard let id = keys[draft.number] else { continue }
            entries += draft.entries(id)
            events += draft.events(id)
            try db.indexText(of: id, conversation: [draft.text])
        }
        try db.insert(
            "entry (ticket_id, kind, author_kind, author_id, author_name, author_address, at, text, source)",
            rows: entries)
        try db.insert(
            "ticket_event (ticket_id, kind, at, actor_kind, actor_id, actor_name, actor_address, reason, data)",
            rows: events)
        let surveys = drafts.compactMap { draft in keys[draft.number].flatMap { draft.survey($0) } }
        try db.insert(
            "survey (ticket_id, department_id, agent_id, sent_at, rating, comment, answered_at)", rows: surveys)
    }

    private func plantCustomers(_ patch: Seed.Patch, _ dice: inout Dice) throws -> [SeedTicket.Requester] {
        var made: [(name: String, address: String)] = []
        let run: Int = try db.value("SELECT COALESCE(max(id), 0) FROM customer") ?? 0
        for index in 0..<patch.customers {
            let name = dice.words(2).capitalized
            made.append((name, "c\(run + index)-\(dice.roll(1000))@\(dice.words(1)).example"))
        }
        let rows = made.map {
            [
                $0.name.sqlValue, Customer.sought(name: $0.name, addresses: [$0.address]).sqlValue,
                patch.createdAt(patch.first).sqlValue,
            ]
        }
        let ids = try db.insert("customer (name, sought, created_at)", rows: rows, returning: "id, sought") {
            (try $0.read(Int64.self), try $0.read(String.self))
        }
        let bySought = Dictionary(ids.map { ($0.1, $0.0) }, uniquingKeysWith: { $1 })
        let requesters = made.compactMap { person in
            bySought[Customer.sought(name: person.name, addresses: [person.address])].map {
                SeedTicket.Requester(id: $0, name: person.name, address: person.address)
            }
        }
        try db.insert(
            "customer_address (address, customer_id)", rows: requesters.map { [$0.address.sqlValue, $0.id.sqlValue] })
        return requesters
    }
}

/// One synthetic ticket before it is written.
private struct SeedTicket {
    struct Requester {
        let id: Int64
        let name: String
        let address: String
    }
    let number: Int64
    let requester: Requester
    let createdAt: Date
    let subject: String
    let state: TicketState
    let priority: Priority
    let agent: Agent
    let department: Department.ID
    let topic: Topic.ID?
    let serviceLevel: ServiceLevel.ID?
    let question: String
    let answer: String
    let thanks: String
    let rating: Int?

    init(number: Int64, customer: Requester, createdAt: Date, ground: Seed.Ground, dice: inout Dice) {
        self.number = number
        requester = customer
        self.createdAt = createdAt
        subject = dice.words(4 + dice.roll(4)).capitalized
        let chance = dice.roll(1000)
        state =
            chance < 8
            ? .new
            : chance < 20
                ? .open
                : chance < 27 ? .waiting : chance < 30 ? .held : chance < 40 ? .resolved : chance < 43 ? .spam : .closed
        priority = dice.roll(50) == 0 ? .urgent : dice.roll(6) == 0 ? .high : dice.roll(8) == 0 ? .low : .normal
        agent = dice.pick(ground.agents)
        department = dice.pick(ground.departments)
        topic = ground.topics.isEmpty ? nil : dice.pick(ground.topics)
        serviceLevel = ground.serviceLevel
        question = dice.words(30 + dice.roll(40))
        answer = dice.words(20 + dice.roll(30))
        thanks = dice.words(5 + dice.roll(10))
        rating = state == .closed && dice.roll(5) == 0 ? 1 + max(dice.roll(5), dice.roll(5)) : nil
    }

    private var answeredAt: Date { createdAt + 3600 }
    private var resolvedAt: Date? { state == .resolved || state == .closed ? createdAt + 86400 : nil }
    private var closedAt: Date? { state == .closed ? createdAt + 4 * 86400 : nil }
    private var assignee: Agent.ID? { state == .new || state == .spam ? nil : agent.id }
    private var urgency: Int { state.isActive ? 10 * (priority.rawValue + 1) + (state.isPaused ? 0 : 5) : 0 }
    private var dueRank: Int {
        guard state.isActive else { return Ticket.rankOfDone }
        return 900_000_000_000_000 + (state.isPaused ? 99_999_999_999_999 : Int((createdAt + 2 * 86400).milliseconds))
    }
    var text: String { "\(subject) \(number) \(requester.name) \(requester.address) \(question) \(answer) \(thanks)" }

    var row: [SQLValue] {
        var row: [SQLValue] = [
            number.sqlValue, subject.sqlValue, state.sqlValue, priority.sqlValue, topic.sqlValue, department.sqlValue,
            assignee.sqlValue,
        ]
        row += [
            resolvedAt == nil ? .null : agent.id.sqlValue, requester.id.sqlValue, requester.name.sqlValue,
            requester.address.sqlValue, "email".sqlValue,
        ]
        row += [
            serviceLevel.sqlValue, answeredAt.sqlValue, (createdAt + 2 * 86400).sqlValue,
            state.isPaused ? answeredAt.sqlValue : .null, urgency.sqlValue,
        ]
        row += [
            dueRank.sqlValue, 0.sqlValue, createdAt.sqlValue, (closedAt ?? resolvedAt ?? answeredAt).sqlValue,
            resolvedAt.sqlValue, closedAt.sqlValue,
        ]
        row += [(createdAt + 7200).sqlValue, answeredAt.sqlValue]
        return row
    }

    func entries(_ ticket: Int64) -> [[SQLValue]] {
        func entry(_ kind: Entry.Kind, _ text: String, _ at: Date) -> [SQLValue] {
            let isAgent = kind == .reply
            let author: [SQLValue] =
                isAgent
                ? [agent.id.sqlValue, agent.name.sqlValue, agent.email.sqlValue]
                : [requester.id.sqlValue, requester.name.sqlValue, requester.address.sqlValue]
            return [ticket.sqlValue, kind.sqlValue, (isAgent ? "agent" : "customer").sqlValue] + author + [
                at.sqlValue, text.sqlValue, "email".sqlValue,
            ]
        }
        return [
            entry(.message, question, createdAt), entry(.reply, answer, answeredAt),
            entry(.message, thanks, createdAt + 7200),
        ]
    }

    func events(_ ticket: Int64) -> [[SQLValue]] {
        func event(_ kind: TicketEvent.Kind, _ at: Date, byAgent: Bool, _ reason: String = "") -> [SQLValue] {
            let actor: [SQLValue] =
                byAgent
                ? ["agent".sqlValue, agent.id.sqlValue, agent.name.sqlValue, agent.email.sqlValue]
                : ["customer".sqlValue, requester.id.sqlValue, requester.name.sqlValue, requester.address.sqlValue]
            return [ticket.sqlValue, kind.sqlValue, at.sqlValue] + actor + [reason.sqlValue, "{}".sqlValue]
        }
        var events = [
            event(.opened, createdAt, byAgent: false, "by e-mail"), event(.replied, answeredAt, byAgent: true),
            event(.received, createdAt + 7200, byAgent: false),
        ]
        if let resolvedAt { events.append(event(.resolved, resolvedAt, byAgent: true)) }
        if let closedAt { events.append(event(.closed, closedAt, byAgent: false, "the solution was confirmed")) }
        return events
    }

    func survey(_ ticket: Int64) -> [SQLValue]? {
        guard let rating, let closedAt else { return nil }
        return [
            ticket.sqlValue, department.sqlValue, agent.id.sqlValue, closedAt.sqlValue, rating.sqlValue, "".sqlValue,
            (closedAt + 3600).sqlValue,
        ]
    }
}
