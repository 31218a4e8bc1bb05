import CoreMetrics
import Desk
import Domain
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import Mail
import Metrics
import NIOCore
import Primitives
import Store
import Synchronization

/// The desk's own mail server, as the pages need it.
package struct OutgoingMail: Sendable {
    /// Whether one is set at the moment.
    let isSet: @Sendable () -> Bool
    /// Sends one message at once: nil when it was taken, else what the mail server said.
    let send: @Sendable (_ recipient: String, _ text: MailText?) async -> String?

    /// Without arguments, a desk that has none.
    package init(
        isSet: @escaping @Sendable () -> Bool = { false },
        send: @escaping @Sendable (String, MailText?) async -> String? = { _, _ in "no mail server is set" }
    ) {
        self.isSet = isSet
        self.send = send
    }
}

/// The desk over HTTP: its routes, and who may call them.
package struct Web: Sendable {
    package let desk: Desk
    let keys: KeyRing
    let sessions: SessionRing
    /// Whose `X-Forwarded-For` counts.
    let proxies: Set<String>
    /// Who may read `/metrics` besides this machine.
    let metricsReaders: Set<String>
    let outgoing: OutgoingMail
    /// Whether a mail server hands over mail by LMTP.
    let takesLMTP: Bool
    let measures: PrometheusMetrics
    /// Pictures from elsewhere, fetched by the desk.
    let pictures: RemotePictures
    let readiness = Readiness()
    let log: Logger

    package init(
        desk: Desk, measures: PrometheusMetrics, proxies: [String] = [], metricsReaders: [String] = [],
        outgoing: OutgoingMail = OutgoingMail(), takesLMTP: Bool = false, pictures: RemotePictures? = nil
    ) {
        self.pictures =
            pictures
            ?? RemotePictures(folder: desk.files.folder.deletingLastPathComponent().appending(path: "pictures"))
        self.proxies = Set(proxies)
        self.metricsReaders = Set(metricsReaders)
        self.outgoing = outgoing
        self.takesLMTP = takesLMTP
        sessions = SessionRing()
        self.desk = desk
        self.measures = measures
        keys = KeyRing()
        log = desk.log
    }

    package static var routes: [Route] {
        TicketRoutes.routes + EntryRoutes.routes + ActionRoutes.routes + FeedbackRoutes.routes + ResourceRoutes.routes
            + OpenAPI.routes + OsTicketRoutes.routes
            + LinkRoutes.routes + SurveyRoutes.routes + SetupRoutes.routes + OperatorRoutes.routes + ClockNotice.routes
            + Assets.routes + Theme.routes + SignInRoutes.routes + PortalRoutes.routes + CustomerRoutes.routes
            + DeskRoutes.routes + ViewRoutes.routes + ComposerRoutes.routes + DeskActionRoutes.routes
            + UndoRoutes.routes
            + LiveRoutes.routes
            + AccountRoutes.routes + FeedbackBoard.routes + PeopleRoutes.routes + PersonAdminRoutes.routes
            + PictureRoutes.routes + AdminRoutes.routes + IntakeLogRoutes.routes + MailboxRoutes.routes
    }

    package func router() -> Router<DeskContext> {
        let router = Router(context: DeskContext.self, options: [.autoGenerateHeadEndpoints])
        router.add(middleware: Answering(web: self))
        let routes = Self.routes
        for route in routes {
            let measured = MeasuredRoute(route)
            router.on(RouterPath(route.path), method: route.method) { request, context in
                try await answer(request, context, by: measured)
            }
        }
        refuseOtherMethods(routes, on: router)
        return router
    }

    private func answer(_ request: Request, _ context: DeskContext, by measured: MeasuredRoute) async throws -> Response
    {
        let started = DispatchTime.now().uptimeNanoseconds
        do {
            let share = ByteShare(of: desk.largeBodies)
            defer { share.release() }
            var call = Call(web: self, request: request, context: context, share: share)
            call.allowance = measured.route.allowance
            if let refused = try await admit(&call, to: measured.route) { return refused }
            let response = try await Caller.$current.withValue(call.caller) { [call] in
                try await measured.route.handle(call)
            }
            measured.count(response.status.code, since: started)
            return response
        } catch {
            measured.count(error is Refusal ? 400 : 500, since: started)
            throw error
        }
    }

    /// Nil when the caller may go on.
    private func admit(_ call: inout Call, to route: Route) async throws -> Response? {
        let scope: APIKey.Scope
        switch route.access {
        case .key(let needed): scope = needed
        case .agent(let role): return try await admit(&call, as: role)
        case .customer:
            call.session = try await sessions.session(of: call.request, desk)
            guard call.session?.customer != nil else { return try await SignInRoutes.ask(call) }
            return nil
        case .anyone, .signedLink:
            if !route.path.hasPrefix("/api/") { call.session = try await sessions.session(of: call.request, desk) }
            return nil
        }
        let isAPI = route.path.hasPrefix("/api/v1/")
        let given = isAPI ? call.request.headers[.authorization].flatMap(Self.bearer) : call.request.headers[.apiKey]
        guard let given, let key = try await keys.key(given, desk) else {
            guard isAPI else { return OsTicketRoutes.text(.unauthorized, "The API key is missing or wrong.") }
            var response = Problem(status: 401, title: Sentence(english: "The API key is missing or wrong."))
                .apiResponse
            response.headers[.wwwAuthenticate] = "Bearer"
            return response
        }
        guard key.scope >= scope else {
            return Problem(
                status: 403, title: Sentence(english: "This needs an API key with the scope \(scope.rawValue).")
            ).apiResponse
        }
        call.key = key
        return nil
    }

    private func admit(_ call: inout Call, as role: Role) async throws -> Response? {
        call.session = try await sessions.session(of: call.request, desk)
        guard let agent = call.session?.agent else { return try await SignInRoutes.ask(call) }
        // What an agent may not see is not there.
        guard agent.role >= role else {
            throw role == .administrator
                ? Refusal.notFound
                : Refusal.notAllowed(
                    Sentence("Your role only lets you read. Ask an administrator if you need to make changes."))
        }
        return nil
    }

    private static func bearer(_ header: String) -> String? {
        let parts = header.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return String(parts[1])
    }

    /// How many parts of a form's address are the page that it belongs to; nil where none of ours stands above it.
    private static func page(above path: String, _ pages: Set<String>) -> Int? {
        guard !path.hasPrefix("/api/") else { return nil }
        var parts = path.split(separator: "/")
        while parts.count > 1 {
            parts.removeLast()
            if pages.contains("/" + parts.joined(separator: "/")) { return parts.count }
        }
        return nil
    }

    /// A known address asked for in a way it does not know: 405 with what it knows (RFC 9110, section 15.5.6).
    private func refuseOtherMethods(_ routes: [Route], on router: Router<DeskContext>) {
        let methods: [HTTPRequest.Method] = [
            .get, .head, .post, .put, .patch, .delete, .options, .trace, HTTPRequest.Method("QUERY"),
        ].compactMap { $0 }
        let pages = Set(routes.filter { $0.method == .get }.map(\.path))
        for (path, known) in Dictionary(grouping: routes, by: \.path) {
            var allowed = known.map(\.method)
            if allowed.contains(.get) { allowed.append(.head) }
            let page = Self.page(above: path, pages)
            for method in methods where !allowed.contains(method) {
                router.on(RouterPath(path), method: method) { [allowed] request, _ in
                    // Somebody opens a form's address again, from the history or after a restart of the browser: the
                    // page it belongs to is what they want.
                    if method == .get, let page, request.headers[.accept]?.contains("text/html") ?? false {
                        let parts = request.uri.path.split(separator: "/").prefix(page)
                        let query = request.uri.query.map { "?\($0)" } ?? ""
                        if let address = Call.safe("/" + parts.joined(separator: "/") + query) {
                            return Page.see(address)
                        }
                    }
                    let problem = Problem(
                        status: 405, title: Sentence("This address doesn't take {0}.", method.rawValue))
                    var response =
                        path.hasPrefix("/api/")
                        ? problem.apiResponse
                        : Page.response(.methodNotAllowed, errorPage(problem, frame(request, nil)))
                    response.headers[.allow] = allowed.map(\.rawValue).joined(separator: ", ")
                    return response
                }
            }
        }
    }
}

/// API keys as they were last looked up. A key that was revoked works for some seconds more.
final class KeyRing: Sendable {
    private let known = Mutex<[String: (key: APIKey, rights: Int, until: UInt64)]>([:])
    private static let lifetime: UInt64 = 5_000_000_000
    private static let most = 10_000

    func key(_ text: String, _ desk: Desk) async throws -> APIKey? {
        let hash = Secret.hash(text)
        let now = DispatchTime.now().uptimeNanoseconds
        let rights = desk.rights.current
        if let found = known.withLock({ $0[hash] }), found.until > now, found.rights == rights { return found.key }
        guard let key = try await desk.read({ try $0.apiKey(text) }) else { return nil }
        known.withLock { known in
            if known.count >= Self.most { known = [:] }
            known[hash] = (key, rights, now + Self.lifetime)
        }
        return key
    }

    func forget() { known.withLock { $0 = [:] } }
}

/// A route with its figures, made once.
private struct MeasuredRoute: Sendable {
    let route: Route
    private let timer: Metrics.Timer
    private let counters: [CoreMetrics.Counter]

    init(_ route: Route) {
        self.route = route
        let names = [("method", route.method.rawValue), ("route", route.path)]
        timer = Metrics.Timer(label: "usher_http_request_duration_seconds", dimensions: names)
        counters = (1...5).map {
            CoreMetrics.Counter(label: "usher_http_requests_total", dimensions: names + [("status", "\($0)xx")])
        }
    }

    func count(_ status: Int, since started: UInt64) {
        timer.recordNanoseconds(Int64(DispatchTime.now().uptimeNanoseconds - started))
        counters[max(1, min(5, status / 100)) - 1].increment()
    }
}
