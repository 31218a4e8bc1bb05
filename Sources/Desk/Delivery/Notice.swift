import Foundation
import Mail
import Store

/// A mail about signing in, a mailbox or the day, put into words: it belongs to no ticket and wants no answer.
struct Notice {
    private let mail: OutboxMail
    private let link: String
    private let office: Office
    private let settings: Settings
    private let language: String?
    /// What a notice of new requests lists, with rights asked for now.
    private let news: (count: Int, lines: String)?

    init(_ mail: OutboxMail, db: any Connection, office: Office, settings: Settings) throws {
        self.mail = mail
        self.office = office
        self.settings = settings
        switch mail.kind {
        case .mailboxSilent: link = "\(office.url)/admin/mailboxes"
        case .digest: link = "\(office.url)/desk"
        case .newRequests: link = "\(office.url)/desk/account"
        case .securityChanged: link = "\(office.url)/desk/account"
        default:
            // A link that was used or replaced meanwhile leads nowhere, and the page says so.
            let token = try mail.data["link"]?.integer.flatMap { try db.oneTimeToken($0, office.signer) } ?? "over"
            link = "\(office.url)/sign-in/\(token)"
        }
        language = try db.language(of: mail.recipient)
        guard mail.kind == .newRequests, case .agent(let id) = mail.recipient, let agent = try db.agent(id) else {
            news = nil
            return
        }
        news = try db.newRequestLines(in: mail, for: agent, language: language, url: office.url)
    }

    func message(date: Date) -> OutgoingMessage {
        let template = MailText.text(for: mail.kind, in: language, settings: settings)
        let name = (mail.name.isEmpty ? mail.address : mail.name).showingDirections
        var values = [
            "desk.name": settings.name, "customer.name": name, "agent.name": name, "link.url": link,
            "reason": (mail.data["reason"]?.text ?? "").showingDirections,
        ]
        if let news { (values["tickets.count"], values["reason"]) = (String(news.count), news.lines) }
        let words = template.filled(values)
        let home = office.mailbox
        let from = MailAddress(name: settings.name, home.address) ?? home
        let number = String(mail.id.number, radix: 36)
        var message = OutgoingMessage(
            from: from, to: MailAddress(name: mail.name.showingDirections, mail.address) ?? from,
            returnPath: home.address, subject: words.subject, text: words.body + "\n",
            messageID: "notice-\(number)-\(office.signer.mark(number, for: .mail))@\(home.domain)", date: date)
        message.html = MailText.html(template, values: values, message: nil)
        message.automatic = .generated
        return message
    }
}
