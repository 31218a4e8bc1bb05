import Foundation
import Logging
import Mail
import ServiceLifecycle
import Store

/// The listener for a mail server in front of the desk.
package struct MailEntrance: Service, MailDoor {
    private let desk: Desk
    private let host: String
    private let port: Int

    package init(desk: Desk, host: String, port: Int) {
        self.desk = desk
        self.host = host
        self.port = port
    }

    package func run() async throws {
        var limits = LMTPDialogue.Limits()
        // Files in base64, and the words around them.
        limits.size = desk.settings.current.attachmentBytes / 3 * 4 + (2 << 20)
        let server = LMTPServer(host: host, port: port, name: desk.office.mailbox.domain, door: self, limits: limits)
        try await cancelWhenGracefulShutdown {
            do {
                try await server.run { [log = desk.log, host] port in log.notice("listening for mail", metadata: ["address": "\(host):\(port)"]) }
            } catch is CancellationError {}
        }
    }

    /// Our own address, with or without a token behind the plus sign, whatever its case.
    package func knows(_ recipient: String) async -> Bool {
        MailAddress(recipient)?.withoutDetail == desk.office.mailbox.withoutDetail
    }

    package func take(_ message: Data, from sender: String, for recipient: String) async -> DoorAnswer {
        do {
            switch try await desk.receive(message, sender: MailAddress(sender), mailbox: MailAddress(recipient)) {
            case .opened(let number), .added(let number), .bounced(let number): return .kept("kept as \(number)")
            case .duplicate(let number): return .kept("kept before as \(number)")
            case .rejected(let reason): return .kept("kept and set aside: \(reason)")
            }
        } catch {
            desk.log.error("a message could not be kept", metadata: ["detail": "\(error)"])
            return .later("it cannot be kept now")
        }
    }
}
