import CGMime
import Foundation

/// Reads an RFC 5322 message with GMime. Never fails: what cannot be parsed is named in `faults` and the rest is read.
package enum MessageReader {
    /// Parts beyond this many are left in the raw message.
    private static let mostParts = 500
    static let mostDepth = 100
    /// Lines of header beyond this many bytes stay in the raw message only.
    private static let mostHeaderBytes = 1 << 20

    package static func read(_ raw: Data) -> IncomingMessage { read(raw, isEnclosed: false) }

    private static func read(_ raw: Data, isEnclosed: Bool) -> IncomingMessage {
        let bytes = withoutMailboxLine(raw)
        let header = headerLength(bytes)
        if header > mostHeaderBytes { return unparsed(bytes, "the header is beyond the limit") }
        if bytes.withUnsafeBytes({ MessageNesting.depth($0, most: mostDepth) }) > mostDepth {
            // Who wrote and what about can be read; what is inside is left alone.
            var incoming = read(headerAlone(bytes.prefix(header)))
            let rest = unparsed(bytes, "the nesting is beyond the limit")
            (incoming.text, incoming.faults) = (rest.text, rest.faults)
            return incoming
        }
        return bytes.withUnsafeBytes { buffer in
            let block = HeaderBlock(buffer, mostBytes: mostHeaderBytes)
            guard block.fault != nil else { return parse(buffer, block, isEnclosed) }
            return block.repaired(buffer).withUnsafeBytes { parse($0, block, isEnclosed) }
        }
    }

    private static func parse(_ bytes: UnsafeRawBufferPointer, _ block: HeaderBlock, _ isEnclosed: Bool)
        -> IncomingMessage
    {
        GMimeLibrary.parse(bytes) { parser in
            guard let message = g_mime_parser_construct_message(parser, nil) else {
                return unparsed(Data(bytes), "it could not be parsed as a message")
            }
            defer { usher_unref(message) }
            return read(message, block, raw: bytes, isEnclosed)
        }
    }

    /// The header without what it says of the body.
    private static func headerAlone(_ header: Data) -> Data {
        header.withUnsafeBytes { bytes in
            var kept = Data()
            for field in HeaderBlock(bytes, mostBytes: mostHeaderBytes).fields where !field.name.hasPrefix("content-") {
                kept += bytes[field.line]
                kept += [13, 10]
            }
            return kept + [13, 10]
        }
    }

    /// A message nobody could parse: the beginning of its bytes as text, the whole kept by the caller.
    private static func unparsed(_ bytes: Data, _ fault: String) -> IncomingMessage {
        var incoming = IncomingMessage()
        incoming.text = Charset.decode(Array(bytes.prefix(64 << 10)), named: nil).withoutControls
        incoming.faults = [fault]
        return incoming
    }

    private static func read(
        _ message: UnsafeMutablePointer<GMimeMessage>, _ block: HeaderBlock, raw: UnsafeRawBufferPointer,
        _ isEnclosed: Bool
    ) -> IncomingMessage {
        var incoming = IncomingMessage()
        let words = block.fields.filter { namesWords.contains($0.name) }.prefix(20).flatMap {
            HeaderText.charsets($0.value)
        }
        var parts = PartCollector(hints: Array(words.prefix(20)))
        if let top = g_mime_message_get_mime_part(message) {
            parts.collect(usher_object(top), mostParts: mostParts, mostDepth: mostDepth)
        }
        let headers = Headers(block, hints: parts.hints)
        incoming.headers = headers
        incoming.messageID = identifiers(headers.first("message-id")).first ?? ""
        incoming.inReplyTo = identifiers(headers.first("in-reply-to"))
        incoming.references = headers.all("references").flatMap { identifiers($0) }
        incoming.subject = foldedBlanks(decodedAgain(headers.first("subject") ?? "").singleLine)
        incoming.from = headers.addresses("from").first ?? headers.addresses("sender").first
        incoming.replyTo = headers.addresses("reply-to")
        incoming.to = headers.addresses("to")
        incoming.cc = headers.addresses("cc")
        for name in ["delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "resent-to", "resent-cc"] {
            incoming.deliveredTo += headers.addresses(name)
        }
        if let path = headers.first("return-path") {
            incoming.hasEmptyReturnPath = path.filter { !$0.isWhitespace } == "<>"
        }
        if let date = g_mime_message_get_date(message) {
            incoming.sentAt = Date(timeIntervalSince1970: TimeInterval(g_date_time_to_unix(date)))
        }
        incoming.faults = [block.fault].compactMap { $0 } + parts.faults
        incoming.notes = parts.notes
        (incoming.text, incoming.html) = parts.body
        if let html = incoming.html, html.utf8.count > HTMLTree.mostBytes {
            incoming.faults.append("its HTML is larger than what is read")
            incoming.notes.append("This message is too long to be shown in full. The original is attached.")
        }
        var pictures = PictureReferences(parts.attachments, locations: parts.locations)
        if let html = incoming.html { incoming.html = pictures.resolve(html) }
        incoming.attachments = pictures.attachments
        if incoming.text.isBlank, incoming.html == nil, parts.reportType == nil {
            rescue(&incoming, parts, raw, isEnclosed)
        }
        incoming.language = language(headers)
        let judged = AutomaticMail.Message(
            headers: headers, from: incoming.from, hasEmptyReturnPath: incoming.hasEmptyReturnPath,
            isToDetail: incoming.recipients.contains { $0.detail != nil }, subject: incoming.subject,
            text: incoming.text, reportType: parts.reportType, reports: parts.reports)
        incoming.automatic = AutomaticMail.classify(judged)
        incoming.hasReplySubject = AutomaticMail.hasReplySubject(judged)
        if incoming.automatic == .bounce || incoming.automatic == .guessedBounce {
            incoming.bounce = AutomaticMail.bounce(headers, parts.reports, text: incoming.text)
        }
        return incoming
    }

    /// Fields that people's words stand in.
    private static let namesWords: Set<String> = ["subject", "from", "to", "reply-to", "cc", "sender"]

    /// The words of a message in which no part holds any: those of a message it encloses, else what can be read of its
    /// body.
    private static func rescue(
        _ incoming: inout IncomingMessage, _ parts: PartCollector, _ raw: UnsafeRawBufferPointer, _ isEnclosed: Bool
    ) {
        if !isEnclosed, let enclosed = parts.enclosedMessage, parts.attachments.count == 1 {
            let inside = read(enclosed, isEnclosed: true)
            incoming.text = inside.text
            return
        }
        guard incoming.attachments.isEmpty else { return }
        let body = bodyBytes(raw)
        let text = Charset.decode(Array(body.prefix(1 << 20)), named: nil, hints: parts.hints).withoutControls
        guard !text.isBlank else { return }
        // A body of tags alone is no text.
        let words = text.contains("<") ? HTMLParts.bareWords(text) : text.trimmingWhitespace()
        guard !words.isBlank else { return }
        incoming.text = words
        incoming.faults.append("its parts could not be told apart")
    }

    /// The language its writer's program names, as `de` of `de-DE`.
    private static func language(_ headers: Headers) -> String? {
        let tags = [headers.first("content-language"), headers.first("accept-language")].compactMap { $0 }
        let first = tags.lazy.compactMap { $0.split(whereSeparator: { ",;- \t".contains($0) }).first?.lowercased() }
            .first
        return first.flatMap {
            (2...3).contains($0.utf8.count) && $0.utf8.allSatisfy { (0x61...0x7A).contains($0) } ? $0 : nil
        }
    }

    /// Some programs encode what is encoded.
    private static func decodedAgain(_ subject: String) -> String {
        guard subject.hasPrefix("=?"), subject.hasSuffix("?="), subject.utf8.allSatisfy({ $0 < 0x80 }) else {
            return subject
        }
        return HeaderText.decode(Array(subject.utf8))
    }

    /// What a folded header left: one blank where there were several.
    private static func foldedBlanks(_ text: String) -> String {
        guard text.contains("  ") else { return text }
        return text.split(separator: " ").joined(separator: " ")
    }

    // MARK: bytes

    /// `From ` of mbox files and `>From ` before the header are no part of the message.
    private static func withoutMailboxLine(_ raw: Data) -> Data {
        // Old Macintosh programs end lines with a return alone.
        var bytes = raw.contains(10) || !raw.contains(13) ? raw : Data(raw.map { $0 == 13 ? 10 : $0 })
        while isMailboxLine(bytes) || bytes.first == 10 || bytes.first == 13 {
            guard let end = bytes.firstIndex(of: 10) else { break }
            bytes = bytes[bytes.index(after: end)...]
        }
        return bytes
    }

    /// `From kim@harbour.example Mon Nov 30`; blanks before a colon make a field of it.
    private static func isMailboxLine(_ bytes: Data) -> Bool {
        for mark in ["From ", ">From "] where bytes.starts(with: mark.utf8) {
            return bytes.dropFirst(mark.utf8.count).first { $0 != 0x20 && $0 != 0x09 } != UInt8(ascii: ":")
        }
        return false
    }

    private static func headerLength(_ bytes: Data) -> Int {
        var previous: UInt8 = 0
        var lineIsEmpty = true
        for (index, byte) in bytes.enumerated() {
            if byte == 10 {
                if lineIsEmpty { return index }
                lineIsEmpty = true
            } else if byte != 13 {
                lineIsEmpty = false
            }
            previous = byte
            if index > mostHeaderBytes { return index }
        }
        _ = previous
        return bytes.count
    }

    private static func bodyBytes(_ raw: UnsafeRawBufferPointer) -> ArraySlice<UInt8> {
        let bytes = Array(raw)
        var lineIsEmpty = false
        for (index, byte) in bytes.enumerated() {
            if byte == 10 {
                if lineIsEmpty { return bytes[(index + 1)...] }
                lineIsEmpty = true
            } else if byte != 13 {
                lineIsEmpty = false
            }
        }
        return bytes[bytes.endIndex...]
    }

    // MARK: values

    static func string(_ text: UnsafePointer<CChar>?) -> String { text.map { String(cString: $0) } ?? "" }
    static func bytes(_ text: UnsafePointer<CChar>?) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: text, count: text.map { strlen($0) } ?? 0)
    }

    /// The first field of that name as it was sent, unfolded; empty where there is none.
    static func field(_ name: String, of object: UnsafeMutablePointer<GMimeObject>) -> [UInt8] {
        guard let list = g_mime_object_get_header_list(object), let header = g_mime_header_list_get_header(list, name)
        else { return [] }
        return bytes(g_mime_header_get_raw_value(header)).filter { $0 != 10 && $0 != 13 }
    }

    /// Everything between angle brackets; a bare identifier counts as well.
    static func identifiers(_ header: String?) -> [String] {
        guard let header else { return [] }
        var found: [String] = []
        var current: String?
        for character in header.unicodeScalars {
            switch character {
            case "<": current = ""
            case ">":
                if let identifier = current?.trimmingWhitespace(), !identifier.isEmpty, identifier.utf8.count < 1000 {
                    found.append(identifier)
                }
                current = nil
            // Servers fold a long line wherever it gets too long.
            default: if !character.properties.isWhitespace { current?.unicodeScalars.append(character) }
            }
        }
        if found.isEmpty {
            found = header.split(whereSeparator: \.isWhitespace).map(String.init).filter {
                $0.contains("@") && $0.utf8.count < 1000
            }
        }
        return found
    }
}
