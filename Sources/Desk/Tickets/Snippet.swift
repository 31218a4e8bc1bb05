import Foundation
import Mail
import Store

/// The place in a ticket's conversation where what was looked for stands.
package struct Snippet: Sendable {
    package let text: String
    private static let before = 30
    private static let length = 160

    /// The stretch of a text around the first hit; nil where there is none.
    package init?(_ text: String, words: [String]) {
        let line = text.singleLine
        guard let hit = Snippet.hits(of: words, in: line).first else { return nil }
        let start = line.index(hit.lowerBound, offsetBy: -Self.before, limitedBy: line.startIndex) ?? line.startIndex
        let end = line.index(start, offsetBy: Self.length, limitedBy: line.endIndex) ?? line.endIndex
        self.text = (start > line.startIndex ? "…" : "") + line[start..<end] + (end < line.endIndex ? "…" : "")
    }

    /// Where words stand in a text: at the beginning of a word, without regard to case and accents; none overlap.
    package static func hits(of words: [String], in text: String) -> [Range<String.Index>] {
        var found: [Range<String.Index>] = []
        for word in words where !word.isEmpty {
            var from = text.startIndex
            while let range = text.range(of: word, options: [.caseInsensitive, .diacriticInsensitive], range: from..<text.endIndex) {
                let isStart = range.lowerBound == text.startIndex || !(text[text.index(before: range.lowerBound)].isLetter || text[text.index(before: range.lowerBound)].isNumber)
                if isStart, !found.contains(where: { $0.overlaps(range) }) { found.append(range) }
                from = range.upperBound
                if found.count > 50 { break }
            }
        }
        return found.sorted { $0.lowerBound < $1.lowerBound }
    }
}

extension TicketQuery {
    /// The words a search looks for in texts, to be shown where they stand.
    package var soughtWords: [String] {
        switch self {
        case .all(let parts), .any(let parts): parts.flatMap(\.soughtWords)
        case .text(let text): text.words
        default: []
        }
    }
}

extension Connection {
    /// For each ticket the first stretch of its conversation that has a word looked for. An agent's notes count.
    package func snippets(of tickets: [Ticket.ID], words: [String]) throws -> [Ticket.ID: Snippet] {
        guard !words.isEmpty, !tickets.isEmpty else { return [:] }
        var found: [Ticket.ID: Snippet] = [:]
        try run("SELECT ticket_id, substr(text, 1, 5000) FROM entry WHERE ticket_id IN (\(list: tickets)) ORDER BY ticket_id, id LIMIT 2000") { row in
            let ticket: Ticket.ID = try row.read()
            guard found[ticket] == nil else { return }
            if let snippet = Snippet(try row.read(), words: words) { found[ticket] = snippet }
        }
        return found
    }
}
