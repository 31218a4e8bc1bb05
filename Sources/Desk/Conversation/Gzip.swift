import CZlib

/// The gzip format (RFC 1952), by zlib.
package enum Gzip {
    package static func pack(_ bytes: [UInt8], level: Int32 = 9) -> [UInt8]? {
        let room = usher_gzip_bound(UInt(bytes.count))
        var packed = [UInt8](repeating: 0, count: Int(room))
        let length = usher_gzip(bytes, UInt(bytes.count), &packed, room, level)
        return length == 0 ? nil : Array(packed.prefix(Int(length)))
    }

    /// How long the bytes are unpacked, as the last four of them say; nil for what is no whole file.
    package static func length(_ packed: some RandomAccessCollection<UInt8>) -> Int? {
        guard packed.count >= 18, packed.starts(with: [0x1F, 0x8B]) else { return nil }
        return packed.suffix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    /// Nil for what is damaged, or longer than `most` bytes unpacked.
    package static func unpack(_ packed: [UInt8], most: Int) -> [UInt8]? {
        guard let length = length(packed), length <= most else { return nil }
        if length == 0 { return [] }
        var bytes = [UInt8](repeating: 0, count: length)
        return usher_gunzip(packed, UInt(packed.count), &bytes, UInt(length)) == UInt(length) ? bytes : nil
    }
}
