import Crypto
import Foundation

/// Signs what leaves the desk and comes back: reply addresses, Message-IDs, links. One secret, one key for each purpose.
package struct Signer: Sendable {
    private let secret: SymmetricKey

    package init(secret: [UInt8]) { self.secret = SymmetricKey(data: secret) }

    package enum Purpose: String, Sendable {
        /// Reply addresses and Message-IDs.
        case mail
        /// `/t/TOKEN`
        case link
        /// `/survey/TOKEN`
        case survey
        /// The hidden `csrf` input of forms.
        case form
    }

    /// Eighty bits of HMAC-SHA-256 in base 32: short enough for an address, out of reach for guessing over a network.
    package func mark(_ text: String, for purpose: Purpose) -> String {
        let code = HMAC<SHA256>.authenticationCode(for: Array("\(purpose.rawValue):\(text)".utf8), using: secret)
        return Base32.encode(Array(code).prefix(10))
    }

    /// Compares in constant time.
    package func isGenuine(_ mark: String, of text: String, for purpose: Purpose) -> Bool {
        let expected = Array(self.mark(text, for: purpose).utf8)
        let given = Array(mark.lowercased().utf8)
        guard expected.count == given.count else { return false }
        return zip(expected, given).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}

/// Crockford's alphabet in lower case: nothing in it needs quoting in an address, a link or a header.
package enum Base32 {
    private static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)

    package static func encode(_ bytes: some Sequence<UInt8>) -> String {
        var text: [UInt8] = []
        var buffer = 0
        var bits = 0
        for byte in bytes {
            buffer = (buffer << 8 | Int(byte)) & 0xFFFF
            bits += 8
            while bits >= 5 {
                bits -= 5
                text.append(alphabet[buffer >> bits & 31])
            }
        }
        if bits > 0 { text.append(alphabet[buffer << (5 - bits) & 31]) }
        return String(decoding: text, as: UTF8.self)
    }
}

/// Random tokens handed out once and kept as hashes only.
package enum Secret {
    /// A hundred and sixty bits.
    package static func random() -> String {
        var generator = SystemRandomNumberGenerator()
        return Base32.encode((0..<20).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
    }
    package static func hash(_ token: String) -> String {
        SHA256.hash(data: Array(token.utf8)).map { Hex.byte($0) }.joined()
    }
}

/// Lower-case hexadecimal.
package enum Hex {
    private static let digits = Array("0123456789abcdef")
    static func byte(_ byte: UInt8) -> String { String([digits[Int(byte >> 4)], digits[Int(byte & 15)]]) }
    package static func encode(_ bytes: some Sequence<UInt8>) -> String {
        var text: [UInt8] = []
        let digits = Array("0123456789abcdef".utf8)
        for byte in bytes { text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
        return String(decoding: text, as: UTF8.self)
    }
    static func decode(_ text: Substring) -> [UInt8]? {
        let digits = Array(text.utf8)
        guard digits.count % 2 == 0 else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let byte = UInt8(String(decoding: digits[index...(index + 1)], as: UTF8.self), radix: 16) else { return nil }
            bytes.append(byte)
        }
        return bytes
    }
}
