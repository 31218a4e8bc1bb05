import DeskTesting
import Domain
import Foundation
import Testing

@testable import Desk
@testable import Store
@testable import Web

/// A desk that is being set up: what its pages say while something is missing, and how it is put right.
@Suite("Setting up")
struct SetupPagesTests {
    private func furnished() async throws -> (TestDesk, Visitor) {
        let test = try await TestDesk()
        return (test, try await Visitor(test, try await test.hire("Mara", .administrator)))
    }
    private static let working = OutgoingMail(isSet: { true }, send: { _, _ in nil })

    private static func link(_ page: String) throws -> String {
        let start = try #require(page.range(of: "https://help.desk.example/sign-in/"))
        return String(page[start.lowerBound...].prefix { $0 != "\"" && $0 != "<" })
    }

    // MARK: without a mail server

    @Test(
        """
        without a mail server an invitation is a link to hand over, shown this once; with one it is emailed and \
        not shown
        """
    )
    func invitation() async throws {
        var (test, mara) = try await furnished()
        let fields = [
            ("name", "Nora Novak"), ("role", "agent"), ("departments", "1"), ("time_zone", "UTC"), ("active", "1"),
        ]
        let answer = try await mara.post("/admin/agents/new", fields + [("email", "nora@desk.example")])
        #expect(answer.status == .ok && isBalanced(answer.page))
        #expect(answer.page.contains("No outgoing mail server is set, so nothing was emailed."))
        let token = try #require(try Self.link(answer.page).split(separator: "/").last)
        let link = try await test.read { [office = test.desk.office, now = test.clock.now()] in
            try $0.oneTimeLink(String(token), office.signer, now: now)
        }
        #expect(link?.purpose == .password)
        #expect(try await !mara.get("/admin/agents").page.contains(token))
        mara.outgoing = Self.working
        let mailed = try await mara.post("/admin/agents/new", fields + [("email", "otto@desk.example")])
        #expect(mailed.status == .seeOther && mailed.location.contains("said=invited"))
    }

    @Test("an administrator makes a link to a new password, or emails it")
    func passwordLink() async throws {
        var (test, mara) = try await furnished()
        let ada = try await test.hire("Ada")
        #expect(try await mara.get("/admin/agents/\(ada.id)").page.contains("Create a password link"))
        let shown = try await mara.post("/admin/agents/\(ada.id)/password-link")
        #expect(shown.status == .ok)
        _ = try Self.link(shown.page)
        mara.outgoing = Self.working
        let mailed = try await mara.post("/admin/agents/\(ada.id)/password-link")
        #expect(mailed.status == .seeOther)
        #expect(try await mara.get(mailed.location).page.contains("A link to set a new password was emailed."))
    }

    @Test("the sign-in page promises no email where none goes out, and says what to do instead")
    func signIn() async throws {
        let test = try await TestDesk()
        var guest = Visitor(guestOf: test)
        for answer in [
            try await guest.get("/sign-in"), try await guest.post("/sign-in/link", [("email", "kim@harbour.example")]),
        ] {
            #expect(
                answer.page.contains("This desk can&#39;t send email yet")
                    || answer.page.contains("This desk can't send email yet"))
            #expect(answer.page.contains("ask an administrator"))
            #expect(!answer.page.contains("Email me a link") && !answer.page.contains("emailed you"))
        }
        guest.outgoing = Self.working
        #expect(try await guest.get("/sign-in").page.contains("Email me a link"))
        #expect(
            try await guest.post("/sign-in/link", [("email", "kim@harbour.example")]).page.contains(
                "emailed you a sign-in link"))
    }

    @Test("the home page names an address only where mail comes in")
    func home() async throws {
        let test = try await TestDesk()
        var guest = Visitor(guestOf: test)
        #expect(try await !guest.get("/").page.contains("mailto:"))
        guest.takesLMTP = true
        #expect(try await guest.get("/").page.contains("mailto:support@desk.example"))
        guest.takesLMTP = false
        _ = try await test.write { try $0.add(["address": "help@harbour.example"], to: .mailboxes) }
        #expect(try await guest.get("/").page.contains("mailto:help@harbour.example"))
    }

    @Test("the test of a mailbox without a server to send by says so, and not that it works")
    func mailboxTest() async throws {
        var (test, mara) = try await furnished()
        let box = try await test.write { try $0.add(["address": "help@harbour.example"], to: .mailboxes) }
        let answer = try await mara.post("/admin/mailboxes/\(box.id)/test")
        #expect(answer.status == .ok)
        #expect(
            answer.page.contains("No outgoing mail server is set, so nothing was sent.")
                && !answer.page.contains("Sending email works") && !answer.page.contains("class=\"fault\""))
        mara.outgoing = Self.working
        #expect(try await mara.post("/admin/mailboxes/\(box.id)/test").page.contains("sends through the desk"))
    }

    // MARK: settings

    @Test("the mail server is set in the browser, tested with the server's own words, and its password never shown")
    func settings() async throws {
        var (test, mara) = try await furnished()
        let base = test.desk.settings.current.fields.compactMap { name, value -> (String, String)? in
            switch value {
            case .bool(let isOn): isOn ? (name, "1") : nil
            case .array, .object, .null: nil
            default: (name, value.text ?? value.written)
            }
        }.filter { !["name", "smtp_host", "smtp_port", "smtp_security", "smtp_user", "url"].contains($0.0) }
        let server = [
            ("name", "Harbour IT"), ("smtp_host", "127.0.0.1"), ("smtp_port", "2525"), ("smtp_security", "starttls"),
            ("smtp_user", "desk"), ("smtp_password", "a secret word"),
        ]
        #expect(try await mara.post("/admin/settings", base + server).status == .seeOther)
        #expect(
            test.desk.settings.current.smtp.server(test.desk.office.signer)?.credential == .password("a secret word"))
        let page = try await mara.get("/admin/settings").page
        #expect(
            page.contains("value=\"127.0.0.1\"") && page.contains("A password is saved.")
                && !page.contains("a secret word"))
        // Without a password it stays; a wrong server is said beside its field.
        #expect(try await mara.post("/admin/settings", base + server.dropLast()).status == .seeOther)
        #expect(test.desk.settings.current.smtp.hasPassword)
        let wrong = try await mara.post(
            "/admin/settings",
            base + [
                ("name", "Harbour IT"), ("smtp_host", "127.0.0.1"), ("smtp_port", "99999"),
                ("smtp_security", "starttls"), ("smtp_user", "desk"),
            ])
        #expect(wrong.status == .unprocessableContent && wrong.page.contains("id=\"smtp_port-fault\""))
        mara.outgoing = OutgoingMail(isSet: { true }, send: { _, _ in "refused: 550 5.7.1 relaying denied" })
        #expect(
            try await mara.post("/admin/settings/test-mail", [("address", "mara@desk.example")]).page.contains(
                "refused: 550 5.7.1 relaying denied"))
        mara.outgoing = OutgoingMail()
        #expect(
            try await mara.post("/admin/settings/test-mail", [("address", "mara@desk.example")]).page.contains(
                "No outgoing mail server is set, so nothing was sent."))
    }

    // MARK: an empty desk

    @Test("an administrator of an empty desk sees the first steps as they stand, until they are dismissed or done")
    func firstSteps() async throws {
        let (test, mara) = try await furnished()
        for path in ["/desk", "/admin"] {
            let page = try await mara.get(path).page
            #expect(page.contains("First steps") && page.contains("1 of 6 done"), "\(path)")
            #expect(isBalanced(page))
        }
        #expect(try await mara.get("/desk").page.contains("No tickets yet."))
        _ = try await test.write { try $0.change(["name": "Harbour IT"]) }
        try await test.desk.reloadSettings()
        _ = try await test.hire("Ada")
        #expect(try await mara.get("/admin").page.contains("3 of 6 done"))
        _ = try await test.open()
        #expect(try await mara.get("/admin").page.contains("4 of 6 done"))
        #expect(try await !mara.get("/desk").page.contains("First steps"))
        #expect(try await mara.post("/admin/first-steps/dismiss", [("from", "admin")]).location == "/admin")
        #expect(try await !mara.get("/admin").page.contains("First steps"))
    }

    @Test("an empty list says why: no department, no tickets, or nothing left to do")
    func emptyLists() async throws {
        let test = try await TestDesk()
        let ada = try await test.hire("Ada")
        let cyd = try await test.write { tx in
            let row = try tx.add(["email": "cyd@desk.example", "name": "Cyd", "departments": []], to: .agents)
            return try #require(try tx.db.agent(Agent.ID(row.id)))
        }
        let (adas, cyds) = (try await Visitor(test, ada), try await Visitor(test, cyd))
        #expect(try await adas.get("/desk").page.contains("No tickets yet."))
        let ticket = try await test.open()
        for path in ["/desk", "/desk?list=mine", "/desk?list=open", "/desk/search?query=scanner"] {
            let page = try await cyds.get(path).page
            #expect(page.contains("in a department yet"), "\(path)")
            #expect(!page.contains("caught up"))
        }
        _ = try await test.desk.counts.freshCounts(for: ada, on: test.desk)
        let mine = try await adas.get("/desk?list=mine").page
        #expect(
            mine.contains("No tickets in this view.") && mine.contains("1 ticket is waiting in Up next.")
                && !mine.contains("caught up"))
        try await test.act(on: ticket) { try $0.close(&$1, by: Actor(ada), reason: "") }
        _ = try await test.desk.counts.freshCounts(for: ada, on: test.desk)
        #expect(try await adas.get("/desk").page.contains("All caught up."))
    }

    @Test("an agent without a department is added only when that was meant; the only department is ticked already")
    func departments() async throws {
        let (test, mara) = try await furnished()
        let fields = [
            ("email", "ben@desk.example"), ("name", "Ben"), ("role", "agent"), ("time_zone", "UTC"), ("active", "1"),
        ]
        #expect(
            try await mara.get("/admin/agents/new").page.contains(
                "id=\"departments-1\" name=\"departments\" value=\"1\" checked"))
        _ = try await test.write { try $0.add(["name": "Billing"], to: .departments) }
        #expect(try await !mara.get("/admin/agents/new").page.contains("name=\"departments\" value=\"1\" checked"))
        let refused = try await mara.post("/admin/agents/new", fields)
        #expect(
            refused.status == .unprocessableContent && refused.page.contains("Choose at least one department or team.")
                && refused.page.contains("name=\"no_department\""))
        #expect(try await test.read { try $0.agent(email: "ben@desk.example") } == nil)
        #expect(try await mara.post("/admin/agents/new", fields + [("no_department", "1")]).status == .ok)
        #expect(
            try await mara.post(
                "/admin/agents/new",
                [
                    ("email", "root@desk.example"), ("name", "Root"), ("role", "administrator"), ("time_zone", "UTC"),
                    ("active", "1"),
                ]
            ).status == .ok)
    }

    @Test("a wrong address keeps an agent in the workspace")
    func notFound() async throws {
        let test = try await TestDesk()
        let ada = try await Visitor(test, try await test.hire("Ada"))
        for path in ["/admin", "/desk/nowhere", "/nowhere", "/desk/tickets/999999"] {
            let answer = try await ada.get(path)
            #expect(
                answer.status == .notFound && answer.page.contains("class=\"nav\"")
                    && answer.page.contains("Page not found"), "\(path)")
        }
    }
}
