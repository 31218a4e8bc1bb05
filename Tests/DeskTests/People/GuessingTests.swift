import DeskTesting
import Domain
import Foundation
import Mail
import Synchronization
import Testing

@testable import Desk
@testable import Store

@Suite("Guessing")
struct GuessingTests {
    private static let password = "correct horse battery"
    private func staffed() async throws -> (TestDesk, Agent) {
        let test = try await TestDesk()
        let hash = try await PasswordCheck.shared.hash(Self.password)
        return (
            test,
            try await test.write {
                try $0.addAgent(
                    email: "ada@desk.example", name: "Ada", role: .agent, departments: [], passwordHash: hash)
            }
        )
    }
    private func origin(_ place: String, device: String? = nil) -> SignInOrigin {
        SignInOrigin(place: place, device: device, browser: "")
    }
    private func mark(of email: String, _ test: TestDesk) -> String {
        DeviceMark.make(for: email, test.desk.office.signer)
    }
    private func isTested(_ outcome: SignInOutcome) -> Bool {
        switch outcome {
        case .refused, .wrongCode, .begun, .needsCode: true
        case .wait: false
        }
    }
    private func begins(_ outcome: SignInOutcome) -> Bool { if case .begun = outcome { true } else { false } }

    @Test("of 150 guesses at the same moment no more than the free ones are tested")
    func parallel() async throws {
        let (test, _) = try await staffed()
        let tested = try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<150 {
                group.addTask {
                    isTested(
                        try await test.desk.signIn(
                            email: "ada@desk.example", password: "guess \(number)", from: origin("198.51.100.7")))
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(tested <= Throttle.free)
        #expect(
            begins(
                try await test.desk.signIn(
                    email: "ada@desk.example", password: Self.password, from: origin("192.0.2.1"))),
            "the owner elsewhere is let in")
    }

    @Test(
        """
        guesses for one account from many networks get no further than one account allows; its owner on a known \
        device is let in
        """
    )
    func distributed() async throws {
        let (test, _) = try await staffed()
        var tested = 0
        for number in 0..<60
        where isTested(
            try await test.desk.signIn(
                email: "ADA@desk.example", password: "guess", from: origin("198.51.100.\(number)")))
        { tested += 1 }
        #expect(tested == Throttle.freeForAccount)
        #expect(
            begins(
                try await test.desk.signIn(
                    email: "ada@desk.example", password: Self.password,
                    from: origin("198.51.100.99", device: mark(of: "ada@desk.example", test)))))
    }

    @Test(
        "addresses of one IPv6 network count together, those of another do not",
        arguments: [
            ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true), ("2001:db8:1:2::1", "2001:db8:1:3::1", false),
            ("::ffff:192.0.2.1", "192.0.2.1", true), ("192.0.2.1", "192.0.2.2", false),
            ("fe80::1%eth0", "fe80::2", true),
        ])
    func networks(first: String, second: String, isSame: Bool) {
        #expect((NetworkAddress.network(of: first) == NetworkAddress.network(of: second)) == isSame)
    }

    @Test("guesses for many accounts from one network are limited too")
    func spraying() async throws {
        let (test, _) = try await staffed()
        for number in 0..<Throttle.freeForPlace {
            try await test.write {
                try $0.count(
                    origin("2001:db8::\(number)").passwordCounts(
                        for: "somebody\(number)@desk.example", test.desk.office.signer))
            }
        }
        await #expect(throws: HeldBack.self) {
            try await test.write {
                try $0.count(
                    origin("2001:db8::ffff").passwordCounts(for: "another@desk.example", test.desk.office.signer))
            }
        }
        try await test.write {
            try $0.count(origin("2001:db8:0:1::1").passwordCounts(for: "another@desk.example", test.desk.office.signer))
        }
    }

    @Test("codes of the second factor are counted for the account over every proof and network")
    func codes() async throws {
        let (test, ada) = try await staffed()
        let secret = OneTimeCode.newSecret()
        let code = OneTimeCode.code(secret: secret, step: OneTimeCode.step(at: test.clock.now()))
        _ = try await test.write { try $0.beginSecondFactor(for: ada, secret: secret, code: code, keeping: nil) }
        var tested = 0
        var last: String?
        for number in 0..<12 {
            guard
                case .needsCode(let proof) = try await test.desk.signIn(
                    email: "ada@desk.example", password: Self.password, from: origin("198.51.100.\(number)"))
            else {
                Issue.record("the password was not taken")
                return
            }
            last = proof
            for _ in 0..<2
            where isTested(
                try await test.desk.signIn(proof: proof, code: "000000", from: origin("203.0.113.\(number)")))
            { tested += 1 }
        }
        #expect(tested == Throttle.free)
        // A device of somebody else's account opens no count of its own, however often it is made anew.
        for number in 0..<3 {
            let foreign = origin("203.0.113.\(number)", device: mark(of: "ben@desk.example", test))
            guard let proof = last else { break }
            #expect(!isTested(try await test.desk.signIn(proof: proof, code: "000000", from: foreign)))
        }
        let known = mark(of: "ada@desk.example", test)
        guard
            case .needsCode(let proof) = try await test.desk.signIn(
                email: "ada@desk.example", password: Self.password, from: origin("192.0.2.1", device: known))
        else {
            Issue.record("the password was not taken")
            return
        }
        test.clock.advance(hours: 0.02)
        let next = OneTimeCode.code(secret: secret, step: OneTimeCode.step(at: test.clock.now()))
        #expect(
            begins(try await test.desk.signIn(proof: proof, code: next, from: origin("192.0.2.1", device: known))),
            "the owner's device has a count of its own")
    }

    @Test("somebody who knows the session but not the password guesses it no more often than at the door")
    func ownAccount() async throws {
        let (test, ada) = try await staffed()
        for _ in 0..<Throttle.free {
            #expect(try await test.desk.faults(password: "guess", code: nil, of: ada).map(\.field) == ["current"])
        }
        #expect(
            try await test.desk.faults(password: Self.password, code: nil, of: ada).count == 1,
            "even the right one has to wait now")
        test.clock.advance(hours: 1)
        #expect(try await test.desk.faults(password: Self.password, code: nil, of: ada).isEmpty)
    }

    @Test(
        """
        a colleague's password is looked at after one guess of a flood, not after all of them; a flood fills no \
        more than its share
        """
    )
    func lane() async throws {
        let lane = PasswordCheck(most: 1)
        let done = Mutex<[String]>([])
        let hold = DispatchSemaphore(value: 0)
        #expect(lane.put("flood") { hold.wait() })
        for number in 0..<PasswordCheck.mostOfNetwork {
            #expect(lane.put("flood") { done.withLock { $0.append("flood \(number)") } })
        }
        #expect(!lane.put("flood") {})
        #expect(lane.put("elsewhere") { done.withLock { $0.append("elsewhere") } })
        #expect(lane.put(nil) { done.withLock { $0.append("known") } })
        await withCheckedContinuation { continuation in
            #expect(lane.put("last") { continuation.resume() })
            hold.signal()
        }
        #expect(done.withLock { Array($0.prefix(3)) } == ["known", "flood 0", "elsewhere"])
    }
}
