import Desk
import Domain
import Foundation
import HTTPTypes
import Hummingbird
import Mail
import Markup
import Primitives
import Store

/// Administration: what the API sets, as pages.
enum AdminRoutes {
    static var routes: [Route] {
        var routes: [Route] = [
            .get("/admin", for: .agent(.administrator), overview),
            .post("/admin/first-steps/dismiss", for: .agent(.administrator), dismissFirstSteps),
            .get("/admin/settings", for: .agent(.administrator)) { try await settings($0, nil, [:], []) },
            .post("/admin/settings", for: .agent(.administrator), changeSettings),
            .post("/admin/settings/test-mail", for: .agent(.administrator), testMail),
            .get("/admin/mail-texts", for: .agent(.administrator)) { try await texts($0, nil) },
            .post("/admin/mail-texts/:kind", for: .agent(.administrator), changeText),
            .post("/admin/mail-texts/:kind/preview", for: .agent(.administrator), previewText),
            .get("/admin/keys", for: .agent(.administrator)) { try await keys($0, made: nil, nil) },
            .post("/admin/keys", for: .agent(.administrator), addKey),
            .get("/admin/keys/:id/revoke", for: .agent(.administrator), askRevoking),
            .post("/admin/keys/:id/revoke", for: .agent(.administrator), revokeKey),
            .get("/admin/outbox", for: .agent(.administrator), outbox),
            .get("/admin/go-live", for: .agent(.administrator), askToGoLive),
            .post("/admin/go-live", for: .agent(.administrator), goLive),
            .post("/admin/outbox/:id/retry", for: .agent(.administrator), retry),
            .post("/admin/outbox/:id/cancel", for: .agent(.administrator), cancel),
        ]
        for resource in Resource.all {
            routes += pages(resource, base: ["admin", resource.path], for: .agent(.administrator))
            // What everybody can read is written by supervisors; agents see what there is.
            if resource.path == "articles" {
                routes += pages(resource, base: ["desk", "kb"], for: .agent(.supervisor), reading: .agent(.agent))
            }
            if resource.path == "canned-replies" {
                routes += pages(resource, base: ["desk", "canned-replies"], for: .agent(.agent))
            }
        }
        return routes
    }

    // MARK: resources

    private static func pages(_ resource: Resource, base: [String], for access: Access, reading: Access? = nil)
        -> [Route]
    {
        let path = "/" + base.joined(separator: "/")
        return [
            .get(path, for: reading ?? access) { try await list(resource, base, $0) },
            .get(path + "/new", for: access) { try await edit(resource, base, nil, $0) },
            .post(path + "/new", for: access) { try await keep(resource, base, nil, $0) },
            .get(path + "/:id", for: access) { try await edit(resource, base, try $0.number("id"), $0) },
            .post(path + "/:id", for: access) { try await keep(resource, base, try $0.number("id"), $0) },
            .get(path + "/:id/remove", for: access) { try await askRemoval(resource, base, $0) },
            .post(path + "/:id/remove", for: access) { try await remove(resource, base, $0) },
        ]
    }

    private static func list(_ resource: Resource, _ base: [String], _ call: Call) async throws -> Response {
        let desk = try await call.deskFrame()
        let after = try call.cursor() ?? 0
        let rows = try await call.desk.read { try $0.rows(of: resource, after: after, limit: 201) }
        let said: String? =
            switch call.query("said") {
            case "kept": desk.t("Saved.")
            case "removed": resource.path == "agents" ? desk.t("Agent deactivated.") : desk.t("Removed.")
            case "erased": desk.t("Customer erased.")
            case "invited": desk.t("Saved, and invited by email.")
            default: nil
            }
        return Page.response(resourceListPage(desk, resource, base, rows, said: said))
    }

    private static func resourceForm(_ resource: Resource, _ call: Call) async throws -> ResourceForm {
        let (options, agents) = try await call.desk.read { db in
            (try db.referenceOptions(of: resource), try db.workingAgents())
        }
        var form = ResourceForm(resource: resource, t: call.frame.t, options: options, agents: agents)
        if resource.path == "views" {
            // What administrators set here is shared.
            form.audiences = [("everyone", form.t("Everyone"))]
            form.fieldLabels = try await call.desk.read { try $0.fieldLabels() }
        }
        form.isMonthFirst = call.request.headers[.acceptLanguage]?.lowercased().hasPrefix("en-us") ?? false
        return form
    }

    private static func edit(_ resource: Resource, _ base: [String], _ id: Int64?, _ call: Call) async throws
        -> Response
    {
        let desk = try await call.deskFrame()
        let form = try await resourceForm(resource, call)
        var values: [String: JSON] = [:]
        if let id {
            for (name, value) in try await call.desk.read({ try $0.row(id, of: resource) }).fields {
                values[name] = value
            }
        }
        var above: HTML?
        if resource.path == "mailboxes", let id,
            let found = try await call.desk.read({ db in
                try db.mailbox(Mailbox.ID(id)).map { ($0, try db.status(of: $0.id)) }
            })
        {
            above = mailboxStatus(desk, found.0, found.1)
        }
        if base[0] == "admin", let id { above = try await call.personActions(resource, id, desk) ?? above }
        return Page.response(resourcePage(desk, form, base, id, values, nil, note: nil, above: above))
    }

    private static func keep(_ resource: Resource, _ base: [String], _ id: Int64?, _ call: Call) async throws
        -> Response
    {
        let sent = try await call.form()
        let form = try await resourceForm(resource, call)
        var (values, sentences) = form.read(sent)
        sentences.merge(form.missingDepartment(values, sent)) { first, _ in first }
        var invitation: (agent: Agent, link: String)?
        let hash = try await call.desk.hashedPassword(in: values, of: resource)
        do {
            invitation = try await call.desk.write { [values, sentences] tx -> (agent: Agent, link: String)? in
                let row =
                    try id.map { try tx.change($0, of: resource, values, passwordHash: hash) }
                    ?? tx.add(values, to: resource, passwordHash: hash)
                // What could not be read is told together with what is wrong; nothing is kept then.
                if !sentences.isEmpty { throw Refusal.invalid([]) }
                if id != nil { return nil }
                // A new agent without a password is mailed the way to one.
                guard resource.path == "agents", values["password"] == nil,
                    let agent = try tx.db.agent(Agent.ID(row.id))
                else { return nil }
                return (agent, try tx.invite(agent))
            }
        } catch Refusal.invalid(let faults) {
            return Page.response(
                .unprocessableContent,
                resourcePage(
                    try await call.deskFrame(), form, base, id, values,
                    .init(typed: sent, faults: faults, sentences: sentences), note: nil))
        } catch Refusal.conflict(let reason, _) {
            return Page.response(
                .conflict,
                resourcePage(
                    try await call.deskFrame(), form, base, id, values, .init(typed: sent, sentences: sentences),
                    note: reason))
        }
        call.web.sessions.forget()
        call.desk.choices.forget()
        if let invitation, try await !call.sendsMail() {
            return Page.response(
                passwordLinkPage(try await call.deskFrame(), invitation.agent, link: invitation.link, isNew: true))
        }
        return Page.see(Path(base, query: [("said", invitation == nil ? "kept" : "invited")]))
    }

    /// What goes, and what it takes with it.
    private static func askRemoval(_ resource: Resource, _ base: [String], _ call: Call) async throws -> Response {
        let id = try call.number("id")
        let (row, dependants) = try await call.desk.read {
            (try $0.row(id, of: resource), try $0.dependants(of: id, in: resource))
        }
        return Page.response(removalPage(try await call.deskFrame(), resource, base, row, dependants))
    }

    private static func remove(_ resource: Resource, _ base: [String], _ call: Call) async throws -> Response {
        guard try await call.form()["confirmed"] != nil else { return try await askRemoval(resource, base, call) }
        let id = try call.number("id")
        do { try await call.desk.write { try $0.remove(id, from: resource) } } catch Refusal.conflict(let reason, _) {
            var values: [String: JSON] = [:]
            for (name, value) in try await call.desk.read({ try $0.row(id, of: resource) }).fields {
                values[name] = value
            }
            return Page.response(
                .conflict,
                resourcePage(
                    try await call.deskFrame(), try await resourceForm(resource, call), base, id, values, nil,
                    note: reason))
        }
        call.web.sessions.forget()
        call.desk.choices.forget()
        return Page.see(Path(base, query: [("said", "removed")]))
    }

    // MARK: the desk

    @Sendable private static func overview(_ call: Call) async throws -> Response {
        let desk = try await call.deskFrame()
        let attention = try await call.desk.read { db in
            Attention(
                waiting: try db.backlog(at: desk.now).outbox.map(\.count).reduce(0, +),
                failingServers: try db.failingMailServers().count,
                quarantined: try db.quarantined(limit: 100).count)
        }
        return Page.response(
            adminPage(desk, attention, sends: try await call.sendsMail(), steps: try await call.firstSteps()))
    }

    @Sendable private static func dismissFirstSteps(_ call: Call) async throws -> Response {
        let form = try await call.form()
        try await call.desk.write { try $0.dismissFirstSteps() }
        return Page.see(form["from"] == "desk" ? Path("desk") : Path("admin"))
    }

    private static func settings(
        _ call: Call, _ said: String?, _ typed: [String: JSON], _ faults: [Fault], test: MailTest? = nil
    ) async throws -> Response {
        let desk = try await call.deskFrame()
        try await call.desk.reloadSettings()
        var values: [String: JSON] = [:]
        for (name, value) in call.desk.settings.current.fields { values[name] = typed[name] ?? value }
        let words = said ?? (call.query("said") != nil ? desk.t("Saved.") : nil)
        let state = SettingsState(
            faults: faults, said: words, test: test, office: call.desk.office, sends: call.web.outgoing.isSet(),
            hasPassword: call.desk.settings.current.smtp.hasPassword)
        return Page.response(faults.isEmpty ? .ok : .unprocessableContent, settingsPage(desk, values, state))
    }

    @Sendable private static func changeSettings(_ call: Call) async throws -> Response {
        let form = try await call.form()
        var changes: [String: JSON] = [:]
        let fixed = call.desk.office.fixed
        for (name, value) in call.desk.settings.current.fields where name != "mail_texts" {
            // What the environment decides stands on the page without a field.
            if name == "url" && fixed.url || name.hasPrefix("smtp_") && fixed.smtp != nil { continue }
            let text = SettingsUnit.of(name).flatMap { unit in form[unit.field].map(unit.kept) } ?? form[name] ?? ""
            switch value {
            case .bool: changes[name] = .bool(!text.isEmpty)
            case .array:
                changes[name] = .array(
                    text.split(whereSeparator: { $0.isNewline || $0 == "," }).map {
                        .string(String($0).trimmingWhitespace())
                    })
            case .string: changes[name] = .string(text)
            default:
                changes[name] =
                    Int64(text).map { JSON($0) } ?? (name == "smtp_port" && text.isEmpty ? .null : .string(text))
            }
        }
        if fixed.smtp == nil, let password = form["smtp_password"], !password.isEmpty {
            changes["smtp_password"] = .string(password)
        }
        if let fault = lockout(call, changes["url"]?.text ?? "") {
            return try await settings(call, nil, changes, [fault])
        }
        do { _ = try await call.desk.write { [changes] in try $0.change(changes) } } catch Refusal.invalid(let faults) {
            return try await settings(call, nil, changes, faults)
        }
        try await call.desk.reloadSettings()
        return Page.see(Path("admin", "settings", query: [("said", "kept")]))
    }

    /// Over HTTPS the browser keeps its sign-in under another name: an address that does not lead here would lock
    /// everybody out.
    private static func lockout(_ call: Call, _ url: String) -> Fault? {
        guard url.hasPrefix("https:"), !call.desk.office.isSecure, let parts = URLComponents(string: url),
            let host = parts.host
        else { return nil }
        let wanted = host + (parts.port.map { ":\($0)" } ?? "")
        guard call.request.head.authority?.lowercased() != wanted.lowercased() else { return nil }
        return Fault("url", .other(Sentence("Open this page at the new address first, then change it there.")))
    }

    @Sendable private static func testMail(_ call: Call) async throws -> Response {
        let form = try await call.form()
        let address = form["address"] ?? ""
        let t = call.frame.t
        guard call.web.outgoing.isSet() else {
            return try await settings(
                call, nil, [:], [],
                test: MailTest(words: t("No outgoing mail server is set, so nothing was sent."), isFault: false))
        }
        if let trouble = await call.web.outgoing.send(address, nil) {
            return try await settings(
                call, nil, [:], [], test: MailTest(words: t("The test email wasn't sent: {0}", trouble), isFault: true))
        }
        return try await settings(
            call, nil, [:], [],
            test: MailTest(words: t("The mail server accepted a test email to {0}.", address), isFault: false))
    }

    // MARK: texts of the mails

    private static func texts(_ call: Call, _ typed: TypedMailText?) async throws -> Response {
        let desk = try await call.deskFrame()
        try await call.desk.reloadSettings()
        let said = call.query("said") != nil ? desk.t("Saved.") : nil
        return Page.response(
            typed?.fault == nil ? .ok : .unprocessableContent,
            mailTextsPage(desk, call.desk.settings.current, typed, said: said))
    }

    private static func typedText(_ call: Call) async throws -> (FormData, MailTextName, TypedMailText) {
        let form = try await call.form()
        guard let name = MailTextName(try call.parameter("kind")) else { throw Refusal.notFound }
        return (
            form, name,
            TypedMailText(
                name: name, subject: form["subject"]?.singleLine ?? "", body: (form["body"] ?? "").withoutControls)
        )
    }

    /// The text as a reader gets it, while it is typed.
    @Sendable private static func previewText(_ call: Call) async throws -> Response {
        let (_, name, typed) = try await typedText(call)
        let settings = call.desk.settings.current
        let filled = MailText(subject: typed.subject, body: typed.body).example(
            of: name.kind, settings: settings, url: call.desk.office.url)
        let t = call.frame.t
        let warning: HTML? = MailText.unknownPlaceholder(in: typed.subject + " " + typed.body).map {
            "<p class=\"fault\" role=\"alert\">\(t.fault(.unknownPlaceholder($0)))</p>"
        }
        let page: HTML = "\(warning)<strong>\(filled.subject)</strong><pre class=\"letter\">\(filled.body)</pre>"
        return Page.response(page)
    }

    @Sendable private static func changeText(_ call: Call) async throws -> Response {
        var (form, name, typed) = try await typedText(call)
        let t = call.frame.t
        if form["reset"] != nil, form["confirmed"] == nil {
            let own = [("reset", "1"), ("subject", typed.subject), ("body", typed.body)]
            return Page.response(
                confirmationPage(
                    try await call.deskFrame(), t("Reset “{0}” to the default?", t.mail(name.kind)),
                    [t("Your own text is deleted. This can't be undone.")],
                    to: Path("admin", "mail-texts", name.key), hidden: own, button: t("Reset to default"),
                    back: Path("admin", "mail-texts")))
        }
        let text: JSON =
            form["reset"] != nil ? .null : ["subject": .string(typed.subject), "body": .string(typed.body)]
        do {
            if form["reset"] == nil {
                if typed.subject.isEmpty || typed.body.trimmingWhitespace().isEmpty {
                    throw Refusal.invalid("mail_texts", .required)
                }
                if let unknown = MailText.unknownPlaceholder(in: typed.subject + " " + typed.body) {
                    throw Refusal.invalid("mail_texts", .unknownPlaceholder(unknown))
                }
            }
            if form["preview"] != nil || form["test"] != nil {
                let filled = MailText(subject: typed.subject, body: typed.body).example(
                    of: name.kind, settings: call.desk.settings.current, url: call.desk.office.url)
                typed.preview = filled
                if form["test"] != nil {
                    let address = try call.agent().email
                    guard call.web.outgoing.isSet() else {
                        throw Refusal.invalid(
                            "mail_texts", .other(Sentence("No outgoing mail server is set, so nothing was sent.")))
                    }
                    if let trouble = await call.web.outgoing.send(address, filled) {
                        throw Refusal.invalid("mail_texts", .notSent(trouble))
                    }
                    typed.said = t("The mail server accepted a test email to {0}.", address)
                }
                return try await texts(call, typed)
            }
            let key = name.key
            try await call.desk.write { tx in
                var all = try tx.db.settings().mailTexts
                all[key] = text == .null ? nil : text
                try tx.replaceMailTexts(all)
            }
        } catch Refusal.invalid(let faults) {
            typed.fault = faults.first ?? Fault("body", .required)
            return try await texts(call, typed)
        }
        try await call.desk.reloadSettings()
        return Page.see(
            """
            \(Path("admin", "mail-texts", query: [("said", "kept")]).text)#\(name.key.replacingOccurrences(of: ".", with: "-"))
            """
        )
    }

    // MARK: keys

    private static func keys(_ call: Call, made: String?, _ fault: Fault?) async throws -> Response {
        let keys = try await call.desk.read { try $0.apiKeys() }
        return Page.response(
            fault == nil ? .ok : .unprocessableContent, keysPage(try await call.deskFrame(), keys, made: made, fault))
    }

    @Sendable private static func addKey(_ call: Call) async throws -> Response {
        let form = try await call.form()
        let scope = form["scope"].flatMap { APIKey.Scope(rawValue: $0) } ?? .create
        do {
            let key = try await call.desk.write { try $0.addAPIKey(name: form["name"]?.singleLine ?? "", scope: scope) }
            return try await keys(call, made: key, nil)
        } catch Refusal.invalid(let faults) { return try await keys(call, made: nil, faults.first) }
    }

    @Sendable private static func askRevoking(_ call: Call) async throws -> Response {
        let id = APIKey.ID(try call.number("id"))
        guard let key = try await call.desk.read({ try $0.apiKeys() }).first(where: { $0.id == id }) else {
            throw Refusal.notFound
        }
        let desk = try await call.deskFrame()
        let t = desk.t
        return Page.response(
            confirmationPage(
                desk, t("Revoke the key “{0}”?", key.name),
                [t("Programs that use it stop working at once. This can't be undone.")],
                to: Path("admin", "keys", id.description, "revoke"), button: t("Revoke key"),
                back: Path("admin", "keys")))
    }

    @Sendable private static func revokeKey(_ call: Call) async throws -> Response {
        guard try await call.form()["confirmed"] != nil else { return try await askRevoking(call) }
        let id = APIKey.ID(try call.number("id"))
        try await call.desk.write { try $0.revokeAPIKey(id) }
        call.web.keys.forget()
        return Page.see(Path("admin", "keys"))
    }

    // MARK: the outbox

    @Sendable private static func outbox(_ call: Call) async throws -> Response {
        let (items, failing) = try await call.desk.read { db in
            (try db.troubledOutbox(limit: 200), try db.failingMailServers())
        }
        return Page.response(outboxPage(try await call.deskFrame(), items, failing, sends: try await call.sendsMail()))
    }
    @Sendable private static func retry(_ call: Call) async throws -> Response {
        _ = try await call.form()
        let id = OutboxMail.ID(try call.number("id"))
        try await call.desk.write { try $0.sendAgain(id) }
        return Page.see(Path("admin", "outbox"))
    }
    @Sendable private static func cancel(_ call: Call) async throws -> Response {
        _ = try await call.form()
        let id = OutboxMail.ID(try call.number("id"))
        try await call.desk.write { try $0.cancel(id) }
        return Page.see(Path("admin", "outbox"))
    }
}
