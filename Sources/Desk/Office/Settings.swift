import Domain
import Foundation
import Mail
import Primitives
import Store
import Synchronization

/// What an administrator sets, kept in the database. Every value has a default that works.
package struct Settings: Sendable, Equatable {
    /// The desk's name in mails and on pages.
    package var name = "Support"
    /// The address the desk writes from; empty takes `support@` at the host of the desk's own address.
    package var mailAddress = ""
    /// The address people reach the desk at; empty where it is the operator's affair.
    package var url = ""
    /// The mail server for whatever no mailbox has one for.
    package var smtp = OwnMailServer()
    /// A resolved ticket closes after this much silence.
    package var closeAfterHours = 72
    /// An answer to a closed ticket reopens it this long; later it opens a new one.
    package var reopenWithinDays = 30
    /// The name the desk's own mail server writes into `Authentication-Results` (RFC 8601); empty where it is not asked
    /// who is genuine.
    package var authservID = ""
    /// Evidence that a request cannot wait, as `Urgency` reads it; in the languages customers write in.
    package var urgentWords = [
        "urgent", "emergency", "dringend", "Notfall", "urgente", "urgence", "emergencia", "emergência", "spoed",
        "noodgeval",
    ]
    /// Hours between closing and the survey; 0 sends it at closing.
    package var surveyDelayHours = 0
    package var sendsSurveys = true
    package var sendsAcknowledgements = true
    /// The customer of an escalated ticket hears at least this often.
    package var updateEveryHours = 4
    /// Automatic mails one address gets in an hour.
    package var automaticPerHour = 5
    /// Bytes of all attachments of one entry.
    package var attachmentBytes = 25 << 20
    /// Bytes of one message that is still taken in.
    package var messageBytes = 50 << 20
    /// Seconds between two looks into the mailboxes.
    package var fetchEverySeconds = 15
    /// Seconds in which a reply written in the workspace can be taken back; 0 sends at once.
    package var undoSeconds = 10
    /// Mail texts an administrator changed, by kind: subject and body.
    package var mailTexts: [String: JSON] = [:]
    /// Set while the desk is a restored copy that keeps still.
    package var restored: RestoredCopy?

    package init() {}

    /// The private setting that holds the sealed password of the mail server.
    static let keptPassword = "smtp_password"

    /// The names and bounds of the whole numbers.
    private static let numbers:
        [(name: String, path: any WritableKeyPath<Settings, Int> & Sendable, least: Int, most: Int)] = [
            ("close_after_hours", \.closeAfterHours, 1, 8760), ("reopen_within_days", \.reopenWithinDays, 0, 3650),
            ("survey_delay_hours", \.surveyDelayHours, 0, 8760), ("update_every_hours", \.updateEveryHours, 1, 720),
            ("automatic_per_hour", \.automaticPerHour, 0, 1000),
            ("attachment_bytes", \.attachmentBytes, 1024, 100 << 20),
            ("message_bytes", \.messageBytes, 10_240, 200 << 20), ("fetch_every_seconds", \.fetchEverySeconds, 1, 3600),
            ("undo_seconds", \.undoSeconds, 0, 60),
        ]
    private static let switches: [(name: String, path: any WritableKeyPath<Settings, Bool> & Sendable)] = [
        ("sends_surveys", \.sendsSurveys), ("sends_acknowledgements", \.sendsAcknowledgements),
    ]

    /// Takes over the values of an object; throws every fault in it.
    package mutating func merge(_ changes: [String: JSON]) throws(Refusal) {
        var faults: [Fault] = []
        for (name, value) in changes.sorted(by: { $0.key < $1.key }) {
            if let fault = set(name, value) { faults.append(Fault(name, fault)) }
        }
        if faults.isEmpty { faults = smtp.faults }
        guard faults.isEmpty else { throw .invalid(faults) }
    }

    private mutating func set(_ name: String, _ value: JSON) -> Fault.Problem? {
        if let number = Settings.numbers.first(where: { $0.name == name }) {
            guard let given = value.integer else { return .wrongType(expected: "a whole number") }
            guard (Int64(number.least)...Int64(number.most)).contains(given) else {
                return .outOfRange(number.least, number.most)
            }
            self[keyPath: number.path] = Int(given)
            return nil
        }
        if let toggle = Settings.switches.first(where: { $0.name == name }) {
            guard case .bool(let given) = value else { return .wrongType(expected: "true or false") }
            self[keyPath: toggle.path] = given
            return nil
        }
        switch name {
        case "name":
            guard let given = value.text?.singleLine, !given.isEmpty else { return .required }
            guard given.count <= 100 else { return .tooLong(most: 100) }
            self.name = given
        case "mail_address":
            guard let given = value.text?.trimmingWhitespace() else { return .notAnAddress }
            guard given.isEmpty || MailAddress(given) != nil else { return .notAnAddress }
            mailAddress = MailAddress.folded(given)
        case "url":
            guard let given = value.text?.trimmingWhitespace(), given.isEmpty || Settings.isDeskAddress(given) else {
                return .other(Sentence("Enter an address such as https://help.example.com."))
            }
            url = given.hasSuffix("/") ? String(given.dropLast()) : given
        case "smtp_host":
            guard let given = value.text?.trimmingWhitespace() else { return .wrongType(expected: "text") }
            guard given.utf8.count <= 253 else { return .tooLong(most: 253) }
            smtp.host = given
        case "smtp_port":
            guard value != .null else {
                smtp.port = nil
                return nil
            }
            guard let given = value.integer else { return .wrongType(expected: "a whole number") }
            guard (1...65535).contains(given) else { return .outOfRange(1, 65535) }
            smtp.port = Int(given)
        case "smtp_security":
            let known: [MailServer.Security] = [.starttls, .tls, .plain]
            guard let given = value.text.flatMap({ MailServer.Security(rawValue: $0) }), known.contains(given) else {
                return .notOneOf(known.map(\.rawValue))
            }
            smtp.security = given
        case "smtp_user":
            guard let given = value.text?.singleLine else { return .wrongType(expected: "text") }
            guard given.utf8.count <= 254 else { return .tooLong(most: 254) }
            smtp.user = given
        case "authserv_id":
            guard let given = value.text?.trimmingWhitespace().lowercased() else { return .wrongType(expected: "text") }
            guard given.utf8.count <= 255 else { return .tooLong(most: 255) }
            guard given.unicodeScalars.allSatisfy({ $0.value > 0x20 && !"\";=()".unicodeScalars.contains($0) }) else {
                return .other(Sentence("Enter the name of a server, such as mail.example.com."))
            }
            authservID = given
        case "urgent_words":
            guard case .array(let items) = value else { return .wrongType(expected: "a list of words") }
            let words = items.compactMap { $0.text?.singleLine }.filter { !$0.isEmpty }
            guard words.count == items.count else { return .wrongType(expected: "a list of words") }
            guard words.count <= 200 else { return .tooMany(most: 200) }
            urgentWords = words
        case "mail_texts":
            guard case .object(let texts) = value else { return .wrongType(expected: "an object of texts") }
            for (kind, text) in texts {
                // `reply`, or `reply.de` for a text in another language.
                let parts = kind.split(separator: ".", maxSplits: 1).map(String.init)
                guard let first = parts.first, MailKind(rawValue: first) != nil,
                    parts.count == 1 || MailText.languages.contains(parts[1])
                else { return .unknown(kind) }
                for part in ["subject", "body"] {
                    guard let written = text[part]?.text else { continue }
                    if let unknown = MailText.unknownPlaceholder(in: written) { return .unknownPlaceholder(unknown) }
                }
                mailTexts[kind] = text
            }
        default: return .unknownField
        }
        return nil
    }

    /// An http or https address with a host and nothing behind it.
    package static func isDeskAddress(_ text: String) -> Bool {
        guard let parts = URLComponents(string: text), let scheme = parts.scheme, ["http", "https"].contains(scheme),
            parts.host?.isEmpty == false
        else { return false }
        return ["", "/"].contains(parts.path) && parts.user == nil && parts.query == nil && parts.fragment == nil
            && text.utf8.count <= 300
    }

    package var fields: [(name: String, value: JSON)] {
        var fields: [(String, JSON)] = [
            ("name", .string(name)), ("url", .string(url)), ("mail_address", .string(mailAddress)),
        ]
        fields += [
            ("smtp_host", .string(smtp.host)), ("smtp_port", smtp.port.map { JSON(Int64($0)) } ?? .null),
            ("smtp_security", .string(smtp.security.rawValue)),
            ("smtp_user", .string(smtp.user)),
        ]
        fields += [("authserv_id", .string(authservID)), ("urgent_words", .array(urgentWords.map(JSON.string)))]
        fields += Settings.numbers.map { ($0.name, JSON(Int64(self[keyPath: $0.path]))) }
        fields += Settings.switches.map { ($0.name, JSON.bool(self[keyPath: $0.path])) }
        fields.append(("mail_texts", .object(mailTexts)))
        return fields
    }
}

/// The settings in force, read anew when they change.
package final class SettingsShelf: Sendable {
    private let shelf = Mutex(Settings())
    package var current: Settings { shelf.withLock { $0 } }
    func replace(_ settings: Settings) { shelf.withLock { $0 = settings } }
}

extension Connection {
    package func settings() throws -> Settings {
        var settings = Settings()
        let rows = try query("SELECT name, value FROM setting") { (try $0.read(String.self), try $0.read(String.self)) }
        settings.smtp.password = rows.first { $0.0 == "_" + Settings.keptPassword }?.1
        settings.restored = rows.first { $0.0 == "_" + RestoredCopy.setting }.map { RestoredCopy(kept: $0.1) }
        for (name, value) in rows where !name.hasPrefix("_") {
            // A value a newer program wrote is passed over; the default stands.
            if let json = JSON(value) { try? settings.merge([name: json]) }
        }
        return settings
    }
    /// A value the desk keeps for itself, such as the hash of the set-up link.
    package func privateSetting(_ name: String) throws -> String? {
        try value("SELECT value FROM setting WHERE name = \("_" + name)")
    }
}

extension Transaction {
    /// What was given changes, all of it or nothing; `smtp_password` is sealed and never read back.
    package func change(_ changes: [String: JSON]) throws -> Settings {
        var changes = changes
        let password = changes.removeValue(forKey: "smtp_password")
        let before = try db.settings()
        var settings = before
        var faults: [Fault] = []
        do { try settings.merge(changes) } catch { if case .invalid(let found) = error { faults = found } }
        faults += fixedFaults(changes, before)
        if let password, password != .null, password.text.map({ $0.utf8.count > 1000 }) ?? true {
            faults.append(
                Fault("smtp_password", password.text == nil ? .wrongType(expected: "text") : .tooLong(most: 1000)))
        }
        // A kept password goes to no other server than it was given for.
        let isOtherServer = settings.smtp.host != before.smtp.host || settings.smtp.user != before.smtp.user
        let hasNew = !(password?.text ?? "").isEmpty
        if isOtherServer, before.smtp.hasPassword, !settings.smtp.host.isEmpty, !settings.smtp.user.isEmpty, !hasNew {
            faults.append(
                Fault(
                    "smtp_password",
                    .other(Sentence("Enter the password again: the server or the user name has changed."))))
        }
        guard faults.isEmpty else { throw Refusal.invalid(faults) }
        for (name, value) in settings.fields where changes[name] != nil { try keep(name, value.written) }
        if hasNew, let text = password?.text {
            guard let sealed = office.signer.seal(Array(text.utf8)) else {
                throw Refusal.invalid("smtp_password", .notEncrypted)
            }
            settings.smtp.password = sealed
            try keepPrivately(Settings.keptPassword, sealed)
        } else if password == .null || isOtherServer {
            settings.smtp.password = nil
            try keepPrivately(Settings.keptPassword, nil)
        }
        return settings
    }

    /// What the environment decides is changed there.
    private func fixedFaults(_ changes: [String: JSON], _ before: Settings) -> [Fault] {
        let kept = Dictionary(before.fields.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
        return changes.keys.sorted().compactMap { name in
            guard changes[name] != kept[name] else { return nil }
            if name == "url", office.fixed.url { return Fault(name, .setBy("USHER_URL")) }
            if name.hasPrefix("smtp_"), office.fixed.smtp != nil { return Fault(name, .setBy("USHER_SMTP")) }
            return nil
        }
    }
    /// All texts of mails at once; a kind that is not there has the standard one.
    package func replaceMailTexts(_ texts: [String: JSON]) throws {
        var settings = Settings()
        try settings.merge(["mail_texts": .object(texts)])
        try keep("mail_texts", JSON.object(texts).written)
    }
    package func keepPrivately(_ name: String, _ value: String?) throws {
        guard let value else {
            try db.execute("DELETE FROM setting WHERE name = \("_" + name)")
            return
        }
        try keep("_" + name, value)
    }
    private func keep(_ name: String, _ value: String) throws {
        try db.execute(
            """
            INSERT INTO setting (name, value) VALUES (\(name), \(value)) ON CONFLICT (name) DO UPDATE
            SET value = excluded.value
            """
        )
    }
}
