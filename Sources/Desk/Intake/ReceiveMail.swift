import Domain
import Foundation
import Mail
import Primitives
import Store

extension Desk {
    /// Takes a message in: reads it, keeps its bytes and files, then threads or opens in one transaction.
    ///
    /// Returns only after commit. Throws `StoreError` where it cannot be stored now; the mail server then tries again.
    package func receive(
        _ message: Data, sender: EnvelopeSender = .unknown, mailbox: MailAddress? = nil, insteadOf former: Int64? = nil
    ) async throws -> IntakeOutcome {
        let bytes = sender.delivered(message)
        var mail = try await BlockingLane.reading.run { [files] in
            try ReceivedMail(bytes, sender: sender.address, mailbox: mailbox, store: files)
        }
        mail.isByHand = former != nil
        // What an agent's answer says goes to customers, so it is judged whatever form it has.
        if mail.mayQuote || mail.isForAgents(office.signer) {
            let known = try await read { [office, mail, now = clock.now()] in
                try $0.knownWords(for: mail, office, at: now)
            }
            mail = try await BlockingLane.reading.run { [mail] in mail.folded(knowing: known) }
        }
        let twin = former == nil ? try await twin(of: mail) : nil
        return try await write { [mail] tx in
            if let former { try tx.db.execute("DELETE FROM received WHERE id = \(former) AND outcome = 'rejected'") }
            if let twin {
                try tx.db.execute(
                    """
                    UPDATE received SET key = \(mail.key) WHERE id = \(twin) AND NOT EXISTS (SELECT 1
                    FROM received AS known WHERE known.key = \(mail.key))
                    """
                )
            }
            return try tx.receive(mail)
        }
    }

    /// The same message as it was taken in when a Message-ID alone was the key.
    private func twin(of mail: ReceivedMail) async throws -> Int64? {
        guard let former = MessageKey.former(mail.message) else { return nil }
        let found = try await read { db in
            try db.first("SELECT id, raw FROM received WHERE key = \(former)") {
                (try $0.read(Int64.self), try $0.read(String?.self))
            }
        }
        guard let (id, raw) = found, let raw else { return nil }
        let isSame = try await BlockingLane.reading.run { [files, key = mail.key] in
            // Bytes that are gone cannot be compared: better one entry too many than one too few.
            guard let bytes = try? files.bytes(of: raw) else { return false }
            return try ReceivedMail(bytes, sender: nil, mailbox: nil, store: files).key == key
        }
        return isSame ? id : nil
    }

    /// Takes in by hand what was set aside: whatever was guessed about it, a person has looked at it and wants a
    /// ticket.
    package func takeInAgain(_ id: Int64) async throws -> IntakeOutcome {
        let found = try await read { db in
            try db.first("SELECT raw, sender, mailbox FROM received WHERE id = \(id) AND outcome = 'rejected'") {
                (try $0.read(String.self), try $0.read(String?.self), try $0.read(String?.self))
            }
        }
        guard let (hash, sender, mailbox) = found else { throw Refusal.notFound }
        let bytes = try await BlockingLane.reading.run { [files] in try files.bytes(of: hash) }
        return try await receive(
            bytes, sender: sender.map { EnvelopeSender($0) } ?? .unknown, mailbox: mailbox.flatMap { MailAddress($0) },
            insteadOf: id)
    }
}

extension Transaction {
    /// The ledger first: its unique key is what makes two deliveries of one message, even at the same moment, one
    /// entry.
    func receive(_ mail: ReceivedMail) throws -> IntakeOutcome {
        try keep(mail.raw)
        let ledger: Int64? = try db.value(
            """
            INSERT INTO received (key, at, outcome, sender, mailbox, subject, raw)
            VALUES (\(mail.key), \(now), 'taken', \(mail.from?.address), \(mail.mailbox?.address),
            \(mail.message.subject), \(mail.hash))
            ON CONFLICT (key) DO NOTHING RETURNING id
            """)
        guard let ledger else { return try seenBefore(mail) }
        let (outcome, entry, reason) = try place(mail)
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
        let known = try db.first(
            """
            SELECT ticket.number, received.reason FROM received LEFT JOIN ticket ON ticket.id = received.ticket_id
            WHERE received.key = \(mail.key)
            """
        ) {
            (try $0.read(Int64?.self), try $0.read(String.self))
        }
        guard let known else { throw StoreError.conflict("another delivery of the same message is under way") }
        return known.0.map { .duplicate($0) } ?? .rejected(known.1)
    }

    typealias Placed = (IntakeOutcome, Entry.ID?, reason: String)

    private func place(_ mail: ReceivedMail) throws -> Placed {
        let ours = try ownAddresses(mail)
        let authorship = Authorship(mail.message, sender: mail.sender, ours: ours)
        if !mail.isByHand {
            if OwnMessageID(mail.message.messageID, signer: office.signer) != nil {
                return reject("a copy of our own mail")
            }
            if mail.isReport { return try bounce(mail) }
            if mail.message.automatic == .receipt { return reject("a read receipt") }
            if let from = mail.from, let pattern = try db.ban(of: from.address) {
                return reject("its sender is on the blocklist: \(pattern)")
            }
        }
        let arrival = Arrival(
            mail: mail, authorship: authorship, ours: ours,
            isProved: !authorship.isClaimed && mail.message.isProved(by: settings.authservID))
        // Whoever writes can be written to; a program's word says nothing of that, nor does what somebody else put into
        // Reply-To.
        if mail.message.automatic == .no, !authorship.isClaimed, let author = authorship.author {
            try forgetReturns(of: author.address)
        }
        for token in try tokens(of: mail) {
            if let placed = try add(arrival, by: token) { return placed }
        }
        if let placed = try addAnswer(arrival) { return placed }
        if let number = mail.subjectNumber, let placed = try add(arrival, bySubject: number) { return placed }
        return try openTicket(arrival)
    }

    func reject(_ reason: String) -> Placed { (.rejected(reason), nil, reason) }

    /// A message on its way into a ticket, with what is known of its author.
    private struct Arrival {
        let mail: ReceivedMail
        let authorship: Authorship
        let ours: Set<String>
        /// The desk's own mail server found that `From` is genuine.
        let isProved: Bool

        var author: MailAddress? { authorship.author }
        var messageID: String? { MessageKey.identifier(mail.message) }
        /// Whom it was addressed to besides us.
        var others: [MailAddress] {
            let list = MailingList(mail.message.headers)
            var known: Set = [author?.address ?? "", mail.from?.address ?? ""]
            return (mail.message.to + mail.message.cc).prefix(Transaction.mostAddressed).filter {
                !ours.contains($0.withoutDetail) && !list.isAddress($0) && !$0.isUnattended
                    && known.insert($0.address).inserted
            }
        }
        /// Whether it names us: what came through an alias or as a blind copy is for others in some way nobody can
        /// tell.
        var namesUs: Bool { (mail.message.to + mail.message.cc).contains { ours.contains($0.withoutDetail) } }

        func provenance(isUnverified: Bool) -> Provenance {
            Provenance(
                isUnverified: isUnverified, sentBy: authorship.sentBy, addressed: namesUs ? others.map(\.address) : [])
        }
    }

    // MARK: threading

    /// The signed tokens of a mail. Where the reply it answers was split off since, they lead where that went.
    private func tokens(of mail: ReceivedMail) throws -> [MailToken] {
        let tokens = mail.tokens(office.signer)
        guard let answered = mail.answered.first.flatMap({ OwnMessageID($0, signer: office.signer) }),
            let row = answered.outbox
        else { return tokens }
        let place: Ticket.ID? = try db.value("SELECT ticket_id FROM outbox WHERE id = \(row)")
        guard let place, place != answered.token.ticket else { return tokens }
        return tokens.map {
            $0.ticket == answered.token.ticket ? MailToken(ticket: place, recipient: $0.recipient) : $0
        }
    }

    /// A signed token leads into its ticket; who wrote decides as what. Nil where the ticket is gone.
    private func add(_ arrival: Arrival, by token: MailToken) throws -> Placed? {
        guard let ticket = try ticketIfAny(token.ticket) else { return nil }  // purged: as if never signed
        let address = arrival.author?.address ?? ""
        switch token.recipient {
        case .agent(let id), .agentNote(let id):
            if !arrival.authorship.isClaimed, let agent = try db.agent(id), agent.email == address, agent.isActive,
                agent.role >= .agent, try sees(agent, ticket)
            {
                if case .agentNote = token.recipient {
                    return try agentWrote(arrival.mail, agent, as: .note, in: ticket)
                }
                return try agentWrote(arrival.mail, agent, as: .reply, in: ticket)
            }
        case .customer(let id):
            // The token was mailed to this customer, so it proves the customer, and nobody else.
            if try db.addresses(of: id).contains(address), try db.takesPart(id, in: ticket) {
                return try customerWrote(arrival, id, in: ticket, reason: "its signed token", isProved: true)
            }
        }
        if let customer = try db.customer(address: address), try db.takesPart(customer.id, in: ticket) {
            return try customerWrote(
                arrival, customer.id, in: ticket, reason: "a signed token, from somebody who takes part",
                isProved: arrival.isProved)
        }
        return try strangerWrote(arrival, in: ticket, reason: "a signed token, from someone new", isUnverified: false)
    }

    /// An answer to a message the desk took in, by somebody who takes part in its ticket or whom that message was
    /// addressed to.
    private func addAnswer(_ arrival: Arrival) throws -> Placed? {
        guard let author = arrival.author else { return nil }
        let ids = arrival.mail.answered.filter { $0.utf8.count > 3 }
        let known = try db.messages(named: ids)
        guard !known.isEmpty else { return nil }
        let customer = try db.customer(address: author.address)
        let byNearness = known.sorted {
            (ids.firstIndex(of: $0.id) ?? 0, $0.ticket.number) < (ids.firstIndex(of: $1.id) ?? 0, $1.ticket.number)
        }
        for message in byNearness {
            guard let ticket = try ticketIfAny(message.ticket), ticket.state != .spam else { continue }
            if let customer, try db.takesPart(customer.id, in: ticket) {
                return try customerWrote(
                    arrival, customer.id, in: ticket,
                    reason: "it answers a message of this ticket, from somebody who takes part",
                    isProved: arrival.isProved)
            }
            if message.addressed.contains(author.address), try !wasTakenOut(author.address, of: ticket.id) {
                return try strangerWrote(
                    arrival, in: ticket, reason: "it answers a message of this ticket that was addressed to its sender",
                    isUnverified: !arrival.isProved)
            }
        }
        return nil
    }

    private func add(_ arrival: Arrival, bySubject number: Int64) throws -> Placed? {
        guard let author = arrival.author, let customer = try db.customer(address: author.address) else { return nil }
        guard
            let named = try db.first(
                "SELECT id FROM ticket WHERE number = \(number) AND state <> 'deleted'", { try $0.read(Ticket.ID.self) }
            )
        else { return nil }
        let ticket = try db.livingTicket(named)
        guard try db.takesPart(customer.id, in: ticket) else { return nil }
        return try customerWrote(
            arrival, customer.id, in: ticket, reason: "the number in its subject, from somebody who takes part",
            isProved: arrival.isProved)
    }

    /// The ticket, or where it was merged to; nil where there is none any more.
    private func ticketIfAny(_ id: Ticket.ID) throws -> Ticket? {
        do {
            let ticket = try db.livingTicket(id)
            return ticket.state == .deleted ? nil : ticket
        } catch Refusal.notFound { return nil }
    }

    private func sees(_ agent: Agent, _ ticket: Ticket) throws -> Bool {
        try db.may(.agent(agent), .see, ticket.id)
    }

    // MARK: entries

    private func customerWrote(
        _ arrival: Arrival, _ customer: Customer.ID, in ticket: Ticket, reason: String, isProved: Bool
    ) throws -> Placed {
        let name = arrival.author?.name ?? ""
        let known = name.isEmpty ? try db.value("SELECT name FROM customer WHERE id = \(customer)") ?? "" : name
        let author = Author(.customer, id: customer.number, name: known, address: arrival.author?.address)
        if isProved { try prove(customer, in: ticket.id) }
        let placed = try received(
            arrival, in: ticket, by: author, reason: isProved ? reason : reason + "; unverified sender",
            isUnverified: !isProved)
        if isProved { try bringIn(arrival, to: ticket.id, by: author) }
        return placed
    }

    private func strangerWrote(_ arrival: Arrival, in ticket: Ticket, reason: String, isUnverified: Bool) throws
        -> Placed
    {
        let author = Author(
            .customer, id: nil, name: arrival.author?.name ?? "", address: arrival.author?.address, isStranger: true)
        return try received(arrival, in: ticket, by: author, reason: reason, isUnverified: isUnverified)
    }

    private func received(_ arrival: Arrival, in ticket: Ticket, by author: Author, reason: String, isUnverified: Bool)
        throws -> Placed
    {
        let mail = arrival.mail
        // Marks of lists and programs keep the desk from answering; only an automatic answer, or our own mail coming
        // back, is no news to the agents.
        let isOwn = author.address.flatMap { MailAddress($0) }.map { arrival.ours.contains($0.withoutDetail) } ?? false
        let quietly =
            mail.isAutomaticAnswer ? "it is an automatic answer" : isOwn ? "it came from our own address" : nil
        let outcome = try receive(
            mail.answer, in: ticket, by: author, files: mail.files, source: .email, quietly: quietly,
            messageID: arrival.messageID, raw: mail.hash,
            provenance: arrival.provenance(isUnverified: isUnverified))
        switch outcome {
        case .added(let ticket, let entry): return (.added(ticket.number), entry, reason: reason)
        case .continued(let ticket, let entry):
            return (.opened(ticket.number), entry, reason: "\(reason); that ticket was closed too long ago")
        }
    }

    private func agentWrote(_ mail: ReceivedMail, _ agent: Agent, as kind: Entry.Kind, in ticket: Ticket) throws
        -> Placed
    {
        var ticket = ticket
        let reason = "the agent's own signed token"
        // An agent's out-of-office notice is no answer to a customer; what only bears a list's marks is.
        guard !mail.isAutomaticAnswer else { return reject("an automatic answer of an agent's mailbox") }
        let entry: Entry.ID
        let takesReplies = ![.merged, .spam, .deleted].contains(ticket.state)
        let messageID = MessageKey.identifier(mail.message)
        if kind == .reply, takesReplies {
            entry = try reply(
                to: &ticket, mail.answer, by: Actor(agent), files: mail.files, source: .email,
                messageID: messageID,
                raw: mail.hash)
        } else {
            entry = try note(
                on: &ticket, mail.answer, by: Actor(agent), files: mail.files, source: .email,
                messageID: messageID,
                raw: mail.hash)
        }
        return (.added(ticket.number), entry, reason: reason)
    }

    private func openTicket(_ arrival: Arrival) throws -> Placed {
        let mail = arrival.mail
        let nobody = MailAddress(name: "Unknown sender", "unknown@sender.invalid")
        guard let requester = arrival.author ?? nobody else { return reject("it has no sender") }
        if let from = mail.from, let agent = try db.agent(email: from.address), agent.isActive, agent.role >= .agent,
            mail.message.automatic == .no,
            let (passedOn, words, comment) = mail.passedOn, !arrival.ours.contains(passedOn.from.withoutDetail)
        {
            return try openPassedOn(passedOn, words, comment, arrival, by: agent)
        }
        var request = NewTicket(
            requester: requester, subject: mail.message.subject, writing: mail.opening(ours: arrival.ours),
            source: .email)
        request.files = mail.files
        request.messageID = arrival.messageID
        request.raw = mail.hash
        request.language = mail.message.language
        request.provenance = arrival.provenance(isUnverified: false)
        request.isProved = arrival.isProved
        request.silence =
            arrival.author == nil ? "its sender is unknown" : mail.silence(to: arrival.author, ours: arrival.ours)
        if mail.isByHand, mail.isReport || mail.message.automatic != .no {
            request.silence = request.silence ?? "an administrator processed it again"
        }
        try route(&request, mail)
        let (ticket, entry) = try open(request, by: nil)
        // Where the own mail server is asked who wrote, nobody is brought in on a word it does not confirm; nor ever by
        // whoever set a Reply-To.
        if !arrival.authorship.isClaimed, arrival.isProved || settings.authservID.isEmpty {
            try bringIn(
                arrival, to: ticket.id,
                by: Author(
                    .customer, id: ticket.customer.number, name: ticket.requesterName, address: ticket.requesterAddress)
            )
        }
        let whose = arrival.authorship.isClaimed ? "; \(mail.from?.address ?? "") sent it for the requester" : ""
        return (
            .opened(ticket.number), entry,
            reason:
                """
            no token and no number of a ticket its sender takes part in\(whose)\
            \(mail.isByHand ? "; processed again by an administrator" : "")
            """
        )
    }

    /// A mail an agent passed on opens a ticket for who wrote it; what the agent says of it is a note.
    private func openPassedOn(
        _ passedOn: ForwardedMail, _ words: Writing, _ comment: Writing, _ arrival: Arrival, by agent: Agent
    ) throws -> Placed {
        let mail = arrival.mail
        var request = NewTicket(
            requester: passedOn.from, subject: passedOn.subject ?? mail.message.subject, writing: words, source: .email)
        request.files = mail.files
        request.messageID = arrival.messageID
        request.raw = mail.hash
        request.provenance.sentBy = SentBy(mail.message, author: passedOn.from, envelope: mail.sender)
        try route(&request, mail)
        let (opened, entry) = try open(request, by: Actor(agent))
        if !comment.text.isEmpty {
            var ticket = try db.ticket(opened.id)
            _ = try note(on: &ticket, comment, by: Actor(agent), files: [], source: .email)
        }
        return (.opened(opened.number), entry, reason: "\(agent.name) forwarded an email from \(passedOn.from.address)")
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

    private func ownAddresses(_ mail: ReceivedMail) throws -> Set<String> { try db.ownAddresses(mail, office) }

    /// Whom a customer addressed besides us takes part from then on; not who was taken out before, no agent, no list,
    /// no program, and nobody from a mass mailing.
    private func bringIn(_ arrival: Arrival, to id: Ticket.ID, by author: Author) throws {
        guard arrival.mail.message.automatic == .no, arrival.author != nil, arrival.namesUs else { return }
        let ticket = try db.ticket(id)
        guard TicketAction.addCollaborator.isAllowed(in: ticket.state) else { return }
        var known = Set(
            [author.address, ticket.requesterAddress].compactMap { $0 } + (try db.collaborators(of: id)).map(\.address))
        for address in arrival.others where known.insert(address.address).inserted {
            guard try db.agent(email: address.address) == nil, try !wasTakenOut(address.address, of: id) else {
                continue
            }
            try addCollaborator(address, to: ticket, by: author.actor, reason: "the email was also addressed to them")
        }
    }
    fileprivate static var mostAddressed: Int { 30 }

    private func wasTakenOut(_ address: String, of ticket: Ticket.ID) throws -> Bool {
        let gone = try db.query(
            """
            SELECT data FROM ticket_event WHERE ticket_id = \(ticket)
            AND kind IN (\(TicketEvent.Kind.collaboratorRemoved), \(TicketEvent.Kind.requesterChanged))
            """
        ) {
            let data = JSON(try $0.read(String.self))
            return data?["email"]?.text ?? data?["from"]?.text
        }
        return gone.contains(address)
    }
}

extension Connection {
    /// All addresses the desk reads as.
    fileprivate func ownAddresses(_ mail: ReceivedMail, _ office: Office) throws -> Set<String> {
        var ours: Set<String> = Set(try query("SELECT address FROM mailbox WHERE is_active = 1") { try $0.read() })
        ours.insert(office.mailbox.withoutDetail)
        if let mailbox = mail.mailbox { ours.insert(mailbox.withoutDetail) }
        return ours
    }
}
