import Desk
import Domain
import Foundation
import Markup
import Primitives

/// What a test email came to.
struct MailTest {
    let words: String
    let isFault: Bool
}

/// What the page of settings shows besides the settings themselves.
struct SettingsState {
    let faults: [Fault]
    let said: String?
    let test: MailTest?
    let office: Office
    /// Whether the desk has a mail server of its own.
    let sends: Bool
    /// Whether a password for it is kept.
    let hasPassword: Bool

    func fault(_ name: String, _ t: Language) -> String? {
        faults.first { $0.field == name }.map { t.fault($0.problem) }
    }
}

func settingsPage(_ desk: DeskFrame, _ values: [String: JSON], _ state: SettingsState) -> HTML {
    let t = desk.t
    func text(_ name: String) -> String { values[name]?.integer.map(String.init) ?? values[name]?.text ?? "" }
    func fault(_ name: String) -> String? { state.fault(name, t) }
    func number(_ name: String, _ label: String) -> HTML {
        TextField(name: name, label: label, value: text(name), type: "number", isRequired: true, fault: fault(name))
            .html
    }
    func words(_ name: String, _ label: String, hint: String? = nil, type: String = "text") -> HTML {
        TextField(name: name, label: label, value: text(name), type: type, hint: hint, fault: fault(name)).html
    }
    var urgent = ""
    if case .array(let items)? = values["urgent_words"] { urgent = items.compactMap(\.text).joined(separator: ", ") }
    return adminSheet(
        t("Settings"), desk,
        """
        <h1>\(t("Settings"))</h1>\(said(state.said))\
        \(state.faults.isEmpty ? nil : "<p class=\"fault\" role=\"alert\">\(t("Nothing was saved yet. Check the marked fields."))</p>" as HTML)\
        \(form(Path("admin", "settings"), csrf: desk.csrf, """
            <h2>\(t("Desk"))</h2>\
            \(TextField(name: "name", label: t("Name of the desk"), value: text("name"), isRequired: true, fault: fault("name")).html)\
            \(address(state, text("url"), t))\
            <h2 id="outgoing">\(t("Outgoing email"))</h2>\
            \(words("mail_address", t("Address the desk writes from"), hint: t("Currently {0}", state.office.mailbox.address), type: "email"))\
            \(server(state, text, t))\
            <h2>\(t("Incoming email"))</h2>\
            \(words("authserv_id", t("Name of your mail server in Authentication-Results (optional)"), hint: t("For example mx.example.com. Usher then trusts what this server found out about a sender. It must remove such headers from incoming mail.")))\
            <div class="pair">\(number("message_bytes", t("Largest mail that is taken in, in bytes")))\(number("fetch_every_seconds", t("Seconds between two looks into the mailboxes")))</div>\
            <h2>\(t("Requests"))</h2>\
            \(TextField(name: "urgent_words", label: t("Escalate when a request contains any of these words"), value: urgent, hint: t("Separate words and phrases with commas. Denied, quoted and asked-about words don’t count."), fault: fault("urgent_words")).html)\
            <div class="pair">\(number("close_after_hours", t("Hours of silence until a resolved ticket closes")))\(number("reopen_within_days", t("Days in which an answer reopens a closed ticket")))\
            \(number("survey_delay_hours", t("Hours from closing to the survey")))\(number("update_every_hours", t("Hours between updates to the customer of an escalated ticket")))\
            \(number("automatic_per_hour", t("Automatic mails one address gets in an hour")))\(number("attachment_bytes", t("Largest files of one message, in bytes")))</div>\
            \(number("undo_seconds", t("Seconds in which a reply can be taken back")))\
            \(tick("sends_acknowledgements", t("Acknowledge new requests"), isOn: values["sends_acknowledgements"] == .bool(true)))\(tick("sends_surveys", t("Ask how it went after closing"), isOn: values["sends_surveys"] == .bool(true)))\
            <div class="row"><button class="button first">\(t("Save"))</button></div>
            """))\(testing(desk, state))
        """)
}

/// Where people reach the desk.
private func address(_ state: SettingsState, _ typed: String, _ t: Language) -> HTML {
    let label = t("Address of the desk")
    if state.office.fixed.url { return fixed(label, state.office.url, by: "USHER_URL", t) }
    return TextField(
        name: "url", label: label, value: typed, type: "url",
        hint: t(
            """
            Used for links in emails, such as https://help.example.com. Currently {0}. After you change it to \
            https, sign in again there.
            """,
            state.office.url),
        fault: state.fault("url", t)
    ).html
}

/// The mail server that sends what no mailbox has a server for.
private func server(_ state: SettingsState, _ text: (String) -> String, _ t: Language) -> HTML {
    if let server = state.office.fixed.smtp { return fixed(t("Mail server"), server, by: "USHER_SMTP", t) }
    func fault(_ name: String) -> String? { state.fault(name, t) }
    let security = [
        ("starttls", t("STARTTLS (usual with port 587)")), ("tls", t("TLS (usual with port 465)")),
        ("plain", t("None: only for a server on this machine")),
    ]
    let kept =
        state.hasPassword
        ? t("A password is saved. Leave this empty to keep it.") : t("For your security it isn't shown again.")
    return """
        <div class="pair">\
        \(TextField(name: "smtp_host", label: t("Mail server"), value: text("smtp_host"), hint: t("Such as smtp.example.com. Leave it empty for none."), fault: fault("smtp_host")).html)\
        \(TextField(name: "smtp_port", label: t("Port"), value: text("smtp_port"), type: "number", hint: t("Empty for the usual one"), fault: fault("smtp_port")).html)\
        \(Choice(name: "smtp_security", label: t("Encryption"), options: security, chosen: text("smtp_security"), fault: fault("smtp_security")).html)\
        </div>\
        <div class="pair">\
        \(TextField(name: "smtp_user", label: t("User name"), value: text("smtp_user"), hint: t("Empty where the server asks for none"), fault: fault("smtp_user")).html)\
        \(TextField(name: "smtp_password", label: t("Password"), type: "password", autocomplete: "new-password", hint: kept, fault: fault("smtp_password")).html)\
        </div>
        """
}

private func fixed(_ label: String, _ value: String, by variable: String, _ t: Language) -> HTML {
    """
    <div class="field"><strong>\(label)</strong><code>\(value)</code>\
    <span class="quiet small">\(t("Set by {0}; change it there.", variable))</span></div>
    """
}

/// The test of what is saved, in the server's own words.
private func testing(_ desk: DeskFrame, _ state: SettingsState) -> HTML {
    let t = desk.t
    let result: HTML? = state.test.map {
        $0.isFault
            ? "<p class=\"fault\" role=\"alert\">\($0.words)</p>" : "<p class=\"said\" role=\"status\">\($0.words)</p>"
    }
    guard state.sends else {
        return
            """
            <section class="card roomy"><h2>\(t("Send a test email"))</h2>\(result)\
            <p>\(t("No outgoing mail server is set. Emails are queued until there is one."))</p></section>
            """
    }
    return form(
        Path("admin", "settings", "test-mail"), csrf: desk.csrf,
        """
        <h2>\(t("Send a test email"))</h2>\(result)\
        \(TextField(name: "address", label: t("Send it to"), value: desk.agent.email, type: "email", hint: t("Save your changes first."), isRequired: true).html)\
        <div class="row"><button class="button">\(t("Send test email"))</button></div>
        """)
}

/// Said where emails pile up because nobody set a server.
func noMailServer(_ t: Language) -> HTML {
    """
    <p class="outrun" role="status">\(t("Outgoing email isn't set up yet. Emails are queued.")) \
    <a href="\(href: Path("admin", "settings"))#outgoing">\(t("Set up email"))</a></p>
    """
}

/// The way to a password where no mail goes out: shown once, for the administrator to hand over.
func passwordLinkPage(_ desk: DeskFrame, _ agent: Agent, link: String, isNew: Bool) -> HTML {
    let t = desk.t
    let title = isNew ? t("{0} was added", agent.name) : t("A link for {0}", agent.name)
    return adminSheet(
        title, desk, under: [(Path("admin", "agents"), t("Agents"))],
        """
        <h1>\(title)</h1><section class="card roomy">\
        <p>\
        \(t("No outgoing mail server is set, so nothing was emailed. Give this link to {0} yourself. It works once, within a day, and isn't shown again.", agent.name))\
        </p>\
        <div class="field"><label for="link">\(t("Link to set a password"))</label>\
        <input id="link" readonly value="\(typed: link)" data-copy></div>\
        <div class="row"><button type="button" class="button first" data-copies="link" data-done="\(t("Copied"))" \
        hidden>\(t("Copy link"))</button><a class="button" href="\(href: Path("admin", "agents"))">\
        \(t("Back to agents"))</a></div></section>
        """)
}
