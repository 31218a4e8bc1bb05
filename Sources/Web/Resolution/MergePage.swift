import Desk
import Domain
import Foundation
import Markup
import Primitives

/// What is known of a merge before it is done.
struct MergeLook: Sendable {
    /// Both tickets, once the other one is known.
    var both: (own: TicketGlance, other: TicketGlance)?
    /// The customer's other tickets, of which one may be meant.
    var found: [Ticket] = []
    /// The words they were found by.
    var sought = ""
}

/// Where the other ticket is named, by its number or by words of its subject.
func mergeFields(_ desk: DeskFrame, _ view: TicketView, _ state: ActionState) -> HTML {
    let t = desk.t
    let name = view.ticket.requesterLabel
    let look = state.merge
    let rows: [HTML] = look.found.map { other in
        let path = partPath(
            view.ticket.number, "do", TicketAction.merge.rawValue, at: desk.position, [("into", String(other.number))])
        return """
            <li><a href="\(href: path)" data-dialog><span class="num">#\(other.number)</span> \
            <span dir="auto">\(other.subject)</span></a> <span class="quiet">\(t.status(other.state))</span></li>
            """
    }
    let title =
        look.sought.isEmpty
        ? t("Other tickets from {0}", name) : t("Tickets from {0} with “{1}” in the subject", name, look.sought)
    let found: HTML?
    if !rows.isEmpty {
        found = "<section class=\"found\"><h2>\(title)</h2><ul>\(rows)</ul></section>"
    } else if !look.sought.isEmpty {
        found = "<p class=\"small quiet\">\(t("No other ticket from {0} has these words in its subject.", name))</p>"
    } else {
        found = nil
    }
    let fault = state.fault("into", t)
    let wrong: HTML? = fault.map { "<span class=\"fault\" id=\"into-fault\" role=\"alert\">\($0)</span>" }
    let invalid: HTML? = fault == nil ? nil : " aria-invalid=\"true\""
    return """
        <p class="small quiet">\
        \(t("Everything in this ticket moves to the other one. You'll see both tickets before anything happens."))</p>\
        <div class="field"><label for="into">\(t("Number of the other ticket"))</label>\
        <input id="into" name="into" type="text" value="\(typed: state.values["into"] ?? "")" required\(invalid) \
        aria-describedby="into-hint\(fault == nil ? nil : " into-fault")">\
        <span class="hint" id="into-hint">\
        \(t("Or words from its subject, to search the tickets from {0}.", name))</span>\(wrong)</div>\(found)
        """
}

/// Both tickets side by side, and what a merge means for those who wrote them.
func mergeQuestion(
    _ own: TicketGlance, _ other: TicketGlance, _ desk: DeskFrame, _ view: TicketView, _ state: ActionState
) -> HTML {
    let t = desk.t
    let isOthers = other.ticket.customer != own.ticket.customer
    let differs: HTML? = isOthers ? warning(own, other, t) : nil
    let people = ([isOthers ? requester(own.ticket) : nil] + view.whole.collaborators.map { $0.address })
        .compactMap { $0 }
    let add: HTML? =
        people.isEmpty
        ? nil
        : tick(
            "add_cc", t("Add as CC to #{0}: {1}", String(other.ticket.number), people.joined(separator: ", ")),
            isOn: state.values["add_cc"] != nil)
    return """
        <input type="hidden" name="into" value="\(other.ticket.number)"><input type="hidden" name="confirmed" value="1">\
        <div class="versus">\(card(own, t("This ticket"), t))\(Icon.right.html)\
        \(card(other, t("Merges into"), t))</div>\(differs)\(add)\
        <p class="small quiet">\
        \(t("All messages and notes of #{0} move to #{1}. Its number will lead there. You can unmerge at any time.", String(own.ticket.number), String(other.ticket.number)))\
        </p>
        """
}

private func requester(_ ticket: Ticket) -> String {
    ticket.requesterName.isEmpty ? ticket.requesterAddress : "\(ticket.requesterName) <\(ticket.requesterAddress)>"
}

private func card(_ glance: TicketGlance, _ role: String, _ t: Language) -> HTML {
    let ticket = glance.ticket
    let count = glance.entries == 1 ? t("1 message") : t("{0} messages", String(glance.entries))
    let words: HTML? =
        glance.latest.text.isEmpty
        ? nil : "<div class=\"quiet latest\" dir=\"auto\">\(String(glance.latest.text.prefix(110)))</div>"
    let organization: HTML? = glance.organization.map { "<div class=\"quiet\" dir=\"auto\">\($0)</div>" }
    return """
        <section class="card" aria-label="\(role)"><div class="small quiet">\(role)</div>\
        <div class="strong" dir="auto"><a href="\(href: ticketPath(ticket.number))">#\(ticket.number)</a> \
        \(ticket.subject)</div><div dir="auto">\(requester(ticket))</div>\(organization)\
        <div class="quiet">\(t.status(ticket.state)) · \(ticket.department.name) · \(count)</div>\(words)</section>
        """
}

/// Two people, perhaps of two organizations, who may know nothing of each other.
private func warning(_ own: TicketGlance, _ other: TicketGlance, _ t: Language) -> HTML {
    let organizations: HTML? =
        own.organization != other.organization
        ? """
         \(t("They also belong to different organizations: {0} and {1}.", own.organization ?? t("none"), other.organization ?? t("none")))
        """
        : nil
    return """
        <div class="banner" role="alert">\(Icon.alert.html)<span>\
        <strong>\(t("These tickets are from different people."))</strong> \
        \(t("{0} won't get replies to #{1} unless you add them below. Make sure they don't see anything private to {2}.", requester(own.ticket), String(other.ticket.number), requester(other.ticket)))\
        \(organizations)</span></div>
        """
}

/// What taking a merge back does.
func unmergeFields(_ view: TicketView, _ t: Language) -> HTML {
    let other = view.whole.mergedInto.map { "#\($0)" } ?? t("the other ticket")
    return """
        <p>\
        \(t("The messages that came from #{0} leave {1}, and #{0} gets back the status it had before the merge.", String(view.ticket.number), other))\
        </p><p class="small quiet">\
        \(t("What was written since the merge stays in {0}. Customers aren't told.", other))</p>
        """
}
