import Desk
import Dispatch
import Foundation
import Mail
import Synchronization

/// Sends through the operator's mail server and those of mailboxes; connections are kept and used by one message at a time.
final class SMTPMailer: Mailer {
    /// A sender changes hands only inside the pool's lock.
    private struct Idle: @unchecked Sendable { var senders: [MailServer: [SMTPSender]] = [:] }
    private let own: MailServer?
    private let greeting: String
    private let idle = Mutex(Idle())
    private let queue = DispatchQueue(label: "usher-smtp", attributes: .concurrent)
    /// Servers whose connections are kept; a token that was replaced leaves one behind.
    private static let mostServers = 50

    init(_ own: MailServer?, greeting: String) {
        self.own = own
        self.greeting = greeting
    }

    var hasOwnServer: Bool { own != nil }

    func send(_ message: Data, from sender: String, to recipient: String, through server: MailServer?) async -> SMTPOutcome {
        guard let server = server ?? own else { return .deferred("no mail server is set") }
        return await withCheckedContinuation { continuation in
            queue.async { [self] in continuation.resume(returning: sendNow(message, from: sender, to: recipient, through: server)) }
        }
    }

    private func sendNow(_ message: Data, from sender: String, to recipient: String, through server: MailServer) -> SMTPOutcome {
        let waiting: Idle = idle.withLock { idle in
            guard let taken = idle.senders[server]?.popLast() else { return Idle() }
            return Idle(senders: [server: [taken]])
        }
        let connection = waiting.senders[server]?.first ?? SMTPSender(server, greeting: greeting)
        let outcome = connection.send(message, from: sender, to: recipient)
        let back = Idle(senders: [server: [connection]])
        idle.withLock { idle in
            if idle.senders.count >= Self.mostServers { idle.senders = [:] }
            idle.senders[server, default: []] += back.senders[server] ?? []
        }
        return outcome
    }
}
