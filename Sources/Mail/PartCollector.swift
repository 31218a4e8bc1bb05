import CGMime
import Foundation

/// Walks the parts of a message without recursion and sorts them into what is read and what is attached.
struct PartCollector {
    private var passages: [Passage] = []
    /// The first named texts nobody called an attachment: the words of a message that has no others.
    private var named = Passage()
    /// What a winmail.dat holds as text.
    private var wrapped: Passage?
    /// What stands before, between and behind the parts where a structure is broken.
    private var loose: [String] = []
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
    private var opened = 0
    private var mended = 0
    /// Made of bytes of our own; let go of at the end.
    private var owned: [UnsafeMutablePointer<GMimeObject>] = []

    init(hints: [String] = []) { self.hints = hints }

    var isEmpty: Bool { passages.isEmpty && attachments.isEmpty && reports.isEmpty && loose.isEmpty }

    /// The words to read, and the HTML where it shows more.
    var body: (text: String, html: String?) {
        var all = passages
        if let wrapped {
            // Outlook sends the same words as plain text beside it.
            if all.count == 1, all[0].html == nil {
                all[0].html = wrapped.html ?? wrapped.text.map { HTMLText.paragraphs($0).text }
            } else if all.isEmpty {
                all = [wrapped]
            }
        }
        var chosen = all.map(\.chosen)
        func isBlank(_ passage: (text: String, html: String?)) -> Bool { passage.text.isBlank && passage.html == nil }
        if chosen.allSatisfy(isBlank) {
            chosen = [named.chosen]
            if chosen.allSatisfy(isBlank), !loose.isEmpty { chosen = [(loose.joined(separator: "\n\n"), nil)] }
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
            keepLoose(before)
            keepLoose(Array(MessageReader.bytes(g_mime_multipart_get_epilogue(multipart))))
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

    private mutating func keepLoose(_ bytes: [UInt8]) {
        guard loose.count < 20, !bytes.allSatisfy({ $0 <= 0x20 }) else { return }
        loose.append(
            Charset.decode(Array(bytes.prefix(Self.mostLoose)), named: nil, hints: hints).withoutControls
                .trimmingWhitespace())
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
        guard bytes.withUnsafeBytes({ MessageNesting.depth($0, most: MessageReader.mostDepth) })
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
        if [
            "message/delivery-status", "text/rfc822-headers", "message/feedback-report",
            "message/global-delivery-status", "message/disposition-notification",
            "message/global-disposition-notification",
        ].contains(kind) {
            reports.append(Charset.decode(Array(data.prefix(Self.mostLoose)), named: nil))
        }
        if WinmailDat.isOne(type: kind, name: name), let inside = WinmailDat(Array(data)) {
            if inside.text != nil || inside.html != nil {
                wrapped = wrapped ?? Passage(text: inside.text, html: inside.html.map { HTMLParts.closed($0) })
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
        if !isText, !isAttached, name.isEmpty, kind.hasPrefix("text/"), !CalendarWords.types.contains(kind),
            !Self.readByPrograms.contains(kind)
        {
            // RFC 2046, section 4.1.4: a text of an unknown kind is read as it stands.
            let text = decodedText(visit.object, part, type)
            if ["<", "&"].contains(where: text.contains), !HTMLText.plain(text).isBlank {
                named.html = named.html ?? HTMLParts.closed(text.replacingOccurrences(of: "\n", with: "<br>"))
            } else {
                named.text = named.text ?? text
            }
        }
        if isText, !isAttached {
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

    /// Texts that say nothing to a reader.
    private static let readByPrograms: Set<String> = [
        "text/rfc822-headers", "text/vcard", "text/x-vcard", "text/directory", "text/css", "text/javascript",
        "text/ecmascript", "text/xml",
    ]
    private static let readAsPlain: Set<String> = [
        "text/markdown", "text/x-markdown", "text/x-web-markdown", "text/x-mail-body",
    ]

    private mutating func read(_ kind: String, _ text: String, _ alternative: Int?) {
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

    /// Bytes of a returned message that are searched for its header: what filters add on the way takes many kilobytes.
    private static let mostHeader = 64 << 10

    private mutating func enclosed(_ object: UnsafeMutablePointer<GMimeObject>) {
        let message = g_mime_message_part_get_message(usher_message_part(object))
        guard let message else { return }
        let bytes = serialized(usher_object(message))
        reports.append(Charset.decode(Array(bytes.prefix(Self.mostHeader)), named: nil))
        if enclosedMessage == nil { enclosedMessage = Data(bytes) }
        let subject = HeaderText.decode(MessageReader.field("subject", of: usher_object(message)), hints: hints)
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
