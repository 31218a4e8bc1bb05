import Desk
import Foundation
import HTTPTypes
import Hummingbird
import Mail
import Markup
import Store

/// `/setup/TOKEN`: the first administrator signs up, once.
enum SetupRoutes {
    static var routes: [Route] {
        [.get("/setup/:token", for: .signedLink, show), .post("/setup/:token", for: .signedLink, setUp)]
    }

    @Sendable private static func show(_ call: Call) async throws -> Response {
        let token = try call.parameter("token")
        guard try await call.desk.read({ try $0.isSetupToken(token) }) else { throw Refusal.notFound }
        return Page.response(setupPage(token, csrf: call.csrf(token), name: "", email: "", faults: []))
    }

    @Sendable private static func setUp(_ call: Call) async throws -> Response {
        let token = try call.parameter("token")
        guard try await call.desk.read({ try $0.isSetupToken(token) }) else { throw Refusal.notFound }
        let form = try await call.form(csrfFor: token)
        let (name, email, password) = (form["name"] ?? "", form["email"] ?? "", form["password"] ?? "")
        do {
            guard password.count >= Password.shortest else { throw Refusal.invalid("password", .other("needs at least \(Password.shortest) characters")) }
            let hash = try Password.hash(password)
            let agent = try await call.desk.write { try $0.setUp(token: token, name: name, email: email, passwordHash: hash) }
            return Page.response(setupDonePage(agent))
        } catch Refusal.invalid(let faults) {
            return Page.response(.unprocessableContent, setupPage(token, csrf: call.csrf(token), name: name, email: email, faults: faults))
        }
    }
}

func setupPage(_ token: String, csrf: String, name: String, email: String, faults: [Fault]) -> HTML {
    func fault(_ field: String) -> Fault.Problem? { faults.first { $0.field == field }?.problem }
    return portalPage(
        "Set up the desk", desk: "Usher",
        """
        <header><h1>Welcome to your help desk</h1><p class="quiet">You are its first administrator. This link works once.</p></header>
        \(form(Path("setup", token), csrf: csrf, """
            \(TextField(name: "name", label: "Your name", value: name, autocomplete: "name", fault: fault("name")).html)
            \(TextField(name: "email", label: "E-mail", value: email, type: "email", autocomplete: "email", fault: fault("email")).html)
            \(TextField(name: "password", label: "Password, at least \(Password.shortest) characters", type: "password", autocomplete: "new-password", fault: fault("password")).html)
            <div class="row"><button class="button first">Set up the desk</button></div>
            """))
        """)
}

private func setupDonePage(_ agent: Agent) -> HTML {
    portalPage("The desk is yours", desk: "Usher", "<h1>The desk is yours, \(agent.name)</h1><p>You are its administrator as <strong>\(agent.email)</strong>.</p>")
}
