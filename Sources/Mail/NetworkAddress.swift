import Foundation

/// Internet addresses as limits count them.
package enum NetworkAddress {
    /// The sixteen bytes of an IPv6 address, or the four of an IPv4 one; an IPv4 address written as IPv6 (RFC 4291,
    /// section
    /// 2.5.5.2) is the IPv4 one. Nil for what is no address.
    package static func bytes(_ text: String) -> [UInt8]? {
        // A zone says which of our interfaces it came by, not who came.
        let bare = text.split(separator: "%", omittingEmptySubsequences: false).first.map(String.init) ?? text
        var four = in_addr()
        if inet_pton(AF_INET, bare, &four) == 1 { return withUnsafeBytes(of: four) { Array($0) } }
        var sixteen = in6_addr()
        guard inet_pton(AF_INET6, bare, &sixteen) == 1 else { return nil }
        let bytes = withUnsafeBytes(of: sixteen) { Array($0) }
        let isMapped = bytes.prefix(10).allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
        return isMapped ? Array(bytes.suffix(4)) : bytes
    }

    /// The network an address belongs to, as far as one household or office owns it: an IPv4 address itself, and of an
    /// IPv6 address the first 64 bits (RFC 6177: whoever has one address there has them all).
    package static func network(of text: String) -> String {
        guard let bytes = bytes(text) else { return String(text.prefix(64)) }
        if bytes.count == 4 { return bytes.map(String.init).joined(separator: ".") }
        return stride(from: 0, to: 8, by: 2).map { String(UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]), radix: 16) }
            .joined(separator: ":") + "::/64"
    }
}
