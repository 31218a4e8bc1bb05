import Domain
import Foundation
import Mail
import Primitives
import Store

/// A believable company for looking around: made by the same verbs as everything else, at moments in the past, so that
/// every ticket has its events, reasons and clocks.
package enum Demo {
    package static let password = "usher-demo-desk"

    /// Fills an empty desk and tells the sign-ins; a desk in use is left alone.
    package static func fill(_ desk: Desk, _ say: (String) -> Void) async throws {
        let isEmpty = try await desk.read { db in
            let ticket: Int64? = try db.value("SELECT 1 FROM ticket LIMIT 1")
            let agent: Int64? = try db.value("SELECT 1 FROM agent LIMIT 1")
            return ticket == nil && agent == nil
        }
        if isEmpty {
            let hash = try Password.hash(password)
            let start = desk.clock.now()
            try await desk.write { try $0.hireDemoCompany(passwordHash: hash) }
            try await desk.reloadSettings()
            for number in 0..<DemoCompany.tickets {
                let age = DemoCompany.age(of: number)
                try await desk.write { try $0.liveDemoTicket(number, bornAt: start - age, until: start) }
            }
            try await desk.write { try $0.settleDemo() }
        }
        for person in DemoCompany.people {
            say("sign in as \(person.role.rawValue): \(person.email)  password: \(password)")
        }
    }
}

/// Who and what the demo is made of.
enum DemoCompany {
    struct Member: Sendable {
        let name: String
        let email: String
        let role: Role
        let departments: [String]
    }
    struct Problem: Sendable {
        let subject: String
        let question: String
        let answer: String
        let topic: String
    }

    static let tickets = 200
    static let people: [Member] = [
        Member(
            name: "Mara Lindqvist", email: "mara@harbour.example", role: .administrator,
            departments: ["Support", "Network", "Billing"]),
        Member(
            name: "Sam Okafor", email: "sam@harbour.example", role: .supervisor,
            departments: ["Support", "Network", "Billing"]),
        Member(name: "Ada Lind", email: "ada@harbour.example", role: .agent, departments: ["Support", "Network"]),
        Member(name: "Ben Amari", email: "ben@harbour.example", role: .agent, departments: ["Support", "Network"]),
        Member(name: "Cyd Park", email: "cyd@harbour.example", role: .agent, departments: ["Support"]),
        Member(name: "Eve Moreau", email: "eve@harbour.example", role: .agent, departments: ["Network"]),
        Member(name: "Ina Weber", email: "ina@harbour.example", role: .agent, departments: ["Billing"]),
        Member(name: "Vic Santos", email: "vic@harbour.example", role: .viewer, departments: ["Support"]),
    ]
    static let customers: [(name: String, email: String)] = [
        ("Kim Ito", "kim@pier4.example"), ("Lee Okafor", "lee@cornerfoods.example"),
        ("Noor Haddad", "noor@lindgren.example"), ("Paul Adler", "paul@pier4.example"),
        ("Rosa Marin", "rosa@marin.example"), ("Tove Berg", "tove@lindgren.example"),
        ("Uli Krause", "uli@krause.example"), ("Wen Zhao", "wen@cornerfoods.example"),
        ("Yara Costa", "yara@pier4.example"), ("Zoe Martin", "zoe@martin.example"), ("Aiko Sato", "aiko@sato.example"),
        ("Bruno Silva", "bruno@marin.example"),
    ]
    static let problems: [Problem] = [
        Problem(
            subject: "Scanner sends empty pages",
            question: "Since this morning every page I scan arrives white. The copies are fine.",
            answer: "The scanner's glass for single sheets was dirty. I have cleaned it; please try once more.",
            topic: "Report a problem"),
        Problem(
            subject: "Cannot sign in after the holiday",
            question: "My password is refused, and the page says my account is locked.",
            answer:
                """
                The account was locked after five tries. I have unlocked it; the link in the other mail sets a new \
                password.
                """,
            topic: "Report a problem"),
        Problem(
            subject: "Printer queue stuck",
            question: "Eleven jobs stand in the queue and nothing comes out. Turning it off and on did not help.",
            answer: "The driver was two versions old. I have updated it and printed a test page.",
            topic: "Report a problem"),
        Problem(
            subject: "New laptop for a colleague",
            question: "Tove starts on the first of the month and needs a laptop with the drawing program.",
            answer: "It is ready and waits at the front desk, with the program installed.", topic: "General question"),
        Problem(
            subject: "Invoice shows the old address",
            question: "We moved in spring, and the invoice of this month still names Pier 3.",
            answer: "I have corrected the address and sent the invoice again.", topic: "Invoice or payment"),
        Problem(
            subject: "Wireless drops in meeting room 2",
            question: "Every call breaks off after some minutes, but only in that room.",
            answer: "The access point had chosen a crowded channel. It is on a free one now.", topic: "Network"),
        Problem(
            subject: "Shared folder is read-only",
            question: "Since the update nobody in our team can save to the shared folder.",
            answer: "The update had reset the group's rights. They are back.", topic: "Network"),
        Problem(
            subject: "How do I forward my telephone?", question: "I am away next week and want calls to go to Noor.",
            answer: "Dial *21, Noor's number and #. To end it, dial #21#.", topic: "General question"),
        Problem(
            subject: "Charged twice for October",
            question: "Our statement shows the October fee on the 2nd and again on the 5th.",
            answer: "The second charge was ours in error. It is refunded and arrives within three days.",
            topic: "Invoice or payment"),
        Problem(
            subject: "Backup has failed three nights",
            question: "The report says that the volume is full. Nobody has looked since Monday.",
            answer: "Old copies were not being removed. I have freed space, and last night's backup is whole.",
            topic: "Network"),
        Problem(
            subject: "Monitor flickers", question: "The left monitor goes black for a second every few minutes.",
            answer: "It was the cable. A new one is on your desk.", topic: "Report a problem"),
        Problem(
            subject: "Card payments refused at the tills",
            question: "Both tills refuse cards since ten. Customers are leaving, this is urgent.",
            answer: "The terminal's certificate had run out. The new one is in, and payments go through.",
            topic: "Urgent problem"),
        Problem(
            subject: "Whole office offline",
            question:
                "Nobody here can reach anything: mail, the shop system, phones. The box with the blue lights is dark.",
            answer:
                """
                The provider had a fault in the whole street. You were on the spare line within the hour, and the \
                fault is mended.
                """,
            topic: "Urgent problem"),
    ]

    /// Most are weeks old, the last ones of today, in seconds.
    static func age(of number: Int) -> TimeInterval {
        let left = Double(tickets - number)
        return left * left / Double(tickets) * 0.35 * 86400 + 1800
    }
}

extension Transaction {
    fileprivate func at(_ moment: Date) -> Transaction {
        Transaction(db: db, now: moment, office: office, settings: settings)
    }

    fileprivate func hireDemoCompany(passwordHash: String) throws {
        _ = try change(["name": "Harbour IT"])
        for name in ["Network", "Billing"] {
            _ = try add(["name": .string(name), "service_level": "Standard"], to: Resource.departments)
        }
        for person in DemoCompany.people {
            _ = try addAgent(
                email: person.email, name: person.name, role: person.role, departments: person.departments,
                passwordHash: passwordHash)
        }
        _ = try add(
            [
                "name": "Front line", "lead": "ben@harbour.example",
                "members": ["ada@harbour.example", "ben@harbour.example", "cyd@harbour.example"],
            ], to: Resource.teams)
        _ = try add(
            ["name": "Network leads", "lead": "eve@harbour.example", "members": ["eve@harbour.example"]],
            to: Resource.teams)
        for department in try db.rows(of: Resource.departments, limit: 10) {
            let isBilling = department.fields.contains { $0.value == "Billing" }
            let changes: [String: JSON] = [
                "supervisor": "sam@harbour.example", "escalation_team": isBilling ? .null : "Network leads",
            ]
            _ = try change(department.id, of: Resource.departments, changes)
        }
        _ = try add(
            ["name": "Network", "description": "Wireless, folders, backup", "department": "Network", "position": 4],
            to: Resource.topics)
        _ = try add(
            [
                "name": "Invoice or payment", "description": "What we charged, and when", "department": "Billing",
                "position": 5,
            ], to: Resource.topics)
        _ = try add(["name": "Harbour Logistics", "domains": ["pier4.example"]], to: Resource.organizations)
        _ = try add(["name": "Corner Foods", "domains": ["cornerfoods.example"]], to: Resource.organizations)
        _ = try add(["name": "Lindgren AB", "domains": ["lindgren.example"]], to: Resource.organizations)
        _ = try add(
            [
                "name": "Ask for a picture",
                "body": "Hello {{customer.name}},\n\ncould you send us a picture of what you see?",
            ], to: Resource.cannedReplies)
        _ = try add(
            [
                "name": "Restart and tell us",
                "body":
                    "Hello {{customer.name}},\n\nplease restart the device once and tell us whether it happens again.",
            ], to: Resource.cannedReplies)
        let articles: [(String, String, String, String)] = [
            (
                "forward-your-telephone", "Forward your telephone", "Telephone",
                "Dial **\\*21**, the number that is to ring, and **#**.\n\nTo end it, dial **#21#**."
            ),
            (
                "set-a-new-password", "Set a new password", "Accounts",
                """
                1. Open the sign-in page.\n2. Choose *I forgot my password*.\n3. Follow the link in the mail \
                within the hour.
                """
            ),
            (
                "when-the-provider-is-down", "When the provider is down", "Network",
                """
                Look at the box with the blue lights:\n\n| light | meaning |\n|---|---|\n| steady | all is well \
                |\n| blinking | it is connecting |\n| dark | write to us as *Urgent problem* |
                """
            ),
            (
                "clean-the-scanner", "Pages come out white or striped", "Printers",
                "Wipe the narrow glass beside the large one with a dry cloth. It is the one that reads single sheets."
            ),
        ]
        for (slug, title, category, body) in articles {
            _ = try add(
                ["slug": .string(slug), "title": .string(title), "category": .string(category), "body": .string(body)],
                to: Resource.articles)
        }
    }

    /// One ticket lives as far as its age allows: asked, taken up, answered, sometimes escalated, solved, closed,
    /// rated.
    fileprivate func liveDemoTicket(_ number: Int, bornAt: Date, until end: Date) throws {
        let problem = DemoCompany.problems[number % DemoCompany.problems.count]
        let customer = DemoCompany.customers[(number * 5 + number / 7) % DemoCompany.customers.count]
        guard let requester = MailAddress(name: customer.name, customer.email) else { return }
        let fate = number % 20
        let source: Source = [.email, .email, .web, .email, .api, .phone][number % 6]
        var request = NewTicket(
            requester: requester, subject: problem.subject, writing: Writing(problem.question, type: .text),
            source: source)
        request.topic = .name(problem.topic)
        request.priority = fate == 3 ? .high : fate == 9 ? .low : nil
        request.tags = number % 9 == 0 ? ["vip"] : []
        var (ticket, _) = try at(bornAt).open(request, by: nil)
        if fate == 17, bornAt + 3600 < end { return try at(bornAt + 3600).markSpam(&ticket, by: .routing) }

        let eligible = try db.agents(of: ticket.department.id).filter { $0.role == .agent }
        guard !eligible.isEmpty, bornAt + 2700 < end, fate != 16 || bornAt + 86400 < end else { return }
        let agent = eligible[(number + number / 3) % eligible.count]
        let actor = Actor(agent)
        var step = at(bornAt + 2400)
        try step.claim(&ticket, by: agent)
        _ = try step.reply(
            to: &ticket,
            Writing(
                "Hello \(customer.name.split(separator: " ")[0]),\n\nthank you for writing. I am looking into it.",
                type: .text), by: actor, files: [], source: .web)
        if number % 4 == 1 {
            _ = try step.note(
                on: &ticket, Writing("The same as last month on the other floor.", type: .text), by: actor, files: [],
                source: .web)
        }
        if fate == 5, bornAt + 7200 < end {
            try at(bornAt + 7200).escalate(&ticket, by: actor, reason: "the whole team waits for it")
        }
        if fate == 11 || fate == 2, bornAt + 86400 * 20 > end {
            return try at(bornAt + 2500).pause(&ticket, as: .waiting, by: actor, reason: "asked for a picture")
        }
        if fate == 13, bornAt + 86400 * 20 > end {
            return try at(bornAt + 2500).pause(&ticket, as: .held, by: actor, reason: "the part is ordered")
        }
        guard bornAt + 86400 < end else { return }

        step = at(bornAt + 80000)
        try step.resolve(&ticket, by: actor, solution: Writing(problem.answer, type: .text), source: .web)
        guard bornAt + 86400 * 2 < end, fate != 7 || bornAt + 86400 * 6 < end else { return }
        try at(bornAt + 86400 * 1.5).confirm(
            &ticket, by: Actor(.customer, id: ticket.customer.number, name: customer.name, address: customer.email))
        if number % 3 == 0, let survey = try db.latestSurvey(of: ticket.id),
            let rating = Rating(rawValue: [5, 4, 5, 3, 5, 2, 4, 1][number / 3 % 8])
        {
            let comment =
                rating.rawValue <= 2
                ? "It took too long." : rating == .excellent ? "Quick and friendly, thank you!" : ""
            _ = try at(bornAt + 86400 * 1.6).rate(survey.id, rating, comment: comment)
            if rating.rawValue <= 2, number % 2 == 1 {
                _ = try at(bornAt + 86400 * 1.8).review(
                    survey.id, note: "Talked about it in the Monday round.", by: actor)
            }
        }
        if fate == 1, bornAt + 86400 * 3 < end {
            let author = Author(.customer, id: ticket.customer.number, name: customer.name, address: customer.email)
            _ = try at(bornAt + 86400 * 2.5).receive(
                Writing("I am sorry, it is back.", type: .text), in: try db.ticket(ticket.id), by: author, files: [],
                source: .email)
        }
    }

    /// What fell due in the demo's past is done now, and nothing of that past is ever mailed.
    fileprivate func settleDemo() throws {
        for id in try db.query(
            "SELECT id FROM ticket WHERE watch_at <= \(now) ORDER BY id", { try $0.read(Ticket.ID.self) })
        { try markOverdue(id) }
        for _ in 0..<10 {
            let due = try db.query(
                "SELECT id FROM job WHERE due_at <= \(now) ORDER BY due_at", { try $0.read(Int64.self) })
            if due.isEmpty { break }
            for id in due { try perform(id) }
        }
        try db.execute(
            """
            UPDATE outbox SET state = 'sent', due_at = NULL, sent_at = created_at + 1000, attempts = 1
            WHERE due_at IS NOT NULL
            """
        )
    }
}
