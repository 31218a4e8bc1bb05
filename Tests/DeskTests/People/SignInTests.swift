import DeskTesting
import Domain
import Foundation
import Mail
import Primitives
import Testing

@testable import Desk
@testable import Store

@Suite("Signing in")
struct SignInTests {
    private static let password = "correct horse battery"
    private let home = SignInOrigin(place: "192.0.2.1", device: nil, browser: "Firefox")

    private func staffed() async throws -> (TestDesk, Agent) {
        let test = try await TestDesk()
        let hash = try await PasswordCheck.shared.hash(Self.password)
        let ada = try await test.write {
            try $0.addAgent(email: "ada@desk.example", name: "Ada", role: .agent, departments: [], passwordHash: hash)
        }
        return (test, ada)
    }
    private func token(_ outcome: SignInOutcome) -> String? {
        if case .begun(let token, _) = outcome { token } else { nil }
    }
    private func isRefused(_ outcome: SignInOutcome) -> Bool { if case .refused = outcome { true } else { false } }
    private func isMadeToWait(_ outcome: SignInOutcome) -> Bool { if case .wait = outcome { true } else { false } }

    @Test("the right password begins a session, whose token is kept as a hash and which ends in time")
    func session() async throws {
        let (test, ada) = try await staffed()
        let token = try #require(
            self.token(try await test.desk.signIn(email: " Ada@desk.example ", password: Self.password, from: home)))
        let now = test.clock.now()
        #expect(try await test.read { try $0.session(token: token, now: now)?.agent } == ada)
        #expect(
            try await test.read { try $0.value("SELECT count(*) FROM session WHERE hash = \(token)", as: Int.self) }
                == 0)
        test.clock.advance(days: 15)
        let later = test.clock.now()
        #expect(try await test.read { try $0.session(token: token, now: later) } == nil)
    }

    @Test(
        """
        a wrong password, an unknown address, somebody without a password and somebody who has left are all the \
        same refusal
        """
    )
    func refused() async throws {
        let (test, ada) = try await staffed()
        _ = try await test.hire("Ben")
        #expect(isRefused(try await test.desk.signIn(email: "ada@desk.example", password: "wrong", from: home)))
        #expect(
            isRefused(try await test.desk.signIn(email: "nobody@desk.example", password: Self.password, from: home)))
        #expect(isRefused(try await test.desk.signIn(email: "ben@desk.example", password: "", from: home)))
        try await test.write { try $0.remove(ada.id.number, from: Resource.agents) }
        #expect(isRefused(try await test.desk.signIn(email: "ada@desk.example", password: Self.password, from: home)))
    }

    @Test("a session ends when its agent leaves")
    func left() async throws {
        let (test, ada) = try await staffed()
        let token = try #require(
            self.token(try await test.desk.signIn(email: "ada@desk.example", password: Self.password, from: home)))
        try await test.write { try $0.remove(ada.id.number, from: Resource.agents) }
        let now = test.clock.now()
        #expect(try await test.read { try $0.session(token: token, now: now) } == nil)
    }

    @Test("whoever guesses waits, and the owner elsewhere or on a known device does not")
    func throttled() async throws {
        let (test, _) = try await staffed()
        let thief = SignInOrigin(place: "198.51.100.7", device: nil, browser: "")
        for _ in 0..<Throttle.free {
            #expect(isRefused(try await test.desk.signIn(email: "ada@desk.example", password: "guess", from: thief)))
        }
        #expect(
            isMadeToWait(try await test.desk.signIn(email: "ada@desk.example", password: Self.password, from: thief)))
        #expect(
            token(try await test.desk.signIn(email: "ada@desk.example", password: Self.password, from: home)) != nil)
        let mark = DeviceMark.make(for: "ada@desk.example", test.desk.office.signer)
        let known = SignInOrigin(place: "198.51.100.7", device: mark, browser: "")
        #expect(
            token(try await test.desk.signIn(email: "ada@desk.example", password: Self.password, from: known)) != nil)
        test.clock.advance(hours: 0.01)
        #expect(
            isRefused(try await test.desk.signIn(email: "ada@desk.example", password: "guess", from: thief)),
            "after the pause the next guess is listened to")
        #expect(
            isMadeToWait(try await test.desk.signIn(email: "ada@desk.example", password: "guess", from: thief)),
            "and the next pause is longer")
    }

    @Test(
        "pauses double up to a quarter of an hour",
        arguments: [(4, 0.0), (5, 15), (6, 30), (8, 120), (11, 900), (500, 900)])
    func pauses(failures: Int, seconds: TimeInterval) {
        let at = Date(timeIntervalSince1970: 1_800_000_000)
        #expect(Throttle(failures: failures, lastAt: at).opens() == at + seconds)
    }

    @Test(
        "codes are those of RFC 6238, appendix B",
        arguments: [
            (59, "287082"), (1_111_111_109, "081804"), (1_111_111_111, "050471"), (1_234_567_890, "005924"),
            (2_000_000_000, "279037"), (20_000_000_000, "353130"),
        ])
    func codes(seconds: Int, code: String) {
        let secret = Array("12345678901234567890".utf8)
        let moment = Date(timeIntervalSince1970: TimeInterval(seconds))
        #expect(OneTimeCode.code(secret: secret, step: OneTimeCode.step(at: moment)) == code)
        #expect(OneTimeCode.matchingStep(code, secret: secret, at: moment, after: 0) == OneTimeCode.step(at: moment))
        #expect(OneTimeCode.matchingStep(code, secret: secret, at: moment + 90, after: 0) == nil)
    }

    @Test(
        "a key is written in base 32 as RFC 4648 has it",
        arguments: [("", ""), ("f", "MY"), ("fo", "MZXQ"), ("foo", "MZXW6"), ("foobar", "MZXW6YTBOI")])
    func base32(text: String, written: String) { #expect(OneTimeCode.base32(Array(text.utf8)) == written) }

    @Test("with a second factor the password alone does not do, and no code works twice")
    func secondFactor() async throws {
        let (test, ada) = try await staffed()
        let secret = OneTimeCode.newSecret()
        let first = OneTimeCode.code(secret: secret, step: OneTimeCode.step(at: test.clock.now()))
        await #expect(throws: Refusal.self) {
            try await test.write {
                _ = try $0.beginSecondFactor(for: ada, secret: secret, code: "000000x", keeping: nil)
            }
        }
        try await test.write { _ = try $0.beginSecondFactor(for: ada, secret: secret, code: first, keeping: nil) }
        #expect(
            try await test.read {
                try $0.value("SELECT count(*) FROM agent WHERE totp = \(Hex.encode(secret))", as: Int.self)
            } == 0, "it is kept sealed")
        guard
            case .needsCode(let proof) = try await test.desk.signIn(
                email: "ada@desk.example", password: Self.password, from: home)
        else {
            Issue.record("no code was asked for")
            return
        }
        guard case .wrongCode = try await test.desk.signIn(proof: proof, code: first, from: home) else {
            Issue.record("a used code worked")
            return
        }
        test.clock.advance(hours: 0.02)
        let next = OneTimeCode.code(secret: secret, step: OneTimeCode.step(at: test.clock.now()))
        #expect(isRefused(try await test.desk.signIn(proof: proof + "x", code: next, from: home)))
        #expect(token(try await test.desk.signIn(proof: proof, code: next, from: home)) != nil)
    }

    @Test("a customer's link signs in once and within the hour; the database alone does not tell it")
    func mailedLink() async throws {
        let test = try await TestDesk()
        _ = try await test.open()
        try await test.write { try $0.mailLink(to: "KIM@harbour.example") }
        try await test.write { try $0.mailLink(to: "nobody@harbour.example") }
        try await test.settle()
        let mails = test.mail.to(TestDesk.kim).filter { $0.subject.contains("Sign in to") }
        #expect(mails.count == 1 && test.mail.to("nobody@harbour.example").isEmpty)
        let token = try #require(
            mails[0].text.components(separatedBy: "/sign-in/").last?.prefix { $0.isLetter || $0.isNumber || $0 == "-" })
        #expect(
            try await test.read {
                try $0.value("SELECT count(*) FROM outbox WHERE data LIKE \("%\(token)%")", as: Int.self)
            } == 0)
        await #expect(throws: Refusal.notFound) {
            _ = try await test.write {
                try $0.signIn(by: String(token.dropLast()) + (token.hasSuffix("0") ? "1" : "0"), browser: "")
            }
        }
        let (session, _) = try await test.write { try $0.signIn(by: String(token), browser: "") }
        let now = test.clock.now()
        #expect(try await test.read { try $0.session(token: session, now: now)?.customer?.address } == TestDesk.kim)
        await #expect(throws: Refusal.notFound) {
            _ = try await test.write { try $0.signIn(by: String(token), browser: "") }
        }
    }

    @Test("a new password by link ends all sessions and links of before")
    func reset() async throws {
        let (test, ada) = try await staffed()
        let old = try #require(
            token(try await test.desk.signIn(email: "ada@desk.example", password: Self.password, from: home)))
        try await test.write { tx in
            try tx.mailLink(to: "ada@desk.example")
            try tx.invite(ada)
        }
        try await test.settle()
        let tokens = test.mail.to("ada@desk.example").filter { $0.text.contains("/sign-in/") }.compactMap {
            $0.text.components(separatedBy: "/sign-in/").last?.prefix { $0.isLetter || $0.isNumber || $0 == "-" }
        }.map(String.init)
        #expect(tokens.count == 2)
        let hash = try await PasswordCheck.shared.hash("another long password")
        _ = try await test.write { try $0.setPassword(by: tokens[0], hash: hash, browser: "") }
        let now = test.clock.now()
        #expect(try await test.read { try $0.session(token: old, now: now) } == nil)
        await #expect(throws: Refusal.notFound) {
            _ = try await test.write { try $0.setPassword(by: tokens[1], hash: hash, browser: "") }
        }
        #expect(isRefused(try await test.desk.signIn(email: "ada@desk.example", password: Self.password, from: home)))
        #expect(
            token(try await test.desk.signIn(email: "ada@desk.example", password: "another long password", from: home))
                != nil)
    }

    @Test("signing out everywhere leaves this device")
    func everywhere() async throws {
        let (test, _) = try await staffed()
        let first = try #require(
            token(try await test.desk.signIn(email: "ada@desk.example", password: Self.password, from: home)))
        let second = try #require(
            token(try await test.desk.signIn(email: "ada@desk.example", password: Self.password, from: home)))
        let now = test.clock.now()
        let here = try #require(try await test.read { try $0.session(token: second, now: now) })
        try await test.write { try $0.endSessions(of: here.holder, except: here.hash) }
        #expect(try await test.read { try $0.session(token: first, now: now) } == nil)
        #expect(try await test.read { try $0.session(token: second, now: now) } != nil)
    }

    @Test("a password set by an administrator ends the agent's sessions")
    func setByAdministrator() async throws {
        let (test, ada) = try await staffed()
        let token = try #require(
            self.token(try await test.desk.signIn(email: "ada@desk.example", password: Self.password, from: home)))
        let now = test.clock.now()
        _ = try await test.write { try $0.change(ada.id.number, of: Resource.agents, ["name": "Ada Lind"]) }
        #expect(try await test.read { try $0.session(token: token, now: now) } != nil)
        _ = try await test.write {
            try $0.change(ada.id.number, of: Resource.agents, ["password": "a password she is told"])
        }
        #expect(try await test.read { try $0.session(token: token, now: now) } == nil)
    }

    @Test("what may be done so often an hour is refused after that, and allowed again later")
    func uses() async throws {
        let test = try await TestDesk()
        func tries(_ count: Int) async throws -> [Bool] {
            try await test.write { tx in try (0..<count).map { _ in try tx.allowUse(of: "x", perHour: 3) } }
        }
        #expect(try await tries(5) == [true, true, true, false, false])
        test.clock.advance(hours: 1.1)
        #expect(try await tries(1) == [true])
    }

    @Test("what is sealed is opened with the same secret only")
    func sealed() throws {
        let signer = Signer(secret: Array("one secret".utf8))
        let sealed = try #require(signer.seal([1, 2, 3]))
        #expect(signer.open(sealed) == [1, 2, 3])
        #expect(Signer(secret: Array("another".utf8)).open(sealed) == nil)
        #expect(signer.open("00") == nil && signer.open("no hex") == nil)
    }
}
