import Foundation
import Testing

@testable import Mail

@Suite("LMTP")
struct LMTPTests {
    private func dialogue(_ lines: [String], limits: LMTPDialogue.Limits = .init()) -> (
        LMTPDialogue, [LMTPDialogue.Step]
    ) {
        var dialogue = LMTPDialogue(host: "desk.example", limits: limits)
        let steps = lines.map { line -> LMTPDialogue.Step in
            let step = dialogue.take(line)
            if case .ask = step { return .answer(dialogue.accept()) }
            return step
        }
        return (dialogue, steps)
    }
    private func codes(_ steps: [LMTPDialogue.Step]) -> [String] {
        steps.map { step in
            switch step {
            case .answer(let text), .close(let text): String(text.prefix(3))
            case .ask: "ask"
            case .readMessage: "354"
            }
        }
    }

    @Test("a message in the order of the book")
    func ordinary() {
        var (dialogue, steps) = dialogue([
            "lhlo mx.example", "MAIL FROM:<kim@harbour.example> SIZE=100 BODY=8BITMIME SMTPUTF8",
            "RCPT TO:<support+c1-1-x@desk.example>", "rcpt to: <Support@desk.example>", "DATA",
        ])
        #expect(codes(steps) == ["250", "250", "250", "250", "354"])
        let envelope = dialogue.finish()
        #expect(
            envelope.sender == "kim@harbour.example"
                && envelope.recipients == ["support+c1-1-x@desk.example", "Support@desk.example"])
        #expect(codes([dialogue.take("DATA"), dialogue.take("QUIT")]) == ["503", "221"])
    }

    @Test(
        "what stands in the wrong place is refused and harms nothing",
        arguments: [
            (["MAIL FROM:<a@b.example>"], "503"), (["LHLO x", "RCPT TO:<a@b.example>"], "503"),
            (["LHLO x", "DATA"], "503"), (["LHLO x", "MAIL FROM:<>", "DATA"], "503"), (["EHLO x"], "500"),
            (["LHLO"], "501"),
            (["LHLO x", "MAIL FROM:a@b.example"], "501"),
            (["LHLO x", "MAIL FROM:<a@b.example> SIZE=999999999"], "552"),
            (["LHLO x", "MAIL FROM:<a@b.example> SIZE=many"], "501"),
            (["LHLO x", "MAIL FROM:<a@b.example> MAGIC=1"], "555"),
            (["LHLO x", "MAIL FROM:<>", "RCPT TO:<>"], "501"), (["\u{0}\u{FF}"], "500"), ([""], "500"),
            (["VRFY root"], "252"), (["LHLO x", "MAIL FROM:<>", "MAIL FROM:<>"], "503"),
        ])
    func wrong(lines: [String], code: String) { #expect(codes(dialogue(lines).1).last == code) }

    @Test("too many recipients wait for another time, too many mistakes end the line")
    func limits() {
        var limits = LMTPDialogue.Limits()
        limits.recipients = 2
        #expect(
            codes(
                dialogue(["LHLO x", "MAIL FROM:<>"] + (0..<3).map { "RCPT TO:<a\($0)@b.example>" }, limits: limits).1
            ).suffix(2) == ["250", "452"])
        #expect(codes(dialogue(Array(repeating: "NONSENSE", count: 20)).1).last == "421")
    }

    @Test("dots at the beginning of a line are single again, one alone ends the message")
    func dots() {
        var message = DottedMessage(limit: 100)
        let ends = ["Subject: x", "", "..", "...three", "a.", "."].map { message.take(Array($0.utf8)) }
        #expect(ends == [false, false, false, false, false, true])
        #expect(String(decoding: message.bytes, as: UTF8.self) == "Subject: x\r\n\r\n.\r\n..three\r\na.\r\n")
    }

    @Test("what is too large is read to its end and not kept")
    func large() {
        var message = DottedMessage(limit: 20)
        #expect(
            !message.take(Array(repeating: UInt8(ascii: "x"), count: 30)) && message.isTooLarge && message.bytes.isEmpty
        )
        #expect(!message.take(Array("short".utf8)) && message.bytes.isEmpty && message.take([UInt8(ascii: ".")]))
    }
}
