/// A mailbox of RFC 5322: the name shown and the address, folded to lower case.
package struct MailAddress: Sendable, Hashable {
    package let name: String
    package let address: String

    /// Nil when the text has no local part or no domain, or holds what no address may.
    package init?(name: String = "", _ text: String) {
        let trimmed = Self.folded(text.trimmingWhitespace())
        guard let at = trimmed.lastIndex(of: "@"), at != trimmed.startIndex,
            trimmed.index(after: at) != trimmed.endIndex,
            trimmed.utf8.count <= 254,
            trimmed.unicodeScalars.allSatisfy({
                $0.value > 0x20 && $0.value != 0x7F && !"<>(),;:\\\"[]".unicodeScalars.contains($0)
                    && ($0.isASCII || !Self.isInvisible($0))
            })
        else { return nil }
        let local = trimmed[..<at]
        let domain = trimmed[trimmed.index(after: at)...]
        guard !local.contains("@"), !domain.hasPrefix("."), !domain.hasSuffix("."), !domain.contains("..") else {
            return nil
        }
        self.name = name.singleLine
        self.address = trimmed
    }

    /// A character that is not seen, or that turns the direction of writing, makes two addresses look like one.
    private static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
        let properties = scalar.properties
        return properties.isDefaultIgnorableCodePoint || properties.isWhitespace
            || properties.generalCategory == .format || properties.generalCategory == .control
    }

    /// An address as it is kept and compared: in NFC (Unicode Standard Annex 15), and of its letters only A to Z made
    /// small. So no other character ever equals an ASCII one: the Kelvin sign is no k, the long s no s, and the dotless
    /// i no i.
    package static func folded(_ text: String) -> String {
        if text.utf8.allSatisfy({ $0 < 0x80 }) {
            guard text.utf8.contains(where: { (0x41...0x5A).contains($0) }) else { return text }
            return String(decoding: text.utf8.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }, as: UTF8.self)
        }
        var folded = ""
        var stretch = String.UnicodeScalarView()
        func settle() {
            let composed = String(stretch).precomposedStringWithCanonicalMapping
            folded.unicodeScalars.append(
                contentsOf: composed.unicodeScalars.map {
                    (0x41...0x5A).contains($0.value) ? Unicode.Scalar(UInt8($0.value | 0x20)) : $0
                })
            stretch = String.UnicodeScalarView()
        }
        for scalar in text.unicodeScalars {
            // NFC itself would make these three an ASCII K, ; and `.
            if scalar.value == 0x212A || scalar.value == 0x037E || scalar.value == 0x1FEF {
                settle()
                folded.unicodeScalars.append(scalar)
            } else {
                stretch.append(scalar)
            }
        }
        settle()
        return folded
    }

    /// By bytes: Swift's own comparison takes characters that Unicode calls equivalent for one another.
    package static func == (left: MailAddress, right: MailAddress) -> Bool {
        left.name.utf8.elementsEqual(right.name.utf8) && left.address.utf8.elementsEqual(right.address.utf8)
    }
    package func hash(into hasher: inout Hasher) {
        for byte in address.utf8 { hasher.combine(byte) }
    }

    package var localPart: String { String(address[..<at]) }
    package var domain: String { String(address[address.index(after: at)...]) }
    private var at: String.Index { address.lastIndex(of: "@") ?? address.startIndex }

    /// `support+detail@example.org` for plus addressing (RFC 5233).
    package func with(detail: String) -> String { "\(localPart)+\(detail)@\(domain)" }
    /// What stands behind the first plus sign of the local part.
    package var detail: String? {
        let local = localPart
        guard let plus = local.firstIndex(of: "+") else { return nil }
        return String(local[local.index(after: plus)...])
    }
    /// The address without its detail.
    package var withoutDetail: String {
        let local = localPart
        guard let plus = local.firstIndex(of: "+") else { return address }
        return "\(local[..<plus])@\(domain)"
    }
}
