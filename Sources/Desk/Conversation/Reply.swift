import Domain
import Foundation
import Primitives
import Store

extension Transaction {
    /// An agent answers the customer. The first answer takes up a ticket that nobody had.
    ///
    /// - Parameter waits: whether the ticket waits for the customer's answer from now on.
    package func reply(
        to ticket: inout Ticket, _ writing: Writing, by actor: Actor, files: [StoredFile], source: Source,
        waits: Bool = false, messageID: String? = nil, raw: String? = nil
    ) throws -> Entry.ID {
        let before = ticket
        let agent = try whoTakesUp(ticket, actor)
        let consequences =
            waits
            ? try ticket.replyAndWait(by: actor, as: agent, at: now) : try ticket.reply(by: actor, as: agent, at: now)
        let words = NewEntry(
            writing: writing, author: Author(actor), files: files, source: source, messageID: messageID, raw: raw)
        try words.requireContent()
        return try carryOut(consequences, on: ticket, from: before, saying: words).writtenEntry()
    }

    /// The agent who answers, where the answer would take the ticket up.
    func whoTakesUp(_ ticket: Ticket, _ actor: Actor) throws -> Agent? {
        guard ticket.assignee == nil, ticket.state.isActive else { return nil }
        return try actor.agentID.flatMap { try db.agent($0) }
    }

    /// An internal note: only agents see it.
    package func note(
        on ticket: inout Ticket, _ writing: Writing, by actor: Actor, files: [StoredFile], source: Source,
        messageID: String? = nil, raw: String? = nil
    ) throws -> Entry.ID {
        let before = ticket
        let consequences = try ticket.note(by: actor, at: now)
        let words = NewEntry(
            writing: writing, author: Author(actor), files: files, source: source, messageID: messageID, raw: raw)
        try words.requireContent()
        return try carryOut(consequences, on: ticket, from: before, saying: words).writtenEntry()
    }
}
