import Foundation
import Markup
import Mail
import Store

/// One thing somebody said or noted in a ticket. Never changed afterwards.
package struct Entry: Sendable {
    package typealias ID = Store.ID<Entry>
    package let id: ID
    package let kind: Kind
    package let author: Author
    package let at: Date
    /// The new text, plain.
    package let text: String
    /// Sanitized.
    package let html: String?
    /// The folded history, plain.
    package let quoted: String?
    package let source: Source
    package let messageID: String?
    package var attachments: [Attachment] = []

    package enum Kind: String, Sendable, CaseIterable, SQLConvertible {
        /// From a customer.
        case message
        /// From an agent to the customer.
        case reply
        /// Internal: no customer ever receives it.
        case note
    }
}

/// Who wrote an entry.
package struct Author: Sendable, Equatable {
    package enum Role: String, Sendable, SQLConvertible {
        case customer, agent, system
    }
    package let role: Role
    package let id: Int64?
    package let name: String
    package let address: String?
    /// Wrote with a good token from an address nobody knew: receives nothing until an agent adds them.
    package let isStranger: Bool

    package init(_ role: Role, id: Int64?, name: String, address: String?, isStranger: Bool = false) {
        self.role = role
        self.id = id
        self.name = name
        self.address = address
        self.isStranger = isStranger
    }
    package init(_ agent: Agent) { self.init(.agent, id: agent.id.number, name: agent.name, address: agent.email) }
    package init(_ actor: Actor) {
        switch actor.kind {
        case .agent: self.init(.agent, id: actor.id, name: actor.name, address: actor.address)
        case .customer: self.init(.customer, id: actor.id, name: actor.name, address: actor.address)
        case .key, .rule, .timer, .system: self.init(.system, id: nil, name: actor.name, address: nil)
        }
    }
    /// The same person as the actor of an event.
    package var actor: Actor {
        switch role {
        case .customer: Actor(.customer, id: id, name: name.isEmpty ? address ?? "" : name, address: address)
        case .agent: Actor(.agent, id: id, name: name, address: address)
        case .system: Actor(.system, name: name)
        }
    }
}

/// A file of an entry; its bytes are in the file store under their hash.
package struct Attachment: Sendable, Equatable {
    package typealias ID = Store.ID<Attachment>
    package let id: ID
    package let name: String
    package let type: String
    package let size: Int
    package let hash: String
    package let contentID: String?
}

/// What somebody wrote, made fit to keep: the new text apart from the history, HTML cleaned, the source beside it.
package struct Writing: Sendable {
    package let text: String
    package let html: String?
    package let quoted: String?
    /// What was sent, where it is not the text itself.
    package let source: (type: BodyType, body: String)?

    package enum BodyType: String, Sendable, CaseIterable {
        case text, html, markdown
    }

    /// - Parameter foldsHistory: a mail's quoted history goes into `quoted`; what was typed into a form is all new.
    package init(_ body: String, type: BodyType, foldsHistory: Bool = false) {
        let body = body.withoutControls
        switch type {
        case .text:
            let parts = foldsHistory ? QuotedText(body) : nil
            text = parts?.new ?? body.trimmingWhitespace()
            quoted = parts?.quoted
            html = nil
            source = nil
        case .html:
            let plain = HTMLText.plain(body)
            let parts = foldsHistory ? QuotedText(plain) : nil
            text = parts?.new ?? plain
            quoted = parts?.quoted
            html = HTMLSanitizer.clean(body).text
            source = (.html, body)
        case .markdown:
            let markup = Markdown.html(body)
            text = HTMLText.plain(markup.text)
            quoted = nil
            html = markup.text
            source = (.markdown, body)
        }
    }

    /// From a message that has both forms.
    package init(text plain: String, html: String?) {
        let parts = QuotedText(plain.withoutControls)
        text = parts.new
        quoted = parts.quoted
        self.html = html.map { HTMLSanitizer.clean($0.withoutControls).text }
        source = nil
    }
}
