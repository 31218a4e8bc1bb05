import CZlib
import Crypto
import Foundation
import Store

/// Where the bytes of attachments and raw messages lie: one file for each content, named by its SHA-256.
///
/// Written under a temporary name, fsynced and renamed, so that a name never stands for half a file.
package struct FileStore: Sendable {
    package let folder: URL

    package init(folder: URL) throws {
        self.folder = folder
        do {
            try FileManager.default.createDirectory(
                at: folder.appending(path: "new"), withIntermediateDirectories: true)
        } catch {
            throw StoreError.unavailable("the folder \(folder.path) cannot be made: \(error.localizedDescription)")
        }
    }

    package func path(of hash: String) -> URL {
        folder.appending(path: String(hash.prefix(2))).appending(path: String(hash.dropFirst(2)))
    }

    /// Where bytes lie that were packed.
    fileprivate func packedPath(of hash: String) -> URL { path(of: hash).appendingPathExtension("gz") }

    /// Keeps bytes and returns their hash; returns only once they would survive a loss of power.
    ///
    /// - Parameter packs: whether they are compressed: for what is seldom read.
    package func keep(_ bytes: Data, packs: Bool = false) throws -> String {
        let hash = Hex.encode(SHA256.hash(data: bytes))
        // A file of that name is no proof of its content: one that a bad disk or a bad copy damaged is replaced.
        if holds(bytes, as: hash), touch(hash) { return hash }
        // In the form it has, or the damaged one would go on to hide the good one.
        let packs = isPlain(hash) ? false : exists(hash) || packs
        let temporary = folder.appending(path: "new").appending(path: UUID().uuidString)
        do { try write(bytes, to: temporary.path, packs: packs) } catch {
            unlink(temporary.path)
            throw error
        }
        try adopt(temporary.path, as: hash, packed: packs)
        return hash
    }

    /// Gives a finished file, whose bytes are on the disk, the name of its content.
    func adopt(_ temporary: String, as hash: String, packed: Bool = false) throws {
        let target = packed ? packedPath(of: hash) : path(of: hash)
        // Made on first use; that it exists already is the common case.
        mkdir(target.deletingLastPathComponent().path, 0o755)
        guard rename(temporary, target.path) == 0 else { throw FileStore.fault("rename") }
        try sync(folder: target.deletingLastPathComponent().path)
    }

    /// Whether a file with this content is there. If so it counts as written now, so that it is not swept as one that
    /// nobody wanted while a new entry is about to name it.
    func touch(_ hash: String) -> Bool {
        places(of: hash).contains { utimes($0.path, nil) == 0 }
    }
    func places(of hash: String) -> [URL] { [path(of: hash), packedPath(of: hash)] }

    /// Whether these bytes lie there whole.
    private func holds(_ bytes: Data, as hash: String) -> Bool {
        guard exists(hash), size(of: hash) == bytes.count else { return false }
        // A packed file that cannot be unpacked, or a plain one that cannot be read, is damaged: written anew.
        return (try? self.bytes(of: hash)) == bytes
    }

    /// Whether the file of a name is there and its bytes have that SHA-256. Reads all of it.
    package func isWhole(_ hash: String) -> Bool {
        guard isPlain(hash), let file = try? FileHandle(forReadingFrom: path(of: hash)) else {
            guard let unpacked = try? bytes(of: hash) else { return false }
            return Hex.encode(SHA256.hash(data: unpacked)) == hash
        }
        defer { try? file.close() }
        var sum = SHA256()
        do {
            while let piece = try file.read(upToCount: 1 << 20), !piece.isEmpty { sum.update(data: piece) }
        } catch { return false }
        return Hex.encode(sum.finalize()) == hash
    }

    /// The file of a name as it lies there, for a copy; nil where it is missing.
    func stored(_ hash: String) throws -> (file: FileHandle, size: Int, isPacked: Bool)? {
        let isPacked = !isPlain(hash)
        let place = isPacked ? packedPath(of: hash) : path(of: hash)
        guard let size = try? FileManager.default.attributesOfItem(atPath: place.path)[.size] as? Int else {
            return nil
        }
        return (try FileHandle(forReadingFrom: place), size, isPacked)
    }

    /// Removes what writers that were killed left behind.
    ///
    /// - Parameter moment: what was written to since is left alone, since somebody may still be writing it.
    /// - Returns: how many files went.
    package func removeUnfinished(before moment: Date) throws -> Int {
        let place = folder.appending(path: "new")
        var count = 0
        for name in try FileManager.default.contentsOfDirectory(atPath: place.path) {
            let path = place.appending(path: name).path
            var facts = stat()
            guard lstat(path, &facts) == 0, Double(facts.st_mtim.tv_sec) < moment.timeIntervalSince1970 else {
                continue
            }
            if unlink(path) == 0 { count += 1 }
        }
        return count
    }

    package func bytes(of hash: String) throws -> Data {
        guard !isPlain(hash), let packed = try? Data(contentsOf: packedPath(of: hash)) else {
            return try Data(contentsOf: path(of: hash), options: .mappedIfSafe)
        }
        guard let bytes = Gzip.unpack(Array(packed), most: Self.mostBytes) else {
            throw StoreError.unreadable("the file \(hash) is damaged")
        }
        return Data(bytes)
    }
    static let mostBytes = 1 << 30
    /// Whether the bytes lie there as they are, to be sent from the file itself.
    package func isPlain(_ hash: String) -> Bool { FileManager.default.fileExists(atPath: path(of: hash).path) }
    package func exists(_ hash: String) -> Bool {
        isPlain(hash) || FileManager.default.fileExists(atPath: packedPath(of: hash).path)
    }
    /// How many bytes there are, unpacked; nil where the file is missing.
    package func size(of hash: String) -> Int? {
        if isPlain(hash) {
            return try? FileManager.default.attributesOfItem(atPath: path(of: hash).path)[.size] as? Int
        }
        return (try? Data(contentsOf: packedPath(of: hash))).flatMap { Gzip.length($0) }
    }

    private func write(_ bytes: Data, to path: String, packs: Bool) throws {
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL, 0o644)
        guard file >= 0 else { throw FileStore.fault("open") }
        defer { close(file) }
        try bytes.withUnsafeBytes { buffer in
            if packs {
                guard
                    usher_gzip_file(
                        file, buffer.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt(buffer.count), 6) > 0
                else { throw FileStore.fault("write") }
                return
            }
            try FileStore.write(buffer, to: file)
        }
        guard fsync(file) == 0 else { throw FileStore.fault("fsync") }
    }
    static func write(_ buffer: UnsafeRawBufferPointer, to file: Int32) throws {
        var offset = 0
        while offset < buffer.count {
            let written = Foundation.write(file, buffer.baseAddress?.advanced(by: offset), buffer.count - offset)
            guard written > 0 else { throw FileStore.fault("write") }
            offset += written
        }
    }
    static func write(_ bytes: [UInt8], to file: Int32) throws { try bytes.withUnsafeBytes { try write($0, to: file) } }
    private func sync(folder: String) throws {
        let handle = open(folder, O_RDONLY)
        guard handle >= 0 else { throw FileStore.fault("open") }
        defer { close(handle) }
        fsync(handle)
    }
    static func fault(_ call: String) -> StoreError {
        let code = errno
        let message = "\(call): \(String(cString: strerror(code)))"
        return code == ENOSPC || code == EDQUOT ? .full(message) : .unavailable(message)
    }
}

extension FileStore {
    /// Many files at once, for a restore: each under its name as soon as it is written, all on the disk at the end. A
    /// sync for each would take ten milliseconds; one for all takes little more. Used by one thread.
    final class Filling {
        private let store: FileStore
        private let temporary: String
        private var made: Set<String> = []

        init(_ store: FileStore) {
            self.store = store
            temporary = store.folder.appending(path: "new").appending(path: UUID().uuidString).path
        }
        deinit { unlink(temporary) }

        /// Writes the pieces that are handed over as the file of a name. What lies there already is replaced: it may be
        /// damaged.
        func add(_ hash: String, isPacked: Bool, pieces: () throws -> Data?) throws {
            let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
            guard file >= 0 else { throw FileStore.fault("open") }
            let handle = FileHandle(fileDescriptor: file, closeOnDealloc: true)
            while let piece = try pieces() {
                do { try handle.write(contentsOf: piece) } catch {
                    throw errno == ENOSPC || errno == EDQUOT
                        ? StoreError.full("write") : StoreError.unavailable("write: \(error.localizedDescription)")
                }
            }
            try handle.close()
            let (plain, packed) = (store.path(of: hash).path, store.packedPath(of: hash).path)
            let place = store.path(of: hash).deletingLastPathComponent().path
            if made.insert(place).inserted { mkdir(place, 0o700) }
            guard rename(temporary, isPacked ? packed : plain) == 0 else { throw FileStore.fault("rename") }
            // The other form would be read first, or lie there for nothing.
            unlink(isPacked ? plain : packed)
        }

        /// Returns once all would survive a loss of power.
        func finish() throws {
            let handle = open(store.folder.path, O_RDONLY)
            guard handle >= 0 else { throw FileStore.fault("open") }
            defer { close(handle) }
            guard syncfs(handle) == 0 else { throw FileStore.fault("syncfs") }
        }
    }
}

/// A file whose bytes are in the store, about to hang on an entry.
package struct StoredFile: Sendable, Equatable {
    package let hash: String
    package let size: Int
    package let name: String
    package let type: String
    package let contentID: String?
    package let isInline: Bool

    /// Characters of a name; file systems and mail programs take no more.
    package static let longestName = 200

    package var isPicture: Bool { Attachment.pictures.contains(type) }

    package init(hash: String, size: Int, name: String, type: String, contentID: String? = nil, isInline: Bool = false)
    {
        self.hash = hash
        self.size = size
        self.name = name
        self.type = type
        self.contentID = contentID
        self.isInline = isInline
    }
}
