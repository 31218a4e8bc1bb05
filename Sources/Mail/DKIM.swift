import Crypto
import CryptoExtras
import Foundation

/// A key that signs mail (RFC 6376; Ed25519 is RFC 8463).
package struct DKIMKey: Sendable {
    private enum Key: Sendable {
        case rsa(_RSA.Signing.PrivateKey)
        case ed25519(Curve25519.Signing.PrivateKey)
    }
    private let key: Key

    /// From a private key in PEM; nil for anything weaker than RSA of 1024 bits or of another kind.
    package init?(pem: String) {
        if let rsa = try? _RSA.Signing.PrivateKey(pemRepresentation: pem) {
            guard rsa.keySizeInBits >= 1024 else { return nil }
            key = .rsa(rsa)
            return
        }
        // PKCS #8 of Ed25519 (RFC 8410, section 7) is a fixed head and the thirty-two bytes.
        let lines = pem.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("-----") }
        guard let bytes = Data(base64Encoded: lines.joined()), bytes.count >= 48 else { return nil }
        let head: [UInt8] = [
            0x30, 0x2E, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
        ]
        guard bytes.prefix(16).elementsEqual(head),
            let ed = try? Curve25519.Signing.PrivateKey(rawRepresentation: bytes.dropFirst(16).prefix(32))
        else { return nil }
        key = .ed25519(ed)
    }

    var algorithm: String {
        switch key {
        case .rsa: "rsa-sha256"
        case .ed25519: "ed25519-sha256"
        }
    }

    func sign(_ data: Data) -> Data? {
        let digest = SHA256.hash(data: data)
        switch key {
        case .rsa(let key): return (try? key.signature(for: digest, padding: .insecurePKCS1v1_5))?.rawRepresentation
        // RFC 8463, section 3: what is signed is the hash.
        case .ed25519(let key): return try? key.signature(for: Data(digest))
        }
    }

    /// What the domain's TXT record `SELECTOR._domainkey` has to say.
    package var record: String {
        switch key {
        case .rsa(let key): "v=DKIM1; k=rsa; p=\(key.publicKey.derRepresentation.base64EncodedString())"
        case .ed25519(let key): "v=DKIM1; k=ed25519; p=\(key.publicKey.rawRepresentation.base64EncodedString())"
        }
    }
}

/// Signs a message for one domain.
package struct DKIMSigner: Sendable {
    package let domain: String
    package let selector: String
    package let key: DKIMKey
    package init(domain: String, selector: String, key: DKIMKey) {
        self.domain = domain
        self.selector = selector
        self.key = key
    }

    private static let signed = [
        "from", "to", "cc", "reply-to", "subject", "date", "message-id", "in-reply-to", "references", "mime-version",
        "content-type", "content-transfer-encoding", "auto-submitted",
    ]

    /// The message with a `DKIM-Signature` in front, `relaxed/relaxed`; the message itself where it cannot be signed.
    package func sign(_ message: Data, at date: Date) -> Data {
        let separator = Data("\r\n\r\n".utf8)
        guard let gap = message.range(of: separator) else { return message }
        let headers = Self.fields(message[..<gap.lowerBound])
        let body = Data(SHA256.hash(data: Self.relaxedBody(message[gap.upperBound...]))).base64EncodedString()
        var names: [String] = []
        var text = ""
        for name in Self.signed {
            // Of several fields of one name the last one is signed, as the verifier looks from below (section 5.4.2).
            guard let field = headers.last(where: { $0.name == name }) else { continue }
            names.append(name)
            text += Self.relaxed(field.name, field.value) + "\r\n"
        }
        // Named once more than it is there, so that nobody adds a second one.
        names.append("from")
        let tags =
            """
            v=1; a=\(key.algorithm); c=relaxed/relaxed; d=\(domain); s=\(selector); \
            t=\(Int(date.timeIntervalSince1970)); h=\(names.joined(separator: ":")); bh=\(body); b=
            """
        text += Self.relaxed("dkim-signature", tags)
        guard let signature = key.sign(Data(text.utf8)) else { return message }
        var signedMessage = Data("DKIM-Signature: \(Self.folded(tags, signature.base64EncodedString()))\r\n".utf8)
        signedMessage.append(message)
        return signedMessage
    }

    /// Spaces between tags and within `b=` do not count, so lines stay short.
    private static func folded(_ tags: String, _ signature: String) -> String {
        var text = tags.replacingOccurrences(of: "; ", with: ";\r\n ")
        var rest = signature[...]
        while !rest.isEmpty {
            text += (text.hasSuffix("b=") ? "" : "\r\n  ") + rest.prefix(70)
            rest = rest.dropFirst(70)
        }
        return text
    }

    private static func fields(_ head: Data) -> [(name: String, value: String)] {
        var fields: [(name: String, value: String)] = []
        for line in String(decoding: head, as: UTF8.self).components(separatedBy: "\r\n") {
            if let first = line.utf8.first, first == 0x20 || first == 0x09, !fields.isEmpty {
                fields[fields.count - 1].value += "\r\n" + line
            } else if let colon = line.firstIndex(of: ":") {
                fields.append(
                    (line[..<colon].lowercased().trimmingWhitespace(), String(line[line.index(after: colon)...])))
            }
        }
        return fields
    }

    /// Section 3.4.2.
    static func relaxed(_ name: String, _ value: String) -> String {
        let words = value.replacingOccurrences(of: "\r\n", with: "").split { $0 == " " || $0 == "\t" }
        return name.lowercased() + ":" + words.joined(separator: " ")
    }

    /// Section 3.4.4.
    static func relaxedBody(_ body: Data) -> Data {
        var lines: [[UInt8]] = []
        var line: [UInt8] = []
        var isSpace = false
        for byte in body {
            switch byte {
            case 0x0D: continue
            case 0x0A:
                lines.append(line)
                line = []
                isSpace = false
            case 0x20, 0x09: isSpace = true
            default:
                if isSpace { line.append(0x20) }
                isSpace = false
                line.append(byte)
            }
        }
        if !line.isEmpty { lines.append(line) }
        while lines.last?.isEmpty == true { lines.removeLast() }
        var relaxed = Data()
        for line in lines {
            relaxed.append(contentsOf: line)
            relaxed.append(contentsOf: [0x0D, 0x0A])
        }
        return relaxed
    }
}
