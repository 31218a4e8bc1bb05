import Domain
import Foundation
import Mail
import Primitives
import Store

/// What an agent has begun to write in a ticket, kept until it is sent.
package struct Draft: Sendable, Equatable {
    package var body = ""
    package var files: [File] = []
    package var savedAt: Date
    package static let longest = 1_000_000

    /// A file that goes along, unless the agent takes it out.
    package struct File: Sendable, Equatable {
        package let id: Int64
        package let file: StoredFile
    }
}

extension Transaction {
    /// Keeps the words of a draft; empty ones are forgotten.
    package func keepDraft(_ body: String, of kind: Entry.Kind, by agent: Agent.ID, in ticket: Ticket.ID) throws {
        let text = body.withoutControls
        guard !text.trimmingWhitespace().isEmpty else {
            try db.execute("DELETE FROM draft WHERE agent_id = \(agent) AND ticket_id = \(ticket) AND kind = \(kind)")
            return
        }
        guard text.utf8.count <= Draft.longest else { throw Refusal.invalid("body", .tooLong(most: Draft.longest)) }
        try db.execute(
            """
            INSERT INTO draft (agent_id, ticket_id, kind, body, saved_at)
            VALUES (\(agent), \(ticket), \(kind), \(text), \(now))
            ON CONFLICT (agent_id, ticket_id, kind) DO UPDATE SET body = excluded.body, saved_at = excluded.saved_at
            """)
    }
    /// Makes the files of a draft the ones given.
    package func keepDraft(_ files: [StoredFile], of kind: Entry.Kind, by agent: Agent.ID, in ticket: Ticket.ID) throws
    {
        try db.execute("DELETE FROM draft_file WHERE agent_id = \(agent) AND ticket_id = \(ticket) AND kind = \(kind)")
        try keep(files)
        for file in files {
            try db.execute(
                """
                INSERT INTO draft_file (agent_id, ticket_id, kind, hash, name, type, size, added_at)
                VALUES (\(agent), \(ticket), \(kind), \(file.hash), \(file.name), \(file.type), \(file.size), \(now))
                """)
        }
    }
    /// It was sent.
    package func dropDraft(of kind: Entry.Kind, by agent: Agent.ID, in ticket: Ticket.ID) throws {
        try keepDraft("", of: kind, by: agent, in: ticket)
        try keepDraft([], of: kind, by: agent, in: ticket)
    }
}

extension Connection {
    package func drafts(by agent: Agent.ID, in ticket: Ticket.ID) throws -> [Entry.Kind: Draft] {
        var drafts: [Entry.Kind: Draft] = [:]
        // One question for both: every ticket's page asks, and mostly there is neither.
        let both: SQL = """
            SELECT kind, saved_at, 0, body, 0, '', '' FROM draft WHERE agent_id = \(agent) AND ticket_id = \(ticket)
            UNION ALL SELECT kind, added_at, id, hash, size, name, type FROM draft_file WHERE agent_id = \(agent)
            AND ticket_id = \(ticket) ORDER BY 3
            """
        try run(both) { row in
            let (kind, at, id, text): (Entry.Kind, Date, Int64, String) = (
                try row.read(), try row.read(), try row.read(), try row.read()
            )
            var draft = drafts[kind] ?? Draft(savedAt: at)
            if id == 0 {
                draft.body = text
            } else {
                draft.files.append(
                    Draft.File(
                        id: id,
                        file: StoredFile(hash: text, size: try row.read(), name: try row.read(), type: try row.read())))
            }
            drafts[kind] = draft
        }
        return drafts
    }
}

extension Connection {
    /// Whether somebody else wrote to or for the customer after the entry an agent has seen.
    package func hasNews(in ticket: Ticket.ID, after seen: Int64, for agent: Agent.ID) throws -> Bool {
        try value(
            """
            SELECT 1 FROM entry WHERE ticket_id = \(ticket) AND id > \(seen) AND kind <> 'note'
            AND NOT (author_kind = 'agent' AND author_id = \(agent)) LIMIT 1
            """, as: Int64.self) != nil
    }
}
