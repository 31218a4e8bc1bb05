import CGMime
import Foundation
import Markup

/// A message to be sent: one recipient, a text part always, HTML beside it, files below.
package struct OutgoingMessage: Sendable {
    package var from: MailAddress
    package var to: MailAddress
    package var replyTo: MailAddress?
    /// Where bounces go: the envelope's sender.
    package var returnPath: String
    package var subject: String
    package var text: String
    package var html: HTML?
    /// Without angle brackets; the same on every attempt.
    package var messageID: String
    package var inReplyTo: String?
    package var references: [String] = []
    package var automatic = Automatic.person
    package var attachments: [Attachment] = []
    package var date: Date

    /// RFC 3834, section 5.
    package enum Automatic: Sendable {
        /// A person's reply carries no mark.
        case person
        case replied
        case generated
    }
    package struct Attachment: Sendable {
        package var name: String
        package var type: String
        package var bytes: Data
        /// Without angle brackets: what the HTML's `cid:` names (RFC 2392).
        package var contentID: String?
        package init(name: String, type: String, bytes: Data, contentID: String? = nil) {
            self.name = name
            self.type = type
            self.bytes = bytes
            self.contentID = contentID
        }
    }

    package init(
        from: MailAddress, to: MailAddress, returnPath: String, subject: String, text: String, messageID: String,
        date: Date
    ) {
        self.from = from
        self.to = to
        self.returnPath = returnPath
        self.subject = subject
        self.text = text
        self.messageID = messageID
        self.date = date
    }

    /// The message as RFC 5322 bytes with CRLF line ends.
    package func encoded() -> Data {
        GMimeLibrary.start()
        guard let message = g_mime_message_new(1) else { return Data() }
        defer { usher_unref(message) }
        g_mime_message_add_mailbox(message, GMIME_ADDRESS_TYPE_FROM, from.name.isEmpty ? nil : from.name, from.address)
        g_mime_message_add_mailbox(message, GMIME_ADDRESS_TYPE_TO, to.name.isEmpty ? nil : to.name, to.address)
        if let replyTo {
            g_mime_message_add_mailbox(
                message, GMIME_ADDRESS_TYPE_REPLY_TO, replyTo.name.isEmpty ? nil : replyTo.name, replyTo.address)
        }
        g_mime_message_set_subject(message, subject.singleLine, "utf-8")
        g_mime_message_set_message_id(message, messageID)
        if let moment = g_date_time_new_from_unix_utc(gint64(date.timeIntervalSince1970)) {
            g_mime_message_set_date(message, moment)
            g_date_time_unref(moment)
        }
        let object = usher_object(message)
        if let inReplyTo { g_mime_object_set_header(object, "In-Reply-To", "<\(inReplyTo.singleLine)>", nil) }
        if !references.isEmpty {
            g_mime_object_set_header(
                object, "References", references.map { "<\($0.singleLine)>" }.joined(separator: " "), nil)
        }
        switch automatic {
        case .person: break
        case .replied: mark(object, "auto-replied")
        case .generated: mark(object, "auto-generated")
        }
        let body = self.body()
        g_mime_message_set_mime_part(message, usher_object(body))
        usher_unref(body)
        return write(object)
    }

    private func mark(_ object: UnsafeMutablePointer<GMimeObject>?, _ kind: String) {
        g_mime_object_set_header(object, "Auto-Submitted", kind, nil)
        g_mime_object_set_header(object, "X-Auto-Response-Suppress", "All", nil)
        g_mime_object_set_header(object, "Precedence", "bulk", nil)
    }

    private func body() -> UnsafeMutableRawPointer? {
        let plain = textPart("plain", text)
        var whole = plain
        let shown = attachments.filter(isShown)
        if let html, let alternative = g_mime_multipart_new_with_subtype("alternative") {
            add(plain, to: alternative)
            add(multipart("related", textPart("html", html.text), shown), to: alternative)
            whole = UnsafeMutableRawPointer(alternative)
        }
        return multipart("mixed", whole, attachments.filter { !isShown($0) })
    }

    /// Whether the HTML shows a file in its place.
    private func isShown(_ attachment: Attachment) -> Bool {
        guard let html, let id = attachment.contentID else { return false }
        let place: HTML = "src=\"cid:\(id)\""
        return html.text.contains(place.text)
    }

    /// A part and the files that belong to it; without files the part alone. RFC 2387 where they are shown in it.
    private func multipart(_ subtype: String, _ first: UnsafeMutableRawPointer?, _ files: [Attachment])
        -> UnsafeMutableRawPointer?
    {
        guard !files.isEmpty, let whole = g_mime_multipart_new_with_subtype(subtype) else { return first }
        add(first, to: whole)
        for file in files { add(part(file), to: whole) }
        return UnsafeMutableRawPointer(whole)
    }

    private func add(_ part: UnsafeMutableRawPointer?, to multipart: UnsafeMutablePointer<GMimeMultipart>) {
        g_mime_multipart_add(multipart, usher_object(part))
        usher_unref(part)
    }

    private func textPart(_ subtype: String, _ text: String) -> UnsafeMutableRawPointer? {
        guard let part = g_mime_text_part_new_with_subtype(subtype) else { return nil }
        g_mime_text_part_set_charset(part, "utf-8")
        g_mime_text_part_set_text(part, text)
        g_mime_part_set_content_encoding(usher_part(part), GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE)
        return UnsafeMutableRawPointer(part)
    }

    private func part(_ attachment: Attachment) -> UnsafeMutableRawPointer? {
        let words = attachment.type.split(separator: "/").map(String.init)
        let (media, subtype) = words.count == 2 ? (words[0], words[1]) : ("application", "octet-stream")
        // A returned message inside ours would be read as part of the thread; it travels as plain bytes.
        guard
            let part = media == "message" || media == "multipart"
                ? g_mime_part_new_with_type("application", "octet-stream") : g_mime_part_new_with_type(media, subtype)
        else { return nil }
        let stream = attachment.bytes.withUnsafeBytes { bytes in
            g_mime_stream_mem_new_with_buffer(bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
        }
        let content = g_mime_data_wrapper_new_with_stream(stream, GMIME_CONTENT_ENCODING_DEFAULT)
        usher_unref(stream)
        g_mime_part_set_content(part, content)
        usher_unref(content)
        g_mime_part_set_content_encoding(part, GMIME_CONTENT_ENCODING_BASE64)
        g_mime_part_set_filename(part, attachment.name.singleLine)
        g_mime_object_set_disposition(usher_object(part), isShown(attachment) ? "inline" : "attachment")
        if let id = attachment.contentID { g_mime_object_set_content_id(usher_object(part), id.singleLine) }
        return UnsafeMutableRawPointer(part)
    }

    private func write(_ object: UnsafeMutablePointer<GMimeObject>?) -> Data {
        guard let stream = g_mime_stream_mem_new(), let format = g_mime_format_options_new() else { return Data() }
        defer {
            usher_unref(stream)
            g_mime_format_options_free(format)
        }
        g_mime_format_options_set_newline_format(format, GMIME_NEWLINE_FORMAT_DOS)
        g_mime_object_write_to_stream(object, format, stream)
        guard let array = usher_stream_bytes(stream), let data = array.pointee.data else { return Data() }
        return Data(bytes: data, count: Int(array.pointee.len))
    }
}
