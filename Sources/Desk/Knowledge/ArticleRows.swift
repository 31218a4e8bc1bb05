import Foundation
import Store

/// An answer for everybody.
package struct Article: Sendable {
    package let slug: String
    package let title: String
    package let category: String
    /// Markdown.
    package let body: String
    package let updatedAt: Date
}

extension Connection {
    private func article(_ row: inout Row) throws -> Article {
        Article(slug: try row.read(), title: try row.read(), category: try row.read(), body: try row.read(), updatedAt: try row.read())
    }
    package func article(slug: String) throws -> Article {
        guard let found = try first("SELECT slug, title, category, body, updated_at FROM article WHERE slug = \(slug) AND is_published = 1", { try article(&$0) }) else { throw Refusal.notFound }
        return found
    }
    /// Published articles by category; with words, those that have all of them, in the title or the text.
    package func articles(words: [String] = [], limit: Int) throws -> [Article] {
        let all = try query("SELECT slug, title, category, body, updated_at FROM article WHERE is_published = 1 ORDER BY category, title LIMIT 2000") { try article(&$0) }
        guard !words.isEmpty else { return Array(all.prefix(limit)) }
        let scored = all.compactMap { article -> (Article, Int)? in
            let title = Words.split(article.title), text = Words.split(article.body)
            var score = 0
            for word in words {
                if title.contains(where: { $0.hasPrefix(word) }) { score += 3 } else if text.contains(where: { $0.hasPrefix(word) }) { score += 1 } else { return nil }
            }
            return (article, score)
        }
        return scored.sorted { $0.1 > $1.1 }.prefix(limit).map(\.0)
    }

    /// What the public form offers, in the administrator's order.
    package func publicTopics() throws -> [PublicTopic] {
        try query("SELECT id, name, description, fields FROM topic WHERE is_active = 1 ORDER BY position, name") {
            PublicTopic(id: try $0.read(), name: try $0.read(), description: try $0.read(), fields: TopicField.list(try $0.read()))
        }
    }
}

/// A topic as customers choose it.
package struct PublicTopic: Sendable {
    package let id: Topic.ID
    package let name: String
    package let description: String
    package let fields: [TopicField]
}
