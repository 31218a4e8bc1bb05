extension String {
    package func trimmingWhitespace() -> String {
        // Most text begins and ends with a visible ASCII character.
        if let first = utf8.first, let last = utf8.last, first > 0x20, first < 0x7F, last > 0x20, last < 0x7F {
            return self
        }
        var view = self[...].unicodeScalars
        while let first = view.first, first.properties.isWhitespace || first.value < 0x20 { view.removeFirst() }
        while let last = view.last, last.properties.isWhitespace || last.value < 0x20 { view.removeLast() }
        return String(String.UnicodeScalarView(view))
    }
    /// One line without control characters: fit for a header, a subject, a name.
    package var singleLine: String {
        if utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) { return trimmingWhitespace() }
        var line = String.UnicodeScalarView()
        for scalar in unicodeScalars {
            line.append(
                scalar.value < 0x20 || scalar.value == 0x7F || scalar == "\u{2028}" || scalar == "\u{2029}"
                    ? " " : scalar)
        }
        return String(line).trimmingWhitespace()
    }
    /// Without the characters no text may carry: NUL and its like, but for tab and line ends.
    package var withoutControls: String {
        guard utf8.contains(where: { $0 < 0x20 && $0 != 9 && $0 != 10 || $0 == 0x7F }) else { return self }
        var clean = String.UnicodeScalarView()
        var previous: Unicode.Scalar = " "
        for scalar in unicodeScalars {
            if scalar == "\r" {
                clean.append("\n")
            } else if scalar == "\n" {
                if previous != "\r" { clean.append(scalar) }
            } else if scalar.value == 0x0B || scalar.value == 0x0C {
                // A vertical tab ends a line, and a form feed a page.
                clean.append("\n")
            } else if scalar.value >= 0x20 && scalar.value != 0x7F || scalar == "\t" {
                clean.append(scalar)
            }
            previous = scalar
        }
        return String(clean)
    }
}

extension String {
    /// As names and words are compared: letters of either case are the same, and so are an accented letter and a letter
    /// with an accent behind it.
    package var folded: String { precomposedStringWithCanonicalMapping.lowercased() }
}
