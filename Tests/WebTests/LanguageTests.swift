import Domain
import Foundation
import Primitives
import Testing

@testable import Desk
@testable import Web

@Suite("Languages")
struct LanguageTests {
    /// Every text the pages' sources hand to the catalogue, and every sentence that any source says to people.
    private static func texts() throws -> Set<String> {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Sources")
        let files = try #require(FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)).compactMap
        { $0 as? URL }.filter { $0.pathExtension == "swift" }
        let page = try Regex(#"(?:\bt|\bself)\(\s*"((?:[^"\\]|\\.)+)""#)
        let sentence = try Regex(#"(?:\bSentence\(\s*|\.words\(|\bexpected: )"((?:[^"\\]|\\.)+)""#)
        var texts: Set<String> = []
        for file in files {
            let source = try String(contentsOf: file, encoding: .utf8)
            let isPage = file.path.contains("/Sources/Web/")
            for match in source.matches(of: sentence) + (isPage ? source.matches(of: page) : []) {
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
        texts.formUnion(TicketState.allCases.map(\.word))
        for text in texts.sorted() {
            if !Language.german.knows(text) { Issue.record("German lacks: \(text)") }
            let places = (0...3).filter { text.contains("{\($0)}") }
            #expect(places == (0...3).filter { Language.german(text).contains("{\($0)}") }, "\(text)")
        }
    }

    @Test("what is wrong is a sentence of its own, in both languages, with what it names")
    func sentences() {
        let problems: [(Fault.Problem, english: String, german: String)] = [
            (.required, "Enter a value.", "Geben Sie einen Wert ein."),
            (.wrongType(expected: "a list"), "This must be a list.", "Nötig ist hier: eine Liste."),
            (.outOfRange(1, 5), "Enter a number from 1 to 5.", "Geben Sie eine Zahl von 1 bis 5 ein."),
            (
                .unknown("{0} {1}"), "“{0} {1}” doesn't exist. Check the spelling or choose another.",
                "„{0} {1}“ gibt es nicht. Prüfen Sie die Schreibweise oder wählen Sie etwas anderes."
            ),
            (
                .other(Sentence("This ticket is {0}. Reopen it first.", [.words("closed")])),
                "This ticket is closed. Reopen it first.",
                "Dieses Ticket hat den Status „geschlossen“. Öffnen Sie es zuerst wieder."
            ),
        ]
        for (problem, english, german) in problems {
            #expect(problem.text == english && Language.english.fault(problem) == english)
            #expect(Language.german.fault(problem) == german)
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
