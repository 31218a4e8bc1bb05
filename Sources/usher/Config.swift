import Configuration
import Desk
import Foundation
import Logging
import Mail
import Store
import Yams

/// What the operator sets, from the environment, from `NAME_FILE`, or from `usher.yaml` beside the data, in this order.
struct Config: Sendable {
    /// One setting, declared once: its name, what stands without it, and the line of help.
    enum Name: String, CaseIterable, Sendable {
        case data, database
        case databaseDirect = "database_direct"
        case databasePool = "database_pool"
        case listen, url, smtp
        case lmtpListen = "lmtp_listen"
        case secret
        case trustedProxies = "trusted_proxies"
        case metricsAllow = "metrics_allow"

        var variable: String { "USHER_" + rawValue.uppercased() }
        var standard: String {
            switch self {
            case .data: "./data"
            case .database: "sqlite:, a file in USHER_DATA"
            case .databaseDirect: "USHER_DATABASE"
            case .databasePool: "three times the cores, 4 to 10"
            case .listen: "127.0.0.1:8080"
            case .url: "from USHER_LISTEN"
            case .smtp: "none: email waits in the outbox"
            case .lmtpListen, .trustedProxies: "none"
            case .metricsAllow: "this machine"
            case .secret: "made and kept in USHER_DATA"
            }
        }
        var help: String {
            switch self {
            case .data: "folder of the embedded database and the attachments"
            case .database: "sqlite: or postgres://user:password@host:port/name"
            case .databaseDirect: "the same PostgreSQL without a connection pooler, for live updates between servers"
            case .databasePool: "database connections of one process, besides two of its own"
            case .listen: "where to listen; port 0 picks one"
            case .url: "the desk's address in links and mail"
            case .smtp: "smtp://user:password@host:port (STARTTLS required), smtps://… or smtp+insecure://…"
            case .lmtpListen: "host:port of the LMTP listener"
            case .secret: "signs links and message ids; the same on every node"
            case .metricsAllow: "comma-separated addresses that may read /metrics"
            case .trustedProxies: "comma-separated addresses of proxies whose X-Forwarded-For is trusted"
            }
        }
    }

    var data: URL
    /// Nil for the embedded database.
    var postgres: String?
    /// Past a pooler; nil where there is none.
    private(set) var direct: String?
    /// Connections of this process; nil leaves it to the number of cores.
    private(set) var connections: Int?
    var host: String
    var port: Int
    /// The host as it stands in an address: that of IPv6 in brackets.
    var hostInAddress: String { host.contains(":") ? "[\(host)]" : host }
    var url: String?
    var smtp: MailServer?
    private(set) var lmtp: (host: String, port: Int)?
    private(set) var proxies: [String] = []
    /// Who may read `/metrics` besides this machine.
    private(set) var metricsReaders: [String] = []
    var secret: String?

    static var helpText: String {
        let width = Name.allCases.map(\.variable.count).max() ?? 0
        let lines = Name.allCases.map {
            """
              \($0.variable.padding(toLength: width + 2, withPad: " ", startingAt: 0))\($0.help) (default: \
            \($0.standard))
            """
        }
        return "Settings, each an environment variable, also as NAME_FILE, or a line in usher.yaml next to the data:\n"
            + lines.joined(separator: "\n")
    }

    /// All mistakes together.
    struct Mistakes: Error, CustomStringConvertible {
        let lines: [String]
        var description: String { lines.joined(separator: "\n") }
    }

    init(environment: [String: String] = ProcessInfo.processInfo.environment) throws {
        var mistakes: [String] = []
        var values = Config.environment(environment, &mistakes)
        data = URL(fileURLWithPath: values[.data] ?? "./data", isDirectory: true)
        for (name, value) in Config.file(data.appending(path: "usher.yaml"), &mistakes) where values[name] == nil {
            values[name] = value
        }

        (host, port) = ("127.0.0.1", 8080)
        if let listen = values[.listen] {
            if let (host, port) = Config.address(listen) {
                (self.host, self.port) = (host, port)
            } else {
                mistakes.append("USHER_LISTEN: “\(listen)” is not host:port")
            }
        }
        readDatabase(values, &mistakes)
        if let url = values[.url] {
            if Settings.isDeskAddress(url) {
                self.url = url.hasSuffix("/") ? String(url.dropLast()) : url
            } else {
                mistakes.append("USHER_URL: “\(url)” is not an address such as https://help.example.com")
            }
        }
        if let smtp = values[.smtp] {
            self.smtp = MailServer(smtp)
            if self.smtp == nil {
                mistakes.append(
                    """
                    USHER_SMTP: must be smtp://host:port or smtps://host:port, with user:password@ before the host \
                    where needed
                    """
                )
            }
        }
        if let secret = values[.secret] {
            if secret.utf8.count < 16 {
                mistakes.append("USHER_SECRET: is shorter than 16 characters")
            } else {
                self.secret = secret
            }
        }
        if let listen = values[.lmtpListen] {
            if let (host, port) = Config.address(listen) {
                lmtp = (host, port)
            } else {
                mistakes.append("USHER_LMTP_LISTEN: “\(listen)” is not host:port")
            }
        }
        proxies = Config.list(values[.trustedProxies])
        metricsReaders = Config.list(values[.metricsAllow])
        for (name, addresses) in [(Name.trustedProxies, proxies), (.metricsAllow, metricsReaders)] {
            for address in addresses where !Config.isAddress(address) {
                mistakes.append("\(name.variable): “\(address)” is not an IP address")
            }
        }
        if let level = environment["LOG_LEVEL"], !level.isEmpty, Logger.Level(rawValue: level.lowercased()) == nil {
            mistakes.append(
                "LOG_LEVEL: “\(level)” is not one of \(Logger.Level.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        guard mistakes.isEmpty else { throw Mistakes(lines: mistakes) }
    }

    private mutating func readDatabase(_ values: [Name: String], _ mistakes: inout [String]) {
        func postgres(_ name: Name) -> String? {
            guard let address = values[name] else { return nil }
            guard ["postgres://", "postgresql://"].contains(where: address.hasPrefix) else {
                mistakes.append(
                    "\(name.variable): must begin with \(name == .database ? "sqlite: or " : "")postgres://")
                return nil
            }
            if let fault = PostgresDatabase.fault(in: address) { mistakes.append("\(name.variable): \(fault)") }
            return address
        }
        if let database = values[.database], database != "sqlite:", database != "sqlite" {
            self.postgres = postgres(.database)
        }
        direct = postgres(.databaseDirect)
        if let text = values[.databasePool] {
            if let number = Int(text), (1...200).contains(number) {
                connections = number
            } else {
                mistakes.append("USHER_DATABASE_POOL: “\(text)” is not a number from 1 to 200")
            }
        }
    }

    /// Names beginning with `USHER_` that are no settings: what tests and development set.
    private static let foreign: Set = [
        "USHER_BIN", "USHER_FUZZ", "USHER_DEV_ASSETS", "USHER_TEST_POSTGRES", "USHER_TEST_POSTGRES_SHARED",
    ]

    private static func environment(_ environment: [String: String], _ mistakes: inout [String]) -> [Name: String] {
        let reader = ConfigReader(provider: EnvironmentVariablesProvider(environmentVariables: environment))
        var values: [Name: String] = [:]
        for name in Name.allCases {
            let key = "usher." + name.rawValue.replacingOccurrences(of: "_", with: ".")
            if let value = reader.string(forKey: ConfigKey(key)), !value.isEmpty { values[name] = value }
            guard let file = environment[name.variable + "_FILE"], !file.isEmpty else { continue }
            if values[name] != nil {
                mistakes.append("\(name.variable) and \(name.variable)_FILE are both set; only one may be")
            }
            do {
                values[name] = try String(contentsOfFile: file, encoding: .utf8).trimmingCharacters(
                    in: .whitespacesAndNewlines)
            } catch {
                mistakes.append("\(name.variable)_FILE: \(file) cannot be read as UTF-8 text")
            }
        }
        let known = Name.allCases.flatMap { [$0.variable, $0.variable + "_FILE"] }
        for variable in environment.keys.sorted()
        where variable.hasPrefix("USHER_") && !known.contains(variable) && !foreign.contains(variable) {
            mistakes.append("\(variable): there is no such setting\(suggestion(for: variable, among: known))")
        }
        return values
    }

    /// Names as `listen` or `USHER_LISTEN`. There need not be a file, and it may hold nothing but comments; one that
    /// cannot be read is a mistake, since without it the desk would be another.
    private static func file(_ url: URL, _ mistakes: inout [String]) -> [Name: String] {
        let bytes: Data
        do { bytes = try Data(contentsOf: url) } catch {
            var status = stat()
            if lstat(url.path, &status) == 0 || errno != ENOENT && errno != ENOTDIR {
                mistakes.append("\(url.path): cannot be read: \(String(cString: strerror(errno)))")
            }
            return [:]
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            mistakes.append("\(url.path): is not UTF-8 text; save it as UTF-8")
            return [:]
        }
        let loaded: Any?
        do { loaded = try Yams.load(yaml: text) } catch {
            mistakes.append("\(url.path): is not YAML: \(String(describing: error).split(separator: "\n").first ?? "")")
            return [:]
        }
        guard let loaded, !(loaded is NSNull) else { return [:] }
        guard let lines = loaded as? [String: Any] else {
            mistakes.append("\(url.path): is not a list of names and values, such as “listen: 127.0.0.1:8080”")
            return [:]
        }
        var values: [Name: String] = [:]
        for (key, value) in lines.sorted(by: { $0.key < $1.key }) {
            let word = key.lowercased().hasPrefix("usher_") ? String(key.lowercased().dropFirst(6)) : key.lowercased()
            guard let name = Name(rawValue: word) else {
                mistakes.append(
                    """
                    \(url.path): there is no setting \
                    “\(key)”\(suggestion(for: word, among: Name.allCases.map(\.rawValue)))
                    """
                )
                continue
            }
            if name == .data {
                mistakes.append(
                    "\(url.path): “data” cannot be set here, since the file lies in that folder; set USHER_DATA")
                continue
            }
            if value is NSNull { continue }
            if value is [Any] || value is [AnyHashable: Any] {
                mistakes.append("\(url.path): “\(key)” takes one value")
            } else {
                values[name] = "\(value)"
            }
        }
        return values
    }

    private static func list(_ text: String?) -> [String] {
        (text ?? "").split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
    }

    /// “; did you mean X?” where a name is near enough.
    private static func suggestion(for word: String, among known: [String]) -> String {
        let best = known.map { ($0, distance(word, $0)) }.min { $0.1 < $1.1 }
        guard let best, best.1 <= max(2, word.count / 4) else { return "" }
        return "; did you mean \(best.0)?"
    }

    /// How many letters are to be put in, taken out or changed (Levenshtein).
    private static func distance(_ a: String, _ b: String) -> Int {
        let (a, b) = (Array(a.utf8), Array(b.utf8))
        var row = Array(0...b.count)
        for (i, letter) in a.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, other) in b.enumerated() {
                (diagonal, row[j + 1]) = (
                    row[j + 1], min(diagonal + (letter == other ? 0 : 1), row[j] + 1, row[j + 1] + 1)
                )
            }
        }
        return row[b.count]
    }

    /// A numeric IPv4 or IPv6 address.
    private static func isAddress(_ text: String) -> Bool {
        var four = in_addr()
        var six = in6_addr()
        return inet_pton(AF_INET, text, &four) == 1 || inet_pton(AF_INET6, text, &six) == 1
    }

    private static func address(_ text: String) -> (String, Int)? {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65535).contains(port)
        else { return nil }
        let host = String(text[..<colon]).trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
        guard !host.contains(where: { $0 == "/" || $0 == " " || $0 == "@" }) else { return nil }
        return (host.isEmpty ? "127.0.0.1" : host, port)
    }
}
