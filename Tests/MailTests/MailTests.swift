import Foundation
import Markup
import Testing

@testable import Mail

@Suite("The sanitizer")
struct SanitizerTests {
    @Test(
        "what runs, loads or frames is gone, words stay",
        arguments: [
            "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg onload=alert(1)><circle/></svg>",
            "<a href=\"javascript:alert(1)\">x</a>", "<a href=\"java&#9;script:alert(1)\">x</a>",
            "<iframe src=//evil></iframe>", "<style>@import '//evil'</style>",
            "<form action=//evil><input name=p></form>", "<meta http-equiv=refresh content=0>", "<base href=//evil>",
            "<object data=x></object>",
            "<div style=\"background:url(//evil)\">x</div>", "<math><mi xlink:href=\"javascript:x\">y</mi></math>",
            "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
            "<table background=//evil><tr><td>x</table>",
            "<p onclick=x>y", "<!--><img src=x onerror=alert(1)>-->", "<template><script>x</script></template>",
            "<a href=\"data:text/html,x\">x</a>", "\"\u{301}=1 onfocus=x",
        ])
    func removes(html: String) {
        let clean = HTMLSanitizer.clean("<p>before</p>\(html)<p>after</p>").text.lowercased()
        for word in [
            "<script", "onerror", "onload", "onclick=x>", "javascript:", "<iframe", "<style", "<form", "<input",
            "<meta", "<base", "<object", "style=", "<svg", "<math", "background=", "data:text", "<template",
        ] {
            if word == "onerror", html.contains("title=") { continue }
            #expect(!clean.contains(word), "\(clean)")
        }
        #expect(clean.contains("before"))
    }

    @Test("ordinary markup stays, remote pictures wait, pictures of the mail itself are named")
    func keeps() {
        let clean = HTMLSanitizer.clean(
            """
            <p>Hi <b>Kim</b> <a href="https://a.example">x</a><img src="https://track.example/p.gif" width=1>\
            <img src="cid:logo@x"></p><table><tr><td colspan=2>1</td></tr></table>
            """
        ).text
        #expect(
            clean.contains("<b>Kim</b>") && clean.contains("href=\"https://a.example\"")
                && clean.contains("colspan=\"2\""))
        #expect(
            !clean.contains(" src=") && clean.contains("data-remote=\"https://track.example/p.gif\"")
                && clean.contains("data-cid=\"logo@x\""))
    }

    @Test("ten thousand nested tags are no trouble")
    func deep() {
        #expect(HTMLSanitizer.clean(String(repeating: "<div>", count: 10_000) + "deep").text.contains("deep"))
    }
}

@Suite("Outgoing messages")
struct OutgoingTests {
    @Test("what is written is read back: names, words, files, threads")
    func roundTrip() throws {
        let from = try #require(MailAddress(name: "Ada Lind (Help)", "support@desk.example"))
        let to = try #require(MailAddress(name: "Kim Ïtö", "kim@harbour.example"))
        var message = OutgoingMessage(
            from: from, to: to, returnPath: "support+x@desk.example", subject: "Re: Grüße 漢字 [#100001]",
            text: "Hello\nKim 漢字\n.\nend\n", messageID: "abc@desk.example",
            date: Date(timeIntervalSince1970: 1_795_510_800))
        message.html = "<p>Hello</p>"
        message.inReplyTo = "first@harbour.example"
        message.references = ["zero@harbour.example", "first@harbour.example"]
        message.automatic = .replied
        message.attachments = [.init(name: "Bild ä.png", type: "image/png", bytes: Data([0, 1, 2, 255]))]
        let bytes = message.encoded()
        #expect(bytes.range(of: Data("\r\n".utf8)) != nil)
        let read = MessageReader.read(bytes)
        #expect(read.subject == "Re: Grüße 漢字 [#100001]")
        #expect(read.from == from && read.to == [to])
        #expect(read.text.contains("Kim 漢字") && read.html?.contains("<p>Hello</p>") == true)
        #expect(
            read.messageID == "abc@desk.example" && read.inReplyTo == ["first@harbour.example"]
                && read.references.count == 2)
        #expect(read.attachments.first?.name == "Bild ä.png" && read.attachments.first?.bytes == Data([0, 1, 2, 255]))
        #expect(read.automatic == .reply)
    }

    @Test("no line end gets out of a header")
    func injection() throws {
        let from = try #require(MailAddress(name: "x\r\nBcc: evil@x.example", "support@desk.example"))
        let message = OutgoingMessage(
            from: from, to: from, returnPath: "", subject: "a\r\nBcc: evil@x.example", text: "x",
            messageID: "a@b.example", date: Date(timeIntervalSince1970: 0))
        let header = String(decoding: message.encoded(), as: UTF8.self).components(separatedBy: "\r\n\r\n")[0]
        #expect(!header.contains("\r\nBcc:") && !header.contains("\nBcc:"))
    }
}

@Suite("Forms")
struct FormDataTests {
    @Test("fields and files of a multipart form")
    func multipart() throws {
        let body =
            """
            --b\r\nContent-Disposition: form-data; \
            name="body"\r\n\r\nHélló\r\nworld\r\n--b\r\nContent-Disposition: form-data; name="attachments"; \
            filename="ä 1.png"\r\nContent-Type: image/png\r\n\r\n\u{1}\u{2}\r\n--b\r\nContent-Disposition: \
            form-data; name="attachments"; filename=""\r\nContent-Type: \
            application/octet-stream\r\n\r\n\r\n--b--\r\n
            """
        let form = try #require(FormData(Data(body.utf8), type: "multipart/form-data; boundary=b"))
        #expect(form["body"] == "Hélló\r\nworld")
        #expect(form.values.count == 1 && form.files.isEmpty, "files are read from a stream only")
    }

    @Test("fields of a plain form")
    func urlEncoded() throws {
        let form = try #require(FormData(Data("a=x+y%26&b=&c=%C3%A4".utf8), type: "application/x-www-form-urlencoded"))
        #expect(form["a"] == "x y&" && form["b"] == "" && form["c"] == "ä")
    }

    @Test("anything else is no form")
    func others() {
        #expect(FormData(Data("{}".utf8), type: "application/json") == nil)
        #expect(
            FormData(Data("junk".utf8), type: "multipart/form-data") == nil
                || FormData(Data("junk".utf8), type: "multipart/form-data")?.values.isEmpty == true)
    }
}

@Suite("Addresses")
struct AddressTests {
    @Test(
        "what is none is refused",
        arguments: [
            "", "kim", "@x.example", "kim@", "a b@x.example", "a@b@c.example", "a@.example", "a@x..example",
            "a\0@x.example", "<a@x.example>",
        ])
    func refuses(text: String) { #expect(MailAddress(text) == nil) }

    @Test("plus addressing")
    func plus() throws {
        let address = try #require(MailAddress("Support+tok-en@Desk.Example"))
        #expect(
            address.detail == "tok-en" && address.withoutDetail == "support@desk.example"
                && address.domain == "desk.example")
    }
}

@Suite struct BombTests {
    private static func read(_ text: String) -> IncomingMessage { MessageReader.read(Data(text.utf8)) }

    @Test func tenThousandPartsAreCutAtTheLimit() {
        let parts = (0..<10_000).map { "--b\r\nContent-Type: application/octet-stream; name=f\($0)\r\n\r\nx\r\n" }
            .joined()
        let found = Self.read(
            "From: a@b.example\r\nSubject: many\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\(parts)--b--\r\n")
        #expect(found.subject == "many" && !found.faults.isEmpty && found.attachments.count <= 500)
    }

    @Test func aThousandMultipartsInEachOtherAreNotEntered() {
        let open = (0..<1000).map { "--b\($0)\r\nContent-Type: multipart/mixed; boundary=b\($0 + 1)\r\n\r\n" }.joined()
        let found = Self.read(
            """
            From: a@b.example\r\nSubject: deep\r\nContent-Type: multipart/mixed; \
            boundary=b0\r\n\r\n\(open)--b1000\r\n\r\nwords\r\n
            """
        )
        #expect(found.from?.address == "a@b.example" && !found.faults.isEmpty)
    }
}
