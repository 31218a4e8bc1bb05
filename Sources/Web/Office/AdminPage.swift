import Desk
import Domain
import Foundation
import Markup
import Primitives

func adminSheet(
    _ title: String, _ desk: DeskFrame, at place: Place = .administration, under: [(Path, String)] = [], _ content: HTML
) -> HTML {
    let back = trail((place == .administration ? [(Path("admin"), desk.t("Administration"))] : []) + under, desk.t)
    return deskPage(title, desk, at: place, "<main class=\"sheet broad\" id=\"content\">\(back)\(content)</main>")
}

/// What has no room in a list of rows.
private let longFields: Set = [
    "body", "hours", "holidays", "fields", "note", "description", "columns", "sort", "group_by",
]

func resourceListPage(
    _ desk: DeskFrame, _ resource: Resource, _ base: [String], _ rows: [ResourceRow], said words: String?
) -> HTML {
    let t = desk.t
    let shown = Array(
        resource.fields.filter {
            !$0.kind.isWriteOnly && !$0.kind.isReadOnly
                && !longFields.contains($0.name)
        }.prefix(5))
    let heads: [HTML] = shown.map { "<th scope=\"col\">\(ResourceForm.label($0.name, t))</th>" }
    // Who may only read articles is led to them as everybody sees them.
    let writes = base != ["desk", "kb"] || desk.agent.role >= .supervisor
    func address(_ row: ResourceRow) -> Path {
        let slug = row.fields.first { $0.name == "slug" }?.value.text
        return writes ? Path(base + [String(row.id)]) : slug.map { Path("kb", $0) } ?? Path("kb")
    }
    let add: HTML? = writes ? "<a class=\"button primary\" href=\"\(href: Path(base + ["new"]))\">\(t("Add"))</a>" : nil
    let lines: [HTML] = rows.prefix(200).map { row in
        let isGone = row.fields.first { $0.name == "active" }?.value == .bool(false)
        let mark: HTML? = isGone ? " <span class=\"chip\">\(t("Deactivated"))</span>" : nil
        let cells: [HTML] = shown.enumerated().map { index, field in
            let text = cell(row.fields.first { $0.name == field.name }?.value ?? .null, t)
            return index == 0
                ? """
                <th scope="row"><a href="\(href: address(row))">\(text.isEmpty ? "#\(row.id)" : text)</a>\(mark)\
                </th>
                """
                : "<td>\(text)</td>"
        }
        return "<tr>\(cells)</tr>"
    }
    let next: HTML? =
        rows.count > 200
        ? """
        <a class="button" rel="next" href="\(href: Path(base, query: [("cursor", String(rows[199].id))]))">\
        \(t("More"))</a>
        """
        : nil
    let place: Place = base[0] == "admin" ? .administration : .articles
    let other: HTML? =
        place == .articles
        ? """
        <nav class="row small" aria-label="\(t("Articles"))">\
        <a href="\(href: Path("desk", "kb"))">\(t("Articles"))</a>\
        <a href="\(href: Path("desk", "canned-replies"))">\(t("Canned replies"))</a></nav>
        """
        : nil
    return adminSheet(
        t(resource.title), desk, at: place,
        """
        \(other)<div class="row spread wrap"><h1>\(t(resource.title))</h1>\(add)</div>\(said(words))\
        <p class="quiet small">\(t(resource.summary))</p>\
        <div class="scroll-x" tabindex="0" role="region" aria-label="\(t(resource.title))"><table class="figures full">\
        <thead><tr>\(heads)</tr></thead><tbody>\(lines)</tbody></table></div>\(next)
        """)
}

private func cell(_ value: JSON, _ t: Language) -> String {
    switch value {
    case .null: ""
    case .bool(let truth): truth ? t("yes") : t("no")
    case .array(let items): items.map { cell($0, t) }.joined(separator: ", ")
    case .object: value["name"]?.text ?? value["email"]?.text ?? value["team"].map { cell($0, t) } ?? ""
    default: value.text ?? value.written
    }
}

func resourcePage(
    _ desk: DeskFrame, _ resourceForm: ResourceForm, _ base: [String], _ id: Int64?, _ values: [String: JSON],
    _ returned: ResourceForm.Returned?, note: Sentence?, above: HTML? = nil
) -> HTML {
    let t = desk.t
    let resource = resourceForm.resource
    let name = [
        values["name"], values["title"], values["email"], values["address"], values["pattern"], values["domain"],
    ].lazy.compactMap { $0?.text }.first { !$0.isEmpty }
    let title = id == nil ? t("New {0}", t(resource.name)) : name ?? t(resource.name)
    let remove: HTML? = id.map { id in
        // Whoever has left already cannot leave again.
        guard values["active"] != .bool(false) || resource.path != "agents" else { return "" }
        return
            """
            <p><a class="button" data-dialog href="\(href: Path(base + [String(id), "remove"]))">\
            \(resource.path == "agents" ? t("Deactivate") : t("Remove"))</a></p>
            """
    }
    let wrong: HTML? = note.map { "<p class=\"fault\" role=\"alert\">\(t($0))</p>" }
    return adminSheet(
        title, desk, at: base[0] == "admin" ? .administration : .articles, under: [(Path(base), t(resource.title))],
        """
        <h1>\(title)</h1>\(wrong)\(above)\
        \(form(Path(base + [id.map(String.init) ?? "new"]), csrf: desk.csrf, "\(resourceForm.html(values, returned))<div class=\"row\"><button class=\"button primary\">\(t("Save"))</button></div>"))\
        \(remove)
        """)
}

/// Asks before something that cannot be undone: as a page of its own, or over the page it was asked from.
///
/// - Parameter hidden: what the form sends besides `confirmed`.
func confirmationPage(
    _ desk: DeskFrame, _ title: String, _ sentences: [String], items: [String] = [], to path: Path,
    hidden: [(String, String)] = [], button: String, back: Path, at place: Place = .administration
) -> HTML {
    let named: [HTML] = items.map { "<li dir=\"auto\">\($0)</li>" }
    let lines: [HTML] = sentences.map { "<p>\($0)</p>" } + (items.isEmpty ? [] : ["<ul>\(named)</ul>"])
    let fields: [HTML] = hidden.map { "<input type=\"hidden\" name=\"\($0.0)\" value=\"\($0.1)\">" }
    return adminSheet(
        title, desk, at: place,
        """
        <h1>\(title)</h1>\(form(path, csrf: desk.csrf, """
            \(fields)<input type="hidden" name="confirmed" value="1">\(lines)<div class="row"><button class="button primary">\(button)</button><a class="button" data-cancel href="\(href: back)">\(desk.t("Cancel"))</a></div>
            """))
        """)
}

func removalPage(
    _ desk: DeskFrame, _ resource: Resource, _ base: [String], _ row: ResourceRow, _ dependants: [Dependants]
) -> HTML {
    let t = desk.t
    let values = Dictionary(row.fields.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
    let name =
        ["name", "title", "email", "address", "pattern", "domain"].lazy.compactMap { values[$0]?.text }.first {
            !$0.isEmpty
        } ?? "#\(row.id)"
    let isAgent = resource.path == "agents"
    let used = dependants.map { found -> String in
        if found.path == "tickets" {
            return found.count == 1 ? t("1 open ticket") : t("{0} open tickets", String(found.count))
        }
        let other = Resource.all.first { $0.path == found.path }
        return "\(t(other?.title ?? found.path)): \(found.count)"
    }.joined(separator: ", ")
    let uses: String? = used.isEmpty ? nil : t("Used by: {0}.", used)
    let about: String =
        if isAgent {
            t(
                """
                {0} can no longer sign in. Their open tickets are unassigned, and their history stays. You can \
                activate them again.
                """,
                name)
        } else if resource.isRetired {
            t("It can't be chosen for new tickets any more. Tickets that already use it stay as they are.")
        } else { t("This can't be undone.") }
    return confirmationPage(
        desk, isAgent ? t("Deactivate {0}?", name) : t("Remove “{0}”?", name), [about] + [uses].compactMap { $0 },
        to: Path(base + [String(row.id), "remove"]),
        button: isAgent ? t("Deactivate agent") : t("Remove"), back: Path(base + [String(row.id)]),
        at: base[0] == "admin" ? .administration : .articles)
}

extension Resource {
    /// As a heading: `Service levels`.
    var title: String {
        path == "bans" ? "Blocklist" : Resource.heading(path.replacingOccurrences(of: "-", with: " "))
    }

    /// A name as words begin a line, abbreviations as they are written.
    static func heading(_ words: String) -> String {
        let written = ["smtp": "SMTP", "oauth": "OAuth", "dkim": "DKIM", "url": "URL"]
        let all = words.split(separator: " ").map { written[String($0)] ?? String($0) }.joined(separator: " ")
        return all.prefix(1).uppercased() + all.dropFirst()
    }
}

/// What was typed into the form of one text, and what came of it.
struct TypedMailText {
    let name: MailTextName
    let subject: String
    let body: String
    var fault: Fault?
    var preview: MailText?
    var said: String?
}

/// One text among all: an occasion, in one language.
struct MailTextName: Equatable {
    let kind: MailKind
    /// Nil for English.
    var language: String?

    /// `reply`, `reply.de`.
    var key: String { kind.rawValue + (language.map { "." + $0 } ?? "") }

    init(_ kind: MailKind, language: String? = nil) {
        self.kind = kind
        self.language = language
    }
    init?(_ key: String) {
        if let found = Self.all.first(where: { $0.key == key }) { self = found } else { return nil }
    }

    static let all: [MailTextName] = MailKind.allCases.flatMap { kind in
        [MailTextName(kind)]
            + (MailText.hasTranslation(kind) ? MailText.languages.map { MailTextName(kind, language: $0) } : [])
    }
}

func mailTextsPage(_ desk: DeskFrame, _ settings: Settings, _ typed: TypedMailText?, said words: String?) -> HTML {
    let t = desk.t
    let names = MailText.placeholders.map { "{{\($0)}}" }.joined(separator: "  ")
    let forms: [HTML] = MailTextName.all.map { name in
        mailTextForm(desk, settings, name, typed.flatMap { $0.name == name ? $0 : nil })
    }
    return adminSheet(
        t("Email templates"), desk,
        """
        <h1>\(t("Email templates"))</h1>\(said(words))\
        <p class="small quiet">\(t("Available placeholders:")) \(names)</p><div class="stack">\(forms)</div>
        """
    )
}

private func mailTextForm(_ desk: DeskFrame, _ settings: Settings, _ name: MailTextName, _ typed: TypedMailText?)
    -> HTML
{
    let t = desk.t
    let text = MailText.text(for: name.kind, in: name.language, settings: settings)
    let own: HTML? = settings.mailTexts[name.key] == nil ? nil : " <span class=\"chip\">\(t("changed"))</span>"
    let language: HTML? = name.language.map { code in
        " <span class=\"chip\">\(Language.names.first { $0.0 == code }?.1 ?? code)</span>"
    }
    let open: HTML? = typed == nil ? nil : " open"
    let id = name.key.replacingOccurrences(of: ".", with: "-")
    let preview: HTML =
        typed?.preview.map { "<strong>\($0.subject)</strong><pre class=\"letter\">\($0.body)</pre>" } ?? ""
    let fault: HTML? = typed?.fault.map { "<span class=\"fault\" role=\"alert\">\(t.fault($0.problem))</span>" }
    return """
        <details class="card" id="\(id)"\(open)><summary><strong>\(t.mail(name.kind))</strong>\(language)\(own)</summary>\(form(Path("admin", "mail-texts", name.key), csrf: desk.csrf, class: "roomy stack", """
            \(said(typed?.said))\(TextField(name: "subject", label: t("Subject"), value: typed?.subject ?? text.subject, id: "\(id)-subject").html)\
            <div class="field"><label for="\(id)-body">\(t("Text"))</label><textarea dir="auto" id="\(id)-body" name="body" rows="10">
            \(typed?.body ?? text.body)</textarea>\(fault)</div>\
            <div class="row wrap"><button class="button primary">\(t("Save"))</button><button class="button" name="preview" value="1">\(t("Preview"))</button>\
            <button class="button" name="test" value="1">\(t("Send test to me"))</button><button class="button" name="reset" value="1">\(t("Reset to default"))</button></div>\
            <div class="preview" data-preview="\(href: Path("admin", "mail-texts", name.key, "preview"))" aria-live="polite">\(preview)</div>
            """))</details>
        """
}

extension Language {
    func mail(_ kind: MailKind) -> String {
        switch kind {
        case .acknowledgement: self("Acknowledgement of a new request")
        case .reply: self("Reply")
        case .resolved: self("Solution, asking the customer to confirm")
        case .waiting: self("Reply, set to pending")
        case .closed: self("Closed, without a survey")
        case .transferred: self("To agents: moved to their department")
        case .survey: self("Survey after closing")
        case .update: self("Status update for an escalated request")
        case .assigned: self("To agents: assigned")
        case .newRequest: self("To agents: a new request")
        case .newRequests: self("To agents: several new requests")
        case .escalated: self("To agents: escalated")
        case .received: self("To agents: a new message")
        case .reopened: self("To agents: reopened")
        case .overdue: self("To agents: overdue")
        case .undelivered: self("To agents: email not delivered")
        case .noted: self("To agents: a note")
        case .signInLink: self("Sign-in link")
        case .passwordReset: self("Password reset link")
        case .invitation: self("Invitation for a new agent")
        case .securityChanged: self("To agents: security notice")
        case .digest: self("To agents: daily summary")
        case .mailboxSilent: self("To administrators: a mailbox can't be read")
        }
    }
}

func keysPage(_ desk: DeskFrame, _ keys: [APIKeyItem], made: String?, _ fault: Fault?) -> HTML {
    let t = desk.t
    let rows: [HTML] = keys.map { key in
        let end: HTML =
            key.isRevoked
            ? "<span class=\"chip\">\(t("revoked"))</span>"
            : """
            <a data-dialog href="\(href: Path("admin", "keys", key.id.description, "revoke"))">\(t("Revoke"))\
            <span class="unseen"> \(key.name)</span></a>
            """
        return
            """
            <tr><th scope="row">\(key.name)</th><td>\(key.scope.rawValue)</td><td>\(moment(key.createdAt))</td>\
            <td>\(end)</td></tr>
            """
    }
    let new: HTML? = made.map {
        """
        <section class="solved" role="status"><p>\(t("Copy your key now. It won't be shown again."))</p><p>\
        <code class="key">\($0)</code></p></section>
        """
    }
    return adminSheet(
        t("API keys"), desk,
        """
        <h1>\(t("API keys"))</h1>\(new)<div class="scroll-x" tabindex="0" role="region" aria-label="\(t("API keys"))">\
        <table class="figures full"><thead><tr><th scope="col">\(t("Name"))</th><th scope="col">\(t("Access"))</th>\
        <th scope="col">\(t("Created"))</th><th scope="col">\
        <span class="unseen">\(t("Actions"))</span></th></tr></thead><tbody>\(rows)</tbody></table></div>\
        \(form(Path("admin", "keys"), csrf: desk.csrf, """
            <h2>\(t("New API key"))</h2>\(TextField(name: "name", label: t("Name"), isRequired: true, fault: fault.map { t.fault($0.problem) }).html)\
            \(Choice(name: "scope", label: t("Access"), options: [("tickets:create", t("Create tickets")), ("tickets", t("Read and work on tickets")), ("full", t("Full access"))]).html)<div class="row"><button class="button primary">\(t("Create key"))</button></div>
            """))
        """)
}

func outboxPage(
    _ desk: DeskFrame, _ items: [(delivery: Delivery, ticket: Int64?)], _ failing: [FailingMailServer], sends: Bool
) -> HTML {
    let t = desk.t
    let servers: [HTML] = failing.map { failingServer($0, t) }
    let rows: [HTML] = items.map { item in
        let mail = item.delivery
        func press(_ what: String, _ title: String) -> HTML {
            """
            <form method="post" action="\(href: Path("admin", "outbox", mail.id.description, what))">\
            <input type="hidden" name="csrf" value="\(desk.csrf)"><button class="link">\(title)\
            <span class="unseen"> \(mail.address)</span></button></form>
            """
        }
        let ticket: HTML? = item.ticket.map { "<a href=\"\(href: ticketPath($0))\">#\($0)</a>" }
        // A copy that keeps still holds what would otherwise be queued.
        let state = desk.restored != nil && mail.nextAttemptAt != nil ? t("Held") : deliveryState(mail.state, t)
        return """
            <tr><th scope="row">\(mail.address)</th><td>\(t.mail(mail.kind))</td><td>\(ticket)</td>\
            <td>\(state)\(mail.error.map { "<div class=\"small quiet\">\($0)</div>" as HTML })</td>\
            <td class="num">\(mail.attempts)</td><td>\(mail.nextAttemptAt.map(moment))</td>\
            <td class="row">\(press("retry", t("Send now")))\(press("cancel", t("Cancel")))</td></tr>
            """
    }
    let none: HTML? = rows.isEmpty ? "<p class=\"quiet\">\(t("No emails are waiting, and none failed."))</p>" : nil
    let warning: HTML? = sends ? nil : noMailServer(t)
    return adminSheet(
        t("Outgoing email"), desk,
        """
        <h1>\(t("Outgoing email"))</h1>\(warning)\(servers)\(none)\
        <div class="scroll-x" tabindex="0" role="region" aria-label="\(t("Outgoing email"))"><table class="figures full"><thead>\
        <tr><th scope="col">\(t("To"))</th><th scope="col">\(t("Email"))</th><th scope="col">\(t("Ticket"))</th>\
        <th scope="col">\(t("Status"))</th><th scope="col">\(t("Attempts"))</th>\
        <th scope="col">\(t("Next attempt"))</th><th scope="col">\
        <span class="unseen">\(t("Actions"))</span></th></tr></thead><tbody>\(rows)</tbody></table></div>
        """)
}
