import Desk
import Domain
import Foundation
import HTTPTypes
import Hummingbird
import Mail
import Markup
import Primitives
import Store

/// `/t/TOKEN`, the link in every mail: one customer's way into one ticket. A GET shows; only a press changes.
enum LinkRoutes {
    static var routes: [Route] {
        [
            .get("/t/:token", for: .signedLink, show),
            .post("/t/:token", for: .signedLink, taking: .files, answer),
            .post("/t/:token/confirm", for: .signedLink, confirm),
            .post("/t/:token/reopen", for: .signedLink, taking: .text, reopen),
            .get("/t/:token/attachments/:id", for: .signedLink, attachment),
        ]
    }

    @Sendable private static func show(_ call: Call) async throws -> Response {
        let view = try await call.linkView(try call.linkToken())
        return Page.response(
            customerPage(call.frame, view, CustomerNotice(sent: call.query("sent"), highlight: call.query("answer"))))
    }

    @Sendable private static func answer(_ call: Call) async throws -> Response {
        let token = try call.linkToken()
        let form = try await call.form(csrfFor: try call.parameter("token"))
        let (writing, files): (Writing, [StoredFile])
        do { (writing, files) = try await call.customersWords(form) } catch let refusal as Refusal {
            return try call.again(try await call.linkView(token), refusal, typed: form["body"] ?? "")
        }
        let answered = try await call.desk.write { [network = call.network] tx -> Ticket? in
            let (linked, author) = try tx.open(token)
            guard try tx.allowAnswer(by: token, from: network) else { return nil }
            let once = IdempotencyKey(form: form["once"], ["\(token.ticket)-\(token.customer)", writing.text], files)
            let number = try tx.once(once) {
                try tx.receive(
                    writing, in: linked.living, by: author, files: files, source: .web, provenance: linked.provenance
                ).ticket.number
            }
            return try tx.db.ticket(number: number)
        }
        guard let ticket = answered else {
            let notice = CustomerNotice(
                problem: .other(Sentence("You sent many messages within the hour. Wait a while, then send it again.")),
                typed: form["body"] ?? "")
            return Page.response(.tooManyRequests, customerPage(call.frame, try await call.linkView(token), notice))
        }
        // A closed ticket past its time goes on in a new one, which has a link of its own.
        let living = try await call.desk.read { try $0.livingTicket(token.ticket).id }
        let link =
            ticket.id == living
            ? token
            : LinkToken(ticket: ticket.id, customer: token.customer, isGuest: token.isGuest, version: token.version)
        return Page.see(Path("t", link.text(call.desk.office.signer), query: [("sent", "answer")]))
    }

    @Sendable private static func confirm(_ call: Call) async throws -> Response {
        let token = try call.linkToken()
        _ = try await call.form(csrfFor: try call.parameter("token"))
        try await call.desk.write { tx in
            let (linked, author) = try tx.open(token)
            guard linked.mayDecide else { throw Refusal.notFound }
            try tx.prove(token.customer, in: linked.living.id)
            var ticket = linked.living
            // Pressing twice, or after it was closed, comes to the same.
            if ticket.state != .closed { try tx.confirm(&ticket, by: author.actor) }
        }
        return Page.see(Path("t", try call.parameter("token"), query: [("sent", "yes")]))
    }

    @Sendable private static func reopen(_ call: Call) async throws -> Response {
        let token = try call.linkToken()
        let form = try await call.form(csrfFor: try call.parameter("token"))
        let writing = Writing(form["body"] ?? "", type: .text)
        try await call.desk.write { [network = call.network] tx in
            let (linked, author) = try tx.open(token)
            guard linked.mayDecide else { throw Refusal.notFound }
            try tx.prove(token.customer, in: linked.living.id)
            var ticket = linked.living
            if !writing.text.isEmpty, try tx.allowAnswer(by: token, from: network) {
                _ = try tx.receive(writing, in: ticket, by: author, files: [], source: .web)
            } else if !ticket.state.isActive {
                try tx.reopen(&ticket, by: author.actor, reason: "the customer says it is not solved")
            }
        }
        return Page.see(Path("t", try call.parameter("token"), query: [("sent", "no")]))
    }

    @Sendable private static func attachment(_ call: Call) async throws -> Response {
        let token = try call.linkToken()
        let id = try call.number("id")
        let file = try await call.desk.read { db in try db.attachment(Attachment.ID(id), in: db.linked(token)) }
        return try await call.send(file)
    }
}

extension Call {
    fileprivate func linkToken() throws -> LinkToken {
        guard let token = LinkToken(try parameter("token"), signer: desk.office.signer) else { throw Refusal.notFound }
        return token
    }

    fileprivate func linkView(_ token: LinkToken) async throws -> CustomerView {
        let text = try parameter("token")
        return try await desk.read { [csrf = csrf(text)] db in
            let linked = try db.linked(token)
            return CustomerView(
                ticket: linked.shown, entries: try db.conversation(linked, limit: 500), path: ["t", text], csrf: csrf,
                isGuest: linked.isGuest, mayDecide: linked.mayDecide)
        }
    }

    /// What a customer typed and chose; words or files, one of them must be there.
    func customersWords(_ form: FormData) async throws -> (Writing, [StoredFile]) {
        let body = form["body"] ?? ""
        let writing = Writing(body, type: .text)
        guard !writing.text.isEmpty || !form.files.isEmpty || form.isTooLarge else {
            throw Refusal.invalid("body", .required)
        }
        guard body.utf8.count <= Input.longestBody else {
            throw Refusal.invalid("body", .tooLong(most: Input.longestBody))
        }
        let files = try await keep(form)
        return (writing.text.isEmpty ? Writing("(no text, see the files)", type: .text) : writing, files)
    }

    /// The page once more, with what was typed and what is wrong with it.
    func again(_ view: CustomerView, _ refusal: Refusal, typed: String) throws -> Response {
        switch refusal {
        case .invalid(let faults):
            return Page.response(
                .unprocessableContent,
                customerPage(frame, view, CustomerNotice(problem: faults.first?.problem, typed: typed)))
        case .tooLarge(let limit):
            return Page.response(
                .contentTooLarge,
                customerPage(frame, view, CustomerNotice(problem: .filesTooLarge(limit: limit), typed: typed)))
        default: throw refusal
        }
    }
}

extension Transaction {
    /// Messages by one link, and from one network by all links, in an hour: far more than anybody writes, and few for a
    /// program.
    fileprivate func allowAnswer(by token: LinkToken, from network: String) throws -> Bool {
        try allowUse(of: "answers:\(token.ticket)-\(token.customer)", perHour: 30)
            && allowUse(of: "answers-from:\(network)", perHour: 120)
    }

    fileprivate func open(_ token: LinkToken) throws -> (LinkedTicket, Author) {
        let linked = try db.linked(token)
        let person = try customers(of: linked.living).first { $0.id == token.customer } ?? linked.living.requester
        return (linked, Author(.customer, id: token.customer.number, name: person.name, address: person.address))
    }
}

extension LinkedTicket {
    /// Of what is written through the link: it stands where the link can show it.
    fileprivate var provenance: Provenance { Provenance(isUnverified: isGuest, origin: part == living.id ? nil : part) }
}
