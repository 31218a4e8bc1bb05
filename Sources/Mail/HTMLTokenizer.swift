/// Cuts strangers' HTML into text, tags and nothing else, as browsers do (WHATWG HTML, section 13.2.5), in one pass.
///
/// Every byte is looked at a bounded number of times. Where a browser would drop the rest of the page because something
/// is never closed (a comment, a title, a quotation mark), the opening alone is dropped and the words stay.
struct HTMLTokenizer {
    enum Token {
        case text(String)
        case start(HTMLTag, [HTMLElement.Attribute])
        case end(HTMLTag)
    }

    private let bytes: UnsafeBufferPointer<UInt8>
    private var index = 0
    /// How many tags ran into the end of the text; each such run reads the rest once.
    private var unfinished = 0
    private static let mostUnfinished = 4
    private var commentsEnd = true
    /// Elements whose end tag does not come any more.
    private var unclosed: Set<Int> = []

    init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    mutating func next() -> Token? {
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "<"), unfinished < Self.mostUnfinished {
                if let token = markup() { return token }
                continue
            }
            return text()
        }
        return nil
    }

    // MARK: text

    /// Up to the next thing that may be markup; a bracket that begins none counts as text.
    private mutating func text() -> Token {
        let start = index
        index += 1
        if unfinished < Self.mostUnfinished {
            index = position(of: UInt8(ascii: "<"), from: index) ?? bytes.count
        } else {
            index = bytes.count
        }
        return .text(HTMLEntities.decode(bytes, start..<index, inAttribute: false))
    }

    /// Nil where what stood here is not shown; `index` is behind it then.
    private mutating func markup() -> Token? {
        guard index + 1 < bytes.count else { return text() }
        switch bytes[index + 1] {
        case UInt8(ascii: "!"):
            if starts(with: "<!--") { return comment() }
            return bogusComment()
        case UInt8(ascii: "?"): return bogusComment()
        case UInt8(ascii: "/"):
            guard index + 2 < bytes.count else { return text() }
            if Self.isLetter(bytes[index + 2]) { return tag(isEnd: true) }
            return bogusComment()
        case let byte where Self.isLetter(byte): return tag(isEnd: false)
        default: return text()
        }
    }

    private mutating func comment() -> Token? {
        if starts(with: "<!-->") || starts(with: "<!--->") {
            index = (position(of: UInt8(ascii: ">"), from: index) ?? index) + 1
            return nil
        }
        if commentsEnd {
            var from = index + 4
            while let close = position(of: UInt8(ascii: ">"), from: from) {
                let isEnd =
                    close >= index + 6 && bytes[close - 1] == UInt8(ascii: "-") && bytes[close - 2] == UInt8(ascii: "-")
                    || close >= index + 7 && bytes[close - 1] == UInt8(ascii: "!")
                        && bytes[close - 2] == UInt8(ascii: "-") && bytes[close - 3] == UInt8(ascii: "-")
                from = close + 1
                if isEnd {
                    index = from
                    return nil
                }
            }
            commentsEnd = false
        }
        index += 4
        return nil
    }

    /// `<!doctype>`, `<![endif]>`, `<?xml>`, `</ x>`: not shown.
    private mutating func bogusComment() -> Token? {
        guard let close = position(of: UInt8(ascii: ">"), from: index) else {
            unfinished = Self.mostUnfinished
            return text()
        }
        index = close + 1
        return nil
    }

    // MARK: tags

    private mutating func tag(isEnd: Bool) -> Token? {
        let start = index
        var cursor = index + (isEnd ? 2 : 1)
        let nameStart = cursor
        while cursor < bytes.count, !Self.endsName(bytes[cursor]) { cursor += 1 }
        let tag = HTMLTag.named(UnsafeBufferPointer(rebasing: bytes[nameStart..<cursor]))
        guard let (attributes, end) = attributes(from: cursor, keeps: tag != nil && !isEnd) else {
            unfinished += 1
            index = start
            return text()
        }
        guard let tag else {
            // `<kim@harbour.example>` and `<https://…>` are no elements: somebody wrote them for people.
            let isAddress = bytes[nameStart..<cursor].contains(UInt8(ascii: "@"))
            let isLink = bytes[cursor - 1] == UInt8(ascii: ":") && bytes[cursor] == UInt8(ascii: "/")
            if !isEnd, isAddress || isLink { return text() }
            index = end
            return nil
        }
        index = end
        if isEnd { return .end(tag) }
        switch tag.content {
        case .markup: return .start(tag, attributes)
        case .hidden:
            skip(to: tag)
            return nil
        case .verbatim:
            let from = index
            guard let close = closing(tag) else { return nil }
            index = close
            return from == close ? nil : .text(String(decoding: bytes[from..<close], as: UTF8.self))
        case .field:
            if tag.role == .void { return Self.answer(attributes).map { .text(" \($0) ") } }
            let from = index
            guard let close = closing(tag) else { return nil }
            index = close
            return from == close ? nil : .text(HTMLEntities.decode(bytes, from..<close, inAttribute: false))
        }
    }

    /// What a reader sees in a field of a form, filled in as it is; nil where that is nothing, or no words of anybody.
    private static func answer(_ attributes: [HTMLElement.Attribute]) -> String? {
        func value(_ name: String) -> String? { attributes.first { $0.name == name }?.value }
        switch (value("type") ?? "text").lowercased() {
        case "hidden", "password", "submit", "button", "image", "reset", "file": return nil
        case "checkbox", "radio": return value("checked") == nil ? "[ ]" : "[x]"
        default: return value("value").flatMap { $0.isBlank ? nil : $0 }
        }
    }

    /// Behind the element's end tag; where none comes the element counts as never opened.
    private mutating func skip(to tag: HTMLTag) {
        guard let close = closing(tag) else { return }
        index = (position(of: UInt8(ascii: ">"), from: close) ?? bytes.count - 1) + 1
    }

    /// Where `</name` begins.
    private mutating func closing(_ tag: HTMLTag) -> Int? {
        guard !unclosed.contains(tag.id) else { return nil }
        let name = Array(tag.name.utf8)
        var from = index
        while let open = position(of: UInt8(ascii: "<"), from: from) {
            from = open + 1
            guard open + 2 + name.count <= bytes.count, bytes[open + 1] == UInt8(ascii: "/") else { continue }
            guard name.indices.allSatisfy({ bytes[open + 2 + $0] | 0x20 == name[$0] }) else { continue }
            if open + 2 + name.count == bytes.count || Self.endsName(bytes[open + 2 + name.count]) { return open }
        }
        unclosed.insert(tag.id)
        return nil
    }

    private static let mostAttributes = 32

    /// The attributes and the place behind `>`; nil where the tag does not end.
    private func attributes(from start: Int, keeps: Bool) -> ([HTMLElement.Attribute], Int)? {
        var found: [HTMLElement.Attribute] = []
        var cursor = start
        while true {
            while cursor < bytes.count, Self.isSpace(bytes[cursor]) || bytes[cursor] == UInt8(ascii: "/") {
                cursor += 1
            }
            guard cursor < bytes.count else { return nil }
            if bytes[cursor] == UInt8(ascii: ">") { return (found, cursor + 1) }
            let nameStart = cursor
            // An equals sign that stands first belongs to the name.
            cursor += 1
            while cursor < bytes.count, !Self.endsName(bytes[cursor]), bytes[cursor] != UInt8(ascii: "=") {
                cursor += 1
            }
            let name = nameStart..<cursor
            while cursor < bytes.count, Self.isSpace(bytes[cursor]) { cursor += 1 }
            guard cursor < bytes.count else { return nil }
            var value = cursor..<cursor
            if bytes[cursor] == UInt8(ascii: "=") {
                cursor += 1
                while cursor < bytes.count, Self.isSpace(bytes[cursor]) { cursor += 1 }
                guard cursor < bytes.count else { return nil }
                let quote = bytes[cursor]
                if quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") {
                    guard let end = position(of: quote, from: cursor + 1) else { return nil }
                    value = (cursor + 1)..<end
                    cursor = end + 1
                } else {
                    let valueStart = cursor
                    while cursor < bytes.count, !Self.isSpace(bytes[cursor]), bytes[cursor] != UInt8(ascii: ">") {
                        cursor += 1
                    }
                    value = valueStart..<cursor
                }
            }
            guard keeps, found.count < Self.mostAttributes, name.count <= 16 else { continue }
            let word = String(decoding: bytes[name].map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }, as: UTF8.self)
            guard HTMLElement.attributes.contains(word), !found.contains(where: { $0.name == word }) else { continue }
            found.append(.init(name: word, value: HTMLEntities.decode(bytes, value, inAttribute: true)))
        }
    }

    // MARK: bytes

    private func starts(with mark: StaticString) -> Bool {
        guard index + mark.utf8CodeUnitCount <= bytes.count else { return false }
        return mark.withUTF8Buffer { mark in (0..<mark.count).allSatisfy { bytes[index + $0] == mark[$0] } }
    }

    private func position(of byte: UInt8, from start: Int) -> Int? {
        start < bytes.count ? bytes[start...].firstIndex(of: byte) : nil
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }
    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) && byte != 0x0B }
    private static func endsName(_ byte: UInt8) -> Bool {
        isSpace(byte) || byte == UInt8(ascii: "/") || byte == UInt8(ascii: ">")
    }
}
