import Foundation
import Primitives

/// What a ticket was promised: how soon it is answered and how soon it is solved, in working time.
package struct ServiceLevel: Sendable, Equatable {
    package typealias ID = Primitives.ID<ServiceLevel>
    package let id: ID
    package let name: String
    package let firstResponse: TimeInterval?
    package let resolution: TimeInterval?
    /// What single priorities are promised instead.
    package var targets: [Priority: Target] = [:]
    /// Around the clock where there is none.
    package let schedule: Schedule?

    package init(
        id: ID, name: String, firstResponse: TimeInterval?, resolution: TimeInterval?,
        targets: [Priority: Target] = [:], schedule: Schedule?
    ) {
        self.id = id
        self.name = name
        self.firstResponse = firstResponse
        self.resolution = resolution
        self.targets = targets
        self.schedule = schedule
    }

    /// What tickets of one priority are promised, in seconds of working time.
    package struct Target: Sendable, Equatable {
        package var firstResponse: TimeInterval?
        package var resolution: TimeInterval?

        package init(firstResponse: TimeInterval?, resolution: TimeInterval?) {
            self.firstResponse = firstResponse
            self.resolution = resolution
        }
    }

    package func target(_ priority: Priority) -> Target {
        let own = targets[priority]
        return Target(firstResponse: own?.firstResponse ?? firstResponse, resolution: own?.resolution ?? resolution)
    }

    package func deadlines(from start: Date, priority: Priority = .normal) -> Deadlines {
        let target = target(priority)
        return Deadlines(
            firstResponseDueAt: moment(after: target.firstResponse, from: start),
            resolutionDueAt: moment(after: target.resolution, from: start))
    }

    /// The deadlines of a ticket whose priority changed: counted from the same beginning, and whatever time it had
    /// rested is kept.
    package func moved(_ deadlines: Deadlines, opened: Date, from former: Priority, to priority: Priority) -> Deadlines
    {
        let (old, new) = (self.deadlines(from: opened, priority: former), target(priority))
        func due(_ current: Date?, _ was: Date?, _ target: TimeInterval?) -> Date? {
            guard let target else { return nil }
            guard let current, let was, current > was else { return moment(after: target, from: opened) }
            return moment(
                after: target + (schedule?.workingTime(from: was, to: current) ?? current.timeIntervalSince(was)),
                from: opened)
        }
        var moved = deadlines
        if deadlines.firstRespondedAt == nil {
            moved.firstResponseDueAt = due(deadlines.firstResponseDueAt, old.firstResponseDueAt, new.firstResponse)
        }
        moved.resolutionDueAt = due(deadlines.resolutionDueAt, old.resolutionDueAt, new.resolution)
        return moved
    }

    /// The deadlines after a rest: what was left of them when the clock stopped begins again now.
    package func resume(_ deadlines: Deadlines, at now: Date) -> Deadlines {
        guard let paused = deadlines.pausedAt else { return deadlines }
        func moved(_ due: Date?) -> Date? {
            guard let due, due > paused else { return due }
            return moment(
                after: schedule?.workingTime(from: paused, to: due) ?? due.timeIntervalSince(paused), from: now)
        }
        var resumed = deadlines
        resumed.pausedAt = nil
        if resumed.firstRespondedAt == nil { resumed.firstResponseDueAt = moved(deadlines.firstResponseDueAt) }
        resumed.resolutionDueAt = moved(deadlines.resolutionDueAt)
        return resumed
    }

    private func moment(after working: TimeInterval?, from start: Date) -> Date? {
        guard let working else { return nil }
        guard let schedule else { return start + working }
        return schedule.moment(after: working, from: start)
    }
}

extension ServiceLevel.Target {
    /// Reads `{"urgent": {"first_response": "PT1H", "resolution": "PT8H"}, …}` as it is kept; what it does not know it
    /// passes over.
    package static func read(_ text: String) -> [Priority: ServiceLevel.Target] {
        guard text != "{}", case .object(let items)? = JSON(text) else { return [:] }
        var targets: [Priority: ServiceLevel.Target] = [:]
        for (name, value) in items {
            guard let priority = Priority(word: name) else { continue }
            targets[priority] = ServiceLevel.Target(
                firstResponse: value["first_response"]?.text.flatMap(Duration8601.seconds),
                resolution: value["resolution"]?.text.flatMap(Duration8601.seconds))
        }
        return targets
    }

    /// What is wrong with targets somebody sent; nil where nothing is.
    package static func problem(in value: JSON) -> Fault.Problem? {
        guard case .object(let items) = value else { return .wrongType(expected: "an object of priorities") }
        for (name, target) in items {
            guard Priority(word: name) != nil, case .object(let durations) = target else { return .unknown(name) }
            for (clock, duration) in durations where duration != .null {
                guard ["first_response", "resolution"].contains(clock) else { return .unknown(clock) }
                guard duration.text.flatMap(Duration8601.seconds) != nil else {
                    return .wrongType(expected: "durations in hours and minutes such as PT1H or PT30M")
                }
            }
        }
        return nil
    }
}

/// Lengths of working time as ISO 8601 writes them, in hours, minutes and seconds: a working day is no day of 24 hours.
package enum Duration8601 {
    /// `PT1H30M` in seconds; nil for what is none, or is longer than ten years.
    package static func seconds(_ text: String) -> TimeInterval? {
        guard text.hasPrefix("PT"), text.utf8.count > 3, text.utf8.count <= 20 else { return nil }
        var (sum, number, units) = (0, "", "HMS"[...])
        for character in text.dropFirst(2) {
            if character.isASCII, character.isNumber {
                number.append(character)
                continue
            }
            guard let place = units.firstIndex(of: character), let value = Int(number), value < 10_000_000 else {
                return nil
            }
            sum += value * (character == "H" ? 3600 : character == "M" ? 60 : 1)
            units = units[units.index(after: place)...]
            number = ""
        }
        guard number.isEmpty, sum > 0, sum <= 315_360_000 else { return nil }
        return TimeInterval(sum)
    }
}
