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

/// Clean markup is clean: cleaned once more it stays the same, and nothing in it runs.
private func sanitizer(_ html: String) {
    let clean = HTMLSanitizer.clean(html).text
    let lowered = clean.lowercased()
    for mark in ["<script", "<iframe", "<object", "<style", "<svg", "<form"] { precondition(!lowered.contains(mark), "\(mark) came through") }
    precondition(HTMLSanitizer.clean(clean).text == clean, "cleaning twice is not cleaning once")
}
