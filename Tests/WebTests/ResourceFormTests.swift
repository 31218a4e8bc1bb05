import DeskTesting
import Domain
import Foundation
import Mail
import Primitives
import Testing

@testable import Desk
@testable import Store
@testable import Web

@Suite("Forms of administration")
struct ResourceFormTests {
    /// A desk with something for every reference to name.
    private static func furnished() async throws -> (TestDesk, Visitor) {
        let test = try await TestDesk()
        let mara = try await test.write {
            try $0.addAgent(
                email: "mara@desk.example", name: "Mara", role: .administrator, departments: [], passwordHash: nil)
        }
        _ = try await test.hire("Ada")
        _ = try await test.write { tx in
            _ = try tx.add(["name": "Front line"], to: .teams)
            _ = try tx.add(["name": "Second level"], to: .teams)
            _ = try tx.add(["name": "Billing"], to: .departments)
            _ = try tx.add(["name": "Harbour Logistics"], to: .organizations)
        }
        return (test, try await Visitor(test, mara))
    }

    /// What a person could put into each input of a page's form: every box ticked, every choice another than the first,
    /// every text something.
    private static func filled(_ page: String) -> [(name: String, value: String)] {
        let form =
            page.components(separatedBy: "<form class=\"card roomy\" method=\"post\"").dropFirst().first?.components(
                separatedBy: "</form>"
            ).first ?? ""
        var fields: [(String, String)] = []
        func attribute(_ name: String, _ tag: String) -> String? {
            tag.range(of: " \(name)=\"").map { String(tag[$0.upperBound...].prefix { $0 != "\"" }) }
        }
        for (index, part) in form.components(separatedBy: "<").enumerated() {
            let tag = String(part.prefix { $0 != ">" })
            guard let name = attribute("name", tag), name != "csrf" else { continue }
            if tag.hasPrefix("input") {
                switch attribute("type", tag) {
                case "checkbox": fields.append((name, attribute("value", tag) ?? "1"))
                case "number": fields.append((name, "7\(index % 10)"))
                case "email": fields.append((name, "person\(index)@example.org"))
                case "hidden": fields.append((name, attribute("value", tag) ?? ""))
                case "password": break
                default:
                    fields.append(
                        (
                            name,
                            name.hasPrefix("hours-")
                                ? "8-12, 13:\(10 + index % 50)-17" : "words \(index) of \(name) <&\"'>"
                        ))
                }
            } else if tag.hasPrefix("textarea") {
                fields.append((name, "a line \(index)\nand another <&\"'> of \(name)"))
            } else if tag.hasPrefix("select") {
                let options = form.components(separatedBy: "name=\"\(name)\"")[1].components(separatedBy: "</select>")[
                    0
                ].components(separatedBy: "<option value=\"").dropFirst().map { String($0.prefix { $0 != "\"" }) }
                fields.append(
                    (name, options.count > 1 ? options[1 + index % (options.count - 1)] : options.first ?? ""))
            }
        }
        return fields
    }

    /// What the inputs of a page's form hold: as a browser would send it.
    private static func held(_ page: String) -> [String: Set<String>] {
        let form =
            page.components(separatedBy: "<form class=\"card roomy\" method=\"post\"").dropFirst().first?.components(
                separatedBy: "</form>"
            ).first ?? ""
        var held: [String: Set<String>] = [:]
        func plain(_ text: some StringProtocol) -> String {
            String(text).replacingOccurrences(of: "&lt;", with: "<").replacingOccurrences(of: "&gt;", with: ">")
                .replacingOccurrences(of: "&quot;", with: "\"").replacingOccurrences(of: "&#34;", with: "\"")
                .replacingOccurrences(of: "&#39;", with: "'").replacingOccurrences(of: "&amp;", with: "&")
        }
        func attribute(_ name: String, _ tag: String) -> String? {
            tag.range(of: " \(name)=\"").map { plain(tag[$0.upperBound...].prefix { $0 != "\"" }) }
        }
        for part in form.components(separatedBy: "<") {
            let tag = String(part.prefix { $0 != ">" })
            guard let name = attribute("name", tag), name != "csrf" else { continue }
            if tag.hasPrefix("input") {
                if attribute("type", tag) == "checkbox", !tag.contains(" checked") { continue }
                held[name, default: []].insert(attribute("value", tag) ?? "")
            } else if tag.hasPrefix("textarea") {
                // The first line end belongs to the element.
                held[name, default: []].insert(plain(part.dropFirst(tag.count + 1).drop { $0 == "\n" }))
            } else if tag.hasPrefix("select") {
                let options = form.components(separatedBy: "name=\"\(name)\"")[1].components(separatedBy: "</select>")[
                    0
                ].components(separatedBy: "<option ").dropFirst()
                held[name] = Set(
                    options.filter { $0.contains(" selected") }.compactMap { attribute("value", " " + $0) })
            }
        }
        return held
    }

    @Test("a refused form gives back every value, of every kind", arguments: Resource.all.map(\.path))
    func everyValue(path: String) async throws {
        let (_, visitor) = try await Self.furnished()
        // Secrets alone are never sent back to a page.
        let resource = try #require(Resource.all.first { $0.path == path })
        let secrets = Set(resource.fields.filter { $0.kind.isWriteOnly }.map(\.name))
        let sent = Self.filled(try await visitor.get("/admin/\(path)/new").page).filter { !secrets.contains($0.name) }
        #expect(!sent.isEmpty)
        // Each is wrong in many places at once: texts stand where numbers, addresses, days and hours are wanted, and
        // the first is too long.
        let first = try #require(sent.first).name
        let wrong =
            sent.map {
                (
                    $0.name,
                    $0.name == first && !$0.name.contains("-")
                        ? $0.value + String(repeating: "x", count: 400) : $0.value
                )
            }
            + [("slug", "NOT A SLUG"), ("holidays", "31.02.2026")].filter { name, _ in
                sent.contains { $0.name == name }
            }
        var expected: [String: Set<String>] = [:]
        var given: [(String, String)] = []
        for (name, value) in wrong {
            if ["slug", "holidays"].contains(name) {
                given.removeAll { $0.0 == name }
                expected[name] = nil
            }
            given.append((name, value))
            expected[name, default: []].insert(value)
        }
        let answer = try await visitor.post("/admin/\(path)/new", given)
        #expect(answer.status == .unprocessableContent && isBalanced(answer.page), "\(answer.status)")
        let held = Self.held(answer.page)
        for (name, values) in expected {
            #expect(held[name] == values, "\(path) \(name): \(held[name] ?? []) for \(values)")
        }
        // And nothing was added to it.
        for (name, values) in held where expected[name] == nil {
            #expect(values == [""] || values.isEmpty || name.hasSuffix("-kind"), "\(path) \(name): \(values)")
        }
    }

    @Test(
        """
        a topic whose position is wrong keeps its department, team and service level, and is saved with them once \
        it is right
        """
    )
    func references() async throws {
        let (test, visitor) = try await Self.furnished()
        let ids = try await test.read { db in
            (
                try #require(try db.value("SELECT id FROM department WHERE name = 'Billing'", as: Int64.self)),
                try #require(try db.value("SELECT id FROM team WHERE name = 'Front line'", as: Int64.self))
            )
        }
        let fields = [
            ("name", "Invoice"), ("description", ""), ("department", String(ids.0)), ("team", String(ids.1)),
            ("priority", "high"), ("service_level", ""), ("escalates", "1"),
        ]
        let refused = try await visitor.post("/admin/topics/new", fields + [("position", "99999")])
        #expect(refused.status == .unprocessableContent)
        let held = Self.held(refused.page)
        #expect(
            held["department"] == [String(ids.0)] && held["team"] == [String(ids.1)] && held["priority"] == ["high"])
        #expect(try await visitor.post("/admin/topics/new", fields + [("position", "9")]).status == .seeOther)
        #expect(
            try await test.read {
                try $0.value("SELECT department_id FROM topic WHERE name = 'Invoice'", as: Int64.self)
            } == ids.0)
    }

    @Test("an unticked box stays unticked in a refused form")
    func boxes() async throws {
        let (_, visitor) = try await Self.furnished()
        let refused = try await visitor.post(
            "/admin/agents/new",
            [("email", "no address"), ("name", "Ben"), ("role", "supervisor"), ("time_zone", "Europe/Berlin")])
        let held = Self.held(refused.page)
        #expect(
            held["active"] == nil && held["departments"] == nil && held["role"] == ["supervisor"]
                && held["time_zone"] == ["Europe/Berlin"])
    }

    @Test("a question's fault stands beside it, and a question without Latin letters has a key too")
    func questions() async throws {
        let (test, visitor) = try await Self.furnished()
        let base = [
            ("name", "Rooms"), ("description", ""), ("priority", "normal"), ("position", "1"), ("department", ""),
            ("team", ""), ("service_level", ""),
        ]
        let refused = try await visitor.post(
            "/admin/topics/new",
            base + [
                ("fields-0-label", "Which room?"), ("fields-0-kind", "line"), ("fields-1-label", "How bad?"),
                ("fields-1-kind", "choice"), ("fields-1-options", ""), ("fields-2-label", ""),
                ("fields-2-kind", "choice"), ("fields-2-options", "a, b"),
            ])
        #expect(refused.status == .unprocessableContent)
        #expect(
            refused.page.contains("id=\"fields-1-options-fault\">Enter at least one choice.")
                && refused.page.contains("id=\"fields-2-label-fault\">Enter a question."))
        #expect(Self.held(refused.page)["fields-2-options"] == ["a, b"])
        let saved = try await visitor.post(
            "/admin/topics/new",
            base + [
                ("fields-0-label", "Какой этаж?"), ("fields-0-kind", "line"), ("fields-1-label", "Room"),
                ("fields-1-kind", "line"), ("fields-2-label", "room?"), ("fields-2-kind", "line"),
            ])
        #expect(saved.status == .seeOther)
        let kept = try await test.read {
            TopicField.list(try $0.value("SELECT fields FROM topic WHERE name = 'Rooms'", as: String.self) ?? "")
        }
        #expect(kept.map(\.label) == ["Какой этаж?", "Room", "room?"] && Set(kept.map(\.key)).count == 3)
    }

    @Test(
        "hours as people type them",
        arguments: [
            ("9-17", [["09:00", "17:00"]]), ("09:00–12:30, 13:15–17", [["09:00", "12:30"], ["13:15", "17:00"]]),
            ("9am to 5pm", [["09:00", "17:00"]]), ("8.30 - 12; 13-17.45", [["08:30", "12:00"], ["13:00", "17:45"]]),
            ("0-24", [["00:00", "24:00"]]), ("0900-1730", [["09:00", "17:30"]]),
            ("12 am - 12 pm", [["00:00", "12:00"]]), ("9 bis 17 Uhr", [["09:00", "17:00"]]), ("", []), ("  ", []),
        ])
    func hours(text: String, spans: [[String]]) throws { #expect(try HoursInput.spans(text) == spans) }

    @Test(
        "what is no span of hours is named",
        arguments: [
            "closed", "9", "9-", "9-25", "9-17-18", "17-9", "22:00-06:00", "9:60-10", "9-9", "-", "9am-13pm", "🙂-🙂",
        ])
    func noHours(text: String) { #expect(throws: HoursInput.Problem.self) { try HoursInput.spans(text) } }

    @Test("spans that overlap or touch are joined when they are saved, and the fault of a day stands beside the day")
    func schedule() async throws {
        let (test, visitor) = try await Self.furnished()
        let base = [("name", "Office"), ("time_zone", "Europe/Berlin")]
        let refused = try await visitor.post(
            "/admin/schedules/new",
            base + [
                ("hours-mon", "9-17"), ("hours-tue", "nine to five"), ("hours-sun", "17-9"),
                ("holidays", "25.12.2026\nsome day\n2026-02-31"),
            ])
        #expect(refused.status == .unprocessableContent)
        #expect(
            refused.page.contains("id=\"hours-tue-fault\"") && refused.page.contains("id=\"hours-sun-fault\"")
                && !refused.page.contains("id=\"hours-mon-fault\"")
                && refused.page.contains("“some day” isn&#39;t a date")
                || refused.page.contains("“some day” isn't a date"))
        #expect(Self.held(refused.page)["hours-tue"] == ["nine to five"])
        let saved = try await visitor.post(
            "/admin/schedules/new",
            base + [
                ("hours-mon", "12-17, 9-13, 17:00-18:00"), ("hours-tue", ""),
                ("holidays", "25.12.2026\n2027-01-01\n26 December 2026"),
            ])
        #expect(saved.status == .seeOther)
        let row = try #require(
            try await test.read { try $0.rows(of: .schedules, limit: 100) }.first {
                $0.fields.contains { $0.value == .string("Office") }
            })
        #expect(row.fields.first { $0.name == "hours" }?.value == ["mon": [["09:00", "18:00"]]])
        #expect(row.fields.first { $0.name == "holidays" }?.value == ["2026-12-25", "2026-12-26", "2027-01-01"])
        #expect(try await visitor.get("/admin/schedules/\(row.id)").page.contains("Friday, 25 December 2026"))
    }

    @Test(
        "a day as it is written in the reader's country",
        arguments: [
            ("2026-12-25", false, "2026-12-25"), ("25.12.2026", false, "2026-12-25"), ("1.2.2026", true, "2026-02-01"),
            ("12/25/2026", false, "2026-12-25"), ("2/1/2026", true, "2026-02-01"), ("2/1/2026", false, "2026-01-02"),
            ("25 December 2026", false, "2026-12-25"), ("Dec 25, 2026", true, "2026-12-25"),
            ("3. Oktober 2026", false, "2026-10-03"), ("31.02.2026", false, nil), ("2026-13-01", false, nil),
            ("Christmas", false, nil), ("25.12.", false, nil), ("25.12.26", false, nil),
            ("2026-1-2", false, "2026-01-02"),
        ] as [(String, Bool, String?)])
    func day(text: String, isMonthFirst: Bool, day: String?) {
        #expect(DayInput.day(text, isMonthFirst: isMonthFirst) == day)
    }

    @Test(
        "a holiday that is no day of the calendar is refused by the API too",
        arguments: ["25.12.2026", "2026-02-30", "2026-1-1xx", "          "])
    func holiday(text: String) async throws {
        let test = try await TestDesk()
        await #expect(throws: Refusal.self) {
            try await test.write {
                _ = try $0.add(
                    ["name": "x", "time_zone": "UTC", "hours": [:], "holidays": [.string(text)]], to: .schedules)
            }
        }
    }

    @Test("no minute counts twice, however the spans of a day were written")
    func overlap() throws {
        let schedule = try Schedule(
            timeZone: "UTC", hours: ["mon": [["09:00", "12:00"], ["11:00", "17:00"], ["12:00", "13:00"]]], holidays: [])
        let monday = Date(timeIntervalSince1970: 1_764_547_200)  // 2025-12-01, a Monday
        #expect(schedule.workingTime(from: monday, to: monday + 86400) == 8 * 3600)
    }

    @Test(
        "nothing goes by one press: each removal is asked about, and says what uses it",
        arguments: Resource.all.map(\.path))
    func removal(path: String) async throws {
        let (test, visitor) = try await Self.furnished()
        let resource = try #require(Resource.all.first { $0.path == path })
        let ids = try await test.read { db in try db.rows(of: resource, limit: 10).map(\.id) }
        guard let id = ids.last else { return }
        let before = try await test.read { try $0.row(id, of: resource).fields.map(\.value.written) }
        let page = try await visitor.get("/admin/\(path)/\(id)").page
        #expect(page.contains("data-dialog href=\"/admin/\(path)/\(id)/remove\""))
        for asked in [
            try await visitor.get("/admin/\(path)/\(id)/remove"), try await visitor.post("/admin/\(path)/\(id)/remove"),
        ] {
            #expect(asked.status == .ok && asked.page.contains("name=\"confirmed\"") && isBalanced(asked.page))
        }
        #expect(try await test.read { try $0.row(id, of: resource).fields.map(\.value.written) } == before)
    }

    @Test("a removal names the open tickets, topics and teams that use the row")
    func dependants() async throws {
        let (test, visitor) = try await Self.furnished()
        let billing = try await test.read {
            try #require(try $0.value("SELECT id FROM department WHERE name = 'Billing'", as: Int64.self))
        }
        _ = try await test.write { try $0.add(["name": "Invoices", "department": JSON(billing)], to: .topics) }
        _ = try await test.open { $0.department = .id(billing) }
        _ = try await test.open { $0.department = .id(billing) }
        let asked = try await visitor.get("/admin/departments/\(billing)/remove").page
        #expect(asked.contains("2 open tickets") && asked.contains("Topics: 1"))
        let ben = try await test.hire("Ben", departments: ["Billing"])
        _ = try await test.write {
            try $0.add(["name": "Bens", "lead": "ben@desk.example", "members": ["ben@desk.example"]], to: .teams)
        }
        #expect(try await visitor.get("/admin/agents/\(ben.id)/remove").page.contains("Teams: 1"))
    }

    @Test("who is deactivated is marked, and keeps departments and teams until they come back")
    func deactivated() async throws {
        let (test, visitor) = try await Self.furnished()
        let ben = try await test.hire("Ben", departments: ["Billing"])
        _ = try await visitor.post("/admin/agents/\(ben.id)/remove", [("confirmed", "1")])
        let list = try await visitor.get("/admin/agents").page
        #expect(list.components(separatedBy: ">Deactivated<").count == 2)
        let held = Self.held(try await visitor.get("/admin/agents/\(ben.id)").page)
        #expect(held["departments"]?.count == 1 && held["active"] == nil)
        #expect(try await visitor.get("/admin/agents/\(ben.id)").page.contains("/remove\"") == false)
        _ = test
    }

    @Test("articles everybody reads are written by supervisors; agents see the list and read them")
    func articles() async throws {
        let test = try await TestDesk()
        let id = try await test.write {
            try $0.add(
                ["slug": "scanner", "title": "Scanner", "body": "Clean the glass.", "published": true], to: .articles
            ).id
        }
        let ada = try await Visitor(test, try await test.hire("Ada"))
        let sam = try await Visitor(test, try await test.hire("Sam", .supervisor))
        let list = try await ada.get("/desk/kb")
        #expect(list.status == .ok && list.page.contains("href=\"/kb/scanner\"") && !list.page.contains("/desk/kb/new"))
        for path in ["/desk/kb/new", "/desk/kb/\(id)", "/desk/kb/\(id)/remove"] {
            #expect(try await ada.get(path).status == .forbidden)
            #expect(try await ada.post(path, [("confirmed", "1"), ("title", "Mine")]).status == .forbidden)
        }
        #expect(try await sam.post("/desk/kb/\(id)/remove", [("confirmed", "1")]).status == .seeOther)
        #expect(try await test.read { try $0.rows(of: .articles, limit: 10) }.isEmpty)
    }

    @Test("a choice of a topic is a choice for agents, a paragraph a box, and a refused form keeps all of it")
    func details() async throws {
        let (test, visitor) = try await Self.furnished()
        let topic = try await test.write { tx in
            try tx.add(
                [
                    "name": "Rooms",
                    "fields": [
                        ["key": "bad", "label": "How bad?", "kind": "choice", "options": ["a little", "very"]],
                        ["key": "story", "label": "Story", "kind": "text"],
                        ["key": "count", "label": "How many?", "kind": "number"],
                    ],
                ], to: .topics
            ).id
        }
        let ticket = try await test.open {
            $0.topic = .id(topic)
            $0.fields = ["bad": .string("gone since")]
        }
        let page = try await visitor.get("/desk/tickets/\(ticket.number)/change").page
        #expect(
            page.contains("<select id=\"field-bad\"") && page.contains("<textarea dir=\"auto\" id=\"field-story\"")
                && page.contains("<option value=\"gone since\" selected>"))
        let fields = [
            ("subject", "New subject"), ("priority", "high"), ("topic", "Rooms"), ("tags", "a, b"),
            ("field-bad", "very"), ("field-story", "Once upon\na time"), ("field-count", "many"),
        ]
        let refused = try await visitor.post("/desk/tickets/\(ticket.number)/change?list=open", fields)
        #expect(refused.status == .unprocessableContent && refused.page.contains("data-pane=\"/desk?list=open\""))
        for words in [
            "value=\"New subject\"", "value=\"a, b\"", "value=\"many\"", "Once upon\na time",
            "<option value=\"very\" selected>", "<option value=\"high\" selected>",
        ] { #expect(refused.page.contains(words), "\(words)") }
    }
}
