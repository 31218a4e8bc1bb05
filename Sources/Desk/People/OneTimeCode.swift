import Crypto
import Foundation
import Store

/// The second factor: six digits that change every half minute (RFC 6238 over RFC 4226, HMAC-SHA-1, as authenticator
/// apps expect).
package enum OneTimeCode {
    private static let period: TimeInterval = 30

    package static func step(at moment: Date) -> Int64 { Int64(moment.timeIntervalSince1970 / period) }

    package static func code(secret: [UInt8], step: Int64) -> String {
        let message = withUnsafeBytes(of: step.bigEndian) { Array($0) }
        let mac = Array(HMAC<Insecure.SHA1>.authenticationCode(for: message, using: SymmetricKey(data: secret)))
        // RFC 4226, section 5.3: the last four bits say where to cut.
        let offset = Int(mac[mac.count - 1] & 0x0F)
        let number = mac[offset..<(offset + 4)].reduce(UInt32(0)) { $0 << 8 | UInt32($1) } & 0x7FFF_FFFF
        let digits = String(number % 1_000_000)
        return String(repeating: "0", count: 6 - digits.count) + digits
    }

    /// The step a code belongs to, one before and one after allowed for clocks that differ; none that was used already.
    package static func matchingStep(_ code: String, secret: [UInt8], at moment: Date, after used: Int64) -> Int64? {
        let digits = code.filter { $0.isNumber }
        let present = step(at: moment)
        return (present - 1...present + 1).first {
            $0 > used && Secret.areEqual(OneTimeCode.code(secret: secret, step: $0), digits)
        }
    }

    /// The address an authenticator app reads (Key URI format).
    package static func address(secret: [UInt8], account: String, desk: String) -> String {
        func encode(_ text: String) -> String {
            text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        }
        return "otpauth://totp/\(encode(desk)):\(encode(account))?secret=\(base32(secret))&issuer=\(encode(desk))"
    }

    /// RFC 4648, section 6, without padding.
    package static func base32(_ bytes: [UInt8]) -> String { Base32.encode(bytes, alphabet: Base32.standard) }

    package static func newSecret() -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<20).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }
}
