import DeskTesting
import Domain
import Foundation
import Mail
import Primitives
import Testing

@testable import Desk
@testable import Store

@Suite("Backup and restore")
struct BackupTests {
    /// A desk with a ticket, files of both forms and a mail that waits, copied to a file.
    private func copied() async throws -> (test: TestDesk, ticket: Ticket, file: URL) {
        let test = try await TestDesk()
        let ada = try await test.hire("Ada")
        let ticket = try await test.open()
        let picture = StoredFile(
            hash: try test.desk.files.keep(Data("a picture".utf8)), size: 9, name: "lid.png", type: "image/png")
        try await test.act(on: ticket) { tx, ticket in
            _ = try tx.note(on: &ticket, Writing("look", type: .text), by: Actor(ada), files: [picture], source: .web)
        }
        _ = try await test.receive(from: "lee@corner.example", subject: "Toner", body: "Empty.")
        let file = test.folder.appending(path: "desk.usher")
        let summary = try await Backup.write(test.desk, to: file, secret: "a secret")
        #expect(summary.files == 2 && summary.rows > 10 && summary.missing == [])
        return (test, ticket, file)
    }

    private func faultOf(_ bytes: Data, _ name: String, in test: TestDesk) -> String? {
        let url = test.folder.appending(path: name)
        do {
            try bytes.write(to: url)
            _ = try Backup.prove(url)
            return nil
        } catch { return "\(error)" }
    }

    @Test("a file that another backup is being written to is left to it, and free once that one has ended")
    func oneAtATime() async throws {
        let test = try await TestDesk()
        let file = FileManager.default.temporaryDirectory.appending(path: "usher-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        let partial = URL(fileURLWithPath: file.path + ".part")
        var other: Archive.Writer? = try Archive.Writer(partial)
        await #expect(throws: Archive.IsBeingWritten.self) {
            _ = try await Backup.write(test.desk, to: file, secret: "x")
        }
        #expect(other != nil && FileManager.default.fileExists(atPath: partial.path))
        other = nil
        _ = try await Backup.write(test.desk, to: file, secret: "x")
        #expect(try Backup.prove(file).rows > 0)
    }

    @Test("a desk that cannot sign with the secret of a backup stays empty, and knows it once it has it")
    func otherSecret() async throws {
        let (old, _, file) = try await copied()
        let new = try await TestDesk()
        struct Wrong: Error {}
        await #expect(throws: Wrong.self) {
            _ = try await Backup.restore(file, into: new.desk, keepSecret: { _ in throw Wrong() })
        }
        #expect(try await new.read { try $0.value("SELECT count(*) FROM ticket", as: Int.self) } == 0)
        let expected = try await new.read { try $0.privateSetting("secret_expected") }
        #expect(expected == Signer(secret: Array("a secret".utf8)).fingerprint)
        _ = try await Backup.restore(file, into: new.desk)
        #expect(try await new.read { try $0.privateSetting("secret_expected") } == nil)
        // Its folder, with the backup in it, goes when nobody holds the desk any more.
        withExtendedLifetime(old) {}
    }

    @Test("what is restored is what was copied, packed messages stay packed, and the secret comes with it")
    func whole() async throws {
        let (old, ticket, file) = try await copied()
        let new = try await TestDesk()
        var secret = ""
        let (summary, _) = try await Backup.restore(file, into: new.desk) { secret = $0 }
        #expect(secret == "a secret" && summary.files == 2)
        for table in Schema.tables where table != "setting" && table != "outbox" {
            let counts = try await [
                old.read { try $0.value("SELECT count(*) FROM \(SQL(raw: table))", as: Int.self) },
                new.read { try $0.value("SELECT count(*) FROM \(SQL(raw: table))", as: Int.self) },
            ]
            #expect(counts[0] == counts[1], "\(table)")
        }
        #expect(try await new.entries(ticket).count == old.entries(ticket).count)
        let hashes: [String] = try await new.read { try $0.query("SELECT hash FROM blob") { try $0.read() } }
        for hash in hashes {
            #expect(new.desk.files.isWhole(hash))
            #expect(new.desk.files.isPlain(hash) == old.desk.files.isPlain(hash))
        }
        #expect(hashes.contains { !new.desk.files.isPlain($0) })
    }

    @Test("a backup cut at any block, or with zeros in any block, is refused and says that it is not whole")
    func cutAndHoled() async throws {
        let (test, _, file) = try await copied()
        let whole = try Data(contentsOf: file)
        for block in 0..<(whole.count / 512) {
            let fault = faultOf(whole.prefix(block * 512), "cut", in: test)
            #expect(fault?.contains("a complete backup") == true, "cut before block \(block): \(fault ?? "taken")")
            var holed = whole
            holed.replaceSubrange(block * 512..<(block + 1) * 512, with: Data(count: 512))
            if holed != whole { #expect(faultOf(holed, "holed", in: test) != nil, "zeros in block \(block)") }
        }
        for length in [1, 100, 511, 513, whole.count - 1, whole.count - 511] {
            #expect(faultOf(whole.prefix(length), "cut", in: test) != nil, "\(length) bytes")
        }
    }

    @Test("one changed byte anywhere is noticed")
    func changedBytes() async throws {
        let (test, _, file) = try await copied()
        let whole = try Data(contentsOf: file)
        var numbers = SystemRandomNumberGenerator()
        // The last blocks too, where the proof itself stands.
        let places =
            (0..<400).map { _ in Int.random(in: 0..<whole.count, using: &numbers) }
            + Array((whole.count - 2048)..<whole.count).filter { $0 % 7 == 0 }
        for place in places {
            var changed = whole
            changed[place] ^= UInt8.random(in: 1...255, using: &numbers)
            #expect(faultOf(changed, "changed", in: test) != nil, "byte \(place)")
        }
    }

    @Test("parts in another order, taken out, put in twice, and anything behind the end are refused by name")
    func parts() async throws {
        let (test, _, file) = try await copied()
        let whole = try Data(contentsOf: file)
        let reader = try Archive.Reader(file)
        var places: [(name: String, range: Range<Int>)] = []
        var start = 0
        while let (name, _) = try reader.next() {
            try reader.skip()
            places.append((name, start..<reader.position))
            start = reader.position
        }
        let entries = try #require(places.first { $0.name.hasPrefix("tables/entry-") })
        let blob = try #require(places.first { $0.name.hasPrefix("blobs/") })
        var without = whole
        without.removeSubrange(entries.range)
        #expect(faultOf(without, "a", in: test)?.contains("tables/entry-000000.ndjson is missing") == true)
        without = whole
        without.removeSubrange(blob.range)
        #expect(faultOf(without, "b", in: test)?.contains("1 files and should hold 2") == true)
        for index in 1..<(places.count - 3) {
            let (first, second) = (places[index].range, places[index + 1].range)
            let swapped = whole[..<first.lowerBound] + whole[second] + whole[first] + whole[second.upperBound...]
            #expect(faultOf(swapped, "c", in: test) != nil, "\(places[index].name) and the next")
            let twice = whole[..<first.upperBound] + whole[first] + whole[first.upperBound...]
            #expect(faultOf(twice, "d", in: test) != nil, "\(places[index].name) twice")
        }
        #expect(faultOf(whole + Data([0]), "e", in: test)?.contains("behind its end") == true)
        #expect(faultOf(whole + whole, "f", in: test)?.contains("behind its end") == true)
    }

    @Test("nothing of a refused backup is in the desk, not even a file")
    func nothingWritten() async throws {
        let (old, _, file) = try await copied()
        // Its folder, with the file in it, goes with the desk.
        defer { withExtendedLifetime(old) {} }
        let new = try await TestDesk()
        var bytes = try Data(contentsOf: file)
        bytes.replaceSubrange(bytes.count / 2..<bytes.count / 2 + 512, with: Data(count: 512))
        try bytes.write(to: file)
        await #expect(throws: Refusal.self) { _ = try await Backup.restore(file, into: new.desk) }
        #expect(try await new.read { try $0.value("SELECT count(*) FROM blob", as: Int.self) } == 0)
        #expect(try FileManager.default.contentsOfDirectory(atPath: new.desk.files.folder.path) == ["new"])
        #expect(try await new.read { try $0.isLive() })
    }

    @Test("a desk with anything in it is not overwritten, and a folder is no file for a backup")
    func refusals() async throws {
        let (test, _, file) = try await copied()
        await #expect(throws: Refusal.self) { _ = try await Backup.restore(file, into: test.desk) }
        let staffed = try await TestDesk()
        _ = try await staffed.hire("Ben")
        await #expect(throws: Refusal.self) { _ = try await Backup.restore(file, into: staffed.desk) }
        await #expect(throws: Refusal.self) { _ = try await Backup.write(test.desk, to: test.folder, secret: "x") }
        #expect(!FileManager.default.fileExists(atPath: test.folder.path + ".part"))
    }

    @Test("a file that is missing or damaged in the desk is left out by name, and the rest is a whole backup")
    func missingFile() async throws {
        let (test, _, file) = try await copied()
        let hashes: [String] = try await test.read {
            try $0.query("SELECT hash FROM blob ORDER BY hash") { try $0.read() }
        }
        let plain = try #require(hashes.first { test.desk.files.isPlain($0) })
        try Data("a PICTURE".utf8).write(to: test.desk.files.path(of: plain))
        let summary = try await Backup.write(test.desk, to: file, secret: "x")
        #expect(summary.missing == [plain] && summary.files == 1)
        #expect(try Backup.prove(file).missing == [plain])
    }

    // MARK: the copy keeps still

    @Test("a restored desk sends, closes and asks nothing until it goes live, however late it is")
    func still() async throws {
        let (old, ticket, file) = try await copied()
        try await old.act(on: ticket) { tx, ticket in try tx.resolve(&ticket, by: .timer, solution: nil, source: .web) }
        _ = try await Backup.write(old.desk, to: file, secret: "x")
        let new = try await TestDesk()
        _ = try await Backup.restore(file, into: new.desk)
        #expect(new.desk.settings.current.restored?.madeAt == old.clock.now())
        new.clock.advance(days: 40)
        let asked = try await new.open("Asked of the copy")
        try await new.settle()
        #expect(new.mail.sent.isEmpty)
        #expect(try await new.ticket(ticket.number).state == .resolved)
        let held = try await new.read { try $0.mailHeldSinceRestore(limit: 10) }
        #expect(held.count > 0 && held.first.count == min(held.count, 10))

        #expect(try await new.write { try $0.goLive(sendsWaiting: false) } == held.count)
        try await new.desk.reloadSettings()
        #expect(new.desk.settings.current.restored == nil)
        try await new.settle()
        // What was written since goes, and what fell due is done; what waited at the backup is listed.
        #expect(new.mail.sent.contains { $0.message.subject.contains("#\(asked.number)") })
        #expect(new.mail.to("lee@corner.example").isEmpty)
        #expect(try await new.ticket(ticket.number).state == .closed)
        #expect(
            try await new.read { try $0.troubledOutbox(limit: 200) }.filter {
                $0.delivery.error?.contains("Held back") == true
            }.count == held.count)
        await #expect(throws: Refusal.self) { try await new.write { _ = try $0.goLive(sendsWaiting: false) } }
    }

    @Test("going live at once can send what waited, mail that was on its way included")
    func sendsWaiting() async throws {
        let (old, _, file) = try await copied()
        _ = try await old.write { tx in
            try tx.db.execute(
                "UPDATE outbox SET state = 'sending', claim = 'a dead one', attempts = 1, due_at = \(tx.now + 300)")
        }
        _ = try await Backup.write(old.desk, to: file, secret: "x")
        let new = try await TestDesk()
        let (_, heldBack) = try await Backup.restore(
            file, into: new.desk, Backup.Wish(goesLive: true, sendsWaiting: true))
        #expect(heldBack == 0)
        try await new.settle()
        #expect(!new.mail.to("lee@corner.example").isEmpty)
    }

    @Test("a backup takes the place of no pipe and no device, and a folder is none")
    func onlyFiles() async throws {
        let test = try await TestDesk()
        let pipe = test.folder.appending(path: "pipe")
        #expect(mkfifo(pipe.path, 0o600) == 0)
        await #expect(throws: Refusal.self) { _ = try await Backup.write(test.desk, to: pipe, secret: "s") }
        #expect(
            try FileManager.default.attributesOfItem(atPath: pipe.path)[.type] as? FileAttributeType != .typeRegular)
        #expect(throws: Refusal.self) { try Backup.prove(test.folder) }
        #expect(throws: Refusal.self) { try Backup.prove(test.folder.appending(path: "none")) }
    }

    @Test("a backup of an early Usher is taken only when that is asked for")
    func unproved() async throws {
        let test = try await TestDesk()
        let file = test.folder.appending(path: "old.usher")
        let writer = try Archive.Writer(file)
        let manifest: JSON = [
            "format": JSON(Int64(1)), "steps": [.string("001-people")], "made_at": "2026-01-01T00:00:00Z",
        ]
        try writer.add("usher-backup.json", Data(manifest.written.utf8))
        try writer.add("secret", Data("old".utf8))
        try writer.add("tables/customer-000000.ndjson", Data("[\"id\",\"name\",\"created_at\"]\n[7,\"Kim\",0]\n".utf8))
        try writer.finish()
        #expect(throws: Refusal.self) { try Backup.prove(file) }
        var secret = ""
        let (summary, _) = try await Backup.restore(file, into: test.desk, Backup.Wish(takesUnproved: true)) {
            secret = $0
        }
        #expect(summary.rows == 1 && secret == "old")
    }
}

@Suite("Files of the store")
struct FileStoreTests {
    private func store() throws -> FileStore {
        try FileStore(
            folder: FileManager.default.temporaryDirectory.appending(path: "usher-files-\(UUID().uuidString)"))
    }

    @Test(
        "a damaged file is replaced when the same content comes again, in either form", arguments: [false, true],
        ["cut", "other letters", "empty", "longer"])
    func damaged(packs: Bool, how: String) throws {
        let files = try store()
        let content = Data("hello world, whole".utf8)
        let hash = try files.keep(content, packs: packs)
        let place = packs ? files.path(of: hash).appendingPathExtension("gz") : files.path(of: hash)
        let before = try Data(contentsOf: place)
        let after =
            switch how {
            case "cut": Data(before.prefix(3))
            case "empty": Data()
            case "longer": before + Data("x".utf8)
            default: Data(before.map { $0 ^ 1 })
            }
        try after.write(to: place)
        #expect(try files.keep(content) == hash)
        #expect(try files.bytes(of: hash) == content)
        #expect(files.isWhole(hash))
        // Sent piece by piece, as forms are.
        try after.write(to: place)
        let sent = try files.incoming()
        try sent.write(Array(content))
        #expect(try files.keep(try sent.finish()) == hash)
        #expect(try files.bytes(of: hash) == content)
    }

    @Test("what a killed writer left goes after a day, what is being written stays")
    func unfinished() throws {
        let files = try store()
        let new = files.folder.appending(path: "new")
        for (name, age) in [("old", 90_000.0), ("fresh", 60)] {
            let path = new.appending(path: name)
            try Data("x".utf8).write(to: path)
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSince1970: 1_800_000_000 - age)], ofItemAtPath: path.path)
        }
        #expect(try files.removeUnfinished(before: Date(timeIntervalSince1970: 1_800_000_000 - 86400)) == 1)
        #expect(try FileManager.default.contentsOfDirectory(atPath: new.path) == ["fresh"])
    }
}
