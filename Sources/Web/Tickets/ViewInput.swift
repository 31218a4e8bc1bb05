import Desk
import Domain
import Mail
import Markup
import Primitives

extension ResourceForm {
    /// What a part of a view is chosen by. Columns have a box each, so that their order is chosen, too.
    func viewInput(
        _ part: ViewPart, _ field: Resource.Field, _ value: JSON, _ returned: Returned?, _ fault: String?
    ) -> HTML {
        let (name, label) = (field.name, ResourceForm.label(field.name, t))
        func shown(_ kept: String) -> String { returned.map { $0.typed[name] ?? "" } ?? kept }
        func choice(_ options: [(String, String)], _ kept: String) -> HTML {
            Choice(name: name, label: label, options: options, chosen: shown(kept), hint: hint(field), fault: fault)
                .html
        }
        switch part {
        case .query:
            return TextField(
                name: name, label: label, value: shown(value.text ?? ""), hint: hint(field), fault: fault
            ).html
        case .sort:
            return choice(TicketOrder.sorts.map { ($0.sort, t.order($0)) }, value.text ?? TicketOrder.due.sort)
        case .groupBy:
            return choice([("", "–")] + ViewColumn.groupings.map { ($0.word, t.column($0)) }, value.text ?? "")
        case .audience:
            let kept = value.text ?? value["team"]?["id"]?.integer.map(String.init) ?? ""
            let options = audiences.map { ($0.value, $0.title) } + choices("team").map { ($0.0, t("Team {0}", $0.1)) }
            // Nothing is to be chosen where a view can be for oneself alone.
            if options.count == 1, fault == nil {
                return "<input type=\"hidden\" name=\"\(name)\" value=\"\(options[0].0)\">"
            }
            return choice(options, kept)
        case .columns: return columns(field, label, value, returned, fault)
        }
    }

    private func columns(
        _ field: Resource.Field, _ label: String, _ value: JSON, _ returned: Returned?, _ fault: String?
    ) -> HTML {
        let kept = value == .null ? ViewColumn.usual.map(\.word) : items(value).compactMap(\.text)
        func id(_ index: Int) -> String { "\(field.name)-\(index)" }
        let used =
            returned.map { sent in
                (0..<ViewColumn.most).last { !(sent.typed[id($0)] ?? "").isEmpty }.map { $0 + 1 } ?? 0
            } ?? kept.count
        let options =
            [("", "–")] + ViewColumn.plain.map { ($0.word, t.column($0)) }
            + fieldLabels.map { ("field.\($0.key)", $0.label) }
        let boxes: [HTML] = (0..<min(max(used + 2, 8), ViewColumn.most)).map { index in
            let before = index < kept.count ? kept[index] : ""
            return Choice(
                name: id(index), label: t("Column {0}", String(index + 1)), options: options,
                chosen: returned.map { $0.typed[id(index)] ?? "" } ?? before
            ).html
        }
        return """
            <fieldset class="stack"><legend>\(label)</legend>\
            <p class="small quiet">\(hint(field))</p><div class="columns">\(boxes)</div>\(alert(fault))</fieldset>
            """
    }

    /// What was chosen, as the API would have been told.
    func readView(_ part: ViewPart, _ form: FormData) -> JSON? {
        let text = form[part.rawValue] ?? ""
        switch part {
        case .query: return .string(text)
        case .sort: return text.isEmpty ? nil : .string(text)
        case .groupBy: return text.isEmpty ? .null : .string(text)
        case .audience: return Int64(text).map { ["team": ["id": JSON($0)]] } ?? (text.isEmpty ? nil : .string(text))
        case .columns:
            return .array(
                (0..<ViewColumn.most).compactMap { form["\(part.rawValue)-\($0)"] }.filter { !$0.isEmpty }.map(
                    JSON.string))
        }
    }
}

extension ViewPart {
    /// As the API's document tells it.
    func schema(isInput: Bool) -> JSON {
        switch self {
        case .query: return ["type": "string", "maxLength": 1000]
        case .columns:
            let plain = ViewColumn.plain.map(\.word).joined(separator: "|")
            return [
                "type": "array", "minItems": 1, "maxItems": JSON(Int64(ViewColumn.most)),
                "items": ["type": "string", "pattern": .string("^(\(plain)|field\\.[a-z0-9_]{1,40})$")],
            ]
        case .sort: return ["type": "string", "enum": .array(TicketOrder.sorts.map { .string($0.sort) })]
        case .groupBy:
            return [
                "anyOf": [
                    ["type": "string", "enum": .array(ViewColumn.groupings.map { .string($0.word) })],
                    ["type": "null"],
                ]
            ]
        case .audience:
            let team: JSON = ["$ref": .string("#/components/schemas/\(isInput ? "Wanted" : "Reference")")]
            return [
                "anyOf": [
                    ["type": "string", "enum": ["me", "everyone"]],
                    [
                        "type": "object", "required": ["team"], "additionalProperties": false,
                        "properties": ["team": team],
                    ],
                ]
            ]
        }
    }
}
