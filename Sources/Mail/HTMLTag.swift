/// An element Usher knows. What is not in this table is passed over; the words inside it stay.
struct HTMLTag: Sendable {
    let id: Int
    let name: String
    let content: Content
    let role: Role

    enum Content: Sendable {
        case markup
        /// Gone with everything inside.
        case hidden
        /// Shown as it is written.
        case verbatim
        /// What stands in a field of a form: text, whose entities are read, up to the end tag.
        case field
    }

    /// What it does to the elements around it.
    enum Role: Sendable {
        case void
        /// Ends a paragraph.
        case block
        /// Ends a paragraph and whatever heading it stands in.
        case heading
        /// Goes on behind a block that closed around it, such as bold.
        case formatting
        case inline
        case paragraph, link, item, term
        case table, caption, columns, column, rows, row, cell
    }

    static let all: [HTMLTag] = {
        var tags: [HTMLTag] = []
        func add(_ role: Role, _ content: Content, _ names: String) {
            for name in names.split(separator: " ") {
                tags.append(HTMLTag(id: tags.count, name: String(name), content: content, role: role))
            }
        }
        add(.void, .markup, "br hr img wbr")
        add(
            .block, .markup,
            """
            address article aside blockquote center details dialog dir div dl fieldset figcaption figure footer \
            header hgroup legend main menu nav noembed noframes noscript ol optgroup option pre section select \
            summary template ul
            """
        )
        add(.heading, .markup, "h1 h2 h3 h4 h5 h6")
        add(.formatting, .markup, "b big code em i s small strike strong tt u")
        add(.inline, .markup, "abbr cite del dfn ins kbd mark q samp span sub sup var")
        add(.paragraph, .markup, "p")
        add(.link, .markup, "a")
        add(.item, .markup, "li")
        add(.term, .markup, "dd dt")
        add(.table, .markup, "table")
        add(.caption, .markup, "caption")
        add(.columns, .markup, "colgroup")
        add(.column, .markup, "col")
        add(.rows, .markup, "tbody tfoot thead")
        add(.row, .markup, "tr")
        add(.cell, .markup, "td th")
        add(.inline, .hidden, "frameset iframe script style title")
        add(.inline, .field, "textarea")
        add(.void, .field, "input")
        add(.inline, .verbatim, "xmp")
        return tags
    }()
    private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })
    private static let longest = 10

    static func named(_ bytes: UnsafeBufferPointer<UInt8>) -> HTMLTag? {
        guard (1...longest).contains(bytes.count) else { return nil }
        return byName[String(decoding: bytes.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }, as: UTF8.self)]
    }

    /// For tags the tree adds itself; the table above has them.
    static func known(_ name: String) -> HTMLTag { byName[name]! }
}
