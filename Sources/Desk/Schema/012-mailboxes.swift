import Store

extension Schema {
    static let mailboxes = Migration("012-mailboxes") { dialect in
        let id = dialect.identity
        let int = dialect.integer
        return [
            // What `_password`, `_secret` and `key` hold is sealed with the desk's secret.
            """
            CREATE TABLE mailbox (
                id \(id), address TEXT NOT NULL, name TEXT NOT NULL DEFAULT '', department_id \(int)
                REFERENCES department (id), topic_id \(int) REFERENCES topic (id),
                priority \(int) CHECK (priority BETWEEN 0 AND 3), signature TEXT NOT NULL DEFAULT '',
                fetch_by TEXT NOT NULL DEFAULT 'no'
                CHECK (fetch_by IN ('no', 'imap', 'pop3')), fetch_host TEXT NOT NULL DEFAULT '', fetch_port \(int),
                fetch_security TEXT NOT NULL DEFAULT 'tls' CHECK (fetch_security IN ('tls', 'starttls', 'plain')),
                fetch_user TEXT NOT NULL DEFAULT '', fetch_password TEXT, folder TEXT NOT NULL DEFAULT 'INBOX',
                first_fetch TEXT NOT NULL DEFAULT 'unread' CHECK (first_fetch IN ('unread', 'all', 'none')),
                after_fetching TEXT NOT NULL DEFAULT 'flag'
                CHECK (after_fetching IN ('flag', 'move', 'delete')), move_to TEXT NOT NULL DEFAULT '',
                smtp_host TEXT NOT NULL DEFAULT '', smtp_port \(int), smtp_security TEXT NOT NULL DEFAULT 'starttls'
                CHECK (smtp_security IN ('tls', 'starttls', 'plain')),
                smtp_user TEXT NOT NULL DEFAULT '', smtp_password TEXT, smtp_at_once \(int) NOT NULL DEFAULT 4
                CHECK (smtp_at_once BETWEEN 1 AND 20), smtp_per_minute \(int),
                sign_in TEXT NOT NULL DEFAULT 'password'
                CHECK (sign_in IN ('password', 'google', 'microsoft', 'other')), oauth_client TEXT NOT NULL DEFAULT
                '', oauth_secret TEXT,
                oauth_tenant TEXT NOT NULL DEFAULT '', oauth_authorize_url TEXT NOT NULL DEFAULT '',
                oauth_token_url TEXT NOT NULL DEFAULT '', oauth_scope TEXT NOT NULL DEFAULT '',
                is_active \(int) NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1)), created_at \(int) NOT NULL)
            """,
            "CREATE UNIQUE INDEX mailbox_address ON mailbox (address) WHERE is_active = 1",
            // How far a mailbox was read and how it fares; apart from what an administrator sets.
            """
            CREATE TABLE mailbox_state (
                mailbox_id \(int) PRIMARY KEY REFERENCES mailbox (id) ON DELETE CASCADE,
                source TEXT NOT NULL DEFAULT '', validity \(int), last \(int) NOT NULL DEFAULT 0,
                tried_at \(int), succeeded_at \(int), failing_since \(int), told_at \(int), error TEXT,
                fetched \(int) NOT NULL DEFAULT 0,
                access TEXT, access_until \(int), refresh TEXT)
            """,
            """
            CREATE TABLE mailbox_seen (mailbox_id \(int) NOT NULL
            REFERENCES mailbox (id) ON DELETE CASCADE, name TEXT NOT NULL, PRIMARY KEY (mailbox_id, name))
            """,
            // Messages that could not be taken; they lie on their server untouched.
            """
            CREATE TABLE quarantine (
                id \(id), mailbox_id \(int) NOT NULL
                REFERENCES mailbox (id) ON DELETE CASCADE, name TEXT NOT NULL, at \(int) NOT NULL,
                size \(int) NOT NULL, reason TEXT NOT NULL,
                attempts \(int) NOT NULL DEFAULT 1, wants_retry \(int) NOT NULL DEFAULT 0
                CHECK (wants_retry IN (0, 1)), UNIQUE (mailbox_id, name))
            """,
            """
            CREATE TABLE ban (id \(id), pattern TEXT NOT NULL, note TEXT NOT NULL DEFAULT '',
            created_at \(int) NOT NULL)
            """,
            "CREATE UNIQUE INDEX ban_pattern ON ban (pattern)",
            """
            CREATE TABLE dkim_key (id \(id), domain TEXT NOT NULL, selector TEXT NOT NULL,
            private_key TEXT NOT NULL, is_active \(int) NOT NULL DEFAULT 1
            CHECK (is_active IN (0, 1)), created_at \(int) NOT NULL)
            """,
            // Mail that is held back for some seconds, so that a reply can be taken back.
            """
            CREATE TABLE second_thought (entry_id \(int) PRIMARY KEY
            REFERENCES entry (id) ON DELETE CASCADE, agent_id \(int) NOT NULL, until \(int) NOT NULL,
            ticket_before TEXT NOT NULL, ticket_after TEXT NOT NULL)
            """,
            "ALTER TABLE agent ADD COLUMN signature TEXT NOT NULL DEFAULT ''",
            "ALTER TABLE department ADD COLUMN signature TEXT NOT NULL DEFAULT ''",
            // What is open by age, without a walk over all that was closed since.
            "CREATE INDEX ticket_active ON ticket (id) WHERE urgency > 0",
        ]
    }
}
