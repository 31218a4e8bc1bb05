import Domain
import Primitives
import Store

/// How the newest entry of a ticket begins, as lists show it: kept in the ticket's row.
package struct LatestWords: Sendable, Equatable {
    /// In one line.
    package let text: String
    /// Whether the entry is ours: a reply or a note.
    package let isOurs: Bool

    /// So many characters of an entry are kept.
    private static let length = 140

    init(_ text: String, of kind: EntryKind) {
        self.text = String(String.UnicodeScalarView(text.unicodeScalars.prefix(Self.length))).singleLine
        isOurs = kind != .message
    }

    /// Whose it is in the first letter, the words behind it.
    var stored: String { (isOurs ? "o" : "m") + text }

    /// Reads what is stored, or what `column` looked up.
    init(stored: String?) {
        let stored = stored ?? "m"
        isOurs = !stored.hasPrefix("m")
        text = String(stored.dropFirst()).singleLine
    }

    /// What is stored; of a ticket that was not written in since it is stored, its newest entry in the same form.
    static let column: SQL = """
        COALESCE(ticket.latest_words, (SELECT substr(entry.kind, 1, 1) || substr(entry.text, 1, \(literal: length))
            FROM entry WHERE entry.ticket_id = ticket.id ORDER BY entry.id DESC LIMIT 1))
        """
}

extension [Consequence] {
    /// The kind of the entry that is written, where one is.
    var writes: EntryKind? {
        for case .write(let kind) in self { return kind }
        return nil
    }
}
