import Domain

extension MailText {
    /// The standard texts in German; nil for occasions that are written in English only.
    static func german(_ kind: MailKind) -> MailText? {
        switch kind {
        case .acknowledgement:
            MailText(
                subject: "Re: {{ticket.subject}} [#{{ticket.number}}]",
                body: """
                    Guten Tag {{customer.name}},

                    danke für Ihre Nachricht. Ihre Anfrage hat die Nummer {{ticket.number}}; wir antworten, sobald wir \
                    können.

                    Hier können Sie Ihre Anfrage verfolgen oder ergänzen:
                    {{ticket.url}}

                    Sie können auch einfach auf diese E-Mail antworten.

                    {{desk.name}}
                    """)
        case .reply:
            MailText(
                subject: "Re: {{ticket.subject}} [#{{ticket.number}}]",
                body: """
                    {{message}}

                    {{signature}}

                    Ihre Anfrage: {{ticket.url}}
                    """)
        case .resolved:
            MailText(
                subject: "Re: {{ticket.subject}} [#{{ticket.number}}]",
                body: """
                    {{message}}

                    {{signature}}

                    Konnten wir Ihr Problem lösen?

                    Ja, Anfrage schließen: {{confirm.url}}
                    Nein, ich brauche noch Hilfe: {{reopen.url}}

                    Hören wir nichts, schließen wir sie in {{close.hours}} Stunden. Eine Antwort auf diese Mail öffnet \
                    sie jederzeit wieder.
                    """)
        case .waiting:
            MailText(
                subject: "Re: {{ticket.subject}} [#{{ticket.number}}]",
                body: """
                    {{message}}

                    {{signature}}

                    Wir warten auf Ihre Antwort. Antworten Sie einfach auf diese Mail, oder hier: {{ticket.url}}
                    """)
        case .closed:
            MailText(
                subject: "Re: {{ticket.subject}} [#{{ticket.number}}]",
                body: """
                    Guten Tag {{customer.name}},

                    Ihre Anfrage „{{ticket.subject}}“ ist geschlossen. Kommt das Problem wieder, antworten Sie auf \
                    diese Mail, und sie wird wieder geöffnet.

                    {{desk.name}}
                    """)
        case .survey:
            MailText(
                subject: "Wie waren wir? [#{{ticket.number}}]",
                body: """
                    Guten Tag {{customer.name}},

                    Ihre Anfrage „{{ticket.subject}}“ ist geschlossen. Wie waren wir?

                    {{survey.stars}}

                    Ihre Bewertung und Ihr Kommentar helfen uns, besser zu werden. Kommt das Problem wieder, antworten \
                    Sie auf diese Mail, und die Anfrage wird wieder geöffnet.

                    {{desk.name}}
                    """)
        case .update:
            MailText(
                subject: "Re: {{ticket.subject}} [#{{ticket.number}}]",
                body: """
                    Guten Tag {{customer.name}},

                    {{message}}

                    Der Stand Ihrer Anfrage: {{ticket.url}}

                    {{desk.name}}
                    """)
        case .signInLink:
            MailText(
                subject: "Anmelden bei {{desk.name}}",
                body: """
                    Guten Tag {{customer.name}},

                    mit diesem Link sehen Sie Ihre Anfragen. Er gilt einmal und läuft nach einer Stunde ab:
                    {{link.url}}

                    Falls Sie ihn nicht angefordert haben, können Sie diese E-Mail ignorieren.

                    {{desk.name}}
                    """)
        case .newRequest:
            MailText(
                subject: "Neue Anfrage: {{ticket.subject}} [#{{ticket.number}}]",
                body: """
                    {{customer.name}} · {{ticket.department}} · Priorität {{ticket.priority}}
                    {{ticket.url}}

                    {{message}}

                    Sie erhalten diese E-Mail, weil Sie solche Anfragen bearbeiten. In Ihrem Konto können Sie sie \
                    abschalten:
                    {{link.url}}
                    """)
        case .newRequests:
            MailText(
                subject: "Neue Anfragen bei {{desk.name}} ({{tickets.count}})",
                body: """
                    Hallo {{agent.name}},

                    diese Anfragen sind gerade eingegangen:

                    {{reason}}

                    Sie erhalten diese E-Mail, weil Sie solche Anfragen bearbeiten. In Ihrem Konto können Sie sie \
                    abschalten:
                    {{link.url}}
                    """)
        case .passwordReset:
            MailText(
                subject: "Neues Passwort für {{desk.name}}",
                body: """
                    Hallo {{agent.name}},

                    legen Sie hier ein neues Passwort fest. Der Link gilt einmal und läuft nach einem Tag ab:
                    {{link.url}}

                    Falls Sie ihn nicht angefordert haben, können Sie diese E-Mail ignorieren.

                    {{desk.name}}
                    """)
        case .securityChanged:
            MailText(
                subject: "Sicherheitshinweis zu Ihrem Konto bei {{desk.name}}",
                body: """
                    Hallo {{agent.name}},

                    {{reason}}

                    Wenn Sie das waren, ist nichts zu tun. Wenn nicht, bitten Sie einen Administrator, Ihr Konto zu \
                    deaktivieren, wählen Sie danach ein neues Passwort und prüfen Sie Ihr Konto:
                    {{link.url}}

                    {{desk.name}}
                    """)
        default: nil
        }
    }
}

extension MailText {
    /// A priority in the language of a mail.
    static func word(for priority: Priority, in language: String?) -> String {
        guard language == "de" else { return priority.word }
        return switch priority {
        case .low: "niedrig"
        case .normal: "normal"
        case .high: "hoch"
        case .urgent: "dringend"
        }
    }

    package static func hasTranslation(_ kind: MailKind) -> Bool { german(kind) != nil }

    /// The text filled as for some request, so that whoever writes it sees how it reads.
    package func example(of kind: MailKind, settings: Settings, url: String) -> MailText {
        let link = "\(url)/t/example"
        return filled([
            "ticket.number": "100001", "ticket.subject": "Scanner sends empty pages", "ticket.state": "open",
            "ticket.priority": "normal", "ticket.department": "Support",
            "ticket.url": kind.isForCustomer ? link : "\(url)/desk/tickets/100001", "customer.name": "Kim Ito",
            "agent.name": "Ada Lind", "desk.name": settings.name, "signature": "Ada Lind\n\(settings.name)",
            "reason": "A new message from the customer.", "message": "Please clean the glass and try again.",
            "confirm.url": link + "?answer=yes", "reopen.url": link + "?answer=no",
            "close.hours": String(settings.closeAfterHours), "survey.url": "\(url)/survey/example",
            "tickets.count": "3",
            "survey.stars": Rating.allCases.reversed().map { "\($0.stars) \(url)/survey/example?rating=\($0.rawValue)" }
                .joined(separator: "\n"), "link.url": "\(url)/sign-in/example",
        ])
    }
}
