import Primitives

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
    /// What has the first and not the second.
    case without(TextQuery, TextQuery)
}

/// A bound that a walk by key begins behind.
package enum KeyBound: Sendable {
    case below(Int64)
    case above(Int64)
}

/// Tickets found by text, as a source for a query.
package struct TextSource: Sendable {
    package let source: SQL
    package let key: SQL
    package let condition: SQL
    /// Whether rows come one by one in the order of their keys; otherwise all there are are gathered before the first.
    package let isWalked: Bool
    /// How many tickets may be looked at one by one before that.
    package let sample: Int
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

    /// Adds what was written to a ticket that is indexed already. Where a ticket holds a book already, no more of it is
    /// indexed: PostgreSQL's type for it ends at a megabyte, and every addition writes all of it anew.
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

    /// A condition on a ticket's key beside others: a common word is looked for in each ticket's own text, a rare one
    /// is asked of the index.
    package func textCondition(_ query: TextQuery, on key: SQL) throws -> SQL {
        let asked = try expanded(query)
        if dialect == .sqlite, asked.isLazy, try countTexts(asked, atMost: 6001) <= 6000 {
            return FullTextSQLite.condition(asked, on: key)
        }
        return try textCheck(query, on: key)
    }

    /// The same, looked for in the text of one ticket after the other.
    package func textCheck(_ query: TextQuery, on key: SQL) throws -> SQL {
        try settleIndex()
        switch dialect {
        case .sqlite: return FullTextSQLite.check(query, on: key)
        case .postgres: return FullTextPostgreSQL.check(query, on: key)
        }
    }

    /// A source of tickets found by text; `query` as `expanded` gives it.
    package func textSource(_ query: TextQuery, key: KeyBound?) throws -> TextSource {
        try settleIndex()
        switch dialect {
        case .sqlite: return FullTextSQLite.source(query, key: key)
        case .postgres: return FullTextPostgreSQL.source(query)
        }
    }

    /// How many tickets have it, counted no further than the most that matters.
    package func countTexts(_ query: TextQuery, atMost most: Int) throws -> Int {
        try settleIndex()
        return try value(
            """
            SELECT count(*) FROM (SELECT 1 FROM ticket_text WHERE ticket_text MATCH \(FullTextSQLite.text(query))
            LIMIT \(most)) AS counted
            """
        ) ?? 0
    }

    /// The same query with the words there are in place of those that are only begun, where they are not too many: FTS5
    /// hands out what has whole words one by one, but gathers all that has a begun one first.
    package func expanded(_ query: TextQuery) throws -> TextQuery {
        guard dialect == .sqlite, !query.isLazy else { return query }
        try settleIndex()
        guard try FullTextSQLite.knowsAllWords(self) else { return query }
        return try query.expanded { try FullTextSQLite.words(beginning: $0, self) }
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
        Words.split(text, most: 8000) + Words.telephoneEndings(in: text).prefix(200)
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

extension Dialect {
    /// What a search needs beside the index itself.
    package func completeTextIndex() -> [SQL] {
        switch self {
        case .sqlite:
            FullTextSQLite.createWords + [
                "INSERT INTO text_word (word) SELECT '' WHERE NOT EXISTS (SELECT 1 FROM ticket_text_docsize)"
            ]
        case .postgres: FullTextPostgreSQL.tune
        }
    }
}

extension Connection {
    /// Says that every text was indexed as it is now, words and all.
    package func finishTextIndex() throws {
        if dialect == .sqlite { try execute("INSERT OR IGNORE INTO text_word (word) VALUES ('')") }
    }
}

extension TextQuery {
    /// All words that are looked for, as they are compared.
    package var words: [String] {
        switch self {
        case .phrase(let words), .beginning(let words): words
        case .prefix(let word): [word]
        case .all(let parts), .any(let parts): parts.flatMap(\.words)
        case .without(let wanted, _): wanted.words
        }
    }

    /// Whether it asks for whole words only.
    package var isLazy: Bool {
        switch self {
        case .phrase: true
        case .prefix, .beginning: false
        case .all(let parts), .any(let parts): parts.allSatisfy(\.isLazy)
        case .without(let wanted, let unwanted): wanted.isLazy && unwanted.isLazy
        }
    }

    /// - Parameter words: those that begin so; nil where they are too many.
    fileprivate func expanded(_ words: (String) throws -> [String]?) throws -> TextQuery {
        switch self {
        case .phrase: return self
        case .prefix(let word): return try words(word).map { .any($0.map { .phrase([$0]) }) } ?? self
        case .beginning(let parts):
            guard let last = parts.last, let found = try words(last) else { return self }
            return .any(found.map { .phrase(parts.dropLast() + [$0]) })
        case .all(let parts): return .all(try parts.map { try $0.expanded(words) })
        case .any(let parts): return .any(try parts.map { try $0.expanded(words) })
        case .without(let wanted, let unwanted):
            return .without(try wanted.expanded(words), try unwanted.expanded(words))
        }
    }
}
