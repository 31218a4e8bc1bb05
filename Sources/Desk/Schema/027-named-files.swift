import Store

extension Schema {
    static let namedFiles = Migration("027-named-files") { _ in
        [
            // Whether a raw message is still named is asked for each file that is looked at.
            "CREATE INDEX entry_raw ON entry (raw) WHERE raw IS NOT NULL",
            "CREATE INDEX received_raw ON received (raw) WHERE raw IS NOT NULL",
        ]
    }
}
