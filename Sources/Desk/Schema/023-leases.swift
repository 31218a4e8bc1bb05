import Store

extension Schema {
    /// Work that one node of several does: a row names who does it, until when, and with which token (see `Lease`).
    static let leases = Migration("023-leases") { dialect in
        [
            """
            CREATE TABLE lease (name TEXT PRIMARY KEY, holder TEXT NOT NULL, token \(dialect.integer) NOT NULL,
            until \(dialect.integer) NOT NULL)
            """
        ]
    }
}
