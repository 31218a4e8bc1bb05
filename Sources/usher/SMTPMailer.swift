import Desk
import Dispatch
import Foundation
import Mail
import Synchronization

/// Sends through the operator's mail server; connections are kept and used by one message at a time.
final class SMTPMailer: Mailer {
    /// A sender changes hands only inside the pool's lock.
    private struct Idle: @unchecked Sendable { var senders: [SMTPSender] = [] }
    private let server: MailServer
    private let greeting: String
    private let idle = Mutex(Idle())
    private let queue = DispatchQueue(label: "usher-smtp", attributes: .concurrent)

    init(_ server: MailServer, greeting: String) {
        self.server = server
        self.greeting = greeting
    }

    func send(_ message: Data, from sender: String, to recipient: String) async -> SMTPOutcome {
        await withCheckedContinuation { continuation in
            queue.async { [self] in continuation.resume(returning: sendNow(message, from: sender, to: recipient)) }
        }
    }

    private func sendNow(_ message: Data, from sender: String, to recipient: String) -> SMTPOutcome {
        let waiting: Idle = idle.withLock { idle in
            guard let taken = idle.senders.popLast() else { return Idle() }
            return Idle(senders: [taken])
        }
        let connection = waiting.senders.first ?? SMTPSender(server, greeting: greeting)
        let outcome = connection.send(message, from: sender, to: recipient)
        let back = Idle(senders: [connection])
        idle.withLock { $0.senders += back.senders }
        return outcome
    }
}
