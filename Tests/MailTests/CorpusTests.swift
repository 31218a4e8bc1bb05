import Foundation
import Testing

@testable import Mail

/// Real messages kept beside the project; where they are not there, these tests have nothing to read.
enum Corpus {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(
        path: "../../../shared/mail"
    ).standardized
    static func files(_ name: String, _ ending: String) -> [URL] {
        let found = try? FileManager.default.contentsOfDirectory(
            at: folder.appending(path: name), includingPropertiesForKeys: nil)
        return (found ?? []).filter { $0.lastPathComponent.hasSuffix(ending) }.sorted { $0.path < $1.path }
    }
    static var isThere: Bool { FileManager.default.fileExists(atPath: folder.path) }
}

@Suite("Messages as they really are", .enabled(if: Corpus.isThere))
struct CorpusTests {
    struct Expected: Decodable {
        struct File: Decodable {
            let name: String?
            let type: String?
        }
        let subject: String?
        let fromAddress: String?
        let fromName: String?
        let textContains: [String]?
        let attachments: [File]?
    }

    private static var decoder: JSONDecoder {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return decoder
    }

    @Test("well-formed messages are read as their authors meant them")
    func wellFormed() throws {
        var wrong: [String] = []
        let files = Corpus.files("mime", ".expected.json")
        for file in files {
            let expected = try Self.decoder.decode(Expected.self, from: Data(contentsOf: file))
            let name = file.lastPathComponent.replacingOccurrences(of: ".expected.json", with: "")
            let source = [name, name + ".eml"].map { file.deletingLastPathComponent().appending(path: $0) }.first {
                FileManager.default.fileExists(atPath: $0.path)
            }
            guard let source else { continue }
            let message = MessageReader.read(try Data(contentsOf: source))
            if let subject = expected.subject, message.subject != subject {
                wrong.append("\(name): subject \(message.subject) is not \(subject)")
            }
            if let address = expected.fromAddress, message.from?.address ?? "" != address.lowercased() {
                wrong.append("\(name): from \(message.from?.address ?? "nobody") is not \(address)")
            }
            if let shown = expected.fromName, message.from?.name ?? "" != shown {
                wrong.append("\(name): name \(message.from?.name ?? "") is not \(shown)")
            }
            for word in expected.textContains ?? []
            where !message.text.contains(word) && !(message.html ?? "").contains(word) {
                wrong.append("\(name): text lacks \(word)")
            }
            let names = message.attachments.map(\.name)
            for attachment in expected.attachments ?? [] where attachment.name.map({ !names.contains($0) }) ?? false {
                wrong.append("\(name): files \(names) lack \(attachment.name ?? "")")
            }
        }
        #expect(wrong.isEmpty, "\(wrong.count) faults in \(files.count) messages:\n\(wrong.joined(separator: "\n"))")
    }

    @Test("the new text of a reply stands first, and nothing is lost")
    func replies() throws {
        var wrong: [String] = []
        var total = 0
        for file in Corpus.files("reply", ".expected") {
            let name = file.lastPathComponent.replacingOccurrences(of: ".expected", with: "")
            let source = [name, name + ".txt", name + ".eml"].map {
                file.deletingLastPathComponent().appending(path: $0)
            }.first { FileManager.default.fileExists(atPath: $0.path) }
            guard let source else { continue }
            total += 1
            let text = String(decoding: try Data(contentsOf: source), as: UTF8.self).replacingOccurrences(
                of: "\r\n", with: "\n")
            let expected = String(decoding: try Data(contentsOf: file), as: UTF8.self).replacingOccurrences(
                of: "\r\n", with: "\n"
            ).trimmingWhitespace()
            let parts = QuotedText(text)
            if parts.new.trimmingWhitespace() != expected {
                wrong.append("== \(name)\n\(parts.new)\n-- expected\n\(expected)")
            }
            let letters = { (text: String) in text.filter { !$0.isWhitespace }.sorted() }
            #expect(letters(parts.new + (parts.quoted ?? "")) == letters(text), "\(name): something was lost")
        }
        #expect(
            Double(wrong.count) <= Double(total) * 0.05, "\(wrong.count) of \(total): \(wrong.joined(separator: "\n"))")
    }

    @Test("bounces, reports and automatic answers are told from people's mail")
    func automatic() throws {
        var wrong: [String] = []
        var (bounces, proved) = (0, 0)
        var unproved: [String] = []
        let rows = String(
            decoding: try Data(contentsOf: Corpus.folder.appending(path: "auto/manifest.tsv")), as: UTF8.self
        ).split(separator: "\n").dropFirst()
        for row in rows {
            let cells = row.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            guard let name = cells.first, let label = cells.last,
                let bytes = try? Data(contentsOf: Corpus.folder.appending(path: "auto/\(name)"))
            else { continue }
            let message = MessageReader.read(bytes)
            let isRight =
                switch label {
                case "bounce": message.automatic != .no
                case "feedback-report": message.automatic == .report
                case "auto-reply": message.automatic != .no && message.automatic != .bounce
                default: message.automatic == .no
                }
            if label == "bounce" {
                bounces += 1
                if message.automatic == .bounce { proved += 1 } else { unproved.append("\(name) \(message.automatic)") }
            }
            if !isRight { wrong.append("\(name): \(label) was read as \(message.automatic.rawValue)") }
        }
        #expect(wrong.isEmpty, "\(wrong.joined(separator: "\n"))")
        // What no evidence proves opens a ticket that nobody answers by itself.
        #expect(proved * 10 >= bounces * 9, "\(proved) of \(bounces) bounces, not \(unproved)")
    }

    @Test("malformed messages are read as far as they go")
    func hostile() throws {
        for file in Corpus.files("hostile", ".eml") {
            let message = MessageReader.read(try Data(contentsOf: file))
            #expect(!message.text.unicodeScalars.contains("\0"))
        }
    }
}

/// What the fuzzers begin with, and every input that once broke something.
@Suite struct FuzzSeedTests {
    private static let seeds = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(
        path: "../../Fuzz/seeds"
    ).standardized

    @Test(arguments: ["message", "reply", "sanitizer"]) func everySeedIsRead(_ target: String) throws {
        let files = try FileManager.default.contentsOfDirectory(
            at: Self.seeds.appending(path: target), includingPropertiesForKeys: nil)
        #expect(!files.isEmpty)
        for file in files {
            let bytes = try Data(contentsOf: file)
            let text = String(decoding: bytes, as: UTF8.self)
            let message = MessageReader.read(bytes)
            #expect(!message.subject.contains("\n"))
            let parts = QuotedText(text)
            #expect(parts.new.utf8.count + (parts.quoted?.utf8.count ?? 0) <= text.utf8.count + 1)
            let clean = HTMLSanitizer.clean(text).text.lowercased()
            #expect(!clean.contains("<script") && !clean.contains("href=\"https :"))
        }
    }
}
