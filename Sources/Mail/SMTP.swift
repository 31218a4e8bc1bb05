import CCurl
import Foundation

/// What became of one attempt to hand a message to the mail server.
package enum SMTPOutcome: Sendable, Equatable {
    /// Accepted; the server answers for it now.
    case sent
    /// Not now: the server is away, or said so with a 4xx.
    case deferred(String)
    /// Never: the server refused it with a 5xx.
    case refused(String)
    /// The whole message was handed over and no answer came: it may or may not have been taken.
    case unknown(String)
}

/// Sends through one SMTP server by libcurl. Keeps its connection between messages. Used by one task at a time.
package final class SMTPSender {
    private let server: MailServer
    private let greeting: String
    private let handle: UnsafeMutableRawPointer?

    /// - Parameter greeting: the name given with EHLO.
    package init(_ server: MailServer, greeting: String) {
        _ = MailServer.library
        self.server = server
        self.greeting = greeting.filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "." || $0 == "-") }
        handle = curl_easy_init()
    }
    deinit { curl_easy_cleanup(handle) }

    private final class Upload {
        let bytes: Data
        var offset = 0
        /// The server's last words of refusal.
        var answer = ""
        init(_ bytes: Data) { self.bytes = bytes }
    }

    package func send(_ message: Data, from sender: String, to recipient: String) -> SMTPOutcome {
        guard let handle else { return .deferred("no memory for a connection") }
        let upload = Upload(message)
        var recipients = curl_slist_append(nil, "<\(recipient)>")
        defer {
            curl_slist_free_all(recipients)
            recipients = nil
        }
        if let fault = server.fault { return .deferred(fault) }
        curl_easy_reset(handle)
        server.configure(handle, path: greeting)
        usher_curl_set_text(handle, CURLOPT_MAIL_FROM, "<\(sender)>")
        usher_curl_set_list(handle, CURLOPT_MAIL_RCPT, recipients)
        usher_curl_set_number(handle, CURLOPT_UPLOAD, 1)
        usher_curl_set_number(handle, CURLOPT_CONNECTTIMEOUT, 15)
        usher_curl_set_number(handle, CURLOPT_TIMEOUT, 120)
        usher_curl_set_reader(handle) { buffer, size, count, context in
            guard let buffer, let context else { return 0 }
            let upload = Unmanaged<Upload>.fromOpaque(context).takeUnretainedValue()
            let length = min(size * count, upload.bytes.count - upload.offset)
            guard length > 0 else { return 0 }
            upload.bytes.copyBytes(to: UnsafeMutableRawBufferPointer(start: buffer, count: length), from: upload.offset..<(upload.offset + length))
            upload.offset += length
            return length
        }
        usher_curl_set_header_writer(handle) { buffer, size, count, context in
            if let buffer, let context {
                let line = UnsafeRawBufferPointer(start: buffer, count: min(size * count, 500))
                // A farewell follows a refusal; it is the refusal that tells.
                if line.first == UInt8(ascii: "4") || line.first == UInt8(ascii: "5") { Unmanaged<Upload>.fromOpaque(context).takeUnretainedValue().answer = String(decoding: line, as: UTF8.self).singleLine }
            }
            return size * count
        }
        usher_curl_set_pointer(handle, CURLOPT_HEADERDATA, Unmanaged.passUnretained(upload).toOpaque())
        usher_curl_set_pointer(handle, CURLOPT_READDATA, Unmanaged.passUnretained(upload).toOpaque())
        let code = withExtendedLifetime(upload) { curl_easy_perform(handle) }
        return outcome(code, reply: usher_curl_response_code(handle), answer: upload.answer, handedOver: upload.offset == message.count)
    }

    /// Connects, greets and signs in; returns what is wrong in words, nil when nothing is.
    package func probe() -> String? {
        guard let handle else { return "no memory for a connection" }
        if let fault = server.fault { return fault }
        curl_easy_reset(handle)
        server.configure(handle, path: greeting)
        usher_curl_set_number(handle, CURLOPT_CONNECT_ONLY, 1)
        usher_curl_set_number(handle, CURLOPT_CONNECTTIMEOUT, 10)
        usher_curl_set_number(handle, CURLOPT_TIMEOUT, 15)
        let code = curl_easy_perform(handle)
        return code == CURLE_OK ? nil : MailFault.of(code, server, detail: "").description
    }

    private func outcome(_ code: CURLcode, reply: Int, answer: String, handedOver: Bool) -> SMTPOutcome {
        if code == CURLE_OK { return .sent }
        // What the server said is clearer than what the library makes of it.
        let reason = reply >= 400 && answer.hasPrefix(String(reply)) ? answer : String(cString: curl_easy_strerror(code)) + (reply >= 400 ? " (\(reply))" : "")
        if code == CURLE_LOGIN_DENIED { return .deferred("the mail server refused the sign-in: \(reason)") }
        if reply >= 500, reply < 600 { return .refused(reason) }
        if reply >= 400, reply < 500 { return .deferred(reason) }
        return handedOver ? .unknown(reason) : .deferred(reason)
    }
}
