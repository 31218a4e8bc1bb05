import Foundation

/// What a mail server found out about a message's sender: one `Authentication-Results` field (RFC 8601, section 2.2).
///
/// Anybody may write such a field; it says something only where it carries the name of a server that is trusted.
package struct AuthenticationResults: Sendable, Equatable {
    /// One method and its outcome, such as `dkim=pass header.d=example.org`.
    package struct Result: Sendable, Equatable {
        package let method: String
        package let verdict: String
        /// By `ptype.property`, such as `header.from`.
        package let properties: [String: String]
    }
    /// The authserv-id, in lower case.
    package let server: String
    package let results: [Result]

    /// Fields beyond this many bytes are not read.
    private static let longest = 16 << 10

    /// Nil where the field has no authserv-id or is longer than any server writes.
    package init?(_ field: String) {
        guard field.utf8.count <= Self.longest else { return nil }
        let parts = Self.parts(field)
        guard let server = parts.first?.first?.lowercased(), !server.contains("=") else { return nil }
        self.server = server
        results = parts.dropFirst().compactMap(Self.result)
    }

    private static func result(_ words: [String]) -> Result? {
        let pairs = words.compactMap { word -> (String, String)? in
            guard let sign = word.firstIndex(of: "=") else { return nil }
            return (word[..<sign].lowercased(), String(word[word.index(after: sign)...]).lowercased())
        }
        guard let first = pairs.first, let method = first.0.split(separator: "/").first else { return nil }
        return Result(
            method: String(method), verdict: first.1,
            properties: Dictionary(pairs.dropFirst().map { ($0.0, $0.1) }, uniquingKeysWith: { first, _ in first }))
    }

    /// The words between semicolons, without comments; what is quoted is one word, and blanks around `=` do not part.
    private static func parts(_ field: String) -> [[String]] {
        var parts: [[String]] = [[]]
        var word = ""
        var depth = 0
        var isQuoted = false
        var isEscaped = false
        func end() {
            if word == "=" || word.hasPrefix("="), let former = parts[parts.count - 1].popLast() {
                word = former + word
            }
            if let last = parts[parts.count - 1].last, last.hasSuffix("="), !word.isEmpty {
                parts[parts.count - 1].removeLast()
                word = last + word
            }
            if !word.isEmpty { parts[parts.count - 1].append(word) }
            word = ""
        }
        for scalar in field.unicodeScalars {
            if isEscaped {
                isEscaped = false
                if depth == 0 { word.unicodeScalars.append(scalar) }
            } else if scalar == "\\", isQuoted || depth > 0 {
                isEscaped = true
            } else if isQuoted {
                if scalar == "\"" { isQuoted = false } else { word.unicodeScalars.append(scalar) }
            } else if scalar == "(" {
                depth += 1
            } else if scalar == ")" {
                depth = max(0, depth - 1)
            } else if depth > 0 {
                continue
            } else if scalar == "\"" {
                isQuoted = true
            } else if scalar == ";" {
                end()
                parts.append([])
            } else if scalar.properties.isWhitespace {
                end()
            } else {
                word.unicodeScalars.append(scalar)
            }
        }
        end()
        return parts
    }

    /// Whether the server found that the domain of an address sent the message: DMARC passed (RFC 7489), or DKIM or SPF
    /// passed for that very domain or one it lies in.
    package func proves(_ address: MailAddress) -> Bool {
        results.contains { result in
            guard result.verdict == "pass" else { return false }
            switch result.method {
            case "dmarc": return result.properties["header.from"].map { Self.domain($0) == address.domain } ?? false
            case "dkim":
                let signer = result.properties["header.d"] ?? result.properties["header.i"].map(Self.domain)
                return signer.map { Self.covers($0, address.domain) } ?? false
            case "spf":
                return result.properties["smtp.mailfrom"].map { Self.covers(Self.domain($0), address.domain) } ?? false
            default: return false
            }
        }
    }

    private static func domain(_ text: String) -> String { text.split(separator: "@").last.map(String.init) ?? "" }
    /// A domain speaks for itself and for what lies in it, never for what it lies in.
    private static func covers(_ signer: String, _ domain: String) -> Bool {
        signer == domain || signer.contains(".") && domain.hasSuffix("." + signer)
    }
}

extension IncomingMessage {
    /// Whether the server of that authserv-id found that `From` is genuine.
    ///
    /// Only the topmost field with its name counts: whatever stands below may have come with the message. A message
    /// with several authors proves none.
    package func isProved(by server: String) -> Bool {
        guard !server.isEmpty, let from, headers.all("from").count == 1 else { return false }
        let fields = headers.all("authentication-results").lazy.compactMap { AuthenticationResults($0) }
        return fields.first { $0.server == server.lowercased() }?.proves(from) ?? false
    }
}
