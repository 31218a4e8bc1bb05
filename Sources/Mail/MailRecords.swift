import CResolver
import Foundation

/// What the DNS says of a domain that mail is sent from: SPF (RFC 7208), DMARC (RFC 7489), DKIM (RFC 6376). Each list
/// is nil where nobody could be asked.
package struct MailRecords: Sendable {
    package var spf: [String]?
    package var dmarc: [String]?
    /// By selector.
    package var dkim: [String: [String]?]

    package init(spf: [String]?, dmarc: [String]?, dkim: [String: [String]?]) {
        self.spf = spf
        self.dmarc = dmarc
        self.dkim = dkim
    }

    /// Asks; takes as long as the machine's resolver does.
    package static func look(up domain: String, selectors: [String]) -> MailRecords {
        MailRecords(
            spf: txt(domain)?.filter { $0.lowercased().hasPrefix("v=spf1") },
            dmarc: txt("_dmarc." + domain)?.filter { $0.lowercased().hasPrefix("v=dmarc1") },
            dkim: Dictionary(
                selectors.map { ($0, txt("\($0)._domainkey.\(domain)")) }, uniquingKeysWith: { first, _ in first }))
    }

    private static func txt(_ name: String) -> [String]? {
        var text = [CChar](repeating: 0, count: 32 << 10)
        let length = usher_txt(name, &text, Int32(text.count))
        guard length >= 0 else { return nil }
        return String(decoding: text.prefix(Int(length)).map { UInt8(bitPattern: $0) }, as: UTF8.self).split(
            separator: "\n"
        ).map(String.init)
    }

    /// What is right and what is missing, each with what to do; nil advice where all is well.
    package func findings(domain: String, keys: [(selector: String, key: DKIMKey)]) -> [(what: String, advice: String?)]
    {
        var findings: [(what: String, advice: String?)] = []
        switch spf {
        case nil:
            findings.append(
                ("SPF of \(domain) could not be looked up", "Check that this machine can reach a DNS server."))
        case .some(let found) where found.isEmpty:
            findings.append(
                (
                    "\(domain) has no SPF record",
                    "add a TXT record at \(domain) that names the servers which send for it, such as: v=spf1 mx -all"
                ))
        case .some(let found) where found.count > 1:
            findings.append(
                (
                    "\(domain) has \(found.count) SPF records",
                    "Keep only one: receivers ignore several (RFC 7208, section 4.5)"
                ))
        default: findings.append(("\(domain) has an SPF record", nil))
        }
        switch dmarc {
        case nil:
            findings.append(
                ("DMARC of \(domain) could not be looked up", "Check that this machine can reach a DNS server."))
        case .some(let found) where found.isEmpty:
            findings.append(
                (
                    "\(domain) has no DMARC record",
                    """
                    add a TXT record at _dmarc.\(domain), such as: v=DMARC1; p=quarantine; \
                    rua=mailto:postmaster@\(domain)
                    """
                ))
        default: findings.append(("\(domain) has a DMARC record", nil))
        }
        if keys.isEmpty {
            findings.append(
                (
                    "mail from \(domain) is not signed here",
                    "add a key under Administration, DKIM keys, unless your mail server signs"
                ))
        }
        for (selector, key) in keys {
            let name = "\(selector)._domainkey.\(domain)"
            guard let found = dkim[selector] ?? nil else {
                findings.append(
                    ("DKIM at \(name) could not be looked up", "Check that this machine can reach a DNS server."))
                continue
            }
            let published = found.contains { Self.publicKey($0) == Self.publicKey(key.record) }
            findings.append(
                published
                    ? ("\(name) has the right key", nil)
                    : (
                        "\(name) \(found.isEmpty ? "has no key" : "has a different key from the one used for signing")",
                        "set its TXT record to: \(key.record)"
                    ))
        }
        return findings
    }

    private static func publicKey(_ record: String) -> String? {
        record.split(separator: ";").map { $0.trimmingWhitespace() }.first { $0.hasPrefix("p=") }.map {
            $0.dropFirst(2).filter { !$0.isWhitespace }
        }
    }
}

extension Substring {
    fileprivate func trimmingWhitespace() -> String { String(self).trimmingWhitespace() }
}
