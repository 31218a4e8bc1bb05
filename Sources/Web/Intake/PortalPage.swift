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
        action(
            Path("tickets", "new", query: [("topic", String(topic.id.number))]), .chat, topic.name, topic.description)
    }
    let mine = action(
        Path("tickets"), .inbox, t("My requests"),
        mailsLinks ? t("We'll email you a link") : t("See the requests you sent"))
    let address: HTML? = address.map {
        "<p class=\"quiet\">\(t("You can also email us at")) <a href=\"mailto:\($0)\">\($0)</a></p>"
    }
    return portalPage(
        t("Help"), frame,
        """
        <section class="hero"><h1>\(t("How can we help?"))</h1>\(articleSearch(Path(), query, t))</section>\
        \(answers(found, some, t))<section class="stack" aria-labelledby="topics"><h2 id="topics">\(t("Contact us"))</h2>\
        <nav class="actions" aria-label="\(t("Topic"))">\(cards)\(mine)</nav>\(address)</section>
        """)
}

/// The field that looks into articles.
func articleSearch(_ path: Path, _ query: String, _ t: Language) -> HTML {
    """
    <form class="search" role="search" action="\(href: path)">\(Icon.search.html)\
    <label class="unseen" for="query">\(t("Search for help"))</label>\
    <input id="query" name="query" type="search" value="\(query)" placeholder="\(t("Search for help"))">\
    <button class="button primary">\(t("Search"))</button></form>
    """
}

private func action(_ path: Path, _ icon: Icon, _ title: String, _ about: String) -> HTML {
    let line: HTML? = about.isEmpty ? nil : "<span class=\"quiet\">\(about)</span>"
    return """
        <a class="action" href="\(href: path)"><span class="badge-icon">\(icon.html)</span><b>\(title)</b>\(line)</a>
        """
}

/// What was found; before anything was looked for, some articles by their categories.
private func answers(_ found: [Article]?, _ some: [Article], _ t: Language) -> HTML? {
    guard let found else {
        guard !some.isEmpty else { return nil }
        return """
            <section class="stack" aria-labelledby="articles"><div class="row"><h2 id="articles">\
            \(t("Popular articles"))</h2><a class="end" href="\(href: Path("kb"))">\(t("All articles"))</a></div>\
            <div class="topics">\(byCategory(some, under: true, t))</div></section>
            """
    }
    guard !found.isEmpty else {
        return """
            <p class="promise" role="status">\(Icon.info.html)\
            <span>\(t("We found no article about this. Send us a request below and we'll help."))</span></p>
            """
    }
    let items: [HTML] = found.map(articleItem)
    return """
        <section class="stack" aria-labelledby="articles"><h2 id="articles">\(t("Articles"))</h2>\
        <ul class="requests">\(items)</ul></section>
        """
}

/// Articles under the names of their categories, which stand together.
///
/// - Parameter under: whether they stand under a heading of their own.
func byCategory(_ articles: [Article], under: Bool, _ t: Language) -> [HTML] {
    var names: [String] = []
    for article in articles where !names.contains(article.category) { names.append(article.category) }
    return names.map { name in
        let items: [HTML] = articles.filter { $0.category == name }.map {
            "<li><a href=\"\(href: Path("kb", $0.slug))\">\($0.title)</a></li>"
        }
        let title = name.isEmpty ? t("General") : name
        let heading: HTML = under ? "<h3>\(title)</h3>" : "<h2>\(title)</h2>"
        return "<section>\(heading)<ul class=\"plain\">\(items)</ul></section>"
    }
}

func articleItem(_ article: Article) -> HTML {
    let category: HTML? = article.category.isEmpty ? nil : "<span class=\"quiet\">\(article.category)</span>"
    return """
        <li><a href="\(href: Path("kb", article.slug))"><span class="strong">\(article.title)</span>\(category)</a></li>
        """
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
        <div class="reading"><h1>\(typed.topic?.name ?? t("New request"))</h1>\
        \(typed.faults.isEmpty ? nil : "<p class=\"fault\" role=\"alert\">\(t("Check the marked fields. Everything you wrote is still here."))</p>" as HTML)
        \(form(Path("tickets", "new"), csrf: frame.csrf, files: true, keep: "new-ticket", """
            <div class="row bottom"><div class="grow">\(Choice(name: "topic", label: t("Topic"), options: options, chosen: typed.topic.map { String($0.id.number) } ?? "").html)</div>\
            <button class="button" name="choose" value="1" formnovalidate data-choose>\(t("Choose"))</button></div>
            <div class="pair">\(TextField(name: "name", label: t("Your name"), value: typed.name, autocomplete: "name", fault: fault("name")).html)\
            \(TextField(name: "email", label: t("Email"), value: typed.email, type: "email", autocomplete: "email", isRequired: true, fault: fault("email")).html)</div>
            \(TextField(name: "subject", label: t("Subject"), value: typed.subject, isRequired: true, fault: fault("subject")).html)
            \(own)\(TextArea(name: "body", label: t("Describe the problem"), value: typed.body, hint: t("What happened? Since when? What have you tried? Your draft is saved on this device."), isRequired: true, fault: fault("body")).html)
            \(fileField(t))\(fault("attachments").map { "<span class=\"fault\">\($0)</span>" as HTML })
            <div class="trap" aria-hidden="true"><label for="website">\(t("Leave this empty"))</label><input id="website" name="website" tabindex="-1" autocomplete="off"></div>
            <div class="row wrap send-row"><button class="button primary large">\(t("Send request"))</button><span class="quiet">\(t("We'll reply by email. You can follow your request online."))</span></div>
            """))</div>
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
