import Desk
import Foundation
import Mail
import Markup
import Store

/// A resource's form, made from its description: what each kind of field looks like, and what its input means.
struct ResourceForm {
    let resource: Resource
    let t: Language
    /// What references can be chosen from, by table.
    let options: [String: [(id: Int64, name: String)]]
    let agents: [Agent]

    // MARK: showing

    func html(_ values: [String: JSON], faults: [Fault]) -> HTML {
        let fields: [HTML] = resource.fields.compactMap { field in
            guard !field.kind.isReadOnly else { return nil }
            let heading: HTML? = field.section.map { "<h2>\(t($0))</h2>" }
            return "\(heading)\(input(field, values[field.name] ?? .null, faults.first { $0.field == field.name }.map { t.fault($0.problem) }))"
        }
        return "\(fields)"
    }

    private func input(_ field: Resource.Field, _ value: JSON, _ fault: String?) -> HTML {
        let label = ResourceForm.label(field.name, t)
        let required = field.isRequired
        let hint = field.hint.map { t($0) }
        switch field.kind {
        case .text(_, let most), .optionalText(_, let most):
            let text = value.text ?? ""
            if most > 500 { return TextArea(name: field.name, label: label, value: text, rows: most > 5000 ? 10 : 4, hint: hint, isRequired: required, fault: fault).html }
            return TextField(name: field.name, label: label, value: text, hint: hint, isRequired: required, fault: fault).html
        case .slug: return TextField(name: field.name, label: label, value: value.text ?? "", hint: t("Small letters, digits and hyphens: the end of its address"), isRequired: required, fault: fault).html
        case .address: return TextField(name: field.name, label: label, value: value.text ?? "", type: "email", isRequired: required, fault: fault).html
        case .integer, .optionalInteger: return TextField(name: field.name, label: label, value: value.integer.map(String.init) ?? value.text ?? "", type: "number", hint: hint, isRequired: required, fault: fault).html
        case .flag: return tick(field.name, label, isOn: value == .bool(true) || (value == .null && ["active", "published"].contains(field.name)))
        case .choice(_, let words): return Choice(name: field.name, label: label, options: words.map { ($0, t($0)) }, chosen: value.text ?? "agent", hint: hint, fault: fault).html
        case .optionalPriority: return Choice(name: field.name, label: label, options: [("", "–")] + Priority.allCases.map { ($0.word, t.priority($0)) }, chosen: value.text ?? "", fault: fault).html
        case .priority: return Choice(name: field.name, label: label, options: Priority.allCases.map { ($0.word, t.priority($0)) }, chosen: value.text ?? Priority.normal.word, fault: fault).html
        case .timeZone: return Choice(name: field.name, label: label, options: TimeZone.knownTimeZoneIdentifiers.sorted().map { ($0, $0) } + [("UTC", "UTC")], chosen: value.text ?? "UTC", fault: fault).html
        case .hours:
            let days: [HTML] = Schedule.weekdays.map { day in
                TextField(name: "\(field.name)-\(day)", label: weekday(day), value: value.text == nil ? spans(value[day]) : "", hint: nil).html
            }
            let wrong: HTML? = fault.map { "<span class=\"fault\" role=\"alert\">\($0)</span>" }
            return "<fieldset class=\"stack\"><legend>\(label)</legend><p class=\"small quiet\">\(t("As 09:00-12:00, 13:00-17:00; nothing on a free day"))</p>\(days)\(wrong)</fieldset>"
        case .holidays: return TextArea(name: field.name, label: label, value: lines(value), rows: 4, hint: t("One day a line, as 2026-12-25"), fault: fault).html
        case .secret(let column):
            if column == "private_key" { return TextArea(name: field.name, label: label, rows: 8, hint: hint, fault: fault).html }
            return TextField(name: field.name, label: label, type: "password", autocomplete: "new-password", hint: t("Leave it empty to keep what is there"), fault: fault).html
        case .password: return TextField(name: field.name, label: label, type: "password", autocomplete: "new-password", hint: t("Leave it empty to keep it, or to invite by mail"), fault: fault).html
        case .reference(_, let table): return Choice(name: field.name, label: label, options: [("", "–")] + choices(table), chosen: value["id"]?.integer.map(String.init) ?? value.text ?? "", fault: fault).html
        case .agent: return Choice(name: field.name, label: label, options: [("", "–")] + agents.map { ($0.email, $0.name) }, chosen: value["email"]?.text ?? value.text ?? "", fault: fault).html
        case .references(_, _, _, let table): return ticks(field.name, label, choices(table), chosen: items(value).compactMap { $0["id"]?.integer.map(String.init) ?? $0.text ?? $0.integer.map(String.init) }, fault)
        case .agents: return ticks(field.name, label, agents.map { ($0.email, $0.name) }, chosen: items(value).compactMap { $0["email"]?.text ?? $0.text }, fault)
        case .texts: return TextArea(name: field.name, label: label, value: lines(value), rows: 3, hint: t("One a line"), isRequired: required, fault: fault).html
        case .topicFields: return topicFields(field.name, label, value, fault)
        case .moment: return ""
        }
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
    private func choices(_ table: String) -> [(String, String)] { (options[table] ?? []).map { (String($0.id), $0.name) } }
    private func ticks(_ name: String, _ label: String, _ options: [(String, String)], chosen: [String], _ fault: String?) -> HTML {
        let boxes: [HTML] = options.map { tick(name, $0.1, isOn: chosen.contains($0.0), value: $0.0, id: "\(name)-\($0.0)") }
        let wrong: HTML? = fault.map { "<span class=\"fault\" role=\"alert\">\($0)</span>" }
        return "<fieldset class=\"stack\"><legend>\(label)</legend>\(boxes)\(wrong)</fieldset>"
    }

    /// One line for each question, and some empty ones.
    private func topicFields(_ name: String, _ label: String, _ value: JSON, _ fault: String?) -> HTML {
        let known = items(value)
        let kinds = [("line", t("one line")), ("text", t("several lines")), ("number", t("a number")), ("choice", t("one of several")), ("check", t("a box to tick"))]
        let rows: [HTML] = (0..<min(known.count + 2, TopicField.most)).map { index in
            let field = index < known.count ? known[index] : .null
            func cell(_ part: String, _ title: String, _ text: String) -> HTML {
                "<div class=\"field\"><label for=\"\(name)-\(index)-\(part)\">\(title)</label><input id=\"\(name)-\(index)-\(part)\" name=\"\(name)-\(index)-\(part)\" value=\"\(text)\"></div>"
            }
            let options: [HTML] = kinds.map { "<option value=\"\($0.0)\"\(field["kind"]?.text == $0.0 ? " selected" : nil as HTML?)>\($0.1)</option>" }
            return """
                <div class="asked">\(cell("label", t("Question"), field["label"]?.text ?? ""))\(cell("key", t("Key"), field["key"]?.text ?? ""))\
                <div class="field"><label for="\(name)-\(index)-kind">\(t("Kind"))</label><select id="\(name)-\(index)-kind" name="\(name)-\(index)-kind">\(options)</select></div>\
                \(cell("options", t("Choices, with commas"), items(field["options"] ?? .null).compactMap(\.text).joined(separator: ", ")))\(tick("\(name)-\(index)-required", t("required"), isOn: field["required"] == .bool(true)))</div>
                """
        }
        let wrong: HTML? = fault.map { "<span class=\"fault\" role=\"alert\">\($0)</span>" }
        return "<fieldset class=\"stack\"><legend>\(label)</legend><p class=\"small quiet\">\(t("What the form asks besides subject and text. A line without a question is left out."))</p>\(rows)\(wrong)</fieldset>"
    }

    private func items(_ value: JSON) -> [JSON] { if case .array(let items) = value { items } else { [] } }
    private func lines(_ value: JSON) -> String { value.text ?? items(value).compactMap(\.text).joined(separator: "\n") }
    private func spans(_ value: JSON?) -> String {
        items(value ?? .null).map { span in items(span).compactMap(\.text).joined(separator: "-") }.joined(separator: ", ")
    }

    static func label(_ name: String, _ t: Language) -> String { t(Resource.heading(name.replacingOccurrences(of: "_", with: " "))) }

    // MARK: reading

    /// What a form said, as the API would have been told.
    func values(_ form: FormData) -> [String: JSON] {
        var values: [String: JSON] = [:]
        for field in resource.fields where !field.kind.isReadOnly {
            let text = form[field.name] ?? ""
            let all = form.values.filter { $0.name == field.name }.map(\.value)
            switch field.kind {
            case .flag: values[field.name] = .bool(!text.isEmpty)
            case .integer, .optionalInteger: values[field.name] = text.isEmpty ? (field.kind.isOptional ? .null : nil) : Int64(text).map { JSON($0) } ?? .string(text)
            case .optionalText: values[field.name] = text.isEmpty ? .null : .string(text)
            case .password, .secret: if !text.isEmpty { values[field.name] = .string(text) }
            case .optionalPriority: values[field.name] = text.isEmpty ? .null : .string(text)
            case .reference, .agent: values[field.name] = text.isEmpty ? .null : Int64(text).map { JSON($0) } ?? .string(text)
            case .references: values[field.name] = .array(all.compactMap { Int64($0) }.map { JSON($0) })
            case .agents: values[field.name] = .array(all.map(JSON.string))
            case .texts, .holidays: values[field.name] = .array(text.split(whereSeparator: \.isNewline).map { String($0).trimmingWhitespace() }.filter { !$0.isEmpty }.map(JSON.string))
            case .hours: values[field.name] = hours(form, field.name)
            case .topicFields: values[field.name] = asked(form, field.name)
            default: values[field.name] = .string(text)
            }
        }
        return values
    }

    private func hours(_ form: FormData, _ name: String) -> JSON {
        var days: [String: JSON] = [:]
        for day in Schedule.weekdays {
            let spans = (form["\(name)-\(day)"] ?? "").split(separator: ",").map { span -> JSON in
                .array(span.split(whereSeparator: { $0 == "-" || $0 == "–" }).map { .string(String($0).trimmingWhitespace()) })
            }
            if !spans.isEmpty { days[day] = .array(spans) }
        }
        return .object(days)
    }

    private func asked(_ form: FormData, _ name: String) -> JSON {
        var fields: [JSON] = []
        for index in 0..<TopicField.most {
            guard let label = form["\(name)-\(index)-label"]?.singleLine, !label.isEmpty else { continue }
            // A key that was left out is made from the question.
            let typed = form["\(name)-\(index)-key"]?.trimmingWhitespace() ?? ""
            let key = typed.isEmpty ? String(Words.split(label).joined(separator: "_").unicodeScalars.filter { ("a"..."z").contains($0) || ("0"..."9").contains($0) || $0 == "_" }.prefix(40).map(Character.init)) : typed
            let options = (form["\(name)-\(index)-options"] ?? "").split(separator: ",").map { String($0).trimmingWhitespace() }.filter { !$0.isEmpty }
            var field: [String: JSON] = ["key": .string(key), "label": .string(label), "kind": .string(form["\(name)-\(index)-kind"] ?? "line"), "required": .bool(form["\(name)-\(index)-required"] != nil)]
            if !options.isEmpty { field["options"] = .array(options.map(JSON.string)) }
            fields.append(.object(field))
        }
        return .array(fields)
    }
}

extension Resource.Kind {
    fileprivate var isOptional: Bool { if case .optionalInteger = self { true } else { false } }
}
