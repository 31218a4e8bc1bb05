import Desk
import Domain
import Foundation
import HTTPTypes
import Hummingbird
import Mail
import Markup
import Primitives
import Store

/// What was said in a ticket, and its files.
enum EntryRoutes {
    static var routes: [Route] {
        [
            .get(
                "/api/v1/tickets/:number/entries", for: .key(.tickets),
                .init(summary: "Read the conversation", output: "Entry list", parameters: [.limit, .cursor, .seenBy]),
                list),
            .post(
                "/api/v1/tickets/:number/entries", for: .key(.tickets), taking: .files,
                .init(
                    summary: "Add a customer's message, an agent's reply or an internal note", input: "NewEntry",
                    output: "Entry", status: 201), add),
            .get(
                "/api/v1/attachments/:id", for: .key(.tickets),
                .init(summary: "Download a file", output: "File", parameters: [.seenBy]), attachment),
        ]
    }

    @Sendable private static func list(_ call: Call) async throws -> Response {
        let (number, limit, after) = (try call.number(), try call.limit(), try call.cursor() ?? 0)
        let entries = try await call.desk.read { db in
            try db.entries(of: try db.ticket(number: number, for: call.asker(db)).id, after: after, limit: limit + 1)
        }
        return call.json { json in
            json.list(
                Array(entries.prefix(limit)), next: entries.count > limit ? entries[limit - 1].id.description : nil
            ) { $0.write($1, office: call.desk.office) }
        }
    }

    @Sendable private static func add(_ call: Call) async throws -> Response {
        let (given, key) = try await call.input()
        var input = given
        let number = try call.number()
        let kind = input.choice("kind", required: true, as: Entry.Kind.self)
        let author = input.person("author")
        let by = input.email("by")
        let uploads = try input.attachments(most: call.desk.settings.current.attachmentBytes)
        let writing = input.writing(required: uploads.isEmpty) ?? Writing("", type: .text)
        try input.finish()
        guard let kind else { throw Refusal.invalid("kind", .required) }
        let files = try await call.desk.keep(uploads)
        return try await call.desk.write { tx in
            try tx.once(key) {
                let doer = try tx.doer(by, call)
                let id = try tx.add(kind, to: number, writing, by: author, for: doer, files: files)
                return try Answer.json(201) { $0.write(try tx.db.entry(id), office: tx.office) }
            }
        }.response
    }

    @Sendable private static func attachment(_ call: Call) async throws -> Response {
        let id = try call.number("id")
        let file = try await call.desk.read { db in try db.attachment(Attachment.ID(id), for: try call.asker(db)) }
        return try await call.send(file)
    }
}

extension Transaction {
    /// - Parameters:
    ///   - author: who writes: a customer, or an agent; else the requester, or whoever sends the request.
    ///   - doer: who sends the request; they and an agent who writes both have to see the ticket.
    fileprivate func add(
        _ kind: Entry.Kind, to number: Int64, _ writing: Writing, by author: MailAddress?,
        for doer: (actor: Actor, asker: Asker), files: [StoredFile]
    ) throws -> Entry.ID {
        var ticket = try db.ticket(number: number, for: doer.asker)
        if kind == .message {
            let living = try db.livingTicket(ticket.id)
            return try receive(writing, in: living, by: try customer(author, of: living), files: files, source: .api)
                .entry
        }
        var actor = doer.actor
        if let author {
            let agent = try activeAgent(author.address, field: "author")
            guard Asker.agent(agent).mayEver(.work) else {
                throw Refusal.notAllowed(Sentence("{0} can only read tickets. Choose another agent.", agent.name))
            }
            ticket = try db.ticket(number: number, for: .agent(agent))
            actor = Actor(agent)
        }
        if kind == .note { return try note(on: &ticket, writing, by: actor, files: files, source: .api) }
        return try reply(to: &ticket, writing, by: actor, files: files, source: .api)
    }

    /// The requester, somebody who takes part, or somebody new, who is marked as such.
    private func customer(_ author: MailAddress?, of ticket: Ticket) throws -> Author {
        guard let author else {
            return Author(
                .customer, id: ticket.customer.number, name: ticket.requesterName, address: ticket.requesterAddress)
        }
        return try self.author(author, in: ticket)
    }
}

extension Call {
    /// A file as a download: streamed from the disk, never run by a browser.
    func send(_ file: Attachment) async throws -> Response {
        // What a browser kept is asked for again each time, so that a right that was taken away is gone for files too.
        let mark = "\"\(file.hash)\""
        if request.headers[.ifNoneMatch] == mark {
            return Response(status: .notModified, headers: [.eTag: mark, .cacheControl: "private, no-cache"])
        }
        guard desk.files.exists(file.hash) else {
            desk.log.error("a file is missing from the store", metadata: ["hash": "\(file.hash)"])
            throw Refusal.notFound
        }
        let body =
            desk.files.isPlain(file.hash)
            ? try await FileIO().loadFile(path: desk.files.path(of: file.hash).path, context: context)
            : .init(byteBuffer: ByteBuffer(bytes: try desk.files.bytes(of: file.hash)))
        // Pictures are shown in place, everything else is saved.
        let headers: HTTPFields = [
            .contentType: file.type,
            .contentDisposition:
                """
            \(file.isPicture ? "inline" : "attachment"); \
            filename*=UTF-8''\(Path.encode(file.name.showingDirections))
            """,
            .contentTypeOptions: "nosniff",
            .contentSecurityPolicy: "default-src 'none'; sandbox", .cacheControl: "private, no-cache", .eTag: mark,
        ]
        return Response(status: .ok, headers: headers, body: body)
    }
}
