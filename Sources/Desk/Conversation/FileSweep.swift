import Foundation
import Store

extension FileStore {
    /// A file that may be swept, and where it lies meanwhile.
    struct Swept: Sendable {
        let hash: String
        let from: String
        let to: String
    }

    private var sweptFolder: URL { folder.appending(path: "swept") }

    /// The 256 folders that files lie in.
    static let folderNames = (0..<256).map { Hex.encode([UInt8($0)]) }

    /// Hashes of the files of one folder that were not written, nor asked for, since a moment.
    func hashes(in name: String, untouchedSince moment: Date) -> [String] {
        let folder = folder.appending(path: name).path
        // a folder is made on first use
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.compactMap { file in
            guard let written = Self.written("\(folder)/\(file)"), written < moment else { return nil }
            return name + (file.hasSuffix(".gz") ? String(file.dropLast(3)) : file)
        }
    }

    /// Removes a file, unless somebody asks for it at the same moment.
    ///
    /// It is moved aside first. `touch` fails from then on, so whoever keeps the same content writes it anew; whoever
    /// touched it before is seen by its time, and it is moved back.
    func sweep(_ hash: String, untouchedSince moment: Date) throws {
        mkdir(sweptFolder.path, 0o700)
        for place in places(of: hash) {
            let aside = sweptFolder.appending(path: UUID().uuidString).path
            guard rename(place.path, aside) == 0 else { continue }
            guard let written = Self.written(aside), written < moment else {
                guard rename(aside, place.path) == 0 else { throw Self.fault("rename") }
                continue
            }
            unlink(aside)
        }
    }

    private static func written(_ path: String) -> Date? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return Date(timeIntervalSince1970: Double(status.st_mtim.tv_sec))
    }
}

extension Desk {
    /// How long a file may lie there before something names it.
    static let graceOfFiles: TimeInterval = 86400

    /// Removes files that nothing names and that are older than a day: those of something that was refused, and those
    /// of erased tickets. Returns how many there were.
    ///
    /// First the row goes that says a file is there, then the file. Whoever keeps the same content at that moment
    /// either holds on to the row (`Transaction.keep`), so that it stays, or finds none and writes both again.
    @discardableResult
    package func sweepFiles() async throws -> Int {
        let moment = clock.now() - Self.graceOfFiles
        var count = 0
        for folder in FileStore.folderNames {
            let unnamed = try await read { try $0.unnamedFiles(in: folder, keptBefore: moment) }
            if !unnamed.isEmpty { try await write { try $0.forgetFiles(unnamed, keptBefore: moment) } }
            let found = files.hashes(in: folder, untouchedSince: moment)
            guard !found.isEmpty else { continue }
            let named = try await read { db in
                try found.filter { hash in
                    try db.value("SELECT 1 FROM blob WHERE hash = \(hash)", as: Int64.self) != nil
                }
            }
            for hash in Set(found).subtracting(named) {
                try files.sweep(hash, untouchedSince: moment)
                count += 1
            }
        }
        return count
    }
}

/// At most so many at once, so that the transaction stays short; the next sweep finds the rest.
private let mostForgotten = 500

extension Connection {
    /// Files of one folder that no entry, draft or received message names.
    fileprivate func unnamedFiles(in folder: String, keptBefore moment: Date) throws -> [String] {
        // Hashes are written in 0 to f: the next letter ends the last folder.
        try query(
            """
            SELECT hash FROM blob WHERE hash >= \(folder) AND hash < \(folder + "g")
            AND \(isUnnamed(keptBefore: moment))
            ORDER BY hash LIMIT \(mostForgotten)
            """
        ) { try $0.read() }
    }
}

/// A file that nothing names, and that was not kept since a moment.
private func isUnnamed(keptBefore moment: Date) -> SQL {
    """
    stored_at < \(moment) AND NOT EXISTS (SELECT 1 FROM attachment WHERE attachment.hash = blob.hash)
    AND NOT EXISTS (SELECT 1 FROM draft_file WHERE draft_file.hash = blob.hash)
    AND NOT EXISTS (SELECT 1 FROM entry WHERE entry.raw = blob.hash) AND NOT EXISTS (SELECT 1 FROM received
    WHERE received.raw = blob.hash)
    """
}

extension Transaction {
    /// Asked once more for each, since something may name it by now.
    fileprivate func forgetFiles(_ hashes: [String], keptBefore moment: Date) throws {
        for hash in hashes {
            try db.execute("DELETE FROM blob WHERE hash = \(hash) AND \(isUnnamed(keptBefore: moment))")
        }
    }
}
