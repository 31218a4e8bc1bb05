import Desk
import Domain
import Foundation
import HTTPTypes
import Hummingbird
import Mail
import Primitives
import Store

#if canImport(FoundationXML)
    import FoundationXML
#endif

/// The calls osTicket's clients make, with the fields and answers its documentation names, so that a script works by
/// changing the host name and the key.
enum OsTicketRoutes {
    static var routes: [Route] {
        ["/api", "/api/http.php"].flatMap { root -> [Route] in
            [
                .post("\(root)/tickets.json", for: .key(.create), taking: .files) { call in
                    try await open(call) {
                        let body = try await call.body()
                        return try await BlockingLane.requests.run {
                            [limit = call.desk.settings.current.attachmentBytes] in
                            try OsTicketRequest(json: body, limit: limit)
                        }
                    }
                },
                .post("\(root)/tickets.xml", for: .key(.create), taking: .files) { call in
                    try await open(call) {
                        let body = try await call.body()
                        return try await BlockingLane.requests.run {
                            [limit = call.desk.settings.current.attachmentBytes] in
                            try OsTicketRequest(xml: body, limit: limit)
                        }
                    }
                },
                .post("\(root)/tickets.email", for: .key(.create), taking: .files, email),
            ]
        }
    }

    private static func open(_ call: Call, _ read: () async throws -> OsTicketRequest) async throws -> Response {
        do {
            let asked = try await read()
            let files = try await call.desk.keep(asked.uploads)
            let number = try await call.desk.write { [actor = call.actor] tx in
                var request = try asked.request(tx)
                request.files = files
                return try tx.open(request, by: actor).0.number
            }
            return text(.created, String(number))
        } catch let refusal as Refusal { return text(refusal.status, refusal.sentence) }
    }

    @Sendable private static func email(_ call: Call) async throws -> Response {
        let bytes = try await call.body()
        guard !bytes.isEmpty else { return text(.badRequest, "there is no message") }
        switch try await call.desk.receive(bytes) {
        case .opened(let number), .added(let number), .bounced(let number), .duplicate(let number):
            return text(.created, String(number))
        case .rejected(let reason): return text(.badRequest, reason)
        }
    }

    static func text(_ status: HTTPResponse.Status, _ text: String) -> Response {
        Response(
            status: status, headers: [.contentType: "text/plain; charset=utf-8", .contentTypeOptions: "nosniff"],
            body: .init(byteBuffer: .init(string: text)))
    }
}

extension Refusal {
    fileprivate var status: HTTPResponse.Status {
        switch self {
        case .tooLarge: .contentTooLarge
        case .notAllowed: .forbidden
        default: .badRequest
        }
    }
    /// One line for a script's log.
    fileprivate var sentence: String {
        switch self {
        case .invalid(let faults): faults.map(\.text).joined(separator: " ")
        case .malformed(let reason): reason
        case .notAllowed(let reason), .conflict(let reason, _): reason.english
        case .tooLarge(let limit): "This is larger than \(fileSize(limit)). Send less at a time."
        case .notFound: "This doesn't exist."
        }
    }
}

/// A ticket as osTicket's clients describe it.
struct OsTicketRequest: Sendable {
    var name = ""
    var email = ""
    var subject = ""
    var body = ""
    var bodyType = Writing.BodyType.text
    var topic: String?
    var priority: String?
    var notify = true
    var source = Source.api
    /// What the form of the topic asked for besides.
    var fields: [String: JSON] = [:]
    var uploads: [Upload] = []
    /// The message as it is kept; read before the transaction, since markup takes time.
    private(set) var writing = Writing("", type: .text)

    /// JSON: every key but the known ones is a field of the form.
    init(json bytes: Data, limit: Int) throws {
        guard case .object(let values) = try JSON(parsing: bytes) else {
            throw Refusal.malformed("The body isn't a JSON object.")
        }
        for (key, value) in values {
            switch key {
            case "name": name = value.line
            case "email": email = value.line
            case "subject": subject = value.line
            case "message": take(message: value.text ?? value.line)
            case "topicId": topic = value.line
            case "priority", "priorityId": priority = value.line
            case "autorespond": notify = value.isTrue
            case "source": source = Source(rawValue: value.line.lowercased()) ?? .api
            case "alert", "ip": break
            case "attachments": try take(attachments: value)
            default: fields[key] = value
            }
        }
        try check(limit)
    }

    init(xml bytes: Data, limit: Int) throws {
        let reader = OsTicketXML()
        try reader.read(bytes)
        notify = reader.attributes["autorespond"].map { JSON.string($0).isTrue } ?? true
        source = reader.attributes["source"].flatMap { Source(rawValue: $0.lowercased()) } ?? .api
        for (name, value) in reader.values {
            switch name {
            case "name": self.name = value.singleLine
            case "email": email = value.singleLine
            case "subject": subject = value.singleLine
            case "message":
                take(message: value)
                if reader.messageType.lowercased().hasPrefix("text/html") { bodyType = .html }
            case "topicId": topic = value.singleLine
            case "priority", "priorityId": priority = value.singleLine
            case "ip": break
            default: fields[name] = .string(value.trimmingWhitespace())
            }
        }
        for file in reader.files {
            let isBase64 = file.encoding.lowercased() == "base64"
            guard
                let bytes = isBase64
                    ? Data(base64Encoded: file.content, options: .ignoreUnknownCharacters) : Data(file.content.utf8)
            else { throw Refusal.invalid("attachments", .notBase64) }
            uploads.append(
                Upload(
                    name: file.name.singleLine.isEmpty ? "file" : file.name.singleLine.cut(to: StoredFile.longestName),
                    type: Upload.type(file.type), bytes: bytes))
        }
        try check(limit)
    }

    /// Plain text, or a `data:` address (RFC 2397) with its type.
    private mutating func take(message: String) {
        guard let data = DataAddress(message) else {
            body = message
            return
        }
        body = String(decoding: data.bytes, as: UTF8.self)
        if data.type == "text/html" { bodyType = .html }
    }

    /// `[{"file.txt": "data:text/plain;base64,…"}]`, or objects with `name`, `type`, `data` and `encoding`.
    private mutating func take(attachments value: JSON) throws {
        guard case .array(let items) = value, items.count <= 100 else {
            throw Refusal.invalid("attachments", .tooMany(most: 100))
        }
        for item in items {
            guard case .object(let parts) = item else {
                throw Refusal.invalid("attachments", .wrongType(expected: "a list of files"))
            }
            if let content = parts["data"]?.text, let name = parts["name"]?.line {
                let isBase64 = parts["encoding"]?.text?.lowercased() == "base64"
                guard
                    let bytes = isBase64
                        ? Data(base64Encoded: content, options: .ignoreUnknownCharacters) : Data(content.utf8)
                else { throw Refusal.invalid("attachments", .notBase64) }
                uploads.append(
                    Upload(
                        name: name.cut(to: StoredFile.longestName), type: Upload.type(parts["type"]?.text), bytes: bytes
                    ))
                continue
            }
            for (name, content) in parts.sorted(by: { $0.key < $1.key }) {
                guard let text = content.text else {
                    throw Refusal.invalid("attachments", .wrongType(expected: "data URLs"))
                }
                let data = DataAddress(text) ?? DataAddress(type: "text/plain", bytes: Data(text.utf8))
                uploads.append(
                    Upload(
                        name: name.singleLine.isEmpty ? "file" : name.singleLine.cut(to: StoredFile.longestName),
                        type: data.type, bytes: data.bytes))
            }
        }
    }

    private mutating func check(_ limit: Int) throws {
        var faults: [Fault] = []
        if email.isEmpty {
            faults.append(Fault("email", .required))
        } else if MailAddress(email) == nil {
            faults.append(Fault("email", .notAnAddress))
        }
        if name.isEmpty { faults.append(Fault("name", .required)) }
        if subject.isEmpty { faults.append(Fault("subject", .required)) }
        if body.trimmingWhitespace().isEmpty { faults.append(Fault("message", .required)) }
        if body.utf8.count > 4 * Input.longestBody {
            faults.append(Fault("message", .tooLong(most: Input.longestBody)))
        }
        guard faults.isEmpty else { throw Refusal.invalid(faults) }
        guard uploads.reduce(0, { $0 + $1.bytes.count }) <= limit else { throw Refusal.tooLarge(limit: limit) }
        writing = Writing(body, type: bodyType)
    }

    func request(_ tx: Transaction) throws -> NewTicket {
        guard let requester = MailAddress(name: name, email) else { throw Refusal.invalid("email", .notAnAddress) }
        var request = NewTicket(requester: requester, subject: subject, writing: writing, source: source)
        request.topic = topic.map { Int64($0).map { .id($0) } ?? .name($0) }
        request.priority = try priority.map { given in
            // osTicket's priorities have keys: 1 low, 2 normal, 3 high, 4 emergency.
            let known = ["1": Priority.low, "2": .normal, "3": .high, "4": .urgent, "emergency": .urgent]
            guard let priority = known[given.lowercased()] ?? Priority(word: given) else {
                throw Refusal.invalid("priority", .unknown(given))
            }
            return priority
        }
        request.fields = fields
        request.notify = notify
        return request
    }
}

extension JSON {
    /// One line of text, also from a number.
    fileprivate var line: String {
        if let text { return text.singleLine }
        if let integer { return String(integer) }
        return ""
    }
    /// What osTicket's clients send for yes: true, 1, "true", "yes".
    fileprivate var isTrue: Bool {
        switch self {
        case .bool(let truth): truth
        case .number(let number): number != 0
        case .string(let text): !["false", "0", "no", ""].contains(text.lowercased())
        default: true
        }
    }
}

/// `data:[type][;charset=…][;base64],content` (RFC 2397).
struct DataAddress: Sendable, Equatable {
    let type: String
    let bytes: Data

    init(type: String, bytes: Data) {
        self.type = type
        self.bytes = bytes
    }
    init?(_ text: String) {
        guard text.lowercased().hasPrefix("data:"), let comma = text.firstIndex(of: ",") else { return nil }
        let head = text[text.index(text.startIndex, offsetBy: 5)..<comma].split(
            separator: ";", omittingEmptySubsequences: false
        ).map { String($0).trimmingWhitespace() }
        let content = String(text[text.index(after: comma)...])
        type = Upload.type(head.first.flatMap { $0.isEmpty ? nil : $0 } ?? "text/plain")
        let charset = head.first { $0.lowercased().hasPrefix("charset=") }.map { String($0.dropFirst(8)) }
        let raw: Data
        if head.last?.lowercased() == "base64" {
            guard let decoded = Data(base64Encoded: content, options: .ignoreUnknownCharacters) else { return nil }
            raw = decoded
        } else {
            // Percent-encoded or, as many clients send it, plain.
            raw = Data((content.removingPercentEncoding ?? content).utf8)
        }
        bytes = type.hasPrefix("text/") ? Data(CharsetText.decode(Array(raw), named: charset).utf8) : raw
    }
}

/// osTicket's XML: `<ticket><name>…</name>…<attachments><file name type encoding>…</file></attachments></ticket>`.
private final class OsTicketXML: NSObject, XMLParserDelegate {
    struct File {
        var name = ""
        var type = ""
        var encoding = ""
        var content = ""
    }
    private(set) var attributes: [String: String] = [:]
    private(set) var values: [(String, String)] = []
    private(set) var messageType = ""
    private(set) var files: [File] = []
    private var depth = 0
    private var text = ""
    private var file: File?
    private static let mostDepth = 8

    func read(_ bytes: Data) throws {
        // A document type can define entities that unfold without end; no client of osTicket sends one.
        guard bytes.range(of: Data("<!DOCTYPE".utf8)) == nil, bytes.range(of: Data("<!ENTITY".utf8)) == nil else {
            throw Refusal.malformed("The XML has a document type. Send it without one.")
        }
        let parser = XMLParser(data: bytes)
        parser.delegate = self
        parser.shouldResolveExternalEntities = false
        guard parser.parse(), depth == 0 else { throw Refusal.malformed("The body isn't valid XML.") }
    }

    func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
        attributes given: [String: String]
    ) {
        depth += 1
        if depth > Self.mostDepth { return parser.abortParsing() }
        if depth == 1 { attributes = given }
        if name == "message" { messageType = given["type"] ?? "" }
        if name == "file" {
            file = File(name: given["name"] ?? "", type: given["type"] ?? "", encoding: given["encoding"] ?? "")
        }
        text = ""
    }
    func parser(_ parser: XMLParser, foundCharacters found: String) { text += found }
    func parser(_ parser: XMLParser, foundCDATA block: Data) { text += String(decoding: block, as: UTF8.self) }
    func parser(_ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?) {
        depth -= 1
        if name == "file", var done = file {
            done.content = text
            files.append(done)
            file = nil
        } else if depth == 1, name != "attachments" {
            values.append((name, text))
        }
        text = ""
    }
}
