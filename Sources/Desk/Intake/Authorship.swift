import Foundation
import Mail
import Primitives

/// Who wrote a message, and who sent it: mostly the same person. Pure.
///
/// Web forms, groups and mailing lists send in somebody's name; who wrote then stands in `Reply-To` or in what the list
/// kept of the original.
struct Authorship: Sendable, Equatable {
    /// For whom a new ticket is, and who speaks in an answer; nil where nobody is named.
    let author: MailAddress?
    /// The author is named by another field than `From`: anybody could have written it there.
    let isClaimed: Bool
    /// Who really sent it, where that is not the author alone.
    let sentBy: SentBy?

    /// - Parameter ours: the addresses the desk reads as.
    init(_ message: IncomingMessage, sender: MailAddress?, ours: Set<String>) {
        let from = message.from ?? sender
        let named =
            from.map { Self.named(in: message, from: $0, ours: ours) }
            ?? message.replyTo.first { !ours.contains($0.withoutDetail) && !$0.isUnattended }
        author = named ?? from
        isClaimed = named != nil
        sentBy = SentBy(message, author: author, envelope: sender)
    }

    /// Whom a program, a list or our own address wrote for; nil where `From` is a person or names nobody else.
    private static func named(in message: IncomingMessage, from: MailAddress, ours: Set<String>) -> MailAddress? {
        // An automatic answer speaks for whoever's mailbox gave it.
        guard ![.reply, .bounce, .report, .receipt].contains(message.automatic) else { return nil }
        let list = MailingList(message.headers)
        let isOurs = ours.contains(from.withoutDetail)
        let isRewritten =
            list.isList
            && (isOurs || list.isAddress(from) || from.name.lowercased().contains(" via ")
                || message.headers.first("x-original-from") != nil)
        let isMachine =
            isOurs || isRewritten || from.isForm || message.automatic == .generated
            || isForm(message, from: from, ours: ours)
            || !list.isList && message.replyTo.count == 1
                && VisitorForm(message, from: from, visitor: message.replyTo[0]).isOne
        guard isMachine else { return nil }
        func isPerson(_ address: MailAddress) -> Bool {
            address.address != from.address && !ours.contains(address.withoutDetail) && !list.isAddress(address)
                && !address.isUnattended
        }
        var candidates = message.replyTo
        if list.isList || isOurs {
            candidates =
                [message.headers.first("x-original-from")].compactMap { $0.flatMap(MailAddress.init(written:)) }
                + candidates
            candidates += ["x-original-sender", "x-original-from", "sender"].compactMap {
                message.headers.first($0).flatMap(MailAddress.init(written:))
            }
            if let packed = from.unpacked { candidates.append(packed) }
            // A list that takes the answers for itself names who wrote in Cc (Mailman, `from_is_list`).
            if isRewritten {
                candidates += message.cc.filter {
                    !$0.name.isEmpty && $0.name.lowercased() == from.nameBeforeVia.lowercased()
                }
            }
        }
        guard let found = candidates.first(where: isPerson),
            isOurs || isRewritten || message.replyTo.filter(isPerson).count <= 1
        else { return nil }
        guard found.name.isEmpty, isRewritten else { return found }
        return MailAddress(name: from.nameBeforeVia, found.address) ?? found
    }

    /// Whether a program of a website sent it in its own name and names its visitor in `Reply-To`: PHP says which of its
    /// scripts it was (`mail.add_x_header`), or an address of the desk's own domain wants the answers elsewhere.
    private static func isForm(_ message: IncomingMessage, from: MailAddress, ours: Set<String>) -> Bool {
        guard message.replyTo.count == 1, message.replyTo[0].domain != from.domain else { return false }
        let isScript = ["x-php-originating-script", "x-php-script"].contains { message.headers.first($0) != nil }
        return isScript || ours.contains { MailAddress($0)?.domain == from.domain }
    }
}

/// What a message says of who sent it, besides its author: shown to agents where it differs.
package struct SentBy: Sendable, Equatable {
    /// `From`, where the author is named elsewhere.
    package let from: MailAddress?
    /// `Sender` (RFC 5322, section 3.6.2).
    package let sender: MailAddress?
    /// The envelope's sender, where its domain has nothing to do with the author's.
    package let envelope: String?
    /// Where answers were wished to, if that is not the author.
    package let replyTo: String?

    /// Nil where the author alone sent it.
    init?(_ message: IncomingMessage, author: MailAddress?, envelope: MailAddress?) {
        let written = message.headers.first("sender").flatMap(MailAddress.init(written:))
        from = message.from.flatMap { $0.address == author?.address ? nil : $0 }
        sender = written.flatMap { $0.address == author?.address || $0.address == message.from?.address ? nil : $0 }
        self.envelope = envelope.flatMap { envelope in
            let known = [author, message.from].compactMap { $0?.domain }
            return known.contains { Self.isKin($0, envelope.domain) } ? nil : envelope.address
        }
        replyTo =
            message.replyTo.first { $0.address != author?.address && $0.address != message.from?.address }?.address
        if from == nil, sender == nil, self.envelope == nil, replyTo == nil { return nil }
    }

    private static func isKin(_ one: String, _ other: String) -> Bool {
        one == other || one.hasSuffix("." + other) || other.hasSuffix("." + one)
    }

    /// As it is kept.
    package var json: JSON {
        func person(_ address: MailAddress?) -> JSON {
            address.map { ["name": .string($0.name), "email": .string($0.address)] } ?? .null
        }
        return ["from": person(from), "sender": person(sender), "envelope": JSON(envelope), "reply_to": JSON(replyTo)]
    }
    /// Reads what was kept.
    package init?(_ text: String) {
        guard let json = JSON(text) else { return nil }
        func person(_ name: String) -> MailAddress? {
            json[name]?["email"]?.text.flatMap { MailAddress(name: json[name]?["name"]?.text ?? "", $0) }
        }
        from = person("from")
        sender = person("sender")
        envelope = json["envelope"]?.text
        replyTo = json["reply_to"]?.text
    }
}

/// The list a message came through, by its header (RFC 2369, RFC 2919, and what Mailman, Google and others add).
struct MailingList: Sendable, Equatable {
    let isList: Bool
    private let addresses: Set<String>

    init(_ headers: Headers) {
        let names = ["list-id", "list-post", "mailing-list", "x-beenthere", "list-unsubscribe", "list-help"]
        isList =
            names.contains { headers.first($0) != nil }
            || headers.first("precedence")?.trimmingWhitespace().lowercased() == "list"
        var found: Set<String> = []
        for name in ["list-post", "mailing-list", "x-beenthere", "list-owner"] {
            for field in headers.all(name).prefix(10) {
                // Words such as `list X; contact Y` and `<mailto:X>`; a question mark ends an address.
                let words = field.prefix(2000).split { " <>,;:?\t".contains($0) }
                found.formUnion(words.compactMap { MailAddress(String($0))?.withoutDetail })
            }
        }
        if let id = headers.first("list-id")?.split(whereSeparator: { "<>".contains($0) }).last,
            let dot = id.firstIndex(of: ".")
        {
            // `<support.desk.example>` is the list support@desk.example.
            if let address = MailAddress("\(id[..<dot])@\(id[id.index(after: dot)...])") {
                found.insert(address.address)
            }
        }
        addresses = found
    }

    func isAddress(_ address: MailAddress) -> Bool {
        addresses.contains(address.withoutDetail) || addresses.contains(address.address)
    }
}

extension MailAddress {
    /// As a person writes it in a header: `Kim Ito <kim@harbour.example>`, or the address alone.
    init?(written text: String) {
        guard let close = text.lastIndex(of: ">"), let open = text[..<close].lastIndex(of: "<") else {
            self.init(text)
            return
        }
        let name = text[..<open].trimmingCharacters(in: CharacterSet(charactersIn: "\"' \t"))
        self.init(name: name, String(text[text.index(after: open)..<close]))
    }

    /// Letters of the local part alone: `no-reply`, `no.reply` and `NoReply` are one.
    private var plainLocal: String { localPart.split(separator: "+").first.map { $0.filter { $0.isLetter } } ?? "" }

    /// An address nobody reads: whoever is written to there hears nothing, or the mail comes back.
    package var isUnattended: Bool {
        let plain = plainLocal
        let isSilent = [
            "noreply", "donotreply", "dontreply", "neverreply", "noresponse", "noanswer", "keineantwort",
            "nichtantworten", "nepasrepondre", "noresponder", "naoresponda", "nonrispondere",
        ]
        .contains { plain.hasPrefix($0) || plain.hasSuffix($0) }
        let isSystem = [
            "mailerdaemon", "mdaemon", "maildaemon", "bounce", "bounces", "nobody", "devnull", "listserv", "majordomo",
        ].contains(plain)
        let local = localPart
        return isSilent || isSystem || ["-bounces", "-bounce", "-request", "-owner"].contains(where: local.hasSuffix)
            || ["owner-", "bounce-", "bounces-", "bounces+", "bounce+"].contains(where: local.hasPrefix)
    }

    /// The name of a program that sends in others' names. A hint only: it decides whether `Reply-To` is asked, and both
    /// are shown.
    fileprivate var isForm: Bool {
        if isUnattended { return true }
        let plain = plainLocal
        let whole: Set = [
            "form", "forms", "webform", "webforms", "contactform", "contactus", "kontaktformular", "formular",
            "formulaire", "web", "website", "webserver", "webmaster", "www", "wwwdata", "apache", "nginx",
            "httpd", "wordpress", "wp", "joomla", "drupal", "php", "cgi", "root", "daemon", "cron", "mailer",
            "mailform", "formmail", "robot", "bot", "notification", "notifications", "notify", "notifier",
            "alert", "alerts", "automailer", "automated", "system", "server", "shop", "store", "feedbackform", "survey",
        ]
        return whole.contains(plain) || plain.hasPrefix("wordpress") || plain.hasSuffix("form")
            || plain.hasSuffix("formular") || plain.hasSuffix("notification") || plain.hasSuffix("notifications")
    }

    /// `kim=harbour.example@groups.example` names kim@harbour.example, as lists write it that may not write in others'
    /// names.
    fileprivate var unpacked: MailAddress? {
        let local = localPart
        guard let sign = local.lastIndex(of: "=") else { return nil }
        return MailAddress(name: nameBeforeVia, "\(local[..<sign])@\(local[local.index(after: sign)...])")
    }

    /// The name of `'Kim Ito' via Support`.
    fileprivate var nameBeforeVia: String {
        let end = name.range(of: " via ", options: [.caseInsensitive, .backwards])?.lowerBound ?? name.endIndex
        return name[..<end].trimmingCharacters(in: CharacterSet(charactersIn: "\"' \t"))
    }
}
