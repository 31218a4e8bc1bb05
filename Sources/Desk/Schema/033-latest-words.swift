import Store

extension Schema {
    /// How the newest entry of a ticket begins, kept in its row so that a list reads no conversations. Null is looked
    /// up in the conversation: so are the tickets of before, until they are next written in.
    static let latestWords = Migration("033-latest-words") { _ in ["ALTER TABLE ticket ADD COLUMN latest_words TEXT"] }
}
