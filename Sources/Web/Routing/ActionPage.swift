import Desk
import Foundation
import Markup

/// Where the form of an action's own page is shown without leaving the ticket.
func emptyDialog(_ t: Language) -> HTML {
    """
    <dialog id="action" aria-labelledby="action-title"><div class="row spread"><h2 id="action-title">\(t("What to do"))</h2><button type="button" class="button plain" data-close aria-label="\(t("Close"))">×</button></div><div data-form></div></dialog>
    """
}

func hasForm(_ action: TicketAction) -> Bool { !isPlain(action) && action != .removeAgent && action != .removeCollaborator }

/// What was chosen so far, and what is wrong with it.
struct ActionState {
    var values: [String: String] = [:]
    var faults: [Fault] = []
    func fault(_ field: String, _ t: Language) -> String? { faults.first { $0.field == field }.map { t.fault($0.problem) } }
}

/// The page of one action, for whoever has no script or made a mistake.
func actionPage(_ action: TicketAction, _ desk: DeskFrame, _ view: TicketView, _ state: ActionState) -> HTML {
    deskPage(
        desk.t.action(action), desk, at: .other,
        """
        <main class="sheet" id="content"><p class="small"><a href="\(href: ticketPath(view.ticket.number))">#\(view.ticket.number) \(view.ticket.subject)</a></p><h1>\(desk.t.action(action))</h1>\
        \(actionForm(action, desk, view, state))</main>
        """)
}

private func actionForm(_ action: TicketAction, _ desk: DeskFrame, _ view: TicketView, _ state: ActionState) -> HTML {
    let t = desk.t
    func line(_ name: String, _ label: String, required: Bool = false, type: String = "text") -> HTML {
        field(name, label, state.fault(name, t), "<input id=\"\(name)\" name=\"\(name)\" type=\"\(type)\" value=\"\(state.values[name] ?? "")\"\(required ? " required" : nil as HTML?)>")
    }
    func box(_ name: String, _ label: String, required: Bool = false) -> HTML {
        field(name, label, state.fault(name, t), "<textarea id=\"\(name)\" name=\"\(name)\" rows=\"5\"\(required ? " required" : nil as HTML?)>\n\(state.values[name] ?? "")</textarea>")
    }
    func choice(_ name: String, _ label: String, _ options: [(String, String)]) -> HTML {
        let items: [HTML] = options.map { "<option value=\"\($0.0)\"\(state.values[name] == $0.0 ? " selected" : nil as HTML?)>\($0.1)</option>" }
        return field(name, label, state.fault(name, t), "<select id=\"\(name)\" name=\"\(name)\">\(items)</select>")
    }
    let agents = view.choices.agents.map { ($0.email, $0.isAway ? t("{0} (away)", $0.name) : $0.name) }
    let content: HTML
    switch action {
    case .assign:
        content = "\(choice("agent", t("To an agent"), [("", "–")] + agents))\(choice("team", t("or to a team"), [("", "–")] + view.choices.teams.map { ($0.name, $0.name) }))\(line("reason", t("Why, if you like")))"
    case .transfer:
        content = "\(choice("department", t("To the department"), view.choices.departments.filter { $0.id != view.ticket.department.id }.map { ($0.name, $0.name) }))\(line("reason", t("Why, if you like")))"
    case .escalate: content = "<p class=\"small quiet\">\(t("It goes to the next level and is worked on first; the customer is told."))</p>\(box("reason", t("Why"), required: true))"
    case .resolve: content = "<p class=\"small quiet\">\(t("The customer is asked whether it is solved."))</p>\(box("body", t("The solution, for the customer")))"
    case .merge: content = "<p class=\"small quiet\">\(t("All that was said here goes there; this number leads there from then on."))</p>\(line("into", t("Number of the other ticket"), required: true))"
    case .addAgent: content = choice("agent", t("Who"), agents.filter { person in !view.whole.agents.contains { $0.email == person.0 } })
    case .addCollaborator: content = line("email", t("E-mail address"), required: true, type: "email")
    case .setRequester:
        let former = view.ticket.requesterName.isEmpty ? view.ticket.requesterAddress : view.ticket.requesterName
        content = """
            <p class="small quiet">\(t("The request, its replies and its link belong to the new requester. {0} loses access unless kept as CC.", former))</p>\
            \(line("email", t("Email address"), required: true, type: "email"))\(line("name", t("Name (optional)")))\
            \(tick("keep_former", t("Keep {0} as CC", former), isOn: state.values["keep_former"] != nil, id: "keep_former"))
            """
    default: content = line("reason", t("Why, if you like"))
    }
    let note: HTML? = state.faults.first { $0.field.isEmpty }.map { "<p class=\"fault\" role=\"alert\">\(t.fault($0.problem))</p>" }
    return form(actionPath(view.ticket.number, action), csrf: desk.csrf, class: "roomy stack", "\(note)\(content)<div class=\"row\"><button class=\"button first\">\(t.action(action))</button></div>")
}

private func field(_ id: String, _ label: String, _ fault: String?, _ control: HTML) -> HTML {
    let wrong: HTML? = fault.map { "<span class=\"fault\" role=\"alert\">\($0)</span>" }
    return "<div class=\"field\"><label for=\"\(id)\">\(label)</label>\(control)\(wrong)</div>"
}

/// Subject, topic, priority, tags and the topic's own fields.
func changeForm(_ desk: DeskFrame, _ view: TicketView, faults: [Fault]) -> HTML {
    let t = desk.t
    let ticket = view.ticket
    func fault(_ name: String) -> String? { faults.first { $0.field == name }.map { t.fault($0.problem) } }
    func select(_ name: String, _ label: String, _ options: [(String, String)], _ chosen: String) -> HTML {
        let items: [HTML] = options.map { "<option value=\"\($0.0)\"\(chosen == $0.0 ? " selected" : nil as HTML?)>\($0.1)</option>" }
        return field(name, label, fault(name), "<select id=\"\(name)\" name=\"\(name)\">\(items)</select>")
    }
    var own: [String: JSON] = [:]
    if case .object(let fields)? = JSON(ticket.fieldsText) { own = fields }
    let asked = view.choices.topics.first { $0.id == ticket.topic?.id }?.fields ?? []
    let fields: [HTML] = asked.map { asked in
        let value = own[asked.key].map { $0 == .bool(true) ? "1" : $0 == .bool(false) ? "" : $0.text ?? $0.written } ?? ""
        if asked.kind == .check { return tick("field-\(asked.key)", asked.label, isOn: !value.isEmpty, id: "field-\(asked.key)") }
        return field("field-\(asked.key)", asked.label, fault("field-\(asked.key)"), "<input id=\"field-\(asked.key)\" name=\"field-\(asked.key)\" value=\"\(value)\">")
    }
    return form(
        Path("desk", "tickets", String(ticket.number), "change"), csrf: desk.csrf, class: "roomy stack",
        """
        \(field("subject", t("In one line"), fault("subject"), "<input id=\"subject\" name=\"subject\" value=\"\(ticket.subject)\" required>"))\
        <div class="pair">\(select("priority", t("Priority"), Priority.allCases.map { ($0.word, t.priority($0)) }, ticket.priority.word))\
        \(select("topic", t("Topic"), [("", "–")] + view.choices.topics.map { ($0.name, $0.name) }, ticket.topic?.name ?? ""))</div>\
        \(field("tags", t("Tags, with commas between"), fault("tags"), "<input id=\"tags\" name=\"tags\" value=\"\(ticket.tags.joined(separator: ", "))\">"))\(fields)\
        <div class="row"><button class="button first">\(t("Keep"))</button></div>
        """)
}

func changePage(_ desk: DeskFrame, _ view: TicketView, faults: [Fault]) -> HTML {
    deskPage(
        desk.t("Change details"), desk, at: .other,
        "<main class=\"sheet\" id=\"content\"><p class=\"small\"><a href=\"\(href: ticketPath(view.ticket.number))\">#\(view.ticket.number) \(view.ticket.subject)</a></p><h1>\(desk.t("Change details"))</h1>\(changeForm(desk, view, faults: faults))</main>")
}
