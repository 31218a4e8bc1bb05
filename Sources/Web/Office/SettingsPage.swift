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
    func words(_ name: String, _ label: String, hint: String? = nil, type: String = "text") -> HTML {
        TextField(name: name, label: label, value: text(name), type: type, hint: hint, fault: fault(name)).html
    }
    func measured(_ name: String, _ label: String, _ unit: String, _ hint: String? = nil) -> HTML {
        let value = SettingsUnit.of(name).map { $0.shown(text(name)) } ?? text(name)
        return unitField(SettingsUnit.of(name)?.field ?? name, label, value, unit, hint, fault(name))
    }
    var urgent = ""
    if case .array(let items)? = values["urgent_words"] { urgent = items.compactMap(\.text).joined(separator: ", ") }
    func on(_ name: String) -> Bool { values[name] == .bool(true) }
    return adminSheet(
        t("Settings"), desk,
        """
        <h1>\(t("Settings"))</h1>\(said(state.said))\
        \(state.faults.isEmpty ? nil : "<p class=\"fault\" role=\"alert\">\(t("Nothing was saved yet. Check the marked fields."))</p>" as HTML)\
        \(form(Path("admin", "settings"), csrf: desk.csrf, class: "form", """
            <section><h2>\(t("Desk"))</h2>\
            \(TextField(name: "name", label: t("Name of the desk"), value: text("name"), isRequired: true, fault: fault("name")).html)\
            \(address(state, text("url"), t))</section>\
            <section><h2 id="outgoing">\(t("Outgoing email"))</h2>\
            \(words("mail_address", t("Sender address"), hint: t("Currently {0}", state.office.mailbox.address), type: "email"))\
            \(server(state, text, t))\
            \(measured("undo_seconds", t("Time to undo replies and actions"), t("seconds")))\
            \(measured("automatic_per_hour", t("Automatic emails to one address"), t("per hour"), t("More are held back, so that two programs don't answer each other forever.")))\
            \(tick("sends_acknowledgements", t("Acknowledge new requests"), isOn: on("sends_acknowledgements")))</section>\
            <section><h2>\(t("Incoming email"))</h2>\
            \(measured("fetch_every_seconds", t("Check mailboxes every"), t("seconds")))\
            \(measured("message_bytes", t("Maximum incoming email size"), "MB"))\
            \(measured("attachment_bytes", t("Maximum size of a message's attachments"), "MB"))\
            \(words("authserv_id", t("Name of your mail server in Authentication-Results (optional)"), hint: t("For example mx.example.com. Usher then trusts what this server found out about a sender. It must remove such headers from incoming mail.")))</section>\
            <section><h2>\(t("Requests"))</h2>\
            \(TextField(name: "urgent_words", label: t("Escalate when a request contains any of these words"), value: urgent, hint: t("Separate words and phrases with commas. Words that are negated, quoted or only asked about don't count."), fault: fault("urgent_words")).html)\
            \(measured("close_after_hours", t("Close resolved tickets after"), t("hours"), t("Unless the customer writes again.")))\
            \(measured("reopen_within_days", t("A reply reopens a closed ticket within"), t("days")))\
            \(measured("update_every_hours", t("Update customers of escalated tickets every"), t("hours")))</section>\
            <section><h2>\(t("Satisfaction survey"))</h2>\
            \(tick("sends_surveys", t("Send a satisfaction survey after closing"), isOn: on("sends_surveys")))\
            \(measured("survey_delay_hours", t("Send the survey after"), t("hours")))</section>\
            <div class="save-bar"><button class="button primary">\(t("Save changes"))</button></div>
            """))\(testing(desk, state))
        """)
}

/// A setting that is kept in bytes, which nobody thinks in.
struct SettingsUnit {
    /// The field's name in the form.
    let field: String
    private static let size = 1 << 20

    static func of(_ name: String) -> SettingsUnit? {
        name.hasSuffix("_bytes") ? SettingsUnit(field: name.replacing("_bytes", with: "_megabytes")) : nil
    }

    /// Bytes as they are shown: whole megabytes, or with up to two digits behind the point.
    func shown(_ bytes: String) -> String {
        guard let bytes = Int(bytes) else { return bytes }
        guard bytes % Self.size != 0 else { return String(bytes / Self.size) }
        return String(format: "%.2f", Double(bytes) / Double(Self.size))
    }

    /// What was typed, in bytes; as it is where it is no number.
    func kept(_ typed: String) -> String {
        guard let number = Double(typed.replacing(",", with: ".")), number.isFinite, abs(number) < 1e9 else {
            return typed
        }
        return String(Int((number * Double(Self.size)).rounded()))
    }
}

/// A number with its unit behind the box.
private func unitField(
    _ name: String, _ label: String, _ value: String, _ unit: String, _ hint: String?, _ fault: String?
) -> HTML {
    let below: HTML? = hint.map { "<span class=\"hint\" id=\"\(name)-hint\">\($0)</span>" }
    let wrong: HTML? = fault.map { "<span class=\"fault\" id=\"\(name)-fault\">\($0)</span>" }
    let ids = [fault == nil ? nil : "\(name)-fault", "\(name)-unit", hint == nil ? nil : "\(name)-hint"].compactMap {
        $0
    }
    let invalid: HTML? = fault == nil ? nil : " aria-invalid=\"true\""
    return """
        <div class="field"><label for="\(name)">\(label)</label><div class="unit">\
        <input id="\(name)" name="\(name)" value="\(typed: value)" inputmode="decimal" required \
        aria-describedby="\(ids.joined(separator: " "))"\(invalid)><span id="\(name)-unit">\(unit)</span></div>\
        \(wrong)\(below)</div>
        """
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
        \(TextField(name: "smtp_port", label: t("Port"), value: text("smtp_port"), type: "number", hint: t("Leave blank for the default port"), fault: fault("smtp_port")).html)\
        \(Choice(name: "smtp_security", label: t("Encryption"), options: security, chosen: text("smtp_security"), fault: fault("smtp_security")).html)\
        </div>\
        <div class="pair">\
        \(TextField(name: "smtp_user", label: t("User name"), value: text("smtp_user"), hint: t("Leave blank if the server doesn't need one"), fault: fault("smtp_user")).html)\
        \(TextField(name: "smtp_password", label: t("Password"), type: "password", autocomplete: "new-password", hint: kept, fault: fault("smtp_password")).html)\
        </div>
        """
}

private func fixed(_ label: String, _ value: String, by variable: String, _ t: Language) -> HTML {
    """
    <div class="field"><strong>\(label)</strong><code>\(value)</code>\
    <span class="quiet small">\(t.fault(.setBy(variable)))</span></div>
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
        <div class="row"><button type="button" class="button primary" data-copies="link" data-done="\(t("Copied"))" \
        hidden>\(t("Copy link"))</button><a class="button" href="\(href: Path("admin", "agents"))">\
        \(t("Back to agents"))</a></div></section>
        """)
}
