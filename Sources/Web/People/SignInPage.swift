import Desk
import Foundation
import Markup
import Primitives

/// How far somebody has come in signing in.
struct SignInState {
    var next: String?
    var email = ""
    /// Set once the password was right and the second factor's code is asked for.
    var proof: String?
    var fault: String?
    /// Seconds until the next try is listened to.
    var wait: TimeInterval?
    var linkFault: Fault.Problem?
    var isMailed = false
    /// Whether an email with a link would go out.
    var mailsLinks = true
    /// What was being sent when the session was over.
    var kept: [(name: String, value: String)] = []
    var isInterrupted = false
}

func signInPage(_ frame: Frame, _ state: SignInState) -> HTML {
    let t = frame.t
    let next: HTML? = state.next.map { "<input type=\"hidden\" name=\"next\" value=\"\($0)\">" }
    let kept: [HTML] = state.kept.map {
        "<input type=\"hidden\" name=\"kept-\($0.name)\" value=\"\(typed: $0.value)\">"
    }
    let interrupted = said(
        state.isInterrupted
            ? t("Your session has expired. Sign in again. Your draft is saved and will be there when you return.") : nil
    )
    let refused: HTML? = state.fault.map { "<p class=\"fault\" role=\"alert\">\(t($0))</p>" }
    let wait: HTML? = state.wait.map {
        "<p class=\"fault\" role=\"alert\">\(t("Too many attempts. Try again in {0}.", t.span(max($0, 60))))</p>"
    }
    let fields: HTML
    if let proof = state.proof {
        fields = """
            <input type="hidden" name="email" value="\(state.email)">\
            <input type="hidden" name="proof" value="\(proof)">\
            \(TextField(name: "code", label: t("Code from your authenticator app, or a recovery code"), autocomplete: "one-time-code", isRequired: true).html)
            """
    } else {
        fields = """
            \(TextField(name: "email", label: t("Email"), value: state.email, type: "email", autocomplete: "username", isRequired: true).html)\
            \(TextField(name: "password", label: t("Password"), type: "password", autocomplete: "current-password", isRequired: true).html)
            """
    }
    let mailed = said(
        state.isMailed ? t("If an account exists for this address, we've emailed you a sign-in link.") : nil)
    let linkForm: HTML = form(
        Path("sign-in", "link"), csrf: frame.csrf,
        """
        \(next)<h2>\(t("No password, or forgot it?"))</h2>\
        <p class="quiet small">\
        \(t("We'll email you a link. It signs customers in and lets agents set a new password."))</p>\
        <div class="field"><label for="link-email">\(t("Your email address"))</label>\
        <input id="link-email" name="email" type="email" autocomplete="email" value="\(state.email)" required>\
        \(state.linkFault.map { "<span class=\"fault\">\(t.fault($0))</span>" as HTML })</div>\
        <div class="row"><button class="button">\(t("Email me a link"))</button></div>
        """)
    return portalPage(
        t("Sign in"), frame, at: .signIn,
        """
        <div class="slim"><h1>\(t("Sign in"))</h1>\(interrupted)\(mailed)\
        \(form(Path("sign-in"), csrf: frame.csrf, "\(next)\(kept)\(refused)\(wait)\(fields)<div class=\"row\"><button class=\"button primary\">\(t("Sign in"))</button></div>"))\
        \(state.proof == nil ? state.mailsLinks ? linkForm : noLinks(t) : nil)</div>
        """)
}

/// What to do without a password where no link can be mailed.
private func noLinks(_ t: Language) -> HTML {
    """
    <section class="card roomy"><h2>\(t("No password, or forgot it?"))</h2>\
    <p>\(t("This desk can't send email yet, so it can't email you a link."))</p>\
    <ul><li>\(t("Agents: ask an administrator for a link to set a password."))</li>\
    <li>\(t("Customers: open the link you got when you sent your request."))</li></ul></section>
    """
}

/// Signed in again: what was being sent, to be sent by one press.
func sendAgainPage(_ frame: Frame, to path: String, kept: [(name: String, value: String)]) -> HTML {
    let t = frame.t
    let fields: [HTML] = kept.map { field in
        field.name == "body"
            ? """
            <div class="field"><label for="body">\(t("What you wrote"))</label>\
            <textarea dir="auto" id="body" name="body" rows="8">\n\(typed: field.value)</textarea></div>
            """
            : "<input type=\"hidden\" name=\"\(field.name)\" value=\"\(typed: field.value)\">"
    }
    return portalPage(
        t("You are signed in again"), frame,
        """
        <div class="slim"><h1>\(t("You are signed in again"))</h1>\
        <p>\(kept.contains { $0.name == "body" } ? t("Your message is still here. Send it now, or edit it first. You need to attach files again.") : t("What you entered is still here. Press Send to save it."))</p>\
        <form class="card roomy" method="post" action="\(path)">\
        <input type="hidden" name="csrf" value="\(frame.csrf)">\(fields)<div class="row">\
        <button class="button primary">\(t("Send"))</button></div></form></div>
        """)
}

/// What a mailed link opens: one press signs in, or a new password is set.
func linkUsePage(_ frame: Frame, _ link: OneTimeLink?, token: String, fault: Fault.Problem?) -> HTML {
    let t = frame.t
    guard let link else {
        return portalPage(
            t("This link has expired"), frame,
            """
            <div class="slim"><h1>\(t("This link has expired"))</h1>\
            <p>\(t("It was already used, or it is too old."))</p><p>\
            <a href="\(href: Path("sign-in"))">\(t("Request a new link"))</a></p></div>
            """
        )
    }
    let path = Path("sign-in", token)
    switch (link.purpose, link.holder) {
    case (.password, .agent(let agent)):
        return portalPage(
            t("Choose a password"), frame,
            """
            <div class="slim"><h1>\(t("Choose a password"))</h1><p class="quiet">\(t("For {0}", agent.email))</p>\
            \(form(path, csrf: frame.csrf, """
                <input type="hidden" name="email" autocomplete="username" value="\(agent.email)">\
                \(TextField(name: "password", label: t("Password, at least {0} characters", String(Password.shortest)), type: "password", autocomplete: "new-password", isRequired: true, fault: fault.map(t.fault)).html)\
                <div class="row"><button class="button primary">\(t("Set the password and sign in"))</button></div>
                """))</div>
            """)
    default:
        return portalPage(
            t("Sign in"), frame,
            """
            <div class="slim"><h1>\(t("Welcome back"))</h1>\
            \(form(path, csrf: frame.csrf, "<p>\(t("Click to see your requests."))</p><div class=\"row\"><button class=\"button primary\">\(t("Sign in"))</button></div>"))\
            </div>
            """)
    }
}
