import Desk
import Domain
import Foundation
import Markup
import Primitives

/// The tickets that have to do with one, in its details; new ones are added by number.
func linkedTickets(_ desk: DeskFrame, _ view: TicketView) -> HTML? {
    let t = desk.t
    let ticket = view.ticket
    let items: [HTML] = view.whole.links.map { link in
        let remove: HTML? =
            desk.works && TicketAction.unlink.isAllowed(in: ticket.state)
            ? """
            <form method="post" action="\(href: desk.actionPath(ticket.number, .unlink))">\
            <input type="hidden" name="csrf" value="\(desk.csrf)">\
            <input type="hidden" name="to" value="\(link.number)">\
            <input type="hidden" name="kind" value="\(link.relation.rawValue)">\
            <button class="link" aria-label="\(t("Remove the link to {0}", "#\(link.number)"))">×</button></form>
            """ : nil
        return """
            <li><div class="grow"><span class="quiet">\(t.relation(link.relation))</span> \
            <a class="num" href="\(href: ticketPath(link.number))">#\(link.number)</a> \
            <span class="chip plain">\(t.status(link.state))</span>\
            <div class="cut" dir="auto" title="\(link.subject)">\(link.subject)</div></div>\(remove)</li>
            """
    }
    let add: HTML? =
        desk.works && TicketAction.link.isAllowed(in: ticket.state)
        ? """
        <p><a href="\(href: desk.actionPath(ticket.number, .link))" data-dialog>\(t("Link ticket"))</a></p>
        """ : nil
    guard add != nil || !items.isEmpty else { return nil }
    let list: HTML? = items.isEmpty ? nil : "<ul class=\"links\">\(items)</ul>"
    return "<section><h2>\(t("Linked tickets"))</h2>\(list)\(add)</section>"
}

/// Which ticket is linked, and how the two stand to each other.
func linkFields(_ desk: DeskFrame, _ state: ActionState) -> HTML {
    let t = desk.t
    let kinds: [HTML] = TicketRelation.settable.map { relation in
        let chosen: HTML? = state.values["kind"] == relation.rawValue ? " selected" : nil
        return "<option value=\"\(relation.rawValue)\"\(chosen)>\(t.relation(relation))</option>"
    }
    return """
        \(field("kind", t("This ticket is"), state.fault("kind", t), "<select id=\"kind\" name=\"kind\">\(kinds)</select>"))\
        \(field("to", t("Ticket number"), state.fault("to", t), """
            <input id="to" name="to" type="text" inputmode="numeric" value="\(typed: state.values["to"] ?? "")" required>
            """))
        """
}

extension Language {
    /// How this ticket stands to another one.
    func relation(_ relation: TicketRelation) -> String {
        switch relation {
        case .related: self("Related to")
        case .parent: self("Child of")
        case .child: self("Parent of")
        case .duplicateOf: self("Duplicate of")
        case .duplicatedBy: self("Duplicated by")
        case .blocks: self("Blocking")
        case .blockedBy: self("Blocked by")
        case .follows: self("Follow-up to")
        case .followedBy: self("Continued in")
        }
    }
}
