import Desk
import Domain
import Foundation
import HTTPTypes
import Hummingbird
import Mail
import Primitives
import Store

/// What an agent writes in a ticket: sending it, keeping it as it is typed, a canned reply to begin with.
enum ComposerRoutes {
    static var routes: [Route] {
        [
            .post("/desk/tickets/:number/entries", for: .agent(.agent), taking: .files, send),
            .post("/desk/tickets/:number/draft", for: .agent(.agent), keep),
            .get("/desk/tickets/:number/canned/:id", for: .agent(.agent), canned),
        ]
    }

    /// What was said since the page was read, by somebody else.
    private struct Outrun: Error {}

    @Sendable private static func send(_ call: Call) async throws -> Response {
        let (number, agent) = (try call.number(), try call.agent())
        let form = try await call.form()
        let kind: Entry.Kind = form["kind"] == "note" ? .note : .reply
        let body = form["body"] ?? ""
        let then = form["then"].flatMap { TicketAction(rawValue: $0) }
        let seen = max(Int64(form["seen"] ?? "") ?? .max, Int64(form["anyway"] ?? "") ?? 0)
        let kept = Set(form.values.filter { $0.name == "kept" }.compactMap { Int64($0.value) })
        var uploads: [StoredFile] = []
        let after: TicketCursor
        do {
            uploads = try await call.keep(form)
            guard body.utf8.count <= Input.longestBody else {
                throw Refusal.invalid("body", .tooLong(most: Input.longestBody))
            }
            if kind == .reply, let empty = MailText.unfilledPlaceholder(in: body) {
                throw Refusal.invalid("body", .emptyPlaceholder(empty))
            }
            let typed = Writing(typed: body)
            after = try await call.desk.write { [uploads] tx in
                var ticket = try tx.db.ticket(number: number, for: .agent(agent))
                let cursor = TicketCursor(ticket)
                let once = IdempotencyKey(
                    form: form["once"],
                    ["\(agent.id)", "\(number)", kind.rawValue, form["then"] ?? "", body]
                        + kept.sorted().map(String.init), uploads)
                _ = try tx.once(once) {
                    let (writing, files) = typed.placing(
                        try tx.draftFiles(kept, of: kind, by: agent.id, in: ticket.id) + uploads)
                    if kind == .reply, try tx.db.hasNews(in: ticket.id, after: seen, for: agent.id) { throw Outrun() }
                    let actor = Actor(agent)
                    switch (kind, then) {
                    case (.note, _): _ = try tx.note(on: &ticket, writing, by: actor, files: files, source: .web)
                    case (_, .resolve):
                        try tx.resolve(&ticket, by: actor, solution: writing, files: files, source: .web)
                    default:
                        _ = try tx.reply(
                            to: &ticket, writing, by: actor, files: files, source: .web, waits: then == .wait)
                    }
                    if kind == .reply, let entry = try tx.db.latestReply(in: ticket.id) {
                        try tx.holdBack(entry, of: ticket.id, by: agent.id)
                    }
                    try tx.dropDraft(of: kind, by: agent.id, in: ticket.id)
                    return number
                }
                return cursor
            }
        } catch is Outrun {
            try await keepFiles()
            return try await again(call, number, .conflict, TicketNotice(typed: (kind, body), isOutrun: true))
        } catch Refusal.invalid(let faults) {
            try await keepFiles()
            return try await again(
                call, number, .unprocessableContent, TicketNotice(typed: (kind, body), fault: faults.first))
        } catch Refusal.conflict(let reason, _) {
            try await keepFiles()
            return try await again(
                call, number, .conflict,
                TicketNotice(typed: (kind, body), fault: Fault("", .other(reason))))
        } catch Refusal.tooLarge(let limit) {
            return try await again(
                call, number, .contentTooLarge,
                TicketNotice(typed: (kind, body), fault: Fault("attachments", .filesTooLarge(limit: limit))))
        }
        var response: Response
        if let position = call.position, form["then"] == "next" {
            response = Page.see(nextPath(position, after: after, not: number, said: "next"))
        } else {
            let from = call.position == nil ? [] : [("after", after.text)]
            response = Page.see(
                ticketPath(number, at: call.position, [("said", kind == .note ? "noted" : "sent")] + from))
        }
        if kind == .reply { call.offerUndo(in: &response) }
        return response

        /// A browser does not send a chosen file twice by itself.
        func keepFiles() async throws {
            try await call.desk.write { [uploads] tx in
                let ticket = try tx.db.ticket(number: number, for: .agent(agent)).id
                try tx.keepDraft(
                    try tx.draftFiles(kept, of: kind, by: agent.id, in: ticket) + uploads, of: kind, by: agent.id,
                    in: ticket)
            }
        }
    }

    /// The ticket's page with what was typed in it.
    private static func again(_ call: Call, _ number: Int64, _ status: HTTPResponse.Status, _ notice: TicketNotice)
        async throws -> Response
    {
        let view = try await call.ticketView(number)
        return Page.response(status, ticketPage(try await call.deskFrame(), view, notice))
    }

    @Sendable private static func keep(_ call: Call) async throws -> Response {
        let (number, agent) = (try call.number(), try call.agent())
        let form = try await call.form()
        let kind: Entry.Kind = form["kind"] == "note" ? .note : .reply
        let now = try await call.desk.write { tx in
            let ticket = try tx.db.ticket(number: number, for: .agent(agent))
            try tx.keepDraft(form["body"] ?? "", of: kind, by: agent.id, in: ticket.id)
            return tx.now
        }
        return call.json { json in json.object { $0.field("saved_at", now.rfc3339) } }
    }

    @Sendable private static func canned(_ call: Call) async throws -> Response {
        let (number, id, agent) = (try call.number(), try call.number("id"), try call.agent())
        let settings = call.desk.settings.current
        let url = call.desk.office.url
        let text: MailText
        do {
            text = try await call.desk.read { db in
                let ticket = try db.ticket(number: number, for: .agent(agent))
                // Those of other departments are not there, as in the list.
                let own: SQL =
                    """
                    SELECT body FROM canned_reply WHERE id = \(id) AND (department_id IS NULL
                    OR department_id = \(ticket.department.id))
                    """
                guard let body: String = try db.value(own) else { throw Refusal.notFound }
                return try MailText(canned: body, for: ticket, by: agent, settings: settings, url: url)
            }
        } catch Refusal.invalid(let faults) {
            return plain(.unprocessableContent, faults.first.map { call.frame.t.fault($0.problem) } ?? "")
        }
        return plain(.ok, text.body)
    }

    private static func plain(_ status: HTTPResponse.Status, _ text: String) -> Response {
        Response(
            status: status, headers: [.contentType: "text/plain; charset=utf-8", .cacheControl: "no-store"],
            body: .init(byteBuffer: .init(string: text)))
    }
}

extension Transaction {
    /// Those files of a draft that shall go along.
    fileprivate func draftFiles(_ chosen: Set<Int64>, of kind: Entry.Kind, by agent: Agent.ID, in ticket: Ticket.ID)
        throws -> [StoredFile]
    {
        guard !chosen.isEmpty else { return [] }
        return try db.drafts(by: agent, in: ticket)[kind]?.files.filter { chosen.contains($0.id) }.map(\.file) ?? []
    }
}
