import Domain
import Foundation
import Mail
import Markup
import Primitives
import Store

/// How the desk signs in to a mailbox's servers.
package enum MailboxSignIn: String, Sendable, CaseIterable, SQLConvertible {
    case password
    // By OAuth 2.
    case google, microsoft, other
}

/// An address the desk reads and writes as, as an administrator set it.
package struct Mailbox: Sendable {
    package typealias ID = Primitives.ID<Mailbox>
    package enum Fetch: String, Sendable, SQLConvertible { case no, imap, pop3 }

    package let id: ID
    package let address: MailAddress
    package let name: String
    package let department: Department.ID?
    package let topic: Topic.ID?
    package let priority: Priority?
    package let signature: String
    package let fetch: Fetch
    let fetchHost: String
    private let fetchPort: Int?
    let fetchSecurity: MailServer.Security
    let fetchUser: String
    /// Sealed.
    let fetchPassword: String?
    package let folder: String
    package let first: FirstFetch
    package let after: AfterFetching
    package let smtpHost: String
    private let smtpPort: Int?
    let smtpSecurity: MailServer.Security
    private let smtpUser: String
    private let smtpPassword: String?
    package let smtpAtOnce: Int
    package let smtpPerMinute: Int?
    package let signIn: MailboxSignIn
    let oauthClient: String
    /// Sealed.
    let oauthSecret: String?
    private let oauthTenant: String
    private let oauthURLs: (authorize: String, token: String, scope: String)

    /// Which server and folder its position belongs to: another one is read from its own beginning.
    var source: String { "\(fetch.rawValue):\(fetchUser)@\(fetchHost):\(fetchPort ?? 0)/\(folder)" }

    static let columns: SQL = """
        mailbox.id, mailbox.address, mailbox.name, mailbox.department_id, mailbox.topic_id, mailbox.priority, \
        mailbox.signature, fetch_by, fetch_host, fetch_port, fetch_security, fetch_user,
        fetch_password, folder, first_fetch, after_fetching, move_to, smtp_host, smtp_port, smtp_security, smtp_user, \
        smtp_password, smtp_at_once, smtp_per_minute, sign_in, oauth_client,
        oauth_secret, oauth_tenant, oauth_authorize_url, oauth_token_url, oauth_scope
        """

    init(_ row: inout Row) throws {
        id = try row.read()
        let text: String = try row.read()
        let name: String = try row.read()
        guard let address = MailAddress(name: name, text) else { throw StoreError.unreadable("\(text) is no address") }
        self.address = address
        self.name = name
        department = try row.read()
        topic = try row.read()
        priority = try row.read()
        signature = try row.read()
        fetch = try row.read()
        fetchHost = try row.read()
        fetchPort = try row.read()
        fetchSecurity = MailServer.Security(rawValue: try row.read()) ?? .tls
        fetchUser = try row.read()
        fetchPassword = try row.read()
        folder = try row.read()
        first = FirstFetch(rawValue: try row.read()) ?? .unread
        let (word, folder) = (try row.read(String.self), try row.read(String.self))
        after =
            switch word {
            case "move": .move(to: folder)
            case "delete": .delete
            default: .flag
            }
        smtpHost = try row.read()
        smtpPort = try row.read()
        smtpSecurity = MailServer.Security(rawValue: try row.read()) ?? .starttls
        smtpUser = try row.read()
        smtpPassword = try row.read()
        smtpAtOnce = try row.read()
        smtpPerMinute = try row.read()
        signIn = try row.read()
        oauthClient = try row.read()
        oauthSecret = try row.read()
        oauthTenant = try row.read()
        oauthURLs = (try row.read(), try row.read(), try row.read())
    }

    /// - Parameter token: the access token, where the desk signs in by OAuth.
    package func fetchServer(_ signer: Signer, token: String?) -> MailServer? {
        guard fetch != .no else { return nil }
        return MailServer(
            fetch == .imap ? .imap : .pop3, host: fetchHost, port: fetchPort, security: fetchSecurity, user: fetchUser,
            credential: credential(fetchPassword, token, signer))
    }
    /// Nil where its mail goes by the desk's own server.
    package func smtpServer(_ signer: Signer, token: String?) -> MailServer? {
        guard !smtpHost.isEmpty else { return nil }
        let port = smtpPort ?? (smtpSecurity == .starttls ? 587 : nil)
        // With OAuth the token is the same for all of the account.
        let user = smtpUser.isEmpty && signIn != .password ? fetchUser : smtpUser
        return MailServer(
            .smtp, host: smtpHost, port: port, security: smtpSecurity, user: user,
            credential: user.isEmpty ? .none : credential(smtpPassword, token, signer))
    }
    private func credential(_ sealed: String?, _ token: String?, _ signer: Signer) -> MailServer.Credential {
        if signIn != .password { return .token(token ?? "") }
        guard let bytes = sealed.flatMap({ signer.open($0) }) else { return .none }
        return .password(String(decoding: bytes, as: UTF8.self))
    }

    /// Where consent is asked for and tokens are had; nil without OAuth.
    package var oauth: OAuthProvider? {
        let tenant = oauthTenant.isEmpty ? "common" : oauthTenant
        switch signIn {
        case .password: return nil
        case .google:
            return OAuthProvider(
                authorize: "https://accounts.google.com/o/oauth2/v2/auth", token: "https://oauth2.googleapis.com/token",
                scope: "https://mail.google.com/")
        case .microsoft:
            let place = "https://login.microsoftonline.com/\(Path.encode(tenant))/oauth2/v2.0"
            let outlook = "https://outlook.office.com"
            return OAuthProvider(
                authorize: place + "/authorize", token: place + "/token",
                scope:
                    """
                    \(outlook)/IMAP.AccessAsUser.All \(outlook)/POP.AccessAsUser.All \(outlook)/SMTP.Send \
                    offline_access
                    """
            )
        case .other:
            guard !oauthURLs.authorize.isEmpty, !oauthURLs.token.isEmpty else { return nil }
            return OAuthProvider(authorize: oauthURLs.authorize, token: oauthURLs.token, scope: oauthURLs.scope)
        }
    }
}

/// How a mailbox fares, for the page and monitors.
package struct MailboxStatus: Sendable {
    package let triedAt: Date?
    package let succeededAt: Date?
    package let failingSince: Date?
    package let error: String?
    package let fetched: Int
    /// Whether an OAuth consent is there, and until when its access lasts.
    package let isConnected: Bool
    package let accessUntil: Date?
}

extension Connection {
    package func mailboxes() throws -> [Mailbox] {
        try query("SELECT \(Mailbox.columns) FROM mailbox WHERE is_active = 1 ORDER BY id") { try Mailbox(&$0) }
    }
    package func mailbox(_ id: Mailbox.ID) throws -> Mailbox? {
        try first("SELECT \(Mailbox.columns) FROM mailbox WHERE is_active = 1 AND id = \(id)") { try Mailbox(&$0) }
    }
    /// The mailbox with this address, whatever detail stands behind its plus sign.
    package func mailbox(_ address: MailAddress) throws -> Mailbox? {
        try first("SELECT \(Mailbox.columns) FROM mailbox WHERE is_active = 1 AND address = \(address.withoutDetail)") {
            try Mailbox(&$0)
        }
    }
    package func status(of mailbox: Mailbox.ID) throws -> MailboxStatus? {
        try first(
            """
            SELECT tried_at, succeeded_at, failing_since, error, fetched, refresh, access_until FROM mailbox_state
            WHERE mailbox_id = \(mailbox)
            """
        ) {
            MailboxStatus(
                triedAt: try $0.read(), succeededAt: try $0.read(), failingSince: try $0.read(), error: try $0.read(),
                fetched: try $0.read(), isConnected: try $0.read(String?.self) != nil,
                accessUntil: try $0.read())
        }
    }
}

/// A sender whose mail is set aside and whose forms are refused.
struct Ban: Sendable {
    private let pattern: String

    init(_ pattern: String) {
        let pattern = pattern.lowercased().trimmingWhitespace()
        // A domain alone means everybody in it.
        self.pattern =
            pattern.contains("@") || pattern.contains("*")
            ? (pattern.hasPrefix("@") ? "*" + pattern : pattern) : "*@" + pattern
    }

    /// Whether it names somebody, not everybody.
    var isNarrow: Bool { pattern.contains { $0 != "*" && $0 != "@" && $0 != "." } }

    /// `*` stands for any number of characters. Takes a time that grows with the product of both lengths at worst.
    func matches(_ address: String) -> Bool {
        let (pattern, text) = (Array(pattern.utf8), Array(address.lowercased().utf8))
        var (place, position) = (0, 0)
        var star: (place: Int, position: Int)?
        while position < text.count {
            if place < pattern.count, pattern[place] == UInt8(ascii: "*") {
                star = (place, position)
                place += 1
            } else if place < pattern.count, pattern[place] == text[position] {
                place += 1
                position += 1
            } else if let last = star {
                star = (last.place, last.position + 1)
                place = last.place + 1
                position = last.position + 1
            } else {
                return false
            }
        }
        return pattern[place...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}

extension Connection {
    /// The ban that stops this sender.
    func ban(of address: String) throws -> String? {
        try query("SELECT pattern FROM ban ORDER BY id") { try $0.read(String.self) }.first { Ban($0).matches(address) }
    }
}

extension Transaction {
    /// Who may not write by mail may not by the form either.
    package func refuseBanned(_ address: String) throws {
        if try db.ban(of: address) != nil {
            throw Refusal.invalid(
                "email",
                .other(Sentence("This desk doesn't accept requests from this address. Use another address.")))
        }
    }
}
