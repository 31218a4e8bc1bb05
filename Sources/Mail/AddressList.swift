import Foundation

/// The addresses of a header field (RFC 5322, section 3.4, with its obsolete forms), and the usable address inside what
/// is none by that grammar.
enum AddressList {
    /// Addresses beyond this many are passed over.
    private static let most = 200
    private static let mostBytes = 64 << 10

    /// - Parameter hints: labels of the message's own texts, for names in bytes that no encoded word holds.
    static func read(_ field: [UInt8], hints: [String] = []) -> [MailAddress] {
        // Bytes of other character sets may look like quotes and brackets: they become letters before anything is read.
        let field = field.count > mostBytes ? Array(field.prefix(mostBytes)) : field
        let isPlain = field.allSatisfy { $0 < 0x80 && $0 != 0x1B }
        var text =
            isPlain
            ? field
            : Array(
                Charset.decode(field, named: nil, hints: hints).replacingOccurrences(of: "＠", with: "@").utf8)
        // Forms that write HTML write their brackets as it does.
        if isPlain, field.contains(UInt8(ascii: "&")), !field.contains(UInt8(ascii: "<")) {
            text = Array(
                String(decoding: field, as: UTF8.self).replacingOccurrences(of: "&lt;", with: "<")
                    .replacingOccurrences(of: "&gt;", with: ">").replacingOccurrences(of: "&quot;", with: "\"").utf8)
        }
        var found: [MailAddress] = []
        var pending: [UInt8] = []
        for chunk in chunks(text) where found.count < most {
            guard let mailbox = Mailbox(pending.isEmpty ? chunk[...] : (pending + [UInt8(ascii: ",")] + chunk)[...])
            else {
                // `Ito, Kim <kim@…>`: a comma that should have been in quotes.
                pending = pending.isEmpty && chunk.count < 200 ? chunk : []
                continue
            }
            pending = []
            // Words before a bare address were a name of their own.
            let name = HeaderText.decode(mailbox.name, hints: hints)
            if let address = address(mailbox.address, name: name) { found.append(address) }
        }
        return found
    }

    /// The address in a form that mail servers take: without blanks, needless quotes and what got stuck to it.
    private static func address(_ text: String, name: String) -> MailAddress? {
        var bare = String(
            String.UnicodeScalarView(
                text.unicodeScalars.filter {
                    !$0.properties.isWhitespace && !$0.properties.isDefaultIgnorableCodePoint && $0.value >= 0x20
                }))
        if let scheme = bare.range(of: "mailto:", options: [.caseInsensitive, .anchored]) {
            bare.removeSubrange(scheme)
        }
        // `@gate.example,@other.example:kim@customer.example`: a route of old (RFC 5322, section 4.4).
        if bare.hasPrefix("@"), let colon = bare.lastIndex(of: ":") { bare = String(bare[bare.index(after: colon)...]) }
        guard let at = bare.lastIndex(of: "@") else { return nil }
        var local = String(bare[..<at])
        var domain = String(bare[bare.index(after: at)...])
        let isInApostrophes = local.hasPrefix("'")
        local.removeAll { $0 == "\"" || $0 == "\\" || isInApostrophes && $0 == "'" }
        local = String(local.drop { "<([{;:,".contains($0) })
        while let last = domain.last, ">)]}.,;:\"'".contains(last), !domain.hasPrefix("[") { domain.removeLast() }
        while domain.contains("..") { domain = domain.replacingOccurrences(of: "..", with: ".") }
        return MailAddress(name: name, "\(local)@\(domain)")
    }

    /// Parts between commas and semicolons that stand outside quotes, comments and brackets; names of groups are gone.
    private static func chunks(_ text: [UInt8]) -> [[UInt8]] {
        var found: [[UInt8]] = []
        var chunk: [UInt8] = []
        var (isQuoted, comments, isAngle, hasAt) = (false, 0, false, false)
        // A quote or bracket that is never closed holds nothing together.
        let quotesAreSound = text.count { $0 == UInt8(ascii: "\"") } % 2 == 0
        var index = 0
        while index < text.count {
            let byte = text[index]
            if byte == UInt8(ascii: "\\"), index + 1 < text.count, isQuoted || comments > 0 {
                if comments == 0 { chunk += [byte, text[index + 1]] }
                index += 2
                continue
            }
            switch byte {
            case UInt8(ascii: "\"") where comments == 0 && quotesAreSound: isQuoted.toggle()
            case _ where isQuoted: break
            case UInt8(ascii: "(") where hasEnd(text, index): comments += 1
            case UInt8(ascii: ")") where comments > 0:
                comments -= 1
                chunk.append(0x20)
                index += 1
                continue
            case UInt8(ascii: "<") where comments == 0: isAngle = true
            case UInt8(ascii: ">") where comments == 0: isAngle = false
            case UInt8(ascii: ","), UInt8(ascii: ";"):
                guard comments == 0, !isAngle || !hasClosingAngle(text, index) else { break }
                found.append(chunk)
                (chunk, isAngle, hasAt) = ([], false, false)
                index += 1
                continue
            case UInt8(ascii: ":") where comments == 0 && !isAngle && !hasAt && !isScheme(chunk):
                chunk = []
                index += 1
                continue
            default: break
            }
            if comments == 0 {
                chunk.append(byte)
                if byte == UInt8(ascii: "@") { hasAt = true }
            }
            index += 1
        }
        found.append(chunk)
        return found.filter { $0.contains { $0 > 0x20 } }
    }

    private static let farthest = 1000
    private static func hasEnd(_ text: [UInt8], _ index: Int) -> Bool {
        text[index...].prefix(farthest).contains(UInt8(ascii: ")"))
    }
    private static func hasClosingAngle(_ text: [UInt8], _ index: Int) -> Bool {
        for byte in text[index...].prefix(farthest) {
            if byte == UInt8(ascii: ">") { return true }
            if byte == UInt8(ascii: "<") { return false }
        }
        return false
    }
    private static func isScheme(_ chunk: [UInt8]) -> Bool {
        String(decoding: chunk.suffix(6), as: UTF8.self).lowercased() == "mailto"
    }

    /// One of them: the words of its name as they were sent, and what holds its address.
    private struct Mailbox {
        let name: [UInt8]
        let address: String

        init?(_ chunk: ArraySlice<UInt8>) {
            if let open = Self.angle(chunk) {
                let inside = chunk[(open + 1)...].prefix { $0 != UInt8(ascii: ">") }
                if inside.contains(UInt8(ascii: "@")) || inside.contains(0xEF) {
                    name = Self.words(chunk[..<open].filter { $0 != UInt8(ascii: "<") })
                    address = String(decoding: inside, as: UTF8.self)
                    return
                }
            }
            // `Kim Ito kim@customer.example`, `kim @ customer.example`, `kim@customer.example>`.
            let words = Self.split(chunk)
            guard let place = words.firstIndex(where: { $0.contains(UInt8(ascii: "@")) }) else { return nil }
            var (first, last) = (place, place)
            if words[place].first == UInt8(ascii: "@"), place > 0 { first -= 1 }
            if words[place].last == UInt8(ascii: "@"), place + 1 < words.count { last += 1 }
            address = String(
                decoding: Array(words[first...last].joined()).filter {
                    $0 != UInt8(ascii: "<") && $0 != UInt8(ascii: ">")
                }, as: UTF8.self)
            let others = words[..<first] + words[(last + 1)...]
            name = Self.words(
                Array(
                    others.filter { $0 != [UInt8(ascii: "<")] && $0 != [UInt8(ascii: ">")] }.joined(separator: [0x20])))
        }

        /// The last bracket outside quotes that has an address behind it.
        private static func angle(_ chunk: ArraySlice<UInt8>) -> Int? {
            var isQuoted = false
            var found: Int?
            let quotesAreSound = chunk.count { $0 == UInt8(ascii: "\"") } % 2 == 0
            for index in chunk.indices {
                if chunk[index] == UInt8(ascii: "\""), quotesAreSound,
                    index == chunk.startIndex || chunk[index - 1] != UInt8(ascii: "\\")
                {
                    isQuoted.toggle()
                }
                if chunk[index] == UInt8(ascii: "<"), !isQuoted { found = index }
            }
            return found
        }

        private static func split(_ chunk: ArraySlice<UInt8>) -> [[UInt8]] {
            var words: [[UInt8]] = []
            var word: [UInt8] = []
            var isQuoted = false
            for byte in chunk {
                if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
                if byte <= 0x20, !isQuoted {
                    if !word.isEmpty { words.append(word) }
                    word = []
                } else {
                    word.append(byte)
                }
            }
            if !word.isEmpty { words.append(word) }
            return words
        }

        /// A phrase without its quotes and escapes.
        private static func words(_ phrase: [UInt8]) -> [UInt8] {
            var plain: [UInt8] = []
            var index = 0
            while index < phrase.count {
                if phrase[index] == UInt8(ascii: "\\"), index + 1 < phrase.count {
                    plain.append(phrase[index + 1])
                    index += 2
                    continue
                }
                if phrase[index] != UInt8(ascii: "\"") { plain.append(phrase[index]) }
                index += 1
            }
            return plain
        }
    }
}
