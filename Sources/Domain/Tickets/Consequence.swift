import Foundation
import Primitives

/// Something that follows from a decision about a ticket, besides the change of the ticket itself.
///
/// A decision is a mutating function of `Ticket`: it changes the value, or refuses, and returns what follows in the
/// order in which it is to be done. It does nothing itself. Whoever carries it out does so in one transaction; whoever
/// does not has made a dry run.
package enum Consequence: Sendable, Equatable {
    /// The words that were handed over with the decision become an entry of the conversation.
    case write(EntryKind)
    /// An event of the timeline is recorded.
    case record(EventRecord)
    /// Everybody on the customer's side gets a mail.
    case tellCustomers(CustomerMail)
    /// Agents get a mail, each at most once, and none whoever did it.
    case tellAgents(AgentMail)
    /// A job is due at a moment; one of the same kind that is planned already moves there.
    case schedule(JobKind, at: Date)
    /// A job that is planned is not done.
    case cancel(JobKind)
    /// The customer is asked how it went.
    case askForRating
    /// Mails on their way that a program decided to send do not go.
    case cancelAutomaticMail
    /// Mails of a kind that this ticket queued at a moment, and that have not gone yet, do not go.
    case cancelMail(MailKind, queuedAt: Date)

    /// An agent becomes a second agent, or is none any more.
    case addSecondAgent(Agent.ID)
    case removeSecondAgent(Agent.ID)
    /// Somebody takes part on the customer's side of this ticket, or of the one given.
    case addCollaborator(Customer.ID, address: String, to: Ticket.ID?)
    case removeCollaborator(address: String, from: Ticket.ID? = nil)
    /// Another customer asks: the former one has no part any more, unless kept as a collaborator.
    case replaceRequester(Person<Customer>, keepsFormer: Bool)

    /// All entries move into another ticket.
    case moveConversation(to: Ticket.ID)
    /// Some entries move into another ticket for good, with their files and the mail that carried them.
    case moveEntries([Int64], to: Ticket.ID)
    /// The entries that came from this ticket go back to it from another.
    case returnConversation(from: Ticket.ID)
    /// Another ticket stands to this one in some way, or no longer does.
    case link(Ticket.ID, TicketRelation)
    case unlink(Ticket.ID, TicketRelation)
    /// Words are found by a search from now on.
    case indexWords(String)
    /// The text of tickets is indexed anew.
    case indexTexts([Ticket.ID])
    /// The tags that are searched become the ticket's own.
    case setTags([String])
}

/// An event as a decision states it; its moment and its key come when it is recorded.
package struct EventRecord: Sendable, Equatable {
    package let kind: TicketEvent.Kind
    /// The ticket whose timeline shows it; nil for the one that was decided about.
    package let ticket: Ticket.ID?
    package let actor: Actor
    package let reason: String
    package let data: [String: JSON]
    /// Whether the entry that is written with the decision is named in its data.
    package let namesEntry: Bool
}

/// An entry that a mail shows.
package enum EntryMention: Sendable, Equatable {
    /// The one that is written with the decision.
    case written
    /// The ticket's first message.
    case first
}

/// A mail to everybody on the customer's side of a ticket.
package struct CustomerMail: Sendable, Equatable {
    package let kind: MailKind
    package let entry: EntryMention?
    package let data: [String: JSON]
}

/// A mail to agents.
package struct AgentMail: Sendable, Equatable {
    package let kind: MailKind
    package let recipients: [Recipients]
    package let entry: EntryMention?
    package let actor: Actor
    /// Why they get it.
    package let reason: String
}

/// Agents who are written to, as a decision names them. Who that is becomes known when the mail is queued.
package enum Recipients: Sendable, Equatable {
    case agents([Agent])
    case agent(Agent.ID)
    /// The second agents of the ticket.
    case secondAgents
    /// The lead and the members of a team.
    case members(of: Team.ID)
    /// Those of a department who work on tickets.
    case workers(in: Department.ID)
    /// The supervisors of a department, or the administrators where there is none.
    case supervisors(of: Department.ID)
}

extension Consequence {
    /// An event of the ticket's timeline, or of the timeline of another one.
    package static func event(
        _ kind: TicketEvent.Kind, by actor: Actor, reason: String = "", data: [String: JSON] = [:],
        namesEntry: Bool = false, on ticket: Ticket.ID? = nil
    ) -> Consequence {
        .record(
            EventRecord(
                kind: kind, ticket: ticket, actor: actor, reason: reason, data: data, namesEntry: namesEntry))
    }

    /// A mail to everybody on the customer's side.
    package static func mailCustomers(
        _ kind: MailKind, entry: EntryMention? = nil, data: [String: JSON] = [:]
    ) -> Consequence {
        .tellCustomers(CustomerMail(kind: kind, entry: entry, data: data))
    }

    /// A mail to agents that says why they get it.
    package static func mailAgents(
        _ kind: MailKind, to recipients: [Recipients], entry: EntryMention? = nil, by actor: Actor, reason: String
    ) -> Consequence {
        .tellAgents(AgentMail(kind: kind, recipients: recipients, entry: entry, actor: actor, reason: reason))
    }
}
