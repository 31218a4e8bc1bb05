/// What a person may cause, told to that person. Everything else is a fault of ours and is only logged.
package enum Refusal: Error, Equatable, Sendable {
    /// There is no such thing, or the asker may not see it: the two are never told apart.
    case notFound
    /// The asker may see it but not do this.
    case notAllowed(Sentence)
    /// The state forbids it; what it does allow is named.
    case conflict(Sentence, allowed: [String])
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

    /// The field with its sentence, for programs and terminals.
    package var text: String { "\(field): \(problem.text)" }

    package enum Problem: Equatable, Sendable {
        case required
        /// One of several has to be chosen.
        case notChosen
        case notTicked
        case wrongType(expected: String)
        case tooShort(least: Int)
        case tooLong(most: Int)
        case tooMany(most: Int)
        /// Files that are larger together than the limit, in bytes.
        case filesTooLarge(limit: Int)
        case notAnAddress
        case unknown(String)
        case unknownTicket(Int64)
        case unknownCursor
        case notOneOf([String])
        case outOfRange(Int, Int)
        case notBase64
        case taken
        case unknownField
        case unknownPlaceholder(String)
        /// Has neither a value here nor words to take instead.
        case emptyPlaceholder(String)
        /// An environment variable decides it.
        case setBy(String)
        /// A secret that could not be kept.
        case notEncrypted
        /// What the mail server said instead of taking an email.
        case notSent(String)
        /// What is wrong in one place only.
        case other(Sentence)

        /// The sentence beside the field. It stands alone: what is wrong, and what to do.
        package var sentence: Sentence {
            switch self {
            case .required: Sentence("Enter a value.")
            case .notChosen: Sentence("Choose an option.")
            case .notTicked: Sentence("Tick this box to continue.")
            case .wrongType(let expected): Sentence("This must be {0}.", [.words(expected)])
            case .tooShort(let least): Sentence("Enter at least {0} characters.", String(least))
            case .tooLong(let most): Sentence("This is longer than {0} characters. Shorten it.", String(most))
            case .tooMany(let most): Sentence("This has more than {0} items. Remove some.", String(most))
            case .filesTooLarge(let limit):
                Sentence("These files are larger than {0} together. Remove some.", fileSize(limit))
            case .notAnAddress: Sentence("Enter a valid email address.")
            case .unknown(let value): Sentence("“{0}” doesn't exist. Check the spelling or choose another.", value)
            case .unknownTicket(let number): Sentence("There is no ticket #{0}. Check the number.", String(number))
            case .unknownCursor: Sentence("This cursor doesn't belong to a list. Leave it out to get the first page.")
            case .notOneOf(let words): Sentence("Choose one of: {0}.", words.joined(separator: ", "))
            case .outOfRange(let least, let most):
                Sentence("Enter a number from {0} to {1}.", String(least), String(most))
            case .notBase64: Sentence("This isn't valid base64. Encode it again.")
            case .taken: Sentence("This is already in use. Choose another.")
            case .unknownField: Sentence("This field doesn't exist here. Remove it or check its name.")
            case .unknownPlaceholder(let name):
                Sentence("The placeholder {0} doesn't exist. Remove it or check its name.", "{{\(name)}}")
            case .emptyPlaceholder(let name):
                Sentence(
                    "{0} is empty for this ticket. Fill it in yourself, or give it a default such as {1}.",
                    "{{\(name)}}", "{{\(name)|…}}")
            case .setBy(let variable): Sentence("Set by {0}. Change it there.", variable)
            case .notEncrypted: Sentence("This couldn't be encrypted, so it wasn't saved. Try again.")
            case .notSent(let trouble): Sentence("The email couldn't be sent: {0}", trouble)
            case .other(let sentence): sentence
            }
        }

        /// In English.
        package var text: String { sentence.english }
    }
}

/// A size as people read it.
package func fileSize(_ bytes: Int) -> String {
    switch bytes {
    case ..<1024: "\(bytes) bytes"
    case ..<(1 << 20): "\(bytes >> 10) KB"
    default: "\(bytes >> 20) MB"
    }
}
