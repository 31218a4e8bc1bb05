import DeskTesting
import Foundation
import Primitives
import Testing

@testable import Desk

@Suite("A message that opens a ticket")
struct FirstMessageTests {
    private func opened(_ subject: String, _ body: String) async throws -> Entry {
        let test = try await TestDesk()
        guard case .opened(let number) = try await test.receive(from: TestDesk.kim, subject: subject, body: body) else {
            throw Refusal.notFound
        }
        return try #require(try await test.entries(try await test.ticket(number)).first)
    }

    @Test(
        "is shown whole, whatever it quotes and whatever its subject begins with",
        arguments: [
            """
            Can you check this?\r\n\r\nOn Mon, 23 Nov 2026 10:00, Shop \
            <shop@shop.example> wrote:\r\n> Your invoice of 50 EUR is due.
            """,
            """
            Can you check this?\r\n\r\n-----Original Message-----\r\nFrom: Shop \
            <shop@shop.example>\r\nSent: Monday, 23 November 2026 10:00\r\nTo: Support \
            <support@desk.example>\r\nSubject: Invoice\r\n\r\nIt is due.
            """,
            """
            On Mon, 23 Nov 2026 10:00, Desk \
            <support@desk.example> wrote:\r\n> We are open on Sundays.\r\n\r\nAre you?
            """,
            """
            You say:\r\n\r\nOn Mon, 23 Nov 2026 10:00, Desk \
            <support@desk.example> wrote:\r\n> We are open on Sundays.\r\n\r\nYou are not.\r\n> Come by!\r\nI did.
            """,
            """
            ________________________________\r\nDe la: Desk \
            <support@desk.example>\r\nTrimis: 25 noiembrie 2026 07:35\r\nCătre: Kim \
            <kim@harbour.example>\r\nSubiect: [#9] pump\r\n\r\nOLD words.\r\n\r\nAlso to Oslo, please (Kim)
            """,
            """
            See my answer below:\r\n\r\nFrom: Desk \
            <support@desk.example>\r\nSent: 25 November 2026 07:35\r\nTo: Kim \
            <kim@harbour.example>\r\nSubject: Pump\r\n\r\nWhich one?\r\nThe left one.
            """,
            "Please book:\r\n\r\nFrom: Hamburg\r\nTo: Kiel\r\nDate: 12 May 2026\r\n\r\nA window seat.",
            "The pump is broken.\r\n\r\n-- \r\nKim Ito\r\nHarbour Ltd",
            "Old words:\r\n> Ada writes that it is fine.\r\n> It is not.",
        ])
    func whole(body: String) async throws {
        for subject in ["Re: Pump", "Pump", "Fwd: Pump"] {
            let entry = try await opened(subject, body)
            #expect(entry.quoted == nil && entry.text == body.replacingOccurrences(of: "\r\n", with: "\n"))
        }
    }

    @Test(
        "and answers a mail of the desk is folded where that mail begins",
        arguments: [
            "On Mon, 23 Nov 2026 10:00, Desk <support@desk.example> wrote:\r\n\r\n> OLD words.\r\n> More.",
            "Desk <support+abc@desk.example> ezt írta (időpont: 2026. nov. 24., K, 12:12):\r\n> OLD words.",
            """
            ________________________________\r\nDe la: Desk \
            <support@desk.example>\r\nTrimis: 25 noiembrie 2026 07:35\r\nCătre: Kim \
            <kim@harbour.example>\r\nSubiect: [#9] pump\r\n\r\nOLD words.
            """,
        ])
    func ours(history: String) async throws {
        let answer = try await opened("Re: Pump", "NEW words.\r\n\r\n\(history)")
        #expect(answer.text == "NEW words." && answer.quoted?.contains("OLD words.") == true)
        // Passed on, it is what the message is about.
        #expect(try await opened("Fwd: Pump", "NEW words.\r\n\r\n\(history)").quoted == nil)
    }
}
