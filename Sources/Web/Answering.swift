import Desk
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import Markup
import NIOCore
import Store

/// Turns what handlers throw into answers: refusals are told, everything else is logged under the request's id and told
/// without detail.
struct Answering: RouterMiddleware {
    let log: Logger

    func handle(_ request: Request, context: DeskContext, next: (Request, DeskContext) async throws -> Response) async throws -> Response {
        let isAPI = request.uri.path.hasPrefix("/api/")
        do { return try await next(request, context) } catch let refusal as Refusal {
            return respond(refusal, isAPI: isAPI)
        } catch let error as StoreError {
            return respond(error, context, isAPI: isAPI)
        } catch let error as HTTPError {
            return Problem(status: error.status.code, title: error.status.reasonPhrase).response(isAPI: isAPI)
        } catch {
            return unexpected(error, context, isAPI: isAPI)
        }
    }

    private func respond(_ refusal: Refusal, isAPI: Bool) -> Response {
        switch refusal {
        case .notFound: return Problem(status: 404, title: "There is no such thing here").response(isAPI: isAPI)
        case .notAllowed(let reason): return Problem(status: 403, title: reason).response(isAPI: isAPI)
        case .malformed(let reason): return Problem(status: 400, title: reason).response(isAPI: isAPI)
        case .conflict(let reason, let allowed): return Problem(status: 409, title: reason, allowed: allowed).response(isAPI: isAPI)
        case .tooLarge(let limit): return Problem(status: 413, title: "This is larger than the limit of \(limit) bytes", limit: limit).response(isAPI: isAPI)
        case .invalid(let faults): return Problem(status: 422, title: "Some fields are wrong", faults: faults).response(isAPI: isAPI)
        }
    }

    private func respond(_ error: StoreError, _ context: DeskContext, isAPI: Bool) -> Response {
        guard error.isPassing else { return unexpected(error, context, isAPI: isAPI) }
        log.error("the database did not answer", metadata: ["request": "\(context.id)", "detail": "\(error)"])
        var response = Problem(status: 503, title: "This cannot be kept just now; please try again in a moment", requestID: context.id).response(isAPI: isAPI)
        response.headers[.retryAfter] = "5"
        return response
    }

    private func unexpected(_ error: any Error, _ context: DeskContext, isAPI: Bool) -> Response {
        log.error("a request failed", metadata: ["request": "\(context.id)", "detail": "\(String(reflecting: error))"])
        return Problem(status: 500, title: "Something went wrong here; it has been noted", requestID: context.id).response(isAPI: isAPI)
    }
}

/// A fault as it is told: RFC 9457 for programs, a page for people.
struct Problem {
    var status: Int
    var title: String
    var faults: [Fault] = []
    /// What the state allows instead.
    var allowed: [String] = []
    var limit: Int?
    var requestID: String?

    func response(isAPI: Bool) -> Response {
        guard isAPI else { return Page.response(.init(code: status), errorPage(self)) }
        var json = JSONText()
        json.object { json in
            json.field("type", "about:blank")
            json.field("title", title)
            json.field("status", status)
            if !faults.isEmpty {
                json.field("detail", faults.map { "\($0.field) \($0.problem.text)" }.joined(separator: "; "))
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
        let headers: HTTPFields = [.contentType: "application/problem+json", .cacheControl: "no-store", .contentTypeOptions: "nosniff"]
        return Response(status: .init(code: status), headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: json.bytes)))
    }
}
