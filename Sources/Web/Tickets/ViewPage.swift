import Desk
import Domain
import Markup
import Primitives

/// What can be done with the whole of a search or a view.
func viewLinks(_ desk: DeskFrame, _ view: ListView) -> HTML? {
    let t = desk.t
    guard view.list == nil, view.fault == nil else { return nil }
    var links: [HTML] = []
    func link(_ path: Path, _ title: String, _ icon: Icon, isDialog: Bool = false) {
        let dialog: HTML? = isDialog ? " data-dialog" : nil
        links.append("<a class=\"button plain\"\(dialog) href=\"\(href: path)\">\(icon.html)\(title)</a>")
    }
    if let saved = view.saved {
        let id = saved.id.description
        if view.maySet {
            link(Path("desk", "views", id, "edit"), t("Edit view"), .gear, isDialog: true)
            link(Path("desk", "views", id, "remove"), t("Remove view"), .x, isDialog: true)
        }
        link(
            ListPosition(view.position.source, order: view.position.order).path([("format", "csv")]), t("Export CSV"),
            .down)
    } else if let text = view.position.search {
        link(Path("desk", "search", "help"), t("How to search"), .info)
        if !text.isEmpty {
            let search = [("query", text), ("sort", view.order.rawValue)]
            if desk.works {
                link(Path("desk", "views", "new", query: search), t("Save as view"), .star, isDialog: true)
            }
            link(Path("desk", "search", query: search + [("format", "csv")]), t("Export CSV"), .down)
        }
    }
    return "<span class=\"row end\">\(links)</span>"
}

/// Where a view is made or changed.
///
/// - Parameter view: nil where it is a new one.
func viewPage(
    _ desk: DeskFrame, _ inputs: ResourceForm, _ view: SavedView?, _ values: [String: JSON],
    _ returned: ResourceForm.Returned? = nil
) -> HTML {
    let t = desk.t
    let title = view == nil ? t("Save as view") : t("Edit view")
    let back: Path =
        view.map { ListPosition(.view($0.id)).path }
        ?? Path("desk", "search", query: [("query", returned?.typed["query"] ?? values["query"]?.text ?? "")])
    let address = Path(["desk", "views"] + (view.map { [$0.id.description, "edit"] } ?? ["new"]))
    let fields = inputs.html(values, returned)
    let buttons: HTML = """
        <div class="row"><button class="button primary">\(view == nil ? t("Save view") : t("Save changes"))</button>\
        <a class="button" data-cancel href="\(href: back)">\(t("Cancel"))</a></div>
        """
    let whole = form(address, csrf: desk.csrf, "\(fields)\(buttons)")
    return deskPage(
        title, desk, at: view.map { .view($0.id) } ?? .search,
        """
        <main class="sheet" id="content"><h1>\(title)</h1>\
        \(whole)</main>
        """)
}

/// All views there are for an agent.
func viewsPage(_ desk: DeskFrame, said words: String?) -> HTML {
    let t = desk.t
    let rows: [HTML] = desk.views.all.map { view in
        let audience: String =
            switch view.audience {
            case .agent: t("Only you")
            case .team: t("Team {0}", view.team ?? "")
            case .everyone: t("Everyone")
            }
        return """
            <tr><th scope="row"><a href="\(href: ListPosition(.view(view.id)).path)" dir="auto">\(view.name)</a></th>\
            <td dir="auto">\(audience)</td><td><code>\(view.query)</code></td></tr>
            """
    }
    let table: HTML =
        rows.isEmpty
        ? """
        <p class="empty">\
        \(t("No views yet. Search for tickets, then choose “Save as view” to find them again here."))</p>
        """
        : """
        <div class="scroll-x" tabindex="0" role="region" aria-label="\(t("Views"))"><table class="figures full">\
        <thead><tr><th scope="col">\(t("Name"))</th><th scope="col">\(t("Visible to"))</th>\
        <th scope="col">\(t("Query"))</th></tr></thead><tbody>\(rows)</tbody></table></div>
        """
    let add: HTML? =
        desk.works
        ? "<a class=\"button primary\" href=\"\(href: Path("desk", "views", "new"))\">\(t("New view"))</a>" : nil
    return deskPage(
        t("Views"), desk, at: .views,
        """
        <main class="sheet broad" id="content"><div class="row spread wrap"><h1>\(t("Views"))</h1>\(add)</div>\
        \(said(words))\(table)</main>
        """)
}
