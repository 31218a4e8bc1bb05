import Markup

/// Markup beside the plain words of the same message. What has been judged line by line is the plain text; the markup
/// goes along only as far as it says the same, letter by letter. Blanks, signs and the targets of links do not count.
package enum MarkupWords {
    /// Whether markup says these words and no others. Markup without any word, such as a picture alone, adds none.
    package static func agree(_ markup: String, _ words: String) -> Bool {
        var reading = Reading(words)
        HTMLTree(markup).walk { step in
            switch step {
            case .text(let text): reading.read(text)
            case .open(let element): reading.readPicture(element)
            case .close: break
            }
            return true
        }
        return reading.hasRead == 0 && !reading.isOther || reading.isDone && !reading.isOver
    }

    /// The beginning of sanitized markup that says these words, with the pictures that follow them; nil where it does
    /// not begin with them.
    package static func beginning(of markup: String, saying words: String) -> String? {
        var reading = Reading(words)
        guard !reading.isDone else { return nil }
        var beginning = HTML(capacity: markup.utf8.count)
        HTMLTree(markup).walk { step in
            switch step {
            case .text(let text):
                let isBefore = !reading.isOver
                let length = reading.read(text)
                if isBefore { beginning.write(prose: String(text.unicodeScalars.prefix(length))) }
            case .open(let element):
                // A quotation behind the last word is none of them, whatever it begins with.
                if reading.isDone, element.name == "blockquote" { reading.isOver = true }
                reading.readPicture(element)
                guard !reading.isOver, !reading.isOther else { return false }
                HTMLSanitizer.open(element, in: &beginning)
            case .close(let element): HTMLSanitizer.close(element, in: &beginning)
            }
            return true
        }
        return reading.isDone && !reading.isOther ? beginning.text : nil
    }

    /// How far the words have been read.
    private struct Reading {
        private let letters: [UInt8]
        private(set) var hasRead = 0
        /// Something else was said before the words were over.
        private(set) var isOther = false
        /// More was said behind the words.
        var isOver = false

        var isDone: Bool { hasRead == letters.count && !isOther }

        init(_ words: String) {
            letters = KnownWords.letters(of: words[...], most: HTMLTree.mostBytes, home: "")
        }

        /// Reads on.
        ///
        /// - Returns: how many of the scalars belong to the words, with the signs behind the last one.
        @discardableResult mutating func read(_ text: String) -> Int {
            guard !isOver, !isOther else { return 0 }
            let found = KnownWords.letters(of: text[...], most: HTMLTree.mostBytes, home: "")
            let rest = letters[hasRead...]
            if rest.starts(with: found) {
                hasRead += found.count
                return text.unicodeScalars.count
            }
            guard found.starts(with: rest) else {
                isOther = true
                return 0
            }
            // The words end inside of this text.
            let left = rest.count
            hasRead = letters.count
            isOver = true
            let scalars = text.unicodeScalars
            var (length, tooLong) = (0, scalars.count + 1)
            while length + 1 < tooLong {
                let middle = (length + tooLong) / 2
                let part = String(scalars.prefix(middle))
                if KnownWords.letters(of: part[...], most: HTMLTree.mostBytes, home: "").count <= left {
                    length = middle
                } else {
                    tooLong = middle
                }
            }
            return length
        }

        /// The description of a picture stands in the plain text of a message that had markup alone.
        mutating func readPicture(_ element: HTMLElement) {
            guard !isOver, !isOther, element.name == "img", let words = element.attribute("alt") else { return }
            let found = KnownWords.letters(of: words[...], most: 1000, home: "")
            if letters[hasRead...].starts(with: found) { hasRead += found.count }
        }
    }
}
