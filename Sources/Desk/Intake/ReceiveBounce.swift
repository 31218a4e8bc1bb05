import Domain
import Foundation
import Mail
import Primitives
import Store

extension Transaction {
    /// A delivery report belongs to the mail it names, by Message-ID or by the address it came back to. Each names one
    /// mail to one recipient, signed: nobody can report another's mail.
    func bounce(_ mail: ReceivedMail) throws -> Placed {
        let isReport = mail.message.automatic == .report
        let bounce = mail.message.bounce
        let named = (bounce?.messageIDs ?? []) + mail.answered
        var found: Returned?
        for id in named.compactMap({ OwnMessageID($0, signer: office.signer) }) where found == nil {
            found = try returned(id.token, row: id.outbox)
        }
        for token in mail.tokens(office.signer) where found == nil { found = try returned(token, row: nil) }
        guard let found else {
            return reject(
                isReport
                    ? "an abuse report that names none of our emails"
                    : "a delivery report that names none of our emails"
            )
        }
        let living = try db.livingTicket(found.ticket)
        let status = bounce?.status ?? ""
        let detail = [status, bounce?.detail.singleLine ?? ""].filter { !$0.isEmpty }.joined(separator: " ")
        // RFC 3464, section 2.3.3: some servers report that all went well.
        if !isReport, status.hasPrefix("2") { return (.bounced(living.number), nil, reason: "a report of a delivery") }
        // RFC 3463, section 2: 5 is for good; all else may still arrive.
        let isForGood = !isReport && status.hasPrefix("5")
        let what = isForGood ? "came back" : status.hasPrefix("4") ? "is delayed" : "came back or is delayed"
        try record(
            .bounced, on: living.id, by: .mail,
            reason: isReport
                ? "\(found.address) reported our mail as abuse" : "mail to \(found.address) \(what): \(detail)",
            data: ["address": .string(found.address), "status": .string(status), "outbox": JSON(found.outbox.number)])
        guard isForGood else {
            // A report that does not say is for a person to read.
            if !isReport, status.isEmpty {
                try carryOut(
                    living.mailCameBack(from: found.address, detail: detail, what: what), on: living, from: living)
            }
            return (.bounced(living.number), nil, reason: "a delivery report")
        }
        try db.execute(
            """
            UPDATE outbox SET state = 'bounced', due_at = NULL, error = \(String(detail.prefix(500)))
            WHERE id = \(found.outbox)
            """
        )
        // Where it was passed on and came back from there, the address itself is alive.
        if let customer = found.customer, bounce?.recipient.map({ $0 == found.address }) ?? true {
            try db.execute(
                """
                UPDATE customer_address SET undeliverable_at = \(now) WHERE address = \(found.address)
                AND customer_id = \(customer)
                """
            )
        }
        try carryOut(
            living.mailCameBack(from: found.address, detail: detail, what: what), on: living, from: living)
        return (.bounced(living.number), nil, reason: "a delivery report")
    }

    /// A mail of ours that came back.
    private struct Returned {
        let outbox: OutboxMail.ID
        let ticket: Ticket.ID
        let address: String
        let customer: Customer.ID?
    }

    /// The mail a token belongs to: the row that was signed with it, else the last to its recipient.
    private func returned(_ token: MailToken, row: OutboxMail.ID?) throws -> Returned? {
        let (kind, id): (String, Int64) =
            switch token.recipient {
            case .customer(let id): ("customer", id.number)
            case .agent(let id), .agentNote(let id): ("agent", id.number)
            }
        let which: SQL = row.map { "AND id = \($0)" } ?? ""
        return try db.first(
            """
            SELECT id, address FROM outbox WHERE ticket_id = \(token.ticket) AND recipient_kind = \(kind)
            AND recipient_id = \(id) \(which) ORDER BY id DESC LIMIT 1
            """
        ) {
            Returned(
                outbox: try $0.read(), ticket: token.ticket, address: try $0.read(),
                customer: kind == "customer" ? Customer.ID(id) : nil)
        }
    }
}
