import Domain
import Foundation
import Primitives
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
        Article(
            slug: try row.read(), title: try row.read(), category: try row.read(), body: try row.read(),
            updatedAt: try row.read())
    }
    package func article(slug: String) throws -> Article {
        guard
            let found = try first(
                "SELECT slug, title, category, body, updated_at FROM article WHERE slug = \(slug) AND is_published = 1",
                { try article(&$0) })
        else { throw Refusal.notFound }
        return found
    }
    /// Published articles by category.
    package func articles(limit: Int) throws -> [Article] {
        try query(
            """
            SELECT slug, title, category, body, updated_at FROM article WHERE is_published = 1
            ORDER BY category, title LIMIT \(limit)
            """
        ) { try article(&$0) }
    }
    /// Published articles in the order of their keys here; what is published no more is left out.
    func articles(_ ids: [Int64]) throws -> [Article] {
        guard !ids.isEmpty else { return [] }
        var found: [Int64: Article] = [:]
        try run(
            """
            SELECT id, slug, title, category, body, updated_at FROM article WHERE is_published = 1
            AND id IN (\(list: ids))
            """
        ) { row in
            let id: Int64 = try row.read()
            found[id] = try article(&row)
        }
        return ids.compactMap { found[$0] }
    }

    /// What the public form offers, in the administrator's order.
    package func publicTopics() throws -> [PublicTopic] {
        try query("SELECT id, name, description, fields FROM topic WHERE is_active = 1 ORDER BY position, name") {
            PublicTopic(
                id: try $0.read(), name: try $0.read(), description: try $0.read(),
                fields: TopicField.list(try $0.read()))
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
