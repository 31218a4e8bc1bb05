import Desk
import Domain
import Foundation
import Mail
import Markup
import Primitives

/// What is known about the ticket beside its conversation; a drawer where space is short.
func side(_ desk: DeskFrame, _ view: TicketView) -> HTML {
    let t = desk.t
    let survey: HTML? = view.survey?.rating.map {
        """
        <section><h2>\(t("Rating"))</h2><p><span class="stars">\($0.stars)</span> \(view.survey?.comment ?? "")</p>\
        </section>
        """
    }
    return """
        \(escalation(desk, view))\(clocks(desk, view.ticket))\(customer(desk, view))<section>\
        <h2>\(t("Ticket"))</h2>\(facts(desk, view))</section>\(people(desk, view))\(linkedTickets(desk, view))\(survey)\(mails(view, t))
        """
}

private func customer(_ desk: DeskFrame, _ view: TicketView) -> HTML {
    let t = desk.t
    let ticket = view.ticket
    let name = ticket.requesterLabel
    let known = view.acquaintance
    let rating = known.rating.map { t("rated {0}", String(format: "%.1f", $0)) }
    let tickets =
        known.tickets == 1
        ? t("1 ticket")
        : t("{0} tickets", known.tickets > Acquaintance.most ? "\(Acquaintance.most)+" : String(known.tickets))
    let rest = [t("{0} solved", String(known.solved)), rating].compactMap { $0 }.joined(separator: ", ")
    let history = Path("desk", "search", query: [("query", "from:\(ticket.requesterAddress)")])
    let organization: HTML? = known.organization.map {
        "<dt>\(t("Organization"))</dt><dd dir=\"auto\">\($0)</dd>"
    }
    return """
        <section><h2>\(t("Customer"))</h2><div class="row">\(face(name))<div class="grow">\
        <div class="strong cut" dir="auto">\(name)</div><div class="quiet cut">\(ticket.requesterAddress)</div></div></div>\
        <dl class="facts">\(organization)<dt>\(t("History"))</dt>\
        <dd><a href="\(href: history)">\(tickets)</a>, \(rest)</dd></dl>\(requesterLinks(desk, view))</section>
        """
}

private func tags(_ ticket: Ticket) -> HTML? {
    guard !ticket.tags.isEmpty else { return nil }
    let chips: [HTML] = ticket.tags.map { "<span class=\"chip plain\">\($0)</span>" }
    return "<div class=\"row wrap\">\(chips)</div>"
}

/// What can be mended about the requester: the person, and an address whose mail came back.
private func requesterLinks(_ desk: DeskFrame, _ view: TicketView) -> HTML? {
    guard desk.works, TicketAction.setRequester.isAllowed(in: view.ticket.state) else { return nil }
    let t = desk.t
    let returned: HTML? =
        view.isUndeliverable
        ? """
        <form class="stack" method="post" \
        action="\(href: partPath(view.ticket.number, "deliverable", at: desk.position))">\
        <input type="hidden" name="csrf" value="\(desk.csrf)">\
        <span class="fault">\(t("Email to this address bounced, so automatic email to it is paused."))</span>\
        <div class="row"><button class="button">\(t("Resume email"))</button></div></form>
        """ : nil
    return """
        \(returned)<p><a href="\(href: desk.actionPath(view.ticket.number, .setRequester))" data-dialog>\
        \(t("Change requester"))</a></p>
        """
}

/// Every email about the ticket and whether it was delivered, folded until somebody asks.
private func mails(_ view: TicketView, _ t: Language) -> HTML? {
    guard !view.mails.isEmpty else { return nil }
    let rows: [HTML] = view.mails.prefix(50).map { mail in
        let trouble: HTML? = mail.error.map { "<div class=\"fault\">\($0)</div>" }
        return
            """
            <li><div>\(t.mail(mail.kind))</div><div class="quiet">\
            <span class="cut">\(mail.address)</span> · \(deliveryState(mail.state, t)) · \
            \(moment(mail.sentAt ?? mail.createdAt))</div>\(trouble)</li>
            """
    }
    return
        """
        <section><details><summary>\(t("Emails ({0})", String(view.mails.count)))</summary>\
        <ul>\(rows)</ul></details></section>
        """
}

/// Of an escalated ticket: its level, when the customer hears next, and the way back.
private func escalation(_ desk: DeskFrame, _ view: TicketView) -> HTML? {
    let t = desk.t
    let ticket = view.ticket
    guard ticket.escalationLevel > 0, ticket.state.isActive else { return nil }
    let update: HTML? = view.nextUpdate.map { due in
        """
        <div class="row spread"><span>\(t("Next update to the customer"))</span>\
        <span class="num">\(t.span(max(0, due.timeIntervalSince(desk.now))))</span></div>
        """
    }
    let lowered: HTML? =
        ticket.priority < .urgent
        ? "<p>\(t("The priority was lowered, but the ticket is still escalated."))</p>" : nil
    let back: HTML? =
        desk.works && TicketAction.deEscalate.isAllowed(in: ticket.state)
        ? """
        <p><a href="\(href: desk.actionPath(ticket.number, .deEscalate))" data-dialog>\
        \(t("De-escalate"))</a></p>
        """
        : nil
    return
        """
        <section><h2>\(t("Escalated · level {0}", String(ticket.escalationLevel)))</h2>\
        <div class="clock">\(update)</div>\(lowered)\(back)</section>
        """
}

/// The targets of the service level: how much of each is used, and those that were met.
private func clocks(_ desk: DeskFrame, _ ticket: Ticket) -> HTML? {
    let t = desk.t
    guard let level = ticket.serviceLevel else { return nil }
    let deadlines = ticket.deadlines
    var lines: HTML = ""
    if ticket.state.isActive {
        if deadlines.pausedAt != nil {
            lines += "<p class=\"quiet\">\(t("Paused"))</p>"
        } else {
            if deadlines.firstRespondedAt == nil {
                lines += running(t("First response"), deadlines.firstResponseDueAt, desk, ticket)
            }
            lines += running(t("Resolution"), deadlines.resolutionDueAt, desk, ticket)
        }
    }
    if let responded = deadlines.firstRespondedAt, let due = deadlines.firstResponseDueAt {
        lines += over(t("First response"), responded, due, ticket, t)
    }
    if !ticket.state.isActive, let resolved = ticket.resolvedAt ?? ticket.closedAt, let due = deadlines.resolutionDueAt
    {
        lines += over(t("Resolution"), resolved, due, ticket, t)
    }
    return "<section><h2>\(t("SLA")) <span class=\"quiet\">\(level.name)</span></h2>\(lines)</section>"
}

private func running(_ title: String, _ due: Date?, _ desk: DeskFrame, _ ticket: Ticket) -> HTML {
    guard let due else { return "" }
    let t = desk.t
    let left = due.timeIntervalSince(desk.now)
    let style: HTML = left < 0 ? "miss" : left < 3600 ? "risk" : ""
    let whole = max(1, Int(due.timeIntervalSince(ticket.createdAt)))
    let used = min(whole, max(0, Int(desk.now.timeIntervalSince(ticket.createdAt))))
    return """
        <div class="clock"><div class="row"><span>\(title)</span><span class="num strong \(style)">\
        \(left < 0 ? t("{0} overdue", t.span(left)) : t("due in {0}", t.span(left)))</span></div>\
        <progress class="\(style)" max="\(whole)" value="\(used)" aria-label="\(t("{0}: time used", title))"></progress>\
        </div>
        """
}

/// A target that is behind: whether it was met.
private func over(_ title: String, _ at: Date, _ due: Date, _ ticket: Ticket, _ t: Language) -> HTML {
    let isMet = at <= due
    let words =
        isMet
        ? t("Met in {0}", t.span(at.timeIntervalSince(ticket.createdAt)))
        : t("Breached by {0}", t.span(at.timeIntervalSince(due)))
    return """
        <div class="clock done"><div class="row"><span>\(title)</span>\
        <span class="num \(isMet ? "ok" : "miss")">\(words)</span></div></div>
        """
}

private func people(_ desk: DeskFrame, _ view: TicketView) -> HTML {
    let t = desk.t
    let ticket = view.ticket
    func remove(_ action: TicketAction, _ field: String, _ value: String) -> HTML? {
        guard desk.works, action.isAllowed(in: ticket.state) else { return nil }
        return """
            <form method="post" action="\(href: desk.actionPath(ticket.number, action))">\
            <input type="hidden" name="csrf" value="\(desk.csrf)">\
            <input type="hidden" name="\(field)" value="\(value)">\
            <button class="link" aria-label="\(t("Remove {0}", value))">×</button></form>
            """
    }
    let agents: [HTML] = view.whole.agents.map {
        """
        <li><span class="cut grow" dir="auto">\($0.name)</span>\
        \(remove(.removeAgent, "agent", $0.email))</li>
        """
    }
    let customers: [HTML] = view.whole.collaborators.map {
        """
        <li><span class="cut grow">\($0.address)</span>\
        \(remove(.removeCollaborator, "email", $0.address))</li>
        """
    }
    let add: HTML? =
        desk.works && TicketAction.addAgent.isAllowed(in: ticket.state)
        ? """
        <div class="row wrap"><a href="\(href: desk.actionPath(ticket.number, .addAgent))" data-dialog>\
        \(t("Add agent"))</a>\
        <a href="\(href: desk.actionPath(ticket.number, .addCollaborator))" data-dialog>\(t("Add CC"))\
        </a></div>
        """ : nil
    let list: HTML? = agents.isEmpty && customers.isEmpty ? nil : "<ul>\(agents)\(customers)</ul>"
    return "<section><h2>\(t("Participants"))</h2>\(list)\(add)</section>"
}

private func facts(_ desk: DeskFrame, _ view: TicketView) -> HTML {
    let t = desk.t
    let ticket = view.ticket
    var rows: HTML = ""
    func row(_ name: String, _ value: String?) { rows += "<dt>\(name)</dt><dd>\(value ?? "–")</dd>" }
    row(t("Assignee"), ticket.assignee?.name)
    row(t("Team"), ticket.team?.name)
    row(t("Department"), ticket.department.name)
    row(t("Topic"), ticket.topic?.name)
    row(t("Priority"), t.priorityName(ticket.priority))
    row(t("Source"), t.source(ticket.source))
    if ticket.reopenedCount > 0 { row(t("Reopened"), String(ticket.reopenedCount)) }
    let labels = Dictionary(
        (view.choices.topics.first { $0.id == ticket.topic?.id }?.fields ?? []).map { ($0.key, $0.label) },
        uniquingKeysWith: { first, _ in first })
    if ticket.fieldsText != "{}", case .object(let fields)? = JSON(ticket.fieldsText) {
        for (name, value) in fields.sorted(by: { $0.key < $1.key }) {
            row(
                labels[name] ?? name,
                value == .bool(true) ? t("yes") : value == .bool(false) ? t("no") : fieldText(value))
        }
    }
    let change: HTML? =
        desk.works && ![.merged, .deleted].contains(ticket.state)
        ? """
        <p><a href="\(href: partPath(ticket.number, "change", at: desk.position))" data-dialog \
        data-key="d">\(t("Change details"))</a></p>
        """
        : nil
    return "<dl class=\"facts\">\(rows)</dl>\(tags(ticket))\(change)"
}
