import Desk
import Domain
import Foundation
import Markup
import Primitives

extension DeskFrame {
    /// The form that splits a ticket, with one entry chosen.
    func splitPath(_ number: Int64, _ entry: Entry) -> Path {
        partPath(number, "do", TicketAction.split.rawValue, at: position, [("entry", entry.id.description)])
    }
}

/// What moves into the new ticket, and its subject.
func splitFields(_ desk: DeskFrame, _ view: TicketView, _ state: ActionState) -> HTML {
    let t = desk.t
    let picks: [HTML] = view.entries.map { entry in
        let id = "entry-pick-\(entry.id.description)"
        let checked: HTML? = state.entries.contains(entry.id.number) ? " checked" : nil
        let name = entry.author.name.isEmpty ? entry.author.address ?? t("Somebody") : entry.author.name
        let words = String(entry.text.singleLine.prefix(90))
        let kind: HTML? = entry.kind == .note ? "<span class=\"chip plain\">\(t("internal note"))</span>" : nil
        let files: HTML? =
            entry.attachments.isEmpty
            ? nil : "<span class=\"nowrap\">\(Icon.clip.html)\(entry.attachments.count)</span>"
        return """
            <div class="check"><input type="checkbox" id="\(id)" name="entries" value="\(entry.id.description)"\(checked)>\
            <label for="\(id)"><span class="strong" dir="auto">\(name)</span> \(kind) \(moment(entry.at))\(files)</label>\
            <span class="hint cut" dir="auto">\(words)</span></div>
            """
    }
    let earlier: HTML? =
        view.hasEarlier ? "<p class=\"small quiet\">\(t("Earlier messages stay in this ticket."))</p>" : nil
    let wrong: HTML? = state.fault("entries", t).map { "<span class=\"fault\" role=\"alert\">\($0)</span>" }
    let subject = state.values["subject"] ?? view.ticket.subject
    return """
        <p class="small quiet">\
        \(t("The messages you choose move to a new ticket in the same department, with their attachments. The customer isn't told."))\
        </p>\
        \(field("subject", t("Subject of the new ticket"), state.fault("subject", t), """
            <input id="subject" name="subject" type="text" value="\(typed: subject)">
            """))\
        <fieldset class="picks"><legend>\(t("Messages to move"))</legend>\(earlier)\(picks)</fieldset>\(wrong)
        """
}
