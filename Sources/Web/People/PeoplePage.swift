import Desk
import Domain
import Foundation
import HTTPTypes
import Hummingbird
import Markup
import Store

/// Customers and colleagues, for agents.
enum PeopleRoutes {
    static var routes: [Route] { [.get("/desk/people", for: .agent(.viewer), show)] }

    @Sendable private static func show(_ call: Call) async throws -> Response {
        let desk = try await call.deskFrame()
        let query = call.query("query") ?? ""
        let before = try call.cursor()
        let (customers, agents) = try await call.desk.read(.search) { db in
            (
                try db.customers(matching: query, for: .agent(desk.agent), before: before, limit: 51),
                try db.workingAgents()
            )
        }
        return Page.response(peoplePage(desk, customers, agents, query: query))
    }
}

func peoplePage(_ desk: DeskFrame, _ customers: [CustomerItem], _ agents: [Agent], query: String) -> HTML {
    let t = desk.t
    let rows: [HTML] = customers.prefix(50).map { customer in
        """
        <tr><th scope="row"><a \
        href="\(href: Path("desk", "search", query: [("query", "from:\(customer.addresses.first ?? "")")]))">\
        \(customer.name.isEmpty ? customer.addresses.first ?? "" : customer.name)</a></th>\
        <td class="cut">\(customer.addresses.joined(separator: ", "))</td><td>\(customer.organization)</td></tr>
        """
    }
    let next: HTML? =
        customers.count > 50
        ? """
        <a class="button" rel="next" \
        href="\(href: Path("desk", "people", query: [("query", query), ("cursor", String(customers[49].id.number))]))">\
        \(t("More"))</a>
        """
        : nil
    let staff: [HTML] = agents.map { agent in
        let away: HTML? = agent.isAway ? " <span class=\"chip risk\">\(t("away"))</span>" : nil
        return
            """
            <li class="row">\(face(agent.name))<span class="cut"><strong>\(agent.name)</strong> \
            <span class="quiet small">\(t.role(agent.role)) · \(agent.email)</span>\(away)</span></li>
            """
    }
    return deskPage(
        t("People"), desk, at: .people,
        """
        <main class="sheet broad" id="content"><h1>\(t("People"))</h1>\
        <form class="row" role="search" action="\(href: Path("desk", "people"))">\
        <label class="unseen" for="who">\(t("Name or address"))</label>\
        <input class="search grow" id="who" name="query" type="search" value="\(query)" \
        placeholder="\(t("Name or address"))"><button class="button">\(t("Search"))</button></form>\
        <section><h2>\(t("Customers"))</h2><div class="scroll-x" tabindex="0" role="region" \
        aria-label="\(t("Customers"))"><table class="figures full"><thead><tr><th scope="col">\(t("Name"))</th>\
        <th scope="col">\(t("Email"))</th><th scope="col">\(t("Organization"))</th></tr></thead>\
        <tbody>\(rows)</tbody></table></div>\(next)</section>\
        <section><h2>\(t("Colleagues"))</h2><ul class="plain stack">\(staff)</ul></section></main>
        """)
}
