import DeskTesting
import Domain
import Foundation
import Primitives
import Testing

@testable import Desk

@Suite("Messages with Markdown")
struct TypedMessageTests {
    @Test(
        "what is marked is rendered, line by line",
        arguments: [
            ("It is **hot**.", "<strong>hot</strong>"), ("Press *Start*", "<em>Start</em>"),
            ("- one\n- two", "<li>two</li>"), ("> You wrote\n\nYes.", "<blockquote>"),
            ("Run `ls *.txt`", "<code>ls *.txt</code>"), ("[Handbook](https://desk.example/kb)", "Handbook</a>"),
            ("| a | b |\n|---|---|\n| 1 | 2 |", "<td>2</td>"), ("**One**\ntwo", "<br"),
        ])
    func rendered(_ typed: String, _ expected: String) throws {
        let writing = Writing(typed: typed)
        #expect(writing.text == typed)
        #expect(try #require(writing.html).contains(expected))
    }

    @Test(
        "what only looks like a mark stays as it was typed",
        arguments: [
            "Hello,\nall is well.", #"Open \\server\share and C:\.ssh"#, "Enter <your name> there.", "<order 12>",
            "5 * 3 * 2 is 30", "snake_case_name and https://desk.example/a_b_c", "Thanks\n-- \nAda", "Thanks\n--\nAda",
            "a & b &amp; c", #"50\% and 3\+4"#,
        ])
    func plain(_ typed: String) { #expect(Writing(typed: typed).html == nil) }

    @Test("beside marks, paths, tags and signatures are kept")
    func kept() throws {
        let html = try #require(
            Writing(typed: #"**Open** \\server\share, then <your name>, `\\code\here`."# + "\n\nThanks\n-- \nAda").html)
        #expect(html.contains(#"\\server\share"#))
        #expect(html.contains("&lt;your name&gt;"))
        #expect(html.contains(#"<code>\\code\here</code>"#))
        #expect(!html.contains("<h2"))
        let block = try #require(Writing(typed: "**See:**\n\n<div>\n<script>alert(1)</script>\n</div>\n\nEnd.").html)
        #expect(block.contains("&lt;script&gt;alert(1)&lt;/script&gt;"))
        #expect(!block.contains("<script"))
    }

    @Test("a picture has its place between marks, and the plain text keeps its name")
    func picture() throws {
        let file = StoredFile(hash: String(repeating: "a", count: 64), size: 9, name: "lid_1_b.png", type: "image/png")
        let (writing, files) = Writing(typed: "**Open** it:\n[lid_1_b.png]").placing([file])
        #expect(writing.text == "**Open** it:\n[lid_1_b.png]")
        let html = try #require(writing.html)
        #expect(html.contains("<strong>Open</strong>") && html.contains("<img alt=\"lid_1_b.png\""))
        #expect(files[0].isInline)
    }

    @Test("what the customer receives has both forms, and taking the reply back gives the marks again")
    func sent() async throws {
        let test = try await TestDesk()
        try await test.holdsBack()
        let ada = try await test.hire("Ada", departments: ["Support"])
        let ticket = try await test.open()
        let writing = Writing(typed: "It is **hot**.\nDo not touch it.")
        try await test.write { tx in
            var loaded = try tx.db.ticket(ticket.id)
            let entry = try tx.reply(to: &loaded, writing, by: Actor(ada), files: [], source: .web)
            try tx.holdBack(entry, of: ticket.id, by: ada.id)
        }
        try await test.undoLast(of: ada)
        #expect(
            try await test.read { try $0.drafts(by: ada.id, in: ticket.id)[.reply]?.body }
                == "It is **hot**.\nDo not touch it.")

        try await test.act(on: ticket) { tx, loaded in
            _ = try tx.reply(to: &loaded, writing, by: Actor(ada), files: [], source: .web)
        }
        try await test.settle()
        let mail = try #require(test.mail.to(TestDesk.kim).last { $0.text.contains("hot") })
        #expect(mail.text.contains("It is **hot**."))
        #expect(try #require(mail.html).contains("<strong>hot</strong>"))
    }
}
