import Desk
import Foundation
import HTTPTypes
import Hummingbird
import Mail
import NIOCore
import Primitives

/// How much of a request's body a route reads. It stands on the route's line.
package enum BodyAllowance: Sendable, Equatable {
    /// Buttons and short fields.
    case small
    /// Words of any length we take.
    case text
    /// Words and attachments.
    case files

    /// What a route reads that says nothing else: strangers and customers send little, agents and clients send texts.
    static func usual(for access: Access) -> BodyAllowance {
        switch access {
        case .anyone, .signedLink, .customer: .small
        case .agent, .key: .text
        }
    }

    static let smallBytes = 64 << 10
    /// Words that come with files, which no client writes as three bytes each.
    static let wordsBytes = 2 << 20
    /// A text of `Input.longestBody` bytes, each written as three (`%41`), and the fields around it.
    static let textBytes = 4 << 20

    /// Bytes of the body, given the limit for attachments.
    func bytes(attachments: Int) -> Int {
        switch self {
        case .small: Self.smallBytes
        case .text: Self.textBytes
        // Attachments of the API are base64, which takes four bytes for three.
        case .files: Self.wordsBytes + attachments / 3 * 4 + 4
        }
    }
}

extension Call {
    /// The largest body this route reads.
    var mostBytes: Int { allowance.bytes(attachments: desk.settings.current.attachmentBytes) }

    /// Bytes from which on a body in memory counts against what all requests together may hold.
    private static let freeBytes = 128 << 10

    /// The whole body in memory.
    func body() async throws -> Data {
        let most = mostBytes
        let announced = request.headers[.contentLength].flatMap { Int($0) }
        if let announced, announced > most { throw Refusal.tooLarge(limit: most) }
        if (announced ?? 0) > Self.freeBytes { try await share.take(announced ?? most) }
        var bytes = Data()
        bytes.reserveCapacity(announced ?? 0)
        for try await part in request.body {
            guard bytes.count + part.readableBytes <= most else { throw Refusal.tooLarge(limit: most) }
            // Whoever does not say how much will come may send all that is allowed.
            if announced == nil, bytes.count + part.readableBytes > Self.freeBytes { try await share.take(most) }
            bytes.append(contentsOf: part.readableBytesView)
        }
        return bytes
    }

    /// A form that was sent, with its anti-forgery value checked: `csrf` is derived from what the page was made for.
    ///
    /// Files are written to the disk as they come, and only where the route takes files and the form has proved to be
    /// ours by then. They are removed again unless `keep` is called.
    ///
    /// - Parameter beforeFiles: asked once, with the values that came so far, before the first file is read. What it
    ///   throws ends the request.
    func form(csrfFor subject: String, beforeFiles: ((FormData) async throws -> Void)? = nil) async throws -> FormData {
        guard !isSentFromElsewhere else { throw Self.foreignForm }
        let form = try await sentForm { form in
            try self.check(form, subject)
            try await beforeFiles?(form)
        }
        try check(form, subject)
        return form
    }

    /// Whether the browser says that another site's page sent the form (W3C Fetch Metadata, and RFC 6454 for browsers
    /// without it). `null` says nothing: so do pages that name no referrer, like ours.
    private var isSentFromElsewhere: Bool {
        if request.headers[.fetchSite] == "cross-site" { return true }
        guard let origin = request.headers[.origin]?.lowercased(), origin != "null",
            let host = origin.range(of: "://").map({ origin[$0.upperBound...] })
        else { return false }
        let ours = [
            request.head.authority ?? "",
            desk.office.url.range(of: "://").map { String(desk.office.url[$0.upperBound...]) } ?? "",
        ]
        return !ours.contains { $0.lowercased().split(separator: "/").first ?? "" == host }
    }

    private func check(_ form: FormData, _ subject: String) throws {
        guard desk.office.signer.isGenuine(form["csrf"] ?? "", of: subject, for: .form) else { throw Self.foreignForm }
    }
    private static var foreignForm: Refusal {
        .notAllowed(Sentence("This form has expired. Reload the page and try again."))
    }
    private static var noForm: Refusal {
        .malformed("The body is not a form. Send multipart/form-data or application/x-www-form-urlencoded.")
    }

    /// The values of a form from somebody who may not send it, so that they can be given back after signing in. Of a
    /// form with files those that stand before them; files are not read.
    func unsentValues() async throws -> [(name: String, value: String)] {
        do { return try await sentForm(beforeFiles: nil).values } catch let refused as NoFilesTaken {
            return refused.form.values
        }
    }

    /// No files are read from this sender.
    private struct NoFilesTaken: Error {
        let form: FormData
    }

    private func sentForm(beforeFiles: ((FormData) async throws -> Void)?) async throws -> FormData {
        let type = request.headers[.contentType] ?? ""
        let most = mostBytes
        let isTooLarge = (request.headers[.contentLength].flatMap { Int($0) } ?? 0) > most
        guard !isTooLarge || allowance == .files else { throw Refusal.tooLarge(limit: most) }
        if FormData.isMultipart(type), let reader = try? MultipartReader(contentType: type) {  // no boundary: no form
            var upload = FormUpload(reader: reader, call: self, isTooLarge: isTooLarge, beforeFiles: beforeFiles)
            return try await upload.read(most: most)
        }
        guard FormData.isURLEncoded(type) else { throw Self.noForm }
        // Such a form holds no files.
        let mostValues = min(most, BodyAllowance.textBytes)
        var bytes: [UInt8] = []
        for try await part in request.body {
            guard bytes.count + part.readableBytes <= mostValues else { throw Refusal.tooLarge(limit: mostValues) }
            if bytes.count + part.readableBytes > Self.freeBytes { try await share.take(mostValues) }
            bytes.append(contentsOf: part.readableBytesView)
        }
        var form = FormData()
        form.read(urlEncoded: bytes)
        return form
    }

    /// A multipart form while it arrives.
    private struct FormUpload {
        var reader: MultipartReader
        let call: Call
        let beforeFiles: ((FormData) async throws -> Void)?

        private var form = FormData()
        private var part: MultipartReader.Part?
        private var value: [UInt8] = []
        private var valueBytes = 0
        private var file: IncomingFile?
        /// Bytes of the file that are not on the disk yet.
        private var unwritten: [UInt8] = []
        /// Bytes of all files of the form.
        private var fileBytes = 0
        private var isAllowed = false
        /// The request said that it is larger than what is read.
        private var hasMuchToCome = false

        private static let writeSize = 256 << 10

        init(reader: MultipartReader, call: Call, isTooLarge: Bool, beforeFiles: ((FormData) async throws -> Void)?) {
            self.reader = reader
            self.call = call
            self.beforeFiles = beforeFiles
            form.isTooLarge = isTooLarge
            hasMuchToCome = isTooLarge
        }

        mutating func read(most: Int) async throws -> FormData {
            var size = 0
            for try await chunk in call.request.body {
                size += chunk.readableBytes
                guard size <= most else {
                    // The words came before the files, so they can be shown again.
                    guard isAllowed else { throw Refusal.tooLarge(limit: most) }
                    form.isTooLarge = true
                    return form
                }
                var events: [MultipartReader.Event] = []
                do { try reader.take(chunk.readableBytesView) { events.append($0) } } catch { throw Call.noForm }
                for event in events { try await handle(event) }
                if form.isTooLarge, isAllowed, hasMuchToCome { return form }
            }
            guard reader.isComplete else { throw Call.noForm }
            return form
        }

        private mutating func handle(_ event: MultipartReader.Event) async throws {
            switch event {
            case .part(let begun):
                part = begun
                value = []
            case .content(let bytes):
                if part?.fileName == nil { try await take(value: bytes) } else { try await take(file: bytes) }
            case .endOfPart: try await endPart()
            }
        }

        private mutating func take(value bytes: ArraySlice<UInt8>) async throws {
            valueBytes += bytes.count
            guard valueBytes <= BodyAllowance.textBytes else { throw Refusal.tooLarge(limit: BodyAllowance.textBytes) }
            if valueBytes > Call.freeBytes { try await call.share.take(BodyAllowance.textBytes) }
            value.append(contentsOf: bytes)
        }

        private mutating func take(file bytes: ArraySlice<UInt8>) async throws {
            if file == nil { try await allowFiles() }
            fileBytes += bytes.count
            if fileBytes > call.desk.settings.current.attachmentBytes { form.isTooLarge = true }
            // The rest is read for the values that may stand behind the files, and kept nowhere.
            guard !form.isTooLarge else {
                (file, unwritten) = (nil, [])
                return
            }
            if file == nil {
                file = try await BlockingLane.requests.run { [files = call.desk.files] in try files.incoming() }
            }
            unwritten.append(contentsOf: bytes)
            if unwritten.count >= Self.writeSize { try await write() }
        }

        private mutating func allowFiles() async throws {
            guard !isAllowed else { return }
            guard call.allowance == .files else { throw Refusal.tooLarge(limit: call.mostBytes) }
            guard let beforeFiles else { throw NoFilesTaken(form: form) }
            try await beforeFiles(form)
            isAllowed = true
        }

        private mutating func write() async throws {
            guard let file, !unwritten.isEmpty else { return }
            let bytes = unwritten
            unwritten = []
            try await BlockingLane.requests.run { try file.write(bytes) }
        }

        private mutating func endPart() async throws {
            guard let part else { return }
            self.part = nil
            guard part.fileName != nil else { return form.append(part.field, value) }
            guard !form.isTooLarge else { return }
            // Browsers send an empty part for a field nobody chose a file in.
            if file == nil {
                guard part.fileName?.isEmpty == false else { return }
                try await allowFiles()
                file = try await BlockingLane.requests.run { [files = call.desk.files] in try files.incoming() }
            }
            try await write()
            guard let file else { return }
            self.file = nil
            form.append(FormData.File(part, content: try await BlockingLane.requests.run { try file.finish() }))
        }
    }

    /// The files of a form, kept for good; the route's other checks come first.
    func keep(_ form: FormData, field: String = "attachments") async throws -> [StoredFile] {
        guard !form.isTooLarge else { throw Refusal.tooLarge(limit: desk.settings.current.attachmentBytes) }
        let chosen = form.files.filter { $0.field == field }
        guard !chosen.isEmpty else { return [] }
        return try await BlockingLane.requests.run { [files = desk.files] in
            try chosen.map { file in
                StoredFile(
                    hash: try files.keep(file.content), size: file.content.size,
                    name: file.name.cut(to: StoredFile.longestName),
                    type: Upload.type(file.type))
            }
        }
    }
}

extension HTTPField.Name {
    static let fetchSite = HTTPField.Name("Sec-Fetch-Site")!  // a literal that is a token
}
