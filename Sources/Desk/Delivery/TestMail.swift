import Foundation
import Mail

/// The message an administrator sends to see whether mail goes out.
package enum TestMail {
    /// - Parameter text: a text that is being written; nil for words of our own.
    package static func message(to address: MailAddress, _ text: MailText?, _ desk: Desk) -> OutgoingMessage {
        let name = desk.settings.current.name
        let home = desk.office.mailbox
        var message = OutgoingMessage(
            from: MailAddress(name: name, home.address) ?? home, to: address, returnPath: home.address,
            subject: text?.subject ?? "Test email from \(name)",
            text: text?.body
                ?? """
                You sent this test email from the help desk. If you can read it, outgoing email \
                works.\n
                """,
            messageID: "test-\(Secret.random())@\(home.domain)",
            date: desk.clock.now())
        message.html = text.map { MailText.html($0, values: [:], message: nil) }
        message.automatic = .generated
        return message
    }
}
