import Foundation

/// What a mail server says to the listener, line by line (RFC 2033; RFC 5321, section 4.1). Pure: lines in, what to do
/// out.
package struct LMTPDialogue: Sendable {
    package struct Limits: Sendable {
        /// Octets of a message.
        package var size = 52_428_800
        package var recipients = 100
        /// Wrong commands until the line is closed.
        package var mistakes = 20
        package init() {}
    }

    package enum Step: Sendable, Equatable {
        case answer(String)
        /// Whether this recipient is one of ours is to be asked; `accept` or `refuse` follows.
        case ask(String)
        /// The message follows, up to a line with a dot.
        case readMessage
        case close(String)
    }

    private let host: String
    private let limits: Limits
    private var hasGreeted = false
    private(set) var sender: String?
    private(set) var recipients: [String] = []
    /// Octets of the message, as its sender said (RFC 1870).
    private(set) var announcedSize: Int?
    private var asked: String?
    private var mistakes = 0

    package init(host: String, limits: Limits = Limits()) {
        self.host = host
        self.limits = limits
    }

    package var greeting: String { "220 \(host) LMTP ready" }

    /// One command line, without its line end.
    package mutating func take(_ line: String) -> Step {
        let verb = line.prefix { $0.isLetter }.uppercased()
        let rest = String(line.dropFirst(verb.count)).trimmingWhitespace()
        switch verb {
        case "LHLO":
            guard !rest.isEmpty else { return wrong("501 5.5.4 LHLO needs a name") }
            hasGreeted = true
            reset()
            return .answer(
                [
                    "250-\(host)", "250-PIPELINING", "250-ENHANCEDSTATUSCODES", "250-8BITMIME", "250-SMTPUTF8",
                    "250 SIZE \(limits.size)",
                ].joined(separator: "\r\n"))
        case "HELO", "EHLO": return wrong("500 5.5.1 this is LMTP: say LHLO")
        case "NOOP": return .answer("250 2.0.0 OK")
        case "RSET":
            reset()
            return .answer("250 2.0.0 reset")
        case "VRFY": return .answer("252 2.5.2 cannot verify the user, but will accept the message")
        case "QUIT": return .close("221 2.0.0 goodbye")
        case "MAIL": return mail(rest)
        case "RCPT": return recipient(rest)
        case "DATA":
            guard sender != nil else { return wrong("503 5.5.1 MAIL comes first") }
            // RFC 2033, section 4.2: with no recipient there is nobody to answer for.
            guard !recipients.isEmpty else { return wrong("503 5.5.1 there is no valid recipient") }
            return .readMessage
        default: return wrong("500 5.5.2 unknown command")
        }
    }

    private mutating func mail(_ rest: String) -> Step {
        guard hasGreeted else { return wrong("503 5.5.1 LHLO comes first") }
        guard sender == nil else { return wrong("503 5.5.1 a message is under way") }
        guard let (address, parameters) = Self.path(rest, after: "FROM:") else {
            return wrong("501 5.1.7 MAIL FROM:<address>")
        }
        for parameter in parameters {
            let parts = parameter.split(separator: "=", maxSplits: 1)
            switch parts[0].uppercased() {
            case "SIZE":
                guard parts.count == 2, let size = Int(parts[1]) else { return wrong("501 5.5.4 SIZE takes a number") }
                announcedSize = size
                guard size <= limits.size else { return .answer("552 5.3.4 larger than \(limits.size) octets") }
            case "BODY", "SMTPUTF8", "RET", "ENVID", "AUTH": break
            default: return wrong("555 5.5.4 the parameter \(parts[0]) is not known here")
            }
        }
        sender = address
        return .answer("250 2.1.0 sender accepted")
    }

    private mutating func recipient(_ rest: String) -> Step {
        guard sender != nil else { return wrong("503 5.5.1 MAIL comes first") }
        guard let (address, _) = Self.path(rest, after: "TO:"), !address.isEmpty else {
            return wrong("501 5.1.3 RCPT TO:<address>")
        }
        guard recipients.count < limits.recipients else {
            return .answer("452 4.5.3 more than \(limits.recipients) recipients")
        }
        asked = address
        return .ask(address)
    }

    package mutating func accept() -> String {
        if let asked { recipients.append(asked) }
        asked = nil
        return "250 2.1.5 recipient accepted"
    }
    package mutating func refuse() -> String {
        defer { asked = nil }
        return "550 5.1.1 nobody here has the address \((asked ?? "").singleLine)"
    }

    /// What was collected, once the message was read; the next one may begin.
    package mutating func finish() -> (sender: String, recipients: [String]) {
        defer { reset() }
        return (sender ?? "", recipients)
    }

    private mutating func reset() {
        sender = nil
        recipients = []
        announcedSize = nil
        asked = nil
    }

    private mutating func wrong(_ answer: String) -> Step {
        mistakes += 1
        return mistakes >= limits.mistakes ? .close("421 4.7.0 too many mistakes") : .answer(answer)
    }

    /// `FROM:<address> SIZE=1`: the address without its brackets, empty for `<>`, and the parameters.
    private static func path(_ text: String, after mark: String) -> (String, [Substring])? {
        guard text.uppercased().hasPrefix(mark) else { return nil }
        let rest = String(text.dropFirst(mark.count)).trimmingWhitespace()
        guard rest.hasPrefix("<"), let end = rest.firstIndex(of: ">") else { return nil }
        var address = rest[rest.index(after: rest.startIndex)..<end]
        // A source route is passed over (RFC 5321, appendix C).
        if address.hasPrefix("@"), let colon = address.firstIndex(of: ":") {
            address = address[address.index(after: colon)...]
        }
        return (String(address), rest[rest.index(after: end)...].split(separator: " "))
    }
}

/// A message as it comes over the line: dots doubled at the beginning of a line are single again, a line of one dot
/// ends it (RFC 5321, section 4.5.2).
package struct DottedMessage: Sendable {
    package private(set) var bytes = Data()
    /// More came than is taken; the rest is passed over.
    package private(set) var isTooLarge = false
    /// There was no room for it.
    package private(set) var isPutOff = false
    private let limit: Int

    package init(limit: Int) { self.limit = limit }

    /// There is no room for it now; the rest is passed over.
    package mutating func putOff() {
        isPutOff = true
        bytes = Data()
    }

    /// One line without its line end; true when it was the last.
    package mutating func take(_ line: some Collection<UInt8>) -> Bool {
        let dot = UInt8(ascii: ".")
        if line.first == dot {
            if line.count == 1 { return true }
            append(line.dropFirst())
        } else {
            append(line)
        }
        return false
    }

    private mutating func append(_ line: some Collection<UInt8>) {
        guard !isTooLarge, !isPutOff else { return }
        guard bytes.count + line.count + 2 <= limit else {
            isTooLarge = true
            bytes = Data()
            return
        }
        bytes.append(contentsOf: line)
        bytes.append(contentsOf: [13, 10])
    }
}
