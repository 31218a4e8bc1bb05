import Store

extension Schema {
    static let office = Migration("008-office") { dialect in
        let int = dialect.integer
        return [
            "CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
            // Answers already given to a client that sent a key with its request, so that a retry is harmless.
            """
            CREATE TABLE idempotency (
                key TEXT PRIMARY KEY, request TEXT NOT NULL, status \(int) NOT NULL, location TEXT,
                body TEXT NOT NULL, at \(int) NOT NULL)
            """,
            "CREATE INDEX idempotency_at ON idempotency (at)",
        ]
    }
}
