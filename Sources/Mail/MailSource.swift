import Foundation

/// A message that lies in a mailbox: how the server names it, and its size in bytes as the server says.
package struct WaitingMessage: Sendable, Equatable {
    package let key: String
    package let size: Int
    package init(key: String, size: Int) {
        self.key = key
        self.size = size
    }
}

/// What a server handed out when it was asked for a message.
package enum Fetched: Sendable, Equatable {
    case message(Data)
    /// It is larger than what may be taken, whatever size the server had said; its bytes were not kept.
    case tooLarge
    /// It no longer lies there.
    case gone
}

/// Up to where a mailbox was read.
package struct MailboxPosition: Sendable, Equatable {
    /// IMAP: the numbers of another validity are other messages (RFC 3501, section 2.3.1.1).
    package var validity: Int64?
    /// IMAP: the highest number that was dealt with.
    package var last: Int64
    /// POP3: the names of messages that were dealt with and still lie there (RFC 1939, UIDL).
    package var seen: Set<String>

    package init(validity: Int64? = nil, last: Int64 = 0, seen: Set<String> = []) {
        self.validity = validity
        self.last = last
        self.seen = seen
    }
}

/// What happens to a message on its server once it is kept.
package enum AfterFetching: Sendable, Equatable {
    /// It stays and counts as read.
    case flag
    case move(to: String)
    case delete
}

/// Which messages of a folder are taken when it is read for the first time.
package enum FirstFetch: String, Sendable, CaseIterable {
    case unread, all, none
}

/// One visit to a mailbox. What is fetched is not marked in any way; that is done by `settle`, once it is kept. Used by
/// one task at a time.
package protocol MailSource: AnyObject {
    /// What has not been dealt with, the oldest first, and the position that comes of it: to be kept once all of it was
    /// dealt with where the numbering is another, and as far as was got where it is the same.
    func waiting(after position: MailboxPosition, first: FirstFetch) throws(MailFault) -> (
        messages: [WaitingMessage], position: MailboxPosition
    )
    /// The message as it came, of at most `most` bytes.
    func fetch(_ key: String, most: Int) throws(MailFault) -> Fetched
    func settle(_ keys: [String], _ after: AfterFetching) throws(MailFault)
    /// Says goodbye; only then does a POP3 server delete.
    func leave() throws(MailFault)
}

extension MailServer {
    /// Connects and signs in, by IMAP or POP3 as the server's scheme says.
    package func openMailbox(folder: String, within seconds: Int) throws(MailFault) -> any MailSource {
        if scheme == .imap { return try IMAPSource(self, folder: folder, within: seconds) }
        return try POP3Source(self, within: seconds)
    }
}
