import Store

extension Schema {
    static let mailServers = Migration("026-mail-servers") { dialect in
        let int = dialect.integer
        return [
            // Servers that take no mail from us: a mailbox's key, 0 for the desk's own. A row is there from the first
            // failure on.
            """
            CREATE TABLE mail_server_state (server \(int) PRIMARY KEY, failing_since \(int),
            error TEXT NOT NULL DEFAULT '')
            """,
            // Messages that are kept, and that their server was not yet told of.
            """
            CREATE TABLE mailbox_unsettled (
                mailbox_id \(int) NOT NULL REFERENCES mailbox (id) ON DELETE CASCADE, name TEXT NOT NULL,
                PRIMARY KEY (mailbox_id, name))
            """,
        ]
    }
}
