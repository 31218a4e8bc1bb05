import CGMime
import Foundation

/// Reads an RFC 5322 message with GMime. Never fails: what cannot be parsed is named in `faults` and the rest is read.
package enum MessageReader {
    /// Parts beyond this many are left in the raw message.
    private static let mostParts = 500
    private static let mostDepth = 100
    /// Lines of header beyond this many bytes stay in the raw message only.
    private static let mostHeaderBytes = 1 << 20

    package static func read(_ raw: Data) -> IncomingMessage {
        let bytes = withoutMailboxLine(raw)
        let header = headerLength(bytes)
        if header > mostHeaderBytes { return unparsed(bytes, "the header is beyond the limit") }
        if nesting(bytes) > mostDepth {
            // Who wrote and what about can be read; what is inside is left alone.
            var incoming = read(headerAlone(bytes.prefix(header)))
            let rest = unparsed(bytes, "the nesting is beyond the limit")
            (incoming.text, incoming.faults) = (rest.text, rest.faults)
            return incoming
        }
        return bytes.withUnsafeBytes { buffer in
            GMimeLibrary.parse(buffer) { parser in
                guard let message = g_mime_parser_construct_message(parser, nil) else { return unparsed(Data(buffer), "no message could be made of it") }
                defer { usher_unref(message) }
                return read(message, raw: buffer)
            }
        }
    }

    /// The header without what it says of the body.
    private static func headerAlone(_ header: Data) -> Data {
        var kept = ""
        var drops = false
        for line in String(decoding: header, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false).map({ $0.hasSuffix("\r") ? $0.dropLast() : $0 }) {
            if line.first != " ", line.first != "\t" { drops = line.lowercased().hasPrefix("content-") || line.isEmpty }
            if !drops { kept += line + "\r\n" }
        }
        return Data((kept + "\r\n").utf8)
    }

    /// A message nobody could parse: the beginning of its bytes as text, the whole kept by the caller.
    private static func unparsed(_ bytes: Data, _ fault: String) -> IncomingMessage {
        var incoming = IncomingMessage()
        incoming.text = Charset.decode(Array(bytes.prefix(64 << 10)), named: nil).withoutControls
        incoming.faults = [fault]
        return incoming
    }

    private static func read(_ message: UnsafeMutablePointer<GMimeMessage>, raw: UnsafeRawBufferPointer) -> IncomingMessage {
        var incoming = IncomingMessage()
        let headers = Headers(message)
        incoming.headers = headers
        incoming.messageID = identifiers(headers.first("message-id")).first ?? ""
        incoming.inReplyTo = identifiers(headers.first("in-reply-to"))
        incoming.references = headers.all("references").flatMap { identifiers($0) }
        incoming.subject = foldedBlanks(string(g_mime_message_get_subject(message)).singleLine)
        incoming.from = author(message, headers)
        incoming.replyTo = addresses(g_mime_message_get_reply_to(message))
        incoming.to = addresses(g_mime_message_get_to(message))
        incoming.cc = addresses(g_mime_message_get_cc(message))
        for name in ["delivered-to", "x-original-to", "envelope-to", "x-envelope-to"] {
            incoming.deliveredTo += headers.all(name).compactMap { MailAddress($0.trimmingCharacters(in: CharacterSet(charactersIn: "<> "))) }
        }
        if let path = headers.first("return-path") {
            incoming.hasEmptyReturnPath = path.filter { !$0.isWhitespace } == "<>"
        }
        if let date = g_mime_message_get_date(message) {
            incoming.sentAt = Date(timeIntervalSince1970: TimeInterval(g_date_time_to_unix(date)))
        }
        var parts = PartCollector()
        if let top = g_mime_message_get_mime_part(message) { parts.collect(usher_object(top), mostParts: mostParts, mostDepth: mostDepth) }
        if parts.isEmpty {
            // No part survived a broken structure; the text behind the header still says what was meant.
            let body = bodyBytes(raw)
            if !body.isEmpty {
                incoming.text = Charset.decode(Array(body.prefix(1 << 20)), named: nil).withoutControls
                incoming.faults.append("its parts could not be told apart")
            }
        } else {
            incoming.text = parts.text
            incoming.html = parts.html
        }
        incoming.attachments = parts.attachments
        incoming.faults += parts.faults
        incoming.language = language(headers)
        incoming.automatic = AutomaticMail.classify(
            .init(
                headers: headers, from: incoming.from, hasEmptyReturnPath: incoming.hasEmptyReturnPath, subject: incoming.subject, text: incoming.text,
                reportType: parts.reportType, reports: parts.reports))
        if incoming.automatic == .bounce || incoming.automatic == .guessedBounce { incoming.bounce = AutomaticMail.bounce(headers, parts.reports, text: incoming.text) }
        return incoming
    }

    /// Who wrote. A comment behind a bare address (RFC 5322, section 3.4, obsolete forms) is no name.
    private static func author(_ message: UnsafeMutablePointer<GMimeMessage>, _ headers: Headers) -> MailAddress? {
        guard let found = addresses(g_mime_message_get_from(message)).first ?? addresses(g_mime_message_get_sender(message)).first else { return nil }
        if let written = headers.first("from"), written.hasSuffix(")"), !written.contains("<") { return MailAddress(found.address) }
        return found
    }

    /// The language its writer's program names, as `de` of `de-DE`.
    private static func language(_ headers: Headers) -> String? {
        let tags = [headers.first("content-language"), headers.first("accept-language")].compactMap { $0 }
        let first = tags.lazy.compactMap { $0.split(whereSeparator: { ",;- \t".contains($0) }).first?.lowercased() }.first
        return first.flatMap { (2...3).contains($0.utf8.count) && $0.utf8.allSatisfy { (0x61...0x7A).contains($0) } ? $0 : nil }
    }

    /// What a folded header left: one blank where there were several.
    private static func foldedBlanks(_ text: String) -> String {
        guard text.contains("  ") else { return text }
        return text.split(separator: " ").joined(separator: " ")
    }

    // MARK: bytes

    /// `From ` of mbox files and `>From ` before the header are no part of the message.
    private static func withoutMailboxLine(_ raw: Data) -> Data {
        var bytes = raw
        while bytes.starts(with: Array("From ".utf8)) || bytes.starts(with: Array(">From ".utf8)) || bytes.first == 10 || bytes.first == 13 {
            guard let end = bytes.firstIndex(of: 10) else { break }
            bytes = bytes[bytes.index(after: end)...]
        }
        return bytes
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

    /// How many multiparts and messages the message declares at the most: a cheap bound before anything recurses.
    private static func nesting(_ bytes: Data) -> Int {
        let needles = [Data("boundary".utf8), Data("message/rfc822".utf8)]
        var count = 0
        for needle in needles {
            var start = bytes.startIndex
            while let found = bytes.range(of: needle, in: start..<bytes.endIndex) {
                count += 1
                start = found.upperBound
                if count > mostDepth { return count }
            }
        }
        return count
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

    /// Everything between angle brackets; a bare identifier counts as well.
    static func identifiers(_ header: String?) -> [String] {
        guard let header else { return [] }
        var found: [String] = []
        var current: String?
        for character in header.unicodeScalars {
            switch character {
            case "<": current = ""
            case ">":
                if let identifier = current?.trimmingWhitespace(), !identifier.isEmpty, identifier.utf8.count < 1000 { found.append(identifier) }
                current = nil
            default: current?.unicodeScalars.append(character)
            }
        }
        if found.isEmpty {
            found = header.split(whereSeparator: \.isWhitespace).map(String.init).filter { $0.contains("@") && $0.utf8.count < 1000 }
        }
        return found
    }

    private static func addresses(_ list: UnsafeMutablePointer<InternetAddressList>?) -> [MailAddress] {
        guard let list else { return [] }
        var found: [MailAddress] = []
        for index in 0..<min(internet_address_list_length(list), 200) {
            guard let entry = internet_address_list_get_address(list, index), usher_is_mailbox(entry) != 0 else { continue }
            let name = string(internet_address_get_name(entry)).withoutControls
            if let address = MailAddress(name: name, string(internet_address_mailbox_get_addr(usher_mailbox(entry)))) { found.append(address) }
        }
        return found
    }
}

/// The header of a message: names in lower case, values unfolded and decoded.
package struct Headers: Sendable {
    private var values: [(name: String, value: String)] = []

    init(_ message: UnsafeMutablePointer<GMimeMessage>) {
        guard let list = g_mime_object_get_header_list(usher_object(message)) else { return }
        for index in 0..<min(g_mime_header_list_get_count(list), 1000) {
            guard let header = g_mime_header_list_get_header_at(list, index) else { continue }
            values.append(
                (MessageReader.string(g_mime_header_get_name(header)).lowercased(), MessageReader.string(g_mime_header_get_value(header))))
        }
    }
    package init(_ values: [(name: String, value: String)] = []) { self.values = values }

    package func first(_ name: String) -> String? { values.first { $0.name == name }?.value }
    package func all(_ name: String) -> [String] { values.filter { $0.name == name }.map(\.value) }
    package func contains(prefix: String) -> Bool { values.contains { $0.name.hasPrefix(prefix) } }
}
