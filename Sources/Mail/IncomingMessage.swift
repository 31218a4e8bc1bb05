import Foundation

/// A message as it came in, read as far as it can be read. Knows nothing of tickets.
package struct IncomingMessage: Sendable {
    /// Every field of the header, for what is asked seldom.
    package var headers = Headers()
    /// Without angle brackets; empty when the message carries none.
    package var messageID = ""
    package var inReplyTo: [String] = []
    package var references: [String] = []
    package var from: MailAddress?
    package var replyTo: [MailAddress] = []
    package var to: [MailAddress] = []
    package var cc: [MailAddress] = []
    /// Where the mail servers on the way say it was delivered: `Delivered-To`, `X-Original-To`, `Envelope-To`.
    package var deliveredTo: [MailAddress] = []
    /// The empty return path `<>` of bounces (RFC 5321, section 4.5.5).
    package var hasEmptyReturnPath = false
    package var subject = ""
    package var sentAt: Date?
    /// The text to read, from the plain part or, where there is none, from the HTML.
    package var text = ""
    /// The HTML part as it came: unsafe until it is sanitized.
    package var html: String?
    package var attachments: [Attachment] = []
    /// What its writer's program says of the language: `Content-Language` (RFC 3282), else the first of
    /// `Accept-Language`; the first part of the tag.
    package var language: String?
    package var automatic = Automatic.no
    /// Its subject has the form of an automatic answer's, which proves nothing by itself.
    package var hasReplySubject = false
    /// What a bounce says, when it is one or looks like one.
    package var bounce: Bounce?
    /// What a reader has to know besides the words: that a signature was not verified, that it is encrypted.
    package var notes: [String] = []
    /// Why parts of it could not be read; empty for a sound message.
    package var faults: [String] = []

    /// A file that came with the message.
    package struct Attachment: Sendable {
        package var name: String
        package var type: String
        package var bytes: Data
        /// Without angle brackets, for `cid:` links in the HTML.
        package var contentID: String?
        package var isInline = false
    }

    /// Whether a program sent the message, and which kind; nobody answers a program automatically.
    package enum Automatic: String, Sendable {
        case no
        /// Out-of-office and its like (RFC 3834).
        case reply
        /// A list or a mass mailing.
        case bulk
        /// Another program's notice.
        case generated
        /// Could not be delivered, or is late (RFC 3464): by evidence that no person's mail has.
        case bounce
        /// A mail system sent it, or somebody who writes as `postmaster@`: nothing proves that a mail came back.
        case guessedBounce
        /// An abuse report (RFC 5965).
        case report
        /// Says that somebody's program has shown a mail (RFC 8098).
        case receipt
    }

    /// What a delivery report says of our own message.
    package struct Bounce: Sendable, Equatable {
        /// Message-IDs of the returned message, without angle brackets.
        package var messageIDs: [String] = []
        package var recipient: String?
        /// RFC 3463, such as `5.1.1`.
        package var status: String?
        package var detail = ""
    }

    package init() {}

    package var recipients: [MailAddress] { to + cc + deliveredTo }

    /// Whether its subject says that it answers a mail, also one that never came here. A mail that is passed on has a
    /// mark of its own.
    package var isAnswer: Bool {
        let mark = subject.prefix(12).lowercased().prefix { $0 != ":" && $0 != "：" && $0 != "[" }
        return mark.count < min(subject.count, 12) && Self.answerMarks.contains(String(mark).trimmingWhitespace())
    }
    static let answerMarks: Set<String> = [
        "re", "r", "aw", "sv", "antw", "res", "rif", "odp", "ynt", "vá", "ref", "vast", "atb", "bls", "σχετ", "απ",
        "отв",
        "回复", "答复",
        "回覆", "答覆", "返信", "회신",
    ]
}
