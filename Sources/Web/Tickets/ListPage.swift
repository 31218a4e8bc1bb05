import Desk
import Foundation
import Markup

/// One page of a list or a search, and how it was asked for.
struct ListView: Sendable {
    let title: String
    let place: Place
    /// The list's own name, kept in the addresses of its tickets; nil for a search.
    var list: WorkList?
    var query = ""
    let order: TicketOrder
    let page: TicketPage
    var snippets: [Ticket.ID: Snippet] = [:]
    var words: [String] = []
    var fault: String?
    /// What a many-at-once action came to.
    var said: String?
    /// The names the many-at-once form offers.
    var choices = TicketChoices()

    func address(cursor: String?, order: TicketOrder? = nil) -> Path {
        let sort = (order ?? self.order).rawValue
        let tail = [("sort", sort)] + (cursor.map { [("cursor", $0)] } ?? [])
        if let list { return Path("desk", query: [("list", list.rawValue)] + tail) }
        return Path("desk", "search", query: [("query", query)] + tail)
    }
}

func listPage(_ desk: DeskFrame, _ view: ListView) -> HTML {
    deskPage(view.title, desk, at: view.place, query: view.query, "<main class=\"list wide\" id=\"content\" data-refresh>\(listContent(desk, view))</main>")
}

private func listContent(_ desk: DeskFrame, _ view: ListView) -> HTML {
    let t = desk.t
    let orders: [HTML] = TicketOrder.allCases.map { order in
        let current: HTML? = order == view.order ? " aria-current=\"true\"" : nil
        let title = switch order { case .newest: t("newest"); case .oldest: t("oldest"); case .urgency: t("urgent first") }
        return "<a href=\"\(href: view.address(cursor: nil, order: order))\"\(current)>\(title)</a>"
    }
    let fault: HTML? = view.fault.map { "<p class=\"fault\" role=\"alert\">\($0)</p>" }
    let next: HTML? = view.page.next.map { "<a class=\"button\" rel=\"next\" href=\"\(href: view.address(cursor: $0.text))\">\(t("More"))</a>" }
    var rows: HTML = ""
    for ticket in view.page.tickets { rows += row(ticket, desk, view) }
    let empty: HTML? = view.page.tickets.isEmpty && view.fault == nil ? "<p class=\"empty quiet\">\(view.list == nil ? t("Nothing was found.") : t("Nothing here. Well done."))</p>" : nil
    return """
        <form method="post" action="\(href: Path("desk", "bulk"))" data-list><input type="hidden" name="csrf" value="\(desk.csrf)"><input type="hidden" name="back" value="\(view.address(cursor: nil).text)">\
        <header class="row spread wrap"><h1>\(view.title)</h1><nav class="row small sorts" aria-label="\(t("Order"))">\(orders)</nav></header>\(said(view.said))\(fault)\(bulkBar(desk, view))\
        <ol class="rows">\(rows)</ol>\(empty)</form><div class="row pager">\(next)</div>
        """
}

private func bulkBar(_ desk: DeskFrame, _ view: ListView) -> HTML? {
    guard desk.works, !view.page.tickets.isEmpty else { return nil }
    let t = desk.t
    let actions: [(String, String)] = [("", t("With the chosen …"))] + [TicketAction.claim, .assign, .wait, .hold, .resume, .close, .spam].map { ($0.rawValue, t.action($0)) }
    let people = [("", t("to whom (for assigning)"))] + view.choices.agents.map { ("agent:\($0.email)", $0.name) } + view.choices.teams.map { ("team:\($0.id.number)", t("team {0}", $0.name)) }
    return """
        <div class="bulk row wrap"><div class="tick"><input type="checkbox" id="all" data-all><label for="all" class="unseen">\(t("Choose all"))</label></div>\
        \(Choice(name: "action", label: t("What to do"), options: actions, hidesLabel: true).html)\(Choice(name: "to", label: t("To whom"), options: people, hidesLabel: true).html)\
        <button class="button">\(t("Do it"))</button><span class="small quiet" data-chosen-count aria-live="polite"></span></div>
        """
}

private func row(_ ticket: Ticket, _ desk: DeskFrame, _ view: ListView) -> HTML {
    let t = desk.t
    let unread: HTML = ticket.lastMessageAt.map { $0 > ticket.lastReplyAt ?? .distantPast } ?? false ? " new" : ""
    let name = ticket.requesterName.isEmpty ? ticket.requesterAddress : ticket.requesterName
    let holder: HTML =
        if let assignee = ticket.assignee { "<span class=\"cut\">\(assignee.name)</span>" } else if let team = ticket.team { "<span class=\"cut quiet\">\(team.name)</span>" } else {
            "<span class=\"quiet\">\(t("nobody"))</span>"
        }
    let snippet: HTML? = view.snippets[ticket.id].map { "<span class=\"small quiet cut\">\(marked($0.text, view.words))</span>" }
    let chosen: HTML? = desk.works ? "<input type=\"checkbox\" name=\"number\" value=\"\(ticket.number)\" aria-label=\"#\(ticket.number)\">" : nil
    let subject: HTML = view.words.isEmpty ? "\(ticket.subject)" : marked(ticket.subject, view.words)
    return """
        <li class="row-\(ticket.state.rawValue)\(unread)">\(chosen)<a href="\(href: ticketPath(ticket.number, list: view.list?.rawValue))"><span class="what"><strong class="cut" dir="auto">\(subject)</strong>\
        <span class="small quiet cut" dir="auto">\(name)</span>\(snippet)</span><span class="chips">\(chips(ticket, t))</span><span class="who small">\(holder)</span>\
        <span class="when small num">\(dueChip(ticket, desk.now, t))<span class="quiet">#\(ticket.number)</span></span></a></li>
        """
}

/// State, level, priority and department, where they say something.
func chips(_ ticket: Ticket, _ t: Language) -> HTML {
    let level: HTML? = ticket.escalationLevel > 0 ? "<span class=\"chip up miss\">\(t("Level {0}", String(ticket.escalationLevel)))</span>" : nil
    let priority: HTML? = ticket.priority == .normal ? nil : "<span class=\"chip\">\(t.priority(ticket.priority))</span>"
    let state: HTML = "<span class=\"chip\(ticket.state == .waiting || ticket.state == .resolved ? " ok" : "")\">\(t.state(ticket.state))</span>"
    return "\(level)\(state)\(priority)<span class=\"chip wide\">\(ticket.department.name)</span>"
}

/// How long until the next target, or since it was missed.
func dueChip(_ ticket: Ticket, _ now: Date, _ t: Language) -> HTML? {
    guard ticket.state.isActive, ticket.deadlines.pausedAt == nil, let due = ticket.deadlines.next else { return nil }
    let left = due.timeIntervalSince(now)
    if left < 0 { return "<span class=\"chip miss\" title=\"\(t("missed"))\">−\(t.span(left))</span>" }
    return left < 3600 ? "<span class=\"chip risk\">\(t.span(left))</span>" : "<span class=\"chip\">\(t.span(left))</span>"
}

/// Text with the words looked for marked in it, compared without regard to case and accents.
func marked(_ text: String, _ words: [String]) -> HTML {
    var markup: HTML = ""
    var rest = text.startIndex
    for range in Snippet.hits(of: words, in: text) {
        markup += "\(String(text[rest..<range.lowerBound]))<mark>\(String(text[range]))</mark>"
        rest = range.upperBound
    }
    markup += "\(String(text[rest...]))"
    return markup
}
