import Domain
import Foundation
import Store

/// The daily mail to an agent who asked for it: how much waits, and what comes first.
package enum Digest {
    static let mostTickets = 10

    /// The next time it is that hour there. An hour that summer time leaves out is the next one.
    package static func next(hour: Int, in zone: TimeZone, after now: Date) -> Date {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        return calendar.nextDate(
            after: now, matching: DateComponents(hour: hour, minute: 0, second: 0), matchingPolicy: .nextTime) ?? now
            + 86400
    }

    /// Nil where nothing waits: no mail then.
    static func words(
        _ counts: [WorkList: ListCount], _ first: [TicketLine], in zone: TimeZone, office: Office, now: Date
    ) -> String? {
        let named: [(WorkList, String)] = [
            (.escalated, "escalated"), (.missed, "overdue"), (.mine, "assigned to you"),
            (.answered, "with a customer reply"), (.unassigned, "unassigned"), (.teams, "in your teams"),
        ]
        let sums = named.compactMap { list, words in
            counts[list].flatMap { $0.number > 0 ? "\($0.text) \(words)" : nil }
        }
        guard !sums.isEmpty else { return nil }
        let tickets = first.map { line in
            let due = line.nextDue.map { ($0 < now ? "was due " : "due ") + local($0, in: zone) }
            let facts = [line.escalationLevel > 0 ? "escalated" : nil, line.priority.word, due].compactMap { $0 }
                .joined(separator: ", ")
            return
                """
                #\(line.number) \(line.subject) (\(line.requester); \
                \(facts))\n\(office.url)/desk/tickets/\(line.number)
                """
        }
        return
            (["Tickets: " + sums.joined(separator: ", ") + "."]
            + (tickets.isEmpty ? [] : ["Work on these first:"] + tickets)).joined(separator: "\n\n")
    }

    private static func local(_ date: Date, in zone: TimeZone) -> String {
        let there = (date + TimeInterval(zone.secondsFromGMT(for: date))).rfc3339
        return "\(there.prefix(10)) \(there.dropFirst(11).prefix(5))"
    }
}

extension Transaction {
    /// Sets when an agent is told next, after what they asked for has changed.
    func planDigest(of id: Agent.ID) throws {
        let wish = try db.digestWish(of: id)
        let isHere = try db.agent(id)?.isActive ?? false
        let at = isHere ? wish.hour.map { Digest.next(hour: $0, in: wish.zone, after: now) } : nil
        try db.execute("UPDATE agent SET digest_at = \(at) WHERE id = \(id)")
    }

    /// Tells an agent whose hour has come, once; who is away is not told.
    func sendDigest(to id: Agent.ID) throws {
        let isDue =
            try db.value(
                "SELECT 1 FROM agent WHERE id = \(id) AND is_active = 1 AND digest_at <= \(now)", as: Int64.self) != nil
        guard isDue, let agent = try db.agent(id) else { return }
        try planDigest(of: id)
        guard !agent.isAway, agent.role >= .agent else { return }
        let list = TicketList(
            query: try TicketQuery(WorkList.next.query, now: now), asker: .agent(agent), order: WorkList.next.order,
            limit: Digest.mostTickets)
        let words = Digest.words(
            try db.counts(for: agent, now: now), try db.lines(list).lines, in: try db.digestWish(of: id).zone,
            office: office, now: now)
        guard let words else { return }
        try queue(
            .digest, ticket: nil, entry: nil, recipient: "agent", id: id.number, address: agent.email, name: agent.name,
            data: ["reason": .string(words)])
    }
}

/// What an agent asked for.
package struct DigestWish: Sendable {
    /// None for no digest.
    package var hour: Int?
    package var timeZone: String
    /// UTC where the name is of a zone that is no more.
    var zone: TimeZone { TimeZone(identifier: timeZone) ?? .gmt }

    package init(hour: Int?, timeZone: String) {
        self.hour = hour
        self.timeZone = timeZone
    }
}

extension Connection {
    package func digestWish(of agent: Agent.ID) throws -> DigestWish {
        try first("SELECT digest_hour, time_zone FROM agent WHERE id = \(agent)") {
            DigestWish(hour: try $0.read(), timeZone: try $0.read())
        } ?? DigestWish(hour: nil, timeZone: "UTC")
    }
}
