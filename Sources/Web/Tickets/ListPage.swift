import Desk
import Domain
import Foundation
import Markup
import Primitives
import Synchronization

/// One page of a list, a search or a view, and how it was asked for.
struct ListView: Sendable {
    let title: String
    let place: Place
    /// What is shown, kept in the addresses of its tickets.
    let position: ListPosition
    var page: TicketLines
    /// The view that is shown, and whether its reader may change it.
    var saved: SavedView?
    var maySet = false
    /// What its columns show besides what each line has.
    var details: [Ticket.ID: TicketDetails] = [:]
    /// What the columns of topics' questions are called.
    var fields: [String: String] = [:]
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
        case noneInView
    }

    var list: WorkList? { position.list }
    var usualOrder: TicketOrder { saved?.order ?? position.usualOrder ?? .newest }
    var order: TicketOrder { position.order ?? usualOrder }
    /// The subject leads to the ticket, so that it always stands somewhere.
    var columns: [ViewColumn] {
        guard let saved else { return ViewColumn.usual }
        return saved.columns.contains(.subject) ? saved.columns : [.subject] + saved.columns
    }
    func address(cursor: TicketCursor?, order: TicketOrder? = nil) -> Path {
        let order = order ?? self.order
        return ListPosition(position.source, order: order == usualOrder ? nil : order, cursor: cursor).path
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
        \(strip(view, desk))\(bulkBar(desk, view))<div class="grid-wrap" tabindex="0" role="region" \
        aria-label="\(t("Tickets"))">\(view.page.lines.isEmpty ? nil : ticketTable(desk, view))\(empty)\(pager)</div></form>\
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

/// The order, and what can be done with the whole: a search explained, saved and exported, a view changed. What can be
/// done with chosen tickets takes its place.
private func strip(_ view: ListView, _ desk: DeskFrame) -> HTML {
    let t = desk.t
    let orders: [HTML] = TicketOrder.allCases.map { order in
        let current: HTML? = order == view.order ? " aria-current=\"true\"" : nil
        return "<a href=\"\(href: view.address(cursor: nil, order: order))\"\(current)>\(t.order(order))</a>"
    }
    return """
        <div class="strip"><nav class="sorts" aria-label="\(t("Order"))">\(orders)</nav>\(viewLinks(desk, view))</div>
        """
}

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
            \(count.number == 1 ? t("1 ticket is waiting in Up next.") : t("{0} tickets are waiting in Up next.", count.text))\
            </a>
            """
        return sentence(t("No tickets in this view."), "<p>\(link)</p>")
    case .noMatch: return sentence(t("No tickets match your search. Try fewer or shorter words."))
    case .noneInView: return sentence(t("All clear. No tickets are waiting in this view."))
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
    return "<select id=\"bulk-\(name)\" name=\"\(name)\" aria-label=\"\(label)\">\(items)</select>"
}

/// Asks before many tickets are resolved, closed or marked as spam: which they are, and what their customers will hear of it.
///
/// - Parameter tickets: the first of them.
func bulkConfirmation(
    _ desk: DeskFrame, _ action: TicketAction, _ numbers: [Int64], _ tickets: [Ticket], _ position: ListPosition,
    _ settings: Settings
) -> HTML {
    let t = desk.t
    let count = String(numbers.count)
    let title: String
    let about: String
    switch action {
    case .resolve:
        title = numbers.count == 1 ? t("Resolve 1 ticket?") : t("Resolve {0} tickets?", count)
        about = t("Each customer is asked by email whether the request is solved.")
    case .close:
        title = numbers.count == 1 ? t("Close 1 ticket?") : t("Close {0} tickets?", count)
        about =
            settings.sendsSurveys
            ? t("Each customer is asked to rate the support they got.")
            : t("Each customer is told by email that the request is closed.")
    default:
        title = numbers.count == 1 ? t("Mark 1 ticket as spam?") : t("Mark {0} tickets as spam?", count)
        about = t("They no longer appear in your lists. Search for state:spam to find and reopen them.")
    }
    let named = tickets.map { "#\($0.number) \($0.subject), \($0.requesterLabel)" }
    return confirmationPage(
        desk, title, [about], items: named + (numbers.count > tickets.count ? ["…"] : []),
        to: Path(["desk", "bulk"], query: position.query),
        hidden: [("action", action.rawValue)] + numbers.map { ("number", String($0)) },
        button: action == .resolve
            ? t("Resolve tickets") : action == .close ? t("Close tickets") : t("Mark as spam"), back: position.path,
        at: .other)
}
