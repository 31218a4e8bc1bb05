import Foundation

/// What the desk holds of a conversation already. What an answer quotes of that is history; what it quotes of anybody
/// else is news, and stays in view.
package struct KnownWords: Sendable {
    /// Letters and digits of what was said, each message on a line, with the zero that ends a string of C.
    private let said: [UInt8]
    /// Where the lines of what was said begin and end in `said`.
    private let bounds: Set<Int>
    /// The first lines of what was said that are long enough to be told from any other.
    private let long: [[UInt8]]
    /// The names of those who wrote, in letters alone.
    private let names: [[UInt8]]
    /// Each word of them: some programs and people give the first name alone.
    private let nameWords: Set<String>
    /// The words of the name and address of whoever wrote the answer that is judged.
    private let author: Set<String>
    /// Where links of the desk itself begin. They are no words: each mail has its own.
    private let home: String

    /// Bytes of the messages together; the rest is not looked at, so that the work has a bound.
    private static let mostBytes = 512 << 10
    /// Letters a line needs to be told from any other.
    private static let fewestLetters = 4
    /// Letters of a passage that is known apart from what stands around it.
    private static let fewestApart = 20
    private static let mostNames = 60
    private static let mostLong = 100

    /// - Parameters:
    ///   - texts: what was said and sent, whole.
    ///   - names: of those who wrote it.
    ///   - author: the name and the address of whoever wrote the answer.
    ///   - home: the address of the desk's pages.
    package init(texts: [String], names: [String] = [], author: [String] = [], home: String = "") {
        var said: [UInt8] = []
        var bounds: Set<Int> = []
        for text in texts where said.count < Self.mostBytes {
            bounds.insert(said.count)
            for line in text.utf8.split(separator: UInt8(ascii: "\n")) {
                said += Self.letters(of: Substring(line), most: Self.mostBytes - said.count, home: home)
                bounds.insert(said.count)
            }
            said.append(UInt8(ascii: "\n"))
        }
        self.said = said + [0]
        self.bounds = bounds
        let ends = bounds.sorted()
        let lines = zip(ends, ends.dropFirst()).lazy.filter { $1 - $0 >= Self.fewestApart }
        long = lines.prefix(Self.mostLong).map { Array(said[$0..<$1]) }
        let named = Set(names.filter { !$0.isEmpty }).sorted().prefix(Self.mostNames)
        self.names = named.map { Self.letters(of: $0[...], most: 100, home: "") }.filter { $0.count > 2 }
        nameWords = Set(named.flatMap { Self.words(of: $0) }.filter { $0.count > 2 })
        self.author = Set(author.flatMap { Self.words(of: $0) })
        self.home = home
    }

    /// Whether a line was said before; nil where it has too few letters to tell.
    package func hold(_ line: Substring) -> Bool? {
        let letters = Self.letters(of: line, most: 1000, home: home)
        guard letters.count >= Self.fewestLetters else { return nil }
        return occurs(letters)
    }

    /// Whether a line was said before as a line of its own.
    package func holdWhole(_ line: Substring) -> Bool {
        let letters = Self.letters(of: line, most: 1000, home: home)
        return letters.count >= Self.fewestLetters && occurs(letters, whole: true)
    }

    /// Which of some lines repeat what was said: whole or in part, also where a program wrapped it anew, marked it or
    /// put words of its own before it on the same line. A few letters alone are anybody's.
    package func repeated(in lines: [Substring]) -> [Bool] {
        let letters = lines.map { Self.letters(of: $0, most: 1000, home: home) }
        var repeated = letters.map { letters in
            letters.count >= Self.fewestLetters && occurs(letters, whole: true)
                || letters.count >= Self.fewestApart && (occurs(letters) || holdsLine(letters))
        }
        /// Goes on from a line that repeats, as long as the next one continues it.
        func extend(_ indices: some Sequence<Int>, isUpward: Bool) {
            var run: [UInt8] = []
            for index in indices where !letters[index].isEmpty {
                let joined = isUpward ? letters[index] + run : run + letters[index]
                if repeated[index] {
                    run = occurs(joined) ? joined : letters[index]
                    continue
                }
                let continues = !run.isEmpty && joined.count < Self.mostJoined
                repeated[index] = continues && (occurs(joined) || isUpward && endsInto(run, lines[index]))
                run = repeated[index] && occurs(joined) ? joined : []
            }
        }
        extend(lines.indices, isUpward: false)
        extend(lines.indices.reversed(), isUpward: true)
        return repeated
    }
    private static let mostJoined = 4000

    /// Whether a line ends with the words that stand before a passage, and has few others: a mail gateway puts its
    /// warning before them.
    private func endsInto(_ run: [UInt8], _ line: Substring) -> Bool {
        let words = line.split(separator: " ").suffix(30)
        let all = Self.letters(of: line, most: 1000, home: home).count
        return words.indices.contains { start in
            let end = Self.letters(of: words[start...].joined(separator: " ")[...], most: 1000, home: home)
            return end.count * 2 > all && occurs(end + run)
        }
    }

    /// Whether one of the lines that were said, and no short one, stands in another.
    private func holdsLine(_ letters: [UInt8]) -> Bool {
        let text = letters + [0]
        return long.contains { $0.count < letters.count && Self.place(of: $0, in: text) != nil }
    }

    /// Whether lines were said before as they stand here: one passage, or a few whole ones with others left out between
    /// them. A line that somebody put between them interrupts the passage, also where it repeats some of its words.
    ///
    /// - Parameter work: how many searches are left; without any, nothing is known.
    func holdPassage(_ lines: [Substring], work: inout Int) -> Bool {
        let letters = lines.map { Self.letters(of: $0, most: Self.mostBytes, home: home) }.filter { !$0.isEmpty }
        let all = letters.flatMap { $0 }
        guard all.count < Self.mostBytes, !all.isEmpty, work > 0 else { return all.isEmpty }
        work -= 1
        if occurs(all) { return all.count >= Self.fewestLetters }
        var runs: [[UInt8]] = []
        var run: [UInt8] = []
        for line in letters {
            guard work > 0, runs.count < 8 else { return false }
            work -= 1
            if occurs(run + line) {
                run += line
            } else {
                if !isWhole(run) { return false }
                runs.append(run)
                run = line
            }
        }
        guard isWhole(run) else { return false }
        runs.append(run)
        // What stands in a passage already and comes once more was put there.
        let places = runs.compactMap { run in place(of: run, whole: true).map { $0..<($0 + run.count) } }
        return !places.indices.contains { index in
            places.indices.contains { $0 < index && places[$0].overlaps(places[index]) }
        }
    }

    private func isWhole(_ run: [UInt8]) -> Bool { run.count >= Self.fewestApart && occurs(run, whole: true) }

    /// Whether a line names somebody who wrote.
    func nameWriter(_ line: String) -> Bool {
        let letters = Self.letters(of: line[...], most: 1000, home: "") + [0]
        return names.contains { Self.place(of: $0, in: letters) != nil }
            || !nameWords.isDisjoint(with: Self.words(of: line))
    }

    /// Whether a line names whoever wrote the answer; nil where nothing is known of them.
    func nameAuthor(_ line: String) -> Bool? {
        author.isEmpty ? nil : !author.isDisjoint(with: Self.words(of: line))
    }

    private static func words(of text: String) -> [String] {
        text.lowercased().split { !$0.isLetter }.filter { $0.count > 1 }.map(String.init)
    }

    // MARK: searching

    private func occurs(_ letters: [UInt8], whole: Bool = false) -> Bool { place(of: letters, whole: whole) != nil }

    private func place(of letters: [UInt8], whole: Bool) -> Int? {
        Self.place(of: letters, in: said) { start in
            !whole || bounds.contains(start) && bounds.contains(start + letters.count)
        }
    }

    private static let mostPlaces = 50

    /// - Parameter said: with the zero that ends a string of C; as long as half a megabyte, and searched for each line.
    private static func place(of letters: [UInt8], in said: [UInt8], where fits: (Int) -> Bool = { _ in true }) -> Int?
    {
        said.withUnsafeBufferPointer { said in
            (letters + [0]).withUnsafeBufferPointer { letters in
                guard let said = said.baseAddress, let letters = letters.baseAddress else { return nil }
                return said.withMemoryRebound(to: CChar.self, capacity: 1) { said in
                    letters.withMemoryRebound(to: CChar.self, capacity: 1) { letters in
                        var rest = said
                        for _ in 0..<mostPlaces {
                            guard let found = strstr(rest, letters) else { return nil }
                            let place = UnsafePointer(found) - said
                            if fits(place) { return place }
                            rest = UnsafePointer(found) + 1
                        }
                        return nil
                    }
                }
            }
        }
    }

    /// Letters and digits alone, ASCII ones in lower case: mail programs wrap, indent and mark what they quote, and put
    /// the addresses of links in brackets behind their words.
    static func letters(of text: Substring, most: Int, home: String) -> [UInt8] {
        var kept: [UInt8] = []
        let scalars = text.unicodeScalars
        var index = scalars.startIndex
        while index < scalars.endIndex, kept.count < most {
            let scalar = scalars[index]
            if scalar == "<", let end = linkEnd(scalars[index...]) {
                index = end
                continue
            }
            if scalar == "h", !home.isEmpty, scalars[index...].starts(with: "http".unicodeScalars) {
                let link = scalars[index...].prefix { $0.value > 0x20 && !"<>\"()[]".unicodeScalars.contains($0) }
                if let own = target(String(link)) {
                    if !own.hasPrefix(home) { kept += letters(of: own[...], most: most - kept.count, home: "") }
                    index = link.endIndex
                    continue
                }
            }
            switch scalar.value {
            case 0x41...0x5A: kept.append(UInt8(scalar.value) | 0x20)
            case 0x61...0x7A, 0x30...0x39: kept.append(UInt8(scalar.value))
            case 0x2C, 0x2E:
                // Between two digits it makes the number.
                let next = scalars.index(after: index)
                if index > scalars.startIndex, next < scalars.endIndex, isDigit(scalars[next]),
                    isDigit(scalars[scalars.index(before: index)])
                {
                    kept.append(0x2E)
                }
            case 0x80...:
                let properties = scalar.properties
                if properties.isAlphabetic || properties.numericType != nil || isSign(properties) {
                    kept += UTF8.encode(scalar).map(Array.init) ?? []
                }
            default: break
            }
            index = scalars.index(after: index)
        }
        return kept
    }

    private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { (0x30...0x39).contains(scalar.value) }

    /// A tick or a face may be the whole answer.
    private static func isSign(_ properties: Unicode.Scalar.Properties) -> Bool {
        properties.isEmojiPresentation || properties.generalCategory == .otherSymbol
    }

    /// Behind `<https://…>` and `<mailto:…>`; nil where the bracket holds words.
    private static func linkEnd(_ text: Substring.UnicodeScalarView) -> Substring.UnicodeScalarView.Index? {
        let inside = text.dropFirst()
        guard inside.starts(with: "http".unicodeScalars) || inside.starts(with: "mailto:".unicodeScalars) else {
            return nil
        }
        let link = inside.prefix { $0.value > 0x20 && $0 != "<" && $0 != ">" }
        guard link.endIndex < text.endIndex, text[link.endIndex] == ">" else { return nil }
        return text.index(after: link.endIndex)
    }

    /// Where a link leads: mail gateways put the address of their own check around it.
    private static func target(_ link: String) -> String? {
        guard link.utf8.count < 4000 else { return nil }
        let plain = link.removingPercentEncoding ?? link
        guard let inner = plain.range(of: "http", options: .backwards), inner.lowerBound > plain.startIndex else {
            return link
        }
        return String(plain[inner.lowerBound...].prefix { $0 != "&" })
    }
}
