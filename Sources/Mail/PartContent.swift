import CGMime
import Foundation

/// What a part says of itself, and its bytes, through GMime.
extension PartCollector {
    static func mediaType(_ object: UnsafeMutablePointer<GMimeObject>) -> String {
        guard let type = g_mime_object_get_content_type(object) else { return "text/plain" }
        let media = MessageReader.string(g_mime_content_type_get_media_type(type))
        let subtype = MessageReader.string(g_mime_content_type_get_media_subtype(type))
        return "\(media)/\(subtype)".lowercased()
    }

    /// What it is, also where the field is no sound one: a type that is none is text (RFC 2045, section 5.2).
    func contentType(_ object: UnsafeMutablePointer<GMimeObject>) -> HeaderParameters {
        let field = MessageReader.field("content-type", of: object)
        guard !field.allSatisfy({ $0 <= 0x20 }) else { return HeaderParameters(Array(Self.mediaType(object).utf8)) }
        return HeaderParameters(field, hints: hints, type: true)
    }

    mutating func decodedText(
        _ object: UnsafeMutablePointer<GMimeObject>, _ part: UnsafeMutablePointer<GMimePart>, _ type: HeaderParameters
    ) -> String {
        let (bytes, isFalse) = content(part, object)
        if isFalse { faults.append("a text is not encoded as it says") }
        var charset = type["charset"]
        var hints = hints
        if type.value == "text/html", let meta = HTMLParts.metaCharset(bytes) {
            if CharsetLabel(charset) == .unnamed { charset = meta } else { hints.append(meta) }
        }
        if !charset.isEmpty, self.hints.count < 50 { self.hints.append(charset) }
        var text = Charset.decode(bytes, named: charset.isEmpty ? nil : charset, hints: hints).withoutControls
            .withLineEnds
        if type["format"].lowercased() == "flowed" {
            text = FlowedText.unfold(text, deletesSpace: type["delsp"].lowercased() == "yes")
        }
        return text
    }

    func content(_ part: UnsafeMutablePointer<GMimePart>, _ object: UnsafeMutablePointer<GMimeObject>) -> (
        bytes: [UInt8], isFalse: Bool
    ) {
        let field = MessageReader.field("content-transfer-encoding", of: object)
        let said = TransferDecoding.named(String(decoding: field, as: UTF8.self))
        // Others, such as uuencode, are GMime's.
        guard let wrapper = g_mime_part_get_content(part),
            g_mime_data_wrapper_get_encoding(wrapper) != GMIME_CONTENT_ENCODING_UUENCODE
        else { return (Self.content(part), false) }
        let sent = encoded(part)
        return field.isEmpty ? TransferDecoding.unnamed(sent) : TransferDecoding.text(sent, said)
    }

    /// The bytes of a part as they were sent.
    func encoded(_ part: UnsafeMutablePointer<GMimePart>) -> [UInt8] {
        guard let content = g_mime_part_get_content(part), let sent = g_mime_data_wrapper_get_stream(content) else {
            return []
        }
        g_mime_stream_reset(sent)
        guard let stream = usher_stream_sized(max(0, Int(g_mime_stream_length(sent))) + 64) else { return [] }
        defer { usher_unref(stream) }
        g_mime_stream_write_to_stream(sent, stream)
        g_mime_stream_reset(sent)
        return Self.bytes(of: stream)
    }

    static func content(_ part: UnsafeMutablePointer<GMimePart>) -> [UInt8] { Array(data(part)) }

    /// Decoded where it stays: files are large.
    static func data(_ part: UnsafeMutablePointer<GMimePart>?) -> Data {
        guard let part, let content = g_mime_part_get_content(part),
            let encoded = g_mime_data_wrapper_get_stream(content)
        else { return Data() }
        let length = max(0, Int(g_mime_stream_length(encoded)))
        let isBase64 = g_mime_data_wrapper_get_encoding(content) == GMIME_CONTENT_ENCODING_BASE64
        guard let stream = usher_stream_sized(isBase64 ? length / 4 * 3 + 64 : length + 64) else { return Data() }
        g_mime_data_wrapper_write_to_stream(content, stream)
        let count = usher_stream_bytes(stream).map { Int($0.pointee.len) } ?? 0
        guard let bytes = usher_stream_take_bytes(stream) else { return Data() }
        return Data(bytesNoCopy: bytes, count: count, deallocator: .custom { bytes, _ in g_free(bytes) })
    }

    func serialized(_ object: UnsafeMutablePointer<GMimeObject>) -> [UInt8] {
        guard let stream = g_mime_stream_mem_new() else { return [] }
        defer { usher_unref(stream) }
        g_mime_object_write_to_stream(object, nil, stream)
        return Self.bytes(of: stream)
    }

    private static func bytes(of stream: UnsafeMutablePointer<GMimeStream>) -> [UInt8] {
        guard let array = usher_stream_bytes(stream), let data = array.pointee.data else { return [] }
        return Array(UnsafeBufferPointer(start: data, count: Int(array.pointee.len)))
    }

    static func name(for type: String, number: Int) -> String {
        let endings = [
            "text/plain": "txt", "text/html": "html", "text/calendar": "ics", "image/jpeg": "jpg", "image/png": "png",
            "image/gif": "gif", "application/pdf": "pdf", "message/delivery-status": "txt", "image/webp": "webp",
            "image/heic": "heic", "application/json": "json",
            "application/pgp-signature": "asc", "application/pkcs7-signature": "p7s", "application/rtf": "rtf",
            "text/rtf": "rtf", "application/x-pkcs7-signature": "p7s", "application/pkcs7-mime": "p7m",
        ]
        let ending = endings[type] ?? (type.hasPrefix("text/") ? "txt" : "bin")
        return "attachment-\(number).\(ending)"
    }
}

extension String {
    /// With a line end for each of Unicode's own (Unicode Standard Annex 14: NL, LS and PS), which pages show as nothing.
    fileprivate var withLineEnds: String {
        func isLineEnd(_ scalar: Unicode.Scalar) -> Bool { [0x85, 0x2028, 0x2029].contains(scalar.value) }
        guard unicodeScalars.contains(where: isLineEnd) else { return self }
        return String(String.UnicodeScalarView(unicodeScalars.map { isLineEnd($0) ? "\n" : $0 }))
    }
}
