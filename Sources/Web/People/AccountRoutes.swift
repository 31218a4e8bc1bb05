import Desk
import Foundation
import HTTPTypes
import Hummingbird
import Mail
import Markup
import Primitives
import Store

/// An agent's own affairs: language, away, password, second factor, devices.
enum AccountRoutes {
    static var routes: [Route] {
        [
            .get("/desk/account", for: .agent(.viewer)) { try await show($0, AccountState()) },
            .post("/desk/account", for: .agent(.viewer), change),
            .post("/desk/account/password", for: .agent(.viewer), setPassword),
            .post("/desk/account/codes", for: .agent(.viewer), beginCodes),
            .post("/desk/account/codes/end", for: .agent(.viewer), endCodes),
            .post("/desk/account/codes/recovery", for: .agent(.viewer), renewRecoveryCodes),
            .post("/desk/account/sign-out-everywhere", for: .agent(.viewer), signOutEverywhere),
        ]
    }

    private static func show(_ call: Call, _ state: AccountState) async throws -> Response {
        let agent = try call.agent()
        let (sessions, left, signature, digest, wantsNew) = try await call.desk.read { db in
            (
                try db.sessions(of: agent.id),
                try db.hasOneTimeCodes(agent.id) ? try db.recoveryCodesLeft(agent.id) : nil,
                try db.signature(of: agent.id),
                try db.digestWish(of: agent.id), try db.wantsNewRequests(agent.id)
            )
        }
        var state = state
        state.recoveryLeft = left
        // A form that came back shows what was typed.
        if state.wantsNewRequests == nil {
            (state.signature, state.digest, state.wantsNewRequests) = (signature, digest, wantsNew)
        }
        if call.query("said") != nil { state.said = call.frame.t("Done.") }
        let status: HTTPResponse.Status = state.faults.isEmpty ? .ok : .unprocessableContent
        return Page.response(status, accountPage(try await call.deskFrame(), sessions, hasCodes: left != nil, state))
    }
    private static func done(_ call: Call) -> Response {
        call.web.sessions.forget()
        return Page.see(Path("desk", "account", query: [("said", "done")]))
    }

    @Sendable private static func change(_ call: Call) async throws -> Response {
        let form = try await call.form()
        let agent = try call.agent()
        let language = Language.named(form["language"])?.code
        let signature = form["signature"] ?? ""
        let zone = (form["time_zone"] ?? "").trimmingWhitespace()
        let digest = DigestWish(hour: form["digest"].flatMap { Int($0) }, timeZone: zone.isEmpty ? "UTC" : zone)
        let wantsNew = form["new_requests"] != nil
        do {
            try await call.desk.write {
                try $0.set(
                    language: language, isAway: form["away"] != nil, signature: signature, digest: digest,
                    wantsNewRequests: wantsNew, of: agent.id)
            }
        } catch Refusal.invalid(let faults) {
            return try await show(
                call, AccountState(faults: faults, signature: signature, digest: digest, wantsNewRequests: wantsNew))
        }
        return done(call)
    }

    @Sendable private static func setPassword(_ call: Call) async throws -> Response {
        let form = try await call.form()
        guard let session = call.session, let agent = session.agent else { throw Refusal.notFound }
        let password = form["password"] ?? ""
        var state = AccountState()
        if let problem = Password.problem(password) { state.faults.append(Fault("password", problem)) }
        state.faults += try await call.desk.faults(password: form["current"] ?? "", code: nil, of: agent)
        guard state.faults.isEmpty else { return try await show(call, state) }
        let hash = try await PasswordCheck.shared.hash(password)
        try await call.desk.write { try $0.setPassword(of: session, hash: hash) }
        return done(call)
    }

    /// The first press, with the password and where there is a factor already a code of it, shows a key; the second
    /// proves that the app has it, and shows the recovery codes, once.
    @Sendable private static func beginCodes(_ call: Call) async throws -> Response {
        let form = try await call.form()
        guard let session = call.session, let agent = session.agent else { throw Refusal.notFound }
        var state = AccountState()
        if let sealed = form["secret"] {
            guard let secret = try await call.desk.write({ try $0.secret(of: sealed, for: agent) }) else {
                state.faults = [
                    Fault(
                        "codes-current",
                        .other(Sentence("This took too long, or your account has changed since. Start again.")))
                ]
                return try await show(call, state)
            }
            do {
                state.recoveryCodes = try await call.desk.write {
                    try $0.beginSecondFactor(
                        for: agent, secret: secret, code: form["code"] ?? "", keeping: session.hash)
                }
                return try await show(call, state)
            } catch Refusal.invalid(let faults) {
                (state.secret, state.sealed, state.faults) = (secret, sealed, faults)
            }
            return try await show(call, state)
        }
        state.faults = try await call.desk.faults(
            password: form["current"] ?? "", code: form["code"] ?? "", of: agent,
            fields: ("codes-current", "codes-code"))
        guard state.faults.isEmpty else { return try await show(call, state) }
        let offer = try await call.desk.write { try $0.offerSecondFactor(to: agent) }
        (state.secret, state.sealed) = (offer.secret, offer.sealed)
        return try await show(call, state)
    }

    @Sendable private static func endCodes(_ call: Call) async throws -> Response {
        let form = try await call.form()
        guard let session = call.session, let agent = session.agent else { throw Refusal.notFound }
        let faults = try await call.desk.faults(
            password: form["current"] ?? "", code: form["code"] ?? "", of: agent,
            fields: ("codes-current", "codes-code"))
        guard faults.isEmpty else { return try await show(call, AccountState(faults: faults)) }
        try await call.desk.write { try $0.endSecondFactor(of: agent, keeping: session.hash) }
        return done(call)
    }

    @Sendable private static func renewRecoveryCodes(_ call: Call) async throws -> Response {
        let form = try await call.form()
        let agent = try call.agent()
        var state = AccountState(
            faults: try await call.desk.faults(
                password: form["current"] ?? "", code: form["code"] ?? "", of: agent,
                fields: ("codes-current", "codes-code")))
        guard state.faults.isEmpty else { return try await show(call, state) }
        state.recoveryCodes = try await call.desk.write { try $0.renewRecoveryCodes(for: agent) }
        return try await show(call, state)
    }

    @Sendable private static func signOutEverywhere(_ call: Call) async throws -> Response {
        _ = try await call.form()
        guard let session = call.session else { throw Refusal.notFound }
        try await call.desk.write { try $0.endSessions(of: session.holder, except: session.hash) }
        return done(call)
    }
}

struct AccountState {
    var faults: [Fault] = []
    var said: String?
    var signature = ""
    var digest = DigestWish(hour: nil, timeZone: "UTC")
    /// Nil until it was read or typed.
    var wantsNewRequests: Bool?
    /// The second factor that is being set up.
    var secret: [UInt8]?
    var sealed: String?
    /// Just made: shown this once.
    var recoveryCodes: [String] = []
    /// How many still work; nil without a second factor.
    var recoveryLeft: Int?
}

func accountPage(_ desk: DeskFrame, _ sessions: [SessionItem], hasCodes: Bool, _ state: AccountState) -> HTML {
    let t = desk.t
    func fault(_ field: String) -> String? { state.faults.first { $0.field == field }.map { t.fault($0.problem) } }
    let devices: [HTML] = sessions.map { item in
        let here: HTML? =
            item.hash == desk.frame.session?.hash ? "<span class=\"chip ok\">\(t("This device"))</span> " : nil
        return
            """
            <li class="row spread"><span class="cut">\(here)\
            \(item.browser.isEmpty ? t("unknown device") : item.browser)</span>\
            <span class="quiet small">\(moment(item.createdAt))</span></li>
            """
    }
    let codes = secondFactor(desk, hasCodes: hasCodes, state)
    let hours: [(String, String)] =
        [("", t("no"))] + (0..<24).map { hour in (String(hour), "\(hour < 10 ? "0" : "")\(hour):00") }
    return deskPage(
        t("Your account"), desk, at: .account,
        """
        <main class="sheet" id="content">\(said(state.said))<div class="row spread wrap"><div>\
        <h1>\(desk.agent.name)</h1><p class="quiet small">\(desk.agent.email) · \(t.role(desk.agent.role))</p></div>\
        <form method="post" action="\(href: Path("sign-out"))"><input type="hidden" name="csrf" value="\(desk.csrf)">\
        <button class="button">\(t("Sign out"))</button></form></div>\
        \(form(Path("desk", "account"), csrf: desk.csrf, """
            \(Choice(name: "language", label: t("Language"), options: [("", t("Browser default"))] + Language.names.map { ($0.0, $0.1) }, chosen: desk.frame.session?.language ?? "").html)\
            \(TextArea(name: "signature", label: t("Signature"), value: state.signature, rows: 4, hint: t("Added below your replies. Leave blank to use your name.")).html)\
            <div class="pair">\(Choice(name: "digest", label: t("Daily summary email"), options: hours, chosen: state.digest.hour.map(String.init) ?? "").html)\
            \(TextField(name: "time_zone", label: t("Time zone"), value: state.digest.timeZone, hint: t("For example, Europe/Berlin"), fault: fault("time_zone")).html)</div>\
            \(tick("new_requests", t("Email me when new requests come in for my departments and teams"), isOn: state.wantsNewRequests ?? true))\
            \(tick("away", t("I'm away (don't return reopened tickets to me)"), isOn: desk.agent.isAway))<div class="row"><button class="button primary">\(t("Save"))</button></div>
            """))\
        \(form(Path("desk", "account", "password"), csrf: desk.csrf, """
            <h2>\(t("Password"))</h2>\(TextField(name: "current", label: t("Current password"), type: "password", autocomplete: "current-password", isRequired: true, id: "present", fault: fault("current")).html)\
            \(TextField(name: "password", label: t("New password (at least {0} characters)", String(Password.shortest)), type: "password", autocomplete: "new-password", isRequired: true, fault: fault("password")).html)\
            <div class="row"><button class="button">\(t("Change the password"))</button></div>
            """))\(codes)\
        <section class="card roomy"><h2>\(t("Active sessions"))</h2><ul class="plain">\(devices)</ul>\
        <form method="post" action="\(href: Path("desk", "account", "sign-out-everywhere"))">\
        <input type="hidden" name="csrf" value="\(desk.csrf)">\
        <button class="button">\(t("Sign out everywhere else"))</button></form></section></main>
        """)
}

/// Two-factor authentication: off, being set up, or on.
private func secondFactor(_ desk: DeskFrame, hasCodes: Bool, _ state: AccountState) -> HTML {
    let t = desk.t
    func fault(_ field: String) -> String? { state.faults.first { $0.field == field }.map { t.fault($0.problem) } }
    let path = Path("desk", "account", "codes")
    let title: HTML = "<h2>\(t("Two-factor authentication"))</h2>"
    let password = TextField(
        name: "current", label: t("Your password"), type: "password", autocomplete: "current-password",
        isRequired: true, id: "codes-current", fault: fault("codes-current")
    ).html
    if !state.recoveryCodes.isEmpty {
        let items: [HTML] = state.recoveryCodes.map { "<li><code class=\"key\">\($0)</code></li>" }
        return """
            <section class="card roomy" aria-labelledby="recovery" role="status">\
            <h2 id="recovery">\(t("Your recovery codes"))</h2>\
            <p>\
            \(t("Two-factor authentication is on. If you lose your device, each of these codes signs you in once. Save them now: they won't be shown again."))\
            </p>\
            <ul class="plain codes">\(items)</ul><p>\
            <a class="button primary" href="\(href: Path("desk", "account"))">\(t("I've saved them"))</a></p></section>
            """
    }
    if let secret = state.secret, let sealed = state.sealed {
        let address = OneTimeCode.address(secret: secret, account: desk.agent.email, desk: desk.frame.deskName)
        return form(
            path, csrf: desk.csrf,
            """
            \(title)<input type="hidden" name="secret" value="\(sealed)">\
            <p>\(t("Scan this code with your authenticator app, then enter the code it shows."))</p>\
            \(QRCode.svg(address, label: t("QR code for your authenticator app")))\
            <p class="small">\(t("Can't scan it? Enter this key:")) \
            <code class="key">\(OneTimeCode.base32(secret))</code></p>\
            \(TextField(name: "code", label: t("Code"), autocomplete: "one-time-code", isRequired: true, fault: fault("code")).html)\
            <div class="row"><button class="button primary">\(t("Turn on"))</button></div>
            """)
    }
    guard hasCodes else {
        return form(
            path, csrf: desk.csrf,
            """
            \(title)<p class="quiet">\
            \(t("Two-factor authentication adds a code from an authenticator app when you sign in."))</p>\(password)\
            <div class="row"><button class="button">\(t("Set up"))</button></div>
            """)
    }
    let left = state.recoveryLeft ?? 0
    let code = TextField(
        name: "code", label: t("Code from your authenticator app, or a recovery code"), autocomplete: "one-time-code",
        isRequired: true, id: "codes-code", fault: fault("codes-code")
    ).html
    return form(
        path, csrf: desk.csrf,
        """
        \(title)<p><span class="chip ok">\(t("on"))</span> \(t("Signing in asks for a code from your app."))</p>\
        <p class="\(left < 3 ? "fault" as HTML : "quiet" as HTML) small">\
        \(left == 1 ? t("1 recovery code is left.") : t("{0} recovery codes are left.", String(left)))</p>\
        <p class="quiet small">\(t("To change it, enter your password and a code."))</p>\(password)\(code)\
        <div class="row wrap"><button class="button" \
        formaction="\(href: Path("desk", "account", "codes", "recovery"))">\(t("Create new recovery codes"))</button>\
        <button class="button">\(t("Use another app"))</button>\
        <button class="button" formaction="\(href: Path("desk", "account", "codes", "end"))">\(t("Turn off"))</button>\
        </div>
        """)
}
