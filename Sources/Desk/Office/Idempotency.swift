import Foundation
import Primitives
import Store

/// What a request was answered with, kept so that a retry gets the same.
package struct Answer: Sendable, Equatable {
    package var status: Int
    package var location: String?
    package var body: [UInt8]

    package init(status: Int = 200, location: String? = nil, body: [UInt8]) {
        self.status = status
        self.location = location
        self.body = body
    }
}

/// A client's mark on a request: the same mark with the same request is answered once and repeated from then on.
package struct IdempotencyKey: Sendable {
    /// The API key's and the client's together: clients cannot meet each other's.
    let key: String
    /// What was asked, hashed.
    let request: String
    package static let longest = 255
    static let keptFor: TimeInterval = 2 * 86400

    package init(_ key: String, of client: APIKey, request: String) {
        self.key = "\(client.id):\(key)"
        self.request = request
    }
}

extension IdempotencyKey {
    /// Of a page's form: pressed twice, or sent again after the way back, it is the same as long as the same words and
    /// files are in it.
    ///
    /// - Parameter mark: what the page gave the form; nil, and nothing is the same, where it gave none.
    package init?(form mark: String?, _ words: [String], _ files: [StoredFile]) {
        guard let mark, !mark.isEmpty, mark.utf8.count <= 100 else { return nil }
        key = "form:\(Secret.hash(([mark] + words + files.map(\.hash)).joined(separator: "\0")))"
        request = ""
    }
}

extension Transaction {
    /// Does once what a form asks for, and names the ticket it led to.
    package func once(_ form: IdempotencyKey?, in work: () throws -> Int64) throws -> Int64 {
        let answer = try once(form) { Answer(location: String(try work()), body: []) }
        guard let number = answer.location.flatMap({ Int64($0) }) else {
            throw StoreError.unreadable("a form led to no ticket")
        }
        return number
    }

    /// Does the work once for a key; its answer is kept in the same transaction.
    package func once(_ key: IdempotencyKey?, _ work: () throws -> Answer) throws -> Answer {
        guard let key else { return try work() }
        let isFirst =
            try db.execute(
                """
                INSERT INTO idempotency (key, request, status, body, at)
                VALUES (\(key.key), \(key.request), 0, '', \(now)) ON CONFLICT (key) DO NOTHING
                """
            ) > 0
        guard isFirst else { return try kept(key) }
        let answer = try work()
        try db.execute(
            """
            UPDATE idempotency SET status = \(answer.status), location = \(answer.location),
            body = \(String(decoding: answer.body, as: UTF8.self))
            WHERE key = \(key.key)
            """)
        return answer
    }

    private func kept(_ key: IdempotencyKey) throws -> Answer {
        let found = try db.first("SELECT request, status, location, body FROM idempotency WHERE key = \(key.key)") {
            row in
            (
                try row.read(String.self),
                Answer(status: try row.read(), location: try row.read(), body: Array(try row.read(String.self).utf8))
            )
        }
        guard let (request, answer) = found else {
            throw StoreError.conflict("another request with the same key is under way")
        }
        guard request == key.request else {
            throw Refusal.invalid(
                "Idempotency-Key", .other(Sentence("This key was used for another request. Send a new key.")))
        }
        return answer
    }

    func forgetOldAnswers() throws {
        try db.execute("DELETE FROM idempotency WHERE at < \(now - IdempotencyKey.keptFor)")
    }
}
