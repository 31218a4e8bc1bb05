import Foundation
import Mail
import Store

/// What a try to sign in came to.
package enum SignInOutcome: Sendable {
    /// Signed in: the token for the browser.
    case begun(token: String, Session.Holder)
    /// The password is right, which the proof says for ten minutes; now the code of the second factor.
    case needsCode(proof: String)
    case wrongCode
    /// Wrong address or password; which of them is not told.
    case refused
    /// Too many wrong tries from there.
    case wait(until: Date)
}

extension Desk {
    /// Signs an agent or a customer in by password, and an agent who has a second factor by a code as well.
    package func signIn(email: String, password: String, from origin: SignInOrigin) async throws -> SignInOutcome {
        let email = email.trimmingWhitespace().lowercased()
        let now = clock.now()
        let (opens, account) = try await read { db in (try db.opens(origin, for: email, now: now), try db.account(email: email)) }
        if let opens { return .wait(until: opens) }
        // An unknown address costs the same time as a known one.
        let isRight = await PasswordCheck.shared.verify(password, against: account?.password ?? PasswordCheck.nobody)
        guard let account, account.password != nil, isRight else {
            try await write { try $0.countFailure(origin, for: email) }
            return .refused
        }
        return try await write { tx in
            if account.sealedSecret != nil { return .needsCode(proof: SignInProof(email: email, until: tx.now + 600).text(tx.office.signer)) }
            try tx.forgetFailures(origin, for: email)
            return .begun(token: try tx.beginSession(account.holder, browser: origin.browser), account.holder)
        }
    }

    /// The second step, with the proof of the first.
    package func signIn(proof: String, code: String, from origin: SignInOrigin) async throws -> SignInOutcome {
        let now = clock.now()
        guard let proof = SignInProof(proof, signer: office.signer), proof.until > now else { return .refused }
        return try await write { tx in
            let opens = try tx.db.opens(origin, for: proof.email, now: tx.now)
            if let opens { return .wait(until: opens) }
            guard let account = try tx.db.account(email: proof.email), case .agent(let agent) = account.holder, let sealed = account.sealedSecret else { return .refused }
            guard let secret = tx.office.signer.open(sealed) else { throw StoreError.unreadable("the second factor of agent \(agent.id)") }
            let used: Int64 = try tx.db.value("SELECT totp_step FROM agent WHERE id = \(agent.id)") ?? 0
            guard let step = OneTimeCode.matchingStep(code, secret: secret, at: tx.now, after: used) else {
                try tx.countFailure(origin, for: proof.email)
                return .wrongCode
            }
            try tx.db.execute("UPDATE agent SET totp_step = \(step) WHERE id = \(agent.id)")
            try tx.forgetFailures(origin, for: proof.email)
            return .begun(token: try tx.beginSession(account.holder, browser: origin.browser), account.holder)
        }
    }

    /// Whether a password is the agent's own, asked before it is changed.
    package func isPassword(_ password: String, of agent: Agent) async throws -> Bool {
        guard let account = try await read({ try $0.account(email: agent.email) }), let kept = account.password else { return false }
        return await PasswordCheck.shared.verify(password, against: kept)
    }
}

/// Signed word that somebody gave the right password a moment ago.
struct SignInProof {
    let email: String
    let until: Date

    func text(_ signer: Signer) -> String {
        let body = "\(until.milliseconds)-\(email)"
        return "\(signer.mark(body, for: .secondStep))-\(body)"
    }
    init(email: String, until: Date) {
        self.email = email
        self.until = until
    }
    init?(_ text: String, signer: Signer) {
        let parts = text.split(separator: "-", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, let milliseconds = Int64(parts[1]), signer.isGenuine(String(parts[0]), of: "\(parts[1])-\(parts[2])", for: .secondStep) else { return nil }
        self.init(email: String(parts[2]), until: Date(milliseconds: milliseconds))
    }
}

/// Hashes passwords on a thread of its own, one after the other: each takes a tenth of a second and 32 MiB.
package struct PasswordCheck: Sendable {
    package static let shared = PasswordCheck()
    private let queue = DispatchQueue(label: "usher.password")
    /// A hash no password is known for.
    static let nobody = (try? Password.hash(Secret.random())) ?? ""

    func verify(_ password: String, against kept: String) async -> Bool {
        await withCheckedContinuation { continuation in queue.async { continuation.resume(returning: Password.verify(password, against: kept)) } }
    }
    package func hash(_ password: String) async throws -> String {
        try await withCheckedThrowingContinuation { continuation in queue.async { continuation.resume(with: Result { try Password.hash(password) }) } }
    }
}

/// Somebody who may sign in.
struct Account: Sendable {
    let holder: Session.Holder
    let password: String?
    let sealedSecret: String?
}

extension Connection {
    /// Who signs in by an address: an agent before a customer.
    func account(email: String) throws -> Account? {
        if let agent = try agent(email: email) {
            guard agent.isActive else { return nil }
            let kept = try first("SELECT password, totp FROM agent WHERE id = \(agent.id)") { (try $0.read(String?.self), try $0.read(String?.self)) }
            return Account(holder: .agent(agent), password: kept?.0, sealedSecret: kept?.1)
        }
        guard let customer = try customer(address: email) else { return nil }
        let password: String? = try value("SELECT password FROM customer WHERE id = \(customer.id)", as: String?.self) ?? nil
        return Account(holder: .customer(Person(id: customer.id, name: customer.name, address: email)), password: password, sealedSecret: nil)
    }
}
