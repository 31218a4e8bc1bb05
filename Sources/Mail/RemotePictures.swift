import CCurl
import Crypto
import Foundation
import NIOPosix
import Synchronization

/// Fetches pictures that a message loads from elsewhere, and keeps them. The sender's server sees one request from the
/// desk, without a cookie, a referrer or a word about who looks; and nobody reaches into the desk's own network by it.
///
/// Only hosts on the public Internet are asked, by the address their name was just found to have and that the
/// connection then really has; each step of a redirection is looked at anew. Only PNG, JPEG, GIF and WebP are taken, by
/// their first bytes.
package final class RemotePictures: Sendable {
    package struct Picture: Sendable, Equatable {
        package let bytes: [UInt8]
        package let type: String
    }

    package static let mostBytes = 5 << 20
    package static let longestAddress = 4000
    private static let mostRedirections = 3
    private static let mostAtOnce = 4
    private static let mostWaiting = 64
    private static let secondsToConnect = 3
    private static let seconds = 10
    /// How long a picture is kept, and how long one that could not be had is not asked for again.
    private static let lifetime: TimeInterval = 30 * 86400
    private static let pause: TimeInterval = 3600
    private static let mostKept = 5000

    private let folder: URL
    private let isAllowed: @Sendable ([UInt8]) -> Bool
    private let ports: Set<Int>?
    private let waiting = Mutex(0)
    private let sinceSweep = Mutex(0)
    private static let lane: NIOThreadPool = {
        let pool = NIOThreadPool(numberOfThreads: mostAtOnce)
        pool.start()
        return pool
    }()

    /// - Parameters:
    ///   - folder: where they are kept, one file for each address.
    ///   - isAllowed: which hosts are asked, by the bytes of their address.
    ///   - ports: which of their ports; nil for all.
    package init(
        folder: URL, isAllowed: @escaping @Sendable ([UInt8]) -> Bool = PublicAddress.isPublic,
        ports: Set<Int>? = [80, 443]
    ) {
        self.folder = folder
        self.isAllowed = isAllowed
        self.ports = ports
    }

    /// The picture at an address, kept or fetched; nil for what cannot be had or is none.
    package func picture(at address: String) async -> Picture? {
        let isTaken = waiting.withLock { waiting in
            guard waiting < Self.mostWaiting else { return false }
            waiting += 1
            return true
        }
        guard isTaken else { return nil }
        defer { waiting.withLock { $0 -= 1 } }
        return (try? await Self.lane.runIfActive { [self] in now(address) }) ?? nil  // the pool is never stopped
    }

    private func now(_ address: String) -> Picture? {
        let file = place(of: address)
        if let kept = kept(file) { return kept.isEmpty ? nil : Self.picture(kept) }
        let fetched = fetch(address)
        keep(fetched?.bytes ?? [], at: file)
        return fetched
    }

    // MARK: keeping

    private func place(of address: String) -> URL {
        folder.appending(
            path: SHA256.hash(data: Array(address.utf8)).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }
                .joined())
    }

    /// The bytes that are kept; empty where nothing could be had a short while ago; nil where it is to be fetched.
    private func kept(_ file: URL) -> [UInt8]? {
        guard let changed = try? FileManager.default.attributesOfItem(atPath: file.path)[.modificationDate] as? Date,
            let bytes = try? Data(contentsOf: file)
        else { return nil }
        return Date().timeIntervalSince(changed) < (bytes.isEmpty ? Self.pause : Self.lifetime) ? Array(bytes) : nil
    }

    private func keep(_ bytes: [UInt8], at file: URL) {
        mkdir(folder.path, 0o700)
        let temporary = folder.appending(path: "new-\(UUID().uuidString)")
        // A picture that cannot be kept is fetched again.
        guard
            FileManager.default.createFile(
                atPath: temporary.path, contents: Data(bytes), attributes: [.posixPermissions: 0o600])
        else { return }
        if rename(temporary.path, file.path) != 0 { unlink(temporary.path) }
        sweep()
    }

    /// Every hundredth time what is old goes, and the oldest of what is too much.
    private func sweep() {
        let isDue = sinceSweep.withLock { count in
            count = (count + 1) % 100
            return count == 0
        }
        guard isDue,
            let files = try? FileManager.default.contentsOfDirectory(
                at: folder, includingPropertiesForKeys: [.contentModificationDateKey])
        else { return }
        let dated = files.map {
            (
                $0,
                (try? $0.resourceValues(forKeys: [.contentModificationDateKey]).contentModificationDate) ?? .distantPast
            )
        }.sorted { $0.1 > $1.1 }
        for (index, (file, changed)) in dated.enumerated()
        where index >= Self.mostKept || Date().timeIntervalSince(changed) > Self.lifetime { unlink(file.path) }
    }

    // MARK: fetching

    private func fetch(_ address: String) -> Picture? {
        var next = address
        for _ in 0...Self.mostRedirections {
            guard let target = Target(next, isAllowed, ports) else { return nil }
            switch ask(target) {
            case .picture(let bytes): return Self.picture(bytes)
            case .elsewhere(let address): next = address
            case .nothing: return nil
            }
        }
        return nil
    }

    private enum Answer {
        case picture([UInt8])
        case elsewhere(String)
        case nothing
    }

    /// What a request gathers, and what it may reach.
    private final class Gathered {
        var bytes: [UInt8] = []
        let isAllowed: @Sendable ([UInt8]) -> Bool
        init(_ isAllowed: @escaping @Sendable ([UInt8]) -> Bool) { self.isAllowed = isAllowed }
    }

    private func ask(_ target: Target) -> Answer {
        _ = MailServer.library
        guard let handle = curl_easy_init() else { return .nothing }
        defer { curl_easy_cleanup(handle) }
        let gathered = Gathered(isAllowed)
        let context = Unmanaged.passUnretained(gathered).toOpaque()
        var pinned: UnsafeMutablePointer<curl_slist>?
        for line in target.pins { pinned = curl_slist_append(pinned, line) }
        let headers: UnsafeMutablePointer<curl_slist>? = curl_slist_append(
            nil, "Accept: image/png,image/jpeg,image/gif,image/webp")
        defer {
            curl_slist_free_all(pinned)
            curl_slist_free_all(headers)
        }
        usher_curl_set_text(handle, CURLOPT_URL, target.address)
        usher_curl_set_text(handle, CURLOPT_PROTOCOLS_STR, "http,https")
        usher_curl_set_list(handle, CURLOPT_RESOLVE, pinned)
        usher_curl_set_list(handle, CURLOPT_HTTPHEADER, headers)
        // No proxy of the environment: it would resolve the name anew.
        usher_curl_set_text(handle, CURLOPT_PROXY, "")
        usher_curl_set_text(handle, CURLOPT_USERAGENT, "Usher image proxy")
        usher_curl_set_number(handle, CURLOPT_FOLLOWLOCATION, 0)
        usher_curl_set_number(handle, CURLOPT_NOSIGNAL, 1)
        usher_curl_set_number(handle, CURLOPT_CONNECTTIMEOUT, Self.secondsToConnect)
        usher_curl_set_number(handle, CURLOPT_TIMEOUT, Self.seconds)
        usher_curl_set_number(handle, CURLOPT_MAXFILESIZE, Self.mostBytes)
        MailServer.trustOwnAuthority(handle)
        usher_curl_set_before_request(handle) { context, peer, _, _, _ in
            guard let context, let peer, let bytes = NetworkAddress.bytes(String(cString: peer)) else {
                return CURL_PREREQFUNC_ABORT
            }
            return Unmanaged<Gathered>.fromOpaque(context).takeUnretainedValue().isAllowed(bytes)
                ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
        }
        usher_curl_set_pointer(handle, CURLOPT_PREREQDATA, context)
        usher_curl_set_writer(handle) { buffer, size, count, context in
            guard let buffer, let context else { return 0 }
            let gathered = Unmanaged<Gathered>.fromOpaque(context).takeUnretainedValue()
            guard gathered.bytes.count + size * count <= RemotePictures.mostBytes else { return 0 }
            gathered.bytes += UnsafeRawBufferPointer(start: buffer, count: size * count)
            return size * count
        }
        usher_curl_set_pointer(handle, CURLOPT_WRITEDATA, context)
        let code = withExtendedLifetime(gathered) { curl_easy_perform(handle) }
        guard code == CURLE_OK else { return .nothing }
        switch usher_curl_response_code(handle) {
        case 200: return .picture(gathered.bytes)
        case 301, 302, 303, 307, 308:
            return usher_curl_redirect_url(handle).map { .elsewhere(String(cString: $0)) } ?? .nothing
        default: return .nothing
        }
    }

    /// Where one request goes: the address as curl itself reads it, and the numbers its name is pinned to.
    struct Target {
        let address: String
        let pins: [String]

        /// Nil for what is not asked: another scheme or port, a name and password in it, or a host with any address
        /// that is not allowed.
        init?(_ address: String, _ isAllowed: ([UInt8]) -> Bool, _ ports: Set<Int>?) {
            guard address.utf8.count <= RemotePictures.longestAddress, let url = curl_url() else { return nil }
            defer { curl_url_cleanup(url) }
            guard curl_url_set(url, CURLUPART_URL, address, 0) == CURLUE_OK else { return nil }
            func part(_ which: CURLUPart, _ flags: Int32 = 0) -> String? {
                var text: UnsafeMutablePointer<CChar>?
                guard curl_url_get(url, which, &text, UInt32(flags)) == CURLUE_OK, let text else { return nil }
                defer { curl_free(text) }
                return String(cString: text)
            }
            guard part(CURLUPART_USER) == nil, part(CURLUPART_PASSWORD) == nil, let scheme = part(CURLUPART_SCHEME),
                ["http", "https"].contains(scheme),
                let host = part(CURLUPART_HOST),
                let port = part(CURLUPART_PORT, CURLU_DEFAULT_PORT).flatMap({ Int($0) }), ports?.contains(port) ?? true
            else { return nil }
            curl_url_set(url, CURLUPART_FRAGMENT, nil, 0)
            guard let whole = part(CURLUPART_URL) else { return nil }
            let bare = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
            let numbers = Self.numbers(of: bare)
            guard !numbers.isEmpty, numbers.allSatisfy({ NetworkAddress.bytes($0).map(isAllowed) ?? false }) else {
                return nil
            }
            self.address = whole
            pins = ["\(bare):\(port):" + numbers.map { $0.contains(":") ? "[\($0)]" : $0 }.joined(separator: ",")]
        }

        /// The numeric addresses of a host.
        private static func numbers(of host: String) -> [String] {
            var hints = addrinfo()
            hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
            var found: UnsafeMutablePointer<addrinfo>?
            guard getaddrinfo(host, nil, &hints, &found) == 0 else { return [] }
            defer { freeaddrinfo(found) }
            var numbers: [String] = []
            var next = found
            while let info = next {
                var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
                if getnameinfo(
                    info.pointee.ai_addr, info.pointee.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
                    == 0
                {
                    let number = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
                    if !numbers.contains(number) { numbers.append(number) }
                }
                next = info.pointee.ai_next
            }
            return numbers
        }
    }

    // MARK: what it is

    /// By its first bytes; what a server calls it does not count.
    static func picture(_ bytes: [UInt8]) -> Picture? {
        func begins(_ mark: [UInt8], at offset: Int = 0) -> Bool {
            bytes.count > offset + mark.count && bytes[offset...].starts(with: mark)
        }
        let type: String? =
            if begins([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
                "image/png"
            } else if begins([0xFF, 0xD8, 0xFF]) {
                "image/jpeg"
            } else if begins(Array("GIF87a".utf8)) || begins(Array("GIF89a".utf8)) {
                "image/gif"
            } else if begins(Array("RIFF".utf8)), begins(Array("WEBP".utf8), at: 8) { "image/webp" } else { nil }
        return type.map { Picture(bytes: bytes, type: $0) }
    }
}

/// Which addresses are hosts on the public Internet (IANA's special-purpose registries, RFC 6890).
package enum PublicAddress {
    /// - Parameter bytes: four of IPv4, sixteen of IPv6.
    package static func isPublic(_ bytes: [UInt8]) -> Bool {
        if bytes.count == 4 { return !reserved4.contains { matches(bytes, $0.0, $0.1) } }
        guard bytes.count == 16, matches(bytes, [0x20], 3) else { return false }
        return !reserved6.contains { matches(bytes, $0.0, $0.1) }
    }

    private static func matches(_ bytes: [UInt8], _ network: [UInt8], _ bits: Int) -> Bool {
        for bit in stride(from: 0, to: bits, by: 8) {
            let mask: UInt8 = bits - bit >= 8 ? 0xFF : ~(0xFF >> UInt8(bits - bit))
            guard bytes[bit / 8] & mask == (bit / 8 < network.count ? network[bit / 8] : 0) & mask else { return false }
        }
        return true
    }

    private static let reserved4: [([UInt8], Int)] = [
        ([0], 8), ([10], 8), ([100, 64], 10), ([127], 8), ([169, 254], 16), ([172, 16], 12), ([192, 0, 0], 24),
        ([192, 0, 2], 24), ([192, 31, 196], 24), ([192, 52, 193], 24),
        ([192, 88, 99], 24), ([192, 168], 16), ([192, 175, 48], 24), ([198, 18], 15), ([198, 51, 100], 24),
        ([203, 0, 113], 24), ([224], 4), ([240], 4),
    ]
    /// Of 2000::/3, outside of which nothing is public: what is set aside, and what has an IPv4 address in it that
    /// could be any.
    private static let reserved6: [([UInt8], Int)] = [
        ([0x20, 0x01], 23), ([0x20, 0x01, 0x0D, 0xB8], 32), ([0x20, 0x02], 16), ([0x3F, 0xFF], 20),
        ([0x26, 0x20, 0x00, 0x4F, 0x80, 0x00], 48),
    ]
}
