import Desk
import Domain
import Foundation
import Mail
import Markup
import Primitives

func ticketPage(_ desk: DeskFrame, _ view: TicketView, _ notice: TicketNotice) -> HTML {
    let t = desk.t
    let ticket = view.ticket
    let place = desk.position?.place ?? .other
    let pane: HTML? = desk.position.map { position in
        """
        <section class="pane" aria-label="\(desk.title(of: position))" data-pane="\(href: position.path)"></section>
        """
    }
    let next = notice.offersNext ? waysOn(desk, view, notice) : nil
    let undo = undoBars(desk, on: ticket.number, next: next)
    let said: HTML? = notice.said.map { words in
        "<div class=\"undo\" data-said><span class=\"grow\" role=\"status\">\(words)</span>\(next)</div>"
    }
    let writing = composer(desk, view, notice)
    let bars: HTML? =
        undo == nil && said == nil ? nil : "<div class=\"bars\"><div class=\"undos\">\(said)\(undo)</div></div>"
    return deskPage(
        "#\(ticket.number) \(ticket.subject)", desk, at: place, query: desk.position?.search ?? "",
        watched: Watched(ticket: ticket.number, event: view.lastEvent, hasComposer: writing != nil),
        dialog: notice.dialog,
        """
        <main class="main"><div class="work">\(pane)<section class="talk ticket" id="content" tabindex="-1" \
        aria-label="\(t("Ticket #{0}", String(ticket.number)))" data-last="\(view.lastEntry)" \
        data-address="\(href: ticketPath(ticket.number, at: desk.position))">\
        <div class="tools" role="group" aria-label="\(t("Actions"))" data-refresh="tools">\(tools(desk, view))</div>\
        <header class="subject-bar" data-refresh="head">\(header(desk, view))</header>\
        <div class="scroll" data-refresh="talk" tabindex="0" role="region" aria-label="\(t("Conversation"))">\
        <div class="thread">\(thread(desk, view, notice))</div></div>\(bars)\(writing)</section>\
        <aside class="side" id="details" popover aria-label="\(t("Ticket details"))">\
        <div class="side-head">\(t("Details"))<button type="button" class="button plain icon-only end" \
        popovertarget="details" aria-label="\(t("Close details"))">\(Icon.x.html)</button></div>\
        <div data-refresh="aside">\(side(desk, view))</div></aside></div></main>
        """)
}

/// Where to go on from what was just done, in the list that the ticket was opened from.
private func waysOn(_ desk: DeskFrame, _ view: TicketView, _ notice: TicketNotice) -> HTML? {
    let t = desk.t
    return desk.position.map { position in
        """
        <a class="button" href="\(href: nextPath(position, after: notice.after, not: view.ticket.number))">\
        \(t("Next ticket"))</a>\
        <a class="button" href="\(href: position.path)">\(t("Back to {0}", desk.title(of: position)))</a>
        """
    }
}

// MARK: the head

private func header(_ desk: DeskFrame, _ view: TicketView) -> HTML {
    let t = desk.t
    let ticket = view.ticket
    let merged: HTML? = view.whole.mergedInto.map {
        "<span>\(t("Merged into")) <a href=\"\(href: ticketPath($0))\">#\($0)</a></span>"
    }
    let others = view.present.filter { $0.agent != desk.agent.id }.map {
        t($0.mode == .writing ? "{0} is writing" : "{0} is reading", $0.name)
    }
    let back: HTML? = desk.position.map {
        """
        <a class="button plain icon-only back" href="\(href: $0.path)" \
        aria-label="\(t("Back to {0}", desk.title(of: $0)))">\(Icon.left.html)</a>
        """
    }
    return """
        \(back)<h1 dir="auto">\(ticket.subject)</h1><div class="row">\
        <span class="quiet num number">#\(ticket.number)</span>\(chips(ticket, desk.now, t))\(merged)\
        <span class="end typing" data-present aria-live="polite">\(others.joined(separator: ", "))</span></div>
        """
}

/// State, level of escalation, priority and what is due soon: only what says something.
private func chips(_ ticket: Ticket, _ now: Date, _ t: Language) -> HTML {
    var html = HTML(capacity: 400)
    html += "<span class=\"chip\">\(t.status(ticket.state))</span>"
    if ticket.escalationLevel > 0 {
        let level = String(ticket.escalationLevel)
        html +=
            """
            <span class="chip miss">\(Icon.flame.html)<span class="wide">\(t("Escalated · level {0}", level))</span>\
            <span class="narrow">\(t("Level {0}", level))</span></span>
            """
    }
    if ticket.priority != .normal { html += "<span class=\"chip plain\">\(t.priorityName(ticket.priority))</span>" }
    if ticket.state.isActive, let due = ticket.deadlines.next, due.timeIntervalSince(now) < 3600 {
        let isResponse = ticket.deadlines.firstRespondedAt == nil && ticket.deadlines.firstResponseDueAt == due
        writeDue(due, isResponse: isResponse, to: &html, now, t)
    }
    return html
}

/// What can be done now, the likeliest first; every button is a link to a page with the same form.
private func tools(_ desk: DeskFrame, _ view: TicketView) -> HTML {
    let t = desk.t
    let actions: HTML? = desk.works ? actionBar(desk, view) : nil
    let moves: HTML? =
        desk.position == nil
        ? nil
        : """
        <span class="quiet num nowrap wide" data-place></span><button type="button" \
        class="button plain icon-only prev script-only" data-move="-1" aria-label="\(t("Previous ticket"))" \
        title="\(t("Previous ticket")) (K)">\(Icon.up.html)</button>\
        <button type="button" class="button plain icon-only script-only" data-move="1" aria-label="\(t("Next ticket"))" \
        title="\(t("Next ticket")) (J)">\(Icon.down.html)</button>
        """
    return """
        \(actions)<span class="end row">\(moves)<button type="button" \
        class="button plain icon-only details-button" popovertarget="details" aria-label="\(t("Ticket details"))">\
        \(Icon.details.html)</button></span>
        """
}

private func actionBar(_ desk: DeskFrame, _ view: TicketView) -> HTML {
    let t = desk.t
    let state = view.ticket.state
    let keys: [TicketAction: String] = [
        .resolve: "e", .assign: "a", .escalate: "u", .wait: "w", .claim: "t", .reopen: "o",
    ]
    /// - Parameters:
    ///   - extra: a class for where it is hidden when space is short.
    ///   - isAgain: it stands on the page already, with its key.
    func button(
        _ action: TicketAction, _ icon: Icon?, inMenu: Bool = false, extra: String = "", isAgain: Bool = false
    ) -> HTML? {
        guard action.isAllowed(in: state) else { return nil }
        if action == .claim, view.ticket.assignee?.id == desk.agent.id { return nil }
        if action == .release, view.ticket.assignee == nil { return nil }
        if action == .deEscalate, view.ticket.escalationLevel == 0 { return nil }
        let style: HTML? = inMenu ? nil : " class=\"button plain\(extra)\""
        let key: HTML? =
            isAgain
            ? nil
            : keys[action].map {
                " data-key=\"\($0)\" title=\"\(t.action(action)) (\($0.uppercased()))\""
            }
        if isPlain(action) {
            return """
                <form method="post" action="\(href: desk.actionPath(view.ticket.number, action))">\
                <input type="hidden" name="csrf" value="\(desk.csrf)">\
                <button\(style)\(key)>\(icon?.html)\(t.action(action))</button></form>
                """
        }
        return
            """
            <a\(style) href="\(href: desk.actionPath(view.ticket.number, action))" data-dialog\(key)>\
            \(icon?.html)\(t.action(action))</a>
            """
    }
    let front: [HTML?] = [
        button(.resolve, .check), button(.reopen, .reply), button(.claim, .user, extra: " hide-1 hide-2"),
        button(.assign, .users), button(.escalate, .flame, extra: " hide-1"), button(.resume, .right),
        button(.unmerge, .merge),
    ]
    let rest: [HTML?] = [
        button(.wait, .clock, inMenu: true), button(.hold, .snooze, inMenu: true),
        button(.deEscalate, .down, inMenu: true), button(.confirm, .check, inMenu: true),
        button(.transfer, .folder, inMenu: true), button(.release, .user, inMenu: true),
        button(.merge, .merge, inMenu: true), button(.close, .lock, inMenu: true), button(.spam, .ban, inMenu: true),
    ]
    let more = rest.compactMap { $0 }
    guard !more.isEmpty else { return "\(front.compactMap { $0 })" }
    // What the bar has no place for on a phone stands in the menu there.
    let hidden: [HTML?] = [
        button(.claim, .user, inMenu: true, isAgain: true), button(.escalate, .flame, inMenu: true, isAgain: true),
    ]
    return """
        \(front.compactMap { $0 })<details class="more start">\
        <summary class="button plain icon-only" aria-label="\(t("More actions"))" title="\(t("More actions"))">\
        \(Icon.more.html)</summary><div class="menu"><div class="folded-actions">\(hidden.compactMap { $0 })</div>\
        \(more)</div></details>
        """
}

/// Done by one press, without a question.
func isPlain(_ action: TicketAction) -> Bool { [.claim, .release, .resume, .confirm].contains(action) }
extension DeskFrame {
    func actionPath(_ number: Int64, _ action: TicketAction) -> Path {
        partPath(number, "do", action.rawValue, at: position)
    }
}
