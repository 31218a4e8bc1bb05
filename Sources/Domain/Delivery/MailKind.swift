/// Each occasion on which the desk writes to somebody.
package enum MailKind: String, Sendable, CaseIterable {
    // to customers
    case acknowledgement, reply, resolved, waiting, closed, survey, update
    // to agents
    case assigned, escalated, received, reopened, overdue, undelivered
    case noted, transferred
    /// A request came in: one with its words, or several of one minute.
    case newRequest = "new_request"
    case newRequests = "new_requests"
    // to agents who asked for it, once a day, with no ticket
    case digest
    // about signing in, with no ticket
    case signInLink = "sign_in_link"
    case passwordReset = "password_reset"
    case invitation
    /// To an agent: something about signing in has changed.
    case securityChanged = "security_changed"
    // to administrators, with no ticket
    case mailboxSilent = "mailbox_silent"

    /// Whether a program decided to send it; a person's reply is the only one that is none.
    package var isAutomatic: Bool { !carriesReply }
    /// Whether several of one minute go in one mail.
    package var joins: Bool { self == .received || self == .noted }
    /// An agent's own words to the customer.
    package var carriesReply: Bool { self == .reply || self == .resolved || self == .waiting }
    package var isForCustomer: Bool {
        switch self {
        case .acknowledgement, .reply, .resolved, .waiting, .closed, .survey, .update, .signInLink: true
        case .assigned, .escalated, .received, .reopened, .overdue, .undelivered, .noted, .transferred, .newRequest,
            .newRequests, .digest, .passwordReset, .invitation, .securityChanged, .mailboxSilent:
            false
        }
    }
}
