import Foundation
import Markup
import Store

/// A copy of the whole desk in a form that belongs to neither engine: tables as lines of JSON, attachments as they are.
package enum Backup {
    private static let format: Int64 = 1
    private static let linesInMember = 5000

    /// Writes one consistent snapshot while the desk runs; returns how many rows and files it holds.
    ///
    /// - Parameter secret: what links and Message-IDs were signed with, so that they still hold where it is restored.
    package static func write(_ desk: Desk, to url: URL, secret: String, progress: @escaping @Sendable (Int, Int) -> Void = { _, _ in }) async throws -> (rows: Int, files: Int) {
        let now = desk.clock.now()
        // Only this task writes; the reading closure may run again after a lost connection, then from the beginning.
        let writer = UncheckedWriter(try Archive.Writer(url))
        let rows = try await desk.read { db in
            try writer.archive.rewind()
            let manifest: JSON = ["format": JSON(format), "steps": .array(Schema.migrator.steps.map { .string($0.name) }), "made_at": .string(now.rfc3339)]
            try writer.archive.add("usher-backup.json", Data(manifest.written.utf8))
            try writer.archive.add("secret", Data(secret.utf8))
            var rows = 0
            for (index, table) in Schema.tables.enumerated() {
                rows += try write(table, db, to: writer.archive)
                progress(index + 1, Schema.tables.count)
            }
            return rows
        }
        // Content-addressed files never change, so what the snapshot names can be copied after it.
        let hashes: [String] = try await desk.read { try $0.query("SELECT hash FROM blob ORDER BY hash") { try $0.read() } }
        var files = 0
        for hash in hashes {
            guard let bytes = try? desk.files.bytes(of: hash) else {  // `usher check` names what is missing; the rest is worth keeping
                desk.log.error("a file is missing from the store", metadata: ["hash": "\(hash)"])
                continue
            }
            try writer.archive.add("blobs/\(hash)", bytes)
            files += 1
        }
        try writer.archive.finish()
        return (rows, files)
    }

    private struct UncheckedWriter: @unchecked Sendable {
        let archive: Archive.Writer
        init(_ archive: Archive.Writer) { self.archive = archive }
    }

    private static func write(_ table: String, _ db: any Connection, to archive: Archive.Writer) throws -> Int {
        let columns = try db.columns(of: table)
        let names = JSON.array(columns.map { .string($0.name) }).written + "\n"
        var lines = names
        var (count, part, total) = (0, 0, 0)
        func flush() throws {
            guard count > 0 else { return }
            let digits = String(part)
            try archive.add("tables/\(table)-\(String(repeating: "0", count: max(0, 6 - digits.count)) + digits).ndjson", Data(lines.utf8))
            (lines, count, part) = (names, 0, part + 1)
        }
        let list = SQL(raw: columns.map(\.name).joined(separator: ", "))
        try db.run("SELECT \(list) FROM \(SQL(raw: table)) ORDER BY \(SQL(raw: columns.contains { $0.name == "id" } ? "id" : "1"))") { row in
            var json = JSONText(capacity: 256)
            var values: [JSON] = []
            for column in columns { values.append(column.isInteger ? try row.read(Int64?.self).map { JSON($0) } ?? .null : JSON(try row.read(String?.self))) }
            json.write(.array(values))
            lines += json.text + "\n"
            count += 1
            total += 1
            if count == linesInMember { try flush() }
        }
        try flush()
        return total
    }

    /// Fills an empty desk from a backup, on either engine. Returns the secret it was made with.
    package static func restore(_ url: URL, into desk: Desk, progress: @escaping @Sendable (String) -> Void = { _ in }) async throws -> (rows: Int, files: Int, secret: String) {
        // Files first: a row never stands for a file that is not there.
        var files = 0
        var secret = ""
        let first = try Archive.Reader(url)
        guard let manifest = try first.next(), manifest.name == "usher-backup.json" else { throw StoreError.unreadable("this is no backup of Usher's") }
        try accept(manifest.bytes)
        while let member = try first.next() {
            if member.name == "secret" { secret = String(decoding: member.bytes, as: UTF8.self) }
            guard member.name.hasPrefix("blobs/") else { continue }
            guard try desk.files.keep(Data(member.bytes)) == String(member.name.dropFirst(6)) else { throw StoreError.unreadable("\(member.name) is damaged") }
            files += 1
        }
        let rows = try await desk.write { tx in
            guard try tx.db.isEmptyDesk() else { throw Refusal.conflict("the desk is not empty; restore into a new one", allowed: []) }
            for table in Schema.tables.reversed() { try tx.db.execute("DELETE FROM \(SQL(raw: table))") }
            let reader = try Archive.Reader(url)
            var rows = 0
            while let member = try reader.next() {
                guard member.name.hasPrefix("tables/") else { continue }
                rows += try insert(member.name, member.bytes, tx.db)
                progress(member.name)
            }
            try tx.db.continueNumbering(Schema.tables)
            try tx.indexEverything()
            return rows
        }
        try await desk.tendIndex(quietly: false)
        try await desk.reloadSettings()
        return (rows, files, secret)
    }

    private static func accept(_ bytes: Data) throws {
        let manifest = try JSON(parsing: bytes)
        guard manifest["format"]?.integer == format, case .array(let steps)? = manifest["steps"] else { throw StoreError.unreadable("this backup has a form this Usher does not know") }
        let known = Set(Schema.migrator.steps.map(\.name))
        if let unknown = steps.compactMap(\.text).first(where: { !known.contains($0) }) { throw StoreError.newerDatabase(unknown) }
    }

    private static func insert(_ member: String, _ bytes: Data, _ db: any Connection) throws -> Int {
        let name = member.dropFirst("tables/".count)
        guard let table = Schema.tables.first(where: { name.hasPrefix($0 + "-") }) else { throw StoreError.unreadable("the backup holds a table “\(name)” this Usher does not know") }
        var lines = bytes.split(separator: 10)
        guard !lines.isEmpty, case .array(let names) = try JSON(parsing: Data(lines.removeFirst())) else { throw StoreError.unreadable("\(member) is damaged") }
        let known = Set(try db.columns(of: table).map(\.name))
        let columns = names.compactMap(\.text)
        guard columns.allSatisfy(known.contains) else { throw StoreError.unreadable("\(member) has columns this Usher does not know") }
        let rows = try lines.map { line -> [SQLValue] in
            guard case .array(let values) = try JSON(parsing: Data(line)) else { throw StoreError.unreadable("\(member) is damaged") }
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

extension Connection {
    fileprivate func isEmptyDesk() throws -> Bool {
        let tickets: Int64? = try value("SELECT 1 FROM ticket LIMIT 1")
        let agents: Int64? = try value("SELECT 1 FROM agent LIMIT 1")
        return tickets == nil && agents == nil
    }
}

extension Transaction {
    /// Makes the search index anew from what is kept.
    fileprivate func indexEverything() throws {
        var after: Int64 = 0
        while true {
            let tickets: [Ticket.ID] = try db.query("SELECT id FROM ticket WHERE id > \(after) ORDER BY id LIMIT 500") { try $0.read() }
            guard let last = tickets.last else { break }
            try db.indexTexts(of: tickets)
            // Put off to the commit, the words of the whole desk would lie in memory.
            try db.settleIndex()
            after = last.number
        }
        if let highest: Int64 = try db.value("SELECT max(number) FROM ticket", as: Int64?.self) ?? nil { try db.advance(.ticketNumber, past: highest) }
    }
}
