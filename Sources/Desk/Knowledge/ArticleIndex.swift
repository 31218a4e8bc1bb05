import Domain
import Foundation
import Primitives
import Store
import Synchronization

/// Finds published articles by the words of a question.
///
/// Any word counts; titles before categories, categories before text; rare words before common ones; whole words before
/// beginnings. A search takes time that grows with the articles it finds, whatever the question's length: only so many
/// of its words are looked up, and so many words that begin with each.
package struct ArticleIndex: Sendable {
    /// An article as it is put in.
    package struct Source: Sendable {
        let id: Int64
        let title: String
        let category: String
        let slug: String
        let body: String
        package init(id: Int64, title: String, category: String, slug: String, body: String) {
            self.id = id
            self.title = title
            self.category = category
            self.slug = slug
            self.body = body
        }
    }
    private struct Posting {
        let article: Int32
        let weight: Float
    }

    static let empty = ArticleIndex([])
    private static let mostCharacters = 1000
    private static let mostWords = 24
    private static let mostBeginnings = 200
    /// What scores less than this part of the best is left out.
    private static let least: Float = 0.2

    private let ids: [Int64]
    /// In the order of their bytes, so that all with one beginning stand together.
    private let words: [String]
    private let postings: [[Posting]]

    package init(_ sources: [Source]) {
        ids = sources.map(\.id)
        var weights: [String: [Int32: Float]] = [:]
        for (position, source) in sources.enumerated() {
            let article = Int32(position)
            func add(_ text: String, _ weight: Float) {
                for word in Set(Words.split(text)) { weights[word, default: [:]][article, default: 0] += weight }
            }
            add(source.title, 6)
            add(source.category, 3)
            add(source.slug, 2)
            var times: [String: Float] = [:]
            for word in Words.split(source.body) { times[word, default: 0] += 1 }
            for (word, count) in times { weights[word, default: [:]][article, default: 0] += 1 + log2(count) / 4 }
        }
        words = weights.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        postings = words.map { word in (weights[word] ?? [:]).map { Posting(article: $0.key, weight: $0.value) } }
    }

    /// The articles that answer best, the best first.
    package func search(_ question: String, limit: Int) -> [Int64] {
        var scores = [Float](repeating: 0, count: ids.count)
        var matched = [Int](repeating: 0, count: ids.count)
        for word in Self.sought(question) {
            let found = matches(of: word)
            guard !found.isEmpty else { continue }
            let rarity = log(1 + Float(ids.count) / Float(found.count)) * (word.isCommon ? 0.05 : 1)
            for (article, weight) in found {
                scores[Int(article)] += weight * rarity
                matched[Int(article)] += word.isCommon ? 0 : 1
            }
        }
        // An article with more of the words comes before one that says a single one often.
        for position in scores.indices where scores[position] > 0 {
            scores[position] *= 1 + Float(matched[position]) / 2
        }
        guard let best = scores.max(), best > 0 else { return [] }
        let found = scores.indices.filter { scores[$0] >= best * Self.least }.sorted {
            (-scores[$0], ids[$0]) < (-scores[$1], ids[$1])
        }
        return found.prefix(limit).map { ids[$0] }
    }

    /// A word of the question, with the other ways it may be written.
    private struct Sought {
        let spellings: [String]
        let isCommon: Bool
    }

    private static func sought(_ question: String) -> [Sought] {
        let text = String(question.prefix(mostCharacters))
        let split = Words.split(text)
        let others = Words.spellings(split, of: text).dropFirst().filter { $0.count == split.count }
        var sought: [Sought] = []
        var seen: Set<String> = []
        for (position, word) in split.enumerated() where seen.insert(word).inserted {
            sought.append(
                Sought(
                    spellings: [word] + others.map { $0[position] }.filter { $0 != word },
                    isCommon: common.contains(word)))
            if sought.count == mostWords { break }
        }
        return sought
    }

    /// Each article that has the word, its beginning, or its singular, with the best of what it scores for it.
    private func matches(of word: Sought) -> [Int32: Float] {
        var found: [Int32: Float] = [:]
        func take(_ index: Int, _ share: Float) {
            for posting in postings[index] {
                found[posting.article] = max(found[posting.article] ?? 0, posting.weight * share)
            }
        }
        for spelling in word.spellings {
            let isLetter = spelling.unicodeScalars.count < 2
            let start = firstIndex(notBefore: spelling)
            for index in start..<min(start + Self.mostBeginnings, words.count) {
                guard words[index].utf8.starts(with: spelling.utf8) else { break }
                if words[index].utf8.count == spelling.utf8.count {
                    take(index, 1)
                } else if isLetter || word.isCommon {
                    break
                } else {
                    take(index, 0.7)
                }
            }
            // A question in the plural finds the singular too.
            guard spelling.utf8.count > 3, spelling.hasSuffix("s") else { continue }
            let singular = String(spelling.dropLast())
            let index = firstIndex(notBefore: singular)
            if index < words.count, words[index] == singular { take(index, 0.8) }
        }
        return found
    }

    private func firstIndex(notBefore word: String) -> Int {
        var (low, high) = (0, words.count)
        while low < high {
            let middle = (low + high) / 2
            if words[middle].utf8.lexicographicallyPrecedes(word.utf8) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Words that stand in every question and say nothing of what it is about.
    private static let common: Set<String> = [
        "a", "an", "and", "are", "as", "at", "be", "by", "can", "do", "does", "for", "from", "have", "how", "i", "in",
        "is", "it", "me", "my", "not", "of", "on", "or", "our", "so", "that", "the", "this",
        "to", "was", "we", "what", "when", "where", "why", "will", "with", "you", "your",
        "aber", "auf", "aus", "bei", "bin", "das", "dass", "dem", "den", "der", "des", "die", "ein", "eine", "einen",
        "er", "es", "fur", "hat", "ich", "ist", "kann", "man", "mein", "meine", "mich", "mir", "mit",
        "nicht", "oder", "sich", "sie", "sind", "und", "von", "wann", "warum", "was", "wie", "wir", "wo", "zu", "zum",
        "zur",
    ]
}

/// The index as it was last made, here or after another process changed an article: a version that changes with every
/// article tells.
package final class ArticleShelf: Sendable {
    private struct State {
        var kept: (version: String, index: ArticleIndex)?
        /// Whoever asks while one is made waits for it.
        var making: (version: String, task: Task<ArticleIndex, any Error>)?
    }
    private let state = Mutex(State())
    private static let lane = BlockingLane(threads: 1)

    package init() {}

    package func index(on desk: Desk) async throws -> ArticleIndex {
        let version = try await desk.read { try $0.articleVersion() }
        let (found, task) = state.withLock { state -> (ArticleIndex?, Task<ArticleIndex, any Error>?) in
            if let kept = state.kept, kept.version == version { return (kept.index, nil) }
            if let making = state.making, making.version == version { return (nil, making.task) }
            let task = Task { try await make(on: desk) }
            state.making = (version, task)
            return (nil, task)
        }
        if let found { return found }
        guard let task else { return .empty }
        return try await task.value
    }

    private func make(on desk: Desk) async throws -> ArticleIndex {
        do {
            let (version, sources) = try await desk.read { (try $0.articleVersion(), try $0.articleSources()) }
            let index = try await Self.lane.run { ArticleIndex(sources) }
            state.withLock {
                $0.kept = (version, index)
                $0.making = nil
            }
            return index
        } catch {
            state.withLock { $0.making = nil }
            throw error
        }
    }
}

extension Connection {
    /// Changes whenever an article does.
    func articleVersion() throws -> String { try privateSetting("articles") ?? "" }

    fileprivate func articleSources() throws -> [ArticleIndex.Source] {
        try query("SELECT id, title, category, slug, body FROM article WHERE is_published = 1 ORDER BY id") {
            ArticleIndex.Source(
                id: try $0.read(), title: try $0.read(), category: try $0.read(), slug: try $0.read(),
                body: try $0.read())
        }
    }
}

extension Transaction {
    /// An article changed: what was indexed is old.
    func articlesChanged() throws { try keepPrivately("articles", Secret.random()) }
}

extension Desk {
    /// The keys of the published articles that answer a question, the best first.
    package func articleIDs(for question: String, limit: Int) async throws -> [Int64] {
        try await articles.index(on: self).search(question, limit: limit)
    }

    /// The published articles that answer a question, the best first.
    package func articles(for question: String, limit: Int) async throws -> [Article] {
        let ids = try await articleIDs(for: question, limit: limit)
        return try await read { try $0.articles(ids) }
    }
}
