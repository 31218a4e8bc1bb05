import Foundation
import Measuring
import Primitives
import Testing

@testable import Mail

private func message(_ head: [String], _ body: String, from: String = "Noor Vos <noor@customer.example>")
    -> IncomingMessage
{
    message(head, Data(body.utf8), from: from)
}

private func message(_ head: [String], _ body: Data, from: String = "Noor Vos <noor@customer.example>")
    -> IncomingMessage
{
    MessageReader.read(
        Data((["From: \(from)", "To: support@desk.example"] + head).joined(separator: "\r\n").utf8)
            + Data("\r\n\r\n".utf8) + body)
}

private func alternative(_ plain: String, _ html: String) -> IncomingMessage {
    message(
        ["Subject: Order", "MIME-Version: 1.0", "Content-Type: multipart/alternative; boundary=b"],
        """
        --b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\(plain)\r\n--b\r\nContent-Type: text/html; \
        charset=utf-8\r\n\r\n\(html)\r\n--b--\r\n
        """
    )
}

@Suite("The fuller of two forms is read")
struct BodyChoiceTests {
    private static let letter =
        """
        <p>My pump is broken since <b>Monday</b>. It leaks oil, and the alarm does not stop. Please send somebody \
        to pier four.</p>
        """

    @Test(
        "a plain form without words hides nothing",
        arguments: ["", " ", "\u{A0}", "\u{200B}\u{FEFF}", "\r\n\r\n\t", "\u{2800}\u{AD}"])
    func blank(plain: String) {
        let read = alternative(plain, Self.letter)
        #expect(read.text.hasPrefix("My pump is broken since Monday."))
        #expect(read.html?.contains("<b>Monday</b>") == true)
    }

    @Test(
        "a stub hides nothing",
        arguments: [
            "Your mail reader does not show HTML.",
            "View this message in a browser: https://shop.example/m/7781?x=1234567890123456789012345678901234567890",
            "Dieses E-Mail-Programm kann kein HTML.", "[image: logo]", "(см. HTML)",
        ])
    func stub(plain: String) { #expect(alternative(plain, Self.letter).text.contains("leaks oil")) }

    @Test("where the two forms say different things, both are read")
    func different() {
        let read = alternative(
            "To view this message, please use an HTML compatible email viewer!", "<p>The lift is stuck.</p>")
        #expect(read.text.contains("The lift is stuck.") && read.text.contains("email viewer"))
        #expect(read.html?.contains("The lift is stuck.") == true && read.html?.contains("email viewer") == true)
    }

    @Test(
        "a text of a kind nobody knows is read where there is no other",
        arguments: ["text/enriched", "text/x-amp-html", "text/troff", "text/x-unknown"])
    func unknownText(type: String) {
        let read = message(["Content-Type: \(type)"], "<b>Help</b>, the pump is dead & cold.")
        #expect(read.text.contains("the pump is dead"))
        #expect(read.attachments.count == 1)
    }

    @Test(
        "an address is found in what forms and other keyboards make of it",
        arguments: [
            "Kim &lt;kim@customer.example&gt;", "kim＠customer.example", "Kim <kim＠customer.example>",
            "k\u{200B}im@customer.example", "=?utf-8?Q?Kim?= <\u{202A}kim@customer.example\u{202C}>",
        ])
    func oddAddresses(from: String) {
        #expect(message(["Subject: x"], "x", from: from).from?.address == "kim@customer.example")
    }

    @Test(
        "an address with characters nobody sees is none",
        arguments: ["\u{202E}", "\u{200B}", "\u{AD}", "\u{85}", "\u{3000}"])
    func invisible(character: String) { #expect(MailAddress("a\(character)b@x.example") == nil) }

    @Test("an identifier that was folded in its middle, and every way an address of ours is named, are read")
    func folded() {
        let read = message(
            [
                "References: <a@x.example>\r\n <one.long\r\n .identifier@desk.example>",
                "Envelope-To: a@x.example, b@x.example", "Resent-To: Desk <support+t@desk.example>",
            ], "x")
        #expect(read.references == ["a@x.example", "one.long.identifier@desk.example"])
        #expect(read.deliveredTo.map(\.address) == ["a@x.example", "b@x.example", "support+t@desk.example"])
    }

    @Test("lines that end with a return alone are lines")
    func returnsAlone() {
        let read = MessageReader.read(Data("From: kim@customer.example\rSubject: Pump\r\rIt leaks.\rBadly.\r".utf8))
        #expect(read.subject == "Pump" && read.text.trimmingWhitespace() == "It leaks.\nBadly.")
    }

    @Test(
        "a file's name comes without folders",
        arguments: [("../../etc/passwd", "passwd"), ("C:\\\\Users\\\\kim\\\\r.pdf", "r.pdf"), ("/r.pdf/", "r.pdf")])
    func folders(given: String, name: String) {
        let read = message(
            ["Content-Type: multipart/mixed; boundary=b"],
            "--b\r\n\r\nsee\r\n--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=\"\(given)\"\r\n\r\nx\r\n--b--\r\n"
        )
        #expect(read.attachments.map(\.name) == [name])
    }

    @Test("HTML of a picture alone hides no words")
    func pictureBesideWords() {
        let read = alternative(
            "The alarm does not stop since Monday, please send somebody to pier four today.", "<img src=\"cid:logo@x\">"
        )
        #expect(read.text.contains("alarm does not stop"))
        #expect(read.html.map { $0.contains("alarm does not stop") && $0.contains("cid:logo@x") } ?? true)
    }

    @Test("where both forms say the same, the plain one is the text")
    func same() {
        let read = alternative("My pump is *broken* since Monday.", "<p>My pump is <b>broken</b> since Monday.</p>")
        #expect(read.text.contains("*broken*"))
        #expect(read.html?.contains("<b>broken</b>") == true)
    }

    @Test("HTML of one picture is kept")
    func picture() {
        let read = message(["Content-Type: text/html"], "<html><body><img src=\"cid:a@b\"></body></html>")
        #expect(read.text.isEmpty)
        #expect(read.html?.contains("cid:a@b") == true)
    }

    @Test(
        "what is never closed swallows nothing",
        arguments: [
            "<html><head><title>Pump<body><p>The pump leaks.</p></body></html>",
            "<p>Hello</p><!-- <p>The pump leaks.</p>", "<style>p { color: red }<body><p>The pump leaks.</p>",
            "<script>var a = 1;<p>The pump leaks.</p>", "<textarea><p>The pump leaks.</p>",
        ])
    func unclosed(html: String) { #expect(message(["Content-Type: text/html"], html).text.contains("The pump leaks.")) }
}

@Suite("Broken messages keep their words")
struct BrokenMessageTests {
    private static let parts =
        """
        --inner\r\nContent-Type: text/plain\r\n\r\nThe sensor is broken.\r\n--inner\r\nContent-Type: text/plain; \
        name=a.txt\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\nfile\r\n--inner--\r\n
        """

    @Test(
        "multiparts without a boundary, or with another",
        arguments: [
            "multipart/mixed", "multipart/mixed; boundary=other", "multipart/mixed boundary=inner",
            "multipart/mixed; boundary=\"\"", "multipart", "multipart/mixed; boundary",
            "MULTIPART/ALTERNATIVE; boundary=x",
        ])
    func boundary(type: String) {
        let read = message(["Content-Type: \(type)"], Self.parts)
        #expect(read.text.contains("The sensor is broken."))
        #expect(!read.text.contains("Content-Type"))
    }

    @Test(
        "headers that do not end as they should",
        arguments: [
            "From: Kim <kim@x.example>\r\nSubject: sensor\r\n \r\nThe sensor is broken.\r\nPlease help.\r\n",
            "From: Kim <kim@x.example>\r\nSubject: sensor\r\n\t \r\nThe sensor is broken.\r\n\r\nBye\r\n",
            "From: Kim <kim@x.example>\r\nSubject: sensor\r\nThe sensor is broken.\r\n",
            "From: Kim <kim@x.example>\nSubject: sensor\nThe sensor is broken.\n\nNote: it hums.\n",
            " \r\nFrom: Kim <kim@x.example>\r\nSubject: sensor\r\n\r\nThe sensor is broken.",
            "From: Kim <kim@x.example>\r\nlost line\r\nSubject: sensor\r\n\r\nThe sensor is broken.",
        ])
    func header(raw: String) {
        let read = MessageReader.read(Data(raw.utf8))
        #expect(read.subject == "sensor")
        #expect(read.from?.address == "kim@x.example")
        #expect(read.text.contains("The sensor is broken."))
        #expect(!read.text.contains("Subject:"))
    }

    @Test("text without any header is text")
    func noHeader() {
        #expect(MessageReader.read(Data("Hello, the sensor\nis broken: please help\n".utf8)).text.contains("is broken"))
    }

    @Test(
        "text that is not encoded as it says",
        arguments: [
            ("base64", "The sensor on pier four is broken.\r\nPlease send somebody."), ("base64", "Help"),
            ("base64", "Sensor\r\nbroken!"), ("quoted-printable", "a = b, and c = d; x=y"),
            ("quoted-printable", "see https://x.example/?id=12&n=07&k=03"),
        ])
    func falseEncoding(encoding: String, text: String) {
        #expect(
            message(["Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: \(encoding)"], text).text
                .replacingOccurrences(of: "\n", with: "\r\n") == text)
    }

    @Test("a list's footer below base64 stays readable, and the base64 is decoded")
    func footer() {
        let read = message(
            ["Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: base64"],
            Data("Die Pumpe läuft über.\n".utf8).base64EncodedString()
                + "\r\n_____\r\nA mailing list, with a footer\r\n")
        #expect(read.text.contains("Die Pumpe läuft über."))
        #expect(read.text.contains("with a footer"))
    }

    @Test(
        "a type that is none is text",
        arguments: [
            "text", "text/", "plain", "text; charset=utf-8", "text/plain charset=utf-8", "/",
            "TEXT/Plain;;charset=\"utf-8\";",
        ])
    func type(type: String) {
        let read = message(["Content-Type: \(type)", "Content-Transfer-Encoding: Quoted_Printable"], "l=C3=A4uft")
        #expect(read.text == "läuft")
        #expect(read.attachments.isEmpty)
    }

    @Test("a message enclosed alone shows its words")
    func enclosed() {
        let read = message(
            ["Content-Type: message/rfc822"],
            "From: Ida <ida@x.example>\r\nSubject: inner\r\n\r\nThe sensor is broken.\r\n")
        #expect(read.text.contains("The sensor is broken."))
        #expect(read.attachments.count == 1)
    }
}

@Suite("Headers as they are written")
struct HeaderReadingTests {
    @Test(
        "encoded words are decoded one by one",
        arguments: [
            ("=?utf-8?B?R3LDtsOfZSA=?= =?utf-8?B?aXN0IGZhbHNjaA==?=", "Größe ist falsch"),
            ("=?utf-8?B?R3LDtsOfZQ?=", "Größe"), ("=?utf-8?B?R3LD?= =?utf-8?B?tsOfZQ==?=", "Größe"),
            ("=?utf-8?Q?Gr=C3?= =?utf-8?Q?=B6=C3=9Fe?=", "Größe"),
            ("=?iso-8859-1?Q?Gr=F6=DFe?= =?utf-8?B?IOKCrA==?=", "Größe €"), ("a =?utf-8?Q?b?= c", "a b c"),
            ("=?utf-8*de?Q?l=C3=A4uft?=", "läuft"),
            ("=?ISO-2022-JP?B?GyRCJV0lcyVXGyhC?= =?ISO-2022-JP?B?GyRCOE4+YxsoQg==?=", "ポンプ故障"),
            ("=?utf-8?Q?was?=20los?=", "was? los"), ("=?utf-8?Q?cut_off", "cut off"), ("x=?utf-8?q?=C3=A4?=y", "xäy"),
            ("=?x?y?z?=", "=?x?y?z?="), ("why =? not", "why =? not"), ("=?windows-1251?B?zeDx7vE=?=", "Насос"),
            ("=?gb2312?B?y67Dww==?=", "水泵"),
        ])
    func words(sent: String, read: String) throws {
        if sent.contains("gb2312") { return #expect(!HeaderText.decode(Array(sent.utf8)).contains("=?")) }
        #expect(HeaderText.decode(Array(sent.utf8)) == read)
    }

    @Test(
        "names of files",
        arguments: [
            ("attachment; filename=\"Woelbung.jpg\"; filename*=UTF-8''W%C3%B6lbung.jpg", "Wölbung.jpg"),
            ("attachment; filename*=us-ascii''gr%F6%DFe.txt", "größe.txt"),
            ("attachment; filename*0*=utf-8''gr%C3%B6; filename*1*=%C3%9Fe; filename*2=.txt", "größe.txt"),
            ("attachment; filename*1*=%B6%C3%9Fe.txt; filename*0*=utf-8''gr%C3", "größe.txt"),
            ("attachment; filename=\"=?utf-8?B?Z3LDtsOfZS4=?= =?utf-8?B?dHh0?=\"", "größe.txt"),
            ("attachment; filename=my plan.pdf", "my plan.pdf"),
            ("attachment; filename=\"invoice\u{202E}fdp.exe\"", "invoicefdp.exe"),
            ("attachment; filename=\"a\\\"b;c.txt\"", "a\"b;c.txt"),
            ("attachment; FILENAME = \"x.txt\" ; size=3", "x.txt"),
            ("attachment; filename*0=\"=?utf-8?Q?gr=C3=B6=C3=9F\"; filename*1=\"e.txt?=\"", "größe.txt"),
        ])
    func fileNames(field: String, name: String) {
        #expect(HeaderParameters(Array(field.utf8))["filename"].fileName == name)
    }

    @Test(
        "the usable address inside a faulty one",
        arguments: [
            ("Hana <hana..ito@docomo.example>", "hana..ito@docomo.example"),
            ("hana.ito.@docomo.example", "hana.ito.@docomo.example"),
            ("Kim Ito kim@customer.example", "kim@customer.example"),
            ("Kim <kim@customer.example", "kim@customer.example"), ("kim@customer.example>", "kim@customer.example"),
            ("\"hana..ito\"@docomo.example", "hana..ito@docomo.example"),
            ("<<kim@customer.example>>", "kim@customer.example"),
            ("Ito, Kim <kim@customer.example>", "kim@customer.example"),
            ("\"Ito, Kim\" <kim@customer.example>", "kim@customer.example"),
            ("kim @ customer.example", "kim@customer.example"),
            ("<mailto:kim@customer.example>", "kim@customer.example"),
            ("kim@customer.example.", "kim@customer.example"), ("'kim@customer.example'", "kim@customer.example"),
            ("Kim <kim@customer.example>; ", "kim@customer.example"),
            ("team: kim@customer.example, ida@x.example;", "kim@customer.example"),
            ("\"Kim <kim@customer.example>", "kim@customer.example"),
            ("Kim (at the pier) <kim@customer.example> (mobile)", "kim@customer.example"),
            ("<@gate.example:kim@customer.example>", "kim@customer.example"),
            ("\"kim@customer.example\" <kim@customer.example>", "kim@customer.example"),
            ("Kim <Kim> kim@customer.example", "kim@customer.example"),
            ("=?utf-8?B?S2lt?= kim@customer.example", "kim@customer.example"),
            (":) Kim <kim@customer.example>", "kim@customer.example"),
            ("kim@customer..example", "kim@customer.example"),
        ])
    func addresses(field: String, address: String) {
        #expect(AddressList.read(Array(field.utf8)).first?.address == address)
    }

    @Test(
        "names beside addresses",
        arguments: [
            ("\"Ito, Kim\" <k@x.example>", "Ito, Kim"), ("Ito, Kim <k@x.example>", "Ito, Kim"),
            ("=?utf-8?B?R3LDtsOf?= =?utf-8?B?IEtpbQ==?= <k@x.example>", "Größ Kim"), ("k@x.example (Kim)", ""),
            ("Kim Ito k@x.example", "Kim Ito"),
            ("\"=?utf-8?Q?Gr=C3=B6=C3=9F?=\" <k@x.example>", "Größ"),
            ("\"Kim \\\"K\\\" Ito\" <k@x.example>", "Kim \"K\" Ito"),
        ])
    func names(field: String, name: String) { #expect(AddressList.read(Array(field.utf8)).first?.name == name) }

    @Test(
        "every address of a list",
        arguments: [
            ("a@x.example, B <b@x.example>; \"c, d\" <c@x.example>", 3), ("undisclosed-recipients:;", 0),
            ("a@x.example,,b@x.example", 2), ("root, a@x.example", 1), ("", 0),
        ])
    func lists(field: String, count: Int) { #expect(AddressList.read(Array(field.utf8)).count == count) }

    @Test("bytes in a subject take a hint from the label of the body")
    func hint() {
        let subject: [UInt8] = [0xCE, 0xE0, 0xF1, 0xEE, 0xF1]
        let raw =
            Data("From: a@x.example\r\nSubject: ".utf8) + Data(subject)
            + Data("\r\nContent-Type: text/plain; charset=windows-1251\r\n\r\n".utf8) + Data(subject)
        #expect(MessageReader.read(raw).subject == "Оасос")
    }
}

@Suite("Character sets")
struct CharsetTests {
    @Test(
        "one wrong byte costs itself",
        arguments: [([0x92], "’"), ([0xE2, 0x80, 0x20], "\u{FFFD} "), ([0xFC], "ü"), ([0xFF], "ÿ")]
            as [([UInt8], String)])
    func wrongByte(bytes: [UInt8], shown: String) {
        let text = Array("Die Pumpe läuft über, größere Schäden ".utf8)
        #expect(
            Charset.decode(text + bytes + Array(" Ende, schön".utf8), named: "utf-8")
                == "Die Pumpe läuft über, größere Schäden \(shown) Ende, schön")
        #expect(Charset.decode(text + bytes + Array(" Ende, schön".utf8), named: nil).hasPrefix("Die Pumpe läuft über"))
    }

    private static let samples: [(text: String, encodings: [String])] = [
        ("Добрый день! У нас сломался насос на третьем причале.", ["CP1251", "KOI8-R", "ISO-8859-5", "CP866"]),
        ("Η αντλία δεν λειτουργεί από τη Δευτέρα.", ["CP1253", "ISO-8859-7"]),
        ("שלום רב, המשאבה לא עובדת מאז יום שני.", ["CP1255"]), ("مرحبا، المضخة لا تعمل منذ يوم الاثنين.", ["CP1256"]),
        ("สวัสดีครับ ปั๊มน้ำไม่ทำงานตั้งแต่วันจันทร์", ["CP874"]),
        ("Dzień dobry, nasza pompa nie działa od poniedziałku. Proszę przysłać technika.", ["ISO-8859-2", "CP1250"]),
        ("Merhaba, pompamız çalışmıyor. Lütfen bir teknisyen gönderin.", ["CP1254"]),
        ("月曜日からポンプが動きません。技術者を派遣してください。", ["CP932", "EUC-JP", "ISO-2022-JP"]), ("我们的水泵从星期一开始就不工作了。", ["GB18030"]),
        ("我們的水泵從星期一開始就不工作了。", ["BIG5"]),
        ("월요일부터 펌프가 작동하지 않습니다.", ["EUC-KR"]), ("Unsere Pumpe läuft seit Montag nicht, schöne Grüße", ["CP1252"]),
        ("The pump – it’s broken", ["CP1252"]), ("The pump is broken", ["UTF-16LE", "UTF-16BE"]),
    ]

    @Test(
        "text without a label is known by its bytes",
        arguments: samples.flatMap { sample in sample.encodings.map { (sample.text, $0) } })
    func detected(text: String, encoding: String) throws {
        let bytes = try #require(Self.encode(text, encoding))
        #expect(Charset.decode(bytes, named: nil) == text)
        #expect(Charset.decode(bytes, named: "us-ascii") == text)
        #expect(Charset.decode(bytes, named: "x-nobody-knows") == text)
    }

    @Test(
        "a right label is believed, in all its spellings",
        arguments: [
            ("CP850", "cp-850"), ("CP850", "IBM850"), ("CP932", "windows-31j"), ("MACINTOSH", "x-mac-roman"),
            ("UTF-7", "unicode-1-1-utf-7"), ("CP949", "ks_c_5601-1987"), ("ISO-8859-15", "latin-9"),
            ("ISO-8859-2", "iso_8859-2:1987"),
            ("CP1251", "win-1251"), ("CP1252", "ISO 8859-1"), ("CP1252", "\"iso-8859-1\";"), ("CP1251", "x-cp1251"),
            ("UTF-8", "utf8mb4"), ("UTF-16LE", "utf-16"), ("GB18030", "gb_2312-80"), ("CP1254", "iso-8859-9"),
        ])
    func labelled(encoding: String, label: String) throws {
        let text =
            [
                "CP932": "ポンプ①故障", "CP949": "펌프가 뷁", "CP1251": "Насос сломан", "GB18030": "水泵坏了",
                "ISO-8859-2": "Pompa działa", "CP1254": "Işık söndü",
            ][encoding] ?? "Die Pumpe läuft über"
        #expect(Charset.decode(try #require(Self.encode(text, encoding)), named: label) == text)
    }

    @Test("ISO-2022-JP with Microsoft's letters, and what only calls itself so")
    func japanese() throws {
        #expect(Charset.decode([0x1B, 0x24, 0x42, 0x2D, 0x21, 0x1B, 0x28, 0x42], named: "iso-2022-jp") == "①")
        #expect(Charset.decode(try #require(Self.encode("ポンプ故障です", "CP932")), named: "iso-2022-jp") == "ポンプ故障です")
        #expect(Charset.decode([0x1B, 0x28, 0x49, 0x4E, 0x5D, 0x1B, 0x28, 0x42], named: "iso-2022-jp") == "ﾎﾝ")
    }

    @Test("the label in HTML's meta counts where the header has none")
    func meta() throws {
        let html = try #require(
            Self.encode("<html><head><meta charset=koi8-r></head><body>Насос сломан</body></html>", "KOI8-R"))
        #expect(message(["Content-Type: text/html"], Data(html)).text == "Насос сломан")
    }

    @Test("Chinese in seven bits is read, by its label alone")
    func sevenBits() throws {
        let signs = try #require(Self.encode("水泵漏油", "GB2312")).map { $0 & 0x7F }
        let sent = Array("Pump ~~ ~{".utf8) + signs + Array("~} 4711".utf8)
        #expect(Charset.decode(sent, named: "hz-gb-2312") == "Pump ~ 水泵漏油 4711")
        #expect(Charset.decode(sent, named: "us-ascii").contains("~{"))
    }

    @Test("comments around the name of an encoding are passed over")
    func comments() {
        for field in ["(short) base64 (words)", "base64(x(y))", "(quoted-printable) base64"] {
            #expect(TransferDecoding.named(field) == .base64, "\(field)")
        }
    }

    private static func encode(_ text: String, _ encoding: String) -> [UInt8]? { Iconv.encode(text, encoding) }
}

@Suite("What is wrapped into one file")
struct WrappedTests {
    private static let inner = Array(
        """
        Content-Type: multipart/mixed; boundary=in\r\n\r\n--in\r\nContent-Type: text/plain; \
        charset=utf-8\r\n\r\nThe pump leaks öl.\r\n--in\r\nContent-Type: text/plain\r\nContent-Disposition: \
        attachment; filename=plan.txt\r\n\r\nplan\r\n--in--\r\n
        """
        .utf8)
    private static let signed: [UInt8] = [0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x02]
    private static let data: [UInt8] = [0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x01]

    private static func der(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        content.count < 128
            ? [tag, UInt8(content.count)] + content
            : [
                tag, 0x83, UInt8(content.count >> 16 & 0xFF), UInt8(content.count >> 8 & 0xFF),
                UInt8(content.count & 0xFF),
            ] + content
    }
    private static func ber(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] { [tag, 0x80] + content + [0, 0] }
    private static func definite(_ message: [UInt8]) -> [UInt8] {
        der(
            0x30,
            signed
                + der(
                    0xA0,
                    der(
                        0x30,
                        [2, 1, 1] + der(0x31, []) + der(0x30, data + der(0xA0, der(0x04, message))) + der(0x31, []))))
    }
    private static func indefinite(_ message: [UInt8]) -> [UInt8] {
        let pieces = stride(from: 0, to: message.count, by: 50).flatMap {
            der(0x04, Array(message[$0..<min($0 + 50, message.count)]))
        }
        return ber(
            0x30,
            signed
                + ber(
                    0xA0,
                    ber(
                        0x30,
                        [2, 1, 1] + der(0x31, []) + ber(0x30, data + ber(0xA0, ber(0x24, pieces))) + der(0x31, []))))
    }
    private static func sent(
        _ bytes: [UInt8], _ type: String = "application/pkcs7-mime; smime-type=signed-data; name=smime.p7m"
    ) -> IncomingMessage {
        message(
            ["Content-Type: \(type)", "Content-Transfer-Encoding: base64"],
            Data(bytes).base64EncodedString(options: .lineLength76Characters))
    }

    @Test(
        "signed messages are read, whole or in pieces, under every name",
        arguments: [
            "application/pkcs7-mime; smime-type=signed-data; name=smime.p7m",
            "application/x-pkcs7-mime; name=smime.p7m", "application/octet-stream; name=smime.p7m",
            "application/pkcs7-mime",
        ])
    func signed(type: String) {
        for bytes in [Self.definite(Self.inner), Self.indefinite(Self.inner)] {
            let read = Self.sent(bytes, type)
            #expect(read.text == "The pump leaks öl.")
            #expect(read.attachments.map(\.name) == ["plan.txt"])
            #expect(read.notes.count == 1)
        }
    }

    @Test("a signature within a signature, cut off or too deep, ends nothing")
    func nested() {
        let again = Array(
            """
            Content-Type: application/pkcs7-mime; name=smime.p7m\r\nContent-Transfer-Encoding: \
            base64\r\n\r\n\(Data(Self.indefinite(Self.inner)).base64EncodedString())
            """
            .utf8)
        #expect(Self.sent(Self.definite(again)).text == "The pump leaks öl.")
        #expect(Self.sent(Array(Self.definite(Self.inner).dropLast(20))).text.contains("The pump leaks"))
        for length in stride(from: 0, to: 200, by: 7) {
            _ = SignedMessage.open(Array(Self.indefinite(Self.inner).prefix(length)))
        }
        _ = SignedMessage.open([UInt8](repeating: 0x30, count: 10_000) + [0x80])
        _ = SignedMessage.open((0..<100_000).flatMap { _ in [0x30, 0x80] as [UInt8] })
    }

    @Test("an encrypted message says so")
    func encrypted() {
        let read = Self.sent(
            Self.der(0x30, [0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x03] + Self.der(0xA0, [])))
        #expect(read.notes.first?.contains("encrypted") == true)
        #expect(read.attachments.count == 1)
    }

    private static func little(_ value: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(value >> ($0 * 8) & 0xFF) }
    }
    private static func attribute(_ level: UInt8, _ id: Int, _ data: [UInt8]) -> [UInt8] {
        [level] + little(id, 4) + little(data.count, 4) + data + [0, 0]
    }
    private static func property(_ type: Int, _ id: Int, _ value: [UInt8]) -> [UInt8] {
        little(type, 2) + little(id, 2) + little(1, 4) + little(value.count, 4) + value
            + [UInt8](repeating: 0, count: (4 - value.count % 4) % 4)
    }
    private static func tnef(_ attributes: [UInt8]) -> [UInt8] { [0x78, 0x9F, 0x3E, 0x22, 1, 0] + attributes }
    private static func properties(_ list: [[UInt8]]) -> [UInt8] { little(list.count, 4) + list.flatMap { $0 } }
    private static func rtf(_ text: String) -> [UInt8] {
        little(text.utf8.count + 12, 4) + little(text.utf8.count, 4) + little(0x414C_454D, 4) + little(0, 4)
            + Array(text.utf8)
    }

    @Test("winmail.dat: HTML, RTF, plain text and the files, a message within")
    func winmail() throws {
        let file =
            Self.attribute(2, 0x0006_9002, [UInt8](repeating: 0, count: 14))
            + Self.attribute(2, 0x0001_8010, Array("plan.txt\0".utf8))
            + Self.attribute(2, 0x0006_800F, Array("plan".utf8))
        let html = try #require(
            WinmailDat(
                Self.tnef(
                    Self.attribute(
                        1, 0x0006_9003,
                        Self.properties([Self.property(0x102, 0x1013, Array("<p>The <b>pump</b> leaks</p>".utf8))]))
                        + file)))
        #expect(html.html == "<p>The <b>pump</b> leaks</p>")
        #expect(html.files.map(\.name) == ["plan.txt"])
        let rtf = try #require(
            WinmailDat(
                Self.tnef(
                    Self.attribute(
                        1, 0x0006_9003,
                        Self.properties([
                            Self.property(
                                0x102, 0x1009,
                                Self.rtf(
                                    """
                                    {\\rtf1\\ansi\\ansicpg1252{\\fonttbl{\\f0 Arial;}}The pump l\\'e4uft \
                                    \\u8364?5\\par Bye}
                                    """
                                ))
                        ])))))
        #expect(rtf.text == "The pump läuft €5\nBye")
        let hidden =
            """
            {\\rtf1\\ansi\\fromhtml1{\\*\\htmltag64 <p>}\\htmlrtf {\\htmlrtf0 The {\\*\\htmltag84 \
            <b>}\\htmlrtf {\\b\\htmlrtf0 pump{\\*\\htmltag92 </b>}\\htmlrtf }\\htmlrtf0 \
            leaks\\htmlrtf\\par}\\htmlrtf0{\\*\\htmltag72 </p>}}
            """
        let made = try #require(
            WinmailDat(
                Self.tnef(
                    Self.attribute(1, 0x0006_9003, Self.properties([Self.property(0x102, 0x1009, Self.rtf(hidden))])))))
        #expect(
            made.html.map { HTMLText.plain($0) } == "The pumpleaks"
                || made.html.map { HTMLText.plain($0) } == "The pump leaks")
        let within =
            [UInt8](repeating: 7, count: 16)
            + Self.tnef(
                Self.attribute(1, 0x0001_8004, Array("Old order\0".utf8))
                    + Self.attribute(1, 0x0002_800C, Array("old words\0".utf8)))
        let outer = try #require(
            WinmailDat(
                Self.tnef(
                    Self.attribute(2, 0x0006_9002, [])
                        + Self.attribute(2, 0x0006_9005, Self.properties([Self.property(0x0D, 0x3701, within)])))))
        #expect(outer.files.map(\.name) == ["Old order.txt"])
        for length in 0..<200 { _ = WinmailDat(Array(Self.tnef(file + file).prefix(length))) }
    }

    @Test(
        "an answer says who, what and why; times have their zone",
        arguments: [
            ("ACCEPTED", "accepted"), ("DECLINED", "declined"), ("TENTATIVE", "accepted tentatively"),
            ("DELEGATED", "delegated"),
        ])
    func calendar(status: String, word: String) throws {
        let text =
            """
            BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\nDTSTART;TZID=Europe/Oslo:20261126T093000\r\nSUMMARY:Pump\\, \
            check\r\nATTENDEE;CN="Holm; Ida";PARTSTAT=\(status):mailto:ida@x.example\r\nCOMMENT:I am at s\r\n \
            ea\r\nBEGIN:VALARM\r\nDESCRIPTION:bell\r\nEND:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR
            """
        let words = try #require(CalendarWords.summary(of: Array(text.utf8), charset: "utf-8", type: "text/calendar"))
        #expect(
            words
                == """
                Answer to an invitation: Pump, check\nHolm; Ida \
                <ida@x.example> \(word)\nComment: I am at sea\nWhen: 2026-11-26 09:30 (Europe/Oslo)
                """
        )
    }

    @Test("HTML beyond the limit is said, and the message counts as one that was not read in full")
    func shortened() {
        let words = String(repeating: "<p>words</p>", count: (4 << 20) / 12 + 10)
        let read = message(["Content-Type: text/html"], words)
        #expect(read.notes.contains { $0.contains("too long") } && !read.faults.isEmpty)
        #expect(message(["Content-Type: text/html"], "<p>words</p>").notes.isEmpty)
    }

    @Test(
        "pictures by name, by place and in the text itself",
        arguments: [
            "cid:three%40x", "cid:three@x", "CID:Three@X", "cid:plan.png", "http://x.example/pics/plan.png",
            "pics/plan.png",
        ])
    func pictures(source: String) {
        let body =
            """
            --r\r\nContent-Type: text/html\r\n\r\n\
            <p>See <IMG alt='a>b' src = "\(source)"></p>\r\n--r\r\nContent-Type: image/png; \
            name=plan.png\r\nContent-ID: <three@x>\r\nContent-Location: \
            http://x.example/pics/plan.png\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n--r--\r\n
            """
        #expect(
            message(["Content-Type: multipart/related; boundary=r"], body).html?.contains("\"cid:three@x\"") == true)
    }

    @Test("a picture written into the HTML becomes a file that is shown, once")
    func dataPictures() {
        let read = message(
            ["Content-Type: text/html"],
            """
            <p>a<img src='data:image/png;base64,iVBORw0KGgo='>b<img src=data:image/png;base64,iVBORw0KGgo=>\
            <img src="data:image/gif,GIF89a%00"></p>
            """
        )
        #expect(read.attachments.map(\.name) == ["picture-1.png", "picture-2.gif"])
        #expect(!read.attachments.contains { !$0.isInline })
        #expect(read.html?.components(separatedBy: "cid:data-1@usher.invalid").count == 3)
    }
}

/// Twice as much takes twice as long, not four times.
@Suite("Reading grows with the size alone", .serialized)
struct GrowthTests {
    private static let hostile: [(name: String, make: @Sendable (Int) -> Data)] = [
        (
            "one long text with wrong bytes",
            {
                Data("From: a@x.example\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n".utf8)
                    + Data((0..<($0 * 4000)).flatMap { _ in [0xC3, 0xA4, 0xFF, 0x20] as [UInt8] })
            }
        ),
        (
            "encoded words",
            {
                Data(
                    ("From: a@x.example\r\nSubject: " + String(repeating: "=?utf-8?B?w6Q=?= ", count: $0 * 200)
                        + "\r\n\r\nx").utf8)
            }
        ),
        (
            "words that never end",
            {
                Data(
                    ("From: a@x.example\r\nSubject: " + String(repeating: "=?utf-8?Q?a ?=41", count: $0 * 200)
                        + "\r\n\r\nx").utf8)
            }
        ),
        ("addresses", { Data(("From: " + String(repeating: "a:(\"<,;@", count: $0 * 300) + "\r\n\r\nx").utf8) }),
        (
            "comments never closed",
            {
                Data(
                    ("From: a@x.example\r\nContent-Type: text/html\r\n\r\n"
                        + String(repeating: "<!-- <title <style <img src='", count: $0 * 1000)).utf8)
            }
        ),
        (
            "lines of dashes",
            {
                Data(
                    ("From: a@x.example\r\nContent-Type: multipart/mixed\r\n\r\n"
                        + String(repeating: "--x\r\n\r\n", count: $0 * 500)).utf8)
            }
        ),
        (
            "lines of dashes, each another",
            {
                Data(
                    ("From: a@x.example\r\nContent-Type: multipart/mixed\r\n\r\n"
                        + (0..<($0 * 500)).map { "--x\($0)\r\n\r\n" }.joined()).utf8)
            }
        ),
        (
            "calendar",
            {
                Data(
                    ("From: a@x.example\r\nContent-Type: text/calendar\r\n\r\nBEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n"
                        + String(repeating: "X;A=\"b\":c\\n\r\n d\r\n", count: $0 * 400)).utf8)
            }
        ),
    ]

    @Test("messages made to be slow", arguments: hostile.indices) func messages(index: Int) {
        let (name, make) = Self.hostile[index]
        #expect(Growth.isLinear(make, size: 2) { _ = MessageReader.read($0) }, "\(name)")
    }

    @Test("files made to be slow") func files() {
        func signature(_ count: Int) -> [UInt8] { (0..<count).flatMap { _ in [0x30, 0x80] as [UInt8] } }
        #expect(Growth.isLinear(signature, size: 100_000) { _ = SignedMessage.open($0) }, "a signature")
        func winmail(_ count: Int) -> [UInt8] {
            [0x78, 0x9F, 0x3E, 0x22, 1, 0]
                + (0..<count).flatMap { _ in [2, 2, 0x90, 6, 0, 0, 0, 0, 0, 0, 0] as [UInt8] }
        }
        #expect(Growth.isLinear(winmail, size: 20_000) { _ = WinmailDat($0) }, "a winmail.dat")
        func richText(_ count: Int) -> [UInt8] { Array(String(repeating: "{\\b\\'e4", count: count).utf8) }
        #expect(Growth.isLinear(richText, size: 10_000) { _ = RTFText($0) }, "rich text")
    }
}
