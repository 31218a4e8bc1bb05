import DeskTesting
import Domain
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Mail
import Markup
import NIOCore
import Primitives
import Testing

@testable import Desk
@testable import Store
@testable import Web

/// Somebody who is signed in and sends forms.
struct Visitor {
    let test: TestDesk
    var headers: HTTPFields
    var csrf: String
    /// The desk's own mail server; none unless a test says so.
    var outgoing = OutgoingMail()
    var takesLMTP = false

    /// Somebody who is not signed in.
    init(guestOf test: TestDesk) {
        self.test = test
        headers = [
            .cookie: "__Host-usher_visit=visit", .contentType: "application/x-www-form-urlencoded",
            .acceptLanguage: "en",
        ]
        csrf = test.desk.office.signer.mark("visit", for: .form)
    }

    init(_ test: TestDesk, _ agent: Agent, cookies: String = "", language: String = "en") async throws {
        self.test = test
        let token = try await test.write { try $0.beginSession(.agent(agent), browser: "Firefox") }
        headers = [
            .cookie: "__Host-usher_session=\(token)\(cookies)", .contentType: "application/x-www-form-urlencoded",
            .acceptLanguage: language,
        ]
        csrf = test.desk.office.signer.mark(Secret.hash(token), for: .form)
    }

    struct Answer {
        let status: HTTPResponse.Status
        let location: String
        let cookies: [String]
        let page: String
    }

    private var app: some ApplicationProtocol {
        Application(
            router: Web(desk: test.desk, measures: PrometheusMetrics(), outgoing: outgoing, takesLMTP: takesLMTP)
                .router())
    }

    func get(_ path: String) async throws -> Answer { try await ask(path, .get, nil) }

    /// Presses Undo on the newest bar.
    func undo(_ place: String = "") async throws -> Answer {
        let bar = try #require(try await get("/desk").page.firstMatch(of: /action="(\/desk\/undo\/[^"?]+)/))
        let ticket = try await get("/desk").page.firstMatch(of: /name="ticket" value="([0-9]+)"/)?.output.1
        return try await post(bar.output.1 + place, ticket.map { [("ticket", String($0))] } ?? [])
    }
    /// A body of any kind, as a browser sends a form with files.
    func send(_ path: String, _ body: String, as type: String) async throws -> Answer {
        var sender = self
        sender.headers[.contentType] = type
        return try await sender.ask(path, .post, ByteBuffer(string: body))
    }
    func post(_ path: String, _ fields: [(String, String)] = []) async throws -> Answer {
        let all = [("csrf", csrf)] + fields
        return try await ask(
            path, .post,
            ByteBuffer(string: all.map { "\(Path.encode($0.0))=\(Path.encode($0.1))" }.joined(separator: "&")))
    }

    private func ask(_ path: String, _ method: HTTPRequest.Method, _ body: ByteBuffer?) async throws -> Answer {
        try await app.test(.router) { client in
            try await client.execute(uri: path, method: method, headers: headers, body: body) { response in
                Answer(
                    status: response.status, location: response.headers[.location] ?? "",
                    cookies: response.headers[values: .setCookie], page: String(buffer: response.body))
            }
        }
    }
}

@Suite("The place an agent works at")
struct PlaceTests {
    @Test(
        "an address and a position are the same thing said twice",
        arguments: [
            "list=next", "list=mine&sort=newest", "list=closed&cursor=0-0-17", "query=printer",
            "query=from%3Akim%20state%3Aopen&sort=urgency&cursor=40-2-3", "query=",
            "list=open&sort=oldest&cursor=12-4-9",
        ])
    func roundTrip(text: String) throws {
        let values = Dictionary(
            uniqueKeysWithValues: text.split(separator: "&").map { part in
                let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                return (String(pair[0]), String(pair[1]).removingPercentEncoding ?? "")
            })
        let position = try #require(ListPosition { values[$0] })
        #expect(ticketPath(7, at: position).text == "/desk/tickets/7?" + text)
        #expect(position.path.text.hasSuffix("?" + text))
    }

    @Test(
        "what no list gave out is no position",
        arguments: [["list": "nonsense"], ["sort": "newest"], [:], ["query": String(repeating: "x", count: 501)]])
    func none(values: [String: String]) { #expect(ListPosition { values[$0] } == nil) }

    @Test("a cursor or an order that is none is left out, the list stays")
    func cursor() {
        let position = ListPosition { ["list": "open", "cursor": "../x", "sort": "up"][$0] }
        #expect(position == ListPosition(.list(.open)))
    }

    /// Every form of the workspace that belongs to a ticket, with what it needs to be done.
    private static let presses: [(path: String, fields: [(String, String)], first: TicketAction?)] = [
        ("do/claim", [], nil), ("do/assign", [("agent", "ada@desk.example")], nil), ("do/release", [], .claim),
        ("do/transfer", [("department", "Billing")], nil),
        ("do/escalate", [("reason", "The whole street")], nil), ("do/de_escalate", [], .escalate), ("do/wait", [], nil),
        ("do/hold", [], nil), ("do/resume", [], .wait), ("do/resolve", [("body", "Cleaned.")], nil),
        ("do/confirm", [], .resolve), ("do/close", [], nil), ("do/reopen", [], .close), ("do/spam", [], nil),
        ("do/merge", [("into", "OTHER"), ("confirmed", "1")], nil), ("do/split", [("entries", "NOTE")], nil),
        ("do/unmerge", [], .merge), ("do/link", [("to", "OTHER"), ("kind", "blocks")], nil),
        ("do/unlink", [("to", "OTHER")], .link),
        ("do/add_agent", [("agent", "ada@desk.example")], nil),
        ("do/remove_agent", [("agent", "ada@desk.example")], nil),
        ("do/add_collaborator", [("email", "lee@corner.example")], nil),
        ("do/set_requester", [("email", "lee@corner.example"), ("name", "Lee Okafor")], nil), ("deliverable", [], nil),
        ("do/remove_collaborator", [("email", "lee@corner.example")], nil),
        ("change", [("subject", "Another"), ("priority", "high"), ("topic", ""), ("tags", "")], nil),
        ("entries", [("kind", "reply"), ("body", "Words")], nil),
        ("entries", [("kind", "reply"), ("body", "Words"), ("then", "wait")], nil),
        ("entries", [("kind", "reply"), ("body", "Words"), ("then", "resolve")], nil),
        ("entries", [("kind", "note"), ("body", "Words")], nil),
        ("entries", [("kind", "reply"), ("body", "Words"), ("then", "next")], nil),
    ]

    /// What the actions need that come before others.
    private static let needed: [TicketAction: [(String, String)]] = [
        .resolve: [("body", "x")], .escalate: [("reason", "x")], .merge: [("into", "OTHER"), ("confirmed", "1")],
        .link: [("to", "OTHER"), ("kind", "parent")],
    ]

    @Test(
        "every form of a ticket leads back to the place it was sent from",
        arguments: ["list=open&sort=newest&cursor=90-5-99", "query=tag%3Avip%20scanner&sort=oldest"])
    func kept(place: String) async throws {
        let test = try await TestDesk()
        let mara = try await test.write {
            try $0.addAgent(
                email: "mara@desk.example", name: "Mara", role: .administrator, departments: [], passwordHash: nil)
        }
        _ = try await test.hire("Ada")
        _ = try await test.write { try $0.add(["name": "Billing"], to: .departments) }
        let visitor = try await Visitor(test, mara)
        // No form of a ticket is forgotten here: each POST route below a ticket stands in the table, but for those that
        // answer a script.
        let routes = Web.routes.filter { $0.method == .post && $0.path.hasPrefix("/desk/tickets/:number/") }.map {
            String($0.path.dropFirst("/desk/tickets/:number/".count))
        }
        let silent: Set<String> = ["draft", "presence"]
        #expect(Set(routes).subtracting(silent) == Set(Self.presses.map(\.path)))
        for press in Self.presses {
            let (ticket, other) = (try await test.open(), try await test.open("The other"))
            _ = try await visitor.post(
                "/desk/tickets/\(ticket.number)/entries", [("kind", "note"), ("body", "Words")])
            let note = try #require(try await test.entries(ticket).last).id.description
            func filled(_ fields: [(String, String)]) -> [(String, String)] {
                fields.map { ($0.0, $0.1 == "OTHER" ? String(other.number) : $0.1 == "NOTE" ? note : $0.1) }
            }
            if let first = press.first {
                _ = try await visitor.post(
                    "/desk/tickets/\(ticket.number)/do/\(first.rawValue)", filled(Self.needed[first] ?? []))
            }
            let fields = filled(press.fields)
            let answer = try await visitor.post("/desk/tickets/\(ticket.number)/\(press.path)?\(place)", fields)
            #expect(answer.status == .seeOther, "\(press.path): \(answer.status)")
            #expect(answer.location.contains("?" + place + "&"), "\(press.path): \(answer.location)")
        }
    }

    @Test("a reply taken back leads to its ticket, with the place of the page it was pressed on")
    func takenBack() async throws {
        let test = try await TestDesk()
        try await test.holdsBack()
        let ada = try await test.hire("Ada")
        let visitor = try await Visitor(test, ada, cookies: "; __Host-usher_undo=1")
        let (first, second) = (try await test.open("First"), try await test.open("Second"))
        let sent = try await visitor.post(
            "/desk/tickets/\(first.number)/entries?list=open",
            [("kind", "reply"), ("body", "Too fast"), ("then", "next")])
        #expect(sent.cookies.contains { $0.hasPrefix("__Host-usher_undo=1;") && $0.contains("Max-Age") })
        // The list's next ticket, and from there the bar still offers to take it back.
        let next = try await visitor.get(sent.location)
        #expect(next.location.hasPrefix("/desk/tickets/\(second.number)?list=open"))
        for path in [next.location, "/desk?list=open", "/desk/people"] {
            let page = try await visitor.get(path).page
            #expect(
                page.contains("data-takeback") && page.contains("Sending your reply to #\(first.number)"), "\(path)")
        }
        let back = try await visitor.undo("?list=open")
        #expect(back.location == "/desk/tickets/\(first.number)?list=open&said=back")
        #expect(try await visitor.get(back.location).page.contains("Too fast"))
        #expect(!(try await visitor.get("/desk").page.contains("data-takeback")))
    }

    @Test("the last ticket of a list leads back to the list, which says so")
    func last() async throws {
        let test = try await TestDesk()
        let visitor = try await Visitor(test, try await test.hire("Ada"))
        let ticket = try await test.open()
        let answer = try await visitor.get("/desk/next?list=open&not=\(ticket.number)")
        #expect(answer.location == "/desk?list=open&said=last")
        #expect(try await visitor.get(answer.location).page.contains("last ticket in this list"))
    }

    @Test("many at once: what is missing is said beside the bar, with the ticks as they were")
    func bulk() async throws {
        let test = try await TestDesk()
        let visitor = try await Visitor(test, try await test.hire("Ada"))
        let (first, second) = (try await test.open("First"), try await test.open("Second"))
        let cases: [([(String, String)], String)] = [
            ([], "Choose an action."), ([("action", "assign")], "Choose who to assign the tickets to."),
            ([("action", "nonsense")], "Choose an action."),
        ]
        for (fields, words) in cases {
            let answer = try await visitor.post(
                "/desk/bulk?list=open&sort=newest", fields + [("number", String(second.number))])
            #expect(answer.status == .unprocessableContent && answer.page.contains(words))
            #expect(answer.page.contains("value=\"\(second.number)\" aria-label=\"#\(second.number)\" checked>"))
            #expect(answer.page.contains("value=\"\(first.number)\" aria-label=\"#\(first.number)\">"))
        }
        let none = try await visitor.post("/desk/bulk?list=open", [("action", "claim")])
        #expect(none.status == .unprocessableContent && none.page.contains("Select at least one ticket."))
        let done = try await visitor.post(
            "/desk/bulk?query=scanner&cursor=9-9-9", [("action", "claim"), ("number", String(first.number))])
        #expect(done.location == "/desk/search?query=scanner&cursor=9-9-9&done=1&act=claim")
        #expect(try await visitor.get("/desk?list=open&done=1&act=claim").page.contains("1 ticket assigned."))
    }

    @Test("closing many and setting many aside is asked about first", arguments: ["close", "spam"])
    func bulkAsks(action: String) async throws {
        let test = try await TestDesk()
        let visitor = try await Visitor(test, try await test.hire("Ada"))
        let tickets = [try await test.open("First"), try await test.open("Second")]
        let fields = [("action", action)] + tickets.map { ("number", String($0.number)) }
        let asked = try await visitor.post("/desk/bulk?list=open", fields)
        #expect(asked.status == .ok && asked.page.contains("2 tickets") && asked.page.contains("name=\"confirmed\""))
        if action == "close" { #expect(asked.page.contains("asked to rate")) }
        for ticket in tickets { #expect(try await test.ticket(ticket.number).state == .new) }
        let done = try await visitor.post("/desk/bulk?list=open", fields + [("confirmed", "1")])
        #expect(done.location == "/desk?list=open&done=2&act=\(action)")
        let outcome = try await visitor.get("/desk?list=open&done=2&act=\(action)").page
        #expect(outcome.contains(action == "close" ? "2 tickets closed." : "2 tickets marked as spam."))
        #expect(asked.page.contains("First, Kim Ito") && asked.page.contains("Second, Kim Ito"))
        for ticket in tickets {
            #expect(try await test.ticket(ticket.number).state == (action == "close" ? .closed : .spam))
        }
    }

    @Test(
        "no two things on a ticket's page answer to the same key",
        arguments: [TicketAction.claim, .wait, .resolve, .close, .spam])
    func keys(state: TicketAction) async throws {
        let test = try await TestDesk()
        let visitor = try await Visitor(test, try await test.hire("Ada"), cookies: "; __Host-usher_undo=1")
        let ticket = try await test.open()
        _ = try await visitor.post(
            "/desk/tickets/\(ticket.number)/do/\(state.rawValue)", state == .resolve ? [("body", "Cleaned.")] : [])
        let page = try await visitor.get("/desk/tickets/\(ticket.number)?list=open").page
        let keys = page.components(separatedBy: "data-key=\"").dropFirst().flatMap {
            $0.prefix { $0 != "\"" }.split(separator: " ")
        }.map(String.init)
        #expect(Set(keys).count == keys.count, "\(keys)")
        // The list of keys names each of them.
        let list = page.components(separatedBy: "id=\"keys\"").last ?? ""
        for key in keys {
            #expect(list.contains("<kbd>\(key.uppercased())") || list.contains(" \(key.uppercased())</kbd>"), "\(key)")
        }
    }

    @Test(
        "a form of an action that is refused stands on the ticket's page, with the conversation and what was typed",
        arguments: [
            ("escalate", [("reason", "  ")], "Enter a value."),
            ("merge", [("into", "999")], "There is no ticket #999."),
            ("merge", [("into", "abc")], "Enter a ticket number, such as 100123."),
            ("link", [("to", "abc"), ("kind", "blocks")], "Enter a ticket number, such as 100123."),
            ("link", [("to", "999"), ("kind", "blocks")], "There is no ticket #999."),
            ("split", [("subject", "The other matter")], "Choose at least one message."),
            ("add_collaborator", [("email", "kim at harbour")], "Enter a valid email address."),
            ("assign", [("agent", ""), ("team", ""), ("reason", "Half a sentence")], "Choose an agent or a team."),
        ])
    func refused(action: String, fields: [(String, String)], words: String) async throws {
        let test = try await TestDesk()
        let visitor = try await Visitor(test, try await test.hire("Ada"))
        let ticket = try await test.open(body: "CONVERSATION")
        let answer = try await visitor.post("/desk/tickets/\(ticket.number)/do/\(action)?list=open", fields)
        #expect(answer.status == .unprocessableContent)
        #expect(
            answer.page.contains(words) && answer.page.contains("CONVERSATION")
                && answer.page.contains("<dialog id=\"action\" aria-labelledby=\"action-title\" open>"))
        #expect(answer.page.contains("data-pane=\"/desk?list=open\""))
        for (_, value) in fields where !value.trimmingWhitespace().isEmpty {
            #expect(answer.page.contains(value), "\(value)")
        }
    }

    @Test("a merge is looked at first: the other ticket, whose it is, and nobody is brought in unasked")
    func merge() async throws {
        let test = try await TestDesk()
        let visitor = try await Visitor(test, try await test.hire("Ada"))
        let kims = try await test.open("Kim's printer")
        let lees = try await test.open("Lee's salary", from: "lee@corner.example", name: "Lee Okafor")
        let path = "/desk/tickets/\(kims.number)/do/merge?list=open"
        let asked = try await visitor.post(path, [("into", "#\(lees.number)")])
        #expect(asked.status == .ok)
        for words in ["Lee&#39;s salary", "Lee Okafor", "from different people", "name=\"add_cc\""] {
            #expect(
                asked.page.contains(words) || asked.page.contains(words.replacingOccurrences(of: "&#39;", with: "'")),
                "\(words)")
        }
        #expect(try await test.ticket(kims.number).state == .new)
        let done = try await visitor.post(path, [("into", String(lees.number)), ("confirmed", "1")])
        #expect(done.location.hasPrefix("/desk/tickets/\(lees.number)?list=open&said=merge"))
        #expect(try await test.read { try $0.collaborators(of: lees.id) }.isEmpty)
        // Kim's own link still shows Kim's own words, and nothing of Lee's.
        let linked = try await test.read { db in
            try db.conversation(db.linked(LinkToken(ticket: kims.id, customer: kims.customer)), limit: 50)
        }
        #expect(linked.count == 1)
        // Ticked, they get the answers.
        let again = try await test.open("Kim again")
        _ = try await visitor.post(
            "/desk/tickets/\(again.number)/do/merge",
            [("into", String(lees.number)), ("confirmed", "1"), ("add_cc", "1")])
        #expect(try await test.read { try $0.collaborators(of: lees.id) }.map(\.address) == [TestDesk.kim])
        // One's own ticket needs no warning.
        let (one, two) = (try await test.open("One"), try await test.open("Two"))
        #expect(
            !(try await visitor.post("/desk/tickets/\(one.number)/do/merge", [("into", String(two.number))]).page
                .contains("from different people")))
    }

    @Test("whoever moves a ticket out of sight is told so, in the list they came from")
    func outOfSight() async throws {
        let test = try await TestDesk()
        _ = try await test.write { try $0.add(["name": "Billing"], to: .departments) }
        let ada = try await test.hire("Ada", departments: ["Support"])
        let visitor = try await Visitor(test, ada)
        let ticket = try await test.open()
        let answer = try await visitor.post(
            "/desk/tickets/\(ticket.number)/do/transfer?list=unassigned", [("department", "Billing")])
        #expect(answer.location == "/desk?list=unassigned&said=moved&ticket=\(ticket.number)")
        #expect(try await visitor.get(answer.location).page.contains("#\(ticket.number) was transferred"))
    }

    @Test("assigning offers only those who see the ticket")
    func assignable() async throws {
        let test = try await TestDesk()
        _ = try await test.write { try $0.add(["name": "Billing"], to: .departments) }
        let ada = try await test.hire("Ada", departments: ["Support"])
        _ = try await test.hire("Ben", departments: ["Billing"])
        _ = try await test.hire("Eve", departments: ["Billing"])
        _ = try await test.hire("Mara", .administrator)
        _ = try await test.write { try $0.add(["name": "Second level", "members": ["eve@desk.example"]], to: .teams) }
        let ticket = try await test.open { $0.department = .name("Support") }
        let visitor = try await Visitor(test, ada)
        var page = try await visitor.get("/desk/tickets/\(ticket.number)/do/assign").page
        #expect(
            page.contains("value=\"ada@desk.example\"") && page.contains("value=\"mara@desk.example\"")
                && !page.contains("value=\"ben@desk.example\"") && !page.contains("value=\"eve@desk.example\""))
        try await test.act(on: ticket) { tx, ticket in
            try tx.assign(
                &ticket, to: try tx.db.named(NamedTable.team, .name("Second level"), field: "team"), by: Actor(ada))
        }
        page = try await visitor.get("/desk/tickets/\(ticket.number)/do/assign").page
        #expect(page.contains("value=\"eve@desk.example\"") && !page.contains("value=\"ben@desk.example\""))
    }

    @Test("a fault inside the workspace keeps its frame for agents, and nowhere else")
    func faults() async throws {
        let test = try await TestDesk()
        let visitor = try await Visitor(test, try await test.hire("Ada"))
        for path in ["/desk/tickets/999", "/admin", "/desk/nonsense"] {
            let answer = try await visitor.get(path)
            #expect(
                answer.status == .notFound && answer.page.contains("class=\"nav\"") && isBalanced(answer.page),
                "\(path)")
        }
        #expect(!(try await visitor.get("/kb/nonsense").page.contains("class=\"nav\"")))
    }
}

@Suite("Words to the customer")
struct WordsTests {
    @Test(
        "a ticket resolved without a word sends a letter that opens by itself, in each language and with an own text",
        arguments: ["en", "de", "own"], ["", "  \n "])
    func wordless(language: String, words: String) async throws {
        let test = try await TestDesk()
        let ada = try await test.hire("Ada")
        if language == "own" {
            try await test.write {
                try $0.replaceMailTexts([
                    "resolved": [
                        "subject": "Re: {{ticket.subject}}",
                        "body": "{{message}}\n\n{{signature}}\n\nDone? {{confirm.url}}",
                    ]
                ])
            }
            try await test.desk.reloadSettings()
        }
        let ticket = try await test.open()
        if language == "de" { try await test.write { try $0.db.execute("UPDATE customer SET language = 'de'") } }
        let visitor = try await Visitor(test, ada)
        let answer = try await visitor.post("/desk/tickets/\(ticket.number)/do/resolve", [("body", words)])
        #expect(answer.status == .seeOther)
        try await test.settle()
        let mail = try #require(test.mail.to(TestDesk.kim).last)
        #expect(mail.text.hasPrefix(language == "de" ? "Hallo Kim Ito," : "Hi Kim Ito,"), "\(mail.text)")
        #expect(
            mail.text.contains("Scanner sends empty pages") && mail.text.contains("answer=yes")
                && !mail.text.contains("\n\n\n"))
        #expect(try await test.entries(ticket).filter { $0.kind == .reply }.isEmpty)
    }

    @Test("a solution from the dialog waits for second thoughts, and comes back as a draft with the ticket as it was")
    func resolveUndone() async throws {
        let test = try await TestDesk()
        try await test.holdsBack()
        let ada = try await test.hire("Ada")
        let visitor = try await Visitor(test, ada, cookies: "; __Host-usher_undo=1")
        let ticket = try await test.open()
        let sent = try await visitor.post(
            "/desk/tickets/\(ticket.number)/do/resolve?list=open", [("body", "I have cleaned the glass.")])
        #expect(sent.cookies.contains { $0.hasPrefix("__Host-usher_undo=1") })
        try await test.settle()
        #expect(!test.mail.to(TestDesk.kim).contains { $0.text.contains("cleaned the glass") })
        _ = try await visitor.undo()
        #expect(try await test.ticket(ticket.number).state == .new)
        #expect(
            try await test.read { try $0.drafts(by: ada.id, in: ticket.id) }[.reply]?.body
                == "I have cleaned the glass.")
        test.clock.advance(hours: 1)
        try await test.settle()
        #expect(!test.mail.to(TestDesk.kim).contains { $0.text.contains("cleaned the glass") })
    }

    @Test("an answer to a rating can be taken back", arguments: ["reply", "ticket"])
    func followUpUndone(kind: String) async throws {
        let test = try await TestDesk()
        try await test.holdsBack()
        let ada = try await test.hire("Ada")
        let ticket = try await test.open()
        try await test.act(on: ticket) { tx, ticket in
            try tx.resolve(&ticket, by: Actor(ada), solution: nil, source: .web)
            try tx.confirm(&ticket, by: .timer)
            _ = try tx.rate(try #require(try tx.db.latestSurvey(of: ticket.id)).id, .poor, comment: "Slow")
        }
        let survey = try #require(try await test.read { try $0.latestSurvey(of: ticket.id) })
        let visitor = try await Visitor(test, ada, cookies: "; __Host-usher_undo=1")
        let sent = try await visitor.post(
            "/desk/feedback/\(survey.id)/follow-up", [("kind", kind), ("body", "We are sorry")])
        #expect(sent.status == .seeOther && sent.cookies.contains { $0.hasPrefix("__Host-usher_undo=1") })
        #expect(try await visitor.get(sent.location).page.contains("data-takeback"))
        let back = try await visitor.undo()
        #expect(back.location.hasSuffix("said=back"))
        test.clock.advance(hours: 1)
        try await test.settle()
        #expect(!test.mail.to(TestDesk.kim).contains { $0.text.contains("We are sorry") })
        #expect(try await test.read { try $0.value("SELECT count(*) FROM follow_up", as: Int.self) } == 0)
    }

    @Test(
        "a canned reply names only what there is; the list stands on its form",
        arguments: ["{{customer.first_name}}", "{{ customer.nme }}", "{{survey.stars}}", "{{x|y}}"])
    func unknown(name: String) async throws {
        let test = try await TestDesk()
        let visitor = try await Visitor(test, try await test.hire("Ada"))
        let form = try await visitor.get("/desk/canned-replies/new").page
        for known in MailText.cannedPlaceholders { #expect(form.contains("{{\(known)}}")) }
        let answer = try await visitor.post(
            "/desk/canned-replies/new", [("name", "Hello"), ("body", "Hello \(name), on its way."), ("department", "")])
        #expect(
            answer.status == .unprocessableContent && answer.page.contains("The placeholder {{")
                && answer.page.contains("on its way."))
    }

    @Test(
        "an empty placeholder blocks the insertion by its name, unless it has words to take instead",
        arguments: [
            ("Hello {{customer.name}}!", 422, "customer.name"), ("Hello {{customer.name|there}}!", 200, "Hello there!"),
            ("#{{ticket.number}}", 200, "#"),
        ])
    func empty(body: String, status: Int, words: String) async throws {
        let test = try await TestDesk()
        let visitor = try await Visitor(test, try await test.hire("Ada"))
        let ticket = try await test.open(name: "")
        let id = try await test.write { try $0.add(["name": "Hello", "body": .string(body)], to: .cannedReplies).id }
        let answer = try await visitor.get("/desk/tickets/\(ticket.number)/canned/\(id)")
        #expect(answer.status.code == status && answer.page.contains(words), "\(answer.page)")
    }

    @Test("a reply with one of our placeholders in it is not sent; other braces are an agent's own words")
    func unfilled() async throws {
        let test = try await TestDesk()
        let visitor = try await Visitor(test, try await test.hire("Ada"))
        let ticket = try await test.open()
        let refused = try await visitor.post(
            "/desk/tickets/\(ticket.number)/entries", [("kind", "reply"), ("body", "Hello {{customer.name}}")])
        #expect(refused.status == .unprocessableContent && refused.page.contains("Hello {{customer.name}}"))
        #expect(
            try await visitor.post(
                "/desk/tickets/\(ticket.number)/entries",
                [("kind", "reply"), ("body", "Write {{ values.name }} in the template")]
            ).status == .seeOther)
    }
}
