import Desk
import Foundation
import Markup

func articlesPage(_ frame: Frame, _ articles: [Article], query: String) -> HTML {
    let t = frame.t
    var sections: HTML = ""
    var category: String?
    var items: [HTML] = []
    func end() {
        guard let title = category else { return }
        sections +=
            "<section><h2>\(title.isEmpty ? t("General") : title)</h2><ul class=\"plain\">\(items)</ul></section>"
        items = []
    }
    // What was searched for stands in the order of how well it answers.
    if !query.isEmpty, !articles.isEmpty {
        sections = "<ul class=\"plain\">\(articles.map(articleItem) as [HTML])</ul>"
    }
    for article in articles where query.isEmpty {
        if article.category != category {
            end()
            category = article.category
        }
        items.append("<li><a href=\"\(href: Path("kb", article.slug))\">\(article.title)</a></li>")
    }
    end()
    let nothing = query.isEmpty ? t("There are no articles yet.") : t("We found no article about this.")
    let none: HTML? =
        articles.isEmpty
        ? "<p class=\"quiet\">\(nothing) <a href=\"\(href: Path("tickets", "new"))\">\(t("Send us a request"))</a></p>"
        : nil
    return portalPage(
        t("Articles"), frame,
        """
        <h1>\(t("Articles"))</h1><form role="search" action="\(href: Path("kb"))">\
        <label class="unseen" for="query">\(t("Search for help"))</label>\
        <input class="search" id="query" name="query" type="search" value="\(query)" \
        placeholder="\(t("Search for help"))"></form>\(sections)\(none)
        """)
}

func articlePage(_ frame: Frame, _ article: Article) -> HTML {
    let t = frame.t
    return portalPage(
        article.title, frame,
        """
        <article class="prose"><p class="small quiet">\
        <a href="\(href: Path("kb"))">\(t("Articles"))</a> \
        \(article.category.isEmpty ? nil : "· \(article.category)" as HTML)</p>\
        <h1>\(article.title)</h1>\(Markdown.html(article.body))\
        <p class="small quiet">\(t("Last changed")) \(moment(article.updatedAt))</p></article>\
        <p class="small"><a href="\(href: Path("tickets", "new"))">\(t("Not what you were looking for? Write to us."))\
        </a></p>
        """)
}
