import Desk
import Foundation
import HTTPTypes
import Hummingbird
import Mail
import Markup
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
            .post("/desk/account/sign-out-everywhere", for: .agent(.viewer), signOutEverywhere),
        ]
    }

    private static func show(_ call: Call, _ state: AccountState) async throws -> Response {
        let agent = try call.agent()
        let (sessions, hasCodes, signature, digest) = try await call.desk.read { db in
            (try db.sessions(of: agent.id), try db.hasOneTimeCodes(agent.id), try db.signature(of: agent.id), try db.digestWish(of: agent.id))
        }
        var state = state
        if state.faults.isEmpty { (state.signature, state.digest) = (signature, digest) }
        if call.query("said") != nil { state.said = call.frame.t("Done.") }
        let status: HTTPResponse.Status = state.faults.isEmpty ? .ok : .unprocessableContent
        return Page.response(status, accountPage(try await call.deskFrame(), sessions, hasCodes: hasCodes, state))
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
        do { try await call.desk.write { try $0.set(language: language, isAway: form["away"] != nil, signature: signature, digest: digest, of: agent.id) } } catch Refusal.invalid(let faults) {
            return try await show(call, AccountState(faults: faults, signature: signature, digest: digest))
        }
        return done(call)
    }

    @Sendable private static func setPassword(_ call: Call) async throws -> Response {
        let form = try await call.form()
        guard let session = call.session, let agent = session.agent else { throw Refusal.notFound }
        let password = form["password"] ?? ""
        var state = AccountState()
        if try await !call.desk.isPassword(form["current"] ?? "", of: agent) { state.faults.append(Fault("current", .other("is not your password"))) }
        if password.count < Password.shortest || password.count > 1000 { state.faults.append(Fault("password", .other("needs at least \(Password.shortest) characters"))) }
        guard state.faults.isEmpty else { return try await show(call, state) }
        let hash = try await PasswordCheck.shared.hash(password)
        try await call.desk.write { try $0.setPassword(of: session, hash: hash) }
        return done(call)
    }

    /// The first press shows a secret, the second proves that the app has it.
    @Sendable private static func beginCodes(_ call: Call) async throws -> Response {
        let form = try await call.form()
        let agent = try call.agent()
        var state = AccountState()
        guard let sealed = form["secret"], let secret = call.desk.office.signer.open(sealed) else {
            state.secret = OneTimeCode.newSecret()
            state.sealed = state.secret.flatMap { call.desk.office.signer.seal($0) }
            return try await show(call, state)
        }
        do { try await call.desk.write { try $0.beginOneTimeCodes(for: agent, secret: secret, code: form["code"] ?? "") } } catch Refusal.invalid(let faults) {
            state.secret = secret
            state.sealed = sealed
            state.faults = faults
            return try await show(call, state)
        }
        return done(call)
    }

    @Sendable private static func endCodes(_ call: Call) async throws -> Response {
        let form = try await call.form()
        let agent = try call.agent()
        guard try await call.desk.isPassword(form["current"] ?? "", of: agent) else { return try await show(call, AccountState(faults: [Fault("codes-current", .other("is not your password"))])) }
        try await call.desk.write { try $0.endOneTimeCodes(for: agent.id) }
        return done(call)
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
    /// The second factor that is being set up.
    var secret: [UInt8]?
    var sealed: String?
}

func accountPage(_ desk: DeskFrame, _ sessions: [SessionItem], hasCodes: Bool, _ state: AccountState) -> HTML {
    let t = desk.t
    func fault(_ field: String) -> String? { state.faults.first { $0.field == field }.map { t.fault($0.problem) } }
    let devices: [HTML] = sessions.map { item in
        let here: HTML? = item.hash == desk.frame.session?.hash ? "<span class=\"chip ok\">\(t("this one"))</span> " : nil
        return "<li class=\"row spread\"><span class=\"cut\">\(here)\(item.browser.isEmpty ? t("unknown device") : item.browser)</span><span class=\"quiet small\">\(moment(item.createdAt))</span></li>"
    }
    let codes: HTML
    if hasCodes {
        codes = form(
            Path("desk", "account", "codes", "end"), csrf: desk.csrf,
            """
            <h2>\(t("Second factor"))</h2><p><span class="chip ok">\(t("on"))</span> \(t("Signing in asks for a code from your app."))</p>\
            \(TextField(name: "current", label: t("Your password, to turn it off"), type: "password", autocomplete: "current-password", isRequired: true, id: "codes-current", fault: fault("codes-current")).html)<div class="row"><button class="button">\(t("Turn it off"))</button></div>
            """)
    } else if let secret = state.secret, let sealed = state.sealed {
        let address = OneTimeCode.address(secret: secret, account: desk.agent.email, desk: desk.frame.deskName)
        codes = form(
            Path("desk", "account", "codes"), csrf: desk.csrf,
            """
            <h2>\(t("Second factor"))</h2><input type="hidden" name="secret" value="\(sealed)"><p>\(t("Enter this key in your authenticator app, then the code it shows."))</p>\
            <p><code class="key">\(OneTimeCode.base32(secret))</code></p><p class="small"><a href="\(address)">\(t("Open it in an app on this device"))</a></p>\
            \(TextField(name: "code", label: t("Code"), autocomplete: "one-time-code", isRequired: true, fault: fault("code")).html)<div class="row"><button class="button first">\(t("Turn it on"))</button></div>
            """)
    } else {
        codes = form(Path("desk", "account", "codes"), csrf: desk.csrf, "<h2>\(t("Second factor"))</h2><p class=\"quiet\">\(t("A code from an app on your telephone, asked for besides the password."))</p><div class=\"row\"><button class=\"button\">\(t("Set it up"))</button></div>")
    }
    let hours: [(String, String)] = [("", t("no"))] + (0..<24).map { hour in (String(hour), "\(hour < 10 ? "0" : "")\(hour):00") }
    return deskPage(
        t("Your account"), desk, at: .account,
        """
        <main class="sheet" id="content">\(said(state.said))<div class="row spread wrap"><div><h1>\(desk.agent.name)</h1><p class="quiet small">\(desk.agent.email) · \(t.role(desk.agent.role))</p></div>\
        <form method="post" action="\(href: Path("sign-out"))"><input type="hidden" name="csrf" value="\(desk.csrf)"><button class="button">\(t("Sign out"))</button></form></div>\
        \(form(Path("desk", "account"), csrf: desk.csrf, """
            \(Choice(name: "language", label: t("Language"), options: [("", t("as the browser asks"))] + Language.names.map { ($0.0, $0.1) }, chosen: desk.frame.session?.language ?? "").html)\
            \(TextArea(name: "signature", label: t("Signature"), value: state.signature, rows: 4, hint: t("Stands below your answers; empty takes your name")).html)\
            <div class="pair">\(Choice(name: "digest", label: t("A mail each day with what waits for me"), options: hours, chosen: state.digest.hour.map(String.init) ?? "").html)\
            \(TextField(name: "time_zone", label: t("Time zone"), value: state.digest.timeZone, hint: t("Such as Europe/Berlin"), fault: fault("time_zone")).html)</div>\
            \(tick("away", t("I am away: nothing comes back to me"), isOn: desk.agent.isAway))<div class="row"><button class="button first">\(t("Keep"))</button></div>
            """))\
        \(form(Path("desk", "account", "password"), csrf: desk.csrf, """
            <h2>\(t("Password"))</h2>\(TextField(name: "current", label: t("The present one"), type: "password", autocomplete: "current-password", isRequired: true, id: "present", fault: fault("current")).html)\
            \(TextField(name: "password", label: t("The new one, at least {0} characters", String(Password.shortest)), type: "password", autocomplete: "new-password", isRequired: true, fault: fault("password")).html)\
            <div class="row"><button class="button">\(t("Change the password"))</button></div>
            """))\(codes)\
        <section class="card roomy"><h2>\(t("Signed in on"))</h2><ul class="plain">\(devices)</ul><form method="post" action="\(href: Path("desk", "account", "sign-out-everywhere"))"><input type="hidden" name="csrf" value="\(desk.csrf)">\
        <button class="button">\(t("Sign out everywhere else"))</button></form></section></main>
        """)
}
