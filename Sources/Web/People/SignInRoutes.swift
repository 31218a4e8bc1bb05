import Desk
import Foundation
import HTTPTypes
import Hummingbird
import Mail
import Markup
import Store

/// Signing in and out: password, second factor, the link in a mail.
enum SignInRoutes {
    static var routes: [Route] {
        [
            .get("/sign-in", for: .anyone, show),
            // After an interruption the form carries what somebody was about to send.
            .post("/sign-in", for: .anyone, taking: .text, signIn),
            .post("/sign-in/link", for: .anyone, mailLink),
            .get("/sign-in/:token", for: .signedLink, showLink),
            .post("/sign-in/:token", for: .signedLink, useLink),
            .post("/sign-out", for: .anyone, signOut),
        ]
    }

    /// What a page answers to whoever is not signed in. What was just sent comes back after signing in.
    static func ask(_ call: Call) async throws -> Response {
        guard call.request.method == .post else {
            if call.request.headers[.accept]?.contains("text/html") == false { return Response(status: .unauthorized) }
            var path = Path("sign-in", query: [("next", call.request.uri.string)])
            if Call.safe(call.request.uri.string) == nil { path = Path("sign-in") }
            return Page.see(path)
        }
        let kept = try await call.unsentValues().filter { $0.name != "csrf" }
        let mailsLinks = try await call.sendsMail()
        return call.guestPage(.unauthorized) {
            signInPage(
                $0,
                SignInState(
                    next: Call.safe(call.request.uri.string) ?? call.request.uri.path, mailsLinks: mailsLinks,
                    kept: kept,
                    isInterrupted: true))
        }
    }

    @Sendable private static func show(_ call: Call) async throws -> Response {
        let next = Call.safe(call.query("next"))
        if call.session?.agent != nil { return Page.see(next ?? "/desk") }
        if call.session?.customer != nil { return Page.see(next ?? "/tickets") }
        let mailsLinks = try await call.sendsMail()
        return call.guestPage { signInPage($0, SignInState(next: next, mailsLinks: mailsLinks)) }
    }

    @Sendable private static func signIn(_ call: Call) async throws -> Response {
        let form = try await call.form()
        var state = SignInState(next: Call.safe(form["next"]), email: form["email"] ?? "")
        state.kept = form.values.filter { $0.name.hasPrefix("kept-") }.map { (String($0.name.dropFirst(5)), $0.value) }
        let origin = SignInOrigin(
            place: call.place, device: Cookies.value(Cookies.device, in: call.request, call.desk),
            browser: call.request.headers[.userAgent] ?? "")
        state.proof = form["proof"]
        state.mailsLinks = try await call.sendsMail()
        let outcome =
            if let proof = state.proof {
                try await call.desk.signIn(proof: proof, code: form["code"] ?? "", from: origin)
            } else {
                try await call.desk.signIn(email: state.email, password: form["password"] ?? "", from: origin)
            }
        switch outcome {
        case .begun(let token, let holder): return enter(call, token, holder, state)
        case .needsCode(let proof):
            state.proof = proof
            return call.guestPage { signInPage($0, state) }
        case .wrongCode: state.fault = "This code is wrong or was already used. Enter a new one."
        case .refused:
            state.proof = nil
            state.fault = "Incorrect email or password. Try again."
        case .wait(let until): state.wait = until.timeIntervalSince(call.desk.clock.now())
        }
        return call.guestPage(state.wait == nil ? .unprocessableContent : .tooManyRequests) { signInPage($0, state) }
    }

    /// Signed in: on to where they wanted to go, or to what they had been sending.
    static func enter(_ call: Call, _ token: String, _ holder: Session.Holder, _ state: SignInState = SignInState())
        -> Response
    {
        let (home, email): (String, String) =
            switch holder {
            case .agent(let agent): ("/desk", agent.email)
            case .customer(let person): ("/tickets", person.address)
            }
        var response: Response
        if let next = state.next, !state.kept.isEmpty {
            let frame = Frame(
                t: call.frame.t, deskName: call.frame.deskName, session: nil,
                csrf: call.desk.office.signer.mark(Secret.hash(token), for: .form), now: call.frame.now)
            response = Page.response(sendAgainPage(frame, to: next, kept: state.kept))
        } else {
            response = Page.see(state.next ?? home)
        }
        let lasting = if case .agent = holder { 14 * 86400 } else { 90 * 86400 }
        response.set(Cookies.session, token, lasting: lasting, call.desk)
        response.set(
            Cookies.device, DeviceMark.make(for: email, call.desk.office.signer), lasting: 365 * 86400, call.desk)
        return response
    }

    @Sendable private static func mailLink(_ call: Call) async throws -> Response {
        let form = try await call.form()
        var state = SignInState(next: Call.safe(form["next"]), email: form["email"] ?? "")
        state.mailsLinks = try await call.sendsMail()
        guard state.mailsLinks else { return call.guestPage(.unprocessableContent) { signInPage($0, state) } }
        guard let address = MailAddress(state.email) else {
            state.linkFault = .notAnAddress
            return call.guestPage(.unprocessableContent) { signInPage($0, state) }
        }
        // The answer is the same whether a mail goes out or not, so that nobody learns who is known here.
        try await call.desk.write { [network = call.network] tx in
            guard try tx.allowUse(of: "links:\(network)", perHour: 30),
                try tx.allowUse(of: "link:\(Secret.hash(address.address))", perHour: 5)
            else { return }
            try tx.mailLink(to: address.address)
        }
        state.isMailed = true
        return call.guestPage { signInPage($0, state) }
    }

    @Sendable private static func showLink(_ call: Call) async throws -> Response {
        let token = try call.parameter("token")
        let link = try await call.desk.read { [office = call.desk.office, now = call.desk.clock.now()] in
            try $0.oneTimeLink(token, office.signer, now: now)
        }
        return call.guestPage(link == nil ? .notFound : .ok) { linkUsePage($0, link, token: token, fault: nil) }
    }

    @Sendable private static func useLink(_ call: Call) async throws -> Response {
        let token = try call.parameter("token")
        let form = try await call.form()
        let browser = call.request.headers[.userAgent] ?? ""
        guard
            let link = try await call.desk.read({ [office = call.desk.office, now = call.desk.clock.now()] in
                try $0.oneTimeLink(token, office.signer, now: now)
            })
        else {
            return call.guestPage(.notFound) { linkUsePage($0, nil, token: token, fault: nil) }
        }
        let (session, holder): (String, Session.Holder)
        switch link.purpose {
        case .signIn: (session, holder) = try await call.desk.write { try $0.signIn(by: token, browser: browser) }
        case .password:
            let password = form["password"] ?? ""
            if let problem = Password.problem(password) {
                return call.guestPage(.unprocessableContent) { linkUsePage($0, link, token: token, fault: problem) }
            }
            let hash = try await PasswordCheck.shared.hash(password)
            (session, holder) = try await call.desk.write {
                try $0.setPassword(by: token, hash: hash, browser: browser)
            }
            call.web.sessions.forget()
        }
        // Whoever has a second factor signs in with it.
        return session.isEmpty ? Page.see(Path("sign-in")) : enter(call, session, holder)
    }

    @Sendable private static func signOut(_ call: Call) async throws -> Response {
        guard let session = call.session else { return Page.see(Path("sign-in")) }
        _ = try await call.form()
        try await call.desk.write { try $0.endSession(session.hash) }
        call.web.sessions.forget()
        var response = Page.see(session.agent == nil ? Path() : Path("sign-in"))
        response.set(Cookies.session, "", lasting: 0, call.desk)
        return response
    }
}
