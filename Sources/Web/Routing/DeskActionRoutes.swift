import Desk
import Domain
import Foundation
import HTTPTypes
import Hummingbird
import Mail
import Markup
import Primitives
import Store

/// Every action of a ticket by a press in the workspace: the same verbs as the API's.
enum DeskActionRoutes {
    static var routes: [Route] {
        [.post("/desk/tickets/:number/deliverable", for: .agent(.agent), deliverable)]
            + TicketAction.allCases.flatMap { action -> [Route] in
                let path = "/desk/tickets/:number/do/\(action.rawValue)"
                let press = Route.post(path, for: .agent(.agent)) { try await perform(action, $0) }
                guard hasForm(action) else { return [press] }
                return [
                    press,
                    .get(path, for: .agent(.agent)) { call in
                        try await show(action, call)
                    },
                ]
            }
    }

    /// An agent knows that the requester can be written to again.
    @Sendable private static func deliverable(_ call: Call) async throws -> Response {
        let (number, agent) = (try call.number(), try call.agent())
        _ = try await call.form()
        try await call.desk.write { tx in
            try tx.forgetReturns(of: try tx.db.ticket(number: number, for: .agent(agent)).requesterAddress)
        }
        return Page.see(ticketPath(number, at: call.position, [("said", "deliverable")]))
    }

    private static func show(_ action: TicketAction, _ call: Call) async throws -> Response {
        let number = try call.number()
        var state = ActionState()
        if let entry = call.query("entry").flatMap({ Int64($0) }) { state.entries = [entry] }
        if action == .merge {
            state.values["into"] = call.query("into")
            try await look(from: number, call, &state)
        }
        return Page.response(
            actionPage(action, try await call.deskFrame(), try await call.ticketView(number), state))
    }

    private static func perform(_ action: TicketAction, _ call: Call) async throws -> Response {
        let (number, agent) = (try call.number(), try call.agent())
        let form = try await call.form()
        var state = ActionState()
        for (name, value) in form.values where name != "csrf" && name != "confirmed" { state.values[name] = value }
        /// The ticket's page with the form open on it, and all that was typed.
        func again(_ status: HTTPResponse.Status, _ state: ActionState) async throws -> Response {
            let (desk, view) = (try await call.deskFrame(), try await call.ticketView(number))
            return Page.response(
                status,
                ticketPage(
                    desk, view,
                    TicketNotice(dialog: Dialog(desk.t.action(action), actionForm(action, desk, view, state)))))
        }
        let entries = form.values.filter { $0.name == "entries" }.compactMap { Int64($0.value) }
        state.entries = Set(entries)
        let after: (cursor: TicketCursor?, number: Int64)
        do {
            // An empty field is one that was left out.
            var fields = state.values.filter { !$0.value.trimmingWhitespace().isEmpty }.mapValues {
                JSON.string($0)
            }
            if action == .split { fields["entries"] = .array(entries.map { JSON($0) }) }
            var input = Input(fields)
            let reason = (input.text("reason", most: 2000, required: action == .escalate) ?? "").singleLine
            if action == .merge, form["confirmed"] == nil {
                try await look(from: number, call, &state)
                if state.merge.both == nil, state.merge.found.isEmpty, state.sentences["into"] == nil {
                    state.sentences["into"] = call.frame.t("Enter a ticket number, such as 100123.")
                }
                return try await again(state.sentences["into"] == nil ? .ok : .unprocessableContent, state)
            }
            var wish = try Wish(action, &input)
            wish.solution = wish.solution.map { Writing(typed: $0.text) }
            try input.finish()
            after = try await call.desk.write { [wish] tx in
                let ticket = try tx.db.ticket(number: number, for: .agent(agent))
                let hasWords = wish.solution.map { !$0.text.isEmpty } ?? false
                let shown = try tx.perform(
                    action, on: number, wish, reason: reason, by: Actor(agent), asker: .agent(agent), source: .web)
                // What customers and colleagues hear of it waits for some seconds, as words from the composer do.
                if hasWords, let entry = try tx.db.latestReply(in: ticket.id) {
                    try tx.holdBack(entry, of: ticket.id, by: agent.id)
                } else {
                    try tx.holdBack(action, on: ticket.id, by: agent.id)
                }
                return (TicketCursor(ticket), action == .split ? try tx.db.ticket(shown).number : number)
            }
            var response = try await done(action, wish, after.number, call, after: after.cursor)
            if action.isUndoable { call.offerUndo(in: &response) }
            return response
        } catch Refusal.invalid(let faults) {
            state.faults = faults
            return try await again(.unprocessableContent, state)
        } catch Refusal.conflict(let reason, _) {
            // Somebody was faster: the ticket as it is now says so, and what was typed is still there.
            state.sentences[""] = call.frame.t(reason)
            if hasForm(action) { return try await again(.conflict, state) }
            return Page.response(
                .conflict,
                ticketPage(
                    try await call.deskFrame(), try await call.ticketView(number),
                    TicketNotice(said: state.sentences[""])))
        }
    }

    private static func done(_ action: TicketAction, _ wish: Wish, _ number: Int64, _ call: Call, after: TicketCursor?)
        async throws -> Response
    {
        let from = call.position == nil ? [] : after.map { [("after", $0.text)] } ?? []
        // What was merged goes on in the other ticket.
        let shown = action == .merge ? wish.into ?? number : number
        return try await call.back(to: number, shown: shown, saying: [("said", action.rawValue)] + from)
    }

    /// Looks at both tickets of a merge, or where words were typed instead of a number, for the customer's tickets that
    /// have them in the subject. What is wrong with a number stands beside the field.
    private static func look(from number: Int64, _ call: Call, _ state: inout ActionState) async throws {
        let (asker, t) = (Asker.agent(try call.agent()), call.frame.t)
        let typed = (state.values["into"] ?? "").trimmingWhitespace()
        let digits = typed.hasPrefix("#") ? String(typed.dropFirst()) : typed
        guard let into = Int64(digits) else {
            state.merge.sought = typed
            state.merge.found = try await call.desk.read { db in
                try db.mergeable(with: try db.ticket(number: number, for: asker), about: typed, for: asker)
            }
            return
        }
        guard into != number else {
            state.sentences["into"] = t("Enter the number of a different ticket.")
            return
        }
        do {
            let (own, other) = try await call.desk.read { db in
                let own = try db.ticket(number: number, for: asker)
                return (try db.glance(at: own), try db.glance(at: try db.ticket(number: into, for: asker)))
            }
            if let problem = other.ticket.mergeProblem {
                state.sentences["into"] = t.fault(problem)
                return
            }
            state.merge.both = (own, other)
        } catch Refusal.notFound { state.sentences["into"] = t.fault(.unknownTicket(into)) }
    }
}

extension Call {
    /// For some seconds every page offers to take back what was just done.
    func offerUndo(in response: inout Response) {
        let seconds = desk.settings.current.undoSeconds
        if seconds > 0 { response.set(Cookies.undo, "1", lasting: seconds, desk) }
    }
}

extension Call {
    /// Back to a ticket that was changed; to the list where the change took it out of the agent's own sight.
    func back(to number: Int64, shown: Int64, saying said: [(String, String)]) async throws -> Response {
        let agent = try agent()
        do { _ = try await desk.read { try $0.ticket(number: number, for: .agent(agent)) } } catch Refusal.notFound {
            let place = position ?? ListPosition(.list(.next))
            return Page.see(place.path([("said", "moved"), ("ticket", String(number))]))
        }
        return Page.see(ticketPath(shown, at: position, said))
    }
}
