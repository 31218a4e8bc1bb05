/// Limits on the length of texts that come from outside.
///
/// A limit is stated in characters, as people count them (grapheme clusters), because that is what a form shows. A
/// character may be followed by any number of combining marks, so a text may also not take more than four bytes of
/// UTF-8 for each character of its limit. Without that a "subject of 300 characters" could hold megabytes.
extension String {
    private static let bytesPerCharacter = 4

    /// Whether the text keeps to a limit of so many characters, and of four bytes for each.
    package func fits(_ characters: Int) -> Bool {
        let bytes = utf8.count
        if bytes <= characters { return true }
        // Counting characters is slow, so it is done only for a text whose bytes are within the limit.
        return bytes <= characters * Self.bytesPerCharacter && count <= characters
    }

    /// The beginning of the text that keeps to a limit of so many characters, and of four bytes for each.
    package func cut(to characters: Int) -> String {
        if utf8.count <= characters { return self }
        return String(cut(toBytes: characters * Self.bytesPerCharacter).prefix(characters))
    }

    /// The beginning of the text that takes at most so many bytes of UTF-8, cut between two Unicode scalars.
    package func cut(toBytes bytes: Int) -> String {
        guard utf8.count > bytes, var end = utf8.index(utf8.startIndex, offsetBy: bytes, limitedBy: utf8.endIndex)
        else { return self }
        // A byte that begins with the bits 10 continues the scalar before it (RFC 3629, section 3).
        while end > utf8.startIndex, utf8[end] & 0xC0 == 0x80 { utf8.formIndex(before: &end) }
        return String(self[..<end])
    }
}
