import Foundation

/// Tells programs' mail from people's by its header, and reads what a bounce says.
enum AutomaticMail {
    static func classify(
        _ headers: Headers, from: MailAddress?, emptyReturnPath: Bool, subject: String, reportType: String?, text: String
    ) -> IncomingMessage.Automatic {
        let contentType = (headers.first("content-type") ?? "").lowercased()
        let submitted = (headers.first("auto-submitted") ?? "").lowercased().trimmingWhitespace()
        if reportType == "feedback-report" || contentType.contains("report-type=feedback-report") || contentType.contains("report-type=\"feedback-report\"") {
            return .report
        }
        let isSystem = isMailSystem(from) || from == nil && isMailSystem(named: headers.first("from") ?? "")
        let title = subject.lowercased()
        // An out-of-office answer says so itself, even where its server sends it with the empty path (RFC 3834, section 3.3).
        let isReply = submitted.hasPrefix("auto-replied") || headers.first("x-autoreply") != nil || headers.first("x-autorespond") != nil
            || headers.first("x-auto-reply-from") != nil || headers.first("x-apple-action")?.lowercased() == "vacation" || ["out of office", "automatic reply", "auto:", "autoreply", "auto reply", "auto-reply", "automatic response", "abwesenheit", "automatische antwort", "réponse automatique", "respuesta automática"].contains(where: title.hasPrefix)
        if isReply && !isSystem && reportType == nil { return .reply }
        if let reportType, reportType.hasPrefix("delivery-status") || reportType == "disposition-notification" {
            return reportType == "disposition-notification" ? .receipt : .bounce
        }
        if headers.first("x-failed-recipients") != nil { return .bounce }
        if isSystem || emptyReturnPath {
            if submitted.hasPrefix("auto-replied"), !looksReturned(title, text) { return .reply }
            if isSystem || looksReturned(title, text) { return .bounce }
            return .generated
        }
        if looksReturned(title, ""), looksReturned("", text) { return .bounce }
        // A list's program about a message it would not pass on.
        if headers.first("x-mlserver") != nil { return title.contains("loop alert") || title.contains("rejected") ? .bounce : .generated }
        if submitted.hasPrefix("auto-replied") { return .reply }
        if !submitted.isEmpty, submitted != "no" { return .generated }
        let precedence = (headers.first("precedence") ?? "").lowercased().trimmingWhitespace()
        if precedence == "auto_reply" { return .reply }
        if ["bulk", "junk", "list"].contains(precedence) || headers.contains(prefix: "list-") { return .bulk }
        // Microsoft's way of asking for silence; `None` and DR/RN alone ask nothing of an acknowledgement.
        let suppress = (headers.first("x-auto-response-suppress") ?? "").lowercased()
        if suppress.contains("all") || suppress.contains("autoreply") || suppress.contains("oof") { return .generated }
        if let local = from?.localPart, ["no-reply", "noreply", "do-not-reply", "donotreply"].contains(local) { return .generated }
        return .no
    }

    private static func isMailSystem(_ from: MailAddress?) -> Bool {
        guard let from else { return false }
        return isMailSystem(named: from.localPart) || from.name.lowercased().contains("mail delivery")
    }

    /// Programs sign with a name alone, in any spelling: `MAILER-DAEMON <>`, `post_master`.
    private static func isMailSystem(named name: String) -> Bool {
        let local = name.lowercased().filter { $0.isLetter || $0.isNumber }
        return ["mailerdaemon", "postmaster", "maildaemon", "mdaemon", "mailsweeper"].contains(where: local.hasPrefix) || local == "autoreplypostmaster"
    }
    private static let returnedTitles = [
        "undelivered mail", "undeliverable", "returned mail", "delivery status notification", "delivery failure", "failure notice", "mail delivery failed",
        "delivery has failed", "delivery notification", "mail system error", "message status - undeliverable", "could not be delivered", "not delivered",
        "unzustellbar", "mail undeliverable", "delivery report", "nondeliverable", "warning: could not send", "non recapitabile", "delivery incomplete",
        "rejected mail", "loop alert", "failed mail", "mail failure", "message delivery failure", "there was an error sending your mail", "error sending mail", "undelivered",
    ]
    private static let returnedTexts = [
        "original message", "could not be delivered", "permanent error", "undeliverable", "user unknown", "unknown user", "delivery to the following",
        "recipient", "host unknown", "mailbox unavailable", "could not deliver", "returned", "failed addresses", "was not delivered", "550",
    ]
    private static func looksReturned(_ title: String, _ text: String) -> Bool {
        if returnedTitles.contains(where: title.contains) { return true }
        guard !text.isEmpty else { return false }
        let start = String(text.prefix(4000)).lowercased()
        return returnedTexts.contains(where: start.contains)
    }

    /// What a delivery report says: by its fields (RFC 3464, section 2.3) and the returned message's header.
    static func bounce(_ headers: Headers, _ reports: [String], text: String) -> IncomingMessage.Bounce {
        var bounce = IncomingMessage.Bounce()
        for line in reports.flatMap({ $0.split(whereSeparator: \.isNewline) }) {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let name = line[..<colon].lowercased()
            let value = String(line[line.index(after: colon)...]).trimmingWhitespace()
            switch name {
            case "final-recipient", "original-recipient":
                let address = value.split(separator: ";").last.map { String($0).trimmingCharacters(in: CharacterSet(charactersIn: "<> ")) } ?? ""
                bounce.recipient = bounce.recipient ?? MailAddress(address)?.address
            case "status": bounce.status = bounce.status ?? value.split(separator: " ").first.map(String.init)
            case "diagnostic-code": if bounce.detail.isEmpty { bounce.detail = String(value.prefix(500)) }
            case "message-id": bounce.messageIDs += MessageReader.identifiers(value)
            default: break
            }
        }
        // A report without a machine-readable part quotes the message's header in its text.
        for line in text.split(whereSeparator: \.isNewline) where line.lowercased().hasPrefix("message-id:") {
            bounce.messageIDs += MessageReader.identifiers(String(line.dropFirst("message-id:".count)))
        }
        if bounce.recipient == nil { bounce.recipient = headers.first("x-failed-recipients").flatMap { MailAddress($0)?.address } }
        if bounce.detail.isEmpty { bounce.detail = String(text.trimmingWhitespace().prefix(300)) }
        return bounce
    }
}
