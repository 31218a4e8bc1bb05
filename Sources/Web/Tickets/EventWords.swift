import Desk
import Domain
import Foundation
import Markup
import Primitives

/// What happened, in a sentence.
func eventWords(_ event: TicketEvent, _ t: Language, names: [String: String] = [:]) -> String {
    let who = event.actor.name
    let data = event.dataText == "{}" ? nil : JSON(event.dataText)
    let given = data?["team"]?.text ?? data?["agent"]?.text ?? data?["to"]?.text ?? data?["email"]?.text ?? ""
    let to = names[given.lowercased()] ?? given
    let other = (data?["into"] ?? data?["by"] ?? data?["follows"] ?? data?["ticket"])?.integer
    let sentence: String =
        switch event.kind {
        case .opened: t("opened by {0}", who)
        case .assigned: t("{0} assigned it to {1}", who, to)
        case .claimed: t("{0} took ownership", who)
        case .released: t("{0} unassigned it", who)
        case .transferred: t("{0} moved it to {1}", who, to)
        case .escalated:
            told(data).isEmpty ? t("{0} escalated it", who) : t("{0} escalated it and told {1}", who, told(data))
        case .deEscalated:
            (data?["to"]?.integer ?? 0) == 0
                ? t("{0} ended the escalation", who)
                : t("{0} de-escalated it to level {1}", who, String(data?["to"]?.integer ?? 0))
        case .replied: t("{0} replied", who)
        case .noted: t("{0} wrote a note", who)
        case .received: t("{0} wrote", who)
        case .waiting: t("{0} waits for the customer", who)
        case .held: t("{0} put it on hold", who)
        case .resumed:
            event.actor.kind == .customer ? t("{0} replied; the ticket is open again", who) : t("{0} resumed work", who)
        case .resolved: t("{0} offered a solution", who)
        case .confirmed: t("{0} confirmed the solution", who)
        case .closed: t("{0} closed it", who)
        case .reopened: t("{0} reopened it", who)
        case .merged: t("{0} merged tickets", who)
        case .bounced, .deliveryFailed: t("a mail could not be delivered")
        case .rated: t("{0} rated it with {1} of 5", who, String(data?["rating"]?.integer ?? 0))
        case .reviewed: t("{0} reviewed the rating", who)
        case .changed: t("{0} changed {1}", who, changed(data, t))
        case .linked: t("linked with #{0}", String(other ?? 0))
        case .overdue: t("a target was missed")
        case .updated: t("Status update sent")
        case .markedSpam: t("{0} marked it as spam", who)
        case .followedUp: t("{0} followed up on the rating", who)
        case .agentAdded: t("{0} added {1}", who, to)
        case .agentRemoved: t("{0} removed {1}", who, to)
        case .collaboratorAdded: t("{0} added {1}", who, to)
        case .requesterChanged:
            t("{0} changed the requester from {1} to {2}", who, data?["from"]?.text ?? "", data?["to"]?.text ?? "")
        case .collaboratorRemoved: t("{0} removed {1}", who, to)
        case .quieted: t("a mail was not sent")
        case .takenBack: t("{0} took a reply back", who)
        }
    return sentence
}

/// Whom an escalation was told to.
private func told(_ data: JSON?) -> String {
    guard case .array(let names)? = data?["told"] else { return "" }
    return names.compactMap(\.text).joined(separator: ", ")
}

private func changed(_ data: JSON?, _ t: Language) -> String {
    guard case .object(let fields)? = data else { return "" }
    return fields.sorted { $0.key < $1.key }.map { name, change in
        guard let to = change["to"] else { return t(name) }
        return "\(t(name)): \(change["from"].map(fieldText) ?? "–") → \(fieldText(to))"
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
