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
                "Sources/Desk/Office/ResourceRows.swift",
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

    @Test("decisions are pure: Domain imports Primitives and Foundation alone, and asks no clock, disk or network")
    func pure() throws {
        let imported = try Regex(#"^\s*(?:@\w+\s+|public\s+|package\s+|internal\s+|private\s+)*import\s+(\S+)"#)
            .anchorsMatchLineEndings()
        for (path, text) in Self.sources("Sources/Domain") + Self.sources("Sources/Primitives") {
            let allowed: Set<Substring> =
                path.hasPrefix("Sources/Domain") ? ["Foundation", "Primitives"] : ["Foundation"]
            for match in text.matches(of: imported) {
                let module = match.output[1].substring ?? ""
                #expect(allowed.contains(module), "\(path): a decision takes values alone, so it imports no \(module)")
            }
            for word in [
                "Date()", "Date.now", "WallClock", "ContinuousClock", "FileManager", "URLSession", "Process", "random",
                "UUID()",
            ] {
                #expect(!text.contains(word), "\(path): \(word) is handed over as a value, such as `now`")
            }
        }
    }

    @Test("carryOut alone writes the row of a ticket")
    func ticketRow() {
        only(
            "save(ticket", in: "Sources", allowed: ["Sources/Desk/Tickets/CarryOut.swift"],
            "a verb loads, decides and carries out")
        only(
            "UPDATE ticket SET", in: "Sources",
            allowed: [
                "Sources/Desk/Tickets/TicketRows.swift", "Sources/Desk/Schema/029-due-order.swift",
                "Sources/Desk/Schema/033-latest-words.swift",
                // What is known of the people around a ticket, and the end of an erased customer's.
                "Sources/Desk/People/PeopleChanges.swift", "Sources/Desk/People/EraseCustomer.swift",
                "Sources/Desk/Tickets/CustomersTickets.swift",
            ], "a ticket's life is decided in Domain")
    }

    @Test("time comes from the clock that was handed over")
    func time() {
        for (path, text) in Self.sources("Sources/Desk") + Self.sources("Sources/Web") + Self.sources("Sources/Domain")
        where !path.hasSuffix("Desk/Desk.swift") {
            #expect(
                !text.contains("Date()") && !text.contains("Date.now"),
                "\(path): only the system clock asks what time it is")
        }
    }

    @Test("libraries print nothing and end nothing")
    func quiet() {
        for folder in ["Primitives", "Domain", "Desk", "Store", "Mail", "Markup", "Web"] {
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
