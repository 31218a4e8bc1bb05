import Desk
import Foundation
import HTTPTypes
import Hummingbird
import Mail
import Markup
import Primitives
import Store

/// What a mailbox's page can do beside keeping its settings: try them, connect by OAuth; and the messages that were set
/// aside.
enum MailboxRoutes {
    static var routes: [Route] {
        [
            .post("/admin/mailboxes/:id/test", for: .agent(.administrator), test),
            .post("/admin/mailboxes/:id/connect", for: .agent(.administrator), connect),
            .get("/admin/consent", for: .agent(.administrator), askConsent),
            .post("/admin/consent", for: .agent(.administrator), takeConsent),
            .get("/admin/quarantine", for: .agent(.administrator), quarantine),
            .post("/admin/quarantine/:id/retry", for: .agent(.administrator), retry),
            .post("/admin/quarantine/:id/forget", for: .agent(.administrator), forget),
        ]
    }

    private static func mailbox(_ call: Call) async throws -> Mailbox {
        let id = Mailbox.ID(try call.number("id"))
        guard let found = try await call.desk.read({ try $0.mailbox(id) }) else { throw Refusal.notFound }
        return found
    }

    @Sendable private static func test(_ call: Call) async throws -> Response {
        _ = try await call.form()
        let mailbox = try await mailbox(call)
        let result = await call.desk.tryMailbox(mailbox)
        let t = call.frame.t
        var lines: [TestLine] = []
        if mailbox.fetch != .no {
            lines.append(
                result.fetch.map { TestLine(words: t("Couldn't fetch email: {0}", $0), result: .wrong) }
                    ?? TestLine(words: t("Fetching email works."), result: .right))
        }
        if let wrong = result.smtp {
            lines.append(TestLine(words: t("Couldn't send email: {0}", wrong), result: .wrong))
        } else if !mailbox.smtpHost.isEmpty {
            lines.append(TestLine(words: t("Sending email works."), result: .right))
        } else if call.web.outgoing.isSet() {
            lines.append(
                TestLine(
                    words: t("This mailbox sends through the desk's own mail server. Test it in the settings."),
                    result: .neither))
        } else {
            lines.append(TestLine(words: t("No outgoing mail server is set, so nothing was sent."), result: .neither))
        }
        let isWrong = lines.contains { $0.result == .wrong }
        return Page.response(
            isWrong ? .unprocessableContent : .ok, testPage(try await call.deskFrame(), mailbox, lines))
    }

    // MARK: OAuth

    @Sendable private static func connect(_ call: Call) async throws -> Response {
        _ = try await call.form()
        let mailbox = try await mailbox(call)
        guard let address = ConsentQuestion(mailbox.id).address(mailbox, call.desk.office) else {
            throw Refusal.notFound
        }
        // The policy lets forms lead to ourselves only, so the way to the provider is a link of a page.
        guard let link = ExternalLink(address) else { throw Refusal.notFound }
        return Page.response(providerPage(try await call.deskFrame(), mailbox, link))
    }

    /// Where the provider sends the browser back. A GET changes nothing: one press takes the consent.
    @Sendable private static func askConsent(_ call: Call) async throws -> Response {
        let desk = try await call.deskFrame()
        let (state, code) = (call.query("state") ?? "", call.query("code") ?? "")
        guard let question = ConsentQuestion(state: state, call.desk.office.signer),
            let mailbox = try await call.desk.read({ try $0.mailbox(question.mailbox) })
        else { throw Refusal.notFound }
        if let error = call.query("error") {
            return Page.response(
                .unprocessableContent, consentFaultPage(desk, mailbox, call.query("error_description") ?? error))
        }
        return Page.response(consentPage(desk, mailbox, state: state, code: code))
    }

    @Sendable private static func takeConsent(_ call: Call) async throws -> Response {
        let form = try await call.form()
        guard let question = ConsentQuestion(state: form["state"] ?? "", call.desk.office.signer),
            let mailbox = try await call.desk.read({ try $0.mailbox(question.mailbox) })
        else { throw Refusal.notFound }
        do { try await call.desk.connect(question, code: form["code"] ?? "") } catch let fault as OAuthFault {
            return Page.response(
                .unprocessableContent, consentFaultPage(try await call.deskFrame(), mailbox, fault.description))
        }
        return Page.see(Path("admin", "mailboxes", mailbox.id.description))
    }

    // MARK: quarantine

    @Sendable private static func quarantine(_ call: Call) async throws -> Response {
        let held = try await call.desk.read { try $0.quarantined(limit: 200) }
        return Page.response(quarantinePage(try await call.deskFrame(), held))
    }
    @Sendable private static func retry(_ call: Call) async throws -> Response {
        _ = try await call.form()
        let id = try call.number("id")
        try await call.desk.write { try $0.retryQuarantined(id) }
        return Page.see(Path("admin", "quarantine"))
    }
    @Sendable private static func forget(_ call: Call) async throws -> Response {
        _ = try await call.form()
        let id = try call.number("id")
        try await call.desk.write { try $0.forgetQuarantined(id) }
        return Page.see(Path("admin", "quarantine"))
    }
}

// MARK: pages

private func mailboxPath(_ mailbox: Mailbox) -> Path { Path("admin", "mailboxes", mailbox.id.description) }

private func sheet(_ title: String, _ desk: DeskFrame, back: (Path, String), _ content: HTML) -> HTML {
    deskPage(
        title, desk, at: .administration,
        """
        <main class="sheet broad" id="content">\(trail([(Path("admin"), desk.t("Administration")), back], desk.t))\
        <h1>\(title)</h1>\(content)</main>
        """
    )
}

/// How a mailbox fares, and what can be done, below its settings.
func mailboxStatus(_ desk: DeskFrame, _ mailbox: Mailbox, _ status: MailboxStatus?) -> HTML {
    let t = desk.t
    func press(_ what: String, _ title: String) -> HTML {
        form(
            Path("admin", "mailboxes", mailbox.id.description, what), csrf: desk.csrf, class: "row",
            "<button class=\"button\">\(title)</button>")
    }
    let fetched: HTML? = status.map { "<p class=\"small\">\(t("{0} messages fetched.", String($0.fetched)))</p>" }
    let last: HTML? = status?.succeededAt.map {
        "<p class=\"small\">\(t("Last successful check:")) \(moment($0))</p>"
    }
    let since: HTML? = status?.failingSince.map { "<span class=\"quiet\">\(t("since")) \(moment($0))</span>" }
    let fault: HTML? = status?.error.map {
        "<p class=\"fault\" role=\"status\">\(t("This mailbox can't be read: {0}", $0)) \(since)</p>"
    }
    let consent: HTML? =
        mailbox.signIn == .password
        ? nil
        : status?.isConnected == true
            ? "<p class=\"small\">\(t("Connected by OAuth."))</p>"
            : "<p class=\"fault\" role=\"status\">\(t("Not connected. Press Connect and give your consent at the provider."))</p>"
    let connect: HTML? = mailbox.signIn == .password ? nil : press("connect", t("Connect"))
    return
        """
        <section class="card roomy"><h2>\(t("Status"))</h2>\(fault)\(last)\(fetched)\(consent)\
        <div class="row wrap">\(press("test", t("Test connection")))\(connect)</div></section>
        """
}

/// One thing that was tried, and how it went.
private struct TestLine {
    enum Result { case right, wrong, neither }
    let words: String
    let result: Result
}

private func testPage(_ desk: DeskFrame, _ mailbox: Mailbox, _ lines: [TestLine]) -> HTML {
    let found: [HTML] = lines.map { line in
        let mark: HTML? = line.result == .right ? "<span class=\"good\" aria-hidden=\"true\">✓</span> " : nil
        return line.result == .wrong ? "<p class=\"fault\">\(line.words)</p>" : "<p>\(mark)\(line.words)</p>"
    }
    return sheet(
        desk.t("Test of {0}", mailbox.address.address), desk, back: (mailboxPath(mailbox), mailbox.address.address),
        "<div class=\"card roomy\" role=\"status\">\(found)</div>")
}

private func providerPage(_ desk: DeskFrame, _ mailbox: Mailbox, _ link: ExternalLink) -> HTML {
    let t = desk.t
    return sheet(
        t("Connect {0}", mailbox.address.address), desk, back: (mailboxPath(mailbox), mailbox.address.address),
        """
        <p>\(t("Sign in to the provider with this mailbox and give your consent. You will then return to this page."))</p><p>\
        <a class="button primary" href="\(href: link)">\(t("Go to the provider"))</a></p>
        """
    )
}

private func consentPage(_ desk: DeskFrame, _ mailbox: Mailbox, state: String, code: String) -> HTML {
    let t = desk.t
    return sheet(
        t("Connect {0}", mailbox.address.address), desk, back: (mailboxPath(mailbox), mailbox.address.address),
        form(
            Path("admin", "consent"), csrf: desk.csrf,
            """
            <p>\(t("The provider has given its consent."))</p><input type="hidden" name="state" value="\(state)">\
            <input type="hidden" name="code" value="\(code)"><button class="button primary">\(t("Connect"))</button>
            """
        ))
}

private func consentFaultPage(_ desk: DeskFrame, _ mailbox: Mailbox, _ words: String) -> HTML {
    sheet(
        desk.t("Connect {0}", mailbox.address.address), desk, back: (mailboxPath(mailbox), mailbox.address.address),
        "<p class=\"fault\" role=\"alert\">\(desk.t("Couldn't connect: {0}", words))</p>")
}

private func quarantinePage(_ desk: DeskFrame, _ held: [Quarantined]) -> HTML {
    let t = desk.t
    let rows: [HTML] = held.map { message in
        func press(_ what: String, _ title: String) -> HTML {
            form(
                Path("admin", "quarantine", String(message.id), what), csrf: desk.csrf, class: "inline",
                "<button class=\"link\">\(title)<span class=\"unseen\"> \(message.name)</span></button>")
        }
        let soon: HTML? =
            message.wantsRetry ? "<div class=\"small quiet\">\(t("will be retried at the next check"))</div>" : nil
        return """
            <tr><th scope="row">\(message.mailbox)</th><td class="num">\(message.name)</td>\
            <td>\(fileSize(message.size))</td><td>\(message.reason)\(soon)</td><td>\(moment(message.at))</td>\
            <td class="num">\(message.attempts)</td>\
            <td class="row">\(press("retry", t("Try again")))\(press("forget", t("Dismiss")))</td></tr>
            """
    }
    let none: HTML? = rows.isEmpty ? "<p class=\"quiet\">\(t("No messages in quarantine."))</p>" : nil
    return sheet(
        t("Quarantine"), desk, back: (Path("admin"), t("Administration")),
        """
        <p class="quiet small">\(t("These messages are still on their server. Here is why they couldn't be imported."))\
        </p>\(none)<div class="scroll-x" tabindex="0" role="region" aria-label="\(t("Quarantine"))">\
        <table class="figures full"><thead><tr>\
        <th scope="col">\(t("Mailbox"))</th><th scope="col">\(t("Message"))</th><th scope="col">\(t("Size"))</th>\
        <th scope="col">\(t("Why"))</th><th scope="col">\(t("When"))</th><th scope="col">\(t("Attempts"))</th>\
        <th scope="col"><span class="unseen">\(t("Actions"))</span></th></tr></thead>\
        <tbody>\(rows)</tbody></table></div>
        """)
}
