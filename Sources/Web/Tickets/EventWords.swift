import Desk
import Domain
import Foundation
import Markup
import Primitives

/// What happened to a ticket, in a sentence. The event names no ticket that the reader may not see.
func eventWords(_ event: TicketEvent, of number: Int64, _ t: Language, names: [String: String] = [:]) -> String {
    let who = event.actor.name
    let data = event.dataText == "{}" ? nil : JSON(event.dataText)
    let given = data?["team"]?.text ?? data?["agent"]?.text ?? data?["to"]?.text ?? data?["email"]?.text ?? ""
    let to = names[given.lowercased()] ?? given
    let other = (data?["into"] ?? data?["by"] ?? data?["follows"] ?? data?["ticket"])?.integer
    let sentence: String =
        switch event.kind {
        case .opened: t("{0} opened the ticket", who)
        case .assigned: t("{0} assigned the ticket to {1}", who, to)
        case .claimed: t("{0} took ownership", who)
        case .released: t("{0} unassigned the ticket", who)
        case .transferred: t("{0} transferred the ticket to {1}", who, to)
        case .escalated:
            told(data).isEmpty
                ? t("{0} escalated the ticket", who) : t("{0} escalated the ticket and notified {1}", who, told(data))
        case .deEscalated:
            (data?["to"]?.integer ?? 0) == 0
                ? t("{0} ended the escalation", who)
                : t("{0} de-escalated the ticket to level {1}", who, String(data?["to"]?.integer ?? 0))
        case .replied: t("{0} replied", who)
        case .noted: t("{0} wrote a note", who)
        case .received: t("{0} wrote", who)
        case .waiting: t("{0} set the ticket to pending", who)
        case .held: t("{0} put the ticket on hold", who)
        case .resumed:
            event.actor.kind == .customer ? t("{0} replied; the ticket is open again", who) : t("{0} resumed work", who)
        case .resolved: t("{0} offered a solution", who)
        case .confirmed: t("{0} confirmed the solution", who)
        case .closed: t("{0} closed the ticket", who)
        case .reopened: t("{0} reopened the ticket", who)
        case .merged, .unmerged, .split: moved(event.kind, who, data, of: number, t)
        case .bounced, .deliveryFailed: t("An email could not be delivered")
        case .rated: t("{0} rated the request {1} out of 5", who, String(data?["rating"]?.integer ?? 0))
        case .reviewed: t("{0} reviewed the rating", who)
        case .changed: t("{0} changed {1}", who, changed(data, t))
        case .linked, .unlinked: linked(event, data, t) ?? t("linked with #{0}", String(other ?? 0))
        case .overdue: t("SLA target breached")
        case .updated: t("Status update sent")
        case .markedSpam: t("{0} marked the ticket as spam", who)
        case .followedUp: t("{0} followed up on the rating", who)
        case .agentAdded: t("{0} added {1}", who, to)
        case .agentRemoved: t("{0} removed {1}", who, to)
        case .collaboratorAdded: t("{0} added {1}", who, to)
        case .requesterChanged:
            t("{0} changed the requester from {1} to {2}", who, data?["from"]?.text ?? "", data?["to"]?.text ?? "")
        case .collaboratorRemoved: t("{0} removed {1}", who, to)
        case .quieted: t("An email was not sent")
        case .takenBack:
            event.reason.isEmpty ? t("{0} undid the last action", who) : t("{0} undid sending a reply", who)
        }
    return sentence
}

/// What became one ticket or two: the other one, where it is named.
private func moved(
    _ kind: TicketEvent.Kind, _ who: String, _ data: JSON?, of number: Int64, _ t: Language
) -> String {
    func other(_ name: String) -> String? {
        data?[name]?.integer.flatMap { $0 == number ? nil : String($0) }
    }
    let count = data?["entries"]?.integer ?? 0
    if kind == .unmerged {
        if let from = other("from") { return t("{0} unmerged this ticket from #{1}", who, from) }
        if let gone = other("ticket") { return t("{0} unmerged #{1} from this ticket", who, gone) }
        return t("{0} unmerged tickets", who)
    }
    switch (kind, other("into"), other("from")) {
    case (.split, let into?, _) where count == 1: return t("{0} split 1 message off into #{1}", who, into)
    case (.split, let into?, _): return t("{0} split {1} messages off into #{2}", who, String(count), into)
    case (.split, _, let from?): return t("{0} split this ticket off from #{1}", who, from)
    case (.split, nil, nil): return t("{0} split messages off", who)
    case (_, let into?, _): return t("{0} merged this ticket into #{1}", who, into)
    case (_, _, let from?): return t("{0} merged #{1} into this ticket", who, from)
    default: return t("{0} merged tickets", who)
    }
}

/// How another ticket stands to this one from now on, or no longer does.
private func linked(_ event: TicketEvent, _ data: JSON?, _ t: Language) -> String? {
    guard let number = data?["ticket"]?.integer,
        let relation = (data?["kind"]?.text).flatMap({ TicketRelation(rawValue: $0) })
    else { return nil }
    let link = "\(t.relation(relation)) #\(number)"
    return event.kind == .linked
        ? t("{0} added the link “{1}”", event.actor.name, link)
        : t("{0} removed the link “{1}”", event.actor.name, link)
}

/// Whom an escalation was told to.
private func told(_ data: JSON?) -> String {
    guard case .array(let names)? = data?["told"] else { return "" }
    return names.compactMap(\.text).joined(separator: ", ")
}

private func changed(_ data: JSON?, _ t: Language) -> String {
    guard case .object(let fields)? = data else { return "" }
    return fields.sorted { $0.key < $1.key }.map { name, change in
        let title =
            switch name {
            case "first_response_due_at": t("first reply due")
            case "resolution_due_at": t("resolution due")
            default: t(name)
            }
        guard let to = change["to"] else { return title }
        func text(_ value: JSON?) -> String {
            guard let value else { return "–" }
            let written = fieldText(value)
            if name == "priority", let priority = Priority(word: written) { return t.priorityName(priority) }
            // A moment as a reader of any language knows it; seconds say nothing here.
            guard name.hasSuffix("_at"), written.count >= 16, written.hasSuffix("Z") else { return written }
            return "\(written.prefix(10)) \(written.dropFirst(11).prefix(5)) UTC"
        }
        return "\(title): \(text(change["from"])) → \(text(to))"
    }.joined(separator: ", ")
}
/// A value of a field as it is read.
func fieldText(_ json: JSON) -> String {
    switch json {
    case .array(let items): items.map(fieldText).joined(separator: ", ")
    case .null: "–"
    default: json.text ?? json.written
    }
}
