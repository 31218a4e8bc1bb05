import Foundation
import Measuring
import Testing

@testable import Mail

@Suite("How deep a message goes")
struct NestingTests {
    private static func depth(_ text: String) -> Int {
        Data(text.utf8).withUnsafeBytes { MessageNesting.depth($0, most: 100) }
    }

    /// Every level declares the next in its own header.
    private static func nested(_ count: Int, _ lineEnd: String = "\n") -> String {
        (0..<count).map { "Content-Type: multipart/mixed; boundary=b\($0)\(lineEnd)\(lineEnd)--b\($0)\(lineEnd)" }
            .joined()
            + "\(lineEnd)words"
    }

    @Test("words and files that speak of boundaries hold no parts")
    func words() {
        for line in [
            "the boundary stone", "Content-Type: multipart/mixed; boundary=abc", "--abc",
            "Content-Type: message/rfc822",
            "> Content-Type: multipart/mixed; boundary=\"abc\"",
        ] {
            let many = String(repeating: line + "\n", count: 500)
            #expect(Self.depth("Subject: x\n\n\(many)") == 0)
            #expect(Self.depth("Content-Type: multipart/mixed; boundary=o\n\n--o\n\n\(many)\n--o--\n") == 1)
        }
    }

    @Test("what stands beside each other is not nested")
    func besides() {
        let one =
            "--o\nContent-Type: message/rfc822\n\nContent-Type: multipart/alternative; boundary=i\n\n--i\n\nhi\n--i--\n"
        #expect(
            Self.depth("Content-Type: multipart/mixed;\n boundary=o\n\n\(String(repeating: one, count: 300))--o--") == 3
        )
        let digest = String(repeating: "--o\n\nSubject: one of many\n\nwords\n", count: 300)
        #expect(Self.depth("Content-Type: multipart/digest; boundary=o\n\n\(digest)--o--") == 2)
    }

    @Test("every way a header declares parts counts", arguments: ["\n", "\r\n"])
    func declared(lineEnd: String) {
        for count in [1, 2, 50, 100] { #expect(Self.depth(Self.nested(count, lineEnd)) == count) }
        #expect(Self.depth(Self.nested(5000, lineEnd)) == 101)
        let messages = String(repeating: "CONTENT-TYPE : Message/RFC822\(lineEnd)\(lineEnd)", count: 60)
        #expect(Self.depth(messages) == 60)
        let same = String(
            repeating: "Content-type: multipart/x;\(lineEnd)\tBOUNDARY=\"b\"\(lineEnd)\(lineEnd)--b\(lineEnd)",
            count: 40)
        #expect(Self.depth(same) == 40)
        // No empty line stands above the first part.
        #expect(
            Self.depth("Content-Type: multipart/x; boundary=b\(lineEnd)--b\(lineEnd)\(Self.nested(7, lineEnd))") == 8)
    }

    @Test("a mail about boundaries is read like any other", arguments: ["\n", "\r\n"])
    func read(lineEnd: String) {
        let words = String(repeating: "The boundary of plot 7 was moved; the boundary fence is gone.\n", count: 200)
        let text =
            """
            Content-Type: multipart/mixed; boundary=o\nFrom: kim@harbour.example\nSubject: Plot\n\n--o\nContent-Type: \
            text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\nGr=C3=BC=C3=9Fe\n\(words)\n--o--\n
            """
        let found = MessageReader.read(Data(text.replacingOccurrences(of: "\n", with: lineEnd).utf8))
        #expect(found.faults.isEmpty && found.text.hasPrefix("Grüße\nThe boundary") && !found.text.contains("--o"))
    }

    @Test("of a message that goes too deep, who wrote and what about are read", arguments: ["\n", "\r\n"])
    func tooDeep(lineEnd: String) {
        for head in [
            "From: kim@harbour.example\(lineEnd)Subject: Deep\(lineEnd)\(Self.nested(300, lineEnd))",
            Self.nested(300, lineEnd).replacingOccurrences(
                of: "b0\(lineEnd)\(lineEnd)",
                with: "b0\(lineEnd)From: kim@harbour.example\(lineEnd)Subject: Deep\(lineEnd)\(lineEnd)"),
        ] {
            let found = MessageReader.read(Data(head.utf8))
            #expect(found.subject == "Deep" && found.from?.address == "kim@harbour.example")
            #expect(!found.faults.isEmpty && found.text.contains("words"))
        }
    }

    @Test(
        "the time grows with the message",
        arguments: [
            "--\n", "--b\n", "Content-Type: multipart/x; boundary=b\n\n--b\n", "\n", "a: b\n", "-- --\n", "--b--\n",
        ])
    func growth(unit: String) {
        let head = "Content-Type: multipart/x; boundary=b\n\n--b\n"
        let make: (Int) -> Data = { Data((head + Growth.repeated(unit)($0)).utf8) }
        #expect(
            Growth.isLinear(make, size: 256 << 10) { bytes in
                _ = bytes.withUnsafeBytes { MessageNesting.depth($0, most: 100) }
            })
    }
}
