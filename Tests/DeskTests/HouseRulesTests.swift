import Foundation
import Testing

/// Rules of the house that the compiler cannot check; each fails with the sentence of the rule.
@Suite("House rules")
struct HouseRulesTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "../..")
        .standardized
    private static func sources(_ folder: String) -> [(path: String, text: String)] {
        let base = root.appending(path: folder)
        let all =
            FileManager.default.enumerator(at: base, includingPropertiesForKeys: nil)?.compactMap { $0 as? URL } ?? []
        return all.filter { $0.pathExtension == "swift" }.map { url in
            (
                url.path.replacingOccurrences(of: root.path + "/", with: ""),
                (try? String(contentsOf: url, encoding: .utf8)) ?? ""
            )
        }
    }
    private func only(_ spelling: String, in folder: String, allowed: Set<String>, _ rule: String) {
        let found = Set(Self.sources(folder).filter { $0.text.contains(spelling) }.map(\.path))
        #expect(found.isSubset(of: allowed), "\(rule): \(found.subtracting(allowed).sorted())")
    }

    @Test("raw SQL and raw HTML live in listed files only")
    func raw() {
        only(
            "SQL(raw:", in: "Sources",
            allowed: [
                "Sources/Store/Dialect.swift", "Sources/Store/SQL.swift", "Sources/Store/Streaming.swift",
                "Sources/Desk/Office/ResourceRows.swift", "Sources/Desk/Conversation/SecondThought.swift",
                "Sources/Desk/Office/Backup.swift", "Sources/Desk/Office/Dependants.swift",
            ], "SQL is written as a literal")
        only(
            "HTML(raw:", in: "Sources",
            allowed: [
                "Sources/Markup/HTML.swift", "Sources/Mail/HTMLSanitizer.swift", "Sources/Desk/Delivery/Letter.swift",
                "Sources/Web/Tickets/LinkPage.swift",
            ], "HTML is written as a literal, or was sanitized when it was kept")
    }

    @Test("the desk knows no web framework, and the store no desk")
    func layers() {
        for (path, text) in Self.sources("Sources/Desk") + Self.sources("Sources/Store") + Self.sources("Sources/Mail")
        { #expect(!text.contains("import Hummingbird"), "\(path): only Web and usher import Hummingbird") }
        for (path, text) in Self.sources("Sources/Store") + Self.sources("Sources/Mail") {
            #expect(!text.contains("import Desk"), "\(path): the direction is one")
        }
    }

    @Test("time comes from the clock that was handed over")
    func time() {
        for (path, text) in Self.sources("Sources/Desk") + Self.sources("Sources/Web")
        where !path.hasSuffix("Desk/Desk.swift") {
            #expect(
                !text.contains("Date()") && !text.contains("Date.now"),
                "\(path): only the system clock asks what time it is")
        }
    }

    @Test("libraries print nothing and end nothing")
    func quiet() {
        for folder in ["Desk", "Store", "Mail", "Markup", "Web"] {
            for (path, text) in Self.sources("Sources/\(folder)") {
                for word in ["print(", "fatalError(", "try!", " as! "] {
                    #expect(!text.contains(word), "\(path): \(word) has no place in a library")
                }
            }
        }
    }

    @Test(
        """
        no database error is swallowed inside a transaction: PostgreSQL would refuse its COMMIT, and SQLite keep \
        half of it
        """
    )
    func swallowed() throws {
        // Between transactions (`try? await`) a fault may be passed over; inside one every call is by one of these
        // names.
        let pattern = try Regex(
            #"try\?\s*(await\s+)?(\$0|db|tx|connection|transaction|self\.db|tx\.db)\.(?!desk\.|read|write)"#)
        for folder in ["Sources/Store", "Sources/Desk", "Sources/Web", "Sources/usher"] {
            for (path, text) in Self.sources(folder) {
                for line in text.split(separator: "\n") {
                    #expect(
                        try pattern.firstMatch(in: String(line)) == nil,
                        "\(path): \(line.trimmingCharacters(in: .whitespaces))")
                }
            }
        }
    }

    @Test("no drawer names")
    func names() {
        for (path, _) in Self.sources("Sources") {
            for word in ["Manager", "Helper", "Utils", "Core", "Base.", "V2", "Extensions"] {
                #expect(!path.contains(word), "\(path): a file is named by what it holds")
            }
        }
    }
}
