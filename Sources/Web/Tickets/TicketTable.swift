import Desk
import Domain
import Foundation
import Markup
import Primitives

/// The tickets of a page in the columns of their list.
func ticketTable(_ desk: DeskFrame, _ view: ListView) -> HTML {
    let t = desk.t
    var rows = HTML(capacity: view.page.lines.count * 900)
    // What follows the number in the address of every ticket.
    let tail = String(ticketPath(0, at: view.position).text.drop { $0 != "?" })
    let columns = view.columns
    if let grouping = view.saved?.groupBy {
        for (title, lines) in grouped(view.page.lines, by: grouping, view, t) {
            let span = columns.count + (desk.works ? 1 : 0)
            rows += """
                <tbody><tr class="group"><th colspan="\(span)" scope="rowgroup"><span dir="auto">\(title)</span> \
                <span class="quiet num">\(lines.count)</span></th></tr>
                """
            for ticket in lines { write(ticket, columns, to: &rows, desk, view, tail) }
            rows.write("</tbody>")
        }
    } else {
        rows.write("<tbody>")
        for ticket in view.page.lines { write(ticket, columns, to: &rows, desk, view, tail) }
        rows.write("</tbody>")
    }
    let style: HTML? = view.saved == nil ? nil : " own"
    return """
        <table class="tickets\(style)"><caption class="unseen">\(view.title)</caption>\
        \(heads(desk, view))\(rows)</table>
        """
}

/// In the order of the list: a group stands where its first ticket does.
private func grouped(_ lines: [TicketLine], by column: ViewColumn, _ view: ListView, _ t: Language) -> [(
    title: String, lines: [TicketLine]
)] {
    var groups: [(title: String, lines: [TicketLine])] = []
    for ticket in lines {
        let text = ticket.text(column, view.details[ticket.id], t)
        let title = text.isEmpty ? t("None") : text
        if let index = groups.firstIndex(where: { $0.title == title }) {
            groups[index].lines.append(ticket)
        } else {
            groups.append((title, [ticket]))
        }
    }
    return groups
}

private func heads(_ desk: DeskFrame, _ view: ListView) -> HTML {
    guard view.saved != nil else {
        let made = usualHeads[desk.t.code]
        return (desk.works ? made?.works : made?.looks) ?? ""
    }
    return makeHeads(view.columns, view.fields, works: desk.works, desk.t)
}

/// The heads of the usual columns, with and without boxes to tick; they differ by the language alone.
private let usualHeads = Dictionary(
    uniqueKeysWithValues: Language.all.map { t in
        (
            t.code,
            (
                works: makeHeads(ViewColumn.usual, [:], works: true, t),
                looks: makeHeads(ViewColumn.usual, [:], works: false, t)
            )
        )
    })

private func makeHeads(_ columns: [ViewColumn], _ fields: [String: String], works: Bool, _ t: Language) -> HTML {
    let heads: [HTML] = columns.map { "<th scope=\"col\" class=\"\($0.style)\">\(t.column($0, fields))</th>" }
    let all: HTML? =
        works
        ? """
        <td class="c-check"><input type="checkbox" data-all hidden aria-label="\(t("Select all on this page"))"></td>
        """ : nil
    return "<thead><tr>\(all)\(heads)</tr></thead>"
}

extension ViewColumn {
    /// The class of its cells.
    fileprivate var style: String {
        switch self {
        case .subject: "c-subject"
        case .requester: "c-who"
        case .assignee: "c-assignee"
        case .status: "c-status"
        case .priority: "c-prio"
        case .due: "c-due"
        case .updated: "c-updated"
        case .created: "c-more c-when"
        default: "c-more"
        }
    }
}

extension Language {
    /// A column's heading.
    func column(_ column: ViewColumn, _ fields: [String: String] = [:]) -> String {
        switch column {
        case .subject: self("Subject")
        case .requester: self("Requester")
        case .organization: self("Organization")
        case .assignee: self("Assignee")
        case .team: self("Team")
        case .department: self("Department")
        case .topic: self("Topic")
        case .status: self("Status")
        case .priority: self("Priority")
        case .due: self("Due")
        case .created: self("Created")
        case .updated: self("Updated")
        case .tags: self("Tags")
        case .rating: self("Rating")
        case .field(let key): fields[key] ?? key
        }
    }

    /// An order as a list offers it.
    func order(_ order: TicketOrder) -> String {
        switch order {
        case .newest: self("Newest")
        case .oldest: self("Oldest")
        case .due: self("Due first")
        case .urgency: self("Urgent first")
        }
    }
}

extension TicketLine {
    /// What stands in a column, as text. Moments are told in UTC.
    func text(_ column: ViewColumn, _ details: TicketDetails?, _ t: Language) -> String {
        switch column {
        case .subject: subject
        case .requester: requester
        case .organization: organization ?? ""
        case .assignee: assignee ?? ""
        case .team: team ?? ""
        case .department: department
        case .topic: details?.topic ?? ""
        case .status: t.status(state)
        case .priority: t.priorityName(priority)
        case .due: nextDue?.rfc3339 ?? ""
        case .created: details?.createdAt.rfc3339 ?? ""
        case .updated: updatedAt.rfc3339
        case .tags: details?.tags.joined(separator: ", ") ?? ""
        case .rating: details?.rating.map(String.init) ?? ""
        case .field(let key): details?.field(key) ?? ""
        }
    }
}

extension TicketChoices {
    /// What the questions of topics are called, by their keys.
    var fieldLabels: [String: String] {
        Dictionary(uniqueKeysWithValues: topics.fieldLabels.map { ($0.key, $0.label) })
    }
}

/// One ticket in its columns, written straight into the page: most of what a list costs.
private func write(
    _ ticket: TicketLine, _ columns: [ViewColumn], to html: inout HTML, _ desk: DeskFrame, _ view: ListView,
    _ tail: String
) {
    html.write(ticket.isUnread ? "<tr class=\"unread\">" : "<tr>")
    if desk.works {
        html.write("<td class=\"c-check\"><input type=\"checkbox\" name=\"number\" value=\"")
        html.write(ticket.number)
        html.write("\" aria-label=\"#")
        html.write(ticket.number)
        html.write(view.bulk?.numbers.contains(ticket.number) ?? false ? "\" checked></td>" : "\"></td>")
    }
    for column in columns { write(column, of: ticket, to: &html, desk, view, tail) }
    html.write("</tr>")
}

private func write(
    _ column: ViewColumn, of ticket: TicketLine, to html: inout HTML, _ desk: DeskFrame, _ view: ListView,
    _ tail: String
) {
    let t = desk.t
    switch column {
    case .subject: return writeSubject(ticket, to: &html, view, tail, t)
    case .requester:
        html.write("<td class=\"c-who\"><span dir=\"auto\">")
        html.write(text: ticket.requester)
        html.write("</span>")
        if let organization = ticket.organization, !(view.saved?.columns.contains(.organization) ?? false) {
            html.write("<span class=\"quiet org\" dir=\"auto\">")
            html.write(text: organization)
            html.write("</span>")
        }
    case .assignee:
        html.write("<td class=\"c-assignee\">")
        if let assignee = ticket.assignee ?? ticket.team {
            html.write(text: assignee)
        } else {
            html.write("<span class=\"quiet\">")
            html.write(text: t("Unassigned"))
            html.write("</span>")
        }
    case .status:
        html.write("<td class=\"c-status\">")
        writeStatus(ticket.state, to: &html, t)
    case .priority:
        html.write("<td class=\"c-prio\">")
        writePriority(ticket.priority, to: &html, t)
    case .due:
        html.write("<td class=\"c-due\">")
        writeDue(ticket.nextDue, isResponse: ticket.isResponseDue, to: &html, desk.now, t)
    case .updated:
        html.write("<td class=\"c-updated quiet\">")
        html.write(text: t.ago(desk.now.timeIntervalSince(ticket.updatedAt)))
    default: writeMore(column, of: ticket, to: &html, desk, view)
    }
    html.write("</td>")
}

/// A column that only views have; a phone, which shows no heads, says before it what it is.
private func writeMore(
    _ column: ViewColumn, of ticket: TicketLine, to html: inout HTML, _ desk: DeskFrame, _ view: ListView
) {
    let details = view.details[ticket.id]
    html.write(column == .created ? "<td class=\"c-more c-when\" data-label=\"" : "<td class=\"c-more\" data-label=\"")
    html.write(text: desk.t.column(column, view.fields))
    html.write("\">")
    if column == .created {
        if let created = details?.createdAt { html += moment(created) }
        return
    }
    let text = ticket.text(column, details, desk.t)
    guard !text.isEmpty else { return }
    html.write("<span dir=\"auto\">")
    html.write(text: text)
    html.write("</span>")
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
