import DeskTesting
import Domain
import Foundation
import HTTPTypes
import Testing

@testable import Desk
@testable import Web

@Suite("Coming back to a form's address")
struct ReturnTests {
    @Test("the address of a form opens the page it belongs to, with the place in it")
    func opened() async throws {
        let test = try await TestDesk()
        let ada = try await test.hire("Ada", .administrator)
        let number = try await test.open().number
        var visitor = try await Visitor(test, ada)
        visitor.headers[.accept] = "text/html"
        for (form, page) in [
            ("/desk/bulk?list=open", "/desk?list=open"),
            ("/desk/tickets/\(number)/entries?list=mine", "/desk/tickets/\(number)?list=mine"),
            ("/desk/undo/1", "/desk"),
            ("/admin/settings/test-mail", "/admin/settings"), ("/tickets/\(number)/confirm", "/tickets/\(number)"),
        ] {
            let answer = try await visitor.get(form)
            #expect(answer.status == .seeOther && answer.location == page, "\(form): \(answer.location)")
        }
        // A program that asks wrongly is told so.
        visitor.headers[.accept] = "application/json"
        #expect(try await visitor.get("/desk/bulk").status == .methodNotAllowed)
    }

    @Test("choosing Urgent says that the ticket was escalated, and any other change that it was saved")
    func urgent() async throws {
        let test = try await TestDesk()
        let visitor = try await Visitor(test, try await test.hire("Ada", .administrator))
        let path = "/desk/tickets/\(try await test.open().number)"
        for (priority, said) in [("high", "changed"), ("urgent", "escalate"), ("urgent", "changed")] {
            let answer = try await visitor.post("\(path)/change", [("subject", "Scanner"), ("priority", priority)])
            #expect(answer.location == "\(path)?said=\(said)")
        }
    }

    @Test("words sent with a file come back after signing in, and so does the place")
    func interrupted() async throws {
        let test = try await TestDesk()
        let number = try await test.open().number
        let path = "/desk/tickets/\(number)/entries?list=mine"
        let parts = [
            "Content-Disposition: form-data; name=\"kind\"\r\n\r\nreply",
            "Content-Disposition: form-data; name=\"body\"\r\n\r\nThe pump is on its way.",
            """
            Content-Disposition: form-data; name="attachments"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\nx
            """,
        ]
        let body = parts.map { "--b\r\n\($0)\r\n" }.joined() + "--b--\r\n"
        let asked = try await Visitor(guestOf: test).send(path, body, as: "multipart/form-data; boundary=b")
        #expect(asked.status == .unauthorized && asked.page.contains("The pump is on its way."))
        #expect(asked.page.contains("name=\"kept-kind\"") && asked.page.contains("value=\"\(path)\""))
    }
}
