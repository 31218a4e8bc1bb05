import Desk
import Foundation
import HTTPTypes
import Hummingbird
import Markup
import Store

/// Above every page of a desk that was restored from a backup and has not gone live.
func restoredBanner(_ desk: DeskFrame) -> HTML? {
    guard let copy = desk.restored else { return nil }
    let t = desk.t
    let press: HTML? =
        desk.agent.role == .administrator
        ? """
        <form method="get" action="\(href: Path("admin", "go-live"))">\
        <button class="button">\(t("Go live"))</button></form>
        """
        : nil
    return """
        <div class="restored row spread wrap" role="status">
        <p><strong>\(t("This desk is a restored copy."))</strong> \
        \(t("It sends no email, checks no mailboxes, and closes no tickets until an administrator goes live. Backup from:")) \
        \(moment(copy.madeAt))</p>
        \(press)
        </div>
        """
}

/// What a failing mail server keeps from leaving, for the page of outgoing email.
func failingServer(_ server: FailingMailServer, _ t: Language) -> HTML {
    let whose =
        server.mailbox.map { t("The mail server of {0} isn't accepting our email.", $0) }
        ?? t("Your mail server isn't accepting our email.")
    return """
        <p class="outrun" role="status">\(whose) \(t("It said: {0}", server.error)) \
        <span class="quiet">\(t("since")) \(moment(server.since))</span> \
        \(t("We try again every minute. Queued email goes out as soon as the server accepts it."))</p>
        """
}

func goLivePage(_ desk: DeskFrame, held: (count: Int, first: [Delivery])) -> HTML {
    let t = desk.t
    let rows: [HTML] = held.first.map {
        "<tr><th scope=\"row\">\($0.address)</th><td>\(t.mail($0.kind))</td><td>\(moment($0.createdAt))</td></tr>"
    }
    let more: HTML? =
        held.count > held.first.count
        ? "<p class=\"small quiet\">\(t("And {0} more.", String(held.count - held.first.count)))</p>" : nil
    let list: HTML? =
        held.count == 0
        ? nil
        : """
        <div class="scroll-x" tabindex="0" role="region" aria-label="\(t("Email that was waiting"))">
        <table class="figures full">
        <thead><tr><th scope="col">\(t("To"))</th><th scope="col">\(t("Email"))</th>\
        <th scope="col">\(t("Created"))</th></tr></thead>
        <tbody>\(rows)</tbody>
        </table>
        </div>
        \(more)
        """
    let choice: HTML? =
        held.count == 0
        ? nil
        : """
        <fieldset>
        <legend>\
        \(held.count == 1 ? t("One email was waiting to be sent when the backup was made") : t("{0} emails were waiting to be sent when the backup was made", String(held.count)))\
        </legend>
        <label class="tick"><input type="radio" name="waiting" value="hold" checked> \
        \(t("Hold them back. They stay under Outgoing email, where you can send them one by one."))</label>
        <label class="tick"><input type="radio" name="waiting" value="send"> \
        \(t("Send them. Choose this only if the original desk is gone and hasn't sent them."))</label>
        \(list)
        </fieldset>
        """
    let content: HTML
    if desk.restored == nil {
        content = "<p>\(t("This desk is live."))</p>"
    } else {
        content = """
            <p>\
            \(t("Stop the original desk first. Two live desks with the same mailboxes take each other's email and write to the same customers."))\
            </p>
            <p>\
            \(t("Once live, this desk sends email, checks its mailboxes, closes resolved tickets, and sends reminders and surveys. What fell due since the backup is done now."))\
            </p>
            \(form(Path("admin", "go-live"), csrf: desk.csrf, "\(choice)<div class=\"row\"><button class=\"button primary\">\(t("Go live"))</button></div>"))
            """
    }
    let back = trail([(Path("admin"), t("Administration"))], t)
    return deskPage(
        t("Go live"), desk, at: .administration,
        "<main class=\"sheet broad\" id=\"content\">\(back)<h1>\(t("Go live"))</h1>\(content)</main>")
}

extension AdminRoutes {
    private static let mostShown = 100

    @Sendable static func askToGoLive(_ call: Call) async throws -> Response {
        try await call.desk.reloadSettings()
        let held = try await call.desk.read { try $0.mailHeldSinceRestore(limit: mostShown) }
        return Page.response(goLivePage(try await call.deskFrame(), held: held))
    }

    /// Twice does no harm: the second finds the desk live.
    @Sendable static func goLive(_ call: Call) async throws -> Response {
        let form = try await call.form()
        let sends = form["waiting"] == "send"
        let agent = try call.agent()
        let heldBack = try await call.desk.write { tx in try tx.db.isLive() ? 0 : try tx.goLive(sendsWaiting: sends) }
        call.desk.log.notice("the desk went live", metadata: ["agent": "\(agent.email)", "held_back": "\(heldBack)"])
        try await call.desk.reloadSettings()
        return Page.see(heldBack > 0 ? Path("admin", "outbox") : Path("admin"))
    }
}
