import Foundation
import Mail

/// Who the envelope of a message names as its sender.
package enum EnvelopeSender: Sendable, Equatable {
    /// The channel has no envelope, or what it says is no address.
    case unknown
    /// The empty path, which a message has that nobody is to answer (RFC 5321, section 4.5.5).
    case nobody
    case address(MailAddress)

    /// - Parameter text: as a mail server gives it, with or without angle brackets. Postfix puts `MAILER-DAEMON` in the
    ///   place of the empty path (pipe(8), `null_sender`).
    package init(_ text: String?) {
        guard let text else {
            self = .unknown
            return
        }
        let path = text.trimmingWhitespace().trimmingCharacters(in: CharacterSet(charactersIn: "<>"))
        if path.trimmingWhitespace().isEmpty || path.uppercased() == "MAILER-DAEMON" {
            self = .nobody
        } else {
            self = MailAddress(path).map { .address($0) } ?? .unknown
        }
    }

    var address: MailAddress? { if case .address(let address) = self { address } else { nil } }

    /// The message as its final delivery leaves it: an empty path is written into it (RFC 5321, section 4.4), so that
    /// whoever reads it later, or reads it again, knows as much.
    func delivered(_ message: Data) -> Data {
        guard self == .nobody else { return message }
        // A pipe may put the separator line of a mailbox file before the header (RFC 4155).
        let start =
            message.starts(with: Data("From ".utf8))
            ? message.firstIndex(of: 10).map { $0 + 1 } ?? message.startIndex : message.startIndex
        let end = message.firstIndex(of: 10) ?? message.startIndex
        let isShort = end > message.startIndex && message[end - 1] != 13
        return message[..<start] + Data((isShort ? "Return-Path: <>\n" : "Return-Path: <>\r\n").utf8)
            + message[start...]
    }
}
