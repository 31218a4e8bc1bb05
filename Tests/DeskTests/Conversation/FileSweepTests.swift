import DeskTesting
import Foundation
import Mail
import Testing

@testable import Desk

@Suite("Files that nothing names")
struct FileSweepTests {
    private func age(_ test: TestDesk, _ hash: String, days: Double) throws {
        for url in test.desk.files.places(of: hash) where FileManager.default.fileExists(atPath: url.path) {
            try FileManager.default.setAttributes([.modificationDate: test.clock.now() - days * 86400], ofItemAtPath: url.path)
        }
    }

    @Test("a file that nothing names is removed after a day, one of a ticket never")
    func sweep() async throws {
        let test = try await TestDesk()
        let files = test.desk.files
        let (lost, young) = (try files.keep(Data("lost".utf8)), try files.keep(Data("young".utf8)))
        _ = try await test.desk.receive(Data("From: kim@harbour.example\r\nSubject: x\r\n\r\nwords".utf8))
        let raw = try #require(try await test.read { try $0.value("SELECT hash FROM blob", as: String.self) })
        for hash in [lost, raw] { try age(test, hash, days: 2) }
        try age(test, young, days: 0.5)
        #expect(try await test.desk.sweepFiles() == 1)
        #expect(!files.exists(lost) && files.exists(young) && files.exists(raw))
    }

    @Test("a file that somebody just kept again stays")
    func touched() async throws {
        let test = try await TestDesk()
        let files = test.desk.files
        let hash = try files.keep(Data("again".utf8))
        try age(test, hash, days: 2)
        #expect(try files.keep(Data("again".utf8)) == hash)
        #expect(try await test.desk.sweepFiles() == 0)
        // It was asked for after the sweep had chosen it.
        try files.sweep(hash, untouchedSince: test.clock.now() - 86400 * 365 * 50)
        #expect(try files.exists(hash) && files.bytes(of: hash) == Data("again".utf8))
    }

    @Test("a file that is sent is kept only when asked, and leaves nothing otherwise")
    func incoming() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: folder) }
        let files = try FileStore(folder: folder)
        func unfinished() throws -> Int { try FileManager.default.contentsOfDirectory(atPath: folder.appending(path: "new").path).count }
        func send() throws -> SentFile {
            let incoming = try files.incoming()
            try incoming.write(Array("some ".utf8))
            try incoming.write(Array("bytes".utf8))
            return try incoming.finish()
        }
        do {
            let sent = try send()
            #expect(try sent.size == 10 && unfinished() == 1 && !files.exists(sent.hash))
        }
        #expect(try unfinished() == 0)
        let hash = try files.keep(try send())
        #expect(try files.bytes(of: hash) == Data("some bytes".utf8) && unfinished() == 0)
        #expect(try files.keep(try send()) == hash && unfinished() == 0)
        do { try files.incoming().write([1]) }
        #expect(try unfinished() == 0, "an unfinished file goes with its reader")
    }
}
