import Crypto
import Foundation
import Primitives
import Store

/// A POSIX ustar archive (IEEE Std 1003.1, pax, ustar interchange format), written and read one member at a time, a
/// piece of a member at a time: memory does not grow with what is in it.
enum Archive {
    static let block = 512
    /// Bytes that are read or written at once.
    static let piece = 1 << 20
    /// What eleven octal digits can say.
    static let largest = 0o77777777777

    /// What was written or read of a member: its name, its size and the SHA-256 of its bytes.
    struct Member: Equatable, Sendable {
        let name: String
        let size: Int
        let digest: String
    }

    /// Another program is writing the same file at this moment.
    struct IsBeingWritten: Error, CustomStringConvertible {
        let path: String
        var description: String { "another backup is being written to \(path); wait for it, or name another file" }
    }

    final class Writer {
        private let handle: FileHandle
        /// Of every byte so far: heads, bodies and what fills their last blocks.
        private var whole = SHA256()
        init(_ url: URL) throws {
            // What customers wrote is in it: for its owner's eyes.
            let file = open(url.path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
            guard file >= 0 else {
                let reason = String(cString: strerror(errno))
                throw Refusal.conflict(
                    Sentence(english: "\(url.path) can't be written: \(reason). Check the folder and your rights."),
                    allowed: [])
            }
            // The lock goes with the program that holds it, however it ends; what such a one left is written over.
            guard flock(file, LOCK_EX | LOCK_NB) == 0, Self.isStill(file, at: url.path) else {
                close(file)
                throw IsBeingWritten(path: url.path)
            }
            handle = FileHandle(fileDescriptor: file, closeOnDealloc: true)
            try handle.truncate(atOffset: 0)
        }
        deinit { try? handle.close() }

        /// Whether the file that was opened still has this name: whoever held the lock before may have given it another
        /// one meanwhile.
        private static func isStill(_ file: Int32, at path: String) -> Bool {
            var (held, named) = (stat(), stat())
            return fstat(file, &held) == 0 && stat(path, &named) == 0 && held.st_ino == named.st_ino
                && held.st_dev == named.st_dev
        }

        func rewind() throws {
            try handle.truncate(atOffset: 0)
            whole = SHA256()
        }

        /// The SHA-256 of all that was written so far.
        var digest: String { Hex.encode(whole.finalize()) }

        @discardableResult
        func add(_ name: String, _ bytes: Data) throws -> Member {
            try write(Archive.header(name, size: bytes.count))
            try write(bytes)
            try fill(behind: bytes.count)
            return Member(name: name, size: bytes.count, digest: Hex.encode(SHA256.hash(data: bytes)))
        }

        /// Adds a file as it is, piece by piece.
        func add(_ name: String, from file: FileHandle, size: Int) throws {
            try write(Archive.header(name, size: size))
            var rest = size
            while rest > 0 {
                guard let bytes = try file.read(upToCount: min(Archive.piece, rest)), !bytes.isEmpty else {
                    throw StoreError.unreadable("\(name) became shorter while it was read")
                }
                try write(bytes)
                rest -= bytes.count
            }
            try fill(behind: size)
        }

        func finish() throws {
            try write(Data(count: 2 * Archive.block))
            try handle.synchronize()
            try handle.close()
        }
        private func fill(behind size: Int) throws {
            let rest = size % Archive.block
            if rest > 0 { try write(Data(count: Archive.block - rest)) }
        }
        private func write(_ bytes: Data) throws {
            whole.update(data: bytes)
            do { try handle.write(contentsOf: bytes) } catch {
                throw StoreError.full("the backup cannot be written: \(error.localizedDescription)")
            }
        }
    }

    final class Reader {
        private let handle: FileHandle
        private var whole = SHA256()
        /// Where the next byte is read.
        private(set) var position = 0
        /// Bytes of the member that are not read yet, and those that fill its last block.
        private var rest = 0
        private var filling = 0

        init(_ url: URL) throws {
            var isFolder: ObjCBool = false
            if FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder), isFolder.boolValue {
                throw Refusal.conflict(
                    Sentence(english: "\(url.path) is a folder. Name the file of a backup."), allowed: [])
            }
            do { handle = try FileHandle(forReadingFrom: url) } catch {
                throw Refusal.conflict(
                    Sentence(english: "\(url.path) can't be read. Check its name and your rights."), allowed: [])
            }
        }
        deinit { try? handle.close() }

        func rewind() throws {
            try handle.seek(toOffset: 0)
            (position, rest, filling, whole) = (0, 0, 0, SHA256())
        }

        /// The SHA-256 of all that was read so far.
        var digest: String { Hex.encode(whole.finalize()) }

        /// The head of the next member; nil where a block of zeros stands in its place. The file's end is a fault.
        func next() throws -> (name: String, size: Int)? {
            while try piece() != nil {}
            let fields = Array(try read(Archive.block))
            guard fields.contains(where: { $0 != 0 }) else { return nil }
            let name = String(decoding: fields[0..<100].prefix { $0 != 0 }, as: UTF8.self)
            let digits = Archive.octal(fields[124..<136])
            // Byte for byte what the writer writes, so that no letter of a head can change unseen.
            guard let size = digits, try Archive.header(name, size: size) == Data(fields) else {
                throw StoreError.unreadable(
                    "it is damaged at byte \(position - Archive.block), where the head of a part should be")
            }
            rest = size
            filling = (Archive.block - size % Archive.block) % Archive.block
            return (name, size)
        }

        /// The next bytes of the member; nil at its end.
        func piece() throws -> Data? {
            guard rest > 0 else {
                guard filling > 0 else { return nil }
                let zeros = try read(filling)
                filling = 0
                guard zeros.allSatisfy({ $0 == 0 }) else {
                    throw StoreError.unreadable("it is damaged before byte \(position)")
                }
                return nil
            }
            let bytes = try read(min(rest, Archive.piece))
            rest -= bytes.count
            return bytes
        }

        /// All bytes of the member.
        func bytes() throws -> Data {
            var all = Data()
            while let piece = try piece() { all.append(piece) }
            return all
        }

        /// Passes over what is left of the member without reading it; the digest is of no use afterwards.
        func skip() throws {
            position += rest + filling
            (rest, filling) = (0, 0)
            try handle.seek(toOffset: UInt64(position))
        }

        /// Whether nothing stands behind what was read.
        func isAtEnd() throws -> Bool { try handle.read(upToCount: 1)?.isEmpty ?? true }

        private func read(_ count: Int) throws -> Data {
            var bytes = Data()
            while bytes.count < count, let more = try handle.read(upToCount: count - bytes.count), !more.isEmpty {
                bytes.append(more)
            }
            guard bytes.count == count else {
                throw StoreError.unreadable("it ends too early, at byte \(position + bytes.count)")
            }
            position += count
            whole.update(data: bytes)
            return bytes
        }
    }

    private static func octal(_ field: ArraySlice<UInt8>) -> Int? {
        Int(String(decoding: field.prefix { $0 != 0 && $0 != 32 }, as: UTF8.self), radix: 8)
    }

    private static func header(_ name: String, size: Int) throws -> Data {
        guard name.utf8.count < 100, size <= largest else {
            throw StoreError.unreadable("\(name) is too large for a backup")
        }
        var fields = [UInt8](repeating: 0, count: block)
        func put(_ text: String, at offset: Int) {
            for (index, byte) in text.utf8.enumerated() { fields[offset + index] = byte }
        }
        func octal(_ number: Int, _ width: Int) -> String {
            let digits = String(number, radix: 8)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        put(name, at: 0)
        put("0000600", at: 100)
        put("0000000", at: 108)
        put("0000000", at: 116)
        put(octal(size, 11), at: 124)
        put("00000000000", at: 136)
        put("0", at: 156)
        put("ustar", at: 257)
        put("00", at: 263)
        put(octal(checksum(fields), 6), at: 148)
        fields[154] = 0
        fields[155] = 32
        return Data(fields)
    }

    /// The sum of the header's bytes with its own field as blanks.
    private static func checksum(_ fields: [UInt8]) -> Int {
        var sum = 0
        for (offset, byte) in fields.enumerated() { sum += (148..<156).contains(offset) ? 32 : Int(byte) }
        return sum
    }
}
