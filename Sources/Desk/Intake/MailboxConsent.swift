import Crypto
import Foundation
import Mail
import Markup
import Primitives
import Store

/// A mailbox whose consent is being asked for: signed, so that only an answer to our own question is taken (RFC 6749,
/// section 10.12).
package struct ConsentQuestion: Sendable {
    package let mailbox: Mailbox.ID
    private let nonce: String

    package init(_ mailbox: Mailbox.ID) {
        self.mailbox = mailbox
        nonce = Secret.random()
    }
    package init?(state: String, _ signer: Signer) {
        let parts = state.split(separator: "-").map(String.init)
        guard parts.count == 3, let number = Int64(parts[0]),
            signer.isGenuine(parts[2], of: "\(parts[0])-\(parts[1])", for: .consent)
        else { return nil }
        mailbox = Mailbox.ID(number)
        nonce = parts[1]
    }

    private var body: String { "\(mailbox.number)-\(nonce)" }
    package func state(_ signer: Signer) -> String { "\(body)-\(signer.mark(body, for: .consent))" }

    /// PKCE (RFC 7636): known to nobody who sees the address alone.
    func verifier(_ signer: Signer) -> String { (1...4).map { signer.mark("\($0):\(body)", for: .consent) }.joined() }

    /// Where an administrator is sent to agree.
    package func address(_ mailbox: Mailbox, _ office: Office) -> String? {
        guard let provider = mailbox.oauth else { return nil }
        let challenge = Data(SHA256.hash(data: Data(verifier(office.signer).utf8))).base64EncodedString()
            .replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_").replacingOccurrences(
                of: "=", with: "")
        let query = [
            ("client_id", mailbox.oauthClient), ("response_type", "code"), ("redirect_uri", Self.back(office)),
            ("scope", provider.scope), ("state", state(office.signer)),
            ("access_type", "offline"), ("prompt", "consent"), ("login_hint", mailbox.fetchUser),
            ("code_challenge", challenge), ("code_challenge_method", "S256"),
        ].map { "\($0.0)=\(Path.encode($0.1))" }.joined(separator: "&")
        return provider.authorize + (provider.authorize.contains("?") ? "&" : "?") + query
    }

    /// Where the provider sends the administrator back to; the same is registered there.
    package static func back(_ office: Office) -> String { "\(office.url)/admin/consent" }
}

extension Desk {
    /// Takes the provider's answer to a question: from then on the mailbox signs in with what was given.
    package func connect(_ question: ConsentQuestion, code: String) async throws {
        guard let mailbox = try await read({ try $0.mailbox(question.mailbox) }), let provider = mailbox.oauth else {
            throw Refusal.notFound
        }
        let fields =
            [
                ("grant_type", "authorization_code"), ("code", code), ("redirect_uri", ConsentQuestion.back(office)),
                ("code_verifier", question.verifier(office.signer)),
            ] + client(mailbox)
        let tokens = try await ask(provider.token, fields)
        guard let refresh = tokens.refresh else {
            throw OAuthFault(
                isWithdrawn: false,
                "the provider gave no refresh token: is offline access among the application's rights?")
        }
        try await write { tx in
            try tx.ensureState(of: mailbox.id)
            try tx.keep(tokens, refresh: refresh, of: mailbox.id)
            try tx.db.execute(
                "UPDATE mailbox_state SET error = NULL, failing_since = NULL WHERE mailbox_id = \(mailbox.id)")
        }
    }

    /// A token that lasts for some minutes more at least. A new refresh token replaces the old one in the same
    /// statement.
    func accessToken(of mailbox: Mailbox) async throws -> String {
        let now = clock.now()
        let kept = try await read { db in
            try db.first("SELECT access, access_until, refresh FROM mailbox_state WHERE mailbox_id = \(mailbox.id)") {
                (try $0.read(String?.self), try $0.read(Date?.self), try $0.read(String?.self))
            }
        }
        guard let sealed = kept?.2, let refresh = office.signer.open(sealed) else {
            throw OAuthFault(
                isWithdrawn: true,
                "nobody has connected it yet, or the consent was withdrawn: press Connect on its page")
        }
        if let access = kept?.0.flatMap({ office.signer.open($0) }), let until = kept?.1, until > now + 300 {
            return String(decoding: access, as: UTF8.self)
        }
        // A copy that had the token renewed would take it from the desk it was copied from: providers end the old one.
        guard try await read({ try $0.isLive() }) else {
            throw OAuthFault(isWithdrawn: false, "this desk is a restored copy and has not gone live")
        }
        guard let provider = mailbox.oauth else { throw OAuthFault(isWithdrawn: false, "no provider is set") }
        do {
            let tokens = try await ask(
                provider.token,
                [("grant_type", "refresh_token"), ("refresh_token", String(decoding: refresh, as: UTF8.self))]
                    + client(mailbox))
            // Another node may have been faster: only who still holds the token that was used replaces it.
            try await write { tx in
                let isCurrent =
                    try tx.db.value(
                        "SELECT 1 FROM mailbox_state WHERE mailbox_id = \(mailbox.id) AND refresh = \(sealed)",
                        as: Int64.self) != nil
                if isCurrent {
                    try tx.keep(
                        tokens, refresh: tokens.refresh ?? String(decoding: refresh, as: UTF8.self), of: mailbox.id)
                }
            }
            return tokens.access
        } catch let fault as OAuthFault where fault.isWithdrawn {
            try await database.write {
                try $0.execute(
                    """
                    UPDATE mailbox_state SET access = NULL, access_until = NULL, refresh = NULL
                    WHERE mailbox_id = \(mailbox.id) AND refresh = \(sealed)
                    """
                )
            }
            throw OAuthFault(isWithdrawn: true, "the consent was withdrawn (\(fault)): press Connect on its page")
        }
    }

    private func client(_ mailbox: Mailbox) -> [(String, String)] {
        let secret = mailbox.oauthSecret.flatMap { office.signer.open($0) }.map { String(decoding: $0, as: UTF8.self) }
        return [("client_id", mailbox.oauthClient)] + (secret.map { [("client_secret", $0)] } ?? [])
    }

    /// Blocks.
    private static func tokens(from address: String, _ fields: [(String, String)]) throws -> OAuthTokens {
        let (status, body) = try OAuthCall.post(address, fields)
        let json = try? JSON(parsing: Data(body))  // anything else is a fault named by its status
        guard status == 200, let access = json?["access_token"]?.text else {
            let code = json?["error"]?.text ?? "status \(status)"
            let words = (json?["error_description"]?.text ?? "").singleLine
            // RFC 6749, section 5.2: the grant is expired or revoked.
            throw OAuthFault(
                isWithdrawn: code == "invalid_grant",
                "the provider refused: \(code)\(words.isEmpty ? "" : ", \(words.prefix(300))")")
        }
        return OAuthTokens(
            access: access, seconds: Int(json?["expires_in"]?.integer ?? 3600), refresh: json?["refresh_token"]?.text)
    }

    private func ask(_ address: String, _ fields: [(String, String)]) async throws -> OAuthTokens {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(with: Result { try Self.tokens(from: address, fields) })
            }
        }
    }
}

extension Transaction {
    fileprivate func keep(_ tokens: OAuthTokens, refresh: String, of mailbox: Mailbox.ID) throws {
        try db.execute(
            """
            UPDATE mailbox_state SET access = \(office.signer.seal(Array(tokens.access.utf8))),
            access_until = \(now + TimeInterval(tokens.seconds)),
                refresh = \(office.signer.seal(Array(refresh.utf8))) WHERE mailbox_id = \(mailbox)
            """)
    }
}
