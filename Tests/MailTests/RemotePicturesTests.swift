import Foundation
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import Mail

@Suite("Pictures from elsewhere")
struct RemotePicturesTests {
    @Test(
        "only hosts on the public Internet are asked",
        arguments: [
            ("8.8.8.8", true), ("203.0.114.1", true), ("100.128.0.1", true), ("172.32.0.1", true),
            ("2606:4700::1111", true), ("2a00:1450::1", true),
            ("127.0.0.1", false), ("127.255.255.254", false), ("0.0.0.0", false), ("10.1.2.3", false),
            ("172.16.0.1", false), ("172.31.255.255", false), ("192.168.1.1", false), ("169.254.169.254", false),
            ("100.64.0.1", false), ("100.127.255.255", false), ("192.0.0.170", false), ("198.18.0.1", false),
            ("198.19.255.255", false), ("224.0.0.1", false), ("255.255.255.255", false), ("240.0.0.1", false),
            ("::1", false), ("::", false), ("::ffff:127.0.0.1", false), ("::ffff:10.0.0.1", false), ("fe80::1", false),
            ("fc00::1", false), ("fd12:3456::1", false), ("ff02::1", false), ("64:ff9b::7f00:1", false),
            ("2002:7f00:1::", false), ("2001:db8::1", false), ("2001::1", false), ("::127.0.0.1", false),
        ])
    func publicHosts(address: String, isPublic: Bool) throws {
        #expect(PublicAddress.isPublic(try #require(NetworkAddress.bytes(address))) == isPublic)
    }

    @Test(
        "hosts of the desk's own network are not asked, however their address is written",
        arguments: [
            "http://127.0.0.1/x.png", "http://localhost/x.png", "http://[::1]/x.png", "http://2130706433/x.png",
            "http://0x7f.1/x.png", "http://0177.0.0.1/x.png", "http://127.1/x.png",
            "http://[::ffff:127.0.0.1]/x.png", "http://[::ffff:7f00:1]/x.png",
            "http://169.254.169.254/latest/meta-data", "http://user:password@8.8.8.8/x.png", "http://8.8.8.8:22/x.png",
            "http://8.8.8.8:8080/x.png",
            "ftp://8.8.8.8/x.png", "file:///etc/passwd", "gopher://8.8.8.8/x", "javascript:alert(1)", "//8.8.8.8/x.png",
            "", "http://", "http://127.0.0.1#@8.8.8.8/", "http://127.0.0.1\\@8.8.8.8/",
        ])
    func refused(address: String) { #expect(RemotePictures.Target(address, PublicAddress.isPublic, [80, 443]) == nil) }

    @Test("a public address is asked by the number that was found for it")
    func pinned() throws {
        let target = try #require(
            RemotePictures.Target("http://8.8.8.8/a.png?b=1#c", PublicAddress.isPublic, [80, 443]))
        #expect(target.address == "http://8.8.8.8/a.png?b=1" && target.pins == ["8.8.8.8:80:8.8.8.8"])
    }

    private static let png: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 0x0D]

    @Test("what it is, its first bytes say")
    func kinds() {
        #expect(RemotePictures.picture(Self.png)?.type == "image/png")
        #expect(RemotePictures.picture([0xFF, 0xD8, 0xFF, 0xE0, 0])?.type == "image/jpeg")
        #expect(RemotePictures.picture(Array("GIF89a,,,".utf8))?.type == "image/gif")
        #expect(RemotePictures.picture(Array("RIFF1234WEBPVP8 ".utf8))?.type == "image/webp")
        for text in ["<svg xmlns='http://www.w3.org/2000/svg'/>", "<html>", "", "GIF8", "RIFF1234WAVE...", "%PDF-1.7"] {
            #expect(RemotePictures.picture(Array(text.utf8)) == nil, "\(text)")
        }
    }

    @Test("a picture is fetched once, without a cookie, a referrer or a word about who looks, and kept")
    func fetched() async throws {
        let server = try await PictureServer.start { path in
            switch path {
            case "/p.png":
                "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nSet-Cookie: track=1\r\nContent-Length: 12\r\n\r\n"
            case "/moved": "HTTP/1.1 302 Found\r\nSet-Cookie: track=1\r\nLocation: /p.png\r\nContent-Length: 0\r\n\r\n"
            case "/inside": "HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/latest\r\nContent-Length: 0\r\n\r\n"
            case "/loop": "HTTP/1.1 302 Found\r\nLocation: /loop\r\nContent-Length: 0\r\n\r\n"
            case "/huge": "HTTP/1.1 200 OK\r\nContent-Length: 6000000\r\n\r\n"
            default: "HTTP/1.1 404 Not Found\r\nContent-Length: 12\r\n\r\n"
            }
        }
        let folder = FileManager.default.temporaryDirectory.appending(path: "usher-pictures-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        // This machine stands for the Internet; everything else stays what it is.
        let pictures = RemotePictures(
            folder: folder, isAllowed: { $0 == [127, 0, 0, 1] || PublicAddress.isPublic($0) }, ports: nil)
        let base = "http://127.0.0.1:\(server.port)"
        let picture = await pictures.picture(at: base + "/p.png")
        #expect(picture == RemotePictures.Picture(bytes: Self.png, type: "image/png"))
        #expect(await pictures.picture(at: base + "/moved")?.type == "image/png")
        for path in ["/inside", "/loop", "/huge", "/missing"] {
            #expect(await pictures.picture(at: base + path) == nil, "\(path)")
        }
        let before = server.requests.count
        #expect(
            await pictures.picture(at: base + "/p.png") == picture && server.requests.count == before,
            "the second time it is taken from what was kept")
        #expect(
            await pictures.picture(at: base + "/missing") == nil && server.requests.count == before,
            "what could not be had is not asked for again at once")
        let said = server.requests.joined().lowercased()
        for word in ["cookie:", "referer:", "authorization:", "accept-language:"] {
            #expect(!said.contains(word), "\(word)")
        }
        #expect(said.contains("user-agent: usher image proxy"))
        #expect(await RemotePictures(folder: folder.appending(path: "strict")).picture(at: base + "/p.png") == nil)
        #expect(server.requests.count == before, "the strict one did not even connect")
        try await server.stop()
    }

    /// A server that answers each connection with a text and, for what is found, the bytes of a picture.
    private final class PictureServer: Sendable {
        private let channel: any Channel
        private let box: Box
        private init(_ channel: any Channel, _ box: Box) { (self.channel, self.box) = (channel, box) }
        var port: Int { channel.localAddress?.port ?? 0 }
        var requests: [String] { box.all.withLock { $0 } }
        final class Box: Sendable { let all = Mutex<[String]>([]) }

        static func start(_ answer: @escaping @Sendable (String) -> String) async throws -> PictureServer {
            let box = Box()
            let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(Handler(box: box, answer: answer))
                    }
                }
                .bind(host: "127.0.0.1", port: 0).get()
            return PictureServer(channel, box)
        }
        func stop() async throws { try await channel.close() }

        private final class Handler: ChannelInboundHandler, @unchecked Sendable {
            typealias InboundIn = ByteBuffer
            typealias OutboundOut = ByteBuffer
            let box: Box
            let answer: @Sendable (String) -> String
            init(box: Box, answer: @escaping @Sendable (String) -> String) {
                self.box = box
                self.answer = answer
            }
            func channelRead(context: ChannelHandlerContext, data: NIOAny) {
                let text = String(buffer: unwrapInboundIn(data))
                box.all.withLock { $0.append(text) }
                let head = answer(text.split(separator: " ").dropFirst().first.map(String.init) ?? "")
                var buffer = ByteBuffer(string: head)
                if head.contains("Length: 12") { buffer.writeBytes(RemotePicturesTests.png) }
                context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
            }
        }
    }
}

@Suite("Addresses")
struct FoldedAddressTests {
    @Test(
        "no other character equals an ASCII one, and only A to Z are made small",
        arguments: [
            ("KIM@Harbour.Example", "kim@harbour.example"),
            ("\u{212A}im@harbour.example", "\u{212A}im@harbour.example"),
            ("\u{17F}am@harbour.example", "\u{17F}am@harbour.example"),
            ("k\u{131}m@harbour.example", "k\u{131}m@harbour.example"),
            ("K\u{130}M@harbour.example", "k\u{130}m@harbour.example"), ("ｋim@harbour.example", "ｋim@harbour.example"),
            ("kim@harbour\u{FF0E}example.org", "kim@harbour\u{FF0E}example.org"),
            ("e\u{301}va@harbour.example", "\u{E9}va@harbour.example"), ("Ä@x.example", "Ä@x.example"),
            ("a\u{1FEF}b@x.example", "a\u{1FEF}b@x.example"),
            ("ﬁsh@x.example", "ﬁsh@x.example"),
        ])
    func folded(text: String, expected: String) throws {
        let address = try #require(MailAddress(text))
        #expect(Array(address.address.utf8) == Array(expected.utf8))
    }

    @Test("the Kelvin sign is another address than k, to Swift and to a set")
    func kelvin() throws {
        let (kelvin, plain) = (
            try #require(MailAddress("\u{212A}im@harbour.example")), try #require(MailAddress("Kim@harbour.example"))
        )
        #expect(kelvin != plain && Set([kelvin, plain]).count == 2)
        #expect(MailAddress("KIM@harbour.example") == plain)
    }
}
