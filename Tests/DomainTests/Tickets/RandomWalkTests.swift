import Foundation
import Primitives
import Testing

@testable import Domain

/// Whatever happens to a ticket, in whatever order, some things always hold.
@Suite("A random life")
struct RandomWalkTests {
    @Test("keeps times in order, one open clock and counts that add up", arguments: 1...20)
    func walk(seed: Int) throws {
        var life = Life(seed: UInt64(seed))
        for _ in 0..<80 { try life.step() }
    }

    @Test("goes to every state, is refused and is taken back")
    func reach() throws {
        var (states, refusals, undone): (Set<TicketState>, Int, Int) = ([], 0, 0)
        for seed in 1...20 {
            var life = Life(seed: UInt64(seed))
            for _ in 0..<80 {
                try life.step()
                states.insert(life.ticket.state)
            }
            refusals += life.refusals
            undone += life.undone
        }
        #expect(states == Set(TicketState.allCases).subtracting([.deleted]))
        #expect(refusals > 100 && undone > 20)
    }
}

/// One ticket, the jobs that are planned for it, and what a reader of its timeline would count.
private struct Life {
    var ticket = Cast.newTicket()
    var refusals = 0
    var undone = 0
    private var now = Cast.morning
    private var jobs: [JobKind: Date] = [:]
    private var reopened = 0
    private var dice: Dice
    /// The last decision that can be taken back.
    private var last: Decided?
    private var policy = LifePolicy(surveyDelayHours: 24)

    init(seed: UInt64) { dice = Dice(state: seed) }

    mutating func step() throws {
        now += TimeInterval(dice.roll(20_000))
        let before = ticket
        do {
            // One in eight is taken back, if that is still possible.
            if dice.roll(8) == 0, let last {
                try takeBack(last)
            } else {
                try follow(try decide(), from: before)
            }
        } catch is Refusal {
            refusals += 1
            #expect(ticket == before, "a refusal changes nothing")
        }
        check(since: before)
    }

    /// Does something to the ticket, possible or not.
    private mutating func decide() throws -> [Consequence] {
        let previous = PreviousSolver(agent: [Cast.ada, Cast.away, Cast.gone][dice.roll(3)], mayWork: dice.roll(4) > 0)
        switch dice.roll(11) {
        case 0: return try ticket.reply(by: Actor(Cast.ada), as: Cast.ada, at: now)
        case 1: return try ticket.replyAndWait(by: Actor(Cast.eve), as: Cast.eve, at: now)
        case 2: return try ticket.note(by: Actor(Cast.ada), at: now)
        case 3:
            guard !ticket.isClosedForGood(at: now, policy) else { return [] }
            let message = CustomerMessage(author: Cast.kim, quietly: dice.roll(4) == 0 ? "a program wrote it" : nil)
            return try ticket.receive(message, at: now, level: Cast.level, previous: previous)
        case 4: return ticket.markOverdue(at: now)
        case 5:
            let priority = Priority.allCases[dice.roll(4)]
            return ticket.setPriority(
                priority, by: Actor(Cast.ada), at: now, level: Cast.level, target: Cast.target, policy)
        case 6: return ticket.closeAfterSilence(at: now, level: Cast.level, policy)
        case 7: return ticket.updateCustomer(at: now, policy)
        default: return try ticket.perform(TicketAction.allCases[dice.roll(TicketAction.allCases.count)], at: now)
        }
    }

    /// Plans and calls off jobs as the desk would, and keeps how the decision is taken back.
    private mutating func follow(_ consequences: [Consequence], from before: Ticket) throws {
        var former: [JobKind: Date] = [:]
        for consequence in consequences {
            switch consequence {
            case .schedule(let job, let due): jobs[job] = due
            case .cancel(let job):
                if let due = jobs.removeValue(forKey: job) { former[job] = due }
            case .record(let event) where event.ticket == nil: expect(event, from: before)
            default: continue
            }
        }
        expectWrittenEntry(consequences)
        last = Decided(before: before, after: ticket, consequences: consequences, former: former)
    }

    private mutating func takeBack(_ last: Decided) throws {
        let inverse = try Inverse(from: last.before, to: last.after, last.consequences, former: last.former)
        #expect(try inverse.fits(ticket), "nothing else was done since")
        let consequences = try ticket.takeBackReply(inverse, by: Actor(Cast.ada), at: now)
        for consequence in consequences {
            if case .schedule(let job, let due) = consequence { jobs[job] = due }
            if case .cancel(let job) = consequence { jobs[job] = nil }
        }
        #expect(try ticket.changedFields(since: last.before).isEmpty)
        reopened = ticket.reopenedCount
        undone += 1
        self.last = nil
    }

    // MARK: what always holds

    /// An event says what the ticket is like then.
    private mutating func expect(_ event: EventRecord, from before: Ticket) {
        switch event.kind {
        case .escalated: #expect(event.data["level"]?.integer == Int64(ticket.escalationLevel))
        case .deEscalated:
            #expect(event.data["from"]?.integer == Int64(before.escalationLevel))
            #expect(event.data["to"]?.integer == Int64(ticket.escalationLevel))
        case .reopened:
            if before.state != .spam { reopened += 1 }
            #expect(event.data["count"]?.integer == Int64(reopened))
        default: break
        }
    }

    /// Whatever names the entry of a decision comes with one.
    private func expectWrittenEntry(_ consequences: [Consequence]) {
        var (written, named) = (0, 0)
        for consequence in consequences {
            switch consequence {
            case .write: written += 1
            case .record(let event) where event.namesEntry: named += 1
            case .tellCustomers(let mail) where mail.entry == .written: named += 1
            case .tellAgents(let mail) where mail.entry == .written: named += 1
            default: continue
            }
        }
        #expect(written <= 1 && (written == 1 || named == 0))
    }

    private func check(since before: Ticket) {
        expectTimesInOrder(since: before)
        expectOneClock()
        #expect(ticket.reopenedCount == reopened && ticket.escalationLevel >= 0)
        #expect(ticket.state != .new || ticket.deadlines.firstRespondedAt == nil, "what was answered is not new")
        // Jobs belong to the state that planned them.
        #expect((jobs[.closeSilent] != nil) == (ticket.state == .resolved))
        #expect(jobs[.updateCustomer] == nil || ticket.escalationLevel > 0)
        #expect(jobs[.sendSurvey] == nil || ticket.state == .closed)
    }

    private func expectTimesInOrder(since before: Ticket) {
        #expect(ticket.createdAt == before.createdAt && ticket.updatedAt >= before.updatedAt)
        for moment in [ticket.updatedAt, ticket.lastReplyAt, ticket.lastMessageAt, ticket.resolvedAt, ticket.closedAt] {
            if let moment { #expect(ticket.createdAt <= moment && moment <= now) }
        }
        if let resolved = ticket.resolvedAt, let closed = ticket.closedAt { #expect(resolved <= closed) }
        #expect(ticket.state != .closed || ticket.closedAt != nil)
        #expect(ticket.state != .resolved || ticket.resolvedAt != nil)
        #expect(!ticket.state.isActive || ticket.closedAt == nil && ticket.resolvedAt == nil)
    }

    /// The clock rests exactly while the ticket waits for somebody, and is watched exactly while something is due.
    private func expectOneClock() {
        guard ticket.state.isActive else { return #expect(ticket.watchAt == nil && ticket.urgency == 0) }
        #expect(ticket.state.isPaused == (ticket.deadlines.pausedAt != nil))
        #expect(!ticket.state.isPaused || ticket.watchAt == nil)
        #expect(ticket.overdue || ticket.state.isPaused || ticket.watchAt == ticket.deadlines.next)
        #expect(ticket.urgency > 0)
    }
}

/// A decision with all that its inverse is made of.
private struct Decided {
    let before: Ticket
    let after: Ticket
    let consequences: [Consequence]
    let former: [JobKind: Date]
}

/// Numbers that are the same in every run (SplitMix64).
private struct Dice {
    var state: UInt64
    mutating func roll(_ sides: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((mixed ^ (mixed >> 31)) % UInt64(sides))
    }
}
