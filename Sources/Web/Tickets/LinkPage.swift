import Desk
import Domain
import Foundation
import Mail
import Markup
import Primitives

/// What a customer sees of a ticket: by the signed link of a mail, or signed in.
struct CustomerView: Sendable {
    let ticket: Ticket
    let entries: [Entry]
    /// The page's own address; what can be done stands below it.
    let path: [String]
    let csrf: String
    /// Shows a guest's own words only.
    var isGuest = false
    /// Whether the request can be confirmed or reopened from here.
    var mayDecide = true
    /// The newest survey that can still be answered.
    var survey: SurveyToken?

    func path(_ more: String..., query: [(String, String)] = []) -> Path { Path(path + more, query: query) }
}

/// What just happened to the page.
struct CustomerNotice {
    var sent: String?
    var highlight: String?
    var problem: Fault.Problem?
    var typed = ""
}

func customerPage(_ frame: Frame, _ view: CustomerView, _ notice: CustomerNotice) -> HTML {
    let t = frame.t
    let ticket = view.ticket
    let entries: [HTML] = view.entries.map { entry($0, in: view, t) }
    return portalPage(
        "#\(ticket.number) \(ticket.subject)", frame, at: .requests,
        """
        <div class="reading">\(thanks(notice.sent, t))
        <header class="stack"><h1 dir="auto">\(ticket.subject)</h1><p class="row wrap quiet">\
        <span class="num">#\(ticket.number)</span>\(customerChip(ticket.state, t))\
        <span>\(t("Updated")) \(moment(ticket.updatedAt))</span></p></header>\(progress(ticket.state, t))
        \(view.mayDecide ? question(view, highlight: notice.highlight, t) : nil)\
        \(view.isGuest ? "<p class=\"quiet\">\(t("We'll reply by email. This page shows only what you wrote; the link in our emails shows everything."))</p>" : nil as HTML?)
        <section class="talk-plain" aria-label="\(t("Conversation"))">\(entries)</section>
        \(answerForm(view, notice, t))</div>
        """)
}

/// How a request stands, as its customer reads it; green where it is for them to say something.
func customerChip(_ state: TicketState, _ t: Language) -> HTML {
    let style: HTML = state == .resolved || state == .waiting ? "chip on" : "chip"
    return "<span class=\"\(style)\">\(t.customerState(state))</span>"
}

/// How far a request has come.
private func progress(_ state: TicketState, _ t: Language) -> HTML? {
    let step: Int
    switch state {
    case .new: step = 0
    case .open, .waiting, .held: step = 1
    case .resolved, .closed: step = 2
    case .spam, .merged, .deleted: return nil
    }
    let items: [HTML] = [t("Received"), t("In progress"), t("Solved")].enumerated().map { index, name in
        let style: HTML? = index <= step ? " class=\"done\"" : nil
        let current: HTML? = index == step ? " aria-current=\"step\"" : nil
        return "<li\(style)\(current)>\(name)</li>"
    }
    return "<ol class=\"progress-steps\" aria-label=\"\(t("Progress"))\">\(items)</ol>"
}

private func thanks(_ sent: String?, _ t: Language) -> HTML? {
    switch sent {
    case "new":
        said(
            t(
                "Thanks, we've received your request. We'll email you about every update, and you can follow it on this page."
            ))
    case "answer": said(t("Thanks, we've received your message."))
    case "yes": said(t("Thank you. Your request is closed."))
    case "no": said(t("Your request is open again. Tell us below what's still wrong."))
    default: nil
    }
}

/// Is it solved? One press answers; the link in the mail only chooses which button comes first.
private func question(_ view: CustomerView, highlight: String?, _ t: Language) -> HTML? {
    let csrf: HTML = "<input type=\"hidden\" name=\"csrf\" value=\"\(view.csrf)\">"
    if view.ticket.state == .resolved {
        let (yes, no): (HTML, HTML) =
            highlight == "no" ? ("button large", "button primary large") : ("button primary large", "button large")
        return """
            <section class="solved" aria-labelledby="solved"><h2 id="solved">\(t("Did we solve your problem?"))</h2>\
            <div class="row wrap">
            <form method="post" action="\(href: view.path("confirm"))">\(csrf)\
            <button class="\(yes)">\(t("Yes, close my request"))</button></form>
            <form method="post" action="\(href: view.path("reopen"))">\(csrf)\
            <button class="\(no)">\(t("No, I still need help"))</button></form>
            </div></section>
            """
    }
    guard view.ticket.state == .closed else { return nil }
    return """
        <section class="solved" aria-labelledby="closed"><h2 id="closed">\(t("This request is closed"))</h2>\
        <p>\(t("Has the problem come back? Reopen your request, or write to us below."))</p><div class="row wrap">
        <form method="post" action="\(href: view.path("reopen"))">\(csrf)\
        <button class="button">\(t("Reopen request"))</button></form></div></section>
        """
}

private func entry(_ entry: Entry, in view: CustomerView, _ t: Language) -> HTML {
    let name = entry.author.name.isEmpty ? entry.author.address ?? "" : entry.author.name
    let files: [HTML] = entry.attachments.map { file in
        """
        <li><a class="file" href="\(href: view.path("attachments", file.id.description))">\
        \(file.type.hasPrefix("image/") ? Icon.image.html : Icon.clip.html)<span class="cut">\(file.name)</span> \
        <span class="quiet nowrap">\(fileSize(file.size))</span></a></li>
        """
    }
    let list: HTML? = files.isEmpty ? nil : "<ul class=\"files\">\(files)</ul>"
    let (style, circle): (HTML, HTML) =
        entry.kind == .reply
        ? ("told reply", "<span class=\"face us\" aria-hidden=\"true\">\(initials(name))</span>") : ("told", face(name))
    return """
        <article class="\(style)">\(circle)<div><header><strong dir="auto">\(name)</strong> \
        <span class="quiet">\(moment(entry.at))</span></header><div class="body">\
        <div class="prose" dir="auto">\(words(of: entry, files: { view.path("attachments", $0) }, isForCustomer: true, t))</div>\(list)</div>\
        </div></article>
        """
}

private func answerForm(_ view: CustomerView, _ notice: CustomerNotice, _ t: Language) -> HTML? {
    guard view.ticket.state != .merged else { return nil }
    let label =
        view.ticket.state.isActive
        ? t("Add to your request") : t("Not solved, or something new? Write to us to reopen your request")
    return form(
        view.path(), csrf: view.csrf, files: true, keep: "answer-\(view.ticket.number)",
        """
        \(TextArea(name: "body", label: label, value: notice.typed, fault: notice.problem.map(t.fault)).html)
        \(fileField(t))
        <div class="row"><button class="\(view.ticket.state == .resolved ? "button" as HTML : "button primary")">\(t("Send reply"))</button></div>
        """)
}

/// The words of an entry, its pictures shown in place and the history it quotes folded. What comes from elsewhere is
/// shown where a reader asked for it, as `remote` says.
///
/// - Parameter isForCustomer: what an agent quoted may be for agents alone, and is left out then.
func words(
    of entry: Entry, files path: (String) -> Path, remote: ((String) -> HTML)? = nil, isForCustomer: Bool = false,
    _ t: Language
) -> HTML {
    let history = isForCustomer && entry.author.role == .agent ? nil : entry.quoted
    let quoted: HTML? = history.flatMap {
        $0.isEmpty
            ? nil : "<details class=\"quoted\"><summary>\(t("show quoted text"))</summary><pre>\($0)</pre></details>"
    }
    guard var markup = isForCustomer ? entry.markupForCustomers : entry.html else {
        return "\(HTMLText.paragraphs(entry.text))\(quoted)"
    }
    if let history, quoted != nil {
        if let folded = folding(markup, KnownWords(texts: [history]), t("show quoted text")) {
            markup = folded
        } else if !markup.contains(" data-cid=") {
            // A history the mail program did not mark as quoted cannot be told from the rest of its markup: the plain
            // words stand in.
            return "\(HTMLText.paragraphs(entry.text))\(quoted)"
        }
    }
    return HTML(raw: entry.placing(in: markup, remote: remote) { " src=\"\(href: path($0.id.description))\"" })
}

/// Sanitized markup with each outermost quotation folded that is history, and those in view that somebody made of other
/// words; nil where there is none at all. The sanitizer closes what it opens, and a bracket begins nothing but a tag.
private func folding(_ markup: String, _ history: KnownWords, _ title: String) -> String? {
    let summary: HTML = "<details class=\"quoted\"><summary>\(title)</summary>"
    let (opening, closing) = (Array("blockquote".utf8), Array("/blockquote>".utf8))
    var shown: [UInt8] = []
    var quotation: [UInt8] = []
    var depth = 0
    var found = false
    for (index, piece) in markup.utf8.split(separator: UInt8(ascii: "<"), omittingEmptySubsequences: false).enumerated()
    {
        if piece.starts(with: opening) {
            depth += 1
            found = true
        }
        if depth == 0 {
            if index > 0 { shown.append(UInt8(ascii: "<")) }
            shown += piece
            continue
        }
        quotation.append(UInt8(ascii: "<"))
        guard piece.starts(with: closing) else {
            quotation += piece
            continue
        }
        depth -= 1
        quotation += closing
        if depth > 0 {
            quotation += piece.dropFirst(closing.count)
            continue
        }
        let lines = HTMLText.plain(String(decoding: quotation, as: UTF8.self)).split(separator: "\n")
        if lines.contains(where: { history.hold($0) == false }) {
            shown += quotation
        } else {
            shown += summary.bytes
            shown += quotation
            shown += "</details>".utf8
        }
        shown += piece.dropFirst(closing.count)
        quotation = []
    }
    return found && depth == 0 ? String(decoding: shown, as: UTF8.self) : nil
}
