import Desk
import Domain
import Foundation
import HTTPTypes
import Hummingbird
import Mail
import Markup
import Primitives
import Store

/// The workspace: lists, search, one ticket, a ticket for a caller.
enum DeskRoutes {
    static var routes: [Route] {
        [
            .get("/desk", for: .agent(.viewer), list),
            .get("/desk/counts", for: .agent(.viewer), counts),
            .get("/desk/search", for: .agent(.viewer), search),
            .get("/desk/next", for: .agent(.viewer), next),
            .get("/desk/search/help", for: .agent(.viewer)) { Page.response(searchHelpPage(try await $0.deskFrame())) },
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
        guard let list = WorkList(rawValue: call.query("list") ?? WorkList.next.rawValue) else {
            throw Refusal.notFound
        }
        if let cursor = call.query("cursor") { _ = try TicketCursor(parsing: cursor) }
        var view = try await listView(call, desk, call.position ?? ListPosition(.list(list)))
        view.said = outcome(call, desk)
        return Page.response(listPage(desk, view))
    }

    @Sendable private static func search(_ call: Call) async throws -> Response {
        let desk = try await call.deskFrame()
        let text = call.query("query") ?? ""
        if call.query("format") == "csv" {
            let order = call.query("sort").flatMap { TicketOrder(rawValue: $0) } ?? .newest
            let list = TicketList(
                query: try TicketQuery(text, now: desk.now), asker: .agent(desk.agent), order: order)
            return try await TicketFile(list: list, columns: ViewColumn.usual, name: "tickets").response(call)
        }
        // A number alone is the ticket itself.
        let digits = String(text.trimmingWhitespace().drop { $0 == "#" })
        if let number = Int64(digits),
            (try? await call.desk.read({ try $0.ticket(number: number, for: .agent(desk.agent)) })) != nil
        {
            return Page.see(ticketPath(number))
        }
        if let cursor = call.query("cursor") { _ = try TicketCursor(parsing: cursor) }
        // A search too long to be carried along is still a search.
        let position = ListPosition { call.query($0) } ?? ListPosition(.search(text))
        var view = try await listView(call, desk, position)
        view.said = outcome(call, desk)
        return Page.response(view.fault == nil ? .ok : .unprocessableContent, listPage(desk, view))
    }

    /// What the page of a list, a search or a view shows; a search that cannot be read is said on it.
    static func listView(_ call: Call, _ desk: DeskFrame, _ position: ListPosition) async throws -> ListView {
        let asker = Asker.agent(desk.agent)
        switch position.source {
        case .list(let list):
            let wanted = TicketList(
                query: try TicketQuery(list.query, now: desk.now), asker: asker, order: position.order ?? list.order,
                limit: 50,
                after: position.cursor)
            let page = try await call.desk.read { try $0.lines(wanted) }
            let choices = try await call.desk.choices.choices(on: call.desk)
            var view = ListView(
                title: desk.t.list(list), place: .list(list), position: position, page: page, choices: choices)
            if page.lines.isEmpty {
                view.emptiness = try await emptiness(call, desk, list)
                if case .noTickets? = view.emptiness { view.steps = try await call.firstSteps() }
            }
            return view
        case .search(let text):
            let view = ListView(title: desk.t("Search"), place: .search, position: position, page: TicketLines.none)
            return try await found(view, by: text, call, desk)
        case .view(let id):
            let saved = try await call.desk.read { try $0.view(id, for: asker) }
            var view = ListView(title: saved.name, place: .view(id), position: position, page: TicketLines.none)
            view.saved = saved
            view.maySet = try await call.desk.read { try $0.may(desk.agent, set: saved) }
            return try await found(view, by: saved.query, call, desk)
        }
    }

    /// The page of a search, with the words that were found and how many tickets there are.
    private static func found(_ empty: ListView, by text: String, _ call: Call, _ desk: DeskFrame) async throws
        -> ListView
    {
        var view = empty
        do {
            let query = try TicketQuery(text, now: desk.now)
            let wanted = TicketList(
                query: query, asker: .agent(desk.agent), order: view.order, limit: 50, after: view.position.cursor)
            let words = query.soughtWords
            let wantsDetails = view.columns.contains(where: \.isDetail) || view.saved?.groupBy == .topic
            (view.page, view.snippets, view.found, view.details) = try await call.desk.read(.search) { db in
                let (page, found) =
                    wanted.after == nil
                    ? try db.firstLines(wanted, countingTo: mostFound + 1)
                    : (try db.lines(wanted), try db.count(wanted.fromTheBeginning, atMost: mostFound + 1))
                let ids = page.lines.map(\.id)
                return (
                    page, try db.snippets(of: ids, words: words), ListCount(number: found),
                    wantsDetails ? try db.details(of: ids) : [:]
                )
            }
            view.words = words
            if view.page.lines.isEmpty {
                let hasNoPlace = try await call.desk.read { try $0.hasNoPlace(desk.agent) }
                view.emptiness = hasNoPlace ? .noPlace : view.saved == nil ? .noMatch : .noneInView
            }
            view.choices = try await call.desk.choices.choices(on: call.desk)
            view.fields = view.saved == nil ? [:] : view.choices.fieldLabels
        } catch Refusal.invalid(let faults) {
            view.fault = faults.first.map { desk.t.fault($0.problem) }
        } catch StoreError.timedOut(let lane) {
            view.fault = desk.t(lane.tooLong)
        }
        return view
    }

    /// Why a list has no tickets: "all caught up" is said only where nothing is left to do.
    private static func emptiness(_ call: Call, _ desk: DeskFrame, _ list: WorkList) async throws -> ListView.Emptiness
    {
        let waiting = desk.counts.lists[.next] ?? ListCount(number: 0)
        if list != .next, waiting.number > 0 { return .elsewhere(waiting) }
        return try await call.desk.read { db in
            if try db.hasNoPlace(desk.agent) { return .noPlace }
            return try db.seesAnyTicket(.agent(desk.agent)) ? .caughtUp : .noTickets
        }
    }

    /// The next ticket of a list, after one that was just worked on; the list itself where that was the last.
    @Sendable private static func next(_ call: Call) async throws -> Response {
        guard let position = call.position else { return Page.see(Path("desk")) }
        let agent = try call.agent()
        let former = call.query("not").flatMap { Int64($0) }
        let after = call.query("after").flatMap { try? TicketCursor(parsing: $0) }
        let said = call.query("said").map { [("said", $0)] } ?? []
        let text: String
        var order = position.order ?? position.usualOrder
        switch position.source {
        case .list(let list): text = list.query
        case .search(let query): text = query
        case .view(let id):
            let saved = try await call.desk.read { try $0.view(id, for: .agent(agent)) }
            (text, order) = (saved.query, order ?? saved.order)
        }
        guard let query = try? TicketQuery(text, now: call.desk.clock.now()) else { return Page.see(position.path) }
        let wanted = TicketList(
            query: query, asker: .agent(agent), order: order ?? .newest, limit: 2, after: after ?? position.cursor)
        let lines = try await call.desk.read(position.list == nil ? .search : nil) { try $0.lines(wanted) }.lines
        guard let next = lines.first(where: { $0.number != former }) else {
            var start = position
            start.cursor = nil
            return Page.see(start.path([("said", "last")]))
        }
        return Page.see(ticketPath(next.number, at: position, said))
    }

    /// What the action that led here came to.
    static func outcome(_ call: Call, _ desk: DeskFrame) -> String? {
        let t = desk.t
        if call.query("said") == "last" { return t("This was the last ticket in this list.") }
        if call.query("said") == "late" { return t("It is too late to undo this.") }
        if call.query("said") == "undone" {
            let changed = (call.query("changed") ?? "").split(separator: ",").compactMap { Int64($0) }
            return changed.isEmpty
                ? t("The tickets are as they were before.")
                : t(
                    "These tickets have changed since then and were left as they are: {0}.",
                    changed.map { "#\($0)" }.joined(separator: ", "))
        }
        if call.query("said") == "moved" {
            return t(
                "Ticket #{0} was transferred. You can't see the department it is in now.",
                call.query("ticket").flatMap { Int64($0) }.map(String.init) ?? "")
        }
        guard let done = call.query("done").flatMap({ Int($0) }) else { return nil }
        let refused = (call.query("refused") ?? "").split(separator: ",").compactMap { Int64($0) }
        guard let action = call.query("act").flatMap({ TicketAction(rawValue: $0) }) else { return nil }
        // The bar that takes it back says it too.
        let isSaid = desk.undoables.first?.deed == .action(action)
        let words = done == 0 || isSaid ? nil : t.did(action, times: done)
        let left =
            refused.isEmpty
            ? nil
            : t(
                "These tickets don't allow it, because of their status: {0}.",
                refused.prefix(20).map { "#\($0)" }.joined(separator: ", "))
        let all = [words, left].compactMap { $0 }
        return all.isEmpty ? nil : all.joined(separator: " ")
    }

    @Sendable private static func counts(_ call: Call) async throws -> Response {
        let agent = try call.agent()
        let counts = try await call.desk.counts.freshCounts(for: agent, on: call.desk)
        let views = try await call.desk.views.counts(for: agent, on: call.desk)
        return call.json { json in
            json.object { json in
                for (list, count) in counts.lists { json.dynamicField(list.rawValue, .string(count.text)) }
                for (view, count) in views { json.dynamicField("view-\(view)", .string(count.text)) }
            }
        }
    }

    /// What can be done to many tickets at once, and which of it is asked about first.
    static let bulkActions: [TicketAction] = [.claim, .assign, .wait, .hold, .resume, .resolve, .close, .spam]
    private static let askedFirst: Set<TicketAction> = [.resolve, .close, .spam]

    /// The same action for many tickets: each is done or refused for itself. What tells customers, or hides tickets, is
    /// asked about first.
    @Sendable private static func bulk(_ call: Call) async throws -> Response {
        let form = try await call.form()
        let agent = try call.agent()
        let numbers = form.values.filter { $0.name == "number" }.compactMap { Int64($0.value) }.prefix(500)
        let position = call.position ?? ListPosition(.list(.next))
        let action = form["action"].flatMap { TicketAction(rawValue: $0) }.flatMap {
            bulkActions.contains($0) ? $0 : nil
        }
        let to = form["to"] ?? ""
        /// The list as it was, with what is missing beside the bar.
        func again(_ fault: String) async throws -> Response {
            let desk = try await call.deskFrame()
            var view = try await listView(call, desk, position)
            view.bulk = BulkChoice(numbers: Set(numbers), action: action?.rawValue ?? "", to: to, fault: desk.t(fault))
            return Page.response(.unprocessableContent, listPage(desk, view))
        }
        guard !numbers.isEmpty else { return try await again("Select at least one ticket.") }
        guard let action else { return try await again("Choose an action.") }
        var fields: [String: JSON] = [:]
        if to.hasPrefix("agent:") { fields["agent"] = .string(String(to.dropFirst(6))) }
        if to.hasPrefix("team:"), let id = Int64(to.dropFirst(5)) { fields["team"] = JSON(id) }
        var input = Input(fields)
        let wish = try Wish(action, &input)
        do { try input.finish() } catch { return try await again("Choose who to assign the tickets to.") }
        if askedFirst.contains(action), form["confirmed"] == nil {
            let desk = try await call.deskFrame()
            let tickets = try await call.desk.read { db in
                try numbers.prefix(30).compactMap { number -> Ticket? in
                    do { return try db.ticket(number: number, for: .agent(agent)) } catch Refusal.notFound {
                        return nil
                    }
                }
            }
            return Page.response(
                bulkConfirmation(desk, action, Array(numbers), tickets, position, call.desk.settings.current))
        }
        var (done, refused) = (0, [Int64]())
        let batch = Secret.random()
        for number in numbers {
            do {
                _ = try await call.desk.write { tx in
                    let ticket = try tx.perform(
                        action, on: number, wish, reason: "", by: Actor(agent), asker: .agent(agent), source: .web)
                    try tx.holdBack(action, on: ticket, batch: batch, by: agent.id)
                }
                done += 1
            } catch is Refusal { refused.append(number) }
        }
        let outcome =
            [("done", String(done)), ("act", action.rawValue)]
            + (refused.isEmpty ? [] : [("refused", refused.map(String.init).joined(separator: ","))])
        var response = Page.see(position.path(outcome))
        if done > 0 { call.offerUndo(in: &response) }
        return response
    }

    // MARK: one ticket

    @Sendable private static func show(_ call: Call) async throws -> Response {
        let number = try call.number()
        let desk = try await call.deskFrame()
        let view = try await call.ticketView(number, all: call.query("all") != nil)
        let shows = call.query("pictures") != nil
        var notice = TicketNotice(
            pictureSigner: shows ? call.desk.office.signer : nil, showsAll: call.query("all") != nil,
            said: call.query("said").flatMap { said($0, view, desk.t) })
        // The same action came from this page: what is next in the list is at hand.
        notice.after = call.query("after").flatMap { try? TicketCursor(parsing: $0) }
        notice.offersNext = notice.said != nil && desk.position != nil
        // The bar that takes it back says it too; and a reply has not gone yet.
        let done = call.query("said") ?? ""
        if let newest = desk.undoables.first, newest.ticket == number,
            newest.deed.text == done || newest.deed == .reply && (done == "sent" || done == "resolve")
        {
            notice.said = nil
        }
        return Page.response(ticketPage(desk, view, notice))
    }

    /// What was just done, in words that name it.
    private static func said(_ what: String, _ view: TicketView, _ t: Language) -> String? {
        switch what {
        case "sent", "next":
            let reply = view.entries.last { $0.kind == .reply }
            let isStuck = reply.flatMap { view.deliveries[$0.id] }?.contains { $0.sentAt == nil && $0.error != nil }
            return isStuck ?? false
                ? t("Reply saved. The email couldn't be sent yet; Usher keeps trying.") : t("Reply sent.")
        case "noted": return t("Note added.")
        case "deliverable": return t("Email to this address has been resumed.")
        case "changed": return t("Details saved.")
        case "opened": return t("Ticket created.")
        case "back": return t("Sending cancelled. Your draft and attachments are back.")
        case "late": return t("It is too late to undo this.")
        case "undone": return t("The ticket is as it was before.")
        default: break
        }
        switch TicketAction(rawValue: what) {
        case .claim: return t("The ticket is assigned to you.")
        case .assign:
            guard let name = view.ticket.assignee?.name ?? view.ticket.team?.name else { return t("Saved.") }
            return t("Ticket assigned to {0}.", name)
        case .release: return t("The ticket is unassigned.")
        case .transfer: return t("Ticket moved to {0}.", view.ticket.department.name)
        case .escalate: return t("Ticket escalated.")
        case .deEscalate: return t("The escalation has ended.")
        case .wait: return t("The ticket is pending until the customer replies.")
        case .hold: return t("The ticket is on hold.")
        case .resume: return t("The ticket is open again.")
        case .resolve: return t("Ticket resolved.")
        case .confirm, .close: return t("Ticket closed.")
        case .reopen: return t("Ticket reopened.")
        case .spam: return t("Marked as spam.")
        case .merge: return t("The tickets are merged.")
        case .unmerge: return t("The tickets are separate again.")
        case .split: return t("This is the new ticket.")
        case .link: return t("Ticket linked.")
        case .unlink: return t("Link removed.")
        case .addAgent: return t("Agent added.")
        case .removeAgent: return t("Agent removed.")
        case .addCollaborator: return t("CC added.")
        case .removeCollaborator: return t("CC removed.")
        case .setRequester: return t("Requester changed.")
        case nil: return nil
        }
    }

    @Sendable private static func showChange(_ call: Call) async throws -> Response {
        let desk = try await call.deskFrame()
        return Page.response(changePage(desk, try await call.ticketView(try call.number())))
    }

    @Sendable private static func change(_ call: Call) async throws -> Response {
        let form = try await call.form()
        let (number, agent) = (try call.number(), try call.agent())
        let view = try await call.ticketView(number)
        var change = TicketChange()
        change.subject = form["subject"]
        change.priority = form["priority"].flatMap { Priority(word: $0) }
        if let topic = form["topic"] { change.topic = topic.isEmpty ? .cleared : .given(.name(topic)) }
        if let tags = form["tags"] {
            change.tags = tags.split(separator: ",").map { String(String($0).trimmingWhitespace().prefix(100)) }
        }
        let level: Int
        do {
            var fields: [String: JSON] = [:]
            for field in view.choices.topics.first(where: { $0.id == view.ticket.topic?.id })?.fields ?? [] {
                let typed = form["field-\(field.key)"]
                guard typed != nil || field.kind == .check else { continue }
                fields[field.key] = try field.value(of: typed) ?? .null
            }
            if !fields.isEmpty { change.fields = fields }
            level = try await call.desk.write { [change] tx in
                var ticket = try tx.db.ticket(number: number, for: .agent(agent))
                try tx.change(&ticket, change, by: Actor(agent))
                return ticket.escalationLevel
            }
        } catch Refusal.invalid(let faults) {
            let desk = try await call.deskFrame()
            return Page.response(
                .unprocessableContent,
                ticketPage(
                    desk, view,
                    TicketNotice(
                        dialog: Dialog(desk.t("Change details"), changeForm(desk, view, typed: form, faults: faults)))))
        }
        // Urgency has consequences of its own, which are told.
        let isEscalated = view.ticket.escalationLevel == 0 && level > 0
        let said = isEscalated ? TicketAction.escalate.rawValue : "changed"
        return try await call.back(to: number, shown: number, saying: [("said", said)])
    }

    @Sendable private static func attachment(_ call: Call) async throws -> Response {
        let (id, agent) = (try call.number("id"), try call.agent())
        let file = try await call.desk.read { try $0.attachment(Attachment.ID(id), for: .agent(agent)) }
        return try await call.send(file)
    }

    /// The message as it came, byte for byte.
    @Sendable private static func original(_ call: Call) async throws -> Response {
        let (id, agent) = (Entry.ID(try call.number("id")), try call.agent())
        let file = try await call.desk.read { db in
            guard let (original, ticket) = try db.original(of: id) else { throw Refusal.notFound }
            try db.require(.agent(agent), .seeInside, ticket)
            return original
        }
        return try await call.send(file)
    }

    // MARK: for a caller

    @Sendable private static func showNew(_ call: Call) async throws -> Response {
        let desk = try await call.deskFrame()
        let choices = try await call.desk.choices.choices(on: call.desk)
        var typed = NewRequest()
        typed.topic = call.query("topic").flatMap { Int64($0) }.flatMap { id in
            choices.topics.first { $0.id.number == id }
        }
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
        typed.files = sent.files.map(\.name)
        if sent["choose"] != nil { return Page.response(callerPage(try await call.deskFrame(), typed, choices)) }
        let request: NewTicket
        do {
            var checked = try typed.request.checked(
                source: Source(rawValue: sent["source"] ?? "") == .email ? .email : .phone)
            checked.files = try await call.keep(sent)
            checked.priority = Priority(word: typed.priority)
            checked.notify = typed.notifies
            request = checked
        } catch Refusal.invalid(let faults) {
            typed.request.faults = faults
            return Page.response(.unprocessableContent, callerPage(try await call.deskFrame(), typed, choices))
        } catch Refusal.tooLarge(let limit) {
            typed.request.faults = [Fault("attachments", .filesTooLarge(limit: limit))]
            return Page.response(.contentTooLarge, callerPage(try await call.deskFrame(), typed, choices))
        }
        let once = IdempotencyKey(
            form: sent["once"], ["\(agent.id)", request.requester.address, request.subject, request.writing.text],
            request.files)
        let number = try await call.desk.write { [isMine = typed.isMine] tx in
            try tx.once(once) {
                var (ticket, _) = try tx.open(request, by: Actor(agent))
                if isMine, ticket.escalationLevel == 0 { try tx.claim(&ticket, by: agent) }
                return ticket.number
            }
        }
        return Page.see(ticketPath(number, at: call.position, [("said", "opened")]))
    }
}

/// A ticket an agent writes down for somebody on the telephone.
struct CallerRequest {
    var request: NewRequest
    var priority = ""
    var isMine = true
    var notifies = true
    /// Names of the files that were chosen.
    var files: [String] = []
}

func callerPage(_ desk: DeskFrame, _ typed: CallerRequest, _ choices: TicketChoices) -> HTML {
    let t = desk.t
    let request = typed.request
    func fault(_ field: String) -> String? { request.fault(field).map(t.fault) }
    let own: [HTML] = (request.topic?.fields ?? []).map {
        topicField($0, request.fields[$0.key] ?? "", request.fault("field-\($0.key)").map(t.fault), t)
    }
    return deskPage(
        t("New ticket"), desk, at: .other,
        """
        <main class="sheet" id="content"><h1>\(t("New ticket"))</h1>\
        <p class="quiet">\(t("For somebody who called or came by."))</p>\
        \(form(Path("desk", "new"), csrf: desk.csrf, files: true, keep: "caller", """
            <div class="pair">\(TextField(name: "email", label: t("Customer's email"), value: request.email, type: "email", isRequired: true, fault: fault("email")).html)\
            \(TextField(name: "name", label: t("Customer's name"), value: request.name, fault: fault("name")).html)</div>
            <div class="row bottom"><div class="grow">\(Choice(name: "topic", label: t("Topic"), options: [("", "–")] + choices.topics.map { (String($0.id.number), $0.name) }, chosen: request.topic.map { String($0.id.number) } ?? "").html)</div>\
            <button class="button" name="choose" value="1" formnovalidate data-choose>\(t("Choose"))</button></div>
            <div class="pair">\(Choice(name: "priority", label: t("Priority"), options: [("", t("From the topic"))] + Priority.allCases.map { ($0.word, t.priority($0)) }, chosen: typed.priority).html)\
            \(Choice(name: "source", label: t("Source"), options: [("phone", t("Phone"))]).html)</div>
            \(TextField(name: "subject", label: t("Subject"), value: request.subject, isRequired: true, fault: fault("subject")).html)
            \(own)\(TextArea(name: "body", label: t("Customer's message"), value: request.body, isRequired: true, fault: fault("body")).html)
            \(fileField(t, lost: typed.files))\(tick("mine", t("Assign it to me"), isOn: typed.isMine))\(tick("notify", t("Email the ticket number to the customer"), isOn: typed.notifies))
            <div class="row"><button class="button primary">\(t("Create ticket"))</button></div>
            """))</main>
        """)
}
