import DeskTesting
import Domain
import Foundation
import Mail
import Primitives
import Testing

@testable import Desk
@testable import Store
@testable import Web

@Suite("Quotations on a ticket's page")
struct QuotationTests {
    private func page(_ markup: String) async throws -> String {
        let test = try await TestDesk()
        let ada = try await test.hire("Ada")
        let ticket = try await test.open()
        try await test.act(on: ticket) { tx, ticket in
            _ = try tx.reply(
                to: &ticket, Writing("Clean the glass with a soft cloth.", type: .text), by: Actor(ada), files: [],
                source: .web)
        }
        try await test.settle()
        let address = try #require(test.mail.to(TestDesk.kim).last?.replyTo.first).address
        _ = try await test.receive(
            from: TestDesk.kim, to: address, headers: ["Content-Type: text/html; charset=utf-8"], body: markup)
        return try await Visitor(test, ada).get("/desk/tickets/\(ticket.number)").page
    }

    @Test("a passage quoted on purpose stays in view, also beside a signature that is folded")
    func onPurpose() async throws {
        let page = try await page(
            "<p>My boss says:</p><blockquote>turn it off at once</blockquote><p>What now?</p><p><br></p><p>Sent from my iPhone</p>"
        )
        let words = try #require(page.range(of: "turn it off at once"))
        #expect(!page[..<words.lowerBound].hasSuffix("</summary><blockquote>"))
        #expect(!page.contains("<details class=\"quoted\"><summary>show quoted text</summary><blockquote>turn"))
    }

    @Test("the mail that was answered is folded")
    func history() async throws {
        let page = try await page(
            "<p>Still white.</p><div>On Mon, 2 Nov 2026 at 10:00, Desk &lt;support@desk.example&gt; wrote:<br><blockquote>Clean the glass with a soft cloth.</blockquote></div>"
        )
        #expect(page.contains("<details class=\"quoted\"><summary>show quoted text</summary><blockquote>Clean"))
    }
}
