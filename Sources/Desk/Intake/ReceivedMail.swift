import Crypto
import Foundation
import Mail
import Store

/// A message that came in, with what the mail server said of it.
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

    /// What makes the same message twice one entry: its Message-ID, or where it has none its bytes.
    package var key: String {
        let id = message.messageID
        if id.isEmpty { return "sha256:\(hash)" }
        return id.utf8.count <= 250 ? "id:\(id)" : "id-sha256:\(Hex.encode(SHA256.hash(data: Data(id.utf8))))"
    }

    /// Who wrote: `From`, else the envelope's sender.
    var author: MailAddress? { message.from ?? sender }

    /// For whom a new ticket is: `Reply-To` where a person wrote and it names one address that is not ours (RFC 5322, section 3.6.2), else who wrote.
    func requester(ours: Set<String>) -> MailAddress? {
        guard message.automatic == .no, message.replyTo.count == 1, let wanted = message.replyTo.first, let author, wanted.address != author.address, !ours.contains(wanted.withoutDetail) else { return author }
        return wanted.name.isEmpty ? MailAddress(name: author.name, wanted.address) ?? wanted : wanted
    }

    /// Signed tokens in the order they count: reply address, `In-Reply-To`, `References` from the newest on.
    func tokens(_ signer: Signer) -> [MailToken] {
        let addressed = ([mailbox].compactMap { $0 } + message.deliveredTo + message.to + message.cc).compactMap { $0.detail.flatMap { MailToken($0, signer: signer) } }
        let referred = (message.inReplyTo + message.references.reversed()).compactMap { OwnMessageID($0, signer: signer)?.token }
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

    /// Why a program's message gets no automatic answer; nil for a person's.
    func silence(ours: Set<String>) -> String? {
        if let author, ours.contains(author.withoutDetail) { return "it came from our own address" }
        switch message.automatic {
        case .no: break
        case .reply: return "it is an automatic answer"
        case .bulk: return "it came through a list or a mass mailing"
        case .generated: return "a program sent it"
        case .bounce: return "it is a delivery report"
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
