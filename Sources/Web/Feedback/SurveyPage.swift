import Desk
import Domain
import Foundation
import HTTPTypes
import Hummingbird
import Mail
import Markup
import Primitives
import Store

/// `/survey/TOKEN`: a star in the mail opens it with that rating chosen, one press sends it.
enum SurveyRoutes {
    static var routes: [Route] {
        [
            .get("/survey/:token", for: .signedLink, show),
            .post("/survey/:token", for: .signedLink, taking: .text, rate),
        ]
    }

    @Sendable private static func show(_ call: Call) async throws -> Response {
        let view = try await view(call)
        let chosen = call.query("rating").flatMap { Int($0) }.flatMap { Rating(rawValue: $0) } ?? view.survey.rating
        return Page.response(
            surveyPage(
                call.frame, view, chosen: chosen, comment: view.survey.comment, faults: [],
                isThanks: call.query("sent") != nil))
    }

    @Sendable private static func rate(_ call: Call) async throws -> Response {
        let token = try call.surveyToken()
        let form = try await call.form(csrfFor: try call.parameter("token"))
        let rating = form["rating"].flatMap { Int($0) }.flatMap { Rating(rawValue: $0) }
        let comment = form["comment"] ?? ""
        do {
            guard let rating else { throw Refusal.invalid("rating", .required) }
            _ = try await call.desk.write { try $0.rate(token.survey, rating, comment: comment) }
        } catch Refusal.invalid(let faults) {
            return Page.response(
                .unprocessableContent,
                surveyPage(
                    call.frame, try await view(call), chosen: rating, comment: comment, faults: faults, isThanks: false)
            )
        }
        return Page.see(Path("survey", try call.parameter("token"), query: [("sent", "1")]))
    }

    private static func view(_ call: Call) async throws -> SurveyView {
        let token = try call.surveyToken()
        let text = try call.parameter("token")
        return try await call.desk.read { [csrf = call.csrf(text)] db in
            let survey = try db.survey(token.survey)
            return SurveyView(survey: survey, ticket: try db.ticket(survey.ticket), token: text, csrf: csrf)
        }
    }
}

struct SurveyView: Sendable {
    let survey: Survey
    let ticket: Ticket
    let token: String
    let csrf: String
}

func surveyPage(_ frame: Frame, _ view: SurveyView, chosen: Rating?, comment: String, faults: [Fault], isThanks: Bool)
    -> HTML
{
    let t = frame.t
    let fault: HTML? = faults.first { $0.field == "rating" }.map { _ in
        "<p class=\"fault\" id=\"rating-fault\">\(t("Choose a rating."))</p>"
    }
    let ratings: [HTML] = Rating.allCases.reversed().map { rating in
        let checked: HTML? = rating == chosen ? " checked" : nil
        return """
            <label class="rating"><input type="radio" name="rating" value="\(rating.rawValue)"\(checked)> \
            <span aria-hidden="true">\(rating.stars)</span> \(t(rating.word))</label>
            """
    }
    return portalPage(
        t("How did we do?"), frame,
        """
        <div class="reading">\(said(isThanks ? t("Thanks for your rating. You can change it within a week.") : nil))\
        <header class="stack"><p class="quiet num">#\(view.ticket.number) \(view.ticket.subject)</p>\
        <h1>\(t("How did we do?"))</h1></header>
        \(form(Path("survey", view.token), csrf: view.csrf, """
            <fieldset class="ratings"><legend>\(t("Your rating"))</legend>\(ratings)</fieldset>\(fault)
            \(TextArea(name: "comment", label: t("Anything you'd like to add? (optional)"), value: comment, rows: 4, fault: faults.first { $0.field == "comment" }.map { t.fault($0.problem) }).html)
            <div class="row"><button class="button primary">\(t("Send rating"))</button></div>
            """))</div>
        """)
}
