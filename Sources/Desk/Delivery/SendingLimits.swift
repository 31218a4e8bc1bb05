import Foundation
import Synchronization

/// How many mails of a mailbox are on their way, and when the last ones went.
final class SendingLimits: Sendable {
    private let state = Mutex<[Mailbox.ID: (running: Int, recent: [Date])]>([:])

    /// Nil when a mail may go now, which then counts; else the moment to try again.
    ///
    /// - Parameter hasServer: whether it is the mailbox's own server, which takes so many at once; the desk's own has
    ///   other limits.
    func enter(_ mailbox: Mailbox, hasServer: Bool, at now: Date) -> Date? {
        state.withLock { state in
            var (running, recent) = state[mailbox.id] ?? (0, [])
            recent.removeAll { $0 <= now - 60 }
            if hasServer, running >= mailbox.smtpAtOnce { return now + 1 }
            if let most = mailbox.smtpPerMinute {
                if recent.count >= most { return recent[recent.count - most] + 60 }
                recent.append(now)
            }
            running += 1
            state[mailbox.id] = (running, recent)
            return nil
        }
    }
    func leave(_ mailbox: Mailbox) { state.withLock { $0[mailbox.id]?.running -= 1 } }
}
