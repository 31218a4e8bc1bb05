/// The header of a message or a part as bytes: its fields in order, and where the body begins, also where the line
/// between them is wrong or missing.
struct HeaderBlock {
    struct Field {
        /// In lower case.
        let name: String
        /// The whole field with its name and folds, without the last line end.
        let line: Range<Int>
        /// Unfolded: without line ends, as it was sent otherwise.
        let value: [UInt8]
    }
    private(set) var fields: [Field] = []
    private(set) var bodyStart = 0
    /// What a parser that goes by RFC 5322 alone would read otherwise; nil for a sound header.
    private(set) var fault: String?
    /// Fields beyond this many are passed over.
    private static let mostFields = 1000
    private static let longestName = 100

    init(_ bytes: UnsafeRawBufferPointer, mostBytes: Int) {
        let end = min(bytes.count, mostBytes)
        var lastKnown: Int?
        var index = 0
        var isOver = false
        while index < end, !isOver {
            let line = Self.line(bytes, at: index, end)
            if line.isEmpty {
                bodyStart = line.next
                isOver = true
            } else if let colon = Self.colon(bytes, line), !Self.isBlank(bytes[index]) {
                let start = index
                var next = line
                // Lines that begin with a blank belong to the field; one of blanks alone ends the header where no field
                // follows.
                while next.next < end, Self.isBlank(bytes[next.next]) {
                    let following = Self.line(bytes, at: next.next, end)
                    if Self.isAllBlank(bytes, following),
                        following.next > (lastKnown ?? Self.lastKnownField(bytes, following.start, end, &lastKnown))
                    {
                        break
                    }
                    next = following
                }
                if fields.count < Self.mostFields {
                    let name = String(decoding: bytes[start..<colon], as: UTF8.self).trimmingWhitespace().lowercased()
                    fields.append(
                        Field(
                            name: name, line: start..<next.end,
                            value: bytes[min(colon + 1, next.end)..<next.end].filter { $0 != 10 && $0 != 13 }))
                }
                index = next.next
                bodyStart = index
                continue
            } else if index < (lastKnown ?? Self.lastKnownField(bytes, index, end, &lastKnown)) {
                // Fields go on behind it: a line that got lost in the header.
                fault = "its header has lines that are no fields"
                index = line.next
                bodyStart = index
                continue
            } else {
                fault = "no empty line stands behind its header"
                bodyStart = Self.isAllBlank(bytes, line) ? line.next : index
                isOver = true
            }
        }
        if !fields.contains(where: { Self.isKnown($0.name) }) {
            if bytes.isEmpty == false, bodyStart > 0 || !fields.isEmpty { fault = "it has no header" }
            fields = []
            bodyStart = 0
        }
    }

    /// The fields and the body with a sound separator between them.
    func repaired(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        var sound: [UInt8] = []
        sound.reserveCapacity(bytes.count + fields.count * 2 + 2)
        for field in fields {
            sound += bytes[field.line]
            sound += [13, 10]
        }
        sound += [13, 10]
        sound += bytes[bodyStart...]
        return sound
    }

    // MARK: lines

    private struct Line {
        let start: Int
        /// Without its line end.
        let end: Int
        let next: Int
        var isEmpty: Bool { start == end }
    }

    private static func line(_ bytes: UnsafeRawBufferPointer, at start: Int, _ limit: Int) -> Line {
        var end = start
        while end < limit, bytes[end] != 10 { end += 1 }
        let next = end < limit ? end + 1 : end
        if end > start, bytes[end - 1] == 13 { end -= 1 }
        return Line(start: start, end: end, next: next)
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
    private static func isAllBlank(_ bytes: UnsafeRawBufferPointer, _ line: Line) -> Bool {
        bytes[line.start..<line.end].allSatisfy { isBlank($0) || $0 == 13 }
    }

    /// Where the name ends: printable ASCII without blanks, then perhaps blanks, then a colon.
    private static func colon(_ bytes: UnsafeRawBufferPointer, _ line: Line) -> Int? {
        var index = line.start
        while index < line.end, index - line.start <= longestName, bytes[index] > 0x20, bytes[index] < 0x7F,
            bytes[index] != UInt8(ascii: ":")
        { index += 1 }
        guard index > line.start else { return nil }
        while index < line.end, isBlank(bytes[index]) { index += 1 }
        return index < line.end && bytes[index] == UInt8(ascii: ":") ? index : nil
    }

    /// Where the last well-known field before the first empty line begins; -1 where none does. Searched once.
    private static func lastKnownField(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ limit: Int, _ found: inout Int?)
        -> Int
    {
        var last = -1
        var index = start
        while index < limit {
            let line = line(bytes, at: index, limit)
            if line.isEmpty { break }
            if let colon = colon(bytes, line), !isBlank(bytes[index]),
                isKnown(String(decoding: bytes[index..<colon], as: UTF8.self).trimmingWhitespace().lowercased())
            {
                last = index
            }
            index = line.next
        }
        found = last
        return last
    }

    static func isKnown(_ name: String) -> Bool { known.contains(name) || prefixes.contains { name.hasPrefix($0) } }
    private static let known: Set<String> = [
        "from", "to", "cc", "bcc", "subject", "date", "message-id", "reply-to", "sender", "return-path", "received",
        "references", "in-reply-to", "mime-version", "delivered-to", "precedence",
        "auto-submitted", "importance", "priority", "envelope-to", "dkim-signature", "authentication-results",
        "thread-topic", "thread-index", "user-agent", "organization", "comments", "keywords",
    ]
    private static let prefixes = ["content-", "x-", "list-", "resent-", "arc-", "received-"]
}

/// The header of a message: names in lower case, values unfolded and decoded.
package struct Headers: Sendable {
    private enum Value: Sendable {
        case sent([UInt8])
        case text(String)
    }
    private var values: [(name: String, value: Value)] = []
    private let hints: [String]
    /// Fields of one name beyond this many are passed over.
    private static let mostOfOneName = 50

    /// - Parameter hints: labels of the message's own texts, for bytes beyond ASCII that no encoded word holds.
    init(_ block: HeaderBlock, hints: [String] = []) {
        values = block.fields.map { ($0.name, .sent($0.value)) }
        self.hints = hints
    }
    package init(_ values: [(name: String, value: String)] = []) {
        self.values = values.map { ($0.name, .text($0.value)) }
        hints = []
    }

    package func first(_ name: String) -> String? { values.first { $0.name == name }.map { text($0.value) } }
    package func all(_ name: String) -> [String] {
        values.lazy.filter { $0.name == name }.prefix(Self.mostOfOneName).map { text($0.value) }
    }
    package func contains(prefix: String) -> Bool { values.contains { $0.name.hasPrefix(prefix) } }

    /// The addresses of the first field of that name that has any.
    func addresses(_ name: String) -> [MailAddress] {
        for field in values.lazy.filter({ $0.name == name }).prefix(Self.mostOfOneName) {
            let found: [MailAddress] =
                if case .sent(let bytes) = field.value { AddressList.read(bytes, hints: hints) } else {
                    AddressList.read(Array(text(field.value).utf8))
                }
            if !found.isEmpty { return found }
        }
        return []
    }

    private func text(_ value: Value) -> String {
        switch value {
        case .sent(let bytes): HeaderText.decode(bytes, hints: hints).trimmingWhitespace()
        case .text(let text): text
        }
    }
}
