import Crypto
import Foundation
import Mail

/// What makes the same message twice one entry: its Message-ID together with what it says.
///
/// The content is hashed as it was decoded, without the header's traces: the same message through two mailboxes or
/// relays has one key. A Message-ID alone is no key: there are programs that write the same one on all their messages,
/// and anybody may use one that was seen elsewhere.
enum MessageKey {
    /// - Parameters:
    ///   - bytes: SHA-256 of the message as it came.
    ///   - files: SHA-256 of each attachment.
    static func of(_ message: IncomingMessage, bytes: String, files: [String]) -> String {
        let id = identifier(message) ?? ""
        // Without either a program may well say the same thing twice and mean it.
        if id.isEmpty, message.sentAt == nil { return "sha256:\(bytes)" }
        var hash = SHA256()
        func add(_ text: String) {
            // The length first, so that nothing moves from one part to the next.
            let written = Array(text.utf8)
            withUnsafeBytes(of: UInt64(written.count).littleEndian) { hash.update(bufferPointer: $0) }
            hash.update(data: written)
        }
        /// Blanks and line ends differ by relay.
        func addWords(_ text: String) { add(String(decoding: text.utf8.lazy.filter { $0 > 0x20 }, as: UTF8.self)) }
        add(id)
        add(message.from?.address ?? "")
        add(message.sentAt.map { String(Int64($0.timeIntervalSince1970)) } ?? "")
        addWords(message.subject)
        addWords(message.text)
        addWords(message.html ?? "")
        for (attachment, digest) in zip(message.attachments, files) {
            add(attachment.name)
            add(digest)
        }
        return "mail:\(Hex.encode(hash.finalize()))"
    }

    /// The key a message had before its content counted; nil for one without a Message-ID, whose key was that of its
    /// bytes.
    static func former(_ message: IncomingMessage) -> String? {
        let id = message.messageID
        guard !id.isEmpty else { return nil }
        return id.utf8.count <= 250 ? "id:\(id)" : "id-sha256:\(Hex.encode(SHA256.hash(data: Data(id.utf8))))"
    }

    /// The Message-ID where it can tell one message from another: with something on both sides of its sign (RFC 5322,
    /// section 3.6.4).
    static func identifier(_ message: IncomingMessage) -> String? {
        let id = message.messageID
        guard let at = id.lastIndex(of: "@") else { return id.utf8.count > 3 ? id : nil }
        return at == id.startIndex || id.index(after: at) == id.endIndex ? nil : id
    }
}
