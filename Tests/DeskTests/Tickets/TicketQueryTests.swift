import DeskTesting
import Domain
import Foundation
import Mail
import Markup
import Primitives
import Testing

@testable import Desk
@testable import Store

@Suite("The search language")
struct TicketQueryTests {
    private let now = Date(timeIntervalSince1970: 1_795_510_800)
    private func read(_ text: String) throws -> TicketQuery { try TicketQuery(text, now: now) }

    @Test("words, phrases, fields, turning round and alternatives")
    func reads() throws {
        #expect(try read("") == .everything)
        #expect(try read("Printer") == .text(.prefix("printer")))
        #expect(try read("\"Printer\"") == .text(.phrase(["printer"])))
        #expect(try read("to 2026") == .all([.text(.phrase(["to"])), .text(.phrase(["2026"]))]))
        #expect(try read("print*") == .text(.prefix("print")))
        #expect(try read("\"paper jam\"") == .text(.phrase(["paper", "jam"])))
        #expect(try read("printer -tag:vip") == .all([.text(.prefix("printer")), .not(.tag("vip"))]))
        #expect(try read("state:new,open") == .state([.new, .open]))
        #expect(
            try read("state:closed OR priority:>=high")
                == .any([.state([.closed]), .priority(least: .high, most: .urgent)]))
        #expect(
            try read("(a OR b) c")
                == .all([.any([.text(.phrase(["a"])), .text(.phrase(["b"]))]), .text(.phrase(["c"]))]))
        #expect(try read("department:\"Second level\"") == .department(["Second level"]))
        #expect(try read("assignee:none team:mine") == .all([.assignee(.nobody), .team(.mine)]))
        #expect(try read("#100001") == .number(100_001))
        #expect(try read("from:Kim@Harbour.example") == .from("kim@harbour.example"))
    }

    @Test("text with a colon that is no field stays text", arguments: ["Re: hello", "http://a.example/x", "10:30"])
    func colons(text: String) throws { _ = try read(text) }

    @Test(
        "what cannot be read is refused with what would be right",
        arguments: [
            "colour:red", "state:angry", "priority:huge", "created:soon", "number:abc", "source:pigeon", "is:funny",
            "state:,",
        ])
    func refuses(text: String) { #expect(throws: Refusal.self) { try TicketQuery(text, now: now) } }

    @Test("days, spans and how long ago")
    func spans() throws {
        let day = CivilDay.start(2026, 11, 24)
        #expect(try read("created:2026-11-24") == .moment(.created, from: day, to: day + 86400))
        #expect(
            try read("created:2026-11")
                == .moment(.created, from: CivilDay.start(2026, 11, 1), to: CivilDay.start(2026, 12, 1)))
        #expect(
            try read("closed:2026-11-01..2026-11-24")
                == .moment(.closed, from: CivilDay.start(2026, 11, 1), to: day + 86400))
        #expect(try read("created:today") == .moment(.created, from: day, to: nil))
        #expect(try read("updated:2h") == .moment(.updated, from: now - 7200, to: nil))
        #expect(try read("created:<2026-11-24") == .moment(.created, from: nil, to: day))
    }

    @Test("NOT, AND, signs alone and half brackets mean what people mean by them")
    func operators() throws {
        #expect(try read("NOT printer") == .not(.text(.prefix("printer"))))
        #expect(try read("printer AND broken") == .all([.text(.prefix("printer")), .text(.prefix("broken"))]))
        #expect(try read("(printer") == .text(.prefix("printer")))
        #expect(try read("printer)") == .text(.prefix("printer")))
        for signs in ["***", "🚢", "…", "- -", "-", "()", "( *** )", "NOT", "*** OR …"] {
            #expect(try read(signs) == .not(.everything), "\(signs)")
        }
        #expect(try read("printer - ***") == .text(.prefix("printer")))
        #expect(try read("printer OR ***") == .text(.prefix("printer")))
        #expect(try read("C:\\Users") == .text(.beginning(["c", "users"])))
        #expect(try read("assignee:nobody") == .assignee(.nobody))
        #expect(try read("tag:none") == .tagged(false))
        #expect(try read("updated:<7d") == .moment(.updated, from: now - 7 * 86400, to: nil))
        #expect(try read("updated:>7d") == .moment(.updated, from: nil, to: now - 7 * 86400))
        #expect(try read("due:4h") == .due(from: now, to: now + 4 * 3600))
        #expect(try read("org:harbour") == .organization("harbour"))
    }

    @Test(
        "operators without end are read at once",
        arguments: [String(repeating: "-", count: 51) + "a", String(repeating: "NOT ", count: 51) + "a"])
    func manyOperators(text: String) throws { #expect(try read(text) == .not(.text(.phrase(["a"])))) }

    @Test("a fault is a sentence that says what to do")
    func faults() {
        #expect { try TicketQuery("foo:bar", now: now) } throws: { error in
            guard case Refusal.invalid(let faults)? = error as? Refusal else { return false }
            return faults.first?.problem.text.hasPrefix("There is no field “foo”. You can use state, assignee") == true
        }
    }

    @Test("deep nesting ends at a limit")
    func deep() {
        #expect(throws: Refusal.self) {
            try TicketQuery(String(repeating: "(", count: 400) + "a" + String(repeating: ")", count: 400), now: now)
        }
    }
}

@Suite("Searching and listing")
struct TicketListTests {
    private func numbers(_ test: TestDesk, _ query: String, by asker: Asker = .desk, order: TicketOrder = .newest)
        async throws -> [Int64]
    {
        let query = try TicketQuery(query, now: test.clock.now())
        return try await test.read {
            try $0.tickets(TicketList(query: query, asker: asker, order: order, limit: 200)).tickets.map(\.number)
        }
    }

    @Test("the same question finds the same on either engine")
    func finds() async throws {
        let test = try await TestDesk()
        let ada = try await test.hire("Ada")
        let printer = try await test.open(
            "Drucker brennt: Größe A4", body: "The printer in the kitchen smells of smoke."
        ) { $0.tags = ["VIP"] }
        let network = try await test.open(
            "漢字 network down", body: "No one three here.", from: "lee@corner.example", name: "Lee Ökafor"
        ) { $0.priority = .high }
        try await test.act(on: network) { try $0.claim(&$1, by: ada) }
        try await test.act(on: printer) { tx, ticket in
            _ = try tx.note(
                on: &ticket, Writing("hidden elephant", type: .text), by: Actor(ada), files: [], source: .web)
        }
        let (a, b) = (printer.number, network.number)
        let cases: [(String, [Int64])] = [
            ("printer", [a]), ("PRINTER smoke", [a]), ("smoke printer", [a]), ("\"printer in\"", [a]),
            ("\"in printer\"", []), ("grosse", [a]), ("größe", [a]), ("smok", [a]), ("\"smok\"", []), ("smok*", [a]),
            ("elephant", [a]),
            ("字", [b]), ("\"one three\"", [b]), ("-printer", [b]), ("printer OR network", [b, a]), ("state:new", [a]),
            ("state:active", [b, a]), ("-state:new", [b]), ("assignee:ada@desk.example", [b]), ("assignee:none", [a]),
            ("priority:>=high", [b]), ("priority:normal", [a]), ("from:lee@corner.example", [b]),
            ("from:@corner.example", [b]), ("from:okafor", [b]), ("from:100%", []), ("tag:vip", [a]),
            ("number:\(b)", [b]), ("#\(a)", [a]), ("\(a)", [a]),
            ("created:today", [b, a]), ("created:yesterday", []), ("source:email", [b, a]), ("is:escalated", []),
            ("department:support", [b, a]), ("(printer OR network) -tag:vip", [b]), ("-(printer OR network)", []),
            ("", [b, a]),
        ]
        for (query, expected) in cases { #expect(try await numbers(test, query) == expected, "\(query)") }
        #expect(try await numbers(test, "assignee:me", by: .agent(ada)) == [b])
    }

    @Test("letters, scripts and numbers are found however they are typed")
    func writing() async throws {
        let test = try await TestDesk()
        let turkish = try await test.open("Yazıcı KIRIK, İstanbul", body: "x")
        let thai = try await test.open("เครื่องพิมพ์เสีย", body: "x")
        let moeller = try await test.open("Rechnung Möller", body: "Rückruf +49 (0)30 123-4567 bitte")
        let path = try await test.open("Path", body: "It stands in C:\\Users\\kim\\report.txt, Søren said")
        let cases: [(String, [Int64])] = [
            ("yazıcı", [turkish.number]), ("yazici", [turkish.number]), ("kırık", [turkish.number]),
            ("istanbul", [turkish.number]), ("İSTANBUL", [turkish.number]),
            ("เสีย", [thai.number]), ("พิมพ์", [thai.number]), ("moeller", [moeller.number]), ("möller", [moeller.number]),
            ("moller", [moeller.number]), ("rueckruf", [moeller.number]),
            ("+49301234567", [moeller.number]), ("030 1234567", [moeller.number]),
            ("(030) 123 45 67", [moeller.number]), ("1234567", [moeller.number]), ("030/7654321", []),
            ("C:\\Users", [path.number]), ("soren", [path.number]), ("(path", [path.number]), ("***", []), ("🚢", []),
            ("subject:path", [path.number]), ("subject:kim", []), ("path NOT kim", []), ("has:tag", []),
            ("tag:none path", [path.number]),
        ]
        for (query, expected) in cases { #expect(try await numbers(test, query) == expected, "\(query)") }
    }

    @Test("somebody or something is named by any part of the name, and what nobody is called is refused")
    func parts() async throws {
        let test = try await TestDesk()
        let ada = try await test.write {
            try $0.addAgent(
                email: "al@desk.example", name: "Ada Lind", role: .agent, departments: [], passwordHash: nil)
        }
        let ticket = try await test.open()
        try await test.act(on: ticket) { try $0.claim(&$1, by: ada) }
        for query in [
            "assignee:ada", "assignee:lin", "assignee:\"ada lind\"", "assignee:al@desk.example", "department:supp",
            "is:assigned", "-is:unassigned", "due:<2d OR is:overdue OR has:due",
        ] {
            #expect(try await numbers(test, query) == [ticket.number], "\(query)")
        }
        for query in ["assignee:zoe", "team:zoe", "department:zoe", "org:zoe"] {
            await #expect(throws: Refusal.self, "\(query)") { _ = try await numbers(test, query) }
        }
    }

    @Test(
        """
        by due time the escalated come first, then what is overdue, then what is due soonest, and what waits comes \
        last
        """
    )
    func byDue() async throws {
        let test = try await TestDesk()
        let early = try await test.open("early")
        test.clock.advance(hours: 1)
        let (urgentLater, high, late, waiting) = (
            try await test.open("up"), try await test.open("high") { $0.priority = .high }, try await test.open("late"),
            try await test.open("waits")
        )
        try await test.act(on: urgentLater) { try $0.escalate(&$1, by: .routing, reason: "it burns") }
        try await test.act(on: waiting) { try $0.pause(&$1, as: .waiting, by: .routing) }
        #expect(
            try await numbers(test, "is:open", order: .due) == [
                urgentLater.number, high.number, early.number, late.number, waiting.number,
            ])
    }

    @Test("what was just written is found, and what was merged is found where it went")
    func immediate() async throws {
        let test = try await TestDesk()
        let (first, second) = (try await test.open(), try await test.open("Another"))
        let kim = Author(.customer, id: first.customer.number, name: "Kim", address: TestDesk.kim)
        try await test.act(on: first) { tx, ticket in
            _ = try tx.receive(Writing("giraffe", type: .text), in: ticket, by: kim, files: [], source: .email)
        }
        #expect(try await numbers(test, "giraffe") == [first.number])
        let target = second
        try await test.act(on: first) { tx, ticket in try tx.merge(&ticket, into: target, by: .routing) }
        #expect(try await numbers(test, "giraffe") == [second.number])
    }

    @Test("the index put in order finds what it found before, in fewer parts")
    func tended() async throws {
        let test = try await TestDesk()
        for number in 0..<40 { _ = try await test.open("Printer \(number)") }
        let query = try TicketQuery("printer white", now: test.clock.now())
        func found() async throws -> Int {
            try await test.read { try $0.count(TicketList(query: query, asker: .desk, order: .newest), atMost: 100) }
        }
        func parts() async throws -> Int {
            try await test.read { db in
                db.dialect == .sqlite ? try db.value("SELECT count(DISTINCT segid) FROM ticket_text_idx") ?? 0 : 1
            }
        }
        #expect(try await found() == 40)
        let before = try await parts()
        try await test.desk.tendIndex(quietly: false)
        #expect(try await found() == 40)
        #expect(try await parts() == 1)
        #expect(try await test.read { $0.dialect } == .postgres || before > 1)
    }

    @Test("what one transaction writes it can search, and a refusal in it takes back its own texts alone")
    func together() async throws {
        let test = try await TestDesk()
        let now = test.clock.now()
        func found(_ words: String) async throws -> Int {
            let query = try TicketQuery(words, now: now)
            return try await test.read {
                try $0.count(TicketList(query: query, asker: .desk, order: .newest), atMost: 100)
            }
        }
        // Many at the same moment share a commit; those that are refused had already written and searched.
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<60 {
                group.addTask {
                    do {
                        try await test.write { tx in
                            guard let requester = MailAddress(name: "Kim", "kim\(number)@harbour.example") else {
                                return
                            }
                            let word = number % 3 == 0 ? "refusedword" : "keptword"
                            _ = try tx.open(
                                NewTicket(
                                    requester: requester, subject: "\(word) number\(number)x",
                                    writing: Writing("Words", type: .text), source: .api), by: nil)
                            guard number % 2 == 0 || number % 3 == 0 else { return }
                            let own = try TicketQuery("number\(number)x", now: now)
                            #expect(
                                try tx.db.count(TicketList(query: own, asker: .desk, order: .newest), atMost: 10) == 1)
                            if number % 3 == 0 { throw Refusal.notFound }
                        }
                    } catch { #expect(number % 3 == 0, "\(number): \(error)") }
                }
            }
        }
        #expect(try await found("keptword") == 40)
        #expect(try await found("refusedword") == 0)
        #expect(try await test.read { try $0.value("SELECT count(*) FROM ticket", as: Int.self) } == 40)
    }

    @Test("a ticket as long as a library can still be written to, and what it began with is found")
    func endless() async throws {
        let test = try await TestDesk()
        var ticket = try await test.open("Beginning")
        func book(_ number: Int, _ letter: String) -> String {
            (0..<8000).map { "\(letter)\(number)x\($0)" + String(repeating: letter, count: 50) }.joined(separator: " ")
        }
        for number in 0..<4 {
            let writing = Writing(book(number, number % 2 == 0 ? "q" : "ж"), type: .text)
            ticket = try await test.act(on: ticket) { tx, ticket in
                _ = try tx.note(on: &ticket, writing, by: .mail, files: [], source: .email)
            }
        }
        let id = ticket.id
        try await test.write { try $0.db.indexTexts(of: [id]) }
        let query = try TicketQuery("beginning", now: test.clock.now())
        #expect(
            try await test.read { try $0.count(TicketList(query: query, asker: .desk, order: .newest), atMost: 2) } == 1
        )
    }

    @Test("paging visits each ticket once, in every order, and the count is the same")
    func paging() async throws {
        let test = try await TestDesk()
        for index in 0..<23 {
            _ = try await test.open("Ticket \(index)", from: "c\(index % 4)@x.example") {
                $0.priority = Priority(rawValue: index % 3)
            }
        }
        for order in TicketOrder.allCases {
            for text in ["", "priority:>=normal", "ticket", "-from:c1@x.example"] {
                let query = try TicketQuery(text, now: test.clock.now())
                var list = TicketList(query: query, order: order, limit: 5)
                var seen: [Int64] = []
                repeat {
                    let page = try await test.read { [list] in try $0.tickets(list) }
                    seen += page.tickets.map(\.number)
                    list.after = page.next
                } while list.after != nil
                let count = try await test.read { [list] in try $0.count(list) }
                #expect(seen.count == count && Set(seen).count == count, "\(order) \(text)")
            }
        }
    }

    @Test("an agent sees the own departments' tickets and those one takes part in, and no others")
    func access() async throws {
        let test = try await TestDesk()
        _ = try await test.write { try $0.add(["name": "Payroll"], to: Resource.departments) }
        let ada = try await test.hire("Ada", departments: ["Support"])
        let ina = try await test.hire("Ina", departments: ["Payroll"])
        let root = try await test.hire("Root", .administrator, departments: ["Support"])
        let mine = try await test.open()
        let theirs = try await test.open { $0.department = .name("Payroll") }
        #expect(try await numbers(test, "", by: .agent(ada)) == [mine.number])
        #expect(try await numbers(test, "", by: .agent(ina)) == [theirs.number])
        #expect(try await numbers(test, "", by: .agent(root)) == [theirs.number, mine.number])
        await #expect(throws: Refusal.notFound) {
            _ = try await test.read { try $0.ticket(number: theirs.number, for: .agent(ada)) }
        }
        try await test.act(on: theirs) { tx, ticket in try tx.addAgent(ada, to: ticket, by: .routing) }
        #expect(try await numbers(test, "", by: .agent(ada)) == [theirs.number, mine.number])
    }

    @Test("a row written straight to JSON is the ticket's own JSON")
    func sameJSON() async throws {
        let test = try await TestDesk()
        let ada = try await test.hire("Ada")
        var tickets = [try await test.open("A \"quoted\" <b> subject & more") { $0.tags = ["x", "y"] }]
        tickets.append(try await test.open { $0.priority = .urgent })
        try await test.act(on: tickets[0]) { tx, ticket in
            try tx.claim(&ticket, by: ada)
            try tx.resolve(&ticket, by: Actor(ada), solution: nil, source: .web)
            try tx.close(&ticket, by: Actor(ada), reason: "x")
        }
        let office = test.desk.office
        let (listed, single) = try await test.read { db in
            var json = JSONText()
            try json.array { json in _ = try db.write(TicketList(), to: &json, office: office) }
            var alone = JSONText()
            let page = try db.tickets(TicketList())
            alone.array(page.tickets) { $0.write($1, office: office) }
            return (json.text, alone.text)
        }
        #expect(try JSON(parsing: Data(listed.utf8)) == JSON(parsing: Data(single.utf8)))
    }
}
