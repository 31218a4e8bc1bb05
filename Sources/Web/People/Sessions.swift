import Crypto
import Desk
import Domain
import Foundation
import HTTPTypes
import Hummingbird
import Mail
import Markup
import Primitives
import Store
import Synchronization

/// Sessions as they were last looked up, so that a page costs no query for them. A change of anybody's rights in this
/// process ends the memory at once; one that another process made is noticed within some seconds.
final class SessionRing: Sendable {
    private let known = Mutex<[String: (session: Session, rights: Int, until: UInt64)]>([:])
    private let marks = Mutex<[String: String]>([:])
    private static let lifetime: UInt64 = 5_000_000_000
    private static let most = 10_000

    func session(of request: Request, _ desk: Desk) async throws -> Session? {
        guard let token = Cookies.value(Cookies.session, in: request, desk) else { return nil }
        return try await session(token: token, desk)
    }

    func session(token: String, _ desk: Desk) async throws -> Session? {
        guard token.utf8.count <= 100 else { return nil }
        let now = DispatchTime.now().uptimeNanoseconds
        let rights = desk.rights.current
        if let found = known.withLock({ $0[token] }), found.until > now, found.rights == rights { return found.session }
        let moment = desk.clock.now()
        guard let session = try await desk.read({ try $0.session(token: token, now: moment) }) else { return nil }
        known.withLock { known in
            if known.count >= Self.most { known = [:] }
            known[token] = (session, rights, now + Self.lifetime)
        }
        return session
    }

    /// The mark of a form, which is the same for as long as the session lasts.
    func formMark(of subject: String, _ desk: Desk) -> String {
        if let found = marks.withLock({ $0[subject] }) { return found }
        let mark = desk.office.signer.mark(subject, for: .form)
        marks.withLock { marks in
            if marks.count >= Self.most { marks = [:] }
            marks[subject] = mark
        }
        return mark
    }

    /// Looked up anew from now on: something about sessions or agents changed here.
    func forget() { known.withLock { $0 = [:] } }
}

/// What the desk leaves in a browser (RFC 6265): the session, a mark of a device that signed in before, and what ties a
/// guest's forms to the guest.
enum Cookies {
    static let session = "usher_session"
    static let device = "usher_device"
    static let visit = "usher_visit"
    /// Set for as long as a reply that was just sent can be taken back: a hint to look for it.
    static let undo = "usher_undo"

    /// Where the desk is reached by HTTPS the prefix keeps other hosts of the same domain from setting our cookies
    /// (RFC 6265bis, section 4.1.3).
    private static func name(_ name: String, _ desk: Desk) -> String { desk.office.isSecure ? "__Host-\(name)" : name }

    static func value(_ cookie: String, in request: Request, _ desk: Desk) -> String? {
        let name = name(cookie, desk)
        for header in request.headers[values: .cookie] {
            for pair in header.utf8.split(separator: UInt8(ascii: ";")) {
                let pair = pair.drop { $0 == 0x20 || $0 == 0x09 }
                guard pair.starts(with: name.utf8), case let rest = pair.dropFirst(name.utf8.count),
                    rest.first == UInt8(ascii: "=")
                else { continue }
                return String(Substring(rest.dropFirst())).trimmingWhitespace()
            }
        }
        return nil
    }

    /// - Parameter lasting: seconds; nil ends with the browser, 0 takes the cookie away.
    static func header(_ name: String, _ value: String, lasting: Int?, _ desk: Desk) -> String {
        let age = lasting.map { "; Max-Age=\($0)" } ?? ""
        return
            """
            \(self.name(name, desk))=\(value); Path=/; HttpOnly; \
            SameSite=Lax\(desk.office.isSecure ? "; Secure" : "")\(age)
            """
    }
}

extension Response {
    mutating func set(_ name: String, _ value: String, lasting: Int?, _ desk: Desk) {
        headers.append(HTTPField(name: .setCookie, value: Cookies.header(name, value, lasting: lasting, desk)))
    }
}

extension Web {
    /// What a page is made with, whoever asks.
    func frame(_ request: Request) async -> Frame {
        // A page about a fault is made even where sessions cannot be read.
        let session = (try? await sessions.session(of: request, desk)) ?? nil
        return frame(request, session)
    }

    func frame(_ request: Request, _ session: Session?) -> Frame {
        let language = Language.named(session?.language) ?? Language.best(for: request.headers[.acceptLanguage])
        let subject = session?.hash ?? Cookies.value(Cookies.visit, in: request, desk) ?? ""
        return Frame(
            t: language, deskName: desk.settings.current.name, session: session,
            csrf: sessions.formMark(of: subject, desk), now: desk.clock.now(),
            isDeveloping: Assets.folder != nil, clockHold: desk.clockWatch.hold, theme: Theme(request, desk))
    }
}

extension Call {
    var frame: Frame { web.frame(request, session) }

    /// The agent who is signed in, on routes for agents.
    func agent() throws -> Agent {
        guard let agent = session?.agent else { throw Refusal.notFound }
        return agent
    }
    func customer() throws -> Person<Customer> {
        guard let customer = session?.customer else { throw Refusal.notFound }
        return customer
    }

    /// A form sent by somebody signed in, or by a guest whose browser kept the visit's mark.
    func form(beforeFiles: ((FormData) async throws -> Void)? = nil) async throws -> FormData {
        let subject = session?.hash ?? Cookies.value(Cookies.visit, in: request, desk) ?? ""
        guard !subject.isEmpty else {
            throw Refusal.notAllowed(
                Sentence("Your browser didn't keep our cookie. Allow cookies here, then send the form again."))
        }
        return try await form(csrfFor: subject, beforeFiles: beforeFiles)
    }

    /// A page with a form for guests: their browser is given the mark its form will be known by.
    func guestPage(_ status: HTTPResponse.Status = .ok, _ page: (Frame) throws -> HTML) rethrows -> Response {
        if session != nil || Cookies.value(Cookies.visit, in: request, desk) != nil {
            return Page.response(status, try page(frame))
        }
        let visit = Secret.random()
        var frame = frame
        frame.csrf = desk.office.signer.mark(visit, for: .form)
        var response = Page.response(status, try page(frame))
        response.set(Cookies.visit, visit, lasting: nil, desk)
        return response
    }

    /// Where a request comes from: the peer, or behind a trusted proxy whom that names (the last one it did not name
    /// itself).
    var place: String {
        guard web.proxies.contains(context.peer), let names = request.headers[.xForwardedFor] else {
            return context.peer
        }
        let chain = names.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
        return chain.last { !web.proxies.contains($0) } ?? context.peer
    }

    /// The network a request comes from, which limits count by: whoever has one address of it has them all.
    var network: String { NetworkAddress.network(of: place) }

    /// An address of ours to go on to after signing in; nothing else is followed.
    static func safe(_ next: String?) -> String? {
        guard let next, next.hasPrefix("/"), !next.hasPrefix("//"), !next.contains("\\"),
            next.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), next.utf8.count < 500
        else { return nil }
        return next
    }
}

extension HTTPField.Name {
    static let xForwardedFor = HTTPField.Name("X-Forwarded-For")!  // a literal that is a token
    static let forwarded = HTTPField.Name("Forwarded")!
}
