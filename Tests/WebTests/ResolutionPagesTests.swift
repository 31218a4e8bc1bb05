import DeskTesting
import Domain
import Foundation
import Primitives
import Testing

@testable import Desk
@testable import Store
@testable import Web

@Suite("Pages of merging, splitting and linking")
struct ResolutionPagesTests {
    private func words(_ page: String) -> String { page.replacingOccurrences(of: "&#39;", with: "'") }

    @Test("the other ticket of a merge is found by words of its subject, and both stand side by side")
    func merge() async throws {
        let test = try await TestDesk()
        let visitor = try await Visitor(test, try await test.hire("Ada"))
        let ticket = try await test.open("Scanner", body: "The newest words of the first")
        let other = try await test.open("Printer in hall B", body: "The newest words of the second")
        _ = try await test.open("Printer of Lee", from: "lee@corner.example", name: "Lee Okafor")
        let path = "/desk/tickets/\(ticket.number)/do/merge"
        #expect(try await visitor.get(path).page.contains("into=\(other.number)"))
        let found = try await visitor.post(path, [("into", "hall PRINTER")])
        #expect(found.status == .ok && found.page.contains("value=\"hall PRINTER\""))
        #expect(found.page.contains("into=\(other.number)") && !found.page.contains("Printer of Lee"))
        let look = try await visitor.get("\(path)?into=\(other.number)").page
        for part in [
            "Scanner", "Printer in hall B", "newest words of the first", "newest words of the second", "1 message",
            "name=\"confirmed\"", "unmerge at any time",
        ] { #expect(look.contains(part), "\(part)") }
        #expect(!look.contains("from different people"))
        let none = try await visitor.post(path, [("into", "nothing like it")])
        #expect(none.status == .unprocessableContent && none.page.contains("Enter a ticket number, such as 100123."))
        #expect(none.page.contains("value=\"nothing like it\"") && none.page.contains("aria-invalid=\"true\""))
        #expect(try await test.ticket(ticket.number).state == .new)
    }

    @Test("a merged ticket says where its messages are, and both offer the way back")
    func unmerge() async throws {
        let test = try await TestDesk()
        let visitor = try await Visitor(test, try await test.hire("Ada"))
        let (ticket, other) = (try await test.open("Scanner"), try await test.open("Printer"))
        _ = try await visitor.post(
            "/desk/tickets/\(ticket.number)/do/merge", [("into", "#\(other.number)"), ("confirmed", "1")])
        let way = "/desk/tickets/\(ticket.number)/do/unmerge"
        let target = try await visitor.get("/desk/tickets/\(other.number)").page
        #expect(target.contains(way) && target.contains("merged <a href=\"/desk/tickets/\(ticket.number)\">"))
        let merged = try await visitor.get("/desk/tickets/\(ticket.number)").page
        #expect(merged.contains(way) && merged.contains("Open #\(other.number)"))
        #expect(try await visitor.get(way).page.contains("gets back the status it had before the merge"))
        let done = try await visitor.post(way)
        #expect(done.location == "/desk/tickets/\(ticket.number)?said=unmerge")
        #expect(try await test.ticket(ticket.number).state == .new)
        let again = try await visitor.post(way)
        #expect(again.status == .conflict && again.page.contains("This ticket is new"))
    }

    @Test("a message is split off from its menu; a refusal keeps what was typed and ticked")
    func split() async throws {
        let test = try await TestDesk()
        let visitor = try await Visitor(test, try await test.hire("Ada"))
        let ticket = try await test.open("Scanner", body: "FIRST")
        // One message alone is the ticket itself.
        #expect(!(try await visitor.get("/desk/tickets/\(ticket.number)").page.contains("do/split")))
        _ = try await visitor.post("/desk/tickets/\(ticket.number)/entries", [("kind", "note"), ("body", "SECOND")])
        let entries = try await test.entries(ticket).map(\.id.description)
        let page = try await visitor.get("/desk/tickets/\(ticket.number)?list=open").page
        let link = "/desk/tickets/\(ticket.number)/do/split?list=open&amp;entry=\(entries[1])"
        #expect(page.contains(link))
        let form = try await visitor.get(link.replacingOccurrences(of: "&amp;", with: "&")).page
        #expect(form.contains("value=\"\(entries[1])\" checked") && form.contains("FIRST"))
        let path = "/desk/tickets/\(ticket.number)/do/split?list=open"
        let refused = try await visitor.post(
            path, [("subject", "Another matter"), ("entries", entries[0]), ("entries", entries[1])])
        #expect(refused.status == .unprocessableContent)
        #expect(refused.page.contains("Leave at least one message in this ticket."))
        #expect(refused.page.contains("value=\"Another matter\"") && refused.page.contains("\(entries[0])\" checked"))
        let done = try await visitor.post(path, [("subject", "Another matter"), ("entries", entries[1])])
        let new = ticket.number + 1
        #expect(done.location.hasPrefix("/desk/tickets/\(new)?list=open&said=split"))
        let opened = try await visitor.get(done.location).page
        #expect(opened.contains("SECOND") && opened.contains("Another matter"))
        #expect(opened.contains("off from <a href=\"/desk/tickets/\(ticket.number)\">#\(ticket.number)</a>"))
        let former = try await visitor.get("/desk/tickets/\(ticket.number)").page
        #expect(former.contains("off into <a href=\"/desk/tickets/\(new)\">#\(new)</a>"))
    }

    @Test("linked tickets are shown with state and subject, to those who may see them alone")
    func links() async throws {
        let test = try await TestDesk()
        _ = try await test.write { try $0.add(["name": "Elsewhere"], to: .departments) }
        let ada = try await Visitor(test, try await test.hire("Ada", departments: ["Support", "Elsewhere"]))
        let ben = try await Visitor(test, try await test.hire("Ben", departments: ["Support"]))
        let ticket = try await test.open("Scanner")
        let other = try await test.open("SALARIES") { $0.department = .name("Elsewhere") }
        let path = "/desk/tickets/\(ticket.number)/do/link"
        #expect(try await ada.get(path).page.contains("Duplicate of"))
        let hidden = try await ben.post(path, [("to", String(other.number)), ("kind", "blocks")])
        #expect(hidden.status == .unprocessableContent && hidden.page.contains("There is no ticket #\(other.number)."))
        #expect(hidden.page.contains("<option value=\"blocks\" selected>"))
        let done = try await ada.post(path, [("to", "#\(other.number)"), ("kind", "duplicate_of")])
        #expect(done.location == "/desk/tickets/\(ticket.number)?said=link")
        let shown = try await ada.get("/desk/tickets/\(ticket.number)").page
        #expect(shown.contains("SALARIES") && shown.contains("Duplicate of") && shown.contains("added the link"))
        let unseen = try await ben.get("/desk/tickets/\(ticket.number)").page
        for word in ["SALARIES", String(other.number), "added the link"] { #expect(!unseen.contains(word), "\(word)") }
        let back = try await ada.get("/desk/tickets/\(other.number)").page
        #expect(back.contains("Duplicated by") && back.contains("Scanner"))
        let removed = try await ada.post(
            "/desk/tickets/\(other.number)/do/unlink", [("to", String(ticket.number)), ("kind", "duplicated_by")])
        #expect(removed.location == "/desk/tickets/\(other.number)?said=unlink")
        #expect(try await test.read { try $0.whole(ticket).links }.isEmpty)
    }
}
