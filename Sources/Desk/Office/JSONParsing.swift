import Foundation
import Markup

extension JSON {
    /// Deeper than any request of ours; a parser of strangers' input has a limit.
    private static let mostDepth = 32

    /// Reads RFC 8259 text. Throws `Refusal.malformed` when it is none.
    package init(parsing bytes: Data) throws {
        guard JSON.depth(bytes) <= JSON.mostDepth else { throw Refusal.malformed("the JSON is nested deeper than \(JSON.mostDepth) levels") }
        do { self = try JSONDecoder().decode(Decoded.self, from: bytes).value } catch {
            throw Refusal.malformed("the body is not valid JSON")
        }
    }
    package init?(_ text: String) {
        guard let json = try? JSON(parsing: Data(text.utf8)) else { return nil }  // a column of ours that is no JSON reads as absent
        self = json
    }

    private static func depth(_ bytes: Data) -> Int {
        var depth = 0
        var deepest = 0
        var isInString = false
        var isEscaped = false
        for byte in bytes {
            if isInString {
                if isEscaped { isEscaped = false } else if byte == UInt8(ascii: "\\") { isEscaped = true } else if byte == UInt8(ascii: "\"") { isInString = false }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): isInString = true
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                deepest = max(deepest, depth)
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
        }
        return deepest
    }

    private struct Decoded: Decodable {
        let value: JSON

        init(from decoder: any Decoder) throws {
            if let object = try? decoder.container(keyedBy: Key.self) {
                var fields: [String: JSON] = [:]
                for key in object.allKeys { fields[key.stringValue] = try object.decode(Decoded.self, forKey: key).value }
                value = .object(fields)
                return
            }
            if var list = try? decoder.unkeyedContainer() {
                var items: [JSON] = []
                while !list.isAtEnd { items.append(try list.decode(Decoded.self).value) }
                value = .array(items)
                return
            }
            let single = try decoder.singleValueContainer()
            if let text = try? single.decode(String.self) {
                value = .string(text)
            } else if single.decodeNil() {
                value = .null
            } else if let truth = try? single.decode(Bool.self) {
                value = .bool(truth)
            } else {
                value = .number(try single.decode(Double.self))
            }
        }
        private struct Key: CodingKey {
            let stringValue: String
            let intValue: Int? = nil
            init?(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { nil }
        }
    }
}
