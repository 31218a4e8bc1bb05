/// A sentence that people read. Its English stands where it is said, with `{0}`, `{1}` … where the values go, and is the
/// key to all other languages; a test finds what a translation lacks.
package struct Sentence: Equatable, Sendable {
    package enum Value: Equatable, Sendable {
        /// Stays as it is in every language.
        case text(String)
        /// Words of ours, which have a translation of their own.
        case words(String)

        fileprivate var english: String {
            switch self {
            case .text(let text), .words(let text): text
            }
        }
    }

    package let template: String
    package let values: [Value]

    package init(_ template: String, _ values: String...) {
        self.template = template
        self.values = values.map { .text($0) }
    }
    package init(_ template: String, _ values: [Value]) {
        self.template = template
        self.values = values
    }
    /// One that only terminals and programs read, and that is not translated.
    package init(english text: String) {
        template = text
        values = []
    }

    package var english: String { values.isEmpty ? template : Self.fill(template, values.map { $0.english }) }

    /// One pass, so that a value that looks like a place to fill stays what it is.
    package static func fill(_ text: String, _ values: [String]) -> String {
        var filled = ""
        var rest = text[...]
        while let open = rest.utf8.firstIndex(of: UInt8(ascii: "{")) {
            let mark = rest[open...].utf8.prefix(3)
            let digit = mark.dropFirst().first.map { Int($0) - 0x30 } ?? -1
            if mark.count == 3, mark.last == UInt8(ascii: "}"), values.indices.contains(digit) {
                filled.append(contentsOf: rest[..<open])
                filled.append(values[digit])
                rest = rest[mark.endIndex...]
            } else {
                let next = rest.utf8.index(after: open)
                filled.append(contentsOf: rest[..<next])
                rest = rest[next...]
            }
        }
        filled.append(contentsOf: rest)
        return filled
    }
}
