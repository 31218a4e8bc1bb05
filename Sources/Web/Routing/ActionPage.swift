import Desk
import Domain
import Foundation
import Mail
import Markup
import Primitives

/// Where the form of an action's own page is shown without leaving the page; one that came back stands open in it, also
/// without script.
func actionDialog(_ dialog: Dialog?, _ t: Language) -> HTML {
    let open: HTML? = dialog == nil ? nil : " open"
    return """
        <dialog id="action" aria-labelledby="action-title"\(open)><div class="row spread">\
        <h2 id="action-title">\(dialog?.title ?? t("Action"))</h2>\
        <button type="button" class="button plain" data-close aria-label="\(t("Close"))">×</button></div>\
        <div data-form>\(dialog?.form)</div></dialog>
        """
}

func hasForm(_ action: TicketAction) -> Bool {
    !isPlain(action) && ![.removeAgent, .removeCollaborator, .unlink].contains(action)
}

/// What was chosen so far, and what is wrong with it.
struct ActionState {
    var values: [String: String] = [:]
    var faults: [Fault] = []
    /// Whole sentences about a field, where there is more to say than a fault does.
    var sentences: [String: String] = [:]
    /// What is looked at before tickets are merged.
    var merge = MergeLook()
    /// The entries that were chosen to be split off.
    var entries: Set<Int64> = []

    func fault(_ field: String, _ t: Language) -> String? {
        sentences[field] ?? faults.first { $0.field == field }.map { t.fault($0.problem) }
    }
}

/// The page of one action, for whoever has no script.
func actionPage(_ action: TicketAction, _ desk: DeskFrame, _ view: TicketView, _ state: ActionState) -> HTML {
    deskPage(
        desk.t.action(action), desk, at: .other,
        """
        <main class="sheet" id="content"><p class="small">\
        <a href="\(href: ticketPath(view.ticket.number, at: desk.position))">#\(view.ticket.number) \
        \(view.ticket.subject)</a></p><h1>\(desk.t.action(action))</h1>\
        \(actionForm(action, desk, view, state))</main>
        """)
}

func actionForm(_ action: TicketAction, _ desk: DeskFrame, _ view: TicketView, _ state: ActionState) -> HTML {
    let t = desk.t
    func line(_ name: String, _ label: String, required: Bool = false, type: String = "text") -> HTML {
        field(
            name, label, state.fault(name, t),
            """
            <input id="\(name)" name="\(name)" type="\(type)" \
            value="\(typed: state.values[name] ?? "")"\(required ? " required" : nil as HTML?)>
            """
        )
    }
    func box(_ name: String, _ label: String, required: Bool = false) -> HTML {
        field(
            name, label, state.fault(name, t),
            """
            <textarea dir="auto" id="\(name)" name="\(name)" \
            rows="5"\(required ? " required" : nil as HTML?)>\n\(typed: state.values[name] ?? "")</textarea>
            """
        )
    }
    func choice(_ name: String, _ label: String, _ options: [(String, String)]) -> HTML {
        let items: [HTML] = options.map {
            "<option value=\"\($0.0)\"\(state.values[name] == $0.0 ? " selected" : nil as HTML?)>\($0.1)</option>"
        }
        return field(name, label, state.fault(name, t), "<select id=\"\(name)\" name=\"\(name)\">\(items)</select>")
    }
    func named(_ agents: [Agent]) -> [(String, String)] {
        agents.map { ($0.email, $0.isAway ? t("{0} (away)", $0.name) : $0.name) }
    }
    let content: HTML
    var button = t.action(action)
    switch action {
    case .assign:
        let hint: HTML = "<p class=\"small quiet\">\(t("Only people who can see this ticket are listed."))</p>"
        content =
            """
            \(choice("agent", t("To an agent"), [("", "–")] + named(view.choices.agents(seeing: view.ticket))))\
            \(choice("team", t("or to a team"), [("", "–")] + view.choices.teams.map { ($0.name, $0.name) }))\
            \(line("reason", t("Reason (optional)")))\(hint)
            """
    case .transfer:
        content =
            """
            \(choice("department", t("To the department"), view.choices.departments.filter { $0.id != view.ticket.department.id }.map { ($0.name, $0.name) }))\
            \(line("reason", t("Reason (optional)")))
            """
    case .escalate:
        content =
            """
            <p class="small quiet">\(t("The ticket moves to the next level and is handled first. The customer is notified."))\
            </p>\(box("reason", t("Why"), required: true))
            """
    case .deEscalate:
        let levels = (0..<max(view.ticket.escalationLevel, 1)).reversed().map {
            (String($0), $0 == 0 ? t("No longer escalated") : t("Level {0}", String($0)))
        }
        content =
            """
            <p class="small quiet">\
            \(t("When the escalation ends, the customer no longer gets regular updates, and a priority that the escalation raised goes back to what it was."))\
            </p>\(choice("to", t("New level"), levels))\(line("reason", t("Reason (optional)")))
            """
    case .resolve:
        content =
            """
            <p class="small quiet">\
            \(t("The customer is asked to confirm the solution. Without a message, they only learn that you've finished."))\
            </p>\(box("body", t("The solution, for the customer")))
            """
    case .merge:
        if let (own, other) = state.merge.both {
            content = mergeQuestion(own, other, desk, view, state)
            button = t("Merge tickets")
        } else {
            content = mergeFields(desk, view, state)
            button = t("Continue")
        }
    case .unmerge: content = unmergeFields(view, t)
    case .link:
        content = linkFields(desk, state)
        button = t("Link ticket")
    case .split:
        content = splitFields(desk, view, state)
        button = t("Split ticket")
    case .addAgent:
        content = choice(
            "agent", t("Agent"),
            named(view.choices.agents).filter { person in !view.whole.agents.contains { $0.email == person.0 } })
    case .addCollaborator: content = line("email", t("Email address"), required: true, type: "email")
    case .setRequester:
        let former = view.ticket.requesterLabel
        content = """
            <p class="small quiet">\
            \(t("The request, its replies and its link belong to the new requester. {0} loses access unless kept as CC.", former))\
            </p>\
            \(line("email", t("Email address"), required: true, type: "email"))\(line("name", t("Name (optional)")))\
            \(tick("keep_former", t("Keep {0} as CC", former), isOn: state.values["keep_former"] != nil, id: "keep_former"))
            """
    case .close:
        content =
            """
            <p class="small quiet">\
            \(t("The customer is told, or asked to rate the support they got."))</p>\
            \(line("reason", t("Reason (optional)")))
            """
    default: content = line("reason", t("Reason (optional)"))
    }
    let note: HTML? = (state.sentences[""] ?? state.faults.first { $0.field.isEmpty }.map { t.fault($0.problem) }).map {
        "<p class=\"fault\" role=\"alert\">\($0)</p>"
    }
    return form(
        desk.actionPath(view.ticket.number, action), csrf: desk.csrf, class: "roomy stack",
        keep: "\(action.rawValue)-\(desk.agent.id.number)-\(view.ticket.number)",
        "\(note)\(content)<div class=\"row\"><button class=\"button primary\">\(button)</button></div>")
}

func field(_ id: String, _ label: String, _ fault: String?, _ control: HTML) -> HTML {
    let wrong: HTML? = fault.map { "<span class=\"fault\" role=\"alert\">\($0)</span>" }
    return "<div class=\"field\"><label for=\"\(id)\">\(label)</label>\(control)\(wrong)</div>"
}

/// Subject, topic, priority, tags and the topic's own fields.
///
/// - Parameter typed: a form that came back; it shows all that was typed.
func changeForm(_ desk: DeskFrame, _ view: TicketView, typed: FormData? = nil, faults: [Fault] = []) -> HTML {
    let t = desk.t
    let ticket = view.ticket
    func fault(_ name: String) -> String? { faults.first { $0.field == name }.map { t.fault($0.problem) } }
    func shown(_ name: String, _ value: String) -> String { typed == nil ? value : typed?[name] ?? "" }
    func select(_ name: String, _ label: String, _ options: [(String, String)], _ chosen: String) -> HTML {
        let chosen = shown(name, chosen)
        let items: [HTML] = options.map {
            "<option value=\"\($0.0)\"\(chosen == $0.0 ? " selected" : nil as HTML?)>\($0.1)</option>"
        }
        return field(name, label, fault(name), "<select id=\"\(name)\" name=\"\(name)\">\(items)</select>")
    }
    var own: [String: JSON] = [:]
    if case .object(let fields)? = JSON(ticket.fieldsText) { own = fields }
    let asked = view.choices.topics.first { $0.id == ticket.topic?.id }?.fields ?? []
    let fields: [HTML] = asked.map { asked in
        let name = "field-\(asked.key)"
        let kept =
            own[asked.key].map {
                $0 == .bool(true) ? "1" : $0 == .bool(false) || $0 == .null ? "" : $0.text ?? $0.written
            } ?? ""
        let value = shown(name, kept)
        switch asked.kind {
        case .check: return tick(name, asked.label, isOn: !value.isEmpty, id: name)
        case .choice:
            // What was kept before the options changed stays one of them.
            let gone = value.isEmpty || asked.options.contains(value) ? [] : [(value, value)]
            return select(name, asked.label, [("", "–")] + asked.options.map { ($0, $0) } + gone, value)
        case .text:
            return field(
                name, asked.label, fault(name),
                "<textarea dir=\"auto\" id=\"\(name)\" name=\"\(name)\" rows=\"4\">\n\(typed: value)</textarea>")
        case .line, .number:
            return field(
                name, asked.label, fault(name), "<input id=\"\(name)\" name=\"\(name)\" value=\"\(typed: value)\">")
        }
    }
    let urgency: HTML? =
        ticket.escalationLevel == 0 && ticket.priority < .urgent && ticket.state.isActive
        ? """
        <p class="small quiet">\(t("The priority Urgent escalates the ticket: it moves to the next level and is handled first."))\
        </p>
        """ : nil
    return form(
        partPath(ticket.number, "change", at: desk.position), csrf: desk.csrf, class: "roomy stack",
        """
        \(field("subject", t("Subject"), fault("subject"), "<input id=\"subject\" name=\"subject\" value=\"\(typed: shown("subject", ticket.subject))\" required>"))\
        <div class="pair">\
        \(select("priority", t("Priority"), Priority.allCases.map { ($0.word, t.priority($0)) }, ticket.priority.word))\
        \(select("topic", t("Topic"), [("", "–")] + view.choices.topics.map { ($0.name, $0.name) }, ticket.topic?.name ?? ""))\
        </div>\(urgency)\
        \(field("tags", t("Tags, separated by commas"), fault("tags"), "<input id=\"tags\" name=\"tags\" value=\"\(shown("tags", ticket.tags.joined(separator: ", ")))\">"))\
        \(fields)\
        <div class="row"><button class="button primary">\(t("Save"))</button></div>
        """)
}

func changePage(_ desk: DeskFrame, _ view: TicketView) -> HTML {
    deskPage(
        desk.t("Change details"), desk, at: .other,
        """
        <main class="sheet" id="content"><p class="small">\
        <a href="\(href: ticketPath(view.ticket.number, at: desk.position))">#\(view.ticket.number) \
        \(view.ticket.subject)</a></p><h1>\(desk.t("Change details"))</h1>\(changeForm(desk, view))</main>
        """
    )
}
