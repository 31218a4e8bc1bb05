/// Names of the statements that a server has planned for one line: bounded, and given only to those that come again.
struct StatementNames {
    enum Found: Equatable {
        case known(String)
        /// To be prepared under this name, then kept.
        case new(String)
        /// Run without a name.
        case none
    }
    /// No other line's, so that lines that share a server's connection never meet.
    private var prefix = StatementNames.unique()
    private var names: [String: String] = [:]
    private var seen: Set<Int> = []
    private var count = 0
    private var isOff = false
    static let most = 300
    private static let mostSeen = 2000

    var isFull: Bool { names.count >= Self.most }
    var kept: Int { names.count }

    /// A search by text has no name: it is planned anew each time, since whether its words are common or rare decides
    /// whether the tickets or the index are walked.
    mutating func name(of text: String) -> Found {
        if let name = names[text] { return .known(name) }
        guard !isOff, !isFull, !text.contains(" @@ ") else { return .none }
        let hash = text.hashValue
        guard seen.contains(hash) else {
            if seen.count >= Self.mostSeen { seen = [] }
            seen.insert(hash)
            return .none
        }
        count += 1
        return .new("\(prefix)_\(count)")
    }
    mutating func keep(_ name: String, for text: String) { names[text] = name }
    /// The server did not take it.
    mutating func drop(_ text: String) { names[text] = nil }
    /// Statements are named anew.
    mutating func forget() {
        names = [:]
        prefix = Self.unique()
    }
    /// The line's server does not know our names again: a pooler that hands each transaction to another connection.
    mutating func stop() {
        names = [:]
        isOff = true
    }
    private static func unique() -> String { "u" + String(UInt64.random(in: 0...UInt64.max), radix: 36) }
}
