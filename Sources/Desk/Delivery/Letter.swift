import Domain
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
    private let mailbox: Mailbox?
    private let signature: String
    private let language: String?
    /// Nobody has shown yet that the address is the customer's: what the desk sends there by itself repeats nothing
    /// that was written from outside.
    private var isUnproved: Bool
    /// The ticket's state as the mail names it, where that is not the present one.
    private var state: TicketState?
    /// What the customer said last, to be quoted below an answer.
    private let answered: Entry?
    private let office: Office
    private let settings: Settings
    /// Where the customer it goes to reads the ticket.
    private let link: LinkToken?

    /// A customer's mail can carry a customer's or an agent's words to the customer, never a note.
    init(_ mail: OutboxMail, about id: Ticket.ID, db: any Connection, office: Office, settings: Settings) throws {
        self.mail = mail
        self.office = office
        self.settings = settings
        ticket = try db.ticket(id)
        let found = try mail.entry.map { try db.entry($0) }
        entry = mail.kind.isForCustomer && found?.kind == .note ? nil : found
        thread = mail.kind.isForCustomer ? try db.thread(of: id) : []
        mailbox = try ticket.mailbox.flatMap { MailAddress($0) }.flatMap { try db.mailbox($0) }
        language = try db.language(of: mail.recipient)
        isUnproved = try mail.kind.isForCustomer && mail.kind.isAutomatic && db.isUnproved(id)
        link = if case .customer(let customer) = mail.recipient { try db.link(to: id, for: customer) } else { nil }
        guard mail.kind.carriesReply, let entry else {
            (signature, answered) = ("", nil)
            return
        }
        answered = try db.messageBefore(entry.id, in: id)
        let own: String? = try entry.author.id.flatMap {
            entry.author.role == .agent ? try db.signature(of: Agent.ID($0)) : nil
        }
        let department: String =
            try db.value("SELECT signature FROM department WHERE id = \(ticket.department.id)") ?? ""
        let house = [mailbox?.signature ?? "", department].first { !$0.isEmpty } ?? settings.name
        signature = [own.flatMap { $0.isEmpty ? nil : $0 } ?? entry.author.name, house].filter { !$0.isEmpty }.joined(
            separator: "\n")
    }

    /// Files of an agent's answer go with it; what a customer sent is not sent back.
    var files: [Attachment] { mail.kind.carriesReply ? entry?.attachments ?? [] : [] }

    func message(date: Date) -> OutgoingMessage {
        let token = MailToken(ticket: ticket.id, recipient: mail.recipient)
        let home = ticket.mailbox.flatMap { MailAddress($0) } ?? office.mailbox
        let tokenAddress = home.with(detail: token.text(office.signer))
        let text = MailText.text(for: mail.kind, in: language, settings: settings)
        let template = mail.kind == .resolved && entry == nil ? MailText.wordless(in: language, text) : text
        let values = self.values
        let words = template.filled(values)
        let from = MailAddress(name: senderName.showingDirections, home.address) ?? office.mailbox
        var message = OutgoingMessage(
            from: from, to: MailAddress(name: isUnproved ? "" : mail.name.showingDirections, mail.address) ?? from,
            returnPath: tokenAddress, subject: words.subject, text: words.body + quote.text + "\n",
            messageID: OwnMessageID(token: token, outbox: mail.id).text(office.signer, domain: home.domain), date: date)
        message.replyTo = MailAddress(name: settings.name, tokenAddress)
        message.html = MailText.html(template, values: values, message: messageHTML, quote: quote.html)
        message.inReplyTo = thread.last
        message.references = thread
        message.automatic = mail.kind == .acknowledgement ? .replied : mail.kind.isAutomatic ? .generated : .person
        return message
    }

    /// Its words as they may have been when it was sent: the ticket may have had another state since, and the address
    /// may have been proved.
    func texts(date: Date) -> [String] {
        let text = message(date: date).text
        var others: [String] = []
        var letter = self
        if mail.kind.isForCustomer {
            letter.isUnproved = !isUnproved && mail.kind.isAutomatic
            if letter.isUnproved || isUnproved { others = [letter.message(date: date).text] }
        } else if text.utf8.count < Self.mostRepeated {
            others = TicketState.allCases.filter { $0 != ticket.state }.map {
                letter.state = $0
                return letter.message(date: date).text
            }
        }
        return [text] + others
    }
    private static let mostRepeated = 8000

    private var senderName: String {
        let house = mailbox.flatMap { $0.name.isEmpty ? nil : $0.name } ?? settings.name
        guard !mail.kind.isAutomatic, let author = entry?.author, author.role == .agent else { return house }
        return "\(author.name) (\(house))"
    }

    private static let mostQuoted = 40

    /// The customer's words below an answer, as mail programs write them; the trimmer folds them when they come back.
    private var quote: (text: String, html: HTML?) {
        guard let answered, !answered.text.isEmpty else { return ("", nil) }
        let lines = answered.text.split(separator: "\n", omittingEmptySubsequences: false).prefix(Self.mostQuoted).map {
            String($0.prefix(500))
        }
        let name = answered.author.name.isEmpty ? answered.author.address ?? "" : answered.author.name
        let day = String(answered.at.rfc3339.prefix(10))
        let opening = language == "de" ? "Am \(day) schrieb \(name):" : "On \(day), \(name) wrote:"
        let text = "\n\n\(opening)\n" + lines.map { $0.isEmpty ? ">" : "> \($0)" }.joined(separator: "\n")
        return (
            text,
            """
            <p>\(opening)</p>\n<blockquote type="cite" style="margin:0 0 0 8px;padding-left:8px;border-left:2px \
            solid #999">\(HTMLText.paragraphs(lines.joined(separator: "\n")))</blockquote>\n
            """
        )
    }

    private var messageText: String {
        if mail.kind == .update { return mail.data["message"]?.text ?? "" }
        return entry?.text ?? mail.data["message"]?.text ?? ""
    }
    private var messageHTML: HTML? {
        if mail.kind != .update, let entry,
            let html = mail.kind.isForCustomer ? entry.markupForCustomers : entry.html
        {
            // An agent's own pictures go along; a customer's are seen at the desk.
            guard mail.kind.carriesReply else { return HTML(raw: html) }
            return HTML(
                raw: entry.placing(in: html, remote: entry.author.role == .agent ? { " src=\"\(typed: $0)\"" } : nil) {
                    " src=\"cid:\($0.contentID ?? "")\""
                })
        }
        let text = messageText
        return text.isEmpty ? nil : HTMLText.paragraphs(text)
    }

    private var values: [String: String] {
        var values = [
            "ticket.number": String(ticket.number), "ticket.subject": ticket.subject,
            "ticket.state": (state ?? ticket.state).rawValue,
            "ticket.priority": ticket.priority.word, "ticket.department": ticket.department.name,
            "desk.name": settings.name,
            "agent.name": entry?.author.role == .agent ? entry?.author.name ?? "" : ticket.assignee?.name ?? "",
            "reason": mail.data["reason"]?.text ?? "",
            "message": messageText, "signature": signature, "close.hours": String(settings.closeAfterHours),
        ]
        if let token = link {
            let link = "\(office.url)/t/\(token.text(office.signer))"
            values["ticket.url"] = link
            values["confirm.url"] = link + "?answer=yes"
            values["reopen.url"] = link + "?answer=no"
            values["customer.name"] = mail.name.isEmpty ? mail.address : mail.name
        } else {
            values["ticket.url"] = "\(office.url)/desk/tickets/\(ticket.number)"
            values["customer.name"] =
                ticket.requesterName.isEmpty
                ? ticket.requesterAddress : "\(ticket.requesterName) <\(ticket.requesterAddress)>"
        }
        if mail.kind == .newRequest {
            values["ticket.priority"] = MailText.word(for: ticket.priority, in: language)
            values["link.url"] = "\(office.url)/desk/account"
        }
        // The address in a form or a From line may be anybody's.
        if isUnproved {
            values["ticket.subject"] = language == "de" ? "Ihre Anfrage" : "your request"
            values["customer.name"] = mail.address
        }
        if let survey = mail.data["survey"]?.integer {
            let url = "\(office.url)/survey/\(SurveyToken(survey: Survey.ID(survey)).text(office.signer))"
            values["survey.url"] = url
            values["survey.stars"] = Rating.allCases.reversed().map { "\($0.stars) \(url)?rating=\($0.rawValue)" }
                .joined(separator: "\n")
        }
        // Names and subjects are one line among our own words; what was said is prose.
        for (name, value) in values where name != "message" { values[name] = value.showingDirections }
        return values
    }
}

extension Connection {
    /// The language somebody reads, where it is known.
    func language(of recipient: MailToken.Recipient) throws -> String? {
        switch recipient {
        case .customer(let id): try value("SELECT language FROM customer WHERE id = \(id)", as: String?.self) ?? nil
        case .agent(let id), .agentNote(let id):
            try value("SELECT language FROM agent WHERE id = \(id)", as: String?.self) ?? nil
        }
    }

    fileprivate func isUnproved(_ ticket: Ticket.ID) throws -> Bool {
        try value("SELECT is_unproved FROM ticket WHERE id = \(ticket)", as: Int.self) == 1
    }

    /// What the customer said last before an answer.
    fileprivate func messageBefore(_ entry: Entry.ID, in ticket: Ticket.ID) throws -> Entry? {
        let id: Entry.ID? = try value(
            """
            SELECT id FROM entry WHERE ticket_id = \(ticket) AND id < \(entry) AND kind = 'message'
            ORDER BY id DESC LIMIT 1
            """
        )
        return try id.map { try self.entry($0) }
    }
}
