import Desk
import Foundation
import Mail
import Markup
import Primitives

/// What is fed: named by FUZZ_TARGET.
private let target = ProcessInfo.processInfo.environment["FUZZ_TARGET"] ?? "message"

/// Called by libFuzzer with one input after the other; a trap is a finding.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Data(bytes: start, count: count)
    switch target {
    case "reply": trimmer(String(decoding: bytes, as: UTF8.self))
    case "sanitizer": sanitizer(String(decoding: bytes, as: UTF8.self))
    case "markdown": checkGrammar(Markdown.html(String(decoding: bytes, as: UTF8.self)).text)
    case "form": form(Array(bytes))
    case "multipart": multipart(Array(bytes))
    case "json": json(bytes)
    case "search": search(String(decoding: bytes, as: UTF8.self))
    default: reader(bytes)
    }
    return 0
}

private func reader(_ bytes: Data) {
    let message = MessageReader.read(bytes)
    precondition(!message.subject.contains("\n"), "a subject of two lines")
    _ = message.html.map { HTMLSanitizer.clean($0) }
    _ = QuotedText(message.text)
    _ = ForwardedMail(subject: message.subject, text: message.text)
}

/// Nothing is deleted: what is visible and what is folded are the words of the text.
private func trimmer(_ text: String) {
    let parts = QuotedText(text)
    func letters(_ text: String) -> [Unicode.Scalar: Int] {
        text.unicodeScalars.filter { !$0.properties.isWhitespace }.reduce(into: [:]) { $0[$1, default: 0] += 1 }
    }
    let kept = letters(parts.new).merging(letters(parts.quoted ?? ""), uniquingKeysWith: +)
    for (scalar, count) in letters(text) where scalar.value >= 0x20 {
        precondition(kept[scalar, default: 0] >= count, "the trimmer lost \(scalar)")
    }
    _ = ForwardedMail(subject: "Fwd: x", text: text)
}

/// What comes out is of our own grammar: kept elements alone, their few attributes in quotes, links that run nothing,
/// and nothing else between angle brackets.
private func sanitizer(_ html: String) {
    let clean = HTMLSanitizer.clean(html).text
    checkGrammar(clean)
    precondition(HTMLSanitizer.clean(clean).text == clean, "what was clean is changed")
    _ = HTMLText.plain(html)
}

private func checkGrammar(_ text: String) {
    let clean = Array(text.utf8)
    var index = 0
    while let open = clean[index...].firstIndex(of: UInt8(ascii: "<")) {
        guard let close = clean[open...].firstIndex(of: UInt8(ascii: ">")) else {
            preconditionFailure("a tag without end")
        }
        check(clean[(open + 1)..<close])
        index = close + 1
    }
    precondition(!clean[index...].contains(UInt8(ascii: "<")) && !clean.contains(0), "a bare bracket")
}

/// One tag, byte by byte: a quote with a combining mark behind it is a quote still.
private func check(_ tag: ArraySlice<UInt8>) {
    var rest = tag.first == UInt8(ascii: "/") ? tag.dropFirst() : tag
    func take(_ isPart: (UInt8) -> Bool) -> String {
        let part = rest.prefix(while: isPart)
        rest = rest.dropFirst(part.count)
        return String(decoding: part, as: UTF8.self)
    }
    func expect(_ mark: StaticString) {
        let bytes = mark.withUTF8Buffer { Array($0) }
        precondition(rest.starts(with: bytes), "not our grammar")
        rest = rest.dropFirst(bytes.count)
    }
    let name = take { $0 != 0x20 }
    precondition(HTMLSanitizer.kept.contains(name), "an element came through")
    while !rest.isEmpty {
        expect(" ")
        let attribute = take { $0 != UInt8(ascii: "=") }
        precondition(known.contains(attribute), "an attribute came through")
        expect("=\"")
        let value = take { $0 != UInt8(ascii: "\"") }.lowercased()
        expect("\"")
        if attribute == "href" {
            precondition(
                ["http://", "https://", "mailto:", "tel:"].contains { value.utf8.starts(with: $0.utf8) },
                "a link that may run")
        }
    }
}

/// Names and values come out as often as they stand there, and none longer than what was sent.
private func form(_ bytes: [UInt8]) {
    var form = FormData()
    form.read(urlEncoded: bytes)
    for (name, value) in form.values {
        precondition(name.utf8.count + value.utf8.count <= 3 * bytes.count, "a value grew")
    }
}

/// The same parts however the bytes are cut.
private func multipart(_ bytes: [UInt8]) {
    func read(inPiecesOf size: Int) -> [[UInt8]]? {
        guard var reader = try? MultipartReader(contentType: "multipart/form-data; boundary=b") else { return nil }
        var parts: [[UInt8]] = []
        for start in stride(from: 0, to: bytes.count, by: size) {
            do {
                try reader.take(bytes[start..<min(start + size, bytes.count)]) { event in
                    switch event {
                    case .part(let part): parts.append(Array(part.field.utf8))
                    case .content(let content): parts[parts.count - 1] += content
                    case .endOfPart: break
                    }
                }
            } catch { return nil }
        }
        return reader.isComplete ? parts : nil
    }
    precondition(read(inPiecesOf: 7) == read(inPiecesOf: max(1, bytes.count)), "cut elsewhere it is another form")
}

/// What is read is written, and read again it is the same.
private func json(_ bytes: Data) {
    guard let value = try? JSON(parsing: bytes) else { return }
    guard let again = try? JSON(parsing: Data(value.written.utf8)) else {
        preconditionFailure("what was written cannot be read")
    }
    precondition(again.written == value.written, "written again it is another value")
}

private func search(_ text: String) {
    _ = try? TicketQuery(text, now: Date(timeIntervalSince1970: 1_795_510_800))
}

private let known: Set<String> = [
    "dir", "lang", "title", "href", "rel", "target", "alt", "loading", "width", "height", "data-cid", "data-remote",
    "colspan", "rowspan", "align", "valign", "scope", "start", "type", "span",
]
