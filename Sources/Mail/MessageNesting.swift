import Foundation

/// How deep the parts and messages of a message stand in each other: a bound that is known before anything recurses.
///
/// Goes through the lines once, as RFC 2046, section 5.1 reads them: only the header of a message or a part declares
/// parts, and only a line of an open boundary begins one. What files and words hold of the same kind counts for nothing.
struct MessageNesting {
    /// Levels that are open: multiparts by their boundary, and messages, which have none.
    private var open: [Level] = []
    /// The place of the innermost level of each boundary, and how long the boundaries are.
    private var places: [[UInt8]: [Int]] = [:]
    private var lengths = [Int](repeating: 0, count: Self.longestBoundary + 1)
    /// The header of a message or a part is being read.
    private var isHeader = true
    private var contentType: [UInt8] = []
    private var isContentType = false
    private var namesType = false
    /// The header has said what it holds, and that is open.
    private var isDeclared = false
    private var deepest = 0

    private struct Level {
        var boundary: [UInt8]?
        var isDigest = false
    }
    /// RFC 2046 allows 70 bytes; programs write more.
    private static let longestBoundary = 1000
    private static let longestField = 64 << 10

    /// The deepest place in a message, up to one more than `most`.
    static func depth(_ bytes: UnsafeRawBufferPointer, most: Int) -> Int {
        var nesting = MessageNesting()
        guard let base = bytes.baseAddress else { return 0 }
        var start = 0
        while start < bytes.count, nesting.deepest <= most {
            let found = memchr(base + start, 10, bytes.count - start).map { UnsafeRawPointer($0) - base }
            let end = found ?? bytes.count
            nesting.take(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
            start = end + 1
        }
        if nesting.isHeader { nesting.endHeader() }
        return nesting.deepest
    }

    private mutating func take(_ line: UnsafeRawBufferPointer) {
        if line.count > 1, line[0] == UInt8(ascii: "-"), line[1] == UInt8(ascii: "-"), delimits(line) { return }
        guard isHeader else { return }
        if line.isEmpty || line.count == 1 && line[0] == 13 { return endHeader() }
        if line[0] == 0x20 || line[0] == 0x09 {
            if isContentType, contentType.count < Self.longestField { contentType += line.filter { $0 != 13 } }
            return
        }
        isContentType = false
        // The first of several counts.
        guard !namesType, !isDeclared, line.count > Self.typeName.count,
            zip(line, Self.typeName).allSatisfy({ $0 | 0x20 == $1 || $0 == $1 })
        else { return }
        let value = line.dropFirst(Self.typeName.count).drop { $0 == 0x20 || $0 == 0x09 }
        guard value.first == UInt8(ascii: ":") else { return }
        (namesType, isContentType) = (true, true)
        contentType = value.dropFirst().prefix(Self.longestField).filter { $0 != 13 }
    }
    private static let typeName = Array("content-type".utf8)

    /// Whether a line stands between the parts of an open multipart, or ends one.
    private mutating func delimits(_ line: UnsafeRawBufferPointer) -> Bool {
        var end = line.count
        while end > 2, line[end - 1] <= 0x20 { end -= 1 }
        guard end > 2, end - 2 <= Self.longestBoundary + 2 else { return false }
        // No empty line may stand above the first part; a parser that mends this finds it all the same.
        if isHeader { declare() }
        let whole = line[2..<end]
        if let place = place(of: whole) {
            close(downTo: place + 1)
            begin()
            return true
        }
        guard whole.count > 2, whole.suffix(2).allSatisfy({ $0 == UInt8(ascii: "-") }),
            let place = place(of: whole.dropLast(2))
        else { return false }
        close(downTo: place)
        isHeader = false
        return true
    }

    private func place(of boundary: Slice<UnsafeRawBufferPointer>) -> Int? {
        guard boundary.count < lengths.count, lengths[boundary.count] > 0 else { return nil }
        return places[Array(boundary)]?.last
    }

    private mutating func close(downTo count: Int) {
        while open.count > count {
            guard let boundary = open.removeLast().boundary else { continue }
            places[boundary]?.removeLast()
            if places[boundary]?.isEmpty == true { places[boundary] = nil }
            lengths[boundary.count] -= 1
        }
    }

    private mutating func begin() {
        (isHeader, isContentType, namesType, isDeclared, contentType) = (true, false, false, false, [])
    }

    private mutating func endHeader() {
        isHeader = false
        declare()
    }

    private mutating func declare() {
        guard !isDeclared else { return }
        isDeclared = true
        let type = HeaderParameters(contentType, type: true)
        isContentType = false
        // A digest holds messages where nothing else is said (RFC 2046, section 5.1.5).
        let isMessage = namesType ? Self.messages.contains(type.value) : open.last?.isDigest ?? false
        if isMessage {
            push(Level())
            begin()
        } else if type.value.hasPrefix("multipart/") {
            // An encoded word or an escape in it is part of the boundary for nobody.
            let boundary = Array(type["boundary"].utf8)
            guard (1...Self.longestBoundary).contains(boundary.count) else { return }
            places[boundary, default: []].append(open.count)
            lengths[boundary.count] += 1
            push(Level(boundary: boundary, isDigest: type.value == "multipart/digest"))
        }
    }
    private static let messages: Set<String> = ["message/rfc822", "message/rfc2822", "message/news", "message/global"]

    private mutating func push(_ level: Level) {
        open.append(level)
        deepest = max(deepest, open.count)
    }
}
