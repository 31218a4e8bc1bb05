import Desk
import Foundation
import HTTPTypes
import Hummingbird
import Mail
import Markup
import Store

/// The workspace: lists, search, one ticket, a ticket for a caller.
enum DeskRoutes {
    static var routes: [Route] {
        [
            .get("/desk", for: .agent(.viewer), list),
            .get("/desk/counts", for: .agent(.viewer), counts),
            .get("/desk/search", for: .agent(.viewer), search),
            .get("/desk/new", for: .agent(.agent), showNew),
            .post("/desk/new", for: .agent(.agent), taking: .files, openNew),
            .post("/desk/bulk", for: .agent(.agent), bulk),
            .get("/desk/tickets/:number", for: .agent(.viewer), show),
            .get("/desk/tickets/:number/change", for: .agent(.agent), showChange),
            .post("/desk/tickets/:number/change", for: .agent(.agent), change),
            .get("/desk/attachments/:id", for: .agent(.viewer), attachment),
            .get("/desk/entries/:id/original", for: .agent(.viewer), original),
        ]
    }

    // MARK: lists

    @Sendable private static func list(_ call: Call) async throws -> Response {
        let desk = try await call.deskFrame()
        guard let list = WorkList(rawValue: call.query("list") ?? WorkList.next.rawValue) else { throw Refusal.notFound }
        let order = call.query("sort").flatMap { TicketOrder(rawValue: $0) } ?? list.order
        let after = try call.query("cursor").map { text throws(Refusal) in try TicketCursor(parsing: text) }
        let wanted = TicketList(query: try TicketQuery(list.query, now: desk.now), asker: .agent(desk.agent), order: order, limit: 50, after: after)
        let page = try await call.desk.read { try $0.lines(wanted) }
        let choices = try await call.desk.choices.choices(on: call.desk)
        return Page.response(listPage(desk, ListView(title: desk.t.list(list), place: .list(list), list: list, order: order, page: page, said: outcome(call, desk.t), choices: choices)))
    }

    /// What a many-at-once action came to, from the address it led back to.
    private static func outcome(_ call: Call, _ t: Language) -> String? {
        guard let done = call.query("done").flatMap({ Int($0) }) else { return nil }
        let refused = (call.query("refused") ?? "").split(separator: ",").compactMap { Int64($0) }
        let words = t("{0} tickets changed.", String(done))
        return refused.isEmpty ? words : words + " " + t("Their state does not allow it: {0}", refused.prefix(20).map { "#\($0)" }.joined(separator: ", "))
    }

    @Sendable private static func counts(_ call: Call) async throws -> Response {
        let agent = try call.agent()
        let counts = try await call.desk.counts.freshCounts(for: agent, on: call.desk)
        return call.json { json in
            json.object { json in
                for (list, count) in counts.lists { json.dynamicField(list.rawValue, .string(count.text)) }
            }
        }
    }

    @Sendable private static func search(_ call: Call) async throws -> Response {
        let desk = try await call.deskFrame()
        let text = call.query("query") ?? ""
        let order = call.query("sort").flatMap { TicketOrder(rawValue: $0) } ?? .newest
        var view = ListView(title: desk.t("Search"), place: .search, query: text, order: order, page: TicketLines.none, said: outcome(call, desk.t))
        do {
            let query = try TicketQuery(text, now: desk.now)
            let after = try call.query("cursor").map { cursor throws(Refusal) in try TicketCursor(parsing: cursor) }
            // A number alone is the ticket itself.
            let digits = String(text.trimmingWhitespace().drop { $0 == "#" })
            if let number = Int64(digits), (try? await call.desk.read({ try $0.ticket(number: number, for: .agent(desk.agent)) })) != nil { return Page.see(ticketPath(number)) }
            let wanted = TicketList(query: query, asker: .agent(desk.agent), order: order, limit: 50, after: after)
            let words = query.soughtWords
            let (page, snippets) = try await call.desk.read { db in
                let page = try db.lines(wanted)
                return (page, try db.snippets(of: page.lines.map(\.id), words: words))
            }
            let choices = try await call.desk.choices.choices(on: call.desk)
            view = ListView(
                title: desk.t("Search"), place: .search, query: text, order: order, page: page, snippets: snippets, words: words, said: outcome(call, desk.t), choices: choices)
        } catch Refusal.invalid(let faults) {
            view.fault = faults.first.map { desk.t("The search {0}", $0.problem.text) }
        }
        return Page.response(view.fault == nil ? .ok : .unprocessableContent, listPage(desk, view))
    }

    /// The same action for many tickets: each is done or refused for itself.
    @Sendable private static func bulk(_ call: Call) async throws -> Response {
        let form = try await call.form()
        let agent = try call.agent()
        let numbers = form.values.filter { $0.name == "number" }.compactMap { Int64($0.value) }.prefix(500)
        let back = Call.safe(form["back"]) ?? Path("desk").text
        guard let action = form["action"].flatMap({ TicketAction(rawValue: $0) }), [.claim, .assign, .wait, .hold, .resume, .close, .spam].contains(action), !numbers.isEmpty else { return Page.see(back) }
        var fields: [String: JSON] = [:]
        let to = form["to"] ?? ""
        if to.hasPrefix("agent:") { fields["agent"] = .string(String(to.dropFirst(6))) }
        if to.hasPrefix("team:"), let id = Int64(to.dropFirst(5)) { fields["team"] = JSON(id) }
        var input = Input(fields)
        let wish = try Wish(action, &input)
        // Nobody to give them to: the list comes back as it was.
        do { try input.finish() } catch { return Page.see(back) }
        var (done, refused) = (0, [Int64]())
        for number in numbers {
            do {
                _ = try await call.desk.write { try $0.perform(action, on: number, wish, reason: "", by: Actor(agent), asker: .agent(agent), source: .web) }
                done += 1
            } catch is Refusal { refused.append(number) }
        }
        let mark = back.contains("?") ? "&" : "?"
        return Page.see("\(back)\(mark)done=\(done)\(refused.isEmpty ? "" : "&refused=" + refused.map(String.init).joined(separator: ","))")
    }

    // MARK: one ticket

    @Sendable private static func show(_ call: Call) async throws -> Response {
        let number = try call.number()
        let desk = try await call.deskFrame()
        let view = try await call.ticketView(number, all: call.query("all") != nil)
        let shows = call.query("pictures") != nil
        let said: String? = switch call.query("said") {
            case "sent": desk.t("Sent."); case "noted": desk.t("Noted."); case "done": desk.t("Done."); case "back": desk.t("Taken back. Your words and files are in the box again.")
            case "gone": desk.t("It is on its way already and cannot be taken back."); default: nil
        }
        var notice = TicketNotice(list: call.query("list"), showsPictures: shows, said: said)
        if call.query("said") == "sent" { notice.second = try await call.desk.read { try $0.secondThought(of: desk.agent.id, in: view.ticket.id, now: desk.now) } }
        // It has not gone yet.
        if notice.second != nil { notice.said = nil }
        return Page.response(ticketPage(desk, view, notice), policy: shows ? Page.policyWithPictures : Page.policy)
    }

    @Sendable private static func showChange(_ call: Call) async throws -> Response {
        let desk = try await call.deskFrame()
        return Page.response(changePage(desk, try await call.ticketView(try call.number()), faults: []))
    }

    @Sendable private static func change(_ call: Call) async throws -> Response {
        let form = try await call.form()
        let (number, agent) = (try call.number(), try call.agent())
        let view = try await call.ticketView(number)
        var change = TicketChange()
        change.subject = form["subject"]
        change.priority = form["priority"].flatMap { Priority(word: $0) }
        if let topic = form["topic"] { change.topic = topic.isEmpty ? .cleared : .given(.name(topic)) }
        if let tags = form["tags"] { change.tags = tags.split(separator: ",").map { String(String($0).trimmingWhitespace().prefix(100)) } }
        do {
            var fields: [String: JSON] = [:]
            for field in view.choices.topics.first(where: { $0.id == view.ticket.topic?.id })?.fields ?? [] {
                let typed = form["field-\(field.key)"]
                guard typed != nil || field.kind == .check else { continue }
                fields[field.key] = try field.value(of: typed) ?? .null
            }
            if !fields.isEmpty { change.fields = fields }
            try await call.desk.write { [change] tx in
                var ticket = try tx.db.ticket(number: number, for: .agent(agent))
                try tx.change(&ticket, change, by: Actor(agent))
            }
        } catch Refusal.invalid(let faults) {
            return Page.response(.unprocessableContent, changePage(try await call.deskFrame(), view, faults: faults))
        }
        return Page.see(Path("desk", "tickets", String(number), query: [("said", "done")]))
    }

    @Sendable private static func attachment(_ call: Call) async throws -> Response {
        let (id, agent) = (try call.number("id"), try call.agent())
        let file = try await call.desk.read { db in
            let (file, ticket, _) = try db.attachment(Attachment.ID(id))
            _ = try db.ticket(number: try db.ticket(ticket).number, for: .agent(agent))
            return file
        }
        return try await call.send(file)
    }

    /// The message as it came, byte for byte.
    @Sendable private static func original(_ call: Call) async throws -> Response {
        let (id, agent) = (Entry.ID(try call.number("id")), try call.agent())
        let file = try await call.desk.read { db in
            guard let (original, ticket) = try db.original(of: id) else { throw Refusal.notFound }
            _ = try db.ticket(number: try db.ticket(ticket).number, for: .agent(agent))
            return original
        }
        return try await call.send(file)
    }

    // MARK: for a caller

    @Sendable private static func showNew(_ call: Call) async throws -> Response {
        let desk = try await call.deskFrame()
        let choices = try await call.desk.choices.choices(on: call.desk)
        var typed = NewRequest()
        typed.topic = call.query("topic").flatMap { Int64($0) }.flatMap { id in choices.topics.first { $0.id.number == id } }
        return Page.response(callerPage(desk, CallerRequest(request: typed), choices))
    }

    @Sendable private static func openNew(_ call: Call) async throws -> Response {
        let sent = try await call.form()
        let agent = try call.agent()
        let choices = try await call.desk.choices.choices(on: call.desk)
        var typed = CallerRequest(request: NewRequest(sent, choices.topics))
        typed.priority = sent["priority"] ?? ""
        typed.isMine = sent["mine"] != nil
        typed.notifies = sent["notify"] != nil
        if sent["choose"] != nil { return Page.response(callerPage(try await call.deskFrame(), typed, choices)) }
        let request: NewTicket
        do {
            var checked = try typed.request.checked(source: Source(rawValue: sent["source"] ?? "") == .email ? .email : .phone)
            checked.files = try await call.keep(sent)
            checked.priority = Priority(word: typed.priority)
            checked.notify = typed.notifies
            request = checked
        } catch Refusal.invalid(let faults) {
            typed.request.faults = faults
            return Page.response(.unprocessableContent, callerPage(try await call.deskFrame(), typed, choices))
        } catch Refusal.tooLarge(let limit) {
            typed.request.faults = [Fault("attachments", .other("has more files than \(limit >> 20) MB"))]
            return Page.response(.contentTooLarge, callerPage(try await call.deskFrame(), typed, choices))
        }
        let number = try await call.desk.write { [isMine = typed.isMine] tx in
            var (ticket, _) = try tx.open(request, by: Actor(agent))
            if isMine, ticket.escalationLevel == 0 { try tx.claim(&ticket, by: agent) }
            return ticket.number
        }
        return Page.see(Path("desk", "tickets", String(number), query: [("said", "done")]))
    }
}

/// A ticket an agent writes down for somebody on the telephone.
struct CallerRequest {
    var request: NewRequest
    var priority = ""
    var isMine = true
    var notifies = true
}

func callerPage(_ desk: DeskFrame, _ typed: CallerRequest, _ choices: TicketChoices) -> HTML {
    let t = desk.t
    let request = typed.request
    func fault(_ field: String) -> String? { request.fault(field).map(t.fault) }
    let own: [HTML] = (request.topic?.fields ?? []).map { topicField($0, request.fields[$0.key] ?? "", request.fault("field-\($0.key)").map(t.fault), t) }
    return deskPage(
        t("New ticket"), desk, at: .other,
        """
        <main class="sheet" id="content"><h1>\(t("New ticket"))</h1><p class="quiet">\(t("For somebody who called or came by."))</p>\
        \(form(Path("desk", "new"), csrf: desk.csrf, files: true, keep: "caller", """
            <div class="pair">\(TextField(name: "email", label: t("Customer's e-mail"), value: request.email, type: "email", isRequired: true, fault: fault("email")).html)\
            \(TextField(name: "name", label: t("Customer's name"), value: request.name, fault: fault("name")).html)</div>
            <div class="row end"><div class="grow">\(Choice(name: "topic", label: t("Topic"), options: [("", "–")] + choices.topics.map { (String($0.id.number), $0.name) }, chosen: request.topic.map { String($0.id.number) } ?? "").html)</div>\
            <button class="button" name="choose" value="1" formnovalidate data-choose>\(t("Choose"))</button></div>
            <div class="pair">\(Choice(name: "priority", label: t("Priority"), options: [("", t("as the topic says"))] + Priority.allCases.map { ($0.word, t.priority($0)) }, chosen: typed.priority).html)\
            \(Choice(name: "source", label: t("How it came"), options: [("phone", t("by telephone"))]).html)</div>
            \(TextField(name: "subject", label: t("In one line"), value: request.subject, isRequired: true, fault: fault("subject")).html)
            \(own)\(TextArea(name: "body", label: t("What the customer says"), value: request.body, isRequired: true, fault: fault("body")).html)
            \(fileField(t))\(tick("mine", t("I take it up myself"), isOn: typed.isMine))\(tick("notify", t("The customer gets a mail with the number"), isOn: typed.notifies))
            <div class="row"><button class="button first">\(t("Open the ticket"))</button></div>
            """))</main>
        """)
}
