import Foundation

/// What decides whether a quote or a mail below its header is history: whether the desk holds its words. The form only
/// says where to look. A line that the desk does not hold stays in view, whoever it is ascribed to.
extension QuotedLines {
    enum Held {
        /// Each word, and there are some.
        case all
        /// There is nothing but the line that divides it from what stands above.
        case none
        /// Somebody may have written something new.
        case unknown
    }

    /// The first of the places where a history may begin from which on the desk holds everything; the number of lines
    /// where there is none.
    func firstHeld(of places: [Int]) -> Int {
        // The second line of an introduction looks like one as well.
        var behind = 0
        let places = places.filter { place in
            guard place >= behind else { return false }
            behind = isDivider(lines[place].words) ? place + 1 : place + (introduction(place) ?? 1)
            return true
        }
        guard let last = places.last else { return lines.count }
        var end = max(last + 1, withoutSignature(last + 1, lines.count))
        var first = lines.count
        for place in places.reversed() {
            switch hold(place..<end) {
            case .all: first = historyStart(place)
            case .none: if first < lines.count { first = place }
            case .unknown: return first
            }
            end = place
        }
        return first
    }

    /// The line above a quote is part of the history where a program wrote it; otherwise it may say something new.
    func historyStart(_ place: Int) -> Int {
        guard !isDivider(lines[place].words), let length = introduction(place) else { return place }
        return isMechanical(joined(lines[place..<(place + length)])) ? place : place + length
    }

    /// Searches of one answer in what the desk holds.
    private static let mostSearches = 400

    /// Whether the desk holds what stands in these lines, but for the headers and introductions that programs write.
    func hold(_ region: Range<Int>) -> Held {
        guard let known else { return .unknown }
        var work = Self.mostSearches
        var index = region.lowerBound
        if !isDivider(lines[index].words), let length = introduction(index), index + length <= region.upperBound {
            index += length
        } else if let length = opening(index, in: region) {
            index += length
        }
        let isDivided = index > region.lowerBound
        let whole = bare[index..<region.upperBound].filter { !$0.isBlank }.map(\.text)
        guard !whole.isEmpty else {
            return isDivided && isDivider(lines[region.lowerBound].words) ? .none : .unknown
        }
        if known.holdPassage(whole, work: &work) { return .all }
        var found = Held.none
        var passage: [Substring] = []
        var needsWords = isDivided && !isDivider(lines[region.lowerBound].words)
        while index < region.upperBound {
            if bare[index].isBlank || bare[index].isRule {
                index += 1
            } else if let length = opening(index, in: region) {
                if passage.isEmpty ? needsWords : !known.holdPassage(passage, work: &work) { return .unknown }
                if !passage.isEmpty { found = .all }
                needsWords = !isDivider(bare[index].words)
                passage = []
                index += length
            } else {
                passage.append(bare[index].text)
                index += 1
            }
        }
        if passage.isEmpty { return needsWords ? .unknown : found }
        return known.holdPassage(passage, work: &work) ? .all : .unknown
    }

    /// How many lines the divider, the header or the introduction takes that begins here.
    private func opening(_ index: Int, in region: Range<Int>) -> Int? {
        let line = bare[index]
        guard !line.isLong, !line.isBlank else { return nil }
        if isDivider(line.words) { return 1 }
        let inside = QuotedLines(Array(bare[index..<min(index + 16, region.upperBound)]))
        if inside.isHeader(0, isDivided: true) { return inside.headerLength(known) }
        guard namesDateOrAddress(line.words) else { return nil }
        for length in 1...Self.longestIntroduction where index + length <= region.upperBound {
            let words = joined(bare[index..<(index + length)])
            if words.utf8.count > 500 || bare[index + length - 1].isBlank { return nil }
            if let last = words.last, last == ":" || last == "：", isMechanical(words) {
                return isApart(index, length, in: bare) ? nil : length
            }
        }
        return nil
    }

    private func joined(_ lines: ArraySlice<QuotedLine>) -> String { lines.map(\.words).joined(separator: " ") }

    /// Whether a program wrote the line above a quote: it names the writer and the time, and says little else.
    private func isMechanical(_ line: String) -> Bool {
        guard line.split(separator: " ").count <= Self.mostWords else { return false }
        let hasVerb = Self.verbs.contains { line.lowercased().contains($0) }
        let hasTime = line.contains(/\d{1,2}[:.h]\d{2}/)
        if line.contains("@") { return hasVerb || hasTime || line.split(separator: " ").count <= 8 }
        guard known?.nameWriter(line) ?? false else { return false }
        return hasVerb || hasTime && namesDateOrAddress(line)
    }
    private static let mostWords = 22

    /// The lines of a header that begins with the first line. What is typed right below it is none of it.
    private func headerLength(_ known: KnownWords?) -> Int {
        var length = 0
        var fields = 0
        for line in lines {
            if line.isBlank { break }
            if let field = Field(line) {
                fields += 1
                let isUsual =
                    field.hasAddress || field.hasTime || field.isAnswered || Self.subjects.contains(field.name)
                guard fields <= 4 || isUsual || known?.holdWhole(field.value[...]) ?? false else { break }
            } else if !line.text.contains("@"), !line.text.contains(";") {
                break
            }
            length += 1
        }
        return length
    }
}
