import DeskTesting
import Foundation
import Measuring
import Primitives
import Testing

@testable import Desk

@Suite("JSON from outside")
struct JSONParsingTests {
    private func parse(_ text: String) throws -> JSON { try JSON(parsing: Data(text.utf8)) }

    @Test("values of every kind")
    func values() throws {
        let json = try parse(
            """
            \u{FEFF} {"a": [1, -0.5, 1e3, 2E-2, true, false, null, []], "b" : {}, \
            "\\u00e4\\n\\"\\/\\ud83d\\ude00": "é"}\n
            """
        )
        #expect(
            json
                == .object([
                    "a": .array([1, .number(-0.5), .number(1000), .number(0.02), true, false, .null, .array([])]),
                    "b": .object([:]), "ä\n\"/😀": "é",
                ]))
        #expect(try parse("\"x\"") == "x" && parse("7") == 7 && parse(" null ") == .null)
        #expect(try parse("{\"a\": 1, \"a\": 2}") == .object(["a": 2]), "the last of two counts")
    }

    @Test(
        "what is not JSON is refused",
        arguments: [
            "", "  ", "{", "[", "[1,]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "[1 2]", "01", "1.", ".5", "+1",
            "-", "1e", "1e999", "tru", "nul", "True", "\"", "\"\\x\"", "\"\\u12\"",
            "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "\"a\u{1}\"", "\"a\nb\"", "[] []", "{}x", "NaN", "'a'",
            "[,]", "]",
        ])
    func refuses(text: String) { #expect(throws: Refusal.self) { try parse(text) } }

    @Test("bytes that are not UTF-8 are refused")
    func encoding() {
        for bytes: [UInt8] in [
            [0x22, 0xFF, 0x22], [0x22, 0xC3, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0xFF, 0xFE, 0x5B, 0, 0x5D, 0],
        ] {
            #expect(throws: Refusal.self) { try JSON(parsing: Data(bytes)) }
        }
    }

    @Test("depth and number of values have limits")
    func limits() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(try parse(nested(32)) != .null)
        #expect(throws: Refusal.self) { try parse(nested(33)) }
        #expect(throws: Refusal.self) { try parse(String(repeating: "[", count: 1_000_000)) }
        #expect(throws: Refusal.self) { try parse(String(repeating: "{\"a\":", count: 1_000_000)) }
        #expect(throws: Refusal.self) { try parse("[" + String(repeating: "0,", count: 200_000) + "0]") }
        #expect(throws: Refusal.self) { try parse(String(repeating: "9", count: 1_000_000)) }
    }

    @Test("twice the bytes take about twice the time", arguments: ["keys", "texts", "escapes", "blanks", "lists"])
    func growth(kind: String) {
        func text(_ count: Int) -> String {
            switch kind {
            case "keys": "{" + (0..<(count / 40)).map { "\"key\($0)\":\($0)" }.joined(separator: ",") + "}"
            case "texts": "[\"" + String(repeating: "x", count: count) + "\"]"
            case "escapes": "[\"" + String(repeating: "\\u00e4", count: count / 6) + "\"]"
            case "blanks": String(repeating: " ", count: count) + "1"
            default: "[" + String(repeating: "[],", count: count / 40) + "0]"
            }
        }
        #expect(
            Growth.isLinear(
                { Data(text($0).utf8) }, size: 300_000,
                { data in #expect(throws: Never.self) { try JSON(parsing: data) } }))
    }
}
