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
        "<main class=\"main\" id=\"content\" data-refresh>\(listContent(desk, view))</main>")
}

private func listContent(_ desk: DeskFrame, _ view: ListView) -> HTML {
    let t = desk.t
    let fault: HTML? = view.fault.map { "<p class=\"fault\" role=\"alert\">\($0)</p>" }
    let next: HTML? = view.page.next.map {
        "<a class=\"button\" rel=\"next\" href=\"\(href: view.address(cursor: $0))\">\(t("Next page"))</a>"
    }
    let first: HTML? =
        view.position.cursor == nil
        ? nil : "<a class=\"button\" rel=\"first\" href=\"\(href: view.address(cursor: nil))\">\(t("First page"))</a>"
    let pager: HTML? = next == nil && first == nil ? nil : "<div class=\"pager\">\(first)\(next)</div>"
    let empty: HTML? = view.page.lines.isEmpty && view.fault == nil ? view.emptiness.map { emptyList($0, t) } : nil
    return """
        <form class="view" method="post" action="\(href: Path(["desk", "bulk"], query: view.position.query))" data-list>\
        <input type="hidden" name="csrf" value="\(desk.csrf)">\
        <header class="page-head"><h1>\(view.title)</h1>\(count(desk, view))</header>\(said(view.said))\(fault)\
        \(strip(view, t))\(bulkBar(desk, view))<div class="grid-wrap" tabindex="0" role="region" \
        aria-label="\(t("Tickets"))">\(view.page.lines.isEmpty ? nil : table(desk, view))\(empty)\(pager)</div></form>\
        \(view.steps.map { firstSteps($0, desk, from: "desk") })
        """
}

/// How many there are, beside the title: of a list as the navigation says, of a search as it counted.
private func count(_ desk: DeskFrame, _ view: ListView) -> HTML? {
    let t = desk.t
    if let list = view.list {
        return desk.counts.lists[list].map {
            "<span class=\"quiet num\" data-count=\"\(list.rawValue)\">\($0.text)</span>"
        }
    }
    return view.found.map { count in
        let words =
            count.number > mostFound
            ? t("More than {0} tickets", String(mostFound))
            : count.number == 1 ? t("1 ticket") : t("{0} tickets", String(count.number))
        return "<span class=\"quiet\" data-found>\(words)</span>"
    }
}

/// The order, and for a search where its language is explained. What can be done with chosen tickets takes its place.
private func strip(_ view: ListView, _ t: Language) -> HTML {
    let orders: [HTML] = TicketOrder.allCases.map { order in
        let current: HTML? = order == view.order ? " aria-current=\"true\"" : nil
        let title =
            switch order {
            case .newest: t("Newest")
            case .oldest: t("Oldest")
            case .due: t("Due first")
            case .urgency: t("Urgent first")
            }
        return "<a href=\"\(href: view.address(cursor: nil, order: order))\"\(current)>\(title)</a>"
    }
    let help: HTML? =
        view.list == nil
        ? """
        <a class="button plain end" href="\(href: Path("desk", "search", "help"))">\(Icon.info.html)\
        \(t("How to search"))</a>
        """ : nil
    return """
        <div class="strip"><nav class="sorts" aria-label="\(t("Order"))">\(orders)</nav>\(help)</div>
        """
}

private func table(_ desk: DeskFrame, _ view: ListView) -> HTML {
    let t = desk.t
    var rows = HTML(capacity: view.page.lines.count * 900)
    let tail = view.position.query.isEmpty ? "" : String(view.position.path.text.drop { $0 != "?" })
    for ticket in view.page.lines { write(ticket, to: &rows, desk, view, tail) }
    return """
        <table class="tickets"><caption class="unseen">\(view.title)</caption>\
        \(desk.works ? tableHeads[t.code]?.works : tableHeads[t.code]?.looks)<tbody>\(rows)</tbody></table>
        """
}

/// The heads of the columns, with and without boxes to tick; they differ by the language alone.
private let tableHeads = Dictionary(
    uniqueKeysWithValues: Language.all.map { t in
        let columns: [HTML] = [
            "<th scope=\"col\" class=\"c-subject\">\(t("Subject"))</th>",
            "<th scope=\"col\" class=\"c-who\">\(t("Requester"))</th>",
            "<th scope=\"col\" class=\"c-assignee\">\(t("Assignee"))</th>",
            "<th scope=\"col\" class=\"c-status\">\(t("Status"))</th>",
            "<th scope=\"col\" class=\"c-prio\">\(t("Priority"))</th>",
            "<th scope=\"col\" class=\"c-due\">\(t("Due"))</th>",
            "<th scope=\"col\" class=\"c-updated\">\(t("Updated"))</th>",
        ]
        let all: HTML =
            """
            <td class="c-check"><input type="checkbox" data-all hidden aria-label="\(t("Select all on this page"))"></td>
            """
        return (
            t.code,
            (
                works: "<thead><tr>\(all)\(columns)</tr></thead>" as HTML,
                looks: "<thead><tr>\(columns)</tr></thead>" as HTML
            )
        )
    })

/// What stands where rows would be.
private func emptyList(_ why: ListView.Emptiness, _ t: Language) -> HTML {
    func sentence(_ text: String, _ rest: HTML? = nil) -> HTML {
        "<div class=\"empty\"><p>\(text)</p>\(rest)</div>"
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
        <div class="strip bulk">\
        <b data-chosen-count aria-live="polite">\(view.bulk.map { t("{0} selected", String($0.numbers.count)) })</b>\
        \(select("action", t("Bulk actions"), actions, chosen: view.bulk?.action ?? ""))\
        \(select("to", t("Assign to…"), people, chosen: view.bulk?.to ?? ""))\
        <button class="button">\(t("Apply"))</button>\
        <button type="button" class="button plain" data-none hidden>\(t("Clear selection"))</button>\
        \(view.bulk.map { "<span class=\"fault\" role=\"alert\">\($0.fault)</span>" as HTML })</div>
        """
}

private func select(_ name: String, _ label: String, _ options: [(String, String)], chosen: String) -> HTML {
    let items: [HTML] = options.map {
        "<option value=\"\($0.0)\"\($0.0 == chosen && !chosen.isEmpty ? " selected" : nil as HTML?)>\($0.1)</option>"
    }
    return "<select id=\"\(name)\" name=\"\(name)\" aria-label=\"\(label)\">\(items)</select>"
}

// MARK: rows

/// One ticket in its columns, written straight into the page: most of what a list costs.
private func write(_ ticket: TicketLine, to html: inout HTML, _ desk: DeskFrame, _ view: ListView, _ tail: String) {
    let t = desk.t
    html.write(ticket.isUnread ? "<tr class=\"unread\">" : "<tr>")
    if desk.works {
        html.write("<td class=\"c-check\"><input type=\"checkbox\" name=\"number\" value=\"")
        html.write(ticket.number)
        html.write("\" aria-label=\"#")
        html.write(ticket.number)
        html.write(view.bulk?.numbers.contains(ticket.number) ?? false ? "\" checked></td>" : "\"></td>")
    }
    writeSubject(ticket, to: &html, view, tail, t)
    html.write("<td class=\"c-who\"><span dir=\"auto\">")
    html.write(text: ticket.requester)
    html.write("</span>")
    if let organization = ticket.organization {
        html.write("<span class=\"quiet org\" dir=\"auto\">")
        html.write(text: organization)
        html.write("</span>")
    }
    html.write("</td><td class=\"c-assignee\">")
    if let assignee = ticket.assignee ?? ticket.team {
        html.write(text: assignee)
    } else {
        html.write("<span class=\"quiet\">")
        html.write(text: t("Unassigned"))
        html.write("</span>")
    }
    html.write("</td><td class=\"c-status\">")
    writeStatus(ticket.state, to: &html, t)
    html.write("</td><td class=\"c-prio\">")
    writePriority(ticket.priority, to: &html, t)
    html.write("</td><td class=\"c-due\">")
    writeDue(ticket.nextDue, isResponse: ticket.isResponseDue, to: &html, desk.now, t)
    html.write("</td><td class=\"c-updated quiet\">")
    html.write(text: t.ago(desk.now.timeIntervalSince(ticket.updatedAt)))
    html.write("</td></tr>")
}

/// The subject, its level of escalation, and the words that were found or came last.
private func writeSubject(_ ticket: TicketLine, to html: inout HTML, _ view: ListView, _ tail: String, _ t: Language) {
    html.write("<td class=\"c-subject\"><a class=\"subject\" href=\"/desk/tickets/")
    html.write(ticket.number)
    html.write(text: tail)
    html.write("\"><span class=\"cut\" dir=\"auto\">")
    if view.words.isEmpty {
        html.write(text: ticket.subject)
    } else {
        write(marked: ticket.subject, view.words, to: &html)
    }
    html.write("</span>")
    if ticket.escalationLevel > 0 {
        html.write("<span class=\"chip miss\">")
        html.write(text: t("Level {0}", String(ticket.escalationLevel)))
        html.write("</span>")
    }
    html.write("</a>")
    if let snippet = view.snippets[ticket.id] {
        html.write("<span class=\"words cut\" dir=\"auto\">")
        if snippet.isCutBefore { html.write("…") }
        write(marked: snippet.text, view.words, to: &html)
        if snippet.isCutAfter { html.write("…") }
        html.write("</span>")
    } else if !ticket.latest.text.isEmpty {
        html.write(
            ticket.latest.isOurs
                ? "<span class=\"words cut ours\" dir=\"auto\">" : "<span class=\"words cut\" dir=\"auto\">")
        html.write(text: ticket.latest.text)
        html.write("</span>")
    }
    html.write("</td>")
}

/// A shape and a word, never a colour alone.
func writeStatus(_ state: TicketState, to html: inout HTML, _ t: Language) {
    switch state {
    case .new: html.write("<span class=\"status new\">")
    case .open: html.write("<span class=\"status open\">")
    case .held: html.write("<span class=\"status held\">")
    case .resolved, .closed: html.write("<span class=\"status closed\">")
    default: html.write("<span class=\"status\">")
    }
    html.write(text: t.status(state))
    html.write("</span>")
}

private func writePriority(_ priority: Priority, to html: inout HTML, _ t: Language) {
    switch priority {
    case .urgent: html.write("<span class=\"miss\">")
    case .high: html.write("<span class=\"risk\">")
    default: html.write("<span class=\"quiet\">")
    }
    html.write(text: t.priorityName(priority))
    html.write("</span>")
}

/// How long until the next target and what it is, or since when it is overdue.
func writeDue(_ due: Date?, isResponse: Bool, to html: inout HTML, _ now: Date, _ t: Language) {
    guard let due else { return }
    let left = due.timeIntervalSince(now)
    html.write(
        left < 0
            ? "<span class=\"due miss\">" : left < 3600 ? "<span class=\"due risk\">" : "<span class=\"due\">")
    let span = t.span(left)
    html.write(
        text: left < 0 ? t("{0} overdue", span) : isResponse ? t("reply in {0}", span) : t("resolve in {0}", span))
    html.write("</span>")
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
