import Desk
import Domain
import Foundation
import Mail
import Markup
import Primitives
import Store

/// A resource's form, made from its description: what each kind of field looks like, and what its input means.
struct ResourceForm {
    let resource: Resource
    let t: Language
    /// What references can be chosen from, by table.
    let options: [String: [(id: Int64, name: String)]]
    let agents: [Agent]
    /// For whom a view can be saved, besides the teams; and what the columns of topics' questions are called.
    var audiences: [(value: String, title: String)] = []
    var fieldLabels: [(key: String, label: String)] = []
    /// Whether the reader's country writes 12/25/2026.
    var isMonthFirst = false

    // MARK: showing

    /// A form that came back: all that was typed, and what is wrong with it.
    struct Returned {
        let typed: FormData
        var faults: [Fault] = []
        /// Whole sentences, by the input they stand beside.
        var sentences: [String: String] = [:]
    }

    /// The form with a row's values, or with what was typed where it came back.
    func html(_ values: [String: JSON], _ returned: Returned? = nil) -> HTML {
        let fields: [HTML] = resource.fields.compactMap { field in
            guard !field.kind.isReadOnly else { return nil }
            let heading: HTML? = field.section.map { "<h2 class=\"section\">\(t($0))</h2>" }
            return "\(heading)\(input(field, values[field.name] ?? .null, returned))"
        }
        return "\(fields)"
    }

    private func input(_ field: Resource.Field, _ value: JSON, _ returned: Returned?) -> HTML {
        let (name, label, required) = (field.name, ResourceForm.label(field.name, t), field.isRequired)
        let fault = returned?.sentences[name] ?? returned?.faults.first { $0.field == name }.map { t.fault($0.problem) }
        let hint = hint(field)
        /// What the input shows: what was typed comes before what is kept.
        func shown(_ kept: String) -> String { returned.map { $0.typed[name] ?? "" } ?? kept }
        func line(_ kept: String, type: String = "text", hint: String?) -> HTML {
            TextField(
                name: name, label: label, value: shown(kept), type: type, hint: hint, isRequired: required, fault: fault
            ).html
        }
        func area(_ kept: String, rows: Int, hint: String?, required: Bool) -> HTML {
            TextArea(
                name: name, label: label, value: shown(kept), rows: rows, hint: hint, isRequired: required, fault: fault
            ).html
        }
        func choice(_ options: [(String, String)], _ kept: String) -> HTML {
            Choice(name: name, label: label, options: options, chosen: shown(kept), hint: hint, fault: fault).html
        }
        func boxes(_ options: [(String, String)], _ kept: [String]) -> HTML {
            ticks(
                name, label, options,
                chosen: returned.map { sent in sent.typed.values.filter { $0.name == name }.map(\.value) } ?? kept,
                fault)
        }
        // A secret is not sent back to a page; whoever typed one is told to type it again.
        let again = (returned?.typed[name] ?? "").isEmpty ? nil : t("Enter it again: for your security it isn't shown.")
        switch field.kind {
        case .text(_, let most), .optionalText(_, let most):
            return most > 500
                ? area(value.text ?? "", rows: most > 5000 ? 10 : 4, hint: hint, required: required)
                : line(value.text ?? "", hint: hint)
        case .slug:
            return line(
                value.text ?? "",
                hint: t("Lowercase letters, digits and hyphens. This is the last part of the web address."))
        case .address: return line(value.text ?? "", type: "email", hint: hint)
        case .integer, .optionalInteger:
            return line(value.integer.map(String.init) ?? value.text ?? "", type: "number", hint: hint)
        case .flag:
            let kept =
                value == .bool(true) || (value == .null && ["active", "published", "new_request_email"].contains(name))
            return tick(name, label, isOn: returned.map { $0.typed[name] != nil } ?? kept)
        case .choice(_, let words): return choice(words.map { ($0, Self.word($0, t)) }, value.text ?? "agent")
        case .optionalPriority:
            return choice([("", "–")] + Priority.allCases.map { ($0.word, t.priority($0)) }, value.text ?? "")
        case .priority:
            return choice(Priority.allCases.map { ($0.word, t.priority($0)) }, value.text ?? Priority.normal.word)
        case .timeZone:
            return choice(
                TimeZone.knownTimeZoneIdentifiers.sorted().map { ($0, $0) } + [("UTC", "UTC")], value.text ?? "UTC")
        case .hours: return hours(name, label, value, returned, fault)
        case .holidays: return holidays(name, label, value, shown(lines(value)), fault)
        case .secret(let column):
            if column == "private_key" {
                return TextArea(name: name, label: label, rows: 8, hint: hint, fault: fault ?? again).html
            }
            return TextField(
                name: name, label: label, type: "password", autocomplete: "new-password",
                hint: t("Leave it empty to keep what is there"), fault: fault ?? again
            ).html
        case .password:
            return TextField(
                name: name, label: label, type: "password", autocomplete: "new-password",
                hint: t("Leave it empty to keep it, or to send an invitation by email"), fault: fault ?? again
            ).html
        case .reference(_, let table):
            return choice([("", "–")] + choices(table), value["id"]?.integer.map(String.init) ?? "")
        case .agent: return choice([("", "–")] + agents.map { ($0.email, $0.name) }, value["email"]?.text ?? "")
        case .references(_, _, _, let table):
            let all = choices(table)
            // The only department there is needs no decision.
            let isPlain = value == .null && name == "departments" && all.count == 1
            let without: HTML? =
                name != "departments" || returned?.sentences[ResourceForm.noDepartment] == nil
                ? nil
                : """
                <div class="card">\
                \(tick(ResourceForm.noDepartment, t("Save without a department. This agent won't see any tickets."), isOn: false))\
                </div>
                """
            return
                """
                \(boxes(all, isPlain ? all.map(\.0) : items(value).compactMap { $0["id"]?.integer.map(String.init) }))\
                \(without)
                """
        case .agents: return boxes(agents.map { ($0.email, $0.name) }, items(value).compactMap { $0["email"]?.text })
        case .texts: return area(lines(value), rows: 3, hint: t("One per line"), required: required)
        case .targets: return targets(name, value, fault)
        case .topicFields: return topicFields(name, label, value, returned, fault)
        case .view(let part): return viewInput(part, field, value, returned, fault)
        case .moment: return ""
        }
    }

    /// Minutes for each priority and clock; an empty one takes the level's own.
    private func targets(_ name: String, _ value: JSON, _ fault: String?) -> HTML {
        let rows: [HTML] = Priority.allCases.reversed().map { priority in
            let fields: [HTML] = [
                ("first_response", t("{0}: first response, in minutes", t.priority(priority))),
                ("resolution", t("{0}: resolution, in minutes", t.priority(priority))),
            ].map { clock, title in
                let given = value[priority.word]?[clock]?.text ?? ""
                return TextField(
                    name: "\(name)-\(priority.word)-\(clock)", label: title,
                    value: Duration8601.seconds(given).map { String(Int($0 / 60)) } ?? given, type: "number"
                ).html
            }
            return "<div class=\"pair\">\(fields)</div>"
        }
        let wrong: HTML? = fault.map { "<span class=\"fault\" role=\"alert\">\($0)</span>" }
        return
            """
            <fieldset class="stack"><legend>\(t("Targets by priority"))</legend>\
            <p class="small quiet">\(t("In business hours. Leave a box empty to use the targets above."))</p>\
            \(rows)\(wrong)</fieldset>
            """
    }

    private func targets(_ form: FormData, _ name: String) -> JSON {
        var targets: [String: JSON] = [:]
        for priority in Priority.allCases {
            var clocks: [String: JSON] = [:]
            for clock in ["first_response", "resolution"] {
                let text = (form["\(name)-\(priority.word)-\(clock)"] ?? "").trimmingWhitespace()
                if !text.isEmpty { clocks[clock] = .string(UInt(text).map { "PT\($0)M" } ?? text) }
            }
            if !clocks.isEmpty { targets[priority.word] = .object(clocks) }
        }
        return .object(targets)
    }

    private func weekday(_ day: String) -> String {
        switch day {
        case "mon": t("Monday")
        case "tue": t("Tuesday")
        case "wed": t("Wednesday")
        case "thu": t("Thursday")
        case "fri": t("Friday")
        case "sat": t("Saturday")
        default: t("Sunday")
        }
    }

    func hint(_ field: Resource.Field) -> String? {
        guard let known = field.placeholders else { return field.hint.map { t($0) } }
        let names = known.map { "{{\($0)}}" }.joined(separator: ", ")
        return t(
            "You can use {0}. To set a default for an empty placeholder, add it after a vertical bar: {1}", names,
            "{{customer.name|there}}")
    }

    func choices(_ table: String) -> [(String, String)] {
        (options[table] ?? []).map { (String($0.id), $0.name) }
    }
    private func ticks(
        _ name: String, _ label: String, _ options: [(String, String)], chosen: [String], _ fault: String?
    ) -> HTML {
        guard !options.isEmpty || fault != nil else { return "" }
        let boxes: [HTML] = options.map {
            tick(name, $0.1, isOn: chosen.contains($0.0), value: $0.0, id: "\(name)-\($0.0)")
        }
        return "<fieldset class=\"stack\"><legend>\(label)</legend>\(boxes)\(alert(fault))</fieldset>"
    }
    func alert(_ fault: String?) -> HTML? { fault.map { "<span class=\"fault\" role=\"alert\">\($0)</span>" } }

    private func hours(_ name: String, _ label: String, _ value: JSON, _ returned: Returned?, _ fault: String?) -> HTML
    {
        let days: [HTML] = Schedule.weekdays.map { day in
            let id = "\(name)-\(day)"
            let text = returned.map { $0.typed[id] ?? "" } ?? spans(value[day])
            return TextField(name: id, label: t.weekday(day), value: text, fault: returned?.sentences[id]).html
        }
        return
            """
            <fieldset class="stack"><legend>\(label)</legend>\
            <p class="small quiet">\(t("For example 9-17 or 09:00-12:30, 13:15-17:00. Leave a day off empty."))</p>\
            \(days)\(alert(fault))</fieldset>
            """
    }

    private func holidays(_ name: String, _ label: String, _ value: JSON, _ text: String, _ fault: String?) -> HTML {
        let days: [HTML] = items(value).compactMap(\.text).compactMap { t.day($0) }.map { "<li>\($0)</li>" }
        let known: HTML? =
            days.isEmpty
            ? nil
            : """
            <details class="small"><summary>\
            \(days.count == 1 ? t("1 holiday") : t("{0} holidays", String(days.count)))</summary>\
            <ul>\(days)</ul></details>
            """
        return
            """
            \(TextArea(name: name, label: label, value: text, rows: 4, hint: t("One date per line, such as 2026-12-25 or {0}", isMonthFirst ? "12/25/2026" : "25.12.2026"), fault: fault).html)\
            \(known)
            """
    }

    /// One line for each question, and some empty ones.
    private func topicFields(_ name: String, _ label: String, _ value: JSON, _ returned: Returned?, _ fault: String?)
        -> HTML
    {
        let known = items(value)
        let kinds = [
            ("line", t("Short text")), ("text", t("Paragraph")), ("number", t("Number")), ("choice", t("Dropdown")),
            ("check", t("Checkbox")),
        ]
        let used =
            returned.map { sent in
                (0..<TopicField.most).last {
                    !(sent.typed["\(name)-\($0)-label"] ?? "").isEmpty
                        || !(sent.typed["\(name)-\($0)-options"] ?? "").isEmpty
                }.map { $0 + 1 } ?? 0
            } ?? known.count
        let rows: [HTML] = (0..<min(used + 2, TopicField.most)).map { index in
            let field = index < known.count ? known[index] : .null
            func id(_ part: String) -> String { "\(name)-\(index)-\(part)" }
            func shown(_ part: String, _ kept: String) -> String { returned.map { $0.typed[id(part)] ?? "" } ?? kept }
            func cell(_ part: String, _ title: String, _ text: String) -> HTML {
                TextField(name: id(part), label: title, value: shown(part, text), fault: returned?.sentences[id(part)])
                    .html
            }
            let isRequired = returned.map { $0.typed[id("required")] != nil } ?? (field["required"] == .bool(true))
            return """
                <div class="asked"><input type="hidden" name="\(id("key"))" \
                value="\(shown("key", field["key"]?.text ?? ""))">\
                \(cell("label", t("Label"), field["label"]?.text ?? ""))\
                \(Choice(name: id("kind"), label: t("Type"), options: kinds, chosen: shown("kind", field["kind"]?.text ?? "")).html)\
                \(cell("options", t("Options, comma-separated"), items(field["options"] ?? .null).compactMap(\.text).joined(separator: ", ")))\
                \(tick(id("required"), t("required"), isOn: isRequired))</div>
                """
        }
        return
            """
            <fieldset class="stack"><legend>\(label)</legend>\
            <p class="small quiet">\
            \(t("Extra fields on the request form, besides subject and message. Lines without a label are ignored."))</p>\(rows)\
            \(alert(fault))</fieldset>
            """
    }

    func items(_ value: JSON) -> [JSON] { if case .array(let items) = value { items } else { [] } }
    private func lines(_ value: JSON) -> String { items(value).compactMap(\.text).joined(separator: "\n") }
    private func spans(_ value: JSON?) -> String {
        items(value ?? .null).map { span in items(span).compactMap(\.text).joined(separator: "-") }.joined(
            separator: ", ")
    }

    /// The box by which an administrator confirms that an agent shall have no department.
    static let noDepartment = "no_department"

    /// What is said of an agent who would see no ticket: nil where there is a department or a team, where
    /// administrators see all, and where it was confirmed.
    func missingDepartment(_ values: [String: JSON], _ form: FormData) -> [String: String] {
        guard resource.path == "agents", form[ResourceForm.noDepartment] == nil,
            values["role"]?.text != Role.administrator.rawValue, values["active"] != .bool(false),
            items(values["departments"] ?? .null).isEmpty, items(values["teams"] ?? .null).isEmpty
        else { return [:] }
        let sentence = t("Choose at least one department or team. Without one, this agent can't see any tickets.")
        return ["departments": sentence, ResourceForm.noDepartment: sentence]
    }

    static func label(_ name: String, _ t: Language) -> String {
        switch name {
        case "escalates": t("Escalate immediately")
        case "fetch": t("Collect email by")
        case "fetch_host": t("Incoming mail server")
        case "fetch_port": t("Incoming port")
        case "fetch_security": t("Incoming encryption")
        case "fetch_user": t("Incoming user name")
        case "fetch_password": t("Incoming password")
        case "first_fetch": t("On first connection, import")
        case "after_fetching": t("After importing")
        case "smtp_host": t("Outgoing mail server")
        case "smtp_port": t("Outgoing port")
        case "smtp_security": t("Outgoing encryption")
        case "smtp_user": t("Outgoing user name")
        case "smtp_password": t("Outgoing password")
        case "smtp_at_once": t("Emails sent at once")
        case "smtp_per_minute": t("Emails per minute")
        case "sign_in": t("Sign-in method")
        case "oauth_client": t("OAuth client ID")
        case "oauth_secret": t("OAuth client secret")
        case "oauth_authorize_url": t("OAuth authorization URL")
        case "digest_hour": t("Daily summary at (hour)")
        case "first_response_minutes": t("First reply within (minutes)")
        case "resolution_minutes": t("Resolution within (minutes)")
        case "for": t("Visible to")
        case "sort": t("Sort by")
        default: t(Resource.heading(name.replacingOccurrences(of: "_", with: " ")))
        }
    }

    /// A value that is chosen from a list, as a reader knows it.
    static func word(_ word: String, _ t: Language) -> String {
        switch word {
        case "imap": t("IMAP")
        case "pop3": t("POP3")
        case "tls": t("TLS")
        case "starttls": t("STARTTLS")
        case "plain": t("None")
        case "flag": t("Mark as read")
        case "move": t("Move to a folder")
        case "delete": t("Delete from the server")
        case "unread": t("Unread messages")
        case "all": t("All messages")
        case "none": t("No messages")
        case "password": t("Password")
        case "google": t("Google")
        case "microsoft": t("Microsoft")
        case "other": t("Other provider")
        case "viewer": t("Light agent")
        case "agent": t("Agent")
        case "supervisor": t("Supervisor")
        case "administrator": t("Administrator")
        case "no": t("No")
        default: t(word)
        }
    }

    // MARK: reading

    /// What a form said, as the API would have been told, and what could not be read of it, by the input it stands in.
    func read(_ form: FormData) -> (values: [String: JSON], sentences: [String: String]) {
        var values: [String: JSON] = [:]
        var sentences: [String: String] = [:]
        for field in resource.fields where !field.kind.isReadOnly {
            let text = form[field.name] ?? ""
            let all = form.values.filter { $0.name == field.name }.map(\.value)
            switch field.kind {
            case .flag: values[field.name] = .bool(!text.isEmpty)
            case .integer, .optionalInteger:
                values[field.name] =
                    text.isEmpty ? (field.kind.isOptional ? .null : nil) : Int64(text).map { JSON($0) } ?? .string(text)
            case .optionalText: values[field.name] = text.isEmpty ? .null : .string(text)
            case .password, .secret: if !text.isEmpty { values[field.name] = .string(text) }
            case .optionalPriority: values[field.name] = text.isEmpty ? .null : .string(text)
            case .reference, .agent:
                values[field.name] = text.isEmpty ? .null : Int64(text).map { JSON($0) } ?? .string(text)
            case .references: values[field.name] = .array(all.compactMap { Int64($0) }.map { JSON($0) })
            case .agents: values[field.name] = .array(all.map(JSON.string))
            case .texts: values[field.name] = .array(typedLines(text).map(JSON.string))
            case .holidays: values[field.name] = days(text, field.name, &sentences)
            case .hours: values[field.name] = hours(form, field.name, &sentences)
            case .targets: values[field.name] = targets(form, field.name)
            case .topicFields: values[field.name] = asked(form, field.name, &sentences)
            case .view(let part): values[field.name] = readView(part, form)
            default: values[field.name] = .string(text)
            }
        }
        return (values, sentences)
    }

    private func typedLines(_ text: String) -> [String] {
        text.split(whereSeparator: \.isNewline).map { String($0).trimmingWhitespace() }.filter { !$0.isEmpty }
    }

    private func days(_ text: String, _ name: String, _ sentences: inout [String: String]) -> JSON {
        var days: [String] = []
        for line in typedLines(text) {
            if let day = DayInput.day(line, isMonthFirst: isMonthFirst) {
                days.append(day)
            } else if sentences[name] == nil {
                sentences[name] = t("“{0}” isn't a date. Write dates such as 2026-12-25.", String(line.prefix(40)))
            }
        }
        return .array(Set(days).sorted().map(JSON.string))
    }

    private func hours(_ form: FormData, _ name: String, _ sentences: inout [String: String]) -> JSON {
        var days: [String: JSON] = [:]
        for day in Schedule.weekdays {
            do throws(HoursInput.Problem) {
                let spans = try HoursInput.spans(form["\(name)-\(day)"] ?? "")
                if !spans.isEmpty { days[day] = .array(spans.map { .array($0.map(JSON.string)) }) }
            } catch {
                sentences["\(name)-\(day)"] =
                    switch error {
                    case .unreadable(let part):
                        t("“{0}” can't be read as hours. Write them such as 09:00-17:00.", String(part.prefix(40)))
                    case .endsBefore(let part):
                        t(
                            "“{0}” ends before it begins. Use the 24-hour clock, and split a night shift at 24:00.",
                            String(part.prefix(40)))
                    }
            }
        }
        return .object(days)
    }

    private func asked(_ form: FormData, _ name: String, _ sentences: inout [String: String]) -> JSON {
        var fields: [JSON] = []
        var keys: Set<String> = []
        for index in 0..<TopicField.most {
            func typed(_ part: String) -> String { (form["\(name)-\(index)-\(part)"] ?? "").trimmingWhitespace() }
            let label = typed("label").singleLine
            let options = typed("options").split(separator: ",").map { String($0).trimmingWhitespace() }.filter {
                !$0.isEmpty
            }
            guard !label.isEmpty else {
                // Emptying a question that was kept removes it; words without a question are somebody's mistake.
                if typed("key").isEmpty, !options.isEmpty {
                    sentences["\(name)-\(index)-label"] = t("Enter a question.")
                }
                continue
            }
            if label.count > 200 { sentences["\(name)-\(index)-label"] = t.fault(.tooLong(most: 200)) }
            let kind = form["\(name)-\(index)-kind"] ?? "line"
            if kind == TopicField.Kind.choice.rawValue, options.isEmpty {
                sentences["\(name)-\(index)-options"] = t("Enter at least one choice.")
            }
            // A key that was left out is made from the question; no two are the same.
            let made = String(
                Words.split(label).joined(separator: "_").unicodeScalars.filter {
                    ("a"..."z").contains($0) || ("0"..."9").contains($0) || $0 == "_"
                }.prefix(36).map(Character.init))
            let wanted = TopicField.isKey(typed("key")) ? typed("key") : made.isEmpty ? "question" : made
            let key =
                keys.contains(wanted)
                ? (2...99).lazy.map { "\(wanted.prefix(36))_\($0)" }.first { !keys.contains($0) } ?? wanted : wanted
            keys.insert(key)
            var field: [String: JSON] = [
                "key": .string(key), "label": .string(label), "kind": .string(kind),
                "required": .bool(form["\(name)-\(index)-required"] != nil),
            ]
            if !options.isEmpty { field["options"] = .array(options.map(JSON.string)) }
            fields.append(.object(field))
        }
        return .array(fields)
    }
}

extension Resource.Kind {
    fileprivate var isOptional: Bool { if case .optionalInteger = self { true } else { false } }
}
