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
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []  // a folder is made on first use
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
    private static let graceOfFiles: TimeInterval = 86400

    /// Removes files that were kept for something that was then refused: nothing in the database names them, and they are
    /// older than a day. Returns how many there were.
    @discardableResult
    package func sweepFiles() async throws -> Int {
        let moment = clock.now() - Self.graceOfFiles
        var count = 0
        for folder in FileStore.folderNames {
            let found = files.hashes(in: folder, untouchedSince: moment)
            guard !found.isEmpty else { continue }
            let named = try await read { db in
                try found.filter { hash in try db.value("SELECT 1 FROM blob WHERE hash = \(hash)", as: Int64.self) != nil }
            }
            for hash in Set(found).subtracting(named) {
                try files.sweep(hash, untouchedSince: moment)
                count += 1
            }
        }
        return count
    }
}
