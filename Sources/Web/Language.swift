import Desk
import Domain
import Foundation
import Primitives

/// The words of the pages in one language. English stands in the pages themselves and is the key to all others, so that
/// no text is without its words; a test finds what a translation lacks.
struct Language: Sendable {
    /// As in `lang` (BCP 47).
    let code: String
    private let texts: [String: String]
    /// The words for so many minutes, of three days: lists are full of them.
    private let spans: [String]

    private init(code: String, texts: [String: String]) {
        self.code = code
        self.texts = texts
        let bare = Language(code: code, texts: texts, spans: [])
        spans = (0..<4320).map { bare.makeSpan($0) }
    }
    private init(code: String, texts: [String: String], spans: [String]) {
        self.code = code
        self.texts = texts
        self.spans = spans
    }

    static let english = Language(code: "en", texts: [:])
    static let german = Language(code: "de", texts: read(PackageResources.de_json))
    static let all = [english, german]
    static let names = [("en", "English"), ("de", "Deutsch")]

    private static func read(_ bytes: [UInt8]) -> [String: String] {
        guard case .object(let fields)? = try? JSON(parsing: Data(bytes)) else { return [:] }
        return fields.compactMapValues(\.text)
    }

    /// A text, with `{0}`, `{1}` … filled.
    func callAsFunction(_ text: String, _ values: String...) -> String {
        let words = texts.isEmpty ? text : texts[text] ?? text
        return values.isEmpty ? words : Sentence.fill(words, values)
    }

    /// A sentence of the desk's, with the values it has.
    func callAsFunction(_ sentence: Sentence) -> String {
        let words = texts[sentence.template] ?? sentence.template
        guard !sentence.values.isEmpty else { return words }
        let values = sentence.values.map { value -> String in
            switch value {
            case .text(let text): text
            case .words(let words): texts[words] ?? words
            }
        }
        return Sentence.fill(words, values)
    }

    func knows(_ text: String) -> Bool { texts[text] != nil }
    var keys: Set<String> { Set(texts.keys) }

    /// The best of ours for what a browser asks for (RFC 9110, section 12.5.4).
    static func best(for header: String?) -> Language {
        let wishes = (header ?? "").split(separator: ",").map { part -> (code: String, weight: Double) in
            let pieces = part.split(separator: ";")
            let weight =
                pieces.dropFirst().first.flatMap {
                    Double($0.trimmingCharacters(in: .whitespaces).replacingOccurrences(of: "q=", with: ""))
                } ?? 1
            return (pieces.first.map { $0.trimmingCharacters(in: .whitespaces).lowercased() } ?? "", weight)
        }
        for wish in wishes.sorted(by: { $0.weight > $1.weight }) where wish.weight > 0 {
            if let found = all.first(where: { wish.code == $0.code || wish.code.hasPrefix($0.code + "-") }) {
                return found
            }
        }
        return english
    }
    static func named(_ code: String?) -> Language? { all.first { $0.code == code } }
}

// MARK: the desk's own words

extension Language {
    /// A fault as the sentence beside its field.
    func fault(_ problem: Fault.Problem) -> String { self(problem.sentence) }

    func state(_ state: TicketState) -> String {
        switch state {
        case .new: self("new")
        case .open: self("open")
        case .waiting: self("waiting")
        case .held: self("on hold")
        case .resolved: self("resolved")
        case .closed: self("closed")
        case .spam: self("spam")
        case .merged: self("merged")
        case .deleted: self("deleted")
        }
    }

    /// A state as a heading or a chip says it.
    func status(_ state: TicketState) -> String {
        switch state {
        case .new: self("New")
        case .open: self("Open")
        case .waiting: self("Pending")
        case .held: self("On hold")
        case .resolved: self("Resolved")
        case .closed: self("Closed")
        case .spam: self("Spam")
        case .merged: self("Merged")
        case .deleted: self("Deleted")
        }
    }

    /// A priority as a heading or a chip says it.
    func priorityName(_ priority: Priority) -> String {
        switch priority {
        case .low: self("Low")
        case .normal: self("Normal")
        case .high: self("High")
        case .urgent: self("Urgent")
        }
    }

    /// How a state is called to a customer.
    func customerState(_ state: TicketState) -> String {
        switch state {
        case .new: self("received")
        case .open, .held: self("in progress")
        case .waiting: self("waiting for your answer")
        case .resolved: self("solved, please confirm")
        case .closed: self("closed")
        case .spam, .merged, .deleted: self.state(state)
        }
    }

    func priority(_ priority: Priority) -> String {
        switch priority {
        case .low: self("low")
        case .normal: self("normal")
        case .high: self("high")
        case .urgent: self("urgent")
        }
    }

    func role(_ role: Role) -> String {
        switch role {
        case .viewer: self("light agent")
        case .agent: self("agent")
        case .supervisor: self("supervisor")
        case .administrator: self("administrator")
        }
    }

    func source(_ source: Source) -> String {
        switch source {
        case .email: self("Email")
        case .web: self("Web form")
        case .api: self("API")
        case .phone: self("Phone")
        }
    }

    func list(_ list: WorkList) -> String {
        switch list {
        case .next: self("Up next")
        case .escalated: self("Escalated")
        case .mine: self("My tickets")
        case .answered: self("Customer replied")
        case .unassigned: self("Unassigned")
        case .teams: self("My teams")
        case .missed: self("Overdue")
        case .open: self("All open")
        case .waiting: self("Pending and on hold")
        case .closed: self("Closed")
        case .spam: self("Spam")
        }
    }

    func action(_ action: TicketAction) -> String {
        switch action {
        case .claim: self("Assign to me")
        case .assign: self("Assign")
        case .release: self("Unassign")
        case .transfer: self("Transfer")
        case .escalate: self("Escalate")
        case .deEscalate: self("De-escalate")
        case .wait: self("Wait for customer")
        case .hold: self("Put on hold")
        case .resume: self("Resume")
        case .resolve: self("Resolve")
        case .confirm: self("Customer confirmed")
        case .close: self("Close")
        case .reopen: self("Reopen")
        case .spam: self("Mark as spam")
        case .merge: self("Merge")
        case .unmerge: self("Unmerge")
        case .split: self("Split into new ticket")
        case .link: self("Link ticket")
        case .unlink: self("Remove link")
        case .addAgent: self("Add agent")
        case .removeAgent: self("Remove agent")
        case .addCollaborator: self("Add CC")
        case .removeCollaborator: self("Remove CC")
        case .setRequester: self("Change requester")
        }
    }

    /// A stretch of time in its two largest units: `2h 40m`, `3d 4h`, `18m`.
    func span(_ seconds: TimeInterval) -> String {
        let minutes = Int(abs(seconds) / 60)
        return minutes < spans.count ? spans[minutes] : makeSpan(minutes)
    }

    /// How long ago something was, in its largest unit: `now`, `18m`, `2h`, `3d`.
    func ago(_ seconds: TimeInterval) -> String {
        let minutes = max(0, Int(seconds / 60))
        switch minutes {
        case 0: return self("now")
        case ..<60: return span(seconds)
        case ..<1440: return span(TimeInterval(minutes / 60 * 3600))
        default: return span(TimeInterval(minutes / 1440 * 86_400))
        }
    }

    fileprivate func makeSpan(_ minutes: Int) -> String {
        switch minutes {
        case ..<60: return self("{0}m", String(minutes))
        case ..<1440:
            return minutes % 60 == 0
                ? self("{0}h", String(minutes / 60)) : self("{0}h {1}m", String(minutes / 60), String(minutes % 60))
        default:
            let (days, hours) = (minutes / 1440, minutes % 1440 / 60)
            return hours == 0 || days > 9 ? self("{0}d", String(days)) : self("{0}d {1}h", String(days), String(hours))
        }
    }
}
