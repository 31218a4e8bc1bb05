import Foundation
import Testing

@testable import Mail

@Suite("Only what the desk holds is history")
struct HeldHistoryTests {
    /// What the desk sent, with all that stands around the agent's words.
    private static let letter = """
        Hi Kim,

        Which pump is it, the red pump at berth seven or the blue pump at berth eight?
        Since when does it leak so badly?

        Ben Agent
        Harbour Help Desk

        See your request: https://desk.test/t/abc123

        On 2026-11-29, Kim Ito wrote:
        > It leaks, and
        > the floor is wet.
        """
    private static let known = KnownWords(
        texts: [letter, "It leaks, and\nthe floor is wet."], names: ["Ben Agent", "Kim Ito", "Harbour Help Desk"],
        author: ["Kim Ito", "kim"], home: "https://desk.test")
    private static let header = """
        From: Ben Agent (Harbour Help Desk) <support+c1@desk.test>
        Sent: Monday, 30 November 2026 10:02
        To: Kim Ito <kim@customer.example>
        Subject: Re: Pump [#100001]


        """
    private static func marked(_ text: String, _ mark: String = "> ") -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { mark + $0 }.joined(separator: "\n")
    }

    @Test(
        "an ordinary answer shows its words alone, in whatever form the mail it answers is quoted",
        arguments: [
            "On Mon, Nov 30, 2026 at 10:02 AM Ben Agent (Harbour Help Desk)\n<support+c1@desk.test> wrote:\n\n"
                + marked(letter),
            "Am 30.11.26 um 10:02 schrieb Ben Agent (Harbour Help Desk):\n" + marked(letter),
            "Le lun. 30 nov. 2026 à 10:02, Ben Agent <support@desk.test> a écrit :\n\n" + marked(letter, ">"),
            "2026年11月30日(月) 10:02 Ben Agent <support@desk.test>:\n\n" + marked(letter),
            "> On 30. Nov 2026, at 10:02, Ben Agent <support@desk.test> wrote:\n> \n" + marked(letter),
            header + letter, "________________________________\n" + header + letter,
            "-----Original Message-----\n" + header + letter,
            "Von: Ben Agent <support@desk.test>\nGesendet: Montag, 30. November 2026 10:02\nAn: Kim Ito\n"
                + "Betreff: AW: Pump\n\n" + letter,
            "差出人: Ben Agent <support@desk.test>\n送信日時: 2026年11月30日 10:02\n宛先: Kim Ito\n件名: Re: Pump\n\n" + letter,
            header
                + letter.replacingOccurrences(
                    of: "https://desk.test/t/abc123",
                    with: "https://safe.example/?url=https%3A%2F%2Fdesk.test%2Ft%2Fabc123&data=05<https://x.example>"),
            header
                + letter.replacingOccurrences(of: " or the", with: "\nor  the").replacingOccurrences(of: "> ", with: ""),
            header + letter.components(separatedBy: "\n\nSee your")[0],
            "On Monday, Ben Agent wrote:\n\n> Which pump is it, the red pump",
            header + "Thanks.\n\n" + header + letter,
        ])
    func ordinary(history: String) {
        let known = history.contains("Thanks.") ? Self.with("Thanks.") : Self.known
        let parts = QuotedText("The red one.\n\n\(history)", knowing: known)
        #expect(parts.new == "The red one.", "\(parts.new)")
    }
    private static func with(_ text: String) -> KnownWords {
        KnownWords(texts: [letter, text], names: ["Ben Agent", "Kim Ito"], author: ["Kim"], home: "https://desk.test")
    }

    @Test(
        "an answer typed into the mail it answers stays in view",
        arguments: [
            "It is the one with serial 4711.", "No.", "7", "the red pump at berth seven", "👍", "<the blue one>",
        ],
        ["Since when", "Ben Agent", "See your", "On 2026", ""])
    func inside(answer: String, above line: String) {
        let quoted = Self.marked(Self.letter)
        let introduction = "On Mon, 30 Nov 2026 at 10:02, Ben Agent <support@desk.test> wrote:\n"
        for (whole, mark) in [
            (Self.header + Self.letter, ""), (introduction + quoted, "> "), (introduction + quoted, ""),
        ] {
            let place = line.isEmpty ? nil : whole.range(of: "\n> " + line) ?? whole.range(of: "\n" + line)
            let text =
                place.map { "\(whole[..<$0.lowerBound])\n\(mark)\(answer)\(whole[$0.lowerBound...])" }
                ?? "\(whole)\n\(mark)\(answer)"
            #expect(QuotedText("See below.\n\n\(text)", knowing: Self.known).new.contains(answer), "\(text)")
        }
    }

    @Test(
        "what others said stays in view, whatever its form",
        arguments: [
            "From: Vogel, Peter\nSent: Monday, 30 November 2026 08:12\nTo: Ito, Kim\nSubject: Seal\n\nNEWS of the seal.",
            "From: Hamburg\nTo: Oslo\nDate: 12.12.2026\nSubject: NEWS\n\nGate 3.",
            "From: Hamburg\nTo: Oslo\nSubject: NEWS",
            "---------- Weitergeleitete Nachricht ----------\nVon: Peter Vogel\nDatum: Mo., 30. Nov. 2026 um 08:12\n"
                + "Betreff: Dichtung\nAn: Kim Ito\n\nNEWS",
            "Début du message réexpédié :\n\nDe: Pierre\nObjet: Joint\nDate: 30 novembre 2026 à 08:12\nÀ: Kim\n\nNEWS",
            "Am 12.11.2026 um 10:22 schrieb der Hersteller:\n\n> NEWS of a recall.",
            "The technician wrote:\n\n> NEWS of the seal.", "-----Original Message-----\nNEWS",
            "Ben Agent wrote 30.11.2026 10:22:\nNEWS?\nKim Ito wrote 30.11.2026 10:23:\nyes",
            "________________________________\nTeams meeting\nNEWS: 471 123\nWhen: 1.12.2026 10:00\nJoin: kim@customer.example",
            "--------------------\nName: Jo NEWS\nEmail: jo@ship.example\nPhone: 040 1234 4711\n\nPier 9.",
            "*****\nServer: mail.ship.example\nUser: jo@ship.example\nSince: 1.1.2026 10:00\n\nNEWS",
            header + "NEWS that Ben never wrote.", header + letter + "\n\nNEWS",
            header + letter + "\n\nFrom: Peter <p@v.example>\nSent: 1.11.2026 10:00\nTo: Kim\nSubject: Seal\n\nNEWS",
            "NEWS of 12.12.2026, is it still right what you said:\n> Since when does it leak so badly?",
            "From: Hamburg\nTo: Oslo\nDate: 12.12.2026 10:00\nSubject: Trip\nAnswer: NEWS\n\n" + letter,
        ])
    func news(text: String) {
        for end in ["", "\n\n" + Self.header + Self.letter] {
            #expect(QuotedText("Look:\n\n\(text)\(end)", knowing: Self.known).new.contains("NEWS"))
        }
    }

    @Test("a quote above an answer is folded where the desk holds it, and only then")
    func above() {
        let introduction = "On Mon, 30 Nov 2026 at 10:02, Ben Agent <support@desk.test> wrote:\n"
        let held = QuotedText("\(introduction)\(Self.marked(Self.letter))\n\nThe red one.", knowing: Self.known)
        #expect(held.new == "The red one.", "\(held.new)")
        let news = QuotedText("\(introduction)> Which pump is it?\n> NEWS\n\nThe red one.", knowing: Self.known)
        #expect(news.new.contains("NEWS"))
    }

    @Test(
        "two dashes above what somebody says are no signature",
        arguments: [
            "Two options:\n-- \nkeep the old pump\nbuy the new one",
            "Yes.\n\n-- \nKim Ito\nHarbour\n\nPS: hurry up, please.",
            "Yes.\n\n-- \nKim Ito\nHarbour\n\nPS: Serial 4711", "Yes.\n-- \nKim Ito\nPS: Serial 4711",
            "Yes.\n\n-- \nSerial 4711",
            "It is this:\n-- \nBerth Eight", "Yes.\n\n-- \nKim Ito\n\nSerial 4711",
        ])
    func dashes(text: String) { #expect(QuotedText(text, knowing: Self.known).new == text, "\(text)") }

    @Test(
        "a sentence that names a make is no device's line",
        arguments: [
            "Sent by Samsung on Friday", "Sent via Yahoo last night", "Sent from Samsung in Korea",
            "Sent with Huawei routers inside", "Sent using Windows of my son", "Sent by Samsung",
            "Sent from my iPhone to you",
            "Sent from the office in Hamburg by Nokia",
        ])
    func makes(line: String) {
        let text = "We have it here.\n\n\(line)"
        #expect(QuotedText(text, knowing: Self.known).new == text && QuotedText(text).new == text)
    }

    @Test("a form below a rule is no header of a mail, also where nothing is known")
    func forms() {
        let text = "Call:\n\n----------\nName: Jo\nEmail: jo@ship.example\nPhone: 040 1234 4711\n\nAnd pier 9."
        #expect(QuotedText(text).new == text)
    }
}
