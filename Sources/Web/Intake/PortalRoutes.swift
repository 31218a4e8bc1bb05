import Desk
import Domain
import Foundation
import HTTPTypes
import Hummingbird
import Mail
import Markup
import Primitives
import Store

/// What guests and customers open first: the home page with its search, the form for a new request, the articles.
enum PortalRoutes {
    static var routes: [Route] {
        [
            .get("/", for: .anyone, home),
            .get("/tickets/new", for: .anyone, show),
            .post("/tickets/new", for: .anyone, taking: .files, open),
            .get("/kb", for: .anyone, articles),
            .get("/kb/:slug", for: .anyone, article),
        ]
    }
    /// Requests from one place in an hour; a whole office behind one address stays below.
    private static let perHour = 30

    @Sendable private static func home(_ call: Call) async throws -> Response {
        let question = call.query("query") ?? ""
        let found = question.trimmingWhitespace().isEmpty ? nil : try await call.desk.articles(for: question, limit: 10)
        let (home, takesLMTP) = (call.desk.office.mailbox.address, call.web.takesLMTP)
        let (topics, some, address) = try await call.desk.read { db in
            (
                try db.publicTopics(), found == nil ? try db.articles(limit: 4) : [],
                try db.publicMailAddress(home: home, takesLMTP: takesLMTP)
            )
        }
        let mailsLinks = try await call.sendsMail()
        return Page.response(
            homePage(
                call.frame, query: question, found: found, topics: topics, some: some, address: address,
                mailsLinks: mailsLinks))
    }

    @Sendable private static func show(_ call: Call) async throws -> Response {
        let topics = try await call.desk.read { try $0.publicTopics() }
        var typed = NewRequest()
        if let customer = call.session?.customer {
            typed.name = customer.name
            typed.email = customer.address
        }
        typed.topic = call.query("topic").flatMap { Int64($0) }.flatMap { id in topics.first { $0.id.number == id } }
        return call.guestPage { newTicketPage($0, typed, topics) }
    }

    @Sendable private static func open(_ call: Call) async throws -> Response {
        let topics = try await call.desk.read { try $0.publicTopics() }
        do {
            let sent = try await call.form { try await refuseEarly(call, $0, topics) }
            return try await open(call, sent, topics)
        } catch let early as EarlyRefusal {
            return early.response
        }
    }

    private static func open(_ call: Call, _ sent: FormData, _ topics: [PublicTopic]) async throws -> Response {
        var typed = NewRequest(sent, topics)
        // Choosing a topic without a script brings its own fields.
        if sent["choose"] != nil { return call.guestPage { newTicketPage($0, typed, topics) } }
        do {
            var request = try typed.checked(source: .web)
            request.language = call.frame.t.code
            request.network = call.place
            // Whoever is signed in has shown the address; all others may have typed anybody's.
            request.isProved = call.session?.customer?.address == request.requester.address
            request.provenance.isUnverified = !request.isProved
            // A box that no person sees was filled in.
            if isProgram(sent) { return Page.see(Path()) }
            request.files = try await call.keep(sent)
            let once = IdempotencyKey(
                form: sent["once"], [request.requester.address, request.subject, request.writing.text], request.files)
            guard let ticket = try await store(request, once, call) else { return tooMany(call, typed, topics) }
            if request.isProved { return Page.see(Path("tickets", String(ticket.number), query: [("sent", "new")])) }
            // The address is not proved: this link shows what was typed, and the mail brings one that shows the
            // answers.
            let link = try await call.desk.read { try $0.link(to: ticket.id, for: ticket.customer, isGuest: true) }
                .text(call.desk.office.signer)
            return Page.see(Path("t", link, query: [("sent", "new")]))
        } catch Refusal.invalid(let faults) {
            typed.faults = faults
            return call.guestPage(.unprocessableContent) { [typed] in newTicketPage($0, typed, topics) }
        } catch Refusal.tooLarge(let limit) {
            typed.faults = [Fault("attachments", .filesTooLarge(limit: limit))]
            return call.guestPage(.contentTooLarge) { [typed] in newTicketPage($0, typed, topics) }
        }
    }

    /// Nil where too many requests came from this place within the hour.
    private static func store(_ request: NewTicket, _ once: IdempotencyKey?, _ call: Call) async throws -> Ticket? {
        try await call.desk.write { [network = call.network] tx in
            guard try tx.allowUse(of: "form:\(network)", perHour: perHour) else { return nil }
            try tx.refuseBanned(request.requester.address)
            let number = try tx.once(once) { try tx.open(request, by: nil).0.number }
            return try tx.db.ticket(number: number)
        }
    }

    /// What ends a request before its files are read.
    private struct EarlyRefusal: Error { let response: Response }

    /// The checks that need no file: no file of a form that is refused anyway is written to the disk.
    private static func refuseEarly(_ call: Call, _ sent: FormData, _ topics: [PublicTopic]) async throws {
        if isProgram(sent) { throw EarlyRefusal(response: Page.see(Path())) }
        let isUsedUp = try await call.desk.read { [network = call.network, now = call.desk.clock.now()] db in
            try db.isUsedUp("form:\(network)", perHour: perHour, now: now)
        }
        if isUsedUp { throw EarlyRefusal(response: tooMany(call, NewRequest(sent, topics), topics)) }
    }

    /// A box that no person sees was filled in.
    private static func isProgram(_ sent: FormData) -> Bool { !(sent["website"] ?? "").isEmpty }

    private static func tooMany(_ call: Call, _ typed: NewRequest, _ topics: [PublicTopic]) -> Response {
        var typed = typed
        typed.faults = [
            Fault(
                "body",
                .other(
                    Sentence(
                        "Too many requests came from your network within the hour. Send it again later, or email us.")))
        ]
        return call.guestPage(.tooManyRequests) { newTicketPage($0, typed, topics) }
    }

    @Sendable private static func articles(_ call: Call) async throws -> Response {
        let question = call.query("query") ?? ""
        let isSearch = !question.trimmingWhitespace().isEmpty
        let articles =
            isSearch
            ? try await call.desk.articles(for: question, limit: 50)
            : try await call.desk.read { try $0.articles(limit: 2000) }
        return Page.response(articlesPage(call.frame, articles, query: isSearch ? question : ""))
    }

    @Sendable private static func article(_ call: Call) async throws -> Response {
        let slug = try call.parameter("slug")
        let article = try await call.desk.read { try $0.article(slug: slug) }
        return Page.response(articlePage(call.frame, article))
    }
}

/// What somebody typed into the form for a new request, right or wrong.
struct NewRequest {
    var name = ""
    var email = ""
    var subject = ""
    var body = ""
    var topic: PublicTopic?
    /// By key.
    var fields: [String: String] = [:]
    var faults: [Fault] = []

    init() {}
    init(_ form: FormData, _ topics: [PublicTopic]) {
        name = form["name"] ?? ""
        email = form["email"] ?? ""
        subject = form["subject"] ?? ""
        body = form["body"] ?? ""
        topic = form["topic"].flatMap { wanted in topics.first { String($0.id.number) == wanted || $0.name == wanted } }
        for (name, value) in form.values where name.hasPrefix("field-") { fields[String(name.dropFirst(6))] = value }
    }

    func fault(_ field: String) -> Fault.Problem? { faults.first { $0.field == field }?.problem }

    /// The request, or every fault of it.
    func checked(source: Source) throws(Refusal) -> NewTicket {
        var faults: [Fault] = []
        let address = MailAddress(name: name.singleLine.cut(to: NewTicket.longestName), email.trimmingWhitespace())
        if email.trimmingWhitespace().isEmpty {
            faults.append(Fault("email", .required))
        } else if address == nil {
            faults.append(Fault("email", .notAnAddress))
        }
        if subject.isBlank {
            faults.append(Fault("subject", .required))
        } else if !subject.fits(NewTicket.longestSubject) {
            faults.append(Fault("subject", .tooLong(most: NewTicket.longestSubject)))
        }
        let writing = Writing(body, type: .text)
        if writing.text.isEmpty {
            faults.append(Fault("body", .required))
        } else if body.utf8.count > Input.longestBody {
            faults.append(Fault("body", .tooLong(most: Input.longestBody)))
        }
        var kept: [String: JSON] = [:]
        for field in topic?.fields ?? [] {
            do { kept[field.key] = try field.value(of: fields[field.key]) } catch {
                if case .invalid(let wrong) = error { faults += wrong }
            }
        }
        guard faults.isEmpty, let address else { throw .invalid(faults) }
        var request = NewTicket(requester: address, subject: subject, writing: writing, source: source)
        request.topic = topic.map { .id($0.id.number) }
        request.fields = kept
        return request
    }
}
