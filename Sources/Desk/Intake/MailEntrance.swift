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
        limits.size = desk.settings.current.messageBytes
        let server = LMTPServer(host: host, port: port, name: desk.office.mailbox.domain, door: self, limits: limits)
        try await cancelWhenGracefulShutdown {
            do {
                try await server.run { [log = desk.log, host] port in
                    log.notice("listening for mail", metadata: ["address": "\(host):\(port)"])
                }
            } catch is CancellationError {}
        }
    }

    /// Our own addresses, with or without a token behind the plus sign, whatever their case.
    package func knows(_ recipient: String) async -> Bool {
        guard let address = MailAddress(recipient) else { return false }
        if address.withoutDetail == desk.office.mailbox.withoutDetail { return true }
        // While the database is away every recipient is taken, and the message then put off with a 451.
        do { return try await desk.read { try $0.mailbox(address) } != nil } catch { return true }
    }

    package func reserve(_ bytes: Int) async -> Bool {
        // A mail server waits ten minutes for us (RFC 5321, section 4.5.3.2).
        do { try await desk.largeBodies.take(bytes, patience: .seconds(240)) } catch { return false }
        return true
    }
    package func release(_ bytes: Int) async { desk.largeBodies.release(bytes) }

    package func take(_ message: Data, from sender: String, for recipient: String) async -> DoorAnswer {
        do {
            switch try await desk.receive(message, sender: EnvelopeSender(sender), mailbox: MailAddress(recipient)) {
            case .opened(let number), .added(let number), .bounced(let number): return .kept("kept as \(number)")
            case .duplicate(let number): return .kept("kept before as \(number)")
            case .rejected(let reason): return .kept("kept in the intake log, no ticket opened: \(reason)")
            }
        } catch {
            desk.log.error("a message could not be kept", metadata: ["detail": "\(error)"])
            return .later("it cannot be kept now")
        }
    }
}
