import Foundation
import Mail
import Markup
import Store

/// One mail put into words: what the courier sends.
struct Letter {
    private let mail: OutboxMail
    private let ticket: Ticket
    private let entry: Entry?
    private let thread: [String]
    private let office: Office
    private let settings: Settings

    /// A customer's mail can carry a customer's or an agent's words to the customer, never a note.
    init(_ mail: OutboxMail, about id: Ticket.ID, db: any Connection, office: Office, settings: Settings) throws {
        self.mail = mail
        self.office = office
        self.settings = settings
        ticket = try db.ticket(id)
        let found = try mail.entry.map { try db.entry($0) }
        entry = mail.kind.isForCustomer && found?.kind == .note ? nil : found
        thread = mail.kind.isForCustomer ? try db.thread(of: id) : []
    }

    /// Files of an agent's answer go with it; what a customer sent is not sent back.
    var files: [Attachment] { mail.kind == .reply || mail.kind == .resolved ? entry?.attachments ?? [] : [] }

    func message(date: Date) -> OutgoingMessage {
        let token = MailToken(ticket: ticket.id, recipient: mail.recipient)
        let home = ticket.mailbox.flatMap { MailAddress($0) } ?? office.mailbox
        let tokenAddress = home.with(detail: token.text(office.signer))
        let template = MailText.text(for: mail.kind, settings: settings)
        let values = self.values
        let words = template.filled(values)
        let from = MailAddress(name: senderName, home.address) ?? office.mailbox
        var message = OutgoingMessage(
            from: from, to: MailAddress(name: mail.name, mail.address) ?? from, returnPath: tokenAddress, subject: words.subject, text: words.body + "\n",
            messageID: OwnMessageID(token: token, outbox: mail.id).text(office.signer, domain: home.domain), date: date)
        message.replyTo = MailAddress(name: settings.name, tokenAddress)
        message.html = MailText.html(template, values: values, message: messageHTML)
        message.inReplyTo = thread.last
        message.references = thread
        message.automatic = mail.kind == .acknowledgement ? .replied : mail.kind.isAutomatic ? .generated : .person
        return message
    }

    private var senderName: String {
        guard !mail.kind.isAutomatic, let author = entry?.author, author.role == .agent else { return settings.name }
        return "\(author.name) (\(settings.name))"
    }

    private var messageText: String {
        if mail.kind == .update { return mail.data["message"]?.text ?? "" }
        return entry?.text ?? mail.data["message"]?.text ?? ""
    }
    private var messageHTML: HTML? {
        if mail.kind != .update, let html = entry?.html { return HTML(raw: html) }
        let text = messageText
        return text.isEmpty ? nil : HTMLText.paragraphs(text)
    }

    private var values: [String: String] {
        var values = [
            "ticket.number": String(ticket.number), "ticket.subject": ticket.subject, "ticket.state": ticket.state.rawValue,
            "ticket.priority": ticket.priority.word, "ticket.department": ticket.department.name, "desk.name": settings.name,
            "agent.name": entry?.author.role == .agent ? entry?.author.name ?? "" : ticket.assignee?.name ?? "", "reason": mail.data["reason"]?.text ?? "",
            "message": messageText, "close.hours": String(settings.closeAfterHours),
        ]
        if case .customer(let customer) = mail.recipient {
            let link = "\(office.url)/t/\(LinkToken(ticket: ticket.id, customer: customer).text(office.signer))"
            values["ticket.url"] = link
            values["confirm.url"] = link + "?answer=yes"
            values["reopen.url"] = link + "?answer=no"
            values["customer.name"] = mail.name.isEmpty ? mail.address : mail.name
        } else {
            values["ticket.url"] = "\(office.url)/desk/tickets/\(ticket.number)"
            values["customer.name"] = ticket.requesterName.isEmpty ? ticket.requesterAddress : "\(ticket.requesterName) <\(ticket.requesterAddress)>"
        }
        // An address in a web form may be anybody's: the first mail to it repeats nothing that was typed there.
        if mail.kind == .acknowledgement, ticket.source == .web {
            values["ticket.subject"] = "your request"
            values["customer.name"] = mail.address
        }
        if let survey = mail.data["survey"]?.integer {
            let url = "\(office.url)/survey/\(SurveyToken(survey: Survey.ID(survey)).text(office.signer))"
            values["survey.url"] = url
            values["survey.stars"] = Rating.allCases.reversed().map { "\($0.stars) \(url)?rating=\($0.rawValue)" }.joined(separator: "\n")
        }
        return values
    }
}
