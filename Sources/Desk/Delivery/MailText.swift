import Domain
import Foundation
import Mail
import Markup
import Primitives

/// The words of one mail: a subject and a body with placeholders from a closed list. Administrators may write their
/// own.
package struct MailText: Sendable, Equatable {
    package let subject: String
    package let body: String

    package init(subject: String, body: String) {
        self.subject = subject
        self.body = body
    }

    /// Every name a text may use.
    package static let placeholders = [
        "ticket.number", "ticket.subject", "ticket.state", "ticket.priority", "ticket.department", "ticket.url",
        "customer.name", "agent.name", "desk.name",
        "signature", "reason", "message", "confirm.url", "reopen.url", "close.hours", "survey.url", "survey.stars",
        "link.url", "tickets.count",
    ]

    /// The first `{{name}}` that is not in the list; such a text is refused when it is saved.
    package static func unknownPlaceholder(in text: String, known: [String] = placeholders) -> String? {
        names(in: text).first { !known.contains($0) }
    }

    /// What stands between the braces, without what is taken where a value is empty.
    private static func names(in text: String) -> [String] { marks(in: text).map(\.name) }

    /// `{{name}}` or `{{name|what is taken where there is none}}`.
    private static func marks(in text: String) -> [(name: String, otherwise: String?)] {
        text.components(separatedBy: "{{").dropFirst().compactMap { part in
            part.range(of: "}}").map { mark(part[..<$0.lowerBound]) }
        }
    }
    private static func mark(_ inner: Substring) -> (name: String, otherwise: String?) {
        let parts = inner.split(separator: "|", maxSplits: 1, omittingEmptySubsequences: false)
        return (
            (parts.first ?? "").trimmingCharacters(in: .whitespaces),
            parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespaces) : nil
        )
    }

    /// The text with its values. `message` stays a mark of its own, since it has a form of its own in HTML. A paragraph
    /// of nothing but placeholders without a value is left out, so that no mail begins with blank lines.
    package func filled(_ values: [String: String]) -> MailText {
        let paragraphs = body.components(separatedBy: "\n\n").filter { paragraph in
            let marks = Self.marks(in: paragraph)
            guard !marks.isEmpty, Self.fill(paragraph, [:]).trimmingWhitespace().isEmpty else { return true }
            return marks.contains { !(values[$0.name] ?? "").trimmingWhitespace().isEmpty }
        }
        return MailText(
            subject: Self.fill(subject, values).singleLine,
            body: Self.fill(paragraphs.joined(separator: "\n\n"), values))
    }

    /// The first placeholder of a text that has neither a value nor words to take instead.
    package static func emptyPlaceholder(in text: String, _ values: [String: String]) -> String? {
        marks(in: text).first { $0.otherwise == nil && (values[$0.name] ?? "").trimmingWhitespace().isEmpty }?.name
    }

    /// The first placeholder of ours that stands unfilled in words an agent is about to send.
    package static func unfilledPlaceholder(in text: String) -> String? {
        names(in: text).first { placeholders.contains($0) }
    }

    /// One pass, so that a value that looks like a placeholder stays what it is.
    private static func fill(_ text: String, _ values: [String: String]) -> String {
        var filled = ""
        var rest = text[...]
        while let open = rest.range(of: "{{") {
            filled += rest[..<open.lowerBound]
            guard let close = rest.range(of: "}}", range: open.upperBound..<rest.endIndex) else {
                rest = rest[open.lowerBound...]
                break
            }
            let mark = mark(rest[open.upperBound..<close.lowerBound])
            let value = values[mark.name] ?? ""
            filled += value.isEmpty ? mark.otherwise ?? "" : value
            rest = rest[close.upperBound...]
        }
        return filled + rest
    }

    /// The languages standard texts are written in besides English.
    package static let languages = ["de"]

    /// The text in the reader's language where there is one, an administrator's own before ours.
    package static func text(for kind: MailKind, in language: String? = nil, settings: Settings) -> MailText {
        if let language, languages.contains(language), let translated = german(kind) {
            guard let own = settings.mailTexts["\(kind.rawValue).\(language)"] else { return translated }
            return MailText(
                subject: own["subject"]?.text ?? translated.subject, body: own["body"]?.text ?? translated.body)
        }
        let standard = standard(kind)
        guard let own = settings.mailTexts[kind.rawValue] else { return standard }
        return MailText(subject: own["subject"]?.text ?? standard.subject, body: own["body"]?.text ?? standard.body)
    }

    /// What a customer reads where a ticket was resolved without a word: it opens by itself.
    static func wordless(in language: String?, _ text: MailText) -> MailText {
        let opening =
            language == "de"
            ? "Hallo {{customer.name}},\n\nwir haben Ihre Anfrage „{{ticket.subject}}“ bearbeitet."
            : "Hi {{customer.name}},\n\nWe've finished working on your request “{{ticket.subject}}”."
        return MailText(
            subject: text.subject,
            body: text.body.contains("{{customer.name") ? text.body : opening + "\n\n" + text.body)
    }

    package static func standard(_ kind: MailKind) -> MailText {
        switch kind {
        case .acknowledgement:
            MailText(
                subject: "Re: {{ticket.subject}} [#{{ticket.number}}]",
                body: """
                    Hi {{customer.name|there}},

                    Thanks for getting in touch. We've received your request {{ticket.number}} and will get back to \
                    you as soon as we can.

                    View it or add to it here:
                    {{ticket.url}}

                    Or just reply to this email.

                    {{desk.name}}
                    """)
        case .reply:
            MailText(
                subject: "Re: {{ticket.subject}} [#{{ticket.number}}]",
                body: """
                    {{message}}

                    {{signature}}

                    View your request: {{ticket.url}}
                    """)
        case .resolved:
            MailText(
                subject: "Re: {{ticket.subject}} [#{{ticket.number}}]",
                body: """
                    {{message}}

                    {{signature}}

                    Did we solve your problem?

                    Yes, close my request: {{confirm.url}}
                    No, I still need help: {{reopen.url}}

                    If we don't hear from you, we'll close it in {{close.hours}} hours. Reply at any time to reopen it.
                    """)
        case .waiting:
            MailText(
                subject: "Re: {{ticket.subject}} [#{{ticket.number}}]",
                body: """
                    {{message}}

                    {{signature}}

                    We're waiting for your answer. Reply to this email, or answer online: {{ticket.url}}
                    """)
        case .closed:
            MailText(
                subject: "Re: {{ticket.subject}} [#{{ticket.number}}]",
                body: """
                    Hi {{customer.name|there}},

                    Your request “{{ticket.subject}}” is closed. If the problem comes back, reply to this email to \
                    reopen it.

                    {{desk.name}}
                    """)
        case .survey:
            MailText(
                subject: "How did we do? [#{{ticket.number}}]",
                body: """
                    Hi {{customer.name|there}},

                    Your request “{{ticket.subject}}” is closed. How did we do?

                    {{survey.stars}}

                    Your rating and comments help us improve. If the problem comes back, reply to this email to reopen \
                    your request.

                    {{desk.name}}
                    """)
        case .update:
            MailText(
                subject: "Re: {{ticket.subject}} [#{{ticket.number}}]",
                body: """
                    Hi {{customer.name|there}},

                    {{message}}

                    View your request: {{ticket.url}}

                    {{desk.name}}
                    """)
        case .signInLink:
            MailText(
                subject: "Sign in to {{desk.name}}",
                body: """
                    Hi {{customer.name|there}},

                    Use this link to see your requests. It works once and expires after an hour:
                    {{link.url}}

                    If you didn't ask for it, you can ignore this email.

                    {{desk.name}}
                    """)
        case .passwordReset:
            MailText(
                subject: "Set a new password for {{desk.name}}",
                body: """
                    Hi {{agent.name|there}},

                    Set a new password here. The link works once and expires after a day:
                    {{link.url}}

                    If you didn't ask for it, you can ignore this email: your password stays as it is.
                    """)
        case .invitation:
            MailText(
                subject: "You've been invited to {{desk.name}}",
                body: """
                    Hi {{agent.name|there}},

                    You've been invited to work on tickets at {{desk.name}}. Choose a password here. The link works \
                    once and expires after a day:
                    {{link.url}}
                    """)
        case .securityChanged:
            MailText(
                subject: "Security notice for your {{desk.name}} account",
                body: """
                    Hi {{agent.name}},

                    {{reason}}

                    If this was you, you don't need to do anything. If it wasn't, ask an administrator to deactivate your \
                    account, then set a new password and check your account:
                    {{link.url}}

                    {{desk.name}}
                    """)
        case .mailboxSilent:
            MailText(
                subject: "A mailbox can't be read",
                body: """
                    Hi {{agent.name|there}},

                    Usher hasn't been able to read this mailbox for some time:
                    {{reason}}

                    We'll keep trying. Your messages are safe on the server. Open the mailbox:
                    {{link.url}}

                    {{desk.name}}
                    """)
        case .digest:
            MailText(
                subject: "Your tickets at {{desk.name}}",
                body: """
                    Hi {{agent.name|there}},

                    {{reason}}

                    Your tickets: {{link.url}}

                    You get this email each day because you asked for it. You can turn it off in your account.

                    {{desk.name}}
                    """)
        case .assigned: forAgent("Assigned to you: {{ticket.subject}}")
        case .escalated: forAgent("Escalated: {{ticket.subject}}")
        case .received: forAgent("New message: {{ticket.subject}}")
        case .reopened: forAgent("Reopened: {{ticket.subject}}")
        case .overdue: forAgent("Overdue: {{ticket.subject}}")
        case .undelivered: forAgent("Email not delivered: {{ticket.subject}}")
        case .noted: forAgent("Note: {{ticket.subject}}")
        case .transferred: forAgent("Transferred to your department: {{ticket.subject}}")
        case .newRequest:
            MailText(
                subject: "New request: {{ticket.subject}} [#{{ticket.number}}]",
                body: """
                    {{customer.name}} · {{ticket.department}} · priority {{ticket.priority}}
                    {{ticket.url}}

                    {{message}}

                    You get this email because you work on these requests. You can turn it off in your account:
                    {{link.url}}
                    """)
        case .newRequests:
            MailText(
                subject: "New requests at {{desk.name}} ({{tickets.count}})",
                body: """
                    Hi {{agent.name}},

                    These requests have just come in:

                    {{reason}}

                    You get this email because you work on these requests. You can turn it off in your account:
                    {{link.url}}
                    """)
        }
    }

    private static func forAgent(_ subject: String) -> MailText {
        MailText(
            subject: subject + " [#{{ticket.number}}]",
            body: """
                {{reason}}

                {{customer.name}} · {{ticket.department}} · priority {{ticket.priority}} · {{ticket.state}}
                {{ticket.url}}

                {{message}}
                """)
    }
}

extension MailText {
    /// The HTML beside the plain text: the same words, addresses made links, the message in its own form.
    package static func html(_ template: MailText, values: [String: String], message: HTML?, quote: HTML? = nil) -> HTML
    {
        let mark = "\u{FFFC}"
        var marked = values
        marked["message"] = mark
        var markup: HTML = ""
        for part in template.filled(marked).body.components(separatedBy: mark).enumerated() {
            if part.offset > 0, let message { markup += "<div>\(message)</div>\n" }
            markup += linked(part.element)
        }
        return
            """
            <!DOCTYPE html>\n<html><body style="font-family:sans-serif;font-size:15px;line-height:1.5">\n\(markup)\
            \(quote)</body></html>\n
            """
    }

    private static func linked(_ text: String) -> HTML {
        var markup: HTML = ""
        for paragraph in text.components(separatedBy: "\n\n") where !paragraph.trimmingWhitespace().isEmpty {
            var lines: HTML = ""
            for (index, line) in paragraph.trimmingCharacters(in: .newlines).components(separatedBy: "\n").enumerated()
            {
                if index > 0 { lines += "<br>\n" }
                lines += LinkedText.html(line)
            }
            markup += "<p>\(lines)</p>\n"
        }
        return markup
    }
}

extension MailText {
    /// A canned reply with the names of one ticket in it.
    ///
    /// - Throws: `Refusal.invalid` naming the placeholder that is empty here and has no words to take instead.
    package init(canned body: String, for ticket: Ticket, by agent: Agent, settings: Settings, url: String) throws {
        let values = [
            "ticket.number": String(ticket.number), "ticket.subject": ticket.subject,
            "ticket.department": ticket.department.name, "ticket.state": ticket.state.rawValue,
            "ticket.priority": ticket.priority.word, "ticket.url": "\(url)/tickets/\(ticket.number)",
            "customer.name": ticket.requesterName, "agent.name": agent.name,
            "desk.name": settings.name, "signature": agent.name,
        ]
        if let empty = Self.emptyPlaceholder(in: body, values) {
            throw Refusal.invalid("body", .emptyPlaceholder(empty))
        }
        self = MailText(subject: "", body: Self.fill(body, values))
    }

    /// What a canned reply may name: what is known of a ticket before anything is sent.
    package static let cannedPlaceholders = [
        "ticket.number", "ticket.subject", "ticket.state", "ticket.priority", "ticket.department", "ticket.url",
        "customer.name", "agent.name", "desk.name", "signature",
    ]
}
