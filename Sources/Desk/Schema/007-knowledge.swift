import Store

extension Schema {
    static let knowledge = Migration("007-knowledge") { dialect in
        let id = dialect.identity
        let int = dialect.integer
        return [
            """
            CREATE TABLE article (
                id \(id), slug TEXT NOT NULL UNIQUE, title TEXT NOT NULL, category TEXT NOT NULL DEFAULT '',
                body TEXT NOT NULL,
                is_published \(int) NOT NULL DEFAULT 1, created_at \(int) NOT NULL, updated_at \(int) NOT NULL)
            """,
            """
            CREATE TABLE canned_reply (
                id \(id), name TEXT NOT NULL, body TEXT NOT NULL, department_id \(int)
                REFERENCES department (id) ON DELETE CASCADE)
            """,
            "CREATE UNIQUE INDEX canned_reply_name ON canned_reply (lower(name))",
        ]
    }
}
