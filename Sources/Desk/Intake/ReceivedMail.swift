import Crypto
import Foundation
import Mail
import Store

/// A message that came in, read and made fit to keep, with what the mail server said of it.
package struct ReceivedMail: Sendable {
    package let message: IncomingMessage
    /// The envelope's sender; nil where the channel has no envelope.
    package let sender: MailAddress?
    /// The address of ours it was delivered to.
    package let mailbox: MailAddress?
    /// SHA-256 of the bytes.
    package let hash: String
    /// The bytes in the file store.
    package let raw: StoredFile
    /// Its attachments, and the message itself where it could not be read in full.
    package let files: [StoredFile]
    /// What makes the same message twice one entry.
    package let key: String
    /// Its words where it opens a ticket: all of them, since nobody has read them yet.
    private let opening: Writing
    /// The same with the one mail folded that an answer quotes below its new words, and who wrote that mail.
    private let openingBelow: (writer: MailAddress, writing: Writing)?
    /// Its words where it answers, an agent's as well: all of them until it is known what the desk holds. Of an agent's
    /// answer what stays in view is what the customer gets.
    private(set) var answer: Writing
    /// Whether any of it has the form of a history.
    let mayQuote: Bool
    private let written: Writing
    private let stead: String
    /// Somebody else's mail that it passes on.
    let passedOn: (mail: ForwardedMail, words: Writing, comment: Writing)?
    /// An administrator took it in by hand: a person has judged it.
    var isByHand = false

    /// Reads a message and keeps its bytes and files. Slow: on a lane of its own, before any transaction.
    init(_ bytes: Data, sender: MailAddress?, mailbox: MailAddress?, store: FileStore) throws {
        let message = MessageReader.read(bytes)
        let hash = try store.keep(bytes, packs: true)
        var files: [StoredFile] = []
        for attachment in message.attachments {
            files.append(
                StoredFile(
                    hash: try store.keep(attachment.bytes), size: attachment.bytes.count, name: attachment.name,
                    type: attachment.type,
                    contentID: attachment.contentID, isInline: attachment.isInline))
        }
        key = MessageKey.of(message, bytes: hash, files: files.map(\.hash))
        raw = StoredFile(hash: hash, size: bytes.count, name: "message.eml", type: "message/rfc822")
        if !message.faults.isEmpty { files.append(raw) }
        let written = Writing(text: message.text, html: message.html)
        let stead = files.isEmpty ? "(no text)" : "(no text, see the attachments)"
        opening = written.saying(stead).noting(message.notes)
        answer = opening
        mayQuote = written.foldingHistory().quoted != nil
        let quoted = message.isAnswer ? QuotedMail(in: written.text, by: message.from) : nil
        openingBelow = quoted.map { ($0.writer, written.folding($0).noting(message.notes)) }
        passedOn = ForwardedMail(message).map {
            ($0, Writing($0.text.isEmpty ? "(no text)" : $0.text, type: .text), Writing($0.comment, type: .text))
        }
        self.written = written
        self.stead = stead
        self.message = message
        self.sender = sender
        self.mailbox = mailbox
        self.hash = hash
        self.files = files
    }

    /// The same with its history judged by what the desk holds of the conversation. Slow: on a lane of its own.
    func folded(knowing known: KnownConversation) -> ReceivedMail {
        var mail = self
        var words = written.foldingHistory(knowing: known.words)
        if let inside = known.inside { words = words.leavingOut(inside.quotes) }
        mail.answer = words.saying(stead).noting(message.notes)
        return mail
    }

    /// Its words where it opens a ticket. What is folded is only what the desk itself wrote before: whoever reads the
    /// ticket has sent that mail, and has seen nothing else that is quoted.
    ///
    /// - Parameter ours: the addresses the desk reads as.
    func opening(ours: Set<String>) -> Writing {
        guard let openingBelow, ours.contains(openingBelow.writer.withoutDetail) else { return opening }
        return openingBelow.writing
    }

    /// `From`, else the envelope's sender.
    var from: MailAddress? { message.from ?? sender }

    /// Message-IDs of what it answers, the nearest first.
    var answered: [String] {
        var ids: [String] = []
        for id in message.inReplyTo + message.references.reversed()
        where !ids.contains(id) && ids.count < Self.mostReferences { ids.append(id) }
        return ids
    }
    private static let mostReferences = 100

    /// Whether it is certain that this is a report about another mail. What only looks like one is a person's.
    var isReport: Bool { message.automatic == .bounce || message.automatic == .report }
    /// An out-of-office answer and its like: kept, and nothing follows from it. Where nothing but the form of the subject
    /// says so, it repeats the subject of our own mail with its number: people put their own words there.
    var isAutomaticAnswer: Bool {
        switch message.automatic {
        case .reply: true
        case .no, .generated, .bulk: message.hasReplySubject && subjectNumber != nil
        case .bounce, .guessedBounce, .report, .receipt: false
        }
    }

    /// Whether it answers a mail that the desk sent to an agent.
    func isForAgents(_ signer: Signer) -> Bool {
        tokens(signer).contains { if case .customer = $0.recipient { false } else { true } }
    }

    /// Signed tokens in the order they count: reply address, `In-Reply-To`, `References` from the newest on.
    func tokens(_ signer: Signer) -> [MailToken] {
        let addressed = ([mailbox].compactMap { $0 } + message.deliveredTo + message.to + message.cc).compactMap {
            $0.detail.flatMap { MailToken($0, signer: signer) }
        }
        let referred = answered.compactMap { OwnMessageID($0, signer: signer)?.token }
        return addressed + referred
    }

    /// `[#100001]` in the subject; it leads only to a ticket the sender takes part in.
    var subjectNumber: Int64? {
        var rest = message.subject[...]
        while let open = rest.range(of: "[#") {
            let digits = rest[open.upperBound...].prefix { $0.isASCII && $0.isNumber }
            if !digits.isEmpty, rest[digits.endIndex...].hasPrefix("]"), let number = Int64(digits) { return number }
            rest = rest[open.upperBound...]
        }
        return nil
    }

    /// Why a message gets no automatic answer; nil for a person's.
    func silence(to author: MailAddress?, ours: Set<String>) -> String? {
        if let author, ours.contains(author.withoutDetail) { return "it came from our own address" }
        if let author, author.isUnattended { return "\(author.address) is an unattended address" }
        if isAutomaticAnswer { return "it is an automatic answer" }
        switch message.automatic {
        case .no: break
        case .reply: return "it is an automatic answer"
        case .bulk: return "it came through a list or a mass mailing"
        case .generated: return "a program sent it"
        case .bounce: return "it is a delivery report"
        case .guessedBounce: return "a mail system may have sent it"
        case .report: return "it is an abuse report"
        case .receipt: return "it is a read receipt"
        }
        if message.hasEmptyReturnPath || sender == nil && message.from == nil { return "it has no sender to answer" }
        return nil
    }
}

/// What became of a message; its text is what `usher intake` prints.
package enum IntakeOutcome: Sendable, Equatable {
    case opened(Int64)
    case added(Int64)
    /// A delivery report, noted on the ticket whose mail came back.
    case bounced(Int64)
    case duplicate(Int64)
    case rejected(String)

    package var text: String {
        switch self {
        case .opened(let number), .added(let number), .bounced(let number): String(number)
        case .duplicate(let number): "duplicate: \(number)"
        case .rejected(let reason): "rejected: \(reason)"
        }
    }
    var word: String {
        switch self {
        case .opened: "opened"
        case .added: "added"
        case .bounced: "bounced"
        case .duplicate: "duplicate"
        case .rejected: "rejected"
        }
    }
}
