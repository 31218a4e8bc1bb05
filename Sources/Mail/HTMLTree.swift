import CGumbo
import Markup

/// A parsed HTML5 document, walked without recursion.
struct HTMLTree: ~Copyable {
    private let output: UnsafeMutablePointer<GumboOutput>
    private var options: GumboOptions
    private let buffer: UnsafeMutablePointer<CChar>

    /// Beyond this many bytes the rest is cut: it stays in the raw message.
    private static let mostBytes = 4 << 20

    init(_ html: String) {
        let bytes = Array(html.utf8.prefix(Self.mostBytes))
        buffer = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count + 1)
        for (index, byte) in bytes.enumerated() { buffer[index] = CChar(bitPattern: byte) }
        buffer[bytes.count] = 0
        options = kGumboDefaultOptions
        options.max_errors = 0
        output = gumbo_parse_with_options(&options, buffer, bytes.count)
    }
    deinit {
        // Gumbo frees by recursion; the depth was bounded when the text was flattened (`HTMLDepth`).
        withUnsafePointer(to: options) { gumbo_destroy_output($0, output) }
        buffer.deallocate()
    }

    enum Step {
        case text(String)
        case open(HTMLElement)
        case close(HTMLElement)
    }

    /// Visits every node in document order. `visit` answers false to an `open` to pass over what is inside.
    func walk(_ visit: (Step) -> Bool) {
        var waiting: [(node: UnsafeMutablePointer<GumboNode>, isEnd: Bool)] = [(output.pointee.root, false)]
        while let (node, isEnd) = waiting.popLast() {
            switch node.pointee.type {
            case GUMBO_NODE_TEXT, GUMBO_NODE_CDATA, GUMBO_NODE_WHITESPACE:
                _ = visit(.text(String(cString: node.pointee.v.text.text)))
            case GUMBO_NODE_ELEMENT:
                let element = HTMLElement(node)
                if isEnd {
                    _ = visit(.close(element))
                    continue
                }
                guard visit(.open(element)) else { continue }
                waiting.append((node, true))
                let children = node.pointee.v.element.children
                for index in stride(from: Int(children.length) - 1, through: 0, by: -1) {
                    guard let child = children.data[index] else { continue }
                    waiting.append((child.assumingMemoryBound(to: GumboNode.self), false))
                }
            default: break  // comments, doctype, templates
            }
        }
    }
}

/// An element of the tree while it is walked.
struct HTMLElement {
    let name: String
    private let node: UnsafeMutablePointer<GumboNode>

    init(_ node: UnsafeMutablePointer<GumboNode>) {
        self.node = node
        // Foreign elements (SVG, MathML) and unknown ones get no name, hence no place in the allow-list.
        let element = node.pointee.v.element
        name = element.tag_namespace == GUMBO_NAMESPACE_HTML && element.tag != GUMBO_TAG_UNKNOWN
            ? gumbo_normalized_tagname(element.tag).map { String(cString: $0) } ?? "" : ""
    }

    func attribute(_ name: String) -> String? {
        var attributes = node.pointee.v.element.attributes
        guard let found = gumbo_get_attribute(&attributes, name), let value = found.pointee.value else { return nil }
        return String(cString: value)
    }
}

/// Bounds the nesting of strangers' HTML before a parser that frees its tree by recursion sees it.
enum HTMLDepth {
    private static let most = 400

    /// The same text without the tags that stand deeper than any letter goes; the words inside them stay.
    static func bounded(_ html: String) -> String {
        let bytes = Array(html.utf8)
        var kept: [UInt8] = []
        var (depth, passedOver, index, copied) = (0, 0, 0, 0)
        while index + 1 < bytes.count {
            guard bytes[index] == UInt8(ascii: "<") else {
                index += 1
                continue
            }
            let next = bytes[index + 1]
            let isEnd = next == UInt8(ascii: "/")
            var drops = false
            if isEnd {
                if passedOver > 0 { (passedOver, drops) = (passedOver - 1, true) } else { depth = max(0, depth - 1) }
            } else if isLetter(next), !isVoid(bytes, at: index + 1) {
                if depth >= most { (passedOver, drops) = (passedOver + 1, true) } else { depth += 1 }
            }
            guard drops else {
                index += 1
                continue
            }
            kept += bytes[copied..<index]
            while index < bytes.count, bytes[index] != UInt8(ascii: ">") { index += 1 }
            index += 1
            copied = min(index, bytes.count)
        }
        return copied == 0 ? html : String(decoding: kept + bytes[copied...], as: UTF8.self)
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) >= UInt8(ascii: "a") && (byte | 0x20) <= UInt8(ascii: "z") }

    private static let open: [[UInt8]] = ["br", "img", "hr", "input", "meta", "link", "wbr", "col", "area", "base", "p", "li", "td", "tr", "th", "dd", "dt", "option"].map { Array($0.utf8) }
    /// Void elements, and those whose end tag people leave out.
    private static func isVoid(_ bytes: [UInt8], at start: Int) -> Bool {
        var end = start
        while end < bytes.count, isLetter(bytes[end]) || (bytes[end] >= 0x30 && bytes[end] <= 0x39), end - start < 8 { end += 1 }
        let name = bytes[start..<end].map { $0 | 0x20 }
        return open.contains(name)
    }
}
