import Crypto
import Domain
import Foundation
import Primitives
import Store

/// A second factor about to be turned on: the key an app is given, and the same sealed, which the page sends back with
/// the first code. The seal is good for ten minutes, for this agent, and for the account as it is now.
package struct SecondFactorOffer: Sendable {
    package let secret: [UInt8]
    package let sealed: String
    static let lifetime: TimeInterval = 600
}

/// Codes for whoever lost the device: each works once.
package enum RecoveryCode {
    package static let count = 10

    /// Fifty random bits, written in two groups.
    static func random() -> String {
        let letters = Secret.random()
        return "\(letters.prefix(5))-\(letters.dropFirst(5).prefix(5))"
    }
    /// As typed, with or without the hyphen, in any case.
    static func folded(_ typed: String) -> String {
        String(
            decoding: typed.utf8.compactMap { byte -> UInt8? in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): byte
                case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte | 0x20
                default: nil
                }
            }.prefix(40), as: UTF8.self)
    }

    /// What is kept: a code is short, so it takes the desk's secret to try one against the database.
    static func mark(_ code: String, of agent: Agent.ID, _ signer: Signer) -> String {
        signer.mark("\(agent):\(folded(code))", for: .recovery)
    }
}

/// What an agent is told by mail when something about signing in has changed.
package enum SecurityChange: Sendable {
    case passwordSet, secondFactorOn, secondFactorOff, secondFactorReset, recoveryCodesMade
    case recoveryCodeUsed(left: Int)

    /// What its mail says, in the agent's language where there is one.
    func sentence(in language: String?) -> String {
        language == "de" ? german : english
    }

    private var english: String {
        switch self {
        case .passwordSet: "Your password was changed. You have been signed out on all other devices."
        case .secondFactorOn:
            """
            Two-factor authentication was turned on with a new authenticator app. You have been signed out on all \
            other devices.
            """
        case .secondFactorOff:
            "Two-factor authentication was turned off. You have been signed out on all other devices."
        case .secondFactorReset:
            "An administrator reset two-factor authentication for your account. Set it up again after you sign in."
        case .recoveryCodesMade: "New recovery codes were created. The old ones no longer work."
        case .recoveryCodeUsed(let left):
            "A recovery code was used to sign in. \(left == 1 ? "1 code is left." : "\(left) codes are left.")"
        }
    }

    private var german: String {
        switch self {
        case .passwordSet: "Ihr Passwort wurde geändert. Auf allen anderen Geräten wurden Sie abgemeldet."
        case .secondFactorOn:
            """
            Die Zwei-Faktor-Authentifizierung wurde mit einer neuen Authenticator-App eingeschaltet. Auf allen \
            anderen Geräten wurden Sie abgemeldet.
            """
        case .secondFactorOff:
            "Die Zwei-Faktor-Authentifizierung wurde ausgeschaltet. Auf allen anderen Geräten wurden Sie abgemeldet."
        case .secondFactorReset:
            """
            Ein Administrator hat die Zwei-Faktor-Authentifizierung Ihres Kontos zurückgesetzt. Richten Sie sie \
            nach der Anmeldung neu ein.
            """
        case .recoveryCodesMade: "Es wurden neue Wiederherstellungscodes erstellt. Die alten gelten nicht mehr."
        case .recoveryCodeUsed(let left):
            """
            Mit einem Wiederherstellungscode wurde angemeldet. \
            \(left == 1 ? "1 Code ist übrig." : "\(left) Codes sind übrig.")
            """
        }
    }
}

extension Transaction {
    /// Makes a key for an app, bound to the agent and to the account as it is. Nothing is kept yet.
    package func offerSecondFactor(to agent: Agent) throws -> SecondFactorOffer {
        let secret = OneTimeCode.newSecret()
        let until = withUnsafeBytes(of: (now + SecondFactorOffer.lifetime).milliseconds.bigEndian) { Array($0) }
        guard let sealed = office.signer.seal(until + secret, for: try db.secondFactorContext(of: agent.id)) else {
            throw StoreError.unreadable("a key could not be sealed")
        }
        return SecondFactorOffer(secret: secret, sealed: sealed)
    }

    /// The key of an offer that was made to this agent, while it lasts and the account is as it was.
    package func secret(of sealed: String, for agent: Agent) throws -> [UInt8]? {
        guard let opened = office.signer.open(sealed, for: try db.secondFactorContext(of: agent.id)), opened.count > 8
        else { return nil }
        let until = opened.prefix(8).reduce(Int64(0)) { $0 << 8 | Int64($1) }
        return until > now.milliseconds ? Array(opened.dropFirst(8)) : nil
    }

    /// Turns the second factor on, or replaces it, once a code shows that the app knows the key. Every other session
    /// and every mailed link end, and the agent is told.
    ///
    /// - Returns: the recovery codes, which nobody can read again.
    package func beginSecondFactor(for agent: Agent, secret: [UInt8], code: String, keeping session: String?) throws
        -> [String]
    {
        guard let step = OneTimeCode.matchingStep(code, secret: secret, at: now, after: 0) else {
            throw Refusal.invalid(
                "code",
                .other(
                    Sentence("This code doesn't match. Check the clock of your device, then enter a new code.")))
        }
        try db.execute(
            "UPDATE agent SET totp = \(office.signer.seal(secret)), totp_step = \(step) WHERE id = \(agent.id)")
        try endLinks(of: .agent(agent))
        try endSessions(of: .agent(agent), except: session)
        try tell(agent, .secondFactorOn)
        return try makeRecoveryCodes(for: agent.id)
    }

    package func endSecondFactor(
        of agent: Agent, keeping session: String? = nil, because change: SecurityChange = .secondFactorOff
    ) throws {
        try db.execute("UPDATE agent SET totp = NULL, totp_step = 0 WHERE id = \(agent.id)")
        try db.execute("DELETE FROM recovery_code WHERE agent_id = \(agent.id)")
        try endLinks(of: .agent(agent))
        try endSessions(of: .agent(agent), except: session)
        try tell(agent, change)
    }

    /// For whoever lost their device: by an administrator or by the command line.
    package func resetSecondFactor(of agent: Agent) throws {
        guard try db.hasOneTimeCodes(agent.id) else {
            throw Refusal.conflict(
                Sentence("Two-factor authentication is already off for {0}.", agent.email), allowed: [])
        }
        try endSecondFactor(of: agent, because: .secondFactorReset)
    }

    /// Takes the place of the codes there were.
    package func renewRecoveryCodes(for agent: Agent) throws -> [String] {
        guard try db.hasOneTimeCodes(agent.id) else { throw Refusal.notFound }
        try tell(agent, .recoveryCodesMade)
        return try makeRecoveryCodes(for: agent.id)
    }

    private func makeRecoveryCodes(for agent: Agent.ID) throws -> [String] {
        try db.execute("DELETE FROM recovery_code WHERE agent_id = \(agent)")
        let codes = (0..<RecoveryCode.count).map { _ in RecoveryCode.random() }
        for code in codes {
            try db.execute(
                """
                INSERT INTO recovery_code (agent_id, hash, created_at)
                VALUES (\(agent), \(RecoveryCode.mark(code, of: agent, office.signer)), \(now))
                """
            )
        }
        return codes
    }

    /// Uses a code of the app or a recovery code up; false for one that does not work, or does not any more.
    func useSecondFactor(_ code: String, of agent: Agent) throws -> Bool {
        guard code.utf8.count <= 100,
            let kept = try db.first(
                "SELECT totp, totp_step FROM agent WHERE id = \(agent.id)",
                { (try $0.read(String?.self), try $0.read(Int64.self)) }), let sealed = kept.0
        else { return false }
        guard let secret = office.signer.open(sealed) else {
            throw StoreError.unreadable("the second factor of agent \(agent.id)")
        }
        if let step = OneTimeCode.matchingStep(code, secret: secret, at: now, after: kept.1) {
            return try db.execute("UPDATE agent SET totp_step = \(step) WHERE id = \(agent.id) AND totp_step < \(step)")
                > 0
        }
        let mark = RecoveryCode.mark(code, of: agent.id, office.signer)
        guard try db.execute("DELETE FROM recovery_code WHERE agent_id = \(agent.id) AND hash = \(mark)") > 0 else {
            return false
        }
        try tell(agent, .recoveryCodeUsed(left: try db.recoveryCodesLeft(agent.id)))
        return true
    }

    /// Mails an agent that something about signing in has changed, to the address the account had before.
    func tell(_ agent: Agent, _ change: SecurityChange) throws {
        let reason = change.sentence(in: try db.language(of: .agent(agent.id)))
        try queue(
            .securityChanged, ticket: nil, entry: nil, recipient: "agent", id: agent.id.number, address: agent.email,
            name: agent.name, data: ["reason": .string(reason)])
    }
}

extension Connection {
    package func hasOneTimeCodes(_ agent: Agent.ID) throws -> Bool {
        try value("SELECT 1 FROM agent WHERE id = \(agent) AND totp IS NOT NULL", as: Int64.self) != nil
    }
    package func recoveryCodesLeft(_ agent: Agent.ID) throws -> Int {
        try value("SELECT count(*) FROM recovery_code WHERE agent_id = \(agent)") ?? 0
    }

    /// What the seal of an offer is bound to: it does not open after the password or the factor was changed.
    fileprivate func secondFactorContext(of agent: Agent.ID) throws -> String {
        let kept = try first("SELECT password, totp FROM agent WHERE id = \(agent)") {
            (try $0.read(String?.self), try $0.read(String?.self))
        }
        return "second factor of \(agent), \(Secret.hash("\(kept?.0 ?? "")|\(kept?.1 ?? "")"))"
    }
}
