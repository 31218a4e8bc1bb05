import Foundation
import Primitives
import Store

/// What a desk that was filled from a backup knows of it until it goes live. While it is a copy it sends, fetches,
/// closes and reminds nothing: the desk it was copied from may go on working, with the same mailboxes and the same
/// customers.
package struct RestoredCopy: Sendable, Equatable {
    static let setting = "restored"
    package let madeAt: Date
    package let restoredAt: Date

    init(madeAt: Date, restoredAt: Date) {
        self.madeAt = madeAt
        self.restoredAt = restoredAt
    }

    /// From the text that is kept. One that cannot be read still means a copy: a desk that keeps still does no harm.
    init(kept text: String) {
        let json = JSON(text)
        madeAt = Date(milliseconds: json?["made_at"]?.integer ?? 0)
        restoredAt = Date(milliseconds: json?["restored_at"]?.integer ?? 0)
    }

    fileprivate var text: String {
        let json: JSON = ["made_at": JSON(madeAt.milliseconds), "restored_at": JSON(restoredAt.milliseconds)]
        return json.written
    }
}

extension Connection {
    /// Whether the desk may send, fetch, close and remind. Whoever does any of these by itself asks this, and nothing
    /// else.
    package func isLive() throws -> Bool { try privateSetting(RestoredCopy.setting) == nil }

    /// What waited to be sent when the backup was made, the oldest first.
    package func mailHeldSinceRestore(limit: Int) throws -> (count: Int, first: [Delivery]) {
        let count: Int = try value("SELECT count(*) FROM outbox WHERE held_at IS NOT NULL AND due_at IS NOT NULL") ?? 0
        return (count, try deliveries(where: "held_at IS NOT NULL AND due_at IS NOT NULL ORDER BY id LIMIT \(limit)"))
    }
}

extension Transaction {
    /// Makes the desk a copy that keeps still. Mail that waited is marked, so that it can be told from what is written
    /// later.
    func keepStill(asOf madeAt: Date) throws {
        try keepPrivately(RestoredCopy.setting, RestoredCopy(madeAt: madeAt, restoredAt: now).text)
        try db.execute("UPDATE outbox SET state = 'queued', due_at = \(now), claim = NULL WHERE state = 'sending'")
        try db.execute("UPDATE outbox SET held_at = \(now), waits_for = NULL WHERE due_at IS NOT NULL")
    }

    /// The desk sends, fetches, closes and reminds from now on. What fell due meanwhile is done as after any stop.
    ///
    /// - Parameter sendsWaiting: whether mail that waited when the backup was made goes out. Otherwise it is held back,
    ///   and
    ///   stays on the list of outgoing email: the desk the backup came from has probably sent it.
    /// - Returns: how many were held back.
    @discardableResult
    package func goLive(sendsWaiting: Bool) throws -> Int {
        guard try !db.isLive() else {
            throw Refusal.conflict(Sentence("This desk is already live."), allowed: [])
        }
        try keepPrivately(RestoredCopy.setting, nil)
        if sendsWaiting {
            try db.execute(
                """
                UPDATE outbox SET held_at = NULL, due_at = \(now), created_at = \(now) WHERE held_at IS NOT NULL
                AND due_at IS NOT NULL
                """
            )
            return 0
        }
        let reason = "Held back: it was waiting when the backup was made."
        return try db.execute(
            """
            UPDATE outbox SET state = 'cancelled', due_at = NULL, error = \(reason) WHERE held_at IS NOT NULL
            AND due_at IS NOT NULL
            """
        )
    }
}
