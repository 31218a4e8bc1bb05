import Foundation

/// The line that parts of a broken multipart stand between.
enum BoundaryLine {
    private static let longest = 200
    /// Lines that are looked for a second time: each look goes through the body.
    private static let mostLooks = 20

    /// Without its dashes: the first line that begins with two, and behind which a part's header or an empty line
    /// stands. Nil where there is none.
    static func guess(_ body: [UInt8]) -> [UInt8]? {
        var start = 0
        var looks = 0
        while start < body.count {
            let end = body[start...].firstIndex(of: 10) ?? body.count
            defer { start = end + 1 }
            guard body[start..<end].starts(with: [0x2D, 0x2D]), end + 1 < body.count else { continue }
            var line = body[(start + 2)..<end]
            while let last = line.last, last <= 0x20 { line = line.dropLast() }
            // `-- ` stands above signatures, and rows of dashes between anything.
            guard !line.isEmpty, line.count <= longest,
                line.contains(where: { $0 != 0x2D && $0 != 0x5F && $0 != 0x3D }),
                line.allSatisfy({ $0 >= 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") })
            else { continue }
            let next = body[(end + 1)...].prefix(100)
            let isHeader = String(decoding: next.prefix(8), as: UTF8.self).lowercased() == "content-"
            let repeats = next.first == 10 || next.first == 13
            if isHeader { return Array(line) }
            guard repeats, looks < mostLooks else { continue }
            looks += 1
            if occurs(line, again: body, from: end) { return Array(line) }
        }
        return nil
    }

    private static func occurs(_ line: ArraySlice<UInt8>, again body: [UInt8], from start: Int) -> Bool {
        let rest = Data(body[start...].prefix(1 << 20))
        return rest.range(of: Data([10, 0x2D, 0x2D] + line)) != nil
    }
}

extension String {
    /// Nothing in it can be seen: blanks of every kind and characters without width.
    package var isBlank: Bool {
        unicodeScalars.allSatisfy { scalar in
            scalar.value <= 0x20
                || scalar.value >= 0x7F
                    && (scalar.properties.isWhitespace || scalar.properties.isDefaultIgnorableCodePoint
                        || scalar == "\u{2800}" || scalar.value < 0xA0)
        }
    }
}
