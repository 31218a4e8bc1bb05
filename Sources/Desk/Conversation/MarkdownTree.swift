import CMarkdown

/// A document as cmark-gfm read it.
struct MarkdownTree {
    private let document: OpaquePointer

    init(_ document: OpaquePointer) { self.document = document }

    /// Turns HTML into the text it was typed as: whoever writes `Enter <your name>` means the words, and cmark-gfm
    /// would leave them out.
    ///
    /// - Returns: whether anything but plain lines and bare addresses is in the document.
    func showHTMLAsText() -> Bool {
        var hasMarks = false
        var raw: [OpaquePointer] = []
        guard let walk = cmark_iter_new(document) else { return true }
        defer { cmark_iter_free(walk) }
        while true {
            let event = cmark_iter_next(walk)
            if event == CMARK_EVENT_DONE { break }
            guard event == CMARK_EVENT_ENTER, let node = cmark_iter_get_node(walk) else { continue }
            switch cmark_node_get_type(node) {
            case CMARK_NODE_DOCUMENT, CMARK_NODE_PARAGRAPH, CMARK_NODE_TEXT, CMARK_NODE_SOFTBREAK, CMARK_NODE_LINEBREAK:
                break
            case CMARK_NODE_LINK: if !isBareAddress(node) { hasMarks = true }
            case CMARK_NODE_HTML_BLOCK, CMARK_NODE_HTML_INLINE: raw.append(node)
            default: hasMarks = true
            }
        }
        for node in raw { replaceByText(node) }
        return hasMarks
    }

    /// A link whose words are its own address, as one typed it.
    private func isBareAddress(_ link: OpaquePointer) -> Bool {
        guard let words = cmark_node_first_child(link), cmark_node_next(words) == nil,
            cmark_node_get_type(words) == CMARK_NODE_TEXT, let text = cmark_node_get_literal(words),
            let address = cmark_node_get_url(link)
        else { return false }
        return String(cString: address).hasSuffix(String(cString: text))
    }

    private func replaceByText(_ node: OpaquePointer) {
        let literal = cmark_node_get_literal(node).map { String(cString: $0) } ?? ""
        let isBlock = cmark_node_get_type(node) == CMARK_NODE_HTML_BLOCK
        guard isBlock else {
            guard let text = cmark_node_new(CMARK_NODE_TEXT) else { return }
            cmark_node_set_literal(text, literal)
            return replace(node, by: text)
        }
        guard let paragraph = cmark_node_new(CMARK_NODE_PARAGRAPH) else { return }
        let lines = literal.split(separator: "\n", omittingEmptySubsequences: true)
        for (index, line) in lines.enumerated() {
            if index > 0, let end = cmark_node_new(CMARK_NODE_LINEBREAK) { cmark_node_append_child(paragraph, end) }
            guard let text = cmark_node_new(CMARK_NODE_TEXT) else { continue }
            cmark_node_set_literal(text, String(line))
            cmark_node_append_child(paragraph, text)
        }
        replace(node, by: paragraph)
    }

    private func replace(_ node: OpaquePointer, by other: OpaquePointer) {
        guard cmark_node_replace(node, other) == 1 else { return cmark_node_free(other) }
        cmark_node_free(node)
    }
}

/// Keeps what people type in messages from being taken for marks of Markdown.
enum MessageMarks {
    /// The same text with a backslash doubled where it stands before a character that needs none, and with the line
    /// above a signature kept from becoming a heading. Code is left as it is.
    static func protected(_ text: String) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count + 64)
        var fence: UInt8?
        for (index, line) in text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .enumerated()
        {
            if index > 0 { bytes.append(UInt8(ascii: "\n")) }
            let inner = line.drop { $0 == UInt8(ascii: " ") }
            if let mark = inner.first, mark == UInt8(ascii: "`") || mark == UInt8(ascii: "~"),
                inner.prefix(3).count == 3, inner.prefix(3).allSatisfy({ $0 == mark }), fence == nil || fence == mark
            {
                fence = fence == nil ? mark : nil
                bytes += line
            } else if fence != nil {
                bytes += line
            } else {
                append(line, to: &bytes)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func append(_ line: Substring.UTF8View.SubSequence, to bytes: inout [UInt8]) {
        // Two dashes stand above a signature (RFC 3676, section 4.3); more are drawn on purpose.
        let isSignatureMark = line.elementsEqual("--".utf8) || line.elementsEqual("-- ".utf8)
        if isSignatureMark { bytes.append(UInt8(ascii: "\\")) }
        var isCode = false
        var previous: UInt8 = 0
        for (index, byte) in zip(line.indices, line) {
            if byte == UInt8(ascii: "`"), previous != UInt8(ascii: "\\") { isCode.toggle() }
            bytes.append(byte)
            previous = byte
            guard byte == UInt8(ascii: "\\"), !isCode else { continue }
            let next = line.index(after: index)
            guard next < line.endIndex else {
                bytes.append(byte)
                continue
            }
            if isPunctuation(line[next]), !marks.contains(line[next]) { bytes.append(byte) }
        }
    }

    /// What is marked by putting a backslash before it.
    private static let marks = Set("*_`[]~#>|!<".utf8)

    private static func isPunctuation(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E: true
        default: false
        }
    }
}
