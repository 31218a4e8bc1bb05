import CGMime
import Foundation

/// What a browser's form sent: `multipart/form-data` (RFC 7578), read by the same parser as mail, or
/// `application/x-www-form-urlencoded`.
package struct FormData: Sendable {
    package private(set) var values: [(name: String, value: String)] = []
    package private(set) var files: [File] = []

    /// A file chosen in a form; a field left empty gives none.
    package struct File: Sendable {
        package let field: String
        package let name: String
        package let type: String
        package let bytes: Data
    }

    private static let mostParts = 500

    /// Nil when the body is not what its type says.
    package init?(_ body: Data, type: String) {
        let media = type.lowercased()
        if media.hasPrefix("application/x-www-form-urlencoded") {
            read(urlEncoded: String(decoding: body, as: UTF8.self))
            return
        }
        guard media.hasPrefix("multipart/form-data"), !type.contains(where: \.isNewline) else { return nil }
        guard read(parts: Data("Content-Type: \(type)\r\n\r\n".utf8) + body) else { return nil }
    }

    package subscript(_ name: String) -> String? { values.first { $0.name == name }?.value }

    private mutating func read(urlEncoded text: String) {
        for pair in text.split(separator: "&").prefix(Self.mostParts) {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            func decoded(_ part: Substring) -> String { String(part).replacingOccurrences(of: "+", with: " ").removingPercentEncoding ?? String(part) }
            values.append((decoded(parts[0]), parts.count > 1 ? decoded(parts[1]) : ""))
        }
    }

    private mutating func read(parts bytes: Data) -> Bool {
        bytes.withUnsafeBytes { buffer in
            GMimeLibrary.parse(buffer) { parser in
                guard let top = g_mime_parser_construct_part(parser, nil) else { return false }
                defer { usher_unref(top) }
                guard usher_is_multipart(top) != 0 else { return false }
                let multipart = usher_multipart(top)
                for index in 0..<min(g_mime_multipart_get_count(multipart), Int32(Self.mostParts)) {
                    guard let part = g_mime_multipart_get_part(multipart, index), usher_is_part(part) != 0 else { continue }
                    take(part)
                }
                return true
            }
        }
    }

    private mutating func take(_ object: UnsafeMutablePointer<GMimeObject>) {
        guard let disposition = g_mime_object_get_content_disposition(object) else { return }
        let field = MessageReader.string(g_mime_content_disposition_get_parameter(disposition, "name"))
        let content = PartCollector.data(usher_part(object))
        guard let name = g_mime_content_disposition_get_parameter(disposition, "filename") else {
            values.append((field, Charset.decode(Array(content), named: "utf-8")))
            return
        }
        // Browsers send an empty part for a field nobody chose a file in; some send a path with the name.
        let shown = MessageReader.string(name).split(whereSeparator: { $0 == "/" || $0 == "\\" }).last.map(String.init) ?? ""
        guard !shown.isEmpty || !content.isEmpty else { return }
        files.append(File(field: field, name: shown.isEmpty ? "file" : shown.singleLine, type: PartCollector.mediaType(object), bytes: content))
    }
}
