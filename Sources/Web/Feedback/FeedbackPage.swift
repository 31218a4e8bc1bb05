import Desk
import Domain
import Foundation
import HTTPTypes
import Hummingbird
import Mail
import Markup
import Primitives
import Store

/// The feedback board: averages, answers, what was done about them.
enum FeedbackBoard {
    static var routes: [Route] {
        [
            .get("/desk/feedback", for: .agent(.viewer)) { try await show($0, nil) },
            .post("/desk/feedback/:id/review", for: .agent(.agent), review),
            .post("/desk/feedback/:id/follow-up", for: .agent(.agent), followUp),
        ]
    }

    /// A form of one answer that came back with a fault.
    struct Again {
        let survey: Int64
        let typed: String
        let fault: Fault
    }

    private static func show(_ call: Call, _ again: Again?) async throws -> Response {
        let desk = try await call.deskFrame()
        let before = try call.cursor()
        let filter = try await call.desk.read { try call.feedbackFilter($0) }
        let asker = Asker.agent(desk.agent)
        var board = try await call.desk.read(.report) { db -> FeedbackView in
            var view = FeedbackView(items: try db.feedback(filter, for: asker, before: before, limit: 31))
            view.all = try db.averages(filter, by: .all, for: asker).first
            view.months = try db.averages(filter, by: .month, for: asker)
            view.departments = try db.averages(filter, by: .department, for: asker)
            view.agents = try db.averages(filter, by: .agent, for: asker)
            return view
        }
        board.choices = try await call.desk.choices.choices(on: call.desk)
        let said: String? =
            switch call.query("said") {
            case "reviewed": desk.t("Marked as reviewed.")
            case "followed": desk.undoables.isEmpty ? desk.t("Reply sent.") : nil
            default: nil
            }
        let given = ["from", "to", "department", "agent", "rating", "reviewed"].reduce(into: [String: String]()) {
            $0[$1] = call.query($1)
        }
        return Page.response(
            again == nil ? .ok : .unprocessableContent, feedbackPage(desk, board, given: given, said: said, again))
    }

    @Sendable private static func review(_ call: Call) async throws -> Response {
        let form = try await call.form()
        let (id, agent) = (Survey.ID(try call.number("id")), try call.agent())
        try await call.desk.write { tx in
            try tx.require(id, visibleTo: .agent(agent))
            _ = try tx.review(id, note: form["note"] ?? "", by: Actor(agent))
        }
        return Page.see(Path("desk", "feedback", query: [("said", "reviewed")]))
    }

    @Sendable private static func followUp(_ call: Call) async throws -> Response {
        let form = try await call.form()
        let (id, agent) = (Survey.ID(try call.number("id")), try call.agent())
        let kind = form["kind"].flatMap { Transaction.FollowUpKind(rawValue: $0) } ?? .reply
        let body = form["body"] ?? ""
        do {
            try await call.desk.write { tx in
                try tx.require(id, visibleTo: .agent(agent))
                let followed = try tx.followUp(id, kind, subject: nil, Writing(body, type: .text), by: Actor(agent))
                guard let entry = try tx.db.latestReply(in: followed.id) else { return }
                try tx.holdBack(entry, of: followed.id, by: agent.id)
            }
        } catch Refusal.invalid(let faults) {
            return try await show(
                call, Again(survey: id.number, typed: body, fault: faults.first ?? Fault("body", .required)))
        } catch Refusal.conflict(let reason, _) {
            return try await show(
                call, Again(survey: id.number, typed: body, fault: Fault("body", .other(reason))))
        }
        var response = Page.see(Path("desk", "feedback", query: [("said", "followed")]))
        call.offerUndo(in: &response)
        return response
    }
}

struct FeedbackView: Sendable {
    let items: [FeedbackItem]
    var all: FeedbackAverage?
    var months: [FeedbackAverage] = []
    var departments: [FeedbackAverage] = []
    var agents: [FeedbackAverage] = []
    var choices = TicketChoices()
}

private func feedbackPage(
    _ desk: DeskFrame, _ view: FeedbackView, given: [String: String], said words: String?, _ again: FeedbackBoard.Again?
) -> HTML {
    let t = desk.t
    func averages(_ title: String, _ items: [FeedbackAverage]) -> HTML? {
        guard !items.isEmpty else { return nil }
        let rows: [HTML] = items.map { item in
            """
            <tr><th scope="row">\(item.name.isEmpty ? t("nobody") : item.name)</th><td>\
            <meter min="1" max="5" low="3" high="4" optimum="5" value="\(String(format: "%.2f", item.average))" \
            aria-label="\(item.name)"></meter></td>\
            <td class="num">\(String(format: "%.1f", item.average))</td><td class="num quiet">\(item.count)</td></tr>
            """
        }
        return
            "<section class=\"card\"><h2>\(title)</h2><table class=\"figures\"><tbody>\(rows)</tbody></table></section>"
    }
    let items: [HTML] = view.items.prefix(30).map { feedbackItem($0, desk, again) }
    let none: HTML? = items.isEmpty ? "<p class=\"quiet\">\(t("No ratings here yet."))</p>" : nil
    var more = given
    more["cursor"] = view.items.count > 30 ? String(view.items[29].survey.id.number) : nil
    let next: HTML? =
        view.items.count > 30
        ? """
        <a class="button" rel="next" \
        href="\(href: Path("desk", "feedback", query: more.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }))">\
        \(t("More"))</a>
        """
        : nil
    let total: HTML? = view.all.map {
        """
        <p class="quiet">\
        \($0.count == 1 ? t("{0} of 5, 1 rating", String(format: "%.1f", $0.average)) : t("{0} of 5 on average, {1} ratings", String(format: "%.1f", $0.average), String($0.count)))\
        </p>
        """
    }
    return deskPage(
        t("Feedback"), desk, at: .feedback,
        """
        <main class="sheet broad" id="content"><header class="row spread wrap"><div>\
        <h1>\(t("Feedback"))</h1>\(total)</div></header>\(said(words))\
        <form class="card filters" action="\(href: Path("desk", "feedback"))">\
        \(TextField(name: "from", label: t("From"), value: given["from"] ?? "", type: "date").html)\
        \(TextField(name: "to", label: t("To"), value: given["to"] ?? "", type: "date").html)\
        \(Choice(name: "department", label: t("Department"), options: [("", t("all"))] + view.choices.departments.map { (String($0.id.number), $0.name) }, chosen: given["department"] ?? "").html)\
        \(Choice(name: "agent", label: t("Agent"), options: [("", t("all"))] + view.choices.agents.map { ($0.email, $0.name) }, chosen: given["agent"] ?? "").html)\
        \(Choice(name: "rating", label: t("Rating"), options: [("", t("all")), ("1,2", t("negative")), ("3", t("neutral")), ("4,5", t("positive"))], chosen: given["rating"] ?? "").html)\
        \(Choice(name: "reviewed", label: t("Reviewed"), options: [("", t("all")), ("false", t("no")), ("true", t("yes"))], chosen: given["reviewed"] ?? "").html)\
        <button class="button">\(t("Filter"))</button></form>\
        <div class="cards">\(averages(t("By month"), view.months))\(averages(t("By department"), view.departments))\
        \(averages(t("By agent"), view.agents))</div>\
        <div class="stack">\(items)\(none)\(next)</div></main>
        """)
}

private func feedbackItem(_ item: FeedbackItem, _ desk: DeskFrame, _ again: FeedbackBoard.Again?) -> HTML {
    let t = desk.t
    let survey = item.survey
    let id = survey.id.number
    let isHere = again?.survey == id
    let reviewed: HTML =
        survey.reviewedAt == nil
        ? "<span class=\"chip\">\(t("not reviewed"))</span>"
        : "<span class=\"chip ok\">\(t("reviewed by {0}", item.reviewer ?? "API"))</span>"
    let note: HTML? = survey.reviewNote.isEmpty ? nil : "<p class=\"small quiet\">\(survey.reviewNote)</p>"
    let done: [HTML] = item.followUps.map {
        """
        <li>\($0.by ?? "API"): <a href="\(href: ticketPath($0.ticketNumber))">#\($0.ticketNumber)</a> \
        \(moment($0.at))</li>
        """
    }
    let followed: HTML? = done.isEmpty ? nil : "<ul class=\"plain small\">\(done)</ul>"
    let isOpen: HTML? = isHere ? " open" : nil
    let forms: HTML? =
        desk.works
        ? """
        <details><summary class="small">\(survey.reviewedAt == nil ? t("Mark as reviewed") : t("Edit note"))</summary>\(form(Path("desk", "feedback", String(id), "review"), csrf: desk.csrf, class: "stack roomy", """
            <div class="field"><label for="note-\(id)">\(t("Note for the team"))</label><textarea dir="auto" id="note-\(id)" name="note" rows="2">\(survey.reviewNote)</textarea></div><div class="row"><button class="button">\(t("Save"))</button></div>
            """))</details>\
        <details\(isOpen)><summary class="small">\(t("Follow up"))</summary>\(form(Path("desk", "feedback", String(id), "follow-up"), csrf: desk.csrf, class: "stack roomy", """
            <div class="field"><label for="kind-\(id)">\(t("Send as"))</label><select id="kind-\(id)" name="kind"><option value="reply">\(t("by a reply in the ticket"))</option><option value="ticket">\(t("in a new linked ticket"))</option></select></div>\
            <div class="field"><label for="body-\(id)">\(t("Message to the customer"))</label><textarea dir="auto" id="body-\(id)" name="body" rows="4">\(isHere ? again?.typed : nil)</textarea>\(isHere ? again.map { "<span class=\"fault\" role=\"alert\">\(t.fault($0.fault.problem))</span>" as HTML } : nil)</div>\
            <div class="row"><button class="button">\(t("Send"))</button></div>
            """))</details>
        """ : nil
    return """
        <article class="card" aria-label="\(t("Rating of #{0}", String(item.ticketNumber)))">\
        <div class="row spread wrap"><span><span class="stars" role="img" \
        aria-label="\(t("{0} of 5", String(survey.rating?.rawValue ?? 0)))">\(survey.rating?.stars)</span> \
        <strong>\(item.requesterName.isEmpty ? item.requesterAddress : item.requesterName)</strong></span>\
        <span class="row">\(reviewed)<span class="quiet small">\(survey.answeredAt.map(moment))</span></span></div>\
        \(survey.comment.isEmpty ? nil : "<p dir=\"auto\">\(survey.comment)</p>" as HTML?)\
        <p class="small quiet"><a href="\(href: ticketPath(item.ticketNumber))">#\(item.ticketNumber) \(item.subject)\
        </a> · \(item.department.name)\(item.agent.map { " · \($0.name)" as HTML })</p>\(note)\(followed)\(forms)\
        </article>
        """
}
