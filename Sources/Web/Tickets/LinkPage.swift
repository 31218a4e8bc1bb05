import Desk
import Foundation
import Mail
import Markup

/// What a customer sees of a ticket.
struct LinkView: Sendable {
    let ticket: Ticket
    let entries: [Entry]
    let token: String
    let csrf: String
    let deskName: String

    var path: Path { Path("t", token) }
}

func linkPage(_ view: LinkView, highlight: String?, sent: String?, problem: Fault.Problem?, typed: String) -> HTML {
    let ticket = view.ticket
    let entries: [HTML] = view.entries.map { entry($0, in: view) }
    return portalPage(
        "#\(ticket.number) \(ticket.subject)", desk: view.deskName,
        """
        \(thanks(sent))
        <header><p class="quiet small num">#\(ticket.number) · <span class="chip">\(customerWord(ticket.state))</span></p><h1>\(ticket.subject)</h1></header>
        \(question(view, highlight: highlight))
        <section class="talk" aria-label="Conversation">\(entries)</section>
        \(answerForm(view, problem: problem, typed: typed))
        """)
}

/// How a state is called to a customer.
func customerWord(_ state: TicketState) -> String {
    switch state {
    case .new: "received"
    case .open, .held: "being worked on"
    case .waiting: "waiting for your answer"
    case .resolved: "solved?"
    case .closed: "closed"
    case .spam, .merged, .deleted: state.rawValue
    }
}

private func thanks(_ sent: String?) -> HTML? {
    switch sent {
    case "answer": "<p class=\"said\" role=\"status\">Thank you, your message has arrived.</p>"
    case "yes": "<p class=\"said\" role=\"status\">Thank you. The request is closed.</p>"
    case "no": "<p class=\"said\" role=\"status\">We are on it again. Tell us below what is still wrong.</p>"
    default: nil
    }
}

/// Is it solved? One press answers; the link in the mail only chooses which button comes first.
private func question(_ view: LinkView, highlight: String?) -> HTML? {
    guard view.ticket.state == .resolved else { return nil }
    let (yes, no): (HTML, HTML) = highlight == "no" ? ("button", "button first") : ("button first", "button")
    let csrf: HTML = "<input type=\"hidden\" name=\"csrf\" value=\"\(view.csrf)\">"
    return """
        <section class="solved" aria-labelledby="solved"><h2 id="solved">Is it solved?</h2><div class="row wrap">
        <form method="post" action="\(href: Path("t", view.token, "confirm"))">\(csrf)<button class="\(yes)">Yes, it is solved</button></form>
        <form method="post" action="\(href: Path("t", view.token, "reopen"))">\(csrf)<button class="\(no)">No, I still need help</button></form>
        </div></section>
        """
}

private func entry(_ entry: Entry, in view: LinkView) -> HTML {
    let name = entry.author.name.isEmpty ? entry.author.address ?? "" : entry.author.name
    let body: HTML = entry.html.map { HTML(raw: $0) } ?? HTMLText.paragraphs(entry.text)
    let files: [HTML] = entry.attachments.map { file in
        "<li><a href=\"\(href: Path("t", view.token, "attachments", file.id.description))\">\(file.name)</a> <span class=\"quiet small\">\(fileSize(file.size))</span></li>"
    }
    let list: HTML? = files.isEmpty ? nil : "<ul class=\"files\">\(files)</ul>"
    let kind: HTML = entry.kind == .reply ? "entry reply" : "entry"
    return """
        <article class="\(kind)"><span class="face" aria-hidden="true">\(initials(name))</span><div><p class="row spread small"><strong>\(name)</strong> \
        <time class="quiet num" datetime="\(entry.at.rfc3339)">\(shortTime(entry.at))</time></p><div class="body" dir="auto">\(body)\(list)</div></div></article>
        """
}

private func answerForm(_ view: LinkView, problem: Fault.Problem?, typed: String) -> HTML? {
    guard view.ticket.state != .merged else { return nil }
    let label = view.ticket.state.isActive ? "Add to your request" : "Not solved, or something new? Write to us and it is opened again"
    return form(
        view.path, csrf: view.csrf, files: true,
        """
        \(TextArea(name: "body", label: label, value: typed, fault: problem).html)
        <div class="field"><label for="attachments">Files</label><input id="attachments" name="attachments" type="file" multiple></div>
        <div class="row"><button class="button first">Send</button></div>
        """)
}

/// Up to two letters for the round picture beside a name.
func initials(_ name: String) -> String {
    name.split(separator: " ").prefix(2).compactMap(\.first).map { String($0).uppercased() }.joined()
}

func fileSize(_ bytes: Int) -> String {
    switch bytes {
    case ..<1024: "\(bytes) bytes"
    case ..<(1 << 20): "\(bytes >> 10) KB"
    default: "\(bytes >> 20) MB"
    }
}

/// `2026-11-24 21:16 UTC`
func shortTime(_ date: Date) -> String {
    let text = date.rfc3339
    return "\(text.prefix(10)) \(text.dropFirst(11).prefix(5)) UTC"
}
