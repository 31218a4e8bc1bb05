import Desk
import Domain
import Foundation
import Mail
import Primitives

/// The fields of a request's body, read one by one; all faults are told together.
struct Input {
    let fields: [String: JSON]
    private var read: Set<String> = []
    private var faults: [Fault] = []

    init(_ fields: [String: JSON]) { self.fields = fields }

    /// Bytes of UTF-8.
    static let longestBody = 1_000_000

    mutating func has(_ name: String) -> Bool {
        read.insert(name)
        return fields[name] != nil
    }
    mutating func value(_ name: String) -> JSON? {
        read.insert(name)
        guard let value = fields[name], value != .null else { return nil }
        return value
    }
    mutating func fault(_ name: String, _ problem: Fault.Problem) { faults.append(Fault(name, problem)) }

    mutating func text(_ name: String, most: Int = 1000, required: Bool = false) -> String? {
        guard let value = value(name) else {
            if required { fault(name, .required) }
            return nil
        }
        guard let text = value.text else {
            fault(name, .wrongType(expected: "text"))
            return nil
        }
        if required, text.trimmingWhitespace().isEmpty {
            fault(name, .required)
            return nil
        }
        guard text.fits(most) else {
            fault(name, .tooLong(most: most))
            return nil
        }
        return text
    }

    mutating func flag(_ name: String) -> Bool? {
        guard let value = value(name) else { return nil }
        guard case .bool(let truth) = value else {
            fault(name, .wrongType(expected: "true or false"))
            return nil
        }
        return truth
    }

    mutating func choice<Choice: RawRepresentable & CaseIterable>(
        _ name: String, required: Bool = false, as type: Choice.Type = Choice.self
    ) -> Choice? where Choice.RawValue == String {
        guard let word = text(name, required: required) else { return nil }
        if let choice = Choice(rawValue: word) { return choice }
        fault(name, .notOneOf(Choice.allCases.map(\.rawValue)))
        return nil
    }

    mutating func priority(_ name: String = "priority") -> Priority? {
        guard let word = text(name) else { return nil }
        if let priority = Priority(word: word) { return priority }
        fault(name, .notOneOf(Priority.words))
        return nil
    }

    /// An `id` or an exact name, also within an object.
    mutating func wanted(_ name: String) -> Wanted? {
        guard let value = value(name) else { return nil }
        if let id = value.integer ?? value["id"]?.integer { return .id(id) }
        if let word = value.text ?? value["name"]?.text, !word.trimmingWhitespace().isEmpty {
            return .name(word.trimmingWhitespace())
        }
        fault(name, .wrongType(expected: "an id or a name"))
        return nil
    }

    /// A person as `{"email", "name"}` or as the address alone.
    mutating func person(_ name: String, required: Bool = false) -> MailAddress? {
        guard let value = value(name) else {
            if required { fault(name, .required) }
            return nil
        }
        if case .object(let parts) = value,
            let unknown = parts.keys.sorted().first(where: { $0 != "email" && $0 != "name" })
        {
            fault("\(name).\(unknown)", .unknownField)
            return nil
        }
        guard let email = value.text ?? value["email"]?.text else {
            fault(value.text == nil && value["email"] == nil ? "\(name).email" : name, .required)
            return nil
        }
        let shown = value["name"]?.text ?? ""
        guard shown.fits(NewTicket.longestName) else {
            fault("\(name).name", .tooLong(most: NewTicket.longestName))
            return nil
        }
        guard let address = MailAddress(name: shown, email) else {
            fault(value.text == nil ? "\(name).email" : name, .notAnAddress)
            return nil
        }
        return address
    }

    /// An agent's e-mail address, alone or as `{"email"}`.
    mutating func email(_ name: String, required: Bool = false) -> String? {
        guard let value = value(name) else {
            if required { fault(name, .required) }
            return nil
        }
        guard let email = (value.text ?? value["email"]?.text).flatMap({ MailAddress($0)?.address }) else {
            fault(name, .notAnAddress)
            return nil
        }
        return email
    }

    mutating func tags(_ name: String = "tags") -> [String]? {
        guard let value = value(name) else { return nil }
        guard case .array(let items) = value, items.allSatisfy({ $0.text != nil }) else {
            fault(name, .wrongType(expected: "a list of words"))
            return nil
        }
        let tags = items.compactMap { $0.text?.singleLine }
        if tags.count > 50 {
            fault(name, .tooMany(most: 50))
        } else if tags.contains(where: { !$0.fits(100) }) {
            fault(name, .tooLong(most: 100))
        }
        return tags
    }

    /// The number of a ticket, also as it is written in pages: `#100123`.
    mutating func ticketNumber(_ name: String) -> Int64? {
        let value = value(name)
        let digits = value?.text.map { $0.trimmingWhitespace() }.map { $0.hasPrefix("#") ? String($0.dropFirst()) : $0 }
        if let number = value?.integer ?? digits.flatMap({ Int64($0) }), number > 0 { return number }
        fault(name, .other(Sentence("Enter a ticket number, such as 100123.")))
        return nil
    }

    /// A list of whole numbers; each counts once.
    mutating func numbers(_ name: String, most: Int) -> [Int64] {
        guard let value = value(name) else {
            fault(name, .required)
            return []
        }
        guard case .array(let items) = value, items.allSatisfy({ $0.integer != nil }) else {
            fault(name, .wrongType(expected: "a list of whole numbers"))
            return []
        }
        if items.count > most { fault(name, .tooMany(most: most)) }
        return Set(items.compactMap(\.integer)).sorted()
    }

    mutating func object(_ name: String) -> [String: JSON]? {
        guard let value = value(name) else { return nil }
        guard case .object(let fields) = value else {
            fault(name, .wrongType(expected: "an object"))
            return nil
        }
        if fields.count > 200 || value.written.utf8.count > 100_000 { fault(name, .tooMany(most: 200)) }
        return fields
    }

    /// `body` and `body_type`.
    mutating func writing(required: Bool = true) -> Writing? {
        let type = choice("body_type", as: Writing.BodyType.self) ?? .text
        guard let body = text("body", most: Input.longestBody, required: required) else { return nil }
        guard body.utf8.count <= Input.longestBody else {
            fault("body", .tooLong(most: Input.longestBody))
            return nil
        }
        let writing = Writing(body, type: type)
        // Markup may hold no word at all.
        if required, writing.text.isEmpty { fault("body", .required) }
        return writing
    }

    /// `attachments`: `[{"name", "type", "content"}]`, base64.
    mutating func attachments(most limit: Int) throws -> [Upload] {
        guard let value = value("attachments") else { return [] }
        guard case .array(let items) = value else {
            fault("attachments", .wrongType(expected: "a list"))
            return []
        }
        guard items.count <= 100 else {
            fault("attachments", .tooMany(most: 100))
            return []
        }
        var uploads: [Upload] = []
        var size = 0
        for (index, item) in items.enumerated() {
            let field = "attachments[\(index)]"
            guard let name = item["name"]?.text?.singleLine, !name.isEmpty else {
                fault("\(field).name", .required)
                continue
            }
            guard let content = item["content"]?.text else {
                fault("\(field).content", .required)
                continue
            }
            guard let bytes = Data(base64Encoded: content, options: .ignoreUnknownCharacters),
                !content.utf8.contains(where: { $0 > 0x7E })
            else {
                fault("\(field).content", .notBase64)
                continue
            }
            size += bytes.count
            uploads.append(
                Upload(name: name.cut(to: StoredFile.longestName), type: Upload.type(item["type"]?.text), bytes: bytes))
        }
        guard size <= limit else { throw Refusal.tooLarge(limit: limit) }
        return uploads
    }

    /// Call when all was read: throws every fault, unknown fields among them.
    mutating func finish() throws {
        for name in fields.keys.sorted() where !read.contains(name) { fault(name, .unknownField) }
        guard faults.isEmpty else { throw Refusal.invalid(faults) }
    }
}

/// A file somebody sent along, not yet in the store.
struct Upload: Sendable {
    let name: String
    let type: String
    let bytes: Data
    var contentID: String?

    /// A media type fit for a header; anything else is plain bytes.
    static func type(_ given: String?) -> String {
        guard let given = given?.lowercased().split(separator: ";").first.map({ String($0).trimmingWhitespace() }),
            given.utf8.count <= 100,
            given.split(separator: "/").count == 2,
            given.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !"()<>@,;:\\\"[]?=".utf8.contains($0) })
        else { return "application/octet-stream" }
        return given
    }
}

extension Desk {
    /// Puts files into the store, before the transaction that hangs them on an entry.
    func keep(_ uploads: [Upload]) async throws -> [StoredFile] {
        guard !uploads.isEmpty else { return [] }
        return try await BlockingLane.requests.run { [files] in
            try uploads.map { upload in
                StoredFile(
                    hash: try files.keep(upload.bytes), size: upload.bytes.count, name: upload.name, type: upload.type,
                    contentID: upload.contentID)
            }
        }
    }
}
