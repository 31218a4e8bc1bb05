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
        sections += "<section><h2>\(title.isEmpty ? t("General") : title)</h2><ul class=\"plain\">\(items)</ul></section>"
        items = []
    }
    let ordered = query.isEmpty ? articles : articles.sorted { ($0.category, $0.title) < ($1.category, $1.title) }
    for article in ordered {
        if article.category != category {
            end()
            category = article.category
        }
        items.append("<li><a href=\"\(href: Path("kb", article.slug))\">\(article.title)</a></li>")
    }
    end()
    let none: HTML? = articles.isEmpty ? "<p class=\"quiet\">\(t("No article answers that yet. Write to us and we will."))</p>" : nil
    return portalPage(
        t("Articles"), frame,
        """
        <h1>\(t("Articles"))</h1><form role="search" action="\(href: Path("kb"))"><label class="unseen" for="query">\(t("Search the articles"))</label>\
        <input class="search" id="query" name="query" type="search" value="\(query)" placeholder="\(t("Say it in your own words"))"></form>\(sections)\(none)
        """)
}

func articlePage(_ frame: Frame, _ article: Article) -> HTML {
    let t = frame.t
    return portalPage(
        article.title, frame,
        """
        <article class="prose"><p class="small quiet"><a href="\(href: Path("kb"))">\(t("Articles"))</a> \(article.category.isEmpty ? nil : "· \(article.category)" as HTML)</p>\
        <h1>\(article.title)</h1>\(Markdown.html(article.body))<p class="small quiet">\(t("Last changed")) \(moment(article.updatedAt))</p></article>\
        <p class="small"><a href="\(href: Path("tickets", "new"))">\(t("Not what you were looking for? Write to us."))</a></p>
        """)
}
