/// What a person may cause, told to that person. Everything else is a fault of ours and is only logged.
package enum Refusal: Error, Equatable, Sendable {
    /// There is no such thing, or the asker may not see it: the two are never told apart.
    case notFound
    /// The asker may see it but not do this.
    case notAllowed(String)
    /// The state forbids it; what it does allow is named.
    case conflict(String, allowed: [String])
    /// What was sent cannot be read at all.
    case malformed(String)
    /// Wrong fields, all of them.
    case invalid([Fault])
    /// Bigger than the limit, in bytes.
    case tooLarge(limit: Int)

    package static func invalid(_ field: String, _ problem: Fault.Problem) -> Refusal {
        .invalid([Fault(field, problem)])
    }
}

/// One field that is wrong, and why.
package struct Fault: Equatable, Sendable {
    package let field: String
    package let problem: Problem

    package init(_ field: String, _ problem: Problem) {
        self.field = field
        self.problem = problem
    }

    package enum Problem: Equatable, Sendable {
        case required
        case wrongType(expected: String)
        case tooLong(most: Int)
        case tooMany(most: Int)
        case notAnAddress
        case unknown(String)
        case notOneOf([String])
        case outOfRange(Int, Int)
        case notBase64
        case taken
        case unknownField
        case unknownPlaceholder(String)
        /// Has neither a value here nor words to take instead.
        case emptyPlaceholder(String)
        case other(String)

        /// The sentence beside the field.
        package var text: String {
            switch self {
            case .required: "is required"
            case .wrongType(let expected): "must be \(expected)"
            case .tooLong(let most): "is longer than \(most) characters"
            case .tooMany(let most): "has more than \(most) items"
            case .notAnAddress: "is not an e-mail address"
            case .unknown(let value): "names nothing that exists here: \(value)"
            case .notOneOf(let words): "must be one of \(words.joined(separator: ", "))"
            case .outOfRange(let least, let most): "must be from \(least) to \(most)"
            case .notBase64: "is not base64"
            case .taken: "is taken already"
            case .unknownField: "is not a field of this"
            case .unknownPlaceholder(let name): "has a placeholder that does not exist: {{\(name)}}"
            case .emptyPlaceholder(let name): "has a placeholder that is empty for this ticket: {{\(name)}}"
            case .other(let sentence): sentence
            }
        }
    }
}
