import Foundation
import Measuring
import Testing

@testable import Mail

/// A message of parts in order, each with its own header.
private func mixed(
    _ parts: [(head: String, body: String)], _ kind: String = "mixed", before: String = "", after: String = ""
)
    -> IncomingMessage
{
    let body = parts.map { "--b\n\($0.head)\n\n\($0.body)\n" }.joined()
    return MessageReader.read(
        Data(
            "From: kim@harbour.example\nSubject: Pump\nContent-Type: multipart/\(kind); boundary=b\n\n\(before)\(body)--b--\n\(after)"
                .utf8))
}

private let plain = "Content-Type: text/plain; charset=utf-8"
private let html = "Content-Type: text/html; charset=utf-8"

/// A winmail.dat whose only attribute is the text of the message (MS-OXTNEF, section 2.1.3.1).
private func winmail(_ text: String) -> String {
    func number(_ value: Int, _ count: Int) -> [UInt8] { (0..<count).map { UInt8(value >> ($0 * 8) & 0xFF) } }
    let data = Array("\(text)\0".utf8)
    let bytes =
        [0x78, 0x9F, 0x3E, 0x22, 1, 0, 1] + number(0x0002_800C, 4) + number(data.count, 4) + data
        + number(data.reduce(0) { $0 + Int($1) }, 2)
    return Data(bytes).base64EncodedString()
}
private let winmailHead = "Content-Type: application/ms-tnef; name=\"winmail.dat\"\nContent-Transfer-Encoding: base64"

@Suite("Words are shown wherever they stand")
struct WordsOutsideTests {
    @Test("the words of a winmail.dat stand beside whatever other texts there are")
    func besideOthers() {
        let inside = (winmailHead, winmail("The pump leaks oil since Monday."))
        let footer = "This email was scanned by a gateway."
        for others in [
            [(plain, footer)], [(plain, ""), (plain, footer)], [(plain, "CAUTION: external"), (plain, footer)],
            [(html, "<p>\(footer)</p>")],
        ] {
            for parts in [[inside] + others, others + [inside]] {
                let found = mixed(parts)
                #expect(found.text.contains("The pump leaks oil since Monday.") && found.text.contains(footer))
                #expect(found.html.map { $0.contains("pump leaks oil") && $0.contains(footer) } ?? true)
            }
        }
        let two = mixed([inside, (winmailHead, winmail("The second one is fine."))])
        #expect(two.text.contains("pump leaks") && two.text.contains("second one"))
    }

    @Test("the same words in a winmail.dat and beside it are shown once")
    func besideTheSame() {
        let words = "The pump leaks oil since Monday."
        for others in [
            [(plain, words)], [(plain, words), (plain, "Scanned by a gateway, all is well.")],
            [(html, "<p>\(words)</p>")],
        ] {
            #expect(mixed(others + [(winmailHead, winmail(words))]).text.components(separatedBy: "leaks").count == 2)
        }
    }

    @Test(
        "a text that is called a file is shown where it is what was written",
        arguments: [
            [
                ("\(plain); name=\"mail.txt\"\nContent-Disposition: inline; filename=\"mail.txt\"", "The pump leaks."),
                (plain, "Footer."),
            ],
            [("\(plain); name=\"mail.txt\"", "The pump leaks."), (html, "<p>Footer.</p>")],
            [("\(html)\nContent-Disposition: attachment", "<p>The pump leaks.</p>"), (plain, "Footer.")],
            [
                (plain, "See the picture. Footer."), ("Content-Type: image/png; name=\"p.png\"", "x"),
                (
                    "\(plain); name=\"ATT00001.txt\"\nContent-Disposition: attachment; filename=\"ATT00001.txt\"",
                    "The pump leaks."
                ),
            ],
            [
                (plain, "See the picture. Footer."), ("Content-Type: image/png; name=\"p.png\"", "x"),
                (
                    "\(html); name=\"ATT00002.htm\"\nContent-Disposition: attachment; filename=\"ATT00002.htm\"",
                    "<p>The pump leaks.</p>"
                ),
            ],
        ])
    func named(parts: [(String, String)]) {
        let found = mixed(parts)
        #expect(found.text.contains("The pump leaks.") && found.text.contains("Footer."))
    }

    @Test("a message that is called an attachment as a whole is shown", arguments: ["", "; filename=\"words.txt\""])
    func whole(name: String) {
        let found = MessageReader.read(
            Data("From: kim@harbour.example\n\(plain)\nContent-Disposition: attachment\(name)\n\nThe pump leaks.".utf8))
        #expect(found.text.trimmingCharacters(in: .whitespacesAndNewlines) == "The pump leaks.")
        #expect(found.attachments.count == (name.isEmpty ? 0 : 1))
    }

    @Test("a file that somebody attached to their words stays a file")
    func file() {
        let found = mixed([
            (plain, "See the log."),
            ("\(plain); name=\"pump.log\"\nContent-Disposition: attachment; filename=\"pump.log\"", "error 17"),
        ])
        #expect(found.text.trimmingCharacters(in: .whitespacesAndNewlines) == "See the log.")
        #expect(found.attachments.map(\.name) == ["pump.log"])
    }

    @Test("an enclosed message that is encoded is a message", arguments: ["rfc822", "global"])
    func enclosed(kind: String) {
        let inner = "Subject: Inner words\nFrom: zoe@other.example\n\nThe boiler is cold."
        for (encoding, body) in [
            ("base64", Data(inner.utf8).base64EncodedString()),
            ("quoted-printable", inner.replacingOccurrences(of: "boiler", with: "b=6Filer")),
        ] {
            let head = "Content-Type: message/\(kind)\nContent-Transfer-Encoding: \(encoding)"
            let alone = MessageReader.read(Data("From: kim@harbour.example\n\(head)\n\n\(body)".utf8))
            #expect(alone.text.contains("The boiler is cold."))
            let beside = mixed([(plain, "Look."), (head, body)])
            #expect(beside.attachments.map(\.name) == ["Inner words.eml"])
            #expect(
                beside.attachments.first.map { String(decoding: $0.bytes, as: UTF8.self).contains("boiler") } == true)
        }
    }

    @Test("words before the first part and behind the last are shown in their place")
    func outside() {
        let found = mixed(
            [(plain, "The middle.")], before: "The beginning of it.\n\n", after: "\nThe end: cancel 4711.\n")
        #expect(
            found.text == "The beginning of it.\n\nThe middle.\n\nThe end: cancel 4711." || found.text.contains("4711"))
        let inHTML = mixed([(html, "<p>The middle.</p>")], before: "The beginning.\n\n", after: "\nThe end.\n")
        #expect(inHTML.html.map { $0.contains("The beginning.") && $0.contains("The end.") } == true)
    }

    @Test(
        "what programs explain before the parts is not shown",
        arguments: [
            "This is a multi-part message in MIME format.", "Dies ist eine mehrteilige Nachricht im MIME-Format.",
            "This is an OpenPGP/MIME signed message (RFC 4880 and 3156)", "Este mensaje está en formato MIME.",
            "This is a multipart message.",
        ])
    func notice(words: String) {
        let found = mixed([(plain, "The pump leaks.")], before: words + "\n\n")
        #expect(found.text.trimmingCharacters(in: .whitespacesAndNewlines) == "The pump leaks." && found.faults.isEmpty)
    }

    @Test("further parts behind an end that came too early are said")
    func lateParts() {
        let found = mixed([(plain, "First.")], after: "--b\nContent-Type: text/plain\n\nSecond.\n--b--\n")
        #expect(found.text.contains("Second.") || !found.faults.isEmpty)
    }
}

@Suite("What one form says more than the other is read")
struct FullerFormTests {
    private static let words = "The pump leaks since Monday, and the alarm of pier four does not stop."

    private static func read(_ text: String, _ markup: String) -> IncomingMessage {
        mixed([(plain, text), (html, markup)], "alternative")
    }

    @Test(
        "lines that only the plain form has are on the page as well",
        arguments: [
            "Invoice number is 99871.", "Please call me back before Friday.", "Bitte rufen Sie mich morgen zurück.",
            "请在 20261130 之前 回电",
        ])
    func plainGoesOn(line: String) {
        let found = Self.read("\(Self.words)\n\(line)", "<p>\(Self.words)</p>")
        #expect(found.text.contains(line) && found.html.map { HTMLText.plain($0).contains(line) } == true)
    }

    @Test(
        "a plain form that was cut does not hide the end",
        arguments: [
            "Invoice number is 99871.", "Please call me back before Friday.",
            "The alarm of pier four leaks oil. The pump leaks oil since Monday, and the pier does not stop.",
        ])
    func plainIsCut(line: String) {
        for end in ["", "..", "…"] {
            let found = Self.read(Self.words + end, "<p>\(Self.words) \(line)</p>")
            #expect(found.text.contains(line) && found.html?.contains(line) == true)
        }
    }

    @Test("where each goes on in its own way, both are read")
    func both() {
        let found = Self.read(
            "\(Self.words)\nMy number is 5551234.", "<p>\(Self.words)</p><p>The gate code is 8812.</p>")
        for words in ["5551234", "8812"] {
            #expect(found.text.contains(words) && found.html?.contains(words) == true)
        }
    }

    @Test(
        "links, pictures and capitals are no further words",
        arguments: [
            (
                "Look at our shop <https://shop.example/one/two/three>.",
                "<a href=\"https://shop.example/one/two/three\">Look at our shop</a>."
            ),
            ("[image: the logo of our harbour]", "<img src=\"cid:a@b\">"),
            ("[cid:image001.png@01D9.ABCD]", "<img src=\"cid:image001.png@01D9.ABCD\">"),
            ("WELCOME TO OUR HARBOUR", "<h1>Welcome to our harbour</h1>"),
            (
                "Kim <mailto:kim.ito.of.harbour@customer.example>",
                "<a href=\"mailto:kim.ito.of.harbour@customer.example\">Kim</a>"
            ),
        ])
    func same(text: String, markup: String) {
        let found = Self.read("\(Self.words)\n\(text)", "<p>\(Self.words)</p>\(markup)")
        #expect(found.text.contains(text) && found.html?.contains(markup) == true)
        #expect(found.html?.components(separatedBy: "<p>").count == 2)
    }
}
