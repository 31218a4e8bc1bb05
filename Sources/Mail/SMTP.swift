import CCurl
import Foundation

/// What became of one attempt to hand a message to the mail server.
package enum SMTPOutcome: Sendable, Equatable {
    /// Accepted; the server answers for it now.
    case sent
    /// Not now: a 4xx to this recipient or this message, or the line broke while it was handed over.
    case deferred(String)
    /// Never: the server refused this recipient or this message with a 5xx.
    case refused(String)
    /// A 5xx to this recipient for a reason of policy (RFC 3463, X.7.X): it may be meant for the recipient, or for us.
    case refusedByPolicy(String)
    /// The server takes no mail from us, whoever it is for: it is away, its greeting, sign-in or `MAIL` failed, or its
    /// certificate is not to be trusted. The next attempt may work, after the operator has mended something.
    case serverTrouble(String)
    /// The whole message was handed over and no answer came: it may or may not have been taken.
    case unknown(String)
    /// The program is stopping; nothing was handed over.
    case interrupted
}

/// How long a sender waits, in seconds.
package struct SMTPPatience: Sendable {
    /// For a connection.
    package var connect = 30
    /// For an answer to one command. RFC 5321, 4.5.3.2 names five minutes for most.
    package var answer: TimeInterval = 300
    /// For the answer after the final dot: ten minutes, or a slow server delivers the message twice.
    package var final: TimeInterval = 600
    /// A span in which a message that is on its way must go on by `leastBytes`.
    package var stall: TimeInterval = 180
    package var leastBytes = 8192

    package init() {}
}

/// The step of a dialogue in SMTP (RFC 5321) that was begun last.
enum SMTPStep: Int, Comparable {
    case connect, greeting, hello, startTLS, signIn, mail, recipient, data, message, final

    static func < (a: SMTPStep, b: SMTPStep) -> Bool { a.rawValue < b.rawValue }

    /// The step a command begins; nil for one that begins none.
    init?(command: String) {
        switch command {
        case "EHLO", "HELO": self = .hello
        case "STARTTLS": self = .startTLS
        case "AUTH": self = .signIn
        case "MAIL": self = .mail
        case "RCPT": self = .recipient
        case "DATA", "BDAT": self = .data
        default: return nil
        }
    }

    /// What a server that breaks off here was asked, in words.
    var words: String {
        switch self {
        case .connect: "while connecting"
        case .greeting: "at its greeting"
        case .hello: "at EHLO"
        case .startTLS: "at STARTTLS"
        case .signIn: "at the sign-in"
        case .mail: "at MAIL FROM"
        case .recipient: "at RCPT TO"
        case .data: "at DATA"
        case .message: "while the message was sent"
        case .final: "after the message"
        }
    }
}

/// Sends through one SMTP server by libcurl. Keeps its connection between messages. Used by one task at a time.
package final class SMTPSender {
    private let server: MailServer
    private let greeting: String
    private let patience: SMTPPatience
    private let handle: UnsafeMutableRawPointer?

    /// - Parameter greeting: the name given with EHLO.
    package init(_ server: MailServer, greeting: String, patience: SMTPPatience = SMTPPatience()) {
        _ = MailServer.library
        self.server = server
        self.patience = patience
        self.greeting = greeting.filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "." || $0 == "-") }
        handle = curl_easy_init()
    }
    deinit { curl_easy_cleanup(handle) }

    /// One message on its way, and how far its dialogue came.
    private final class Dialogue {
        let bytes: Data
        let patience: SMTPPatience
        let isOver: @Sendable () -> Bool
        var offset = 0
        var step = SMTPStep.connect
        /// The server's last words of refusal, and the step they answered.
        var refusal: (text: String, step: SMTPStep)?
        /// When the server last said something, or the message went on.
        var heard = DispatchTime.now()
        /// Where the message stood when the span in which it must go on began.
        var span: (began: DispatchTime, offset: Int) = (DispatchTime.now(), 0)
        var ranOut = false
        var wasStopped = false

        init(_ bytes: Data, _ patience: SMTPPatience, _ isOver: @escaping @Sendable () -> Bool) {
            self.bytes = bytes
            self.patience = patience
            self.isOver = isOver
        }

        func begin(_ next: SMTPStep) {
            step = next
            heard = .now()
            span = (.now(), offset)
        }

        /// Whether to break off; libcurl asks about once a second.
        func breaksOff() -> Bool {
            if isOver() {
                wasStopped = true
                return true
            }
            let silence = Self.seconds(since: heard)
            switch step {
            case .connect: return false  // libcurl's own limit
            case .final: ranOut = silence > patience.final
            case .message:
                if Self.seconds(since: span.began) > patience.stall {
                    ranOut = offset - span.offset < patience.leastBytes
                    span = (.now(), offset)
                }
            default: ranOut = silence > patience.answer
            }
            return ranOut
        }
        private static func seconds(since then: DispatchTime) -> TimeInterval {
            TimeInterval(DispatchTime.now().uptimeNanoseconds - then.uptimeNanoseconds) / 1e9
        }

        static func at(_ context: UnsafeMutableRawPointer) -> Dialogue {
            Unmanaged.fromOpaque(context).takeUnretainedValue()
        }
    }

    /// - Parameter isOver: asked about once a second; true breaks the attempt off, since the program is stopping.
    package func send(
        _ message: Data, from sender: String, to recipient: String, isOver: @escaping @Sendable () -> Bool = { false }
    ) -> SMTPOutcome {
        guard handle != nil else { return .serverTrouble("no memory for a connection") }
        if let fault = server.fault { return .serverTrouble(fault.english) }
        let first = Dialogue(message, patience, isOver)
        let outcome = attempt(first, from: sender, to: recipient, fresh: false)
        // A line that was kept may have been closed by the server meanwhile, some with a farewell of 421.
        guard case .serverTrouble = outcome, first.step <= .mail, let handle, usher_curl_connects(handle) == 0 else {
            return outcome
        }
        return attempt(Dialogue(message, patience, isOver), from: sender, to: recipient, fresh: true)
    }

    private func attempt(_ dialogue: Dialogue, from sender: String, to recipient: String, fresh: Bool) -> SMTPOutcome {
        guard let handle else { return .serverTrouble("no memory for a connection") }
        let recipients = curl_slist_append(nil, "<\(recipient)>")
        defer { curl_slist_free_all(recipients) }
        curl_easy_reset(handle)
        server.configure(handle, path: greeting)
        usher_curl_set_text(handle, CURLOPT_MAIL_FROM, "<\(sender)>")
        usher_curl_set_list(handle, CURLOPT_MAIL_RCPT, recipients)
        usher_curl_set_number(handle, CURLOPT_UPLOAD, 1)
        if fresh { usher_curl_set_number(handle, CURLOPT_FRESH_CONNECT, 1) }
        usher_curl_set_number(handle, CURLOPT_CONNECTTIMEOUT, patience.connect)
        // The dialogue's own limits are shorter; libcurl's is 120 s for any answer unless told.
        usher_curl_set_number(handle, CURLOPT_SERVER_RESPONSE_TIMEOUT, Int(max(patience.answer, patience.final)) + 60)
        watch(handle, dialogue)
        usher_curl_set_reader(handle) { buffer, size, count, context in
            guard let buffer, let context else { return 0 }
            let dialogue = Dialogue.at(context)
            if dialogue.step < .message { dialogue.begin(.message) }
            dialogue.heard = .now()
            let length = min(size * count, dialogue.bytes.count - dialogue.offset)
            guard length > 0 else {
                if dialogue.step == .message { dialogue.begin(.final) }
                return 0
            }
            let target = UnsafeMutableRawBufferPointer(start: buffer, count: length)
            dialogue.bytes.withUnsafeBytes {
                target.copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: $0[dialogue.offset..<(dialogue.offset + length)]))
            }
            dialogue.offset += length
            return length
        }
        usher_curl_set_pointer(handle, CURLOPT_READDATA, Unmanaged.passUnretained(dialogue).toOpaque())
        let code = withExtendedLifetime(dialogue) { curl_easy_perform(handle) }
        return outcome(code, dialogue)
    }

    /// Follows the dialogue line by line, to know at which step it ends, and breaks it off when the server is silent
    /// too long.
    private func watch(_ handle: UnsafeMutableRawPointer, _ dialogue: Dialogue) {
        let context = Unmanaged.passUnretained(dialogue).toOpaque()
        usher_curl_set_number(handle, CURLOPT_VERBOSE, 1)
        usher_curl_set_debugger(handle) { _, kind, text, length, context in
            guard let text, let context else { return 0 }
            let dialogue = Dialogue.at(context)
            let bytes = UnsafeRawBufferPointer(start: text, count: min(length, 500))
            switch kind {
            case CURLINFO_HEADER_OUT:
                // The first word alone: what follows AUTH is nobody's business.
                let word = String(decoding: bytes.prefix { $0 > 0x20 && $0 < 0x7F }, as: UTF8.self).uppercased()
                if let next = SMTPStep(command: word) { dialogue.begin(next) } else { dialogue.heard = .now() }
            case CURLINFO_HEADER_IN:
                dialogue.heard = .now()
                if dialogue.step == .connect { dialogue.begin(.greeting) }
                // A farewell follows a refusal; it is the refusal that tells.
                if bytes.first == UInt8(ascii: "4") || bytes.first == UInt8(ascii: "5") {
                    dialogue.refusal = (String(decoding: bytes, as: UTF8.self).singleLine, dialogue.step)
                }
            case CURLINFO_TEXT:
                // "Connected to …": from now on the greeting is waited for.
                if dialogue.step == .connect, bytes.starts(with: "Connected to".utf8) { dialogue.begin(.greeting) }
            default: break
            }
            return 0
        }
        usher_curl_set_pointer(handle, CURLOPT_DEBUGDATA, context)
        usher_curl_set_number(handle, CURLOPT_NOPROGRESS, 0)
        usher_curl_set_progress(handle) { context, _, _, _, _ in
            guard let context else { return 0 }
            return Dialogue.at(context).breaksOff() ? 1 : 0
        }
        usher_curl_set_pointer(handle, CURLOPT_XFERINFODATA, context)
    }

    /// Connects, greets and signs in; returns what is wrong in words, nil when nothing is.
    package func probe() -> String? {
        guard let handle else { return "no memory for a connection" }
        if let fault = server.fault { return fault.english }
        curl_easy_reset(handle)
        server.configure(handle, path: greeting)
        usher_curl_set_number(handle, CURLOPT_CONNECT_ONLY, 1)
        usher_curl_set_number(handle, CURLOPT_CONNECTTIMEOUT, 10)
        usher_curl_set_number(handle, CURLOPT_TIMEOUT, 15)
        let code = curl_easy_perform(handle)
        return code == CURLE_OK ? nil : MailFault.of(code, server, detail: "").description
    }

    private func outcome(_ code: CURLcode, _ dialogue: Dialogue) -> SMTPOutcome {
        if code == CURLE_OK { return .sent }
        let reply = usher_curl_response_code(handle)
        let isHandedOver = dialogue.step == .final
        if dialogue.wasStopped {
            return isHandedOver ? .unknown("the program stopped before the answer came") : .interrupted
        }
        if code == CURLE_LOGIN_DENIED {
            return .serverTrouble("the mail server refused the sign-in: \(dialogue.refusal?.text ?? "")")
        }
        if let refusal = dialogue.refusal, reply >= 400, reply < 600, refusal.text.hasPrefix(String(reply)) {
            return SMTPSender.judge(reply: Int(reply), refusal.text, at: refusal.step)
        }
        if [CURLE_USE_SSL_FAILED, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CONNECT_ERROR].contains(code) {
            return .serverTrouble(
                MailFault.of(code, server, detail: String(cString: curl_easy_strerror(code))).description)
        }
        let reason =
            dialogue.ranOut
            ? "\(server.host) did not answer in time \(dialogue.step.words)"
            : dialogue.step <= .greeting
                ? MailFault.of(code, server, detail: "").description
                : "\(server.host) broke off \(dialogue.step.words): \(String(cString: curl_easy_strerror(code)))"
        if isHandedOver { return .unknown(reason) }
        return dialogue.step <= .mail ? .serverTrouble(reason) : .deferred(reason)
    }

    /// What a refusal means by its code and the step it answered (RFC 5321, 4.2 and 4.3.2): before a recipient was
    /// named it is about us, from then on about this recipient or this message.
    static func judge(reply: Int, _ text: String, at step: SMTPStep) -> SMTPOutcome {
        // 530, 535, 538: a sign-in or TLS is wanted first, whichever command is refused for it (RFC 4954, RFC 3207).
        if step < .recipient || [530, 535, 538].contains(reply) { return .serverTrouble(text) }
        guard reply >= 500 else { return .deferred(text) }
        let enhanced = text.dropFirst(3).drop { $0 == " " || $0 == "-" }
        return step == .recipient && enhanced.hasPrefix("5.7.") ? .refusedByPolicy(text) : .refused(text)
    }
}
