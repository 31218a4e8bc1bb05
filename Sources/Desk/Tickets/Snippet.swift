import Domain
import Foundation
import Mail
import Store

/// The place in a ticket's conversation where what was looked for stands.
package struct Snippet: Sendable {
    package let text: String
    package let isCutBefore: Bool
    package let isCutAfter: Bool
    private static let before = 30
    private static let length = 160

    /// The stretch of a text around the first hit; nil where there is none.
    package init?(_ text: String, words: [String]) {
        guard let hit = Snippet.hits(of: words, in: text).first else { return nil }
        let start = text.index(hit.lowerBound, offsetBy: -Self.before, limitedBy: text.startIndex) ?? text.startIndex
        let end = text.index(start, offsetBy: Self.length, limitedBy: text.endIndex) ?? text.endIndex
        self.text = String(text[start..<end]).singleLine
        isCutBefore = start > text.startIndex
        isCutAfter = end < text.endIndex
    }

    /// The same for text that is ASCII alone, cut out of its bytes.
    fileprivate init(plain bytes: UnsafeBufferPointer<UInt8>, at hit: Int) {
        let start = max(0, hit - Self.before)
        let end = min(bytes.count, start + Self.length)
        text = String(decoding: bytes[start..<end], as: UTF8.self).singleLine
        isCutBefore = start > 0
        isCutAfter = end < bytes.count
    }

    /// Where words stand in a text: at the beginning of a word, without regard to case and accents; none overlap.
    package static func hits(of words: [String], in text: String) -> [Range<String.Index>] {
        var found: [Range<String.Index>] = []
        for word in words where !word.isEmpty {
            if let plain = plainHits(of: word, in: text) {
                for range in plain where !found.contains(where: { $0.overlaps(range) }) { found.append(range) }
                continue
            }
            var from = text.startIndex
            while let range = text.range(
                of: word, options: [.caseInsensitive, .diacriticInsensitive], range: from..<text.endIndex)
            {
                let isStart =
                    range.lowerBound == text.startIndex
                    || !(text[text.index(before: range.lowerBound)].isLetter
                        || text[text.index(before: range.lowerBound)].isNumber)
                if isStart, !found.contains(where: { $0.overlaps(range) }) { found.append(range) }
                from = range.upperBound
                if found.count > 50 { break }
            }
        }
        return found.sorted { $0.lowerBound < $1.lowerBound }
    }
}

extension Snippet {
    /// The same for text that is ASCII alone, byte by byte; nil for any other.
    private static func plainHits(of word: String, in text: String) -> [Range<String.Index>]? {
        let sought = Array(word.utf8)
        let offsets = text.utf8.withContiguousStorageIfAvailable { bytes -> [Int]? in
            guard isPlain(bytes) else { return nil }
            var offsets: [Int] = []
            var from = 0
            while offsets.count <= 50, let start = plainHit(of: sought, in: bytes, from: from) {
                offsets.append(start)
                from = start + sought.count
            }
            return offsets
        }
        guard let offsets, let offsets, isPlain(sought) else { return nil }
        return offsets.map {
            text.utf8.index(
                text.startIndex, offsetBy: $0)..<text.utf8.index(text.startIndex, offsetBy: $0 + sought.count)
        }
    }

    fileprivate static func isPlain(_ bytes: some RandomAccessCollection<UInt8>) -> Bool {
        bytes.withContiguousStorageIfAvailable(isPlain) ?? false
    }
    fileprivate static func isPlain(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        for index in 0..<bytes.count where bytes[index] >= 0x80 { return false }
        return true
    }

    private static func folded(_ byte: UInt8) -> UInt8 { byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte }

    /// The first place at or behind `from` where a word of ASCII begins with `sought`.
    fileprivate static func plainHit(of sought: [UInt8], in bytes: UnsafeBufferPointer<UInt8>, from: Int) -> Int? {
        guard !sought.isEmpty, bytes.count - sought.count >= from else { return nil }
        let first = folded(sought[0])
        for start in from...(bytes.count - sought.count) where folded(bytes[start]) == first {
            if start > 0 {
                let before = folded(bytes[start - 1])
                if before >= 0x30 && before <= 0x39 || before >= 0x61 && before <= 0x7A { continue }
            }
            var length = 1
            while length < sought.count, folded(bytes[start + length]) == folded(sought[length]) { length += 1 }
            if length == sought.count { return start }
        }
        return nil
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
        let sought = words.map { Array($0.utf8) }
        let isPlain = sought.allSatisfy { Snippet.isPlain($0) }
        try run(
            """
            SELECT ticket_id, substr(text, 1, 5000) FROM entry WHERE ticket_id IN (\(list: tickets))
            ORDER BY ticket_id, id LIMIT 2000
            """
        ) { row in
            let ticket: Ticket.ID = try row.read()
            guard found[ticket] == nil else { return }
            row.withText { bytes in
                // Most entries are plain: of those no more becomes a string than is shown.
                if isPlain, Snippet.isPlain(bytes) {
                    let hits = sought.compactMap { Snippet.plainHit(of: $0, in: bytes, from: 0) }
                    if let first = hits.min() { found[ticket] = Snippet(plain: bytes, at: first) }
                    return
                }
                found[ticket] = Snippet(String(decoding: bytes, as: UTF8.self), words: words)
            }
        }
        return found
    }
}
