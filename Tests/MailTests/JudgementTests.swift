import Foundation
import Measuring
import Primitives
import Testing

@testable import Mail

@Suite("Only evidence makes a delivery report")
struct DeliveryReportTests {
    private static func read(_ header: String, _ body: String) -> IncomingMessage {
        MessageReader.read(
            Data(
                "\(header)\r\nMessage-ID: <1@x.example>\r\n\r\n\(body)".replacingOccurrences(of: "\r\n", with: "\n")
                    .utf8))
    }

    @Test(
        "people write of parcels, of bounced mail and as postmaster",
        arguments: [
            ("Order 5512 not delivered", "The parcel was returned to sender, the recipient was not at home."),
            ("Undeliverable: my parcel", "It says 550 Main Street is unknown."),
            ("Returned mail", "A letter I sent to you came back. Original message below."),
            ("Delivery failure of pump 7", "The pump could not be delivered."),
            ("Mail delivery failed again", "My colleague gets 550 user unknown when he writes to you. Why?"),
            ("Failure notice from our boiler", "Permanent error on the display."),
            ("Delivery report missing", "We did not get the delivery report for order 12."),
            ("Rejected mail", "Your server rejected mail from us: mailbox unavailable."),
            ("Unzustellbar", "Das Paket an unsere Adresse war unzustellbar."),
            ("Warning: could not send", "The app says so when I press the button."),
            ("Delivery Status Notification", "What is this? I got one from you."),
            ("Undelivered", "Three of five boxes were undelivered."),
            ("Loop alert", "The elevator shows a loop alert."),
            ("Delivery incomplete", "Two oars are missing."),
            (
                "Fwd: Undelivered Mail Returned to Sender",
                """
                Can you help?\n\nThis is the mail system at host mx.example.\n\n\
                <you@desk.example>: 550 5.1.1 unknown user\n\nFinal-Recipient: rfc822; you@desk.example
                """
            ),
            (
                "Our logs",
                """
                Received: from a.example by b.example\nMessage-ID: <77@a.example>\nFrom: me@a.example\nTo: \
                you@b.example\nSubject: test\n\nWhat is wrong?
                """
            ),
            ("Mail system error", "Our mail system shows an error since Monday."),
            ("Message status - undeliverable", "The SMS gateway prints this."),
            ("Error sending mail", "I see an error sending mail in your app."),
            ("Non recapitabile", "Il pacco è non recapitabile?"),
        ])
    func people(subject: String, text: String) {
        for from in [
            "Kim Ito <kim@harbour.example>", "Fast Mail Delivery <service@courier.example>",
            "Mail Delivery System Ltd <info@mds.example>",
        ] {
            #expect(
                Self.read("From: \(from)\r\nReturn-Path: <kim@harbour.example>\r\nSubject: \(subject)", text).automatic
                    == .no)
        }
        let postmaster = Self.read(
            """
            From: Lee <postmaster@smallfirm.example>\r\nReturn-Path: \
            <postmaster@smallfirm.example>\r\nSubject: \(subject)
            """,
            text)
        #expect(postmaster.automatic == .guessedBounce, "a postmaster may be a person")
    }

    @Test("a report that somebody attached to a question is a question")
    func passedOn() {
        let inner =
            """
            From: MAILER-DAEMON@mx.example\nReturn-Path: <>\nSubject: Undelivered\nContent-Type: multipart/report; \
            report-type=delivery-status; boundary=i\n\n--i\nContent-Type: \
            message/delivery-status\n\nFinal-Recipient: rfc822; a@b.example\nAction: failed\n--i--\n
            """
        let found = Self.read(
            "From: kim@harbour.example\r\nSubject: Why?\r\nContent-Type: multipart/mixed; boundary=o",
            "--o\n\nWhy did this come back?\n--o\nContent-Type: message/rfc822\n\n\(inner)\n--o--\n")
        #expect(found.automatic == .no)
    }

    @Test(
        "a report without the part that machines read is somebody's mail",
        arguments: ["delivery-status", "feedback-report", "disposition-notification", "weekly", ""])
    func reportInName(type: String) {
        let found = Self.read(
            "From: kim@harbour.example\r\nSubject: Report\r\nContent-Type: multipart/report; report-type=\(type); boundary=o",
            "--o\nContent-Type: text/plain\n\nOur weekly report: the pump is broken.\n--o--\n")
        #expect(found.automatic == .no && found.text.contains("pump is broken"))
    }

    @Test("a receipt and an abuse report are told by their parts")
    func otherReports() {
        for (type, fields, kind) in [
            (
                "disposition-notification",
                "Final-Recipient: rfc822; a@b.example\nDisposition: manual-action; displayed",
                IncomingMessage.Automatic.receipt
            ),
            ("feedback-report", "Feedback-Type: abuse\nVersion: 1", .report),
        ] {
            let found = Self.read(
                "From: kim@harbour.example\r\nSubject: x\r\nContent-Type: multipart/report; report-type=\(type); boundary=o",
                "--o\n\nRead.\n--o\nContent-Type: message/\(type)\n\n\(fields)\n--o--\n")
            #expect(found.automatic == kind)
        }
    }

    @Test(
        "what mail systems send is one",
        arguments: [
            ("From: MAILER-DAEMON@mx.example\r\nReturn-Path: <>\r\nSubject: x", "I could not."),
            ("From: Mailer-Daemon@mx.example\r\nX-Failed-Recipients: a@b.example\r\nSubject: x", "I could not."),
            ("From: postmaster@mx.example\r\nReturn-Path: <>\r\nSubject: x", "Not delivered."),
            (
                "From: MAILER-DAEMON@mx.example\r\nSubject: x",
                "Sorry.\n\nReceived: from a.example\nFrom: me@a.example\nMessage-ID: <1@a.example>\n\nwords"
            ),
            (
                """
                From: whoever@mx.example\r\nSubject: x\r\nContent-Type: multipart/report; \
                report-type=delivery-status; boundary=b
                """,
                """
                --b\n\nSorry\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; \
                x\n\nFinal-Recipient: rfc822; a@b.example\nAction: failed\nStatus: 5.1.1\n--b--\n
                """
            ),
        ])
    func systems(header: String, body: String) { #expect(Self.read(header, body).automatic == .bounce) }

    @Test(
        "the mail that came back is found however its header is folded, set in or quoted",
        arguments: [
            "Message-ID: <a.b@desk.example>", "Message-ID:\n <a.b@desk.example>", "Message-Id:\n\t<a.b@desk.example>",
            "message-id: \n <a.\n b@desk.example>", "X-Loop: 1\nMessage-ID:\n\n", "> Message-ID:\n> <a.b@desk.example>",
            "    Message-ID:\n      <a.b@desk.example>", "Message-ID:\n<a.b@desk.example>",
        ])
    func returnedHeader(field: String) {
        let returned =
            """
            Received: from desk.example\n by mx.example; Message-ID: is no field here\nFrom: me@desk.example\n\(field)\n\
            Subject: x
            """
        let wanted = field.contains("desk") ? ["a.b@desk.example"] : []
        let qmail = Self.read(
            "From: MAILER-DAEMON@mx.example\r\nReturn-Path: <>\r\nSubject: x",
            "Sorry, kim@x.example (#5.1.1).\n\n--- Below is a copy.\n\n\(returned)\n\nWe fixed it")
        #expect(qmail.bounce?.messageIDs == wanted)
        // A part of headers has no marks, and its folds begin with a blank.
        guard !field.hasPrefix(">"), !field.hasPrefix(" "), !field.contains("\n<") else { return }
        for type in ["text/rfc822-headers", "message/rfc822"] where !field.hasSuffix("\n\n") {
            let report = Self.read(
                "From: MAILER-DAEMON@mx.example\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b",
                """
                --b\n\nSorry\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\nFinal-Recipient:\n \
                rfc822;\n a@b.example\nAction: failed\nStatus:\n 5.1.1\nDiagnostic-Code: smtp; 550\n\tuser\n unknown\n--b\n\
                Content-Type: \(type)\n\n\(returned)\n\n--b--\n
                """)
            #expect(report.automatic == .bounce && report.bounce?.messageIDs == wanted)
            #expect(report.bounce?.recipient == "a@b.example" && report.bounce?.status == "5.1.1")
            #expect(report.bounce?.detail == "smtp; 550 user unknown")
        }
    }

    @Test(
        "subjects of people are no automatic replies",
        arguments: [
            "Auto: Scheibe kaputt", "Out of office does not work", "Automatic reply is broken", "Autoreply settings",
            "Abwesenheit eintragen", "Out of Office: how do I set it?",
        ])
    func subjects(subject: String) {
        #expect(Self.read("From: kim@harbour.example\r\nSubject: \(subject)", "words").automatic == .no)
    }

    @Test(
        "automatic replies are known by what their programs write",
        arguments: [
            "Auto-Submitted: auto-replied", "X-Autoreply: yes", "Precedence: auto_reply", "X-Apple-Action: vacation",
            "In-Reply-To: <2@desk.example>\r\nReturn-Path: <>",
            "In-Reply-To: <2@desk.example>\r\nAuto-Submitted: auto-generated\r\nX-MS-Exchange-Inbox-Rules-Loop: kim@harbour.example",
            "In-Reply-To: <2@desk.example>\r\nX-Auto-Response-Suppress: All\r\nX-MS-Exchange-Parent-Message-Id: <2@desk.example>",
            "To: support+a1@desk.example\r\nAuto-Submitted: auto-generated\r\nSubject: Abwesenheitsnotiz",
            "To: support+a1@desk.example\r\nAuto-Submitted: auto-generated\r\nSubject: AUTO: Kim is out of the office",
            "References: <2@desk.example>\r\nX-Auto-Response-Suppress: OOF\r\nSubject: Automatisch antwoord: Printer",
            "References: <2@desk.example>\r\nPrecedence: bulk\r\nSubject: Out of office",
        ])
    func replies(header: String) {
        for subject in ["", "\r\nSubject: תשובה אוטומטית: Re: Pump", "\r\nSubject: Slibutkite: Re: Pump"] {
            let head = header.contains("Subject") ? header : header + subject
            #expect(Self.read("From: kim@harbour.example\r\n\(head)", "I am away.").automatic == .reply)
        }
    }

    @Test(
        "what another program sends is no automatic reply",
        arguments: [
            "In-Reply-To: <2@desk.example>\r\nAuto-Submitted: auto-generated\r\nSubject: Re: Pump",
            "In-Reply-To: <2@desk.example>\r\nAuto-Submitted: auto-generated\r\nX-MS-Exchange-Inbox-Rules-Loop: team@desk.example",
            "In-Reply-To: <2@desk.example>\r\nX-Auto-Response-Suppress: All\r\nX-MS-Exchange-Parent-Message-Id: <3@x.example>",
            "To: support+a1@desk.example\r\nAuto-Submitted: auto-generated\r\nSubject: Autos sind da",
            "To: support@desk.example\r\nAuto-Submitted: auto-generated\r\nSubject: Abwesenheit: mein Kind ist krank",
            "X-MS-Exchange-Inbox-Rules-Loop: kim@harbour.example",
        ])
    func noReplies(header: String) {
        #expect(Self.read("From: kim@harbour.example\r\n\(header)", "Done.").automatic != .reply)
    }

    @Test("a subject alone makes no automatic reply; it is left to who knows what was answered")
    func subjectAlone() {
        for subject in [
            "Abwesend: am Dienstag geht es nicht", "Automatisch antwoord: Printer", "Out of Office: Re: Pump [#7]",
        ] {
            let found = Self.read(
                "From: kim@harbour.example\r\nIn-Reply-To: <2@desk.example>\r\nSubject: \(subject)", "words")
            #expect(found.automatic == .no && found.hasReplySubject == !subject.hasPrefix("Abwesend"))
        }
        #expect(
            !Self.read("From: kim@harbour.example\r\nSubject: Out of Office: Re: Pump [#7]", "words").hasReplySubject)
    }
}

@Suite("Nothing new is folded")
struct FoldTests {
    @Test(
        "words that look like a signature, a header or an introduction stay",
        arguments: [
            """
            Please book this trip:\n\nFrom: Hamburg\nTo: Copenhagen\nDate: 12 May 2026\nPassengers: 2\n\nA window \
            seat.
            """,
            "Order 1: two oars\n--\nOrder 2: one mast\n--\nPlease send both to berth 7.",
            "Guten Tag,\n\nvon meinem Konto wurden zweimal 50 Euro abgebucht.\nBitte erstatten.",
            "Sent from my desk, this is easier.\n\nThe pump is broken.",
            "On 12 May your technician wrote:\n\nthe pump is fine. It is not.",
            "First.\n—\nSecond is a question: why?\n", "Name: Kim\nEmail: kim@harbour.example\nPhone: 12\n\nCall me.",
            "Pick-up: Monday\nVon: Hamburg\nAn: Kiel\nDatum: 12.5.2026\n\nDanke", "a -- b\n-----\nc\n-----\nd",
            "Am 12.5. schrieb Ihr Kollege:\nes geht nicht.\nDoch!",
            "On Mon, Ada wrote:\n> Does it work?\nIt does.\n> And this?\nThis too.",
            "On Mon, 2 Nov 2026 at 10:00, Ada <ada@desk.example> wrote:\n> Does it work?\n\nIt does.\n\n> And this?\n\nToo.",
            "Works.\n—\nPlease close both", "Works.\n--\nplease close both",
            "How we sent it?\n\nSent via mail on Tuesday", "Did it.\n\nSent by mail to the office",
            "Where it fails:\n\nFrom my phone and my tablet", "Kaputt ist:\n\nVon meinem Handy das Display",
            "Was ich tat:\n\nGesendet an mail@x.example", "So:\n\nGesendet mit DHL nach Kiel",
            "See it.\n\nSent from my new iPhone 15 to my old mailbox it fails", "The list:\nSent from my iPhone",
        ])
    func stays(text: String) {
        let parts = QuotedText(text)
        #expect(parts.new == text.trimmingWhitespace() && parts.quoted == nil)
    }

    @Test(
        "a quote and the line above it are folded in any language",
        arguments: [
            "Στις Τρί 24 Νοε 2026 στις 12:12, ο/η Helpdesk <support@desk.test> έγραψε:",
            "Helpdesk <support@desk.test> ezt írta (időpont: 2026. nov. 24., K, 12:12):",
            "Pada tanggal Sel, 24 Nov 2026 pukul 12.12 Helpdesk <support@desk.test> menulis:",
            "2026年11月24日(火) 12:12 Helpdesk <support@desk.test>:",
            "‫בתאריך יום ג׳, 24 בנוב׳ 2026 ב-12:12 מאת ‪Helpdesk‬‏ <‪support@desk.test‬‏>:‬",
            "في الثلاثاء، ٢٤ نوفمبر ٢٠٢٦ ١٢:١٢ م Helpdesk <support@desk.test> كتب:",
            "Vào Th 3, 24 thg 11, 2026 vào lúc 12:12 Helpdesk <support@desk.test> đã viết:",
            "เมื่อ อ. 24 พ.ย. 2026 เวลา 12:12 Helpdesk <support@desk.test> เขียนว่า:",
            "uto, 24. stu 2026. u 12:12 Helpdesk <support@desk.test> napisao je:",
            "On Tue, Nov 24, 2026 at 12:12 PM Helpdesk\n<support@desk.test> wrote:",
            "2026년 11월 24일 (화) 오후 12:12, Helpdesk <support@desk.test>님이 작성:",
        ])
    func introductions(line: String) {
        let parts = QuotedText("NEW words.\n\n\(line)\n\n> OLD words.\n> second")
        #expect(parts.new == "NEW words." && parts.quoted?.contains("OLD words.") == true)
    }

    @Test(
        "a mail below its own header is folded in any language",
        arguments: [
            """
            De la: Helpdesk <support@desk.test>\nTrimis: miercuri, 25 noiembrie 2026 07:35:07\nCătre: Kim \
            <kim@customer.example>\nSubiect: [#9] pump
            """,
            """
            发件人: Helpdesk <support@desk.test>\n发送时间: 2026年11月25日 7:35:07\n收件人: Kim \
            <kim@customer.example>\n主题: [#9] pump
            """,
            """
            Saatja: Helpdesk <support@desk.test>\nSaadetud: 25. november 2026 7:35\nAdressaat: Kim \
            <kim@customer.example>\nTeema: Re: pump
            """,
            "________________________________\nNga: Helpdesk <support@desk.test>\nDërguar: 25.11.2026 7:35\nPër: Kim",
            "-----Original Message-----\nFrom: Helpdesk\nSent: Monday\nTo: Kim\nSubject: pump",
        ])
    func headers(header: String) {
        let parts = QuotedText("NEW words.\n\n\(header)\n\nOLD words.")
        #expect(parts.new == "NEW words." && parts.quoted?.contains("OLD words.") == true)
    }

    @Test(
        "signatures at the end are folded",
        arguments: [
            "-- \nKim Ito\nHarbour Ltd", "--\nKim Ito", "Sent from my iPhone", "Von meinem iPhone gesendet",
            "Envoyé de mon iPad", "Sent from my mobile phone", "Gesendet von Outlook für Android",
            "Sent from Yahoo Mail on Android", "Von meinem Samsung Galaxy Smartphone gesendet.", "Get Outlook for iOS",
            "--\nKim Ito\nHarbour Ltd\n040 123 456\nhttps://harbour.example",
        ])
    func signatures(signature: String) { #expect(QuotedText("NEW words.\n\n\(signature)").new == "NEW words.") }

    private static let held = KnownWords(
        texts: [
            "It leaks.",
            "Hi Kim,\n\nWhich pump is it?\nAnd since when does it leak so badly, if I may ask?\n\nKind regards",
        ], names: ["Ada", "Desk"])

    @Test(
        "what somebody else wrote, and what nobody here has said, stays in view",
        arguments: [
            """
            The plumber says:\n\n---------- Forwarded message ---------\nFrom: Plumber <p@plumb.example>\nDate: Wed, \
            25 Nov 2026 10:00\nSubject: Valve\nTo: Kim <kim@customer.example>\n\nValve 3, part 88-A.
            """,
            "FYI\n\n---------- Forwarded message ---------\nFrom: Plumber\nSubject: Valve\nTo: Kim\n\nPart 88-A.",
            """
            The plumber says:\n\nBegin forwarded message:\n\nFrom: Plumber <p@plumb.example>\nSubject: Valve\nDate: \
            25 November 2026 10:00\nTo: Kim <kim@customer.example>\n\nPart 88-A.
            """,
            """
            Unser Klempner:\n\nVon: Klempner <p@plumb.example>\nGesendet: Montag, 2. November 2026 10:00\nAn: Kim \
            <kim@customer.example>\nBetreff: Ventil\n\nTeil 88-A.
            """,
            "He answered:\n\nOn Mon, 2 Nov 2026 at 10:00, Plumber <p@plumb.example> wrote:\n> Part 88-A.",
            "Our form:\n\nVon: kim@customer.example\nDatum: 12.12.2026 10:00\nBetreff: Wartung\nNachricht: bitte kommen",
            "The shell says:\n\n> make\n> error 7", "I type this:\n\n>>> import pump\n>>> pump.start()",
            """
            Answers in red.\n\nFrom: Desk <support@desk.test>\nSent: Monday, 2 November 2026 10:00\nTo: Kim \
            <kim@customer.example>\nSubject: Re: [#9] Pump\n\nWhich pump is it?\nNumber seven.\nAnd since when does \
            it leak so badly, if I may ask?\nSince Monday.
            """,
        ])
    func news(text: String) {
        let parts = QuotedText(text, knowing: Self.held)
        #expect(parts.new == text.trimmingWhitespace() && parts.quoted == nil)
    }

    @Test(
        "what the desk wrote itself, or holds already, is folded",
        arguments: [
            "On Mon, 2 Nov 2026 at 10:00, Desk <support@desk.test> wrote:\n\n> Which pump is it?",
            "On Mon, 2 Nov 2026 at 10:00, Desk <support+abc@desk.test> wrote:\n\n> Which pump\n> is it?",
            "On Monday, Ada wrote:\n\n> Which pump is it?",
            "On Mon, 2 Nov 2026 at 10:00, Lee <lee@customer.example> wrote:\n\n> Hi Kim,\n> which pump\n> is it?\n> And since when\n> does it leak so badly",
            "> Which pump is it?\n> And since when does it leak",
            """
            From: Desk <support@desk.test>\nSent: Monday, 2 November 2026 10:00\nTo: Kim <kim@customer.example>\n\
            Subject: Re: [#9] Pump\n\nHi Kim,\n\nWhich pump is it?\nAnd since when does it leak so badly, if I may \
            ask?\n\nKind regards
            """,
            """
            -----Original Message-----\nFrom: Lee <lee@customer.example>\nSent: Monday, 2 November 2026 \
            10:00\nTo: Kim\nSubject: Pump\n\nIt leaks.
            """,
        ])
    func history(text: String) {
        let parts = QuotedText("NEW words.\n\n\(text)", knowing: Self.held)
        #expect(parts.new == "NEW words.")
    }

    @Test("whatever is generated, nothing is lost or doubled, and it comes in order")
    func property() {
        var random = SeededNumbers(20_261_125)
        let lines = [
            "new words", "", "> old", ">> older", "On Mon, 23 Nov 2026 10:00, Ada <ada@desk.example> wrote:", "--",
            "-- ", "Kim", "From: Ada <ada@desk.example>", "Sent: Monday 10:00", "To: Kim", "Subject: Re: x",
            "________________", "Sent from my iPhone", "a\u{301}\u{301}", "-----Original Message-----", "\u{A0}",
            "What now?",
        ]
        for _ in 0..<2000 {
            let text = (0..<Int.random(in: 1...14, using: &random)).map { _ in lines.randomElement(using: &random) ?? ""
            }.joined(separator: "\n")
            let known = Bool.random(using: &random) ? Self.held : nil
            let parts = QuotedText(text, knowing: known)
            func letters(_ text: String) -> String {
                String(String.UnicodeScalarView(text.unicodeScalars.filter { !$0.properties.isWhitespace }))
            }
            let (whole, new, quoted) = (letters(text), letters(parts.new), letters(parts.quoted ?? ""))
            #expect(new.unicodeScalars.count + quoted.unicodeScalars.count == whole.unicodeScalars.count, "\(text)")
            #expect(whole.contains(new) || new.isEmpty, "\(text)")
            if !whole.isEmpty { #expect(!new.isEmpty, "\(text)") }
        }
    }

    @Test(
        "the time grows with the text",
        arguments: [
            "\n", "a\u{301}", ">\n", "> a\nb\n", "On 1 May 2026, a@b wrote:\n>\nx\n", "On 1 May 2026, a@b wrote:\n",
            "From: a@b\n", "--\n", "-----\n", "12 12:12\n", " ", "a@b 2026\n", "a: b\n", "<a@b\n",
            "Sent from my iPhone\n", "\u{A0}\n",
        ])
    func growth(unit: String) {
        let text: (Int) -> String = { Growth.repeated(unit)($0) + "x" }
        #expect(Growth.isLinear(text, size: 32 << 10) { _ = QuotedText($0) })
        #expect(Growth.isLinear(text, size: 32 << 10) { _ = QuotedText($0, knowing: Self.held) })
        #expect(Growth.isLinear(text, size: 32 << 10) { _ = ForwardedMail(subject: "Fwd: x", text: $0) })
    }
}
