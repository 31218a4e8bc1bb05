import Store

extension Schema {
    /// The words there are, so that a begun one is asked for by whole ones; on PostgreSQL texts are kept once. What was
    /// indexed by older programs is indexed anew in quiet (`Desk.renewIndex`), since letters are folded otherwise now.
    static let search = Migration("032-search") { dialect in
        dialect.completeTextIndex() + [
            "INSERT INTO setting (name, value) SELECT '_text_index', '0' WHERE EXISTS (SELECT 1 FROM ticket)"
        ]
    }
}
