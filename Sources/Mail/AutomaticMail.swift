import Foundation

/// Tells programs' mail from people's, and reads what a bounce says.
///
/// Only evidence makes a bounce, a report or an automatic reply: header fields and parts that mail programs do not give
/// a person's mail. Words are no evidence: people write of returned parcels, of mail that bounced, from `postmaster@`,
/// of a new `Auto:`.
enum AutomaticMail {
    /// What is known of a message when it is judged.
    struct Message {
        let headers: Headers
        let from: MailAddress?
        let hasEmptyReturnPath: Bool
        /// It came to an address with a detail (RFC 5233), such as those that a mail of ours is answered to.
        var isToDetail = false
        let subject: String
        let text: String
        /// `report-type` where the message itself is a multipart/report; one that somebody passed on is a part of
        /// theirs.
        let reportType: String?
        /// The machine-readable parts: fields of a report, headers of enclosed messages.
        let reports: [String]
    }

    static func classify(_ message: Message) -> IncomingMessage.Automatic {
        let headers = message.headers
        // A report proves itself by the part that machines read: some programs of people call anything a report.
        if message.reportType != nil, let part = message.reports.lazy.compactMap(report).first { return part }
        if let type = message.reportType, !type.hasPrefix("disposition-notification"),
            message.reports.contains(where: holdsMessageHeader)
        {
            return type.hasPrefix("feedback-report") ? .report : .bounce
        }
        let isReply = isAutomaticReply(message)
        let sender = MailSystem(message.from, named: headers.first("from"))
        if isReply, sender == .none { return .reply }
        if isReturned(message, sender, isReply: isReply) { return .bounce }
        if sender != .none || ["x-mlserver", "x-failed-recipients"].contains(where: { headers.first($0) != nil }) {
            return isReply ? .reply : .guessedBounce
        }
        let submitted = field(headers, "auto-submitted")
        if !submitted.isEmpty, submitted != "no" { return .generated }
        if message.hasEmptyReturnPath { return .generated }
        if ["bulk", "junk", "list"].contains(field(headers, "precedence")) || headers.contains(prefix: "list-") {
            return .bulk
        }
        // Microsoft's way of asking for silence; `None` and DR/RN alone ask nothing of an acknowledgement.
        let suppress = field(headers, "x-auto-response-suppress")
        if ["all", "autoreply", "oof"].contains(where: suppress.contains) { return .generated }
        return isNobody(message.from) ? .generated : .no
    }

    // MARK: bounces

    /// Whether a message is one that came back, by what stands around and inside it.
    private static func isReturned(_ message: Message, _ sender: MailSystem, isReply: Bool) -> Bool {
        let path = field(message.headers, "return-path").trimmingCharacters(in: CharacterSet(charactersIn: "<> "))
        let systemPath = message.hasEmptyReturnPath || MailSystem(name: path) == .daemon
        let returns = message.reports.contains(where: holdsMessageHeader) || holdsMessageHeader(message.text)
        // Exim and Google name whom it did not reach. In a person's mail the field alone says nothing.
        if message.headers.first("x-failed-recipients") != nil, systemPath || sender != .none || returns {
            return true
        }
        // The empty path (RFC 5321, section 4.5.5) or the daemon's own, from an address that only programs and
        // postmasters use. A postmaster on holiday sends the empty path as well.
        if systemPath, sender != .none { return sender == .daemon || returns || !isReply }
        if sender == .daemon { return returns }
        return message.hasEmptyReturnPath && isNobody(message.from) && returns
    }

    /// What a part of a report is, by its fields: RFC 8098, section 3.2.6; RFC 5965, section 3.1; RFC 3464, section 2.3.
    private static func report(_ part: String) -> IncomingMessage.Automatic? {
        let names = Set(
            part.utf8.split(separator: UInt8(ascii: "\n")).prefix(200).compactMap { fieldName(Substring($0)) })
        if names.contains("disposition") { return .receipt }
        if names.contains("feedback-type") { return .report }
        let isStatus =
            names.contains("final-recipient") || names.contains("reporting-mta") && names.contains("action")
        return isStatus ? .bounce : nil
    }

    /// Whether the header of a message stands in a text: fields that servers write, in lines of their own, one below
    /// the other.
    private static func holdsMessageHeader(_ text: String) -> Bool {
        var run: Set<String> = []
        for line in text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).prefix(mostLines) {
            let line = Substring(line)
            if let name = fieldName(line) {
                run.insert(name)
                // What people paste of a mail (From, To, Subject) has no trace of its way.
                if !traces.isDisjoint(with: run), !authors.isDisjoint(with: run), run.count >= 3 { return true }
            } else if line.first != " ", line.first != "\t" {
                run = []
            }
        }
        return false
    }
    private static let mostLines = 5000
    private static let traces: Set<String> = ["received", "message-id"]
    private static let authors: Set<String> = ["from", "to", "subject", "date"]

    /// `message-id` of `Message-ID: <…>`; nil for a line that is no field.
    private static func fieldName(_ line: Substring) -> String? {
        let bytes = line.utf8.prefix(40)
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), colon > bytes.startIndex else { return nil }
        guard
            bytes[..<colon].allSatisfy({
                $0 == UInt8(ascii: "-") || (0x41...0x5A).contains($0 & 0xDF) || (0x30...0x39).contains($0)
            })
        else { return nil }
        return line[..<colon].lowercased()
    }

    /// Whether an address is a mail server's own.
    private enum MailSystem {
        case none
        /// Read by people in small firms as well.
        case postmaster
        case daemon

        /// - Parameter written: the field as it stands, for programs that sign with a name alone: `MAILER-DAEMON <>`,
        ///   `post_master`.
        init(_ from: MailAddress?, named written: String?) {
            let inside = written?.split(separator: "<").dropFirst().last?.prefix { $0 != ">" } ?? ""
            self = MailSystem(name: from?.localPart ?? (inside.isEmpty ? written ?? "" : String(inside)))
        }
        init(name: String) {
            let local = name.prefix(60).lowercased().prefix { $0 != "@" && $0 != "<" }.filter {
                $0.isLetter || $0.isNumber
            }
            self =
                ["mailerdaemon", "maildaemon", "mdaemon"].contains(local)
                ? .daemon : ["postmaster", "mailsweeper", "autoreplypostmaster"].contains(local) ? .postmaster : .none
        }
    }

    // MARK: automatic replies

    /// Fields that only answering programs write.
    private static let replyFields = [
        "x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-reply-from", "x-mail-autoreply", "x-vacation",
        "x-autoreply-from", "x-cpanel-autorespond",
    ]

    /// Whether a program answered: RFC 3834, its forerunners, and the empty path on an answer, whatever its language.
    private static func isAutomaticReply(_ message: Message) -> Bool {
        let headers = message.headers
        let submitted = field(headers, "auto-submitted")
        if submitted.hasPrefix("auto-replied") { return true }
        if replyFields.contains(where: { headers.first($0) != nil && field(headers, $0) != "no" }) { return true }
        if ["auto_reply", "auto-reply"].contains(field(headers, "precedence"))
            || field(headers, "preference") == "auto_reply"
        {
            return true
        }
        if field(headers, "x-apple-action") == "vacation" || field(headers, "x-autogenerated") == "reply" {
            return true
        }
        if headers.all("delivered-to").contains(where: { $0.lowercased().hasPrefix("autoresponder") }) { return true }
        let answers = headers.first("in-reply-to") != nil || headers.first("references") != nil
        if answers, message.hasEmptyReturnPath, !isNobody(message.from) { return true }
        guard isGenerated(headers) else { return false }
        // Exchange names the mailbox whose rule answered, and the mail that set it off. A rule that passes a mail on
        // leaves the mark as well: it then names another mailbox than the sender's.
        let loops = headers.all("x-ms-exchange-inbox-rules-loop").map { MailAddress($0)?.address ?? "" }
        if answers, let from = message.from, loops.contains(from.address) { return true }
        let parent = MessageReader.identifiers(headers.first("x-ms-exchange-parent-message-id"))
        if !parent.isEmpty, !Set(parent).isDisjoint(with: MessageReader.identifiers(headers.first("in-reply-to"))) {
            return true
        }
        // A subject is a hint: it counts on an answer, beside what a program says of itself.
        guard answers || message.isToDetail else { return false }
        return (replySubjects + awaySubjects).contains { begins(message.subject, with: $0) }
    }

    /// Whether a program says of itself that no person sent it.
    private static func isGenerated(_ headers: Headers) -> Bool {
        let submitted = field(headers, "auto-submitted")
        let suppress = field(headers, "x-auto-response-suppress")
        return !submitted.isEmpty && submitted != "no" || ["bulk", "junk"].contains(field(headers, "precedence"))
            || ["all", "autoreply", "oof"].contains(where: suppress.contains)
    }

    /// What Exchange, Notes and their like set before the subject they answer. A person's answer begins with `Re:`.
    private static let replySubjects = [
        "automatic reply", "out of office", "autoreply", "auto reply", "auto-reply", "automatic response",
        "automatische antwort", "abwesenheitsnotiz", "réponse automatique", "absence du bureau",
        "respuesta automática", "fuera de la oficina", "risposta automatica", "automatisch antwoord",
        "resposta automática", "ausência temporária", "automatiskt svar", "autosvar", "automatisk svar",
        "automaattinen vastaus", "odpowiedź automatyczna", "automatická odpověď", "automatikus válasz",
        "răspuns automat", "otomatik yanıt", "автоматический ответ",
        "автоматична відповідь", "αυτόματη απάντηση", "自动答复", "自動回覆", "自動応答", "자동 회신", "不在通知",
    ]
    /// The same in words that people begin a subject with as well.
    private static let awaySubjects = ["auto", "abwesend", "abwesenheit", "fuori sede", "afwezig", "niet aanwezig"]

    private static func begins(_ subject: String, with words: String) -> Bool {
        let start = subject.prefix(60).lowercased()
        guard start.hasPrefix(words) else { return false }
        return !(start.dropFirst(words.count).first?.isLetter ?? false)
    }

    /// Whether the subject of an answer begins as programs begin it, with a colon before what they answer. Only who
    /// knows that subject can tell: people write so as well.
    static func hasReplySubject(_ message: Message) -> Bool {
        let start = message.subject.prefix(60).lowercased()
        guard let colon = start.firstIndex(where: { $0 == ":" || $0 == "：" }) else { return false }
        guard message.headers.first("in-reply-to") != nil || message.headers.first("references") != nil else {
            return false
        }
        return replySubjects.contains { start[..<colon].hasPrefix($0) }
    }

    private static func isNobody(_ from: MailAddress?) -> Bool {
        guard let from else { return true }
        return ["noreply", "donotreply"].contains(from.localPart.filter { $0.isLetter || $0.isNumber })
    }

    private static func field(_ headers: Headers, _ name: String) -> String {
        (headers.first(name) ?? "").lowercased().trimmingWhitespace()
    }

    // MARK: what a report says

    /// What a delivery report says: by its fields (RFC 3464, section 2.3) and the returned message's header.
    static func bounce(_ headers: Headers, _ reports: [String], text: String) -> IncomingMessage.Bounce {
        var bounce = IncomingMessage.Bounce()
        for field in reports.lazy.flatMap(fields) {
            switch field.name {
            case "final-recipient", "original-recipient":
                let address =
                    field.value.split(separator: ";").last.map {
                        String($0).trimmingCharacters(in: CharacterSet(charactersIn: "<> "))
                    } ?? ""
                bounce.recipient = bounce.recipient ?? MailAddress(address)?.address
            case "status":
                bounce.status = bounce.status ?? field.value.split(separator: " ").first.map(String.init)
            case "diagnostic-code":
                if bounce.detail.isEmpty { bounce.detail = String(field.value.unicodeScalars.prefix(500)) }
            case "message-id": bounce.messageIDs += MessageReader.identifiers(field.value)
            default: break
            }
        }
        // A report without a machine-readable part quotes the message's header in its text.
        for field in fields(text) where field.name == "message-id" {
            bounce.messageIDs += MessageReader.identifiers(field.value)
        }
        if bounce.recipient == nil {
            bounce.recipient = headers.first("x-failed-recipients").flatMap { MailAddress($0)?.address }
        }
        if bounce.status == nil { bounce.status = status(in: text, headers) }
        if bounce.detail.isEmpty { bounce.detail = String(text.trimmingWhitespace().unicodeScalars.prefix(300)) }
        return bounce
    }

    /// The fields of the headers in a text, unfolded (RFC 5322, section 2.2.3). A header in the words of a report may be
    /// set in or marked as a quote, and its folds may have lost the blank they begin with.
    private static func fields(_ text: String) -> [(name: String, value: String)] {
        var fields: [(name: String, value: String)] = []
        var isOpen = false
        for line in text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).prefix(mostLines) {
            let line = Substring(line)
            let bare = Substring(line.utf8.drop { $0 == 0x20 || $0 == 0x09 || $0 == UInt8(ascii: ">") || $0 == 0x0D })
            let isIndented = bare.startIndex > line.startIndex
            // The words of a fold may look like a field: of what is set in, only what is asked for counts as one.
            if let name = fieldName(bare), !isIndented || wanted.contains(name) {
                let value = bare.utf8.drop { $0 != UInt8(ascii: ":") }.dropFirst()
                fields.append((name, String(Substring(value)).trimmingWhitespace()))
                isOpen = true
            } else if bare.isEmpty {
                isOpen = false
            } else if isOpen, isIndented || fields[fields.count - 1].value.isEmpty,
                fields[fields.count - 1].value.utf8.count < mostOfField
            {
                let value = fields[fields.count - 1].value
                fields[fields.count - 1].value = value + (value.isEmpty ? "" : " ") + String(bare).trimmingWhitespace()
            } else {
                isOpen = false
            }
        }
        return fields
    }
    private static let wanted: Set<String> = [
        "message-id", "final-recipient", "original-recipient", "status", "diagnostic-code",
    ]
    private static let mostOfField = 4000

    /// What a report without a machine-readable part says in its words, before the header of the mail that came back;
    /// nil where it does not say whether it gave up: some tell of a delay in the same form.
    private static func status(in text: String, _ headers: Headers) -> String? {
        let words = String(text.unicodeScalars.prefix(4000))
        if let code = words.firstMatch(of: /(?:^|[^\d.])([45]\.\d{1,3}\.\d{1,3})(?![.\d])/)?.1 { return String(code) }
        if let code = words.firstMatch(of: /(?:^|[^\d.])([45])[0-5]\d[ \-]/)?.1 { return "\(code).0.0" }
        return headers.first("x-failed-recipients") == nil ? nil : "5.0.0"
    }
}
