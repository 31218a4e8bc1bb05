import Foundation
import Testing

@testable import Mail

@Suite("SMTP")
struct SMTPTests {
    @Test(
        "a refusal is judged by the step it answers",
        arguments: [
            (554, "554 5.7.1 your address is listed", SMTPStep.greeting, "server"),
            (550, "550 bad HELO", .hello, "server"), (535, "535 5.7.8 wrong password", .signIn, "server"),
            (454, "454 TLS not available", .startTLS, "server"), (550, "550 5.1.8 sender refused", .mail, "server"),
            (452, "452 4.3.1 no room", .mail, "server"),
            (530, "530 5.7.0 must issue STARTTLS first", .recipient, "server"),
            (550, "550 5.1.1 no such user", .recipient, "refused"),
            (553, "553-mailbox name not allowed", .recipient, "refused"),
            (554, "554 5.7.1 relay access denied", .recipient, "policy"),
            (550, "550-5.7.26 unauthenticated", .recipient, "policy"),
            (451, "451 4.7.1 greylisted", .recipient, "deferred"),
            (554, "554 5.6.0 content refused", .final, "refused"), (552, "552 5.3.4 too big", .message, "refused"),
            (451, "451 try later", .final, "deferred"), (554, "554 no valid recipients", .data, "refused"),
        ])
    func judged(reply: Int, text: String, step: SMTPStep, expected: String) {
        let found =
            switch SMTPSender.judge(reply: reply, text, at: step) {
            case .serverTrouble: "server"
            case .refused: "refused"
            case .refusedByPolicy: "policy"
            case .deferred: "deferred"
            default: "other"
            }
        #expect(found == expected)
    }

    @Test(
        "smtp:// wants STARTTLS of every server but one on this machine",
        arguments: [
            ("smtp://relay.example", MailServer.Security.starttls), ("smtp://user:secret@relay.example:587", .starttls),
            ("smtp://127.0.0.1.evil.example", .starttls),
            ("smtp://10.0.0.5", .starttls), ("smtp://localhost.evil.example", .starttls),
            ("SMTP://Relay.example", .starttls), ("smtp://[2001:db8::1]:25", .starttls),
            ("smtp://localhost", .offered), ("smtp://LOCALHOST:25", .offered), ("smtp://127.0.0.1:2525", .offered),
            ("smtp://[::1]:25", .offered),
            ("smtps://relay.example", .tls), ("smtp+insecure://relay.example", .insecure),
            ("smtp+insecure://user:secret@relay.example", .insecure),
        ])
    func security(address: String, expected: MailServer.Security) throws {
        let server = try #require(MailServer(address))
        #expect(server.security == expected)
        #expect(server.fault == nil)
    }

    /// A server that speaks one prepared line for each line it hears, on a port of its own; closes where there is
    /// nothing to say.
    private final class Script: @unchecked Sendable {
        let port: Int
        private let listener: Int32
        private let lock = NSLock()
        private var lines: [String] = []
        var heard: [String] { lock.withLock { lines } }

        /// - Parameter answer: what is said to a line; nil is silence.
        init(greeting: String?, _ answer: @escaping @Sendable (String) -> String?) throws {
            listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = inet_addr("127.0.0.1")
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let handle = listener
            let bound = withUnsafeMutablePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(handle, $0, length) == 0 && listen(handle, 8) == 0 && getsockname(handle, $0, &length) == 0
                }
            }
            guard bound else { throw CocoaError(.fileReadUnknown) }
            port = Int(UInt16(bigEndian: address.sin_port))
            Thread.detachNewThread { [self] in
                while true {
                    let line = accept(handle, nil, nil)
                    guard line >= 0 else { return }
                    Thread.detachNewThread { [self] in talk(line, greeting, answer) }
                }
            }
        }
        private func talk(_ line: Int32, _ greeting: String?, _ answer: @Sendable (String) -> String?) {
            func say(_ words: String) {
                _ = (words + "\r\n").withCString { send(line, $0, strlen($0), Int32(MSG_NOSIGNAL)) }
            }
            if let greeting { say(greeting) }
            var rest = ""
            var buffer = [UInt8](repeating: 0, count: 4096)
            var isMessage = false
            while true {
                let count = recv(line, &buffer, buffer.count, 0)
                guard count > 0 else { break }
                rest += String(decoding: buffer[..<count], as: UTF8.self)
                while let end = rest.range(of: "\r\n") {
                    let command = String(rest[..<end.lowerBound])
                    rest.removeSubrange(..<end.upperBound)
                    if isMessage, command != "." { continue }
                    lock.withLock { lines.append(command) }
                    guard let words = answer(command) else { continue }
                    if words.isEmpty {
                        close(line)
                        return
                    }
                    isMessage = command == "DATA" && words.hasPrefix("354")
                    say(words)
                }
            }
            close(line)
        }
        deinit { close(listener) }
    }

    private static let willing: @Sendable (String) -> String? = { line in
        switch line.prefix(4) {
        case "EHLO": "250 there"
        case "DATA": "354 go on"
        default: "250 ok"
        }
    }
    private func attempt(
        _ script: Script, _ patience: SMTPPatience = SMTPPatience(), stop: @escaping @Sendable () -> Bool = { false }
    ) throws -> SMTPOutcome {
        let server = try #require(MailServer("smtp://127.0.0.1:\(script.port)"))
        return SMTPSender(server, greeting: "desk.example", patience: patience).send(
            Data("Subject: x\r\n\r\nx\r\n".utf8), from: "a@desk.example", to: "kim@harbour.example", isOver: stop)
    }
    private func kind(_ outcome: SMTPOutcome) -> String { String("\(outcome)".prefix { $0 != "(" }) }

    @Test(
        "a real server's refusal at each step",
        arguments: [
            ("EHLO", "550 no", "serverTrouble"), ("MAIL", "550 5.7.1 listed", "serverTrouble"),
            ("MAIL", "", "serverTrouble"), ("RCPT", "550 5.1.1 nobody", "refused"),
            ("RCPT", "554 5.7.1 listed", "refusedByPolicy"), ("RCPT", "451 later", "deferred"),
            ("RCPT", "", "deferred"), ("DATA", "554 no", "refused"), (".", "554 content", "refused"),
            (".", "451 later", "deferred"), (".", "", "unknown"), ("never", "", "sent"),
        ])
    func steps(command: String, answer: String, expected: String) throws {
        let willing = Self.willing
        let script = try Script(greeting: "220 there") {
            $0.hasPrefix(command) || command == "EHLO" && $0.hasPrefix("HELO") ? answer : willing($0)
        }
        #expect(kind(try attempt(script)) == expected)
    }

    @Test("a 5xx greeting is the server's trouble")
    func greeting() throws {
        let outcome = try attempt(try Script(greeting: "554 5.7.1 your address is listed", Self.willing))
        #expect(kind(outcome) == "serverTrouble")
    }

    @Test(
        "silence is waited out for as long as the step deserves",
        arguments: [("EHLO", "serverTrouble"), ("RCPT", "deferred"), (".", "unknown")])
    func silence(command: String, expected: String) throws {
        let willing = Self.willing
        var patience = SMTPPatience()
        (patience.answer, patience.final) = (0.2, 0.2)
        let script = try Script(greeting: "220 there") { $0.hasPrefix(command) ? nil : willing($0) }
        #expect(kind(try attempt(script, patience)) == expected)
    }

    @Test("an answer that comes late, but within the limit, is waited for")
    func late() throws {
        let willing = Self.willing
        var patience = SMTPPatience()
        patience.answer = 0.2
        let script = try Script(greeting: "220 there") { line in
            if line == "." { usleep(1_500_000) }
            return willing(line)
        }
        #expect(try attempt(script, patience) == .sent)
    }

    @Test("the program's end breaks off what was not handed over")
    func stopped() throws {
        let willing = Self.willing
        let script = try Script(greeting: "220 there") { $0.hasPrefix("RCPT") ? nil : willing($0) }
        #expect(try attempt(script) { true } == .interrupted)
    }

    @Test("nothing is said of user and password where STARTTLS was taken out of the offer")
    func stripped() throws {
        let script = try Script(greeting: "220 there") {
            $0.hasPrefix("EHLO") ? "250-there\r\n250 AUTH PLAIN LOGIN" : "250 ok"
        }
        // As a server elsewhere is spoken to; this one happens to be here.
        let server = MailServer(
            .smtp, host: "127.0.0.1", port: script.port, security: .starttls, user: "desk",
            credential: .password("secret"))
        let outcome = SMTPSender(server, greeting: "desk.example").send(
            Data("x\r\n".utf8), from: "a@desk.example", to: "kim@harbour.example")
        #expect(kind(outcome) == "serverTrouble")
        #expect(!script.heard.contains { $0.hasPrefix("AUTH") || $0.hasPrefix("MAIL") })
    }
}
