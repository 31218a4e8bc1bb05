import Foundation
import Primitives

/// How an action is taken back: the inverse of what it changed and of what followed from it.
///
/// It knows the fields that the action changed and no others, so that what somebody did meanwhile to another field
/// stays. Events stay as well: the timeline tells what happened, also what was taken back.
package struct Inverse: Sendable, Equatable {
    /// The fields the action changed, as they were before it.
    package var fields: [String: JSON]
    /// The same fields as the action left them. Where one is different by now, somebody has worked on the ticket since.
    package var expected: [String: JSON]
    /// When the jobs that it planned or called off were due before; null for one that was not planned.
    package var jobs: [String: JSON]
    /// The second agents it added.
    package var secondAgents: [Agent.ID]
    /// The occasions on which it queued mail, all of it at one moment.
    package var mails: [MailKind]
    /// Whether it takes back all that followed. What moved an entry, or who takes part, is not among that.
    package var isWhole: Bool

    /// The inverse of nothing.
    package static let nothing = Inverse(
        fields: [:], expected: [:], jobs: [:], secondAgents: [], mails: [], isWhole: true)

    private init(
        fields: [String: JSON], expected: [String: JSON], jobs: [String: JSON], secondAgents: [Agent.ID],
        mails: [MailKind], isWhole: Bool
    ) {
        self.fields = fields
        self.expected = expected
        self.jobs = jobs
        self.secondAgents = secondAgents
        self.mails = mails
        self.isWhole = isWhole
    }

    /// - Parameters:
    ///   - before: the ticket as the action found it.
    ///   - after: the ticket as the action left it.
    ///   - former: when the jobs that it called off had been due.
    package init(
        from before: Ticket, to after: Ticket, _ consequences: [Consequence], former: [JobKind: Date] = [:]
    ) throws {
        let (old, new) = (try before.values(), try after.values())
        let changed = Set(old.keys).union(new.keys).filter { $0 != "updatedAt" && old[$0] != new[$0] }
        fields = Dictionary(uniqueKeysWithValues: changed.map { ($0, old[$0] ?? .null) })
        expected = Dictionary(uniqueKeysWithValues: changed.map { ($0, new[$0] ?? .null) })
        jobs = [:]
        secondAgents = []
        mails = []
        isWhole = true
        for consequence in consequences {
            switch consequence {
            case .schedule(let job, _):
                jobs[job.rawValue] = former[job].map { JSON($0.milliseconds) } ?? .null
            case .cancel(let job):
                if let due = former[job] { jobs[job.rawValue] = JSON(due.milliseconds) }
            case .addSecondAgent(let agent): secondAgents.append(agent)
            case .tellCustomers(let mail): mails.append(mail.kind)
            case .tellAgents(let mail): mails.append(mail.kind)
            case .askForRating: mails.append(.survey)
            case .record, .cancelMail: continue
            default: isWhole = false
            }
        }
    }

    /// As it is kept: what is to be set again, and what must still be so.
    package var texts: (restored: String, expected: String) {
        let restored: [String: JSON] = [
            "fields": .object(fields), "jobs": .object(jobs), "whole": .bool(isWhole),
            "agents": .array(secondAgents.map { JSON($0.number) }),
            "mails": .array(mails.map { .string($0.rawValue) }),
        ]
        return (JSON.object(restored).written, JSON.object(expected).written)
    }

    /// Reads what was kept; nil for what is none.
    package init?(restored: String, expected: String) {
        guard let json = JSON(restored), case .object(let fields)? = json["fields"],
            case .object(let jobs)? = json["jobs"], case .object(let expected)? = JSON(expected)
        else { return nil }
        // Those kept by an earlier version have neither agents nor mails.
        func list<Item>(_ name: String, _ item: (JSON) -> Item?) -> [Item] {
            guard case .array(let items)? = json[name] else { return [] }
            return items.compactMap(item)
        }
        self.init(
            fields: fields, expected: expected, jobs: jobs,
            secondAgents: list("agents") { $0.integer.map { Agent.ID($0) } },
            mails: list("mails") { $0.text.flatMap { MailKind(rawValue: $0) } },
            isWhole: json["whole"] == .bool(true))
    }

    /// Whether no field it changed is different by now.
    package func fits(_ ticket: Ticket) throws -> Bool {
        let values = try ticket.values()
        return expected.allSatisfy { (values[$0.key] ?? .null) == $0.value }
    }

    /// What follows from taking the action back, besides the fields.
    ///
    /// - Parameter queuedAt: when the action queued its mail; nil where the mail is seen to already.
    func consequences(queuedAt: Date?) -> [Consequence] {
        let planned: [Consequence] = jobs.sorted { $0.key < $1.key }.compactMap { name, due in
            guard let job = JobKind(rawValue: name) else { return nil }
            return due.integer.map { .schedule(job, at: Date(milliseconds: $0)) } ?? .cancel(job)
        }
        let unsent: [Consequence] = queuedAt.map { at in mails.map { .cancelMail($0, queuedAt: at) } } ?? []
        return planned + secondAgents.map { .removeSecondAgent($0) } + unsent
    }
}

extension Ticket {
    /// Takes a reply back whose mail has not gone: the ticket is as it was before, unless somebody has worked on it
    /// since.
    ///
    /// - Parameter inverse: nil where it is not known how the ticket was.
    package mutating func takeBackReply(_ inverse: Inverse?, by actor: Actor, at now: Date) throws -> [Consequence] {
        guard let inverse, try inverse.fits(self) else {
            return [
                .event(
                    .takenBack, by: actor, reason: "the ticket has changed since, so it was left as it is")
            ]
        }
        try restore(inverse, at: now)
        return inverse.consequences(queuedAt: nil)
            + [.event(.takenBack, by: actor, reason: "the ticket was restored to its previous state")]
    }

    /// Takes an action back: fields, jobs and second agents are as they were, and mail that has not gone does not go.
    ///
    /// - Parameter queuedAt: when the action queued its mail.
    package mutating func undo(
        _ inverse: Inverse, queuedAt: Date, by actor: Actor, at now: Date
    ) throws -> [Consequence] {
        guard inverse.isWhole else {
            throw Refusal.conflict(Sentence("This can't be undone."), allowed: allowedActions)
        }
        guard try inverse.fits(self) else {
            throw Refusal.conflict(
                Sentence("The ticket has changed since then, so this can no longer be undone."),
                allowed: allowedActions)
        }
        let before = self
        try restore(inverse, at: now)
        return inverse.consequences(queuedAt: queuedAt)
            + [.event(.takenBack, by: actor, data: changes(since: before))]
    }

    mutating func restore(_ inverse: Inverse, at now: Date) throws {
        var values = try self.values()
        for (name, value) in inverse.fields { values[name] = value == .null ? nil : value }
        self = try Ticket(values: values)
        updatedAt = now
    }

    /// What an action did to a ticket, as an event tells it.
    private func changes(since before: Ticket) -> [String: JSON] {
        var data: [String: JSON] = [:]
        func note(_ name: String, _ from: String?, _ to: String?) {
            if from != to { data[name] = ["from": JSON(from), "to": JSON(to)] }
        }
        note("state", before.state.rawValue, state.rawValue)
        note("assignee", before.assignee?.name, assignee?.name)
        note("team", before.team?.name, team?.name)
        return data
    }
}

extension Ticket {
    /// All fields by their names. Times are whole milliseconds, as they are kept.
    func values() throws -> [String: JSON] {
        let encoder = JSONEncoder()
        encoder.dateEncodingStrategy = .custom { date, encoder in
            var container = encoder.singleValueContainer()
            try container.encode(date.milliseconds)
        }
        guard case .object(let values) = try JSON(parsing: try encoder.encode(self)) else { return [:] }
        return values
    }

    /// A ticket from all its fields by their names.
    init(values: [String: JSON]) throws {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .custom { decoder in
            Date(milliseconds: try decoder.singleValueContainer().decode(Int64.self))
        }
        self = try decoder.decode(Ticket.self, from: Data(JSON.object(values).written.utf8))
    }

    /// The names of the fields that are different in another ticket, besides the moment of the last change.
    package func changedFields(since before: Ticket) throws -> Set<String> {
        Set(try Inverse(from: before, to: self, []).fields.keys)
    }
}
