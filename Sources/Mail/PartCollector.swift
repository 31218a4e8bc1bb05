import CGMime
import Foundation

/// Walks the parts of a message without recursion and sorts them into what is read and what is attached.
struct PartCollector {
    private var passages: [Passage] = []
    /// The first named texts nobody called an attachment: the words of a message that has no others.
    private var named = Passage()
    /// Which of the passages a winmail.dat holds.
    private var wrapped: Set<Int> = []
    /// What stands behind the last part.
    private var trailing: [Passage] = []
    private(set) var attachments: [IncomingMessage.Attachment] = []
    /// Content-Location (RFC 2557) by the index of the attachment.
    private(set) var locations: [Int: String] = [:]
    var faults: [String] = []
    /// What a reader has to know of the message besides its words.
    private(set) var notes: [String] = []
    /// `report-type` where the message itself is a multipart/report (RFC 6522), in lower case; empty where it says
    /// none.
    private(set) var reportType: String?
    /// Machine-readable parts of a report: fields of message/delivery-status and headers of the returned message.
    private(set) var reports: [String] = []
    /// Labels of the texts; they count for bytes that have none.
    var hints: [String]
    /// The first message that is enclosed whole.
    private(set) var enclosedMessage: Data?

    /// Messages of S/MIME in each other, and structures mended, at the most.
    private static let mostOpened = 8
    private static let mostMended = 20
    private static let mostStray = 20
    private var opened = 0
    private var mended = 0
    private var stray = 0
    /// Made of bytes of our own; let go of at the end.
    private var owned: [UnsafeMutablePointer<GMimeObject>] = []

    init(hints: [String] = []) { self.hints = hints }

    var isEmpty: Bool { passages.isEmpty && trailing.isEmpty && attachments.isEmpty && reports.isEmpty }

    /// The words to read, and the HTML where it shows more.
    var body: (text: String, html: String?) {
        var chosen = (Passage.settled(passages, wrapped: wrapped) + trailing).map(\.chosen)
        func isBlank(_ passage: (text: String, html: String?)) -> Bool { passage.text.isBlank && passage.html == nil }
        if chosen.allSatisfy(isBlank) {
            chosen = [named.chosen]
        }
        chosen.removeAll(where: isBlank)
        let text = chosen.map(\.text).filter { !$0.isBlank }.joined(separator: "\n\n")
        guard chosen.contains(where: { $0.html != nil }) else { return (text, nil) }
        return (text, chosen.map { $0.html ?? HTMLText.paragraphs($0.text).text }.joined(separator: "\n"))
    }

    private struct Visit {
        let object: UnsafeMutablePointer<GMimeObject>
        let depth: Int
        /// The multipart/alternative it belongs to, as an index into `passages`.
        let alternative: Int?
    }
    private var waiting: [Visit] = []

    mutating func collect(_ top: UnsafeMutablePointer<GMimeObject>, mostParts: Int, mostDepth: Int) {
        waiting = [Visit(object: top, depth: 0, alternative: nil)]
        defer {
            for object in owned { usher_unref(object) }
            owned = []
        }
        var seen = 0
        while let visit = waiting.popLast() {
            seen += 1
            guard seen <= mostParts, visit.depth <= mostDepth else {
                faults.append("it has more parts than are read")
                break
            }
            if usher_is_multipart(visit.object) != 0 {
                let children = children(of: visit)
                waiting.append(contentsOf: children.reversed())
            } else if usher_is_message_part(visit.object) != 0 {
                enclosed(visit.object)
            } else if usher_is_part(visit.object) != 0 {
                leaf(visit)
            }
        }
        waiting = []
    }

    private mutating func children(of visit: Visit) -> [Visit] {
        let multipart = usher_multipart(visit.object)
        let type = contentType(visit.object)
        var alternative = visit.alternative
        let count = g_mime_multipart_get_count(multipart)
        let before = Array(MessageReader.bytes(g_mime_multipart_get_prologue(multipart)))
        if count == 0 {
            if let whole = mend(
                before + Array(MessageReader.bytes(g_mime_multipart_get_epilogue(multipart))), type, visit)
            {
                return whole
            }
        } else {
            // Programs explain there what parts are, to readers of long ago.
            if !Self.isNotice(before) { passages += outside(before) }
            trailing += outside(Array(MessageReader.bytes(g_mime_multipart_get_epilogue(multipart))))
        }
        if type.value == "multipart/alternative", alternative == nil {
            passages.append(Passage())
            alternative = passages.count - 1
        }
        // A report inside another message is one that somebody passed on.
        if type.value == "multipart/report", visit.depth == 0 {
            reportType = type["report-type"].lowercased()
        }
        if type.value == "multipart/encrypted" { note(Self.encryptedNote) }
        return (0..<count).compactMap { index in
            guard let child = g_mime_multipart_get_part(multipart, index) else { return nil }
            return Visit(object: usher_object(child), depth: visit.depth + 1, alternative: alternative)
        }
    }

    private static let encryptedNote = "This message is encrypted. Its content can't be read here."
    private static let signedNote = "This message was signed with S/MIME. The signature has not been verified."

    private mutating func note(_ words: String) { if !notes.contains(words) { notes.append(words) } }

    // MARK: broken structures

    private static let mostLoose = 1 << 20

    /// The words that stand before the first part of a multipart or behind its last (RFC 2046, section 5.1.1). No
    /// program puts words for a reader there, but some that cut or mend messages leave them there.
    private mutating func outside(_ bytes: [UInt8]) -> [Passage] {
        guard !bytes.allSatisfy({ $0 <= 0x20 }) else { return [] }
        guard stray < Self.mostStray, BoundaryLine.guess(bytes) == nil else {
            faults.append("words stand outside of its parts")
            return []
        }
        stray += 1
        let text = Charset.decode(Array(bytes.prefix(Self.mostLoose)), named: nil, hints: hints).withoutControls
            .trimmingWhitespace()
        return text.isBlank ? [] : [Passage(text: text)]
    }

    /// Whether a preamble names what it explains: the standard, or the kind of the message.
    private static func isNotice(_ bytes: [UInt8]) -> Bool {
        let start = String(decoding: bytes.prefix(1000), as: UTF8.self).lowercased()
        return ["mime", "multi-part", "multipart"].contains(where: start.contains)
    }

    /// Parts whose boundary is missing or another one: by the lines that look like one. Nil where nothing was there.
    private mutating func mend(_ body: [UInt8], _ type: HeaderParameters, _ visit: Visit) -> [Visit]? {
        guard !body.allSatisfy({ $0 <= 0x20 }) else { return nil }
        faults.append("its parts could not be told apart as it says")
        mended += 1
        guard mended <= Self.mostMended, let boundary = BoundaryLine.guess(body) else {
            // Nothing tells parts from each other: one text.
            let start = body.firstIndex { $0 > 0x20 } ?? 0
            let isHTML =
                body[start...].prefix(1024).starts(with: [UInt8(ascii: "<")])
                && HTMLText.plain(String(decoding: body.prefix(64 << 10), as: UTF8.self)).isBlank == false
            let text = Charset.decode(
                Array(body.prefix(Self.mostLoose)), named: isHTML ? HTMLParts.metaCharset(body) : nil, hints: hints
            ).withoutControls
            passages.append(isHTML ? Passage(html: HTMLParts.closed(text)) : Passage(text: text))
            return []
        }
        let kind =
            type.value.hasPrefix("multipart/") && type.value.utf8.count < 60
                && type.value.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ";") }
            ? type.value : "multipart/mixed"
        guard
            let object = parsed(
                Array("Content-Type: \(kind); boundary=\"".utf8) + boundary + Array("\"\r\n\r\n".utf8) + body)
        else { return nil }
        return [Visit(object: object, depth: visit.depth + 1, alternative: visit.alternative)]
    }

    /// A part made of bytes that it keeps for itself.
    private mutating func parsed(_ bytes: [UInt8]) -> UnsafeMutablePointer<GMimeObject>? {
        guard
            bytes.withUnsafeBytes({ MessageNesting.depth($0, most: MessageReader.mostDepth) })
                <= MessageReader.mostDepth
        else {
            faults.append("the nesting is beyond the limit")
            return nil
        }
        GMimeLibrary.start()
        let stream = bytes.withUnsafeBytes {
            g_mime_stream_mem_new_with_buffer($0.baseAddress?.assumingMemoryBound(to: CChar.self), $0.count)
        }
        let parser = g_mime_parser_new_with_stream(stream)
        defer {
            usher_unref(parser)
            usher_unref(stream)
        }
        guard let object = g_mime_parser_construct_part(parser, nil) else { return nil }
        owned.append(object)
        return object
    }

    // MARK: parts

    private mutating func leaf(_ visit: Visit) {
        let type = contentType(visit.object)
        guard let part = usher_part(visit.object) else { return }
        if type.value.hasPrefix("multipart/"), let inside = mend(encoded(part), type, visit) {
            return waiting.append(contentsOf: inside.reversed())
        }
        let disposition = HeaderParameters(MessageReader.field("content-disposition", of: visit.object), hints: hints)
        let given = disposition["filename"]
        let name = (given.isEmpty ? type["name"] : given).fileNameAlone
        let isAttached = disposition.value == "attachment" && !(visit.alternative != nil && name.isEmpty)
        let kind = type.value
        let isText = kind == "text/plain" || kind == "text/html" || Self.readAsPlain.contains(kind)
        if isText, !isAttached, name.isEmpty || disposition.value == "inline" && visit.alternative != nil {
            return read(kind, decodedText(visit.object, part, type), visit.alternative)
        }
        let data = Self.data(part)
        if Self.messages.contains(kind) { return enclosed(Array(data), visit.object) }
        if [
            "message/delivery-status", "text/rfc822-headers", "message/feedback-report",
            "message/global-delivery-status", "message/disposition-notification",
            "message/global-disposition-notification",
        ].contains(kind) {
            reports.append(Charset.decode(Array(data.prefix(Self.mostLoose)), named: nil))
        }
        if WinmailDat.isOne(type: kind, name: name), let inside = WinmailDat(Array(data)) {
            if inside.text != nil || inside.html != nil {
                wrapped.insert(passages.count)
                passages.append(Passage(text: inside.text, html: inside.html.map { HTMLParts.closed($0) }))
            }
            // What cannot be shown of it stays in the original message.
            attachments += inside.files
            return
        }
        if SignedMessage.isOne(type: kind, name: name), opens(Array(data), visit) { return }
        if CalendarWords.types.contains(kind)
            || kind == "application/octet-stream" && name.lowercased().hasSuffix(".ics")
        {
            let label = type["charset"]
            if let words = CalendarWords.summary(of: data, charset: label.isEmpty ? nil : label, type: kind),
                !passages.contains(where: { $0.text == words })
            {
                passages.append(Passage(text: words))
            }
        }
        // The version of an encrypted message (RFC 3156, section 4) is nobody's file.
        if kind == "application/pgp-encrypted", name.isEmpty { return }
        if Self.richText.contains(kind), data.starts(with: "{\\rtf".utf8), data.count <= Self.mostNamed,
            isBody(visit, name, isAttached: isAttached)
        {
            readRichText(Array(data), visit.alternative)
        } else if !isText, !isAttached, name.isEmpty, kind.hasPrefix("text/"), !CalendarWords.types.contains(kind),
            !Self.readByPrograms.contains(kind)
        {
            // RFC 2046, section 4.1.4: a text of an unknown kind is read as it stands.
            let text = decodedText(visit.object, part, type)
            if ["<", "&"].contains(where: text.contains), !HTMLText.plain(text).isBlank {
                named.html = named.html ?? HTMLParts.closed(text.replacingOccurrences(of: "\n", with: "<br>"))
            } else {
                named.text = named.text ?? text
            }
            // Another form of the same words, for programs that know it.
            if visit.alternative != nil { return }
        }
        if isText, data.count <= Self.mostNamed, isBody(visit, name, isAttached: isAttached) {
            read(kind, decodedText(visit.object, part, type), visit.alternative)
            if name.isEmpty { return }
        } else if isText, !isAttached {
            if kind == "text/html" {
                named.html = named.html ?? HTMLParts.closed(decodedText(visit.object, part, type))
            } else {
                named.text = named.text ?? decodedText(visit.object, part, type)
            }
        }
        attach(
            .init(
                name: name.isEmpty ? Self.name(for: kind, number: attachments.count + 1) : name, type: kind, bytes: data
            ), visit.object, isAttached: disposition.value == "attachment")
    }

    /// Whether a text that is called a file is what was written: the message itself, its first part, one without a
    /// name, or the rest of the words that Exchange cuts off behind a picture.
    private func isBody(_ visit: Visit, _ name: String, isAttached: Bool) -> Bool {
        if visit.depth == 0 || name.isEmpty { return true }
        if !isAttached, attachments.isEmpty, passages.allSatisfy({ $0.text == nil && $0.html == nil }) { return true }
        return name.wholeMatch(of: /(?i)ATT\d{3,}\.(?:txt|html?)/) != nil
    }
    /// Bytes of a text that is shown although it is a file as well.
    private static let mostNamed = 256 << 10

    /// Texts that say nothing to a reader.
    private static let readByPrograms: Set<String> = [
        "text/rfc822-headers", "text/vcard", "text/x-vcard", "text/directory", "text/css", "text/javascript",
        "text/ecmascript", "text/xml",
    ]
    private static let readAsPlain: Set<String> = [
        "text/markdown", "text/x-markdown", "text/x-web-markdown", "text/x-mail-body",
    ]

    private static let richText: Set<String> = ["text/rtf", "application/rtf", "application/x-rtf"]

    private mutating func readRichText(_ bytes: [UInt8], _ alternative: Int?) {
        let words = RTFText(bytes)
        let kind = words.html == nil ? "text/plain" : "text/html"
        if let alternative, passages[alternative].text != nil || passages[alternative].html != nil { return }
        read(kind, (words.html ?? words.text).withoutControls, alternative)
    }

    private mutating func read(_ kind: String, _ text: String, _ alternative: Int?) {
        // Some programs call a page of HTML plain text.
        if kind != "text/html", HTMLParts.isPage(text) {
            if alternative == nil { return read("text/html", text, nil) }
            return read("text/plain", HTMLText.plain(text), alternative)
        }
        let html = kind == "text/html" ? HTMLParts.closed(text) : nil
        guard let alternative else { return passages.append(html.map { Passage(html: $0) } ?? Passage(text: text)) }
        if let html {
            passages[alternative].html = passages[alternative].html.map { $0 + html } ?? html
        } else {
            passages[alternative].text = passages[alternative].text.map { $0 + "\n" + text } ?? text
        }
    }

    private mutating func attach(
        _ file: IncomingMessage.Attachment, _ object: UnsafeMutablePointer<GMimeObject>, isAttached: Bool
    ) {
        var file = file
        let contentID = MessageReader.string(g_mime_object_get_content_id(object)).singleLine
        file.contentID = contentID.isEmpty ? nil : contentID
        file.isInline = !isAttached && !contentID.isEmpty
        let location = HeaderText.decode(MessageReader.field("content-location", of: object)).filter {
            !$0.isWhitespace
        }
        if !location.isEmpty, location.utf8.count < 2000 { locations[attachments.count] = location }
        attachments.append(file)
    }

    /// Reads the message that a signature wraps. False where the file stays what it is.
    private mutating func opens(_ data: [UInt8], _ visit: Visit) -> Bool {
        switch SignedMessage.open(data) {
        case .other: return false
        case .encrypted:
            note(Self.encryptedNote)
            return false
        case .signed(let message):
            guard opened < Self.mostOpened, let object = parsed(message) else { return false }
            opened += 1
            note(Self.signedNote)
            // A whole message in a signature is the message itself, not one passed on.
            if usher_is_message_part(object) != 0,
                let inner = g_mime_message_part_get_message(usher_message_part(object)),
                let body = g_mime_message_get_mime_part(inner)
            {
                waiting.append(
                    Visit(object: usher_object(body), depth: visit.depth + 1, alternative: visit.alternative))
            } else {
                waiting.append(Visit(object: object, depth: visit.depth + 1, alternative: visit.alternative))
            }
            return true
        }
    }

    private static let messages: Set<String> = ["message/rfc822", "message/rfc2822", "message/news", "message/global"]

    /// Bytes of a returned message that are searched for its header: what filters add on the way takes many kilobytes.
    private static let mostHeader = 64 << 10

    private mutating func enclosed(_ object: UnsafeMutablePointer<GMimeObject>) {
        guard let message = g_mime_message_part_get_message(usher_message_part(object)) else { return }
        enclosed(serialized(usher_object(message)), object)
    }

    /// Also one that is encoded, against the rule (RFC 2046, section 5.2.1): GMime takes it for a file.
    private mutating func enclosed(_ bytes: [UInt8], _ object: UnsafeMutablePointer<GMimeObject>) {
        reports.append(Charset.decode(Array(bytes.prefix(Self.mostHeader)), named: nil))
        if enclosedMessage == nil { enclosedMessage = Data(bytes) }
        let header = bytes.withUnsafeBytes { HeaderBlock($0, mostBytes: Self.mostLoose) }
        let subject = HeaderText.decode(header.fields.first { $0.name == "subject" }?.value ?? [], hints: hints)
            .singleLine
        let given = HeaderParameters(MessageReader.field("content-disposition", of: object), hints: hints)["filename"]
            .fileNameAlone
        let name = given.isEmpty ? contentType(object)["name"].fileNameAlone : given
        attachments.append(
            .init(
                name: name.isEmpty
                    ? (subject.isEmpty ? "message" : String(subject.fileName.prefix(80))) + ".eml" : name,
                type: "message/rfc822", bytes: Data(bytes)))
    }
}
