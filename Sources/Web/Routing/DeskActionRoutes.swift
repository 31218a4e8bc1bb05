import Desk
import Foundation
import HTTPTypes
import Hummingbird
import Mail
import Markup
import Store

/// Every action of a ticket by a press in the workspace: the same verbs as the API's.
enum DeskActionRoutes {
    static var routes: [Route] {
        [.post("/desk/tickets/:number/deliverable", for: .agent(.agent), deliverable)] + TicketAction.allCases.flatMap { action -> [Route] in
            let path = "/desk/tickets/:number/do/\(action.rawValue)"
            let press = Route.post(path, for: .agent(.agent)) { try await perform(action, $0) }
            guard hasForm(action) else { return [press] }
            return [press, .get(path, for: .agent(.agent)) { call in
                Page.response(actionPage(action, try await call.deskFrame(), try await call.ticketView(try call.number()), ActionState()))
            }]
        }
    }

    /// An agent knows that the requester can be written to again.
    @Sendable private static func deliverable(_ call: Call) async throws -> Response {
        let (number, agent) = (try call.number(), try call.agent())
        _ = try await call.form()
        try await call.desk.write { tx in try tx.forgetReturns(of: try tx.db.ticket(number: number, for: .agent(agent)).requesterAddress) }
        return Page.see(Path("desk", "tickets", String(number), query: [("said", "done")]))
    }

    private static func perform(_ action: TicketAction, _ call: Call) async throws -> Response {
        let (number, agent) = (try call.number(), try call.agent())
        let form = try await call.form()
        var state = ActionState()
        for (name, value) in form.values where name != "csrf" { state.values[name] = value }
        do {
            // An empty field is one that was left out.
            var input = Input(state.values.filter { !$0.value.trimmingWhitespace().isEmpty }.mapValues { JSON.string($0.hasPrefix("#") ? String($0.dropFirst()) : $0) })
            let reason = (input.text("reason", most: 2000, required: action == .escalate) ?? "").singleLine
            let wish = try Wish(action, &input)
            try input.finish()
            _ = try await call.desk.write { try $0.perform(action, on: number, wish, reason: reason, by: Actor(agent), asker: .agent(agent), source: .web) }
        } catch Refusal.invalid(let faults) {
            state.faults = faults
            return Page.response(.unprocessableContent, actionPage(action, try await call.deskFrame(), try await call.ticketView(number), state))
        } catch Refusal.conflict(let reason, _) {
            // Somebody was faster: the ticket as it is now says so.
            let notice = TicketNotice(said: call.frame.t("This was not possible any more: {0}", reason))
            return Page.response(.conflict, ticketPage(try await call.deskFrame(), try await call.ticketView(number), notice))
        }
        // Moving a ticket away may take it out of one's own sight.
        let isSeen = (try? await call.desk.read { try $0.ticket(number: number, for: .agent(agent)) }) != nil
        return Page.see(isSeen ? Path("desk", "tickets", String(number), query: [("said", "done")]) : Path("desk"))
    }
}
