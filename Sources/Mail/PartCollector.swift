import CGMime
import Foundation

/// Walks the parts of a message without recursion and sorts them into what is read and what is attached.
struct PartCollector {
    /// One thing the writer meant to be read, in the forms it was sent.
    private struct Passage {
        var text: String?
        var html: String?
    }
    private var passages: [Passage] = []
    /// The first named text nobody called an attachment: the words of a message that has no others.
    private var namedText: String?
    private(set) var attachments: [IncomingMessage.Attachment] = []
    private(set) var faults: [String] = []
    /// `report-type` where the message itself is a multipart/report (RFC 6522), in lower case; empty where it says none.
    private(set) var reportType: String?
    /// Machine-readable parts of a report: fields of message/delivery-status and headers of the returned message.
    private(set) var reports: [String] = []

    var isEmpty: Bool { passages.isEmpty && attachments.isEmpty && reports.isEmpty }
    var text: String {
        if passages.isEmpty, let namedText { return namedText }
        return passages.map { $0.text ?? HTMLText.plain($0.html ?? "") }.map(\.withoutControls).filter { !$0.trimmingWhitespace().isEmpty }
            .joined(separator: "\n\n")
    }
    var html: String? {
        guard passages.contains(where: { $0.html != nil }) else { return nil }
        return passages.map { $0.html ?? HTMLText.paragraphs($0.text ?? "").text }.joined(separator: "\n")
    }

    private struct Visit {
        let object: UnsafeMutablePointer<GMimeObject>
        let depth: Int
        /// The multipart/alternative it belongs to, as an index into `passages`.
        let alternative: Int?
    }

    mutating func collect(_ top: UnsafeMutablePointer<GMimeObject>, mostParts: Int, mostDepth: Int) {
        var waiting = [Visit(object: top, depth: 0, alternative: nil)]
        var seen = 0
        while let visit = waiting.popLast() {
            seen += 1
            guard seen <= mostParts, visit.depth <= mostDepth else {
                faults.append("it has more parts than are read")
                break
            }
            if usher_is_multipart(visit.object) != 0 {
                waiting.append(contentsOf: children(of: visit).reversed())
            } else if usher_is_message_part(visit.object) != 0 {
                enclosed(visit.object)
            } else if usher_is_part(visit.object) != 0 {
                leaf(visit)
            }
        }
    }

    private mutating func children(of visit: Visit) -> [Visit] {
        let multipart = usher_multipart(visit.object)
        let type = Self.mediaType(visit.object)
        var alternative = visit.alternative
        if type == "multipart/alternative", alternative == nil {
            passages.append(Passage())
            alternative = passages.count - 1
        }
        // A report inside another message is one that somebody passed on.
        if type == "multipart/report", visit.depth == 0 {
            reportType = parameter("report-type", of: visit.object).lowercased()
        }
        return (0..<g_mime_multipart_get_count(multipart)).compactMap { index in
            guard let child = g_mime_multipart_get_part(multipart, index) else { return nil }
            return Visit(object: usher_object(child), depth: visit.depth + 1, alternative: alternative)
        }
    }

    private mutating func leaf(_ visit: Visit) {
        let type = Self.mediaType(visit.object)
        guard let part = usher_part(visit.object) else { return }
        let disposition = MessageReader.string(g_mime_object_get_disposition(visit.object)).lowercased()
        let name = MessageReader.string(g_mime_part_get_filename(part)).withoutControls.singleLine
        let isText = type == "text/plain" || type == "text/html"
        if isText, disposition != "attachment", name.isEmpty || disposition == "inline" && visit.alternative != nil {
            let text = decodedText(visit.object, part)
            guard let alternative = visit.alternative else {
                return passages.append(type == "text/html" ? Passage(html: text) : Passage(text: text))
            }
            if type == "text/html" {
                passages[alternative].html = passages[alternative].html.map { $0 + text } ?? text
            } else {
                passages[alternative].text = passages[alternative].text.map { $0 + "\n" + text } ?? text
            }
            return
        }
        let data = Self.data(part)
        if ["message/delivery-status", "text/rfc822-headers", "message/feedback-report", "message/global-delivery-status"].contains(type) {
            reports.append(Charset.decode(Array(data), named: nil))
        }
        if WinmailDat.isOne(type: type, name: name), let inside = WinmailDat.open(Array(data)) {
            if let text = inside.text { namedText = namedText ?? text }
            // What cannot be shown of it stays in the original message.
            return attachments += inside.files
        }
        if CalendarWords.types.contains(type), let words = CalendarWords.summary(of: Charset.decode(Array(data.prefix(1 << 20)), named: parameter("charset", of: visit.object)), type: type) {
            passages.append(Passage(text: words))
        }
        if type == "text/plain", disposition != "attachment" { namedText = namedText ?? decodedText(visit.object, part) }
        var attachment = IncomingMessage.Attachment(name: name.isEmpty ? Self.name(for: type, number: attachments.count + 1) : name, type: type, bytes: data)
        let contentID = MessageReader.string(g_mime_object_get_content_id(visit.object))
        attachment.contentID = contentID.isEmpty ? nil : contentID
        attachment.isInline = disposition != "attachment" && !contentID.isEmpty
        attachments.append(attachment)
    }

    private mutating func enclosed(_ object: UnsafeMutablePointer<GMimeObject>) {
        let message = g_mime_message_part_get_message(usher_message_part(object))
        guard let message else { return }
        let bytes = serialized(usher_object(message))
        reports.append(Charset.decode(Array(bytes.prefix(16 << 10)), named: nil))
        let subject = MessageReader.string(g_mime_message_get_subject(message)).singleLine
        let given = MessageReader.string(g_mime_object_get_content_disposition_parameter(object, "filename")).singleLine
        let name = given.isEmpty ? parameter("name", of: object).singleLine : given
        attachments.append(
            .init(name: name.isEmpty ? (subject.isEmpty ? "message" : String(subject.prefix(80))) + ".eml" : name, type: "message/rfc822", bytes: Data(bytes)))
    }

    // MARK: GMime

    static func mediaType(_ object: UnsafeMutablePointer<GMimeObject>) -> String {
        guard let type = g_mime_object_get_content_type(object) else { return "text/plain" }
        let media = MessageReader.string(g_mime_content_type_get_media_type(type))
        let subtype = MessageReader.string(g_mime_content_type_get_media_subtype(type))
        return "\(media)/\(subtype)".lowercased()
    }

    private func parameter(_ name: String, of object: UnsafeMutablePointer<GMimeObject>) -> String {
        MessageReader.string(g_mime_object_get_content_type_parameter(object, name))
    }

    private func decodedText(_ object: UnsafeMutablePointer<GMimeObject>, _ part: UnsafeMutablePointer<GMimePart>) -> String {
        let charset = parameter("charset", of: object)
        var text = Charset.decode(Self.content(part), named: charset.isEmpty ? nil : charset).withoutControls
        if parameter("format", of: object).lowercased() == "flowed" {
            text = FlowedText.unfold(text, deletesSpace: parameter("delsp", of: object).lowercased() == "yes")
        }
        return text
    }

    static func content(_ part: UnsafeMutablePointer<GMimePart>) -> [UInt8] { Array(data(part)) }

    /// Decoded where it stays: files are large.
    static func data(_ part: UnsafeMutablePointer<GMimePart>?) -> Data {
        guard let part, let content = g_mime_part_get_content(part), let encoded = g_mime_data_wrapper_get_stream(content) else { return Data() }
        let length = max(0, Int(g_mime_stream_length(encoded)))
        let isBase64 = g_mime_data_wrapper_get_encoding(content) == GMIME_CONTENT_ENCODING_BASE64
        guard let stream = usher_stream_sized(isBase64 ? length / 4 * 3 + 64 : length + 64) else { return Data() }
        g_mime_data_wrapper_write_to_stream(content, stream)
        let count = usher_stream_bytes(stream).map { Int($0.pointee.len) } ?? 0
        guard let bytes = usher_stream_take_bytes(stream) else { return Data() }
        return Data(bytesNoCopy: bytes, count: count, deallocator: .custom { bytes, _ in g_free(bytes) })
    }

    private func serialized(_ object: UnsafeMutablePointer<GMimeObject>) -> [UInt8] {
        guard let stream = g_mime_stream_mem_new() else { return [] }
        defer { usher_unref(stream) }
        g_mime_object_write_to_stream(object, nil, stream)
        return Self.bytes(of: stream)
    }

    private static func bytes(of stream: UnsafeMutablePointer<GMimeStream>) -> [UInt8] {
        guard let array = usher_stream_bytes(stream), let data = array.pointee.data else { return [] }
        return Array(UnsafeBufferPointer(start: data, count: Int(array.pointee.len)))
    }

    private static func name(for type: String, number: Int) -> String {
        let endings = ["text/plain": "txt", "text/html": "html", "text/calendar": "ics", "image/jpeg": "jpg", "image/png": "png", "image/gif": "gif", "application/pdf": "pdf", "message/delivery-status": "txt"]
        return "attachment-\(number)." + (endings[type] ?? "bin")
    }
}
