import Crypto
import Foundation
import Testing

@testable import Mail

@Suite struct MailRecordsTests {
    private static func key() throws -> DKIMKey {
        let der =
            Data([0x30, 0x2E, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20])
            + Curve25519.Signing.PrivateKey().rawRepresentation
        return try #require(
            DKIMKey(pem: "-----BEGIN PRIVATE KEY-----\n\(der.base64EncodedString())\n-----END PRIVATE KEY-----"))
    }

    @Test func whatIsMissingIsSaidWithItsRecord() throws {
        let key = try Self.key()
        let none = MailRecords(spf: [], dmarc: [], dkim: ["s1": []]).findings(
            domain: "desk.example", keys: [("s1", key)])
        #expect(none.count == 3 && none.allSatisfy { $0.advice != nil })
        #expect(none[2].advice?.contains(key.record) == true)
        let right = MailRecords(
            spf: ["v=spf1 mx -all"], dmarc: ["v=DMARC1; p=none"],
            dkim: ["s1": [key.record.replacingOccurrences(of: "; ", with: ";")]]
        ).findings(domain: "desk.example", keys: [("s1", key)])
        #expect(right.allSatisfy { $0.advice == nil })
    }

    @Test func twoSPFRecordsAnotherKeyAndASilentResolverAreFaults() throws {
        let found = MailRecords(spf: ["v=spf1 a", "v=spf1 b"], dmarc: nil, dkim: ["s1": [try Self.key().record]])
            .findings(domain: "desk.example", keys: [("s1", try Self.key())])
        #expect(found.allSatisfy { $0.advice != nil })
        #expect(found[2].what.contains("a different key"))
    }
}

@Suite struct WrappedPartsTests {
    private static func message(_ type: String, _ body: String) -> IncomingMessage {
        MessageReader.read(
            Data(
                """
                From: kim@harbour.example\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; \
                boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nSee below.\r\n--b\r\nContent-Type: \
                \(type)\r\n\r\n\(body)\r\n--b--\r\n
                """
                .utf8))
    }

    @Test func anInvitationCanBeRead() {
        let found = Self.message(
            "text/calendar; method=REQUEST",
            """
            BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nSUMMARY:Visit of the\r\n  \
            engineer\r\nDTSTART:20261124T090000Z\r\nDTEND;TZID=Europe/Berlin:20261124T110000\r\nLOCATION:Harbour\\, \
            gate 2\r\nORGANIZER;CN=Kim:mailto:kim@harbour.example\r\nEND:VEVENT\r\nEND:VCALENDAR
            """
        )
        #expect(found.text.contains("See below."))
        #expect(
            found.text.contains(
                """
                Invitation: Visit of the engineer\nWhen: 2026-11-24 09:00 UTC to 2026-11-24 11:00 \
                (Europe/Berlin)\nWhere: Harbour, gate 2\nOrganizer: Kim <kim@harbour.example>
                """
            ))
        #expect(found.attachments.map(\.type) == ["text/calendar"])
    }

    @Test func aCardCanBeRead() {
        let found = Self.message(
            "text/vcard",
            """
            BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Kim \
            Ito\r\nORG:Harbour;Dock\r\nitem1.EMAIL;TYPE=work:kim@harbour.example\r\nTEL:+49 40 1234\r\nEND:VCARD
            """
        )
        #expect(
            found.text.contains(
                "Card: Kim Ito\nCompany: Harbour, Dock\nEmail: kim@harbour.example\nPhone: +49 40 1234"))
    }

    /// A winmail.dat of one file, put together by the format's rules (MS-OXTNEF).
    @Test func theFilesOfWinmailDatComeOut() throws {
        func attribute(_ level: UInt8, _ id: UInt32, _ data: [UInt8]) -> [UInt8] {
            func little(_ number: UInt32, _ count: Int) -> [UInt8] {
                (0..<count).map { UInt8(truncatingIfNeeded: number >> (8 * UInt32($0))) }
            }
            return [level] + little(id, 4) + little(UInt32(data.count), 4) + data
                + little(data.reduce(0) { $0 &+ UInt32($1) } & 0xFFFF, 2)
        }
        var bytes: [UInt8] = [0x78, 0x9F, 0x3E, 0x22, 0x01, 0x00]
        bytes += attribute(1, 0x0008_9006, [0, 0, 1, 0])
        bytes += attribute(2, 0x0006_9002, [UInt8](repeating: 0, count: 14))
        bytes += attribute(2, 0x0001_8010, Array("scan.txt".utf8) + [0])
        bytes += attribute(2, 0x0006_800F, Array("every page is white".utf8))
        let opened = try #require(WinmailDat(bytes))
        #expect(opened.files.map(\.name) == ["scan.txt"])
        #expect(opened.files.map(\.type) == ["text/plain"])
        #expect(opened.files.first.map { String(decoding: $0.bytes, as: UTF8.self) } == "every page is white")
        // Cut anywhere it harms nobody.
        for length in 0..<bytes.count { _ = WinmailDat(Array(bytes.prefix(length))) }
        for index in 6..<bytes.count {
            var broken = bytes
            broken[index] = 0xFF
            _ = WinmailDat(broken)
        }
    }
}
