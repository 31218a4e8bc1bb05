import DeskTesting
import Foundation
import Mail
import Testing

@testable import Desk

@Suite("Files that nothing names")
struct FileSweepTests {
    private func age(_ test: TestDesk, _ hash: String, days: Double) throws {
        for url in test.desk.files.places(of: hash) where FileManager.default.fileExists(atPath: url.path) {
            try FileManager.default.setAttributes(
                [.modificationDate: test.clock.now() - days * 86400], ofItemAtPath: url.path)
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

    @Test("a file goes with the last ticket that named it, attached or as the message itself")
    func erased() async throws {
        let test = try await TestDesk()
        let files = test.desk.files
        let mail = Data(
            """
            From: kim@harbour.example\r\nSubject: x\r\nContent-Type: text/csv; name=a.csv\r\nContent-Disposition: \
            attachment\r\n\r\na,b
            """
            .utf8)
        _ = try await test.desk.receive(mail)
        let attached = try files.keep(Data("shared".utf8))
        let file = StoredFile(hash: attached, size: 6, name: "a.txt", type: "text/plain")
        for address in ["lee@corner.example", "noor@quay.example"] {
            _ = try await test.open(from: address) { $0.files = [file] }
        }
        let all = try await test.read { try $0.query("SELECT hash FROM blob", { try $0.read(String.self) }) }
        #expect(all.count == 3)
        func sweepLater() async throws -> Int {
            test.clock.advance(days: 3)
            for hash in all { try age(test, hash, days: 2) }
            return try await test.desk.sweepFiles()
        }
        #expect(try await sweepLater() == 0, "all are named")
        func erase(_ address: String) async throws {
            try await test.write { tx in
                try tx.erase(try #require(try tx.db.customer(address: address)?.id), tickets: .delete)
            }
        }
        try await erase("lee@corner.example")
        #expect(try await sweepLater() == 0 && files.exists(attached), "another ticket names it")
        try await erase("noor@quay.example")
        #expect(try await sweepLater() == 1 && !files.exists(attached))
        try await erase(TestDesk.kim)
        #expect(try await sweepLater() == 2)
        #expect(try await test.read { try $0.value("SELECT count(*) FROM blob", as: Int64.self) } == 0)
        // What was removed can come again.
        #expect(try files.keep(Data("shared".utf8)) == attached)
        _ = try await test.open(from: "lee@corner.example") { $0.files = [file] }
        #expect(try await sweepLater() == 0 && files.bytes(of: attached) == Data("shared".utf8))
    }

    @Test("whoever keeps a file while it is swept has it")
    func race() async throws {
        let test = try await TestDesk()
        let files = test.desk.files
        for round in 0..<25 {
            let bytes = Data("round \(round)".utf8)
            let hash = try files.keep(bytes)
            let file = StoredFile(hash: hash, size: bytes.count, name: "a.txt", type: "text/plain")
            try await test.write { tx in
                try tx.keep(file)
                try tx.db.execute("UPDATE blob SET stored_at = \(tx.now - 2 * 86400) WHERE hash = \(hash)")
            }
            try age(test, hash, days: 2)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await test.desk.sweepFiles() }
                for _ in 0..<2 {
                    group.addTask {
                        // As every channel does: the bytes first, then what names them.
                        _ = try files.keep(bytes)
                        _ = try await test.open { $0.files = [file] }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try files.bytes(of: hash) == bytes)
            #expect(
                try await test.read { try $0.value("SELECT count(*) FROM blob WHERE hash = \(hash)", as: Int64.self) }
                    == 1)
        }
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
        func unfinished() throws -> Int {
            try FileManager.default.contentsOfDirectory(atPath: folder.appending(path: "new").path).count
        }
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
