import Desk
import Foundation
import HTTPTypes
import Hummingbird
import Markup
import Store

/// What came in by mail, for administrators: taken, added, seen before or set aside, and why.
enum IntakeLogRoutes {
    static var routes: [Route] {
        [
            .get("/admin/intake", for: .agent(.administrator), show),
            .get("/admin/intake/:id/message", for: .agent(.administrator), message),
            .post("/admin/intake/:id/again", for: .agent(.administrator), again),
        ]
    }
    static let outcomes = ["opened", "added", "bounced", "rejected"]

    @Sendable private static func show(_ call: Call) async throws -> Response {
        let desk = try await call.deskFrame()
        let (query, before) = (call.query("query") ?? "", try call.cursor())
        let outcome = call.query("outcome").flatMap { outcomes.contains($0) ? $0 : nil }
        let records = try await call.desk.read(.search) {
            try $0.intake(matching: query, outcome: outcome, before: before, limit: 101)
        }
        return Page.response(intakeLogPage(desk, records, query: query, outcome: outcome ?? ""))
    }

    @Sendable private static func again(_ call: Call) async throws -> Response {
        _ = try await call.form()
        let id = try call.number("id")
        _ = try await call.desk.takeInAgain(id)
        return Page.see(Path("admin", "intake"))
    }

    @Sendable private static func message(_ call: Call) async throws -> Response {
        let id = try call.number("id")
        return try await call.send(try await call.desk.read { try $0.receivedMessage(id) })
    }
}

func intakeLogPage(_ desk: DeskFrame, _ records: [IntakeRecord], query: String, outcome: String) -> HTML {
    let t = desk.t
    func word(_ outcome: String) -> String {
        switch outcome {
        case "opened": t("opened a ticket")
        case "added": t("added to a ticket")
        case "bounced": t("bounced")
        case "rejected": t("no ticket opened")
        default: t(outcome)
        }
    }
    let rows: [HTML] = records.prefix(100).map { record in
        let ticket: HTML? = record.ticket.map { "<a href=\"\(href: ticketPath($0))\">#\($0)</a>" }
        let subject = record.subject.flatMap { $0.isEmpty ? nil : $0 } ?? t("(no subject)")
        return """
            <tr><td>\(moment(record.at))</td><th scope="row">\(record.sender ?? t("Somebody"))</th>\
            <td dir="auto">\(subject)</td><td>\(word(record.outcome)) \(ticket)\
            <div class="small quiet">\(record.reason)</div></td>\
            <td>\
            \(record.outcome == "rejected" ? form(Path("admin", "intake", String(record.id), "again"), csrf: desk.csrf, class: "inline", "<button class=\"link\">\(t("Process again"))<span class=\"unseen\"> \(record.id)</span></button> ") : nil as HTML?)\
            <a href="\(href: Path("admin", "intake", String(record.id), "message"))">\(t("Original message"))\
            <span class="unseen"> \(record.id)</span></a></td></tr>
            """
    }
    let more: HTML? =
        records.count > 100
        ? """
        <a class="button" rel="next" \
        href="\(href: Path("admin", "intake", query: [("query", query), ("outcome", outcome), ("cursor", String(records[99].id))]))">\
        \(t("More"))</a>
        """
        : nil
    let none: HTML? = rows.isEmpty ? "<p class=\"quiet\">\(t("Nothing was found."))</p>" : nil
    return deskPage(
        t("Email log"), desk, at: .administration,
        """
        <main class="sheet broad" id="content"><p class="small">\
        <a href="\(href: Path("admin"))">\(t("Administration"))</a></p><h1>\(t("Email log"))</h1>\
        <form class="card filters" role="search" action="\(href: Path("admin", "intake"))">\
        \(TextField(name: "query", label: t("Sender or subject"), value: query, type: "search").html)\
        \(Choice(name: "outcome", label: t("Outcome"), options: [("", t("all"))] + IntakeLogRoutes.outcomes.map { ($0, word($0)) }, chosen: outcome).html)\
        <button class="button">\(t("Filter"))</button></form>\(none)\
        <div class="scroll-x" tabindex="0" role="region" aria-label="\(t("Email log"))"><table class="figures full">\
        <thead><tr><th scope="col">\(t("When"))</th><th scope="col">\(t("From"))</th>\
        <th scope="col">\(t("Subject"))</th>\
        <th scope="col">\(t("Outcome"))</th><th scope="col">\
        <span class="unseen">\(t("Original message"))</span></th></tr></thead>\
        <tbody>\(rows)</tbody></table></div>\(more)</main>
        """)
}
