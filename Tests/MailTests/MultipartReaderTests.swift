import Foundation
import Measuring
import Testing

@testable import Mail

@Suite("Multipart forms as they arrive")
struct MultipartReaderTests {
    /// What a form holds: the header of each part and its bytes.
    private func read(_ body: [UInt8], type: String = "multipart/form-data; boundary=b", inPiecesOf size: Int) throws
        -> [(MultipartReader.Part, [UInt8])]
    {
        var reader = try MultipartReader(contentType: type)
        var parts: [(MultipartReader.Part, [UInt8])] = []
        var ended = 0
        for start in stride(from: 0, to: body.count, by: size) {
            try reader.take(body[start..<min(start + size, body.count)]) { event in
                switch event {
                case .part(let part): parts.append((part, []))
                case .content(let bytes): parts[parts.count - 1].1 += bytes
                case .endOfPart: ended += 1
                }
            }
        }
        guard reader.isComplete, ended == parts.count else { throw MultipartReader.Fault.broken }
        return parts
    }

    private static let body = """
        preamble that nobody reads\r
        --b\r
        Content-Disposition: form-data; name="body"\r
        \r
        Hélló\r
        --bc is not the boundary\r
        --\r
        \r
        --b  \r
        content-disposition: form-data; name="attachments"; filename="ä 1.png"\r
        Content-Type: IMAGE/png; x=y\r
        \r
        \u{1}\r
        \r\u{2}\r
        --b\r
        Content-Disposition: form-data; name="empty"\r
        \r
        \r
        --b\r
        Content-Disposition: form-data; name="nothing"\r
        \r
        --b--\r
        epilogue
        """

    @Test("the same comes out however the bytes are cut", arguments: [1, 2, 3, 5, 7, 16, 64, 10_000])
    func pieces(size: Int) throws {
        let parts = try read(Array(Self.body.utf8), inPiecesOf: size)
        #expect(parts.map(\.0.field) == ["body", "attachments", "empty", "nothing"])
        #expect(
            parts.map { String(decoding: $0.1, as: UTF8.self) } == [
                "Hélló\r\n--bc is not the boundary\r\n--\r\n", "\u{1}\r\n\r\u{2}", "", "",
            ])
        #expect(parts[1].0.fileName == "ä 1.png" && parts[1].0.type == "image/png" && parts[0].0.fileName == nil)
    }

    @Test(
        "names of files as browsers and programs write them",
        arguments: [
            (#"filename="a%22b.txt""#, "a\"b.txt"), (#"filename="a\"b.txt""#, "a\"b.txt"),
            (#"filename="C:\temp\a.txt""#, #"C:\temp\a.txt"#),
            ("filename=plain.txt", "plain.txt"), (#"filename="a;b.txt""#, "a;b.txt"),
            (#"filename="x.txt"; filename*=UTF-8''%C3%A4.txt"#, "ä.txt"), (#"filename="""#, ""),
        ])
    func names(parameter: String, name: String) throws {
        let body = "--b\r\nContent-Disposition: form-data; name=\"f\"; \(parameter)\r\n\r\nx\r\n--b--"
        #expect(try read(Array(body.utf8), inPiecesOf: 9)[0].0.fileName == name)
    }

    @Test(
        "what is no form is refused",
        arguments: [
            "", "junk", "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nno end",
            "--b\r\n" + String(repeating: "X: y\r\n", count: 5000),
            String(repeating: "--b\r\n\r\n\r\n", count: 600) + "--b--",
        ])
    func refuses(body: String) {
        #expect(throws: MultipartReader.Fault.self) { try read(Array(body.utf8), inPiecesOf: 100) }
    }

    @Test(
        "a boundary must be there and may not be long",
        arguments: [
            "multipart/form-data", "multipart/form-data; boundary=",
            "multipart/form-data; boundary=\(String(repeating: "b", count: 71))",
        ])
    func boundaries(type: String) {
        #expect(throws: MultipartReader.Fault.noBoundary) { try MultipartReader(contentType: type) }
    }

    @Test(
        "twice the bytes take about twice the time, also where they look like boundaries",
        arguments: ["\r\n--", "\r\n--b", "\r", "--b\r\n", "x"])
    func growth(piece: String) {
        let head = Array("--b\r\nContent-Disposition: form-data; name=\"a\"; filename=\"f\"\r\n\r\n".utf8)
        // Without an end, or with parts that never end.
        func body(_ size: Int) -> [UInt8] {
            head + Array(repeatElement(Array(piece.utf8), count: size / piece.utf8.count).joined())
        }
        #expect(Growth.isLinear(body, size: 250_000) { _ = try? read($0, inPiecesOf: 16 << 10) })
    }

    @Test("a plain form of percent signs is read in time that grows with it")
    func urlEncoded() {
        let body = Data(
            ("a=" + String(repeating: "%41", count: 1_300_000) + "&b=" + String(repeating: "%", count: 100_000)).utf8)
        var form: FormData?
        let took = Growth.processorTime { form = FormData(body, type: "application/x-www-form-urlencoded") }
        #expect(form?["a"]?.utf8.count == 1_300_000 && form?["b"]?.utf8.count == 100_000)
        #expect(took < .seconds(3))
    }
}
