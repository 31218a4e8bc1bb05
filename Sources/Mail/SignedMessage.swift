import Foundation

/// What a message of S/MIME (RFC 8551; CMS, RFC 5652) wraps whole into one file.
///
/// Signed data holds the message in the clear. Nothing is verified here; the bytes are taken out for reading. The
/// reader is iterative and bounded, and takes BER with indefinite lengths and strings in pieces as well as DER.
enum SignedMessage {
    enum Content: Equatable {
        case signed([UInt8])
        case encrypted
        /// Neither; the file stays what it is.
        case other
    }

    static func isOne(type: String, name: String) -> Bool {
        switch type {
        case "application/pkcs7-mime", "application/x-pkcs7-mime":
            !name.lowercased().hasSuffix(".p7s") && !name.lowercased().hasSuffix(".p7c")
        case "application/octet-stream", "application/binary", "application/x-pkcs7", "application/pkcs7",
            "application/pkcs7-signature", "application/x-pkcs7-signature":
            name.lowercased().hasSuffix(".p7m")
        default: false
        }
    }

    private static let signedData: [UInt8] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x02]
    private static let encrypted: [[UInt8]] = [
        [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x03],  // envelopedData
        [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x04],  // signedAndEnvelopedData
        [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x06],  // encryptedData
        [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x10, 0x01, 0x17],  // authEnvelopedData
    ]

    static func open(_ bytes: [UInt8]) -> Content {
        let bytes = binary(bytes)
        // ContentInfo: SEQUENCE { type, [0] content }.
        var outer = BER(bytes, 0..<bytes.count)
        guard let info = outer.next(), info.tag == 0x30 else { return .other }
        var fields = BER(bytes, info.content)
        guard let type = fields.next(), type.tag == 0x06 else { return .other }
        let identifier = Array(bytes[type.content])
        if encrypted.contains(identifier) { return .encrypted }
        guard identifier == signedData, let explicit = fields.next(), explicit.tag == 0xA0 else { return .other }
        // SignedData: SEQUENCE { version, algorithms, SEQUENCE { type, [0] OCTET STRING }, … }.
        var wrapped = BER(bytes, explicit.content)
        guard let signed = wrapped.next(), signed.tag == 0x30 else { return .other }
        var parts = BER(bytes, signed.content)
        guard parts.next()?.tag == 0x02, parts.next()?.tag == 0x31, let inner = parts.next(), inner.tag == 0x30 else {
            return .other
        }
        var content = BER(bytes, inner.content)
        guard content.next()?.tag == 0x06, let held = content.next(), held.tag == 0xA0 else { return .other }
        var string = BER(bytes, held.content)
        guard let octets = string.next(), octets.tag & 0x1F == 0x04 else { return .other }
        let message = octets.tag & 0x20 == 0 ? Array(bytes[octets.content]) : joined(bytes, octets.content)
        return message.isEmpty ? .other : .signed(message)
    }

    /// A string sent in pieces, which may be in pieces themselves.
    private static func joined(_ bytes: [UInt8], _ range: Range<Int>) -> [UInt8] {
        var whole: [UInt8] = []
        var reader = BER(bytes, range)
        while let piece = reader.enter() { if piece.tag == 0x04 { whole += bytes[piece.content] } }
        return whole
    }

    /// Without the lines of PEM, and out of base64 where nobody said that it is.
    private static func binary(_ bytes: [UInt8]) -> [UInt8] {
        guard let first = bytes.first, first != 0x30 else { return bytes }
        let lines = bytes.split(separator: 10).filter { !$0.starts(with: Array("-----".utf8)) }
        guard lines.first?.starts(with: Array("MI".utf8)) ?? false else { return bytes }
        return Base64.lenient(Array(lines.joined(separator: [10])))
    }
}

/// Basic Encoding Rules (X.690): elements one after another, each within its bounds; what is cut off goes to the end.
private struct BER {
    struct Element {
        /// The first byte of the identifier; long tags do not occur in what is read here.
        let tag: UInt8
        let content: Range<Int>
    }
    private let bytes: [UInt8]
    private var index: Int
    private let end: Int

    init(_ bytes: [UInt8], _ range: Range<Int>) {
        self.bytes = bytes
        index = range.lowerBound
        end = range.upperBound
    }

    /// The next element as a whole.
    mutating func next() -> Element? {
        guard let head = head(), !(head.tag == 0 && head.length == 0) else { return nil }
        let start = index
        if let length = head.length {
            index = start + min(length, end - start)
            return Element(tag: head.tag, content: start..<index)
        }
        // Of indefinite length: up to its end mark, over all that opens and closes within.
        var open = 1
        var contentEnd = end
        while open > 0 {
            contentEnd = index
            guard let inner = self.head() else {
                contentEnd = end
                break
            }
            if inner.tag == 0, inner.length == 0 {
                open -= 1
            } else if let length = inner.length {
                index += min(length, end - index)
            } else {
                open += 1
            }
        }
        return Element(tag: head.tag, content: start..<min(contentEnd, end))
    }

    /// The next element; one that is built of others is entered, not passed over.
    mutating func enter() -> Element? {
        while let head = head() {
            if head.tag == 0, head.length == 0 { continue }
            let start = index
            if head.tag & 0x20 != 0 { return Element(tag: head.tag, content: start..<start) }
            guard let length = head.length else { return nil }
            index = start + min(length, end - start)
            return Element(tag: head.tag, content: start..<index)
        }
        return nil
    }

    /// Identifier and length; a length of nil is indefinite.
    private mutating func head() -> (tag: UInt8, length: Int?)? {
        guard index < end else { return nil }
        let tag = bytes[index]
        index += 1
        if tag & 0x1F == 0x1F {
            while index < end, bytes[index] & 0x80 != 0 { index += 1 }
            index += 1
        }
        guard index < end else { return nil }
        let first = bytes[index]
        index += 1
        if first == 0x80 { return (tag, nil) }
        if first < 0x80 { return (tag, Int(first)) }
        let count = Int(first & 0x7F)
        guard count <= 7, index + count <= end else { return nil }
        var length = 0
        for byte in bytes[index..<(index + count)] { length = length << 8 | Int(byte) }
        index += count
        return (tag, length)
    }
}
