import Desk
import Foundation
import Hummingbird
import Markup
import Store

/// What administrators see on every page while timers stand still, and the press by which they go on.
enum ClockNotice {
    static var routes: [Route] { [.post("/admin/clock", for: .agent(.administrator), trust)] }

    /// The clock was right: nothing else is asked of the form.
    @Sendable private static func trust(_ call: Call) async throws -> Response {
        _ = try await call.form()
        try await call.desk.trustClock()
        return Page.see(Path("desk"))
    }

    /// Nil for all others, and while timers run.
    static func html(_ desk: DeskFrame) -> HTML? {
        guard desk.agent.role == .administrator, let hold = desk.frame.clockHold else { return nil }
        let t = desk.t
        return """
            <div class="standstill" role="status">
            <p>\
            \(t("Timers are paused: this server's clock jumped ahead by {0}. Nothing is closed, escalated or emailed until this is settled. If the time is wrong, correct the clock; timers then resume by themselves.", t.span(hold.after.timeIntervalSince(hold.before.wall))))\
            </p>
            <form method="post" action="\(href: Path("admin", "clock"))">\
            <input type="hidden" name="csrf" value="\(desk.csrf)">\
            <button class="button">\(t("The time is right, resume timers"))</button></form>
            </div>
            """
    }
}
