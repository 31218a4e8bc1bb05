import Desk
import Foundation
import Markup

/// What is left to do before a desk works for customers and agents: each step with its true state, and where it is
/// done.
struct FirstSteps: Sendable {
    struct Step: Sendable {
        let title: String
        let about: String
        let path: Path
        let isDone: Bool
    }
    let steps: [Step]
    var done: Int { steps.filter(\.isDone).count }
}

extension Call {
    /// Whether an email of the desk itself can go out: by its own server, or by the one of the mailbox it writes from.
    func sendsMail() async throws -> Bool {
        if web.outgoing.isSet() { return true }
        let home = desk.office.mailbox.address
        return try await desk.read { try $0.hasMailServer(of: home) }
    }

    /// Nil for everybody but administrators, once all is done, and where they were dismissed.
    func firstSteps() async throws -> FirstSteps? {
        guard try agent().role == .administrator else { return nil }
        let (office, takesLMTP, t) = (desk.office, web.takesLMTP, frame.t)
        let sends = try await sendsMail()
        let (progress, address) = try await desk.read { db in
            (try db.setupProgress(), try db.publicMailAddress(home: office.mailbox.address, takesLMTP: takesLMTP))
        }
        guard !progress.isDismissed else { return nil }
        let settings = Path("admin", "settings")
        let found = FirstSteps(steps: [
            .init(
                title: t("Name your desk"), about: t("Customers see the name on pages and in emails."), path: settings,
                isDone: progress.hasName),
            .init(
                title: t("Set the desk's address"), about: t("Links in emails lead there."), path: settings,
                isDone: !office.isLocal),
            .init(
                title: t("Set up outgoing email"), about: t("Replies and notifications are queued until then."),
                path: settings, isDone: sends),
            .init(
                title: t("Add a mailbox"), about: t("Emails to it become tickets."),
                path: Path("admin", "mailboxes", "new"), isDone: address != nil),
            .init(
                title: t("Add your team"), about: t("Each agent gets an invitation."),
                path: Path("admin", "agents", "new"), isDone: progress.hasTeam),
            .init(
                title: t("Send a first test request"), about: t("Fill in the form as a customer would."),
                path: Path("tickets", "new"), isDone: progress.hasTicket),
        ])
        return found.done == found.steps.count ? nil : found
    }
}

/// - Parameter place: the page it stands on, to come back to.
func firstSteps(_ steps: FirstSteps, _ desk: DeskFrame, from place: String) -> HTML {
    let t = desk.t
    let items: [HTML] = steps.steps.map { step in
        let mark: HTML =
            step.isDone
            ? "<span class=\"tick\" aria-hidden=\"true\">\(Icon.check.html)</span>"
            : "<span class=\"tick\" aria-hidden=\"true\"></span>"
        let title: HTML =
            step.isDone
            ? "<span>\(step.title)<span class=\"unseen\"> \(t("(done)"))</span></span>"
            : "<span><a href=\"\(href: step.path)\">\(step.title)</a><br><span class=\"quiet\">\(step.about)</span></span>"
        return "<li\(step.isDone ? " class=\"done\"" as HTML : nil)>\(mark)\(title)</li>"
    }
    return """
        <section class="card steps" aria-labelledby="first-steps"><header><h2 id="first-steps">\(t("First steps"))</h2>\
        <span class="quiet">\(t("{0} of {1} done", String(steps.done), String(steps.steps.count)))</span>\
        <progress max="\(steps.steps.count)" value="\(steps.done)" aria-label="\(t("First steps"))"></progress>\
        <form class="end" method="post" action="\(href: Path("admin", "first-steps", "dismiss"))">\
        <input type="hidden" name="csrf" value="\(desk.csrf)"><input type="hidden" name="from" value="\(place)">\
        <button class="button plain">\(t("Dismiss"))</button></form></header>\
        <div class="inside"><ol class="checklist">\(items)</ol></div></section>
        """
}
