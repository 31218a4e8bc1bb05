import Foundation

/// What a browser's form sent: `multipart/form-data` (RFC 7578) or `application/x-www-form-urlencoded`.
package struct FormData: Sendable {
    package private(set) var values: [(name: String, value: String)] = []
    package private(set) var files: [File] = []
    /// More bytes of files came than are taken: some files are missing, perhaps also values behind them.
    package var isTooLarge = false

    /// A file chosen in a form, whose bytes lie on the disk until somebody keeps them.
    package struct File: Sendable {
        package let field: String
        /// Never empty; without the folders that some browsers send with it.
        package let name: String
        package let type: String
        package let content: SentFile

        package init(_ part: MultipartReader.Part, content: SentFile) {
            let shown = (part.fileName ?? "").fileNameAlone
            field = part.field
            name = shown.isEmpty ? "file" : shown
            type = part.type
            self.content = content
        }
    }

    /// Pairs of one form.
    private static let mostValues = 2000

    package init() {}

    /// Reads the plain values of a body that is in memory; files in it are passed over. Nil when the body is not what
    /// its type says.
    package init?(_ body: Data, type: String) {
        if Self.isURLEncoded(type) {
            read(urlEncoded: Array(body))
            return
        }
        // no boundary: no form
        guard Self.isMultipart(type), var reader = try? MultipartReader(contentType: type) else { return nil }
        var part: MultipartReader.Part?
        var value: [UInt8] = []
        do {
            try reader.take(body) { event in
                switch event {
                case .part(let begun): (part, value) = (begun, [])
                case .content(let bytes): if part?.fileName == nil { value.append(contentsOf: bytes) }
                case .endOfPart: if let part, part.fileName == nil { append(part.field, value) }
                }
            }
        } catch { return nil }
        guard reader.isComplete else { return nil }
    }

    package static func isURLEncoded(_ type: String) -> Bool {
        type.lowercased().hasPrefix("application/x-www-form-urlencoded")
    }
    package static func isMultipart(_ type: String) -> Bool {
        type.lowercased().hasPrefix("multipart/form-data") && !type.contains(where: \.isNewline)
    }

    package subscript(_ name: String) -> String? { values.first { $0.name == name }?.value }

    /// Browsers send text as UTF-8; other bytes become the replacement character.
    package mutating func append(_ field: String, _ value: [UInt8]) {
        guard values.count < Self.mostValues else { return }
        values.append((field, String(decoding: value, as: UTF8.self)))
    }
    package mutating func append(_ file: File) { files.append(file) }

    /// `a=1&b=two+words%21`, in one pass over the bytes (WHATWG URL, section 5.1).
    package mutating func read(urlEncoded bytes: [UInt8]) {
        for pair in bytes.split(separator: UInt8(ascii: "&"), maxSplits: Self.mostValues) {
            let equals = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
            append(
                String(decoding: Self.decoded(pair[..<equals]), as: UTF8.self),
                Self.decoded(pair[equals...].dropFirst()))
        }
    }

    private static func decoded(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var index = bytes.startIndex
        while index < bytes.endIndex {
            let byte = bytes[index]
            if byte == UInt8(ascii: "%"), index + 2 < bytes.endIndex, let high = digit(bytes[index + 1]),
                let low = digit(bytes[index + 2])
            {
                result.append(high << 4 | low)
                index += 3
                continue
            }
            result.append(byte == UInt8(ascii: "+") ? 32 : byte)
            index += 1
        }
        return result
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

/// The bytes of a file that was sent, on the disk under a name of their own. They are removed with the last reference
/// to this value, unless somebody moved them away.
package final class SentFile: Sendable {
    package let path: String
    /// SHA-256 of the bytes, in hex.
    package let hash: String
    package let size: Int

    package init(path: String, hash: String, size: Int) {
        self.path = path
        self.hash = hash
        self.size = size
    }
    deinit { unlink(path) }
}
