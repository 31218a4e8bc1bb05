import Desk
import Domain
import Foundation
import HTTPTypes
import Hummingbird
import Mail
import Markup
import Primitives
import Store

/// A customer who is signed in: their tickets, and one of them as a plain conversation.
enum CustomerRoutes {
    static var routes: [Route] {
        [
            .get("/tickets", for: .customer, list),
            .post("/tickets/password", for: .customer, setPassword),
            .get("/tickets/:number", for: .customer, show),
            .post("/tickets/:number", for: .customer, taking: .files, answer),
            .post("/tickets/:number/confirm", for: .customer, confirm),
            .post("/tickets/:number/reopen", for: .customer, reopen),
            .get("/tickets/:number/attachments/:id", for: .customer, attachment),
        ]
    }

    @Sendable private static func list(_ call: Call) async throws -> Response {
        try await list(call, fault: nil)
    }
    private static func list(_ call: Call, fault: Fault.Problem?) async throws -> Response {
        let customer = try call.customer()
        let tickets = try await call.desk.read { try $0.tickets(of: customer.id, limit: 200) }
        return Page.response(
            fault == nil ? .ok : .unprocessableContent,
            myTicketsPage(call.frame, tickets, isSet: call.query("sent") == "password", fault: fault))
    }

    @Sendable private static func setPassword(_ call: Call) async throws -> Response {
        let form = try await call.form()
        let password = form["password"] ?? ""
        if let problem = Password.problem(password) { return try await list(call, fault: problem) }
        guard let session = call.session else { throw Refusal.notFound }
        let hash = try await PasswordCheck.shared.hash(password)
        try await call.desk.write { try $0.setPassword(of: session, hash: hash) }
        return Page.see(Path("tickets", query: [("sent", "password")]))
    }

    @Sendable private static func show(_ call: Call) async throws -> Response {
        let view = try await call.customerView()
        return Page.response(customerPage(call.frame, view, CustomerNotice(sent: call.query("sent"))))
    }

    @Sendable private static func answer(_ call: Call) async throws -> Response {
        let form = try await call.form()
        let (writing, files): (Writing, [StoredFile])
        do { (writing, files) = try await call.customersWords(form) } catch let refusal as Refusal {
            return try call.again(try await call.customerView(), refusal, typed: form["body"] ?? "")
        }
        let (number, author) = (try call.number(), try call.author())
        let customer = try call.customer()
        let once = IdempotencyKey(form: form["once"], ["\(customer.id)", "\(number)", writing.text], files)
        let answered = try await call.desk.write { tx in
            try tx.once(once) {
                try tx.receive(
                    writing, in: try tx.db.ticket(number: number, of: customer.id), by: author, files: files,
                    source: .web
                ).ticket.number
            }
        }
        return Page.see(Path("tickets", String(answered), query: [("sent", "answer")]))
    }

    @Sendable private static func confirm(_ call: Call) async throws -> Response {
        _ = try await call.form()
        let (number, author, customer) = (try call.number(), try call.author(), try call.customer())
        try await call.desk.write { tx in
            var ticket = try tx.db.ticket(number: number, of: customer.id)
            if ticket.state != .closed { try tx.confirm(&ticket, by: author.actor) }
        }
        return Page.see(Path("tickets", String(number), query: [("sent", "yes")]))
    }

    @Sendable private static func reopen(_ call: Call) async throws -> Response {
        _ = try await call.form()
        let (number, author, customer) = (try call.number(), try call.author(), try call.customer())
        try await call.desk.write { tx in
            var ticket = try tx.db.ticket(number: number, of: customer.id)
            if !ticket.state.isActive {
                try tx.reopen(&ticket, by: author.actor, reason: "the customer says it is not solved")
            }
        }
        return Page.see(Path("tickets", String(number), query: [("sent", "no")]))
    }

    @Sendable private static func attachment(_ call: Call) async throws -> Response {
        let (number, id, customer) = (try call.number(), try call.number("id"), try call.customer())
        let file = try await call.desk.read { db in
            let (file, ticket, kind) = try db.attachment(Attachment.ID(id))
            guard kind != .note, ticket == (try db.ticket(number: number, of: customer.id).id) else {
                throw Refusal.notFound
            }
            return file
        }
        return try await call.send(file)
    }
}

extension Call {
    fileprivate func author() throws -> Author {
        let customer = try self.customer()
        return Author(.customer, id: customer.id.number, name: customer.name, address: customer.address)
    }
    fileprivate func customerView() async throws -> CustomerView {
        let (number, customer, csrf) = (try self.number(), try self.customer(), frame.csrf)
        return try await desk.read { db in
            let ticket = try db.ticket(number: number, of: customer.id)
            return CustomerView(
                ticket: ticket, entries: try db.conversation(of: ticket.id, limit: 500),
                path: ["tickets", String(ticket.number)], csrf: csrf)
        }
    }
}

func myTicketsPage(_ frame: Frame, _ tickets: [Ticket], isSet: Bool, fault: Fault.Problem?) -> HTML {
    let t = frame.t
    let rows: [HTML] = tickets.map { ticket in
        """
        <li><a href="\(href: Path("tickets", String(ticket.number)))">\
        <span class="strong cut" dir="auto">\(ticket.subject)</span>\
        <span class="quiet cut">#\(ticket.number) · \(t("Updated")) \(moment(ticket.updatedAt))</span>\
        \(customerChip(ticket.state, t))</a></li>
        """
    }
    let list: HTML =
        rows.isEmpty
        ? "<p class=\"quiet\">\(t("You have no requests yet."))</p>" : "<ul class=\"requests\">\(rows)</ul>"
    let open: HTML? = fault == nil ? nil : " open"
    return portalPage(
        t("My requests"), frame, at: .requests,
        """
        <div class="reading">\(said(isSet ? t("Your password is set.") : nil))<div class="row spread wrap"><h1>\(t("My requests"))</h1>\
        <a class="button primary" href="\(href: Path("tickets", "new"))">\(t("New request"))</a></div>\(list)\
        <details\(open)><summary class="quiet">\(t("Sign in with a password next time"))</summary>\
        \(form(Path("tickets", "password"), csrf: frame.csrf, """
            \(TextField(name: "password", label: t("Password, at least {0} characters", String(Password.shortest)), type: "password", autocomplete: "new-password", isRequired: true, fault: fault.map(t.fault)).html)\
            <div class="row"><button class="button">\(t("Set the password"))</button></div>
            """))</details></div>
        """)
}
