import Desk
import Domain
import Foundation
import Mail
import Markup
import Primitives

/// The conversation, oldest first, with what happened between its entries.
func thread(_ desk: DeskFrame, _ view: TicketView, _ notice: TicketNotice) -> HTML {
    let t = desk.t
    var parts: HTML = ""
    if view.hasEarlier {
        parts +=
            """
            <p><a href="\(href: ticketPath(view.ticket.number, at: desk.position, [("all", "1")]))">\
            \(t("Show earlier messages"))</a></p>
            """
    }
    // Agents are named; events keep their addresses.
    let names = Dictionary(
        (view.choices.agents + view.whole.agents).map { ($0.email.lowercased(), $0.name) },
        uniquingKeysWith: { first, _ in first })
    let first = view.hasEarlier ? view.entries.first?.at ?? .distantPast : .distantPast
    var events = view.events.filter { $0.at >= first && tells($0) }[...]
    func list(_ events: ArraySlice<TicketEvent>) -> HTML { eventList(events, names, desk, view) }
    for entry in view.entries {
        let before = events.prefix { $0.at < entry.at }
        parts += list(before)
        events = events.dropFirst(before.count)
        parts += entryBlock(entry, desk, view, notice)
    }
    parts += list(events)
    if view.ticket.state == .merged { parts += movedAway(desk, view) }
    return parts
}

/// A merged ticket has no conversation of its own any more.
private func movedAway(_ desk: DeskFrame, _ view: TicketView) -> HTML {
    let t = desk.t
    let place: HTML? = view.whole.mergedInto.map {
        "<a class=\"button\" href=\"\(href: ticketPath($0))\">\(t("Open #{0}", String($0)))</a>"
    }
    return """
        <div class="banner calm">\(Icon.merge.html)<span class="grow">\
        \(t("The messages of this ticket are in the one it was merged into."))</span>\(place)</div>
        """
}

/// What an entry already says needs no line of its own.
private func tells(_ event: TicketEvent) -> Bool {
    switch event.kind {
    case .replied, .noted: false
    case .received: !event.reason.isEmpty
    default: true
    }
}

// MARK: entries

private func entryBlock(_ entry: Entry, _ desk: DeskFrame, _ view: TicketView, _ notice: TicketNotice) -> HTML {
    let t = desk.t
    let name = entry.author.name.isEmpty ? entry.author.address ?? t("Somebody") : entry.author.name
    let how: String =
        switch entry.kind {
        case .note: t("internal note")
        case .reply:
            t("to {0}", view.ticket.requesterLabel)
        case .message: t.source(entry.source)
        }
    let body = words(
        of: entry, files: { Path("desk", "attachments", $0) },
        remote: notice.showsPictures ? { picture($0, of: entry.id, notice.pictureSigner) } : nil, t)
    let blocked: HTML? =
        !notice.showsPictures && entry.html?.contains("data-remote=") ?? false
        ? """
        <p class="quiet">\(t("Remote images are hidden to protect your privacy.")) \
        <a href="\(href: ticketPath(view.ticket.number, at: desk.position, [("pictures", "1")]))">\
        \(t("Show images"))</a></p>
        """
        : nil
    let stranger: HTML? = entry.author.isStranger ? "<span class=\"chip risk\">\(t("new here"))</span>" : nil
    let unverified: HTML? =
        entry.provenance.isUnverified ? "<span class=\"chip risk\">\(t("unverified sender"))</span>" : nil
    let sent: HTML? = entry.provenance.sentBy.map { sentBy($0, t) }
    let join: HTML? = entry.author.isStranger ? bringIn(entry.author, desk, view) : nil
    let style: HTML = entry.kind == .note ? "entry note" : entry.kind == .reply ? "entry reply" : "entry"
    let circle: HTML =
        entry.kind == .reply
        ? "<span class=\"face us\" aria-hidden=\"true\">\(initials(name))</span>" : face(name)
    return """
        <article class="\(style)" id="entry-\(entry.id.description)">\(circle)<div class="body"><header>\
        <strong class="cut" dir="auto">\(name)</strong><span class="quiet cut">\(how)</span>\(stranger)\(unverified)\
        <span class="end">\(deliveryWord(view.deliveries[entry.id] ?? [], t))\(moment(entry.at))\
        \(entryMenu(entry, desk, view))</span></header>\(sent)<div class="prose" dir="auto">\(body)</div>\
        \(attachments(entry, t))\(blocked)\(join)</div></article>
        """
}

private func attachments(_ entry: Entry, _ t: Language) -> HTML? {
    guard !entry.attachments.isEmpty else { return nil }
    let files: [HTML] = entry.attachments.map { file in
        """
        <li><a class="file" href="\(href: Path("desk", "attachments", file.id.description))">\
        \(file.type.hasPrefix("image/") ? Icon.image.html : Icon.clip.html)<span class="cut">\(file.name)</span> \
        <span class="quiet nowrap">\(fileSize(file.size))\
        \(isSignature(file) ? " · " + t("signature, not checked") : nil)</span></a></li>
        """
    }
    return "<ul class=\"files\">\(files)</ul>"
}

/// What can be done with one message. Quoting and copying are scripts'; the link itself leads to the message.
private func entryMenu(_ entry: Entry, _ desk: DeskFrame, _ view: TicketView) -> HTML {
    let t = desk.t
    let quote: HTML? =
        desk.works
        ? "<button type=\"button\" class=\"script-only\" data-quote>\(Icon.quote.html)\(t("Quote"))</button>" : nil
    let original: HTML? =
        entry.source == .email && entry.kind == .message
        ? """
        <a href="\(href: Path("desk", "entries", entry.id.description, "original"))">\(Icon.code.html)\
        \(t("Original message"))</a>
        """ : nil
    let split: HTML? =
        desk.works && TicketAction.split.isAllowed(in: view.ticket.state) && (view.hasEarlier || view.entries.count > 1)
        ? """
        <a href="\(href: desk.splitPath(view.ticket.number, entry))" data-dialog>\(Icon.route.html)\
        \(t("Split into new ticket"))</a>
        """ : nil
    return """
        <details class="more"><summary class="button plain icon-only" aria-label="\(t("Message actions"))">\
        \(Icon.more.html)</summary><div class="menu">\(quote)\
        <a href="#entry-\(entry.id.description)" data-copy-link>\(Icon.link.html)\(t("Copy link"))</a>\(original)\
        \(split)</div></details>
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
    return "<p class=\"quiet\">\(words.joined(separator: " · "))</p>"
}

/// One press lets somebody who wrote with another's mail take part.
private func bringIn(_ author: Author, _ desk: DeskFrame, _ view: TicketView) -> HTML? {
    guard let address = author.address, desk.works, TicketAction.addCollaborator.isAllowed(in: view.ticket.state),
        !view.whole.collaborators.contains(where: { $0.address == address })
    else { return nil }
    return """
        <form class="row wrap" method="post" action="\(href: desk.actionPath(view.ticket.number, .addCollaborator))">\
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
    if let bad { return "<span class=\"chip miss\" title=\"\(detail)\">\(deliveryState(bad.state, t))</span>" }
    return "<span title=\"\(detail)\">\(deliveryState((waiting ?? deliveries[0]).state, t))</span>"
}

func deliveryState(_ state: OutboxMail.State, _ t: Language) -> String {
    switch state {
    case .queued: t("queued")
    case .sending: t("sending")
    case .sent: t("delivered")
    case .deferred: t("retrying later")
    case .failed: t("failed")
    case .unknown: t("delivery unknown")
    case .bounced: t("bounced")
    case .cancelled: t("cancelled")
    }
}

// MARK: events

/// Events between two entries: neighbours of one moment and one doer share a line, and of more than three lines only
/// the last two stand open.
private func eventList(
    _ events: ArraySlice<TicketEvent>, _ names: [String: String], _ desk: DeskFrame, _ view: TicketView
) -> HTML {
    guard !events.isEmpty else { return "" }
    let t = desk.t
    let lines: [HTML] = merged(events).map { eventLine($0, names, desk, view) }
    guard lines.count > 3 else { return "<ul class=\"events\">\(lines)</ul>" }
    let folded = lines.dropLast(2)
    return """
        <ul class="events"><li><details class="folded"><summary>\(t("{0} more events", String(folded.count)))</summary>\
        <ul class="events">\(Array(folded))</ul></details></li>\(Array(lines.suffix(2)))</ul>
        """
}

private func merged(_ events: ArraySlice<TicketEvent>) -> [[TicketEvent]] {
    var groups: [[TicketEvent]] = []
    for event in events {
        if let last = groups.last?.last, last.actor.name == event.actor.name, last.actor.kind == event.actor.kind,
            event.at.timeIntervalSince(last.at) < 60, (groups.last?.count ?? 0) < 4
        {
            groups[groups.count - 1].append(event)
        } else {
            groups.append([event])
        }
    }
    return groups
}

private func eventLine(
    _ events: [TicketEvent], _ names: [String: String], _ desk: DeskFrame, _ view: TicketView
) -> HTML {
    let t = desk.t
    var words = ""
    for (index, event) in events.enumerated() {
        let sentence = eventWords(event, of: view.ticket.number, t, names: names)
        // Whoever did the first thing did the others too.
        let isSame = index > 0 && sentence.hasPrefix(event.actor.name + " ")
        words += (index > 0 ? " · " : "") + (isSame ? String(sentence.dropFirst(event.actor.name.count + 1)) : sentence)
    }
    let reasons = events.filter { !$0.reason.isEmpty }.map(\.reason)
    let why: HTML? =
        reasons.isEmpty
        ? nil
        : """
         · <details class="why"><summary>\(t("Why?"))</summary><div>\(reasons.map { "<p>\(linking($0, view))</p>" as HTML })</div>\
        </details>
        """
    let back = unmerging(events, desk, view)
    return "<li>\(eventIcon(events[0].kind).html)\(linking(words, view))\(back)\(why)\(moment(events[0].at))</li>"
}

/// The way back from a merge, beside the line that tells of it.
private func unmerging(_ events: [TicketEvent], _ desk: DeskFrame, _ view: TicketView) -> HTML? {
    guard desk.works else { return nil }
    for event in events where event.kind == .merged {
        guard let number = event.tickets.first(where: { view.mergedHere.contains($0) }),
            view.events.last(where: { $0.kind == .merged && $0.tickets.contains(number) })?.id == event.id
        else { continue }
        return """
             · <a href="\(href: desk.actionPath(number, .unmerge))" data-dialog>\(desk.t("Unmerge"))</a>
            """
    }
    return nil
}

/// A sentence in which the numbers of other tickets lead to them.
private func linking(_ words: String, _ view: TicketView) -> HTML {
    guard !view.named.isEmpty else { return "\(words)" }
    var html = HTML(capacity: words.utf8.count + 64)
    var rest = words[...]
    while let mark = rest.firstIndex(of: "#") {
        let digits = rest[rest.index(after: mark)...].prefix { $0.isASCII && $0.isNumber }
        html += "\(String(rest[..<mark]))"
        if let number = Int64(digits), number != view.ticket.number, view.named.contains(number) {
            html += "<a href=\"\(href: ticketPath(number))\">#\(number)</a>"
        } else {
            html += "#\(String(digits))"
        }
        rest = rest[digits.endIndex...]
    }
    html += "\(String(rest))"
    return html
}

private func eventIcon(_ kind: TicketEvent.Kind) -> Icon {
    switch kind {
    case .escalated: .flame
    case .deEscalated: .down
    case .assigned, .claimed, .released, .agentAdded, .agentRemoved, .collaboratorAdded, .collaboratorRemoved,
        .requesterChanged:
        .user
    case .resolved, .confirmed, .closed: .check
    case .reopened, .resumed, .takenBack: .reply
    case .waiting, .held, .overdue, .updated: .clock
    case .merged, .unmerged: .merge
    case .split: .route
    case .linked, .unlinked: .link
    case .bounced, .deliveryFailed: .alert
    case .quieted: .mail
    case .rated, .reviewed, .followedUp: .star
    case .markedSpam: .ban
    case .transferred: .folder
    case .changed: .gear
    case .opened: .plus
    case .replied, .received: .chat
    case .noted: .note
    }
}
