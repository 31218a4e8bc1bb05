import CCurl
import Foundation

/// A line to an IMAP or POP3 server. libcurl connects, starts TLS and signs in; from then on bytes go both ways. Used
/// by one task at a time.
///
/// libcurl's own fetching would mark messages as read before they are kept, so commands are sent over its connection
/// instead.
final class MailLine {
    private let handle: UnsafeMutableRawPointer
    private let socket: Int32
    private let server: MailServer
    /// When the whole visit has to be over.
    private let deadline: DispatchTime
    private var buffer: [UInt8] = []
    private var start = 0
    /// Octets of one line of an answer.
    private static let longestLine = 1 << 20
    /// Milliseconds in which a server says something at least.
    private static let patience: Int32 = 30_000

    /// - Parameter seconds: how long the visit may take in all.
    init(_ server: MailServer, within seconds: Int) throws(MailFault) {
        _ = MailServer.library
        if let fault = server.fault { throw MailFault(.connection, fault.english) }
        guard let handle = curl_easy_init() else { throw MailFault(.connection, "no memory for a connection") }
        var words = [CChar](repeating: 0, count: Int(CURL_ERROR_SIZE))
        server.configure(handle)
        usher_curl_set_number(handle, CURLOPT_CONNECT_ONLY, 1)
        usher_curl_set_number(handle, CURLOPT_CONNECTTIMEOUT, 15)
        usher_curl_set_number(handle, CURLOPT_TIMEOUT, 30)
        let code = words.withUnsafeMutableBufferPointer { buffer in
            usher_curl_set_pointer(handle, CURLOPT_ERRORBUFFER, buffer.baseAddress)
            defer { usher_curl_set_pointer(handle, CURLOPT_ERRORBUFFER, nil) }
            return curl_easy_perform(handle)
        }
        guard code == CURLE_OK else {
            curl_easy_cleanup(handle)
            throw MailFault.of(
                code, server,
                detail: words.withUnsafeBufferPointer {
                    String(decoding: UnsafeRawBufferPointer($0).prefix { $0 != 0 }, as: UTF8.self)
                })
        }
        self.handle = handle
        self.server = server
        socket = usher_curl_socket(handle)
        deadline = .now() + .seconds(seconds)
    }
    deinit { curl_easy_cleanup(handle) }

    func send(_ text: String) throws(MailFault) {
        let bytes = Array(text.utf8)
        var sent = 0
        while sent < bytes.count {
            var written = 0
            let code = bytes.withUnsafeBytes {
                curl_easy_send(handle, $0.baseAddress?.advanced(by: sent), bytes.count - sent, &written)
            }
            sent += written
            if code == CURLE_AGAIN {
                try wait(Int16(POLLOUT))
            } else if code != CURLE_OK {
                throw MailFault.of(code, server, detail: "")
            }
        }
    }

    /// The next line, without its end.
    func line() throws(MailFault) -> [UInt8] {
        var searched = start
        while true {
            if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                var line = Array(buffer[start..<end])
                if line.last == UInt8(ascii: "\r") { line.removeLast() }
                start = end + 1
                return line
            }
            searched = buffer.count
            guard buffer.count - start < Self.longestLine else {
                throw MailFault(.answer, "\(server.host) sent a line that is too long")
            }
            let before = start
            try receive()
            searched -= before - start
        }
    }

    /// So many bytes as they come; beyond `most` they are read and dropped, and nil says so.
    func bytes(_ count: Int, most: Int) throws(MailFault) -> Data? {
        var data = Data()
        if count <= most { data.reserveCapacity(count) }
        var left = count
        while left > 0 {
            if start == buffer.count { try receive() }
            let piece = min(left, buffer.count - start)
            if count <= most { data.append(contentsOf: buffer[start..<(start + piece)]) }
            start += piece
            left -= piece
        }
        return count <= most ? data : nil
    }

    private func receive() throws(MailFault) {
        if start > 0 {
            buffer.removeSubrange(..<start)
            start = 0
        }
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            var count = 0
            let code = piece.withUnsafeMutableBytes { curl_easy_recv(handle, $0.baseAddress, $0.count, &count) }
            if code == CURLE_AGAIN {
                try wait(Int16(POLLIN))
                continue
            }
            guard code == CURLE_OK else { throw MailFault.of(code, server, detail: "") }
            guard count > 0 else { throw MailFault(.connection, "\(server.host) closed the connection") }
            buffer.append(contentsOf: piece[..<count])
            return
        }
    }

    private func wait(_ events: Int16) throws(MailFault) {
        let now = DispatchTime.now()
        guard now < deadline else { throw MailFault(.connection, "\(server.host) took too long") }
        let left = Int32(clamping: (deadline.uptimeNanoseconds - now.uptimeNanoseconds) / 1_000_000 + 1)
        var waiting = pollfd(fd: socket, events: events, revents: 0)
        let found = poll(&waiting, 1, min(left, Self.patience))
        if found == 0 { throw MailFault(.connection, "\(server.host) stopped responding") }
        if found < 0, errno != EINTR { throw MailFault(.connection, "the connection to \(server.host) was lost") }
    }
}
