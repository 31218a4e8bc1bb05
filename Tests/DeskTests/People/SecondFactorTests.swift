import DeskTesting
import Domain
import Foundation
import Mail
import Primitives
import Testing

@testable import Desk
@testable import Store

@Suite("Second factor")
struct SecondFactorTests {
    private static let password = "correct horse battery"
    private let home = SignInOrigin(place: "192.0.2.1", device: nil, browser: "")

    private func staffed() async throws -> (TestDesk, Agent, Agent) {
        let test = try await TestDesk()
        let hash = try await PasswordCheck.shared.hash(Self.password)
        let ada = try await test.write {
            try $0.addAgent(email: "ada@desk.example", name: "Ada", role: .agent, departments: [], passwordHash: hash)
        }
        let eve = try await test.write {
            try $0.addAgent(email: "eve@desk.example", name: "Eve", role: .agent, departments: [], passwordHash: hash)
        }
        return (test, ada, eve)
    }
    private func code(_ secret: [UInt8], _ test: TestDesk) -> String {
        OneTimeCode.code(secret: secret, step: OneTimeCode.step(at: test.clock.now()))
    }
    /// Turns it on and returns the recovery codes.
    private func begin(_ test: TestDesk, _ agent: Agent) async throws -> (secret: [UInt8], codes: [String]) {
        let secret = OneTimeCode.newSecret()
        let code = code(secret, test)
        return (
            secret,
            try await test.write { try $0.beginSecondFactor(for: agent, secret: secret, code: code, keeping: nil) }
        )
    }

    @Test("an offered key is good for the agent it was made for, for ten minutes, and for the account as it was")
    func offer() async throws {
        let (test, ada, eve) = try await staffed()
        let offer = try await test.write { try $0.offerSecondFactor(to: ada) }
        #expect(try await test.write { try $0.secret(of: offer.sealed, for: ada) } == offer.secret)
        #expect(
            try await test.write { try $0.secret(of: offer.sealed, for: eve) } == nil,
            "another agent's page cannot use it")
        #expect(try await test.write { try $0.secret(of: "00" + offer.sealed, for: ada) } == nil)
        _ = try await begin(test, ada)
        #expect(
            try await test.write { try $0.secret(of: offer.sealed, for: ada) } == nil,
            "a factor was turned on meanwhile")
        let second = try await test.write { try $0.offerSecondFactor(to: ada) }
        _ = try await test.write {
            try $0.change(ada.id.number, of: Resource.agents, ["password": "another long password"])
        }
        #expect(
            try await test.write { try $0.secret(of: second.sealed, for: ada) } == nil,
            "the password was changed meanwhile")
        let third = try await test.write { try $0.offerSecondFactor(to: ada) }
        test.clock.advance(hours: 0.2)
        #expect(try await test.write { try $0.secret(of: third.sealed, for: ada) } == nil)
    }

    @Test("turning it on, off or resetting it signs the other devices out and tells the agent by mail")
    func told() async throws {
        let (test, ada, _) = try await staffed()
        func sessions() async throws -> Int { try await test.read { try $0.sessions(of: ada.id).count } }
        let here = try await test.write { try $0.beginSession(.agent(ada), browser: "") }
        _ = try await test.write { try $0.beginSession(.agent(ada), browser: "") }
        let secret = OneTimeCode.newSecret()
        let first = code(secret, test)
        _ = try await test.write {
            try $0.beginSecondFactor(for: ada, secret: secret, code: first, keeping: Secret.hash(here))
        }
        #expect(try await sessions() == 1)
        _ = try await test.write { try $0.beginSession(.agent(ada), browser: "") }
        try await test.write { try $0.endSecondFactor(of: ada, keeping: Secret.hash(here)) }
        #expect(try await sessions() == 1)
        _ = try await begin(test, ada)
        try await test.write { try $0.resetSecondFactor(of: ada) }
        #expect(try await sessions() == 0)
        await #expect(throws: Refusal.self) { try await test.write { try $0.resetSecondFactor(of: ada) } }
        try await test.settle()
        let mails = test.mail.to("ada@desk.example").map(\.text)
        for words in ["turned on", "turned off", "reset two-factor"] {
            #expect(mails.contains { $0.contains(words) }, "\(words)")
        }
    }

    @Test("a recovery code signs in once, in whatever way it is typed; how many are left is told")
    func recovery() async throws {
        let (test, ada, eve) = try await staffed()
        let (_, codes) = try await begin(test, ada)
        let (_, eves) = try await begin(test, eve)
        #expect(Set(codes).count == RecoveryCode.count)
        for code in codes {
            #expect(
                try await test.read {
                    try $0.value(
                        "SELECT count(*) FROM recovery_code WHERE hash LIKE \("%\(code.prefix(5))%")", as: Int.self)
                } == 0, "they are not kept as they are")
        }
        func signIn(_ code: String) async throws -> Bool {
            guard
                case .needsCode(let proof) = try await test.desk.signIn(
                    email: "ada@desk.example", password: Self.password, from: home)
            else { return false }
            if case .begun = try await test.desk.signIn(proof: proof, code: code, from: home) { return true }
            return false
        }
        #expect(try await signIn(" \(codes[0].uppercased().replacingOccurrences(of: "-", with: " ")) "))
        #expect(try await !signIn(codes[0]), "each works once")
        #expect(try await !signIn(eves[0]), "and for its own agent")
        #expect(try await test.read { try $0.recoveryCodesLeft(ada.id) } == RecoveryCode.count - 1)
        try await test.settle()
        #expect(test.mail.to("ada@desk.example").contains { $0.text.contains("9 codes are left") })
        let renewed = try await test.write { try $0.renewRecoveryCodes(for: ada) }
        #expect(try await !signIn(codes[1]))
        #expect(try await signIn(renewed[1]))
    }

    @Test("a change of the account asks for the password and for a code that works, once")
    func confirmed() async throws {
        let (test, ada, _) = try await staffed()
        let (secret, codes) = try await begin(test, ada)
        func faults(_ password: String, _ code: String) async throws -> [String] {
            try await test.desk.faults(password: password, code: code, of: ada).map(\.field)
        }
        #expect(try await faults("wrong", codes[0]) == ["current"])
        #expect(try await faults(Self.password, "000000") == ["code"])
        #expect(try await faults(Self.password, "") == ["code"])
        test.clock.advance(hours: 0.02)
        let next = code(secret, test)
        #expect(try await faults(Self.password, next).isEmpty)
        #expect(try await faults(Self.password, next) == ["code"], "a code that was used does not work again")
        #expect(try await faults(Self.password, codes[0]).isEmpty)
    }

    @Test("the proof of the first step ends with the password it was given for")
    func proof() async throws {
        let (test, ada, _) = try await staffed()
        let (_, codes) = try await begin(test, ada)
        guard
            case .needsCode(let proof) = try await test.desk.signIn(
                email: "ada@desk.example", password: Self.password, from: home)
        else {
            Issue.record("no code was asked for")
            return
        }
        _ = try await test.write {
            try $0.change(ada.id.number, of: Resource.agents, ["password": "another long password"])
        }
        guard case .refused = try await test.desk.signIn(proof: proof, code: codes[0], from: home) else {
            Issue.record("an old proof worked")
            return
        }
    }
}
