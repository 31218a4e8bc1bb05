import Domain
import Foundation
import Mail
import Primitives
import Store

/// What the desk holds of a conversation that an answer goes on with.
struct KnownConversation: Sendable {
    let words: KnownWords
    /// For an agent's answer: what only agents have read.
    var inside: Inside?

    /// What only agents have read, and what is sent to no customer with an agent's answer that quotes it.
    struct Inside: Sendable {
        /// The notices that agents got.
        let notices: KnownWords
        let notes: KnownWords
        /// What customers have read as well.
        let shown: KnownWords

        /// Which lines of an answer were quoted from it. A note counts where it stands behind the mark of a quote: an
        /// agent who writes the same words to the customer means them.
        func quotes(_ lines: [Substring]) -> [Bool] {
            let bare = lines.map { $0.drop { ">|".contains($0) || $0.isWhitespace } }
            let notified = notices.repeated(in: bare)
            return lines.indices.map { index in
                let isMarked = lines[index].first { !$0.isWhitespace }.map { ">|".contains($0) } ?? false
                let isInside =
                    notified[index]
                    || isMarked && (notices.hold(bare[index]) ?? false || notes.hold(bare[index]) ?? false)
                return isInside && shown.hold(bare[index]) != true
            }
        }
    }
}

extension Connection {
    /// What the desk holds of the conversations an answer names: what was said there, and the mails it sent. Whether
    /// the sender takes part is asked later, and nothing of this is shown.
    func knownWords(for mail: ReceivedMail, _ office: Office, at now: Date) throws -> KnownConversation {
        let settings = try settings()
        let tokens = mail.tokens(office.signer)
        let isAgents = mail.isForAgents(office.signer)
        var tickets = tokens.map(\.ticket)
        tickets += try messages(named: mail.answered.filter { $0.utf8.count > 3 }).map(\.ticket)
        if let number = mail.subjectNumber {
            tickets += try query("SELECT id FROM ticket WHERE number = \(number)") { try $0.read(Ticket.ID.self) }
        }
        let ids = mail.answered.compactMap { OwnMessageID($0, signer: office.signer)?.outbox?.number }
        let answered = ids.isEmpty ? [] : try mails("id IN (\(list: Array(ids.prefix(Self.mostAnswered))))")
        var others: [OutboxMail] = []
        let without: SQL = isAgents ? "" : "AND kind <> 'note'"
        var said: [String] = []
        var notes: [String] = []
        var shown: [String] = []
        var names = [settings.name]
        var looked: Set<Ticket.ID> = []
        for ticket in tickets where looked.count < Self.mostLooked && looked.insert(ticket).inserted {
            // What stands folded on the page is held as well; notes are known to agents alone.
            let entries = try query(
                """
                SELECT substr(text, 1, 20000), substr(COALESCE(quoted, ''), 1, 20000), author_name, kind
                FROM entry
                WHERE ticket_id IN (SELECT id FROM ticket WHERE id = \(ticket) OR merged_into_id = \(ticket)
                    OR id = (SELECT merged_into_id FROM ticket WHERE id = \(ticket)))
                \(without) ORDER BY id DESC LIMIT 30
                """
            ) {
                (
                    text: try $0.read(String.self), quoted: try $0.read(String.self), name: try $0.read(String.self),
                    kind: try $0.read(Entry.Kind.self)
                )
            }
            notes += entries.filter { $0.kind == .note }.map(\.text)
            // What an agent's answer quoted may be for agents alone.
            shown +=
                entries.filter { $0.kind != .note }.map(\.text)
                + entries.filter { $0.kind == .message }.map(\.quoted)
            said += entries.map(\.text) + entries.map(\.quoted).filter { !$0.isEmpty }
            names += entries.map(\.name)
            others += try mails("ticket_id = \(ticket)").filter { mail in !answered.contains { $0.id == mail.id } }
        }
        var notices: [String] = []
        /// The mails as they were sent; of those that are answered every form they may have had.
        func letters(of mails: [OutboxMail], all: Bool) throws -> [String] {
            var letters: [String] = []
            for mail in mails where isAgents || mail.kind.isForCustomer {
                guard let ticket = mail.ticket else { continue }
                names.append(mail.name)
                do {
                    let letter = try Letter(mail, about: ticket, db: self, office: office, settings: settings)
                    let texts = (all ? letter.texts(date: now) : [letter.message(date: now).text]).map {
                        String($0.prefix(20_000))
                    }
                    letters += texts
                    if !mail.kind.isForCustomer { notices += texts.prefix(1) }
                } catch is Refusal { continue }
            }
            return letters
        }
        let newest = try letters(of: answered, all: true)
        let older = try letters(of: others, all: answered.isEmpty)
        let from = mail.from
        let words = KnownWords(
            texts: newest + said + older, names: names, author: [from?.name ?? "", from?.localPart ?? ""],
            home: office.url)
        guard isAgents else { return KnownConversation(words: words) }
        return KnownConversation(
            words: words,
            inside: KnownConversation.Inside(
                notices: KnownWords(texts: notices), notes: KnownWords(texts: notes),
                shown: KnownWords(texts: shown, home: office.url)))
    }
    private static var mostLooked: Int { 3 }
    private static var mostAnswered: Int { 5 }

    /// The newest mails of the outbox of which something is true.
    private func mails(_ condition: SQL) throws -> [OutboxMail] {
        try query(
            """
            SELECT id, kind, ticket_id, entry_id, recipient_kind, recipient_id, address, name, data, attempts,
            created_at FROM outbox WHERE \(condition) ORDER BY id DESC LIMIT 10
            """
        ) { row in
            let id: OutboxMail.ID = try row.read()
            let kind: MailKind = try row.read()
            return OutboxMail(
                id: id, kind: kind, ticket: try row.read(), entry: try row.read(),
                recipient: recipient(try row.read(), try row.read(), of: kind), address: try row.read(),
                name: try row.read(), data: JSON(try row.read(String.self)) ?? .object([:]),
                attempts: try row.read(), createdAt: try row.read())
        }
    }
}
