import Foundation
import Primitives

/// Whether a host and a port can be listened on, asked before anything else is begun.
enum ListenAddress {
    /// The port that can be had: the one that was asked for, or where that is 0 one that is free. Throws a sentence
    /// that says what to change.
    static func claim(_ host: String, _ port: Int, _ setting: String) throws -> Int {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_PASSIVE
        var found: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, String(port), &hints, &found)
        guard code == 0, let first = found else {
            throw Fault(words: "\(setting): the host “\(host)” is not known: \(String(cString: gai_strerror(code)))")
        }
        defer { freeaddrinfo(found) }
        let handle = socket(first.pointee.ai_family, Int32(SOCK_STREAM.rawValue), 0)
        guard handle >= 0 else { throw Fault(words: "\(setting): \(String(cString: strerror(errno)))") }
        defer { close(handle) }
        // As the server itself does, so that a port that was just let go can be had.
        var on: Int32 = 1
        setsockopt(handle, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        guard bind(handle, first.pointee.ai_addr, first.pointee.ai_addrlen) == 0, listen(handle, 1) == 0 else {
            switch errno {
            case EADDRINUSE:
                throw Fault(
                    words:
                        """
                        \(setting): port \(port) on \(host) is in use by another program; stop that one or choose \
                        another port
                        """
                )
            case EACCES:
                throw Fault(
                    words:
                        """
                        \(setting): port \(port) needs rights this user does not have; choose one above 1023 and \
                        put a reverse proxy in front
                        """
                )
            case EADDRNOTAVAIL: throw Fault(words: "\(setting): \(host) is not an address of this machine")
            default:
                throw Fault(
                    words:
                        "\(setting): \(host):\(port) cannot be used for listening: \(String(cString: strerror(errno)))")
            }
        }
        guard port == 0 else { return port }
        var address = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        _ = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(handle, $0, &length) }
        }
        // The port stands at the same place in both kinds of address.
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { Int(UInt16(bigEndian: $0.pointee.sin_port)) }
        }
    }

    struct Fault: Error {
        let words: String
    }
}
