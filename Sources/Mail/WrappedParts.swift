import CTNEF
import Foundation

/// What Outlook wraps into `winmail.dat`: its files, and its text where the message has no other.
enum WinmailDat {
    private final class Found {
        var text: String?
        var files: [IncomingMessage.Attachment] = []
    }
    private static let mostBytes = 64 << 20
    private static let turn = NSLock()

    static func isOne(type: String, name: String) -> Bool {
        type == "application/ms-tnef" || type == "application/vnd.ms-tnef" || type == "application/octet-stream" && name.lowercased() == "winmail.dat"
    }

    /// Nil where nothing could be taken out of it; it then stays what it is.
    static func open(_ bytes: [UInt8]) -> (text: String?, files: [IncomingMessage.Attachment])? {
        // The signature of the format; nothing else goes to its reader.
        guard bytes.count > 6, bytes.count <= mostBytes, bytes.starts(with: [0x78, 0x9F, 0x3E, 0x22]) else { return nil }
        let found = Found()
        // One at a time: while it reads, standard output leads elsewhere.
        turn.lock()
        defer { turn.unlock() }
        bytes.withUnsafeBufferPointer { buffer in
            _ = usher_tnef_each(buffer.baseAddress, buffer.count, Unmanaged.passUnretained(found).toOpaque()) { context, name, length, bytes, size in
                guard let context, let bytes, size > 0 else { return }
                let found = Unmanaged<Found>.fromOpaque(context).takeUnretainedValue()
                let content = UnsafeBufferPointer(start: bytes, count: size)
                guard let name else {
                    found.text = Charset.decode(Array(content.prefix { $0 != 0 }), named: nil)
                    return
                }
                let letters = UnsafeRawBufferPointer(start: name, count: max(0, length)).prefix { $0 != 0 }
                let title = Charset.decode(Array(letters), named: nil).withoutControls.singleLine
                found.files.append(.init(name: title.isEmpty ? "attachment-\(found.files.count + 1).bin" : title, type: FileTypes.type(of: title), bytes: Data(content)))
            }
        }
        return found.text == nil && found.files.isEmpty ? nil : (found.text, found.files)
    }
}

/// The type a file's name suggests.
enum FileTypes {
    private static let known = [
        "txt": "text/plain", "pdf": "application/pdf", "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "zip": "application/zip", "csv": "text/csv",
        "doc": "application/msword", "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "xls": "application/vnd.ms-excel",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "ics": "text/calendar", "vcf": "text/vcard",
    ]
    static func type(of name: String) -> String { name.split(separator: ".").last.flatMap { known[$0.lowercased()] } ?? "application/octet-stream" }
}

/// Invitations (RFC 5545) and cards (RFC 6350) as a few lines a person can read; the file stays beside them.
enum CalendarWords {
    private static let mostLines = 2000
    static let types: Set<String> = ["text/calendar", "text/vcard", "text/x-vcard", "text/directory"]

    /// Nil where the text is neither.
    static func summary(of text: String, type: String) -> String? {
        let fields = Self.fields(text)
        switch type {
        case "text/calendar": return invitation(fields)
        default: return card(fields)
        }
    }

    private static func invitation(_ fields: [(name: String, value: String)]) -> String? {
        guard let start = fields.firstIndex(where: { $0.name == "BEGIN" && ["VEVENT", "VTODO"].contains($0.value.uppercased()) }) else { return nil }
        let event = fields[start...].prefix { !($0.name == "END" && ["VEVENT", "VTODO"].contains($0.value.uppercased())) }
        func value(_ name: String) -> String? { event.first { $0.name == name }.map { plain($0.value) }.flatMap { $0.isEmpty ? nil : $0 } }
        let method = fields.first { $0.name == "METHOD" }?.value.uppercased()
        let kind = switch method { case "CANCEL": "Cancelled"; case "REPLY": "Answer to an invitation"; default: "Invitation" }
        var lines = ["\(kind): \(value("SUMMARY") ?? "(no title)")"]
        if let begins = value("DTSTART") { lines.append("When: \(moment(begins))\(value("DTEND").map { " to \(moment($0))" } ?? "")") }
        if let place = value("LOCATION") { lines.append("Where: \(place)") }
        if let organizer = value("ORGANIZER") { lines.append("Organizer: \(organizer.replacingOccurrences(of: "mailto:", with: "", options: .caseInsensitive))") }
        if let words = value("DESCRIPTION") { lines.append(String(words.prefix(2000))) }
        return lines.joined(separator: "\n")
    }

    private static func card(_ fields: [(name: String, value: String)]) -> String? {
        guard fields.contains(where: { $0.name == "BEGIN" && $0.value.uppercased() == "VCARD" }) else { return nil }
        func values(_ name: String) -> [String] { fields.filter { $0.name == name }.map { plain($0.value) }.filter { !$0.isEmpty }.prefix(5).map { $0 } }
        let lines = [("Card", values("FN")), ("Company", values("ORG").map { $0.replacingOccurrences(of: ";", with: ", ") }), ("Title", values("TITLE")), ("E-mail", values("EMAIL")), ("Telephone", values("TEL"))]
            .filter { !$0.1.isEmpty }.map { "\($0.0): \($0.1.joined(separator: ", "))" }
        return lines.isEmpty ? nil : lines.joined(separator: "\n")
    }

    /// Lines unfolded (RFC 5545, section 3.1), each a name without its parameters and a value.
    private static func fields(_ text: String) -> [(name: String, value: String)] {
        var lines: [String] = []
        for line in text.split(whereSeparator: \.isNewline).prefix(mostLines) {
            if let first = line.first, first == " " || first == "\t", !lines.isEmpty { lines[lines.count - 1] += line.dropFirst() } else { lines.append(String(line)) }
        }
        return lines.compactMap { line in
            guard let colon = line.firstIndex(of: ":") else { return nil }
            let name = line[..<colon].split(separator: ";").first.map(String.init) ?? ""
            return (String(name.split(separator: ".").last ?? "").uppercased(), String(line[line.index(after: colon)...]))
        }
    }

    private static func plain(_ value: String) -> String {
        value.replacingOccurrences(of: "\\n", with: "\n", options: .caseInsensitive).replacingOccurrences(of: "\\,", with: ",").replacingOccurrences(of: "\\;", with: ";").replacingOccurrences(of: "\\\\", with: "\\")
            .trimmingWhitespace()
    }

    /// `20261124T090000Z` as `2026-11-24 09:00 UTC`, `20261124` as a day.
    private static func moment(_ value: String) -> String {
        let digits = Array(value)
        guard digits.count >= 8, digits.prefix(8).allSatisfy(\.isNumber) else { return value }
        let day = "\(String(digits[0..<4]))-\(String(digits[4..<6]))-\(String(digits[6..<8]))"
        guard digits.count >= 13, digits[8] == "T" else { return day }
        return "\(day) \(String(digits[9..<11])):\(String(digits[11..<13]))\(value.hasSuffix("Z") ? " UTC" : "")"
    }
}
