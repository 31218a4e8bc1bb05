import Foundation

extension QuotedLines {
    // MARK: the signature

    static let longestSignature = 12

    /// Without a signature that ends the new text: the mark of RFC 3676, section 4.3, with a few short lines below it,
    /// or the line in which a device names itself.
    func withoutSignature(_ first: Int, _ end: Int) -> Int {
        var cut = end
        while cut > first, lines[cut - 1].isBlank { cut -= 1 }
        let lowest = max(first, cut - Self.longestSignature - 1)
        for index in lowest..<max(lowest, cut) {
            let bare = lines[index].text.utf8.count < 12 ? lines[index].text.trimmingCharacters(in: .whitespaces) : ""
            guard bare == "--" else { continue }
            guard !pointsBelow(first, index),
                isSignature((index + 1)..<cut, isMarked: lines[index].text.hasPrefix("-- "))
            else { continue }
            return withoutDevice(first, index)
        }
        return withoutDevice(first, cut)
    }

    /// Whether lines below the mark name a person, as signatures do. Two dashes also divide what somebody says, and
    /// people write below their names: where it is known who wrote, the lines name them and end with that paragraph,
    /// but for those that the desk holds.
    private func isSignature(_ below: Range<Int>, isMarked: Bool) -> Bool {
        guard below.allSatisfy({ lines[$0].text.utf8.count <= 100 }) else { return false }
        let shown = below.filter { !lines[$0].isBlank && !SignatureLine.isDevice(lines[$0].words) }
        let others = shown.filter { !(known?.holdWhole(lines[$0].text) ?? false) }
        guard let last = others.last else { return true }
        // The mark may have lost its blank, or be none.
        if known == nil, isMarked { return true }
        let names = others.count { SignatureLine.isName(lines[$0].words) }
        guard names * 2 > others.count else { return false }
        guard let known else { return !others.contains { SignatureLine.isSentence(lines[$0].words) } }
        guard let name = shown.prefix(3).first(where: { known.nameAuthor(lines[$0].words) ?? true }) else {
            return false
        }
        let end = (name..<below.upperBound).first { lines[$0].isBlank } ?? below.upperBound
        // A number that nobody here has seen may be what the answer is about.
        return last < end
            && !others.contains { SignatureLine.says(lines[$0].words) || lines[$0].words.contains(where: \.isNumber) }
    }

    /// Whether the words above the mark end in a colon: what stands below it then belongs to them.
    private func pointsBelow(_ first: Int, _ index: Int) -> Bool {
        guard let last = lines[first..<index].last(where: { !$0.isBlank })?.words.last else { return false }
        return last == ":" || last == "："
    }

    private func withoutDevice(_ first: Int, _ end: Int) -> Int {
        var cut = end
        while cut > first, lines[cut - 1].isBlank { cut -= 1 }
        // A line of its own, apart from what was written.
        guard cut - 1 > first, lines[cut - 2].isBlank || lines[cut - 2].isRule,
            SignatureLine.isDevice(lines[cut - 1].words)
        else {
            return end
        }
        return cut - 1
    }
}
