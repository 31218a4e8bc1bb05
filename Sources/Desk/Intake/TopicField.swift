import Foundation
import Mail
import Primitives

/// A question a topic asks in the public form besides a subject and a body.
package struct TopicField: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable {
        case line, text, number, choice, check
    }
    /// The name in the form (`field-KEY`) and in the ticket's `fields`.
    package let key: String
    package let label: String
    package let kind: Kind
    package let isRequired: Bool
    package let options: [String]

    package static let most = 30
    package static let longest = 10_000

    /// Reads the list a topic keeps; nil for what is none.
    package init?(_ json: JSON) {
        guard let key = json["key"]?.text, TopicField.isKey(key), let label = json["label"]?.text?.singleLine,
            !label.isEmpty, label.count <= 200,
            let kind = Kind(rawValue: json["kind"]?.text ?? Kind.line.rawValue)
        else { return nil }
        self.key = key
        self.label = label
        self.kind = kind
        isRequired = json["required"] == .bool(true)
        var options: [String] = []
        if case .array(let items)? = json["options"] {
            options = items.compactMap { $0.text?.singleLine }.filter { !$0.isEmpty }
        }
        self.options = options
        if kind == .choice, options.isEmpty { return nil }
    }

    package static func isKey(_ key: String) -> Bool {
        !key.isEmpty && key.utf8.count <= 40
            && key.utf8.allSatisfy { $0 >= 0x61 && $0 <= 0x7A || $0 >= 0x30 && $0 <= 0x39 || $0 == UInt8(ascii: "_") }
    }

    package static func list(_ text: String) -> [TopicField] {
        guard case .array(let items)? = JSON(text) else { return [] }
        return items.compactMap(TopicField.init)
    }

    /// What was typed as the ticket keeps it; nil where nothing was.
    package func value(of typed: String?) throws(Refusal) -> JSON? {
        let text = (typed ?? "").withoutControls.trimmingWhitespace()
        let name = "field-\(key)"
        if kind == .check {
            if isRequired, text.isEmpty { throw .invalid(name, .notTicked) }
            return .bool(!text.isEmpty)
        }
        guard !text.isEmpty else {
            if isRequired { throw .invalid(name, kind == .choice ? .notChosen : .required) }
            return nil
        }
        guard text.fits(TopicField.longest) else { throw .invalid(name, .tooLong(most: TopicField.longest)) }
        switch kind {
        case .line, .check: return .string(text.singleLine)
        case .text: return .string(text)
        case .number:
            let plain = text.replacingOccurrences(of: ",", with: ".")
            guard plain.range(of: #"^-?[0-9]{1,15}(\.[0-9]{1,10})?$"#, options: .regularExpression) != nil else {
                throw .invalid(name, .wrongType(expected: "a number"))
            }
            return Int64(plain).map { JSON($0) } ?? .string(plain)
        case .choice:
            guard options.contains(text) else { throw .invalid(name, .notOneOf(options)) }
            return .string(text)
        }
    }
}
