import Desk
import Domain
import Foundation
import HTTPTypes
import Hummingbird
import Markup
import Primitives
import Store

/// What administrators do about one person beside changing their fields: a second factor reset, links taken back, a
/// customer erased.
enum PersonAdminRoutes {
    static var routes: [Route] {
        [
            .post("/admin/agents/:id/reset-two-factor", for: .agent(.administrator), resetSecondFactor),
            .post("/admin/agents/:id/password-link", for: .agent(.administrator), sendPasswordLink),
            .post("/admin/customers/:id/revoke-links", for: .agent(.administrator), revokeLinks),
            .get("/admin/customers/:id/erase", for: .agent(.administrator)) {
                try await askErasure($0, ErasureState())
            },
            .post("/admin/customers/:id/erase", for: .agent(.administrator), erase),
            .post(
                "/api/v1/customers/:id/revoke-links", for: .key(.full),
                .init(summary: "Revoke all request links emailed to this customer", status: 204),
                revokeLinksByKey),
            .post(
                "/api/v1/customers/:id/erase", for: .key(.full),
                .init(summary: "Erase a customer, with their tickets or without", input: "Erasure", status: 204),
                eraseByKey),
        ]
    }

    @Sendable private static func resetSecondFactor(_ call: Call) async throws -> Response {
        _ = try await call.form()
        let id = Agent.ID(try call.number("id"))
        try await call.desk.write { tx in
            guard let agent = try tx.db.agent(id) else { throw Refusal.notFound }
            try tx.resetSecondFactor(of: agent)
        }
        return Page.see(Path("admin", "agents", id.description, query: [("said", "reset")]))
    }

    /// The way to a new password: by email, or shown to be handed over where none goes out.
    @Sendable private static func sendPasswordLink(_ call: Call) async throws -> Response {
        _ = try await call.form()
        let id = Agent.ID(try call.number("id"))
        let (agent, link) = try await call.desk.write { tx in
            guard let agent = try tx.db.agent(id), agent.isActive else { throw Refusal.notFound }
            return (agent, try tx.invite(agent, kind: .passwordReset))
        }
        guard try await call.sendsMail() else {
            return Page.response(passwordLinkPage(try await call.deskFrame(), agent, link: link, isNew: false))
        }
        return Page.see(Path("admin", "agents", id.description, query: [("said", "mailed")]))
    }

    @Sendable private static func revokeLinks(_ call: Call) async throws -> Response {
        _ = try await call.form()
        let id = Customer.ID(try call.number("id"))
        try await call.desk.write { try $0.revokeLinks(of: id) }
        return Page.see(Path("admin", "customers", id.description, query: [("said", "revoked")]))
    }

    private static func askErasure(_ call: Call, _ state: ErasureState) async throws -> Response {
        let desk = try await call.deskFrame()
        guard let resource = Resource.all.first(where: { $0.path == "customers" }) else { throw Refusal.notFound }
        let row = try await call.desk.read { try $0.row(try call.number("id"), of: resource) }
        return Page.response(state.faults.isEmpty ? .ok : .unprocessableContent, erasurePage(desk, row, state))
    }

    @Sendable private static func erase(_ call: Call) async throws -> Response {
        let form = try await call.form()
        let id = Customer.ID(try call.number("id"))
        var state = ErasureState(
            address: form["address"] ?? "", tickets: form["tickets"].flatMap { ErasedTickets(rawValue: $0) })
        if state.tickets == nil { state.faults.append(Fault("tickets", .notChosen)) }
        guard try await call.desk.read({ [address = state.address] in try $0.isAddress(address, of: id) }) else {
            state.faults.append(
                Fault("address", .other(Sentence("This isn't an address of this customer. Check the spelling."))))
            return try await askErasure(call, state)
        }
        guard let tickets = state.tickets, state.faults.isEmpty else { return try await askErasure(call, state) }
        try await call.desk.write { try $0.erase(id, tickets: tickets) }
        return Page.see(Path("admin", "customers", query: [("said", "erased")]))
    }

    @Sendable private static func revokeLinksByKey(_ call: Call) async throws -> Response {
        // There is nothing to read in it, but what marks a retry must be as documented.
        _ = try await call.input()
        let id = Customer.ID(try call.number("id"))
        try await call.desk.write { tx in
            try call.require(.administrator, tx.db)
            try tx.revokeLinks(of: id)
        }
        return Response(status: .noContent)
    }

    @Sendable private static func eraseByKey(_ call: Call) async throws -> Response {
        var (input, _) = try await call.input()
        let id = Customer.ID(try call.number("id"))
        let tickets = input.choice("tickets", required: true, as: ErasedTickets.self)
        try input.finish()
        guard let tickets else { throw Refusal.invalid("tickets", .required) }
        try await call.desk.write { tx in
            try call.require(.administrator, tx.db)
            try tx.erase(id, tickets: tickets)
        }
        return Response(status: .noContent)
    }
}

/// What was chosen on the page that asks before it erases.
private struct ErasureState {
    var address = ""
    var tickets: ErasedTickets?
    var faults: [Fault] = []
}

private func erasurePage(_ desk: DeskFrame, _ row: ResourceRow, _ state: ErasureState) -> HTML {
    let t = desk.t
    func fault(_ field: String) -> String? { state.faults.first { $0.field == field }.map { t.fault($0.problem) } }
    var addresses: [String] = []
    if case .array(let items)? = row.fields.first(where: { $0.name == "emails" })?.value {
        addresses = items.compactMap(\.text)
    }
    let given = row.fields.first { $0.name == "name" }?.value.text ?? ""
    let name = given.isEmpty ? addresses.first ?? "#\(row.id)" : given
    func option(_ tickets: ErasedTickets, _ label: String) -> HTML {
        let checked: HTML? = state.tickets == tickets ? " checked" : nil
        return
            """
            <div class="tick"><input type="radio" id="tickets-\(tickets.rawValue)" name="tickets" \
            value="\(tickets.rawValue)" required\(checked)>\
            <label for="tickets-\(tickets.rawValue)">\(label)</label></div>
            """
    }
    let wrong: HTML? = fault("tickets").map { "<p class=\"fault\">\($0)</p>" }
    return deskPage(
        t("Erase {0}", name), desk, at: .administration,
        """
        <main class="sheet" id="content">\
        \(trail([(Path("admin"), t("Administration")), (Path("admin", "customers", String(row.id)), name)], t))\
        <h1>\(t("Erase {0}", name))</h1>\
        <p>\
        \(t("This removes the name, every address and note, sign-ins, links, original emails and the email log of this person. It can't be undone. Backups made earlier still hold the data."))\
        </p>\
        \(form(Path("admin", "customers", String(row.id), "erase"), csrf: desk.csrf, """
            <fieldset><legend>\(t("Requests of this customer"))</legend>\(wrong)\(option(.keep, t("Keep them without the person's data. What was written in them stays.")))\(option(.delete, t("Delete them with everything in them")))</fieldset>\
            \(TextField(name: "address", label: t("Type the email address to confirm"), value: state.address, hint: addresses.joined(separator: ", "), isRequired: true, fault: fault("address")).html)\
            <div class="row"><button class="button primary">\(t("Erase permanently"))</button><a class="button" href="\(href: Path("admin", "customers", String(row.id)))">\(t("Cancel"))</a></div>
            """))</main>
        """)
}

private func pressForm(_ path: Path, _ desk: DeskFrame, _ title: String) -> HTML {
    form(path, csrf: desk.csrf, class: "row", "<button class=\"button\">\(title)</button>")
}

extension Call {
    /// What stands above the form of an agent or a customer; nil for other resources.
    func personActions(_ resource: Resource, _ id: Int64, _ desk: DeskFrame) async throws -> HTML? {
        let t = desk.t
        func press(_ what: String, _ title: String) -> HTML {
            pressForm(Path("admin", resource.path, String(id), what), desk, title)
        }
        switch resource.path {
        case "agents":
            let words: String? =
                switch query("said") {
                case "reset": t("Two-factor authentication was reset.")
                case "mailed": t("A link to set a new password was emailed.")
                default: nil
                }
            let (agent, hasCodes) = try await self.desk.read {
                (try $0.agent(Agent.ID(id)), try $0.hasOneTimeCodes(Agent.ID(id)))
            }
            guard let agent, agent.isActive else { return said(words) }
            let label = try await sendsMail() ? t("Email a password link") : t("Create a password link")
            let done: HTML =
                """
                \(said(words))<section class="card roomy">\
                <p>\(t("A link lets this agent set a new password. It works once, within a day."))</p>\
                \(press("password-link", label))</section>
                """
            guard hasCodes else { return done }
            return
                """
                \(done)<section class="card roomy">\
                <p>\(t("Two-factor authentication is on for this agent."))</p>\
                \(press("reset-two-factor", t("Reset two-factor authentication")))</section>
                """
        case "customers":
            let done = said(query("said") == "revoked" ? t("Links revoked.") : nil)
            return """
                \(done)<section class="card roomy"><h2>\(t("Links to requests"))</h2>\
                <p class="small quiet">\
                \(t("Links in emails open this customer's requests without a password. Take them back if one got into the wrong hands; the next email carries a new one."))\
                </p>\(press("revoke-links", t("Revoke links")))\
                <h2>\(t("Erase customer"))</h2><p class="small quiet">\
                \(t("Remove this person's data for good, with their requests or without."))</p>\
                <p><a class="button" href="\(href: Path("admin", "customers", String(id), "erase"))">\
                \(t("Erase customer"))</a></p></section>
                """
        default: return nil
        }
    }
}
