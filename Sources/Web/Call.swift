import Crypto
import Desk
import Domain
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import Primitives
import Store

/// What the desk's routes know of a request besides the request itself.
package struct DeskContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    /// The other end of the connection.
    package let peer: String
    /// Whether it still waits for the answer.
    let peerWatch: PeerWatch?
    package init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        peerWatch = PeerWatch.of(source.channel)
        peer = source.channel.remoteAddress?.ipAddress ?? ""
    }
}

/// One request being answered: what was asked, by whom, and the desk to ask.
package struct Call: Sendable {
    let web: Web
    let request: Request
    let context: DeskContext
    /// The client, on routes for keys.
    var key: APIKey?
    /// Who is signed in, on routes for people.
    var session: Session?
    /// How much of the body the route reads.
    var allowance = BodyAllowance.small
    /// What the body takes of the bytes that all requests together may hold.
    let share: ByteShare

    var desk: Desk { web.desk }

    /// Whom the database works for: who is signed in, the client, or the network it comes from.
    var caller: Caller {
        let name = session?.hash ?? key.map { "key \($0.id)" } ?? place
        return Caller(name: name, isGone: { [peerWatch = context.peerWatch] in peerWatch?.isGone ?? false })
    }

    // MARK: the address

    func parameter(_ name: String) throws -> String {
        guard let value = context.parameters.get(name) else { throw Refusal.notFound }
        return value.removingPercentEncoding ?? value
    }
    /// A number in the address; anything but digits names nothing.
    func number(_ name: String = "number") throws -> Int64 {
        let text = try parameter(name)
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let number = Int64(text)
        else { throw Refusal.notFound }
        return number
    }
    func query(_ name: String) -> String? {
        request.uri.queryParameters[Substring(name)].map { String($0).replacingOccurrences(of: "+", with: " ") }.flatMap
        { $0.removingPercentEncoding ?? $0 }
    }

    /// `limit`, from 1 to 200.
    func limit(_ usual: Int = 50) throws -> Int {
        guard let text = query("limit") else { return usual }
        guard let limit = Int(text), (1...200).contains(limit) else {
            throw Refusal.invalid("limit", .outOfRange(1, 200))
        }
        return limit
    }
    /// A cursor that is the key of the last item.
    func cursor() throws -> Int64? {
        guard let text = query("cursor") else { return nil }
        guard let id = Int64(text), id >= 0 else {
            throw Refusal.invalid("cursor", .unknownCursor)
        }
        return id
    }

    // MARK: the body

    /// The body as a JSON object, with what marks it for a retry.
    func input() async throws -> (Input, IdempotencyKey?) {
        let bytes = try await body()
        guard !bytes.isEmpty || request.method == .post else { throw Refusal.malformed("The body is missing.") }
        let json = bytes.isEmpty ? JSON.object([:]) : try await BlockingLane.requests.run { try JSON(parsing: bytes) }
        guard case .object(let fields) = json else { throw Refusal.malformed("The body isn't a JSON object.") }
        return (Input(fields), try idempotency(bytes))
    }

    private func idempotency(_ bytes: Data) throws -> IdempotencyKey? {
        guard let key, let mark = request.headers[.idempotencyKey], !mark.isEmpty else { return nil }
        guard mark.utf8.count <= IdempotencyKey.longest else {
            throw Refusal.invalid("Idempotency-Key", .tooLong(most: IdempotencyKey.longest))
        }
        var hash = SHA256()
        hash.update(data: Data("\(request.method) \(request.uri.path)\n".utf8))
        hash.update(data: bytes)
        return IdempotencyKey(mark, of: key, request: Hex.encode(hash.finalize()))
    }

    // MARK: answers

    func json(_ status: HTTPResponse.Status = .ok, location: String? = nil, _ write: (inout JSONText) throws -> Void)
        rethrows -> Response
    {
        var json = JSONText(capacity: 1024)
        try write(&json)
        return Answer(status: status.code, location: location, body: json.bytes).response
    }

    /// The client as one who does things.
    var actor: Actor { key?.actor ?? Actor(.system, name: "API") }
}

extension HTTPField.Name {
    static let idempotencyKey = HTTPField.Name("Idempotency-Key")!  // a literal that is a token
    static let apiKey = HTTPField.Name("X-API-Key")!
    static let requestID = HTTPField.Name("X-Request-Id")!
    static let contentSecurityPolicy = HTTPField.Name("Content-Security-Policy")!
    static let referrerPolicy = HTTPField.Name("Referrer-Policy")!
    static let contentTypeOptions = HTTPField.Name("X-Content-Type-Options")!
    static let robots = HTTPField.Name("X-Robots-Tag")!
}

extension Answer {
    var response: Response {
        var headers: HTTPFields = [
            .contentType: "application/json; charset=utf-8", .cacheControl: "no-store", .contentTypeOptions: "nosniff",
        ]
        if let location { headers[.location] = location }
        return Response(status: .init(code: status), headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: body)))
    }
}

extension Answer {
    static func json(_ status: Int = 200, location: String? = nil, _ write: (inout JSONText) throws -> Void) rethrows
        -> Answer
    {
        var json = JSONText(capacity: 1024)
        try write(&json)
        return Answer(status: status, location: location, body: json.bytes)
    }
}
