import Desk
import Domain
import HTTPTypes
import Hummingbird

/// Who may call a route. Stated on each route's line.
package enum Access: Sendable, Equatable {
    case anyone
    /// A client of the API with at least this scope.
    case key(APIKey.Scope)
    /// Whoever holds the signed token in the address.
    case signedLink
    /// An agent who is signed in, with at least this role.
    case agent(Role)
    /// A customer who is signed in.
    case customer
}

/// One address, who may call it, and what it does.
package struct Route: Sendable {
    package typealias Handler = @Sendable (Call) async throws -> Response
    package let method: HTTPRequest.Method
    /// With parameters as `:number`.
    package let path: String
    package let access: Access
    /// How much of a body is read.
    package let allowance: BodyAllowance
    package let document: Document?
    let handle: Handler

    /// What the API's document says of a route; pages have none.
    package struct Document: Sendable {
        let summary: String
        var input: String?
        var output: String?
        var status: Int = 200
        var parameters: [Parameter] = []
    }
    /// A parameter in the address behind `?`.
    package struct Parameter: Sendable {
        let name: String
        let schema: String
        let meaning: String
    }

    static func get(
        _ path: String, for access: Access, taking allowance: BodyAllowance? = nil, _ document: Document,
        _ handle: @escaping Handler
    ) -> Route {
        Route(
            method: .get, path: path, access: access, allowance: allowance ?? .usual(for: access), document: document,
            handle: handle)
    }
    static func post(
        _ path: String, for access: Access, taking allowance: BodyAllowance? = nil, _ document: Document,
        _ handle: @escaping Handler
    ) -> Route {
        Route(
            method: .post, path: path, access: access, allowance: allowance ?? .usual(for: access), document: document,
            handle: handle)
    }
    static func patch(
        _ path: String, for access: Access, taking allowance: BodyAllowance? = nil, _ document: Document,
        _ handle: @escaping Handler
    ) -> Route {
        Route(
            method: .patch, path: path, access: access, allowance: allowance ?? .usual(for: access), document: document,
            handle: handle)
    }
    static func delete(
        _ path: String, for access: Access, taking allowance: BodyAllowance? = nil, _ document: Document,
        _ handle: @escaping Handler
    ) -> Route {
        Route(
            method: .delete, path: path, access: access, allowance: allowance ?? .usual(for: access),
            document: document, handle: handle)
    }
    // Pages and operators' addresses have no document.
    static func get(
        _ path: String, for access: Access, taking allowance: BodyAllowance? = nil, _ handle: @escaping Handler
    ) -> Route {
        Route(
            method: .get, path: path, access: access, allowance: allowance ?? .usual(for: access), document: nil,
            handle: handle)
    }
    static func post(
        _ path: String, for access: Access, taking allowance: BodyAllowance? = nil, _ handle: @escaping Handler
    ) -> Route {
        Route(
            method: .post, path: path, access: access, allowance: allowance ?? .usual(for: access), document: nil,
            handle: handle)
    }

    var isAPI: Bool { path.hasPrefix("/api/") }
}
