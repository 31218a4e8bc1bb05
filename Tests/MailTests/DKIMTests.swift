import Crypto
import CryptoExtras
import Foundation
import Primitives
import Testing

@testable import Mail

/// RFC 6376 and RFC 8463.
@Suite struct DKIMTests {
    private static let message = Data(
        """
        From: Desk <support@desk.example>\r\nTo: kim@harbour.example\r\nSubject: A  long\r\n subject\r\nDate: Tue, \
        24 Nov 2026 09:00:00 +0000\r\nMessage-ID: <1@desk.example>\r\n\r\nHi  there \r\n\r\nBye\t\r\n\r\n\r\n
        """
        .utf8)

    @Test func theBodyIsRelaxedAsTheStandardSays() {
        #expect(DKIMSigner.relaxedBody(Data(" C \r\nD \t E\r\n\r\n\r\n".utf8)) == Data(" C\r\nD E\r\n".utf8))
        #expect(DKIMSigner.relaxedBody(Data("\r\n\r\n".utf8)).isEmpty)
        #expect(DKIMSigner.relaxed("SUBJect", " Z\r\n\t more ") == "subject:Z more")
    }

    @Test func anEd25519SignatureCanBeVerifiedFromTheMessageAlone() throws {
        let key = Curve25519.Signing.PrivateKey()
        let der =
            Data([0x30, 0x2E, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20])
            + key.rawRepresentation
        let pem = "-----BEGIN PRIVATE KEY-----\n\(der.base64EncodedString())\n-----END PRIVATE KEY-----\n"
        let signer = DKIMSigner(domain: "desk.example", selector: "e1", key: try #require(DKIMKey(pem: pem)))
        let signed = signer.sign(Self.message, at: Date(timeIntervalSince1970: 1_795_510_800))
        let found = try Self.parts(signed)
        #expect(found.tags["a"] == "ed25519-sha256")
        #expect(found.tags["bh"] == Data(SHA256.hash(data: DKIMSigner.relaxedBody(found.body))).base64EncodedString())
        let signature = try #require(Data(base64Encoded: found.tags["b"] ?? ""))
        #expect(key.publicKey.isValidSignature(signature, for: Data(SHA256.hash(data: found.input))))
        // Another subject is another message.
        let changed = Data(
            String(decoding: signed, as: UTF8.self).replacingOccurrences(of: "A  long", with: "A short").utf8)
        #expect(!key.publicKey.isValidSignature(signature, for: Data(SHA256.hash(data: try Self.parts(changed).input))))
    }

    @Test func anRSASignatureCanBeVerifiedFromTheMessageAlone() throws {
        let key = try _RSA.Signing.PrivateKey(keySize: .bits2048)
        let signer = DKIMSigner(
            domain: "desk.example", selector: "r1", key: try #require(DKIMKey(pem: key.pemRepresentation)))
        let found = try Self.parts(signer.sign(Self.message, at: Date(timeIntervalSince1970: 1_795_510_800)))
        let signature = _RSA.Signing.RSASignature(
            rawRepresentation: try #require(Data(base64Encoded: found.tags["b"] ?? "")))
        #expect(
            key.publicKey.isValidSignature(signature, for: SHA256.hash(data: found.input), padding: .insecurePKCS1v1_5))
        #expect(signer.key.record.hasPrefix("v=DKIM1; k=rsa; p=MII"))
    }

    @Test func whatIsNoKeyIsNone() {
        #expect(DKIMKey(pem: "hello") == nil)
        #expect(DKIMKey(pem: "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----") == nil)
    }

    /// What a verifier reads: tags, body, and the bytes that were signed.
    private static func parts(_ message: Data) throws -> (tags: [String: String], body: Data, input: Data) {
        let text = String(decoding: message, as: UTF8.self)
        let gap = try #require(text.range(of: "\r\n\r\n"))
        var fields: [(String, String)] = []
        for line in text[..<gap.lowerBound].components(separatedBy: "\r\n") {
            if line.hasPrefix(" ") || line.hasPrefix("\t") {
                fields[fields.count - 1].1 += "\r\n" + line
            } else {
                let parts = line.split(separator: ":", maxSplits: 1)
                fields.append((parts[0].lowercased(), String(parts[1])))
            }
        }
        let own = try #require(fields.first { $0.0 == "dkim-signature" }).1
        var tags: [String: String] = [:]
        for tag in own.split(separator: ";") {
            let pair = tag.split(separator: "=", maxSplits: 1).map(String.init)
            let value = pair.count > 1 ? pair[1].filter { !$0.isWhitespace } : ""
            tags[pair[0].filter { !$0.isWhitespace }] = value
        }
        var input = ""
        var left = fields
        for name in (tags["h"] ?? "").split(separator: ":").map(String.init) {
            guard let index = left.lastIndex(where: { $0.0 == name }) else { continue }
            input += DKIMSigner.relaxed(name, left.remove(at: index).1) + "\r\n"
        }
        let end = try #require(own.range(of: "b=", options: .backwards))
        input += DKIMSigner.relaxed("dkim-signature", String(own[..<end.upperBound]))
        return (tags, Data(text[gap.upperBound...].utf8), Data(input.utf8))
    }
}

@Suite struct IMAPWordsTests {
    @Test func numbersAreWrittenAsRanges() {
        #expect(IMAPSource.set([1, 2, 3, 7, 9, 10]) == "1:3,7,9:10")
        #expect(IMAPSource.number(after: "UID ", in: "* 12 FETCH (UID 345 RFC822.SIZE 6789)") == 345)
        #expect(IMAPSource.literalLength("* 1 FETCH (UID 3 BODY[] {1024}") == 1024)
        #expect(IMAPSource.literalLength("* OK {no}") == nil)
        #expect(IMAPSource.fetched("* 1 FETCH (UID 3 FLAGS (\\Seen))", nil) == nil)
        #expect(IMAPSource.fetched("* 1 FETCH (UID 3 BODY[] {5})", Data("Words".utf8)) == .message(Data("Words".utf8)))
        #expect(IMAPSource.fetched("* 1 FETCH (UID 3 BODY[] {99999})", nil) == .tooLarge)
        #expect(IMAPSource.fetched(#"* 1 FETCH (BODY[] "a \"b\" c" UID 3)"#, nil) == .message(Data("a \"b\" c".utf8)))
        #expect(IMAPSource.fetched("* 1 FETCH (UID 3 BODY[] NIL)", nil) == .message(Data()))
    }
    /// RFC 3501, section 5.1.3.
    @Test func foldersAreWrittenInTheirOwnAlphabet() {
        #expect(IMAPSource.encoded("Entwürfe") == "Entw&APw-rfe")
        #expect(IMAPSource.encoded("~peter/mail/台北/日本語") == "~peter/mail/&U,BTFw-/&ZeVnLIqe-")
        #expect(IMAPSource.encoded("R&D") == "R&-D")
    }
    @Test func withoutTLSOnlyThisMachineIsSpokenTo() {
        #expect(MailServer(.imap, host: "127.0.0.1", security: .plain).fault == nil)
        #expect(MailServer(.imap, host: "mail.example.org", security: .plain).fault != nil)
        #expect(MailServer(.imap, host: "127.evil.example", security: .plain).fault != nil)
        #expect(MailServer(.imap, host: "a/b", security: .tls).fault != nil)
    }
}
