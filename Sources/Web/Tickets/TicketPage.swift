import Desk
import Domain
import Foundation
import Mail
import Markup
import Primitives

func ticketPage(_ desk: DeskFrame, _ view: TicketView, _ notice: TicketNotice) -> HTML {
    let t = desk.t
    let ticket = view.ticket
    let place = desk.position.map { position in position.list.map { Place.list($0) } ?? .search } ?? .other
    let pane: HTML? = desk.position.map { position in
        """
        <section class="list pane" aria-label="\(desk.title(of: position))" data-pane="\(href: position.path)">\
        </section>
        """
    }
    return deskPage(
        "#\(ticket.number) \(ticket.subject)", desk, at: place, query: desk.position?.search ?? "",
        watched: Watched(ticket: ticket.number, event: view.lastEvent), dialog: notice.dialog,
        """
        \(pane)<main class="ticket" id="content" data-last="\(view.lastEntry)" \
        data-address="\(href: ticketPath(ticket.number, at: desk.position))">\
        <header data-refresh="head">\(header(desk, view, notice))</header>\(saidBar(desk, view, notice))\
        \(undoBars(desk))\
        <div class="talk" data-refresh="talk" tabindex="0" role="region" aria-label="\(t("Conversation"))">\
        \(talk(desk, view, notice))</div>\(composer(desk, view, notice))</main>\
        <aside class="aside" data-refresh="aside" aria-label="\(t("About this ticket"))">\(aside(desk, view))</aside>
        """)
}

/// What was just done, and where to go on from it.
private func saidBar(_ desk: DeskFrame, _ view: TicketView, _ notice: TicketNotice) -> HTML? {
    let t = desk.t
    guard notice.offersNext, let position = desk.position else { return said(notice.said) }
    let words: HTML? =
        notice.said.map { "<span class=\"grow\" role=\"status\">\($0)</span>" } ?? "<span class=\"grow\"></span>"
    return """
        <div class="row wrap said">\(words)<a class="button" \
        href="\(href: nextPath(position, after: notice.after, not: view.ticket.number))">\(t("Next ticket"))</a>\
        <a class="button plain" href="\(href: position.path)">\(t("Back to {0}", desk.title(of: position)))</a></div>
        """
}

/// For some seconds a reply can be taken back, from whatever page its writer has gone on to; the page counts them down.
func undoBars(_ desk: DeskFrame) -> HTML? {
    guard !desk.secondThoughts.isEmpty else { return nil }
    let t = desk.t
    let bars: [HTML] = desk.secondThoughts.enumerated().map { index, second in
        let path = partPath(second.ticket, "entries", second.entry.description, "take-back", at: desk.position)
        let left = max(1, Int(second.until.timeIntervalSince(desk.now).rounded(.up)))
        let key: HTML? = index == 0 ? " data-key=\"z\"" : nil
        let shown: HTML? = index == 0 ? " <kbd>Z</kbd>" : nil
        return """
            <form class="row said" method="post" action="\(href: path)" data-takeback="\(left)">\
            <input type="hidden" name="csrf" value="\(desk.csrf)">\
            <span class="grow" role="status">\(t("Sending your reply to #{0}…", String(second.ticket)))</span>\
            <span class="num" aria-hidden="true">\(left)</span>\
            <button class="button"\(key)>\(t("Undo"))\(shown)</button></form>
            """
    }
    return "\(bars)"
}

// MARK: the head

private func header(_ desk: DeskFrame, _ view: TicketView, _ notice: TicketNotice) -> HTML {
    let t = desk.t
    let ticket = view.ticket
    let merged: HTML? = view.whole.mergedInto.map {
        "<p>\(t("Merged into")) <a href=\"\(href: ticketPath($0))\">#\($0)</a></p>"
    }
    let others = view.present.filter { $0.agent != desk.agent.id }.map {
        t($0.mode == .writing ? "{0} is writing" : "{0} is reading", $0.name)
    }
    let back: HTML? = desk.position.map {
        "<a class=\"small quiet back\" href=\"\(href: $0.path)\">← \(desk.title(of: $0))</a>"
    }
    return """
        <div class="row wrap">\(back)<span class="small quiet num">#\(ticket.number)</span>\
        \(chips(ticket, desk.now, t))<span class="grow"></span>\
        <span class="small quiet" data-present aria-live="polite">\(others.joined(separator: ", "))</span></div>\
        <h1 dir="auto">\(ticket.subject)</h1>\(merged)\(desk.works ? actionBar(desk, view) : nil)
        """
}

/// What can be done now, the likeliest first; every button is a link to a page with the same form.
private func actionBar(_ desk: DeskFrame, _ view: TicketView) -> HTML {
    let t = desk.t
    let state = view.ticket.state
    let keys: [TicketAction: String] = [
        .resolve: "e", .assign: "a", .escalate: "u", .wait: "w", .claim: "t", .reopen: "o",
    ]
    func button(_ action: TicketAction, first: Bool = false) -> HTML? {
        guard action.isAllowed(in: state) else { return nil }
        if action == .claim, view.ticket.assignee?.id == desk.agent.id { return nil }
        if action == .release, view.ticket.assignee == nil { return nil }
        if action == .deEscalate, view.ticket.escalationLevel == 0 { return nil }
        let style: HTML = first ? "button first" : "button"
        let key: HTML? = keys[action].map { " data-key=\"\($0)\"" }
        let shown: HTML? = keys[action].map { " <kbd>\($0.uppercased())</kbd>" }
        if isPlain(action) {
            return """
                <form method="post" action="\(href: desk.actionPath(view.ticket.number, action))">\
                <input type="hidden" name="csrf" value="\(desk.csrf)">\
                <button class="\(style)"\(key)>\(t.action(action))\(shown)</button></form>
                """
        }
        return
            """
            <a class="\(style)" href="\(href: desk.actionPath(view.ticket.number, action))" data-dialog\(key)>\
            \(t.action(action))\(shown)</a>
            """
    }
    let front: [HTML?] = [
        button(.resolve, first: state.isActive), button(.reopen, first: !state.isActive), button(.claim),
        button(.assign), button(.escalate), button(.wait), button(.resume),
    ]
    let more: [HTML?] = [
        button(.deEscalate), button(.confirm), button(.hold), button(.transfer), button(.release), button(.close),
        button(.merge), button(.spam),
    ]
    let rest = more.compactMap { $0 }
    guard !rest.isEmpty else { return "<div class=\"row wrap actions\">\(front.compactMap { $0 })</div>" }
    return """
        <div class="row wrap actions">\(front.compactMap { $0 })<details class="more">\
        <summary class="button plain">\(t("More"))</summary><div class="menu">\(rest)</div></details></div>
        """
}

/// Done by one press, without a question.
func isPlain(_ action: TicketAction) -> Bool { [.claim, .release, .resume, .confirm].contains(action) }
extension DeskFrame {
    func actionPath(_ number: Int64, _ action: TicketAction) -> Path {
        partPath(number, "do", action.rawValue, at: position)
    }
}

// MARK: the conversation

private func talk(_ desk: DeskFrame, _ view: TicketView, _ notice: TicketNotice) -> HTML {
    let t = desk.t
    var parts: HTML = ""
    if view.hasEarlier {
        parts +=
            """
            <p class="small"><a href="\(href: ticketPath(view.ticket.number, at: desk.position, [("all", "1")]))">\
            \(t("Show what was said before"))</a></p>
            """
    }
    // Agents are named; events keep their addresses.
    let names = Dictionary(
        (view.choices.agents + view.whole.agents).map { ($0.email.lowercased(), $0.name) },
        uniquingKeysWith: { first, _ in first })
    let first = view.hasEarlier ? view.entries.first?.at ?? .distantPast : .distantPast
    var events = view.events.filter { $0.at >= first && tells($0) }[...]
    for entry in view.entries {
        while let event = events.first, event.at < entry.at {
            parts += eventLine(event, names, t)
            events.removeFirst()
        }
        parts += entryBlock(entry, desk, view, notice)
    }
    for event in events { parts += eventLine(event, names, t) }
    return parts
}

/// What an entry already says needs no line of its own.
private func tells(_ event: TicketEvent) -> Bool {
    switch event.kind {
    case .replied, .noted: false
    case .received: !event.reason.isEmpty
    default: true
    }
}

private func entryBlock(_ entry: Entry, _ desk: DeskFrame, _ view: TicketView, _ notice: TicketNotice) -> HTML {
    let t = desk.t
    let name = entry.author.name.isEmpty ? entry.author.address ?? t("Somebody") : entry.author.name
    let how: String =
        switch entry.kind {
        case .note: t("internal note")
        case .reply:
            t("to {0}", view.ticket.requesterName.isEmpty ? view.ticket.requesterAddress : view.ticket.requesterName)
        case .message: t.source(entry.source)
        }
    let body = words(
        of: entry, files: { Path("desk", "attachments", $0) },
        remote: notice.showsPictures ? { picture($0, of: entry.id, notice.pictureSigner) } : nil, t)
    let blocked: HTML? =
        !notice.showsPictures && entry.html?.contains("data-remote=") ?? false
        ? """
        <p class="small quiet">\(t("Remote images are hidden to protect your privacy.")) \
        <a href="\(href: ticketPath(view.ticket.number, at: desk.position, [("pictures", "1")]))">\
        \(t("Show images"))</a></p>
        """
        : nil
    let files: [HTML] = entry.attachments.map { file in
        """
        <li><a href="\(href: Path("desk", "attachments", file.id.description))">\(file.name)</a> \
        <span class="quiet small">\(fileSize(file.size))\
        \(isSignature(file) ? " · " + t("signature, not checked") : nil)</span></li>
        """
    }
    let list: HTML? = files.isEmpty ? nil : "<ul class=\"files\">\(files)</ul>"
    let stranger: HTML? = entry.author.isStranger ? " <span class=\"chip risk\">\(t("new here"))</span>" : nil
    let unverified: HTML? =
        entry.provenance.isUnverified ? " <span class=\"chip risk\">\(t("unverified sender"))</span>" : nil
    let sent: HTML? = entry.provenance.sentBy.map { sentBy($0, t) }
    let join: HTML? = entry.author.isStranger ? bringIn(entry.author, desk, view) : nil
    let original: HTML? =
        entry.source == .email && entry.kind == .message
        ? """
        <p class="small"><a class="quiet" \
        href="\(href: Path("desk", "entries", entry.id.description, "original"))">\(t("Original message"))</a></p>
        """
        : nil
    let style: HTML = entry.kind == .note ? "entry note" : entry.kind == .reply ? "entry reply" : "entry"
    return """
        <article class="\(style)" id="entry-\(entry.id.description)">\(face(name))<div><div class="row spread small">\
        <span><strong dir="auto">\(name)</strong> <span class="quiet">\(how)</span>\(stranger)\(unverified)</span>\
        <span class="quiet">\(moment(entry.at))\(deliveryWord(view.deliveries[entry.id] ?? [], t))</span></div>\(sent)\
        <div class="body" dir="auto">\(body)\(list)\(blocked)</div>\(join)\(original)</div></article>
        """
}

/// Who really sent a message that speaks for somebody else.
private func sentBy(_ sent: SentBy, _ t: Language) -> HTML {
    func person(_ address: MailAddress) -> String {
        address.name.isEmpty ? address.address : "\(address.name) <\(address.address)>"
    }
    let words = [
        sent.from.map { t("Sent by {0}", person($0)) }, sent.sender.map { t("Sender: {0}", person($0)) },
        sent.envelope.map { t("Envelope sender: {0}", $0) },
        sent.replyTo.map { t("Reply-To: {0}", $0) },
    ].compactMap { $0 }
    return "<p class=\"small quiet\">\(words.joined(separator: " · "))</p>"
}

/// One press lets somebody who wrote with another's mail take part.
private func bringIn(_ author: Author, _ desk: DeskFrame, _ view: TicketView) -> HTML? {
    guard let address = author.address, desk.works, TicketAction.addCollaborator.isAllowed(in: view.ticket.state),
        !view.whole.collaborators.contains(where: { $0.address == address })
    else { return nil }
    return """
        <form class="row small" method="post" action="\(href: desk.actionPath(view.ticket.number, .addCollaborator))">\
        <input type="hidden" name="csrf" value="\(desk.csrf)"><input type="hidden" name="email" value="\(address)">\
        <span class="quiet grow">\(desk.t("{0} receives nothing from this ticket.", address))</span>\
        <button class="button">\(desk.t("Add as CC"))</button></form>
        """
}

/// Of S/MIME (RFC 8551) or OpenPGP (RFC 3156): kept, and said to be unchecked.
private func isSignature(_ file: Attachment) -> Bool {
    ["application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature"].contains(file.type)
}

/// How the mails of a reply fare: the worst of them, with the rest at hand.
private func deliveryWord(_ deliveries: [Delivery], _ t: Language) -> HTML? {
    guard !deliveries.isEmpty else { return nil }
    let bad = deliveries.first { [.failed, .bounced, .unknown].contains($0.state) }
    let waiting = deliveries.first { [.queued, .sending, .deferred].contains($0.state) }
    let detail = deliveries.map { "\($0.address): \(deliveryState($0.state, t))\($0.error.map { " (\($0))" } ?? "")" }
        .joined(separator: "\n")
    if let bad { return " · <span class=\"chip miss\" title=\"\(detail)\">\(deliveryState(bad.state, t))</span>" }
    return " · <span title=\"\(detail)\">\(deliveryState((waiting ?? deliveries[0]).state, t))</span>"
}

func deliveryState(_ state: OutboxMail.State, _ t: Language) -> String {
    switch state {
    case .queued: t("waiting to be sent")
    case .sending: t("being sent")
    case .sent: t("delivered")
    case .deferred: t("will be tried again")
    case .failed: t("not delivered")
    case .unknown: t("delivery unknown")
    case .bounced: t("came back")
    case .cancelled: t("cancelled")
    }
}

private func eventLine(_ event: TicketEvent, _ names: [String: String], _ t: Language) -> HTML {
    let why: HTML? =
        event.reason.isEmpty
        ? nil : "<details class=\"why\"><summary>\(t("why"))</summary><div>\(event.reason)</div></details>"
    return "<div class=\"event\">\(moment(event.at)) · \(eventWords(event, t, names: names)) \(why)</div>"
}

// MARK: the aside

private func aside(_ desk: DeskFrame, _ view: TicketView) -> HTML {
    let t = desk.t
    let ticket = view.ticket
    let name = ticket.requesterName.isEmpty ? ticket.requesterAddress : ticket.requesterName
    let known = view.acquaintance
    let organization: HTML? = known.organization.map { "<div class=\"small quiet cut\">\($0)</div>" }
    let rating = known.rating.map { t("rated {0}", String(format: "%.1f", $0)) }
    let tickets =
        known.tickets == 1
        ? t("1 ticket")
        : t("{0} tickets", known.tickets > Acquaintance.most ? "\(Acquaintance.most)+" : String(known.tickets))
    let history = [tickets, t("{0} solved", String(known.solved)), rating].compactMap { $0 }.joined(separator: ", ")
    let link: HTML =
        """
        <a href="\(href: Path("desk", "search", query: [("query", "from:\(ticket.requesterAddress)")]))">\(history)\
        </a>
        """
    let survey: HTML? = view.survey?.rating.map {
        "<section><h2>\(t("Rating"))</h2><p class=\"small\">\($0.stars) \(view.survey?.comment ?? "")</p></section>"
    }
    let links: [HTML] = view.whole.links.map {
        """
        <li><a href="\(href: ticketPath($0.number))">#\($0.number)</a> \
        <span class="quiet">\(linkWord($0.kind, t))</span></li>
        """
    }
    let linked: HTML? =
        links.isEmpty ? nil : "<section><h2>\(t("Linked"))</h2><ul class=\"plain small\">\(links)</ul></section>"
    return """
        \(escalation(desk, view))\(clock(desk, ticket))<section><h2>\(t("Customer"))</h2><div class="row">\(face(name))\
        <div class="grow"><strong>\(name)</strong>\
        <div class="small quiet cut">\(ticket.requesterAddress)</div>\(organization)</div></div>\
        <p class="small">\(link)</p>\(requesterLinks(desk, view))</section>\
        \(people(desk, view))\(mails(view, t))<section>\
        <h2>\(t("Ticket"))</h2>\(facts(desk, view))</section>\(survey)\(linked)
        """
}

/// What can be mended about the requester: the person, and an address whose mail came back.
private func requesterLinks(_ desk: DeskFrame, _ view: TicketView) -> HTML? {
    guard desk.works, TicketAction.setRequester.isAllowed(in: view.ticket.state) else { return nil }
    let t = desk.t
    let returned: HTML? =
        view.isUndeliverable
        ? """
        <form class="small stack" method="post" \
        action="\(href: partPath(view.ticket.number, "deliverable", at: desk.position))">\
        <input type="hidden" name="csrf" value="\(desk.csrf)">\
        <span class="fault">\(t("Mail to this address came back. Automatic mail to it is paused."))</span>\
        <div class="row"><button class="button">\(t("Send to it again"))</button></div></form>
        """ : nil
    return """
        \(returned)<p class="small"><a href="\(href: desk.actionPath(view.ticket.number, .setRequester))" data-dialog>\
        \(t("Change requester"))</a></p>
        """
}

/// Every mail about the ticket and how it fares, out of the way until somebody asks.
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
        <section><details><summary class="small">\(t("Emails ({0})", String(view.mails.count)))</summary>\
        <ul class="plain small">\(rows)</ul></details></section>
        """
}

private func linkWord(_ kind: String, _ t: Language) -> String {
    switch kind {
    case "follows": t("came before")
    case "followed_by": t("continues this")
    default: t("has to do with this")
    }
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
        ? "<p class=\"small\">\(t("The priority was lowered, but the ticket is still escalated."))</p>" : nil
    let back: HTML? =
        desk.works && TicketAction.deEscalate.isAllowed(in: ticket.state)
        ? """
        <p class="small"><a href="\(href: desk.actionPath(ticket.number, .deEscalate))" data-dialog>\
        \(t("De-escalate"))</a></p>
        """
        : nil
    return
        """
        <section><h2>\(t("Escalated · level {0}", String(ticket.escalationLevel)))</h2>\
        <div class="clock small">\(update)</div>\(lowered)\(back)</section>
        """
}

private func clock(_ desk: DeskFrame, _ ticket: Ticket) -> HTML? {
    let t = desk.t
    guard ticket.state.isActive, ticket.serviceLevel != nil else { return nil }
    if ticket.deadlines.pausedAt != nil {
        return "<section><h2>\(t("SLA"))</h2><p class=\"small quiet\">\(t("Paused"))</p></section>"
    }
    func line(_ title: String, _ due: Date?) -> HTML? {
        guard let due else { return nil }
        let left = due.timeIntervalSince(desk.now)
        let style: HTML = left < 0 ? "num miss" : left < 3600 ? "num risk" : "num"
        return
            """
            <div class="row spread"><span>\(title)</span>\
            <span class="\(style)">\(left < 0 ? "−" : "")\(t.span(left))</span></div>
            """
    }
    let response =
        ticket.deadlines.firstRespondedAt == nil ? line(t("First response"), ticket.deadlines.firstResponseDueAt) : nil
    return
        """
        <section><h2>\(t("SLA"))</h2><div class="clock small">\(response)\
        \(line(t("Resolution"), ticket.deadlines.resolutionDueAt))</div></section>
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
            <button class="link small" aria-label="\(t("Remove {0}", value))">×</button></form>
            """
    }
    let agents: [HTML] = view.whole.agents.map {
        """
        <li class="row spread"><span class="cut" dir="auto">\($0.name)</span>\
        \(remove(.removeAgent, "agent", $0.email))</li>
        """
    }
    let customers: [HTML] = view.whole.collaborators.map {
        """
        <li class="row spread"><span class="cut">\($0.address)</span>\
        \(remove(.removeCollaborator, "email", $0.address))</li>
        """
    }
    let add: HTML? =
        desk.works && TicketAction.addAgent.isAllowed(in: ticket.state)
        ? """
        <div class="row wrap"><a class="small" href="\(href: desk.actionPath(ticket.number, .addAgent))" data-dialog>\
        \(t("Add agent"))</a>\
        <a class="small" href="\(href: desk.actionPath(ticket.number, .addCollaborator))" data-dialog>\(t("Add CC"))\
        </a></div>
        """ : nil
    let list: HTML? = agents.isEmpty && customers.isEmpty ? nil : "<ul class=\"plain small\">\(agents)\(customers)</ul>"
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
    row(t("Priority"), t.priority(ticket.priority))
    row(t("Source"), t.source(ticket.source))
    row(t("Service level"), ticket.serviceLevel?.name)
    if ticket.reopenedCount > 0 { row(t("Reopened"), String(ticket.reopenedCount)) }
    if !ticket.tags.isEmpty { row(t("Tags"), ticket.tags.joined(separator: ", ")) }
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
        <p class="small"><a href="\(href: partPath(ticket.number, "change", at: desk.position))" data-dialog \
        data-key="d">\(t("Change details"))</a></p>
        """
        : nil
    return "<dl>\(rows)</dl>\(change)"
}
