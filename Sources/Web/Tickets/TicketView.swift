import Desk
import Domain
import Foundation
import Markup
import Primitives
import Store

/// All that an agent's page of a ticket shows.
struct TicketView: Sendable {
    let whole: WholeTicket
    let entries: [Entry]
    /// Whether there are more entries before the first one shown.
    let hasEarlier: Bool
    let events: [TicketEvent]
    /// Numbers of tickets that the events name and the agent may see.
    let named: Set<Int64>
    /// Numbers of the tickets that were merged into this one.
    let mergedHere: Set<Int64>
    /// All mails about the ticket, newest first.
    let mails: [Delivery]
    let deliveries: [Entry.ID: [Delivery]]
    let drafts: [Entry.Kind: Draft]
    let choices: TicketChoices
    let acquaintance: Acquaintance
    let survey: Survey?
    let present: [Presence]
    /// Mail to the requester's address came back.
    let isUndeliverable: Bool
    /// When the customer of an escalated ticket is told next how it stands.
    let nextUpdate: Date?
    var ticket: Ticket { whole.ticket }
    /// The last thing said, so that a reply written before something new arrived is noticed.
    var lastEntry: Int64 { entries.last?.id.number ?? 0 }
    var lastEvent: Int64 { events.last?.id.number ?? 0 }
}

/// How the page is asked for, and what just happened on it.
struct TicketNotice: Sendable {
    var showsPictures: Bool { pictureSigner != nil }
    /// Signs the addresses under which pictures from elsewhere are shown; nil hides them.
    var pictureSigner: Signer?
    var showsAll = false
    var said: String?
    /// Whether the list's next ticket is offered beside what was said.
    var offersNext = false
    /// Where the ticket stood in its list before it was changed.
    var after: TicketCursor?
    /// A form of an action that came back: it stands open on the ticket's page, with all that was typed.
    var dialog: Dialog?
    /// What stands in the composer instead of the draft.
    var typed: (kind: Entry.Kind, body: String)?
    var fault: Fault?
    /// Somebody wrote while a reply was being written.
    var isOutrun = false
    var then = ""
}

/// A form that stands open over the page.
struct Dialog: Sendable {
    let title: String
    let form: HTML

    init(_ title: String, _ form: HTML) {
        self.title = title
        self.form = form
    }
}

extension Call {
    static let mostEntries = 100

    func ticketView(_ number: Int64, all: Bool = false) async throws -> TicketView {
        let agent = try self.agent()
        let (feed, now) = (desk.feed, desk.clock.now())
        let choices = try await desk.choices.choices(on: desk)
        return try await desk.read { db in
            let ticket = try db.ticket(number: number, for: .agent(agent))
            let most = all ? 20_000 : Self.mostEntries
            // All of it hangs on the ticket alone.
            return try db.inOneRound { db in
                let entries = try db.latestEntries(of: ticket.id, limit: most + 1)
                let happened = try db.latestEvents(of: ticket.id, limit: most * 3)
                let named = try db.tickets(namedBy: happened, for: .agent(agent))
                let known = named.union([number])
                let mails = try db.deliveries(of: ticket.id, limit: 500)
                let deliveries = Dictionary(
                    grouping: mails.filter(\.kind.carriesReply), by: { $0.entry ?? Entry.ID(0) })
                return TicketView(
                    whole: try db.whole(ticket, for: .agent(agent)), entries: Array(entries.suffix(most)),
                    hasEarlier: entries.count > most,
                    events: happened.compactMap { $0.naming(known) }, named: named,
                    mergedHere: try db.numbers(mergedInto: ticket.id, for: .agent(agent)), mails: mails,
                    deliveries: deliveries,
                    drafts: try db.drafts(by: agent.id, in: ticket.id),
                    choices: choices.forTickets(of: ticket.department.id),
                    acquaintance: try db.acquaintance(with: ticket.customer, for: .agent(agent)),
                    survey: try db.latestSurvey(of: ticket.id), present: feed.present(at: ticket.id, now: now),
                    isUndeliverable: try db.isUndeliverable(ticket.requesterAddress),
                    nextUpdate: ticket.escalationLevel > 0 ? try db.nextUpdate(of: ticket.id) : nil)
            }
        }
    }
}
