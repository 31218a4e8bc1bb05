import Domain
import Foundation
import Primitives
import Store

extension Transaction {
    /// Writes an entry with its files and makes it searchable. `isFirst` belongs to a ticket that is not indexed yet.
    func save(
        _ writing: Writing, kind: Entry.Kind, by author: Author, in ticket: Ticket.ID, source: Source,
        messageID: String? = nil, raw: String? = nil, files: [StoredFile], isFirst: Bool = false,
        provenance: Provenance = Provenance(), key: Entry.ID? = nil
    ) throws -> Entry.ID {
        let id: Entry.ID = try db.insert(
            under: key,
            """
            INSERT INTO entry (id, ticket_id, kind, author_kind, author_id, author_name, author_address, is_stranger,
            at, text, html, quoted, source, message_id, raw,
                is_unverified, sent_by, addressed, origin_id)
            VALUES (\(db.dialect.key(key, from: "entry_id_seq")), \(ticket), \(kind), \(author.role), \(author.id),
            \(author.name), \(author.address), \(author.isStranger), \(now), \(writing.text),
                \(writing.html), \(writing.quoted), \(source), \(messageID), \(raw),
                \(provenance.isUnverified), \(provenance.sentBy?.json.written),
                \(provenance.addressed.isEmpty ? nil : provenance.addressed.joined(separator: " ")),
                \(provenance.origin)) RETURNING id
            """)
        if let (type, body) = writing.source {
            try db.later("INSERT INTO entry_source (entry_id, type, body) VALUES (\(id), \(type.rawValue), \(body))")
        }
        try keep(files)
        for file in files {
            try db.later(
                """
                INSERT INTO attachment (entry_id, hash, name, type, size, content_id, is_inline)
                VALUES (\(id), \(file.hash), \(file.name), \(file.type), \(file.size), \(file.contentID),
                \(file.isInline))
                """)
        }
        if !isFirst {
            let words = ([writing.text] + files.map(\.name)).joined(separator: " ")
            if kind == .note {
                try db.extendText(of: ticket.number, notes: words)
            } else {
                try db.extendText(of: ticket.number, conversation: words)
            }
        }
        return id
    }

    /// Notes that a file's bytes are in the store, and holds on to the row until the end of the transaction: whoever
    /// looks for files that nothing names finds it kept just now, or has removed it before, in which case it is written
    /// again.
    ///
    /// A row that was kept lately is held without being changed, since the same picture stands in many signatures.
    func keep(_ file: StoredFile) throws {
        try db.later(
            """
            INSERT INTO blob (hash, size, stored_at) VALUES (\(file.hash), \(file.size), \(now))
            ON CONFLICT (hash) DO UPDATE SET stored_at = excluded.stored_at
            WHERE blob.stored_at < \(now - Desk.graceOfFiles / 4)
            """)
    }

    /// In one order, so that no two transactions wait for each other's files.
    func keep(_ files: [StoredFile]) throws {
        for file in files.sorted(by: { $0.hash < $1.hash }) { try keep(file) }
    }
}

extension Connection {
    /// A ticket's entries with their files, oldest first.
    package func entries(of ticket: Ticket.ID, after: Int64 = 0, limit: Int) throws -> [Entry] {
        try entries(where: "ticket_id = \(ticket) AND id > \(after) ORDER BY id LIMIT \(limit)")
    }
    /// The last entries of a ticket, oldest first.
    package func latestEntries(of ticket: Ticket.ID, limit: Int) throws -> [Entry] {
        try entries(where: "ticket_id = \(ticket) ORDER BY id DESC LIMIT \(limit)").reversed()
    }
    package func entry(_ id: Entry.ID) throws -> Entry {
        guard let entry = try entries(where: "id = \(id)").first else { throw Refusal.notFound }
        return entry
    }
    /// What a customer may read of a ticket: everything but notes, which this query cannot load.
    package func conversation(of ticket: Ticket.ID, limit: Int) throws -> [Entry] {
        try entries(where: "ticket_id = \(ticket) AND kind <> 'note' ORDER BY id LIMIT \(limit)")
    }
    /// What a link shows of a ticket.
    package func conversation(_ linked: LinkedTicket, limit: Int) throws -> [Entry] {
        try entries(where: "\(linked.entries) ORDER BY id LIMIT \(limit)")
    }
    /// A file of what a link shows.
    package func attachment(_ id: Attachment.ID, in linked: LinkedTicket) throws -> Attachment {
        let entry: Entry.ID? = try value("SELECT entry_id FROM attachment WHERE id = \(id)")
        guard let entry, let shown = try entries(where: "id = \(entry) AND \(linked.entries)").first else {
            throw Refusal.notFound
        }
        guard let file = shown.attachments.first(where: { $0.id == id }) else { throw Refusal.notFound }
        return file
    }
    /// The tickets of messages that came in under a Message-ID, and whom each was addressed to besides the desk.
    func messages(named ids: [String]) throws -> [(ticket: Ticket.ID, id: String, addressed: [String])] {
        guard !ids.isEmpty else { return [] }
        return try query(
            "SELECT ticket_id, message_id, addressed FROM entry WHERE message_id IN (\(list: ids)) ORDER BY id LIMIT 50"
        ) {
            (
                ticket: try $0.read(), id: try $0.read(),
                addressed: (try $0.read(String?.self) ?? "").split(separator: " ").map(String.init)
            )
        }
    }
    /// Message-IDs of what was said to and by the customer, oldest first; notes have no part in a thread.
    func thread(of ticket: Ticket.ID) throws -> [String] {
        try query(
            """
            SELECT message_id FROM entry WHERE ticket_id = \(ticket) AND message_id IS NOT NULL
            AND kind = 'message' ORDER BY id DESC LIMIT 10
            """
        ) {
            try $0.read(String.self)
        }.reversed()
    }

    private func entries(where condition: SQL) throws -> [Entry] {
        // Asked for by the same condition and not by the entries' keys, so that it need not wait for them.
        let files = try query(
            """
            SELECT entry_id, id, name, type, size, hash, content_id FROM attachment
            WHERE entry_id IN (SELECT entry.id FROM entry WHERE \(condition)) ORDER BY id
            """
        ) { row in
            (
                try row.read(Entry.ID.self),
                Attachment(
                    id: try row.read(), name: try row.read(), type: try row.read(), size: try row.read(),
                    hash: try row.read(), contentID: try row.read())
            )
        }
        var entries = try query(
            """
            SELECT id, kind, author_kind, author_id, author_name, author_address, is_stranger, at, text, html, quoted,
            source, message_id, is_unverified, sent_by, origin_id
            FROM entry WHERE \(condition)
            """
        ) { row in
            Entry(
                id: try row.read(), kind: try row.read(),
                author: Author(
                    try row.read(), id: try row.read(), name: try row.read(), address: try row.read(),
                    isStranger: try row.read()),
                at: try row.read(), text: try row.read(), html: try row.read(), quoted: try row.read(),
                source: try row.read(), messageID: try row.read(),
                provenance: Provenance(
                    isUnverified: try row.read(), sentBy: try row.read(String?.self).flatMap { SentBy($0) },
                    origin: try row.read()))
        }
        guard !files.isEmpty else { return entries }
        let byEntry = Dictionary(grouping: files, by: \.0)
        for index in entries.indices { entries[index].attachments = (byEntry[entries[index].id] ?? []).map(\.1) }
        return entries
    }

    /// The bytes a message came as, like a file, and whose ticket it is.
    package func original(of entry: Entry.ID) throws -> (file: Attachment, ticket: Ticket.ID)? {
        try first(
            """
            SELECT blob.hash, blob.size, ticket_id FROM entry JOIN blob ON blob.hash = entry.raw
            WHERE entry.id = \(entry)
            """
        ) { row in
            let hash: String = try row.read()
            let file = Attachment(
                id: Attachment.ID(0), name: "message-\(entry).eml", type: "message/rfc822", size: try row.read(),
                hash: hash, contentID: nil)
            return (file: file, ticket: try row.read())
        }
    }

    /// A file, and the ticket and kind of entry it hangs on.
    package func attachment(_ id: Attachment.ID) throws -> (Attachment, ticket: Ticket.ID, kind: Entry.Kind) {
        let found = try first(
            """
            SELECT attachment.id, name, type, size, hash, content_id, ticket_id, kind FROM attachment
            JOIN entry ON entry.id = entry_id
            WHERE attachment.id = \(id)
            """
        ) { row in
            (
                Attachment(
                    id: try row.read(), name: try row.read(), type: try row.read(), size: try row.read(),
                    hash: try row.read(), contentID: try row.read()),
                try row.read(Ticket.ID.self), try row.read(Entry.Kind.self)
            )
        }
        guard let found else { throw Refusal.notFound }
        return (found.0, ticket: found.1, kind: found.2)
    }
}
