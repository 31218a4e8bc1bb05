import Foundation
import Primitives

/// Given or taken away.
package enum Setting<Value: Sendable>: Sendable {
    case cleared
    case given(Value)

    /// What is given; nil where it is taken away.
    package var value: Value? {
        if case .given(let value) = self { value } else { nil }
    }
}

/// How the words of a ticket are to become different; what is nil stays.
package struct WordChange: Sendable {
    package var subject: String?
    package var topic: Setting<Reference<Topic>>?
    package var tags: [String]?
    /// Single fields; null takes one away.
    package var fields: [String: JSON]?

    package init() {}
}

extension Ticket {
    /// Characters of a subject.
    package static let longestSubject = 300

    /// Refuses to change what lives on elsewhere, or nowhere.
    package func requireChangeable() throws(Refusal) {
        guard ![.merged, .deleted].contains(state) else {
            throw .conflict(standstill, allowed: [])
        }
    }

    /// A subject fit to be set: one line, not empty, not too long.
    package static func subject(_ text: String) throws(Refusal) -> String {
        let subject = text.singleLine
        guard !subject.isEmpty else { throw .invalid("subject", .required) }
        guard subject.fits(longestSubject) else { throw .invalid("subject", .tooLong(most: longestSubject)) }
        return subject
    }

    /// Tags as they are kept: in lower case, on one line, each once.
    package static func tags(_ tags: [String]) -> [String] {
        var kept: [String] = []
        for tag in tags.map({ $0.singleLine.lowercased() }) where !tag.isEmpty && !kept.contains(tag) {
            kept.append(tag)
        }
        return kept
    }

    /// Subject, topic, tags and fields become others; one event says what was changed.
    package mutating func change(
        _ words: WordChange, by actor: Actor, at now: Date
    ) throws(Refusal) -> [Consequence] {
        var data: [String: JSON] = [:]
        var consequences: [Consequence] = []
        func note(_ name: String, _ from: JSON, _ to: JSON) { data[name] = ["from": from, "to": to] }
        if let text = words.subject, text.singleLine != subject {
            let subject = try Self.subject(text)
            note("subject", .string(self.subject), .string(subject))
            self.subject = subject
            consequences.append(.indexWords(subject))
        }
        if let topic = words.topic, topic.value != self.topic {
            note("topic", JSON(self.topic?.name), JSON(topic.value?.name))
            self.topic = topic.value
        }
        if let wanted = words.tags.map(Self.tags), wanted != tags {
            note("tags", .array(tags.map(JSON.string)), .array(wanted.map(JSON.string)))
            tagsText = JSON.array(wanted.map(JSON.string)).written
            consequences.append(.setTags(wanted))
        }
        if let fields = words.fields {
            let former = self.fields
            var kept = former
            for (name, value) in fields { kept[name] = value == .null ? nil : value }
            if kept != former {
                note("fields", .object(former), .object(kept))
                fieldsText = JSON.object(kept).written
            }
        }
        guard !data.isEmpty else { return [] }
        updatedAt = now
        return consequences + [.event(.changed, by: actor, data: data)]
    }

    /// The fields of its topic's form that were filled in.
    package var fields: [String: JSON] {
        guard case .object(let known)? = JSON(fieldsText) else { return [:] }
        return known
    }
}
