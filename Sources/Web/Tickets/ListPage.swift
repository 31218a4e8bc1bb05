import Desk
import Domain
import Foundation
import Markup
import Primitives
import Synchronization

/// One page of a list or a search, and how it was asked for.
struct ListView: Sendable {
    let title: String
    let place: Place
    /// What is shown, kept in the addresses of its tickets.
    let position: ListPosition
    var page: TicketLines
    var snippets: [Ticket.ID: Snippet] = [:]
    var words: [String] = []
    var fault: String?
    /// How many tickets a search found, as far as it matters.
    var found: ListCount?
    /// What a many-at-once action came to.
    var said: String?
    /// The names the many-at-once form offers.
    var choices = TicketChoices()
    /// A many-at-once form that came back.
    var bulk: BulkChoice?
    /// Why a list is empty, where it is.
    var emptiness: Emptiness?
    /// What an administrator of an empty desk does first.
    var steps: FirstSteps?

    /// Why there is nothing to show.
    enum Emptiness: Sendable {
        /// The agent is of no department and no team.
        case noPlace
        /// There is no ticket yet that the agent could see.
        case noTickets
        /// Nothing is left to do.
        case caughtUp
        /// So many tickets wait in Up next, and none in this list.
        case elsewhere(ListCount)
        /// Nothing matches.
        case noMatch
    }

    var list: WorkList? { position.list }
    var order: TicketOrder { position.order ?? position.usualOrder }
    func address(cursor: TicketCursor?, order: TicketOrder? = nil) -> Path {
        ListPosition(position.source, order: order ?? self.order, cursor: cursor).path
    }
}

/// What was chosen in a many-at-once form that cannot be done as it is.
struct BulkChoice: Sendable {
    let numbers: Set<Int64>
    let action: String
    let to: String
    let fault: String
}

func listPage(_ desk: DeskFrame, _ view: ListView) -> HTML {
    deskPage(
        view.title, desk, at: view.place, query: view.position.search ?? "",
        "<main class=\"list wide\" id=\"content\" data-refresh>\(listContent(desk, view))</main>")
}

private func listContent(_ desk: DeskFrame, _ view: ListView) -> HTML {
    let t = desk.t
    let orders: [HTML] = TicketOrder.allCases.map { order in
        let current: HTML? = order == view.order ? " aria-current=\"true\"" : nil
        let title =
            switch order {
            case .newest: t("newest")
            case .oldest: t("oldest")
            case .due: t("due first")
            case .urgency: t("urgent first")
            }
        return "<a href=\"\(href: view.address(cursor: nil, order: order))\"\(current)>\(title)</a>"
    }
    let fault: HTML? = view.fault.map { "<p class=\"fault\" role=\"alert\">\($0)</p>" }
    let next: HTML? = view.page.next.map {
        "<a class=\"button\" rel=\"next\" href=\"\(href: view.address(cursor: $0))\">\(t("Next page"))</a>"
    }
    let first: HTML? =
        view.position.cursor == nil
        ? nil : "<a class=\"button\" rel=\"first\" href=\"\(href: view.address(cursor: nil))\">\(t("First page"))</a>"
    var rows = HTML(capacity: view.page.lines.count * 520)
    let tail = view.position.query.isEmpty ? "" : String(view.position.path.text.drop { $0 != "?" })
    for ticket in view.page.lines { write(ticket, to: &rows, desk, view, tail) }
    let empty: HTML? = view.page.lines.isEmpty && view.fault == nil ? view.emptiness.map { emptyList($0, t) } : nil
    let steps: HTML? = view.steps.map { "<div class=\"pager\">\(firstSteps($0, desk, from: "desk"))</div>" }
    return """
        <form method="post" action="\(href: Path(["desk", "bulk"], query: view.position.query))" data-list>\
        <input type="hidden" name="csrf" value="\(desk.csrf)">\
        <header class="row spread wrap"><div><h1>\(view.title)</h1>\(view.list == nil ? searchLine(view, t) : nil)\
        </div><nav class="row small sorts" aria-label="\(t("Order"))">\(orders)</nav></header>\(said(view.said))\
        \(fault)\(bulkBar(desk, view))\
        <ol class="rows">\(rows)</ol>\(empty)</form>\(steps)<div class="row pager">\(first)\(next)</div>
        """
}

/// What stands where rows would be.
private func emptyList(_ why: ListView.Emptiness, _ t: Language) -> HTML {
    func sentence(_ text: String, _ rest: HTML? = nil) -> HTML {
        "<div class=\"empty quiet\"><p>\(text)</p>\(rest)</div>"
    }
    switch why {
    case .noPlace:
        return sentence(
            t("You're not in a department yet, so you can't see any tickets. Ask an administrator to add you."))
    case .noTickets: return sentence(t("No tickets yet. New requests show up here as they come in."))
    case .caughtUp: return sentence(t("All caught up. No tickets are waiting for you."))
    case .elsewhere(let count):
        let link: HTML =
            """
            <a href="\(href: listPath(.next))">\
            \(count.number == 1 ? t("1 ticket is waiting in Next up.") : t("{0} tickets are waiting in Next up.", count.text))\
            </a>
            """
        return sentence(t("No tickets in this view."), "<p>\(link)</p>")
    case .noMatch: return sentence(t("No tickets match your search. Try fewer or shorter words."))
    }
}

/// The most tickets that a search counts: counting on costs several times what the page itself does, and nobody pages
/// so far.
let mostFound = 100

/// How many were found, and where the search language is explained.
private func searchLine(_ view: ListView, _ t: Language) -> HTML {
    let found: HTML? = view.found.map { count in
        "<span data-found>\(count.number > mostFound ? t("More than {0} tickets", String(mostFound)) : count.number == 1 ? t("1 ticket") : t("{0} tickets", String(count.number)))</span> · "
    }
    return
        """
        <p class="small quiet">\(found)<a href="\(href: Path("desk", "search", "help"))">\(t("How to search"))</a>\
        </p>
        """
}

/// The search language on one page: each term beside what it finds.
func searchHelpPage(_ desk: DeskFrame) -> HTML {
    let t = desk.t
    let terms: [(String, String)] = [
        ("print", t("Words that begin with “print”, such as printer")),
        ("\"paper jam\"", t("Exactly these words, one after the other")),
        ("printer -toner", t("With printer, without toner (also: NOT toner)")),
        ("printer OR scanner", t("One or the other; use parentheses to group")),
        ("assignee:ada", t("Assigned to Ada, by name, part of the name or email; also me or nobody")),
        ("team:mine", t("Assigned to one of your teams")),
        ("from:kim", t("From a customer, by name, email address or @domain")),
        ("organization:harbour", t("From customers of an organization (also: org:)")),
        ("subject:invoice", t("With these words in the subject")), ("cc:lee@corner.example", t("With somebody in CC")),
        ("state:open,waiting", t("In one of these states (also: is:open)")),
        ("is:overdue", t("Overdue; also escalated, answered, unassigned, closed")),
        ("priority:>=high", t("High or urgent")),
        ("due:4h", t("Due within 4 hours; also today, tomorrow, overdue, none or a date")),
        ("tag:vip", t("With a tag; tag:none finds tickets without tags")),
        ("has:attachment", t("With an attachment; also note, reply, tag, assignee, team, organization, cc, rating")),
        ("updated:<7d", t("Updated less than 7 days ago; also created, resolved, closed")),
        ("created:2026-11-01..2026-11-24", t("Created between two days")),
        ("rating:1,2", t("Rated 1 or 2 by the customer")), ("#100123", t("The ticket with this number")),
    ]
    let rows: [HTML] = terms.map {
        """
        <tr><td><a href="\(href: Path("desk", "search", query: [("query", $0.0)]))"><code>\($0.0)</code></a></td>\
        <td>\($0.1)</td></tr>
        """
    }
    return deskPage(
        t("How to search"), desk, at: .search,
        """
        <main class="sheet" id="content"><h1>\(t("How to search"))</h1>\
        <p>\(t("Type words to find tickets that contain all of them. Add filters to narrow the search."))</p>\
        <table class="figures full"><thead><tr><th scope="col">\(t("Search for"))</th>\
        <th scope="col">\(t("Finds tickets"))</th></tr></thead><tbody>\(rows)</tbody></table></main>
        """
    )
}

/// The many-at-once form's line as it was last made for each language: its names change seldom.
private let bulkBars = Mutex<[String: (stamp: UInt64, bar: HTML)]>([:])

private func bulkBar(_ desk: DeskFrame, _ view: ListView) -> HTML? {
    guard desk.works, !view.page.lines.isEmpty else { return nil }
    // One that came back has choices of its own.
    if view.bulk != nil { return makeBulkBar(desk.t, view) }
    let (code, stamp) = (desk.t.code, view.choices.stamp)
    if let found = bulkBars.withLock({ $0[code] }), found.stamp == stamp { return found.bar }
    let bar = makeBulkBar(desk.t, view)
    bulkBars.withLock { $0[code] = (stamp, bar) }
    return bar
}

private func makeBulkBar(_ t: Language, _ view: ListView) -> HTML {
    let actions: [(String, String)] =
        [("", t("Bulk actions"))] + DeskRoutes.bulkActions.map { ($0.rawValue, t.action($0)) }
    let people =
        [("", t("Assign to…"))] + view.choices.agents.map { ("agent:\($0.email)", $0.name) }
        + view.choices.teams.map { ("team:\($0.id.number)", t("team {0}", $0.name)) }
    return """
        <div class="bulk row wrap"><div class="tick"><input type="checkbox" id="all" data-all>\
        <label for="all" class="unseen">\(t("Choose all"))</label></div>\
        \(Choice(name: "action", label: t("What to do"), options: actions, chosen: view.bulk?.action ?? "", hidesLabel: true).html)\
        \(Choice(name: "to", label: t("To whom"), options: people, chosen: view.bulk?.to ?? "", hidesLabel: true).html)\
        <button class="button">\(t("Apply"))</button>\
        <span class="small quiet" data-chosen-count aria-live="polite">\(view.bulk.map { String($0.numbers.count) })\
        </span>\
        \(view.bulk.map { "<span class=\"fault\" role=\"alert\">\($0.fault)</span>" as HTML })</div>
        """
}

private func write(_ ticket: TicketLine, to html: inout HTML, _ desk: DeskFrame, _ view: ListView, _ tail: String) {
    let t = desk.t
    html.write(ticket.isUnread ? "<li class=\"new\">" : "<li>")
    if desk.works {
        html.write("<input type=\"checkbox\" name=\"number\" value=\"")
        html.write(ticket.number)
        html.write("\" aria-label=\"#")
        html.write(ticket.number)
        html.write(view.bulk?.numbers.contains(ticket.number) ?? false ? "\" checked>" : "\">")
    }
    html.write("<a href=\"/desk/tickets/")
    html.write(ticket.number)
    html.write(text: tail)
    html.write("\"><span><strong dir=\"auto\">")
    if view.words.isEmpty {
        html.write(text: ticket.subject)
    } else {
        write(marked: ticket.subject, view.words, to: &html)
    }
    html.write("</strong><small dir=\"auto\">")
    html.write(text: ticket.requester)
    html.write("</small>")
    if let snippet = view.snippets[ticket.id] {
        html.write("<small>")
        if snippet.isCutBefore { html.write("…") }
        write(marked: snippet.text, view.words, to: &html)
        if snippet.isCutAfter { html.write("…") }
        html.write("</small>")
    }
    html.write("</span><span>")
    writeChips(ticket.state, ticket.priority, ticket.escalationLevel, ticket.department, to: &html, t)
    html.write("</span><small>")
    html.write(text: ticket.assignee ?? ticket.team ?? t("nobody"))
    html.write("</small><small class=\"num\">")
    writeDue(ticket.nextDue, to: &html, desk.now, t)
    html.write("#")
    html.write(ticket.number)
    html.write("</small></a></li>")
}

/// State, level, priority and department, where they say something.
private func writeChips(
    _ state: TicketState, _ priority: Priority, _ level: Int, _ department: String, to html: inout HTML, _ t: Language
) {
    if level > 0 {
        html.write("<span class=\"chip up miss\">")
        html.write(text: t("Level {0}", String(level)))
        html.write("</span>")
    }
    html.write(state == .waiting || state == .resolved ? "<span class=\"chip ok\">" : "<span class=\"chip\">")
    html.write(text: t.state(state))
    html.write("</span>")
    if priority != .normal {
        html.write("<span class=\"chip\">")
        html.write(text: t.priority(priority))
        html.write("</span>")
    }
    html.write("<span class=\"chip wide\">")
    html.write(text: department)
    html.write("</span>")
}

/// How long until the next target, or since it was missed.
func writeDue(_ due: Date?, to html: inout HTML, _ now: Date, _ t: Language) {
    guard let due else { return }
    let left = due.timeIntervalSince(now)
    html.write(
        left < 0
            ? "<span class=\"chip miss\" dir=\"auto\">−"
            : left < 3600 ? "<span class=\"chip risk\" dir=\"auto\">" : "<span class=\"chip\" dir=\"auto\">")
    html.write(text: t.span(left))
    if left < 0 {
        html.write("<span class=\"unseen\"> ")
        html.write(text: t("overdue"))
        html.write("</span>")
    }
    html.write("</span>")
}

func chips(_ ticket: Ticket, _ now: Date, _ t: Language) -> HTML {
    var html = HTML(capacity: 256)
    writeChips(ticket.state, ticket.priority, ticket.escalationLevel, ticket.department.name, to: &html, t)
    writeDue(ticket.state.isActive ? ticket.deadlines.next : nil, to: &html, now, t)
    return html
}

/// Text with the words looked for marked in it, compared without regard to case and accents.
private func write(marked text: String, _ words: [String], to html: inout HTML) {
    var rest = text.startIndex
    for range in Snippet.hits(of: words, in: text) {
        html.write(text: text[rest..<range.lowerBound])
        html.write("<mark>")
        html.write(text: text[range])
        html.write("</mark>")
        rest = range.upperBound
    }
    html.write(text: text[rest...])
}

/// Asks before many tickets are closed or set aside: how many, and what their customers will hear of it.
func bulkConfirmation(
    _ desk: DeskFrame, _ action: TicketAction, _ numbers: [Int64], _ position: ListPosition, _ settings: Settings
) -> HTML {
    let t = desk.t
    let count = String(numbers.count)
    let title: String
    let about: String
    if action == .close {
        title = numbers.count == 1 ? t("Close 1 ticket?") : t("Close {0} tickets?", count)
        about =
            settings.sendsSurveys
            ? t("Each customer is asked to rate the support they got. This can't be undone.")
            : t("Each customer is told by email that the request is closed. This can't be undone.")
    } else {
        title = numbers.count == 1 ? t("Mark 1 ticket as spam?") : t("Mark {0} tickets as spam?", count)
        about = t("They leave every list. You find them with the search state:spam and can reopen them there.")
    }
    let named = numbers.prefix(30).map { "#\($0)" }.joined(separator: ", ") + (numbers.count > 30 ? " …" : "")
    return confirmationPage(
        desk, title, [about, named], to: Path(["desk", "bulk"], query: position.query),
        hidden: [("action", action.rawValue)] + numbers.map { ("number", String($0)) },
        button: action == .close ? t("Close tickets") : t("Mark as spam"), back: position.path, at: .other)
}
