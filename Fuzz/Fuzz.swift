import Foundation
import Mail
import Markup

/// What is fed: named by FUZZ_TARGET.
private let target = ProcessInfo.processInfo.environment["FUZZ_TARGET"] ?? "message"

/// Called by libFuzzer with one input after the other; a trap is a finding.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Data(bytes: start, count: count)
    switch target {
    case "reply": trimmer(String(decoding: bytes, as: UTF8.self))
    case "sanitizer": sanitizer(String(decoding: bytes, as: UTF8.self))
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
    func letters(_ text: String) -> [Unicode.Scalar: Int] { text.unicodeScalars.filter { !$0.properties.isWhitespace }.reduce(into: [:]) { $0[$1, default: 0] += 1 } }
    let kept = letters(parts.new).merging(letters(parts.quoted ?? ""), uniquingKeysWith: +)
    for (scalar, count) in letters(text) where scalar.value >= 0x20 { precondition(kept[scalar, default: 0] >= count, "the trimmer lost \(scalar)") }
    _ = ForwardedMail(subject: "Fwd: x", text: text)
}

/// What comes out is of our own grammar: kept elements alone, their few attributes in quotes, links that run nothing, and nothing else between angle brackets.
private func sanitizer(_ html: String) {
    let clean = Array(HTMLSanitizer.clean(html).text.utf8)
    _ = HTMLText.plain(html)
    var index = 0
    while let open = clean[index...].firstIndex(of: UInt8(ascii: "<")) {
        guard let close = clean[open...].firstIndex(of: UInt8(ascii: ">")) else { preconditionFailure("a tag without end") }
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
        if attribute == "href" { precondition(["http://", "https://", "mailto:", "tel:"].contains { value.utf8.starts(with: $0.utf8) }, "a link that may run") }
    }
}

private let known: Set<String> = [
    "dir", "lang", "title", "href", "rel", "target", "alt", "loading", "width", "height", "data-cid", "data-remote", "colspan", "rowspan", "align", "valign", "scope", "start", "type", "span",
]
