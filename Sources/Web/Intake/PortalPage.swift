import Desk
import Domain
import Foundation
import Markup

func homePage(
    _ frame: Frame, query: String, found: [Article]?, topics: [PublicTopic], some: [Article], address: String?,
    mailsLinks: Bool
) -> HTML {
    let t = frame.t
    let cards: [HTML] = topics.map { topic in
        """
        <a class="card" href="\(href: Path("tickets", "new", query: [("topic", String(topic.id.number))]))">\
        <strong>\(topic.name)</strong><span class="small quiet">\(topic.description)</span></a>
        """
    }
    var answers: HTML = ""
    if let found {
        let items: [HTML] = found.map(articleItem)
        answers =
            found.isEmpty
            ? """
            <section class="card" aria-live="polite">\
            <p>\(t("We found no article about this. Send us a request below and we'll help."))</p></section>
            """
            : "<section><h2>\(t("Articles"))</h2><ul class=\"plain\">\(items)</ul></section>"
    } else if !some.isEmpty {
        let items: [HTML] = some.map(articleItem)
        answers = "<section><h2>\(t("Popular articles"))</h2><ul class=\"plain\">\(items)</ul></section>"
    }
    return portalPage(
        t("Help"), frame,
        """
        <h1>\(t("How can we help?"))</h1>\
        <form role="search" action="\(href: Path())"><label class="unseen" for="query">\(t("Search for help"))</label>\
        <input class="search" id="query" name="query" type="search" value="\(query)" \
        placeholder="\(t("Search for help"))"></form>\(answers)\
        <nav class="cards" aria-label="\(t("Topic"))">\(cards)<a class="card" href="\(href: Path("tickets"))">\
        <strong>\(t("My requests"))</strong>\
        <span class="small quiet">\(mailsLinks ? t("We'll email you a link") : t("See the requests you sent"))</span>\
        </a></nav>\
        \(address.map { "<p class=\"small quiet\">\(t("Or write to")) <a href=\"mailto:\($0)\">\($0)</a></p>" as HTML })
        """)
}

func articleItem(_ article: Article) -> HTML {
    let category: HTML? = article.category.isEmpty ? nil : " <span class=\"quiet small\">\(article.category)</span>"
    return "<li><a href=\"\(href: Path("kb", article.slug))\">\(article.title)</a>\(category)</li>"
}

func newTicketPage(_ frame: Frame, _ typed: NewRequest, _ topics: [PublicTopic]) -> HTML {
    let t = frame.t
    func fault(_ field: String) -> String? { typed.fault(field).map(t.fault) }
    let options = [("", t("Please choose"))] + topics.map { (String($0.id.number), $0.name) }
    let own: [HTML] = (typed.topic?.fields ?? []).map {
        topicField($0, typed.fields[$0.key] ?? "", typed.fault("field-\($0.key)").map(t.fault), t)
    }
    return portalPage(
        typed.topic?.name ?? t("New request"), frame,
        """
        <h1>\(typed.topic?.name ?? t("New request"))</h1>\
        \(typed.faults.isEmpty ? nil : "<p class=\"fault\" role=\"alert\">\(t("Something is missing or wrong; nothing you wrote is lost."))</p>" as HTML)
        \(form(Path("tickets", "new"), csrf: frame.csrf, files: true, keep: "new-ticket", """
            <div class="row end"><div class="grow">\(Choice(name: "topic", label: t("Topic"), options: options, chosen: typed.topic.map { String($0.id.number) } ?? "").html)</div>\
            <button class="button" name="choose" value="1" formnovalidate data-choose>\(t("Choose"))</button></div>
            <div class="pair">\(TextField(name: "name", label: t("Your name"), value: typed.name, autocomplete: "name", fault: fault("name")).html)\
            \(TextField(name: "email", label: t("Email"), value: typed.email, type: "email", autocomplete: "email", isRequired: true, fault: fault("email")).html)</div>
            \(TextField(name: "subject", label: t("Subject"), value: typed.subject, isRequired: true, fault: fault("subject")).html)
            \(own)\(TextArea(name: "body", label: t("Description"), value: typed.body, hint: t("Your draft is saved on this device."), isRequired: true, fault: fault("body")).html)
            \(fileField(t))\(fault("attachments").map { "<span class=\"fault\">\($0)</span>" as HTML })
            <div class="trap" aria-hidden="true"><label for="website">\(t("Leave this empty"))</label><input id="website" name="website" tabindex="-1" autocomplete="off"></div>
            <div class="row spread wrap"><span class="small quiet">\(t("We'll reply by email. You can follow your request online."))</span><button class="button first">\(t("Send"))</button></div>
            """))
        """)
}

/// A question of a topic as the public form and the agent's form show it.
func topicField(_ field: TopicField, _ value: String, _ fault: String?, _ t: Language) -> HTML {
    let name = "field-\(field.key)"
    switch field.kind {
    case .line:
        return TextField(name: name, label: field.label, value: value, isRequired: field.isRequired, fault: fault).html
    case .number:
        return TextField(
            name: name, label: field.label, value: value, type: "text", isRequired: field.isRequired, fault: fault
        ).html
    case .text:
        return TextArea(
            name: name, label: field.label, value: value, rows: 3, isRequired: field.isRequired, fault: fault
        ).html
    case .choice:
        return Choice(
            name: name, label: field.label, options: [("", t("Please choose"))] + field.options.map { ($0, $0) },
            chosen: value, fault: fault
        ).html
    case .check:
        let wrong: HTML? = fault.map { "<span class=\"fault\">\($0)</span>" }
        return "<div>\(tick(name, field.label, isOn: !value.isEmpty))\(wrong)</div>"
    }
}
