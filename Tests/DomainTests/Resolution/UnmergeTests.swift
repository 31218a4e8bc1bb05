import Foundation
import Primitives
import Testing

@testable import Domain

@Suite("Taking a merge back")
struct UnmergeTests {
    private let now = Cast.morning + 3600
    private let ada = Actor(Cast.ada)
    private let other = Cast.newTicket(number: 100_002)

    private func merged(_ state: TicketState, former: [JobKind: Date] = [:]) throws -> (Ticket, Ticket, Inverse) {
        let before = try Cast.ticket(state)
        var ticket = before
        let followed = try ticket.merge(into: other, joining: [], by: ada, at: now)
        return (before, ticket, try Inverse(from: before, to: ticket, followed, former: former))
    }

    @Test(
        "the ticket was restored to its previous state, from every state that can be merged",
        arguments: TicketState.allCases.filter { TicketAction.merge.isAllowed(in: $0) })
    func restored(state: TicketState) throws {
        let (before, merged, inverse) = try merged(state)
        var ticket = merged
        let kept = inverse.texts
        let read = try #require(Inverse(restored: kept.restored, expected: kept.expected))
        let followed = try ticket.unmerge(
            from: other, Merging(inverse: read, entries: 2), by: ada, at: now + 60, Cast.policy)
        #expect(try ticket.changedFields(since: before).isEmpty && ticket.mergedInto == nil)
        #expect(followed.first == .returnConversation(from: other.id))
        #expect(followed.suffix(2).map(\.summary) == ["unmerged", "unmerged elsewhere"])
    }

    @Test(
        "without what was kept, its moments tell the state",
        arguments: TicketState.allCases.filter { TicketAction.merge.isAllowed(in: $0) })
    func derived(state: TicketState) throws {
        var (_, ticket, _) = try merged(state)
        _ = try ticket.unmerge(from: other, Merging(inverse: nil, entries: 1), by: ada, at: now + 60, Cast.policy)
        // Waiting and holding look the same from outside.
        #expect(ticket.state == (state == .held ? .waiting : state))
    }

    @Test("a silence that was over meanwhile begins anew, and what is still to come is done when it was due")
    func jobs() throws {
        for (due, expected) in [(now - 60, now + 60 + 72 * 3600), (now + 500 * 3600, now + 500 * 3600)] {
            var (_, ticket, inverse) = try merged(.resolved, former: [.closeSilent: due])
            let followed = try ticket.unmerge(
                from: other, Merging(inverse: inverse, entries: 1), by: ada, at: now + 60, Cast.policy)
            #expect(followed.contains(.schedule(.closeSilent, at: expected)))
        }
    }

    @Test("who joined by the merge leaves, and the timeline of the other ticket says so")
    func joined() throws {
        var (_, ticket, inverse) = try merged(.open)
        let followed = try ticket.unmerge(
            from: other, Merging(inverse: inverse, entries: 1, joined: [Cast.lee.address]), by: ada, at: now,
            Cast.policy)
        #expect(followed.contains(.removeCollaborator(address: Cast.lee.address, from: other.id)))
        #expect(followed.contains { $0.summary == "collaborator_removed elsewhere" })
    }

    @Test("refused with the reason where nothing can go back, and nothing is changed")
    func refused() throws {
        let (_, merged, inverse) = try merged(.open)
        var gone = other
        gone.state = .deleted
        for (target, entries, reason) in [(other, 0, "None of its messages"), (gone, 1, "no longer exists")] {
            var ticket = merged
            do {
                _ = try ticket.unmerge(
                    from: target, Merging(inverse: inverse, entries: entries), by: ada, at: now, Cast.policy)
                Issue.record("was not refused")
            } catch Refusal.conflict(let why, _) { #expect(why.english.contains(reason)) }
            #expect(ticket == merged)
        }
    }
}
