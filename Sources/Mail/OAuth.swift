import CCurl
import Foundation
import Markup

/// Where a provider is asked for consent and for tokens (RFC 6749).
package struct OAuthProvider: Sendable, Equatable {
    package let authorize: String
    package let token: String
    package let scope: String
    package init(authorize: String, token: String, scope: String) {
        self.authorize = authorize
        self.token = token
        self.scope = scope
    }
}

/// What a provider gave: the access token, how many seconds it lasts, and the next refresh token where it gives a new
/// one.
package struct OAuthTokens: Sendable, Equatable {
    package let access: String
    package let seconds: Int
    package let refresh: String?
    package init(access: String, seconds: Int, refresh: String?) {
        self.access = access
        self.seconds = seconds
        self.refresh = refresh
    }
}

/// Why there is no token, in a sentence.
package struct OAuthFault: Error, Sendable, Equatable, CustomStringConvertible {
    /// The consent is gone: an administrator has to connect again.
    package let isWithdrawn: Bool
    package let description: String
    package init(isWithdrawn: Bool, _ description: String) {
        self.isWithdrawn = isWithdrawn
        self.description = description.singleLine
    }
}

/// Asks a token endpoint by libcurl. Blocks; called from threads that may wait.
package enum OAuthCall {
    private final class Answer {
        var bytes: [UInt8] = []
    }
    private static let longestAnswer = 1 << 20

    /// Sends a form and returns what came back, whatever its status.
    package static func post(_ address: String, _ fields: [(String, String)]) throws(OAuthFault) -> (
        status: Int, body: [UInt8]
    ) {
        _ = MailServer.library
        let host = URLComponents(string: address)?.host ?? ""
        guard address.hasPrefix("https://") || address.hasPrefix("http://") && MailServer.isLoopback(host) else {
            throw OAuthFault(isWithdrawn: false, "\(address) is not an https address")
        }
        guard let handle = curl_easy_init() else { throw OAuthFault(isWithdrawn: false, "no memory for a connection") }
        defer { curl_easy_cleanup(handle) }
        let text = fields.map { Path.encode($0.0) + "=" + Path.encode($0.1) }.joined(separator: "&")
        let answer = Answer()
        usher_curl_set_text(handle, CURLOPT_URL, address)
        usher_curl_set_text(handle, CURLOPT_COPYPOSTFIELDS, text)
        usher_curl_set_number(handle, CURLOPT_NOSIGNAL, 1)
        usher_curl_set_number(handle, CURLOPT_CONNECTTIMEOUT, 10)
        usher_curl_set_number(handle, CURLOPT_TIMEOUT, 30)
        MailServer.trustOwnAuthority(handle)
        usher_curl_set_writer(handle) { buffer, size, count, context in
            guard let buffer, let context else { return 0 }
            let answer = Unmanaged<Answer>.fromOpaque(context).takeUnretainedValue()
            guard answer.bytes.count + size * count <= OAuthCall.longestAnswer else { return 0 }
            answer.bytes += UnsafeRawBufferPointer(start: buffer, count: size * count)
            return size * count
        }
        usher_curl_set_pointer(handle, CURLOPT_WRITEDATA, Unmanaged.passUnretained(answer).toOpaque())
        let code = withExtendedLifetime(answer) { curl_easy_perform(handle) }
        guard code == CURLE_OK else {
            throw OAuthFault(isWithdrawn: false, "\(host): \(String(cString: curl_easy_strerror(code)))")
        }
        return (usher_curl_response_code(handle), answer.bytes)
    }
}
