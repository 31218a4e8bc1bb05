import Domain
import Foundation
import Mail
import Primitives
import Store

/// What a message from the customer's side came to.
package enum MessageOutcome: Sendable {
    case added(Ticket, Entry.ID)
    /// The ticket was closed too long ago: a new one continues it.
    case continued(Ticket, Entry.ID)

    package var ticket: Ticket {
        switch self {
        case .added(let ticket, _), .continued(let ticket, _): ticket
        }
    }
    package var entry: Entry.ID {
        switch self {
        case .added(_, let entry), .continued(_, let entry): entry
        }
    }
}

extension Transaction {
    /// A customer says something: it ends waiting, brings back what was resolved or closed, and is told to whoever
    /// works on it.
    ///
    /// - Parameters:
    ///   - quietly: an automatic mail is kept and changes nothing else.
    ///   - provenance: what nobody proved is marked; it brings the ticket back, so that a person sees it, and does
    ///     nothing more.
    package func receive(
        _ writing: Writing, in ticket: Ticket, by author: Author, files: [StoredFile], source: Source,
        quietly: String? = nil, messageID: String? = nil, raw: String? = nil, provenance: Provenance = Provenance()
    ) throws -> MessageOutcome {
        // By mail these two are done where the mail is judged.
        if source == .web, !provenance.isUnverified, author.role == .customer, let id = author.id {
            try prove(Customer.ID(id), in: ticket.id)
            if let address = author.address { try forgetReturns(of: address) }
        }
        let words = NewEntry(
            writing: writing, author: author, files: files, source: source, messageID: messageID, raw: raw,
            provenance: provenance)
        if quietly == nil, ticket.isClosedForGood(at: now, settings.life) {
            return try openContinuation(of: ticket, words)
        }
        var after = ticket
        let message = CustomerMessage(
            author: author.actor, quietly: quietly, isUnverified: provenance.isUnverified,
            doubt: Self.doubt(author, provenance))
        let comesBack = quietly == nil && ticket.comesBackWithMessage
        let consequences = try after.receive(
            message, at: now, level: comesBack ? try serviceLevel(of: ticket) : try levelIfResting(ticket),
            previous: comesBack ? try previousSolver(of: ticket, for: ticket) : nil)
        return .added(after, try carryOut(consequences, on: after, from: ticket, saying: words).writtenEntry())
    }

    /// Opens a ticket that continues one which was closed too long ago.
    private func openContinuation(of ticket: Ticket, _ words: NewEntry) throws -> MessageOutcome {
        let author = words.author
        let requester =
            MailAddress(name: author.name, author.address ?? "")
            ?? MailAddress(name: ticket.requesterName, ticket.requesterAddress)
        guard let requester else { throw Refusal.notFound }
        var request = NewTicket(
            requester: requester, subject: ticket.subject, writing: words.writing, source: words.source)
        request.files = words.files
        request.department = .id(ticket.department.id.number)
        request.mailbox = ticket.mailbox
        request.messageID = words.messageID
        request.raw = words.raw
        request.follows = ticket
        request.provenance = words.provenance
        request.provenance.origin = nil
        request.isProved = !words.provenance.isUnverified && !author.isStranger
        let (opened, entry) = try open(request, by: author.actor)
        return .continued(opened, entry)
    }

    /// Why a message is not surely its author's; empty where it is.
    private static func doubt(_ author: Author, _ provenance: Provenance) -> String {
        if author.isStranger {
            return provenance.isUnverified
                ? "from someone new; unverified sender"
                : "from someone new, with the token of a forwarded email"
        }
        return provenance.isUnverified ? "unverified sender: nothing proves that this address wrote it" : ""
    }
}
