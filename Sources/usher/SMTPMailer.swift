import Desk
import Foundation
import Mail
import Synchronization

/// Sends through the operator's mail server and those of mailboxes; connections are kept and used by one message at a
/// time.
final class SMTPMailer: Mailer {
    /// A sender changes hands only inside the pool's lock.
    private struct Idle: @unchecked Sendable { var senders: [MailServer: [SMTPSender]] = [:] }
    /// The desk's own server as it is set at the moment.
    private let own: @Sendable () -> MailServer?
    private let greeting: String
    private let patience: SMTPPatience
    private let idle = Mutex(Idle())
    /// When what is on its way is broken off; nil while the program is not stopping.
    private let end = Mutex<DispatchTime?>(nil)
    /// Servers whose connections are kept; a token that was replaced leaves one behind.
    private static let mostServers = 50
    private static let mostIdleOfOneServer = 8

    init(_ own: @escaping @Sendable () -> MailServer?, greeting: String, patience: SMTPPatience = SMTPPatience()) {
        self.own = own
        self.greeting = greeting
        self.patience = patience
    }

    var hasOwnServer: Bool { own() != nil }

    func send(_ message: Data, from sender: String, to recipient: String, through server: MailServer?) async
        -> SMTPOutcome
    {
        guard let server = server ?? own() else { return .deferred("no mail server is set") }
        return await withCheckedContinuation { continuation in
            // A thread of its own: a server may take minutes for one answer, and a shared pool would run out.
            let thread = Thread { [self] in
                continuation.resume(returning: sendNow(message, from: sender, to: recipient, through: server))
            }
            thread.stackSize = 1 << 20
            thread.name = "usher-smtp"
            thread.start()
        }
    }

    func finish(within seconds: TimeInterval) {
        end.withLock { if $0 == nil { $0 = .now() + seconds } }
    }

    private func sendNow(_ message: Data, from sender: String, to recipient: String, through server: MailServer)
        -> SMTPOutcome
    {
        let waiting: Idle = idle.withLock { idle in
            guard let taken = idle.senders[server]?.popLast() else { return Idle() }
            return Idle(senders: [server: [taken]])
        }
        let connection = waiting.senders[server]?.first ?? SMTPSender(server, greeting: greeting, patience: patience)
        let outcome = connection.send(message, from: sender, to: recipient) { [self] in
            end.withLock { end in end.map { $0 <= .now() } ?? false }
        }
        let back = Idle(senders: [server: [connection]])
        idle.withLock { idle in
            if idle.senders.count >= Self.mostServers { idle.senders = [:] }
            guard idle.senders[server, default: []].count < Self.mostIdleOfOneServer else { return }
            idle.senders[server, default: []] += back.senders[server] ?? []
        }
        return outcome
    }
}
