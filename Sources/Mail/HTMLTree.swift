/// Strangers' HTML as the elements a browser would make of it, read in one pass whose time grows with the bytes.
///
/// The rules are those of the standard (WHATWG HTML, section 13.2.6) as far as mail needs them, without the two that no
/// bound holds: nothing is moved (text between the rows of a table gets a row of its own), and a bold that closes
/// inside the paragraphs it holds ends with them. Every start has its end; nothing stands deeper than `mostDepth`, and
/// the words of what would stay.
struct HTMLTree {
    /// Beyond this many bytes the rest is not read: it stays in the raw message.
    static let mostBytes = 4 << 20
    /// As deep as browsers go.
    static let mostDepth = 512

    private let bytes: [UInt8]

    init(_ html: String) { bytes = Array(html.utf8.prefix(Self.mostBytes)) }

    enum Step {
        case text(String)
        case open(HTMLElement)
        case close(HTMLElement)
    }

    /// Visits everything in the order it is written. `visit` answers false to an `open` to pass over what is inside.
    func walk(_ visit: (Step) -> Bool) {
        withoutActuallyEscaping(visit) { visit in
            bytes.withUnsafeBufferPointer { buffer in
                var tokens = HTMLTokenizer(buffer)
                var open = OpenElements(visit)
                while let token = tokens.next() {
                    switch token {
                    case .text(let words): open.add(words)
                    case .start(let tag, let attributes): open.start(tag, attributes)
                    case .end(let tag): open.end(tag)
                    }
                }
                open.finish()
            }
        }
    }
}

/// An element of the tree while it is walked.
struct HTMLElement {
    struct Attribute {
        let name: String
        let value: String
    }

    let tag: HTMLTag
    fileprivate let all: [Attribute]

    var name: String { tag.name }
    func attribute(_ name: String) -> String? { all.first { $0.name == name }?.value }

    /// The attributes that are read; others are dropped where they stand.
    static let attributes: Set<String> = [
        "align", "alt", "checked", "class", "colspan", "data-cid", "data-remote", "dir", "height", "href", "id", "lang",
        "rowspan",
        "scope", "span", "src", "start", "style", "title", "type", "valign", "value", "width",
    ]

    /// Whether its style keeps the line ends of its text (CSS Text, section 3); nil where it says nothing of them.
    var keepsLines: Bool? {
        guard let style = attribute("style")?.prefix(2000).lowercased(),
            let name = style.range(of: "white-space", options: .backwards)
        else { return nil }
        let value = style[name.upperBound...].drop { $0 == ":" || $0.isWhitespace }.prefix { $0 != ";" }
        return value.hasPrefix("pre") || value.hasPrefix("break-spaces")
    }
}

/// The elements that are open while HTML is read. Each question it is asked takes the same time however many there are.
private struct OpenElements {
    private struct Open {
        let element: HTMLElement
        /// Closed by its end tag while blocks inside it were open: it goes with them.
        var isOver = false
    }

    private let visit: (HTMLTree.Step) -> Bool
    private var stack: [Open] = []
    /// Where the elements of each kind stand in `stack`, by the tag's number.
    private var places = [[Int]](repeating: [], count: HTMLTag.all.count)
    /// Cells, captions and tables: an end tag inside reaches nothing outside.
    private var walls: [Int] = []
    /// What no inline end tag may close: blocks and walls. `over` is the lowest inline element right below that has had
    /// its end tag and goes with this block.
    private var blocks: [(place: Int, over: Int?)] = []
    /// Start tags too deep to count, whose end tags then mean nothing.
    private var tooDeep = [Int](repeating: 0, count: HTMLTag.all.count)
    /// Bold and its like that a block closed around: it opens again before the next words.
    private var interrupted: [HTMLElement] = []
    private var resumed = 0
    /// Where the element stands whose inside is passed over.
    private var silentFrom: Int?

    private static let mostInterrupted = 8
    private static let mostResumed = 10_000

    init(_ visit: @escaping (HTMLTree.Step) -> Bool) { self.visit = visit }

    // MARK: what the text holds

    mutating func add(_ words: String) {
        let isBlank = words.utf8.allSatisfy { $0 == 0x20 || (0x09...0x0D).contains($0) }
        if isBetweenCells {
            if isBlank { return }
            openCell()
        }
        if !isBlank { resume() }
        tell(.text(words))
    }

    mutating func start(_ tag: HTMLTag, _ attributes: [HTMLElement.Attribute]) {
        let element = HTMLElement(tag: tag, all: attributes)
        switch tag.role {
        case .caption, .columns, .rows:
            guard let table = last(Self.table) else { return }
            close(above: table)
            return push(element)
        case .column:
            guard let table = last(Self.table) else { return }
            close(above: max(table, last(Self.columns) ?? 0))
            return tell(element)
        case .row:
            guard let table = last(Self.table) else { return }
            close(above: Self.rows.compactMap(last).reduce(table, max))
            return push(element)
        case .cell:
            guard let table = last(Self.table) else { return }
            if let row = last(Self.row), row > table {
                close(above: row)
            } else {
                close(above: Self.rows.compactMap(last).reduce(table, max))
                push(HTMLElement(tag: Self.row, all: []))
            }
            return push(element)
        case .table:
            if isBetweenCells, let outer = last(Self.table) { close(from: outer) }
        default:
            if isBetweenCells { openCell() }
        }
        switch tag.role {
        case .paragraph, .block, .table, .heading:
            closeParagraph()
            // With one may go inline elements around it, which stood in another.
            while tag.role == .heading, stack.last?.element.tag.role == .heading { close(from: stack.count - 1) }
        case .item:
            if let item = place(of: tag, within: Self.lists) { close(from: item) }
            closeParagraph()
        case .term:
            if let term = Self.terms.compactMap({ place(of: $0, within: [Self.definitions]) }).max() {
                close(from: term)
            }
            closeParagraph()
        case .void:
            if tag.id == Self.rule.id { closeParagraph() } else { resume() }
            return tell(element)
        case .link:
            if let link = place(of: tag) { endInline(at: link) }
            resume()
        default: resume()
        }
        guard stack.count < HTMLTree.mostDepth else {
            tooDeep[tag.id] += 1
            return
        }
        push(element)
    }

    mutating func end(_ tag: HTMLTag) {
        if tooDeep[tag.id] > 0 {
            tooDeep[tag.id] -= 1
            return
        }
        switch tag.role {
        case .void:
            // `</br>` is a line break in every browser.
            if tag.id == Self.lineBreak.id { start(tag, []) }
        case .paragraph:
            if let paragraph = place(of: tag) {
                close(from: paragraph)
            } else if !isBetweenCells {
                start(tag, [])
                end(tag)
            }
        case .heading:
            if let heading = Self.headings.compactMap({ place(of: $0) }).max() { close(from: heading) }
        case .item: if let item = place(of: tag, within: Self.lists) { close(from: item) }
        case .block, .term: if let block = place(of: tag) { close(from: block) }
        case .table: if let table = last(tag) { close(from: table) }
        case .caption, .columns, .column, .rows, .row, .cell:
            if let found = last(tag), let table = last(Self.table), found > table { close(from: found) }
        case .formatting, .inline, .link:
            if let waiting = interrupted.lastIndex(where: { $0.tag.id == tag.id }) {
                interrupted.remove(at: waiting)
            } else if let found = place(of: tag) {
                endInline(at: found)
            }
        }
    }

    mutating func finish() { close(from: 0) }

    // MARK: the stack

    private mutating func push(_ element: HTMLElement) {
        let place = stack.count
        stack.append(Open(element: element))
        places[element.tag.id].append(place)
        if Self.isWall(element.tag) { walls.append(place) }
        if Self.isBlock(element.tag) { blocks.append((place, nil)) }
        if !tell(.open(element)), silentFrom == nil { silentFrom = place }
    }

    /// Closes everything from a place on.
    private mutating func close(from place: Int) {
        let isWalled = walls.last ?? -1 >= place
        var waiting: [HTMLElement] = []
        var lowest = place
        while stack.count > lowest {
            let top = stack.removeLast()
            let tag = top.element.tag
            if !top.isOver { places[tag.id].removeLast() }
            if walls.last == stack.count { walls.removeLast() }
            if blocks.last?.place == stack.count, let over = blocks.removeLast().over { lowest = min(lowest, over) }
            if silentFrom == stack.count { silentFrom = nil } else { tell(.close(top.element)) }
            guard tag.role == .formatting, !top.isOver, stack.count != place else { continue }
            if waiting.count < Self.mostInterrupted { waiting.append(top.element) }
        }
        // What opened in a cell does not go on in the next.
        interrupted = isWalled ? [] : (waiting.reversed() + interrupted).suffix(Self.mostInterrupted)
    }
    private mutating func close(above place: Int) { if stack.count > place + 1 { close(from: place + 1) } }

    private mutating func closeParagraph() { if let paragraph = place(of: Self.paragraph) { close(from: paragraph) } }

    /// An inline element's end: what opened inside it goes on behind it, and blocks inside it take it with them.
    private mutating func endInline(at place: Int) {
        if let last = blocks.last, last.place > place {
            stack[place].isOver = true
            places[stack[place].element.tag.id].removeLast()
            let block = firstBlock(above: place)
            blocks[block].over = min(blocks[block].over ?? place, place)
        } else {
            close(from: place)
        }
    }

    /// The nearest block inside an inline element, by its place in `blocks`.
    private func firstBlock(above place: Int) -> Int {
        var (low, high) = (0, blocks.count - 1)
        while low < high {
            let middle = (low + high) / 2
            if blocks[middle].place > place { high = middle } else { low = middle + 1 }
        }
        return low
    }

    private mutating func resume() {
        guard !interrupted.isEmpty else { return }
        let waiting = interrupted
        interrupted = []
        for element in waiting where resumed < Self.mostResumed && stack.count < HTMLTree.mostDepth {
            resumed += 1
            push(element)
        }
    }

    /// Inside a table, but in none of its cells.
    private var isBetweenCells: Bool {
        switch stack.last?.element.tag.role {
        case .table, .columns, .rows, .row: true
        default: false
        }
    }
    private mutating func openCell() {
        if stack.last?.element.tag.role == .columns { close(from: stack.count - 1) }
        start(Self.cell, [])
    }

    // MARK: questions

    private func last(_ tag: HTMLTag) -> Int? { places[tag.id].last }
    /// The nearest one that an end tag here reaches.
    private func place(of tag: HTMLTag, within others: [HTMLTag] = []) -> Int? {
        guard let found = places[tag.id].last, found > walls.last ?? -1 else { return nil }
        return others.allSatisfy { last($0) ?? -1 < found } ? found : nil
    }

    @discardableResult private func tell(_ step: HTMLTree.Step) -> Bool { silentFrom == nil ? visit(step) : true }
    private func tell(_ void: HTMLElement) {
        tell(.open(void))
        tell(.close(void))
    }

    private static func isWall(_ tag: HTMLTag) -> Bool { [.table, .cell, .caption].contains(tag.role) }
    private static func isBlock(_ tag: HTMLTag) -> Bool { ![.void, .formatting, .inline, .link].contains(tag.role) }

    private static let table = HTMLTag.known("table")
    private static let columns = HTMLTag.known("colgroup")
    private static let rows = ["tbody", "thead", "tfoot"].map(HTMLTag.known)
    private static let row = HTMLTag.known("tr")
    private static let cell = HTMLTag.known("td")
    private static let paragraph = HTMLTag.known("p")
    private static let rule = HTMLTag.known("hr")
    private static let lineBreak = HTMLTag.known("br")
    private static let lists = ["ul", "ol", "menu", "dir"].map(HTMLTag.known)
    private static let terms = ["dd", "dt"].map(HTMLTag.known)
    private static let definitions = HTMLTag.known("dl")
    private static let headings = (1...6).map { HTMLTag.known("h\($0)") }
}
