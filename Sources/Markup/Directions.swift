/// The characters that steer the direction of text (Bidi_Control in Unicode Standard Annex 9). In a name, a subject or
/// the name of a file they make `exe.txt` of what ends in something else, and carry on into the words around them: they
/// are shown as what they are.
enum Directions {
    /// How many bytes the control at the start of some UTF-8 takes, and what is shown in its place; nil where none
    /// stands there.
    ///
    /// Embeddings, overrides and isolates are shown by their number. The three marks only settle what stands between
    /// two directions and go without a trace.
    static func control(at index: Int, in utf8: UnsafeBufferPointer<UInt8>) -> (length: Int, shown: String)? {
        if utf8[index] == 0xD8 { return index + 1 < utf8.count && utf8[index + 1] == 0x9C ? (2, "") : nil }
        guard utf8[index] == 0xE2, index + 2 < utf8.count else { return nil }
        switch (utf8[index + 1], utf8[index + 2]) {
        case (0x80, 0x8E), (0x80, 0x8F): return (3, "")
        case (0x80, 0xAA...0xAE): return (3, "[U+202\(String(utf8[index + 2] - 0xA0, radix: 16, uppercase: true))]")
        case (0x81, 0xA6...0xA9): return (3, "[U+206\(utf8[index + 2] - 0xA0)]")
        default: return nil
        }
    }

    /// Whether the control that starts there is U+202D or U+202E, which turn the letters of any writing around.
    static func isOverride(at index: Int, in utf8: UnsafeBufferPointer<UInt8>) -> Bool {
        utf8[index] == 0xE2 && utf8[index + 1] == 0x80 && (0xAD...0xAE).contains(utf8[index + 2])
    }
}

extension String {
    /// The text with the characters that steer its direction shown as marks; for one line, such as a name or a subject.
    package var showingDirections: String {
        guard utf8.contains(where: { $0 == 0xE2 || $0 == 0xD8 }) else { return self }
        return Array(utf8).withUnsafeBufferPointer { utf8 in
            var bytes: [UInt8] = []
            bytes.reserveCapacity(utf8.count)
            var index = 0
            while index < utf8.count {
                if let (length, shown) = Directions.control(at: index, in: utf8) {
                    bytes.append(contentsOf: shown.utf8)
                    index += length
                } else {
                    bytes.append(utf8[index])
                    index += 1
                }
            }
            return String(decoding: bytes, as: UTF8.self)
        }
    }
}
