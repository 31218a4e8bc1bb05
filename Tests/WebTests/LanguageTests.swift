import Domain
import Foundation
import Testing

@testable import Desk
@testable import Web

@Suite("Languages")
struct LanguageTests {
    /// Every text the pages' sources hand to the catalogue.
    private static func texts() throws -> Set<String> {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Sources/Web")
        let files = try #require(FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)).compactMap
        { $0 as? URL }.filter { $0.pathExtension == "swift" }
        let call = try Regex(#"(?:\bt|\bself)\("((?:[^"\\]|\\.)*)""#)
        var texts: Set<String> = []
        for file in files {
            for match in try String(contentsOf: file, encoding: .utf8).matches(of: call) {
                guard let text = match.output[1].substring, !text.contains("\\(") else { continue }
                texts.insert(text.replacingOccurrences(of: "\\\"", with: "\""))
            }
        }
        return texts
    }

    @Test(
        "the letters in the round picture",
        arguments: [
            ("Kim Ito", "KI"), ("kim", "K"), ("  ada  von lind", "AV"), ("élodie Ångström", "ÉÅ"), ("ß straße", "SSS"),
            ("", ""), ("42 wallaby", "4W"),
        ])
    func initialsOfNames(name: String, expected: String) { #expect(initials(name) == expected) }

    @Test("German has every text of the pages, with the same places to fill")
    func complete() throws {
        var texts = try Self.texts()
        #expect(texts.count > 400)
        for resource in Resource.all {
            texts.formUnion([resource.title, resource.name, resource.summary])
            texts.formUnion(resource.fields.flatMap { [$0.section, $0.hint].compactMap { $0 } })
            texts.formUnion(
                resource.fields.filter { !$0.kind.isReadOnly }.map { ResourceForm.label($0.name, .english) })
        }
        texts.formUnion(Rating.allCases.map(\.word))
        texts.formUnion([Problem.notFound, "Some fields are wrong", "Something went wrong here; it has been noted"])
        for text in texts.sorted() {
            if !Language.german.knows(text) { Issue.record("German lacks: \(text)") }
            let places = (0...3).filter { text.contains("{\($0)}") }
            #expect(places == (0...3).filter { Language.german(text).contains("{\($0)}") }, "\(text)")
        }
    }

    @Test(
        "a browser's wish decides, English where none of ours is wished",
        arguments: [
            ("de-AT,de;q=0.9,en;q=0.8", "de"), ("en-GB,de;q=0.5", "en"), ("fr,de;q=0.3", "de"), ("fr", "en"),
            ("", "en"), ("de;q=0, en", "en"), ("x;q=y, de", "de"),
        ])
    func wish(header: String, code: String) { #expect(Language.best(for: header).code == code) }

    @Test("spans of time in their two largest units")
    func spans() {
        let t = Language.english
        let moments: [TimeInterval] = [0, 3540, 3600, 9600, 90000, 172_800, 1_731_600]
        let words = moments.map { t.span($0) }
        #expect(words == ["0m", "59m", "1h", "2h 40m", "1d 1h", "2d", "20d"])
    }
}
