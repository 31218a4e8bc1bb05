import Crypto
import Domain
import Foundation
import Primitives
import Store

/// A copy of the whole desk in a form that belongs to neither engine: tables as lines of JSON, attachments as they lie
/// in the store. Its last two parts prove it: what it holds, with the SHA-256 of each part, and the SHA-256 of
/// everything before.
package enum Backup {
    private static let format: Int64 = 2
    /// Before there was a proof in it.
    private static let unprovedFormat: Int64 = 1
    private static let linesInMember = 5000
    private static let bytesInMember = 4 << 20
    private enum Name {
        static let manifest = "usher-backup.json"
        static let contents = "usher-backup-contents.json"
        static let end = "usher-backup-end"
        static let secret = "secret"
    }

    /// What a backup holds.
    package struct Summary: Sendable, Equatable {
        package var rows = 0
        package var files = 0
        /// Files that were missing or damaged in the desk that was copied, by their SHA-256.
        package var missing: [String] = []
        package var madeAt: Date?
    }

    // MARK: writing

    /// Writes one consistent snapshot while the desk runs, proves it, and only then gives it its name.
    ///
    /// - Parameter secret: what links and Message-IDs were signed with, so that they still hold where it is restored.
    package static func write(
        _ desk: Desk, to target: URL, secret: String, progress: @escaping @Sendable (Int, Int) -> Void = { _, _ in }
    ) async throws -> Summary {
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: target.path, isDirectory: &isFolder), isFolder.boolValue {
            let file = target.appending(path: "desk.usher").path
            throw Refusal.conflict(
                Sentence(english: "\(target.path) is a folder. Name a file in it, such as \(file)."), allowed: [])
        }
        // The copy takes the place of what has its name: never that of a device or a pipe.
        let kind = try? FileManager.default.attributesOfItem(atPath: target.resolvingSymlinksInPath().path)[.type]
        if let kind = kind as? FileAttributeType, kind != .typeRegular {
            throw Refusal.conflict(
                Sentence(english: "\(target.path) isn't a regular file. Name a file in a folder."), allowed: [])
        }
        // Under another name until it is proved, so that a file of this name is always a whole backup.
        let partial = URL(fileURLWithPath: target.path + ".part")
        do {
            let sheet = try await write(desk, as: partial, secret: secret, progress)
            // The file stays locked until it has its name.
            return try withExtendedLifetime(sheet) {
                guard try prove(partial) == sheet.summary else {
                    throw StoreError.unreadable("the backup could not be verified after it was written")
                }
                guard rename(partial.path, target.path) == 0 else {
                    throw StoreError.full("\(target.path) cannot be written: \(String(cString: strerror(errno)))")
                }
                syncFolder(of: target)
                return sheet.summary
            }
        } catch let busy as Archive.IsBeingWritten {
            throw busy
        } catch {
            unlink(partial.path)
            throw error
        }
    }

    private static func write(
        _ desk: Desk, as url: URL, secret: String, _ progress: @escaping @Sendable (Int, Int) -> Void
    ) async throws -> Sheet {
        let now = desk.clock.now()
        // Only this task writes; the reading closure may run again after a lost connection, then from the beginning.
        let sheet = Sheet(try Archive.Writer(url))
        let hashes: [String] = try await desk.read { db in
            try sheet.begin()
            let steps = Schema.migrator.steps.map(\.name)
            let manifest: JSON = [
                "format": JSON(format), "schema": JSON(steps.last), "steps": .array(steps.map { .string($0) }),
                "made_at": .string(now.rfc3339),
                "made_at_milliseconds": JSON(now.milliseconds),
            ]
            try sheet.add(Name.manifest, Data(manifest.written.utf8))
            try sheet.add(Name.secret, Data(secret.utf8))
            for (index, table) in Schema.tables.enumerated() {
                sheet.summary.rows += try write(table, db, to: sheet)
                progress(index + 1, Schema.tables.count)
            }
            // Content-addressed files never change, so what the snapshot names can be copied after it.
            return try db.query("SELECT hash FROM blob ORDER BY hash") { try $0.read() }
        }
        sheet.summary.madeAt = now
        for hash in hashes {
            // `usher check` names what is missing; the rest is worth keeping, and the copy says what it lacks.
            guard desk.files.isWhole(hash), let (file, size, isPacked) = try desk.files.stored(hash) else {
                desk.log.error("a file is missing from the store or damaged", metadata: ["hash": "\(hash)"])
                sheet.summary.missing.append(hash)
                continue
            }
            try sheet.archive.add("\(isPacked ? "packed" : "blobs")/\(hash)", from: file, size: size)
            try file.close()
            sheet.summary.files += 1
        }
        try sheet.finish()
        return sheet
    }

    /// The archive being written and what it holds so far. Used by one thread after the other.
    private final class Sheet: @unchecked Sendable {
        let archive: Archive.Writer
        var members: [Archive.Member] = []
        var summary = Summary()
        init(_ archive: Archive.Writer) { self.archive = archive }

        func begin() throws {
            try archive.rewind()
            (members, summary) = ([], Summary())
        }
        func add(_ name: String, _ bytes: Data) throws { members.append(try archive.add(name, bytes)) }

        func finish() throws {
            // Files are named by their own SHA-256; only how many there are is said of them.
            let parts: [JSON] = members.map { [.string($0.name), JSON(Int64($0.size)), .string($0.digest)] }
            let contents: JSON = [
                "rows": JSON(Int64(summary.rows)), "files": JSON(Int64(summary.files)),
                "missing": .array(summary.missing.map { .string($0) }), "parts": .array(parts),
            ]
            try archive.add(Name.contents, Data(contents.written.utf8))
            try archive.add(Name.end, Data(archive.digest.utf8))
            try archive.finish()
        }
    }

    private static func write(_ table: String, _ db: any Connection, to sheet: Sheet) throws -> Int {
        let columns = try db.columns(of: table)
        let names = JSON.array(columns.map { .string($0.name) }).written + "\n"
        var lines = names
        var (count, part, total) = (0, 0, 0)
        func flush() throws {
            guard count > 0 else { return }
            let digits = String(part)
            try sheet.add(
                "tables/\(table)-\(String(repeating: "0", count: max(0, 6 - digits.count)) + digits).ndjson",
                Data(lines.utf8))
            (lines, count, part) = (names, 0, part + 1)
        }
        let list = SQL(raw: columns.map(\.name).joined(separator: ", "))
        let order = SQL(raw: columns.contains { $0.name == "id" } ? "id" : "1")
        try db.stream("SELECT \(list) FROM \(SQL(raw: table)) ORDER BY \(order)", cursor: SQL(raw: "backup_\(table)")) {
            row in
            var json = JSONText(capacity: 256)
            var values: [JSON] = []
            for column in columns {
                values.append(
                    column.isInteger
                        ? try row.read(Int64?.self).map { JSON($0) } ?? .null : JSON(try row.read(String?.self)))
            }
            json.write(.array(values))
            lines += json.text + "\n"
            count += 1
            total += 1
            if count == linesInMember || lines.utf8.count >= bytesInMember { try flush() }
        }
        try flush()
        return total
    }

    private static func syncFolder(of file: URL) {
        let handle = open(file.deletingLastPathComponent().path, O_RDONLY)
        guard handle >= 0 else { return }
        fsync(handle)
        close(handle)
    }

    // MARK: proving

    /// Reads a backup from its first byte to its last and throws what is wrong with it. Writes nothing.
    ///
    /// - Parameter takesUnproved: whether one of an earlier Usher, which holds no proof, is read as far as it goes.
    package static func prove(_ url: URL, takesUnproved: Bool = false) throws -> Summary {
        let reader = try Archive.Reader(url)
        do { return try prove(reader, takesUnproved) } catch StoreError.unreadable(let detail) {
            throw Refusal.conflict(
                Sentence(english: "\(url.path) isn't a complete backup: \(detail). Nothing was restored from it."),
                allowed: [])
        }
    }

    private static func prove(_ reader: Archive.Reader, _ takesUnproved: Bool) throws -> Summary {
        guard let first = try reader.next(), first.name == Name.manifest, first.size < 1 << 20 else {
            throw StoreError.unreadable("it is not an Usher backup")
        }
        let manifest = try reader.bytes()
        let (found, madeAt) = try accept(manifest)
        var summary = Summary()
        summary.madeAt = madeAt
        guard found == format else { return try readUnproved(reader, summary, takesUnproved) }
        var members = [
            Archive.Member(name: first.name, size: first.size, digest: Hex.encode(SHA256.hash(data: manifest)))
        ]
        var contents: JSON?
        while true {
            let before = reader.digest
            guard let (name, size) = try reader.next() else {
                throw StoreError.unreadable(
                    "there are zeros at byte \(reader.position - Archive.block), where a part should be")
            }
            if name == Name.end {
                guard let contents else { throw StoreError.unreadable("the list of what it holds is missing") }
                guard size == 64, try reader.bytes() == Data(before.utf8) else {
                    try compare(members, summary, with: contents)
                    throw StoreError.unreadable("its contents do not match its list of contents")
                }
                try compare(members, summary, with: contents)
                summary.missing = contents["missing"]?.items.compactMap(\.text) ?? []
                break
            }
            guard contents == nil else { throw StoreError.unreadable("\(name) stands where the end should be") }
            if name == Name.contents {
                guard let list = JSON(String(decoding: try reader.bytes(), as: UTF8.self)) else {
                    throw StoreError.unreadable("the list of what it holds is damaged")
                }
                contents = list
                summary.rows = list["rows"]?.integer.map { Int($0) } ?? -1
            } else if let (hash, isPacked) = file(name) {
                try prove(file: hash, isPacked: isPacked, reader)
                summary.files += 1
            } else {
                var sum = SHA256()
                while let piece = try reader.piece() { sum.update(data: piece) }
                members.append(Archive.Member(name: name, size: size, digest: Hex.encode(sum.finalize())))
            }
        }
        guard try reader.next() == nil, try reader.next() == nil else {
            throw StoreError.unreadable("there is something behind its end")
        }
        guard try reader.isAtEnd() else {
            throw StoreError.unreadable("there is something behind its end, from byte \(reader.position) on")
        }
        return summary
    }

    /// The SHA-256 and the form of a file of the store; nil for every other part.
    private static func file(_ member: String) -> (hash: String, isPacked: Bool)? {
        for (folder, isPacked) in [("blobs/", false), ("packed/", true)] where member.hasPrefix(folder) {
            let hash = String(member.dropFirst(folder.count))
            // It becomes a path: nothing but digits.
            guard hash.utf8.count == 64,
                hash.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
            else { return nil }
            return (hash, isPacked)
        }
        return nil
    }

    private static func prove(file hash: String, isPacked: Bool, _ reader: Archive.Reader) throws {
        var sum = SHA256()
        if isPacked {
            guard let bytes = Gzip.unpack(Array(try reader.bytes()), most: FileStore.mostBytes) else {
                throw StoreError.unreadable("the file \(hash) is damaged")
            }
            sum.update(data: bytes)
        } else {
            while let piece = try reader.piece() { sum.update(data: piece) }
        }
        guard Hex.encode(sum.finalize()) == hash else { throw StoreError.unreadable("the file \(hash) is damaged") }
    }

    /// Names the first part that is not as the list says.
    private static func compare(_ members: [Archive.Member], _ summary: Summary, with contents: JSON) throws {
        let listed =
            contents["parts"]?.items.compactMap { part -> Archive.Member? in
                let values = part.items
                guard values.count == 3, let name = values[0].text, let size = values[1].integer,
                    let digest = values[2].text
                else { return nil }
                return Archive.Member(name: name, size: Int(size), digest: digest)
            } ?? []
        for (index, expected) in listed.enumerated() {
            guard index < members.count else { throw StoreError.unreadable("\(expected.name) is missing") }
            let found = members[index]
            guard found != expected else { continue }
            let isThere = members.contains { $0.name == expected.name }
            throw StoreError.unreadable(
                isThere ? "\(expected.name) is damaged or not in its place" : "\(expected.name) is missing")
        }
        guard members.count == listed.count else {
            throw StoreError.unreadable("\(members[listed.count].name) does not belong to it")
        }
        guard let files = contents["files"]?.integer, Int(files) == summary.files else {
            throw StoreError.unreadable(
                "it holds \(summary.files) files and should hold \(contents["files"]?.integer ?? 0)")
        }
    }

    /// A backup of the first form: what is there can be read, but not that nothing is missing.
    private static func readUnproved(_ reader: Archive.Reader, _ found: Summary, _ isTaken: Bool) throws -> Summary {
        guard isTaken else {
            throw StoreError.unreadable(
                """
                an earlier Usher made it, and it holds nothing that proves it whole; usher restore --unproved \
                takes it as it is
                """
            )
        }
        var summary = found
        while let (name, _) = try reader.next() {
            if let (hash, isPacked) = file(name) {
                try prove(file: hash, isPacked: isPacked, reader)
                summary.files += 1
            }
        }
        guard try reader.next() == nil, try reader.isAtEnd() else {
            throw StoreError.unreadable("there is something behind its end")
        }
        return summary
    }

    private static func accept(_ bytes: Data) throws -> (format: Int64, madeAt: Date?) {
        guard let manifest = JSON(String(decoding: bytes, as: UTF8.self)), let format = manifest["format"]?.integer,
            case .array(let steps)? = manifest["steps"]
        else {
            throw StoreError.unreadable("its first part is damaged")
        }
        guard format == self.format || format == unprovedFormat else {
            throw StoreError.unreadable("it has a form (\(format)) this Usher does not know")
        }
        let known = Set(Schema.migrator.steps.map(\.name))
        if let unknown = steps.compactMap(\.text).first(where: { !known.contains($0) }) {
            throw StoreError.newerDatabase(unknown)
        }
        return (format, manifest["made_at_milliseconds"]?.integer.map { Date(milliseconds: $0) })
    }

    // MARK: restoring

    /// How a desk is brought back.
    package struct Wish: Sendable {
        /// At once, instead of waiting until an administrator says so.
        package var goesLive = false
        /// With `goesLive`: what waited to be sent when the backup was made is sent, not held back.
        package var sendsWaiting = false
        package var takesUnproved = false
        package init(goesLive: Bool = false, sendsWaiting: Bool = false, takesUnproved: Bool = false) {
            self.goesLive = goesLive
            self.sendsWaiting = sendsWaiting
            self.takesUnproved = takesUnproved
        }
    }

    /// Fills an empty desk from a backup, on either engine. The backup is proved before anything is written.
    ///
    /// - Parameter keepSecret: keeps the secret that the backup was made with, or throws why this desk cannot sign with
    ///   it. Asked before anything is written, so that a desk that was filled can always be opened.
    /// - Returns: what it held, and how much mail was held back by going live at once.
    package static func restore(
        _ url: URL, into desk: Desk, _ wish: Wish = Wish(), keepSecret: (String) throws -> Void = { _ in },
        progress: @escaping @Sendable (String) -> Void = { _ in }
    ) async throws -> (summary: Summary, heldBack: Int) {
        let proved = try prove(url, takesUnproved: wish.takesUnproved)
        try await desk.read { try $0.refuseUnlessEmpty() }
        let source = Source(try Archive.Reader(url))
        let secret = try secret(in: source.reader)
        // Should this program end before the desk is filled, the next one knows the new secret by this mark.
        try await desk.write { try $0.db.expectSecret(Signer(secret: Array(secret.utf8)).fingerprint) }
        try keepSecret(secret)
        // Files first: a row never stands for a file that is not there.
        try fill(desk.files, from: source.reader)
        let (rows, heldBack) = try await desk.write { tx in
            try tx.db.refuseUnlessEmpty()
            for table in Schema.tables.reversed() { try tx.db.execute("DELETE FROM \(SQL(raw: table))") }
            try source.reader.rewind()
            var rows = 0
            while let (name, _) = try source.reader.next() {
                guard name.hasPrefix("tables/") else {
                    try source.reader.skip()
                    continue
                }
                rows += try insert(name, try source.reader.bytes(), tx.db)
                progress(name)
            }
            guard proved.rows == rows || wish.takesUnproved else {
                throw StoreError.unreadable("the backup holds \(rows) rows and should hold \(proved.rows)")
            }
            try tx.db.continueNumbering(Schema.tables)
            try tx.indexEverything()
            try tx.keepStill(asOf: proved.madeAt ?? tx.now)
            return (rows, wish.goesLive ? try tx.goLive(sendsWaiting: wish.sendsWaiting) : 0)
        }
        try await desk.tendIndex(quietly: false)
        try await desk.reloadSettings()
        var summary = proved
        summary.rows = rows
        return (summary, heldBack)
    }

    /// Used by one thread after the other.
    private struct Source: @unchecked Sendable {
        let reader: Archive.Reader
        init(_ reader: Archive.Reader) { self.reader = reader }
    }

    /// What the desk that was copied signed with. It stands behind the first part.
    private static func secret(in reader: Archive.Reader) throws -> String {
        defer { try? reader.rewind() }
        while let (name, _) = try reader.next() {
            if name == Name.secret { return String(decoding: try reader.bytes(), as: UTF8.self) }
            try reader.skip()
        }
        throw StoreError.unreadable("the backup holds no secret")
    }

    /// Brings the files back.
    private static func fill(_ files: FileStore, from reader: Archive.Reader) throws {
        let filling = FileStore.Filling(files)
        while let (name, _) = try reader.next() {
            if let (hash, isPacked) = file(name) {
                try filling.add(hash, isPacked: isPacked) { try reader.piece() }
            } else {
                try reader.skip()
            }
        }
        try filling.finish()
    }

    private static func insert(_ member: String, _ bytes: Data, _ db: any Connection) throws -> Int {
        let name = member.dropFirst("tables/".count)
        guard let table = Schema.tables.first(where: { name.hasPrefix($0 + "-") }) else {
            throw StoreError.unreadable("the backup holds a table “\(name)” this Usher does not know")
        }
        var lines = bytes.split(separator: 10)
        guard !lines.isEmpty, case .array(let names) = try JSON(parsing: Data(lines.removeFirst())) else {
            throw StoreError.unreadable("\(member) is damaged")
        }
        let known = Set(try db.columns(of: table).map(\.name))
        let columns = names.compactMap(\.text)
        guard columns.allSatisfy(known.contains) else {
            throw StoreError.unreadable("\(member) has columns this Usher does not know")
        }
        let rows = try lines.map { line -> [SQLValue] in
            guard case .array(let values) = try JSON(parsing: Data(line)) else {
                throw StoreError.unreadable("\(member) is damaged")
            }
            return try values.map { value in
                switch value {
                case .null: return .null
                case .string(let text): return .text(text)
                default:
                    guard let number = value.integer else { throw StoreError.unreadable("\(member) is damaged") }
                    return .integer(number)
                }
            }
        }
        try db.insert(SQL(raw: "\(table) (\(columns.joined(separator: ", ")))"), rows: rows)
        return rows.count
    }
}

extension JSON {
    fileprivate var items: [JSON] {
        guard case .array(let items) = self else { return [] }
        return items
    }
}

extension Connection {
    /// A restore replaces everything, so nothing that somebody made may be there.
    fileprivate func refuseUnlessEmpty() throws {
        for (table, what) in [
            ("ticket", "tickets"), ("agent", "agents"), ("customer", "customers"), ("article", "articles"),
            ("mailbox", "mailboxes"),
        ] {
            if try value("SELECT 1 FROM \(SQL(raw: table)) LIMIT 1", as: Int64.self) != nil {
                throw Refusal.conflict(
                    Sentence(english: "This desk isn't empty: it has \(what). Restore into a new one."), allowed: [])
            }
        }
    }
}
