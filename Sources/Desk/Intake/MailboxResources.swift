import Foundation
import Mail
import Primitives
import Store

extension Resource {
    static let mailboxes = Resource(
        "mailboxes", "mailbox", table: "mailbox",
        "Email addresses that Usher receives and sends email with, each with its server",
        isRetired: true, readScope: .full,
        fields: [
            Field("address", .address(column: "address"), required: true, unique: true),
            Field(
                "name", .text(column: "name", most: 100),
                hint: "Shown as the sender. Leave blank to use the desk's name."),
            Field("department", .reference(column: "department_id", to: "department")),
            Field("topic", .reference(column: "topic_id", to: "topic")),
            Field("priority", .optionalPriority(column: "priority")),
            Field(
                "signature", .text(column: "signature", most: 5000), hint: "Added below every reply from this address"),
            Field(
                "fetch", .choice(column: "fetch_by", ["no", "imap", "pop3"]), section: "Incoming email",
                hint: "Choose “No” if a mail server delivers to Usher by LMTP or a pipe"),
            Field("fetch_host", .text(column: "fetch_host", most: 253)),
            Field(
                "fetch_port", .optionalInteger(column: "fetch_port", 1...65535),
                hint: "Leave blank for the default port"),
            Field(
                "fetch_security", .choice(column: "fetch_security", ["tls", "starttls", "plain"]),
                hint: "Choose “None” only for a server on this machine"),
            Field("fetch_user", .text(column: "fetch_user", most: 254)),
            Field("fetch_password", .secret(column: "fetch_password")),
            Field("folder", .text(column: "folder", most: 200), hint: "For IMAP: the folder to read"),
            Field(
                "first_fetch", .choice(column: "first_fetch", FirstFetch.allCases.map(\.rawValue)),
                hint: "Which existing messages to import when Usher first connects"),
            Field(
                "after_fetching", .choice(column: "after_fetching", ["flag", "move", "delete"]),
                hint: "What to do with a message on the server after it was imported"),
            Field("move_to", .text(column: "move_to", most: 200)),
            Field(
                "smtp_host", .text(column: "smtp_host", most: 253), section: "Outgoing email",
                hint: "Leave blank to use the desk's own mail server"),
            Field(
                "smtp_port", .optionalInteger(column: "smtp_port", 1...65535), hint: "Leave blank for the default port"),
            Field("smtp_security", .choice(column: "smtp_security", ["tls", "starttls", "plain"])),
            Field("smtp_user", .text(column: "smtp_user", most: 254)),
            Field("smtp_password", .secret(column: "smtp_password")),
            Field(
                "smtp_at_once", .integer(column: "smtp_at_once", 1...20),
                hint: "Maximum number of emails sent at the same time"),
            Field(
                "smtp_per_minute", .optionalInteger(column: "smtp_per_minute", 1...100_000),
                hint: "Leave blank for no limit"),
            Field(
                "sign_in", .choice(column: "sign_in", MailboxSignIn.allCases.map(\.rawValue)),
                section: "Authentication",
                hint:
                    """
                    Google and Microsoft require OAuth 2. Register an application there, enter it here, save, then \
                    press Connect.
                    """
            ),
            Field("oauth_client", .text(column: "oauth_client", most: 500)),
            Field("oauth_secret", .secret(column: "oauth_secret")),
            Field(
                "oauth_tenant", .text(column: "oauth_tenant", most: 100),
                hint: "For Microsoft: the tenant (directory). Leave blank for any tenant."),
            Field(
                "oauth_authorize_url", .text(column: "oauth_authorize_url", most: 500),
                hint: "Only for another provider"),
            Field(
                "oauth_token_url", .text(column: "oauth_token_url", most: 500), hint: "Only for another provider"),
            Field("oauth_scope", .text(column: "oauth_scope", most: 500), hint: "Only for another provider"),
            Field("created_at", .moment(column: "created_at")),
        ],
        afterChange: { tx, id in
            guard let mailbox = try tx.db.mailbox(Mailbox.ID(id)) else { return }
            let faults = mailbox.faults
            if !faults.isEmpty { throw Refusal.invalid(faults) }
        })

    static let bans = Resource(
        "bans", "ban", table: "ban",
        """
        Blocked senders. Their email opens no tickets, and they can't use the web form. Enter an address, a domain such as \
        @example.org, or a pattern with *.
        """,
        readScope: .full,
        fields: [
            Field("pattern", .text(column: "pattern", most: 254), required: true, unique: true),
            Field("note", .text(column: "note", most: 500)),
            Field("created_at", .moment(column: "created_at")),
        ],
        afterChange: { tx, id in
            let pattern: String = try tx.db.value("SELECT pattern FROM ban WHERE id = \(id)") ?? ""
            guard Ban(pattern).isNarrow else {
                throw Refusal.invalid(
                    "pattern",
                    .other(Sentence("This would block everybody. Enter a narrower pattern, such as @example.org.")))
            }
        })

    static let dkimKeys = Resource(
        "dkim-keys", "DKIM key", table: "dkim_key",
        "Keys that sign outgoing email, one for each domain and selector (RFC 6376)", isRetired: true,
        readScope: .full,
        fields: [
            Field("domain", .text(column: "domain", most: 253), required: true),
            Field("selector", .text(column: "selector", most: 100), required: true),
            Field(
                "private_key", .secret(column: "private_key"), required: true,
                hint: "RSA or Ed25519, in PEM format. Usher never shows it again."),
            Field("created_at", .moment(column: "created_at")),
        ],
        afterChange: { tx, id in
            let sealed: String = try tx.db.value("SELECT private_key FROM dkim_key WHERE id = \(id)") ?? ""
            let pem = tx.office.signer.open(sealed).map { String(decoding: $0, as: UTF8.self) } ?? ""
            guard DKIMKey(pem: pem) != nil else {
                throw Refusal.invalid(
                    "private_key",
                    .other(Sentence("Enter an RSA key of at least 1024 bits, or an Ed25519 key, in PEM format.")))
            }
        })
}

extension Mailbox {
    /// What cannot work, field by field.
    var faults: [Fault] {
        var faults: [Fault] = []
        func check(_ prefix: String, _ host: String, _ security: MailServer.Security) {
            guard let fault = MailServer(.imap, host: host, security: security).fault else { return }
            faults.append(
                Fault(
                    security == .plain && !MailServer.isLoopback(host) ? "\(prefix)_security" : "\(prefix)_host",
                    .other(fault)))
        }
        if fetch != .no {
            if fetchHost.isEmpty {
                faults.append(Fault("fetch_host", .required))
            } else {
                check("fetch", fetchHost, fetchSecurity)
            }
            if fetchUser.isEmpty { faults.append(Fault("fetch_user", .required)) }
            if signIn == .password, fetchPassword == nil { faults.append(Fault("fetch_password", .required)) }
            if fetch == .imap, after == .move(to: "") { faults.append(Fault("move_to", .required)) }
            if fetch == .pop3, case .move = after {
                faults.append(
                    Fault(
                        "after_fetching",
                        .other(Sentence("With POP3, messages can't be moved to a folder. Choose another option."))))
            }
        }
        if !smtpHost.isEmpty { check("smtp", smtpHost, smtpSecurity) }
        if signIn != .password {
            if oauthClient.isEmpty { faults.append(Fault("oauth_client", .required)) }
            if oauth == nil { faults.append(Fault("oauth_token_url", .required)) }
        }
        return faults
    }
}
