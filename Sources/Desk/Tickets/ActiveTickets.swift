import Domain
import Foundation
import Store

/// What lists count by, of a ticket that is still to be done.
struct ActiveTicket: Sendable, Equatable {
    let department: Int64
    /// 0 where there is none.
    let assignee: Int64
    let team: Int64
    let isPaused: Bool
    let isEscalated: Bool
    let isOverdue: Bool
    let isAnswered: Bool

    /// All of them stand in `ticket_due`, so that the tickets themselves are not read.
    static let columns: SQL = "ticket.department_id, ticket.assignee_id, ticket.team_id, ticket.state, ticket.due_rank"

    init(_ row: inout Row, isOverdue: Bool, isAnswered: Bool) throws {
        department = try row.read()
        assignee = try row.integer() ?? 0
        team = try row.integer() ?? 0
        isPaused = try row.read(TicketState.self).isPaused
        // Whoever is escalated stands before all others by `Ticket.dueRank`.
        isEscalated = try row.read(Int.self) < 900_000_000_000_000
        self.isOverdue = isOverdue
        self.isAnswered = isAnswered
    }

    fileprivate var holder: ActiveTickets.Holder { .init(department: department, assignee: assignee, team: team) }

    /// Whether it stands in a list of somebody who may see it.
    func isIn(_ list: WorkList, of reach: Reach) -> Bool {
        switch list {
        case .next: !isPaused && (assignee == 0 || assignee == reach.agent)
        case .escalated: isEscalated
        case .mine: assignee == reach.agent
        case .answered: !isPaused && isAnswered
        case .unassigned: assignee == 0
        case .teams: reach.teams.contains(team)
        case .missed: isOverdue
        case .open: true
        case .waiting: isPaused
        case .closed, .spam: false
        }
    }
}

/// What an agent sees of the tickets in memory: the rule of `Asker.condition`, asked of values.
struct Reach: Sendable, Equatable {
    let agent: Int64
    let seesAll: Bool
    let departments: Set<Int64>
    let teams: Set<Int64>

    func covers(department: Int64, assignee: Int64, team: Int64) -> Bool {
        seesAll || departments.contains(department) || assignee == agent || team != 0 && teams.contains(team)
    }
    func covers(_ ticket: ActiveTicket) -> Bool {
        covers(department: ticket.department, assignee: ticket.assignee, team: ticket.team)
    }
}

extension Connection {
    func reach(of agent: Agent) throws -> Reach {
        let departments: [Int64] = try query("SELECT department_id FROM agent_department WHERE agent_id = \(agent.id)")
        { try $0.read() }
        return Reach(
            agent: agent.id.number, seesAll: agent.role == .administrator, departments: Set(departments),
            teams: Set(try teams(of: agent.id)))
    }

    /// All that is still to be done, or of some tickets what is.
    func activeTickets(_ some: [Ticket.ID]? = nil) throws -> (
        tickets: [Ticket.ID: ActiveTicket], involved: [Ticket.ID: [Int64]]
    ) {
        var tickets: [Ticket.ID: ActiveTicket] = [:]
        var involved: [Ticket.ID: [Int64]] = [:]
        let chosen: SQL = some.map { "AND ticket.id IN (\(list: $0))" } ?? ""
        func source(_ index: StaticString) -> SQL { some == nil ? "ticket \(dialect.indexed(by: index))" : "ticket" }
        let overdue: [Ticket.ID] = try query(
            """
            SELECT ticket.id FROM \(source("ticket_overdue")) WHERE ticket.due_rank < 1000000000000000
            AND ticket.overdue = 1 \(chosen)
            """
        ) { try $0.read() }
        let answered: [Ticket.ID] = try query(
            """
            SELECT ticket.id FROM \(source("ticket_answered")) WHERE ticket.due_rank < 1000000000000000
            AND ticket.last_message_at > ticket.last_reply_at \(chosen)
            """
        ) { try $0.read() }
        let (isOverdue, isAnswered) = (Set(overdue), Set(answered))
        try run(
            """
            SELECT ticket.id, \(ActiveTicket.columns) FROM \(source("ticket_due"))
            WHERE ticket.due_rank < 1000000000000000 \(chosen)
            """
        ) { row in
            let id: Ticket.ID = try row.read()
            tickets[id] = try ActiveTicket(&row, isOverdue: isOverdue.contains(id), isAnswered: isAnswered.contains(id))
        }
        try run(
            """
            SELECT ticket_id, agent_id FROM ticket_agent JOIN ticket ON ticket.id = ticket_id
            WHERE ticket.due_rank < 1000000000000000 \(chosen)
            """
        ) { row in
            let id: Ticket.ID = try row.read()
            involved[id, default: []].append(try row.read())
        }
        return (tickets, involved)
    }
}

/// All tickets that are still to be done, counted by whose they are, so that the counts of a whole team are one pass
/// over a few hundred sums.
struct ActiveTickets: Sendable {
    fileprivate struct Holder: Hashable {
        let department: Int64
        let assignee: Int64
        let team: Int64
    }
    private struct Sums {
        var all = 0
        var working = 0
        var escalated = 0
        var answered = 0
        var overdue = 0

        mutating func add(_ ticket: ActiveTicket, _ by: Int) {
            all += by
            if !ticket.isPaused { working += by }
            if ticket.isEscalated { escalated += by }
            if !ticket.isPaused, ticket.isAnswered { answered += by }
            if ticket.isOverdue { overdue += by }
        }
    }
    private var tickets: [Ticket.ID: ActiveTicket] = [:]
    private var sums: [Holder: Sums] = [:]
    /// Who was added to a ticket, both ways.
    private var agents: [Ticket.ID: [Int64]] = [:]
    private var involved: [Int64: Set<Ticket.ID>] = [:]

    subscript(ticket: Ticket.ID) -> ActiveTicket? { tickets[ticket] }
    func isInvolved(_ agent: Int64, in ticket: Ticket.ID) -> Bool { involved[agent]?.contains(ticket) ?? false }

    /// Takes a ticket as it is now; nil once there is nothing left to do.
    mutating func set(_ id: Ticket.ID, _ ticket: ActiveTicket?, involving people: [Int64]) {
        if let old = tickets[id] {
            sums[old.holder]?.add(old, -1)
            if sums[old.holder]?.all == 0 { sums[old.holder] = nil }
        }
        tickets[id] = ticket
        if let ticket { sums[ticket.holder, default: Sums()].add(ticket, 1) }
        for agent in agents[id] ?? [] { involved[agent]?.remove(id) }
        agents[id] = people.isEmpty ? nil : people
        for agent in people { involved[agent, default: []].insert(id) }
    }

    func counts(for reach: Reach) -> [WorkList: ListCount] {
        var (next, escalated, mine, answered, unassigned, teams, missed, open, waiting) = (0, 0, 0, 0, 0, 0, 0, 0, 0)
        for (holder, sum) in sums
        where reach.covers(department: holder.department, assignee: holder.assignee, team: holder.team) {
            if holder.assignee == 0 || holder.assignee == reach.agent { next += sum.working }
            if holder.assignee == 0 { unassigned += sum.all }
            if holder.assignee == reach.agent { mine += sum.all }
            if holder.team != 0, reach.teams.contains(holder.team) { teams += sum.all }
            escalated += sum.escalated
            answered += sum.answered
            missed += sum.overdue
            open += sum.all
            waiting += sum.all - sum.working
        }
        var counts: [WorkList: Int] = [
            .next: next, .escalated: escalated, .mine: mine, .answered: answered, .unassigned: unassigned,
            .teams: teams, .missed: missed, .open: open, .waiting: waiting,
        ]
        // The few that are seen only because one takes part in them.
        for id in involved[reach.agent] ?? [] {
            guard let ticket = tickets[id], !reach.covers(ticket) else { continue }
            for list in counts.keys where ticket.isIn(list, of: reach) { counts[list, default: 0] += 1 }
        }
        return counts.mapValues { ListCount(number: min($0, ListCount.most + 1)) }
    }
}
