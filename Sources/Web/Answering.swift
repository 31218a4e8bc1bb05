import Desk
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Primitives
import Store

/// Turns what handlers throw into answers: refusals are told, everything else is logged under the request's id and told
/// without detail.
struct Answering: RouterMiddleware {
    let web: Web
    private var log: Logger { web.log }

    func handle(_ request: Request, context: DeskContext, next: (Request, DeskContext) async throws -> Response)
        async throws -> Response
    {
        var response = try await answer(request, context, next)
        // A year, in which browsers come by HTTPS only (RFC 6797).
        if web.desk.office.isSecure { response.headers[.strictTransportSecurity] = "max-age=31536000" }
        return response
    }

    private func answer(
        _ request: Request, _ context: DeskContext, _ next: (Request, DeskContext) async throws -> Response
    ) async throws -> Response {
        let isAPI = request.uri.path.hasPrefix("/api/")
        var problem: Problem
        do { return try await next(request, context) } catch let refusal as Refusal {
            problem = Problem(refusal)
        } catch is Overloaded {
            problem = Problem(
                status: 503, title: Sentence("Too many large uploads are under way. Try again in a minute."))
        } catch let error as StoreError {
            problem = self.problem(error, context)
        } catch is CancellationError {
            // Nobody is there to read the answer.
            problem = Problem(status: 503, title: Sentence("The request was canceled. Send it again."))
        } catch let error as HTTPError {
            problem = Problem(
                status: error.status.code,
                title: error.status.code == 404 ? Problem.notFound : Sentence(english: error.status.reasonPhrase))
        } catch {
            problem = unexpected(error, context)
        }
        if isAPI { return problem.apiResponse }
        problem.requestID = context.id
        // Who is signed in is in the database as well: the page that says it is away does not wait for it.
        let frame = problem.status == 503 ? web.frame(request, nil) : await web.frame(request)
        let page = await deskFrame(request, frame).map { errorPage(problem, at: $0) } ?? errorPage(problem, frame)
        var response = Page.response(.init(code: problem.status), page, policy: Page.policy)
        if problem.status == 503 { response.headers[.retryAfter] = "5" }
        return response
    }

    /// What customers read, which an agent sees as they do.
    private static let customersPages: Set<Substring> = ["kb", "t", "tickets", "survey"]

    /// An agent keeps the workspace's frame around a fault, whatever address was wrong; nil for everybody else, and
    /// where not even the frame can be made.
    private func deskFrame(_ request: Request, _ frame: Frame) async -> DeskFrame? {
        let root = request.uri.path.split(separator: "/").first ?? ""
        guard let agent = frame.agent, !Self.customersPages.contains(root),
            let counts = try? await web.desk.counts.counts(for: agent, on: web.desk)  // the fault is told without them
        else { return nil }
        return DeskFrame(frame: frame, agent: agent, counts: counts)
    }

    private func problem(_ error: StoreError, _ context: DeskContext) -> Problem {
        switch error {
        case .timedOut(let lane):
            log.warning(
                "a read took too long and was stopped", metadata: ["request": "\(context.id)", "lane": "\(lane)"])
            return Problem(status: lane.takesTurns ? 422 : 503, title: lane.tooLong)
        case .busy:
            return Problem(status: 503, title: Sentence("Too many searches are under way. Try again in a moment."))
        default: break
        }
        guard error.isPassing else { return unexpected(error, context) }
        log.error("a request could not be kept", metadata: ["request": "\(context.id)", "detail": "\(error)"])
        return Problem(
            status: 503, title: Sentence("This couldn't be saved. Try again in a moment."), requestID: context.id)
    }

    private func unexpected(_ error: any Error, _ context: DeskContext) -> Problem {
        log.error("a request failed", metadata: ["request": "\(context.id)", "detail": "\(String(reflecting: error))"])
        return Problem(status: 500, title: Sentence("Something went wrong on our side."), requestID: context.id)
    }
}

extension Lane {
    /// What is said of something that took too long.
    var tooLong: Sentence {
        switch self {
        case .search: Sentence("This search takes too long. Add a word or a date.")
        case .report: Sentence("This report takes too long. Choose a shorter time.")
        case .page, .health, .long: Sentence("This takes too long right now. Try again in a moment.")
        }
    }
}

extension Problem {
    static let notFound = Sentence("Page not found")

    init(_ refusal: Refusal) {
        switch refusal {
        case .notFound: self.init(status: 404, title: Self.notFound)
        case .notAllowed(let reason): self.init(status: 403, title: reason)
        case .malformed(let reason): self.init(status: 400, title: Sentence(english: reason))
        case .conflict(let reason, let allowed): self.init(status: 409, title: reason, allowed: allowed)
        case .tooLarge(let limit):
            self.init(
                status: 413, title: Sentence("This is larger than {0}. Send less at a time.", fileSize(limit)),
                limit: limit)
        case .invalid(let faults):
            self.init(status: 422, title: Sentence("Some fields need another look."), faults: faults)
        }
    }
}

/// A fault as it is told: RFC 9457 for programs, a page for people.
struct Problem {
    var status: Int
    var title: Sentence
    var faults: [Fault] = []
    /// What the state allows instead.
    var allowed: [String] = []
    var limit: Int?
    var requestID: String?

    var apiResponse: Response {
        var json = JSONText()
        json.object { json in
            json.field("type", "about:blank")
            json.field("title", title.english)
            json.field("status", status)
            if !faults.isEmpty {
                json.field("detail", faults.map(\.text).joined(separator: " "))
                json.field("errors", array: faults) { json, fault in
                    json.object { json in
                        json.field("field", fault.field)
                        json.field("message", fault.problem.text)
                    }
                }
            }
            if status == 409 { json.field("allowed", allowed) }
            if let limit { json.field("limit", limit) }
            if let requestID { json.field("request_id", requestID) }
        }
        var headers: HTTPFields = [
            .contentType: "application/problem+json", .cacheControl: "no-store", .contentTypeOptions: "nosniff",
        ]
        if status == 503 { headers[.retryAfter] = "5" }
        return Response(
            status: .init(code: status), headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: json.bytes)))
    }
}
