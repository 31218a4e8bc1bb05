import Crypto
import Foundation

/// Signs what leaves the desk and comes back: reply addresses, Message-IDs, links. One secret, one key for each
/// purpose.
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
        /// Links of `one_time_link`
        case oneTime
        /// The mark of a device that has signed in before.
        case device
        /// That a password was right, until the second factor's code.
        case secondStep
        /// A question to a mail provider for its consent.
        case consent
        /// Recovery codes of the second factor.
        case recovery
        /// The address of a picture from elsewhere that is shown through the desk.
        case picture
        /// By which a desk knows its own secret again.
        case fingerprint
    }

    /// Eighty bits of HMAC-SHA-256 in base 32: short enough for an address, out of reach for guessing over a network.
    package func mark(_ text: String, for purpose: Purpose) -> String {
        let code = HMAC<SHA256>.authenticationCode(for: Array("\(purpose.rawValue):\(text)".utf8), using: secret)
        return Base32.encode(Array(code).prefix(10))
    }

    /// Tells this secret from another, and nothing of it.
    package var fingerprint: String { mark("usher", for: .fingerprint) }

    /// Compares in constant time.
    package func isGenuine(_ mark: String, of text: String, for purpose: Purpose) -> Bool {
        Secret.areEqual(self.mark(text, for: purpose), mark.lowercased())
    }

    /// Encrypts what has to be read again (AES-256-GCM): the database alone gives it to nobody.
    package func seal(_ bytes: [UInt8]) -> String? {
        try? AES.GCM.seal(bytes, using: sealing).combined.map { Hex.encode($0) }
    }
    package func open(_ sealed: String) -> [UInt8]? {
        guard let bytes = Hex.decode(Substring(sealed)), let box = try? AES.GCM.SealedBox(combined: bytes) else {
            return nil
        }
        // sealed with another secret: not ours to read
        return (try? AES.GCM.open(box, using: sealing)).map { Array($0) }
    }
    /// The same, bound to what it is for: it opens under the same words only.
    func seal(_ bytes: [UInt8], for context: String) -> String? {
        try? AES.GCM.seal(bytes, using: sealing, authenticating: Array(context.utf8)).combined.map { Hex.encode($0) }
    }
    func open(_ sealed: String, for context: String) -> [UInt8]? {
        guard let bytes = Hex.decode(Substring(sealed)), let box = try? AES.GCM.SealedBox(combined: bytes) else {
            return nil
        }
        // Sealed for something else, or with another secret: not to be read here.
        return (try? AES.GCM.open(box, using: sealing, authenticating: Array(context.utf8))).map { Array($0) }
    }
    private var sealing: SymmetricKey {
        HKDF<SHA256>.deriveKey(inputKeyMaterial: secret, info: Array("usher seal".utf8), outputByteCount: 32)
    }
}

/// Crockford's alphabet in lower case: nothing in it needs quoting in an address, a link or a header.
package enum Base32 {
    private static let crockford = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)
    /// As RFC 4648, section 6, has it, for programs that expect that.
    static let standard = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".utf8)

    package static func encode(_ bytes: some Sequence<UInt8>) -> String { encode(bytes, alphabet: crockford) }

    static func encode(_ bytes: some Sequence<UInt8>, alphabet: [UInt8]) -> String {
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
    /// Compares in constant time.
    package static func areEqual(_ left: String, _ right: String) -> Bool {
        let (left, right) = (Array(left.utf8), Array(right.utf8))
        guard left.count == right.count else { return false }
        return zip(left, right).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
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
            guard let byte = UInt8(String(decoding: digits[index...(index + 1)], as: UTF8.self), radix: 16) else {
                return nil
            }
            bytes.append(byte)
        }
        return bytes
    }
}
