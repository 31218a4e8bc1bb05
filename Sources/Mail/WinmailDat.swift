import Foundation

/// What Outlook wraps into `winmail.dat` (TNEF, MS-OXTNEF): the text in its forms, and the files.
///
/// Reads as far as the bytes go: check sums that do not fit, attributes nobody knows and an end cut off cost nothing
/// else.
struct WinmailDat {
    private(set) var text: String?
    private(set) var html: String?
    private(set) var subject = ""
    private(set) var files: [IncomingMessage.Attachment] = []

    private static let mostBytes = 64 << 20
    private static let mostFiles = 500
    /// Messages within messages.
    private static let mostDepth = 4
    private static let mostText = 8 << 20

    static func isOne(type: String, name: String) -> Bool {
        let isNamed = name.lowercased() == "winmail.dat" || name.lowercased() == "win.dat"
        return type == "application/ms-tnef" || type == "application/vnd.ms-tnef"
            || isNamed
                && (type == "application/octet-stream" || type == "application/binary" || type == "application/x-tnef")
    }

    /// Nil where nothing could be taken out of it; it then stays what it is.
    init?(_ bytes: [UInt8]) { self.init(bytes[...], depth: 0) }

    private init?(_ bytes: ArraySlice<UInt8>, depth: Int) {
        // The signature of the format.
        guard bytes.count > 6, bytes.count <= Self.mostBytes, bytes.starts(with: [0x78, 0x9F, 0x3E, 0x22]) else {
            return nil
        }
        var reader = LittleEndian(bytes.dropFirst(6))
        var codePage = "windows-1252"
        var body: [UInt8]?
        var message = Properties()
        var current: File?
        while let level = reader.byte(), let attribute = reader.number(4), let length = reader.number(4) {
            guard level == 1 || level == 2 else { break }
            let data = reader.bytes(length)
            _ = reader.number(2)  // the check sum
            switch attribute {
            case 0x0006_9007: if data.count >= 4 { codePage = Self.label(LittleEndian(data).peek(4) ?? 1252) }
            case 0x0001_8004:
                subject = Charset.decode(Array(data.prefix { $0 != 0 }), named: codePage).withoutControls.singleLine
            case 0x0002_800C: body = Array(data.prefix(Self.mostText))
            case 0x0006_9003: message = Properties(data)
            case 0x0006_9002:
                finish(current, codePage, depth)
                current = File()
            case 0x0006_800F: current = (current ?? File()).with { $0.data = data }
            case 0x0001_8010: current = (current ?? File()).with { $0.title = Array(data.prefix { $0 != 0 }) }
            case 0x0006_9005: current = (current ?? File()).with { $0.properties = Properties(data) }
            default: break
            }
        }
        finish(current, codePage, depth)
        if let page = message.number(0x3FDE) ?? message.number(0x3FFD), page > 0 { codePage = Self.label(page) }
        if subject.isEmpty, let named = message.string(0x0037, codePage) { subject = named.withoutControls.singleLine }
        if let found = message[0x1013], !found.bytes.isEmpty {
            let bytes = Array(found.bytes.prefix(Self.mostText))
            html =
                found.type == 0x1F
                ? Charset.decode(bytes, named: "utf-16le")
                : Charset.decode(bytes, named: HTMLParts.metaCharset(bytes) ?? codePage)
        }
        if let packed = message[0x1009]?.bytes, let rtf = CompressedRTF.unpack(packed, most: Self.mostText) {
            let read = RTFText(rtf)
            if html == nil { html = read.html }
            // Text that was made of HTML is read from the HTML.
            if read.html == nil { text = read.text }
        }
        if let plain = message.string(0x1000, codePage), !plain.isEmpty { text = plain }
        if text == nil, let body { text = Charset.decode(Array(body.prefix { $0 != 0 }), named: codePage) }
        text = text.map { $0.withoutControls }
        if text?.trimmingWhitespace().isEmpty ?? false { text = nil }
        if text == nil, html == nil, files.isEmpty { return nil }
    }

    /// A file while it is read.
    private struct File {
        var data: ArraySlice<UInt8> = []
        var title: [UInt8] = []
        var properties = Properties()
        func with(_ change: (inout File) -> Void) -> File {
            var changed = self
            change(&changed)
            return changed
        }
    }

    private mutating func finish(_ file: File?, _ codePage: String, _ depth: Int) {
        guard let file, files.count < Self.mostFiles else { return }
        let properties = file.properties
        var content = file.data
        if let found = properties[0x3701] {
            if found.type == 0x0D {
                // A message within: an interface's identifier, then the same format again.
                let inner = found.bytes.dropFirst(16)
                if depth < Self.mostDepth, let message = WinmailDat(inner, depth: depth + 1) { return take(message) }
                if content.isEmpty { content = inner }
            } else if content.isEmpty {
                content = found.bytes
            }
        }
        guard !content.isEmpty else { return }
        let names = [
            properties.string(0x3707, codePage), file.title.isEmpty ? nil : Charset.decode(file.title, named: codePage),
            properties.string(0x3001, codePage), properties.string(0x3704, codePage),
        ]
        let name = names.compactMap { $0?.fileName }.first { !$0.isEmpty } ?? "attachment-\(files.count + 1).bin"
        let given = properties.string(0x370E, codePage)?.lowercased().trimmingWhitespace() ?? ""
        var attachment = IncomingMessage.Attachment(
            name: name, type: given.contains("/") ? given.singleLine : FileTypes.type(of: name), bytes: Data(content))
        if let id = properties.string(0x3712, codePage)?.trimmingCharacters(in: CharacterSet(charactersIn: "<> "))
            .singleLine, !id.isEmpty
        {
            (attachment.contentID, attachment.isInline) = (id, true)
        }
        files.append(attachment)
    }

    private mutating func take(_ message: WinmailDat) {
        let title = message.subject.isEmpty ? "message" : String(message.subject.prefix(80))
        if let html = message.html {
            files.append(.init(name: "\(title).html".fileName, type: "text/html", bytes: Data(html.utf8)))
        } else if let text = message.text {
            files.append(.init(name: "\(title).txt".fileName, type: "text/plain", bytes: Data(text.utf8)))
        }
        files += message.files.prefix(Self.mostFiles - files.count)
    }

    private static func label(_ page: Int) -> String { "cp\(page)" }

    /// MAPI properties (MS-OXTNEF, section 2.1.3.4) by their identifier; of several values the first.
    private struct Properties {
        struct Value {
            let type: Int
            let bytes: ArraySlice<UInt8>
        }
        private var values: [Int: Value] = [:]
        private static let most = 10_000

        init() {}

        init(_ data: ArraySlice<UInt8>) {
            var reader = LittleEndian(data)
            guard let count = reader.number(4) else { return }
            for _ in 0..<min(count, Self.most) {
                guard let type = reader.number(2), let identifier = reader.number(2) else { return }
                if identifier >= 0x8000 {
                    _ = reader.bytes(16)
                    guard let kind = reader.number(4), let length = reader.number(4) else { return }
                    if kind == 1 { reader.padded(length) }
                }
                let isMultiple = type & 0x1000 != 0
                let base = type & 0x0FFF
                let number = isMultiple ? reader.number(4) ?? 0 : 1
                for index in 0..<min(number, Self.most) {
                    guard let value = Self.value(base, &reader, isMultiple) else { return }
                    if index == 0 { values[identifier] = values[identifier] ?? Value(type: base, bytes: value) }
                }
            }
        }

        private static func value(_ type: Int, _ reader: inout LittleEndian, _ isMultiple: Bool) -> ArraySlice<UInt8>? {
            switch type {
            case 0x02, 0x03, 0x04, 0x0A, 0x0B: return reader.bytes(4)
            case 0x05, 0x06, 0x07, 0x14, 0x40: return reader.bytes(8)
            case 0x48: return reader.bytes(16)
            case 0x01: return []
            case 0x0D, 0x1E, 0x1F, 0x102:
                if !isMultiple { guard reader.number(4) != nil else { return nil } }
                guard let length = reader.number(4) else { return nil }
                return reader.padded(length)
            default: return nil
            }
        }

        subscript(_ identifier: Int) -> Value? { values[identifier] }

        func number(_ identifier: Int) -> Int? { values[identifier].flatMap { LittleEndian($0.bytes).peek(4) } }

        func string(_ identifier: Int, _ codePage: String) -> String? {
            guard let value = values[identifier], value.type == 0x1E || value.type == 0x1F else { return nil }
            let bytes = Array(value.bytes.prefix(mostText))
            if value.type == 0x1F {
                let text = Charset.convert(bytes[...], from: "UTF-16LE") ?? ""
                return String(text.prefix { $0 != "\0" })
            }
            return Charset.decode(Array(bytes.prefix { $0 != 0 }), named: codePage)
        }
    }
}

/// Numbers and pieces in the order Intel gave them.
struct LittleEndian {
    private var rest: ArraySlice<UInt8>
    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    var isEmpty: Bool { rest.isEmpty }
    mutating func byte() -> UInt8? { rest.popFirst() }
    func peek(_ count: Int) -> Int? {
        guard rest.count >= count else { return nil }
        return rest.prefix(count).reversed().reduce(0) { $0 << 8 | Int($1) }
    }
    mutating func number(_ count: Int) -> Int? {
        guard let value = peek(count) else { return nil }
        rest = rest.dropFirst(count)
        return value
    }
    /// As many as there are, at most.
    mutating func bytes(_ count: Int) -> ArraySlice<UInt8> {
        let piece = rest.prefix(count)
        rest = rest.dropFirst(count)
        return piece
    }
    /// A piece that is filled up to a multiple of four.
    @discardableResult mutating func padded(_ count: Int) -> ArraySlice<UInt8> {
        let piece = bytes(count)
        rest = rest.dropFirst((4 - count % 4) % 4)
        return piece
    }
}

/// The type a file's name suggests.
enum FileTypes {
    private static let known = [
        "txt": "text/plain", "pdf": "application/pdf", "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg",
        "gif": "image/gif", "zip": "application/zip", "csv": "text/csv",
        "doc": "application/msword", "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xls": "application/vnd.ms-excel",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "ics": "text/calendar",
        "vcf": "text/vcard",
    ]
    static func type(of name: String) -> String {
        name.split(separator: ".").last.flatMap { known[$0.lowercased()] } ?? "application/octet-stream"
    }
}
