import DeskTesting
import Domain
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import Primitives
import Testing

@testable import Desk
@testable import Store
@testable import Web

@Suite("Pages of views")
struct ViewPagesTests {
    private struct Stage {
        let test: TestDesk
        let ada, ben: Agent
        let visitor: Visitor

        init() async throws {
            test = try await TestDesk()
            ada = try await test.hire("Ada")
            ben = try await test.hire("Ben")
            visitor = try await Visitor(test, ada)
        }
        func save(_ fields: [String: JSON], by agent: Agent? = nil) async throws -> Int64 {
            let owner = agent ?? ada
            var all: [String: JSON] = ["name": "Printers", "query": "printer"]
            all.merge(fields) { $1 }
            return try await test.write { [all] in try $0.add(all, to: .views, by: .agent(owner)).id }
        }
    }

    @Test("a view stands in the navigation, and its page has its columns in their order")
    func page() async throws {
        let stage = try await Stage()
        _ = try await stage.test.open("Printer jams") { $0.tags = ["vip"] }
        _ = try await stage.test.open("Scanner")
        let id = try await stage.save(["columns": ["tags", "due", "subject", "department"], "sort": "created"])
        let answer = try await stage.visitor.get("/desk/views/\(id)")
        #expect(answer.status == .ok && isBalanced(answer.page))
        #expect(answer.page.contains("href=\"/desk/views/\(id)\" title=\"Printers\" aria-current=\"page\""))
        #expect(answer.page.contains("data-count=\"view-\(id)\""))
        let heads = answer.page.components(separatedBy: "scope=\"col\"").dropFirst().map {
            String($0.prefix { $0 != "<" }.drop { $0 != ">" }.dropFirst())
        }
        #expect(heads == ["Tags", "Due", "Subject", "Department"])
        #expect(answer.page.contains("<mark>Printer</mark> jams") && !answer.page.contains("Scanner</span>"))
        #expect(answer.page.contains(">vip</span>") && answer.page.contains("1 ticket<"))
        // Its tickets carry it along.
        #expect(answer.page.contains("?view=\(id)\""))
        #expect(answer.page.contains("action=\"/desk/bulk?view=\(id)\""))
        // Another order is one's own choice, and is carried along, too.
        let other = try await stage.visitor.get("/desk/views/\(id)?sort=newest").page
        #expect(other.contains("?view=\(id)&amp;sort=newest\""))
        let counts = try await stage.visitor.get("/desk/counts").page
        #expect(counts.contains("\"view-\(id)\":\"1\""))
    }

    @Test("what somebody may not see is not there")
    func hidden() async throws {
        let stage = try await Stage()
        let id = try await stage.save([:], by: stage.ben)
        for path in ["\(id)", "\(id).csv", "\(id)?format=csv", "\(id)/edit", "\(id)/remove", "999", "x", "7x.csv"] {
            #expect(try await stage.visitor.get("/desk/views/\(path)").status == .notFound, "\(path)")
        }
        #expect(try await stage.visitor.post("/desk/views/\(id)/remove", [("confirmed", "1")]).status == .notFound)
        #expect(
            try await stage.visitor.post("/desk/views/\(id)/edit", [("name", "A"), ("query", "")]).status == .notFound)
        // A ticket's page does not tell of it either.
        let ticket = try await stage.test.open()
        let page = try await stage.visitor.get("/desk/tickets/\(ticket.number)?view=\(id)").page
        #expect(!page.contains("Printers") && !page.contains("data-pane"))
        #expect(try await stage.visitor.get("/desk/next?view=\(id)").status == .notFound)
        #expect(try await stage.test.read { try $0.views(for: stage.ben).count } == 1)
    }

    @Test("a view that others set is looked at, not changed")
    func looking() async throws {
        let stage = try await Stage()
        let mara = try await stage.test.hire("Mara", .administrator)
        let id = try await stage.save(["for": "everyone"], by: mara)
        let page = try await stage.visitor.get("/desk/views/\(id)").page
        #expect(!page.contains("/desk/views/\(id)/edit") && page.contains("format=csv"))
        #expect(try await stage.visitor.get("/desk/views/\(id)/edit").status == .forbidden)
        #expect(try await stage.visitor.post("/desk/views/\(id)/remove", [("confirmed", "1")]).status == .forbidden)
        let marasPage = try await Visitor(stage.test, mara).get("/desk/views/\(id)").page
        #expect(marasPage.contains("/desk/views/\(id)/edit"))
    }

    @Test("a search is saved, changed and removed, which is asked about")
    func life() async throws {
        let stage = try await Stage()
        let search = try await stage.visitor.get("/desk/search?query=tag:vip&sort=oldest").page
        #expect(search.contains("href=\"/desk/views/new?query=tag%3Avip&amp;sort=oldest\""))
        let form = try await stage.visitor.get("/desk/views/new?query=tag%3Avip&sort=oldest").page
        #expect(form.contains("value=\"tag:vip\"") && form.contains("value=\"created\" selected"))
        let fields = [
            ("name", "VIP"), ("for", "me"), ("query", "tag:vip"), ("sort", "created"), ("group_by", "status"),
            ("columns-0", "subject"), ("columns-1", ""), ("columns-2", "tags"),
        ]
        let saved = try await stage.visitor.post("/desk/views/new", fields)
        #expect(saved.status == .seeOther && saved.location.hasPrefix("/desk/views/"))
        #expect(try await stage.visitor.get(saved.location).page.contains("View saved."))
        let view = try #require(try await stage.test.read { try $0.views(for: stage.ada).first })
        #expect(view.columns == [.subject, .tags] && view.order == .oldest && view.groupBy == .status)
        let path = "/desk/views/\(view.id)"
        let edit = try await stage.visitor.get("\(path)/edit").page
        #expect(edit.contains("value=\"VIP\"") && edit.contains("value=\"tags\" selected"))
        let changed = try await stage.visitor.post(
            "\(path)/edit", fields.map { $0.0 == "name" ? ($0.0, "Guests") : $0 })
        #expect(changed.location == "\(path)?said=saved")
        let asked = try await stage.visitor.post("\(path)/remove")
        #expect(asked.page.contains("Remove the view “Guests”?") && asked.page.contains("name=\"confirmed\""))
        #expect(try await stage.test.read { try $0.views(for: stage.ada).count } == 1)
        let removed = try await stage.visitor.post("\(path)/remove", [("confirmed", "1")])
        #expect(removed.location == "/desk/views?said=removed")
        #expect(try await stage.visitor.get(removed.location).page.contains("View removed."))
        #expect(try await stage.visitor.get(path).status == .notFound)
    }

    @Test("a refused form keeps what was typed, with each fault beside its field")
    func refused() async throws {
        let stage = try await Stage()
        let typed = [
            ("name", ""), ("for", "everyone"), ("query", "state:nowhere <b>"), ("sort", "-priority"),
            ("group_by", "team"), ("columns-0", "tags"), ("columns-3", "rating"),
        ]
        let answer = try await stage.visitor.post("/desk/views/new", typed)
        #expect(answer.status == .unprocessableContent && isBalanced(answer.page))
        for held in [
            "value=\"state:nowhere &lt;b", "value=\"-priority\" selected", "value=\"team\" selected",
            "value=\"tags\" selected", "value=\"rating\" selected", "id=\"name-fault\"", "id=\"query-fault\"",
        ] { #expect(answer.page.contains(held), "\(held)") }
        let empty = try await stage.visitor.post("/desk/views/new", [("name", "A"), ("query", ""), ("sort", "due")])
        #expect(empty.status == .unprocessableContent && empty.page.contains("role=\"alert\""))
        #expect(try await stage.test.read { try $0.views(for: stage.ada).isEmpty })
    }

    @Test("work through a view goes on in it: the next ticket, many at once, a ticket moved out of sight")
    func place() async throws {
        let stage = try await Stage()
        _ = try await stage.test.write { try $0.add(["name": "Elsewhere"], to: .departments) }
        var numbers: [Int64] = []
        for index in 0..<3 { numbers.append(try await stage.test.open("Printer \(index)").number) }
        let id = try await stage.save(["sort": "created"])
        let first = try await stage.visitor.get("/desk/next?view=\(id)")
        #expect(first.location == "/desk/tickets/\(numbers[0])?view=\(id)")
        let sent = try await stage.visitor.post(
            "/desk/tickets/\(numbers[0])/entries?view=\(id)", [("kind", "reply"), ("body", "Words"), ("then", "next")])
        #expect(sent.location.hasPrefix("/desk/next?view=\(id)&after="), "\(sent.location)")
        let next = try await stage.visitor.get(sent.location)
        #expect(next.location == "/desk/tickets/\(numbers[1])?view=\(id)&said=next")
        let page = try await stage.visitor.get(next.location).page
        #expect(page.contains("data-pane=\"/desk/views/\(id)\"") && page.contains("Back to Printers"))
        let bulk = try await stage.visitor.post(
            "/desk/bulk?view=\(id)&sort=newest", [("number", String(numbers[2])), ("action", "claim")])
        #expect(bulk.location == "/desk/views/\(id)?sort=newest&done=1&act=claim")
        let moved = try await stage.visitor.post(
            "/desk/tickets/\(numbers[1])/do/transfer?view=\(id)", [("department", "Elsewhere")])
        #expect(moved.location.hasPrefix("/desk/"), "\(moved.location)")
        let last = try await stage.visitor.get("/desk/next?view=\(id)&not=\(numbers[2])&after=0-0-\(numbers[2])")
        #expect(last.location == "/desk/views/\(id)?said=last")
        #expect(try await stage.visitor.get(last.location).page.contains("This was the last ticket in this list."))
    }

    @Test("an address and a view's place are the same thing said twice")
    func roundTrip() throws {
        let values = ["view": "7", "sort": "oldest", "cursor": "12-4-9"]
        let position = try #require(ListPosition { values[$0] })
        #expect(position.view == SavedView.ID(7))
        #expect(ticketPath(3, at: position).text == "/desk/tickets/3?view=7&sort=oldest&cursor=12-4-9")
        #expect(position.path.text == "/desk/views/7?sort=oldest&cursor=12-4-9")
        for wrong in ["0", "-1", "x", "7x", ""] { #expect(ListPosition { ["view": wrong][$0] } == nil, "\(wrong)") }
    }

    @Test("tickets are grouped as the view says, each group under its name")
    func groups() async throws {
        let stage = try await Stage()
        for index in 0..<4 {
            _ = try await stage.test.open("Printer \(index)") { $0.priority = index % 2 == 0 ? .urgent : .low }
        }
        let id = try await stage.save(["group_by": "priority", "sort": "created"])
        let page = try await stage.visitor.get("/desk/views/\(id)").page
        let bodies = page.components(separatedBy: "<tbody>").dropFirst()
        #expect(bodies.count == 2 && isBalanced(page))
        #expect(bodies.first?.contains("Urgent</span>") ?? false)
        #expect(bodies.first?.contains("<mark>Printer</mark> 2") ?? false)
    }

    // MARK: files

    @Test(
        "a cell is never a formula, and never ends early",
        arguments: [
            ("plain", "plain"), ("=1+1", "'=1+1"), ("+49 30", "'+49 30"), ("-1", "'-1"), ("@sum", "'@sum"),
            ("a,b", "\"a,b\""), ("say \"hi\"", "\"say \"\"hi\"\"\""), ("=A1,\"x\"", "\"'=A1,\"\"x\"\"\""), ("", ""),
            ("a\r\nb", "\"a\r\nb\""), ("\t=1", "\"'\t=1\""), ("＝1", "'＝1"), ("a=b", "a=b"),
        ])
    func cell(text: String, written: String) { #expect(TicketFile.cell(text) == written) }

    @Test("a view and a search are files, with what the asker may see and nothing else")
    func file() async throws {
        let stage = try await Stage()
        let other = try await stage.test.write { try $0.add(["name": "Elsewhere"], to: .departments).id }
        for index in 0..<230 { _ = try await stage.test.open("Printer \(index)") }
        _ = try await stage.test.open("=HYPERLINK(\"http://x\",\"printer\")", from: "lee@corner.example", name: "@lee")
        _ = try await stage.test.open("Printer of others") { $0.department = .id(other) }
        let eve = try await stage.test.hire("Eve", departments: ["Elsewhere"])
        let id = try await stage.save(["columns": ["subject", "requester", "created"], "sort": "created"])
        for path in ["/desk/views/\(id).csv", "/desk/views/\(id)?format=csv"] {
            let lines = try await stage.visitor.get(path).page.components(separatedBy: "\r\n")
            #expect(lines.first == "Number,Subject,Requester,Created" && lines.last == "")
            #expect(lines.count == 233, "\(lines.count)")
            #expect(lines[1].contains(",Printer 0,") && lines[231].contains("\"'=HYPERLINK(\"\"http://x\"\""))
            #expect(lines[231].contains(",'@lee,"))
        }
        let visitor = try await Visitor(stage.test, eve)
        let found = try await visitor.get("/desk/search?query=printer&format=csv").page
        #expect(found.components(separatedBy: "\r\n").count == 3 && found.contains("Printer of others"))
        #expect(try await visitor.get("/desk/search?query=state:nowhere&format=csv").status == .unprocessableContent)
    }

    // MARK: the API

    @Test("the API saves, lists, counts and removes views in the name of an agent")
    func api() async throws {
        let stage = try await Stage()
        let key = try await stage.test.write { try $0.addAPIKey(name: "full", scope: .full) }
        _ = try await stage.test.open("Printer jams")
        let app = Application(router: Web(desk: stage.test.desk, measures: PrometheusMetrics()).router())
        try await app.test(.router) { client in
            func ask(_ method: HTTPRequest.Method, _ path: String, _ body: String? = nil) async throws -> (Int, JSON) {
                try await client.execute(
                    uri: "/api/v1/views\(path)", method: method,
                    headers: [.authorization: "Bearer \(key)", .contentType: "application/json"],
                    body: body.map { ByteBuffer(string: $0) }
                ) { response in
                    (response.status.code, JSON(String(buffer: response.body)) ?? .null)
                }
            }
            let by = "by=ada@desk.example"
            let (status, made) = try await ask(
                .post, "?\(by)",
                #"{"name":"P","query":"printer","columns":["subject","tags"],"sort":"-created","for":"me"}"#)
            #expect(status == 201 && made["for"] == "me" && made["columns"] == ["subject", "tags"])
            let id = try #require(made["id"]?.integer)
            #expect(try await ask(.get, "/\(id)?\(by)").1 == made)
            #expect(try await ask(.get, "/\(id)?by=ben@desk.example").0 == 404)
            #expect(try await ask(.get, "/\(id)").0 == 404)
            #expect(try await ask(.get, "/\(id)/count?\(by)").1 == ["count": 1])
            let (_, page) = try await ask(.get, "/\(id)/tickets?\(by)&limit=1")
            if case .array(let items)? = page["items"] {
                #expect(items.first?["subject"] == "Printer jams" && page["next"] == .null)
            } else {
                Issue.record("no tickets: \(page.written)")
            }
            #expect(try await ask(.get, "/\(id)/tickets?by=ben@desk.example").0 == 404)
            #expect(try await ask(.patch, "/\(id)?by=ben@desk.example", #"{"name":"Q"}"#).0 == 404)
            #expect(try await ask(.patch, "/\(id)?\(by)", #"{"for":"everyone"}"#).0 == 422)
            #expect(try await ask(.patch, "/\(id)?\(by)", #"{"sort":"color"}"#).0 == 422)
            #expect(try await ask(.post, "", #"{"name":"All","query":"is:open","for":"everyone"}"#).0 == 201)
            #expect(try await ask(.post, "", #"{"name":"Mine","query":"is:open"}"#).0 == 422)
            #expect(try await ask(.delete, "/\(id)?by=ben@desk.example").0 == 404)
            #expect(try await ask(.delete, "/\(id)?\(by)").0 == 204)
            #expect(try await ask(.get, "/\(id)?\(by)").0 == 404)
        }
    }
}
