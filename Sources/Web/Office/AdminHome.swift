import Desk
import Domain
import Foundation
import Markup
import Primitives

/// What needs an administrator's attention, told on the cards it belongs to.
struct Attention: Sendable {
    /// Emails that wait, and those that could not be delivered.
    var waiting = 0
    var failingServers = 0
    var quarantined = 0
}

/// Everything that is set up, in six groups; an administrator types into the field and sees only what fits.
func adminPage(_ desk: DeskFrame, _ attention: Attention, sends: Bool, steps: FirstSteps?) -> HTML {
    let t = desk.t
    let warning: HTML? = sends || steps != nil ? nil : noMailServer(t)
    let groups: [HTML] = AdminGroup.all(t).map { group in
        let items: [HTML] = group.items.map { item in
            """
            <li><a href="\(href: item.path)"><b>\(item.title)</b><span class="quiet">\(item.about)</span>\
            \(badge(item.path, attention, t))</a></li>
            """
        }
        return "<section class=\"card\"><h2>\(group.icon.html)\(group.title)</h2><ul>\(items)</ul></section>"
    }
    return deskPage(
        t("Administration"), desk, at: .administration,
        """
        <main class="sheet broad" id="content"><div class="page-head"><h1>\(t("Administration"))</h1>\
        <div class="search script-only">\(Icon.search.html)<label class="unseen" for="settings-search">\
        \(t("Search settings"))</label><input type="search" id="settings-search" data-filter=".groups li" \
        placeholder="\(t("Search settings"))"></div></div>\
        \(steps.map { firstSteps($0, desk, from: "admin") })\(warning)<div class="groups">\(groups)</div></main>
        """)
}

private func badge(_ path: Path, _ attention: Attention, _ t: Language) -> HTML? {
    switch path {
    case Path("admin", "outbox") where attention.failingServers > 0:
        "<span class=\"badge\">\(t("Failing"))</span>"
    case Path("admin", "outbox") where attention.waiting > 0:
        "<span class=\"badge risk\">\(t("{0} queued", String(attention.waiting)))</span>"
    case Path("admin", "quarantine") where attention.quarantined > 0:
        "<span class=\"badge\">\(attention.quarantined)</span>"
    default: nil
    }
}

/// Pages of the administration that belong together.
private struct AdminGroup {
    struct Item {
        let path: Path
        let title: String
        let about: String
    }
    let icon: Icon
    let title: String
    let items: [Item]

    static func all(_ t: Language) -> [AdminGroup] {
        func resource(_ path: String) -> Item {
            let about = Resource.all.first { $0.path == path }
            return Item(path: Path("admin", path), title: t(about?.title ?? path), about: t(about?.summary ?? ""))
        }
        func page(_ path: String, _ title: String, _ about: String) -> Item {
            Item(path: Path("admin", path), title: title, about: about)
        }
        return [
            AdminGroup(
                icon: .users, title: t("People"),
                items: ["agents", "teams", "departments", "customers", "organizations"].map(resource)),
            AdminGroup(
                icon: .route, title: t("Routing"),
                items: ["topics", "service-levels", "schedules", "views"].map(resource)),
            AdminGroup(
                icon: .mail, title: t("Email"),
                items: [
                    resource("mailboxes"),
                    page("mail-texts", t("Email templates"), t("The emails that Usher sends, and their wording")),
                    page("outbox", t("Outgoing email"), t("Emails that are waiting, and those that failed")),
                    page("quarantine", t("Quarantine"), t("Messages that couldn't be imported, and why")),
                    page("intake", t("Email log"), t("Every incoming message, what happened to it, and why")),
                ]),
            AdminGroup(
                icon: .book, title: t("Knowledge"),
                items: [
                    Item(
                        path: Path("desk", "kb"), title: t("Articles"), about: t("What customers and agents can read")),
                    Item(
                        path: Path("desk", "canned-replies"), title: t("Canned replies"),
                        about: t("Reusable replies to frequent questions")),
                ]),
            AdminGroup(
                icon: .shield, title: t("Security"),
                items: [
                    page("keys", t("API keys"), t("Access for programs that use the API")), resource("bans"),
                    resource("dkim-keys"),
                ]),
            AdminGroup(
                icon: .server, title: t("System"),
                items: [page("settings", t("Settings"), t("Name, email, urgent words, closing and reopening times"))]),
        ]
    }
}
