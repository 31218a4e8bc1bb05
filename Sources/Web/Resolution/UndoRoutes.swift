import Desk
import Domain
import Foundation
import Hummingbird
import Markup
import Primitives

/// Taking back what was just done: a reply that was sent, an action on one ticket or on many.
enum UndoRoutes {
    static var routes: [Route] {
        [.post("/desk/undo/:batch", for: .agent(.agent), undo)]
    }

    @Sendable private static func undo(_ call: Call) async throws -> Response {
        let agent = try call.agent()
        let batch = try call.parameter("batch")
        // The ticket that the bar was about, for the page to come back to.
        let ticket = Int64(try await call.form()["ticket"] ?? "")
        let undone: Undone
        do { undone = try await call.desk.write { try $0.undo(batch, by: agent) } } catch Refusal.conflict {
            return try await call.back(toOne: ticket, saying: [("said", "late")])
        }
        if undone.deed == .reply { return try await call.back(toOne: ticket, saying: [("said", "back")]) }
        let changed =
            undone.changed.isEmpty
            ? [] : [("changed", undone.changed.prefix(20).map(String.init).joined(separator: ","))]
        return try await call.back(
            toOne: undone.tickets.count + undone.changed.count == 1 ? undone.tickets.first : nil,
            saying: [("said", "undone")] + changed)
    }
}

extension Call {
    /// Back to one ticket, or to the list where there were several.
    fileprivate func back(toOne ticket: Int64?, saying said: [(String, String)]) async throws -> Response {
        if let ticket { return try await back(to: ticket, shown: ticket, saying: said) }
        return Page.see((position ?? ListPosition(.list(.next))).path(said))
    }
}

/// For some seconds what was done can be taken back, from whatever page its doer has gone on to; the page counts them
/// down.
///
/// - Parameters:
///   - ticket: the ticket of the page.
///   - next: where to go on from it.
func undoBars(_ desk: DeskFrame, on ticket: Int64? = nil, next: HTML? = nil) -> HTML? {
    guard !desk.undoables.isEmpty else { return nil }
    let bars: [HTML] = desk.undoables.enumerated().map { index, undoable in
        undoBar(
            undoable, desk, isFirst: index == 0,
            next: index == 0 && undoable.count == 1 && undoable.ticket == ticket ? next : nil)
    }
    return "\(bars)"
}

private func undoBar(_ undoable: Undoable, _ desk: DeskFrame, isFirst: Bool, next: HTML?) -> HTML {
    let t = desk.t
    let path = Path(["desk", "undo", undoable.batch], query: desk.position?.query ?? [])
    let left = max(1, Int(undoable.until.timeIntervalSince(desk.now).rounded(.up)))
    let key: HTML? = isFirst ? " data-key=\"z\" title=\"\(t("Undo")) (Z)\"" : nil
    let one: HTML? =
        undoable.count == 1 ? "<input type=\"hidden\" name=\"ticket\" value=\"\(undoable.ticket)\">" : nil
    // A reply is under way until its time is over.
    let then: HTML? = undoable.deed == .reply ? " data-then=\"\(t("Reply sent."))\"" : nil
    return """
        <form class="undo" method="post" action="\(href: path)" data-takeback="\(left)">\
        <input type="hidden" name="csrf" value="\(desk.csrf)">\(one)\
        <span class="grow" role="status"\(then)>\(t.did(undoable))</span>\(next)\
        <span class="num" aria-hidden="true">\(left)</span>\
        <button class="button"\(key)>\(t("Undo"))</button>\
        <progress max="\(left)" value="\(left)" aria-hidden="true"></progress></form>
        """
}

extension Language {
    /// What was done to one ticket, or to how many.
    func did(_ undoable: Undoable) -> String {
        guard case .action(let action) = undoable.deed else {
            return self("Sending your reply to #{0}…", String(undoable.ticket))
        }
        return undoable.count == 1 ? did(action, String(undoable.ticket)) : did(action, times: undoable.count)
    }

    private func did(_ action: TicketAction, _ number: String) -> String {
        switch action {
        case .claim: self("Ticket #{0} assigned to you.", number)
        case .assign: self("Ticket #{0} assigned.", number)
        case .release: self("Ticket #{0} unassigned.", number)
        case .transfer: self("Ticket #{0} transferred.", number)
        case .deEscalate: self("Ticket #{0} de-escalated.", number)
        case .wait: self("Ticket #{0} set to pending.", number)
        case .hold: self("Ticket #{0} put on hold.", number)
        case .resume: self("Ticket #{0} is open again.", number)
        case .resolve: self("Ticket #{0} resolved.", number)
        case .confirm, .close: self("Ticket #{0} closed.", number)
        case .reopen: self("Ticket #{0} reopened.", number)
        case .spam: self("Ticket #{0} marked as spam.", number)
        default: self("Ticket #{0} changed.", number)
        }
    }

    /// What was done to many tickets by one press.
    func did(_ action: TicketAction, times count: Int) -> String {
        switch (action, count) {
        case (.claim, 1), (.assign, 1): self("1 ticket assigned.")
        case (.claim, _), (.assign, _): self("{0} tickets assigned.", String(count))
        case (.wait, 1): self("1 ticket set to pending.")
        case (.wait, _): self("{0} tickets set to pending.", String(count))
        case (.hold, 1): self("1 ticket put on hold.")
        case (.hold, _): self("{0} tickets put on hold.", String(count))
        case (.resolve, 1): self("1 ticket resolved.")
        case (.resolve, _): self("{0} tickets resolved.", String(count))
        case (.close, 1): self("1 ticket closed.")
        case (.close, _): self("{0} tickets closed.", String(count))
        case (.spam, 1): self("1 ticket marked as spam.")
        case (.spam, _): self("{0} tickets marked as spam.", String(count))
        case (_, 1): self("1 ticket changed.")
        default: self("{0} tickets changed.", String(count))
        }
    }
}
