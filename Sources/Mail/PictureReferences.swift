import Foundation

/// The pictures that HTML shows in place: led to the attachments of the same message by Content-ID (RFC 2392), by
/// Content-Location (RFC 2557) or by name, and pictures written into the HTML itself (RFC 2397) taken out as
/// attachments.
struct PictureReferences {
    private(set) var attachments: [IncomingMessage.Attachment]
    private var byID: [String: Int] = [:]
    private var byLocation: [String: Int] = [:]
    private var byName: [String: Int] = [:]
    /// Pictures of one message taken out of its HTML; further ones stay in the original.
    private static let mostPictures = 200
    /// References beyond this many stay as they are.
    private static let mostReferences = 2000
    private var taken: [Data: String] = [:]

    /// - Parameter locations: Content-Location of the attachments that have one, by their index.
    init(_ attachments: [IncomingMessage.Attachment], locations: [Int: String]) {
        self.attachments = attachments
        for (index, file) in attachments.enumerated() {
            if let id = file.contentID { byID[Self.key(id)] = byID[Self.key(id)] ?? index }
            byName[Self.key(file.name)] = byName[Self.key(file.name)] ?? index
        }
        for (index, location) in locations.sorted(by: { $0.key < $1.key }) {
            byLocation[Self.key(location)] = byLocation[Self.key(location)] ?? index
        }
    }

    /// The HTML with each picture's source as `cid:` and the Content-ID of its attachment.
    mutating func resolve(_ html: String) -> String {
        let bytes = Array(html.utf8)
        var kept: [UInt8] = []
        var copied = 0
        for range in Self.sources(bytes, most: Self.mostReferences) {
            guard let id = contentID(bytes[range]) else { continue }
            kept += bytes[copied..<range.lowerBound]
            kept += Array("cid:\(Self.escaped(id))".utf8)
            copied = range.upperBound
        }
        return copied == 0 ? html : String(decoding: kept + bytes[copied...], as: UTF8.self)
    }

    private mutating func contentID(_ source: ArraySlice<UInt8>) -> String? {
        let start = source.prefix(11).map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }
        if start.starts(with: Array("data:image/".utf8)) { return take(source) }
        guard source.count < 2000 else { return nil }
        let reference = String(decoding: source, as: UTF8.self).replacingOccurrences(of: "&amp;", with: "&")
        if start.starts(with: Array("cid:".utf8)) {
            let id = String(reference.dropFirst(4))
            guard let index = byID[Self.key(id)] ?? byName[Self.key(id)] ?? byLocation[Self.key(reference)] else {
                return nil
            }
            return claim(index)
        }
        if let index = byLocation[Self.key(reference)] { return claim(index) }
        // `pictures/plan.png` beside `Content-Location: http://customer.example/pictures/plan.png` or `plan.png`.
        let last = Self.key(reference).split(separator: "/").last.map(String.init) ?? ""
        guard !last.isEmpty, !start.starts(with: Array("http".utf8)) else { return nil }
        let matches = byLocation.filter { $0.key == last || $0.key.hasSuffix("/" + last) }
        guard matches.count == 1, let index = matches.first?.value else { return nil }
        return claim(index)
    }

    /// The Content-ID of an attachment that a text shows; it gets one where it has none.
    private mutating func claim(_ index: Int) -> String {
        attachments[index].isInline = true
        if let id = attachments[index].contentID { return id }
        let id = "picture-\(index + 1)@usher.invalid"
        attachments[index].contentID = id
        return id
    }

    private mutating func take(_ source: ArraySlice<UInt8>) -> String? {
        guard taken.count < Self.mostPictures, let comma = source.firstIndex(of: UInt8(ascii: ",")),
            comma - source.startIndex < 200
        else { return nil }
        let head = String(decoding: source[source.index(source.startIndex, offsetBy: 5)..<comma], as: UTF8.self)
            .lowercased()
        let type = String(head.prefix { $0 != ";" }).trimmingWhitespace()
        let content = source[(comma + 1)...]
        let plain =
            content.contains(UInt8(ascii: "%"))
            ? QuotedPrintable.escapes(content, mark: UInt8(ascii: "%"))[...] : content
        let bytes = Data(head.contains("base64") ? Base64.lenient(plain) : Array(plain))
        guard !bytes.isEmpty else { return nil }
        if let known = taken[bytes] { return known }
        let number = taken.count + 1
        let id = "data-\(number)@usher.invalid"
        let ending =
            ["image/jpeg": "jpg", "image/jpg": "jpg", "image/svg+xml": "svg", "image/x-icon": "ico"][type]
            ?? String(type.dropFirst(6).filter { $0.isASCII && ($0.isLetter || $0.isNumber) }.prefix(10))
        attachments.append(
            .init(
                name: "picture-\(number).\(ending.isEmpty ? "bin" : ending)",
                type: type == "image/jpg" ? "image/jpeg" : type, bytes: bytes, contentID: id, isInline: true))
        taken[bytes] = id
        return id
    }

    static func hasPicture(_ html: [UInt8]) -> Bool {
        !sources(html, most: 1).isEmpty
    }

    /// The places of the values of `src` in the tags `<img …>`, in order, without blanks around them.
    private static func sources(_ html: [UInt8], most: Int) -> [Range<Int>] {
        var found: [Range<Int>] = []
        var index = 0
        while found.count < most, let open = html[index...].firstIndex(of: UInt8(ascii: "<")) {
            index = open + 1
            let name = html[index...].prefix(4)
            guard name.count == 4, name.prefix(3).map({ $0 | 0x20 }) == Array("img".utf8),
                html[index + 3] <= 0x20 || html[index + 3] == UInt8(ascii: "/")
            else { continue }
            index += 3
            // Attributes up to the end of the tag.
            while index < html.count, html[index] != UInt8(ascii: ">") {
                if html[index] <= 0x20 || html[index] == UInt8(ascii: "/") {
                    index += 1
                    continue
                }
                let nameStart = index
                while index < html.count, html[index] > 0x20, html[index] != UInt8(ascii: "="),
                    html[index] != UInt8(ascii: ">"), html[index] != UInt8(ascii: "/")
                { index += 1 }
                let isSource = html[nameStart..<index].map { $0 | 0x20 } == Array("src".utf8)
                var next = index
                while next < html.count, html[next] <= 0x20 { next += 1 }
                guard next < html.count, html[next] == UInt8(ascii: "=") else {
                    if index == nameStart { index += 1 }
                    continue
                }
                next += 1
                while next < html.count, html[next] <= 0x20 { next += 1 }
                guard next < html.count else {
                    index = next
                    break
                }
                let quote = html[next]
                var (start, end) = (next, next)
                if quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") {
                    start = next + 1
                    end = start
                    while end < html.count, html[end] != quote { end += 1 }
                    index = min(end + 1, html.count)
                } else {
                    while end < html.count, html[end] > 0x20, html[end] != UInt8(ascii: ">") { end += 1 }
                    index = end
                }
                guard isSource else { continue }
                while start < end, html[start] <= 0x20 { start += 1 }
                while start < end, html[end - 1] <= 0x20 { end -= 1 }
                if start < end { found.append(start..<end) }
            }
        }
        return found
    }

    /// How references are compared: without brackets, percent escapes and differences of capitals.
    private static func key(_ reference: String) -> String {
        let bare = reference.trimmingCharacters(in: CharacterSet(charactersIn: "<> \t"))
        return (bare.removingPercentEncoding ?? bare).lowercased()
    }

    private static func escaped(_ id: String) -> String {
        id.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "\"", with: "&quot;")
            .replacingOccurrences(of: "'", with: "&#39;").replacingOccurrences(of: "<", with: "&lt;")
            .replacingOccurrences(of: ">", with: "&gt;")
            .replacingOccurrences(of: " ", with: "&#32;")
    }
}
