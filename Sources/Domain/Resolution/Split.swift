import Foundation
import Primitives

/// What was said in a ticket, as far as it matters to how the conversation is parted.
package struct SaidEntry: Sendable, Equatable {
    package let key: Int64
    package let kind: EntryKind
    /// The customer who wrote it; nil for what is ours, and for somebody nobody knows yet.
    package let author: Customer.ID?
    package let at: Date
    package let source: Source
    /// Its mail to the customer has not been sent yet.
    package let isWaiting: Bool

    package init(
        key: Int64, kind: EntryKind, author: Customer.ID? = nil, at: Date, source: Source = .email,
        isWaiting: Bool = false
    ) {
        self.key = key
        self.kind = kind
        self.author = author
        self.at = at
        self.source = source
        self.isWaiting = isWaiting
    }
}

extension [SaidEntry] {
    /// When a customer wrote last.
    var lastMessageAt: Date? { filter { $0.kind == .message }.map(\.at).max() }
    /// When an agent answered last.
    var lastReplyAt: Date? { filter { $0.kind == .reply }.map(\.at).max() }
}

/// Entries that leave a ticket for one of their own, and those that stay.
package struct Split: Sendable, Equatable {
    package let chosen: [SaidEntry]
    package let rest: [SaidEntry]

    package var keys: [Int64] { chosen.map(\.key) }

    /// The customers who wrote some of it, in the order in which they did.
    package var writers: [Customer.ID] {
        chosen.compactMap { $0.kind == .message ? $0.author : nil }.reduce(into: []) { writers, writer in
            if !writers.contains(writer) { writers.append(writer) }
        }
    }

    /// Whose ticket it becomes: the former requester's, or where it holds messages of other customers alone, the
    /// first one's of those.
    package func requester(insteadOf former: Customer.ID) -> Customer.ID {
        let writers = self.writers
        return writers.contains(former) ? former : writers.first ?? former
    }
}

extension Ticket {
    /// Parts the conversation: some entries leave, the others stay. Refused where nothing would leave or stay, and for
    /// a reply that has not been sent yet.
    ///
    /// - Parameters:
    ///   - keys: the entries that leave.
    ///   - said: all entries of the ticket.
    package func part(_ keys: [Int64], of said: [SaidEntry]) throws(Refusal) -> Split {
        try require(.split)
        guard !keys.isEmpty else { throw .invalid("entries", .other(Sentence("Choose at least one message."))) }
        let wanted = Set(keys)
        if let foreign = wanted.subtracting(said.map(\.key)).min() {
            throw .invalid("entries", .unknown(String(foreign)))
        }
        let chosen = said.filter { wanted.contains($0.key) }
        let rest = said.filter { !wanted.contains($0.key) }
        guard !rest.isEmpty else {
            throw .invalid("entries", .other(Sentence("Leave at least one message in this ticket.")))
        }
        guard !chosen.contains(where: \.isWaiting) else {
            throw .invalid(
                "entries", .other(Sentence("A reply that hasn't been sent yet can't be moved. Wait until it is sent.")))
        }
        return Split(chosen: chosen, rest: rest)
    }

    /// The ticket that a part of this one's conversation becomes, before it has a key. It stays where this one is; its
    /// clocks begin now.
    ///
    /// - Parameter keepsAssignee: whether who works on this one can work on it.
    package func ticket(
        of split: Split, number: Int64, subject: String?, requester: Person<Customer>, keepsAssignee: Bool,
        level: ServiceLevel?, at now: Date
    ) -> Ticket {
        let firstReply = split.chosen.first { $0.kind == .reply }?.at
        var deadlines = level?.deadlines(from: now, priority: priority) ?? Deadlines()
        deadlines.firstRespondedAt = firstReply
        let assignee = keepsAssignee ? assignee : nil
        return Ticket(
            id: Ticket.ID(0), number: number, subject: subject ?? self.subject,
            state: assignee == nil && firstReply == nil ? .new : .open, priority: priority, topic: topic,
            department: department, team: team, assignee: assignee, customer: requester.id,
            requesterName: requester.name, requesterAddress: requester.address,
            source: split.chosen.first { $0.kind == .message }?.source ?? source, mailbox: mailbox,
            fieldsText: fieldsText, serviceLevel: level.map { Reference(id: $0.id, name: $0.name) },
            deadlines: deadlines, createdAt: now, updatedAt: now, lastMessageAt: split.chosen.lastMessageAt,
            lastReplyAt: split.chosen.lastReplyAt)
    }

    /// A part of the conversation goes into a ticket of its own. Nobody on the customer's side is told.
    ///
    /// - Parameter joining: who takes part in this ticket and wrote some of what goes.
    package mutating func split(
        _ split: Split, into new: Ticket, joining: [Newcomer], by actor: Actor, at now: Date
    ) throws(Refusal) -> [Consequence] {
        try require(.split)
        updatedAt = now
        follow(split.rest)
        var consequences: [Consequence] = [
            .moveEntries(split.keys, to: new.id),
            .event(.opened, by: actor, reason: "split off from #\(number)", on: new.id),
        ]
        for newcomer in joining {
            consequences += try new.addCollaborator(
                newcomer, by: actor, reason: "from #\(number), from which this was split off", on: new.id)
        }
        let count = JSON(Int64(split.chosen.count))
        return consequences + [
            .indexTexts([id, new.id]),
            .event(.split, by: actor, data: ["into": JSON(new.number), "entries": count]),
            .event(.split, by: actor, data: ["from": JSON(number), "entries": count], on: new.id),
        ]
    }

    /// Entries came or went: who spoke last is what the conversation says.
    mutating func follow(_ said: [SaidEntry]) {
        lastMessageAt = said.lastMessageAt
        lastReplyAt = said.lastReplyAt
    }
}
