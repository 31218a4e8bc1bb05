import CCurl
import Foundation
import Primitives

/// Where a mail server is, how the line to it is kept safe, and how one signs in.
package struct MailServer: Sendable, Hashable {
    package enum Security: String, Sendable, CaseIterable {
        /// TLS from the first byte.
        case tls
        /// TLS before signing in, or no connection (RFC 8314 prefers `tls`).
        case starttls
        /// None: for a server on this machine only.
        case plain
        /// STARTTLS where the server offers it: for a server on this machine, where nobody stands in between.
        case offered
        /// STARTTLS where the server offers it, with any certificate, else none: `smtp+insecure://`, an operator's own
        /// word.
        case insecure
    }
    package enum Credential: Sendable, Hashable {
        case none
        case password(String)
        /// An OAuth 2 access token, given by XOAUTH2.
        case token(String)
    }
    package enum Scheme: String, Sendable { case smtp, imap, pop3 }

    package var scheme: Scheme
    package var host: String
    /// Nil for the usual port.
    package var port: Int?
    package var security: Security
    package var user: String
    package var credential: Credential

    package init(
        _ scheme: Scheme, host: String, port: Int? = nil, security: Security, user: String = "",
        credential: Credential = .none
    ) {
        self.scheme = scheme
        self.host = host
        self.port = port
        self.security = security
        self.user = user
        self.credential = credential
    }

    /// `smtp://user:password@host:port`, `smtps://…` or `smtp+insecure://…`.
    ///
    /// `smtp://` means STARTTLS, and no mail without it: whoever sits on the line could otherwise take the offer out of
    /// the server's greeting and read the password. A server on this machine is spoken to as it likes.
    package init?(_ address: String) {
        guard let parts = URLComponents(string: address), let name = parts.host, !name.isEmpty,
            (1...65535).contains(parts.port ?? 1), ["", "/"].contains(parts.path), parts.query == nil,
            parts.fragment == nil
        else { return nil }
        host = name.trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
        switch parts.scheme?.lowercased() {
        case "smtp": security = Self.isLoopback(host) ? .offered : .starttls
        case "smtps": security = .tls
        case "smtp+insecure": security = .insecure
        default: return nil
        }
        scheme = .smtp
        port = parts.port
        user = parts.user ?? ""
        credential = parts.password.map { .password($0) } ?? .none
    }

    /// This machine: where a password may go without TLS.
    package static func isLoopback(_ host: String) -> Bool {
        host.lowercased() == "localhost" || host == "::1"
            || host.hasPrefix("127.") && host.utf8.allSatisfy { $0 == UInt8(ascii: ".") || (0x30...0x39).contains($0) }
    }

    /// What is wrong with the settings, before anything is tried.
    package var fault: Sentence? {
        if host.isEmpty { return Sentence("Enter the name of a server.") }
        if !host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !"/?#@<>\"\\".utf8.contains($0) }) {
            return Sentence("Enter the name of a server, such as mail.example.com.")
        }
        if security == .plain || security == .offered, !Self.isLoopback(host) {
            return Sentence("Without TLS, only a server on this machine can be used. Choose TLS or STARTTLS.")
        }
        return nil
    }

    /// The server as a page names it: without user and password.
    package var shown: String {
        let name =
            switch security {
            case .tls: "smtps"
            case .insecure: "smtp+insecure"
            default: "smtp"
            }
        return "\(name)://\(host.contains(":") ? "[\(host)]" : host)\(port.map { ":\($0)" } ?? "")"
    }

    var url: String {
        let name = security == .tls ? scheme.rawValue + "s" : scheme.rawValue
        return "\(name)://\(host.contains(":") ? "[\(host)]" : host)\(port.map { ":\($0)" } ?? "")/"
    }

    /// - Parameter path: what stands behind the host; the name to greet with for SMTP.
    func configure(_ handle: UnsafeMutableRawPointer, path: String = "") {
        usher_curl_set_text(handle, CURLOPT_URL, url + path)
        usher_curl_set_number(handle, CURLOPT_NOSIGNAL, 1)
        let tls: curl_usessl =
            switch security {
            case .tls, .starttls: CURLUSESSL_ALL
            case .plain: CURLUSESSL_NONE
            case .offered, .insecure: CURLUSESSL_TRY
            }
        usher_curl_set_number(handle, CURLOPT_USE_SSL, Int(tls.rawValue))
        if security == .insecure {
            usher_curl_set_number(handle, CURLOPT_SSL_VERIFYPEER, 0)
            usher_curl_set_number(handle, CURLOPT_SSL_VERIFYHOST, 0)
        }
        if !user.isEmpty { usher_curl_set_text(handle, CURLOPT_USERNAME, user) }
        switch credential {
        case .none: break
        case .password(let password): usher_curl_set_text(handle, CURLOPT_PASSWORD, password)
        case .token(let token):
            usher_curl_set_text(handle, CURLOPT_XOAUTH2_BEARER, token)
            usher_curl_set_text(handle, CURLOPT_LOGIN_OPTIONS, "AUTH=XOAUTH2")
        }
        Self.trustOwnAuthority(handle)
    }

    /// A house's own certificate authority is named as OpenSSL's programs name it.
    static func trustOwnAuthority(_ handle: UnsafeMutableRawPointer) {
        if let authorities = ProcessInfo.processInfo.environment["SSL_CERT_FILE"] {
            usher_curl_set_text(handle, CURLOPT_CAINFO, authorities)
        }
    }

    /// libcurl, once for the program.
    static let library: Void = { curl_global_init(Int(CURL_GLOBAL_DEFAULT)) }()
}

/// Why a mailbox could not be read or a server not be reached, in a sentence for an administrator.
package struct MailFault: Error, Equatable, CustomStringConvertible {
    package enum Kind: Sendable, Equatable {
        /// Unreachable, cut off, too slow: the next attempt may work.
        case connection
        /// The server refuses user or password; with OAuth the token.
        case signIn
        /// The server answered what cannot be gone on with.
        case answer
    }
    package let kind: Kind
    package let description: String
    init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description.singleLine
    }

    static func of(_ code: CURLcode, _ server: MailServer, detail: String) -> MailFault {
        let place = "\(server.host)\(server.port.map { ":\($0)" } ?? "")"
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST:
            return MailFault(.connection, "the host \(server.host) wasn't found. Check its name")
        case CURLE_COULDNT_CONNECT:
            return MailFault(.connection, "connection refused by \(place). Check the host and port")
        case CURLE_OPERATION_TIMEDOUT: return MailFault(.connection, "\(place) did not answer in time")
        case CURLE_LOGIN_DENIED:
            return MailFault(
                .signIn,
                "\(place) rejected the user name or password of \(server.user)\(detail.isEmpty ? "" : ": \(detail)")")
        case CURLE_USE_SSL_FAILED: return MailFault(.connection, "\(place) offers no STARTTLS")
        case CURLE_PEER_FAILED_VERIFICATION:
            return MailFault(.connection, "the certificate of \(place) isn't trusted: \(detail)")
        case CURLE_SSL_CONNECT_ERROR: return MailFault(.connection, "the TLS connection to \(place) failed: \(detail)")
        default:
            let words = String(cString: curl_easy_strerror(code))
            return MailFault(.connection, detail.isEmpty ? "\(place): \(words)" : "\(place): \(words) (\(detail))")
        }
    }
}
