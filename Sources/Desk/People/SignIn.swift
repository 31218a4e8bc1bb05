import Domain
import Foundation
import Mail
import Primitives
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
        let email = MailAddress.folded(email.trimmingWhitespace())
        let counted = origin.passwordCounts(for: email, office.signer)
        do { try await write { try $0.count(counted) } } catch let held as HeldBack { return .wait(until: held.until) }
        let account = try await read { try $0.account(email: email) }
        let isRight: Bool
        // An unknown address costs the same time as a known one.
        do {
            isRight = try await passwords.verify(
                password, against: account?.password ?? PasswordCheck.nobody,
                from: origin.device(of: email, office.signer) == nil ? origin.network : nil)
        } catch is PasswordCheck.Busy {
            try await write { try $0.uncount(counted) }
            return .wait(until: clock.now() + 5)
        }
        guard let account, let kept = account.password, isRight else { return .refused }
        return try await write { tx in
            // The password may have been changed, or its owner have left, while it was looked at.
            guard try tx.db.account(email: email)?.password == kept else { return .refused }
            if account.sealedSecret != nil {
                try tx.uncount(counted)
                return .needsCode(
                    proof: SignInProof(email: email, until: tx.now + 600).text(tx.office.signer, password: kept))
            }
            try tx.forgetTry(counted)
            return .begun(token: try tx.beginSession(account.holder, browser: origin.browser), account.holder)
        }
    }

    /// The second step, with the proof of the first: a code of the app, or one of the recovery codes.
    package func signIn(proof text: String, code: String, from origin: SignInOrigin) async throws -> SignInOutcome {
        guard let proof = SignInProof(text), proof.until > clock.now(),
            let account = try await read({ try $0.account(email: proof.email) }),
            case .agent(let agent) = account.holder, account.sealedSecret != nil,
            let kept = account.password, proof.isGenuine(text, office.signer, password: kept)
        else { return .refused }
        let counted = origin.codeCounts(for: proof.email, office.signer)
        do { try await write { try $0.count(counted) } } catch let held as HeldBack { return .wait(until: held.until) }
        return try await write { tx in
            guard let account = try tx.db.account(email: proof.email), account.password == kept else { return .refused }
            guard try tx.useSecondFactor(code, of: agent) else { return .wrongCode }
            try tx.forgetTry(counted)
            return .begun(token: try tx.beginSession(account.holder, browser: origin.browser), account.holder)
        }
    }

    /// What is wrong with the proof of who somebody is that a change of their own account asks for: the password, and
    /// where they have a second factor a code of it. Tries are counted like those of signing in.
    ///
    /// - Parameter fields: what the page calls the two boxes.
    package func faults(
        password: String, code: String?, of agent: Agent, fields: (password: String, code: String) = ("current", "code")
    ) async throws -> [Fault] {
        let counted = [Counted(name: "own:\(agent.id)", free: Throttle.free, isOwn: true)]
        do { try await write { try $0.count(counted) } } catch is HeldBack {
            return [
                Fault(
                    fields.password,
                    .other(Sentence("This was wrong too often. Wait a few minutes, then try again.")))
            ]
        }
        guard let account = try await read({ try $0.account(email: agent.email) }), let kept = account.password,
            try await passwords.verify(password, against: kept)
        else { return [Fault(fields.password, .other(Sentence("This isn't your password. Try again.")))] }
        return try await write { tx in
            if let code, try tx.db.hasOneTimeCodes(agent.id), try !tx.useSecondFactor(code, of: agent) {
                return [
                    Fault(fields.code, .other(Sentence("This code doesn't work now. Wait for the next one.")))
                ]
            }
            try tx.forgetTry(counted)
            return []
        }
    }
}

/// Signed word that somebody gave the right password a moment ago. It ends with that password.
struct SignInProof {
    let email: String
    let until: Date

    private var body: String { "\(until.milliseconds)-\(email)" }

    func text(_ signer: Signer, password kept: String) -> String { "\(mark(signer, kept))-\(body)" }
    func isGenuine(_ text: String, _ signer: Signer, password kept: String) -> Bool {
        Secret.areEqual(String(text.prefix { $0 != "-" }).lowercased(), mark(signer, kept))
    }
    private func mark(_ signer: Signer, _ kept: String) -> String {
        signer.mark("\(body)|\(Secret.hash(kept))", for: .secondStep)
    }

    init(email: String, until: Date) {
        self.email = email
        self.until = until
    }
    /// What the text claims, which is not proved yet.
    init?(_ text: String) {
        let parts = text.split(separator: "-", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, let milliseconds = Int64(parts[1]) else { return nil }
        self.init(email: String(parts[2]), until: Date(milliseconds: milliseconds))
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
            let kept = try first("SELECT password, totp FROM agent WHERE id = \(agent.id)") {
                (try $0.read(String?.self), try $0.read(String?.self))
            }
            return Account(holder: .agent(agent), password: kept?.0, sealedSecret: kept?.1)
        }
        guard let customer = try customer(address: email) else { return nil }
        let password: String? =
            try value("SELECT password FROM customer WHERE id = \(customer.id)", as: String?.self) ?? nil
        return Account(
            holder: .customer(Person(id: customer.id, name: customer.name, address: email)), password: password,
            sealedSecret: nil)
    }
}
