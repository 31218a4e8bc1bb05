import DeskTesting
import Domain
import Foundation
import Mail
import Testing

@testable import Desk
@testable import Store

@Suite("The envelope's sender")
struct EnvelopeTests {
    private static let mail = "From: Kim <kim@harbour.example>\r\nTo: support@desk.example\r\nSubject: x\r\n\r\nwords"

    @Test("the empty path is written in many ways", arguments: ["", "<>", " <> ", "MAILER-DAEMON", "<mailer-daemon>"])
    func empty(text: String) { #expect(EnvelopeSender(text) == .nobody) }

    @Test("an address is one with and without brackets, and what is none says nothing")
    func others() throws {
        let kim = try #require(MailAddress("kim@harbour.example"))
        for text in ["kim@harbour.example", "<kim@harbour.example>"] { #expect(EnvelopeSender(text) == .address(kim)) }
        #expect(EnvelopeSender(nil) == .unknown && EnvelopeSender("no address") == .unknown)
        #expect(EnvelopeSender("mailer-daemon@mx.example").address != nil)
    }

    @Test(
        "what came by the empty path is never answered by itself",
        arguments: ["", "From MAILER-DAEMON Tue Nov 24 09:00:00 2026\r\n"])
    func unanswered(separator: String) async throws {
        let test = try await TestDesk()
        _ = try await test.desk.receive(Data((separator + Self.mail).utf8), sender: .nobody)
        try await test.settle()
        #expect(test.mail.sent.isEmpty)
        let tickets = try await test.read { try $0.tickets(TicketList()) }.tickets
        #expect(tickets.map(\.requesterAddress) == ["kim@harbour.example"])
    }

    @Test("an absence note by the empty path reopens nothing, though it answers our own mail")
    func absence() async throws {
        let test = try await TestDesk()
        let ticket = try await test.open()
        try await test.settle()
        let ours = try #require(test.mail.to(TestDesk.kim).first)
        try await test.act(on: ticket) { tx, ticket in
            try tx.resolve(&ticket, by: .timer, solution: nil, source: .web)
        }
        let note = """
            From: kim@harbour.example\r\nTo: support@desk.example\r\nSubject: Away\r\n\
            In-Reply-To: <\(ours.messageID)>\r\n\r\nI am away until Monday.
            """
        _ = try await test.desk.receive(Data(note.utf8), sender: EnvelopeSender("<>"))
        #expect(try await test.ticket(ticket.number).state == .resolved)
    }
}
