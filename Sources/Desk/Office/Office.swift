import Foundation
import Mail
import Primitives
import Synchronization

/// Where the desk is reached, whom its mail comes from, and what it signs with.
///
/// The environment decides where it says something; otherwise what administrators set counts, at once.
package struct Office: Sendable {
    /// What the operator fixed in the environment, so that it can't be changed in the browser.
    package struct Fixed: Sendable {
        package var url = false
        /// The mail server of `USHER_SMTP`, without the password.
        package var smtp: String?
        package init(url: Bool = false, smtp: String? = nil) {
            self.url = url
            self.smtp = smtp
        }
    }

    private final class Place: Sendable {
        let current: Mutex<(url: String, mailbox: MailAddress)>
        init(_ url: String, _ mailbox: MailAddress) { current = Mutex((url, mailbox)) }
    }

    private let place: Place
    private let standard: (url: String, mailbox: MailAddress)
    package let fixed: Fixed
    package let signer: Signer

    /// The desk's address without a slash at its end, as links carry it.
    package var url: String { place.current.withLock { $0.url } }
    /// Whether the desk is reached by HTTPS.
    package var isSecure: Bool { url.hasPrefix("https:") }
    /// The address that mail of the desk itself comes from.
    package var mailbox: MailAddress { place.current.withLock { $0.mailbox } }

    /// - Parameters:
    ///   - url: the environment's, or where the program listens.
    ///   - mailbox: where administrators set none.
    package init(url: String, mailbox: MailAddress, signer: Signer, fixed: Fixed = Fixed()) {
        standard = (url, mailbox)
        place = Place(url, mailbox)
        self.signer = signer
        self.fixed = fixed
    }

    /// Takes over what administrators set.
    func follow(_ settings: Settings) {
        let url = fixed.url || settings.url.isEmpty ? standard.url : settings.url
        let usual = url == standard.url ? standard.mailbox : Self.mailbox(at: url) ?? standard.mailbox
        let mailbox = MailAddress(settings.mailAddress) ?? usual
        place.current.withLock { $0 = (url, mailbox) }
    }

    /// `support@` at the host people reach the desk by.
    package static func mailbox(at url: String) -> MailAddress? {
        let host = URLComponents(string: url)?.host ?? "localhost"
        let isNumeric = host.contains(":") || host.allSatisfy { $0.isNumber || $0 == "." }
        return MailAddress("support@\(isNumeric ? "localhost" : host)") ?? MailAddress("support@localhost")
    }

    /// Whether an address leads to this machine only, so that nobody else can open the links in emails.
    package var isLocal: Bool {
        URLComponents(string: url)?.host.map {
            MailServer.isLoopback($0.trimmingCharacters(in: CharacterSet(charactersIn: "[]")))
        } ?? true
    }
}

/// The mail server that sends whatever no mailbox has a server for, as administrators set it.
package struct OwnMailServer: Sendable, Equatable {
    package var host = ""
    /// Nil for the usual one.
    package var port: Int?
    package var security = MailServer.Security.starttls
    package var user = ""
    /// Sealed with the desk's secret; kept apart and never shown.
    var password: String?

    package var hasPassword: Bool { password != nil }

    /// Nil where none is set.
    package func server(_ signer: Signer) -> MailServer? {
        guard !host.isEmpty else { return nil }
        // What a server on this machine offers is taken, as with `smtp://`.
        let security = security == .starttls && MailServer.isLoopback(host) ? .offered : security
        let words = password.flatMap { signer.open($0) }.map { String(decoding: $0, as: UTF8.self) }
        return MailServer(
            .smtp, host: host, port: port, security: security, user: user,
            credential: words.map { .password($0) } ?? .none)
    }

    /// What cannot work, field by field.
    var faults: [Fault] {
        guard !host.isEmpty, let fault = MailServer(.smtp, host: host, security: security).fault else { return [] }
        return [
            Fault(
                security == .plain && !MailServer.isLoopback(host) ? "smtp_security" : "smtp_host",
                .other(fault))
        ]
    }
}
