import Foundation
import Mail
import Markup
import Store

extension Desk {
    /// Takes a message in: reads it, keeps its bytes and files, then threads or opens in one transaction.
    ///
    /// Returns only after commit. Throws `StoreError` where it cannot be stored now; the mail server then tries again.
    package func receive(_ bytes: Data, sender: MailAddress? = nil, mailbox: MailAddress? = nil, insteadOf former: Int64? = nil) async throws -> IntakeOutcome {
        let message = MessageReader.read(bytes)
        let hash = try files.keep(bytes, packs: true)
        var kept: [StoredFile] = []
        for attachment in message.attachments {
            kept.append(
                StoredFile(
                    hash: try files.keep(attachment.bytes), size: attachment.bytes.count, name: attachment.name, type: attachment.type,
                    contentID: attachment.contentID, isInline: attachment.isInline))
        }
        let raw = StoredFile(hash: hash, size: bytes.count, name: "message.eml", type: "message/rfc822")
        if !message.faults.isEmpty, message.attachments.isEmpty { kept.append(raw) }
        let mail = ReceivedMail(message: message, sender: sender, mailbox: mailbox, hash: hash, raw: raw)
        return try await write { [kept] tx in
            if let former { try tx.db.execute("DELETE FROM received WHERE id = \(former) AND outcome = 'rejected'") }
            return try tx.receive(mail, files: kept)
        }
    }
}

extension Desk {
    /// Takes in anew what was set aside: what stood against it may be gone.
    package func takeInAgain(_ id: Int64) async throws -> IntakeOutcome {
        let found = try await read { db in
            try db.first("SELECT raw, sender, mailbox FROM received WHERE id = \(id) AND outcome = 'rejected'") { (try $0.read(String.self), try $0.read(String?.self), try $0.read(String?.self)) }
        }
        guard let (hash, sender, mailbox) = found else { throw Refusal.notFound }
        return try await receive(try files.bytes(of: hash), sender: sender.flatMap { MailAddress($0) }, mailbox: mailbox.flatMap { MailAddress($0) }, insteadOf: id)
    }
}

extension Transaction {
    /// The ledger first: its unique key is what makes two deliveries of one message, even at the same moment, one entry.
    func receive(_ mail: ReceivedMail, files: [StoredFile]) throws -> IntakeOutcome {
        try keep(mail.raw)
        let ledger: Int64? = try db.value(
            """
            INSERT INTO received (key, at, outcome, sender, mailbox, subject, raw)
            VALUES (\(mail.key), \(now), 'taken', \(mail.author?.address), \(mail.mailbox?.address), \(mail.message.subject), \(mail.hash))
            ON CONFLICT (key) DO NOTHING RETURNING id
            """)
        guard let ledger else { return try seenBefore(mail) }
        let (outcome, entry, reason) = try place(mail, files: files)
        let number: Int64? =
            switch outcome {
            case .opened(let number), .added(let number), .bounced(let number), .duplicate(let number): number
            case .rejected: nil
            }
        try db.execute(
            """
            UPDATE received SET outcome = \(outcome.word), reason = \(reason), entry_id = \(entry),
                ticket_id = (SELECT id FROM ticket WHERE number = \(number)) WHERE id = \(ledger)
            """)
        return outcome
    }

    private func seenBefore(_ mail: ReceivedMail) throws -> IntakeOutcome {
        let known = try db.first("SELECT ticket.number, received.reason FROM received LEFT JOIN ticket ON ticket.id = received.ticket_id WHERE received.key = \(mail.key)") {
            (try $0.read(Int64?.self), try $0.read(String.self))
        }
        guard let known else { throw StoreError.conflict("another delivery of the same message is under way") }
        return known.0.map { .duplicate($0) } ?? .rejected(known.1)
    }

    private typealias Placed = (IntakeOutcome, Entry.ID?, reason: String)

    private func place(_ mail: ReceivedMail, files: [StoredFile]) throws -> Placed {
        if OwnMessageID(mail.message.messageID, signer: office.signer) != nil { return reject("a copy of our own mail") }
        if mail.message.automatic == .bounce || mail.message.automatic == .report { return try bounce(mail) }
        if mail.message.automatic == .receipt { return reject("a read receipt") }
        if let author = mail.author, let pattern = try db.ban(of: author.address) { return reject("its sender is banned by \(pattern)") }
        for token in mail.tokens(office.signer) {
            if let placed = try add(mail, by: token, files: files) { return placed }
        }
        if let number = mail.subjectNumber, let placed = try add(mail, bySubject: number, files: files) { return placed }
        return try openTicket(mail, files: files)
    }

    private func reject(_ reason: String) -> Placed { (.rejected(reason), nil, reason) }

    // MARK: threading

    /// A signed token leads into its ticket; who wrote decides as what. Nil where the ticket is gone.
    private func add(_ mail: ReceivedMail, by token: MailToken, files: [StoredFile]) throws -> Placed? {
        guard let ticket = try? db.livingTicket(token.ticket), ticket.state != .deleted else { return nil }  // purged: as if never signed
        let address = mail.author?.address ?? ""
        switch token.recipient {
        case .agent(let id), .agentNote(let id):
            if let agent = try db.agent(id), agent.email == address, agent.isActive, agent.role >= .agent, try sees(agent, ticket) {
                if case .agentNote = token.recipient { return try agentWrote(mail, agent, as: .note, in: ticket, files: files) }
                return try agentWrote(mail, agent, as: .reply, in: ticket, files: files)
            }
        case .customer(let id):
            if try db.addresses(of: id).contains(address) {
                return try customerWrote(mail, id, in: ticket, reason: "its signed token", files: files)
            }
        }
        if let customer = try db.customer(address: address), try db.takesPart(customer.id, in: ticket) {
            return try customerWrote(mail, customer.id, in: ticket, reason: "its signed token, from somebody who takes part", files: files)
        }
        return try strangerWrote(mail, in: ticket, files: files)
    }

    private func add(_ mail: ReceivedMail, bySubject number: Int64, files: [StoredFile]) throws -> Placed? {
        guard let author = mail.author, let customer = try db.customer(address: author.address) else { return nil }
        guard let named = try db.first("SELECT id FROM ticket WHERE number = \(number) AND state <> 'deleted'", { try $0.read(Ticket.ID.self) }) else { return nil }
        let ticket = try db.livingTicket(named)
        guard try db.takesPart(customer.id, in: ticket) else { return nil }
        return try customerWrote(mail, customer.id, in: ticket, reason: "the number in its subject, from somebody who takes part", files: files)
    }

    private func sees(_ agent: Agent, _ ticket: Ticket) throws -> Bool {
        try db.value("SELECT 1 FROM ticket WHERE ticket.id = \(ticket.id) AND \(Asker.agent(agent).condition)", as: Int64.self) != nil
    }

    // MARK: entries

    private func writing(_ mail: ReceivedMail, hasFiles: Bool) -> Writing {
        let writing = Writing(text: mail.message.text, html: mail.message.html)
        if !writing.text.isEmpty { return writing }
        return Writing(hasFiles ? "(no text, see the files)" : "(no text)", type: .text)
    }

    private func customerWrote(_ mail: ReceivedMail, _ customer: Customer.ID, in ticket: Ticket, reason: String, files: [StoredFile]) throws -> Placed {
        let name = mail.author?.name ?? ""
        let known = name.isEmpty ? try db.value("SELECT name FROM customer WHERE id = \(customer)") ?? "" : name
        let author = Author(.customer, id: customer.number, name: known, address: mail.author?.address)
        let placed = try received(mail, in: ticket, by: author, reason: reason, files: files)
        try bringIn(mail, to: ticket.id, by: author)
        return placed
    }

    private func strangerWrote(_ mail: ReceivedMail, in ticket: Ticket, files: [StoredFile]) throws -> Placed {
        let author = Author(.customer, id: nil, name: mail.author?.name ?? "", address: mail.author?.address, isStranger: true)
        return try received(mail, in: ticket, by: author, reason: "its signed token, from someone new", files: files)
    }

    private func received(_ mail: ReceivedMail, in ticket: Ticket, by author: Author, reason: String, files: [StoredFile]) throws -> Placed {
        let quietly = mail.message.automatic == .no ? nil : mail.silence(ours: try ownAddresses(mail))
        let outcome = try receive(
            writing(mail, hasFiles: !files.isEmpty), in: ticket, by: author, files: files, source: .email, quietly: quietly, messageID: messageID(mail), raw: mail.hash)
        switch outcome {
        case .added(let ticket, let entry): return (.added(ticket.number), entry, reason: reason)
        case .continued(let ticket, let entry): return (.opened(ticket.number), entry, reason: "\(reason); that ticket was closed too long ago")
        }
    }

    private func agentWrote(_ mail: ReceivedMail, _ agent: Agent, as kind: Entry.Kind, in ticket: Ticket, files: [StoredFile]) throws -> Placed {
        var ticket = ticket
        let reason = "the agent's own signed token"
        // An agent's out-of-office notice is no answer to a customer.
        guard mail.message.automatic == .no else { return reject("an automatic answer of an agent's mailbox") }
        let writing = writing(mail, hasFiles: !files.isEmpty)
        let entry: Entry.ID
        let takesReplies = ![.merged, .spam, .deleted].contains(ticket.state)
        if kind == .reply, takesReplies {
            entry = try reply(to: &ticket, writing, by: Actor(agent), files: files, source: .email, raw: mail.hash)
        } else {
            entry = try note(on: &ticket, writing, by: Actor(agent), files: files, source: .email, messageID: messageID(mail), raw: mail.hash)
        }
        return (.added(ticket.number), entry, reason: reason)
    }

    private func openTicket(_ mail: ReceivedMail, files: [StoredFile]) throws -> Placed {
        let nobody = MailAddress(name: "Unknown sender", "unknown@sender.invalid")
        let ours = try ownAddresses(mail)
        guard let requester = mail.requester(ours: ours) ?? nobody else { return reject("it has no sender") }
        if let author = mail.author, let agent = try db.agent(email: author.address), agent.isActive, agent.role >= .agent, mail.message.automatic == .no,
            let passedOn = ForwardedMail(subject: mail.message.subject, text: mail.message.text), !ours.contains(passedOn.from.withoutDetail) {
            return try openPassedOn(passedOn, mail, by: agent, files: files)
        }
        var request = NewTicket(requester: requester, subject: mail.message.subject, writing: writing(mail, hasFiles: !files.isEmpty), source: .email)
        request.files = files
        request.messageID = messageID(mail)
        request.raw = mail.hash
        request.language = mail.message.language
        request.silence = mail.author == nil ? "nobody knows who sent it" : mail.silence(ours: ours)
        try route(&request, mail)
        let (ticket, entry) = try open(request, by: nil)
        try bringIn(mail, to: ticket.id, by: Author(.customer, id: ticket.customer.number, name: ticket.requesterName, address: ticket.requesterAddress))
        let whose = requester.address == mail.author?.address ? "" : "; its Reply-To names the requester"
        return (.opened(ticket.number), entry, reason: "no token and no number of a ticket its sender takes part in\(whose)")
    }

    /// A mail an agent passed on opens a ticket for who wrote it; what the agent says of it is a note.
    private func openPassedOn(_ passedOn: ForwardedMail, _ mail: ReceivedMail, by agent: Agent, files: [StoredFile]) throws -> Placed {
        var request = NewTicket(
            requester: passedOn.from, subject: passedOn.subject ?? mail.message.subject, writing: Writing(passedOn.text.isEmpty ? "(no text)" : passedOn.text, type: .text, foldsHistory: true), source: .email)
        request.files = files
        request.messageID = messageID(mail)
        request.raw = mail.hash
        try route(&request, mail)
        let (opened, entry) = try open(request, by: Actor(agent))
        if !passedOn.comment.isEmpty {
            var ticket = try db.ticket(opened.id)
            _ = try note(on: &ticket, Writing(passedOn.comment, type: .text), by: Actor(agent), files: [], source: .email)
        }
        return (.opened(opened.number), entry, reason: "\(agent.name) passed on a mail of \(passedOn.from.address)")
    }

    /// The mailbox it came to says where it belongs, as long as nothing better does.
    private func route(_ request: inout NewTicket, _ mail: ReceivedMail) throws {
        request.mailbox = mail.mailbox?.withoutDetail
        let addressed = [mail.mailbox].compactMap { $0 } + mail.message.recipients
        for address in addressed.prefix(Self.mostAddressed) {
            guard let home = try db.mailbox(address) else { continue }
            request.mailbox = home.address.address
            request.department = home.department.map { .id($0.number) }
            request.topic = home.topic.map { .id($0.number) }
            request.priority = home.priority
            return
        }
    }

    /// All addresses the desk reads as.
    private func ownAddresses(_ mail: ReceivedMail) throws -> Set<String> {
        var ours: Set<String> = Set(try db.query("SELECT address FROM mailbox WHERE is_active = 1") { try $0.read() })
        ours.insert(office.mailbox.withoutDetail)
        if let mailbox = mail.mailbox { ours.insert(mailbox.withoutDetail) }
        return ours
    }

    /// Whom a customer addressed besides us takes part from then on; not who was taken out before, no agent, and nobody from a mass mailing.
    private func bringIn(_ mail: ReceivedMail, to id: Ticket.ID, by author: Author) throws {
        guard mail.message.automatic == .no, mail.author != nil else { return }
        let ticket = try db.ticket(id)
        guard TicketAction.addCollaborator.isAllowed(in: ticket.state) else { return }
        let ours = try ownAddresses(mail)
        var known = Set([author.address, ticket.requesterAddress].compactMap { $0 } + (try db.collaborators(of: id)).map(\.address))
        for address in (mail.message.to + mail.message.cc).prefix(Self.mostAddressed) where !ours.contains(address.withoutDetail) && known.insert(address.address).inserted {
            guard try db.agent(email: address.address) == nil, try !wasTakenOut(address.address, of: id) else { continue }
            try addCollaborator(address, to: ticket, by: author.actor, reason: "the mail was addressed to them as well")
        }
    }
    private static var mostAddressed: Int { 30 }

    private func wasTakenOut(_ address: String, of ticket: Ticket.ID) throws -> Bool {
        let gone = try db.query("SELECT data FROM ticket_event WHERE ticket_id = \(ticket) AND kind = \(TicketEvent.Kind.collaboratorRemoved)") { JSON(try $0.read(String.self))?["email"]?.text }
        return gone.contains(address)
    }

    private func messageID(_ mail: ReceivedMail) -> String? { mail.message.messageID.isEmpty ? nil : mail.message.messageID }

    // MARK: bounces

    /// A delivery report belongs to the mail it names, by Message-ID or by the address it came back to.
    private func bounce(_ mail: ReceivedMail) throws -> Placed {
        let isReport = mail.message.automatic == .report
        let bounce = mail.message.bounce
        let named = (bounce?.messageIDs ?? []) + mail.message.inReplyTo + mail.message.references
        var found: (OutboxMail.ID, Ticket.ID, String)?
        for id in named.compactMap({ OwnMessageID($0, signer: office.signer) }) where found == nil {
            found = try outboxRow("id = \(id.outbox) AND ticket_id = \(id.token.ticket)")
        }
        for token in mail.tokens(office.signer) where found == nil {
            switch token.recipient {
            case .customer(let id): found = try outboxRow("ticket_id = \(token.ticket) AND recipient_kind = 'customer' AND recipient_id = \(id) ORDER BY id DESC LIMIT 1")
            case .agent(let id), .agentNote(let id): found = try outboxRow("ticket_id = \(token.ticket) AND recipient_kind = 'agent' AND recipient_id = \(id) ORDER BY id DESC LIMIT 1")
            }
        }
        guard let (outbox, ticket, address) = found else { return reject(isReport ? "an abuse report that names no mail of ours" : "a delivery report that names no mail of ours") }
        let living = try db.livingTicket(ticket)
        let status = bounce?.status ?? ""
        let detail = [status, bounce?.detail.singleLine ?? ""].filter { !$0.isEmpty }.joined(separator: " ")
        try record(
            .bounced, on: living.id, by: .mail, reason: isReport ? "\(address) reported our mail as abuse" : "mail to \(address) came back: \(detail)",
            data: ["address": .string(address), "status": .string(status), "outbox": JSON(outbox.number)])
        // RFC 3463, section 2: 4 is a delay or a passing fault, 5 is for good.
        guard !isReport, !status.hasPrefix("4"), !status.hasPrefix("2") else { return (.bounced(living.number), nil, reason: "a delivery report") }
        try db.execute("UPDATE outbox SET state = 'bounced', due_at = NULL, error = \(String(detail.prefix(500))) WHERE id = \(outbox)")
        try db.execute("UPDATE customer_address SET undeliverable_at = \(now) WHERE address = \(address)")
        try tellWorkers(of: living, .undelivered, entry: nil, by: .mail, reason: "Your mail to \(address) came back: \(detail)")
        return (.bounced(living.number), nil, reason: "a delivery report")
    }

    private func outboxRow(_ condition: SQL) throws -> (OutboxMail.ID, Ticket.ID, String)? {
        try db.first("SELECT id, ticket_id, address FROM outbox WHERE \(condition)") { (try $0.read(), try $0.read(), try $0.read()) }
    }
}
