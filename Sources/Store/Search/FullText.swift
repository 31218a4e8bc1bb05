/// What is looked for in the text of tickets, parsed once from the search language.
package indirect enum TextQuery: Sendable, Equatable {
    /// Words that stand one after the other.
    case phrase([String])
    /// A word that begins so.
    case prefix(String)
    /// Words that stand one after the other, the last of which begins so.
    case beginning([String])
    case all([TextQuery])
    case any([TextQuery])
}

/// Which of a ticket's text a reader may search.
package enum TextScope: Sendable {
    /// Subject, people and messages: what a customer may see.
    case conversation
    /// Internal notes as well.
    case everything
}

extension Connection {
    /// Indexes a ticket that is not indexed yet: its texts, one by one.
    package func indexText(of ticket: Int64, conversation: [String], notes: [String] = []) throws {
        let conversation = conversation.flatMap(indexable)
        let notes = notes.flatMap(indexable)
        switch dialect {
        case .sqlite: try writeIndex(of: ticket) { try FullTextSQLite.add(ticket, conversation, notes, to: $0) }
        case .postgres: try FullTextPostgreSQL.add(ticket, conversation, notes, to: self)
        }
    }

    /// Adds what was written to a ticket that is indexed already. Where a ticket holds a book already, no more of it is indexed: PostgreSQL's
    /// type for it ends at a megabyte, and every addition writes all of it anew.
    package func extendText(of ticket: Int64, conversation: String = "", notes: String = "") throws {
        let conversation = indexable(conversation)
        let notes = indexable(notes)
        guard !conversation.isEmpty || !notes.isEmpty else { return }
        switch dialect {
        case .sqlite: try writeIndex(of: ticket) { try FullTextSQLite.extend(ticket, conversation, notes, in: $0) }
        case .postgres: try FullTextPostgreSQL.extend(ticket, conversation, notes, in: self)
        }
    }

    package func removeText(of ticket: Int64) throws {
        switch dialect {
        case .sqlite: try writeIndex(of: ticket) { try $0.execute("DELETE FROM ticket_text WHERE rowid = \(ticket)") }
        case .postgres: try execute("DELETE FROM ticket_text WHERE ticket_id = \(ticket)")
        }
    }

    /// A condition on a ticket's key, for a `WHERE`.
    package func textCondition(_ query: TextQuery, on key: SQL, scope: TextScope) throws -> SQL {
        try settleIndex()
        switch dialect {
        case .sqlite: return FullTextSQLite.condition(query, on: key, scope: scope)
        case .postgres: return FullTextPostgreSQL.condition(query, on: key, scope: scope)
        }
    }

    /// A source of tickets found by text that can be walked in the order of their keys; nil where the engine's index has none.
    package func textSource(_ query: TextQuery, scope: TextScope) throws -> (source: SQL, key: SQL, condition: SQL)? {
        try settleIndex()
        switch dialect {
        case .sqlite: return FullTextSQLite.source(query, scope: scope)
        case .postgres: return nil
        }
    }

    /// Puts parts of the index together; false when there is nothing left to do.
    ///
    /// - Parameter pages: how much at once, more or less: the writer stands still meanwhile.
    package func mergeTexts(pages: Int) throws -> Bool {
        switch dialect {
        case .sqlite: try FullTextSQLite.merge(pages: pages, in: self)
        // PostgreSQL's autovacuum looks after its own.
        case .postgres: false
        }
    }

    /// The most words of one text that are indexed: what lies beyond is in the conversation still, but not searched.
    private func indexable(_ text: String) -> [String] {
        Array(Words.split(text).prefix(8000)) + Words.telephoneEndings(in: text).prefix(200)
    }
}

extension Dialect {
    /// Makes the index's tables.
    package func createTextIndex() -> [SQL] {
        switch self {
        case .sqlite: FullTextSQLite.create
        case .postgres: FullTextPostgreSQL.create
        }
    }
}

extension Dialect {
    /// How the index's parts are put together as it grows; belongs behind the making of its tables.
    package func tuneTextIndex() -> [SQL] {
        switch self {
        case .sqlite: FullTextSQLite.tune
        case .postgres: []
        }
    }
}

extension TextQuery {
    /// All words that are looked for, as they are compared.
    package var words: [String] {
        switch self {
        case .phrase(let words), .beginning(let words): words
        case .prefix(let word): [word]
        case .all(let parts), .any(let parts): parts.flatMap(\.words)
        }
    }
}
