import Foundation
import Store

/// A POSIX ustar archive (IEEE Std 1003.1, pax, ustar interchange format), written and read one member at a time.
enum Archive {
    static let block = 512

    final class Writer {
        private let handle: FileHandle
        init(_ url: URL) throws {
            // What customers wrote is in it: for its owner's eyes.
            guard FileManager.default.createFile(atPath: url.path, contents: nil, attributes: [.posixPermissions: 0o600]) else {
                throw StoreError.unavailable("\(url.path) cannot be written")
            }
            handle = try FileHandle(forWritingTo: url)
        }

        func rewind() throws { try handle.truncate(atOffset: 0) }

        func add(_ name: String, _ bytes: Data) throws {
            try write(Archive.header(name, size: bytes.count))
            try write(bytes)
            let rest = bytes.count % Archive.block
            if rest > 0 { try write(Data(count: Archive.block - rest)) }
        }
        func finish() throws {
            try write(Data(count: 2 * Archive.block))
            try handle.synchronize()
            try handle.close()
        }
        private func write(_ bytes: Data) throws {
            do { try handle.write(contentsOf: bytes) } catch { throw StoreError.full("the backup cannot be written: \(error.localizedDescription)") }
        }
    }

    final class Reader {
        private let handle: FileHandle
        init(_ url: URL) throws {
            do { handle = try FileHandle(forReadingFrom: url) } catch { throw StoreError.unavailable("\(url.path) cannot be read") }
        }

        /// The next member; nil at the end.
        func next() throws -> (name: String, bytes: Data)? {
            guard let header = try handle.read(upToCount: Archive.block), header.count == Archive.block else { return nil }
            let fields = Array(header)
            guard fields[0] != 0 else { return nil }
            let name = String(decoding: fields[0..<100].prefix { $0 != 0 }, as: UTF8.self)
            let digits = String(decoding: fields[124..<136].prefix { $0 != 0 && $0 != 32 }, as: UTF8.self)
            guard let size = Int(digits, radix: 8), Archive.checksum(fields) == Int(String(decoding: fields[148..<154].prefix { $0 != 0 && $0 != 32 }, as: UTF8.self), radix: 8) else {
                throw StoreError.unreadable("this is no backup, or it is damaged")
            }
            let padded = (size + Archive.block - 1) / Archive.block * Archive.block
            guard size > 0 else { return (name, Data()) }
            guard let bytes = try handle.read(upToCount: padded), bytes.count == padded else { throw StoreError.unreadable("the backup ends too early") }
            return (name, bytes.prefix(size))
        }
    }

    private static func header(_ name: String, size: Int) -> Data {
        var fields = [UInt8](repeating: 0, count: block)
        func put(_ text: String, at offset: Int) { for (index, byte) in text.utf8.enumerated() { fields[offset + index] = byte } }
        func octal(_ number: Int, _ width: Int) -> String {
            let digits = String(number, radix: 8)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        put(String(name.prefix(99)), at: 0)
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
        fields.enumerated().reduce(0) { $0 + ((148..<156).contains($1.offset) ? 32 : Int($1.element)) }
    }
}
