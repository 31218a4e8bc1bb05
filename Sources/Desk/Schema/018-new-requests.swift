import Store

extension Schema {
    /// Whether an agent is told by email that new requests have come in.
    static let newRequests = Migration("018-new-requests") { dialect in
        let int = dialect.integer
        return [
            """
            ALTER TABLE agent ADD COLUMN new_request_email \(int) NOT NULL DEFAULT 1
            CHECK (new_request_email IN (0, 1))
            """
        ]
    }
}
