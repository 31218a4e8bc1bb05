import Configuration
import Foundation
import Mail
import Yams

/// What the operator sets, from the environment, from `NAME_FILE`, or from `usher.yaml` beside the data, in this order.
struct Config: Sendable {
    /// One setting, declared once: its name, what stands without it, and the line of help.
    enum Name: String, CaseIterable, Sendable {
        case data, database, listen, url, smtp, lmtpListen = "lmtp_listen", secret, trustedProxies = "trusted_proxies", metricsAllow = "metrics_allow"

        var variable: String { "USHER_" + rawValue.uppercased() }
        var standard: String {
            switch self {
            case .data: "./data"
            case .database: "sqlite:, a file in USHER_DATA"
            case .listen: "127.0.0.1:8080"
            case .url: "from USHER_LISTEN"
            case .smtp: "none: mail waits in the outbox"
            case .lmtpListen, .trustedProxies: "none"
            case .metricsAllow: "this machine"
            case .secret: "made and kept in USHER_DATA"
            }
        }
        var help: String {
            switch self {
            case .data: "folder of the embedded database and the attachments"
            case .database: "sqlite: or postgres://user:password@host:port/name"
            case .listen: "where to listen; port 0 picks one"
            case .url: "the desk's address in links and mail"
            case .smtp: "smtp://user:password@host:port or smtps://…; STARTTLS when offered"
            case .lmtpListen: "host:port of the LMTP listener"
            case .secret: "signs links and message ids; the same on every node"
            case .metricsAllow: "addresses that may read /metrics, with commas between"
            case .trustedProxies: "addresses whose X-Forwarded-For counts, with commas between"
            }
        }
    }

    var data: URL
    /// Nil for the embedded database.
    var postgres: String?
    var host: String
    var port: Int
    var url: String?
    var smtp: MailServer?
    private(set) var lmtp: (host: String, port: Int)?
    private(set) var proxies: [String] = []
    /// Who may read `/metrics` besides this machine.
    private(set) var metricsReaders: [String] = []
    var secret: String?

    static var helpText: String {
        let width = Name.allCases.map(\.variable.count).max() ?? 0
        let lines = Name.allCases.map { "  \($0.variable.padding(toLength: width + 2, withPad: " ", startingAt: 0))\($0.help) (default: \($0.standard))" }
        return "Settings, each an environment variable, also as NAME_FILE, or a line in usher.yaml next to the data:\n" + lines.joined(separator: "\n")
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
        for (name, value) in Config.file(data.appending(path: "usher.yaml"), &mistakes) where values[name] == nil { values[name] = value }

        (host, port) = ("127.0.0.1", 8080)
        if let listen = values[.listen] {
            if let (host, port) = Config.address(listen) { (self.host, self.port) = (host, port) } else { mistakes.append("USHER_LISTEN: “\(listen)” is not host:port") }
        }
        if let database = values[.database], database != "sqlite:", database != "sqlite" {
            if database.hasPrefix("postgres://") || database.hasPrefix("postgresql://") { postgres = database } else {
                mistakes.append("USHER_DATABASE: must begin with sqlite: or postgres://")
            }
        }
        if let url = values[.url] {
            let parts = URLComponents(string: url)
            if let scheme = parts?.scheme, ["http", "https"].contains(scheme), parts?.host?.isEmpty == false {
                self.url = url.hasSuffix("/") ? String(url.dropLast()) : url
            } else {
                mistakes.append("USHER_URL: “\(url)” is not an http or https address")
            }
        }
        if let smtp = values[.smtp] {
            self.smtp = MailServer(smtp)
            if self.smtp == nil { mistakes.append("USHER_SMTP: must be smtp://host:port or smtps://host:port, with user:password@ before the host where needed") }
        }
        if let secret = values[.secret] {
            if secret.utf8.count < 16 { mistakes.append("USHER_SECRET: is shorter than 16 characters") } else { self.secret = secret }
        }
        if let listen = values[.lmtpListen] {
            if let (host, port) = Config.address(listen) { lmtp = (host, port) } else { mistakes.append("USHER_LMTP_LISTEN: “\(listen)” is not host:port") }
        }
        proxies = Config.list(values[.trustedProxies])
        metricsReaders = Config.list(values[.metricsAllow])
        guard mistakes.isEmpty else { throw Mistakes(lines: mistakes) }
    }

    private static func environment(_ environment: [String: String], _ mistakes: inout [String]) -> [Name: String] {
        let reader = ConfigReader(provider: EnvironmentVariablesProvider(environmentVariables: environment))
        var values: [Name: String] = [:]
        for name in Name.allCases {
            let key = "usher." + name.rawValue.replacingOccurrences(of: "_", with: ".")
            if let value = reader.string(forKey: ConfigKey(key)), !value.isEmpty { values[name] = value }
            guard let file = environment[name.variable + "_FILE"], !file.isEmpty else { continue }
            if values[name] != nil { mistakes.append("\(name.variable) and \(name.variable)_FILE are both set; only one may be") }
            do { values[name] = try String(contentsOfFile: file, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines) } catch {
                mistakes.append("\(name.variable)_FILE: \(file) cannot be read")
            }
        }
        return values
    }

    /// Names as `listen` or `USHER_LISTEN`.
    private static func file(_ url: URL, _ mistakes: inout [String]) -> [Name: String] {
        guard let text = try? String(contentsOf: url, encoding: .utf8) else { return [:] }  // there need not be one
        guard let loaded = try? Yams.load(yaml: text), let lines = loaded as? [String: Any] else {
            mistakes.append("\(url.path): is not a list of names and values")
            return [:]
        }
        var values: [Name: String] = [:]
        for (key, value) in lines {
            let word = key.lowercased().replacingOccurrences(of: "usher_", with: "")
            guard let name = Name(rawValue: word) else {
                mistakes.append("\(url.path): there is no setting “\(key)”")
                continue
            }
            values[name] = "\(value)"
        }
        return values
    }

    private static func list(_ text: String?) -> [String] {
        (text ?? "").split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
    }

    private static func address(_ text: String) -> (String, Int)? {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]), (0...65535).contains(port) else { return nil }
        let host = String(text[..<colon]).trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
        return (host.isEmpty ? "127.0.0.1" : host, port)
    }
}
