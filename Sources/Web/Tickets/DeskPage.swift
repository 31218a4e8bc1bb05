import Desk
import Domain
import Foundation
import HTTPTypes
import Hummingbird
import Markup

/// What every page of the workspace is made with.
struct DeskFrame: Sendable {
    let frame: Frame
    let agent: Agent
    let counts: Counts
    /// The list, search or view that is being worked through.
    var position: ListPosition?
    /// What the agent has just done and can still take back, the newest first.
    var undoables: [Undoable] = []
    /// The views the agent may look at, and how many tickets those of the navigation hold.
    var views = ViewChoice.none
    var viewCounts: [SavedView.ID: ListCount] = [:]
    /// More may have happened since the views were counted: a page asks anew.
    var countsViewsAnew = false
    /// Set while the desk is a restored copy that keeps still.
    var restored: RestoredCopy?

    var t: Language { frame.t }
    var csrf: String { frame.csrf }
    var now: Date { frame.now }
    var works: Bool { agent.role >= .agent }
}

extension Call {
    func deskFrame() async throws -> DeskFrame {
        let agent = try self.agent()
        var made = DeskFrame(
            frame: frame, agent: agent, counts: try await desk.counts.counts(for: agent, on: desk), position: position)
        made.restored = desk.settings.current.restored
        made.views = try await desk.views.views(for: agent, on: desk)
        let known = desk.views.knownCounts(for: agent, of: made.views, on: desk)
        (made.viewCounts, made.countsViewsAnew) = (known.counts, !known.isFresh)
        if !known.isFresh { desk.views.countSoon(for: agent, of: made.views, on: desk) }
        // A view of others is no place.
        if let view = position?.view, made.views[view] == nil { made.position = nil }
        // Only a browser that has just done something makes the page ask.
        if Cookies.value(Cookies.undo, in: request, desk) != nil {
            let now = made.now
            made.undoables = try await desk.read { try $0.undoables(of: agent.id, now: now) }
        }
        return made
    }
}

/// The ticket a page shows, and the last that had happened to it then.
struct Watched: Equatable {
    let ticket: Int64
    let event: Int64
    /// Whether there is a place to write on it.
    var hasComposer = true
}

/// Where in the workspace a page is, so that the rail shows it.
enum Place: Equatable {
    case list(WorkList)
    case view(SavedView.ID)
    case views, search, feedback, people, articles, administration, account, other
}

/// A page of the workspace: bar, navigation, and what belongs to the page.
///
/// - Parameter watched: the ticket the page shows, to hear of its news.
func deskPage(
    _ title: String, _ desk: DeskFrame, at place: Place, query: String = "", watched: Watched? = nil,
    dialog: Dialog? = nil, _ content: HTML
) -> HTML {
    let t = desk.t
    let watching: HTML? = watched.map { " data-ticket=\"\($0.ticket)\"" }
    // The list that the page shows, or has beside the ticket: of this one it wants the news.
    let shown: WorkList? = if case .list(let list) = place { list } else { desk.position?.list }
    let list: HTML? = shown.map { " data-list=\"\($0.rawValue)\"" }
    let live = Path(
        "desk", "live",
        query: [("seen", String(desk.counts.generation))]
            + (watched.map { [("ticket", String($0.ticket)), ("event", String($0.event))] } ?? []))
    // A ticket's page has the bars above its composer.
    let undo: HTML? = watched == nil ? undoBars(desk).map { "<div class=\"undos\">\($0)</div>" } : nil
    let toReply: HTML? =
        watched?.hasComposer ?? false
        ? "<a class=\"skip\" href=\"#reply-body\">\(t("Skip to the reply"))</a>" : nil
    // One button of a page stands out: where tickets are listed it is the one for a new ticket.
    let isList: Bool =
        switch place {
        case .list, .search, .view: watched == nil
        default: false
        }
    return deskDocument(
        title, desk.frame,
        """
        <body><a class="skip" href="#content">\(t("Skip to the content"))</a>\(toReply)\(restoredBanner(desk))\
        \(ClockNotice.html(desk))<div class="desk" data-live="\(href: live)" data-csrf="\(desk.csrf)" \
        data-agent="\(desk.agent.id.number)"\(watching)\(list)\
         data-words-reading="\(t("{0} is reading"))" data-words-writing="\(t("{0} is writing"))" \
         data-words-kept="\(t("Draft saved"))" \
         data-words-unkept="\(t("You're offline. We'll save when you're back."))" \
         data-words-offline="\(t("You're offline. Try again when you're back."))" \
         data-words-restored="\(t("What you typed before is back. It isn't saved yet."))" \
         data-words-discard="\(t("Discard"))" \
         data-words-new="\(t("New activity"))" data-words-selected="\(t("{0} selected"))" \
         data-words-copied="\(t("Copied"))" data-words-place="\(t("{0} of {1}"))" \
         data-palette="\(href: Assets.palette.path)">
        \(topBar(desk, query: query, isList: isList))
        \(navigation(desk, at: place))\(content)\(undo)\(actionDialog(dialog, t))\(keysDialogs[t.code])\(paletteDialogs[t.code])</div></body>
        """)
}

private func topBar(_ desk: DeskFrame, query: String, isList: Bool) -> HTML {
    let t = desk.t
    let style: HTML = isList ? "button new primary" : "button new"
    let newTicket: HTML? =
        desk.works
        ? """
        <a class="\(style)" href="\(href: Path("desk", "new"))" data-key="c" title="\(t("New ticket")) (C)">\
        \(Icon.plus.html)<span>\(t("New ticket"))</span></a>
        """
        : nil
    return """
        <header class="top"><div class="row"><button type="button" class="button plain icon-only nav-button" \
        popovertarget="nav" aria-label="\(t("Open navigation"))">\(Icon.menu.html)</button>\
        <a class="brand" href="\(href: Path("desk"))">\(logo)<span>\(desk.frame.deskName)</span></a></div>\
        <form class="search" role="search" action="\(href: Path("desk", "search"))">\(Icon.search.html)\
        <label class="unseen" for="find">\(t("Search"))</label>\
        <input id="find" name="query" type="search" value="\(query)" \
        placeholder="\(t("Search tickets"))" data-key="/"><kbd aria-hidden="true">/</kbd></form>\(newTicket)\
        <details class="more"><summary class="me" title="\(desk.agent.name)">\
        <span class="unseen">\(t("Your account")), \(desk.agent.name)</span>\
        \(face(desk.agent.name))</summary><div class="menu">\
        <a href="\(href: Path("desk", "account"))">\(Icon.user.html)\(t("Your account"))</a>\
        <button type="button" data-key="?" data-keys hidden>\(Icon.info.html)\(t("Keyboard shortcuts")) \
        <kbd>?</kbd></button><a href="\(href: Path())">\(Icon.eye.html)\(t("Customer portal"))</a><hr>\
        \(Theme.form(desk.frame, from: desk.position?.path ?? Path("desk")))<hr>\
        <form method="post" action="\(href: Path("sign-out"))">\
        <input type="hidden" name="csrf" value="\(desk.csrf)">\
        <button>\(Icon.out.html)\(t("Sign out"))</button></form></div></details></header>
        """
}

/// The same on every page, so made once for each language.
private let keysDialogs = Dictionary(uniqueKeysWithValues: Language.all.map { ($0.code, keysDialog($0)) })

/// What the keyboard does, by `?`.
private func keysDialog(_ t: Language) -> HTML {
    let keys: [(String, String)] = [
        ("J K", t("next, previous ticket")), ("X", t("select")), ("/", t("search")),
        ("Ctrl K", t("open the command palette")), ("C", t("new ticket")), ("R M", t("write a reply")),
        ("N", t("write a note")),
        ("E", t("resolve")), ("O", t("reopen")), ("A", t("assign")), ("T", t("assign to me")), ("U", t("escalate")),
        ("W", t("wait for the customer")), ("D", t("change details")), ("Z", t("undo the last action")),
        ("G N", t("go to Up next")), ("G E", t("go to Escalated")), ("G M", t("go to My tickets")),
        ("G A", t("go to Customer replied")), ("G U", t("go to Unassigned")), ("G T", t("go to My teams")),
        ("G O", t("go to All open")), ("G W", t("go to Pending and on hold")), ("G C", t("go to Closed")),
        ("Ctrl ↵", t("send")),
        ("Ctrl B I E", t("bold, italic, code, while writing")), ("Ctrl K", t("link, while writing")),
        ("Ctrl ⇧ 8 7 .", t("list, numbered list, quote, while writing")),
        ("Tab", t("indent a list item; Esc, then Tab, leaves the field")),
        ("Esc", t("leave a field, close a menu")), ("?", t("show this list")),
    ]
    let rows: [HTML] = keys.map { "<dt><kbd>\($0.0)</kbd></dt><dd>\($0.1)</dd>" }
    return
        """
        <dialog id="keys" aria-labelledby="keys-title"><div class="row spread">\
        <h2 id="keys-title">\(t("Keyboard shortcuts"))</h2>\
        <button type="button" class="button plain" data-close aria-label="\(t("Close"))">×</button></div>\
        <dl class="keys">\(rows)</dl></dialog>
        """
}

private let paletteDialogs = Dictionary(uniqueKeysWithValues: Language.all.map { ($0.code, paletteDialog($0)) })

/// What Ctrl K opens; its commands are put in by the script, from what the page offers.
private func paletteDialog(_ t: Language) -> HTML {
    """
    <dialog class="palette" id="palette" aria-label="\(t("Command palette"))" \
    data-words-this-ticket="\(t("This ticket"))" data-words-go-to="\(t("Go to"))" \
    data-words-tickets="\(t("Tickets"))" data-words-selected="\(t("{0} selected"))" \
    data-words-open-ticket="\(t("Ticket #{0}"))" data-words-search-for="\(t("Search tickets for “{0}”"))">\
    <div class="ask">\(Icon.search.html)<input role="combobox" aria-expanded="true" aria-controls="palette-commands" \
    aria-autocomplete="list" aria-label="\(t("Search or run a command…"))" placeholder="\(t("Search or run a command…"))" \
    autocomplete="off" spellcheck="false" autofocus><kbd aria-hidden="true">Esc</kbd></div>\
    <div class="menu" role="listbox" id="palette-commands" aria-label="\(t("Commands"))"></div>\
    <footer aria-hidden="true"><span><kbd>↑</kbd> <kbd>↓</kbd> \(t("move"))</span>\
    <span><kbd>↵</kbd> \(t("run"))</span><span class="end"><kbd>#</kbd> \(t("ticket number"))</span></footer></dialog>
    """
}

private func navigation(_ desk: DeskFrame, at place: Place) -> HTML {
    let t = desk.t
    func item(_ list: WorkList) -> HTML {
        let current: HTML? = place == .list(list) ? " aria-current=\"page\"" : nil
        let title = t.list(list)
        let count: HTML? = desk.counts.lists[list].map {
            let style: HTML = list == .missed && $0.number > 0 ? "num miss" : "num"
            return "<span class=\"\(style)\" data-count=\"\(list.rawValue)\">\($0.text)</span>"
        }
        return """
            <a href="\(href: listPath(list))" title="\(title)"\(current)>\(icon(of: list).html)<span>\(title)</span> \
            \(count)</a>
            """
    }
    func link(_ path: Path, _ title: String, _ icon: Icon, _ here: Place) -> HTML {
        let current: HTML? = place == here ? " aria-current=\"page\"" : nil
        return "<a href=\"\(href: path)\" title=\"\(title)\"\(current)>\(icon.html)<span>\(title)</span></a>"
    }
    let mine: [HTML] = [WorkList.next, .escalated, .mine, .answered].map(item)
    let teams: [HTML] = [WorkList.unassigned, .teams, .missed].map(item)
    // Only who may mark and unmark it looks after spam.
    let all: [HTML] = ([WorkList.open, .waiting, .closed] + (desk.works ? [.spam] : [])).map(item)
    let saved: [HTML] = desk.views.shown.map { savedView($0, desk, at: place) }
    let others: HTML? =
        desk.views.all.isEmpty ? nil : link(Path("desk", "views"), t("All views"), .more, .views)
    let stale: HTML? = desk.countsViewsAnew && !saved.isEmpty ? " data-stale" : nil
    let administration: HTML? =
        desk.agent.role == .administrator
        ? link(Path("admin"), t("Administration"), .gear, .administration) : nil
    return """
        <nav class="nav" id="nav" popover aria-label="\(t("Main"))"\(stale)><h2>\(t("My work"))</h2>\(mine)\
        <h2>\(t("Team"))</h2>\(teams)<h2>\(t("Views"))</h2>\(all)\(saved)\(others)\
        <h2>\(t("Desk"))</h2>\(link(Path("desk", "feedback"), t("Feedback"), .wave, .feedback))\
        \(link(Path("desk", "people"), t("People"), .users, .people))\
        \(desk.works ? link(Path("desk", "kb"), t("Knowledge base"), .book, .articles) : nil)\(administration)</nav>
        """
}

/// A saved view in the navigation. Its first letter stands alone where there is no room for words.
private func savedView(_ view: SavedView, _ desk: DeskFrame, at place: Place) -> HTML {
    let current: HTML? = place == .view(view.id) ? " aria-current=\"page\"" : nil
    return """
        <a href="\(href: ListPosition(.view(view.id)).path)" title="\(view.name)"\(current)>\
        <span class="glyph" aria-hidden="true">\(initials(String(view.name.prefix(1))))</span>\
        <span class="cut" dir="auto">\(view.name)</span> \
        <span class="num" data-count="view-\(view.id.number)">\(desk.viewCounts[view.id]?.text ?? "")</span></a>
        """
}

private func icon(of list: WorkList) -> Icon {
    switch list {
    case .next: .inbox
    case .escalated: .flame
    case .mine: .user
    case .answered: .chat
    case .unassigned: .plus
    case .teams: .users
    case .missed: .alert
    case .open: .folder
    case .waiting: .snooze
    case .closed: .check
    case .spam: .ban
    }
}
