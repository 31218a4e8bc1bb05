import CPostgreSQL
import Foundation
import Synchronization

/// Where a PostgreSQL is: the operator's words, taken apart, with what keeps a dead line from being waited for added
/// where it was not said.
struct PostgresAddress: Sendable {
    /// libpq's keywords and values, once for each host that was named, in the order given.
    let hosts: [[(keyword: String, value: String)]]
    /// How long one attempt to connect may take, in nanoseconds.
    let connecting: UInt64
    /// Whether the other end takes options with the connection; a pooler may not, and is not asked twice.
    let takesOptions = Flag(true)

    /// - Parameter text: `postgres://user:password@host:port/name?keyword=value`, or `keyword=value` words (PostgreSQL
    ///   15, section 34.1.1). Throws
    ///   `StoreError.misconfigured` where libpq cannot read it.
    init(_ text: String) throws {
        var reason: UnsafeMutablePointer<CChar>?
        guard let parsed = PQconninfoParse(text, &reason) else {
            let words = reason.map { String(cString: $0) } ?? "it cannot be read"
            PQfreemem(reason)
            throw StoreError.misconfigured(
                "the address cannot be read: \(words.trimmingCharacters(in: .whitespacesAndNewlines))")
        }
        defer { PQconninfoFree(parsed) }
        var given: [String: String] = [:]
        var option = parsed
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { given[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
        connecting = (given["connect_timeout"].flatMap { UInt64($0) } ?? 5) * 1_000_000_000
        let names = Self.list(given["host"])
        let addresses = Self.list(given["hostaddr"])
        let ports = Self.list(given["port"])
        if let wrong = ports.first(where: { !$0.isEmpty && !(Int($0).map { (1...65535).contains($0) } ?? false) }) {
            throw StoreError.misconfigured("the address cannot be read: “\(wrong)” is not a port")
        }
        let count = max(names.count, addresses.count, 1)
        if count > 1, given["target_session_attrs"] == nil { given["target_session_attrs"] = "read-write" }
        for (keyword, value) in Self.standard where given[keyword] == nil { given[keyword] = value }
        hosts = (0..<count).map { index in
            var words = given
            if names.indices.contains(index) { words["host"] = names[index] }
            if addresses.indices.contains(index) { words["hostaddr"] = addresses[index] }
            if let port = ports.count == 1 ? ports[0] : ports.indices.contains(index) ? ports[index] : nil {
                words["port"] = port
            }
            return words.sorted { $0.key < $1.key }.map { (keyword: $0.key, value: $0.value) }
        }
    }

    private static let standard = [
        "keepalives_idle": "10", "keepalives_interval": "3", "keepalives_count": "3", "tcp_user_timeout": "10000",
        "client_encoding": "UTF8",
        "application_name": "usher/\(ProcessInfo.processInfo.processIdentifier)",
    ]

    private static func list(_ text: String?) -> [String] {
        text.map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) } ?? []
    }

    /// The words for one host, with the session's limits among its options where they are wanted and not set by the
    /// operator.
    static func words(_ host: [(keyword: String, value: String)], withOptions: Bool) -> [(
        keyword: String, value: String
    )] {
        guard withOptions else { return host }
        let own = host.first { $0.keyword == "options" }?.value ?? ""
        let missing = PostgresLimits.session.components(separatedBy: " -c ").map {
            $0.replacingOccurrences(of: "-c ", with: "")
        }
        .filter { word in !own.contains(word.prefix { $0 != "=" }) }.map { "-c \($0)" }
        return host.filter { $0.keyword != "options" } + [
            (keyword: "options", value: ([own] + missing).filter { !$0.isEmpty }.joined(separator: " "))
        ]
    }
}

/// A truth that is found out while running, shared by all copies of a value.
final class Flag: Sendable {
    private let value: Atomic<Bool>
    init(_ value: Bool) { self.value = Atomic(value) }
    func load() -> Bool { value.load(ordering: .relaxed) }
    func store(_ new: Bool) { value.store(new, ordering: .relaxed) }
}
