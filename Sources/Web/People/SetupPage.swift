import Desk
import Foundation
import HTTPTypes
import Hummingbird
import Mail
import Markup
import Primitives
import Store

/// `/setup/TOKEN`: the first administrator signs up, once.
enum SetupRoutes {
    static var routes: [Route] {
        [.get("/setup/:token", for: .signedLink, show), .post("/setup/:token", for: .signedLink, setUp)]
    }

    @Sendable private static func show(_ call: Call) async throws -> Response {
        let token = try call.parameter("token")
        guard try await call.desk.read({ try $0.isSetupToken(token) }) else { throw Refusal.notFound }
        return Page.response(setupPage(call.frame, token, csrf: call.csrf(token), name: "", email: "", faults: []))
    }

    @Sendable private static func setUp(_ call: Call) async throws -> Response {
        let token = try call.parameter("token")
        guard try await call.desk.read({ try $0.isSetupToken(token) }) else { throw Refusal.notFound }
        let form = try await call.form(csrfFor: token)
        let (name, email, password) = (form["name"] ?? "", form["email"] ?? "", form["password"] ?? "")
        do {
            if let problem = Password.problem(password) { throw Refusal.invalid("password", problem) }
            let hash = try await PasswordCheck.shared.hash(password)
            let browser = call.request.headers[.userAgent] ?? ""
            let (session, agent) = try await call.desk.write { tx in
                let agent = try tx.setUp(token: token, name: name, email: email, passwordHash: hash)
                return (try tx.beginSession(.agent(agent), browser: browser), agent)
            }
            return SignInRoutes.enter(call, session, .agent(agent))
        } catch Refusal.invalid(let faults) {
            return Page.response(
                .unprocessableContent,
                setupPage(call.frame, token, csrf: call.csrf(token), name: name, email: email, faults: faults))
        }
    }
}

func setupPage(_ frame: Frame, _ token: String, csrf: String, name: String, email: String, faults: [Fault]) -> HTML {
    let t = frame.t
    func fault(_ field: String) -> String? { faults.first { $0.field == field }.map { t.fault($0.problem) } }
    return portalPage(
        t("Set up the desk"), frame,
        """
        <div class="slim"><header class="stack"><h1>\(t("Welcome to your help desk"))</h1>\
        <p class="quiet">\(t("You'll be its first administrator. This link works only once."))</p></header>
        \(form(Path("setup", token), csrf: csrf, """
            \(TextField(name: "name", label: t("Your name"), value: name, autocomplete: "name", isRequired: true, fault: fault("name")).html)
            \(TextField(name: "email", label: t("Email"), value: email, type: "email", autocomplete: "email", isRequired: true, fault: fault("email")).html)
            \(TextField(name: "password", label: t("Password, at least {0} characters", String(Password.shortest)), type: "password", autocomplete: "new-password", isRequired: true, fault: fault("password")).html)
            <div class="row"><button class="button primary">\(t("Set up the desk"))</button></div>
            """))</div>
        """)
}
