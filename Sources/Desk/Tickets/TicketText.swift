import Domain
import Foundation
import Store

extension Connection {
    /// Makes the search index of some tickets anew from what is kept: subject, number, people, all that was written,
    /// names of files, and the numbers and subjects of tickets that were merged into them. A merged ticket is found
    /// where it went, so it has none of its own.
    func indexTexts(of tickets: [Ticket.ID]) throws {
        var conversations: [Ticket.ID: [String]] = [:]
        var notes: [Ticket.ID: [String]] = [:]
        try run(
            """
            SELECT id, number, subject, requester_name, requester_address FROM ticket
            WHERE id IN (\(list: tickets)) AND merged_into_id IS NULL
            """
        ) { row in
            let id: Ticket.ID = try row.read()
            conversations[id] = [String(try row.read(Int64.self)), try row.read(), try row.read(), try row.read()]
        }
        let swallowed: SQL = """
            WITH RECURSIVE swallowed (target, id, number, subject) AS (
                SELECT merged_into_id, id, number, subject FROM ticket WHERE merged_into_id IN (\(list: tickets))
                UNION ALL SELECT target, ticket.id, ticket.number, ticket.subject FROM ticket
                JOIN swallowed ON ticket.merged_into_id = swallowed.id)
            SELECT target, number, subject FROM swallowed ORDER BY id
            """
        try run(swallowed) { row in
            let target: Ticket.ID = try row.read()
            conversations[target]? += [String(try row.read(Int64.self)), try row.read()]
        }
        func add(_ row: inout Row) throws {
            let (ticket, kind, words): (Ticket.ID, Entry.Kind, String) = (
                try row.read(), try row.read(), try row.read()
            )
            if kind == .note { notes[ticket, default: []].append(words) } else { conversations[ticket]?.append(words) }
        }
        try run("SELECT ticket_id, kind, text FROM entry WHERE ticket_id IN (\(list: tickets)) ORDER BY id", add)
        try run(
            """
            SELECT ticket_id, kind, name FROM attachment JOIN entry ON entry.id = entry_id
            WHERE ticket_id IN (\(list: tickets)) ORDER BY attachment.id
            """,
            add)
        for ticket in tickets {
            try removeText(of: ticket.number)
            guard let conversation = conversations[ticket] else { continue }
            try indexText(of: ticket.number, conversation: conversation, notes: notes[ticket] ?? [])
        }
    }
}

extension Desk {
    /// Puts the search index in order, in small steps with pauses between them.
    ///
    /// - Parameter quietly: whether others want to write meanwhile.
    package func tendIndex(quietly: Bool = true) async throws {
        while try await renewIndex(most: 20) { try await Task.sleep(for: .milliseconds(quietly ? 40 : 0)) }
        while try await database.write({ try $0.mergeTexts(pages: quietly ? 100 : 2000) }) {
            if quietly { try await Task.sleep(for: .milliseconds(100)) }
        }
        // After a great change PostgreSQL would plan without knowing what is common, until its autovacuum has looked.
        if !quietly { try await database.write { db in if db.dialect == .postgres { try db.execute("ANALYZE") } } }
    }
}

extension Desk {
    private static let renewedUpTo = "text_index"

    /// Indexes some tickets anew that an older program indexed, and remembers how far it came; false when none are
    /// left. Until then they are found by what they were indexed as.
    func renewIndex(most: Int) async throws -> Bool {
        guard try await read({ try $0.privateSetting(Self.renewedUpTo) }) != nil else { return false }
        return try await write { tx in
            guard let after = try tx.db.privateSetting(Self.renewedUpTo) else { return false }
            let tickets: [Ticket.ID] = try tx.db.query(
                "SELECT id FROM ticket WHERE id > \(Int64(after) ?? 0) ORDER BY id LIMIT \(most)"
            ) { try $0.read() }
            guard let last = tickets.last else {
                try tx.db.finishTextIndex()
                try tx.keepPrivately(Self.renewedUpTo, nil)
                return false
            }
            try tx.db.indexTexts(of: tickets)
            try tx.keepPrivately(Self.renewedUpTo, String(last.number))
            return true
        }
    }
}
