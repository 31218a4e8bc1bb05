import Dispatch
import Domain
import Foundation
import Store
import Synchronization

/// The views an agent may look at.
package struct ViewChoice: Sendable {
    /// All of them.
    package let all: [SavedView]
    /// Those that stand in the navigation.
    package let shown: [SavedView]
    package static let none = ViewChoice(all: [], shown: [])

    package subscript(id: SavedView.ID) -> SavedView? { all.first { $0.id == id } }
}

/// The views of each agent as they were last read, and how many tickets they hold.
///
/// No page waits for a number: it shows what was counted last and has it counted anew when that is old. Counting looks
/// at one view after the other, ends at the most that matters, and has a search's turn and time.
package final class ViewShelf: Sendable {
    private struct Shelf {
        var choice = ViewChoice.none
        var rights = -1
        var until: UInt64 = 0
        var counts: [SavedView.ID: ListCount] = [:]
        /// How much had happened when it was counted.
        var generation = -1
        var countedAt: UInt64 = 0
        var countedViews: [SavedView] = []
        var running: Task<Void, Never>?
        /// Views that took too long are left alone until then.
        var resting: [SavedView.ID: UInt64] = [:]
    }
    private let shelves = Mutex<[Agent.ID: Shelf]>([:])
    private let shortest: UInt64
    /// What stands in the navigation; the others stand on a page of their own.
    package static let mostShown = 12
    /// Above this there are simply many, as in a search.
    package static let mostCounted = 100
    private static let lifetime: UInt64 = 5_000_000_000
    /// A count that hangs on the time of day grows old by itself.
    private static let longest: UInt64 = 60_000_000_000
    private static let rest: UInt64 = 120_000_000_000
    private static let mostAgents = 1000

    /// - Parameter shortest: nanoseconds between two counts for the same agent.
    package init(shortest: UInt64) { self.shortest = shortest }

    package func views(for agent: Agent, on desk: Desk) async throws -> ViewChoice {
        let (now, rights) = (DispatchTime.now().uptimeNanoseconds, desk.rights.current)
        if let kept = shelves.withLock({ $0[agent.id] }), kept.until > now, kept.rights == rights { return kept.choice }
        let choice = try await desk.read { db in
            let all = try db.views(for: agent)
            guard !all.isEmpty else { return ViewChoice.none }
            let teams = Set(try db.teams(of: agent.id))
            let own = all.filter { view in
                if case .team(let team) = view.audience { teams.contains(team.number) } else { true }
            }
            return ViewChoice(all: all, shown: Array(own.prefix(Self.mostShown)))
        }
        shelves.withLock { shelves in
            // Agents are few; what was kept of those who are long gone need not stay.
            if shelves.count >= Self.mostAgents, shelves[agent.id] == nil { shelves.removeAll() }
            var shelf = shelves[agent.id] ?? Shelf()
            (shelf.choice, shelf.rights, shelf.until) = (choice, rights, now + Self.lifetime)
            shelves[agent.id] = shelf
        }
        return choice
    }

    /// What was counted last, and whether it is as new as can be. Nothing is waited for.
    package func knownCounts(for agent: Agent, of choice: ViewChoice, on desk: Desk) -> (
        counts: [SavedView.ID: ListCount], isFresh: Bool
    ) {
        guard !choice.shown.isEmpty else { return ([:], true) }
        return shelves.withLock { shelves in
            guard let shelf = shelves[agent.id] else { return ([:], false) }
            return (shelf.counts, isFresh(shelf, choice, desk))
        }
    }

    /// Has the views counted for the next page, unless that was just done.
    package func countSoon(for agent: Agent, of choice: ViewChoice, on desk: Desk) {
        let countedAt = shelves.withLock { $0[agent.id]?.countedAt } ?? 0
        if DispatchTime.now().uptimeNanoseconds - countedAt > shortest * 10 { _ = look(agent, choice, desk) }
    }

    /// How many tickets the views in the navigation hold, with all in it that had happened when it was asked for. A
    /// view that takes too long has no number.
    package func counts(for agent: Agent, on desk: Desk) async throws -> [SavedView.ID: ListCount] {
        // A look that was running already may be from before the news.
        for _ in 0..<2 {
            let choice = try await views(for: agent, on: desk)
            let known = knownCounts(for: agent, of: choice, on: desk)
            if known.isFresh { return known.counts }
            let age = DispatchTime.now().uptimeNanoseconds - (shelves.withLock { $0[agent.id]?.countedAt } ?? 0)
            // A page that just heard of news does not ask twice, as with the other counts.
            if age < shortest { try await Task.sleep(for: .nanoseconds(shortest - age)) }
            await look(agent, choice, desk).value
        }
        return shelves.withLock { $0[agent.id]?.counts } ?? [:]
    }

    private func isFresh(_ shelf: Shelf, _ choice: ViewChoice, _ desk: Desk) -> Bool {
        shelf.generation == desk.feed.generation && shelf.rights == desk.rights.current
            && shelf.countedViews == choice.shown
            && DispatchTime.now().uptimeNanoseconds - shelf.countedAt < Self.longest
    }

    /// Whoever asks meanwhile waits for the same look.
    private func look(_ agent: Agent, _ choice: ViewChoice, _ desk: Desk) -> Task<Void, Never> {
        shelves.withLock { shelves in
            var shelf = shelves[agent.id] ?? Shelf()
            if let running = shelf.running { return running }
            // Whoever asked first may be gone before the others.
            let task = Task.detached { [self] in await count(agent, choice, desk) }
            shelf.running = task
            shelves[agent.id] = shelf
            return task
        }
    }

    private func count(_ agent: Agent, _ choice: ViewChoice, _ desk: Desk) async {
        let (generation, now) = (desk.feed.generation, DispatchTime.now().uptimeNanoseconds)
        let resting = shelves.withLock { $0[agent.id]?.resting ?? [:] }.filter { $0.value > now }
        var (counts, slow) = ([SavedView.ID: ListCount](), resting)
        for view in choice.shown where resting[view.id] == nil {
            let caller = Caller(name: "views of \(agent.id)", isGone: { false })
            do {
                let list = try view.list(for: .agent(agent), now: desk.clock.now())
                let number = try await Caller.$current.withValue(caller) {
                    try await desk.read(.search) { try $0.count(list, atMost: Self.mostCounted + 1) }
                }
                counts[view.id] = ListCount(number: number, most: Self.mostCounted)
            } catch StoreError.timedOut {
                slow[view.id] = now + Self.rest
            } catch {
                // It names somebody who is not there any more, or the database is away: the view's page says so.
                continue
            }
        }
        shelves.withLock { [counts, slow] shelves in
            var shelf = shelves[agent.id] ?? Shelf()
            (shelf.counts, shelf.resting, shelf.generation) = (counts, slow, generation)
            (shelf.countedViews, shelf.countedAt) = (choice.shown, DispatchTime.now().uptimeNanoseconds)
            shelf.running = nil
            shelves[agent.id] = shelf
        }
    }
}
