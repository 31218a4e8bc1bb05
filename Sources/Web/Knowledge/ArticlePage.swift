import Desk
import Foundation
import Markup

func articlesPage(_ frame: Frame, _ articles: [Article], query: String) -> HTML {
    let t = frame.t
    // What was searched for stands in the order of how well it answers.
    let sections: HTML =
        query.isEmpty
        ? "<div class=\"topics\">\(byCategory(articles, under: false, t))</div>"
        : "<ul class=\"requests\">\(articles.map(articleItem) as [HTML])</ul>"
    let nothing = query.isEmpty ? t("There are no articles yet.") : t("We found no article about this.")
    let none: HTML =
        """
        <p class="quiet">\(nothing) <a href="\(href: Path("tickets", "new"))">\(t("Send us a request"))</a></p>
        """
    return portalPage(
        t("Articles"), frame, at: .help,
        """
        <section class="hero"><h1>\(t("Articles"))</h1>\(articleSearch(Path("kb"), query, t))</section>\
        \(articles.isEmpty ? none : sections)
        """)
}

func articlePage(_ frame: Frame, _ article: Article) -> HTML {
    let t = frame.t
    return portalPage(
        article.title, frame, at: .help,
        """
        <div class="reading"><div class="stack"><nav class="crumbs" aria-label="\(t("Breadcrumb"))">\
        \(Icon.left.html)<a href="\(href: Path("kb"))">\(t("Articles"))</a>\
        \(article.category.isEmpty ? nil : "<span>/ \(article.category)</span>" as HTML)</nav>\
        <h1>\(article.title)</h1></div><article class="prose">\(Markdown.html(article.body))</article>\
        <p class="quiet">\(t("Last changed")) \(moment(article.updatedAt))</p>\
        <p class="promise">\(Icon.chat.html)<a href="\(href: Path("tickets", "new"))">\
        \(t("Not what you were looking for? Write to us."))</a></p></div>
        """)
}
