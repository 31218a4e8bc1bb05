import Domain
import Foundation
import Mail
import Markup
import Primitives
import Store

/// One thing somebody said or noted in a ticket. Never changed afterwards.
package struct Entry: Sendable {
    package typealias ID = Primitives.ID<Entry>
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
    package let provenance: Provenance
    package var attachments: [Attachment] = []

    package typealias Kind = EntryKind
}

extension Entry {
    /// Its markup as customers get it. An agent who answers by mail may quote what only agents have read; the text has
    /// been judged line by line, so that the markup has to say the same.
    package var markupForCustomers: String? {
        guard author.role == .agent, source == .email, let html else { return html }
        return MarkupWords.agree(html, text) ? html : nil
    }
}

/// How sure it is who wrote an entry, and what else is known of its way.
package struct Provenance: Sendable, Equatable {
    /// Nothing proves that the author wrote it: neither a signed token nor a mailed link nor the desk's own mail
    /// server.
    package var isUnverified = false
    /// Who sent it, where that is not the author alone.
    package var sentBy: SentBy?
    /// Whom a message was addressed to besides the desk: whoever of them answers it belongs to its ticket.
    package var addressed: [String] = []
    /// The ticket it was written in, where that was merged into another since.
    package var origin: Ticket.ID?

    package init(isUnverified: Bool = false, sentBy: SentBy? = nil, addressed: [String] = [], origin: Ticket.ID? = nil)
    {
        self.isUnverified = isUnverified
        self.sentBy = sentBy
        self.addressed = addressed
        self.origin = origin
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
    package typealias ID = Primitives.ID<Attachment>
    package let id: ID
    package let name: String
    package let type: String
    package let size: Int
    package let hash: String
    package let contentID: String?

    /// Types every browser and mail program shows and none can be made to run.
    static let pictures: Set = ["image/png", "image/jpeg", "image/gif", "image/webp"]
    package var isPicture: Bool { Attachment.pictures.contains(type) }
}

extension Entry {
    /// Sanitized HTML of this entry with its own pictures led to where they are, and those from elsewhere where the
    /// reader may see them.
    ///
    /// - Parameters:
    ///   - remote: the attribute that shows a picture from elsewhere, of whose address it is given; nil shows none.
    ///   - source: the attribute that shows a file.
    package func placing(in markup: String, remote: ((String) -> HTML)?, source: (Attachment) -> HTML) -> String {
        guard markup.contains(" data-") else { return markup }
        var markup = markup
        for file in attachments {
            guard let id = file.contentID else { continue }
            let mark: HTML = " data-cid=\"\(typed: id)\""
            markup = markup.replacingOccurrences(of: mark.text, with: source(file).text)
        }
        return remote.map { Self.placing(in: markup, remote: $0) } ?? markup
    }

    /// The sanitizer wrote `data-remote` itself, from checked addresses. On bytes: a quote before a combining mark is
    /// no quote to Characters.
    private static func placing(in markup: String, remote: (String) -> HTML) -> String {
        let (bytes, mark) = (Array(markup.utf8), Array(" data-remote=\"".utf8))
        var placed: [UInt8] = []
        placed.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            guard bytes[index] == mark[0], bytes[index...].starts(with: mark),
                let end = bytes[(index + mark.count)...].firstIndex(of: UInt8(ascii: "\""))
            else {
                placed.append(bytes[index])
                index += 1
                continue
            }
            var address = String(decoding: bytes[(index + mark.count)..<end], as: UTF8.self)
            for (entity, character) in [("&quot;", "\""), ("&#39;", "'"), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")]
            { address = address.replacingOccurrences(of: entity, with: character) }
            placed.append(contentsOf: remote(address).bytes)
            index = end + 1
        }
        return String(decoding: placed, as: UTF8.self)
    }
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
            // Characters that nobody sees are no words.
            text = parts?.new ?? (body.isBlank ? "" : body.trimmingWhitespace())
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

    private init(text: String, markup: String) {
        self.text = text
        html = markup
        quoted = nil
        source = nil
    }

    /// Words as they were typed into a message, with Markdown: the text stays what was typed, the markup is rendered
    /// where something is marked. Made before a write begins.
    package init(typed body: String) {
        let plain = Writing(body, type: .text)
        self.init(text: plain.text, html: Markdown.message(plain.text)?.text, quoted: nil)
    }

    /// With files that go along: `[name]` is the place of a picture. Plain text keeps the name, HTML shows the picture.
    package func placing(_ files: [StoredFile]) -> (writing: Writing, files: [StoredFile]) {
        var markup = html ?? HTMLText.paragraphs(text).text
        var files = files
        for (index, file) in files.enumerated() where file.isPicture && text.contains("[\(file.name)]") {
            let id = "\(file.hash.prefix(32)).\(index)@usher"
            let place: HTML = "[\(file.name)]"
            let picture: HTML = "<img alt=\"\(file.name)\" loading=\"lazy\" data-cid=\"\(id)\">"
            markup = markup.replacingOccurrences(of: place.text, with: picture.text)
            files[index] = StoredFile(
                hash: file.hash, size: file.size, name: file.name, type: file.type, contentID: id, isInline: true)
        }
        return files.contains(where: \.isInline) ? (Writing(text: text, markup: markup), files) : (self, files)
    }

    /// From a message that has both forms, all of it new: what opens a ticket.
    package init(text plain: String, html: String?) {
        text = plain.withoutControls.trimmingWhitespace()
        quoted = nil
        self.html = html.map { HTMLSanitizer.clean($0.withoutControls).text }
        source = nil
    }

    private init(text: String, html: String?, quoted: String?) {
        self.text = text
        self.html = html
        self.quoted = quoted
        source = nil
    }

    /// The same with the history of an answer folded.
    ///
    /// - Parameter known: what the desk holds of the conversation; nil folds whatever has the form of a history.
    package func foldingHistory(knowing known: KnownWords? = nil) -> Writing {
        let parts = QuotedText(text, knowing: known)
        return Writing(text: parts.new, html: html, quoted: parts.quoted)
    }

    /// The same with some lines folded away, for an answer of which others read what stays: its markup says what the
    /// text says and not a word more, or there is none.
    ///
    /// - Parameter areOut: which of the lines go.
    func leavingOut(_ areOut: ([Substring]) -> [Bool]) -> Writing {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let isOut = areOut(lines)
        func joined(_ indices: [Int]) -> String {
            indices.map { lines[$0] }.joined(separator: "\n").trimmingWhitespace()
        }
        let left = joined(lines.indices.filter { !isOut[$0] })
        let gone = joined(lines.indices.filter { isOut[$0] })
        let markup = html.flatMap {
            MarkupWords.agree($0, left) ? $0 : MarkupWords.beginning(of: $0, saying: left)
        }
        let folded = [quoted ?? "", gone].filter { !$0.isEmpty }.joined(separator: "\n")
        return Writing(text: left, html: markup, quoted: folded.isEmpty ? nil : folded)
    }

    /// The same with the mail folded that it quotes.
    package func folding(_ mail: QuotedMail) -> Writing { Writing(text: mail.new, html: html, quoted: mail.quoted) }

    /// With what a reader has to know besides the words, in brackets below them.
    package func noting(_ notes: [String]) -> Writing {
        guard !notes.isEmpty else { return self }
        let below = notes.map { "[\($0)]" }.joined(separator: "\n")
        return Writing(
            text: "\(text)\n\n\(below)", html: html.map { $0 + HTMLText.paragraphs(below).text }, quoted: quoted)
    }

    /// Words in place of none; pictures stay.
    package func saying(_ words: String) -> Writing {
        guard text.isEmpty else { return self }
        return Writing(text: words, html: html.flatMap { $0.contains("<img") ? $0 : nil }, quoted: quoted)
    }
}
