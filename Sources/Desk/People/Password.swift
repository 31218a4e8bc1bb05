import Crypto
import CryptoExtras
import Foundation
import Primitives
import Synchronization

/// Passwords as they are kept: scrypt (RFC 7914) with a salt of their own.
package enum Password {
    package static let shortest = 10

    /// The most bytes of one: hashing must not be given megabytes.
    package static let longest = 1000

    /// What is wrong with a new password; nil for one that is taken.
    package static func problem(_ password: String) -> Fault.Problem? {
        if password.count < shortest { return .tooShort(least: shortest) }
        return password.utf8.count > longest ? .tooLong(most: longest) : nil
    }

    /// `scrypt$rounds$salt$key`, hexadecimal.
    package static func hash(_ password: String, rounds: Int = Password.rounds) throws -> String {
        let salt = (0..<16).map { _ in UInt8.random(in: .min ... .max) }
        return try "scrypt$\(rounds)$\(Hex.encode(salt))$\(Hex.encode(derive(password, salt: salt, rounds: rounds)))"
    }

    package static func verify(_ password: String, against kept: String) -> Bool {
        let parts = kept.split(separator: "$")
        guard parts.count == 4, parts[0] == "scrypt", let rounds = Int(parts[1]), let salt = Hex.decode(parts[2]),
            let key = Hex.decode(parts[3]),
            // a cost the library refuses matches nothing
            let derived = try? derive(password, salt: salt, rounds: rounds),
            derived.count == key.count
        else { return false }
        return zip(derived, key).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }

    /// N = 2^15, r = 8, p = 1: about 32 MiB and a tenth of a second.
    static let usualRounds = 1 << 15
    private static let cost = Atomic<Int>(usualRounds)
    package static var rounds: Int { cost.load(ordering: .relaxed) }

    /// Tests sign many people in and prove other things than the cost of a hash. Nothing else calls this.
    package static func hashCheaply(rounds: Int) { cost.store(rounds, ordering: .relaxed) }

    private static func derive(_ password: String, salt: [UInt8], rounds: Int) throws -> [UInt8] {
        try KDF.Scrypt.deriveKey(
            from: Array(password.utf8), salt: salt, outputByteCount: 32, rounds: rounds, blockSize: 8, parallelism: 1,
            maxMemory: 64 << 20
        ).withUnsafeBytes { Array($0) }
    }
}
